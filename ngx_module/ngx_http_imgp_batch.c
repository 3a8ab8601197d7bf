
/*
 * "batch N WAIT": inputs of different jobs in one call.
 *
 *     place -> open -> [others join] -> sent -> answered -> each its own part
 *                                         |
 *                                         +-- failed: each is called alone
 *
 * A unit that gets a place at such a service opens a batch and takes along
 * those of this worker process that wait for the same; it is sent when N are
 * together or WAIT is over.  It is one call: it holds one place, that of the
 * first of its units, which passes it on should it be canceled; its inputs are
 * mapped until it is over, whoever has left.
 *
 * An answer that has not a part for each input may be the fault of any of
 * them, so each is sent again by itself.  What is told by the service's own
 * state (not reached, 429, 503) fails them all alike, as any other attempt.
 *
 * Event loop, but for the taking apart.  A batch lies in a pool of its own.
 */


#include "ngx_http_imgp_run.h"


typedef struct {
    imgp_str_t                     content;    /* malloc'ed */
    ngx_str_t                      type;
} ngx_http_imgp_share_of_t;


struct ngx_http_imgp_batch_s {
    ngx_http_imgp_ident_t          ident;
    ngx_queue_t                    queue;      /* of those that are open */
    ngx_pool_t                    *pool;
    ngx_http_imgp_worker_t        *worker;
    ngx_event_t                    timer;

    ngx_http_imgp_pipeline_t      *pipeline;
    ngx_uint_t                     stage;
    ngx_uint_t                     lane;
    ngx_http_imgp_service_t       *service;

    ngx_http_imgp_unit_t          *units[IMGP_BATCH_MAX];   /* NULL: left */
    ngx_http_imgp_share_of_t       pieces[IMGP_BATCH_MAX];
    imgp_str_t                    *maps;       /* of all, a unit's together */
    const char                   **types;
    ngx_uint_t                     nmaps;
    ngx_uint_t                     ninputs;    /* of each unit */
    imgp_uint_t                    counts[IMGP_FROM_MAX];   /* by "from" */
    ngx_uint_t                     n;
    ngx_uint_t                     npieces;
    ngx_uint_t                     left;       /* units that are there */
    ngx_http_imgp_unit_t          *holder;     /* of the place */

    ngx_http_imgp_call_t           call;
    ngx_http_imgp_task_t           task;
    imgp_error_t                   error;
    unsigned                       sent:1;
    unsigned                       working:1;  /* a thread has it, or it is
                                                  being handed out */
};


