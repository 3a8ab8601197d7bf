
/*
 * One call of a model service, from start to done.  Called by the runner of
 * a job's stages (ngx_http_imgp_run.c), event loop only:
 *
 *     start -> resolve -> wait for a slot -> connect -> send, read -> done
 *                               ^              |
 *                               +--- refused: the next address, if any
 *
 * A timer of its own bounds the whole, whatever curl waits for; it also
 * holds the process until the call ended.  Everything lies in a pool of the
 * call's own, which ends with it, but for the body and its type: those are
 * the caller's from done() on.
 *
 * done() may end the caller's pool, and with it the call and its log.  Should
 * that pool end while the call is on its way, its cleanup cancels the call.
 */


#include <ngx_http_imgp_call.h>


#define NGX_HTTP_IMGP_SERVICE_POOL  8192   /* a request, an upstream, ours */


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_call_t          *call;
    ngx_pool_t                    *pool;
    ngx_pool_cleanup_t            *cln;
    ngx_event_t                    timer;
    ngx_msec_t                     started;
    ngx_uint_t                     again;      /* on a connection of its own */

    ngx_http_imgp_peer_t           peer;
    ngx_http_imgp_ask_t            ask;
    ngx_http_imgp_answer_t         answer;
    ngx_http_imgp_transfer_t       transfer;
} ngx_http_imgp_service_ctx_t;


static ngx_http_imgp_service_ctx_t *ngx_http_imgp_service_create(
    ngx_http_imgp_call_t *call);
static ngx_int_t ngx_http_imgp_service_prepare(
    ngx_http_imgp_service_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_service_send(ngx_http_imgp_service_ctx_t *ctx);
static void ngx_http_imgp_service_later(ngx_http_imgp_service_ctx_t *ctx);
static void ngx_http_imgp_service_resolved(void *data);
static void ngx_http_imgp_service_timeout(ngx_event_t *ev);
static void ngx_http_imgp_service_ended(ngx_http_imgp_transfer_t *t);
static void ngx_http_imgp_service_abort(ngx_http_imgp_transfer_t *t);
static ngx_uint_t ngx_http_imgp_service_again(
    ngx_http_imgp_service_ctx_t *ctx);
static ngx_uint_t ngx_http_imgp_service_next(ngx_http_imgp_service_ctx_t *ctx);
static void ngx_http_imgp_service_done(ngx_http_imgp_service_ctx_t *ctx);
static void ngx_http_imgp_service_log(ngx_http_imgp_service_ctx_t *ctx);
static void ngx_http_imgp_service_release(ngx_http_imgp_service_ctx_t *ctx);
static void ngx_http_imgp_service_cleanup(void *data);


ngx_int_t
ngx_http_imgp_service_start(ngx_http_imgp_call_t *call)
{
    ngx_int_t                     rc;
    ngx_http_imgp_service_ctx_t  *ctx;

    ngx_memzero(&call->error, sizeof(imgp_error_t));
    ngx_str_null(&call->type);
    ngx_str_null(&call->location);
    ngx_str_null(&call->etag);

    call->private = NULL;
    call->status = 0;
    call->retry_after = 0;
    call->body = NULL;
    call->body_len = 0;

    ctx = ngx_http_imgp_service_create(call);
    if (ctx == NULL) {
        return imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
    }

    if (ngx_http_imgp_service_prepare(ctx) != NGX_OK) {
        ngx_http_imgp_service_log(ctx);
        ngx_http_imgp_service_release(ctx);
        return NGX_ERROR;
    }

    ngx_add_timer(&ctx->timer, call->timeout);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, call->log, 0,
                   "imgp call of \"%V\", %M ms", &call->service->host,
                   call->timeout);

    rc = ngx_http_imgp_peer_init(&ctx->peer);

    if (rc == NGX_OK) {
        rc = ngx_http_imgp_service_send(ctx);
    }

    if (rc == NGX_ERROR) {
        ngx_http_imgp_service_later(ctx);
    }

    return NGX_OK;
}


