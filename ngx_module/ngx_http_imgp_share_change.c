
/*
 * Cancel and retry of a job wherever it is: Redis' revision is read, changed,
 * and written back if it is still that one; else once more.  Whoever runs the
 * job is fenced out by it.  Then this machine's zone and journal follow, then
 * the client is answered.
 *
 * Event loop, but for the journal.
 */


#include "ngx_http_imgp_share.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_stat.h"


#define NGX_HTTP_IMGP_SHARE_TRIES  8       /* against a job that changes */


typedef struct {
    ngx_http_imgp_async_t         *async;
    ngx_http_imgp_ctx_t           *ctx;
    ngx_http_imgp_pipeline_t      *pipeline;
    u_char                         id[IMGP_ID_BYTES];
    ngx_uint_t                     retry;      /* else cancel */
    ngx_uint_t                     tries;
    uint32_t                       known;
    imgp_job_t                    *job;
    imgp_str_t                     record;
    imgp_store_error_t             error;
    imgp_int_t                     rc;
    ngx_int_t                      outcome;
} ngx_http_imgp_share_change_t;


static void ngx_http_imgp_share_change_read(
    ngx_http_imgp_share_change_t *change);
static void ngx_http_imgp_share_change_seen(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static ngx_int_t ngx_http_imgp_share_change_make(
    ngx_http_imgp_share_change_t *change, imgp_redis_answer_t *answer);
static ngx_int_t ngx_http_imgp_share_change_encode(
    ngx_http_imgp_share_change_t *change);
static ngx_int_t ngx_http_imgp_share_change_write(
    ngx_http_imgp_share_change_t *change);
static void ngx_http_imgp_share_change_written(void *data,
    imgp_redis_class_e c, const redisReply *reply);
static void ngx_http_imgp_share_change_end(
    ngx_http_imgp_share_change_t *change, ngx_int_t outcome);
static void ngx_http_imgp_share_change_work(ngx_http_imgp_async_t *async);
static ngx_int_t ngx_http_imgp_share_change_done(
    ngx_http_imgp_async_t *async, ngx_http_request_t *r);


/* NGX_DONE: the request waits; NGX_DECLINED: Redis cannot be asked */

ngx_int_t
ngx_http_imgp_share_change(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_uint_t retry)
{
    ngx_http_imgp_async_t         *async;
    ngx_http_imgp_share_change_t  *change;

    if (!ngx_http_imgp_redis_is_up(ctx->worker)) {
        return NGX_DECLINED;
    }

    async = ngx_http_imgp_async_create(r, ctx->worker,
                                       sizeof(ngx_http_imgp_share_change_t));
    if (async == NULL) {
        return NGX_DECLINED;
    }

    change = async->data;
    change->async = async;
    change->ctx = ctx;
    change->pipeline = ctx->conf->pipeline;
    change->retry = retry;
    ngx_memcpy(change->id, ctx->id, IMGP_ID_BYTES);

    async->done = ngx_http_imgp_share_change_done;

    if (ngx_http_imgp_async_wait(async) != NGX_DONE) {
        ngx_destroy_pool(async->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_imgp_share_change_read(change);

    return NGX_DONE;
}


static void
ngx_http_imgp_share_change_read(ngx_http_imgp_share_change_t *change)
{
    imgp_redis_args_t        args;
    ngx_http_imgp_worker_t  *w;

    w = change->async->worker;

    imgp_redis_read(&args, ngx_http_imgp_redis_keys(w), change->id);

    if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_change_seen,
                                 change)
        != NGX_OK)
    {
        ngx_http_imgp_share_change_end(change, NGX_ERROR);
    }
}


static void
ngx_http_imgp_share_change_seen(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_change_t *change = data;

    ngx_int_t            rc;
    imgp_redis_answer_t  answer;

    if (c != IMGP_REDIS_OK
        || imgp_redis_read_answer(reply, ngx_http_imgp_redis_keys(
                                             change->async->worker), &answer)
           != IMGP_OK)
    {
        ngx_http_imgp_share_change_end(change, NGX_ERROR);
        return;
    }

    /* it is known here alone */

    if (answer.result == IMGP_REDIS_JOB_NONE) {
        ngx_http_imgp_share_change_end(change, NGX_DECLINED);
        return;
    }

    rc = ngx_http_imgp_share_change_make(change, &answer);

    if (rc == NGX_OK) {
        rc = ngx_http_imgp_share_change_write(change);
    }

    if (rc != NGX_OK) {
        ngx_http_imgp_share_change_end(change, rc);
    }
}


/* NGX_ABORT: its state does not allow it */

static ngx_int_t
ngx_http_imgp_share_change_make(ngx_http_imgp_share_change_t *change,
    imgp_redis_answer_t *answer)
{
    imgp_job_t              *job;
    imgp_msec_t              now;
    ngx_http_imgp_entry_t    e;
    ngx_http_imgp_worker_t  *w;

    w = change->async->worker;
    now = ngx_http_imgp_now();

    imgp_job_destroy(change->job);
    change->job = NULL;

    job = imgp_record_decode(answer->record.data, answer->record.len,
                             &imgp_malloc);
    if (job == NULL) {
        return NGX_ERROR;
    }

    change->known = job->revision;

    /* of a job that runs here the zone has a newer one */

    if (ngx_http_imgp_table_read(w->zone, change->id, w->scratch,
                                 IMGP_RECORD_MAX, &e)
        == NGX_OK
        && e.revision > job->revision && !imgp_job_is_final(job->state))
    {
        imgp_job_destroy(job);

        job = imgp_record_decode(e.record, e.len, &imgp_malloc);
        if (job == NULL) {
            return NGX_ERROR;
        }
    }

    change->job = job;

    if (change->retry) {

        if (job->state != IMGP_JOB_FAILED) {
            return NGX_ABORT;
        }

        if (job->error.code == IMGP_E_CONTENT_LOST) {
            ngx_memzero(job->plan, IMGP_DIGEST_LEN);
        }

        (void) imgp_job_reset(job, IMGP_JOB_RETRY, now);

    } else {

        if (imgp_job_event(job, IMGP_JOB_CANCEL, now) != IMGP_OK) {
            return NGX_ABORT;
        }

        imgp_error_set(&job->error, IMGP_E_CANCELED, "canceled on request");
        job->expires_at = job->finished_at + change->pipeline->plan->keep;
    }

    job->revision += IMGP_REDIS_OVER;

    return ngx_http_imgp_share_change_encode(change);
}


static ngx_int_t
ngx_http_imgp_share_change_encode(ngx_http_imgp_share_change_t *change)
{
    size_t   size;
    ssize_t  n;

    size = imgp_record_size(change->job);

    change->record.data = ngx_pnalloc(change->async->pool, size);
    if (change->record.data == NULL) {
        return NGX_ERROR;
    }

    n = imgp_record_encode(change->job, change->record.data, size);
    change->record.len = n;

    return n < 0 ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_imgp_share_change_write(ngx_http_imgp_share_change_t *change)
{
    imgp_redis_job_t         r;
    imgp_redis_args_t        args;
    ngx_http_imgp_worker_t  *w;

    w = change->async->worker;

    ngx_memzero(&r, sizeof(imgp_redis_job_t));

    r.record = change->record;
    r.pipeline = change->job->pipeline;
    r.known = change->known;
    r.ttl = change->pipeline->plan->keep;

    if (imgp_redis_swap(&args, ngx_http_imgp_redis_keys(w), &r) != IMGP_OK) {
        return NGX_ERROR;
    }

    return ngx_http_imgp_redis_send(w, &args,
                                    ngx_http_imgp_share_change_written,
                                    change)
           == NGX_OK ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_imgp_share_change_written(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_change_t *change = data;

    imgp_int_t               rc;
    ngx_http_imgp_worker_t  *w;

    w = change->async->worker;
    rc = c == IMGP_REDIS_OK ? imgp_redis_commit_answer(reply) : IMGP_ERROR;

    if (rc == IMGP_REDIS_JOB_OTHER
        && ++change->tries < NGX_HTTP_IMGP_SHARE_TRIES)
    {
        ngx_http_imgp_share_change_read(change);
        return;
    }

    if (rc != IMGP_REDIS_JOB_DONE) {
        ngx_http_imgp_share_change_end(change, NGX_ERROR);
        return;
    }

    (void) ngx_http_imgp_mirror_put(w->zone, change->pipeline->index,
                                    change->record.data, change->record.len,
                                    1);

    if (!change->retry) {
        ngx_http_imgp_stat_job(w->zone, change->pipeline->index, change->job);
    }

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, change->id);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);

    change->outcome = NGX_OK;
    change->async->work = ngx_http_imgp_share_change_work;

    ngx_http_imgp_async_go(change->async);
}


static void
ngx_http_imgp_share_change_end(ngx_http_imgp_share_change_t *change,
    ngx_int_t outcome)
{
    change->outcome = outcome;

    /* perhaps in the request's own handler: so not at once */

    ngx_http_imgp_async_go(change->async);
}


/* in a thread */

static void
ngx_http_imgp_share_change_work(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_share_change_t  *change;

    change = async->data;

    change->rc = change->retry
                 ? imgp_journal_reopen(&async->worker->conf->store,
                                       change->id, change->record.data,
                                       change->record.len, &change->error)
                 : ngx_http_imgp_notify_end(async->worker->conf, change->id,
                                            change->record.data,
                                            change->record.len,
                                            &change->error);
}


static ngx_int_t
ngx_http_imgp_share_change_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_ctx_t           *ctx;
    ngx_http_imgp_share_change_t  *change;

    change = async->data;
    ctx = change->ctx;

    if (change->error.error.code) {
        ngx_log_error(NGX_LOG_CRIT, async->worker->log, change->error.syserr,
                      "%s() failed, the journal does not know a change yet",
                      change->error.call);
    }

    ngx_http_imgp_notify_hint(async->worker);

    if (r == NULL) {
        imgp_job_destroy(change->job);
        return NGX_OK;
    }

    switch (change->outcome) {

    case NGX_DECLINED:
        imgp_job_destroy(change->job);

        return change->retry ? ngx_http_imgp_job_retry_local(r, ctx)
                             : ngx_http_imgp_job_cancel_local(r, ctx);

    case NGX_ERROR:
        imgp_job_destroy(change->job);

        return ngx_http_imgp_reply_error(r, IMGP_E_STORE_AWAY,
                                         "the shared store is away");

    case NGX_ABORT:
        if (change->retry) {
            imgp_job_destroy(change->job);

            return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FAILED,
                                     "only a job that failed can be retried");
        }

        break;

    default: /* NGX_OK */
        break;
    }

    ngx_http_imgp_job_view(ctx, change->job);
    ctx->position = -1;

    if (!change->retry) {
        return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_OK);
    }

    ctx->created = 1;

    return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
}
