
/*
 * Jobs as requests see them: read from the zone, or in a thread from the disk
 * when the zone has dropped them.  The view that a request has of its job is
 * the request's, and freed with it.
 */


#include "ngx_http_imgp.h"


typedef struct {
    imgp_job_t                    *job;
    imgp_pool_t                   *arena;
    imgp_str_t                     record;
    imgp_store_error_t             error;
    imgp_store_t                  *store;
    imgp_int_t                     rc;
    ngx_http_imgp_ctx_t           *ctx;
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

    if (ctx->operator) {
        return 1;
    }

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
