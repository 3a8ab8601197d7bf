
/*
 * Jobs that this worker runs, from the claim to the end.
 *
 *     claim -> advance -> units ... -> advance -> end -> journal -> published
 *
 * Whatever changes a job calls run_changed(); once a turn of the event loop
 * its document gets a new revision in the zone and its watchers are woken.
 * The zone may answer that the job is not ours any more (canceled, or taken
 * over because we seemed dead): then all stops, and nothing of it is stored
 * but finished stages, which are good for whoever asks next.
 *
 * Event loop, but for the store of the end.
 */


#include "ngx_http_imgp_run.h"


#define NGX_HTTP_IMGP_RUN_BUCKETS  256


typedef struct {
    ngx_queue_t                    runs[NGX_HTTP_IMGP_RUN_BUCKETS];
    ngx_queue_t                    waiting;    /* units */
    ngx_queue_t                    batches;    /* that can be joined */
    ngx_uint_t                     nruns;
    ngx_uint_t                     first;      /* pipeline to claim first */
    ngx_uint_t                     limits[NGX_HTTP_IMGP_PIPELINES_MAX];
    ngx_http_imgp_pipeline_t      *pipelines[NGX_HTTP_IMGP_PIPELINES_MAX];
} ngx_http_imgp_runs_t;


static ngx_http_imgp_run_t *ngx_http_imgp_run_create(
    ngx_http_imgp_worker_t *w, imgp_job_t *job, ngx_uint_t pipeline,
    uint64_t fence);
static u_char *ngx_http_imgp_run_log(ngx_log_t *log, u_char *buf, size_t len);
static void ngx_http_imgp_run_begin(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_fail(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_free_later(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_free(ngx_event_t *ev);
static ngx_http_imgp_run_t *ngx_http_imgp_run_find(ngx_http_imgp_worker_t *w,
    const u_char *id);


ngx_int_t
ngx_http_imgp_run_init(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t                  i;
    ngx_http_imgp_runs_t       *runs;
    ngx_http_imgp_pipeline_t  **pipelines;

    runs = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_runs_t));
    if (runs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_IMGP_RUN_BUCKETS; i++) {
        ngx_queue_init(&runs->runs[i]);
    }

    ngx_queue_init(&runs->waiting);
    ngx_queue_init(&runs->batches);

    pipelines = w->conf->pipelines.elts;

    for (i = 0; i < w->conf->pipelines.nelts; i++) {
        runs->pipelines[pipelines[i]->index] = pipelines[i];
        runs->limits[pipelines[i]->index] = pipelines[i]->plan->concurrency;
    }

    w->run = runs;

    return NGX_OK;
}


ngx_queue_t *
ngx_http_imgp_run_waiting(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_runs_t  *runs = w->run;

    return &runs->waiting;
}


ngx_queue_t *
ngx_http_imgp_run_batches(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_runs_t  *runs = w->run;

    return &runs->batches;
}


/* wake-ups: our own changes come by here too, which costs a look-up */

void
ngx_http_imgp_run_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id)
{
    ngx_http_imgp_run_t  *run;

    switch (kind) {

    case NGX_HTTP_IMGP_WAKE_WORK:
        ngx_http_imgp_run_claim(w);
        return;

    case NGX_HTTP_IMGP_WAKE_FLIGHT:
        ngx_http_imgp_unit_wake(w, id);
        return;

    default: /* NGX_HTTP_IMGP_WAKE_JOB; a missed one shows at the next tick */

        run = id ? ngx_http_imgp_run_find(w, id) : NULL;

        if (run && !run->gone
            && !ngx_http_imgp_table_owns(w->zone, id, run->fence))
        {
            ngx_http_imgp_run_abandon(run);
        }
    }
}


/* a job that this worker has just put into the table; the job is taken over
   when it can run at once, else freed.  "own": this process has written its
   upload, so nobody need look whether it is whole */

void
ngx_http_imgp_run_submit(ngx_http_imgp_worker_t *w, imgp_job_t *job,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t own)
{
    uint64_t              fence;
    ngx_http_imgp_run_t  *run;

    if (w->exiting || ngx_http_imgp_thread_backlog(w)
        || ngx_http_imgp_claim_one(w->zone, job->id,
                                   pipeline->plan->concurrency, &fence)
           != NGX_OK)
    {
        imgp_job_destroy(job);
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
        return;
    }

    run = ngx_http_imgp_run_create(w, job, pipeline->index, fence);

    if (run) {
        run->own = own;
        ngx_http_imgp_run_begin(run);
    }
}


/* as many as there is work for: a worker whose threads have a backlog leaves
   the queue to the others */

