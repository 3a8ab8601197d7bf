
/*
 * The body of an upload, as it arrives: through the multipart parser if it
 * is a form, past the sniffer, which refuses a wrong type or too many pixels
 * from the first bytes, into a buffer.  A small body stays in it until the
 * end.  Of a larger one, each full buffer goes to a thread that writes and
 * digests it while the next is filled; when both are full, reading pauses,
 * and the client's TCP or HTTP/2 window does the rest.
 */


#include "ngx_http_imgp_upload.h"


static void ngx_http_imgp_body_start(ngx_http_request_t *r);
static ngx_http_imgp_upload_t *ngx_http_imgp_body_upload(
    ngx_http_request_t *r);
static imgp_int_t ngx_http_imgp_body_form(ngx_http_request_t *r,
    ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_body_handler(ngx_http_request_t *r);
static void ngx_http_imgp_body_loop(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_body_consume(ngx_http_imgp_upload_t *u,
    ngx_chain_t *cl);
static imgp_int_t ngx_http_imgp_body_file(ngx_http_imgp_upload_t *u,
    ngx_buf_t *b);
static imgp_int_t ngx_http_imgp_body_bytes(ngx_http_imgp_upload_t *u,
    u_char *p, size_t len);
static imgp_int_t ngx_http_imgp_body_field(void *data,
    const imgp_str_t *name, const imgp_str_t *value, imgp_error_t *err);
static imgp_int_t ngx_http_imgp_body_file_begin(void *data,
    const imgp_str_t *filename, const imgp_str_t *type, imgp_error_t *err);
static imgp_int_t ngx_http_imgp_body_content(void *data, const u_char *p,
    size_t len, imgp_error_t *err);
static imgp_int_t ngx_http_imgp_body_file_end(void *data, imgp_error_t *err);
static imgp_int_t ngx_http_imgp_body_sniffed(ngx_http_imgp_upload_t *u,
    imgp_int_t rc, imgp_error_t *err);
static void ngx_http_imgp_body_declared(ngx_http_imgp_upload_t *u,
    imgp_item_t *input);
static imgp_int_t ngx_http_imgp_body_grow(ngx_http_imgp_upload_t *u,
    size_t len, imgp_error_t *err);
static void ngx_http_imgp_body_end(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_body_post(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_body_write(void *data, ngx_log_t *log);
static void ngx_http_imgp_body_written(ngx_http_imgp_upload_t *u);


ngx_int_t
ngx_http_imgp_body_read(ngx_http_request_t *r, ngx_http_imgp_upload_t *u)
{
    ngx_int_t  rc;

    if (ngx_http_imgp_body_form(r, u) != IMGP_OK) {
        return ngx_http_imgp_reply_problem(r, &u->error, NULL);
    }

    u->ctx->upload = u;

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_imgp_body_start);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static ngx_http_imgp_upload_t *
ngx_http_imgp_body_upload(ngx_http_request_t *r)
{
    ngx_http_imgp_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_image_pipeline_module);

    return ctx->upload;
}


static imgp_int_t
ngx_http_imgp_body_form(ngx_http_request_t *r, ngx_http_imgp_upload_t *u)
{
    imgp_str_t                 boundary;
    ngx_str_t                 *type;
    imgp_multipart_handlers_t  handlers;

    if (r->headers_in.content_type == NULL) {
        return IMGP_OK;
    }

    type = &r->headers_in.content_type->value;

    if (type->len < 10
        || ngx_strncasecmp(type->data, (u_char *) "multipart/", 10) != 0)
    {
        u->type = *type;
        return IMGP_OK;
    }

    if (imgp_multipart_boundary(ngx_http_imgp_str(type), &boundary,
                                &u->error)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    ngx_memzero(&handlers, sizeof(imgp_multipart_handlers_t));

    handlers.field = ngx_http_imgp_body_field;
    handlers.file_begin = ngx_http_imgp_body_file_begin;
    handlers.file_data = ngx_http_imgp_body_content;
    handlers.file_end = ngx_http_imgp_body_file_end;
    handlers.data = u;
    imgp_str_set(&handlers.file_field, "file");

    u->arena = imgp_pool_create(&imgp_malloc, 4096);

    if (u->arena) {
        u->multipart = imgp_multipart_create(u->arena, &boundary, &handlers);
    }

    if (u->verify) {
        u->whole = imgp_digest_create();
    }

    if (u->multipart == NULL || (u->verify && u->whole == NULL)) {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL, "out of memory");
    }

    return IMGP_OK;
}


static void
ngx_http_imgp_body_start(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_imgp_body_handler;
    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_imgp_body_handler(r);
}


static void
ngx_http_imgp_body_handler(ngx_http_request_t *r)
{
    ngx_connection_t        *c;
    ngx_http_imgp_upload_t  *u;

    c = r->connection;
    u = ngx_http_imgp_body_upload(r);

    if (c->read->timedout) {
        c->timedout = 1;
        ngx_http_imgp_upload_finalize(u, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    ngx_http_imgp_body_loop(u);
}


static void
ngx_http_imgp_body_loop(ngx_http_imgp_upload_t *u)
{
    ngx_int_t            rc;
    ngx_chain_t         *bufs;
    ngx_event_t         *rev;
    ngx_http_request_t  *r;

    r = u->request;
    rev = r->connection->read;

    for ( ;; ) {

        if (r->request_body) {
            bufs = r->request_body->bufs;
            r->request_body->bufs = NULL;

            if (ngx_http_imgp_body_consume(u, bufs) != IMGP_OK) {
                ngx_http_imgp_upload_refuse(u);
                return;
            }
        }

        if (!r->reading_body) {
            ngx_http_imgp_body_end(u);
            return;
        }

        if (u->filled >= NGX_HTTP_IMGP_CHUNK) {

            if (u->busy) {
                u->paused = 1;

                if (rev->timer_set) {
                    ngx_del_timer(rev);
                }

                return;
            }

            ngx_http_imgp_body_post(u);
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
            imgp_error_set(&u->error, IMGP_E_TOO_LARGE,
                           "the body is larger than client_max_body_size");
            ngx_http_imgp_upload_refuse(u);
            return;
        }

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_imgp_upload_finalize(u, rc);
            return;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
    }
}


static imgp_int_t
ngx_http_imgp_body_consume(ngx_http_imgp_upload_t *u, ngx_chain_t *cl)
{
    ngx_buf_t  *b;

    for ( /* void */ ; cl; cl = cl->next) {
        b = cl->buf;

        if (!ngx_buf_in_memory(b) && b->in_file) {
            if (ngx_http_imgp_body_file(u, b) != IMGP_OK) {
                return IMGP_ERROR;
            }

            b->file_pos = b->file_last;
            continue;
        }

        if (ngx_http_imgp_body_bytes(u, b->pos, b->last - b->pos)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        b->pos = b->last;
    }

    return IMGP_OK;
}


/* only when something else has read the body before us, into a temp file */

static imgp_int_t
ngx_http_imgp_body_file(ngx_http_imgp_upload_t *u, ngx_buf_t *b)
{
    off_t    pos;
    size_t   size;
    u_char  *buf;
    ssize_t  n;

    buf = ngx_pnalloc(u->pool, NGX_HTTP_IMGP_CHUNK_MIN);
    if (buf == NULL) {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL, "out of memory");
    }

    for (pos = b->file_pos; pos < b->file_last; pos += n) {
        size = ngx_min(b->file_last - pos, NGX_HTTP_IMGP_CHUNK_MIN);

        n = ngx_read_file(b->file, buf, size, pos);

        if (n <= 0) {
            return imgp_error_set(&u->error, IMGP_E_INTERNAL,
                                  "the body cannot be read");
        }

        if (ngx_http_imgp_body_bytes(u, buf, n) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
ngx_http_imgp_body_bytes(ngx_http_imgp_upload_t *u, u_char *p, size_t len)
{
    if (len == 0) {
        return IMGP_OK;
    }

    if (u->multipart == NULL) {
        return ngx_http_imgp_body_content(u, p, len, &u->error);
    }

    if (u->whole) {
        imgp_digest_update(u->whole, p, len);
    }

    return imgp_multipart_feed(u->multipart, p, len, &u->error);
}


static imgp_int_t
ngx_http_imgp_body_field(void *data, const imgp_str_t *name,
    const imgp_str_t *value, imgp_error_t *err)
{
    return ngx_http_imgp_params_set(data, name, value, err);
}


/* names are of no use to us, and the bytes tell the type */

static imgp_int_t
ngx_http_imgp_body_file_begin(void *data, const imgp_str_t *filename,
    const imgp_str_t *type, imgp_error_t *err)
{
    ngx_http_imgp_upload_t  *u = data;

    u->type.len = ngx_min(type->len, IMGP_TYPE_LEN - 1);
    u->type.data = ngx_pnalloc(u->pool, IMGP_TYPE_LEN);

    if (u->type.data == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    ngx_memcpy(u->type.data, type->data, u->type.len);

    return IMGP_OK;
}


static imgp_int_t
ngx_http_imgp_body_file_end(void *data, imgp_error_t *err)
{
    return IMGP_OK;
}


static imgp_int_t
ngx_http_imgp_body_content(void *data, const u_char *p, size_t len,
    imgp_error_t *err)
{
    ngx_http_imgp_upload_t  *u = data;

    imgp_int_t  rc;

    if (!u->sniffed) {
        rc = imgp_sniff_feed(&u->sniff, p, len);

        if (rc != IMGP_AGAIN
            && ngx_http_imgp_body_sniffed(u, rc, err) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    if (ngx_http_imgp_body_grow(u, len, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    ngx_memcpy(u->fill + u->filled, p, len);
    u->filled += len;
    u->bytes += len;

    return IMGP_OK;
}


static imgp_int_t
ngx_http_imgp_body_sniffed(ngx_http_imgp_upload_t *u, imgp_int_t rc,
    imgp_error_t *err)
{
    imgp_item_t  *input;
    imgp_plan_t  *plan;

    u->sniffed = 1;

    plan = u->pipeline->plan;
    input = &u->job->input;

    if (rc == IMGP_ERROR) {
        *err = u->sniff.error;
        return IMGP_ERROR;
    }

    if (rc == IMGP_OK) {
        ngx_cpystrn((u_char *) input->type, (u_char *) u->sniff.type,
                    IMGP_TYPE_LEN);

    } else {
        ngx_http_imgp_body_declared(u, input);
    }

    if (!imgp_plan_accepts(plan, input->type)) {
        return imgp_error_set(err, IMGP_E_TYPE,
                              "%s is not accepted by pipeline \"%.*s\"",
                              rc == IMGP_OK ? input->type
                                            : "content of this type",
                              (int) plan->name.len, plan->name.data);
    }

    input->width = u->sniff.width;
    input->height = u->sniff.height;

    if ((uint64_t) input->width * input->height > plan->max_pixels) {
        return imgp_error_set(err, IMGP_E_PIXELS,
                              "the image has %ux%u pixels, at most %llu are "
                              "allowed", input->width, input->height,
                              (unsigned long long) plan->max_pixels);
    }

    return IMGP_OK;
}


/* the sniffer does not know it: the client's word counts, but an image is
   what its bytes say */

static void
ngx_http_imgp_body_declared(ngx_http_imgp_upload_t *u, imgp_item_t *input)
{
    imgp_media_declared(ngx_http_imgp_str(&u->type), input->type);

    if (ngx_strncmp(input->type, "image/", 6) == 0) {
        ngx_cpystrn((u_char *) input->type,
                    (u_char *) "application/octet-stream", IMGP_TYPE_LEN);
    }
}


static imgp_int_t
ngx_http_imgp_body_grow(ngx_http_imgp_upload_t *u, size_t len,
    imgp_error_t *err)
{
    size_t   size;
    u_char  *p;
    off_t    length;

    if (len <= u->size - u->filled) {
        return IMGP_OK;
    }

    length = u->request->headers_in.content_length_n;

    size = u->size ? u->size : NGX_HTTP_IMGP_CHUNK_MIN;

    if (u->size == 0 && length > 0 && length < NGX_HTTP_IMGP_CHUNK) {
        size = ngx_min((size_t) length, 4 * NGX_HTTP_IMGP_CHUNK_MIN);
    }

    while (size - u->filled < len) {
        size *= 2;
    }

    p = ngx_alloc(size, u->worker->log);
    if (p == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    if (u->fill) {
        ngx_memcpy(p, u->fill, u->filled);
        ngx_free(u->fill);
    }

    u->fill = p;
    u->size = size;

    return IMGP_OK;
}


static void
ngx_http_imgp_body_end(ngx_http_imgp_upload_t *u)
{
    imgp_int_t           rc;
    ngx_http_request_t  *r;

    r = u->request;

    if (u->multipart
        && imgp_multipart_end(u->multipart, &u->error) != IMGP_OK)
    {
        ngx_http_imgp_upload_refuse(u);
        return;
    }

    if (u->bytes == 0) {
        imgp_error_set(&u->error, IMGP_E_BAD_REQUEST,
                       "the upload has no content");
        ngx_http_imgp_upload_refuse(u);
        return;
    }

    if (!u->sniffed) {
        rc = imgp_sniff_end(&u->sniff);

        if (ngx_http_imgp_body_sniffed(u, rc, &u->error) != IMGP_OK) {
            ngx_http_imgp_upload_refuse(u);
            return;
        }
    }

    u->eof = 1;
    u->received = ngx_http_imgp_now();

    r->read_event_handler = ngx_http_test_reading;

    if (!u->busy) {
        ngx_http_imgp_accept(u);
    }
}


/* the filled buffer goes to a thread, the one it had is filled next */

static void
ngx_http_imgp_body_post(ngx_http_imgp_upload_t *u)
{
    size_t   size;
    u_char  *p;

    p = u->chunk;
    size = u->chunk_size;

    u->chunk = u->fill;
    u->chunk_len = u->filled;
    u->chunk_size = u->size;

    u->fill = p;
    u->filled = 0;
    u->size = size;

    ngx_http_imgp_upload_thread(u, ngx_http_imgp_body_write,
                                ngx_http_imgp_body_written);
}


/* in a thread */

static void
ngx_http_imgp_body_write(void *data, ngx_log_t *log)
{
    ngx_http_imgp_upload_t  *u = data;

    if (!u->opened) {
        if (imgp_blob_open(&u->blob, u->store, &u->serror) != IMGP_OK) {
            return;
        }

        u->opened = 1;
    }

    (void) imgp_blob_write(&u->blob, u->chunk, u->chunk_len, &u->serror);
}


static void
ngx_http_imgp_body_written(ngx_http_imgp_upload_t *u)
{
    if (ngx_http_imgp_upload_gone(u)) {
        return;
    }

    if (u->serror.error.code) {
        ngx_log_error(NGX_LOG_CRIT, u->request->connection->log,
                      u->serror.syserr,
                      "%s() failed while storing an upload", u->serror.call);

        u->error = u->serror.error;
        ngx_http_imgp_upload_refuse(u);
        return;
    }

    if (u->eof) {
        ngx_http_imgp_accept(u);
        return;
    }

    if (u->paused) {
        u->paused = 0;
        ngx_http_imgp_body_loop(u);
    }
}
