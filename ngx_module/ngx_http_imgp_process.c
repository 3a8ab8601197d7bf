
/*
 * A worker process begins and ends.  It enters the zone's table of workers,
 * sets up its loops, and hears of its shutdown through a sentinel, an idle
 * connection without a socket that nginx "closes" first: then it claims no
 * more, answers whom it holds, and ends when what it runs has ended.
 */


#include "ngx_http_imgp.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_queue.h"
#include <imgp/imgp_work.h>


#define NGX_HTTP_IMGP_HOLD  1000     /* ms between looks at a held process */


static ngx_http_imgp_worker_t *ngx_http_imgp_worker_create(
    ngx_cycle_t *cycle, ngx_http_imgp_main_conf_t *imcf);
static ngx_int_t ngx_http_imgp_worker_init(ngx_http_imgp_worker_t *w);
static ngx_int_t ngx_http_imgp_sentinel(ngx_http_imgp_worker_t *w);
static void ngx_http_imgp_sentinel_handler(ngx_event_t *ev);
static void ngx_http_imgp_hold_handler(ngx_event_t *ev);
static ngx_http_imgp_main_conf_t *ngx_http_imgp_process_conf(
    ngx_cycle_t *cycle);


static ngx_http_imgp_wake_pt  ngx_http_imgp_wake_handlers[] = {
    ngx_http_imgp_watch_wake,
    ngx_http_imgp_run_wake,
    ngx_http_imgp_notify_wake
};


ngx_int_t
ngx_http_imgp_init_module(ngx_cycle_t *cycle)
{
    if (ngx_http_imgp_process_conf(cycle) == NULL) {
        return NGX_OK;
    }

    return ngx_http_imgp_wake_init_module(cycle);
}


ngx_int_t
ngx_http_imgp_init_process(ngx_cycle_t *cycle)
{
    ngx_http_imgp_worker_t     *w;
    ngx_http_imgp_main_conf_t  *imcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    imcf = ngx_http_imgp_process_conf(cycle);
    if (imcf == NULL) {
        return NGX_OK;
    }

    imgp_work_keep();

    w = ngx_http_imgp_worker_create(cycle, imcf);

    if (w == NULL || ngx_http_imgp_worker_init(w) != NGX_OK) {
        return NGX_ERROR;
    }

    imcf->worker = w;

    return NGX_OK;
}


static ngx_http_imgp_worker_t *
ngx_http_imgp_worker_create(ngx_cycle_t *cycle,
    ngx_http_imgp_main_conf_t *imcf)
{
    ngx_http_imgp_worker_t  *w;

    w = ngx_pcalloc(cycle->pool, sizeof(ngx_http_imgp_worker_t));
    if (w == NULL) {
        return NULL;
    }

    w->scratch = ngx_palloc(cycle->pool, IMGP_RECORD_MAX);
    if (w->scratch == NULL) {
        return NULL;
    }

    w->ident.fd = (ngx_socket_t) -1;
    w->cycle = cycle;
    w->log = cycle->log;
    w->conf = imcf;
    w->zone = imcf->zone;

    w->hold.handler = ngx_http_imgp_hold_handler;
    w->hold.data = w;
    w->hold.log = cycle->log;

    return w;
}


