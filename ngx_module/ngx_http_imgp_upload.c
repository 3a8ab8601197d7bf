
/*
 * POST: what can be refused before a byte of the body is read is refused
 * here, so a full queue costs neither side an upload.
 */


#include "ngx_http_imgp_upload.h"
#include "ngx_http_imgp_halt.h"


static ngx_http_imgp_upload_t *ngx_http_imgp_upload_create(
    ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx);
static imgp_int_t ngx_http_imgp_upload_job(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_upload_digest(ngx_http_request_t *r,
    ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_upload_idem(ngx_http_request_t *r,
    ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_upload_cleanup(void *data);
static void ngx_http_imgp_upload_drop(void *data, ngx_log_t *log);
static void ngx_http_imgp_upload_free(ngx_http_imgp_upload_t *u);


ngx_int_t
ngx_http_imgp_upload(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t                rc;
    ngx_http_imgp_upload_t  *u;

    rc = ngx_http_imgp_upload_room(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* from HTTP/2 on a body need not be announced */

    if (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked
        && r->http_version < NGX_HTTP_VERSION_20)
    {
        return ngx_http_imgp_reply_error(r, IMGP_E_BAD_REQUEST,
                                         "the request has no body");
    }

    u = ngx_http_imgp_upload_create(r, ctx);
    if (u == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_imgp_upload_job(u) != IMGP_OK
        || ngx_http_imgp_upload_digest(r, u) != IMGP_OK
        || ngx_http_imgp_upload_idem(r, u) != IMGP_OK
        || ngx_http_imgp_params_query(r, u, &u->error) != IMGP_OK)
    {
        return ngx_http_imgp_reply_problem(r, &u->error, NULL);
    }

    switch (ngx_http_test_predicates(r, ctx->conf->bypass)) {

    case NGX_ERROR:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    case NGX_DECLINED:
        u->job->bypass = 1;
        break;

    default: /* NGX_OK */
        break;
    }

    return ngx_http_imgp_body_read(r, u);
}


ngx_int_t
ngx_http_imgp_upload_room(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_http_imgp_pipeline_t  *pipeline;

    pipeline = ctx->conf->pipeline;

    if (ngx_http_imgp_halted(ctx->worker->zone, &pipeline->plan->name,
                             &ngx_http_imgp_halt_all))
    {
        return ngx_http_imgp_reply_error(r, IMGP_E_DRAINING,
                                         "the pipeline drains: it takes no "
                                         "new jobs for now");
    }

    switch (ngx_http_imgp_table_queued(ctx->worker->zone, pipeline->index,
                                       pipeline->plan, ctx->owner))
    {

    case NGX_OK:
        return NGX_DECLINED;

    case NGX_BUSY:
        return ngx_http_imgp_reply_error(r, IMGP_E_QUEUE_FULL,
                                         "the pipeline's queue is full");

    case NGX_AGAIN:
        return ngx_http_imgp_reply_error(r, IMGP_E_OWNER_SHARE,
                                         "so many jobs of this owner wait "
                                         "already");

    default: /* NGX_DECLINED */
        return ngx_http_imgp_reply_error(r, IMGP_E_STORE_FULL,
                                         "the job table is full");
    }
}


static ngx_http_imgp_upload_t *
ngx_http_imgp_upload_create(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_pool_t              *pool;
    ngx_http_cleanup_t      *cln;
    ngx_http_imgp_upload_t  *u;

    pool = ngx_create_pool(4096, ctx->worker->log);
    if (pool == NULL) {
        return NULL;
    }

    u = ngx_pcalloc(pool, sizeof(ngx_http_imgp_upload_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (u == NULL || cln == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    cln->handler = ngx_http_imgp_upload_cleanup;
    cln->data = u;

    u->pool = pool;
    u->request = r;
    u->ctx = ctx;
    u->worker = ctx->worker;
    u->pipeline = ctx->conf->pipeline;
    u->store = &ctx->worker->conf->store;
    u->blob.fd = -1;

    imgp_sniff_init(&u->sniff);

    return u;
}


static imgp_int_t
ngx_http_imgp_upload_job(ngx_http_imgp_upload_t *u)
{
    char                  id[IMGP_ID_LEN + 1];
    imgp_job_t           *job;
    ngx_http_imgp_ctx_t  *ctx;

    ctx = u->ctx;
    job = imgp_job_create(&imgp_malloc);

    if (job == NULL) {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL, "out of memory");
    }

    u->job = job;

    if (imgp_id_random(job->id) != IMGP_OK
        || imgp_job_bind(job, u->pipeline->plan) != IMGP_OK)
    {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL,
                              "a job cannot be made");
    }

    job->created_at = ngx_http_imgp_now();
    job->phase_at = job->created_at;
    job->phase = IMGP_PHASE_RECEIVE;

    ngx_memcpy(job->owner, ctx->owner, IMGP_OWNER_LEN);
    ngx_memcpy(ctx->id, job->id, IMGP_ID_BYTES);
    job->priority = ngx_http_imgp_api_priority(ctx->request, ctx);

    imgp_id_text(job->id, id);

    ctx->job.data = ngx_pnalloc(ctx->request->pool, IMGP_ID_LEN);
    if (ctx->job.data == NULL) {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL, "out of memory");
    }

    ngx_memcpy(ctx->job.data, id, IMGP_ID_LEN);
    ctx->job.len = IMGP_ID_LEN;

    return IMGP_OK;
}


static imgp_int_t
ngx_http_imgp_upload_digest(ngx_http_request_t *r, ngx_http_imgp_upload_t *u)
{
    ngx_str_t  *h;

    h = ngx_http_imgp_api_header(r, "repr-digest");
    if (h == NULL) {
        return IMGP_OK;
    }

    switch (imgp_digest_parse_field(ngx_http_imgp_str(h), u->expected)) {

    case IMGP_OK:
        u->verify = 1;
        return IMGP_OK;

    case IMGP_DECLINED:
        return IMGP_OK;

    default:
        return imgp_error_set(&u->error, IMGP_E_BAD_REQUEST,
                              "the header field Repr-Digest is malformed");
    }
}


/* a key means the same job only to the same owner in the same pipeline */

static imgp_int_t
ngx_http_imgp_upload_idem(ngx_http_request_t *r, ngx_http_imgp_upload_t *u)
{
    ngx_str_t      *h;
    imgp_str_t     *name;
    imgp_digest_t  *digest;

    h = ngx_http_imgp_api_header(r, "idempotency-key");
    if (h == NULL) {
        return IMGP_OK;
    }

    if (h->len == 0 || h->len > NGX_HTTP_IMGP_IDEM_MAX) {
        return imgp_error_set(&u->error, IMGP_E_BAD_REQUEST,
                              "the header field Idempotency-Key must have "
                              "1 to %d bytes", NGX_HTTP_IMGP_IDEM_MAX);
    }

    digest = imgp_digest_create();
    if (digest == NULL) {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL, "out of memory");
    }

    name = &u->pipeline->plan->name;

    imgp_digest_update(digest, u->ctx->owner, IMGP_OWNER_LEN);
    imgp_digest_update(digest, name->data, name->len);
    imgp_digest_update(digest, "", 1);
    imgp_digest_update(digest, h->data, h->len);
    imgp_digest_final(digest, u->idem_key);
    imgp_digest_destroy(digest);

    u->idem = 1;

    return IMGP_OK;
}


/* "back" is called in the event loop when a thread has done the work */

void
ngx_http_imgp_upload_thread(ngx_http_imgp_upload_t *u,
    void (*work)(void *data, ngx_log_t *log),
    void (*back)(ngx_http_imgp_upload_t *u))
{
    u->busy = 1;
    u->back = back;

    u->task.kind = NGX_HTTP_IMGP_TASK_IO;
    u->task.work = work;
    u->task.done = ngx_http_imgp_upload_back;
    u->task.data = u;

    ngx_http_imgp_thread_run(u->worker, &u->task);
}


void
ngx_http_imgp_upload_back(void *data)
{
    ngx_http_imgp_upload_t  *u = data;

    ngx_connection_t  *c;

    c = u->request ? u->request->connection : NULL;

    u->busy = 0;
    u->back(u);

    if (c) {
        ngx_http_run_posted_requests(c);
    }
}


/* The request ends here, one way or the other.  What it posted is run by
   whoever called: the content handler, which goes on with the request after
   this, nginx's event handlers, or upload_back(). */

void
ngx_http_imgp_upload_finalize(ngx_http_imgp_upload_t *u, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = u->request;

    if (r) {
        u->request = NULL;

        /* an error_page clears the ctx that body_handler() looks for */

        if (rc != NGX_DONE) {
            r->read_event_handler = ngx_http_block_reading;
        }

        ngx_http_finalize_request(r, rc);
    }
}


void
ngx_http_imgp_upload_refuse(ngx_http_imgp_upload_t *u)
{
    ngx_int_t  rc;

    if (u->request == NULL) {
        return;
    }

    rc = ngx_http_imgp_reply_problem(u->request, &u->error, NULL);

    ngx_http_imgp_upload_finalize(u, rc);
}


/* the request is over; a thread that still writes ends the upload later */

static void
ngx_http_imgp_upload_cleanup(void *data)
{
    ngx_http_imgp_upload_t  *u = data;

    u->request = NULL;
    u->ctx = NULL;
    u->closed = 1;

    if (!u->busy) {
        ngx_http_imgp_upload_free(u);
    }
}


void
ngx_http_imgp_upload_free_buffers(ngx_http_imgp_upload_t *u)
{
    if (u->fill) {
        ngx_free(u->fill);
        u->fill = NULL;
    }

    if (u->chunk) {
        ngx_free(u->chunk);
        u->chunk = NULL;
    }
}


/* a thread is back: is there still somebody to answer? */

ngx_uint_t
ngx_http_imgp_upload_gone(ngx_http_imgp_upload_t *u)
{
    if (u->request) {
        return 0;
    }

    if (u->closed && !u->busy) {
        ngx_http_imgp_upload_free(u);
    }

    return 1;
}


/* in a thread */

static void
ngx_http_imgp_upload_drop(void *data, ngx_log_t *log)
{
    ngx_http_imgp_upload_t  *u = data;

    imgp_blob_abort(&u->blob);
}


static void
ngx_http_imgp_upload_free(ngx_http_imgp_upload_t *u)
{
    if (u->opened && u->blob.fd != -1) {
        /* to give back the room of a large file takes the disk's time */
        ngx_http_imgp_upload_thread(u, ngx_http_imgp_upload_drop,
                                    ngx_http_imgp_upload_free);
        return;
    }

    if (u->opened) {
        imgp_blob_abort(&u->blob);
    }

    ngx_http_imgp_upload_free_buffers(u);

    if (u->record.data) {
        ngx_free(u->record.data);
    }

    imgp_digest_destroy(u->whole);
    imgp_pool_destroy(u->arena);
    imgp_job_destroy(u->job);

    ngx_destroy_pool(u->pool);
}
