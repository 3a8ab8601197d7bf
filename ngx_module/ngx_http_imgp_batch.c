
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
 * Event loop.  A batch lies in a pool of its own; what is answered is the
 * business of batch_answer.c.
 */


#include "ngx_http_imgp_batch.h"


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


void
ngx_http_imgp_batch_unmap(ngx_http_imgp_batch_t *batch)
{
    ngx_uint_t  i;

    for (i = 0; i < batch->nmaps; i++) {
        imgp_blob_unmap(&batch->maps[i]);
    }
}


void
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