static ngx_http_imgp_service_ctx_t *
ngx_http_imgp_service_create(ngx_http_imgp_call_t *call)
{
    ngx_pool_t                   *pool;
    ngx_pool_cleanup_t           *cln;
    ngx_http_imgp_service_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(call->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    pool = ngx_create_pool(NGX_HTTP_IMGP_SERVICE_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    ctx = ngx_pcalloc(pool, sizeof(ngx_http_imgp_service_ctx_t));
    if (ctx == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    ctx->ident.fd = (ngx_socket_t) -1;
    ctx->call = call;
    ctx->pool = pool;
    ctx->started = ngx_current_msec;

    ctx->timer.data = ctx;
    ctx->timer.log = call->log;
    ctx->timer.handler = ngx_http_imgp_service_timeout;

    ctx->peer.call = call;
    ctx->peer.pool = pool;
    ngx_str_set(&ctx->peer.name, "no address");
    ctx->peer.handler = ngx_http_imgp_service_resolved;
    ctx->peer.data = ctx;

    ctx->transfer.done = ngx_http_imgp_service_ended;
    ctx->transfer.abort = ngx_http_imgp_service_abort;

    cln->handler = ngx_http_imgp_service_cleanup;
    cln->data = ctx;

    ctx->cln = cln;
    call->private = ctx;

    return ctx;
}


static ngx_int_t
ngx_http_imgp_service_prepare(ngx_http_imgp_service_ctx_t *ctx)
{
    size_t                 max;
    ngx_http_imgp_call_t  *call;

    call = ctx->call;

    if (ngx_http_imgp_curl_open(call->conf->worker->curl, &ctx->transfer)
        != NGX_OK)
    {
        return imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
    }

    max = call->max_reply ? call->max_reply : NGX_HTTP_IMGP_REPLY_MAX;

    ngx_http_imgp_answer_init(&ctx->answer, ctx->transfer.easy, max);

    return ngx_http_imgp_ask_init(&ctx->ask, call, ctx->pool,
                                  ctx->transfer.easy);
}


static ngx_int_t
ngx_http_imgp_service_send(ngx_http_imgp_service_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_http_imgp_call_t  *call;

    call = ctx->call;

    rc = ngx_http_imgp_peer_get(&ctx->peer, ctx->transfer.easy);

    if (rc == NGX_DECLINED) {
        return imgp_error_set(&call->error, IMGP_E_SERVICE_CONNECT,
                              "no live upstreams");
    }

    if (rc != NGX_OK) {
        return imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, call->log, 0, "imgp call to %V",
                   &ctx->peer.name);

    ngx_http_imgp_ask_rewind(call);

    ngx_http_imgp_curl_start(&ctx->transfer);

    return NGX_OK;
}


/* what fails at once is told in the next turn: never from inside start() */

static void
ngx_http_imgp_service_later(ngx_http_imgp_service_ctx_t *ctx)
{
    ngx_del_timer(&ctx->timer);
    ngx_add_timer(&ctx->timer, 0);
}


static void
ngx_http_imgp_service_resolved(void *data)
{
    ngx_http_imgp_service_ctx_t  *ctx = data;

    if (ctx->call->error.code
        || ngx_http_imgp_service_send(ctx) != NGX_OK)
    {
        ngx_http_imgp_service_done(ctx);
    }
}


static void
ngx_http_imgp_service_timeout(ngx_event_t *ev)
{
    ngx_http_imgp_service_ctx_t  *ctx = ev->data;

    ngx_http_imgp_call_t  *call;

    call = ctx->call;

    if (call->error.code == 0) {

        if (ctx->peer.resolving != NULL) {
            (void) imgp_error_set(&call->error, IMGP_E_SERVICE_TIMEOUT,
                                  "no address within %lu ms",
                                  (unsigned long) call->timeout);

        } else {
            ctx->transfer.result = CURLE_OPERATION_TIMEDOUT;
            ngx_http_imgp_answer_finish(&ctx->answer, call, &ctx->transfer);
            ngx_http_imgp_peer_free(&ctx->peer, !ctx->transfer.waiting);
        }
    }

    ngx_http_imgp_service_done(ctx);
}


static void
ngx_http_imgp_service_ended(ngx_http_imgp_transfer_t *t)
{
    ngx_uint_t                    failed;
    ngx_http_imgp_service_ctx_t  *ctx;

    ctx = ngx_queue_data(t, ngx_http_imgp_service_ctx_t, transfer);

    ngx_http_imgp_answer_finish(&ctx->answer, ctx->call, t);

    /* any status is an answer: the peer is alive */

    failed = ctx->call->error.code != 0 && ctx->call->status == 0
             && t->result != CURLE_ABORTED_BY_CALLBACK;

    if (failed && ngx_http_imgp_service_again(ctx)) {
        return;
    }

    ngx_http_imgp_peer_free(&ctx->peer, failed);

    if (failed && ngx_http_imgp_service_next(ctx)) {
        return;
    }

    ngx_http_imgp_service_done(ctx);
}


static void
ngx_http_imgp_service_abort(ngx_http_imgp_transfer_t *t)
{
    ngx_http_imgp_service_ctx_t  *ctx;

    ctx = ngx_queue_data(t, ngx_http_imgp_service_ctx_t, transfer);

    ngx_http_imgp_service_cancel(ctx->call);
}


/*
 * A kept connection that the service closes while the request is on its way:
 * curl notices before it sends, or when it reads, but not while it sends a
 * large body.  To send twice is what the Idempotency-Key is for.
 */

static ngx_uint_t
ngx_http_imgp_service_again(ngx_http_imgp_service_ctx_t *ctx)
{
    long                       n;
    ngx_http_imgp_transfer_t  *t;

    t = &ctx->transfer;

    if (ctx->again || (t->result != CURLE_SEND_ERROR
                       && t->result != CURLE_RECV_ERROR))
    {
        return 0;
    }

    n = 1;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &n);

    if (n != 0) {
        return 0;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ctx->call->log, 0,
                   "imgp call again, on a new connection");

    ctx->again = 1;
    ngx_memzero(&ctx->call->error, sizeof(imgp_error_t));
    ngx_http_imgp_answer_reset(&ctx->answer);

    ngx_http_imgp_ask_rewind(ctx->call);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    ngx_http_imgp_curl_start(t);

    return 1;
}


/* nothing was sent yet: another address may be tried within this call */

static ngx_uint_t
ngx_http_imgp_service_next(ngx_http_imgp_service_ctx_t *ctx)
{
    imgp_error_t           error;
    ngx_str_t              name;
    ngx_http_imgp_call_t  *call;

    call = ctx->call;
    error = call->error;
    name = ctx->peer.name;

    if (imgp_error_class(error.code) != IMGP_CLASS_TRANSIENT
        || ngx_http_imgp_answer_connected(&ctx->transfer))
    {
        return 0;
    }

    ngx_memzero(&call->error, sizeof(imgp_error_t));
    ngx_http_imgp_answer_reset(&ctx->answer);

    if (ngx_http_imgp_service_send(ctx) != NGX_OK) {
        call->error = error;
        ctx->peer.name = name;
        return 0;
    }

    ngx_log_error(NGX_LOG_WARN, call->log, 0,
                  "service \"%V\": %s (%V), trying %V",
                  &call->service->host, error.detail, &name,
                  &ctx->peer.name);

    return 1;
}


void
ngx_http_imgp_service_cancel(ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_service_ctx_t  *ctx;

    ctx = call->private;

    if (ctx == NULL) {
        return;
    }

    if (call->service->list.len) {
        ngx_http_imgp_queue_cancel(call);
        return;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, call->log, 0,
                   "imgp call of \"%V\" canceled", &call->service->host);

    ngx_http_imgp_service_release(ctx);
}


static void
ngx_http_imgp_service_done(ngx_http_imgp_service_ctx_t *ctx)
{
    ngx_http_imgp_call_t  *call;

    call = ctx->call;

    if (call->error.code) {
        ngx_http_imgp_service_log(ctx);
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, call->log, 0,
                   "imgp call done, status:%ui bytes:%uz in %M ms",
                   call->status, call->body_len,
                   ngx_current_msec - ctx->started);

    ngx_http_imgp_service_release(ctx);

    call->done(call);
}


static void
ngx_http_imgp_service_log(ngx_http_imgp_service_ctx_t *ctx)
{
    ngx_http_imgp_call_t  *call;

    call = ctx->call;

    ngx_log_error(NGX_LOG_ERR, call->log, 0,
                  "service \"%V\" failed: %s (%V, %M ms%s%s)",
                  &call->service->host, call->error.detail, &ctx->peer.name,
                  ngx_current_msec - ctx->started,
                  ctx->transfer.error[0] ? ", " : "", ctx->transfer.error);
}


/* curl first: it holds pointers into all the rest */

static void
ngx_http_imgp_service_release(ngx_http_imgp_service_ctx_t *ctx)
{
    ctx->call->private = NULL;
    ctx->cln->handler = NULL;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    ngx_http_imgp_curl_close(&ctx->transfer);
    ngx_http_imgp_peer_close(&ctx->peer);
    ngx_http_imgp_ask_free(&ctx->ask);
    ngx_http_imgp_answer_free(&ctx->answer);

    ngx_destroy_pool(ctx->pool);
}


static void
ngx_http_imgp_service_cleanup(void *data)
{
    ngx_http_imgp_service_ctx_t  *ctx = data;

    ngx_http_imgp_service_cancel(ctx->call);
}
