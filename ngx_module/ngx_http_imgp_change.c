
/*
 * A job is canceled, or tried again, on request.
 *
 * A final state is on disk before anybody hears of it, so a cancel, like the
 * end of a run, first takes the right to end the job (table_finish), then
 * writes the journal in a thread, then publishes.
 *
 * Event loop, but for the *_work().
 */


#include "ngx_http_imgp.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_stat.h"


typedef struct {
    imgp_job_t                    *job;
    imgp_str_t                     record;
    imgp_store_error_t             error;
    imgp_store_t                  *store;
    imgp_int_t                     rc;
    uint64_t                       fence;
    ngx_http_imgp_ctx_t           *ctx;
    ngx_http_imgp_pipeline_t      *pipeline;
    u_char                         id[IMGP_ID_BYTES];
} ngx_http_imgp_change_t;


static ngx_http_imgp_async_t *ngx_http_imgp_change_create(
    ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_change_let_go(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_change_encode(ngx_http_imgp_async_t *async);
static void ngx_http_imgp_change_cancel_work(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_change_cancel_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_imgp_change_open(ngx_http_imgp_async_t *async);
static void ngx_http_imgp_change_retry_work(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_change_retry_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);


/* ctx->view is the job; it is answered as it is when that is its end already */

ngx_int_t
ngx_http_imgp_job_cancel(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ctx->view == NULL) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such job");
    }

    if (imgp_job_is_final(ctx->view->state)) {
        return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_OK);
    }

    if (ctx->worker->redis
        && ngx_http_imgp_share_change(r, ctx, 0) == NGX_DONE)
    {
        return NGX_DONE;
    }

    return ngx_http_imgp_job_cancel_local(r, ctx);
}


ngx_int_t
ngx_http_imgp_job_cancel_local(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx)
{
    imgp_job_t              *job;
    imgp_msec_t              now;
    ngx_http_imgp_change_t  *change;
    ngx_http_imgp_async_t   *async;

    async = ngx_http_imgp_change_create(r, ctx);
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    change = async->data;

    if (ngx_http_imgp_table_finish(ctx->worker->zone, ctx->id, &change->fence)
        != NGX_OK)
    {
        /* it is ending in this moment */
        ngx_destroy_pool(async->pool);
        return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
    }

    /* what its worker published last; from now on that one is fenced out */

    if (ngx_http_imgp_job_look(r, ctx) != NGX_OK || ctx->view == NULL) {
        return ngx_http_imgp_change_let_go(async);
    }

    job = ctx->view;
    ctx->view = NULL;

    now = ngx_http_imgp_now();

    (void) imgp_job_event(job, IMGP_JOB_CANCEL, now);

    imgp_error_set(&job->error, IMGP_E_CANCELED, "canceled on request");
    job->expires_at = job->finished_at + ctx->conf->pipeline->plan->keep;
    job->revision++;

    change->job = job;

    async->work = ngx_http_imgp_change_cancel_work;
    async->done = ngx_http_imgp_change_cancel_done;

    if (ngx_http_imgp_change_encode(async) != NGX_OK
        || ngx_http_imgp_async_run(async) != NGX_DONE)
    {
        return ngx_http_imgp_change_let_go(async);
    }

    return NGX_DONE;
}


static ngx_http_imgp_async_t *
ngx_http_imgp_change_create(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_http_imgp_async_t   *async;
    ngx_http_imgp_change_t  *change;

    async = ngx_http_imgp_async_create(r, ctx->worker,
                                       sizeof(ngx_http_imgp_change_t));
    if (async == NULL) {
        return NULL;
    }

    change = async->data;
    change->ctx = ctx;
    change->pipeline = ctx->conf->pipeline;
    change->store = &ctx->worker->conf->store;
    ngx_memcpy(change->id, ctx->id, IMGP_ID_BYTES);

    return async;
}


/* the right to end it was taken in vain: it comes back from the journal */

static ngx_int_t
ngx_http_imgp_change_let_go(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_change_t  *change;

    change = async->data;

    ngx_http_imgp_table_remove(async->worker->zone, change->id);

    imgp_job_destroy(change->job);
    ngx_destroy_pool(async->pool);

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_imgp_change_encode(ngx_http_imgp_async_t *async)
{
    size_t                   size;
    ssize_t                  n;
    ngx_http_imgp_change_t  *change;

    change = async->data;

    size = imgp_record_size(change->job);

    change->record.data = ngx_pnalloc(async->pool, size);
    if (change->record.data == NULL) {
        return NGX_ERROR;
    }

    n = imgp_record_encode(change->job, change->record.data, size);
    if (n < 0) {
        return NGX_ERROR;
    }

    change->record.len = n;

    return NGX_OK;
}


/* in a thread */

static void
ngx_http_imgp_change_cancel_work(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_change_t  *change;

    change = async->data;

    change->rc = ngx_http_imgp_notify_end(async->worker->conf, change->id,
                                          change->record.data,
                                          change->record.len, &change->error);
}


static ngx_int_t
ngx_http_imgp_change_cancel_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_change_t  *change;
    ngx_http_imgp_worker_t  *w;

    change = async->data;
    w = async->worker;

    if (change->rc != IMGP_OK) {
        ngx_log_error(NGX_LOG_CRIT, w->log, change->error.syserr,
                      "%s() failed, the end of a job is not stored yet",
                      change->error.call);
    }

    (void) ngx_http_imgp_table_update(w->zone, change->id, change->fence,
                                      change->record.data, change->record.len);

    if (w->redis) {
        ngx_http_imgp_mirror_unsaid(w->zone, change->id);
    }

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, change->id);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    ngx_http_imgp_notify_hint(w);

    ngx_http_imgp_stat_job(w->zone, change->pipeline->index, change->job);

    if (r == NULL) {
        imgp_job_destroy(change->job);
        return NGX_OK;
    }

    ngx_http_imgp_job_view(change->ctx, change->job);
    change->ctx->position = -1;

    return ngx_http_imgp_reply_job(r, change->ctx, NGX_HTTP_OK);
}


