
/*
 * "image_pipeline_health": can this machine take an upload now?  A file is
 * written into the store, by a thread; a store that hangs holds the answer,
 * so who asks has a time-out anyway, and hears nothing good either way.
 *
 *     200  ok        all is well
 *     200  degraded  uploads are taken: Redis is away, a service is not called
 *     503  away      they are not: the store, the zone, or Redis that must be
 *
 * Event loop, but for the file.
 */


#include "ngx_http_imgp_redis.h"
#include "ngx_http_imgp_care.h"
#include "ngx_http_imgp_stat.h"
#include <imgp/imgp_json.h>
#include <imgp/imgp_file.h>


typedef struct {
    ngx_http_imgp_worker_t        *worker;
    imgp_store_error_t             error;
    imgp_int_t                     rc;
    char                           path[IMGP_PATH_MAX];
} ngx_http_imgp_health_t;


typedef struct {
    ngx_uint_t                     open;       /* breakers */
} ngx_http_imgp_health_services_t;


static void ngx_http_imgp_health_write(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_health_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);
static const char *ngx_http_imgp_health_redis(ngx_http_imgp_worker_t *w);
static ngx_int_t ngx_http_imgp_health_service(void *data,
    ngx_http_imgp_tally_service_t *s);


ngx_int_t
ngx_http_imgp_health_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_imgp_async_t      *async;
    ngx_http_imgp_health_t     *health;
    ngx_http_imgp_main_conf_t  *imcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    imcf = ngx_http_get_module_main_conf(r, ngx_http_image_pipeline_module);

    if (imcf->worker == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    async = ngx_http_imgp_async_create(r, imcf->worker,
                                       sizeof(ngx_http_imgp_health_t));
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    health = async->data;
    health->worker = imcf->worker;

    ngx_snprintf((u_char *) health->path, IMGP_PATH_MAX - 1,
                 "%V/tmp/health-%P", ngx_http_imgp_nstr(
                                         &imcf->worker->conf->store.path),
                 ngx_pid);

    async->work = ngx_http_imgp_health_write;
    async->done = ngx_http_imgp_health_done;

    if (ngx_http_imgp_async_run(async) != NGX_DONE) {
        ngx_destroy_pool(async->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* in a thread; who asks at the same time may take the file away, no matter */

static void
ngx_http_imgp_health_write(ngx_http_imgp_async_t *async)
{
    imgp_store_error_t       err;
    ngx_http_imgp_health_t  *health;

    health = async->data;

    health->rc = imgp_file_put(&health->worker->conf->store, health->path,
                               "ok\n", 3, 0, &health->error);

    if (health->rc == IMGP_OK) {
        (void) imgp_file_remove(health->path, &err);
    }
}


static ngx_int_t
ngx_http_imgp_health_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    char                             *text;
    size_t                            len;
    ngx_uint_t                        away;
    const char                       *redis;
    imgp_json_t                       doc = imgp_json_object();
    ngx_http_imgp_health_t           *health;
    ngx_http_imgp_worker_t           *w;
    ngx_http_imgp_stat_zone_t         zone;
    ngx_http_imgp_redis_conf_t       *conf;
    ngx_http_imgp_health_services_t   services;

    health = async->data;
    w = async->worker;

    if (r == NULL) {
        json_decref(doc.json);
        return NGX_OK;
    }

    conf = w->conf->redis;
    redis = ngx_http_imgp_health_redis(w);

    ngx_http_imgp_stat_zone(w->zone, &zone);

    services.open = 0;
    (void) ngx_http_imgp_tally_walk(w->zone, ngx_http_imgp_health_service,
                                    &services);

    away = health->rc != IMGP_OK || zone.full
           || (conf && !conf->fallback && !ngx_http_imgp_redis_is_up(w));

    imgp_json_set(&doc, "status", imgp_json_text(
                      away ? "away"
                      : services.open || ngx_strcmp(redis, "away") == 0
                      ? "degraded" : "ok"));
    imgp_json_set(&doc, "store", imgp_json_text(health->rc == IMGP_OK
                                                ? "ok" : "away"));
    imgp_json_set(&doc, "zone", imgp_json_text(zone.full ? "full" : "ok"));
    imgp_json_set(&doc, "redis", imgp_json_text(redis));
    imgp_json_set_int(&doc, "breakers_open", services.open);

    if (health->rc != IMGP_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, health->error.syserr,
                      "%s() failed, the store cannot be written",
                      health->error.call ? health->error.call : "malloc");
    }

    text = imgp_json_dump(&doc, &len);

    if (text == NULL
        || ngx_http_imgp_reply_header(r, "Cache-Control", "no-store")
           != NGX_OK)
    {
        free(text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_text(r, away ? NGX_HTTP_SERVICE_UNAVAILABLE
                                            : NGX_HTTP_OK,
                                    "application/json", text, len);
}


static const char *
ngx_http_imgp_health_redis(ngx_http_imgp_worker_t *w)
{
    return w->redis == NULL ? "none"
           : ngx_http_imgp_redis_is_up(w) ? "ok" : "away";
}


static ngx_int_t
ngx_http_imgp_health_service(void *data, ngx_http_imgp_tally_service_t *s)
{
    ngx_http_imgp_health_services_t *services = data;

    services->open += s->open;

    return NGX_OK;
}
