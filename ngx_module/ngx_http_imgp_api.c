
/*
 * What a request asks for: the path below the location, the method, and the
 * wishes in its header or arguments.
 *
 *     POST   /            upload             GET  /            description
 *     GET    /ID          status, long-poll  DELETE /ID        cancel
 *     POST   /ID/retry    again              GET  /ID/STAGE[/N]  a result
 *     GET    /ID/events   the job's events; also /ID, and / for all of an
 *                         owner, with Accept: text/event-stream
 */


#include "ngx_http_imgp_events.h"


static ngx_http_imgp_ctx_t *ngx_http_imgp_api_ctx(ngx_http_request_t *r);
static ngx_int_t ngx_http_imgp_api_owner(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_api_root(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_api_job(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_api_below(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *rest);
static ngx_int_t ngx_http_imgp_api_poll(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_api_unchanged(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_api_wishes(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_api_prefer(ngx_str_t *value);
static ngx_int_t ngx_http_imgp_api_method(ngx_http_request_t *r,
    const char *allow);
static ngx_int_t ngx_http_imgp_api_discard(ngx_http_request_t *r);


ngx_int_t
ngx_http_imgp_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_str_t             rest;
    ngx_http_imgp_ctx_t  *ctx;

    ctx = ngx_http_imgp_api_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* nginx's filter would answer any 200 with 304 or 412 */

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        r->disable_not_modified = 1;
    }

    rc = ngx_http_imgp_api_owner(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_imgp_api_wishes(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (r->error_page && r->err_status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        return ngx_http_imgp_reply_error(r, IMGP_E_TOO_LARGE,
                           "the body is larger than client_max_body_size");
    }

    rest.data = r->uri.data + ctx->prefix.len;
    rest.len = r->uri.len - ctx->prefix.len;

    if (rest.len == 0) {
        return ngx_http_imgp_api_root(r, ctx);
    }

    rc = ngx_http_imgp_api_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (rest.len < IMGP_ID_LEN
        || imgp_id_parse(rest.data, IMGP_ID_LEN, ctx->id) != IMGP_OK
        || (rest.len > IMGP_ID_LEN && rest.data[IMGP_ID_LEN] != '/'))
    {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such job");
    }

    ctx->job.data = rest.data;
    ctx->job.len = IMGP_ID_LEN;

    if (rest.len == IMGP_ID_LEN) {
        return ngx_http_imgp_api_job(r, ctx);
    }

    rest.data += IMGP_ID_LEN + 1;
    rest.len -= IMGP_ID_LEN + 1;

    return ngx_http_imgp_api_below(r, ctx, &rest);
}


static ngx_http_imgp_ctx_t *
ngx_http_imgp_api_ctx(ngx_http_request_t *r)
{
    ngx_http_imgp_ctx_t        *ctx;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_imgp_main_conf_t  *imcf;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_imgp_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    imcf = ngx_http_get_module_main_conf(r, ngx_http_image_pipeline_module);

    if (imcf->worker == NULL) {
        return NULL;
    }

    ctx->request = r;
    ctx->worker = imcf->worker;
    ctx->conf = ngx_http_get_module_loc_conf(r,
                                             ngx_http_image_pipeline_module);
    ctx->prefix = clcf->name;
    ctx->position = -1;

    ngx_http_set_ctx(r, ctx, ngx_http_image_pipeline_module);

    return ctx;
}


static ngx_int_t
ngx_http_imgp_api_owner(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    u_char     digest[IMGP_DIGEST_LEN];
    ngx_str_t  value;

    if (ctx->conf->owner == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, ctx->conf->owner, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (value.len == 0) {
        return NGX_OK;
    }

    imgp_digest(value.data, value.len, digest);
    ngx_memcpy(ctx->owner, digest, IMGP_OWNER_LEN);

    return NGX_OK;
}


/* a value that is none of the words is as none at all */

ngx_uint_t
ngx_http_imgp_api_priority(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t  priority;
    ngx_str_t  value;

    if (ctx->conf->priority == NULL
        || ngx_http_complex_value(r, ctx->conf->priority, &value) != NGX_OK)
    {
        return IMGP_PRIORITY_NORMAL;
    }

    priority = imgp_priority(ngx_http_imgp_str(&value));

    return priority == IMGP_DECLINED ? IMGP_PRIORITY_NORMAL : priority;
}


static ngx_int_t
ngx_http_imgp_api_root(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (r->method == NGX_HTTP_POST) {
        return ngx_http_imgp_upload(r, ctx);
    }

    rc = ngx_http_imgp_api_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_imgp_api_method(r, "GET, HEAD, POST");
    }

    return ctx->stream ? ngx_http_imgp_events_all(r, ctx)
                       : ngx_http_imgp_reply_plan(r, ctx);
}


static ngx_int_t
ngx_http_imgp_api_job(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (r->method == NGX_HTTP_DELETE) {
        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_job_cancel);
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_imgp_api_method(r, "GET, HEAD, DELETE");
    }

    return ngx_http_imgp_job_get(r, ctx, ctx->stream
                                         ? ngx_http_imgp_events
                                         : ngx_http_imgp_api_status);
}


static ngx_int_t
ngx_http_imgp_api_below(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *rest)
{
    u_char     *p;
    ngx_int_t   n;

    if (rest->len == 5 && ngx_strncmp(rest->data, "retry", 5) == 0) {

        if (r->method != NGX_HTTP_POST) {
            return ngx_http_imgp_api_method(r, "POST");
        }

        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_job_retry);
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_imgp_api_method(r, "GET, HEAD");
    }

    if (rest->len == 6 && ngx_strncmp(rest->data, "events", 6) == 0) {
        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_events);
    }

    ctx->stage = *rest;

    p = ngx_strlchr(rest->data, rest->data + rest->len, '/');

    if (p) {
        n = ngx_atoi(p + 1, rest->data + rest->len - p - 1);

        if (n == NGX_ERROR) {
            return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                             "there is no such output");
        }

        ctx->stage.len = p - rest->data;
        ctx->item = n;
    }

    return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_result);
}


ngx_int_t
ngx_http_imgp_api_status(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_imgp_reply_gone(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* of another zone's job the disk has only the first revision */

    if ((ctx->since_arg || ctx->since_etag)
        && (ctx->view->revision == ctx->since
            || (ctx->away && ctx->view->revision < ctx->since)))
    {
        return ctx->wait && !ctx->expired
               ? ngx_http_imgp_watch(r, ctx, ngx_http_imgp_api_poll)
               : ngx_http_imgp_api_unchanged(r, ctx);
    }

    return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_OK);
}


/* held until the document differs */

static ngx_int_t
ngx_http_imgp_api_poll(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_uint_t  revision;

    rc = ngx_http_imgp_table_revision(ctx->worker->zone, ctx->id, &revision);

    if (rc != NGX_OK && ctx->away && !ctx->expired) {
        return NGX_HTTP_IMGP_NOT_YET;
    }

    if (rc == NGX_OK && revision == ctx->since) {
        return ctx->expired ? ngx_http_imgp_api_unchanged(r, ctx)
                            : NGX_HTTP_IMGP_NOT_YET;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_imgp_reply_again(r, ctx, revision);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    /* from the disk, if it was dropped from the zone: then it is final */

    ctx->expired = 1;

    return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_api_status);
}


static ngx_int_t
ngx_http_imgp_api_unchanged(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ctx->since_arg) {
        return ngx_http_imgp_reply_empty(r, NGX_HTTP_NO_CONTENT);
    }

    if (ngx_http_imgp_reply_etag(r, "\"%ui\"", ctx->since) != NGX_OK
        || (ctx->prefer
            && ngx_http_imgp_reply_header(r, "Preference-Applied", "wait=%M",
                                          ctx->wait / 1000)
               != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_empty(r, NGX_HTTP_NOT_MODIFIED);
}


/* RFC 7240 for those who can set a header, arguments for those who cannot;
   NGX_DECLINED: nothing is answered yet */

static ngx_int_t
ngx_http_imgp_api_wishes(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t   n;
    ngx_str_t  *h, value;

    n = NGX_DECLINED;

    h = ngx_http_imgp_api_header(r, "prefer");
    if (h) {
        n = ngx_http_imgp_api_prefer(h);
        ctx->prefer = n >= 0;
    }

    if (n < 0 && ngx_http_arg(r, (u_char *) "wait", 4, &value) == NGX_OK) {
        n = ngx_atoi(value.data, value.len);

        if (n == NGX_ERROR) {
            return ngx_http_imgp_reply_error(r, IMGP_E_BAD_REQUEST,
                           "the argument \"wait\" must be a number of seconds");
        }
    }

    if (n > 0) {
        ctx->wait = n < (ngx_int_t) (ctx->conf->wait / 1000)
                    ? (ngx_msec_t) n * 1000 : ctx->conf->wait;
    }

    if (ngx_http_arg(r, (u_char *) "since", 5, &value) == NGX_OK) {
        n = ngx_atoi(value.data, value.len);

        if (n == NGX_ERROR) {
            return ngx_http_imgp_reply_error(r, IMGP_E_BAD_REQUEST,
                           "the argument \"since\" must be a revision");
        }

        ctx->since = n;
        ctx->since_arg = 1;

    } else if (r->headers_in.if_none_match) {
        value = r->headers_in.if_none_match->value;

        if (value.len > 2 && value.data[0] == '"'
            && value.data[value.len - 1] == '"')
        {
            n = ngx_atoi(value.data + 1, value.len - 2);

            if (n != NGX_ERROR) {
                ctx->since = n;
                ctx->since_etag = 1;
            }
        }
    }

    h = ngx_http_imgp_api_header(r, "accept");
    ctx->image = h && h->len >= 6 && ngx_strncmp(h->data, "image/", 6) == 0;
    ctx->stream = h && ngx_strlcasestrn(h->data, h->data + h->len,
                                        (u_char *) "text/event-stream",
                                        sizeof("text/event-stream") - 2)
                       != NULL;

    return NGX_DECLINED;
}


/* "respond-async, wait=10": seconds, or NGX_DECLINED */

static ngx_int_t
ngx_http_imgp_api_prefer(ngx_str_t *value)
{
    u_char     *p, *q, *last;
    ngx_int_t   n;

    p = value->data;
    last = p + value->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == ',' || *p == '\t')) {
            p++;
        }

        for (q = p; q < last && *q != ',' && *q != ' ' && *q != ';'; q++) {
            /* void */
        }

        if (q - p > 5 && ngx_strncasecmp(p, (u_char *) "wait=", 5) == 0) {
            n = ngx_atoi(p + 5, q - p - 5);
            return n == NGX_ERROR ? NGX_DECLINED : n;
        }

        while (q < last && *q != ',') {
            q++;
        }

        p = q;
    }

    return NGX_DECLINED;
}


/* the first field of that name; "name" is in lower case */

ngx_str_t *
ngx_http_imgp_api_header(ngx_http_request_t *r, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == len
            && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
        {
            return &h[i].value;
        }
    }
}


static ngx_int_t
ngx_http_imgp_api_method(ngx_http_request_t *r, const char *allow)
{
    if (ngx_http_imgp_reply_header(r, "Allow", "%s", allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_error(r, IMGP_E_METHOD,
                                     "the method is not allowed here");
}


static ngx_int_t
ngx_http_imgp_api_discard(ngx_http_request_t *r)
{
    return ngx_http_discard_request_body(r);
}
