
/*
 * What a worker does for the shared jobs besides running them: it keeps the
 * leases of its machine, puts back those of lost machines, claims jobs while
 * there is room for them, and listens.
 *
 * Hints on the channel: "w" a job waits; "jID" it has a new revision; "xID"
 * and another holder, or an end from outside; "fKEY" a run of a stage ended;
 * "s..." places at a service; "cDIGEST" a content is lacking.  They may
 * be lost: every second one of the workers looks at everything that matters.
 *
 * Event loop.
 */


#include "ngx_http_imgp_share.h"
#include "ngx_http_imgp_quota.h"


typedef struct {
    ngx_http_imgp_worker_t        *worker;
    ngx_uint_t                     n;
    ngx_http_imgp_shared_t         jobs[IMGP_REDIS_BEAT_MAX];
} ngx_http_imgp_share_beat_t;


static void ngx_http_imgp_share_birth(ngx_http_imgp_worker_t *w);
static void ngx_http_imgp_share_born(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_walk(ngx_event_t *ev);
static void ngx_http_imgp_share_leases(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_shared_t *list, ngx_uint_t n);
static void ngx_http_imgp_share_beaten(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_checked(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_reap(ngx_http_imgp_worker_t *w);
static void ngx_http_imgp_share_reaped(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_claimed(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_taken(ngx_http_imgp_worker_t *w,
    imgp_redis_answer_t *answer);
static void ngx_http_imgp_share_remake(ngx_http_imgp_worker_t *w,
    imgp_job_t *job);
static void ngx_http_imgp_share_hint(ngx_http_imgp_worker_t *w,
    ngx_str_t *message);
static void ngx_http_imgp_share_back(ngx_http_imgp_worker_t *w);
static void ngx_http_imgp_share_gone(ngx_http_imgp_worker_t *w);


ngx_int_t
ngx_http_imgp_share_init(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_share_t  *share;

    if (w->conf->redis == NULL) {
        return NGX_OK;
    }

    share = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_share_t));
    if (share == NULL) {
        return NGX_ERROR;
    }

    share->ident.fd = (ngx_socket_t) -1;
    share->worker = w;
    share->waiting = 1;
    share->walk.handler = ngx_http_imgp_share_walk;
    share->walk.data = share;
    share->walk.log = w->log;

    ngx_queue_init(&share->flights);

    w->share = share;

    if (ngx_http_imgp_redis_init(w, ngx_http_imgp_mirror_node(w->zone))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    w->redis->hint = ngx_http_imgp_share_hint;
    w->redis->back = ngx_http_imgp_share_back;
    w->redis->gone = ngx_http_imgp_share_gone;

    ngx_http_imgp_quota_heard(w->zone, 1);
    ngx_http_imgp_redis_start(w);

    return NGX_OK;
}


/* once a beat of the worker process, also while it shuts down */

void
ngx_http_imgp_share_beat(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t              due;
    ngx_http_imgp_share_t  *share;

    share = w->share;

    if (!ngx_http_imgp_redis_is_up(w)) {
        ngx_http_imgp_share_quota_beat(w, 0);
        return;
    }

    ngx_http_imgp_redis_ping(w);
    ngx_http_imgp_share_flights(w);

    if (share->joined) {
        ngx_http_imgp_unit_wake(w, NULL);
    }

    due = ngx_http_imgp_mirror_due(w->zone, NGX_HTTP_IMGP_SHARE_BEAT * 9 / 10);

    if (due) {
        share->asked = 0;

        ngx_http_imgp_share_reap(w);
        ngx_http_imgp_share_birth(w);

        if (!share->walk.posted) {
            share->next = 0;
            share->said = 0;
            ngx_http_imgp_share_walk(&share->walk);
        }
    }

    ngx_http_imgp_share_quota_beat(w, due);

    /* hints may be lost */

    share->waiting = 1;

    if (++share->beats % 2 == 0) {
        ngx_http_imgp_watch_refresh(w);
    }
}


/* is it still the Redis that we know?  Its name is the first asker's.  Asked
   first on a connection, so that what it takes after that is its own. */

static void
ngx_http_imgp_share_birth(ngx_http_imgp_worker_t *w)
{
    imgp_redis_t       *keys;
    imgp_redis_args_t   args;

    keys = ngx_http_imgp_redis_keys(w);

    imgp_redis_args_begin(&args, "SET");
    imgp_redis_args_key(&args, keys, "{jobs}:born");
    imgp_redis_args_add_text(&args, "%08lx%08lx",
                             (unsigned long) (uint32_t) ngx_random(),
                             (unsigned long) (uint32_t) ngx_time());
    imgp_redis_args_add(&args, "NX", 2);
    imgp_redis_args_add(&args, "GET", 3);

    (void) ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_born, w);
}


/* no name was there: ours is, or that of who came first, once more */

static void
ngx_http_imgp_share_born(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_worker_t *w = data;

    imgp_str_t              name;
    ngx_http_imgp_share_t  *share;

    share = w->share;

    if (c != IMGP_REDIS_OK) {
        return;
    }

    if (imgp_redis_str(reply, -1, &name) == IMGP_OK) {
        if (name.len == IMGP_REDIS_NODE_LEN) {
            ngx_http_imgp_mirror_born(w->zone, name.data);
        }

    } else if (!share->asked) {
        share->asked = 1;
        ngx_http_imgp_share_birth(w);
    }
}


static void
ngx_http_imgp_share_walk(ngx_event_t *ev)
{
    ngx_uint_t               i, n, held;
    ngx_http_imgp_share_t   *share;
    ngx_http_imgp_shared_t   list[IMGP_REDIS_BEAT_MAX];

    share = ev->data;

    n = ngx_http_imgp_mirror_list(share->worker->zone, &share->next, list,
                                  IMGP_REDIS_BEAT_MAX);

    for (i = 0, held = 0; i < n; i++) {

        if (list[i].kind == NGX_HTTP_IMGP_HELD) {
            list[held++] = list[i];

        } else if (list[i].kind == NGX_HTTP_IMGP_UNSHARED
                   || share->said++ < NGX_HTTP_IMGP_SHARE_SAY)
        {
            ngx_http_imgp_share_again(share->worker, &list[i]);
        }
    }

    if (held) {
        ngx_http_imgp_share_leases(share->worker, list, held);
    }

    if (share->next) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


static void
ngx_http_imgp_share_leases(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_shared_t *list, ngx_uint_t n)
{
    ngx_uint_t                   i;
    imgp_redis_args_t            args;
    ngx_http_imgp_share_beat_t  *beat;

    beat = ngx_alloc(sizeof(ngx_http_imgp_share_beat_t), w->log);
    if (beat == NULL) {
        return;
    }

    beat->worker = w;
    beat->n = n;
    ngx_memcpy(beat->jobs, list, n * sizeof(ngx_http_imgp_shared_t));

    imgp_redis_beat(&args, ngx_http_imgp_redis_keys(w));

    for (i = 0; i < n; i++) {
        imgp_redis_beat_add(&args, list[i].id, list[i].lease);
    }

    if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_beaten, beat)
        != NGX_OK)
    {
        ngx_free(beat);
    }
}


static void
ngx_http_imgp_share_beaten(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_beat_t *beat = data;

    ngx_uint_t               i;
    ngx_http_imgp_worker_t  *w;
    ngx_http_imgp_shared_t  *job;

    w = beat->worker;

    for (i = 0; c == IMGP_REDIS_OK && i < beat->n; i++) {
        job = &beat->jobs[i];

        switch (imgp_redis_beat_answer(reply, i)) {

        case IMGP_REDIS_JOB_OTHER:
            ngx_http_imgp_share_check(w, job->id, job->lease);
            break;

        case IMGP_REDIS_JOB_NONE:
            /* Redis has forgotten it, and perhaps much else */

            ngx_http_imgp_share_again(w, job);
            ngx_http_imgp_mirror_recover(w->zone);
            break;

        default:
            break;
        }
    }

    ngx_free(beat);
}


/* a lease is not good any more: perhaps this machine has a newer one, whose
   answer was lost with a worker */

void
ngx_http_imgp_share_check(ngx_http_imgp_worker_t *w, const u_char *id,
    uint64_t lease)
{
    ngx_http_imgp_share_look(w, id, lease, ngx_http_imgp_share_checked);
}


static void
ngx_http_imgp_share_checked(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_job_t *job = data;

    imgp_redis_answer_t      answer;
    ngx_http_imgp_worker_t  *w;

    w = job->worker;

    if (c == IMGP_REDIS_OK
        && imgp_redis_read_answer(reply, ngx_http_imgp_redis_keys(w), &answer)
           == IMGP_OK
        && answer.result == IMGP_REDIS_JOB_DONE
        && ngx_http_imgp_mirror_lease(w->zone, job->id) == job->lease)
    {
        if (answer.held && !imgp_job_is_final(answer.state)) {
            ngx_http_imgp_mirror_renew(w->zone, job->id, job->lease,
                                       answer.fence);
        } else {
            ngx_http_imgp_share_lost(w, job->id, job->lease);
        }
    }

    ngx_free(job);
}


/* another machine has it: who runs it here stops, and who watches it reads */

void
ngx_http_imgp_share_lost(ngx_http_imgp_worker_t *w, const u_char *id,
    uint64_t lease)
{
    char  text[IMGP_ID_LEN + 1];

    imgp_id_text(id, text);

    ngx_log_error(NGX_LOG_NOTICE, w->log, 0,
                  "image pipeline: job %s is in the hands of another machine",
                  text);

    ngx_http_imgp_mirror_let_go(w->zone, id, lease);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, id);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    ngx_http_imgp_share_refresh(w, id);
}


static void
ngx_http_imgp_share_reap(ngx_http_imgp_worker_t *w)
{
    imgp_redis_args_t  args;

    imgp_redis_reap(&args, ngx_http_imgp_redis_keys(w));

    (void) ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_reaped, w);
}