void
ngx_http_imgp_run_claim(ngx_http_imgp_worker_t *w)
{
    imgp_job_t             *job;
    ngx_http_imgp_run_t    *run;
    ngx_http_imgp_runs_t   *runs;
    ngx_http_imgp_entry_t   e;

    runs = w->run;

    while (!w->exiting && !ngx_http_imgp_thread_backlog(w)) {

        if (ngx_http_imgp_claim(w->zone, runs->limits, runs->first++,
                                w->scratch, IMGP_RECORD_MAX, &e)
            != NGX_OK)
        {
            if (w->redis) {
                ngx_http_imgp_share_claim(w);
            }

            return;
        }

        job = imgp_record_decode(e.record, e.len, &imgp_malloc);

        if (job == NULL) {
            ngx_log_error(NGX_LOG_ALERT, w->log, 0,
                          "image pipeline: spoilt record in the zone, the "
                          "job will come back from the journal");
            ngx_http_imgp_table_remove(w->zone, e.id);
            continue;
        }

        run = ngx_http_imgp_run_create(w, job, e.pipeline, e.fence);

        if (run) {
            ngx_http_imgp_run_begin(run);
        }
    }
}


/* a job that has taken too many workers with it ends here */

void
ngx_http_imgp_run_give_up(ngx_http_imgp_worker_t *w, imgp_job_t *job,
    ngx_uint_t pipeline, uint64_t fence)
{
    ngx_http_imgp_run_t  *run;

    run = ngx_http_imgp_run_create(w, job, pipeline, fence);

    if (run) {
        imgp_error_set(&job->error, IMGP_E_WORKER_LOST,
                       "worker processes were lost again and again while "
                       "running the job");
        ngx_http_imgp_run_fail(run);
    }
}


static ngx_http_imgp_run_t *
ngx_http_imgp_run_create(ngx_http_imgp_worker_t *w, imgp_job_t *job,
    ngx_uint_t pipeline, uint64_t fence)
{
    ngx_pool_t            *pool;
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_runs_t  *runs;

    runs = w->run;

    pool = ngx_create_pool(4096, w->log);
    if (pool == NULL) {
        goto failed;
    }

    run = ngx_pcalloc(pool, sizeof(ngx_http_imgp_run_t));
    if (run == NULL) {
        goto failed;
    }

    run->ident.fd = (ngx_socket_t) -1;
    run->worker = w;
    run->pool = pool;
    run->job = job;
    run->pipeline = runs->pipelines[pipeline];
    run->fence = fence;

    run->log = *w->log;
    run->log.handler = ngx_http_imgp_run_log;
    run->log.data = run;
    run->log.action = NULL;
    pool->log = &run->log;

    ngx_queue_insert_tail(&runs->runs[job->id[0]], &run->queue);
    runs->nruns++;

    ngx_http_imgp_hold(w);
    ngx_http_imgp_alive_job(w, job->id, 1);

    return run;

failed:

    /* the fence is ours and we are alive, so nobody would take it over */

    ngx_http_imgp_table_remove(w->zone, job->id);
    imgp_job_destroy(job);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    return NULL;
}


static u_char *
ngx_http_imgp_run_log(ngx_log_t *log, u_char *buf, size_t len)
{
    char                  id[IMGP_ID_LEN + 1];
    ngx_http_imgp_run_t  *run;

    run = log->data;
    imgp_id_text(run->job->id, id);

    return ngx_snprintf(buf, len, ", job: %s, pipeline: \"%V\"",
                        id, &run->job->pipeline);
}


static void
ngx_http_imgp_run_begin(ngx_http_imgp_run_t *run)
{
    if (run->pipeline == NULL) {
        imgp_error_set(&run->job->error, IMGP_E_PIPELINE_GONE,
                       "the pipeline was removed from the configuration");
        ngx_http_imgp_run_fail(run);
        return;
    }

    /* a reload may have changed the plan: what is the same in it is known */

    if (ngx_memcmp(run->job->plan, run->pipeline->plan->digest,
                   IMGP_DIGEST_LEN)
        != 0
        && imgp_job_bind(run->job, run->pipeline->plan) != IMGP_OK)
    {
        imgp_error_set(&run->job->error, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_run_fail(run);
        return;
    }

    (void) imgp_job_event(run->job, IMGP_JOB_CLAIM, ngx_http_imgp_now());

    ngx_http_imgp_run_show(run);
    ngx_http_imgp_run_advance(run);
}


/* before any stage: job->error tells why */

static void
ngx_http_imgp_run_fail(ngx_http_imgp_run_t *run)
{
    imgp_msec_t  now;

    now = ngx_http_imgp_now();

    run->job->error_stage = -1;

    (void) imgp_job_event(run->job, IMGP_JOB_CLAIM, now);
    (void) imgp_job_event(run->job, IMGP_JOB_FAIL, now);

    ngx_http_imgp_run_end(run);
}


/* not ours any more */

void
ngx_http_imgp_run_abandon(ngx_http_imgp_run_t *run)
{
    if (run->gone) {
        return;
    }

    ngx_log_error(NGX_LOG_INFO, &run->log, 0,
                  "image pipeline: the job is in other hands now");

    run->gone = 1;
    ngx_http_imgp_run_stop(run);

    if (run->threads == 0) {
        ngx_http_imgp_run_free_later(run);
    }
}


void
ngx_http_imgp_run_stop(ngx_http_imgp_run_t *run)
{
    ngx_uint_t             i, n;
    ngx_http_imgp_unit_t  *units;

    if (run->publish.posted) {
        ngx_delete_posted_event(&run->publish);
    }

    if (run->tick.timer_set) {
        ngx_del_timer(&run->tick);
    }

    if (run->share.timer_set) {
        ngx_del_timer(&run->share);
        run->threads -= run->later;
        run->later = 0;
    }

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        units = run->units[i];

        for (n = 0; units && n < run->nunits[i]; n++) {
            ngx_http_imgp_unit_cancel(&units[n]);
        }
    }
}


