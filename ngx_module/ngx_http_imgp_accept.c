
/*
 * The end of an upload, in one thread task: the last of the content is
 * written, what was promised of it is verified, its Idempotency-Key is bound,
 * the stages that are known already are marked; then content and job get
 * their names, and are on the disk.
 */


#include "ngx_http_imgp_upload.h"
#include "ngx_http_imgp_notify.h"
#include <imgp/imgp_known.h>


static void ngx_http_imgp_accept_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_accept_store(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_content(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_verify(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_replay(ngx_http_imgp_upload_t *u);
static imgp_int_t ngx_http_imgp_accept_bind(ngx_http_imgp_upload_t *u,
    imgp_msec_t age, const u_char *body, u_char *known);
static imgp_int_t ngx_http_imgp_accept_body_digest(ngx_http_imgp_upload_t *u,
    u_char *out);
static imgp_int_t ngx_http_imgp_accept_journal(ngx_http_imgp_upload_t *u);


void
ngx_http_imgp_accept(ngx_http_imgp_upload_t *u)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);
    u->now = (imgp_msec_t) tv.tv_sec * 1000 + tv.tv_usec / 1000;

    imgp_job_account(u->job, u->received);
    u->job->phase = IMGP_PHASE_STORE;

    ngx_http_imgp_upload_thread(u, ngx_http_imgp_accept_work,
                                ngx_http_imgp_admit);
}


/* in a thread */

static void
ngx_http_imgp_accept_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_upload_t  *u = data;

    ngx_http_imgp_accept_store(u);

    /* what did not get its name goes here, not on the event loop */

    imgp_blob_abort(&u->blob);
}


static void
ngx_http_imgp_accept_store(ngx_http_imgp_upload_t *u)
{
    imgp_int_t  rc;

    if (ngx_http_imgp_accept_content(u) != IMGP_OK
        || ngx_http_imgp_accept_verify(u) != IMGP_OK
        || ngx_http_imgp_accept_replay(u) != IMGP_OK)
    {
        return;
    }

    rc = imgp_known_resolve(u->store, u->pipeline->plan, u->job, u->now,
                            &u->serror);
    if (rc != IMGP_ERROR) {
        u->known = rc == IMGP_OK;
        rc = ngx_http_imgp_accept_journal(u);
    }

    if (rc == IMGP_ERROR) {
        /* whose name could not be synced is there, but was not promised */
        ngx_http_imgp_admit_forget(u);
    }
}


static imgp_int_t
ngx_http_imgp_accept_content(ngx_http_imgp_upload_t *u)
{
    imgp_item_t  *input;

    input = &u->job->input;
    input->bytes = u->bytes;

    if (!u->opened) {
        u->opened = 1;

        return imgp_blob_hold(&u->blob, u->store, u->fill, u->filled,
                              input->digest, &u->serror);
    }

    if (imgp_blob_write(&u->blob, u->fill, u->filled, &u->serror)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_blob_seal(&u->blob, input->digest, &u->serror);
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
    u_char      *body, known[IMGP_DIGEST_LEN];
    imgp_str_t   record;
    imgp_int_t   rc;

    if (!u->idem) {
        return IMGP_OK;
    }

    body = u->idem_body;

    if (ngx_http_imgp_accept_body_digest(u, body) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = ngx_http_imgp_accept_bind(u, NGX_HTTP_IMGP_IDEM_TTL, body, known);

    if (rc == IMGP_DECLINED) {
        rc = imgp_journal_read(u->store, u->replay, u->job->pool, &record,
                               &u->serror);

        if (rc == IMGP_ERROR) {
            return IMGP_ERROR;
        }

        /* of a job that is no longer kept the key is free, too */

        rc = rc == IMGP_OK
             ? IMGP_DECLINED
             : ngx_http_imgp_accept_bind(u, NGX_HTTP_IMGP_IDEM_NEW, body,
                                         known);
    }

    if (rc != IMGP_DECLINED) {
        return rc;
    }

    if (ngx_memcmp(known, body, IMGP_DIGEST_LEN) != 0) {
        return imgp_error_set(&u->error, IMGP_E_IDEMPOTENCY,
                              NGX_HTTP_IMGP_IDEM_OTHER);
    }

    u->replayed = 1;

    return IMGP_DECLINED;
}


/* to this upload's job; IMGP_DECLINED: it is another's, now in u->replay, that
   came with the body "known" */

static imgp_int_t
ngx_http_imgp_accept_bind(ngx_http_imgp_upload_t *u, imgp_msec_t age,
    const u_char *body, u_char *known)
{
    ngx_memcpy(u->replay, u->job->id, IMGP_ID_BYTES);
    ngx_memcpy(known, body, IMGP_DIGEST_LEN);

    return imgp_journal_bind(u->store, u->idem_key,
                             u->now > age ? u->now - age : 0, u->replay,
                             known, &u->serror);
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
    job->revision++;

    if (u->known) {
        job->cached = 1;
        (void) imgp_job_event(job, IMGP_JOB_SUCCEED, u->now);
        job->expires_at = u->now + u->pipeline->plan->keep;
    }

    if (ngx_http_imgp_accept_encode(u) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (u->known
        && ngx_http_imgp_notify_note(u->worker->conf, u->record.data,
                                     u->record.len, &u->serror)
           != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_journal_accept(&u->blob, job->id, u->record.data,
                               u->record.len, u->known, &u->added,
                               &u->serror);
}


imgp_int_t
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
