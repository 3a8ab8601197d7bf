
/*
 * One call of "queue LIST", from start to done:
 *
 *     SET inputs, RPUSH message -> [a worker has it] -> answer -> done
 *                                        |
 *                 time-out, cancel:  LREM message, DEL inputs
 *
 * Inputs expire with the call, so a worker that comes too late finds none and
 * goes on.  An answer is for the process that has sent the message, by its
 * list, and for a call by its id; one that nobody waits for is dropped.
 *
 * Event loop.  A call lies in memory of its own until the last reply of Redis
 * to it has come; the unit may be gone by then.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_queue.h"
#include <imgp/imgp_handout.h>


static ngx_uint_t ngx_http_imgp_queue_any(ngx_http_imgp_worker_t *w);
static ngx_http_imgp_queue_call_t *ngx_http_imgp_queue_create(
    ngx_http_imgp_unit_t *unit);
static ngx_int_t ngx_http_imgp_queue_out(ngx_http_imgp_queue_call_t *qc);
static ngx_int_t ngx_http_imgp_queue_send(ngx_http_imgp_queue_call_t *qc,
    imgp_redis_args_t *args, ngx_http_imgp_redis_pt handler);
static void ngx_http_imgp_queue_pushed(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_queue_answered(ngx_http_imgp_worker_t *w,
    imgp_str_t *text);
static void ngx_http_imgp_queue_take(ngx_http_imgp_queue_call_t *qc,
    imgp_str_t *text);
static void ngx_http_imgp_queue_timeout(ngx_event_t *ev);
static void ngx_http_imgp_queue_back(ngx_http_imgp_queue_call_t *qc,
    ngx_uint_t told);
static void ngx_http_imgp_queue_drop(ngx_http_imgp_queue_call_t *qc);
static void ngx_http_imgp_queue_removed(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_queue_replied(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_queue_over(ngx_http_imgp_queue_call_t *qc);
static void ngx_http_imgp_queue_leave(ngx_http_imgp_queue_call_t *qc);
static void ngx_http_imgp_queue_free(ngx_http_imgp_queue_call_t *qc);
static void ngx_http_imgp_queue_cleanup(void *data);


ngx_int_t
ngx_http_imgp_queue_init(ngx_http_imgp_worker_t *w)
{
    u_char                 *p;
    ngx_str_t              *prefix;
    ngx_http_imgp_queue_t  *queue;

    if (w->redis == NULL || !ngx_http_imgp_queue_any(w)) {
        return NGX_OK;
    }

    prefix = &w->redis->conf->prefix;

    queue = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_queue_t));
    p = ngx_pnalloc(w->cycle->pool, prefix->len + IMGP_REDIS_NODE_LEN
                                    + sizeof("answers::") + NGX_INT32_LEN);

    if (queue == NULL || p == NULL) {
        return NGX_ERROR;
    }

    /* of this machine's n-th process: what was meant for the one before it
       is found here, and dropped */

    queue->answers.data = p;
    p = ngx_sprintf(p, "%Vanswers:%s:%uD", prefix,
                    ngx_http_imgp_mirror_node(w->zone), w->zone->me);
    queue->answers.len = p - queue->answers.data;

    queue->worker = w;
    queue->answer = ngx_http_imgp_queue_answered;
    ngx_queue_init(&queue->calls);

    w->queue = queue;

    ngx_http_imgp_queue_listen(queue);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_imgp_queue_any(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t                  i, n;
    ngx_http_imgp_service_t    *service;
    ngx_http_imgp_pipeline_t  **pipeline;

    pipeline = w->conf->pipelines.elts;

    for (i = 0; i < w->conf->pipelines.nelts; i++) {
        for (n = 0; n < pipeline[i]->plan->nstages; n++) {
            service = pipeline[i]->services[n];

            if (service && service->list.len) {
                return 1;
            }
        }
    }

    return 0;
}


void
ngx_http_imgp_queue_done(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_queue_t  *queue;

    queue = w->queue;

    if (queue) {
        ngx_http_imgp_redis_link_free(&queue->link);
    }
}


ngx_int_t
ngx_http_imgp_queue_start(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_call_t        *call;
    ngx_http_imgp_queue_t       *queue;
    ngx_http_imgp_queue_call_t  *qc;

    call = &unit->call;
    queue = unit->run->worker->queue;

    qc = ngx_http_imgp_queue_create(unit);

    if (qc == NULL) {
        return imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
    }

    if (ngx_http_imgp_queue_keys(qc, unit) != NGX_OK
        || ngx_http_imgp_queue_message(qc, unit) != NGX_OK
        || ngx_http_imgp_queue_out(qc) != NGX_OK)
    {
        ngx_http_imgp_queue_leave(qc);
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&queue->calls, &qc->queue);
    ngx_add_timer(&qc->timer, call->timeout);

    return NGX_OK;
}


