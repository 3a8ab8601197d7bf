
/*
 * An upload is stored: its job enters the table of all workers, the client
 * gets its answer, the job begins to run.  The answer goes first: it is made
 * of the job's own structure, which then belongs to the run.
 *
 * Event loop, but for the undoing.
 */


#include "ngx_http_imgp_upload.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_care.h"
#include "ngx_http_imgp_stat.h"
#include <imgp/imgp_known.h>


static void ngx_http_imgp_admit_replay(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_admit_twin(ngx_http_imgp_upload_t *u);
static ngx_int_t ngx_http_imgp_admit_enter(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_admit_shared(ngx_http_imgp_upload_t *u);
static ngx_int_t ngx_http_imgp_admit_insert(ngx_http_imgp_upload_t *u);
static ngx_int_t ngx_http_imgp_admit_refuse(ngx_http_imgp_upload_t *u,
    imgp_error_e code, const char *detail);
static void ngx_http_imgp_admit_undo(void *data, ngx_log_t *log);
static void ngx_http_imgp_admit_undone(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_admit_accepted(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_admit_run(ngx_http_imgp_upload_t *u);
static ngx_uint_t ngx_http_imgp_admit_joins(ngx_http_imgp_upload_t *u);
static ngx_int_t ngx_http_imgp_admit_variables(ngx_http_imgp_upload_t *u);
static ngx_int_t ngx_http_imgp_admit_again(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_admit_job(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_admit_poll(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);


/* the thread is back */

void
ngx_http_imgp_admit(ngx_http_imgp_upload_t *u)
{
    /* the client may be held for a minute from now on */

    ngx_http_imgp_upload_free_buffers(u);

    ngx_http_imgp_zone_grown(u->worker->zone, u->added);

    if (u->serror.error.code) {
        u->error = u->serror.error;
    }

    if (u->serror.call) {
        ngx_log_error(NGX_LOG_CRIT, u->worker->log, u->serror.syserr,
                      "%s() failed while storing an upload", u->serror.call);
    }

    if (u->error.code == IMGP_E_NONE && !u->replayed) {

        if (ngx_http_imgp_admit_enter(u) == NGX_OK) {
            ngx_http_imgp_admit_accepted(u);
        }

        return;
    }

    if (ngx_http_imgp_upload_gone(u)) {
        return;
    }

    if (u->error.code) {
        ngx_http_imgp_upload_refuse(u);
        return;
    }

    ngx_http_imgp_admit_replay(u);
}


/* the job that came before with the same Idempotency-Key */

static void
ngx_http_imgp_admit_replay(ngx_http_imgp_upload_t *u)
{
    char       id[IMGP_ID_LEN + 1];
    ngx_int_t  rc;

    if (ngx_http_imgp_upload_gone(u)) {
        return;
    }

    imgp_id_text(u->replay, id);

    ngx_memcpy(u->ctx->id, u->replay, IMGP_ID_BYTES);
    ngx_memcpy(u->ctx->job.data, id, IMGP_ID_LEN);

    rc = ngx_http_imgp_job_get(u->request, u->ctx,
                               ngx_http_imgp_admit_again);

    ngx_http_imgp_upload_finalize(u, rc);
}


/* a client that went away meanwhile finds its job when it sends it again */

static void
ngx_http_imgp_admit_accepted(ngx_http_imgp_upload_t *u)
{
    ngx_int_t             rc;
    ngx_http_imgp_ctx_t  *ctx;

    ngx_http_imgp_stat_known(u->worker->zone, u->pipeline->index, u->job);

    if (u->known) {
        ngx_http_imgp_stat_job(u->worker->zone, u->pipeline->index, u->job);
    }

    if (u->request == NULL) {
        ngx_http_imgp_admit_run(u);
        (void) ngx_http_imgp_upload_gone(u);
        return;
    }

    ctx = u->ctx;
    ctx->created = 1;

    if (ngx_http_imgp_admit_variables(u) != NGX_OK) {
        ngx_http_imgp_admit_run(u);
        ngx_http_imgp_upload_finalize(u, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (u->known || ctx->wait == 0) {
        ctx->view = u->job;
        rc = ngx_http_imgp_admit_job(u->request, ctx);
        ctx->view = NULL;

        ngx_http_imgp_admit_run(u);

    } else {
        ngx_http_imgp_admit_run(u);
        rc = ngx_http_imgp_watch(u->request, ctx, ngx_http_imgp_admit_poll);
    }

    ngx_http_imgp_upload_finalize(u, rc);
}


/* into the table; where it has no room the journal must forget the job before
   the client is refused: NGX_DONE, a thread is at it */

static ngx_int_t
ngx_http_imgp_admit_enter(ngx_http_imgp_upload_t *u)
{
    /* it was "storing" until now */

    imgp_job_account(u->job, ngx_http_imgp_now());

    if (ngx_http_imgp_accept_encode(u) != IMGP_OK) {
        return ngx_http_imgp_admit_refuse(u, IMGP_E_STORE_FULL,
                                          "the job table is full");
    }

    if (u->worker->redis) {
        ngx_http_imgp_share_submit(u, ngx_http_imgp_admit_shared);
        return NGX_DONE;
    }

    return ngx_http_imgp_admit_insert(u);
}


/* Redis has it, or nobody but this machine does */

static void
ngx_http_imgp_admit_shared(ngx_http_imgp_upload_t *u)
{
    switch (u->shared) {

    case NGX_HTTP_IMGP_SHARED_FULL:
        (void) ngx_http_imgp_admit_refuse(u, IMGP_E_QUEUE_FULL,
                                          "the pipeline's queue is full");
        return;

    case NGX_HTTP_IMGP_SHARED_AWAY:
        (void) ngx_http_imgp_admit_refuse(u, IMGP_E_STORE_AWAY,
                                          "the shared store is away");
        return;

    case NGX_HTTP_IMGP_SHARED_LOST:
        u->known = 0;
        (void) ngx_http_imgp_admit_refuse(u, IMGP_E_STORE_FULL,
                                          "the job could not be stored");
        return;

    case NGX_HTTP_IMGP_SHARED_TWIN:
        ngx_http_imgp_admit_twin(u);
        return;

    case NGX_HTTP_IMGP_SHARED_LOCAL:

        /* the record says so */

        if (ngx_http_imgp_accept_encode(u) != IMGP_OK) {
            (void) ngx_http_imgp_admit_refuse(u, IMGP_E_STORE_FULL,
                                              "the job table is full");
            return;
        }

        if (ngx_http_imgp_admit_insert(u) != NGX_OK) {
            return;
        }

        break;

    default: /* queued, or held */
        break;
    }

    ngx_http_imgp_admit_accepted(u);
}


/* another machine has the job of this Idempotency-Key: this one is no more */

static void
ngx_http_imgp_admit_twin(ngx_http_imgp_upload_t *u)
{
    if (u->replayed) {
        ngx_http_imgp_upload_thread(u, ngx_http_imgp_admit_undo,
                                    ngx_http_imgp_admit_undone);
        return;
    }

    (void) ngx_http_imgp_admit_refuse(u, IMGP_E_IDEMPOTENCY,
                                      NGX_HTTP_IMGP_IDEM_OTHER);
}


static ngx_int_t
ngx_http_imgp_admit_insert(ngx_http_imgp_upload_t *u)
{
    ngx_int_t  rc;

    rc = ngx_http_imgp_table_insert(u->worker->zone, u->pipeline->index,
                                    u->record.data, u->record.len,
                                    u->known ? NULL : u->pipeline->plan);

    /* NGX_ABORT: a sweep has just found it in the journal and put it there;
       and one that is known as a whole can be read from the disk */

    if (rc == NGX_OK || rc == NGX_ABORT || (rc == NGX_DECLINED && u->known)) {
        return NGX_OK;
    }

    if (rc == NGX_BUSY) {
        return ngx_http_imgp_admit_refuse(u, IMGP_E_QUEUE_FULL,
                                          "the pipeline's queue is full");
    }

    if (rc == NGX_AGAIN) {
        return ngx_http_imgp_admit_refuse(u, IMGP_E_OWNER_SHARE,
                                          "so many jobs of this owner wait "
                                          "already");
    }

    return ngx_http_imgp_admit_refuse(u, IMGP_E_STORE_FULL,
                                      "the job table is full");
}


/* NGX_DONE */

static ngx_int_t
ngx_http_imgp_admit_refuse(ngx_http_imgp_upload_t *u, imgp_error_e code,
    const char *detail)
{
    imgp_error_set(&u->error, code, "%s", detail);

    ngx_http_imgp_upload_thread(u, ngx_http_imgp_admit_undo,
                                ngx_http_imgp_admit_undone);

    return NGX_DONE;
}


/* in a thread */

static void
ngx_http_imgp_admit_undo(void *data, ngx_log_t *log)
{
    ngx_http_imgp_admit_forget(data);
}


void
ngx_http_imgp_admit_forget(ngx_http_imgp_upload_t *u)
{
    (void) imgp_journal_remove(u->store, u->job->id);

    if (u->idem) {
        (void) imgp_journal_unbind(u->store, u->idem_key, u->job->id);
    }
}


static void
ngx_http_imgp_admit_undone(ngx_http_imgp_upload_t *u)
{
    /* a sweep may have found it in the journal before it was forgotten */

    ngx_http_imgp_table_forget(u->worker->zone, u->job->id);

    if (u->replayed) {
        ngx_http_imgp_admit_replay(u);
        return;
    }

    if (ngx_http_imgp_upload_gone(u)) {
        return;
    }

    ngx_http_imgp_upload_refuse(u);
}


static void
ngx_http_imgp_admit_run(ngx_http_imgp_upload_t *u)
{
    ngx_uint_t   i, own;
    imgp_job_t  *job;

    if (u->known) {
        ngx_http_imgp_notify_hint(u->worker);
        return;
    }

    job = u->job;
    u->job = NULL;

    if (u->shared == NGX_HTTP_IMGP_SHARED_QUEUED) {
        /* the first machine that has room for it claims it */
        imgp_job_destroy(job);
        return;
    }

    own = (u->added != 0);

    for (i = 0; i < job->nstages; i++) {
        if (job->stages[i].cached) {
            own = 0;
        }
    }

    ngx_http_imgp_run_submit(u->worker, job, u->pipeline, own);
}


/* would a stage that is ready wait for another job's run of the same? */

static ngx_uint_t
ngx_http_imgp_admit_joins(ngx_http_imgp_upload_t *u)
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
ngx_http_imgp_admit_variables(ngx_http_imgp_upload_t *u)
{
    const char           *note;
    ngx_uint_t            result;
    ngx_http_imgp_ctx_t  *ctx;

    ctx = u->ctx;

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
        result = NGX_HTTP_IMGP_STAT_HIT;

    } else if (u->job->bypass) {
        ngx_str_set(&ctx->cache, "BYPASS");
        note = "fwd=bypass";
        result = NGX_HTTP_IMGP_STAT_BYPASS;

    } else if (ngx_http_imgp_admit_joins(u)) {
        ngx_str_set(&ctx->cache, "JOINED");
        note = "collapsed";
        result = NGX_HTTP_IMGP_STAT_JOINED;

    } else {
        ngx_str_set(&ctx->cache, "MISS");
        note = "fwd=miss";
        result = NGX_HTTP_IMGP_STAT_MISS;
    }

    ngx_http_imgp_stat_cache(ctx->worker->zone, u->pipeline->index, result);

    return ngx_http_imgp_reply_header(u->request, "Cache-Status",
                                      "image_pipeline; %s", note);
}


/* the job that the same Idempotency-Key made before */

static ngx_int_t
ngx_http_imgp_admit_again(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ctx->view == NULL || ctx->away) {
        /* its upload is being stored at this moment; or its job, which is in
           no table, may be about to be refused and forgotten */
        return ngx_http_imgp_reply_error(r, IMGP_E_STORE_AWAY,
                       "an upload with this Idempotency-Key is being stored");
    }

    ctx->created = 1;

    if (ngx_http_imgp_reply_header(r, "Idempotency-Replayed", "true")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_admit_job(r, ctx);
}


static ngx_int_t
ngx_http_imgp_admit_job(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ctx->view == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

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
                            : NGX_HTTP_IMGP_NOT_YET;
    }

    if (ctx->wait && !ctx->expired) {
        return ngx_http_imgp_watch(r, ctx, ngx_http_imgp_admit_poll);
    }

    return ngx_http_imgp_reply_job(r, ctx, NGX_HTTP_ACCEPTED);
}


static ngx_int_t
ngx_http_imgp_admit_poll(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ngx_http_imgp_job_look(r, ctx) == NGX_DECLINED) {

        if (ctx->away && !ctx->expired) {
            return NGX_HTTP_IMGP_NOT_YET;
        }

        ctx->expired = 1;
        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_admit_job);
    }

    return ngx_http_imgp_admit_job(r, ctx);
}
