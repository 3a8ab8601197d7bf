
/*
 * "image_pipeline_console": one page for operators, and the JSON it is made
 * of, below one location.
 *
 *     GET   /                     the page, /app.js and others, /app.css
 *     GET   /api/state            pipelines, stages, services, store
 *     GET   /api/jobs             a list: status, pipeline, owner, before
 *     GET   /api/jobs/ID          all of a job; .../input, .../STAGE/N: bytes
 *     POST  /api/jobs/ID/retry    or /cancel
 *     POST  /api/pipelines/NAME/drain, /NAME/STAGE/pause; or /resume
 *
 * The page asks for the state once a second while it is looked at.  That
 * document is counters of the zone, so it costs less than a wake-up of a
 * watcher for each change of each job, and needs no connection to be kept.
 *
 * A browser that is logged in here must not be made to POST by another site:
 * such a request has the type of a form, another origin, or says so
 * (W3C Fetch Metadata); whatever changes something is refused then.
 *
 * Event loop.  What is sent lies in the request's pool, or is constant.
 */


#include "ngx_http_imgp_console.h"
#include <ngx_http_imgp_console_page.h>


typedef struct {
    const char                    *path;       /* ends in "/": all below it */
    ngx_uint_t                     method;
    ngx_int_t                    (*handler)(ngx_http_request_t *r,
                                            ngx_http_imgp_ctx_t *ctx,
                                            ngx_str_t *path);
} ngx_http_imgp_console_route_t;


typedef struct {
    const char                    *name;
    const char                    *type;
    const u_char                  *data;
    size_t                         len;
} ngx_http_imgp_console_file_t;


static ngx_http_imgp_ctx_t *ngx_http_imgp_console_ctx(ngx_http_request_t *r);
static ngx_int_t ngx_http_imgp_console_route(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *path);
static ngx_int_t ngx_http_imgp_console_headers(ngx_http_request_t *r);
static ngx_int_t ngx_http_imgp_console_file(ngx_http_request_t *r,
    ngx_str_t *path);
static ngx_int_t ngx_http_imgp_console_send_file(ngx_http_request_t *r,
    const ngx_http_imgp_console_file_t *file);
static ngx_uint_t ngx_http_imgp_console_forged(ngx_http_request_t *r);
static ngx_uint_t ngx_http_imgp_console_foreign(ngx_http_request_t *r,
    ngx_str_t *origin);


/* of more than one with the same path the method decides */

static const ngx_http_imgp_console_route_t  ngx_http_imgp_console_routes[] = {
    { "api/state", NGX_HTTP_GET, ngx_http_imgp_console_state },
    { "api/jobs", NGX_HTTP_GET, ngx_http_imgp_console_list },
    { "api/jobs/", NGX_HTTP_GET, ngx_http_imgp_console_job },
    { "api/jobs/", NGX_HTTP_POST, ngx_http_imgp_console_change },
    { "api/pipelines/", NGX_HTTP_POST, ngx_http_imgp_console_halt },
    { NULL, 0, NULL }
};


#define NGX_HTTP_IMGP_CONSOLE_JS  "text/javascript; charset=utf-8"

