
/*
 * "poll ... cancel=POINTER": a service that is still at work for a stage that
 * nobody waits for any more is told so, at the address that its answer had.
 * And "put s3://" in parts: an upload that is not brought to its end is taken
 * back (AbortMultipartUpload).
 *
 * Called when a unit is canceled, by unit.c, or by follow.c if a thread had it,
 * and when a unit fails; event loop only.  The request has a pool of its own,
 * since the run ends at once; whatever is answered is an answer, and a service
 * that cannot be told works for nobody.
 */


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_link.h"


#define NGX_HTTP_IMGP_REVOKE_TIMEOUT  10000    /* ms */
#define NGX_HTTP_IMGP_REVOKE_REPLY    65536    /* bytes of an answer */


typedef struct {
    ngx_http_imgp_call_t           call;
    imgp_pool_t                   *arena;
    imgp_str_t                     nothing;    /* the body */
    const char                    *type;
    u_char                         digest[IMGP_DIGEST_LEN];
} ngx_http_imgp_revoke_t;


static ngx_int_t ngx_http_imgp_revoke_ask(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_revoke_t *revoke);
static ngx_http_imgp_service_t *ngx_http_imgp_revoke_link(
    ngx_http_imgp_unit_t *unit, ngx_http_imgp_revoke_t *revoke);
static ngx_int_t ngx_http_imgp_revoke_params(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_revoke_t *revoke);
static void ngx_http_imgp_revoke_free(void *data);
static void ngx_http_imgp_revoke_done(ngx_http_imgp_call_t *call);


void
ngx_http_imgp_revoke(ngx_http_imgp_unit_t *unit)
{
    ngx_pool_t              *pool;
    ngx_pool_cleanup_t      *cln;
    ngx_http_imgp_revoke_t  *revoke;

    if (!ngx_http_imgp_parts_left(unit)
        && (unit->poll == NULL || unit->poll->cancel.len == 0
            || unit->poll->verdict != IMGP_POLL_AGAIN))
    {
        return;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, unit->run->worker->log);
    if (pool == NULL) {
        return;
    }

    cln = ngx_pool_cleanup_add(pool, 0);
    revoke = ngx_pcalloc(pool, sizeof(ngx_http_imgp_revoke_t));

    if (cln == NULL || revoke == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    revoke->call.pool = pool;
    cln->handler = ngx_http_imgp_revoke_free;
    cln->data = revoke;

    if (ngx_http_imgp_revoke_ask(unit, revoke) != NGX_OK) {
        ngx_destroy_pool(pool);
    }
}


/* with the headers of the request itself, by which the service knows us */

static ngx_int_t
ngx_http_imgp_revoke_ask(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_revoke_t *revoke)
{
    ngx_http_imgp_call_t     *call;
    ngx_http_imgp_worker_t   *w;
    ngx_http_imgp_service_t  *service;

    w = unit->run->worker;
    call = &revoke->call;

    revoke->arena = imgp_pool_create(&imgp_malloc, 1024);

    if (revoke->arena == NULL
        || ngx_http_imgp_revoke_params(unit, revoke) != NGX_OK)
    {
        return NGX_ERROR;
    }

    (void) imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");

    service = ngx_http_imgp_parts_left(unit)
              ? ngx_http_imgp_parts_abort(unit, revoke->arena)
              : ngx_http_imgp_revoke_link(unit, revoke);

    if (service == NULL) {
        ngx_log_error(NGX_LOG_ERR, &unit->run->log, 0,
                      "service \"%V\" cannot be told to stop: %s",
                      &ngx_http_imgp_unit_service(unit)->host,
                      call->error.detail);
        return NGX_ERROR;
    }

    revoke->nothing.data = (u_char *) "";
    revoke->type = "application/json";

    call->log = w->log;
    call->conf = w->conf;
    call->service = service;
    call->inputs = &revoke->nothing;
    call->types = &revoke->type;
    call->ninputs = 1;
    call->timeout = NGX_HTTP_IMGP_REVOKE_TIMEOUT;
    call->max_reply = NGX_HTTP_IMGP_REVOKE_REPLY;
    call->empty = 1;
    call->digest = revoke->digest;
    call->done = ngx_http_imgp_revoke_done;

    imgp_digest("", 0, revoke->digest);

    /* not the key of the request that it takes back */

    imgp_digest(service->url.data, service->url.len, call->key);

    return ngx_http_imgp_service_start(call);
}


static ngx_http_imgp_service_t *
ngx_http_imgp_revoke_link(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_revoke_t *revoke)
{
    ngx_http_imgp_service_t  *service;

    service = ngx_http_imgp_link(ngx_http_imgp_unit_service(unit),
                                 &unit->poll->cancel, 0, revoke->arena,
                                 &revoke->call.error);

    if (service) {
        service->send = NGX_HTTP_IMGP_SEND_RAW;
        service->method = ngx_http_imgp_unit_service(unit)->revoke;
    }

    return service;
}


static ngx_int_t
ngx_http_imgp_revoke_params(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_revoke_t *revoke)
{
    ngx_uint_t   i, n;
    imgp_str_t  *params;

    n = unit->run->job->nparams;
    params = imgp_pcalloc(revoke->arena, (n + 1) * sizeof(imgp_str_t));

    if (params == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        params[i].len = unit->run->job->params[i].len;
        params[i].data = imgp_pstrdup(revoke->arena,
                                      &unit->run->job->params[i]);

        if (params[i].data == NULL) {
            return NGX_ERROR;
        }
    }

    revoke->call.params = params;

    return NGX_OK;
}


static void
ngx_http_imgp_revoke_free(void *data)
{
    ngx_http_imgp_revoke_t  *revoke = data;

    imgp_pool_destroy(revoke->arena);
}


static void
ngx_http_imgp_revoke_done(ngx_http_imgp_call_t *call)
{
    free(call->body);
    ngx_destroy_pool(call->pool);
}