static ngx_int_t
ngx_http_imgp_worker_init(ngx_http_imgp_worker_t *w)
{
    imgp_store_error_t  err;

    ngx_memzero(&err, sizeof(imgp_store_error_t));

    if (imgp_store_init(&w->conf->store, &err) != IMGP_OK) {
        ngx_log_error(NGX_LOG_EMERG, w->log, err.syserr,
                      "%s() failed in image_pipeline_path \"%V\"", err.call,
                      ngx_http_imgp_nstr(&w->conf->store.path));
        return NGX_ERROR;
    }

    w->colors = imgp_color_cache_create(&imgp_malloc);
    w->curl = ngx_http_imgp_curl_create(w->cycle);

    if (w->colors == NULL
        || w->curl == NULL
        || ngx_http_imgp_thread_init(w) != NGX_OK
        || ngx_http_imgp_zone_enter(w->zone) != NGX_OK
        || ngx_http_imgp_alive_init(w) != NGX_OK
        || ngx_http_imgp_watch_init(w) != NGX_OK
        || ngx_http_imgp_run_init(w) != NGX_OK
        || ngx_http_imgp_wake_init(w, ngx_http_imgp_wake_handlers,
                                   imgp_nelts(ngx_http_imgp_wake_handlers))
           != NGX_OK
        || ngx_http_imgp_sentinel(w) != NGX_OK
        || ngx_http_imgp_share_init(w) != NGX_OK
        || ngx_http_imgp_sweep_init(w) != NGX_OK
        || ngx_http_imgp_warm_init(w) != NGX_OK
        || ngx_http_imgp_notify_init(w) != NGX_OK
        || ngx_http_imgp_queue_init(w) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* before nginx looks for connections that were left open */

void
ngx_http_imgp_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_imgp_worker_t     *w;
    ngx_http_imgp_main_conf_t  *imcf;

    imcf = ngx_http_imgp_process_conf(cycle);

    if (imcf == NULL || imcf->worker == NULL) {
        return;
    }

    w = imcf->worker;

    ngx_http_imgp_wake_done(w);
    ngx_http_imgp_thread_exit(w);
    imgp_color_cache_destroy(w->colors);

    if (w->sentinel) {
        w->sentinel->fd = (ngx_socket_t) -1;
    }

    if (w->curl) {
        ngx_http_imgp_curl_destroy(w->curl);
    }

    ngx_http_imgp_queue_done(w);

    if (w->redis) {
        ngx_http_imgp_redis_done(w);
    }

    ngx_http_imgp_zone_leave(w->zone);
}


static ngx_int_t
ngx_http_imgp_sentinel(ngx_http_imgp_worker_t *w)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(0, w->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->fd = (ngx_socket_t) -2;
    c->idle = 1;
    c->data = w;
    c->log = w->log;
    c->read->log = w->log;
    c->write->log = w->log;
    c->read->handler = ngx_http_imgp_sentinel_handler;
    c->write->handler = ngx_http_imgp_sentinel_handler;

    w->sentinel = c;

    return NGX_OK;
}


static void
ngx_http_imgp_sentinel_handler(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_imgp_worker_t  *w;

    c = ev->data;
    w = c->data;

    if (!c->close) {
        return;
    }

    if (c->error) {
        /* worker_shutdown_timeout */
        ngx_http_imgp_run_give_back(w);
        return;
    }

    /* it stays, no longer idle, to hear of worker_shutdown_timeout too */

    c->idle = 0;
    c->close = 0;
    w->exiting = 1;

    ngx_http_imgp_alive_exiting(w);
    ngx_http_imgp_watch_shutdown(w);
}


void
ngx_http_imgp_hold(ngx_http_imgp_worker_t *w)
{
    w->holds++;

    if (!w->hold.timer_set) {
        ngx_add_timer(&w->hold, NGX_HTTP_IMGP_HOLD);
    }
}


void
ngx_http_imgp_release(ngx_http_imgp_worker_t *w)
{
    if (--w->holds == 0 && w->hold.timer_set) {
        ngx_del_timer(&w->hold);
    }
}


static void
ngx_http_imgp_hold_handler(ngx_event_t *ev)
{
    ngx_http_imgp_worker_t  *w;

    w = ev->data;

    ngx_http_imgp_thread_next(w);

    if (w->holds) {
        ngx_add_timer(ev, NGX_HTTP_IMGP_HOLD);
    }
}


static ngx_http_imgp_main_conf_t *
ngx_http_imgp_process_conf(ngx_cycle_t *cycle)
{
    ngx_http_imgp_main_conf_t  *imcf;

    if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL) {
        return NULL;
    }

    imcf = ngx_http_cycle_get_module_main_conf(cycle,
                                           ngx_http_image_pipeline_module);

    return imcf && imcf->shm_zone ? imcf : NULL;
}
