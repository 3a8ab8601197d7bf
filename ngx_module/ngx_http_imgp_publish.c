
/*
 * What a run lets others see: once a turn of the event loop a new revision
 * of its document in the zone, and at its end the journal first, then the
 * zone, so that nobody ever sees an end that a crash could take back.
 *
 * Event loop, but for the store of the end.
 */


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_stat.h"
#include "ngx_http_imgp_halt.h"


#define NGX_HTTP_IMGP_RUN_TICK  500     /* ms between steps of progress */


static void ngx_http_imgp_run_publish(ngx_event_t *ev);
static void ngx_http_imgp_run_tick(ngx_event_t *ev);
static ngx_int_t ngx_http_imgp_run_paused(ngx_http_imgp_run_t *run);
static void ngx_http_imgp_run_store(void *data, ngx_log_t *log);
static void ngx_http_imgp_run_stored(void *data);


/* from its claim on */

void
ngx_http_imgp_run_show(ngx_http_imgp_run_t *run)
{
    run->publish.handler = ngx_http_imgp_run_publish;
    run->publish.data = run;
    run->publish.log = &run->log;

    run->tick.handler = ngx_http_imgp_run_tick;
    run->tick.data = run;
    run->tick.log = &run->log;
    run->tick.cancelable = 1;

    ngx_add_timer(&run->tick, NGX_HTTP_IMGP_RUN_TICK);

    ngx_http_imgp_run_changed(run);
}


void
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

    ngx_http_imgp_expected(run->worker->zone, run->pipeline, run->job, expect);

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

    if (run->worker->redis) {
        ngx_http_imgp_share_changed(run);
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

    if (ngx_http_imgp_run_paused(run) != NGX_OK) {
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

    ngx_http_imgp_expected(run->worker->zone, run->pipeline, run->job, expect);

    if (imgp_progress_update(run->pipeline->plan, run->job, expect,
                             ngx_http_imgp_now()))
    {
        ngx_http_imgp_run_changed(run);
    }

    ngx_add_timer(&run->tick, NGX_HTTP_IMGP_RUN_TICK);
}


/* a stage that was paused may go on; NGX_DONE: the run is over */

static ngx_int_t
ngx_http_imgp_run_paused(ngx_http_imgp_run_t *run)
{
    if (run->worker->exiting && ngx_http_imgp_run_rests(run)
        && ngx_http_imgp_halt_list(run->worker->zone, NULL))
    {
        ngx_http_imgp_run_requeue(run);
        return NGX_DONE;
    }

    if (run->halted) {
        run->halted = 0;
        ngx_http_imgp_run_advance(run);
    }

    return run->ending || run->gone ? NGX_DONE : NGX_OK;
}


ngx_int_t
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

void
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

    if (ngx_http_imgp_table_finish(run->worker->zone, run->job->id,
                                   &run->fence)
        != NGX_OK)
    {
        ngx_http_imgp_run_abandon(run);
        return;
    }

    if (ngx_http_imgp_run_encode(run) != NGX_OK) {
        /* nobody takes it over from a living worker, but from the journal */
        ngx_http_imgp_table_remove(run->worker->zone, run->job->id);
        ngx_http_imgp_run_abandon(run);
        return;
    }

    if (run->worker->redis) {
        ngx_http_imgp_share_end(run);
        return;
    }

    ngx_http_imgp_run_store_end(run);
}


void
ngx_http_imgp_run_store_end(ngx_http_imgp_run_t *run)
{
    if (run->worker->redis
        && ngx_http_imgp_table_keep(run->worker->zone, run->job->id,
                                    run->fence)
           != NGX_OK)
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

    (void) ngx_http_imgp_notify_end(run->worker->conf, run->job->id,
                                    run->record.data, run->record.len,
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

    if (run->unsaid) {
        ngx_http_imgp_mirror_unsaid(w->zone, run->job->id);

    } else if (w->redis) {
        ngx_http_imgp_mirror_said(w->zone, run->job->id, run->born);
    }

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, run->job->id);
    ngx_http_imgp_notify_hint(w);

    if (run->pipeline) {
        ngx_http_imgp_stat_job(w->zone, run->pipeline->index, run->job);
        ngx_http_imgp_expect_job(w->zone, run->pipeline->index);
    }

    run->gone = 1;
    ngx_http_imgp_run_unref(run);

    ngx_http_imgp_run_claim(w);

    /* with a backlog of its own it leaves the place to the others */

    if (ngx_http_imgp_thread_backlog(w)) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    }
}