#define ngx_http_imgp_console_entry(name, type, data)                         \
    { name, type, ngx_http_imgp_console_##data,                               \
      sizeof(ngx_http_imgp_console_##data) - 1 }

static const ngx_http_imgp_console_file_t  ngx_http_imgp_console_files[] = {
    ngx_http_imgp_console_entry("", "text/html; charset=utf-8", index_html),
    ngx_http_imgp_console_entry("app.css", "text/css; charset=utf-8",
                                app_css),
    ngx_http_imgp_console_entry("app.js", NGX_HTTP_IMGP_CONSOLE_JS, app_js),
    ngx_http_imgp_console_entry("dom.js", NGX_HTTP_IMGP_CONSOLE_JS, dom_js),
    ngx_http_imgp_console_entry("graph.js", NGX_HTTP_IMGP_CONSOLE_JS,
                                graph_js),
    ngx_http_imgp_console_entry("job.js", NGX_HTTP_IMGP_CONSOLE_JS, job_js),
    ngx_http_imgp_console_entry("words.js", NGX_HTTP_IMGP_CONSOLE_JS,
                                words_js),
    { NULL, NULL, NULL, 0 }
};


ngx_int_t
ngx_http_imgp_console_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_str_t             path;
    ngx_http_imgp_ctx_t  *ctx;

    ctx = ngx_http_imgp_console_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    path.data = r->uri.data + ctx->prefix.len;
    path.len = r->uri.len - ctx->prefix.len;

    if (path.len < 4 || ngx_strncmp(path.data, "api/", 4) != 0) {
        return ngx_http_imgp_console_file(r, &path);
    }

    return ngx_http_imgp_console_route(r, ctx, &path);
}


/* of an operator: jobs are those of all owners and pipelines */

static ngx_http_imgp_ctx_t *
ngx_http_imgp_console_ctx(ngx_http_request_t *r)
{
    ngx_http_imgp_ctx_t        *ctx;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_imgp_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_image_pipeline_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_imgp_ctx_t));

    if (ctx == NULL || imcf->worker == NULL) {
        return NULL;
    }

    ctx->conf = ngx_pcalloc(r->pool, sizeof(ngx_http_imgp_loc_conf_t));
    if (ctx->conf == NULL) {
        return NULL;
    }

    ctx->request = r;
    ctx->worker = imcf->worker;
    ctx->prefix = clcf->name;
    ctx->position = -1;
    ctx->operator = 1;

    ngx_http_set_ctx(r, ctx, ngx_http_image_pipeline_module);

    return ctx;
}


static ngx_int_t
ngx_http_imgp_console_route(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *path)
{
    size_t                                len;
    ngx_uint_t                            known, method;
    const ngx_http_imgp_console_route_t  *route;

    known = 0;
    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (route = ngx_http_imgp_console_routes; route->path; route++) {
        len = ngx_strlen(route->path);

        if (path->len < len
            || ngx_strncmp(path->data, route->path, len) != 0
            || (path->len > len && route->path[len - 1] != '/'))
        {
            continue;
        }

        known = 1;

        if (route->method == method) {
            break;
        }
    }

    if (route->path == NULL) {
        return known ? ngx_http_imgp_reply_error(r, IMGP_E_METHOD,
                                       "the method is not allowed here")
                     : ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                       "the console has no such document");
    }

    if (method == NGX_HTTP_POST) {

        /* nginx's filter would answer any 200 with 304 or 412 */

        r->disable_not_modified = 1;

        if (ngx_http_imgp_console_forged(r)) {
            return NGX_HTTP_FORBIDDEN;
        }
    }

    path->data += len;
    path->len -= len;

    return route->handler(r, ctx, path);
}


void
ngx_http_imgp_console_part(ngx_str_t *path, ngx_str_t *part)
{
    u_char  *p;

    part->data = path->data;
    p = ngx_strlchr(path->data, path->data + path->len, '/');

    if (p == NULL) {
        part->len = path->len;
        path->data += path->len;
        path->len = 0;
        return;
    }

    part->len = p - path->data;
    path->len -= part->len + 1;
    path->data = p + 1;
}