/* goes on from the failed stage: what succeeded stays */

ngx_int_t
ngx_http_imgp_job_retry(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    imgp_job_t  *job;

    job = ctx->view;

    if (job == NULL) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such job");
    }

    if (job->state != IMGP_JOB_FAILED) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FAILED,
                                     "only a job that failed can be retried");
    }

    if (ctx->worker->redis
        && ngx_http_imgp_share_change(r, ctx, 1) == NGX_DONE)
    {
        return NGX_DONE;
    }

    return ngx_http_imgp_job_retry_local(r, ctx);
}


ngx_int_t
ngx_http_imgp_job_retry_local(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t                rc;
    imgp_job_t              *job;
    ngx_http_imgp_change_t  *change;
    ngx_http_imgp_async_t   *async;

    job = ctx->view;

    rc = ngx_http_imgp_upload_room(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    async = ngx_http_imgp_change_create(r, ctx);
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    change = async->data;
    change->job = job;

    if (ngx_http_imgp_change_open(async) != NGX_OK) {
        ngx_destroy_pool(async->pool);
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FAILED,
                                         "the job is being retried already");
    }

    ctx->view = NULL;

    /* of a stage whose output is lost "succeeded" is not true any more: as a
       job of another plan all are looked for again, by their keys */

    if (job->error.code == IMGP_E_CONTENT_LOST) {
        ngx_memzero(job->plan, IMGP_DIGEST_LEN);
    }

    (void) imgp_job_reset(job, IMGP_JOB_RETRY, ngx_http_imgp_now());
    job->revision++;

    async->work = ngx_http_imgp_change_retry_work;
    async->done = ngx_http_imgp_change_retry_done;

    if (ngx_http_imgp_change_encode(async) != NGX_OK
        || ngx_http_imgp_async_run(async) != NGX_DONE)
    {
        ngx_http_imgp_table_close(ctx->worker->zone, ctx->id);
        imgp_job_destroy(job);
        ngx_destroy_pool(async->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* of two who retry a job at once, or of one and the sweeper, one may; what
   was read from the disk goes into the table first, where this is decided */

static ngx_int_t
ngx_http_imgp_change_open(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_change_t  *change;
    ngx_http_imgp_zone_t    *zone;

    change = async->data;
    zone = async->worker->zone;

    if (ngx_http_imgp_change_encode(async) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_http_imgp_table_insert(zone, change->pipeline->index,
                                      change->record.data, change->record.len,
                                      NULL);

    return ngx_http_imgp_table_open(zone, change->id, change->job->revision);
}


/* in a thread */

static void
ngx_http_imgp_change_retry_work(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_change_t  *change;

    change = async->data;

    change->rc = imgp_journal_reopen(change->store, change->id,
                                     change->record.data, change->record.len,
                                     &change->error);
}


static ngx_int_t
ngx_http_imgp_change_retry_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_ctx_t     *ctx;
    ngx_http_imgp_change_t  *change;
    ngx_http_imgp_worker_t  *w;

    change = async->data;
    w = async->worker;

    imgp_job_destroy(change->job);

    if (change->rc != IMGP_OK) {
        ngx_log_error(NGX_LOG_CRIT, w->log, change->error.syserr,
                      "%s() failed, a job cannot be retried",
                      change->error.call);

        ngx_http_imgp_table_close(w->zone, change->id);

        return r ? ngx_http_imgp_reply_problem(r, &change->error.error, NULL)
                 : NGX_OK;
    }

    /* from here on the promise of 202 holds: should the table be full, the
       sweeper puts the job into it from the journal */

    ngx_http_imgp_table_remove(w->zone, change->id);

    (void) ngx_http_imgp_table_insert(w->zone, change->pipeline->index,
                                      change->record.data, change->record.len,
                                      NULL);

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, change->id);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);

    if (r == NULL) {
        return NGX_OK;
    }

    ctx = change->ctx;

    ngx_http_imgp_job_view(ctx, imgp_record_decode(change->record.data,
                                                   change->record.len,
                                                   &imgp_malloc));
    ctx->created = 1;

    if (ctx->view == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
}
