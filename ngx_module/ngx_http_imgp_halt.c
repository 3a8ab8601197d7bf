
/*
 * Pausing stages and draining pipelines.  A run that comes to a paused stage
 * leaves it pending, and looks again with each of its ticks; calls that wait
 * for a place at its service get none.  What has begun is brought to its end.
 *
 * Called from the event loop of workers, halt_load() by the master.  While
 * nothing is halted, which is nearly always, it costs a look at one number.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_halt.h"
#include <imgp/imgp_file.h>


static ngx_uint_t ngx_http_imgp_halt_find(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *pipeline, const imgp_str_t *stage);
static ngx_int_t ngx_http_imgp_halt_change(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *pipeline, const imgp_str_t *stage, ngx_uint_t on);
static void ngx_http_imgp_halt_serve(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *pipeline, const imgp_str_t *stage,
    ngx_http_imgp_told_t *told);
static void ngx_http_imgp_halt_line(ngx_http_imgp_zone_t *zone, u_char *p,
    u_char *last);


const imgp_str_t  ngx_http_imgp_halt_all = { 0, (u_char *) "" };


ngx_int_t
ngx_http_imgp_halt(ngx_http_imgp_worker_t *w, const imgp_str_t *pipeline,
    const imgp_str_t *stage, ngx_uint_t on)
{
    ngx_int_t              rc;
    ngx_http_imgp_told_t   told;
    ngx_http_imgp_zone_t  *zone;

    zone = w->zone;
    told.n = told.all = 0;

    ngx_http_imgp_zone_lock(zone);

    rc = ngx_http_imgp_halt_change(zone, pipeline, stage, on);

    if (rc == NGX_OK && !on && stage->len) {
        ngx_http_imgp_halt_serve(zone, pipeline, stage, &told);
    }

    ngx_http_imgp_zone_unlock(zone);

    ngx_http_imgp_flight_tell(w, &told);

    return rc;
}


/* the last one takes the place of one that goes */

static ngx_int_t
ngx_http_imgp_halt_change(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *pipeline, const imgp_str_t *stage, ngx_uint_t on)
{
    ngx_uint_t               i;
    ngx_http_imgp_halt_t    *halt;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;
    i = ngx_http_imgp_halt_find(zone, pipeline, stage);

    if ((i < sh->nhalts) == on) {
        return NGX_DECLINED;
    }

    if (!on) {
        sh->halts[i] = sh->halts[sh->nhalts - 1];
        sh->nhalts--;
        return NGX_OK;
    }

    if (i == NGX_HTTP_IMGP_HALTS || pipeline->len >= IMGP_NAME_LEN
        || stage->len >= IMGP_NAME_LEN)
    {
        return NGX_ERROR;
    }

    halt = &sh->halts[i];

    ngx_memzero(halt, sizeof(ngx_http_imgp_halt_t));
    ngx_memcpy(halt->pipeline, pipeline->data, pipeline->len);
    ngx_memcpy(halt->stage, stage->data, stage->len);

    ngx_memory_barrier();
    sh->nhalts++;

    return NGX_OK;
}


/* its place, or nhalts */

static ngx_uint_t
ngx_http_imgp_halt_find(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *pipeline, const imgp_str_t *stage)
{
    ngx_uint_t             i;
    ngx_http_imgp_halt_t  *halt;

    for (i = 0; i < zone->sh->nhalts; i++) {
        halt = &zone->sh->halts[i];

        if (ngx_strlen(halt->pipeline) == pipeline->len
            && ngx_memcmp(halt->pipeline, pipeline->data, pipeline->len) == 0
            && ngx_strlen(halt->stage) == stage->len
            && ngx_memcmp(halt->stage, stage->data, stage->len) == 0)
        {
            break;
        }
    }

    return i;
}


ngx_uint_t
ngx_http_imgp_halted(ngx_http_imgp_zone_t *zone, const imgp_str_t *pipeline,
    const imgp_str_t *stage)
{
    ngx_uint_t  halted;

    if (zone->sh->nhalts == 0) {
        return 0;
    }

    ngx_http_imgp_zone_lock(zone);

    halted = ngx_http_imgp_halt_find(zone, pipeline, stage)
             < zone->sh->nhalts;

    ngx_http_imgp_zone_unlock(zone);

    return halted;
}


