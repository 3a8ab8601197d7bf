
/*
 * What a run tells Redis: its revisions, now and then, and its end.  The end
 * is Redis' to accept: only then the journal gets it, and everybody sees it.
 * If it is in other hands by now, nothing of it is seen.
 *
 * While Redis is away a job ends here, "degraded", and Redis hears of it
 * later; where that is not wanted (fallback=off), and while Redis answers that
 * it cannot write now, the end waits.
 *
 * Event loop.  The run is held like by a thread's task.
 */


#include "ngx_http_imgp_share.h"


static void ngx_http_imgp_share_run_timer(ngx_event_t *ev);
static void ngx_http_imgp_share_run_commit(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_share_run_committed(void *data,
    imgp_redis_class_e c, const redisReply *reply);
static ngx_int_t ngx_http_imgp_share_run_send(ngx_http_imgp_run_t *run,
    uint64_t lease, ngx_http_imgp_share_pack_t *pack,
    ngx_http_imgp_redis_pt handler);
static ngx_uint_t ngx_http_imgp_share_run_outputs(ngx_http_imgp_run_t *run,
    imgp_item_t *items);
static ngx_int_t ngx_http_imgp_share_run_pack(void *data,
    ngx_http_imgp_share_pack_t *pack);
static void ngx_http_imgp_share_run_packed(void *data, ngx_int_t rc);
static void ngx_http_imgp_share_run_say(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_share_run_ended(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_run_degraded(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_share_run_later(ngx_http_imgp_run_t *run);


/* a new revision is in the zone: Redis gets the newest, not too often, and the
   less so the longer it takes */

void
ngx_http_imgp_share_changed(ngx_http_imgp_run_t *run)
{
    ngx_event_t  *timer;
    ngx_msec_t    pause;

    timer = &run->share;

    if (timer->handler == NULL) {
        timer->handler = ngx_http_imgp_share_run_timer;
        timer->data = run;
        timer->log = run->worker->log;
        timer->cancelable = 1;
    }

    if (!timer->timer_set && !run->ending) {
        pause = ngx_http_imgp_now() - run->job->started_at;
        pause = ngx_min(pause / 4, NGX_HTTP_IMGP_SHARE_PUBLISH_MAX);

        ngx_add_timer(timer, ngx_max(pause, NGX_HTTP_IMGP_SHARE_PUBLISH));
    }
}


static void
ngx_http_imgp_share_run_timer(ngx_event_t *ev)
{
    ngx_http_imgp_run_t  *run;

    run = ev->data;

    if (run->ending) {
        run->later = 0;
        ngx_http_imgp_share_end(run);
        ngx_http_imgp_run_unref(run);
        return;
    }

    ngx_http_imgp_share_run_commit(run);
}


static void
ngx_http_imgp_share_run_commit(ngx_http_imgp_run_t *run)
{
    uint64_t  lease;

    lease = ngx_http_imgp_mirror_lease(run->worker->zone, run->job->id);

    if (lease == 0 || run->sharing || run->record.data == NULL) {
        return;
    }

    if (ngx_http_imgp_share_run_send(run, lease, NULL,
                                     ngx_http_imgp_share_run_committed)
        == NGX_OK)
    {
        run->sharing = 1;
    }
}


static void
ngx_http_imgp_share_run_committed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_run_t *run = data;

    run->sharing = 0;

    if (c == IMGP_REDIS_OK && !run->gone && !run->ending
        && imgp_redis_commit_answer(reply) == IMGP_REDIS_JOB_OTHER)
    {
        ngx_http_imgp_share_check(run->worker, run->job->id, run->lease);
    }

    ngx_http_imgp_run_unref(run);
}


static ngx_int_t
ngx_http_imgp_share_run_send(ngx_http_imgp_run_t *run, uint64_t lease,
    ngx_http_imgp_share_pack_t *pack, ngx_http_imgp_redis_pt handler)
{
    u_char              whole[IMGP_DIGEST_LEN];
    imgp_job_t         *job;
    imgp_item_t         items[IMGP_ITEMS_MAX];
    imgp_redis_job_t    r;
    imgp_redis_args_t   args;

    job = run->job;

    ngx_memzero(&r, sizeof(imgp_redis_job_t));

    r.record = run->record;
    r.pipeline = job->pipeline;
    r.fence = lease;
    r.ttl = job->expires_at > job->finished_at
            ? job->expires_at - job->finished_at : 1;

    /* it has used up its retries, or too many workers */

    if (job->state == IMGP_JOB_FAILED
        && (job->error.code == IMGP_E_WORKER_LOST
            || imgp_error_class(job->error.code) == IMGP_CLASS_TRANSIENT))
    {
        r.reason = imgp_error_name(job->error.code);
    }

    (void) ngx_http_imgp_whole_end(run, &r, whole, items);

    if (imgp_redis_commit(&args, ngx_http_imgp_redis_keys(run->worker), &r)
        != IMGP_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_imgp_share_along(run->worker, &args, pack);
    ngx_http_imgp_mirror_known(run->worker->zone, run->born);

    if (ngx_http_imgp_redis_send(run->worker, &args, handler, run) != NGX_OK) {
        return NGX_DECLINED;
    }

    run->threads++;
    run->lease = lease;

    return NGX_OK;
}


/* the record is final; run_ended() follows, or the run is abandoned */

void
ngx_http_imgp_share_end(ngx_http_imgp_run_t *run)
{
    ngx_uint_t               n;
    imgp_item_t              items[IMGP_ITEMS_MAX];
    ngx_http_imgp_worker_t  *w;

    w = run->worker;

    if (run->gone || run->later) {
        return;
    }

    if (run->share.timer_set) {
        ngx_del_timer(&run->share);
    }

    /* its outputs first, or nobody elsewhere could have them */

    if (run->puts) {
        return;
    }

    n = ngx_http_imgp_share_run_outputs(run, items);

    if (n == 0 || !ngx_http_imgp_redis_is_up(w)
        || ngx_http_imgp_mirror_lease(w->zone, run->job->id) == 0)
    {
        ngx_http_imgp_share_run_say(run);
        return;
    }

    run->threads++;

    ngx_http_imgp_share_put_with(w, items, n, run->pipeline->plan->keep,
                                 ngx_http_imgp_share_run_pack,
                                 ngx_http_imgp_share_run_packed, run);
}


/* those of services are there already; others that were known before, or are
   too many, come when they are asked for */

static ngx_uint_t
ngx_http_imgp_share_run_outputs(ngx_http_imgp_run_t *run, imgp_item_t *items)
{
    ngx_uint_t         i, n;
    imgp_plan_t       *plan;
    imgp_job_stage_t  *stage;

    if (run->pipeline == NULL
        || ngx_memcmp(run->job->plan, run->pipeline->plan->digest,
                      IMGP_DIGEST_LEN)
           != 0)
    {
        return 0;
    }

    plan = run->pipeline->plan;

    for (i = 0, n = 0; i < plan->nstages; i++) {
        stage = &run->job->stages[i];

        if (plan->stages[i].kind != IMGP_STAGE_LOCAL || stage->cached
            || !plan->stages[i].output || stage->nitems > IMGP_ITEMS_MAX - n)
        {
            continue;
        }

        ngx_memcpy(&items[n], stage->items,
                   stage->nitems * sizeof(imgp_item_t));
        n += stage->nitems;
    }

    return n;
}


/* small ones go along with the end */

static ngx_int_t
ngx_http_imgp_share_run_pack(void *data, ngx_http_imgp_share_pack_t *pack)
{
    ngx_http_imgp_run_t *run = data;

    uint64_t  lease;

    lease = ngx_http_imgp_mirror_lease(run->worker->zone, run->job->id);

    if (run->gone || lease == 0
        || ngx_http_imgp_share_run_send(run, lease, pack,
                                        ngx_http_imgp_share_run_ended)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_imgp_run_unref(run);

    return NGX_OK;
}


static void
ngx_http_imgp_share_run_packed(void *data, ngx_int_t rc)
{
    ngx_http_imgp_run_t *run = data;

    if (!run->gone) {
        ngx_http_imgp_share_run_say(run);
    }

    ngx_http_imgp_run_unref(run);
}


static void
ngx_http_imgp_share_run_say(ngx_http_imgp_run_t *run)
{
    uint64_t                 lease;
    ngx_http_imgp_worker_t  *w;

    w = run->worker;
    lease = ngx_http_imgp_mirror_lease(w->zone, run->job->id);

    if (lease
        && ngx_http_imgp_share_run_send(run, lease, NULL,
                                        ngx_http_imgp_share_run_ended)
           == NGX_OK)
    {
        return;
    }

    if (lease && !w->redis->conf->fallback) {
        ngx_http_imgp_share_run_later(run);
        return;
    }

    ngx_http_imgp_share_run_degraded(run);
}


static void
ngx_http_imgp_share_run_ended(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_run_t *run = data;

    imgp_int_t               rc;
    ngx_http_imgp_worker_t  *w;

    w = run->worker;
    rc = c == IMGP_REDIS_OK ? imgp_redis_commit_answer(reply) : IMGP_ERROR;

    if (run->gone) {
        /* void */

    } else if (rc == IMGP_REDIS_JOB_DONE) {
        ngx_http_imgp_run_store_end(run);

    } else if (rc == IMGP_REDIS_JOB_OTHER) {

        if (ngx_http_imgp_mirror_lease(w->zone, run->job->id) == run->lease) {
            ngx_http_imgp_share_lost(w, run->job->id, run->lease);
            ngx_http_imgp_run_abandon(run);

        } else {
            /* this machine has got it anew meanwhile */
            ngx_http_imgp_share_end(run);
        }

    } else if (rc == IMGP_REDIS_JOB_NONE) {
        run->unsaid = 1;
        ngx_http_imgp_run_store_end(run);

    } else if (c == IMGP_REDIS_AWAY) {
        ngx_http_imgp_share_end(run);

    } else {
        ngx_http_imgp_share_run_later(run);
    }

    ngx_http_imgp_run_unref(run);
}


static void
ngx_http_imgp_share_run_degraded(ngx_http_imgp_run_t *run)
{
    run->unsaid = 1;

    if (!run->job->degraded) {
        run->job->degraded = 1;
        (void) ngx_http_imgp_run_encode(run);
    }

    ngx_http_imgp_run_store_end(run);
}


static void
ngx_http_imgp_share_run_later(ngx_http_imgp_run_t *run)
{
    ngx_event_t  *timer;

    timer = &run->share;

    timer->handler = ngx_http_imgp_share_run_timer;
    timer->data = run;
    timer->log = run->worker->log;
    timer->cancelable = 1;

    run->threads++;
    run->later = 1;
    ngx_add_timer(timer, NGX_HTTP_IMGP_SHARE_RETRY);
}
