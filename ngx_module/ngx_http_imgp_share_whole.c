
/*
 * Jobs whose end is known as a whole: when one succeeds that was made by this
 * very job, its end goes to Redis under a digest of all that decides it: plan,
 * upload, params.  An upload asks for that with its submit, in one round trip,
 * and then has ended before it began, as if the local disk knew all stages.
 * Its outputs stay in Redis, and come from there when they are asked for.
 *
 * Event loop, but for the storing.
 */


#include "ngx_http_imgp_share.h"
#include "ngx_http_imgp_upload.h"
#include "ngx_http_imgp_notify.h"
#include <imgp/imgp_known.h>


static ngx_int_t ngx_http_imgp_whole_fits(imgp_job_t *job, imgp_job_t *old);
static ngx_int_t ngx_http_imgp_whole_copy(imgp_job_t *job, imgp_job_t *old);
static void ngx_http_imgp_whole_store(void *data, ngx_log_t *log);
static void ngx_http_imgp_whole_stored(ngx_http_imgp_upload_t *u);


ngx_uint_t
ngx_http_imgp_whole_wanted(ngx_http_imgp_upload_t *u)
{
    return u->pipeline->plan->cache && !u->job->bypass && !u->known
           && !u->anew && !u->worker->exiting;
}


ngx_int_t
ngx_http_imgp_whole_key(imgp_job_t *job, u_char *key)
{
    ngx_uint_t      i;
    imgp_digest_t  *digest;

    digest = imgp_digest_create();
    if (digest == NULL) {
        return NGX_ERROR;
    }

    imgp_digest_update(digest, "whole", sizeof("whole"));
    imgp_digest_update(digest, job->pipeline.data, job->pipeline.len);
    imgp_digest_update(digest, job->plan, IMGP_DIGEST_LEN);
    imgp_digest_update(digest, job->input.digest, IMGP_DIGEST_LEN);

    for (i = 0; i < job->nparams; i++) {
        imgp_digest_update(digest, job->params[i].data, job->params[i].len);
        imgp_digest_update(digest, "", 1);
    }

    imgp_digest_final(digest, key);
    imgp_digest_destroy(digest);

    return NGX_OK;
}


/* the end of a run, and its outputs; NGX_DECLINED: it is of no use to others:
   what was known before is older than it */

ngx_int_t
ngx_http_imgp_whole_end(ngx_http_imgp_run_t *run, imgp_redis_job_t *r,
    u_char *key, imgp_item_t *items)
{
    ngx_uint_t   i, n;
    imgp_job_t  *job;

    job = run->job;

    if (job->state != IMGP_JOB_SUCCEEDED || job->degraded || job->bypass
        || run->pipeline == NULL || run->pipeline->plan->cache == 0
        || ngx_memcmp(job->plan, run->pipeline->plan->digest, IMGP_DIGEST_LEN)
           != 0)
    {
        return NGX_DECLINED;
    }

    for (i = 0, n = 0; i < job->nstages; i++) {

        if (job->stages[i].cached) {
            return NGX_DECLINED;
        }

        if (!job->stage_output[i]) {
            continue;
        }

        if (job->stages[i].nitems > IMGP_ITEMS_MAX - n) {
            return NGX_DECLINED;
        }

        ngx_memcpy(&items[n], job->stages[i].items,
                   job->stages[i].nitems * sizeof(imgp_item_t));
        n += job->stages[i].nitems;
    }

    if (ngx_http_imgp_whole_key(job, key) != NGX_OK) {
        return NGX_DECLINED;
    }

    r->whole = key;
    r->made = job->finished_at;
    r->cache = run->pipeline->plan->cache;
    r->items = items;
    r->nitems = n;

    return NGX_OK;
}


/* Redis has the end of such a job: NGX_DECLINED: it does not fit */