static ngx_http_imgp_queue_call_t *
ngx_http_imgp_queue_create(ngx_http_imgp_unit_t *unit)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_imgp_queue_call_t  *qc;

    cln = ngx_pool_cleanup_add(unit->call.pool, 0);
    qc = ngx_calloc(sizeof(ngx_http_imgp_queue_call_t), unit->call.log);

    if (cln == NULL || qc == NULL || imgp_id_random(qc->id) != IMGP_OK) {
        ngx_free(qc);
        return NULL;
    }

    imgp_id_text(qc->id, qc->text);

    qc->ident.fd = (ngx_socket_t) -1;
    qc->worker = unit->run->worker;
    qc->call = &unit->call;
    qc->cln = cln;
    ngx_queue_init(&qc->queue);

    qc->timer.handler = ngx_http_imgp_queue_timeout;
    qc->timer.data = qc;
    qc->timer.log = unit->run->worker->log;

    cln->handler = ngx_http_imgp_queue_cleanup;
    cln->data = qc;

    unit->call.private = qc;

    return qc;
}


/* all on one connection, so in this order */

static ngx_int_t
ngx_http_imgp_queue_out(ngx_http_imgp_queue_call_t *qc)
{
    ngx_uint_t          i;
    ngx_str_t          *list;
    imgp_redis_args_t   args;

    for (i = 0; i < qc->nkeys; i++) {
        imgp_redis_args_begin(&args, "SET");
        imgp_redis_args_add(&args, qc->keys[i].data, qc->keys[i].len);
        imgp_redis_args_add(&args, qc->call->inputs[i].data,
                            qc->call->inputs[i].len);
        imgp_redis_args_add(&args, "PX", 2);
        imgp_redis_args_add_int(&args, qc->call->timeout);

        if (ngx_http_imgp_queue_send(qc, &args, ngx_http_imgp_queue_replied)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    list = &qc->call->service->list;

    imgp_redis_args_begin(&args, "RPUSH");
    imgp_redis_args_add(&args, list->data, list->len);
    imgp_redis_args_add(&args, qc->message, qc->len);

    return ngx_http_imgp_queue_send(qc, &args, ngx_http_imgp_queue_pushed);
}


static ngx_int_t
ngx_http_imgp_queue_send(ngx_http_imgp_queue_call_t *qc,
    imgp_redis_args_t *args, ngx_http_imgp_redis_pt handler)
{
    if (ngx_http_imgp_redis_send(qc->worker, args, handler, qc) == NGX_OK) {
        qc->replies++;
        return NGX_OK;
    }

    if (qc->call) {
        (void) imgp_error_set(&qc->call->error, IMGP_E_SERVICE_CONNECT,
                              "Redis is away");
    }

    return NGX_ERROR;
}


static void
ngx_http_imgp_queue_pushed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_queue_call_t *qc = data;

    if (c != IMGP_REDIS_OK && qc->call && !qc->late) {
        (void) imgp_error_set(&qc->call->error, IMGP_E_SERVICE_CONNECT,
                              "Redis does not take the message: %.100s",
                              reply && reply->str ? reply->str
                                                  : "it is away");
        ngx_http_imgp_queue_over(qc);
    }

    ngx_http_imgp_queue_replied(qc, c, reply);
}


/* from a list of this process: of a call that waits, or of nobody's */

static void
ngx_http_imgp_queue_answered(ngx_http_imgp_worker_t *w, imgp_str_t *text)
{
    size_t                       pos;
    u_char                       id[IMGP_ID_BYTES];
    ngx_queue_t                 *q;
    ngx_http_imgp_queue_t       *queue;
    ngx_http_imgp_queue_call_t  *qc;

    pos = 0;
    queue = w->queue;

    while (imgp_handout_id(text, &pos, id) == IMGP_OK) {

        for (q = ngx_queue_head(&queue->calls);
             q != ngx_queue_sentinel(&queue->calls);
             q = ngx_queue_next(q))
        {
            qc = ngx_queue_data(q, ngx_http_imgp_queue_call_t, queue);

            if (ngx_memcmp(qc->id, id, IMGP_ID_BYTES) == 0) {
                ngx_http_imgp_queue_take(qc, text);
                return;
            }
        }
    }

    ngx_log_error(NGX_LOG_INFO, w->log, 0,
                  "image pipeline: an answer in list \"%V\" that nobody waits "
                  "for, %uz bytes", &queue->answers, text->len);
}


static void
ngx_http_imgp_queue_take(ngx_http_imgp_queue_call_t *qc, imgp_str_t *text)
{
    ngx_http_imgp_call_t  *call;

    call = qc->call;

    if (text->len > call->max_reply) {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_REPLY,
                              "answer is larger than %zu bytes",
                              call->max_reply);

    } else {
        call->body = malloc(text->len + 1);

        if (call->body == NULL) {
            (void) imgp_error_set(&call->error, IMGP_E_INTERNAL,
                                  "out of memory");

        } else {
            ngx_memcpy(call->body, text->data, text->len);
            call->body_len = text->len;
            ngx_str_set(&call->type, "application/json");
        }
    }

    ngx_http_imgp_queue_drop(qc);
    ngx_http_imgp_queue_over(qc);
    ngx_http_imgp_queue_free(qc);
}