/* the last thread has let go of a job that is over */

void
ngx_http_imgp_run_unref(ngx_http_imgp_run_t *run)
{
    if (--run->threads == 0 && run->gone) {
        ngx_http_imgp_run_free_later(run);
    }
}


/* somebody up the stack may still look at it */

static void
ngx_http_imgp_run_free_later(ngx_http_imgp_run_t *run)
{
    if (run->publish.posted) {
        ngx_delete_posted_event(&run->publish);
    }

    /* a job that fails before its first stage has shown nothing yet */

    run->publish.data = run;
    run->publish.log = run->worker->log;
    run->publish.handler = ngx_http_imgp_run_free;
    ngx_post_event(&run->publish, &ngx_posted_events);
}


static void
ngx_http_imgp_run_free(ngx_event_t *ev)
{
    ngx_uint_t               i, n;
    ngx_http_imgp_run_t     *run;
    ngx_http_imgp_unit_t    *units;
    ngx_http_imgp_runs_t    *runs;
    ngx_http_imgp_worker_t  *w;

    run = ev->data;
    w = run->worker;
    runs = w->run;

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        units = run->units[i];

        for (n = 0; units && n < run->nunits[i]; n++) {
            imgp_pool_destroy(units[n].arena);
        }
    }

    if (run->record.data) {
        ngx_free(run->record.data);
    }

    ngx_queue_remove(&run->queue);
    runs->nruns--;

    ngx_http_imgp_alive_job(w, run->job->id, 0);
    imgp_job_destroy(run->job);

    run->pool->log = w->log;
    ngx_destroy_pool(run->pool);

    ngx_http_imgp_release(w);
}


static ngx_http_imgp_run_t *
ngx_http_imgp_run_find(ngx_http_imgp_worker_t *w, const u_char *id)
{
    ngx_queue_t           *q, *bucket;
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_runs_t  *runs;

    runs = w->run;
    bucket = &runs->runs[id[0]];

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        run = ngx_queue_data(q, ngx_http_imgp_run_t, queue);

        if (ngx_memcmp(run->job->id, id, IMGP_ID_BYTES) == 0 && !run->gone) {
            return run;
        }
    }

    return NULL;
}


/* worker_shutdown_timeout is over: what runs goes back into the queue, for
   the workers of the new configuration */

void
ngx_http_imgp_run_give_back(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t             i;
    ngx_queue_t           *q;
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_runs_t  *runs;

    runs = w->run;

    for (i = 0; i < NGX_HTTP_IMGP_RUN_BUCKETS; i++) {

        for (q = ngx_queue_head(&runs->runs[i]);
             q != ngx_queue_sentinel(&runs->runs[i]);
             /* void */)
        {
            run = ngx_queue_data(q, ngx_http_imgp_run_t, queue);
            q = ngx_queue_next(q);

            if (run->gone || run->ending) {
                continue;
            }

            ngx_http_imgp_run_requeue(run);
        }
    }
}


void
ngx_http_imgp_run_requeue(ngx_http_imgp_run_t *run)
{
    ngx_http_imgp_worker_t  *w;

    w = run->worker;
    run->job->revision++;

    if (imgp_job_reset(run->job, IMGP_JOB_REQUEUE, ngx_http_imgp_now())
        == IMGP_OK
        && ngx_http_imgp_run_encode(run) == NGX_OK)
    {
        (void) ngx_http_imgp_table_update(w->zone, run->job->id, run->fence,
                                          run->record.data, run->record.len);
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, run->job->id);
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    }

    ngx_http_imgp_run_abandon(run);
}
