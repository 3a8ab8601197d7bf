
/*
 * Counters in the zone.  Those of a pipeline lie beside its queue and live as
 * long as its name is configured; those of a stage are taken from a common
 * table when it first ends, and given back when the plan changes, since a
 * number is then another stage.
 *
 * Called from the event loop of workers.  Additions are atomic and need no
 * lock; a reader may see a sum that is one ahead of its count.
 */


#include "ngx_http_imgp_zone.h"


#define NGX_HTTP_IMGP_STAT_SCAN  4096     /* flights under the lock */


static void ngx_http_imgp_stat_add(ngx_http_imgp_histogram_t *h,
    uint64_t ms);
static ngx_http_imgp_shseries_t *ngx_http_imgp_stat_series(
    ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline, ngx_uint_t stage);


const ngx_uint_t
ngx_http_imgp_stat_bounds[NGX_HTTP_IMGP_STAT_BUCKETS - 1] = {
    10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000,
    120000, 300000, 600000
};


static void
ngx_http_imgp_stat_add(ngx_http_imgp_histogram_t *h, uint64_t ms)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_IMGP_STAT_BUCKETS - 1; i++) {
        if (ms <= ngx_http_imgp_stat_bounds[i]) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&h->buckets[i], 1);
    (void) ngx_atomic_fetch_add(&h->sum, ms);
}


void
ngx_http_imgp_stat_job(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    imgp_job_t *job)
{
    ngx_http_imgp_shpipeline_t  *p;

    if (!imgp_job_is_final(job->state)) {
        return;
    }

    p = &zone->sh->pipelines[pipeline];

    (void) ngx_atomic_fetch_add(&p->ended[job->state - IMGP_JOB_SUCCEEDED],
                                1);

    ngx_http_imgp_stat_add(&p->durations,
                           job->finished_at > job->created_at
                           ? job->finished_at - job->created_at : 0);
}


void
ngx_http_imgp_stat_stage(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage, uint64_t ms)
{
    ngx_http_imgp_shseries_t  *s;

    s = ngx_http_imgp_stat_series(zone, pipeline, stage);

    if (s) {
        ngx_http_imgp_stat_add(&s->durations, ms);
    }
}


static ngx_http_imgp_shseries_t *
ngx_http_imgp_stat_series(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage)
{
    uint32_t                     i;
    ngx_http_imgp_shzone_t      *sh;
    ngx_http_imgp_shpipeline_t  *p;

    sh = zone->sh;
    p = &sh->pipelines[pipeline];

    if (p->series[stage]) {
        return &sh->series[p->series[stage] - 1];
    }

    ngx_http_imgp_zone_lock(zone);

    for (i = 0; p->series[stage] == 0 && i < NGX_HTTP_IMGP_SERIES; i++) {

        if (!sh->series[i].used) {
            ngx_memzero(&sh->series[i], sizeof(ngx_http_imgp_shseries_t));
            sh->series[i].used = 1;
            p->series[stage] = i + 1;
        }
    }

    i = p->series[stage];

    ngx_http_imgp_zone_unlock(zone);

    return i ? &sh->series[i - 1] : NULL;
}


void
ngx_http_imgp_stat_forget(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shpipeline_t *p)
{
    ngx_uint_t  i;

    ngx_memzero((void *) zone->sh->stages[p - zone->sh->pipelines],
                sizeof(zone->sh->stages[0]));

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        if (p->series[i]) {
            zone->sh->series[p->series[i] - 1].used = 0;
            p->series[i] = 0;
        }
    }
}


void
ngx_http_imgp_stat_ended(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage, ngx_uint_t end)
{
    (void) ngx_atomic_fetch_add(&zone->sh->stages[pipeline][stage].ends[end],
                                1);
}


void
ngx_http_imgp_stat_known(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    imgp_job_t *job)
{
    ngx_uint_t  i;

    for (i = 0; i < job->nstages; i++) {
        if (job->stages[i].cached) {
            ngx_http_imgp_stat_ended(zone, pipeline, i,
                                     NGX_HTTP_IMGP_STAT_KNOWN);
        }
    }
}


void
ngx_http_imgp_stat_ends(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage, ngx_http_imgp_stat_stage_t *s)
{
    *s = zone->sh->stages[pipeline][stage];
}


/* the lock is taken for some of them at a time */