ngx_int_t
ngx_http_imgp_whole_take(ngx_http_imgp_upload_t *u, imgp_str_t *record)
{
    ngx_int_t    rc;
    imgp_job_t  *job, *old;
    imgp_msec_t  now;

    job = u->job;

    old = imgp_record_decode(record->data, record->len, &imgp_malloc);
    if (old == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_http_imgp_whole_fits(job, old);

    if (rc == NGX_OK) {
        rc = ngx_http_imgp_whole_copy(job, old);
    }

    imgp_job_destroy(old);

    if (rc != NGX_OK) {
        return rc;
    }

    now = ngx_http_imgp_now();

    job->cached = 1;
    job->revision++;
    (void) imgp_job_event(job, IMGP_JOB_SUCCEED, now);
    job->expires_at = now + u->pipeline->plan->keep;

    u->known = 1;

    if (ngx_http_imgp_accept_encode(u) != IMGP_OK) {
        u->serror.error = u->error;
    }

    u->entered = u->back;

    ngx_http_imgp_upload_thread(u, ngx_http_imgp_whole_store,
                                ngx_http_imgp_whole_stored);

    return NGX_OK;
}


static ngx_int_t
ngx_http_imgp_whole_fits(imgp_job_t *job, imgp_job_t *old)
{
    ngx_uint_t  i;

    if (old->state != IMGP_JOB_SUCCEEDED || old->nstages != job->nstages
        || ngx_memcmp(old->plan, job->plan, IMGP_DIGEST_LEN) != 0
        || ngx_memcmp(old->input.digest, job->input.digest, IMGP_DIGEST_LEN)
           != 0)
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < old->nstages; i++) {
        if (old->stages[i].state != IMGP_ST_SUCCEEDED
            && old->stages[i].state != IMGP_ST_SKIPPED)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* those that this machine knows stay as they are */

static ngx_int_t
ngx_http_imgp_whole_copy(imgp_job_t *job, imgp_job_t *old)
{
    size_t             size;
    ngx_uint_t         i;
    imgp_msec_t        now;
    imgp_job_stage_t  *stage;

    now = ngx_http_imgp_now();

    for (i = 0; i < old->nstages; i++) {
        stage = &job->stages[i];

        if (stage->state != IMGP_ST_PENDING) {
            continue;
        }

        if (old->stages[i].state == IMGP_ST_SKIPPED) {
            (void) imgp_job_stage_event(job, i, IMGP_ST_SKIP, now);
            continue;
        }

        size = old->stages[i].nitems * sizeof(imgp_item_t);

        stage->items = imgp_palloc(job->pool, size + 1);
        if (stage->items == NULL) {
            return NGX_DECLINED;
        }

        ngx_memcpy(stage->items, old->stages[i].items, size);
        stage->nitems = old->stages[i].nitems;
        stage->cached = 1;

        (void) imgp_job_stage_event(job, i, IMGP_ST_READY, now);
        (void) imgp_job_stage_event(job, i, IMGP_ST_SUCCEED, now);
    }

    return NGX_OK;
}


/* in a thread */

static void
ngx_http_imgp_whole_store(void *data, ngx_log_t *log)
{
    ngx_http_imgp_upload_t  *u = data;

    if (u->serror.error.code == IMGP_E_NONE) {
        (void) ngx_http_imgp_notify_end(u->worker->conf, u->job->id,
                                        u->record.data, u->record.len,
                                        &u->serror);
    }
}


/* Redis hears of it before the client does, and again with each beat until it
   has answered */

static void
ngx_http_imgp_whole_stored(ngx_http_imgp_upload_t *u)
{
    ngx_http_imgp_worker_t  *w;

    w = u->worker;

    u->shared = NGX_HTTP_IMGP_SHARED_QUEUED;

    if (u->serror.error.code) {
        u->shared = NGX_HTTP_IMGP_SHARED_LOST;

    } else if (ngx_http_imgp_mirror_put(w->zone, u->pipeline->index,
                                        u->record.data, u->record.len, 0)
               == NGX_OK)
    {
        ngx_http_imgp_mirror_unsaid(w->zone, u->job->id);
    }

    if (u->shared == NGX_HTTP_IMGP_SHARED_QUEUED) {
        ngx_http_imgp_share_tell(w, u->record.data, u->record.len);
    }

    u->entered(u);
}