/* was it taken at all?  What Redis says to that ends the call */

static void
ngx_http_imgp_queue_timeout(ngx_event_t *ev)
{
    ngx_http_imgp_queue_call_t *qc = ev->data;

    qc->late = 1;
    ngx_queue_remove(&qc->queue);
    ngx_queue_init(&qc->queue);

    ngx_http_imgp_queue_back(qc, 1);

    if (qc->late == 1) {
        (void) imgp_error_set(&qc->call->error, IMGP_E_SERVICE_TIMEOUT,
                              "no answer within %lu ms",
                              (unsigned long) qc->call->timeout);
        ngx_http_imgp_queue_over(qc);
        ngx_http_imgp_queue_free(qc);
    }
}


/* takes the message back, if nobody has it, and the inputs */

static void
ngx_http_imgp_queue_back(ngx_http_imgp_queue_call_t *qc, ngx_uint_t told)
{
    ngx_str_t          *list;
    imgp_redis_args_t   args;

    list = &qc->call->service->list;

    imgp_redis_args_begin(&args, "LREM");
    imgp_redis_args_add(&args, list->data, list->len);
    imgp_redis_args_add(&args, "1", 1);
    imgp_redis_args_add(&args, qc->message, qc->len);

    if (ngx_http_imgp_redis_send(qc->worker, &args,
                                 told ? ngx_http_imgp_queue_removed
                                      : ngx_http_imgp_queue_replied, qc)
        == NGX_OK)
    {
        qc->replies++;
        qc->late++;
    }

    ngx_http_imgp_queue_drop(qc);
}


/* the inputs */

static void
ngx_http_imgp_queue_drop(ngx_http_imgp_queue_call_t *qc)
{
    ngx_uint_t          i;
    imgp_redis_args_t   args;

    for (i = 0; i < qc->nkeys; i++) {
        imgp_redis_args_begin(&args, "DEL");
        imgp_redis_args_add(&args, qc->keys[i].data, qc->keys[i].len);

        if (ngx_http_imgp_redis_send(qc->worker, &args,
                                     ngx_http_imgp_queue_replied, qc)
            == NGX_OK)
        {
            qc->replies++;
        }
    }
}


static void
ngx_http_imgp_queue_removed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_queue_call_t *qc = data;

    int64_t  n;

    n = 0;

    if (qc->call) {
        if (c == IMGP_REDIS_OK) {
            (void) imgp_redis_int(reply, -1, &n);
        }

        (void) imgp_error_set(&qc->call->error, IMGP_E_SERVICE_TIMEOUT,
                              n ? "no worker took it within %lu ms"
                                : "no answer within %lu ms",
                              (unsigned long) qc->call->timeout);
        ngx_http_imgp_queue_over(qc);
    }

    ngx_http_imgp_queue_replied(qc, c, reply);
}


static void
ngx_http_imgp_queue_replied(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_queue_call_t *qc = data;

    qc->replies--;
    ngx_http_imgp_queue_free(qc);
}


/* the caller hears; what is left of it here waits for replies */

static void
ngx_http_imgp_queue_over(ngx_http_imgp_queue_call_t *qc)
{
    ngx_http_imgp_call_t  *call;

    call = qc->call;

    qc->replies++;
    ngx_http_imgp_queue_leave(qc);
    qc->replies--;

    if (call->error.code) {
        ngx_log_error(NGX_LOG_ERR, call->log, 0, "list \"%V\" failed: %s",
                      &call->service->list, call->error.detail);
    }

    call->done(call);
}


static void
ngx_http_imgp_queue_leave(ngx_http_imgp_queue_call_t *qc)
{
    qc->call->private = NULL;
    qc->call = NULL;
    qc->cln->handler = NULL;

    ngx_queue_remove(&qc->queue);
    ngx_queue_init(&qc->queue);

    if (qc->timer.timer_set) {
        ngx_del_timer(&qc->timer);
    }

    ngx_http_imgp_queue_free(qc);
}


static void
ngx_http_imgp_queue_free(ngx_http_imgp_queue_call_t *qc)
{
    ngx_uint_t  i;

    if (qc->call || qc->replies) {
        return;
    }

    for (i = 0; i < qc->nkeys; i++) {
        free(qc->keys[i].data);
    }

    free(qc->message);
    ngx_free(qc);
}


void
ngx_http_imgp_queue_cancel(ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_queue_call_t  *qc;

    qc = call->private;

    if (!qc->late) {
        ngx_http_imgp_queue_back(qc, 0);
    }

    ngx_http_imgp_queue_leave(qc);
}


static void
ngx_http_imgp_queue_cleanup(void *data)
{
    ngx_http_imgp_queue_call_t  *qc = data;

    ngx_http_imgp_queue_cancel(qc->call);
}
