
/*
 * Server-sent events: a request that is held by ngx_http_imgp_watch.c and
 * writes what is new of its job, or of all jobs of its owner, until the end.
 *
 * What a client has not taken yet is at most one text; until the socket has
 * room again nothing is added, and then comes the difference between what the
 * client saw last and what is now.  Those who watch one job share its texts,
 * so ten thousand of them cost one document.
 *
 * Event loop.  A stream lies in its request's pool; texts are counted.
 */


#include "ngx_http_imgp_events.h"


#define NGX_HTTP_IMGP_EVENTS_FRESH  100     /* ms: "eta_ms" is still right */


static void ngx_http_imgp_events_cleanup(void *data);
static ngx_int_t ngx_http_imgp_events_headers(ngx_http_request_t *r);
static ngx_int_t ngx_http_imgp_events_next(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_events_one(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t beat);
static ngx_int_t ngx_http_imgp_events_look(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t beat);
static ngx_http_imgp_events_text_t *ngx_http_imgp_events_shared(
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t revision);


ngx_int_t
ngx_http_imgp_events(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    uint64_t                 last;
    ngx_int_t                rc;
    ngx_http_imgp_events_t  *es;

    rc = ngx_http_imgp_reply_gone(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    last = ngx_http_imgp_events_last_id(r, ctx);

    /* a client comes back after each end; it stops when it gets this */

    if (imgp_job_is_final(ctx->view->state) && last == ctx->view->revision) {
        return ngx_http_imgp_reply_empty(r, NGX_HTTP_NO_CONTENT);
    }

    es = ngx_http_imgp_events_create(r, ctx);
    if (es == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    es->position = ctx->position;

    if (last == ctx->view->revision) {
        imgp_doc_seen(&es->job, ctx->view);
    }

    return ngx_http_imgp_events_open(r, ctx);
}


ngx_int_t
ngx_http_imgp_events_open(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_core_loc_conf_t  *clcf;

    rc = ngx_http_imgp_events_headers(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc == NGX_AGAIN ? NGX_OK : rc;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->http_version < NGX_HTTP_VERSION_20 && clcf->tcp_nodelay
        && ngx_tcp_nodelay(r->connection) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->wait = NGX_HTTP_IMGP_EVENTS_BEAT;
    ctx->writer = ngx_http_imgp_events_writer;

    return ngx_http_imgp_watch(r, ctx, ngx_http_imgp_events_next);
}


ngx_http_imgp_events_t *
ngx_http_imgp_events_create(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_imgp_events_t  *es;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_imgp_events_t));
    if (cln == NULL) {
        return NULL;
    }

    es = cln->data;
    ngx_memzero(es, sizeof(ngx_http_imgp_events_t));
    cln->handler = ngx_http_imgp_events_cleanup;
    ctx->events = es;

    return es;
}


static void
ngx_http_imgp_events_cleanup(void *data)
{
    ngx_http_imgp_events_t  *es = data;

    ngx_http_imgp_events_unref(es->text);

    free(es->jobs);
}


uint64_t
ngx_http_imgp_events_last_id(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    off_t       n;
    ngx_str_t  *h;

    h = ngx_http_imgp_api_header(r, "last-event-id");

    if (h) {
        n = ngx_atoof(h->data, h->len);
        return n == NGX_ERROR ? 0 : n;
    }

    return ctx->since_arg ? ctx->since : 0;
}


static ngx_int_t
ngx_http_imgp_events_headers(ngx_http_request_t *r)
{
    r->headers_out.status = NGX_HTTP_OK;
    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    ngx_http_clear_content_length(r);

#if (NGX_HTTP_GZIP)
    /* a quarter of a megabyte for each client */
    r->gzip_tested = 1;
    r->gzip_ok = 0;
#endif

    if (ngx_http_imgp_reply_header(r, "Cache-Control", "no-cache") != NGX_OK
        || ngx_http_imgp_reply_header(r, "X-Accel-Buffering", "no") != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_send_header(r);
}


/* of a request that is held: something changed, or it is time for a beat */

static ngx_int_t
ngx_http_imgp_events_next(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_uint_t               beat;
    ngx_http_imgp_events_t  *es;

    es = ctx->events;
    beat = ctx->expired;
    ctx->expired = 0;

    if (ctx->worker->exiting) {
        return ngx_http_imgp_events_close(r, ctx);
    }

    if (es->text) {
        ctx->missed = 1;
        return NGX_HTTP_IMGP_NOT_YET;
    }

    return ctx->all ? ngx_http_imgp_events_some(r, ctx, beat)
                    : ngx_http_imgp_events_one(r, ctx, beat);
}


static ngx_int_t
ngx_http_imgp_events_one(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_uint_t beat)
{
    ngx_uint_t                    revision;
    ngx_http_imgp_events_t       *es;
    ngx_http_imgp_events_text_t  *text;

    es = ctx->events;
    ctx->missed = 0;

    /* at first the job was just read, perhaps from the disk */

    if (es->begun) {

        if (ngx_http_imgp_table_revision(ctx->worker->zone, ctx->id,
                                         &revision)
            != NGX_OK)
        {
            /* whoever asks anew gets what the disk, or Redis, has */
            return ctx->away && !beat ? NGX_HTTP_IMGP_NOT_YET
                                      : ngx_http_imgp_events_close(r, ctx);
        }

        ctx->away = 0;

        if (revision == es->job.revision) {
            return !beat ? NGX_HTTP_IMGP_NOT_YET
                   : es->job.queued ? ngx_http_imgp_events_look(r, ctx, beat)
                   : ngx_http_imgp_events_beat(r, ctx);
        }

        text = ngx_http_imgp_events_shared(ctx, revision);

        if (text) {
            es->job = text->seen;
            text->refs++;
            return ngx_http_imgp_events_send(r, ctx, text, es->job.final);
        }
    }

    return ngx_http_imgp_events_look(r, ctx, beat);
}


/* its place in the queue changes without a revision */

static ngx_int_t
ngx_http_imgp_events_look(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_uint_t beat)
{
    ngx_http_imgp_events_t       *es;
    ngx_http_imgp_events_text_t  *text;

    es = ctx->events;

    if (es->begun
        && (ngx_http_imgp_job_look(r, ctx) != NGX_OK || ctx->view == NULL))
    {
        return ngx_http_imgp_events_close(r, ctx);
    }

    if (beat && es->job.revision == ctx->view->revision
        && es->position == ctx->position)
    {
        return ngx_http_imgp_events_beat(r, ctx);
    }

    text = ngx_http_imgp_events_text(es);
    if (text == NULL) {
        return NGX_ERROR;
    }

    text->from = es->job.revision;
    text->prefix = ctx->prefix;

    /* who resumes where nothing has changed since goes on from there */

    if ((es->begun || es->job.revision == 0)
        && ngx_http_imgp_events_add(ctx, text, &es->job, NULL) != NGX_OK)
    {
        ngx_http_imgp_events_unref(text);
        return NGX_ERROR;
    }

    text->seen = es->job;
    es->position = ctx->position;

    if (es->begun) {
        ngx_http_imgp_events_unref(ctx->worker->events);
        ctx->worker->events = text;
        text->refs++;
    }

    es->begun = 1;

    return ngx_http_imgp_events_send(r, ctx, text, es->job.final);
}


static ngx_http_imgp_events_text_t *
ngx_http_imgp_events_shared(ngx_http_imgp_ctx_t *ctx, ngx_uint_t revision)
{
    imgp_doc_seen_t              *seen;
    ngx_http_imgp_events_t       *es;
    ngx_http_imgp_events_text_t  *text;

    es = ctx->events;
    text = ctx->worker->events;

    if (text == NULL || text->seen.revision != revision
        || text->from != es->job.revision
        || text->prefix.data != ctx->prefix.data
        || text->prefix.len != ctx->prefix.len
        || ngx_memcmp(text->seen.id, ctx->id, IMGP_ID_BYTES) != 0)
    {
        return NULL;
    }

    seen = &text->seen;

    return !seen->queued
           && ngx_http_imgp_now() - text->made < NGX_HTTP_IMGP_EVENTS_FRESH
           ? text : NULL;
}
