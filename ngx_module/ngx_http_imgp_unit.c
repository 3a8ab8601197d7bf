
/*
 * One execution of one stage: its key, the single-flight over all workers,
 * its attempts and the time between them.  What an attempt does is the
 * business of local.c and post.c; what comes of it, of run.c.
 *
 * Event loop, but for unit_known().
 */


#include "ngx_http_imgp_run.h"
#include <imgp/imgp_known.h>


#define NGX_HTTP_IMGP_STORE_RETRY       1000   /* ms, doubled up to a minute */
#define NGX_HTTP_IMGP_INTERNAL_RETRIES  2


static void ngx_http_imgp_unit_begin(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_unit_attempt(ngx_http_imgp_unit_t *unit);
static ngx_uint_t ngx_http_imgp_unit_hopeful(ngx_http_imgp_unit_t *unit);
static ngx_msec_t ngx_http_imgp_unit_backoff(ngx_http_imgp_unit_t *unit);
static ngx_uint_t ngx_http_imgp_unit_stored(ngx_uint_t code);
static void ngx_http_imgp_unit_land(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_unit_end(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_unit_log(ngx_http_imgp_unit_t *unit);


void
ngx_http_imgp_unit_start(ngx_http_imgp_unit_t *unit)
{
    imgp_store_error_t   *err;
    ngx_http_imgp_run_t  *run;

    run = unit->run;
    err = &unit->error;

    unit->ident.fd = (ngx_socket_t) -1;
    unit->flight = (uint32_t) -1;
    unit->timer.handler = ngx_http_imgp_unit_again;
    unit->timer.data = unit;
    unit->timer.log = &run->log;

    if (imgp_graph_items(run->pipeline->plan, run->job, unit->stage,
                         unit->number, run->job->pool, &unit->inputs,
                         &unit->ninputs, &err->error)
        != IMGP_OK)
    {
        ngx_http_imgp_unit_end(unit);
        return;
    }

    imgp_graph_counts(run->pipeline->plan, run->job, unit->stage,
                      unit->counts);

    if (imgp_known_key(run->pipeline->plan, run->job, unit->stage,
                       unit->inputs, unit->ninputs, unit->key)
        != IMGP_OK)
    {
        imgp_error_set(&err->error, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_unit_end(unit);
        return;
    }

    ngx_http_imgp_unit_begin(unit);
}


static void
ngx_http_imgp_unit_begin(ngx_http_imgp_unit_t *unit)
{
    ngx_int_t                rc;
    ngx_http_imgp_worker_t  *w;

    w = unit->run->worker;

    rc = ngx_http_imgp_flight_begin(w->zone, unit->key,
                                    unit->run->pipeline->index, unit->stage,
                                    &unit->flight);

    if (rc == NGX_OK) {
        ngx_http_imgp_unit_attempt(unit);
        return;
    }

    /* with a full table the end of any run makes room */

    unit->any = (rc == NGX_AGAIN);
    ngx_http_imgp_unit_wait(unit, NGX_HTTP_IMGP_UNIT_JOINED);
}


static void
ngx_http_imgp_unit_attempt(ngx_http_imgp_unit_t *unit)
{
    if (unit->arena) {
        imgp_pool_destroy(unit->arena);
    }

    unit->poll = NULL;
    unit->items = NULL;
    unit->nitems = 0;
    unit->progress = 0;
    unit->known = 0;
    unit->old = 0;
    unit->whole = 0;
    ngx_memzero(&unit->error, sizeof(imgp_store_error_t));

    unit->arena = imgp_pool_create(&imgp_malloc, 4096);

    if (unit->arena == NULL) {
        imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_unit_finish(unit);
        return;
    }

    if (unit->run->worker->redis && ngx_http_imgp_share_ask(unit) == NGX_OK) {
        return;
    }

    ngx_http_imgp_unit_go(unit);
}


void
ngx_http_imgp_unit_go(ngx_http_imgp_unit_t *unit)
{
    if (ngx_http_imgp_unit_stage(unit)->kind == IMGP_STAGE_LOCAL) {
        ngx_http_imgp_local_start(unit);

    } else {
        ngx_http_imgp_post_start(unit);
    }
}


void
ngx_http_imgp_unit_wait(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_unit_e state)
{
    unit->state = state;

    ngx_queue_insert_tail(ngx_http_imgp_run_waiting(unit->run->worker),
                          &unit->queue);

    ngx_http_imgp_wake_watching(unit->run->worker, 1);
}


void
ngx_http_imgp_unit_unwait(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_follow_stop(unit);

    ngx_queue_remove(&unit->queue);
    unit->state = NGX_HTTP_IMGP_UNIT_IDLE;

    ngx_http_imgp_wake_watching(unit->run->worker, -1);
}


/* the end of a run is for those who joined it, and for those who wait for any;
   a place at a service is for one, by its key */

void
ngx_http_imgp_unit_wake(ngx_http_imgp_worker_t *w, const u_char *key)
{
    ngx_queue_t           *q, *waiting, ready;
    ngx_http_imgp_unit_t  *unit;

    waiting = ngx_http_imgp_run_waiting(w);

    ngx_queue_init(&ready);

    for (q = ngx_queue_head(waiting);
         q != ngx_queue_sentinel(waiting);
         /* void */)
    {
        unit = ngx_queue_data(q, ngx_http_imgp_unit_t, queue);
        q = ngx_queue_next(q);

        if ((unit->state == NGX_HTTP_IMGP_UNIT_JOINED && unit->any)
            || key == NULL
            || ngx_memcmp(key, unit->key, IMGP_ID_BYTES) == 0)
        {
            ngx_queue_remove(&unit->queue);
            ngx_queue_insert_tail(&ready, &unit->queue);
        }
    }

    /* whoever must wait again goes to the end of "waiting" */

    while (!ngx_queue_empty(&ready)) {
        q = ngx_queue_head(&ready);
        unit = ngx_queue_data(q, ngx_http_imgp_unit_t, queue);

        if (unit->state == NGX_HTTP_IMGP_UNIT_PLACE) {
            ngx_http_imgp_unit_unwait(unit);
            ngx_http_imgp_post_place(unit);

        } else {
            ngx_http_imgp_unit_unwait(unit);
            ngx_http_imgp_unit_begin(unit);
        }
    }
}


void
ngx_http_imgp_unit_work(ngx_http_imgp_unit_t *unit, ngx_uint_t kind,
    void (*started)(void *data), void (*work)(void *data, ngx_log_t *log),
    void (*done)(void *data))
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);
    unit->now = (imgp_msec_t) tv.tv_sec * 1000 + tv.tv_usec / 1000;

    unit->state = NGX_HTTP_IMGP_UNIT_TASK;
    unit->run->threads++;

    unit->task.kind = kind;
    unit->task.started = started;
    unit->task.work = work;
    unit->task.done = done;
    unit->task.data = unit;

    ngx_http_imgp_thread_run(unit->run->worker, &unit->task);
}


/* in a thread */

ngx_int_t
ngx_http_imgp_unit_known(ngx_http_imgp_unit_t *unit)
{
    imgp_int_t            rc;
    ngx_http_imgp_run_t  *run;

    run = unit->run;

    rc = imgp_result_get(&run->worker->conf->store, unit->key,
                         imgp_known_oldest(run->pipeline->plan, run->job),
                         unit->arena, &unit->items, &unit->nitems,
                         &unit->error);

    if (rc == IMGP_OK) {
        unit->known = 1;
        unit->old = 1;
    }

    return rc;
}


/*
 * One attempt is over.  What the store could not take is tried again for as
 * long as it takes: an accepted job is not lost to a full disk.
 */

void
ngx_http_imgp_unit_finish(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t     code;
    imgp_stage_t  *stage;

    stage = ngx_http_imgp_unit_stage(unit);
    code = unit->error.error.code;

    unit->state = NGX_HTTP_IMGP_UNIT_IDLE;

    ngx_http_imgp_zone_grown(unit->run->worker->zone, unit->added);
    unit->added = 0;

    if (unit->run->gone || unit->run->ending || unit->cancel) {
        imgp_error_set(&unit->error.error, IMGP_E_CANCELED, "canceled");
        ngx_http_imgp_unit_end(unit);
        return;
    }

    if (code == IMGP_E_NONE) {
        ngx_http_imgp_unit_end(unit);
        return;
    }

    if (code == IMGP_E_CONTENT_LOST && unit->run->worker->redis
        && ngx_http_imgp_share_lost_input(unit) == NGX_OK)
    {
        return;
    }

    ngx_http_imgp_unit_log(unit);

    if (!ngx_http_imgp_unit_hopeful(unit) && !ngx_http_imgp_post_next(unit)) {
        ngx_http_imgp_unit_end(unit);
        return;
    }

    /* the next attempt comes later, the service's place is free until then */

    ngx_http_imgp_unit_hangup(unit);

    if (stage->kind != IMGP_STAGE_LOCAL && ngx_http_imgp_unit_stored(code)) {
        ngx_http_imgp_tally_retry(unit->run->worker->zone,
                                  ngx_http_imgp_unit_service(unit));
    }

    unit->state = NGX_HTTP_IMGP_UNIT_BACKOFF;
    ngx_add_timer(&unit->timer, ngx_http_imgp_unit_backoff(unit));

    unit->changed(unit);
}


/* is the same worth another attempt?  What is "internal" is mostly memory that
   was short for a moment. */

static ngx_uint_t
ngx_http_imgp_unit_hopeful(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t     code, tried;
    imgp_stage_t  *stage;

    stage = ngx_http_imgp_unit_stage(unit);
    code = unit->error.error.code;
    tried = unit->attempts - unit->spent;

    if (!ngx_http_imgp_unit_stored(code)) {
        return 1;
    }

    if (code == IMGP_E_INTERNAL) {
        return tried <= NGX_HTTP_IMGP_INTERNAL_RETRIES;
    }

    return imgp_error_class(code) == IMGP_CLASS_TRANSIENT
           && tried <= stage->retries;
}


static ngx_msec_t
ngx_http_imgp_unit_backoff(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t     code;
    imgp_stage_t  *stage;

    stage = ngx_http_imgp_unit_stage(unit);
    code = unit->error.error.code;

    if (!ngx_http_imgp_unit_stored(code) || code == IMGP_E_INTERNAL) {
        return imgp_backoff(NGX_HTTP_IMGP_STORE_RETRY,
                            ngx_min(unit->attempts + 1, 6), ngx_random(), 0);
    }

    if (unit->attempts == unit->spent) {
        /* another provider */
        return 0;
    }

    return imgp_backoff(stage->retry_delay, unit->attempts - unit->spent,
                        ngx_random(), unit->call.retry_after);
}


/* not the store's fault */

static ngx_uint_t
ngx_http_imgp_unit_stored(ngx_uint_t code)
{
    return code != IMGP_E_STORE_FULL && code != IMGP_E_STORE_AWAY;
}


void
ngx_http_imgp_unit_again(ngx_event_t *ev)
{
    ngx_http_imgp_unit_attempt(ev->data);
}


void
ngx_http_imgp_unit_retry(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_unit_attempt(unit);
}


/* the flight lands: those who joined it look again */

static void
ngx_http_imgp_unit_land(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_told_t     told;
    ngx_http_imgp_worker_t  *w;

    if (unit->flight == (uint32_t) -1) {
        return;
    }

    w = unit->run->worker;
    ngx_http_imgp_told_init(&told);

    ngx_http_imgp_flight_end(w->zone, unit->flight, unit->key, &told);
    unit->flight = (uint32_t) -1;

    ngx_http_imgp_flight_tell(w, &told);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_FLIGHT, unit->key);
}


/* its service is done, or none any more: somebody else's turn has come */

void
ngx_http_imgp_unit_hangup(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_told_t  told;

    ngx_http_imgp_told_init(&told);

    ngx_http_imgp_flight_hangup(unit->run->worker->zone, unit->flight,
                                unit->key, &told);
    ngx_http_imgp_flight_tell(unit->run->worker, &told);
}


static void
ngx_http_imgp_unit_end(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_unit_land(unit);

    if (ngx_http_imgp_parts_left(unit)) {
        ngx_http_imgp_revoke(unit);
    }

    if (unit->run->worker->redis) {
        ngx_http_imgp_share_unit_end(unit);
    }

    unit->state = NGX_HTTP_IMGP_UNIT_DONE;
    unit->done(unit);
}


/* a task that a thread has already comes back later, and is then dropped */

void
ngx_http_imgp_unit_cancel(ngx_http_imgp_unit_t *unit)
{
    unit->cancel = 1;

    switch (unit->state) {

    case NGX_HTTP_IMGP_UNIT_JOINED:
    case NGX_HTTP_IMGP_UNIT_PLACE:
        ngx_http_imgp_unit_unwait(unit);
        break;

    case NGX_HTTP_IMGP_UNIT_ASK:
        return;

    case NGX_HTTP_IMGP_UNIT_TASK:
        if (ngx_http_imgp_thread_withdraw(&unit->task) != NGX_OK) {
            return;
        }

        unit->run->threads--;
        break;

    case NGX_HTTP_IMGP_UNIT_BATCH:
        ngx_http_imgp_batch_leave(unit);
        break;

    case NGX_HTTP_IMGP_UNIT_CALL:
        if (unit->batch) {
            ngx_http_imgp_batch_leave(unit);
            break;
        }

        ngx_http_imgp_follow_stop(unit);
        ngx_http_imgp_service_cancel(&unit->call);
        break;

    case NGX_HTTP_IMGP_UNIT_BACKOFF:
        ngx_del_timer(&unit->timer);
        break;

    default: /* IDLE, DONE */
        return;
    }

    ngx_http_imgp_revoke(unit);
    ngx_http_imgp_unit_land(unit);

    if (unit->run->worker->redis) {
        imgp_error_set(&unit->error.error, IMGP_E_CANCELED, "canceled");
        ngx_http_imgp_share_unit_end(unit);
    }

    unit->state = NGX_HTTP_IMGP_UNIT_DONE;

    ngx_http_imgp_post_drop(unit);
}


static void
ngx_http_imgp_unit_log(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t           level;
    imgp_stage_t        *stage;
    imgp_store_error_t  *err;

    stage = ngx_http_imgp_unit_stage(unit);
    err = &unit->error;

    if (err->syserr) {
        ngx_log_error(NGX_LOG_CRIT, &unit->run->log, err->syserr,
                      "%s() failed, image pipeline stage \"%V\"",
                      err->call, &stage->name);
        return;
    }

    level = imgp_error_class(err->error.code) == IMGP_CLASS_CLIENT
            ? NGX_LOG_INFO : NGX_LOG_ERR;

    ngx_log_error(level, &unit->run->log, 0,
                  "image pipeline stage \"%V\", attempt %ui: %s",
                  &stage->name, unit->attempts, err->error.detail);
}
