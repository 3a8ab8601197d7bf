
/*
 * The places of pipelines in the zone: a pipeline keeps its own by its name
 * through all reloads, with its queue, its counters and what was measured.  A
 * place is given back when nobody can mean it any more: no job of it waits or
 * runs, no call of it is out, and no configuration that has it is alive, which
 * is one with a worker process, or the newest, whose workers are yet to come.
 *
 * Under the lock of the zone; by the master at a reload, and by whoever adopts
 * a job whose pipeline is gone.
 */


#include "ngx_http_imgp_zone.h"


static ngx_int_t ngx_http_imgp_place_pipeline(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline);
static ngx_http_imgp_shpipeline_t *ngx_http_imgp_place_find(
    ngx_http_imgp_zone_t *zone, const imgp_str_t *name);
static ngx_uint_t ngx_http_imgp_place_used(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shpipeline_t *p);


ngx_int_t
ngx_http_imgp_place_pipelines(ngx_http_imgp_zone_t *zone)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_imgp_pipeline_t  **pipelines;

    pipelines = zone->conf->pipelines.elts;

    ngx_http_imgp_zone_lock(zone);

    zone->generation = ++zone->sh->generation;

    for (rc = NGX_OK, i = 0; i < zone->conf->pipelines.nelts; i++) {
        rc = ngx_http_imgp_place_pipeline(zone, pipelines[i]);
        if (rc != NGX_OK) {
            break;
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, zone->log, 0,
                      "too many image pipelines, at most %d of old and new "
                      "configurations together can be alive",
                      NGX_HTTP_IMGP_PIPELINES);
    }

    return rc;
}


static ngx_int_t
ngx_http_imgp_place_pipeline(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline)
{
    ngx_http_imgp_shpipeline_t  *p;

    p = ngx_http_imgp_place(zone, &pipeline->plan->name);

    if (p == NULL) {
        return NGX_ERROR;
    }

    if (ngx_memcmp(p->plan, pipeline->plan->digest, IMGP_DIGEST_LEN) != 0) {
        ngx_memzero(p->expect, sizeof(p->expect));
        ngx_memzero(&p->pace, sizeof(imgp_expect_pace_t));
        ngx_http_imgp_stat_forget(zone, p);
        ngx_memcpy(p->plan, pipeline->plan->digest, IMGP_DIGEST_LEN);
    }

    pipeline->index = p - zone->sh->pipelines;

    return NGX_OK;
}


ngx_http_imgp_shpipeline_t *
ngx_http_imgp_place(ngx_http_imgp_zone_t *zone, const imgp_str_t *name)
{
    ngx_http_imgp_shpipeline_t  *p;

    p = ngx_http_imgp_place_find(zone, name);

    if (p) {
        p->last = ngx_max(p->last, zone->generation);
    }

    return p;
}


static ngx_http_imgp_shpipeline_t *
ngx_http_imgp_place_find(ngx_http_imgp_zone_t *zone, const imgp_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_imgp_shpipeline_t  *p, *place;

    place = NULL;

    for (i = 0; i < NGX_HTTP_IMGP_PIPELINES; i++) {
        p = &zone->sh->pipelines[i];

        if (ngx_strncmp(p->name, name->data, name->len) == 0
            && p->name[name->len] == '\0')
        {
            return p;
        }

        if (place == NULL && p->name[0] == '\0') {
            place = p;
        }
    }

    for (i = 0; place == NULL && i < NGX_HTTP_IMGP_PIPELINES; i++) {
        p = &zone->sh->pipelines[i];

        if (!ngx_http_imgp_place_used(zone, p)) {
            place = p;
        }
    }

    if (place) {
        ngx_memzero(place->name, IMGP_NAME_LEN);
        ngx_memzero(place->plan, IMGP_DIGEST_LEN);
        ngx_memzero(place->expect, sizeof(place->expect));
        ngx_memzero(&place->pace, sizeof(imgp_expect_pace_t));
        ngx_memzero((void *) place->ended, sizeof(place->ended));
        ngx_memzero((void *) place->cache, sizeof(place->cache));
        ngx_memzero(&place->durations, sizeof(ngx_http_imgp_histogram_t));
        ngx_http_imgp_stat_forget(zone, place);

        ngx_memcpy(place->name, name->data, name->len);
        place->first = zone->generation;
        place->last = zone->generation;
    }

    return place;
}


static ngx_uint_t
ngx_http_imgp_place_used(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shpipeline_t *p)
{
    uint32_t                   i;
    ngx_http_imgp_shworker_t  *w;

    if (p->queue.count || p->running || p->last == zone->sh->generation) {
        return 1;
    }

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        if (p->stages[i].calls || p->stages[i].queue.count) {
            return 1;
        }
    }

    for (i = 0; i < NGX_HTTP_IMGP_WORKERS; i++) {
        w = &zone->sh->workers[i];

        if (w->pid && w->generation >= p->first && w->generation <= p->last
            && (kill(w->pid, 0) == 0 || ngx_errno != ESRCH))
        {
            return 1;
        }
    }

    return 0;
}
