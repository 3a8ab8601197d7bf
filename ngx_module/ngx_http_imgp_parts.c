
/*
 * "put s3://" of what is too large for one request: an upload in parts.
 *
 *     POST ?uploads -> [digest (thread) -> PUT ?partNumber=N&uploadId=]...
 *                   -> POST ?uploadId -> post.c
 *
 * One part after the other, each a call with the stage's timeout, at the one
 * place that the unit has.  A part that fails ends the attempt, as any call
 * does; what is stored so far is kept in the run's pool, so the next attempt
 * goes on there, and each part has all of "retry" for itself.  An upload that
 * is not brought to its end is taken back (revoke.c): S3 lets pay for parts.
 *
 * Called by post.c, event loop, but for the digest; what a request needs lies
 * in the unit's arena.
 */


#include "ngx_http_imgp_run.h"
#include <imgp/imgp_s3.h>


#define NGX_HTTP_IMGP_PARTS_REPLY   65536      /* bytes of an answer */
#define NGX_HTTP_IMGP_PARTS_QUERY   sizeof("?partNumber=&uploadId=")          \
                                    + NGX_INT64_LEN


struct ngx_http_imgp_parts_s {
    ngx_str_t                      url;        /* of the object */
    u_char                        *id;         /* escaped, NUL-terminated;
                                                  NULL: there is no upload */
    imgp_str_t                    *etags;
    size_t                         size;       /* of a part */
    ngx_uint_t                     n;          /* parts stored */
    ngx_uint_t                     total;
    unsigned                       anew:1;     /* it has begun a second time */

    /* of an attempt */
    ngx_http_imgp_service_t       *object;
    ngx_http_imgp_service_t       *service;    /* of a request */
    imgp_str_t                     body;
    const char                    *type;
    u_char                         digest[IMGP_DIGEST_LEN];
};


static ngx_http_imgp_parts_t *ngx_http_imgp_parts_create(
    ngx_http_imgp_unit_t *unit, ngx_http_imgp_service_t *object);