static void
ngx_http_imgp_share_reaped(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_worker_t *w = data;

    int64_t  n;

    if (c == IMGP_REDIS_OK && imgp_redis_int(reply, -1, &n) == IMGP_OK
        && n > 0)
    {
        ngx_log_error(NGX_LOG_WARN, w->log, 0,
                      "image pipeline: %L jobs of lost machines wait again",
                      n);
    }
}


/* one at a time, while a pipeline of this machine has room */

void
ngx_http_imgp_share_claim(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t                  i, n, all;
    imgp_str_t                  names[NGX_HTTP_IMGP_PIPELINES_MAX];
    imgp_redis_args_t           args;
    ngx_http_imgp_share_t      *share;
    ngx_http_imgp_pipeline_t  **pipelines, *p;

    share = w->share;

    if (share->claiming || !share->waiting || w->exiting
        || !ngx_http_imgp_redis_is_up(w))
    {
        return;
    }

    pipelines = w->conf->pipelines.elts;
    all = w->conf->pipelines.nelts;

    for (i = 0, n = 0; i < all && n < NGX_HTTP_IMGP_PIPELINES_MAX; i++) {
        p = pipelines[(share->first + i) % all];

        if (ngx_http_imgp_mirror_room(w->zone, p->index,
                                      p->plan->concurrency))
        {
            names[n++] = p->plan->name;
        }
    }

    share->first++;

    if (n == 0
        || imgp_redis_claim(&args, ngx_http_imgp_redis_keys(w), names, n)
           != IMGP_OK)
    {
        return;
    }

    if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_claimed, w)
        == NGX_OK)
    {
        share->claiming = 1;
    }
}


