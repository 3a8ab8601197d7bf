
/*
 * "warm": a light request when a service has been idle for a while, so that
 * what sleeps without work is awake when work comes.
 *
 * Every worker looks now and then; the zone knows when a service was last
 * called by any of them, and the one that notes a new time there is the one
 * that asks.  Whatever is answered is an answer.  Event loop only.
 */


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_link.h"


#define NGX_HTTP_IMGP_WARM_TIMEOUT  10000  /* ms, of a request */
#define NGX_HTTP_IMGP_WARM_MIN      50     /* ms between two looks */
#define NGX_HTTP_IMGP_WARM_MAX      1000
#define NGX_HTTP_IMGP_WARM_LOOKS    4      /* within the time of a service */
#define NGX_HTTP_IMGP_WARM_REPLY    65536  /* bytes of an answer */


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_event_t                    timer;
    ngx_msec_t                     tick;
} ngx_http_imgp_warm_t;


static void ngx_http_imgp_warm_tick(ngx_event_t *ev);
static ngx_msec_t ngx_http_imgp_warm_least(ngx_http_imgp_worker_t *w);
static void ngx_http_imgp_warm_look(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_service_t *service);
static ngx_int_t ngx_http_imgp_warm_ask(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_service_t *service,
    ngx_pool_t *pool);
static void ngx_http_imgp_warm_free(void *data);
static void ngx_http_imgp_warm_done(ngx_http_imgp_call_t *call);


ngx_int_t
ngx_http_imgp_warm_init(ngx_http_imgp_worker_t *w)
{
    ngx_msec_t             least;
    ngx_http_imgp_warm_t  *warm;

    least = ngx_http_imgp_warm_least(w);

    if (least == 0) {
        return NGX_OK;
    }

    warm = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_warm_t));
    if (warm == NULL) {
        return NGX_ERROR;
    }

    warm->ident.fd = (ngx_socket_t) -1;
    warm->worker = w;
    warm->tick = ngx_min(ngx_max(least / NGX_HTTP_IMGP_WARM_LOOKS,
                                 NGX_HTTP_IMGP_WARM_MIN),
                         NGX_HTTP_IMGP_WARM_MAX);

    warm->timer.handler = ngx_http_imgp_warm_tick;
    warm->timer.data = warm;
    warm->timer.log = w->log;
    warm->timer.cancelable = 1;

    ngx_add_timer(&warm->timer, warm->tick);

    return NGX_OK;
}


/* the shortest time of all services; 0: none is kept warm */

static ngx_msec_t
ngx_http_imgp_warm_least(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t                  i, n;
    ngx_msec_t                  least;
    ngx_http_imgp_service_t    *s;
    ngx_http_imgp_pipeline_t  **pipeline;

    least = 0;
    pipeline = w->conf->pipelines.elts;

    for (i = 0; i < w->conf->pipelines.nelts; i++) {
        for (n = 0; n < pipeline[i]->plan->nstages; n++) {
            for (s = pipeline[i]->services[n]; s != NULL; s = s->next) {

                if (s->warm && (least == 0 || s->warm < least)) {
                    least = s->warm;
                }
            }
        }
    }

    return least;
}


static void
ngx_http_imgp_warm_tick(ngx_event_t *ev)
{
    ngx_http_imgp_warm_t  *warm = ev->data;

    ngx_uint_t                  i, n;
    ngx_http_imgp_worker_t     *w;
    ngx_http_imgp_service_t    *s;
    ngx_http_imgp_pipeline_t  **pipeline;

    w = warm->worker;

    if (w->exiting) {
        return;
    }

    pipeline = w->conf->pipelines.elts;

    for (i = 0; i < w->conf->pipelines.nelts; i++) {
        for (n = 0; n < pipeline[i]->plan->nstages; n++) {
            for (s = pipeline[i]->services[n]; s != NULL; s = s->next) {

                if (s->warm) {
                    ngx_http_imgp_warm_look(w, pipeline[i], s);
                }
            }
        }
    }

    ngx_add_timer(ev, warm->tick);
}


static void
ngx_http_imgp_warm_look(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_service_t *service)
{
    ngx_pool_t  *pool;

    if (!ngx_http_imgp_care_idle(w->zone, service)) {
        return;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, w->log);
    if (pool == NULL) {
        return;
    }

    if (ngx_http_imgp_warm_ask(w, pipeline, service, pool) != NGX_OK) {
        ngx_destroy_pool(pool);
    }
}


static ngx_int_t
ngx_http_imgp_warm_ask(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_service_t *service,
    ngx_pool_t *pool)
{
    ngx_uint_t             i;
    imgp_str_t             url;
    imgp_plan_t           *plan;
    imgp_pool_t           *arena;
    ngx_pool_cleanup_t    *cln;
    ngx_http_imgp_call_t  *call;

    plan = pipeline->plan;

    cln = ngx_pool_cleanup_add(pool, 0);
    call = ngx_pcalloc(pool, sizeof(ngx_http_imgp_call_t));

    if (cln == NULL || call == NULL) {
        return NGX_ERROR;
    }

    call->params = ngx_pcalloc(pool, (plan->nparams + 1)
                                     * sizeof(imgp_str_t));
    arena = imgp_pool_create(&imgp_malloc, 1024);

    if (call->params == NULL || arena == NULL) {
        imgp_pool_destroy(arena);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_imgp_warm_free;
    cln->data = arena;

    for (i = 0; i < plan->nparams; i++) {
        call->params[i] = plan->params[i].value;
    }

    ngx_http_imgp_conf_copy(&url, service->warm_url.len ? &service->warm_url
                                                        : &service->url);

    call->service = ngx_http_imgp_link(service, &url, 0, arena, &call->error);

    if (call->service == NULL) {
        ngx_log_error(NGX_LOG_ERR, w->log, 0,
                      "service \"%V\" cannot be kept warm: %s",
                      &service->host, call->error.detail);
        return NGX_ERROR;
    }

    call->pool = pool;
    call->log = w->log;
    call->conf = w->conf;
    call->timeout = NGX_HTTP_IMGP_WARM_TIMEOUT;
    call->max_reply = NGX_HTTP_IMGP_WARM_REPLY;
    call->empty = 1;
    call->done = ngx_http_imgp_warm_done;

    return ngx_http_imgp_service_start(call);
}


static void
ngx_http_imgp_warm_free(void *data)
{
    imgp_pool_destroy(data);
}


static void
ngx_http_imgp_warm_done(ngx_http_imgp_call_t *call)
{
    free(call->body);
    ngx_destroy_pool(call->pool);
}