ngx_uint_t
ngx_http_imgp_halt_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_halt_t *list)
{
    ngx_uint_t  n;

    ngx_http_imgp_zone_lock(zone);

    n = zone->sh->nhalts;

    if (list) {
        ngx_memcpy(list, zone->sh->halts, n * sizeof(ngx_http_imgp_halt_t));
    }

    ngx_http_imgp_zone_unlock(zone);

    return n;
}


ngx_uint_t
ngx_http_imgp_halt_stage(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage)
{
    ngx_uint_t                  i;
    imgp_plan_t                *plan;
    ngx_http_imgp_pipeline_t  **pipelines;

    if (zone->sh->nhalts == 0) {
        return 0;
    }

    pipelines = zone->conf->pipelines.elts;

    for (i = 0; i < zone->conf->pipelines.nelts; i++) {
        plan = pipelines[i]->plan;

        if (pipelines[i]->index == pipeline && stage < plan->nstages) {
            return ngx_http_imgp_halt_find(zone, &plan->name,
                                           &plan->stages[stage].name)
                   < zone->sh->nhalts;
        }
    }

    return 0;
}


/* calls that have waited meanwhile */

static void
ngx_http_imgp_halt_serve(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *pipeline, const imgp_str_t *stage,
    ngx_http_imgp_told_t *told)
{
    ngx_uint_t                  i;
    imgp_int_t                  n;
    ngx_http_imgp_pipeline_t  **pipelines;

    pipelines = zone->conf->pipelines.elts;

    for (i = 0; i < zone->conf->pipelines.nelts; i++) {

        if (!imgp_str_eq(&pipelines[i]->plan->name, pipeline)) {
            continue;
        }

        n = imgp_plan_find_stage(pipelines[i]->plan, stage);

        if (n != IMGP_DECLINED) {
            ngx_http_imgp_turn_serve(zone, pipelines[i]->index, n, told);
        }
    }
}


ngx_int_t
ngx_http_imgp_halt_text(ngx_http_imgp_zone_t *zone, ngx_pool_t *pool,
    ngx_str_t *text)
{
    u_char                *p;
    ngx_uint_t             i, n;
    ngx_http_imgp_halt_t  *list;

    list = ngx_palloc(pool, NGX_HTTP_IMGP_HALTS
                            * sizeof(ngx_http_imgp_halt_t));
    text->data = ngx_pnalloc(pool, NGX_HTTP_IMGP_HALT_TEXT);

    if (list == NULL || text->data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_http_imgp_halt_list(zone, list);
    p = text->data;

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "%s %s\n", list[i].pipeline, list[i].stage);
    }

    text->len = p - text->data;

    return NGX_OK;
}


void
ngx_http_imgp_halt_path(const imgp_store_t *store, char *path)
{
    *ngx_snprintf((u_char *) path, IMGP_PATH_MAX - 1, "%V/halted",
                  ngx_http_imgp_nstr(&store->path)) = '\0';
}


void
ngx_http_imgp_halt_load(ngx_http_imgp_zone_t *zone)
{
    char                 path[IMGP_PATH_MAX];
    u_char              *p, *end, *last;
    imgp_str_t           text;
    imgp_pool_t         *pool;
    imgp_store_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, NGX_HTTP_IMGP_HALT_TEXT);
    if (pool == NULL) {
        return;
    }

    ngx_http_imgp_halt_path(&zone->conf->store, path);

    if (imgp_file_read(path, NGX_HTTP_IMGP_HALT_TEXT, pool, &text, &err)
        == IMGP_OK)
    {
        last = text.data + text.len;

        for (p = text.data; p < last; p = end + 1) {
            end = ngx_strlchr(p, last, LF);

            if (end == NULL) {
                break;
            }

            ngx_http_imgp_halt_line(zone, p, end);
        }
    }

    imgp_pool_destroy(pool);
}


static void
ngx_http_imgp_halt_line(ngx_http_imgp_zone_t *zone, u_char *p, u_char *last)
{
    u_char      *blank;
    imgp_str_t   pipeline, stage;

    blank = ngx_strlchr(p, last, ' ');

    if (blank == NULL) {
        return;
    }

    pipeline.data = p;
    pipeline.len = blank - p;
    stage.data = blank + 1;
    stage.len = last - stage.data;

    ngx_http_imgp_zone_lock(zone);

    (void) ngx_http_imgp_halt_change(zone, &pipeline, &stage, 1);

    ngx_http_imgp_zone_unlock(zone);
}