static void
ngx_http_imgp_share_claimed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_worker_t *w = data;

    imgp_redis_answer_t     answer;
    ngx_http_imgp_share_t  *share;

    share = w->share;
    share->claiming = 0;

    if (c != IMGP_REDIS_OK) {
        return;
    }

    if (imgp_redis_claim_answer(reply, &answer) != IMGP_OK) {
        /* it is held by us in Redis, until its lease is over */
        ngx_log_error(NGX_LOG_ERR, w->log, 0,
                      "image pipeline: Redis has a spoilt record");
        return;
    }

    if (answer.result == IMGP_REDIS_JOB_NONE) {
        share->waiting = 0;
        return;
    }

    ngx_http_imgp_share_taken(w, &answer);

    ngx_http_imgp_run_claim(w);
}


/* into the zone, from where any worker of this machine runs it */

static void
ngx_http_imgp_share_taken(ngx_http_imgp_worker_t *w,
    imgp_redis_answer_t *answer)
{
    ssize_t      len;
    ngx_int_t    place;
    imgp_job_t  *job;

    job = imgp_record_decode(answer->record.data, answer->record.len,
                             &imgp_malloc);
    if (job == NULL) {
        return;
    }

    place = ngx_http_imgp_mirror_place(w->zone, &job->pipeline);

    /* as after the loss of a worker: what was done stays done */

    job->lost = ngx_max(job->lost, answer->lost);

    if (job->state == IMGP_JOB_RUNNING) {
        (void) imgp_job_reset(job, IMGP_JOB_REQUEUE, ngx_http_imgp_now());
        ngx_http_imgp_share_remake(w, job);
    }

    job->revision += IMGP_REDIS_AHEAD;

    len = imgp_record_encode(job, w->scratch, IMGP_RECORD_MAX);

    imgp_job_destroy(job);

    if (place == NGX_DECLINED || len < 0
        || ngx_http_imgp_mirror_hold(w->zone, place, w->scratch, len,
                                     answer->fence)
           != NGX_OK)
    {
        /* a full zone: its lease ends, and another machine takes it */
        ((ngx_http_imgp_share_t *) w->share)->waiting = 0;
    }
}


