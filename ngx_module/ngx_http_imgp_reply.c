
/*
 * Answers: job documents, problem documents (RFC 9457), descriptions, and
 * the header fields that go with them.
 */


#include "ngx_http_imgp.h"


#define NGX_HTTP_IMGP_RETRY_AFTER  2     /* seconds */
#define NGX_HTTP_IMGP_REPLY_FRESH  100   /* ms: "eta_ms" is still right */


/* the document that one who was held got last: others may wait for the same */

typedef struct {
    u_char                         id[IMGP_ID_BYTES];
    ngx_uint_t                     revision;
    ngx_uint_t                     state;
    ngx_str_t                      prefix;     /* of a location: lives long */
    imgp_msec_t                    made;
    char                          *text;       /* malloc'ed; NULL: none */
    size_t                         len;
} ngx_http_imgp_told_text_t;


static void ngx_http_imgp_reply_log(ngx_http_request_t *r,
    const imgp_error_t *err, const char *stage);
static void ngx_http_imgp_reply_keep(ngx_http_imgp_ctx_t *ctx,
    const char *text, size_t len);
static ngx_int_t ngx_http_imgp_reply_job_headers(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t status, ngx_uint_t revision,
    ngx_uint_t state);


ngx_int_t
ngx_http_imgp_reply_job(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_uint_t status)
{
    char            *text;
    size_t           len;
    imgp_doc_ctx_t   doc;
    imgp_expect_t    expect[IMGP_STAGES_MAX];

    ngx_http_imgp_reply_doc(ctx, &doc, expect);

    if (ngx_http_imgp_reply_job_headers(r, ctx, status, ctx->view->revision,
                                        ctx->view->state)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text = imgp_doc_job(ctx->view, &doc, &len);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->watching && status == NGX_HTTP_OK && ctx->position == -1) {
        ngx_http_imgp_reply_keep(ctx, text, len);
    }

    return ngx_http_imgp_reply_text(r, status, "application/json", text, len);
}


static void
ngx_http_imgp_reply_keep(ngx_http_imgp_ctx_t *ctx, const char *text,
    size_t len)
{
    ngx_http_imgp_told_text_t  *told;

    told = ctx->worker->told;

    if (told == NULL) {
        told = ngx_pcalloc(ctx->worker->cycle->pool,
                           sizeof(ngx_http_imgp_told_text_t));
        if (told == NULL) {
            return;
        }

        ctx->worker->told = told;
    }

    free(told->text);

    told->text = malloc(len);
    if (told->text == NULL) {
        return;
    }

    ngx_memcpy(told->text, text, len);
    ngx_memcpy(told->id, ctx->id, IMGP_ID_BYTES);
    told->len = len;
    told->revision = ctx->view->revision;
    told->state = ctx->view->state;
    told->prefix = ctx->prefix;
    told->made = ngx_http_imgp_now();
}


/* to one who is held and may see the job: what another one was told just now;
   NGX_DECLINED: there is nothing */