static ngx_http_imgp_batch_t *ngx_http_imgp_batch_create(ngx_uint_t ninputs);
static ngx_uint_t ngx_http_imgp_batch_fits(ngx_http_imgp_batch_t *batch,
    ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_batch_add(ngx_http_imgp_batch_t *batch,
    ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_batch_gather(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_late(ngx_event_t *ev);
static void ngx_http_imgp_batch_send(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_begin(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_fill(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_called(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_batch_take(void *data, ngx_log_t *log);
static imgp_int_t ngx_http_imgp_batch_piece(void *data,
    const imgp_str_t *content, const imgp_str_t *type, imgp_error_t *err);
static void ngx_http_imgp_batch_taken(void *data);
static void ngx_http_imgp_batch_hand_out(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_fail(ngx_http_imgp_batch_t *batch);
static ngx_uint_t ngx_http_imgp_batch_common(imgp_error_t *err);
static void ngx_http_imgp_batch_unmap(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_hangup(ngx_http_imgp_batch_t *batch);
static void ngx_http_imgp_batch_free(ngx_http_imgp_batch_t *batch);


/* into one that is open; NGX_DECLINED: there is none for it */

ngx_int_t
ngx_http_imgp_batch_join(ngx_http_imgp_unit_t *unit)
{
    ngx_queue_t            *q, *batches;
    ngx_http_imgp_batch_t  *batch;

    if (ngx_http_imgp_unit_stage(unit)->batch == 0 || unit->alone) {
        return NGX_DECLINED;
    }

    batches = ngx_http_imgp_run_batches(unit->run->worker);

    for (q = ngx_queue_head(batches);
         q != ngx_queue_sentinel(batches);
         q = ngx_queue_next(q))
    {
        batch = ngx_queue_data(q, ngx_http_imgp_batch_t, queue);

        if (ngx_http_imgp_batch_fits(batch, unit)) {
            ngx_http_imgp_unit_hangup(unit);
            ngx_http_imgp_batch_add(batch, unit);

            if (batch->n == ngx_http_imgp_unit_stage(unit)->batch) {
                ngx_http_imgp_batch_send(batch);
            }

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* the same stage of the same configuration, lane and provider, as many inputs,
   and the same values of the params that are sent along */

static ngx_uint_t
ngx_http_imgp_batch_fits(ngx_http_imgp_batch_t *batch,
    ngx_http_imgp_unit_t *unit)
{
    uint32_t     read;
    ngx_uint_t   i;
    imgp_job_t  *one, *two;

    if (batch->pipeline != unit->run->pipeline
        || batch->stage != unit->stage
        || batch->service != ngx_http_imgp_unit_service(unit)
        || batch->lane != imgp_lane(ngx_http_imgp_unit_stage(unit),
                                    unit->inputs)
        || batch->ninputs != unit->ninputs
        || ngx_memcmp(batch->counts, unit->counts, sizeof(batch->counts)) != 0)
    {
        return 0;
    }

    one = batch->holder->run->job;
    two = unit->run->job;
    read = ngx_http_imgp_unit_stage(unit)->params_read;

    for (i = 0; i < one->nparams; i++) {

        if ((read & (uint32_t) 1 << i)
            && !imgp_str_eq(&one->params[i], &two->params[i]))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_http_imgp_batch_t *
ngx_http_imgp_batch_create(ngx_uint_t ninputs)
{
    ngx_pool_t             *pool;
    ngx_http_imgp_batch_t  *batch;

    pool = ngx_create_pool(sizeof(ngx_http_imgp_batch_t) + 1024,
                           ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    batch = ngx_pcalloc(pool, sizeof(ngx_http_imgp_batch_t));
    if (batch == NULL) {
        goto failed;
    }

    batch->maps = ngx_palloc(pool, ninputs * sizeof(imgp_str_t));
    batch->types = ngx_palloc(pool, ninputs * sizeof(char *));

    if (batch->maps == NULL || batch->types == NULL) {
        goto failed;
    }

    batch->ident.fd = (ngx_socket_t) -1;
    batch->pool = pool;

    return batch;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


/* the unit has a place */

void
ngx_http_imgp_batch_open(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_batch_t  *batch;

    batch = ngx_http_imgp_batch_create(
                                       ngx_http_imgp_unit_stage(unit)->batch
                                       * unit->ninputs);
    if (batch == NULL) {
        imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_post_drop(unit);
        ngx_http_imgp_unit_finish(unit);
        return;
    }

    batch->worker = unit->run->worker;
    batch->pipeline = unit->run->pipeline;
    batch->stage = unit->stage;
    batch->service = ngx_http_imgp_unit_service(unit);
    batch->lane = imgp_lane(ngx_http_imgp_unit_stage(unit), unit->inputs);
    batch->holder = unit;
    batch->ninputs = unit->ninputs;
    ngx_memcpy(batch->counts, unit->counts, sizeof(batch->counts));

    batch->timer.handler = ngx_http_imgp_batch_late;
    batch->timer.data = batch;
    batch->timer.log = batch->worker->log;

    ngx_queue_insert_tail(ngx_http_imgp_run_batches(batch->worker),
                          &batch->queue);

    ngx_http_imgp_batch_add(batch, unit);
    ngx_http_imgp_batch_gather(batch);

    if (batch->n == ngx_http_imgp_unit_stage(unit)->batch) {
        ngx_http_imgp_batch_send(batch);

    } else {
        ngx_add_timer(&batch->timer,
                      ngx_http_imgp_unit_stage(unit)->batch_wait);
    }
}


static void
ngx_http_imgp_batch_add(ngx_http_imgp_batch_t *batch,
    ngx_http_imgp_unit_t *unit)
{
    batch->units[batch->n++] = unit;
    batch->left++;

    unit->batch = batch;
    unit->state = NGX_HTTP_IMGP_UNIT_BATCH;
}


/* those of this process that wait for the same */

static void
ngx_http_imgp_batch_gather(ngx_http_imgp_batch_t *batch)
{
    ngx_queue_t           *q, *waiting;
    ngx_http_imgp_unit_t  *unit;

    waiting = ngx_http_imgp_run_waiting(batch->worker);

    q = ngx_queue_head(waiting);

    while (q != ngx_queue_sentinel(waiting)
           && batch->n < batch->pipeline->plan->stages[batch->stage].batch)
    {
        unit = ngx_queue_data(q, ngx_http_imgp_unit_t, queue);
        q = ngx_queue_next(q);

        if (unit->state == NGX_HTTP_IMGP_UNIT_PLACE
            && !unit->alone
            && ngx_http_imgp_batch_fits(batch, unit))
        {
            ngx_http_imgp_unit_unwait(unit);
            ngx_http_imgp_unit_hangup(unit);
            ngx_http_imgp_batch_add(batch, unit);
        }
    }
}


static void
ngx_http_imgp_batch_late(ngx_event_t *ev)
{
    ngx_http_imgp_batch_send(ev->data);
}


static void
ngx_http_imgp_batch_send(ngx_http_imgp_batch_t *batch)
{
    ngx_http_imgp_call_t  *call;

    if (batch->timer.timer_set) {
        ngx_del_timer(&batch->timer);
    }

    ngx_queue_remove(&batch->queue);
    batch->sent = 1;

    ngx_http_imgp_batch_begin(batch);
    ngx_http_imgp_batch_fill(batch);

    call = &batch->call;

    if (ngx_http_imgp_service_start(call) != NGX_OK) {
        ngx_http_imgp_batch_called(call);
    }
}


/* those who left leave no gap: inputs and units are numbered alike */

static void
ngx_http_imgp_batch_begin(ngx_http_imgp_batch_t *batch)
{
    ngx_uint_t             i, k, n;
    ngx_http_imgp_unit_t  *unit;

    for (i = 0, n = 0; i < batch->n; i++) {
        unit = batch->units[i];

        if (unit == NULL) {
            continue;
        }

        batch->units[n++] = unit;

        for (k = 0; k < batch->ninputs; k++) {
            batch->maps[batch->nmaps] = unit->maps[k];
            batch->types[batch->nmaps++] = unit->inputs[k].type;
        }

        unit->maps = NULL;
        unit->attempts++;
        unit->state = NGX_HTTP_IMGP_UNIT_CALL;
        unit->changed(unit);
    }

    batch->n = n;
}


static void
ngx_http_imgp_batch_fill(ngx_http_imgp_batch_t *batch)
{
    u_char                 keys[IMGP_BATCH_MAX][IMGP_DIGEST_LEN];
    ngx_uint_t             i;
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_call_t  *call;

    for (i = 0; i < batch->n; i++) {
        ngx_memcpy(keys[i], batch->units[i]->key, IMGP_DIGEST_LEN);
    }

    run = batch->holder->run;
    call = &batch->call;

    call->pool = batch->pool;
    call->log = batch->worker->log;
    call->conf = batch->worker->conf;
    call->service = batch->service;
    call->params = run->job->params;
    call->inputs = batch->maps;
    call->types = batch->types;
    call->ninputs = batch->nmaps;
    call->counts = batch->counts;
    call->each = batch->ninputs;
    call->timeout = batch->pipeline->plan->stages[batch->stage].timeout;
    call->max_reply = NGX_HTTP_IMGP_REPLY_MAX;
    call->done = ngx_http_imgp_batch_called;
    call->data = batch;

    imgp_digest(keys, batch->n * IMGP_DIGEST_LEN, call->key);

    ngx_sprintf((u_char *) call->trace, "00-%*xs-%*xs-01%Z",
                (size_t) 16, run->job->id, (size_t) 8, call->key);
}


static void
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


/* a unit is canceled: the others go on */

void
ngx_http_imgp_batch_leave(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t              i;
    ngx_http_imgp_unit_t   *next;
    ngx_http_imgp_batch_t  *batch;

    batch = unit->batch;
    unit->batch = NULL;
    next = NULL;

    for (i = 0; i < batch->n; i++) {

        if (batch->units[i] == unit) {
            batch->units[i] = NULL;

        } else if (batch->units[i] && next == NULL) {
            next = batch->units[i];
        }
    }

    batch->left--;

    if (next) {

        if (batch->holder == unit) {
            batch->holder = next;
            ngx_http_imgp_flight_pass(batch->worker->zone, unit->flight,
                                      unit->key, next->flight, next->key);
        }

        return;
    }

    if (batch->working) {
        /* a thread that comes back to nobody, or the caller, frees it */
        return;
    }

    if (batch->sent) {
        ngx_http_imgp_service_cancel(&batch->call);
        ngx_http_imgp_batch_unmap(batch);

    } else {
        ngx_queue_remove(&batch->queue);
    }

    ngx_http_imgp_batch_free(batch);
}


static void
ngx_http_imgp_batch_unmap(ngx_http_imgp_batch_t *batch)
{
    ngx_uint_t  i;

    for (i = 0; i < batch->nmaps; i++) {
        imgp_blob_unmap(&batch->maps[i]);
    }
}


static void
ngx_http_imgp_batch_hangup(ngx_http_imgp_batch_t *batch)
{
    if (batch->left) {
        ngx_http_imgp_unit_hangup(batch->holder);
    }
}


static void
ngx_http_imgp_batch_free(ngx_http_imgp_batch_t *batch)
{
    ngx_uint_t  i;

    if (batch->timer.timer_set) {
        ngx_del_timer(&batch->timer);
    }

    for (i = 0; i < batch->npieces; i++) {
        free(batch->pieces[i].content.data);
    }

    free(batch->call.body);

    ngx_destroy_pool(batch->pool);
}
