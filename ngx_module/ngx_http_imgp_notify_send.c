
/*
 * One attempt to tell a receiver of an ended job:
 *
 *     take (thread) -> webhook or push -> store (thread) -> done
 *
 * A webhook is a call as that of any service: addresses, TLS and timeouts are
 * looked after there, and redirects are not followed.  Its id stays the same
 * in all attempts; its time and signature are those of the attempt.
 *
 * All of it lies in the attempt's pool.  Event loop, but for what is said to
 * be in a thread.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_redis.h"


#define NGX_HTTP_IMGP_NOTIFY_POOL     4096
#define NGX_HTTP_IMGP_NOTIFY_REPLY    65536    /* bytes that are read */
#define NGX_HTTP_IMGP_NOTIFY_LATEST   86400000 /* ms, of a Retry-After */
#define NGX_HTTP_IMGP_NOTIFY_HEADERS  3
#define NGX_HTTP_IMGP_NOTIFY_ID       (IMGP_ID_LEN + 1 + NGX_INT32_LEN)


typedef enum {
    NGX_HTTP_IMGP_NOTIFY_DELIVERED = 0,
    NGX_HTTP_IMGP_NOTIFY_AGAIN,
    NGX_HTTP_IMGP_NOTIFY_DEAD
} ngx_http_imgp_notify_e;


typedef struct {
    ngx_pool_t                    *pool;
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_receiver_t      *receiver;
    ngx_http_imgp_task_t           task;
    ngx_http_imgp_call_t           call;
    ngx_http_imgp_service_t        service;    /* with headers of its own */
    imgp_str_t                     input;
    const char                    *type;

    ngx_http_imgp_notify_e         outcome;
    imgp_msec_t                    delay;      /* until the next attempt */
    char                           reason[IMGP_NOTICE_REASON];

    /* a thread's while its task runs */
    const char                    *name;       /* receiver->names[i] */
    imgp_pool_t                   *arena;
    imgp_notice_t                  notice;
    imgp_int_t                     taken;
    imgp_store_error_t             error;

    ngx_uint_t                     i;
    ngx_http_imgp_notify_pt        done;
} ngx_http_imgp_attempt_t;


static void ngx_http_imgp_notify_take(void *data, ngx_log_t *log);
static void ngx_http_imgp_notify_taken(void *data);
static ngx_int_t ngx_http_imgp_notify_webhook(ngx_http_imgp_attempt_t *a);
static ngx_int_t ngx_http_imgp_notify_headers(ngx_http_imgp_attempt_t *a);
static ngx_int_t ngx_http_imgp_notify_header(ngx_http_imgp_attempt_t *a,
    const char *name, ngx_str_t *value);