static void ngx_http_imgp_parts_next(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_parts_digest(void *data, ngx_log_t *log);
static void ngx_http_imgp_parts_send(void *data);
static void ngx_http_imgp_parts_begin(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_parts_begun(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_parts_stored(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_parts_complete(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_parts_completed(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_parts_ask(ngx_http_imgp_unit_t *unit,
    const char *method, ngx_str_t *query,
    void (*done)(ngx_http_imgp_call_t *call));
static ngx_http_imgp_service_t *ngx_http_imgp_parts_service(
    ngx_http_imgp_service_t *object, ngx_str_t *url, ngx_str_t *query,
    const char *method, imgp_pool_t *pool);
static ngx_int_t ngx_http_imgp_parts_headers(ngx_http_imgp_service_t *service,
    imgp_pool_t *pool);
static ngx_uint_t ngx_http_imgp_parts_header(ngx_str_t *name);
static ngx_uint_t ngx_http_imgp_parts_heard(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_parts_fail(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_parts_no_memory(ngx_http_imgp_unit_t *unit);


/* headers of a call that are not the object's own: for every request */

static ngx_str_t  ngx_http_imgp_parts_common[] = {
    ngx_string("x-amz-expected-bucket-owner"),
    ngx_string("x-amz-request-payer"),
    ngx_string("x-amz-security-token"),
    ngx_string("x-amz-server-side-encryption-customer-")
};


/* the unit has a place, and its input is mapped */

void
ngx_http_imgp_parts(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_service_t *object)
{
    if (unit->parts == NULL) {
        unit->parts = ngx_http_imgp_parts_create(unit, object);

        if (unit->parts == NULL) {
            ngx_http_imgp_parts_no_memory(unit);
            return;
        }
    }

    unit->parts->object = object;

    ngx_http_imgp_parts_next(unit);
}


static ngx_http_imgp_parts_t *
ngx_http_imgp_parts_create(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_service_t *object)
{
    ngx_pool_t             *pool;
    ngx_http_imgp_parts_t  *parts;

    pool = unit->run->pool;

    parts = ngx_pcalloc(pool, sizeof(ngx_http_imgp_parts_t));
    if (parts == NULL) {
        return NULL;
    }

    parts->size = imgp_s3_part_size(unit->maps[0].len);
    parts->total = (unit->maps[0].len + parts->size - 1) / parts->size;
    parts->etags = ngx_pcalloc(pool, parts->total * sizeof(imgp_str_t));

    parts->url.len = object->url.len;
    parts->url.data = ngx_pstrdup(pool, &object->url);

    return parts->etags && parts->url.data ? parts : NULL;
}


static void
ngx_http_imgp_parts_next(ngx_http_imgp_unit_t *unit)
{
    size_t                  pos;
    ngx_http_imgp_parts_t  *parts;

    parts = unit->parts;

    if (parts->id == NULL) {
        ngx_http_imgp_parts_begin(unit);
        return;
    }

    if (parts->n == parts->total) {
        ngx_http_imgp_parts_complete(unit);
        return;
    }

    pos = parts->n * parts->size;

    parts->type = "application/octet-stream";
    parts->body.data = unit->maps[0].data + pos;
    parts->body.len = ngx_min(parts->size, unit->maps[0].len - pos);

    ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_IO, NULL,
                            ngx_http_imgp_parts_digest,
                            ngx_http_imgp_parts_send);
}


/* in a thread; the loop then finds the part in memory */

static void
ngx_http_imgp_parts_digest(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t  *unit = data;

    ngx_http_imgp_parts_t  *parts;

    parts = unit->parts;

    imgp_digest(parts->body.data, parts->body.len, parts->digest);
}


static void
ngx_http_imgp_parts_send(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    u_char                 *p;
    ngx_str_t               query;
    ngx_http_imgp_run_t    *run;
    ngx_http_imgp_parts_t  *parts;

    run = unit->run;
    parts = unit->parts;

    if (ngx_http_imgp_unit_over(unit)) {
        ngx_http_imgp_parts_fail(unit);
        ngx_http_imgp_run_unref(run);
        return;
    }

    query.data = imgp_palloc(unit->arena, NGX_HTTP_IMGP_PARTS_QUERY
                                          + ngx_strlen(parts->id));
    if (query.data == NULL) {
        ngx_http_imgp_parts_no_memory(unit);

    } else {
        p = ngx_sprintf(query.data, "?partNumber=%ui&uploadId=%s",
                        parts->n + 1, parts->id);
        query.len = p - query.data;

        ngx_http_imgp_parts_ask(unit, NULL, &query,
                                ngx_http_imgp_parts_stored);
    }

    ngx_http_imgp_run_unref(run);
}


/* with the type and the headers of the object */

static void
ngx_http_imgp_parts_begin(ngx_http_imgp_unit_t *unit)
{
    ngx_str_t               query;
    ngx_http_imgp_parts_t  *parts;

    parts = unit->parts;

    ngx_str_set(&query, "?uploads=");

    parts->type = unit->inputs[0].type;
    parts->body.data = (u_char *) "";
    parts->body.len = 0;

    imgp_digest(parts->body.data, 0, parts->digest);

    ngx_http_imgp_parts_ask(unit, "POST", &query, ngx_http_imgp_parts_begun);
}


static void
ngx_http_imgp_parts_begun(ngx_http_imgp_call_t *call)
{
    char                    id[IMGP_S3_TEXT_MAX + 1];
    imgp_str_t              xml;
    ngx_http_imgp_unit_t   *unit;
    ngx_http_imgp_parts_t  *parts;

    unit = call->data;
    parts = unit->parts;

    xml.data = call->body;
    xml.len = call->body_len;

    if (call->error.code == 0
        && (imgp_s3_text(&xml, "InitiateMultipartUploadResult", "UploadId",
                         id)
            != IMGP_OK
            || id[0] == '\0'))
    {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_REPLY,
                              "answer has no UploadId");
    }

    if (!ngx_http_imgp_parts_heard(unit)) {
        return;
    }

    parts->id = ngx_pnalloc(unit->run->pool, 3 * ngx_strlen(id) + 1);

    if (parts->id == NULL) {
        ngx_http_imgp_parts_no_memory(unit);
        return;
    }

    (void) imgp_s3_escape(parts->id, (u_char *) id, ngx_strlen(id));

    ngx_http_imgp_parts_next(unit);
}


static void
ngx_http_imgp_parts_stored(ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_unit_t   *unit;
    ngx_http_imgp_parts_t  *parts;

    unit = call->data;
    parts = unit->parts;

    if (call->error.code == 0
        && (call->etag.len == 0 || call->etag.len > IMGP_S3_ETAG_MAX))
    {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_REPLY,
                              "answer has no usable ETag");
    }

    if (!ngx_http_imgp_parts_heard(unit)) {
        return;
    }

    ngx_http_imgp_conf_copy(&parts->etags[parts->n], &call->etag);
    parts->n++;

    unit->progress = parts->n * 1000 / parts->total;
    unit->spent = unit->attempts - 1;

    ngx_http_imgp_parts_next(unit);
}


static void
ngx_http_imgp_parts_complete(ngx_http_imgp_unit_t *unit)
{
    char                   *text;
    u_char                 *p;
    imgp_str_t              xml;
    ngx_str_t               query;
    ngx_http_imgp_parts_t  *parts;

    parts = unit->parts;

    text = imgp_s3_complete(parts->etags, parts->n, &xml.len);
    if (text == NULL) {
        ngx_http_imgp_parts_no_memory(unit);
        return;
    }

    xml.data = (u_char *) text;

    parts->type = "application/xml";
    parts->body.len = xml.len;
    parts->body.data = imgp_pstrdup(unit->arena, &xml);

    imgp_digest(xml.data, xml.len, parts->digest);
    free(text);

    query.data = imgp_palloc(unit->arena, NGX_HTTP_IMGP_PARTS_QUERY
                                          + ngx_strlen(parts->id));

    if (parts->body.data == NULL || query.data == NULL) {
        ngx_http_imgp_parts_no_memory(unit);
        return;
    }

    p = ngx_sprintf(query.data, "?uploadId=%s", parts->id);
    query.len = p - query.data;

    ngx_http_imgp_parts_ask(unit, "POST", &query,
                            ngx_http_imgp_parts_completed);
}


static void
ngx_http_imgp_parts_completed(ngx_http_imgp_call_t *call)
{
    imgp_str_t             xml;
    ngx_http_imgp_unit_t  *unit;

    unit = call->data;

    if (call->error.code == 0) {
        xml.data = call->body;
        xml.len = call->body_len;

        (void) imgp_s3_completed(&xml, &call->error);
    }

    if (!ngx_http_imgp_parts_heard(unit)) {
        return;
    }

    /* there is no upload any more, but an object */

    unit->parts = NULL;

    ngx_http_imgp_post_put(unit);
}


static void
ngx_http_imgp_parts_ask(ngx_http_imgp_unit_t *unit, const char *method,
    ngx_str_t *query, void (*done)(ngx_http_imgp_call_t *call))
{
    ngx_http_imgp_call_t   *call;
    ngx_http_imgp_parts_t  *parts;

    parts = unit->parts;
    call = &unit->call;

    parts->service = ngx_http_imgp_parts_service(parts->object, &parts->url,
                                                 query, method, unit->arena);
    if (parts->service == NULL) {
        ngx_http_imgp_parts_no_memory(unit);
        return;
    }

    /* what is the object's is told at the beginning alone */

    if (parts->id
        && ngx_http_imgp_parts_headers(parts->service, unit->arena) != NGX_OK)
    {
        ngx_http_imgp_parts_no_memory(unit);
        return;
    }

    unit->state = NGX_HTTP_IMGP_UNIT_CALL;

    ngx_http_imgp_post_fill_call(unit, parts->service,
                                 ngx_http_imgp_unit_stage(unit)->timeout,
                                 done);

    call->inputs = &parts->body;
    call->types = &parts->type;
    call->ninputs = 1;
    call->digest = parts->digest;
    call->max_reply = NGX_HTTP_IMGP_PARTS_REPLY;

    /* each request is another one */

    imgp_digest(parts->service->url.data, parts->service->url.len, call->key);

    if (ngx_http_imgp_service_start(call) != NGX_OK) {
        done(call);
    }
}


static ngx_http_imgp_service_t *
ngx_http_imgp_parts_service(ngx_http_imgp_service_t *object, ngx_str_t *url,
    ngx_str_t *query, const char *method, imgp_pool_t *pool)
{
    u_char                   *p;
    ngx_http_imgp_service_t  *service;

    service = imgp_palloc(pool, sizeof(ngx_http_imgp_service_t));
    p = imgp_palloc(pool, url->len + query->len + 1);

    if (service == NULL || p == NULL) {
        return NULL;
    }

    *service = *object;
    service->origin = object->origin ? object->origin : object;
    service->method = method;
    service->url.data = p;
    service->url.len = url->len + query->len;

    p = ngx_cpymem(p, url->data, url->len);
    p = ngx_cpymem(p, query->data, query->len);
    *p = '\0';

    return service;
}


static ngx_int_t
ngx_http_imgp_parts_headers(ngx_http_imgp_service_t *service,
    imgp_pool_t *pool)
{
    ngx_uint_t              i, n;
    ngx_http_imgp_field_t  *field, *common;

    n = service->headers.nelts;
    field = service->headers.elts;

    common = imgp_palloc(pool, (n + 1) * sizeof(ngx_http_imgp_field_t));
    if (common == NULL) {
        return NGX_ERROR;
    }

    service->headers.elts = common;
    service->headers.nelts = 0;

    for (i = 0; i < n; i++) {
        if (ngx_http_imgp_parts_header(&field[i].name)) {
            common[service->headers.nelts++] = field[i];
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_imgp_parts_header(ngx_str_t *name)
{
    ngx_str_t   *common;
    ngx_uint_t   i;

    for (i = 0; i < imgp_nelts(ngx_http_imgp_parts_common); i++) {
        common = &ngx_http_imgp_parts_common[i];

        if (name->len >= common->len
            && ngx_strncasecmp(name->data, common->data, common->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * 0: the attempt is over.  An upload that the store does not know (any more)
 * is begun once again, by another attempt.
 */

static ngx_uint_t
ngx_http_imgp_parts_heard(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_call_t   *call;
    ngx_http_imgp_parts_t  *parts;

    call = &unit->call;
    parts = unit->parts;

    ngx_http_imgp_post_answered(unit->run->worker,
                                ngx_http_imgp_unit_service(unit), call,
                                &unit->run->log);

    free(call->body);
    call->body = NULL;

    if (call->error.code == 0) {
        return 1;
    }

    if (call->status == NGX_HTTP_NOT_FOUND && parts->id && !parts->anew) {
        parts->anew = 1;
        parts->id = NULL;
        parts->n = 0;
        call->error.code = IMGP_E_SERVICE_BUSY;
    }

    unit->error.error = call->error;
    unit->error.error.service_status = call->status;

    ngx_http_imgp_parts_fail(unit);

    return 0;
}


static void
ngx_http_imgp_parts_no_memory(ngx_http_imgp_unit_t *unit)
{
    imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
    ngx_http_imgp_parts_fail(unit);
}


static void
ngx_http_imgp_parts_fail(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_post_drop(unit);
    ngx_http_imgp_unit_finish(unit);
}


/* an upload that was begun, and will not be ended, is to be forgotten */

ngx_uint_t
ngx_http_imgp_parts_left(ngx_http_imgp_unit_t *unit)
{
    return unit->parts && unit->parts->id;
}


ngx_http_imgp_service_t *
ngx_http_imgp_parts_abort(ngx_http_imgp_unit_t *unit, imgp_pool_t *pool)
{
    u_char                   *p;
    ngx_str_t                 query;
    ngx_http_imgp_parts_t    *parts;
    ngx_http_imgp_service_t  *service;

    parts = unit->parts;

    query.data = imgp_palloc(pool, NGX_HTTP_IMGP_PARTS_QUERY
                                   + ngx_strlen(parts->id));
    if (query.data == NULL) {
        return NULL;
    }

    p = ngx_sprintf(query.data, "?uploadId=%s", parts->id);
    query.len = p - query.data;

    parts->id = NULL;

    service = ngx_http_imgp_parts_service(ngx_http_imgp_unit_service(unit),
                                          &parts->url, &query, "DELETE", pool);

    if (service == NULL
        || ngx_http_imgp_parts_headers(service, pool) != NGX_OK)
    {
        return NULL;
    }

    return service;
}