ngx_int_t
ngx_http_imgp_reply_again(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_uint_t revision)
{
    char                       *text;
    ngx_http_imgp_told_text_t  *told;

    told = ctx->worker->told;

    if (told == NULL || told->text == NULL || told->revision != revision
        || ngx_memcmp(told->id, ctx->id, IMGP_ID_BYTES) != 0
        || told->prefix.data != ctx->prefix.data
        || told->prefix.len != ctx->prefix.len
        || ngx_http_imgp_now() - told->made >= NGX_HTTP_IMGP_REPLY_FRESH)
    {
        return NGX_DECLINED;
    }

    text = malloc(told->len);

    if (text == NULL
        || ngx_http_imgp_reply_job_headers(r, ctx, NGX_HTTP_OK, revision,
                                           told->state)
           != NGX_OK)
    {
        free(text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(text, told->text, told->len);

    return ngx_http_imgp_reply_text(r, NGX_HTTP_OK, "application/json", text,
                                    told->len);
}


/* what a document tells besides the job; "expect" has all stages */

void
ngx_http_imgp_reply_doc(ngx_http_imgp_ctx_t *ctx, imgp_doc_ctx_t *doc,
    imgp_expect_t *expect)
{
    ngx_http_imgp_pipeline_t  *pipeline;

    pipeline = ctx->conf->pipeline;

    ngx_http_imgp_expected(ctx->worker->zone, pipeline, ctx->view, expect);

    doc->prefix.len = ctx->prefix.len;
    doc->prefix.data = ctx->prefix.data;
    doc->plan = pipeline->plan;
    doc->expect = expect;
    doc->position = ctx->position;
    doc->pace_us = ngx_http_imgp_expect_pace(ctx->worker->zone,
                                             pipeline->index);
    doc->now = ngx_http_imgp_now();
}


/* NGX_DECLINED: the job is there, nothing is answered yet */

ngx_int_t
ngx_http_imgp_reply_gone(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ctx->view == NULL) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such job");
    }

    if (imgp_job_is_final(ctx->view->state)
        && ctx->view->expires_at < ngx_http_imgp_now())
    {
        return ngx_http_imgp_reply_error(r, IMGP_E_EXPIRED,
                                         "the job is no longer kept");
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_imgp_reply_job_headers(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t status, ngx_uint_t revision,
    ngx_uint_t state)
{
    char  id[IMGP_ID_LEN + 1];

    ngx_str_set(&ctx->status, "");
    ctx->status.data = (u_char *) imgp_job_state_name(state);
    ctx->status.len = ngx_strlen(ctx->status.data);

    if (ctx->created) {
        imgp_id_text(ctx->view->id, id);
    }

    if (ngx_http_imgp_reply_etag(r, "\"%ui\"", revision) != NGX_OK
        || ngx_http_imgp_reply_header(r, "Cache-Control", "no-cache")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* 200 holds the document itself, but clients look in one place */

    if (ctx->created
        && (ngx_http_imgp_reply_header(r, "Location", "%V%s", &ctx->prefix,
                                       id)
            != NGX_OK
            || (status == NGX_HTTP_OK
                && ngx_http_imgp_reply_header(r, "Content-Location", "%V%s",
                                              &ctx->prefix, id)
                   != NGX_OK)))
    {
        return NGX_ERROR;
    }

    if (status == NGX_HTTP_ACCEPTED
        && ngx_http_imgp_reply_header(r, "Retry-After", "%d",
                                      NGX_HTTP_IMGP_RETRY_AFTER)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->prefer
        && ngx_http_imgp_reply_header(r, "Preference-Applied", "wait=%M",
                                      ctx->wait / 1000)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_reply_plan(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    char            *text;
    size_t           len;
    imgp_doc_ctx_t   doc;

    ngx_memzero(&doc, sizeof(imgp_doc_ctx_t));
    doc.prefix.len = ctx->prefix.len;
    doc.prefix.data = ctx->prefix.data;
    doc.plan = ctx->conf->pipeline->plan;
    doc.position = -1;
    doc.now = ngx_http_imgp_now();

    text = imgp_doc_plan(ctx->conf->pipeline->plan, &doc, &len);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_text(r, NGX_HTTP_OK, "application/json", text,
                                    len);
}


ngx_int_t
ngx_http_imgp_reply_error(ngx_http_request_t *r, imgp_error_e code,
    const char *detail)
{
    imgp_error_t  err;

    ngx_memzero(&err, sizeof(imgp_error_t));
    imgp_error_set(&err, code, "%s", detail);

    return ngx_http_imgp_reply_problem(r, &err, NULL);
}


ngx_int_t
ngx_http_imgp_reply_problem(ngx_http_request_t *r, const imgp_error_t *err,
    const char *stage)
{
    char        *text;
    size_t       len;
    ngx_int_t    rc;
    ngx_uint_t   status;

    /* who waits for "100 Continue" need not send the body, and may send
       something else in its place: not on this connection */

    if (r->headers_in.expect && !r->expect_tested) {
        r->expect_tested = 1;
        r->keepalive = 0;
    }

    /* a body that was refused unread is no request of its own */

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_imgp_reply_log(r, err, stage);

    status = imgp_error_status(err->code);

    if ((status == NGX_HTTP_SERVICE_UNAVAILABLE || status == 429)
        && ngx_http_imgp_reply_header(r, "Retry-After", "%d",
                                      NGX_HTTP_IMGP_RETRY_AFTER)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text = imgp_doc_problem(err, stage, &len);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_text(r, status, "application/problem+json",
                                    text, len);
}


static void
ngx_http_imgp_reply_log(ngx_http_request_t *r, const imgp_error_t *err,
    const char *stage)
{
    ngx_uint_t  level;

    switch (imgp_error_class(err->code)) {

    case IMGP_CLASS_CLIENT:
        level = NGX_LOG_INFO;
        break;

    case IMGP_CLASS_INTERNAL:
        level = NGX_LOG_CRIT;
        break;

    default:
        level = NGX_LOG_ERR;
    }

    ngx_log_error(level, r->connection->log, 0, "image pipeline: %s",
                  err->detail);
}


/* "text" is from malloc() and freed here */

ngx_int_t
ngx_http_imgp_reply_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, char *text, size_t len)
{
    ngx_buf_t  *b;

    b = ngx_create_temp_buf(r->pool, len + 1);

    if (b) {
        b->last = ngx_cpymem(b->last, text, len);
        *b->last++ = LF;
    }

    free(text);

    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = len + 1;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    return ngx_http_imgp_reply_body(r, b);
}


/* the answer is given, also to a slow client (NGX_AGAIN of a filter): what it
   has not taken yet is sent by nginx itself */

ngx_int_t
ngx_http_imgp_reply_body(ngx_http_request_t *r, ngx_buf_t *b)
{
    ngx_int_t    rc;
    ngx_chain_t  out;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    if (r->header_only) {
        return NGX_OK;
    }

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


ngx_int_t
ngx_http_imgp_reply_empty(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_int_t  rc;

    r->headers_out.status = status;
    r->header_only = 1;
    ngx_http_clear_content_length(r);

    rc = ngx_http_send_header(r);

    return rc == NGX_ERROR || rc > NGX_OK ? rc : NGX_OK;
}


ngx_int_t
ngx_http_imgp_reply_header(ngx_http_request_t *r, const char *name,
    const char *fmt, ...)
{
    u_char            value[2048], *last;
    va_list           args;
    ngx_table_elt_t  *h;

    va_start(args, fmt);
    last = ngx_vslprintf(value, value + sizeof(value), fmt, args);
    va_end(args);

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.len = last - value;
    h->value.data = ngx_pnalloc(r->pool, h->value.len);

    if (h->value.data == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }

    ngx_memcpy(h->value.data, value, h->value.len);

    return NGX_OK;
}


/* known to nginx as the entity tag, so If-None-Match works by itself */

ngx_int_t
ngx_http_imgp_reply_etag(ngx_http_request_t *r, const char *fmt, ...)
{
    u_char            value[128], *last;
    va_list           args;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    va_start(args, fmt);
    last = ngx_vslprintf(value, value + sizeof(value), fmt, args);
    va_end(args);

    if (ngx_http_imgp_reply_header(r, "ETag", "%*s", last - value, value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    part = r->headers_out.headers.last;
    h = part->elts;

    r->headers_out.etag = &h[part->nelts - 1];

    return NGX_OK;
}