static void ngx_http_imgp_notify_called(ngx_http_imgp_call_t *call);
static ngx_int_t ngx_http_imgp_notify_push(ngx_http_imgp_attempt_t *a);
static void ngx_http_imgp_notify_pushed(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_notify_result(ngx_http_imgp_attempt_t *a,
    ngx_http_imgp_notify_e outcome, imgp_msec_t least, const char *reason);
static void ngx_http_imgp_notify_store(void *data, ngx_log_t *log);
static void ngx_http_imgp_notify_stored(void *data);
static void ngx_http_imgp_notify_count(ngx_http_imgp_attempt_t *a);
static void ngx_http_imgp_notify_over(ngx_http_imgp_attempt_t *a);


ngx_int_t
ngx_http_imgp_notify_send(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_receiver_t *receiver, ngx_uint_t i,
    ngx_http_imgp_notify_pt done)
{
    ngx_pool_t               *pool;
    ngx_http_imgp_attempt_t  *a;

    pool = ngx_create_pool(NGX_HTTP_IMGP_NOTIFY_POOL, w->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    a = ngx_pcalloc(pool, sizeof(ngx_http_imgp_attempt_t));
    if (a == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    a->pool = pool;
    a->worker = w;
    a->receiver = receiver;
    a->name = receiver->names[i];
    a->i = i;
    a->done = done;

    a->task.kind = NGX_HTTP_IMGP_TASK_IO;
    a->task.work = ngx_http_imgp_notify_take;
    a->task.done = ngx_http_imgp_notify_taken;
    a->task.data = a;

    ngx_http_imgp_thread_run(w, &a->task);

    return NGX_OK;
}


/* in a thread */

static void
ngx_http_imgp_notify_take(void *data, ngx_log_t *log)
{
    ngx_http_imgp_attempt_t  *a = data;

    struct timeval  tv;

    a->arena = imgp_pool_create(&imgp_malloc, NGX_HTTP_IMGP_NOTIFY_POOL);

    if (a->arena == NULL) {
        a->taken = IMGP_DECLINED;
        return;
    }

    ngx_gettimeofday(&tv);

    a->taken = imgp_notice_take(&a->worker->conf->store, a->name,
                                (imgp_msec_t) tv.tv_sec * 1000
                                + tv.tv_usec / 1000, a->arena, &a->notice,
                                &a->error);
}


static void
ngx_http_imgp_notify_taken(void *data)
{
    ngx_http_imgp_attempt_t  *a = data;

    ngx_int_t  rc;

    if (a->taken != IMGP_OK) {

        if (a->taken == IMGP_ERROR) {
            ngx_log_error(NGX_LOG_CRIT, a->worker->log, a->error.syserr,
                          "%s() failed, a notice cannot be read",
                          a->error.call);
        }

        ngx_http_imgp_notify_over(a);
        return;
    }

    rc = a->receiver->notify->service ? ngx_http_imgp_notify_webhook(a)
                                      : ngx_http_imgp_notify_push(a);

    if (rc != NGX_OK) {
        ngx_http_imgp_notify_result(a, NGX_HTTP_IMGP_NOTIFY_AGAIN, 0,
                                    a->call.error.code ? a->call.error.detail
                                                       : "out of memory");
    }
}


static ngx_int_t
ngx_http_imgp_notify_webhook(ngx_http_imgp_attempt_t *a)
{
    ngx_http_imgp_call_t  *call;

    call = &a->call;

    a->service = *a->receiver->notify->service;
    a->input = a->notice.body;
    a->type = "application/json";

    if (ngx_http_imgp_notify_headers(a) != NGX_OK) {
        return NGX_ERROR;
    }

    call->pool = a->pool;
    call->log = a->worker->log;
    call->conf = a->worker->conf;
    call->service = &a->service;
    call->inputs = &a->input;
    call->types = &a->type;
    call->ninputs = 1;
    call->timeout = a->receiver->notify->timeout;
    call->max_reply = NGX_HTTP_IMGP_NOTIFY_REPLY;
    call->empty = 1;
    call->done = ngx_http_imgp_notify_called;
    call->data = a;

    return ngx_http_imgp_service_start(call);
}


static ngx_int_t
ngx_http_imgp_notify_headers(ngx_http_imgp_attempt_t *a)
{
    time_t                   now;
    u_char                  *p;
    char                     id[IMGP_ID_LEN + 1];
    ngx_str_t                value, text;
    ngx_http_imgp_notify_t  *notify;

    notify = a->receiver->notify;
    now = ngx_time();

    imgp_id_text(a->notice.id, id);

    p = ngx_pnalloc(a->pool, NGX_HTTP_IMGP_NOTIFY_ID + NGX_TIME_T_LEN
                             + notify->nkeys
                               * (IMGP_WEBHOOK_SIGNATURE_LEN + 1) + 1);

    if (p == NULL
        || ngx_array_init(&a->service.headers, a->pool,
                          NGX_HTTP_IMGP_NOTIFY_HEADERS,
                          sizeof(ngx_http_imgp_field_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    value.data = p;
    p = ngx_sprintf(p, "%s-%uD", id, a->notice.revision);
    value.len = p - value.data;

    imgp_digest(value.data, value.len, a->call.key);

    text.data = p;
    p = ngx_sprintf(p, "%T", now);
    text.len = p - text.data;

    if (ngx_http_imgp_notify_header(a, "webhook-id", &value) != NGX_OK
        || ngx_http_imgp_notify_header(a, "webhook-timestamp", &text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (notify->nkeys == 0) {
        return NGX_OK;
    }

    if (imgp_webhook_sign(notify->keys, notify->nkeys,
                          ngx_http_imgp_str(&value), now, &a->notice.body,
                          (char *) p)
        != IMGP_OK)
    {
        return NGX_ERROR;
    }

    text.data = p;
    text.len = ngx_strlen(p);

    return ngx_http_imgp_notify_header(a, "webhook-signature", &text);
}


static ngx_int_t
ngx_http_imgp_notify_header(ngx_http_imgp_attempt_t *a, const char *name,
    ngx_str_t *value)
{
    ngx_http_imgp_field_t  *field;
    ngx_http_imgp_piece_t  *piece;

    field = ngx_array_push(&a->service.headers);

    if (field == NULL
        || ngx_array_init(&field->pieces, a->pool, 1,
                          sizeof(ngx_http_imgp_piece_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    field->name.data = (u_char *) name;
    field->name.len = ngx_strlen(name);

    piece = ngx_array_push(&field->pieces);
    piece->literal = *value;
    piece->param = IMGP_NO_PARAM;

    return NGX_OK;
}


/* a receiver that has said 2xx has it, whatever else it says */

static void
ngx_http_imgp_notify_called(ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_attempt_t  *a;

    a = call->data;

    free(call->body);
    call->body = NULL;

    if (call->status >= 200 && call->status < 300) {
        ngx_http_imgp_notify_result(a, NGX_HTTP_IMGP_NOTIFY_DELIVERED, 0, "");
        return;
    }

    /* 410: nobody wants to hear of it any more */

    ngx_http_imgp_notify_result(a, call->status == 410
                                       ? NGX_HTTP_IMGP_NOTIFY_DEAD
                                       : NGX_HTTP_IMGP_NOTIFY_AGAIN,
                                ngx_min(call->retry_after,
                                        NGX_HTTP_IMGP_NOTIFY_LATEST),
                                call->error.detail);
}


static ngx_int_t
ngx_http_imgp_notify_push(ngx_http_imgp_attempt_t *a)
{
    ngx_str_t          *list;
    imgp_redis_args_t   args;

    list = &a->receiver->notify->list;

    imgp_redis_args_begin(&args, "RPUSH");
    imgp_redis_args_add(&args, list->data, list->len);
    imgp_redis_args_add(&args, a->notice.body.data, a->notice.body.len);

    if (ngx_http_imgp_redis_send(a->worker, &args,
                                 ngx_http_imgp_notify_pushed, a)
        == NGX_OK)
    {
        return NGX_OK;
    }

    return imgp_error_set(&a->call.error, IMGP_E_STORE_AWAY,
                          "Redis is away");
}


static void
ngx_http_imgp_notify_pushed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_attempt_t  *a = data;

    if (a->worker->redis->closing) {

        /* the process ends: whoever is next takes it up */

        imgp_pool_destroy(a->arena);
        ngx_destroy_pool(a->pool);
        return;
    }

    if (c == IMGP_REDIS_OK) {
        ngx_http_imgp_notify_result(a, NGX_HTTP_IMGP_NOTIFY_DELIVERED, 0, "");

    } else {
        ngx_http_imgp_notify_result(a, NGX_HTTP_IMGP_NOTIFY_AGAIN, 0,
                                    reply && reply->str ? reply->str
                                                        : "Redis is away");
    }
}


static void
ngx_http_imgp_notify_result(ngx_http_imgp_attempt_t *a,
    ngx_http_imgp_notify_e outcome, imgp_msec_t least, const char *reason)
{
    imgp_notice_t           *notice;
    ngx_http_imgp_notify_t  *notify;

    notice = &a->notice;
    notify = a->receiver->notify;

    ngx_snprintf((u_char *) a->reason, sizeof(a->reason), "%s%Z", reason);
    a->reason[sizeof(a->reason) - 1] = '\0';

    notice->reason.data = (u_char *) a->reason;
    notice->reason.len = ngx_strlen(a->reason);

    if (outcome == NGX_HTTP_IMGP_NOTIFY_AGAIN
        && notice->attempts >= notify->nretries)
    {
        outcome = NGX_HTTP_IMGP_NOTIFY_DEAD;
    }

    if (outcome == NGX_HTTP_IMGP_NOTIFY_AGAIN) {
        a->delay = imgp_webhook_delay(notify->retries[notice->attempts],
                                      ngx_random(), least);
    }

    notice->attempts++;
    a->outcome = outcome;

    a->task.work = ngx_http_imgp_notify_store;
    a->task.done = ngx_http_imgp_notify_stored;

    ngx_http_imgp_thread_run(a->worker, &a->task);
}


/* in a thread */

static void
ngx_http_imgp_notify_store(void *data, ngx_log_t *log)
{
    ngx_http_imgp_attempt_t  *a = data;

    imgp_store_t    *store;
    struct timeval   tv;

    store = &a->worker->conf->store;

    switch (a->outcome) {

    case NGX_HTTP_IMGP_NOTIFY_DELIVERED:
        (void) imgp_notice_done(store, a->name, &a->error);
        return;

    case NGX_HTTP_IMGP_NOTIFY_DEAD:
        (void) imgp_notice_bury(store, &a->notice, &a->error);
        return;

    default: /* NGX_HTTP_IMGP_NOTIFY_AGAIN */
        ngx_gettimeofday(&tv);

        (void) imgp_notice_put(store, &a->notice,
                               (imgp_msec_t) tv.tv_sec * 1000
                               + tv.tv_usec / 1000 + a->delay, &a->error);
        return;
    }
}


static void
ngx_http_imgp_notify_stored(void *data)
{
    ngx_http_imgp_attempt_t  *a = data;

    if (a->error.error.code) {
        ngx_log_error(NGX_LOG_CRIT, a->worker->log, a->error.syserr,
                      "%s() failed, the outcome of a notice is not stored",
                      a->error.call);
    }

    ngx_http_imgp_notify_count(a);
    ngx_http_imgp_notify_over(a);
}


static void
ngx_http_imgp_notify_count(ngx_http_imgp_attempt_t *a)
{
    char                     id[IMGP_ID_LEN + 1];
    ngx_str_t               *name;
    ngx_http_imgp_shzone_t  *sh;

    sh = a->worker->zone->sh;
    imgp_id_text(a->notice.id, id);

    if (a->outcome == NGX_HTTP_IMGP_NOTIFY_DELIVERED) {
        (void) ngx_atomic_fetch_add(&sh->notify_delivered, 1);

        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, a->worker->log, 0,
                       "imgp notified of job %s", id);
        return;
    }

    (void) ngx_atomic_fetch_add(&sh->notify_failed, 1);

    if (a->outcome == NGX_HTTP_IMGP_NOTIFY_AGAIN) {
        ngx_log_error(NGX_LOG_WARN, a->worker->log, 0,
                      "image pipeline \"%V\": attempt %uD to notify of job %s "
                      "failed: %s; the next one in %uL s",
                      a->receiver->pipeline, a->notice.attempts, id,
                      a->reason, a->delay / 1000);
        return;
    }

    (void) ngx_atomic_fetch_add(&sh->notify_given_up, 1);
    (void) ngx_atomic_fetch_add(&sh->notify_dead, 1);

    name = a->receiver->notify->service ? &a->service.host
                                        : &a->receiver->notify->list;

    ngx_log_error(NGX_LOG_ERR, a->worker->log, 0,
                  "image pipeline \"%V\": \"%V\" was not notified of job %s: "
                  "%s; what it should know is in dead/%s",
                  a->receiver->pipeline, name, id, a->reason, a->name);
}


static void
ngx_http_imgp_notify_over(ngx_http_imgp_attempt_t *a)
{
    ngx_uint_t                 i;
    ngx_http_imgp_worker_t    *w;
    ngx_http_imgp_notify_pt    done;
    ngx_http_imgp_receiver_t  *receiver;

    w = a->worker;
    i = a->i;
    done = a->done;
    receiver = a->receiver;

    imgp_pool_destroy(a->arena);
    ngx_destroy_pool(a->pool);

    done(w, receiver, i);
}
