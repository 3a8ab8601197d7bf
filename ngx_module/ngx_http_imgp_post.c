
/*
 * A stage that a model service works at: a thread looks for the known result
 * and maps the inputs, the call goes out as soon as the service has a place,
 * its answer is looked at like an upload and stored by a thread.
 */


#include "ngx_http_imgp_run.h"


static void ngx_http_imgp_post_prepare(void *data, ngx_log_t *log);
static void ngx_http_imgp_post_prepared(void *data);
static void ngx_http_imgp_post_call(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_post_called(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_post_store(void *data, ngx_log_t *log);
static imgp_int_t ngx_http_imgp_post_sniff(ngx_http_imgp_unit_t *unit,
    imgp_item_t *item);
static void ngx_http_imgp_post_stored(void *data);
static void ngx_http_imgp_post_unmap(ngx_http_imgp_unit_t *unit);


void
ngx_http_imgp_post_start(ngx_http_imgp_unit_t *unit)
{
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
        rc = imgp_blob_map(store, &unit->inputs[i], &unit->maps[i],
                           &unit->error);

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
    if (ngx_http_imgp_flight_call(unit->run->worker->zone, unit->flight,
                                  unit->key,
                                  ngx_http_imgp_unit_stage(unit)->concurrency)
        != NGX_OK)
    {
        ngx_http_imgp_unit_wait(unit, NGX_HTTP_IMGP_UNIT_PLACE);
        return;
    }

    unit->attempts++;
    unit->state = NGX_HTTP_IMGP_UNIT_CALL;
    unit->changed(unit);

    ngx_http_imgp_post_call(unit);
}


static void
ngx_http_imgp_post_call(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t             i;
    imgp_stage_t          *stage;
    ngx_http_imgp_run_t   *run;
    ngx_http_imgp_call_t  *call;

    run = unit->run;
    stage = ngx_http_imgp_unit_stage(unit);
    call = &unit->call;

    ngx_memzero(call, sizeof(ngx_http_imgp_call_t));

    call->done = ngx_http_imgp_post_called;
    call->data = unit;

    call->types = imgp_pcalloc(unit->arena,
                               (unit->ninputs + 1) * sizeof(char *));
    if (call->types == NULL) {
        imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_post_called(call);
        return;
    }

    for (i = 0; i < unit->ninputs; i++) {
        call->types[i] = unit->inputs[i].type;
    }

    call->pool = run->pool;
    call->log = &run->log;
    call->conf = run->worker->conf;
    call->service = run->pipeline->services[unit->stage];
    call->params = run->job->params;
    call->inputs = unit->maps;
    call->ninputs = unit->ninputs;
    call->request = unit->request;
    call->timeout = stage->timeout;
    call->max_reply = NGX_HTTP_IMGP_REPLY_MAX;

    ngx_memcpy(call->key, unit->key, IMGP_DIGEST_LEN);

    /* the job is the trace, the run of the stage the span (W3C) */

    ngx_sprintf((u_char *) call->trace, "00-%*xs-%*xs-01%Z",
                (size_t) 16, run->job->id, (size_t) 8, unit->key);

    if (ngx_http_imgp_service_start(call) != NGX_OK) {
        ngx_http_imgp_post_called(call);
    }
}


static void
ngx_http_imgp_post_called(ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_unit_t  *unit;

    unit = call->data;

    ngx_http_imgp_post_unmap(unit);

    ngx_http_imgp_flight_hangup(unit->run->worker->zone, unit->flight,
                                unit->key);
    ngx_http_imgp_wake(unit->run->worker, NGX_HTTP_IMGP_WAKE_FLIGHT, NULL);

    if (call->error.code) {
        unit->error.error = call->error;
        ngx_http_imgp_unit_finish(unit);
        return;
    }

    ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_IO, NULL,
                            ngx_http_imgp_post_store,
                            ngx_http_imgp_post_stored);
}


/* in a thread */

static void
ngx_http_imgp_post_store(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t  *unit = data;

    imgp_item_t   *item;
    imgp_store_t  *store;

    store = &unit->run->worker->conf->store;

    item = imgp_pcalloc(unit->arena, sizeof(imgp_item_t));
    if (item == NULL) {
        imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
        return;
    }

    item->bytes = unit->call.body_len;

    if (ngx_http_imgp_post_sniff(unit, item) != IMGP_OK) {
        unit->error.error.service_status = unit->call.status;
        return;
    }

    if (imgp_blob_put(store, unit->call.body, unit->call.body_len,
                      item->digest, &unit->added, &unit->error)
        != IMGP_OK)
    {
        return;
    }

    unit->items = item;
    unit->nitems = 1;

    (void) imgp_result_put(store, unit->key, unit->now, unit->items,
                           unit->nitems, &unit->error);
}


/* the bytes decide; what calls itself an image and is none is unusable */

static imgp_int_t
ngx_http_imgp_post_sniff(ngx_http_imgp_unit_t *unit, imgp_item_t *item)
{
    imgp_int_t    rc;
    imgp_plan_t  *plan;
    imgp_sniff_t  sniff;

    plan = unit->run->pipeline->plan;

    imgp_sniff_init(&sniff);

    rc = imgp_sniff_feed(&sniff, unit->call.body, unit->call.body_len);

    if (rc == IMGP_AGAIN) {
        rc = imgp_sniff_end(&sniff);
    }

    if (rc == IMGP_ERROR) {
        return imgp_error_set(&unit->error.error, IMGP_E_SERVICE_REPLY,
                              "the service's answer is no whole image: %s",
                              sniff.error.detail);
    }

    if (rc == IMGP_DECLINED) {
        imgp_media_declared(ngx_http_imgp_str(&unit->call.type), item->type);

        if (ngx_strncmp(item->type, "image/", 6) == 0) {
            return imgp_error_set(&unit->error.error, IMGP_E_SERVICE_REPLY,
                                  "the service's answer calls itself %s "
                                  "but is not", item->type);
        }

        return IMGP_OK;
    }

    if ((uint64_t) sniff.width * sniff.height > plan->max_pixels) {
        return imgp_error_set(&unit->error.error, IMGP_E_PIXELS,
                              "the service's answer has %ux%u pixels",
                              sniff.width, sniff.height);
    }

    item->width = sniff.width;
    item->height = sniff.height;
    ngx_cpystrn((u_char *) item->type, (u_char *) sniff.type, IMGP_TYPE_LEN);

    return IMGP_OK;
}


static void
ngx_http_imgp_post_stored(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    ngx_http_imgp_post_drop(unit);

    ngx_http_imgp_unit_finish(unit);
    ngx_http_imgp_run_unref(run);
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
}
