
/*
 * A local stage: one task of the thread pool looks for the known result,
 * else maps the inputs, runs the operation and stores what came out.
 */


#include "ngx_http_imgp_run.h"
#include <imgp/imgp_chain.h>


#if (IMGP_CHAIN_MAX > IMGP_OP_LINKS_MAX)
#error a chain of stages is longer than one of operations may be
#endif


#define NGX_HTTP_IMGP_LOCAL_MEMORY  ((size_t) 1 << 30)   /* of one run */


static void ngx_http_imgp_local_started(void *data);
static void ngx_http_imgp_local_work(void *data, ngx_log_t *log);
static imgp_int_t ngx_http_imgp_local_run(ngx_http_imgp_unit_t *unit,
    imgp_str_t *maps);
static imgp_int_t ngx_http_imgp_local_store(ngx_http_imgp_unit_t *unit,
    imgp_op_task_t *task);
static void ngx_http_imgp_local_done(void *data);


void
ngx_http_imgp_local_start(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_CPU,
                            ngx_http_imgp_local_started,
                            ngx_http_imgp_local_work,
                            ngx_http_imgp_local_done);
}


/* a thread is free for it */

static void
ngx_http_imgp_local_started(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    unit->attempts++;
    unit->changed(unit);
}


/* in a thread */

static void
ngx_http_imgp_local_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t  *unit = data;

    imgp_int_t           rc;
    ngx_uint_t           i;
    imgp_str_t          *maps;
    imgp_store_t        *store;

    if (ngx_http_imgp_unit_known(unit) != IMGP_DECLINED) {
        return;
    }

    store = &unit->run->worker->conf->store;

    maps = imgp_pcalloc(unit->arena, unit->ninputs * sizeof(imgp_str_t));
    if (maps == NULL) {
        imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
        return;
    }

    for (rc = IMGP_OK, i = 0; i < unit->ninputs && rc == IMGP_OK; i++) {
        rc = imgp_blob_map(store, &unit->inputs[i], unit->run->own, &maps[i],
                           &unit->error);
    }

    if (rc == IMGP_OK) {
        (void) ngx_http_imgp_local_run(unit, maps);

    } else if (rc == IMGP_DECLINED) {
        imgp_error_set(&unit->error.error, IMGP_E_CONTENT_LOST,
                       "an input of the stage is gone from the store");
    }

    for (i = 0; i < unit->ninputs; i++) {
        imgp_blob_unmap(&maps[i]);
    }
}


static imgp_int_t
ngx_http_imgp_local_run(ngx_http_imgp_unit_t *unit, imgp_str_t *maps)
{
    uint8_t           chain[IMGP_CHAIN_MAX];
    imgp_int_t        rc;
    ngx_uint_t        i, n;
    imgp_plan_t      *plan;
    imgp_op_link_t    links[IMGP_CHAIN_MAX];
    imgp_op_task_t   *task;
    imgp_op_input_t  *inputs;

    plan = unit->run->pipeline->plan;

    task = imgp_pcalloc(unit->arena, sizeof(imgp_op_task_t));
    inputs = imgp_pcalloc(unit->arena,
                          unit->ninputs * sizeof(imgp_op_input_t));

    if (task == NULL || inputs == NULL) {
        return imgp_error_set(&unit->error.error, IMGP_E_INTERNAL,
                              "out of memory");
    }

    for (i = 0; i < unit->ninputs; i++) {
        inputs[i].data = maps[i];
        inputs[i].type = unit->inputs[i].type;
        inputs[i].width = unit->inputs[i].width;
        inputs[i].height = unit->inputs[i].height;
    }

    task->alloc = &imgp_malloc;
    task->max_pixels = plan->max_pixels;
    task->max_memory = NGX_HTTP_IMGP_LOCAL_MEMORY;
    task->inputs = inputs;
    task->ninputs = unit->ninputs;
    task->counts = unit->counts;
    task->nfrom = plan->stages[unit->stage].nfrom;
    task->colors = unit->run->worker->colors;
    task->cancel = &unit->cancel;
    task->progress = &unit->progress;

    n = imgp_chain_links(plan, unit->stage, chain);

    ngx_memzero(links, n * sizeof(imgp_op_link_t));

    for (i = 0; i < n; i++) {
        links[i].op = plan->stages[chain[i]].op;
    }

    if (imgp_op_chain_run(links, n, task) != IMGP_OK) {
        unit->error.error = task->error;
        return IMGP_ERROR;
    }

    rc = ngx_http_imgp_local_store(unit, task);

    imgp_op_free(task);

    return rc;
}


static imgp_int_t
ngx_http_imgp_local_store(ngx_http_imgp_unit_t *unit, imgp_op_task_t *task)
{
    uint64_t           added;
    ngx_uint_t         i;
    imgp_item_t       *item;
    imgp_store_t      *store;
    imgp_op_output_t  *out;

    store = &unit->run->worker->conf->store;

    unit->items = imgp_pcalloc(unit->arena,
                               task->noutputs * sizeof(imgp_item_t) + 1);
    if (unit->items == NULL) {
        return imgp_error_set(&unit->error.error, IMGP_E_INTERNAL,
                              "out of memory");
    }

    for (i = 0; i < task->noutputs; i++) {
        out = &task->outputs[i];
        item = &unit->items[i];

        item->bytes = out->len;
        item->width = out->width;
        item->height = out->height;
        ngx_cpystrn((u_char *) item->type, (u_char *) out->type,
                    IMGP_TYPE_LEN);

        if (imgp_blob_put(store, out->data, out->len, item->digest, &added,
                          &unit->error)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        unit->added += added;
        unit->old |= (added == 0);
    }

    unit->nitems = task->noutputs;

    return imgp_result_put(store, unit->key, unit->now, unit->items,
                           unit->nitems, &unit->error);
}


static void
ngx_http_imgp_local_done(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    ngx_http_imgp_unit_finish(unit);
    ngx_http_imgp_run_unref(run);
}
