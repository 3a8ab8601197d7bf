
/*
 * "image_pipeline_health": can this machine take an upload now?  A file is
 * written into the store, by a thread.  A store that hangs holds the thread,
 * not the answer: after some seconds it is told, and until the thread is back
 * this process tells so at once, and holds no further one.
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
#include "ngx_http_imgp_halt.h"
#include <imgp/imgp_json.h>
#include <imgp/imgp_file.h>


#define NGX_HTTP_IMGP_HEALTH_WAIT  3000    /* ms for a file of three bytes */


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_async_t         *async;
    ngx_event_t                    late;
    ngx_uint_t                     stuck;      /* it was told to be */
    imgp_store_error_t             error;
    imgp_int_t                     rc;
    char                           path[IMGP_PATH_MAX];
} ngx_http_imgp_health_t;


typedef struct {
    ngx_uint_t                     open;       /* breakers */
} ngx_http_imgp_health_services_t;


static ngx_int_t ngx_http_imgp_health_ask(ngx_http_request_t *r,
    ngx_http_imgp_worker_t *w);
static void ngx_http_imgp_health_write(ngx_http_imgp_async_t *async);
static void ngx_http_imgp_health_late(ngx_event_t *ev);
static ngx_int_t ngx_http_imgp_health_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_imgp_health_answer(ngx_http_request_t *r,
    ngx_http_imgp_worker_t *w, const char *store);
static const char *ngx_http_imgp_health_redis(ngx_http_imgp_worker_t *w);
static ngx_int_t ngx_http_imgp_health_service(void *data,
    ngx_http_imgp_tally_service_t *s);


ngx_int_t
ngx_http_imgp_health_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
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

    return imcf->worker->stuck
           ? ngx_http_imgp_health_answer(r, imcf->worker, "stuck")
           : ngx_http_imgp_health_ask(r, imcf->worker);
}


static ngx_int_t
ngx_http_imgp_health_ask(ngx_http_request_t *r, ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_async_t   *async;
    ngx_http_imgp_health_t  *health;

    async = ngx_http_imgp_async_create(r, w, sizeof(ngx_http_imgp_health_t));
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    health = async->data;
    health->worker = w;
    health->async = async;
    health->ident.fd = (ngx_socket_t) -1;
    health->late.handler = ngx_http_imgp_health_late;
    health->late.data = health;
    health->late.log = w->log;
    health->late.cancelable = 1;

    ngx_snprintf((u_char *) health->path, IMGP_PATH_MAX - 1,
                 "%V/tmp/health-%P",
                 ngx_http_imgp_nstr(&w->conf->store.path), ngx_pid);

    async->work = ngx_http_imgp_health_write;
    async->done = ngx_http_imgp_health_done;

    if (ngx_http_imgp_async_run(async) != NGX_DONE) {
        ngx_destroy_pool(async->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_add_timer(&health->late, NGX_HTTP_IMGP_HEALTH_WAIT);

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


/* the thread may be back at any time, or never */

static void
ngx_http_imgp_health_late(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_imgp_health_t  *health;

    health = ev->data;

    health->stuck = 1;
    health->worker->stuck++;

    r = ngx_http_imgp_async_leave(health->async);

    ngx_log_error(NGX_LOG_CRIT, ev->log, 0,
                  "the store hangs, a file was not written within %d ms",
                  NGX_HTTP_IMGP_HEALTH_WAIT);

    if (r) {
        c = r->connection;
        ngx_http_finalize_request(r, ngx_http_imgp_health_answer(r,
                                                 health->worker, "stuck"));
        ngx_http_run_posted_requests(c);
    }
}


static ngx_int_t
ngx_http_imgp_health_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_health_t  *health;

    health = async->data;

    if (health->late.timer_set) {
        ngx_del_timer(&health->late);
    }

    if (health->stuck) {
        health->worker->stuck--;
    }

    if (r == NULL) {
        return NGX_OK;
    }

    if (health->rc != IMGP_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, health->error.syserr,
                      "%s() failed, the store cannot be written",
                      health->error.call ? health->error.call : "malloc");
    }

    return ngx_http_imgp_health_answer(r, health->worker,
                                       health->rc == IMGP_OK ? "ok" : "away");
}


/* "ok", "away" or "stuck" */

static ngx_int_t
ngx_http_imgp_health_answer(ngx_http_request_t *r, ngx_http_imgp_worker_t *w,
    const char *store)
{
    char                             *text;
    size_t                            len;
    ngx_uint_t                        away;
    const char                       *redis;
    imgp_json_t                       doc = imgp_json_object();
    ngx_http_imgp_stat_zone_t         zone;
    ngx_http_imgp_redis_conf_t       *conf;
    ngx_http_imgp_health_services_t   services;

    conf = w->conf->redis;
    redis = ngx_http_imgp_health_redis(w);

    ngx_http_imgp_stat_zone(w->zone, &zone);

    services.open = 0;
    (void) ngx_http_imgp_tally_walk(w->zone, ngx_http_imgp_health_service,
                                    &services);

    away = ngx_strcmp(store, "ok") != 0 || zone.full
           || (conf && !conf->fallback && !ngx_http_imgp_redis_is_up(w));

    imgp_json_set(&doc, "status", imgp_json_text(
                      away ? "away"
                      : services.open || ngx_strcmp(redis, "away") == 0
                      ? "degraded" : "ok"));
    imgp_json_set(&doc, "store", imgp_json_text(store));
    imgp_json_set(&doc, "zone", imgp_json_text(zone.full ? "full" : "ok"));
    imgp_json_set(&doc, "redis", imgp_json_text(redis));
    imgp_json_set_int(&doc, "breakers_open", services.open);
    imgp_json_set_int(&doc, "halted", ngx_http_imgp_halt_list(w->zone, NULL));

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
