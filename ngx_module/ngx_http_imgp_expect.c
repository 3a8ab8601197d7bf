
/*
 * What was learnt of the stages of a pipeline, in the zone: durations, and how
 * fast its queue moves.  Cells change by compare and swap, and whoever reads
 * them may see some that are newer than others; no lock is taken but for the
 * pace of the queue, once for a job.
 *
 * Event loop.  What is learnt outlives a reload, and is forgotten when the
 * plan changes (ngx_http_imgp_place.c), since a number is then another stage.
 */


#include "ngx_http_imgp_zone.h"


static uint64_t ngx_http_imgp_expect_wait(ngx_http_imgp_shstage_t *sh,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t stage,
    const imgp_expect_t *e);


void
ngx_http_imgp_expect_stage(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t stage,
    const imgp_item_t *input, uint64_t ms)
{
    imgp_expect_cell_t          *cell, was;
    ngx_http_imgp_shpipeline_t  *p;

    p = &zone->sh->pipelines[pipeline->index];

    /* workers of before a reload may have another plan */

    if (ngx_memcmp(p->plan, pipeline->plan->digest, IMGP_DIGEST_LEN) != 0) {
        return;
    }

    cell = &p->expect[stage][imgp_expect_class(input)];

    do {
        was = __atomic_load_n(cell, __ATOMIC_RELAXED);
    } while (!__sync_bool_compare_and_swap(cell, was,
                                           imgp_expect_add(was, ms)));
}


void
ngx_http_imgp_expect_job(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline)
{
    ngx_http_imgp_shpipeline_t  *p;

    p = &zone->sh->pipelines[pipeline];

    ngx_http_imgp_zone_lock(zone);

    imgp_expect_end(&p->pace, p->queue.count, ngx_current_msec);

    ngx_http_imgp_zone_unlock(zone);
}


/* all stages of the pipeline, for this job */

void
ngx_http_imgp_expected(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline, const imgp_job_t *job,
    imgp_expect_t *expect)
{
    ngx_uint_t                   i, klass;
    ngx_http_imgp_shpipeline_t  *p;

    p = &zone->sh->pipelines[pipeline->index];
    klass = imgp_expect_class(&job->input);

    for (i = 0; i < pipeline->plan->nstages; i++) {
        imgp_expect_find(&expect[i], p->expect[i], klass);
        expect[i].wait_ms = ngx_http_imgp_expect_wait(&p->stages[i], pipeline,
                                                      i, &expect[i]);
    }
}


static uint64_t
ngx_http_imgp_expect_wait(ngx_http_imgp_shstage_t *sh,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t stage,
    const imgp_expect_t *e)
{
    ngx_uint_t                i, limit;
    const imgp_stage_t       *st;
    ngx_http_imgp_service_t  *service;

    service = pipeline->services[stage];

    if (service == NULL || sh->queue.count == 0) {
        return 0;
    }

    st = &pipeline->plan->stages[stage];
    limit = st->concurrency;

    for (i = 0; limit == 0 && i < st->nlanes; i++) {
        limit += st->lanes[i].concurrency;
    }

    return imgp_expect_wait(e, st, sh->queue.count, limit,
                            service->care.interval);
}


uint64_t
ngx_http_imgp_expect_pace(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline)
{
    return imgp_expect_us(zone->sh->pipelines[pipeline].pace.cell);
}
