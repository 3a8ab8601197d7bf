
/*
 * An output's bytes, straight from the store by nginx's own file sending:
 * ranges, conditions and sendfile() work as for any static file.
 */


#include "ngx_http_imgp.h"


static ngx_int_t ngx_http_imgp_result_find(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t *stage);
static ngx_int_t ngx_http_imgp_result_later(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_result_poll(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_result_open(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, imgp_item_t *item, ngx_str_t *path,
    ngx_open_file_info_t *of);
static ngx_int_t ngx_http_imgp_result_headers(ngx_http_request_t *r,
    imgp_item_t *item);


ngx_int_t
ngx_http_imgp_result(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t          rc;
    ngx_uint_t         i;
    imgp_job_stage_t  *stage;

    i = 0;

    rc = ngx_http_imgp_result_find(r, ctx, &i);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    stage = &ctx->view->stages[i];

    switch (stage->state) {

    case IMGP_ST_SUCCEEDED:
        if (ctx->item >= stage->nitems) {
            return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                     "the stage has no output of that number");
        }

        return ngx_http_imgp_result_send(r, ctx, &stage->items[ctx->item]);

    case IMGP_ST_SKIPPED:
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "the stage was skipped");

    case IMGP_ST_FAILED:
    case IMGP_ST_CANCELED:
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "the stage has no output");

    default:
        return ngx_http_imgp_result_later(r, ctx);
    }
}


/* NGX_DECLINED: found, nothing is answered yet */

static ngx_int_t
ngx_http_imgp_result_find(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_uint_t *stage)
{
    ngx_int_t    rc;
    ngx_uint_t   i;
    imgp_job_t  *job;

    rc = ngx_http_imgp_reply_gone(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    job = ctx->view;

    for (i = 0; i < job->nstages; i++) {
        if (job->stage_output[i]
            && job->stage_names[i].len == ctx->stage.len
            && ngx_strncmp(job->stage_names[i].data, ctx->stage.data,
                           ctx->stage.len)
               == 0)
        {
            *stage = i;
            return NGX_DECLINED;
        }
    }

    return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                     "the job has no such output");
}


/* not made yet: 202 with the job, or a while later whatever it is then */

static ngx_int_t
ngx_http_imgp_result_later(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ctx->watching) {
        if (!ctx->expired) {
            return NGX_HTTP_IMGP_NOT_YET;
        }

    } else if (ctx->wait && !ctx->expired) {
        return ngx_http_imgp_watch(r, ctx, ngx_http_imgp_result_poll);
    }

    return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
}


static ngx_int_t
ngx_http_imgp_result_poll(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ngx_http_imgp_job_look(r, ctx) == NGX_DECLINED) {

        if (ctx->away && !ctx->expired) {
            return NGX_HTTP_IMGP_NOT_YET;
        }

        ctx->expired = 1;
        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_result);
    }

    return ngx_http_imgp_result(r, ctx);
}


ngx_int_t
ngx_http_imgp_result_last(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    char          id[IMGP_ID_LEN + 1];
    ngx_uint_t    i;
    imgp_item_t  *item;
    imgp_job_t   *job;

    job = ctx->view;
    item = NULL;

    for (i = 0; i < job->nstages; i++) {
        if (job->stage_output[i] && job->stages[i].nitems
            && job->stages[i].state == IMGP_ST_SUCCEEDED)
        {
            item = &job->stages[i].items[0];
        }
    }

    if (job->state != IMGP_JOB_SUCCEEDED || item == NULL) {
        return NGX_DECLINED;
    }

    /* the picture does not name the job it comes from */

    imgp_id_text(job->id, id);

    if (ngx_http_imgp_reply_header(r, "Location", "%V%s", &ctx->prefix, id)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_result_send(r, ctx, item);
}


ngx_int_t
ngx_http_imgp_result_send(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    imgp_item_t *item)
{
    ngx_int_t              rc;
    ngx_buf_t             *b;
    ngx_str_t              path;
    ngx_open_file_info_t   of;

    rc = ngx_http_imgp_result_open(r, ctx, item, &path, &of);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = of.size;
    r->headers_out.last_modified_time = of.mtime;
    r->allow_ranges = 1;

    if (ngx_http_imgp_result_headers(r, item) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));
    if (b->file == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->file_pos = 0;
    b->file_last = of.size;
    b->in_file = b->file_last ? 1 : 0;

    b->file->fd = of.fd;
    b->file->name = path;
    b->file->log = r->connection->log;
    b->file->directio = of.is_directio;

    return ngx_http_imgp_reply_body(r, b);
}


/* NGX_DECLINED: it is open, nothing is answered yet */

static ngx_int_t
ngx_http_imgp_result_open(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    imgp_item_t *item, ngx_str_t *path, ngx_open_file_info_t *of)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    path->data = ngx_pnalloc(r->pool, IMGP_PATH_MAX);
    if (path->data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    imgp_blob_path(&ctx->worker->conf->store, item->digest,
                   (char *) path->data);
    path->len = ngx_strlen(path->data);

    ngx_memzero(of, sizeof(ngx_open_file_info_t));

    of->read_ahead = clcf->read_ahead;
    of->directio = clcf->directio;
    of->valid = clcf->open_file_cache_valid;
    of->min_uses = clcf->open_file_cache_min_uses;
    of->errors = clcf->open_file_cache_errors;
    of->events = clcf->open_file_cache_events;

    if (ngx_open_cached_file(clcf->open_file_cache, path, of, r->pool)
        == NGX_OK
        && of->is_file && (uint64_t) of->size == item->bytes)
    {
        return NGX_DECLINED;
    }

    if (of->err == NGX_ENOENT || of->err == 0) {

        if (ctx->worker->redis && !ctx->fetched) {
            return ngx_http_imgp_share_output(r, ctx, item);
        }

        return ngx_http_imgp_reply_error(r, IMGP_E_EXPIRED,
                                         "the output is no longer stored");
    }

    ngx_log_error(NGX_LOG_CRIT, r->connection->log, of->err,
                  "%s \"%V\" failed", of->failed, path);

    return ngx_http_imgp_reply_error(r, IMGP_E_STORE_AWAY,
                                     "the store cannot be read");
}


/* the bytes come from strangers or models: never to be run as a page */

static ngx_int_t
ngx_http_imgp_result_headers(ngx_http_request_t *r, imgp_item_t *item)
{
    char        hex[IMGP_DIGEST_HEX_LEN + 1];
    ngx_str_t  *type;

    type = &r->headers_out.content_type;
    type->len = ngx_strlen(item->type);
    type->data = ngx_pnalloc(r->pool, type->len);

    if (type->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(type->data, item->type, type->len);
    r->headers_out.content_type_len = type->len;

    imgp_digest_hex(item->digest, hex);

    if (ngx_http_imgp_reply_etag(r, "\"%s\"", hex) != NGX_OK
        || ngx_http_imgp_reply_header(r, "Cache-Control",
                                      "private, immutable, max-age=31536000")
           != NGX_OK
        || ngx_http_imgp_reply_header(r, "X-Content-Type-Options", "nosniff")
           != NGX_OK
        || ngx_http_imgp_reply_header(r, "Content-Security-Policy",
                                      "default-src 'none'; sandbox")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
