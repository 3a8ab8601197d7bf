
/*
 * POST api/pipelines/NAME/drain, /NAME/resume, /NAME/STAGE/pause and
 * /NAME/STAGE/resume: all workers obey at once, then the list is stored, so
 * that a restart finds it; then it is answered.
 *
 * Event loop, but for the file.
 */


#include "ngx_http_imgp_console.h"
#include "ngx_http_imgp_halt.h"
#include <imgp/imgp_file.h>


typedef struct {
    ngx_str_t                      text;
    imgp_store_t                  *store;
    imgp_store_error_t             error;
    imgp_int_t                     rc;
    char                           path[IMGP_PATH_MAX];
} ngx_http_imgp_console_halt_t;


static ngx_int_t ngx_http_imgp_console_halt_store(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static void ngx_http_imgp_console_halt_work(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_console_halt_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);


#define ngx_http_imgp_console_is(s, word)                                     \
    ((s)->len == sizeof(word) - 1                                             \
     && ngx_strncmp((s)->data, word, sizeof(word) - 1) == 0)


ngx_int_t
ngx_http_imgp_console_halt(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *path)
{
    ngx_int_t                  rc;
    ngx_str_t                  name, part;
    ngx_uint_t                 on;
    imgp_str_t                 stage;
    ngx_http_imgp_pipeline_t  *pipeline;

    ngx_http_imgp_console_part(path, &name);
    ngx_http_imgp_console_part(path, &part);

    pipeline = ngx_http_imgp_console_pipeline(ctx->worker,
                                              ngx_http_imgp_str(&name));
    if (pipeline == NULL) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such pipeline");
    }

    stage = ngx_http_imgp_halt_all;

    if (path->len) {
        stage.data = part.data;
        stage.len = part.len;
        part = *path;
    }

    if (stage.len
        && imgp_plan_find_stage(pipeline->plan, &stage) == IMGP_DECLINED)
    {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such stage");
    }

    on = stage.len ? ngx_http_imgp_console_is(&part, "pause")
                   : ngx_http_imgp_console_is(&part, "drain");

    if (!on && !ngx_http_imgp_console_is(&part, "resume")) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "a pipeline can be sent \"drain\" or "
                                         "\"resume\", a stage \"pause\" or "
                                         "\"resume\"");
    }

    rc = ngx_http_imgp_halt(ctx->worker, &pipeline->plan->name, &stage, on);

    if (rc == NGX_ERROR) {
        return ngx_http_imgp_reply_error(r, IMGP_E_LIMIT,
                                         "so many stages are paused already");
    }

    if (rc == NGX_OK) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "image pipeline console: \"%V\" of pipeline \"%V\"%s%V",
                      &part, &name, stage.len ? ", stage " : "",
                      ngx_http_imgp_nstr(&stage));
    }

    return ngx_http_imgp_console_halt_store(r, ctx);
}


static ngx_int_t
ngx_http_imgp_console_halt_store(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx)
{
    ngx_http_imgp_async_t         *async;
    ngx_http_imgp_console_halt_t  *halt;

    async = ngx_http_imgp_async_create(r, ctx->worker,
                                       sizeof(ngx_http_imgp_console_halt_t));
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    halt = async->data;
    halt->store = &ctx->worker->conf->store;
    ngx_http_imgp_halt_path(halt->store, halt->path);

    async->work = ngx_http_imgp_console_halt_work;
    async->done = ngx_http_imgp_console_halt_done;

    if (ngx_http_imgp_halt_text(ctx->worker->zone, async->pool, &halt->text)
        != NGX_OK
        || ngx_http_imgp_async_run(async) != NGX_DONE)
    {
        ngx_destroy_pool(async->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* in a thread; an empty list has no file */

static void
ngx_http_imgp_console_halt_work(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_console_halt_t  *halt;

    halt = async->data;

    halt->rc = halt->text.len
               ? imgp_file_put(halt->store, halt->path, halt->text.data,
                               halt->text.len, halt->store->sync,
                               &halt->error)
               : imgp_file_remove(halt->path, &halt->error);
}


static ngx_int_t
ngx_http_imgp_console_halt_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    imgp_json_t                    doc;
    ngx_http_imgp_console_halt_t  *halt;

    halt = async->data;

    if (halt->rc == IMGP_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, async->worker->log, halt->error.syserr,
                      "%s() failed, a restart will not know what is paused",
                      halt->error.call);
    }

    if (r == NULL) {
        return NGX_OK;
    }

    doc.json = json_object();

    imgp_json_set_bool(&doc, "stored", halt->rc != IMGP_ERROR);

    return ngx_http_imgp_console_send(r, &doc);
}
