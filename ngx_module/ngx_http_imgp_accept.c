
/*
 * The end of an upload: one thread task stores the content and the job, and
 * looks how much of the work is known already; then the job enters the table
 * of all workers, and the client has its answer.  "202" is sent when the job
 * is on disk, not before.
 */


#include "ngx_http_imgp_upload.h"
#include <imgp/imgp_known.h>


static void ngx_http_imgp_accept_work(void *data, ngx_log_t *log);
static imgp_int_t ngx_http_imgp_accept_content(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_verify(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_replay(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_body_digest(ngx_http_imgp_upload_t *u,
    u_char *out);
static imgp_int_t ngx_http_imgp_accept_journal(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_encode(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_accept_done(void *data);
static ngx_int_t ngx_http_imgp_accept_enter(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_accept_undo(void *data, ngx_log_t *log);
static void ngx_http_imgp_accept_undone(void *data);
static void ngx_http_imgp_accept_run(ngx_http_imgp_upload_t *u);
static ngx_uint_t ngx_http_imgp_accept_joins(ngx_http_imgp_upload_t *u);
static ngx_int_t ngx_http_imgp_accept_variables(ngx_http_imgp_upload_t *u);
static ngx_int_t ngx_http_imgp_accept_again(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_accept_answer(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_accept_poll(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);


void
ngx_http_imgp_accept(ngx_http_imgp_upload_t *u)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);
    u->now = (imgp_msec_t) tv.tv_sec * 1000 + tv.tv_usec / 1000;

    imgp_job_account(u->job, u->received);
    u->job->phase = IMGP_PHASE_STORE;

    u->busy = 1;

    u->task.kind = NGX_HTTP_IMGP_TASK_IO;
    u->task.work = ngx_http_imgp_accept_work;
    u->task.done = ngx_http_imgp_accept_done;
    u->task.data = u;

    ngx_http_imgp_thread_run(u->worker, &u->task);
}


/* in a thread */

static void
ngx_http_imgp_accept_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_upload_t  *u = data;

    imgp_int_t  rc;

    if (ngx_http_imgp_accept_content(u) != IMGP_OK
        || ngx_http_imgp_accept_verify(u) != IMGP_OK)
    {
        return;
    }

    rc = ngx_http_imgp_accept_replay(u);

    if (rc != IMGP_OK) {
        return;
    }

    rc = imgp_known_resolve(u->store, u->pipeline->plan, u->job, u->now,
                            &u->serror);
    if (rc != IMGP_ERROR) {
        u->known = rc == IMGP_OK;
        rc = ngx_http_imgp_accept_journal(u);
    }

    if (rc == IMGP_ERROR && u->idem) {
        (void) imgp_journal_unbind(u->store, u->idem_key);
    }
}


static imgp_int_t
ngx_http_imgp_accept_content(ngx_http_imgp_upload_t *u)
{
    imgp_int_t    rc;
    imgp_item_t  *input;

    input = &u->job->input;
    input->bytes = u->bytes;

    if (!u->opened) {
        return imgp_blob_put(u->store, u->fill, u->filled, input->digest,
                             &u->added, &u->serror);
    }

    if (imgp_blob_write(&u->blob, u->fill, u->filled, &u->serror)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    rc = imgp_blob_commit(&u->blob, input->digest, &u->added, &u->serror);

    u->opened = 0;

    return rc;
}


static imgp_int_t
ngx_http_imgp_accept_verify(ngx_http_imgp_upload_t *u)
{
    u_char  *digest, whole[IMGP_DIGEST_LEN];

    if (!u->verify) {
        return IMGP_OK;
    }

    digest = u->job->input.digest;

    if (u->whole) {
        imgp_digest_final(u->whole, whole);
        digest = whole;
    }

    if (ngx_memcmp(digest, u->expected, IMGP_DIGEST_LEN) != 0) {
        return imgp_error_set(&u->error, IMGP_E_DIGEST_MISMATCH,
                              "the body is not what Repr-Digest promised");
    }

    return IMGP_OK;
}


/* IMGP_DECLINED: the key names a job already, with this very body */

static imgp_int_t
ngx_http_imgp_accept_replay(ngx_http_imgp_upload_t *u)
{
    u_char       body[IMGP_DIGEST_LEN], known[IMGP_DIGEST_LEN];
    imgp_int_t   rc;
    imgp_msec_t  oldest;

    if (!u->idem) {
        return IMGP_OK;
    }

    if (ngx_http_imgp_accept_body_digest(u, body) != IMGP_OK) {
        return IMGP_ERROR;
    }

    ngx_memcpy(known, body, IMGP_DIGEST_LEN);
    ngx_memcpy(u->replay, u->job->id, IMGP_ID_BYTES);

    oldest = u->now > NGX_HTTP_IMGP_IDEM_TTL
             ? u->now - NGX_HTTP_IMGP_IDEM_TTL : 0;

    rc = imgp_journal_bind(u->store, u->idem_key, oldest, u->replay, known,
                           &u->serror);

    if (rc != IMGP_DECLINED) {
        return rc;
    }

    if (ngx_memcmp(known, body, IMGP_DIGEST_LEN) != 0) {
        return imgp_error_set(&u->error, IMGP_E_IDEMPOTENCY,
                              "this Idempotency-Key was used with another "
                              "body");
    }

    u->replayed = 1;

    return IMGP_DECLINED;
}


/* the body with its params: the same fields in another order are the same */

static imgp_int_t
ngx_http_imgp_accept_body_digest(ngx_http_imgp_upload_t *u, u_char *out)
{
    ngx_uint_t      i;
    imgp_job_t     *job;
    imgp_digest_t  *digest;

    digest = imgp_digest_create();
    if (digest == NULL) {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL, "out of memory");
    }

    job = u->job;

    imgp_digest_update(digest, job->input.digest, IMGP_DIGEST_LEN);

    for (i = 0; i < job->nparams; i++) {
        imgp_digest_update(digest, job->params[i].data, job->params[i].len);
        imgp_digest_update(digest, "", 1);
    }

    imgp_digest_final(digest, out);
    imgp_digest_destroy(digest);

    return IMGP_OK;
}


static imgp_int_t
ngx_http_imgp_accept_journal(ngx_http_imgp_upload_t *u)
{
    imgp_job_t      *job;
    struct timeval   tv;

    job = u->job;

    ngx_gettimeofday(&tv);
    u->now = (imgp_msec_t) tv.tv_sec * 1000 + tv.tv_usec / 1000;

    job->queued_at = u->now;

    if (u->known) {
        job->cached = 1;
        job->progress = 1000;
        (void) imgp_job_event(job, IMGP_JOB_SUCCEED, u->now);
        job->expires_at = u->now + u->pipeline->plan->keep;
    }

    if (ngx_http_imgp_accept_encode(u) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_journal_write(u->store, job->id, u->record.data,
                              u->record.len, u->known, &u->serror);
}


static imgp_int_t
ngx_http_imgp_accept_encode(ngx_http_imgp_upload_t *u)
{
    size_t   size;
    ssize_t  n;

    size = imgp_record_size(u->job);

    free(u->record.data);

    u->record.data = malloc(size);
    if (u->record.data == NULL) {
        return imgp_error_set(&u->error, IMGP_E_INTERNAL, "out of memory");
    }

    n = imgp_record_encode(u->job, u->record.data, size);
    if (n < 0) {
        return imgp_error_set(&u->error, IMGP_E_LIMIT,
                              "the job is larger than a record may be");
    }

    u->record.len = n;

    return IMGP_OK;
}


static void
ngx_http_imgp_accept_done(void *data)
{
    ngx_http_imgp_upload_t  *u = data;

    ngx_int_t  rc;

    u->busy = 0;

    if (u->serror.error.code) {
        ngx_log_error(NGX_LOG_CRIT, u->worker->log, u->serror.syserr,
                      "%s() failed while storing an upload", u->serror.call);

        u->error = u->serror.error;
    }

    if (u->error.code == IMGP_E_NONE && !u->replayed) {
        rc = ngx_http_imgp_accept_enter(u);

        if (rc == NGX_DONE) {
            return;
        }
    }

    /* it is accepted all the same: who sends it again finds it done */

    if (ngx_http_imgp_upload_gone(u)) {
        return;
    }

    if (u->error.code) {
        ngx_http_imgp_upload_refuse(u);
        return;
    }

    if (u->replayed) {
        ngx_memcpy(u->ctx->id, u->replay, IMGP_ID_BYTES);
        rc = ngx_http_imgp_job_get(u->request, u->ctx,
                                   ngx_http_imgp_accept_again);
        ngx_http_imgp_upload_finalize(u, rc);
        return;
    }

    rc = ngx_http_imgp_job_look(u->request, u->ctx);

    if (rc != NGX_OK) {
        ngx_http_imgp_job_view(u->ctx,
                               imgp_record_decode(u->record.data,
                                                  u->record.len,
                                                  &imgp_malloc));
    }

    u->ctx->created = 1;

    rc = u->ctx->view ? ngx_http_imgp_accept_answer(u->request, u->ctx)
                      : NGX_HTTP_INTERNAL_SERVER_ERROR;

    ngx_http_imgp_upload_finalize(u, rc);
}


/* into the table; where it has no room the journal must forget the job before
   the client is refused: NGX_DONE, a thread is at it */

static ngx_int_t
ngx_http_imgp_accept_enter(ngx_http_imgp_upload_t *u)
{
    ngx_int_t  rc;

    /* it was "storing" until now */

    imgp_job_account(u->job, ngx_http_imgp_now());

    rc = ngx_http_imgp_accept_encode(u) == IMGP_OK ? NGX_OK : NGX_ERROR;

    if (rc == NGX_OK) {
        rc = ngx_http_imgp_table_insert(u->worker->zone, u->pipeline->index,
                                        u->record.data, u->record.len,
                                        u->known ? 0
                                                 : u->pipeline->plan->queue);
    }

    /* NGX_ABORT: a sweep has just found it in the journal and put it there */

    if (rc == NGX_OK || rc == NGX_ABORT) {
        if (u->request && ngx_http_imgp_accept_variables(u) != NGX_OK) {
            return NGX_ERROR;
        }

        if (!u->known) {
            ngx_http_imgp_accept_run(u);
        }

        return NGX_OK;
    }

    if (rc == NGX_BUSY) {
        imgp_error_set(&u->error, IMGP_E_QUEUE_FULL,
                       "the pipeline's queue is full");
    } else {
        imgp_error_set(&u->error, IMGP_E_STORE_FULL,
                       "the job table is full");
    }

    u->busy = 1;
    u->task.work = ngx_http_imgp_accept_undo;
    u->task.done = ngx_http_imgp_accept_undone;

    ngx_http_imgp_thread_run(u->worker, &u->task);

    return NGX_DONE;
}


/* in a thread */

static void
ngx_http_imgp_accept_undo(void *data, ngx_log_t *log)
{
    ngx_http_imgp_upload_t  *u = data;

    (void) imgp_journal_remove(u->store, u->job->id);

    if (u->idem) {
        (void) imgp_journal_unbind(u->store, u->idem_key);
    }
}


static void
ngx_http_imgp_accept_undone(void *data)
{
    ngx_http_imgp_upload_t  *u = data;

    u->busy = 0;

    if (ngx_http_imgp_upload_gone(u)) {
        return;
    }

    ngx_http_imgp_upload_refuse(u);
}


static void
ngx_http_imgp_accept_run(ngx_http_imgp_upload_t *u)
{
    imgp_job_t  *job;

    job = u->job;
    u->job = NULL;

    ngx_http_imgp_run_submit(u->worker, job, u->pipeline);
}


/* would a stage that is ready wait for another job's run of the same? */

static ngx_uint_t
ngx_http_imgp_accept_joins(ngx_http_imgp_upload_t *u)
{
    u_char        key[IMGP_DIGEST_LEN];
    ngx_uint_t    i;
    imgp_job_t   *job;
    imgp_plan_t  *plan;
    imgp_item_t  *items;
    imgp_uint_t   n;

    job = u->job;
    plan = u->pipeline->plan;

    for (i = 0; i < plan->nstages; i++) {

        if (job->stages[i].state == IMGP_ST_PENDING
            && imgp_graph_look(plan, job, i) == IMGP_GRAPH_READY
            && imgp_graph_runs(plan, job, i) > 0
            && imgp_graph_items(plan, job, i, 0, job->pool, &items, &n,
                                &u->error)
               == IMGP_OK
            && imgp_known_key(plan, job, i, items, n, key) == IMGP_OK
            && ngx_http_imgp_flight_known(u->worker->zone, key))
        {
            return 1;
        }
    }

    u->error.code = IMGP_E_NONE;

    return 0;
}


static ngx_int_t
ngx_http_imgp_accept_variables(ngx_http_imgp_upload_t *u)
{
    const char           *note;
    ngx_http_imgp_ctx_t  *ctx;

    ctx = u->ctx;
    note = NULL;

    ctx->digest.data = ngx_pnalloc(u->request->pool,
                                   IMGP_DIGEST_HEX_LEN + 1);
    if (ctx->digest.data == NULL) {
        return NGX_ERROR;
    }

    imgp_digest_hex(u->job->input.digest, (char *) ctx->digest.data);
    ctx->digest.len = IMGP_DIGEST_HEX_LEN;

    if (u->known) {
        ngx_str_set(&ctx->cache, "HIT");
        note = "hit";

    } else if (u->job->bypass) {
        ngx_str_set(&ctx->cache, "BYPASS");
        note = "fwd=bypass";

    } else if (ngx_http_imgp_accept_joins(u)) {
        ngx_str_set(&ctx->cache, "JOINED");
        note = "collapsed";

    } else {
        ngx_str_set(&ctx->cache, "MISS");
        note = "fwd=miss";
    }

    return ngx_http_imgp_reply_header(u->request, "Cache-Status",
                                      "image_pipeline; %s", note);
}


/* the job that the same Idempotency-Key made before */

static ngx_int_t
ngx_http_imgp_accept_again(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ctx->view == NULL) {
        /* its upload is being stored at this moment */
        return ngx_http_imgp_reply_error(r, IMGP_E_STORE_AWAY,
                       "an upload with this Idempotency-Key is being stored");
    }

    ctx->created = 1;

    if (ngx_http_imgp_reply_header(r, "Idempotency-Replayed", "true")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_accept_answer(r, ctx);
}


static ngx_int_t
ngx_http_imgp_accept_answer(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (imgp_job_is_final(ctx->view->state)) {

        if (ctx->image && ctx->prefer) {
            rc = ngx_http_imgp_result_last(r, ctx);

            if (rc != NGX_DECLINED) {
                return rc;
            }
        }

        return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_OK);
    }

    if (ctx->watching) {
        return ctx->expired ? ngx_http_imgp_reply_job(r, ctx,
                                                      NGX_HTTP_ACCEPTED)
                            : NGX_AGAIN;
    }

    if (ctx->wait) {
        return ngx_http_imgp_watch(r, ctx, ngx_http_imgp_accept_poll);
    }

    return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
}


static ngx_int_t
ngx_http_imgp_accept_poll(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ngx_http_imgp_job_look(r, ctx) == NGX_DECLINED) {
        ctx->wait = 0;
        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_accept_answer);
    }

    if (ctx->view == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_accept_answer(r, ctx);
}
