
/*
 * What a service answers to a batch: each unit gets its own part, or all of
 * them fail alike, or each is sent again alone (see batch.c).
 *
 * Event loop, but for the taking apart; the batch is freed here when it is
 * over.
 */


#include "ngx_http_imgp_batch.h"


static void ngx_http_imgp_batch_take(void *data, ngx_log_t *log);
static imgp_int_t ngx_http_imgp_batch_piece(void *data,
    const imgp_str_t *content, const imgp_str_t *type, imgp_error_t *err);
static void ngx_http_imgp_batch_taken(void *data);
static void ngx_http_imgp_batch_hand_out(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_fail(ngx_http_imgp_batch_t *batch);
static ngx_uint_t ngx_http_imgp_batch_common(imgp_error_t *err);
static void ngx_http_imgp_batch_hangup(ngx_http_imgp_batch_t *batch);


void
ngx_http_imgp_batch_called(ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_batch_t  *batch;

    batch = call->data;

    ngx_http_imgp_batch_unmap(batch);
    ngx_http_imgp_post_answered(batch->worker, batch->service, call,
                                batch->worker->log);
    ngx_http_imgp_batch_hangup(batch);

    if (call->error.code) {
        batch->error = call->error;
        ngx_http_imgp_batch_fail(batch);
        return;
    }

    batch->working = 1;
    ngx_http_imgp_hold(batch->worker);

    batch->task.kind = NGX_HTTP_IMGP_TASK_CPU;
    batch->task.work = ngx_http_imgp_batch_take;
    batch->task.done = ngx_http_imgp_batch_taken;
    batch->task.data = batch;

    ngx_http_imgp_thread_run(batch->worker, &batch->task);
}


/* in a thread */

static void
ngx_http_imgp_batch_take(void *data, ngx_log_t *log)
{
    ngx_http_imgp_batch_t  *batch = data;

    imgp_str_t  body;

    body.data = batch->call.body;
    body.len = batch->call.body_len;

    (void) imgp_take(&batch->service->take, &body,
                     ngx_http_imgp_str(&batch->call.type),
                     ngx_http_imgp_batch_piece, batch, &batch->error);
}


static imgp_int_t
ngx_http_imgp_batch_piece(void *data, const imgp_str_t *content,
    const imgp_str_t *type, imgp_error_t *err)
{
    ngx_http_imgp_batch_t  *batch = data;

    ngx_http_imgp_share_of_t  *piece;

    if (batch->npieces == batch->n) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "answer has more than %lu parts, one for each "
                              "input", (unsigned long) batch->n);
    }

    piece = &batch->pieces[batch->npieces++];

    piece->content.data = malloc(content->len + type->len + 1);
    if (piece->content.data == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    piece->content.len = content->len;
    piece->type.data = ngx_cpymem(piece->content.data, content->data,
                                  content->len);
    piece->type.len = type->len;
    ngx_memcpy(piece->type.data, type->data, type->len);

    return IMGP_OK;
}


static void
ngx_http_imgp_batch_taken(void *data)
{
    ngx_http_imgp_batch_t  *batch = data;

    batch->working = 0;
    ngx_http_imgp_release(batch->worker);

    if (batch->error.code == IMGP_E_NONE && batch->npieces < batch->n) {
        (void) imgp_error_set(&batch->error, IMGP_E_SERVICE_REPLY,
                              "answer has %lu parts for %lu inputs",
                              (unsigned long) batch->npieces,
                              (unsigned long) batch->n);
    }

    if (batch->error.code) {
        ngx_http_imgp_batch_fail(batch);

    } else {
        ngx_http_imgp_batch_hand_out(batch);
    }
}


/* as if each had been called for its own */

static void
ngx_http_imgp_batch_hand_out(ngx_http_imgp_batch_t *batch)
{
    ngx_uint_t                 i;
    ngx_http_imgp_unit_t      *unit;
    ngx_http_imgp_share_of_t  *piece;

    batch->working = 1;

    for (i = 0; i < batch->n; i++) {
        unit = batch->units[i];
        piece = &batch->pieces[i];

        if (unit == NULL) {
            continue;
        }

        batch->units[i] = NULL;
        unit->batch = NULL;

        ngx_memzero(&unit->call, sizeof(ngx_http_imgp_call_t));

        unit->call.status = batch->call.status;
        unit->call.type = piece->type;
        unit->call.body = piece->content.data;
        unit->call.body_len = piece->content.len;
        unit->document = piece->content;
        unit->whole = 1;

        piece->content.data = NULL;

        ngx_http_imgp_post_take(unit);
    }

    ngx_http_imgp_batch_free(batch);
}


static void
ngx_http_imgp_batch_fail(ngx_http_imgp_batch_t *batch)
{
    ngx_uint_t             i, common;
    ngx_http_imgp_unit_t  *unit;

    common = batch->n == 1 || ngx_http_imgp_batch_common(&batch->error);

    if (!common) {
        ngx_log_error(NGX_LOG_WARN, batch->worker->log, 0,
                      "service \"%V\": a batch of %ui inputs failed (%s), "
                      "each is sent alone", &batch->service->host, batch->n,
                      batch->error.detail);
    }

    /* the end of one may be that of others of the same job, which leave */

    batch->working = 1;

    for (i = 0; i < batch->n; i++) {
        unit = batch->units[i];

        if (unit == NULL) {
            continue;
        }

        batch->units[i] = NULL;
        unit->batch = NULL;

        if (common) {
            unit->error.error = batch->error;
            unit->call.retry_after = batch->call.retry_after;
            ngx_http_imgp_unit_finish(unit);
            continue;
        }

        /* not an attempt of its own: what it answers to it is not known */

        unit->alone = 1;
        unit->spent++;
        unit->state = NGX_HTTP_IMGP_UNIT_BACKOFF;
        ngx_add_timer(&unit->timer, 0);
    }

    ngx_http_imgp_batch_free(batch);
}


/* whatever is sent, it would be the same */

static ngx_uint_t
ngx_http_imgp_batch_common(imgp_error_t *err)
{
    return err->code == IMGP_E_SERVICE_CONNECT
           || err->code == IMGP_E_INTERNAL
           || err->service_status == NGX_HTTP_TOO_MANY_REQUESTS
           || err->service_status == NGX_HTTP_SERVICE_UNAVAILABLE;
}


static void
ngx_http_imgp_batch_hangup(ngx_http_imgp_batch_t *batch)
{
    if (batch->left) {
        ngx_http_imgp_unit_hangup(batch->holder);
    }
}