/* what the other machine made by itself is only there: it is made again, or is
   known here */

static void
ngx_http_imgp_share_remake(ngx_http_imgp_worker_t *w, imgp_job_t *job)
{
    ngx_uint_t     i;
    imgp_msec_t    now;
    imgp_plan_t   *plan;

    plan = ngx_http_imgp_mirror_plan(w->zone, &job->pipeline);

    if (plan == NULL
        || ngx_memcmp(job->plan, plan->digest, IMGP_DIGEST_LEN) != 0)
    {
        return;
    }

    now = ngx_http_imgp_now();

    for (i = 0; i < plan->nstages; i++) {
        if (plan->stages[i].kind == IMGP_STAGE_LOCAL
            && job->stages[i].state == IMGP_ST_SUCCEEDED)
        {
            (void) imgp_job_stage_event(job, i, IMGP_ST_RESET, now);
        }
    }
}


static void
ngx_http_imgp_share_hint(ngx_http_imgp_worker_t *w, ngx_str_t *message)
{
    u_char                  id[IMGP_ID_BYTES], key[IMGP_DIGEST_LEN];
    uint64_t                lease;
    imgp_str_t              hex;
    ngx_http_imgp_share_t  *share;
    ngx_http_imgp_shared_t  job;

    share = w->share;

    if (message->len == 0) {
        return;
    }

    switch (message->data[0]) {

    case 'w':
        share->waiting = 1;
        ngx_http_imgp_run_claim(w);
        return;

    case 's':
        ngx_http_imgp_share_quota_hint(w, message);
        return;

    case 'c':
        message->len--;
        message->data++;
        ngx_http_imgp_share_offer(w, message);
        return;

    case 'f':
        hex.len = message->len - 1;
        hex.data = message->data + 1;

        if (share->joined && imgp_digest_parse_hex(&hex, key) == IMGP_OK) {
            ngx_http_imgp_unit_wake(w, key);
        }

        return;
    }

    if (imgp_id_parse(message->data + 1, message->len - 1, id) != IMGP_OK) {
        return;
    }

    lease = ngx_http_imgp_mirror_lease(w->zone, id);

    if (lease && message->data[0] == 'x') {
        ngx_memcpy(job.id, id, IMGP_ID_BYTES);
        job.lease = lease;
        job.kind = NGX_HTTP_IMGP_HELD;
        ngx_http_imgp_share_leases(w, &job, 1);
        return;
    }

    if (lease == 0 && ngx_http_imgp_watch_has(w, id)) {
        ngx_http_imgp_share_refresh(w, id);
    }
}


/* Redis is there again, or hints may have been missed */

static void
ngx_http_imgp_share_back(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_share_t  *share;

    share = w->share;
    share->waiting = 1;
    share->asked = 0;

    ngx_http_imgp_share_birth(w);

    ngx_http_imgp_share_quota_beat(w, 0);

    if (share->away) {
        share->away = 0;
        ngx_http_imgp_mirror_back(w->zone);
        ngx_http_imgp_mirror_recover(w->zone);
    }

    ngx_http_imgp_watch_refresh(w);
    ngx_http_imgp_run_claim(w);
}


static void
ngx_http_imgp_share_gone(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_share_t  *share;

    share = w->share;

    ngx_http_imgp_quota_missed(w->zone);

    if (!share->away) {
        share->away = 1;
        share->since = ngx_current_msec;
    }
}


/* for so long that its leases are over? */

ngx_uint_t
ngx_http_imgp_share_away(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_share_t  *share;

    share = w->share;

    return share->away
           && ngx_current_msec - share->since > w->redis->keys.lease;
}