ngx_http_imgp_pipeline_t *
ngx_http_imgp_console_pipeline(ngx_http_imgp_worker_t *w,
    const imgp_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_imgp_pipeline_t  **pipelines;

    pipelines = w->conf->pipelines.elts;

    for (i = 0; i < w->conf->pipelines.nelts; i++) {
        if (imgp_str_eq(&pipelines[i]->plan->name, name)) {
            return pipelines[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_imgp_console_send(ngx_http_request_t *r, imgp_json_t *doc)
{
    char    *text;
    size_t   len;

    text = imgp_json_dump(doc, &len);

    if (text == NULL || ngx_http_imgp_console_headers(r) != NGX_OK) {
        free(text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_text(r, NGX_HTTP_OK, "application/json", text,
                                    len);
}


static ngx_int_t
ngx_http_imgp_console_headers(ngx_http_request_t *r)
{
    if (ngx_http_imgp_reply_header(r, "Cache-Control", "no-store") != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_imgp_reply_header(r, "X-Content-Type-Options", "nosniff");
}


static ngx_int_t
ngx_http_imgp_console_file(ngx_http_request_t *r, ngx_str_t *path)
{
    const ngx_http_imgp_console_file_t  *file;

    for (file = ngx_http_imgp_console_files; file->name; file++) {

        if (path->len == ngx_strlen(file->name)
            && ngx_strncmp(path->data, file->name, path->len) == 0)
        {
            break;
        }
    }

    if (file->name == NULL) {
        return NGX_HTTP_NOT_FOUND;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    return ngx_http_imgp_console_send_file(r, file);
}


/* nothing of it comes from elsewhere, and nothing else may run in it */

static ngx_int_t
ngx_http_imgp_console_send_file(ngx_http_request_t *r,
    const ngx_http_imgp_console_file_t *file)
{
    ngx_buf_t  *b;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = (u_char *) file->data;
    b->last = b->pos + file->len;
    b->memory = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = file->len;
    r->headers_out.content_type.data = (u_char *) file->type;
    r->headers_out.content_type.len = ngx_strlen(file->type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    if (ngx_http_imgp_reply_etag(r, "\"%08xD\"",
                                 ngx_crc32_long(b->pos, file->len))
        != NGX_OK
        || ngx_http_imgp_reply_header(r, "Cache-Control", "no-cache")
           != NGX_OK
        || ngx_http_imgp_reply_header(r, "X-Content-Type-Options", "nosniff")
           != NGX_OK
        || ngx_http_imgp_reply_header(r, "Referrer-Policy", "no-referrer")
           != NGX_OK
        || ngx_http_imgp_reply_header(r, "Content-Security-Policy",
                                      "default-src 'none'; script-src 'self'; "
                                      "style-src 'self'; img-src 'self'; "
                                      "connect-src 'self'; base-uri 'none'; "
                                      "form-action 'none'; "
                                      "frame-ancestors 'none'")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_body(r, b);
}


static ngx_uint_t
ngx_http_imgp_console_forged(ngx_http_request_t *r)
{
    ngx_str_t  *site, *origin, *type;

    type = ngx_http_imgp_api_header(r, "content-type");
    site = ngx_http_imgp_api_header(r, "sec-fetch-site");
    origin = ngx_http_imgp_api_header(r, "origin");

    if (type == NULL || type->len < 16
        || ngx_strncasecmp(type->data, (u_char *) "application/json", 16) != 0
        || (type->len > 16 && type->data[16] != ';'))
    {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "image pipeline console: a POST must have the header "
                      "\"Content-Type: application/json\"");
        return 1;
    }

    if ((site && !(site->len == 11
                   && ngx_strncmp(site->data, "same-origin", 11) == 0))
        || (origin && ngx_http_imgp_console_foreign(r, origin)))
    {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "image pipeline console: a page of another origin "
                      "wanted to change something");
        return 1;
    }

    return 0;
}


/* "https://host:port" of a page against the host it is asked by */

static ngx_uint_t
ngx_http_imgp_console_foreign(ngx_http_request_t *r, ngx_str_t *origin)
{
    u_char     *p;
    ngx_str_t  *host;

    host = ngx_http_imgp_api_header(r, "host");
    p = ngx_strlchr(origin->data, origin->data + origin->len, '/');

    if (host == NULL || p == NULL || p + 2 > origin->data + origin->len) {
        return 1;
    }

    p += 2;

    return (size_t) (origin->data + origin->len - p) != host->len
           || ngx_strncasecmp(p, host->data, host->len) != 0;
}
