
/*
 * Jobs as requests see them: read from the zone, or from the disk when the
 * zone has dropped them; canceled; tried again.
 *
 * A final state is on disk before anybody hears of it, so a cancel, like the
 * end of a run, first takes the right to end the job (table_finish), then
 * writes the journal in a thread, then publishes.
 */


#include "ngx_http_imgp.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_stat.h"


typedef struct {
    imgp_job_t                    *job;
    imgp_pool_t                   *arena;
    imgp_str_t                     record;
    imgp_store_error_t             error;
    imgp_store_t                  *store;
    imgp_int_t                     rc;
    uint64_t                       fence;
    ngx_http_imgp_ctx_t           *ctx;
    ngx_http_imgp_pipeline_t      *pipeline;
    u_char                         id[IMGP_ID_BYTES];
    ngx_int_t                    (*next)(ngx_http_request_t *r,
                                         ngx_http_imgp_ctx_t *ctx);
} ngx_http_imgp_jobs_t;


static void ngx_http_imgp_jobs_read(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_jobs_read_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_imgp_jobs_visible(ngx_http_imgp_ctx_t *ctx,
    imgp_job_t *job);
static void ngx_http_imgp_jobs_cleanup(void *data);
static ngx_int_t ngx_http_imgp_jobs_let_go(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_jobs_encode(ngx_http_imgp_async_t *async);
static void ngx_http_imgp_jobs_cancel_work(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_jobs_cancel_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_imgp_jobs_open(ngx_http_imgp_async_t *async);
static void ngx_http_imgp_jobs_retry_work(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_jobs_retry_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);


ngx_int_t
ngx_http_imgp_job_get(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_int_t (*next)(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx))
{
    if (ctx->worker->redis
        && ngx_http_imgp_share_get(r, ctx, next) == NGX_DONE)
    {
        return NGX_DONE;
    }

    return ngx_http_imgp_job_get_local(r, ctx, next);
}


ngx_int_t
ngx_http_imgp_job_get_local(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_int_t (*next)(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx))
{
    ngx_http_imgp_jobs_t   *jobs;
    ngx_http_imgp_async_t  *async;

    if (ngx_http_imgp_job_look(r, ctx) == NGX_OK) {
        return next(r, ctx);
    }

    async = ngx_http_imgp_async_create(r, ctx->worker,
                                       sizeof(ngx_http_imgp_jobs_t));
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    jobs = async->data;
    jobs->ctx = ctx;
    jobs->next = next;
    jobs->store = &ctx->worker->conf->store;
    ngx_memcpy(jobs->id, ctx->id, IMGP_ID_BYTES);

    async->work = ngx_http_imgp_jobs_read;
    async->done = ngx_http_imgp_jobs_read_done;

    if (ngx_http_imgp_async_run(async) != NGX_DONE) {
        ngx_destroy_pool(async->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* in a thread */

static void
ngx_http_imgp_jobs_read(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_jobs_t  *jobs;

    jobs = async->data;

    jobs->arena = imgp_pool_create(&imgp_malloc, 4096);
    if (jobs->arena == NULL) {
        jobs->rc = IMGP_ERROR;
        return;
    }

    jobs->rc = imgp_journal_read(jobs->store, jobs->id, jobs->arena,
                                 &jobs->record, &jobs->error);

    if (jobs->rc == IMGP_OK) {
        jobs->job = imgp_record_decode(jobs->record.data, jobs->record.len,
                                       &imgp_malloc);
    }

    imgp_pool_destroy(jobs->arena);
}


static ngx_int_t
ngx_http_imgp_jobs_read_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_ctx_t   *ctx;
    ngx_http_imgp_jobs_t  *jobs;

    jobs = async->data;

    if (r == NULL) {
        imgp_job_destroy(jobs->job);
        return NGX_OK;
    }

    ctx = jobs->ctx;

    if (jobs->rc == IMGP_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, jobs->error.syserr,
                      "%s() failed, a job cannot be read",
                      jobs->error.call ? jobs->error.call : "malloc");

        return ngx_http_imgp_reply_error(r, IMGP_E_STORE_AWAY,
                                         "the store cannot be read");
    }

    /* it may have come to the table meanwhile, which then knows better */

    if (ngx_http_imgp_job_look(r, ctx) == NGX_OK) {
        imgp_job_destroy(jobs->job);

    } else if (jobs->job == NULL && ctx->unsure) {

        /* another machine may have it */

        return ngx_http_imgp_reply_error(r, IMGP_E_STORE_AWAY,
                                         "the shared store is away");

    } else {
        ngx_http_imgp_job_show(ctx, jobs->job);
        ctx->away = ctx->view && !imgp_job_is_final(ctx->view->state);
    }

    return jobs->next(r, ctx);
}


ngx_int_t
ngx_http_imgp_job_look(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    imgp_job_t             *job;
    ngx_http_imgp_entry_t   e;

    if (ngx_http_imgp_table_read(ctx->worker->zone, ctx->id,
                                 ctx->worker->scratch, IMGP_RECORD_MAX, &e)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    job = imgp_record_decode(e.record, e.len, &imgp_malloc);

    if (job == NULL) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "image pipeline: spoilt record in the zone");
        return NGX_DECLINED;
    }

    if (!ngx_http_imgp_jobs_visible(ctx, job)) {
        imgp_job_destroy(job);
        job = NULL;
    }

    ngx_http_imgp_job_view(ctx, job);
    ctx->position = e.position;

    return NGX_OK;
}


void
ngx_http_imgp_job_show(ngx_http_imgp_ctx_t *ctx, imgp_job_t *job)
{
    if (job && !ngx_http_imgp_jobs_visible(ctx, job)) {
        imgp_job_destroy(job);
        job = NULL;
    }

    ngx_http_imgp_job_view(ctx, job);
    ctx->position = -1;
}


static ngx_uint_t
ngx_http_imgp_jobs_visible(ngx_http_imgp_ctx_t *ctx, imgp_job_t *job)
{
    imgp_str_t  *name;

    name = &ctx->conf->pipeline->plan->name;

    return imgp_str_eq(&job->pipeline, name)
           && ngx_memcmp(job->owner, ctx->owner, IMGP_OWNER_LEN) == 0;
}


/* the request's view of its job; the one before is freed */

void
ngx_http_imgp_job_view(ngx_http_imgp_ctx_t *ctx, imgp_job_t *job)
{
    ngx_pool_cleanup_t  *cln;

    if (ctx->view) {
        imgp_job_destroy(ctx->view);
        ctx->view = job;
        return;
    }

    if (!ctx->viewed && job) {
        cln = ngx_pool_cleanup_add(ctx->request->pool, 0);

        if (cln == NULL) {
            imgp_job_destroy(job);
            return;
        }

        cln->handler = ngx_http_imgp_jobs_cleanup;
        cln->data = ctx;
        ctx->viewed = 1;
    }

    ctx->view = job;
}


static void
ngx_http_imgp_jobs_cleanup(void *data)
{
    ngx_http_imgp_ctx_t  *ctx = data;

    imgp_job_destroy(ctx->view);
    ctx->view = NULL;
}


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
    imgp_job_t             *job;
    imgp_msec_t             now;
    ngx_http_imgp_jobs_t   *jobs;
    ngx_http_imgp_async_t  *async;

    async = ngx_http_imgp_async_create(r, ctx->worker,
                                       sizeof(ngx_http_imgp_jobs_t));
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    jobs = async->data;
    jobs->ctx = ctx;
    jobs->pipeline = ctx->conf->pipeline;
    jobs->store = &ctx->worker->conf->store;
    ngx_memcpy(jobs->id, ctx->id, IMGP_ID_BYTES);

    if (ngx_http_imgp_table_finish(ctx->worker->zone, ctx->id, &jobs->fence)
        != NGX_OK)
    {
        /* it is ending in this moment */
        ngx_destroy_pool(async->pool);
        return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
    }

    /* what its worker published last; from now on that one is fenced out */

    if (ngx_http_imgp_job_look(r, ctx) != NGX_OK || ctx->view == NULL) {
        return ngx_http_imgp_jobs_let_go(async);
    }

    job = ctx->view;
    ctx->view = NULL;

    now = ngx_http_imgp_now();

    (void) imgp_job_event(job, IMGP_JOB_CANCEL, now);

    imgp_error_set(&job->error, IMGP_E_CANCELED, "canceled on request");
    job->expires_at = job->finished_at + ctx->conf->pipeline->plan->keep;
    job->revision++;

    jobs->job = job;

    async->work = ngx_http_imgp_jobs_cancel_work;
    async->done = ngx_http_imgp_jobs_cancel_done;

    if (ngx_http_imgp_jobs_encode(async) != NGX_OK
        || ngx_http_imgp_async_run(async) != NGX_DONE)
    {
        return ngx_http_imgp_jobs_let_go(async);
    }

    return NGX_DONE;
}


/* the right to end it was taken in vain: it comes back from the journal */

static ngx_int_t
ngx_http_imgp_jobs_let_go(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_jobs_t  *jobs;

    jobs = async->data;

    ngx_http_imgp_table_remove(async->worker->zone, jobs->id);

    imgp_job_destroy(jobs->job);
    ngx_destroy_pool(async->pool);

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_imgp_jobs_encode(ngx_http_imgp_async_t *async)
{
    size_t                 size;
    ssize_t                n;
    ngx_http_imgp_jobs_t  *jobs;

    jobs = async->data;

    size = imgp_record_size(jobs->job);

    jobs->record.data = ngx_pnalloc(async->pool, size);
    if (jobs->record.data == NULL) {
        return NGX_ERROR;
    }

    n = imgp_record_encode(jobs->job, jobs->record.data, size);
    if (n < 0) {
        return NGX_ERROR;
    }

    jobs->record.len = n;

    return NGX_OK;
}


/* in a thread */

static void
ngx_http_imgp_jobs_cancel_work(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_jobs_t  *jobs;

    jobs = async->data;

    jobs->rc = ngx_http_imgp_notify_end(async->worker->conf, jobs->id,
                                        jobs->record.data, jobs->record.len,
                                        &jobs->error);
}


static ngx_int_t
ngx_http_imgp_jobs_cancel_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_jobs_t    *jobs;
    ngx_http_imgp_worker_t  *w;

    jobs = async->data;
    w = async->worker;

    if (jobs->rc != IMGP_OK) {
        ngx_log_error(NGX_LOG_CRIT, w->log, jobs->error.syserr,
                      "%s() failed, the end of a job is not stored yet",
                      jobs->error.call);
    }

    (void) ngx_http_imgp_table_update(w->zone, jobs->id, jobs->fence,
                                      jobs->record.data, jobs->record.len);

    if (w->redis) {
        ngx_http_imgp_mirror_unsaid(w->zone, jobs->id, 1);
    }

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, jobs->id);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    ngx_http_imgp_notify_hint(w);

    ngx_http_imgp_stat_job(w->zone, jobs->pipeline->index, jobs->job);

    if (r == NULL) {
        imgp_job_destroy(jobs->job);
        return NGX_OK;
    }

    ngx_http_imgp_job_view(jobs->ctx, jobs->job);
    jobs->ctx->position = -1;

    return ngx_http_imgp_reply_job(r, jobs->ctx, NGX_HTTP_OK);
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
    ngx_int_t               rc;
    imgp_job_t             *job;
    ngx_http_imgp_jobs_t   *jobs;
    ngx_http_imgp_async_t  *async;

    job = ctx->view;

    rc = ngx_http_imgp_upload_room(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    async = ngx_http_imgp_async_create(r, ctx->worker,
                                       sizeof(ngx_http_imgp_jobs_t));
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    jobs = async->data;
    jobs->job = job;
    jobs->ctx = ctx;
    jobs->pipeline = ctx->conf->pipeline;
    jobs->store = &ctx->worker->conf->store;
    ngx_memcpy(jobs->id, ctx->id, IMGP_ID_BYTES);

    if (ngx_http_imgp_jobs_open(async) != NGX_OK) {
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

    async->work = ngx_http_imgp_jobs_retry_work;
    async->done = ngx_http_imgp_jobs_retry_done;

    if (ngx_http_imgp_jobs_encode(async) != NGX_OK
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
ngx_http_imgp_jobs_open(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_jobs_t  *jobs;
    ngx_http_imgp_zone_t  *zone;

    jobs = async->data;
    zone = async->worker->zone;

    if (ngx_http_imgp_jobs_encode(async) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_http_imgp_table_insert(zone, jobs->pipeline->index,
                                      jobs->record.data, jobs->record.len,
                                      NULL);

    return ngx_http_imgp_table_open(zone, jobs->id, jobs->job->revision);
}


/* in a thread */

static void
ngx_http_imgp_jobs_retry_work(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_jobs_t  *jobs;

    jobs = async->data;

    jobs->rc = imgp_journal_reopen(jobs->store, jobs->id, jobs->record.data,
                                   jobs->record.len, &jobs->error);
}


static ngx_int_t
ngx_http_imgp_jobs_retry_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_ctx_t     *ctx;
    ngx_http_imgp_jobs_t    *jobs;
    ngx_http_imgp_worker_t  *w;

    jobs = async->data;
    w = async->worker;

    imgp_job_destroy(jobs->job);

    if (jobs->rc != IMGP_OK) {
        ngx_log_error(NGX_LOG_CRIT, w->log, jobs->error.syserr,
                      "%s() failed, a job cannot be retried",
                      jobs->error.call);

        ngx_http_imgp_table_close(w->zone, jobs->id);

        return r ? ngx_http_imgp_reply_problem(r, &jobs->error.error, NULL)
                 : NGX_OK;
    }

    /* from here on the promise of 202 holds: should the table be full, the
       sweeper puts the job into it from the journal */

    ngx_http_imgp_table_remove(w->zone, jobs->id);

    (void) ngx_http_imgp_table_insert(w->zone, jobs->pipeline->index,
                                      jobs->record.data, jobs->record.len,
                                      NULL);

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, jobs->id);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);

    if (r == NULL) {
        return NGX_OK;
    }

    ctx = jobs->ctx;

    ngx_http_imgp_job_view(ctx, imgp_record_decode(jobs->record.data,
                                                   jobs->record.len,
                                                   &imgp_malloc));
    ctx->created = 1;

    if (ctx->view == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
}