void
ngx_http_imgp_stat_now(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_stat_now_t *now)
{
    uint32_t                   i, end;
    ngx_http_imgp_flight_t    *f;
    ngx_http_imgp_stat_now_t  *n;

    for (i = 0; i < zone->sh->nflights; /* void */ ) {

        ngx_http_imgp_zone_lock(zone);

        end = ngx_min(i + NGX_HTTP_IMGP_STAT_SCAN, zone->sh->nflights);

        for ( /* void */ ; i < end; i++) {
            f = &zone->flights[i];

            if (f->used && f->pipeline < NGX_HTTP_IMGP_PIPELINES
                && f->stage < IMGP_STAGES_MAX)
            {
                n = &now[f->pipeline * IMGP_STAGES_MAX + f->stage];
                n->waiting += f->waiting;
                n->running += !f->waiting;
            }
        }

        ngx_http_imgp_zone_unlock(zone);
    }
}


void
ngx_http_imgp_stat_cache(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t result)
{
    (void) ngx_atomic_fetch_add(&zone->sh->pipelines[pipeline].cache[result],
                                1);
}


/* one writer: a process that dies takes its number with it */

void
ngx_http_imgp_stat_held(ngx_http_imgp_zone_t *zone, ngx_uint_t kind,
    ngx_int_t n)
{
    if (zone->me != NGX_HTTP_IMGP_NONE) {
        zone->sh->workers[zone->me].held[kind] += n;
    }
}


void
ngx_http_imgp_stat_pipeline(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_http_imgp_stat_pipeline_t *s)
{
    ngx_uint_t                   i;
    ngx_http_imgp_shpipeline_t  *p;

    p = &zone->sh->pipelines[pipeline];

    ngx_memzero(s, sizeof(ngx_http_imgp_stat_pipeline_t));

    ngx_http_imgp_zone_lock(zone);

    s->queued = p->queue.count;
    s->running = p->running;

    ngx_http_imgp_zone_unlock(zone);

    for (i = 0; i < NGX_HTTP_IMGP_STAT_STATES; i++) {
        s->ended[i] = p->ended[i];
    }

    for (i = 0; i < NGX_HTTP_IMGP_STAT_CACHE; i++) {
        s->cache[i] = p->cache[i];
    }

    s->jobs = p->durations;
}


ngx_int_t
ngx_http_imgp_stat_stage_read(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t stage, ngx_http_imgp_histogram_t *h)
{
    uint32_t  i;

    i = zone->sh->pipelines[pipeline].series[stage];

    if (i == 0) {
        return NGX_DECLINED;
    }

    *h = zone->sh->series[i - 1].durations;

    return NGX_OK;
}


void
ngx_http_imgp_stat_zone(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_stat_zone_t *s)
{
    ngx_uint_t                 i, k;
    ngx_http_imgp_shzone_t    *sh;
    ngx_http_imgp_shworker_t  *w;

    sh = zone->sh;

    ngx_memzero(s, sizeof(ngx_http_imgp_stat_zone_t));

    ngx_http_imgp_zone_lock(zone);

    s->size = sizeof(ngx_http_imgp_shzone_t)
              + sh->max_jobs * sizeof(ngx_http_imgp_slot_t)
              + sh->max_cells * sizeof(ngx_http_imgp_cell_t)
              + sh->max_flights * sizeof(ngx_http_imgp_flight_t)
              + 2 * sh->nhash * sizeof(uint32_t);

    s->used = sizeof(ngx_http_imgp_shzone_t)
              + 2 * sh->nhash * sizeof(uint32_t)
              + sh->final.count * sizeof(ngx_http_imgp_slot_t)
              + (sh->ncells - sh->free_cells) * sizeof(ngx_http_imgp_cell_t);

    for (i = 0; i < NGX_HTTP_IMGP_PIPELINES; i++) {
        s->used += (sh->pipelines[i].queue.count + sh->pipelines[i].running)
                   * sizeof(ngx_http_imgp_slot_t);
    }

    s->full = sh->final.count == 0
              && ((sh->free_slot == NGX_HTTP_IMGP_NONE
                   && sh->njobs == sh->max_jobs)
                  || sh->free_cells + sh->max_cells - sh->ncells
                     < NGX_HTTP_IMGP_CELLS_JOB);

    for (i = 0; i < sh->nworkers; i++) {
        w = &sh->workers[i];

        for (k = 0; w->pid && k < NGX_HTTP_IMGP_HELD; k++) {
            s->held[k] += w->held[k];
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    s->store = sh->store_bytes;
}
