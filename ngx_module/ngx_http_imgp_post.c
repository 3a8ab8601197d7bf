
/*
 * A stage that a model service works at: a thread looks for the known result
 * and maps the inputs, the call goes out as soon as the service has a place,
 * a thread takes the outputs out of its answer (output.c), after further calls
 * if need be (follow.c).
 */


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_queue.h"
#include <imgp/imgp_s3.h>


#define NGX_HTTP_IMGP_POST_SHORT  (256 * 1024)   /* bytes of JSON */
#define NGX_HTTP_IMGP_POST_QUOTE  512        /* bytes of an answer, logged */


static void ngx_http_imgp_post_prepare(void *data, ngx_log_t *log);
static void ngx_http_imgp_post_prepared(void *data);
static void ngx_http_imgp_post_turn(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_turn_t *turn);
static void ngx_http_imgp_post_change(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_post_later(ngx_event_t *ev);
static void ngx_http_imgp_post_call(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_post_called(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_post_stored(void *data);
static void ngx_http_imgp_post_unmap(ngx_http_imgp_unit_t *unit);


void
ngx_http_imgp_post_start(ngx_http_imgp_unit_t *unit)
{
    unit->later.handler = ngx_http_imgp_post_later;
    unit->later.data = unit;
    unit->later.log = &unit->run->log;

    if (ngx_http_imgp_request_inputs(unit) != NGX_OK) {
        ngx_http_imgp_unit_finish(unit);
        return;
    }

    ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_IO, NULL,
                            ngx_http_imgp_post_prepare,
                            ngx_http_imgp_post_prepared);
}


/* in a thread */

static void
ngx_http_imgp_post_prepare(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t  *unit = data;

    imgp_int_t     rc;
    ngx_uint_t     i;
    imgp_store_t  *store;

    if (ngx_http_imgp_unit_known(unit) != IMGP_DECLINED) {
        return;
    }

    store = &unit->run->worker->conf->store;

    unit->maps = imgp_pcalloc(unit->arena,
                              (unit->ninputs + 1) * sizeof(imgp_str_t));
    if (unit->maps == NULL) {
        imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
        return;
    }

    for (i = 0; i < unit->ninputs; i++) {
        rc = imgp_blob_map(store, &unit->inputs[i], unit->run->own,
                           &unit->maps[i], &unit->error);

        if (rc == IMGP_DECLINED) {
            imgp_error_set(&unit->error.error, IMGP_E_CONTENT_LOST,
                           "an input of the stage is gone from the store");
        }

        if (rc != IMGP_OK) {
            return;
        }
    }

    (void) ngx_http_imgp_request_fill(unit);
}


static void
ngx_http_imgp_post_prepared(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    if (unit->known || unit->error.error.code || unit->cancel) {
        ngx_http_imgp_post_unmap(unit);
        ngx_http_imgp_unit_finish(unit);

    } else {
        ngx_http_imgp_post_place(unit);
    }

    ngx_http_imgp_run_unref(run);
}


/* a place at the service, now or when one gets free */

void
ngx_http_imgp_post_place(ngx_http_imgp_unit_t *unit)
{
    ngx_int_t              rc;
    ngx_http_imgp_told_t   told;
    ngx_http_imgp_turn_t   turn;

    if (ngx_http_imgp_batch_join(unit) == NGX_OK) {
        return;
    }

    ngx_http_imgp_told_init(&told);
    ngx_http_imgp_post_turn(unit, &turn);

    rc = ngx_http_imgp_flight_call(unit->run->worker->zone, unit->flight,
                                   unit->key, &turn, &told);

    ngx_http_imgp_flight_tell(unit->run->worker, &told);

    if (rc == NGX_DECLINED) {
        ngx_http_imgp_post_change(unit);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_imgp_unit_wait(unit, NGX_HTTP_IMGP_UNIT_PLACE);

        if (turn.wait) {
            ngx_add_timer(&unit->later, turn.wait);
        }

        return;
    }

    if (ngx_http_imgp_unit_stage(unit)->batch && !unit->alone) {
        ngx_http_imgp_batch_open(unit);
        return;
    }

    unit->attempts++;
    unit->state = NGX_HTTP_IMGP_UNIT_CALL;
    unit->changed(unit);

    ngx_http_imgp_post_call(unit);
}


static void
ngx_http_imgp_post_turn(ngx_http_imgp_unit_t *unit, ngx_http_imgp_turn_t *turn)
{
    imgp_stage_t  *stage;

    stage = ngx_http_imgp_unit_stage(unit);

    turn->service = ngx_http_imgp_unit_service(unit);
    turn->owner = unit->run->job->owner;
    turn->level = unit->run->job->priority;
    turn->limit = stage->concurrency;
    turn->lane = imgp_lane(stage, unit->ninputs ? unit->inputs : NULL);
    turn->lane_limit = stage->lanes[turn->lane].concurrency;
}


/* what the next provider is sent may be something else */

static void
ngx_http_imgp_post_change(ngx_http_imgp_unit_t *unit)
{
    unit->service = ngx_http_imgp_unit_service(unit)->next;
    unit->spent = unit->attempts;

    ngx_http_imgp_post_unmap(unit);
    ngx_http_imgp_unit_again(&unit->timer);
}


/* its rate, or a probe, may let one of those who wait begin */

static void
ngx_http_imgp_post_later(ngx_event_t *ev)
{
    ngx_http_imgp_unit_t  *unit = ev->data;

    ngx_http_imgp_unit_unwait(unit);
    ngx_http_imgp_post_place(unit);
}


ngx_uint_t
ngx_http_imgp_post_next(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_service_t  *service;

    if (ngx_http_imgp_unit_stage(unit)->kind == IMGP_STAGE_LOCAL) {
        return 0;
    }

    service = ngx_http_imgp_unit_service(unit);

    switch (unit->error.error.code) {

    case IMGP_E_SERVICE_CONNECT:
    case IMGP_E_SERVICE_TIMEOUT:
    case IMGP_E_SERVICE_BUSY:
    case IMGP_E_SERVICE_REPLY:
    case IMGP_E_SERVICE_REFUSED:

        if (service->next == NULL) {
            return 0;
        }

        ngx_log_error(NGX_LOG_WARN, &unit->run->log, 0,
                      "image pipeline stage \"%V\": provider \"%V\" is out, "
                      "trying \"%V\"",
                      &ngx_http_imgp_unit_stage(unit)->name,
                      &service->provider, &service->next->provider);

        unit->service = service->next;
        unit->spent = unit->attempts;

        return 1;

    default:
        return 0;
    }
}


static void
ngx_http_imgp_post_call(ngx_http_imgp_unit_t *unit)
{
    imgp_msec_t               timeout;
    ngx_http_imgp_service_t  *service;

    timeout = ngx_http_imgp_unit_stage(unit)->timeout;
    unit->deadline = ngx_current_msec + timeout;

    service = ngx_http_imgp_unit_service(unit);

    if (service->put) {
        service = ngx_http_imgp_put_service(unit);

        if (service == NULL) {
            ngx_http_imgp_post_drop(unit);
            ngx_http_imgp_unit_finish(unit);
            return;
        }

        if (unit->maps[0].len > IMGP_S3_WHOLE) {
            ngx_http_imgp_parts(unit, service);
            return;
        }
    }

    ngx_http_imgp_post_start_call(unit, service, timeout,
                                  ngx_http_imgp_post_called);
}


void
ngx_http_imgp_post_start_call(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_service_t *service, ngx_msec_t timeout,
    void (*done)(ngx_http_imgp_call_t *call))
{
    ngx_uint_t             i;
    ngx_http_imgp_call_t  *call;

    call = &unit->call;

    ngx_http_imgp_post_fill_call(unit, service, timeout, done);

    call->types = imgp_pcalloc(unit->arena,
                               (unit->ninputs + 1) * sizeof(char *));
    if (call->types == NULL) {
        imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
        done(call);
        return;
    }

    for (i = 0; i < unit->ninputs; i++) {
        call->types[i] = unit->inputs[i].type;
    }

    if ((service->list.len ? ngx_http_imgp_queue_start(unit)
                           : ngx_http_imgp_service_start(call))
        != NGX_OK)
    {
        done(call);
    }
}


void
ngx_http_imgp_post_fill_call(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_service_t *service, ngx_msec_t timeout,
    void (*done)(ngx_http_imgp_call_t *call))
{
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_call_t  *call;

    run = unit->run;
    call = &unit->call;

    ngx_memzero(call, sizeof(ngx_http_imgp_call_t));

    call->done = done;
    call->data = unit;
    call->pool = run->pool;
    call->log = &run->log;
    call->conf = run->worker->conf;
    call->service = service;
    call->params = run->job->params;
    call->inputs = unit->maps;
    call->ninputs = unit->maps ? unit->ninputs : 0;
    call->counts = unit->counts;
    call->request = unit->request;
    call->timeout = timeout;
    call->max_reply = NGX_HTTP_IMGP_REPLY_MAX;
    call->poll = (service->poll != NULL);
    call->empty = (service->poll != NULL || service->put != NULL);
    call->digest = unit->inputs ? unit->inputs[0].digest : NULL;

    ngx_memcpy(call->key, unit->key, IMGP_DIGEST_LEN);

    /* the job is the trace, the run of the stage the span (W3C); strangers
       are told neither */

    if (!service->guard) {
        ngx_sprintf((u_char *) call->trace, "00-%*xs-%*xs-01%Z",
                    (size_t) 16, run->job->id, (size_t) 8, unit->key);
    }
}


static void
ngx_http_imgp_post_called(ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_unit_t  *unit;

    unit = call->data;

    ngx_http_imgp_post_unmap(unit);
    ngx_http_imgp_post_answered(unit->run->worker,
                                ngx_http_imgp_unit_service(unit), call,
                                &unit->run->log);

    if (call->error.code) {
        unit->error.error = call->error;
        ngx_http_imgp_unit_hangup(unit);
        ngx_http_imgp_unit_finish(unit);
        return;
    }

    if (call->service->poll) {
        ngx_http_imgp_follow(unit);
        return;
    }

    if (call->service->put) {
        ngx_http_imgp_post_put(unit);
        return;
    }

    unit->document.data = call->body;
    unit->document.len = call->body_len;

    ngx_http_imgp_post_take(unit);
}


void
ngx_http_imgp_post_put(ngx_http_imgp_unit_t *unit)
{
    unit->document = unit->stored;
    ngx_str_set(&unit->call.type, "text/plain");

    ngx_http_imgp_post_take(unit);
}


/* one that does not answer, or is busy, is out of order; any other answer
   shows that it works */

void
ngx_http_imgp_post_answered(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_service_t *service, ngx_http_imgp_call_t *call,
    ngx_log_t *log)
{
    ngx_uint_t                failed;
    const char               *what;
    imgp_error_t             *err;

    err = &call->error;

    ngx_http_imgp_tally_call(w->zone, service, call);

    failed = err->code == IMGP_E_SERVICE_CONNECT
             || err->code == IMGP_E_SERVICE_TIMEOUT
             || (err->code == IMGP_E_SERVICE_BUSY
                 && err->service_status != NGX_HTTP_TOO_MANY_REQUESTS);

    if (!ngx_http_imgp_care_ended(w->zone, service, failed)) {
        return;
    }

    what = failed ? "is out of order, it is tried now and then"
                  : "works again";

    ngx_log_error(NGX_LOG_WARN, log, 0, "service \"%V\" %s",
                  &service->host, what);

    /* they may go to another provider now, or all come at once */

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_FLIGHT, NULL);
}


/* large JSON is work for a processor */

void
ngx_http_imgp_post_take(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t  kind;

    ngx_http_imgp_unit_hangup(unit);

    kind = NGX_HTTP_IMGP_TASK_IO;

    if (ngx_http_imgp_unit_service(unit)->take.kind != IMGP_TAKE_BODY
        && unit->document.len > NGX_HTTP_IMGP_POST_SHORT)
    {
        kind = NGX_HTTP_IMGP_TASK_CPU;
    }

    ngx_http_imgp_unit_work(unit, kind, NULL, ngx_http_imgp_output_store,
                            ngx_http_imgp_post_stored);
}


static void
ngx_http_imgp_post_stored(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    ngx_http_imgp_post_quote(unit);

    ngx_http_imgp_post_drop(unit);

    if (unit->nlinks && unit->error.error.code == IMGP_E_NONE
        && !ngx_http_imgp_unit_over(unit))
    {
        ngx_http_imgp_follow_links(unit);

    } else {
        ngx_http_imgp_unit_finish(unit);
    }

    ngx_http_imgp_run_unref(run);
}


/* the beginning of what could not be used: for the log alone */

void
ngx_http_imgp_post_quote(ngx_http_imgp_unit_t *unit)
{
    u_char  *p, quote[NGX_HTTP_IMGP_POST_QUOTE];
    size_t   n;

    if (unit->error.error.code != IMGP_E_SERVICE_REPLY
        && unit->error.error.code != IMGP_E_SERVICE_REFUSED)
    {
        return;
    }

    n = ngx_min(unit->document.len, NGX_HTTP_IMGP_POST_QUOTE);
    ngx_memcpy(quote, unit->document.data, n);

    for (p = quote; p < quote + n; p++) {
        if (*p < 0x20 || *p > 0x7e) {
            *p = '.';
        }
    }

    ngx_log_error(NGX_LOG_INFO, &unit->run->log, 0,
                  "service \"%V\" answered: %*s",
                  &ngx_http_imgp_unit_service(unit)->host, n, quote);
}


/* what a call needs, and what it gave */

void
ngx_http_imgp_post_drop(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_post_unmap(unit);

    if (unit->call.body) {
        free(unit->call.body);
        unit->call.body = NULL;
    }
}


static void
ngx_http_imgp_post_unmap(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t  i;

    if (unit->maps == NULL) {
        return;
    }

    for (i = 0; i < unit->ninputs; i++) {
        imgp_blob_unmap(&unit->maps[i]);
    }

    unit->maps = NULL;
    unit->request = NULL;
}
