
/*
 * The stages of a run: which can start, what became of their units, and what
 * that means for the job.  A stage is what its units are: it runs while one
 * of them does, and its outputs are theirs, in their order.
 *
 * Event loop.
 */


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_stat.h"
#include "ngx_http_imgp_halt.h"
#include <imgp/imgp_chain.h>


static ngx_int_t ngx_http_imgp_run_stage(ngx_http_imgp_run_t *run, ngx_uint_t
    i);
static ngx_uint_t ngx_http_imgp_run_halted(ngx_http_imgp_run_t *run,
    ngx_uint_t i);
static void ngx_http_imgp_run_unit_changed(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_run_unit_done(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_run_spared(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_run_stage_done(ngx_http_imgp_run_t *run, ngx_uint_t
    i);
static void ngx_http_imgp_run_event(ngx_http_imgp_run_t *run, ngx_uint_t i,
    imgp_stage_event_e event);
static void ngx_http_imgp_run_count(ngx_http_imgp_run_t *run, ngx_uint_t i);
static ngx_int_t ngx_http_imgp_run_collect(ngx_http_imgp_run_t *run,
    ngx_uint_t i);
static void ngx_http_imgp_run_stage_failed(ngx_http_imgp_run_t *run,
    ngx_uint_t i, imgp_error_t *err);
static void ngx_http_imgp_run_note(ngx_http_imgp_run_t *run, ngx_uint_t stage,
    imgp_error_t *err);


/* starts all that is ready; a stage that ends at once may make others ready,
   and comes back here by itself */

void
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
            if (ngx_http_imgp_run_halted(run, plan->order[i])) {
                run->halted = 1;
                break;
            }

            if (ngx_http_imgp_run_stage(run, plan->order[i]) != NGX_OK) {
                return;
            }

            break;

        default: /* IMGP_GRAPH_WAIT, IMGP_GRAPH_DEAD, IMGP_GRAPH_PASS */
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

    ngx_http_imgp_run_event(run, i, IMGP_ST_READY);
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


/* paused, or one that is done in it is: looked at again with each tick */

static ngx_uint_t
ngx_http_imgp_run_halted(ngx_http_imgp_run_t *run, ngx_uint_t i)
{
    uint8_t       links[IMGP_CHAIN_MAX];
    ngx_uint_t    n;
    imgp_plan_t  *plan;

    plan = run->pipeline->plan;
    n = imgp_chain_links(plan, i, links);

    while (n--) {
        if (ngx_http_imgp_halted(run->worker->zone, &plan->name,
                                 &plan->stages[links[n]].name))
        {
            return 1;
        }
    }

    return 0;
}


/* what is paused keeps no worker process from its end: the workers of the new
   configuration wait in its place */

ngx_uint_t
ngx_http_imgp_run_rests(ngx_http_imgp_run_t *run)
{
    ngx_uint_t             i, n;
    ngx_http_imgp_unit_t  *units;

    for (i = 0; i < run->job->nstages; i++) {
        units = run->units[i];

        for (n = 0; units && n < run->nunits[i]; n++) {

            if (units[n].state != NGX_HTTP_IMGP_UNIT_IDLE
                && units[n].state != NGX_HTTP_IMGP_UNIT_DONE
                && units[n].state != NGX_HTTP_IMGP_UNIT_JOINED
                && units[n].state != NGX_HTTP_IMGP_UNIT_PLACE)
            {
                return 0;
            }
        }
    }

    return 1;
}


/* the stage is what its units are: running if one of them works */

static void
ngx_http_imgp_run_unit_changed(ngx_http_imgp_unit_t *unit)
{
    uint32_t               attempts;
    ngx_uint_t             n, working;
    imgp_job_stage_t      *stage;
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_unit_t  *units;

    run = unit->run;
    stage = &run->job->stages[unit->stage];
    units = run->units[unit->stage];

    for (n = 0, working = 0; n < run->nunits[unit->stage]; n++) {
        working += units[n].state == NGX_HTTP_IMGP_UNIT_CALL
                   || units[n].state == NGX_HTTP_IMGP_UNIT_TASK
                   || &units[n] == unit;
    }

    attempts = stage->attempts;

    if (unit->state == NGX_HTTP_IMGP_UNIT_BACKOFF) {
        ngx_http_imgp_run_note(run, unit->stage, &unit->error.error);

        if (working == 1) {
            ngx_http_imgp_run_event(run, unit->stage, IMGP_ST_RETRY);
        }

    } else {
        ngx_http_imgp_run_event(run, unit->stage, IMGP_ST_START);
    }

    stage->attempts = ngx_max(attempts, unit->attempts);

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
    run->spared[unit->stage] = 1;
}


static void
ngx_http_imgp_run_stage_done(ngx_http_imgp_run_t *run, ngx_uint_t i)
{
    imgp_error_t      *err;
    imgp_job_stage_t  *stage;

    stage = &run->job->stages[i];

    if (ngx_http_imgp_run_collect(run, i) != NGX_OK) {
        return;
    }

    /* of items that were spared: it stays to be seen */

    err = run->spared[i] ? stage->error : NULL;

    ngx_http_imgp_run_event(run, i, IMGP_ST_SUCCEED);
    stage->error = err;

    ngx_http_imgp_run_count(run, i);

    if (!stage->cached) {
        ngx_http_imgp_stat_stage(run->worker->zone, run->pipeline->index, i,
                                 stage->run_ms);
    }

    if (!stage->cached && stage->run_ms) {
        ngx_http_imgp_expect_stage(run->worker->zone, run->pipeline, i,
                                   &run->job->input, stage->run_ms);
    }

    ngx_http_imgp_run_changed(run);
    ngx_http_imgp_run_advance(run);
}


/* what happens to a stage happens to those that are done in it, too */

static void
ngx_http_imgp_run_event(ngx_http_imgp_run_t *run, ngx_uint_t i,
    imgp_stage_event_e event)
{
    uint8_t            links[IMGP_CHAIN_MAX];
    ngx_uint_t         n;
    imgp_msec_t        now;
    imgp_job_stage_t  *stage, *inside;

    now = ngx_http_imgp_now();
    stage = &run->job->stages[i];

    n = imgp_chain_links(run->pipeline->plan, i, links);

    (void) imgp_job_stage_event(run->job, i, event, now);

    while (--n) {
        inside = &run->job->stages[links[n - 1]];

        inside->cached = stage->cached;
        (void) imgp_job_stage_event(run->job, links[n - 1], event, now);
    }
}


/* it succeeded, and those that were done in it */

static void
ngx_http_imgp_run_count(ngx_http_imgp_run_t *run, ngx_uint_t i)
{
    uint8_t     links[IMGP_CHAIN_MAX];
    ngx_uint_t  n;

    n = imgp_chain_links(run->pipeline->plan, i, links);

    while (n--) {
        ngx_http_imgp_stat_ended(run->worker->zone, run->pipeline->index,
                                 links[n],
                                 run->job->stages[i].cached
                                 ? NGX_HTTP_IMGP_STAT_KNOWN
                                 : NGX_HTTP_IMGP_STAT_DONE);
    }
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

        if (units[n].old) {
            run->own = 0;
        }
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
    uint8_t                links[IMGP_CHAIN_MAX];
    ngx_uint_t             n;
    ngx_http_imgp_unit_t  *units;

    /* of those that run as one, the first reads what came from outside */

    (void) imgp_chain_links(run->pipeline->plan, i, links);

    ngx_http_imgp_run_note(run, links[0], err);

    ngx_http_imgp_stat_ended(run->worker->zone, run->pipeline->index,
                             links[0], NGX_HTTP_IMGP_STAT_FAILED);

    (void) imgp_job_stage_event(run->job, links[0], IMGP_ST_FAIL,
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
    (void) imgp_job_stage_error(run->job, stage, err);
}
