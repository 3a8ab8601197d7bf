
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


#define NGX_HTTP_IMGP_RUN_TICK     500     /* ms between steps of progress */
#define NGX_HTTP_IMGP_RUN_BUCKETS  256


typedef struct {
    ngx_queue_t                    runs[NGX_HTTP_IMGP_RUN_BUCKETS];
    ngx_queue_t                    waiting;    /* units */
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
static void ngx_http_imgp_run_advance(ngx_http_imgp_run_t *run);
static ngx_int_t ngx_http_imgp_run_stage(ngx_http_imgp_run_t *run,
    ngx_uint_t i);
static void ngx_http_imgp_run_unit_changed(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_run_unit_done(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_run_spared(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_run_stage_done(ngx_http_imgp_run_t *run,
    ngx_uint_t i);
static ngx_int_t ngx_http_imgp_run_collect(ngx_http_imgp_run_t *run,
    ngx_uint_t i);
static void ngx_http_imgp_run_stage_failed(ngx_http_imgp_run_t *run,
    ngx_uint_t i, imgp_error_t *err);
static void ngx_http_imgp_run_note(ngx_http_imgp_run_t *run,
    ngx_uint_t stage, imgp_error_t *err);
static void ngx_http_imgp_run_changed(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_publish(ngx_event_t *ev);
static void ngx_http_imgp_run_tick(ngx_event_t *ev);
static ngx_int_t ngx_http_imgp_run_encode(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_end(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_store(void *data, ngx_log_t *log);
static void ngx_http_imgp_run_stored(void *data);
static void ngx_http_imgp_run_abandon(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_stop(ngx_http_imgp_run_t *run);
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
   when it can run at once, else freed */

void
ngx_http_imgp_run_submit(ngx_http_imgp_worker_t *w, imgp_job_t *job,
    ngx_http_imgp_pipeline_t *pipeline)
{
    uint64_t              fence;
    ngx_http_imgp_run_t  *run;

    if (w->exiting || ngx_http_imgp_thread_backlog(w)
        || ngx_http_imgp_table_take(w->zone, job->id,
                                    pipeline->plan->concurrency, &fence)
           != NGX_OK)
    {
        imgp_job_destroy(job);
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
        return;
    }

    run = ngx_http_imgp_run_create(w, job, pipeline->index, fence);

    if (run) {
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

        if (ngx_http_imgp_table_claim(w->zone, runs->limits, runs->first++,
                                      w->scratch, IMGP_RECORD_MAX, &e)
            != NGX_OK)
        {
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
                       "%u worker processes were lost while running the job",
                       (unsigned) job->lost);
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

    run->units = ngx_pcalloc(pool, IMGP_STAGES_MAX * (sizeof(void *)
                                                      + 2 * sizeof(ngx_uint_t)));
    if (run->units == NULL) {
        goto failed;
    }

    run->nunits = (ngx_uint_t *) (run->units + IMGP_STAGES_MAX);
    run->nrunning = run->nunits + IMGP_STAGES_MAX;

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

    run->publish.handler = ngx_http_imgp_run_publish;
    run->publish.data = run;
    run->publish.log = &run->log;

    run->tick.handler = ngx_http_imgp_run_tick;
    run->tick.data = run;
    run->tick.log = &run->log;
    run->tick.cancelable = 1;

    ngx_queue_insert_tail(&runs->runs[job->id[0]], &run->queue);
    runs->nruns++;

    ngx_http_imgp_hold(w);

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

    ngx_add_timer(&run->tick, NGX_HTTP_IMGP_RUN_TICK);

    ngx_http_imgp_run_changed(run);
    ngx_http_imgp_run_advance(run);
}


/* before any stage: job->error tells why */

static void
ngx_http_imgp_run_fail(ngx_http_imgp_run_t *run)
{
    ngx_uint_t   i;
    imgp_msec_t  now;

    now = ngx_http_imgp_now();

    for (i = 0; i < run->job->nstages; i++) {
        (void) imgp_job_stage_event(run->job, i, IMGP_ST_CANCEL, now);
    }

    run->job->error_stage = -1;

    (void) imgp_job_event(run->job, IMGP_JOB_CLAIM, now);
    (void) imgp_job_event(run->job, IMGP_JOB_FAIL, now);

    ngx_http_imgp_run_end(run);
}


/* starts all that is ready; a stage that ends at once may make others ready,
   and comes back here by itself */

static void
ngx_http_imgp_run_advance(ngx_http_imgp_run_t *run)
{
    imgp_msec_t        now;
    imgp_int_t         stage;
    ngx_uint_t         i;
    imgp_job_t        *job;
    imgp_plan_t       *plan;
    imgp_job_state_e   state;

    job = run->job;
    plan = run->pipeline->plan;

    for (i = 0; i < plan->nstages && !run->ending && !run->gone; i++) {

        if (job->stages[plan->order[i]].state != IMGP_ST_PENDING) {
            continue;
        }

        switch (imgp_graph_look(plan, job, plan->order[i])) {

        case IMGP_GRAPH_SKIP:
            (void) imgp_job_stage_event(job, plan->order[i], IMGP_ST_SKIP,
                                        ngx_http_imgp_now());
            ngx_http_imgp_run_changed(run);
            break;

        case IMGP_GRAPH_READY:
            if (ngx_http_imgp_run_stage(run, plan->order[i]) != NGX_OK) {
                return;
            }

            break;

        default: /* IMGP_GRAPH_WAIT, IMGP_GRAPH_DEAD */
            break;
        }
    }

    if (run->ending || run->gone) {
        return;
    }

    state = imgp_graph_verdict(plan, job, &stage);

    if (state == IMGP_JOB_RUNNING) {
        return;
    }

    ngx_http_imgp_run_stop(run);

    now = ngx_http_imgp_now();

    for (i = 0; i < job->nstages; i++) {
        (void) imgp_job_stage_event(job, i, IMGP_ST_CANCEL, now);
    }

    if (state == IMGP_JOB_FAILED) {
        job->error_stage = stage;

        if (stage >= 0 && job->stages[stage].error) {
            job->error = *job->stages[stage].error;
        }

        (void) imgp_job_event(job, IMGP_JOB_FAIL, now);

    } else {
        (void) imgp_job_event(job, IMGP_JOB_SUCCEED, now);
    }

    ngx_http_imgp_run_end(run);
}


static ngx_int_t
ngx_http_imgp_run_stage(ngx_http_imgp_run_t *run, ngx_uint_t i)
{
    ngx_uint_t             n, runs;
    ngx_http_imgp_unit_t  *units;

    (void) imgp_job_stage_event(run->job, i, IMGP_ST_READY,
                                ngx_http_imgp_now());
    ngx_http_imgp_run_changed(run);

    runs = imgp_graph_runs(run->pipeline->plan, run->job, i);

    if (runs == 0) {
        run->nunits[i] = 0;
        ngx_http_imgp_run_stage_done(run, i);
        return NGX_OK;
    }

    units = ngx_pcalloc(run->pool, runs * sizeof(ngx_http_imgp_unit_t));
    if (units == NULL) {
        imgp_error_set(&run->job->error, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_run_stage_failed(run, i, &run->job->error);
        return NGX_ERROR;
    }

    run->units[i] = units;
    run->nunits[i] = runs;
    run->nrunning[i] = runs;

    for (n = 0; n < runs; n++) {
        units[n].run = run;
        units[n].stage = i;
        units[n].number = n;
        units[n].done = ngx_http_imgp_run_unit_done;
        units[n].changed = ngx_http_imgp_run_unit_changed;
    }

    for (n = 0; n < runs && !run->ending && !run->gone; n++) {
        ngx_http_imgp_unit_start(&units[n]);
    }

    return run->ending || run->gone ? NGX_ERROR : NGX_OK;
}


/* the stage is what its units are: running if one of them works */

static void
ngx_http_imgp_run_unit_changed(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t             n, working;
    imgp_msec_t            now;
    imgp_job_stage_t      *stage;
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_unit_t  *units;

    run = unit->run;
    stage = &run->job->stages[unit->stage];
    units = run->units[unit->stage];
    now = ngx_http_imgp_now();

    for (n = 0, working = 0; n < run->nunits[unit->stage]; n++) {
        working += units[n].state == NGX_HTTP_IMGP_UNIT_CALL
                   || units[n].state == NGX_HTTP_IMGP_UNIT_TASK
                   || &units[n] == unit;
    }

    stage->attempts = ngx_max(stage->attempts, unit->attempts);

    if (unit->state == NGX_HTTP_IMGP_UNIT_BACKOFF) {
        ngx_http_imgp_run_note(run, unit->stage, &unit->error.error);

        if (working == 1) {
            (void) imgp_job_stage_event(run->job, unit->stage,
                                        IMGP_ST_RETRY, now);
        }

    } else {
        (void) imgp_job_stage_event(run->job, unit->stage, IMGP_ST_START,
                                    now);
    }

    ngx_http_imgp_run_changed(run);
}


static void
ngx_http_imgp_run_unit_done(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t            i;
    ngx_http_imgp_run_t  *run;

    run = unit->run;
    i = unit->stage;

    run->nrunning[i]--;

    if (run->gone || run->ending) {
        return;
    }

    /* a stage that failed through another of its units is over already */

    if (imgp_stage_is_final(run->job->stages[i].state)) {
        return;
    }

    if (unit->error.error.code) {

        if (!run->pipeline->plan->stages[i].optional
            || run->nunits[i] == 1)
        {
            ngx_http_imgp_run_stage_failed(run, i, &unit->error.error);
            return;
        }

        ngx_http_imgp_run_spared(unit);
    }

    if (run->nrunning[i] == 0) {
        ngx_http_imgp_run_stage_done(run, i);
    }
}


/* one item of an optional fan-out failed: the item itself takes the place of
   what would have been made of it */

static void
ngx_http_imgp_run_spared(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_run_t  *run;

    run = unit->run;

    ngx_http_imgp_run_note(run, unit->stage, &unit->error.error);

    unit->items = unit->inputs;
    unit->nitems = unit->ninputs ? 1 : 0;

    run->job->degraded = 1;
}


static void
ngx_http_imgp_run_stage_done(ngx_http_imgp_run_t *run, ngx_uint_t i)
{
    imgp_msec_t        now;
    imgp_job_stage_t  *stage;

    stage = &run->job->stages[i];
    now = ngx_http_imgp_now();

    if (ngx_http_imgp_run_collect(run, i) != NGX_OK) {
        return;
    }

    (void) imgp_job_stage_event(run->job, i, IMGP_ST_SUCCEED, now);

    stage->progress = 1000;
    run->job->lost = 0;

    if (!stage->cached && stage->run_ms) {
        ngx_http_imgp_zone_expect(run->worker->zone, run->pipeline->index, i,
                                  stage->run_ms);
    }

    ngx_http_imgp_run_changed(run);
    ngx_http_imgp_run_advance(run);
}


/* the units' items, in the order of the units, become the stage's */

static ngx_int_t
ngx_http_imgp_run_collect(ngx_http_imgp_run_t *run, ngx_uint_t i)
{
    ngx_uint_t             n, total, known;
    imgp_error_t           err;
    imgp_item_t           *items;
    imgp_job_stage_t      *stage;
    ngx_http_imgp_unit_t  *units;

    stage = &run->job->stages[i];
    units = run->units[i];

    for (n = 0, total = 0, known = 0; n < run->nunits[i]; n++) {
        total += units[n].nitems;
        known += units[n].known;
    }

    if (total > IMGP_ITEMS_MAX) {
        imgp_error_set(&err, IMGP_E_LIMIT,
                       "%u outputs, at most %d are allowed",
                       (unsigned) total, IMGP_ITEMS_MAX);
        ngx_http_imgp_run_stage_failed(run, i, &err);
        return NGX_ERROR;
    }

    items = imgp_palloc(run->job->pool, total * sizeof(imgp_item_t) + 1);
    if (items == NULL) {
        imgp_error_set(&err, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_run_stage_failed(run, i, &err);
        return NGX_ERROR;
    }

    stage->items = items;
    stage->nitems = total;
    stage->cached = run->nunits[i] && known == run->nunits[i];

    for (n = 0; n < run->nunits[i]; n++) {
        ngx_memcpy(items, units[n].items,
                   units[n].nitems * sizeof(imgp_item_t));
        items += units[n].nitems;

        imgp_pool_destroy(units[n].arena);
        units[n].arena = NULL;
        units[n].items = NULL;
    }

    return NGX_OK;
}


static void
ngx_http_imgp_run_stage_failed(ngx_http_imgp_run_t *run, ngx_uint_t i,
    imgp_error_t *err)
{
    ngx_uint_t             n;
    ngx_http_imgp_unit_t  *units;

    ngx_http_imgp_run_note(run, i, err);

    (void) imgp_job_stage_event(run->job, i, IMGP_ST_FAIL,
                                ngx_http_imgp_now());

    if (run->pipeline->plan->stages[i].optional) {
        run->job->degraded = 1;
    }

    units = run->units[i];

    for (n = 0; units && n < run->nunits[i]; n++) {
        ngx_http_imgp_unit_cancel(&units[n]);
    }

    ngx_http_imgp_run_changed(run);
    ngx_http_imgp_run_advance(run);
}


static void
ngx_http_imgp_run_note(ngx_http_imgp_run_t *run, ngx_uint_t stage,
    imgp_error_t *err)
{
    imgp_error_t  *copy;

    copy = run->job->stages[stage].error;

    if (copy == NULL) {
        copy = imgp_palloc(run->job->pool, sizeof(imgp_error_t));
        if (copy == NULL) {
            return;
        }

        run->job->stages[stage].error = copy;
    }

    *copy = *err;
}


static void
ngx_http_imgp_run_changed(ngx_http_imgp_run_t *run)
{
    if (!run->publish.posted && !run->ending && !run->gone) {
        ngx_post_event(&run->publish, &ngx_posted_events);
    }
}


static void
ngx_http_imgp_run_publish(ngx_event_t *ev)
{
    ngx_int_t             rc;
    imgp_job_t           *job;
    imgp_expect_t         expect[IMGP_STAGES_MAX];
    ngx_http_imgp_run_t  *run;

    run = ev->data;
    job = run->job;

    ngx_http_imgp_zone_expected(run->worker->zone, run->pipeline->index,
                                expect);

    (void) imgp_progress_update(run->pipeline->plan, job, expect,
                                ngx_http_imgp_now());
    job->revision++;

    if (ngx_http_imgp_run_encode(run) != NGX_OK) {
        return;
    }

    rc = ngx_http_imgp_table_update(run->worker->zone, job->id, run->fence,
                                    run->record.data, run->record.len);

    if (rc == NGX_DECLINED) {
        ngx_http_imgp_run_abandon(run);
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_imgp_wake(run->worker, NGX_HTTP_IMGP_WAKE_JOB, job->id);
    }
}


static void
ngx_http_imgp_run_tick(ngx_event_t *ev)
{
    uint32_t               sum;
    ngx_uint_t             i, n;
    imgp_expect_t          expect[IMGP_STAGES_MAX];
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_unit_t  *units;

    run = ev->data;

    if (!ngx_http_imgp_table_owns(run->worker->zone, run->job->id,
                                  run->fence))
    {
        ngx_http_imgp_run_abandon(run);
        return;
    }

    /* what the threads tell of themselves */

    for (i = 0; i < run->job->nstages; i++) {
        units = run->units[i];

        if (units == NULL || run->job->stages[i].state != IMGP_ST_RUNNING) {
            continue;
        }

        for (n = 0, sum = 0; n < run->nunits[i]; n++) {
            sum += units[n].state == NGX_HTTP_IMGP_UNIT_DONE
                   ? 1000 : ngx_min(units[n].progress, 1000);
        }

        sum /= run->nunits[i];

        if (sum > run->job->stages[i].progress) {
            run->job->stages[i].progress = sum;
        }
    }

    ngx_http_imgp_zone_expected(run->worker->zone, run->pipeline->index,
                                expect);

    if (imgp_progress_update(run->pipeline->plan, run->job, expect,
                             ngx_http_imgp_now()))
    {
        ngx_http_imgp_run_changed(run);
    }

    ngx_add_timer(&run->tick, NGX_HTTP_IMGP_RUN_TICK);
}


static ngx_int_t
ngx_http_imgp_run_encode(ngx_http_imgp_run_t *run)
{
    size_t   size;
    ssize_t  n;

    size = imgp_record_size(run->job);

    if (run->record.data) {
        ngx_free(run->record.data);
        run->record.data = NULL;
    }

    run->record.data = ngx_alloc(size, &run->log);
    if (run->record.data == NULL) {
        return NGX_ERROR;
    }

    n = imgp_record_encode(run->job, run->record.data, size);

    if (n < 0) {
        ngx_log_error(NGX_LOG_ALERT, &run->log, 0,
                      "image pipeline: the job does not fit a record");
        return NGX_ERROR;
    }

    run->record.len = n;

    return NGX_OK;
}


/* the job is final: the disk knows first, then everybody */

static void
ngx_http_imgp_run_end(ngx_http_imgp_run_t *run)
{
    imgp_msec_t  keep;

    run->ending = 1;

    if (run->publish.posted) {
        ngx_delete_posted_event(&run->publish);
    }

    if (run->tick.timer_set) {
        ngx_del_timer(&run->tick);
    }

    keep = run->pipeline ? run->pipeline->plan->keep
                         : NGX_HTTP_IMGP_KEEP_GONE;

    run->job->expires_at = run->job->finished_at + keep;
    run->job->revision++;

    if (run->job->state == IMGP_JOB_SUCCEEDED) {
        run->job->progress = 1000;
    }

    if (ngx_http_imgp_table_finish(run->worker->zone, run->job->id,
                                   &run->fence)
        != NGX_OK
        || ngx_http_imgp_run_encode(run) != NGX_OK)
    {
        ngx_http_imgp_run_abandon(run);
        return;
    }

    run->task.kind = NGX_HTTP_IMGP_TASK_IO;
    run->task.work = ngx_http_imgp_run_store;
    run->task.done = ngx_http_imgp_run_stored;
    run->task.data = run;

    run->threads++;
    ngx_http_imgp_thread_run(run->worker, &run->task);
}


/* in a thread */

static void
ngx_http_imgp_run_store(void *data, ngx_log_t *log)
{
    ngx_http_imgp_run_t  *run = data;

    (void) imgp_journal_write(&run->worker->conf->store, run->job->id,
                              run->record.data, run->record.len, 1,
                              &run->error);
}


static void
ngx_http_imgp_run_stored(void *data)
{
    ngx_http_imgp_run_t  *run = data;

    ngx_http_imgp_worker_t  *w;

    w = run->worker;

    if (run->error.error.code) {
        /* its outputs are stored, its file still says "queued": the sweeper
           writes the end from the zone, or a restart finds all stages known */

        ngx_log_error(NGX_LOG_CRIT, &run->log, run->error.syserr,
                      "%s() failed, the end of a job is not stored yet",
                      run->error.call);
    }

    (void) ngx_http_imgp_table_update(w->zone, run->job->id, run->fence,
                                      run->record.data, run->record.len);

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, run->job->id);

    run->gone = 1;
    ngx_http_imgp_run_unref(run);

    ngx_http_imgp_run_claim(w);
}


/* not ours any more */

static void
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


static void
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

            if (imgp_job_reset(run->job, IMGP_JOB_REQUEUE,
                               ngx_http_imgp_now())
                == IMGP_OK
                && ngx_http_imgp_run_encode(run) == NGX_OK)
            {
                run->job->revision++;
                (void) ngx_http_imgp_table_update(w->zone, run->job->id,
                                                  run->fence,
                                                  run->record.data,
                                                  run->record.len);
                ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
            }

            ngx_http_imgp_run_abandon(run);
        }
    }
}
