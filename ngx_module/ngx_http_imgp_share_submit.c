
/*
 * Jobs enter Redis: an upload after the local disk has it and before its 202;
 * and again, from the journal or the zone, what Redis has forgotten, or what
 * was accepted while it was away.  To submit a job twice does no harm: the
 * answer is what Redis knows of it.
 *
 * Event loop, but for the mapping of the content.
 */


#include "ngx_http_imgp_share.h"
#include "ngx_http_imgp_upload.h"
#include <imgp/imgp_known.h>
#include <imgp/imgp_redis_result.h>


static void ngx_http_imgp_share_content(ngx_http_imgp_upload_t *u);
static void ngx_http_imgp_share_stored(void *data, ngx_int_t rc);
static ngx_int_t ngx_http_imgp_share_pack(void *data,
    ngx_http_imgp_share_pack_t *pack);
static ngx_int_t ngx_http_imgp_share_send(ngx_http_imgp_upload_t *u,
    ngx_http_imgp_share_pack_t *pack, ngx_uint_t probe);
static void ngx_http_imgp_share_entered(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_known(ngx_http_imgp_upload_t *u,
    imgp_redis_answer_t *answer);
static void ngx_http_imgp_share_local(ngx_http_imgp_upload_t *u,
    ngx_uint_t full);
static ngx_http_imgp_share_job_t *ngx_http_imgp_share_job(
    ngx_http_imgp_worker_t *w, const u_char *record, size_t len);
static void ngx_http_imgp_share_outputs(ngx_http_imgp_share_job_t *job);
static void ngx_http_imgp_share_outputs_done(void *data, ngx_int_t rc);
static void ngx_http_imgp_share_resubmit(ngx_http_imgp_share_job_t *job);
static void ngx_http_imgp_share_resubmitted(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_settle(ngx_http_imgp_share_job_t *job,
    imgp_redis_answer_t *answer);
static void ngx_http_imgp_share_input_put(void *data, ngx_int_t rc);
static void ngx_http_imgp_share_over(ngx_http_imgp_share_job_t *job,
    imgp_redis_answer_t *answer);
static uint64_t ngx_http_imgp_share_ttl(const imgp_record_head_t *head);


/* the upload is on the disk; u->shared tells the one who goes on what came */

void
ngx_http_imgp_share_submit(ngx_http_imgp_upload_t *u,
    void (*back)(ngx_http_imgp_upload_t *u))
{
    u->busy = 1;
    u->back = back;

    if (ngx_http_imgp_redis_is_away(u->worker)) {
        ngx_http_imgp_share_local(u, 0);
        return;
    }

    if (u->known) {
        if (ngx_http_imgp_share_send(u, NULL, 0) != NGX_OK) {
            ngx_http_imgp_share_local(u, 0);
        }

        return;
    }

    /* a large upload need not go there if its job's end is known */

    if (!imgp_redis_fits(&u->job->input, 1)
        && ngx_http_imgp_whole_wanted(u)
        && ngx_http_imgp_share_send(u, NULL, 3) == NGX_OK)
    {
        return;
    }

    ngx_http_imgp_share_content(u);
}


static void
ngx_http_imgp_share_content(ngx_http_imgp_upload_t *u)
{
    ngx_http_imgp_share_put_with(u->worker, &u->job->input, 1,
                                 NGX_HTTP_IMGP_SHARE_UPLOAD_TTL,
                                 ngx_http_imgp_share_pack,
                                 ngx_http_imgp_share_stored, u);
}


/* job and upload in one command */

static ngx_int_t
ngx_http_imgp_share_pack(void *data, ngx_http_imgp_share_pack_t *pack)
{
    return ngx_http_imgp_share_send(data, pack, 0);
}


static void
ngx_http_imgp_share_stored(void *data, ngx_int_t rc)
{
    ngx_http_imgp_upload_t *u = data;

    if (rc != NGX_OK || ngx_http_imgp_share_send(u, NULL, 0) != NGX_OK) {
        ngx_http_imgp_share_local(u, 0);
    }
}


/* probe 3: only if its end is known */

static ngx_int_t
ngx_http_imgp_share_send(ngx_http_imgp_upload_t *u,
    ngx_http_imgp_share_pack_t *pack, ngx_uint_t probe)
{
    u_char                   whole[IMGP_DIGEST_LEN];
    imgp_redis_job_t         job;
    imgp_redis_args_t        args;
    ngx_http_imgp_worker_t  *w;

    w = u->worker;

    ngx_memzero(&job, sizeof(imgp_redis_job_t));

    job.record = u->record;
    job.pipeline = u->pipeline->plan->name;
    job.limit = u->pipeline->plan->queue;
    job.ttl = u->pipeline->plan->keep;
    job.idem = u->idem ? u->idem_key : NULL;
    job.body = u->idem_body;

    job.want = !w->exiting && !ngx_http_imgp_thread_backlog(w)
               && ngx_http_imgp_mirror_room(w->zone, u->pipeline->index,
                                            u->pipeline->plan->concurrency);

    if (probe) {
        job.want = probe;
    }

    if (ngx_http_imgp_whole_wanted(u)
        && ngx_http_imgp_whole_key(u->job, whole) == NGX_OK)
    {
        job.whole = whole;
        job.oldest = imgp_known_oldest(u->pipeline->plan, u->job);
    }

    if (imgp_redis_submit(&args, ngx_http_imgp_redis_keys(w), &job)
        != IMGP_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_imgp_share_along(w, &args, pack);

    return ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_entered, u);
}


static void
ngx_http_imgp_share_entered(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_upload_t *u = data;

    imgp_redis_answer_t  answer;

    if (c != IMGP_REDIS_OK
        || imgp_redis_submit_answer(reply, &answer) != IMGP_OK)
    {
        ngx_http_imgp_share_local(u, 0);
        return;
    }

    if (answer.result == IMGP_REDIS_JOB_NONE) {
        ngx_http_imgp_share_local(u, 1);
        return;
    }

    if (answer.result == IMGP_REDIS_JOB_UNKNOWN) {
        u->anew = 1;
        ngx_http_imgp_share_content(u);
        return;
    }

    if (answer.result == IMGP_REDIS_JOB_KNOWN) {
        if (ngx_http_imgp_whole_take(u, &answer.record) != NGX_OK) {
            u->anew = 1;
            ngx_http_imgp_share_content(u);
        }

        return;
    }

    if (answer.result == IMGP_REDIS_JOB_TWIN) {
        ngx_memcpy(u->replay, answer.twin, IMGP_ID_BYTES);
        u->replayed = ngx_memcmp(answer.body, u->idem_body, IMGP_DIGEST_LEN)
                      == 0;
        u->shared = NGX_HTTP_IMGP_SHARED_TWIN;
        ngx_http_imgp_upload_back(u);
        return;
    }

    ngx_http_imgp_share_known(u, &answer);
}


/* Redis has it: in this machine's hands, or not */

static void
ngx_http_imgp_share_known(ngx_http_imgp_upload_t *u,
    imgp_redis_answer_t *answer)
{
    ngx_int_t                rc;
    ngx_http_imgp_worker_t  *w;

    w = u->worker;

    if (answer->held) {
        rc = ngx_http_imgp_mirror_hold(w->zone, u->pipeline->index,
                                       u->record.data, u->record.len,
                                       answer->fence);

        /* no room for it here: its lease ends, another machine takes it */

    } else {
        rc = ngx_http_imgp_mirror_put(w->zone, u->pipeline->index,
                                      u->record.data, u->record.len, 0);
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, w->log, 0,
                      "image pipeline: no room in the zone for a shared job");
    }

    u->shared = answer->held ? NGX_HTTP_IMGP_SHARED_HELD
                             : NGX_HTTP_IMGP_SHARED_QUEUED;

    ngx_http_imgp_upload_back(u);
}


/* Redis does not take it: this machine does, or the client is told */

static void
ngx_http_imgp_share_local(ngx_http_imgp_upload_t *u, ngx_uint_t full)
{
    if (full) {
        u->shared = NGX_HTTP_IMGP_SHARED_FULL;

    } else if (u->worker->redis->conf->fallback || u->known) {
        u->shared = NGX_HTTP_IMGP_SHARED_LOCAL;
        u->job->degraded = !u->known;

    } else {
        u->shared = NGX_HTTP_IMGP_SHARED_AWAY;
    }

    ngx_http_imgp_upload_back(u);
}


/* a job of the journal that is not here.  NGX_DECLINED: it is to be run here,
   or nothing is known of it elsewhere */

ngx_int_t
ngx_http_imgp_share_adopt(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_found_t *found)
{
    ngx_http_imgp_entry_t       e;
    ngx_http_imgp_share_job_t  *job;

    if (ngx_http_imgp_table_read(w->zone, found->head.id, w->scratch,
                                 IMGP_RECORD_MAX, &e)
        == NGX_OK)
    {
        if (!e.copy) {
            return imgp_job_is_final(e.state) ? NGX_DECLINED : NGX_OK;
        }

        if (ngx_http_imgp_share_away(w) && w->redis->conf->fallback) {
            ngx_http_imgp_table_remove(w->zone, found->head.id);
            return NGX_DECLINED;
        }
    }

    if (ngx_http_imgp_redis_is_away(w)) {
        return w->redis->conf->fallback && ngx_http_imgp_share_away(w)
               ? NGX_DECLINED : NGX_OK;
    }

    job = ngx_http_imgp_share_job(w, found->record, found->len);

    if (job) {
        job->kind = NGX_HTTP_IMGP_HELD;
        ngx_http_imgp_share_resubmit(job);
    }

    return NGX_OK;
}


/* a job of the zone that Redis does not know, or does not know any more */

void
ngx_http_imgp_share_again(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_shared_t *shared)
{
    ngx_http_imgp_entry_t       e;
    ngx_http_imgp_share_job_t  *job;

    if (ngx_http_imgp_table_read(w->zone, shared->id, w->scratch,
                                 IMGP_RECORD_MAX, &e)
        != NGX_OK
        || e.copy)
    {
        return;
    }

    job = ngx_http_imgp_share_job(w, e.record, e.len);

    if (job == NULL) {
        return;
    }

    if (!imgp_job_is_final(e.state)) {
        job->kind = NGX_HTTP_IMGP_UNSHARED;
        ngx_http_imgp_share_resubmit(job);
        return;
    }

    job->kind = NGX_HTTP_IMGP_UNSAID;
    ngx_http_imgp_share_outputs(job);
}


/* an end whose outputs Redis has */

void
ngx_http_imgp_share_tell(ngx_http_imgp_worker_t *w, const u_char *record,
    size_t len)
{
    ngx_http_imgp_share_job_t  *job;

    job = ngx_http_imgp_share_job(w, record, len);

    if (job) {
        job->kind = NGX_HTTP_IMGP_UNSAID;
        ngx_http_imgp_share_resubmit(job);
    }
}


/* an end goes with its outputs, as far as they are here */

static void
ngx_http_imgp_share_outputs(ngx_http_imgp_share_job_t *job)
{
    ngx_uint_t    i, k, n;
    imgp_job_t   *decoded;
    imgp_item_t   items[IMGP_ITEMS_MAX];

    decoded = imgp_record_decode(job->record, job->len, &imgp_malloc);
    if (decoded == NULL) {
        ngx_free(job);
        return;
    }

    for (i = 0, n = 0; i < decoded->nstages; i++) {
        for (k = 0; decoded->stage_output[i] && n < IMGP_ITEMS_MAX
                    && k < decoded->stages[i].nitems; k++)
        {
            items[n++] = decoded->stages[i].items[k];
        }
    }

    imgp_job_destroy(decoded);

    ngx_http_imgp_share_put(job->worker, items, n,
                            NGX_HTTP_IMGP_SHARE_UPLOAD_TTL,
                            ngx_http_imgp_share_outputs_done, job);
}


static void
ngx_http_imgp_share_outputs_done(void *data, ngx_int_t rc)
{
    ngx_http_imgp_share_resubmit(data);
}


static ngx_http_imgp_share_job_t *
ngx_http_imgp_share_job(ngx_http_imgp_worker_t *w, const u_char *record,
    size_t len)
{
    ngx_int_t                   place;
    imgp_job_t                 *decoded;
    ngx_http_imgp_share_job_t  *job;

    decoded = imgp_record_decode(record, len, &imgp_malloc);
    if (decoded == NULL) {
        return NULL;
    }

    place = ngx_http_imgp_mirror_place(w->zone, &decoded->pipeline);

    job = place == NGX_DECLINED
          ? NULL : ngx_alloc(sizeof(ngx_http_imgp_share_job_t) + len, w->log);

    if (job) {
        job->worker = w;
        job->pipeline = place;
        job->len = len;
        job->input = decoded->input;
        ngx_memcpy(job->id, decoded->id, IMGP_ID_BYTES);
        ngx_memcpy(job->record, record, len);
    }

    imgp_job_destroy(decoded);

    return job;
}


/* the job is freed in any case */

static void
ngx_http_imgp_share_resubmit(ngx_http_imgp_share_job_t *job)
{
    imgp_redis_job_t             r;
    imgp_redis_args_t            args;
    imgp_record_head_t           head;
    ngx_str_t                    name;

    ngx_memzero(&r, sizeof(imgp_redis_job_t));

    ngx_http_imgp_mirror_name(job->worker->zone, job->pipeline, &name);

    r.record.data = job->record;
    r.record.len = job->len;
    r.pipeline.data = name.data;
    r.pipeline.len = name.len;
    r.want = job->kind == NGX_HTTP_IMGP_UNSHARED ? 2 : 0;
    r.force = job->kind == NGX_HTTP_IMGP_UNSAID;

    if (imgp_record_head(job->record, job->len, &head) != IMGP_OK) {
        ngx_free(job);
        return;
    }

    r.ttl = ngx_http_imgp_share_ttl(&head);

    ngx_http_imgp_mirror_known(job->worker->zone, job->born);

    if (imgp_redis_submit(&args, ngx_http_imgp_redis_keys(job->worker), &r)
        != IMGP_OK
        || ngx_http_imgp_redis_send(job->worker, &args,
                                    ngx_http_imgp_share_resubmitted, job)
           != NGX_OK)
    {
        ngx_free(job);
    }
}


static void
ngx_http_imgp_share_resubmitted(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_job_t *job = data;

    imgp_redis_answer_t  answer;

    if (c == IMGP_REDIS_OK
        && imgp_redis_submit_answer(reply, &answer) == IMGP_OK
        && answer.result <= IMGP_REDIS_JOB_OTHER)
    {
        ngx_http_imgp_share_settle(job, &answer);
    }

    ngx_free(job);
}


static void
ngx_http_imgp_share_settle(ngx_http_imgp_share_job_t *job,
    imgp_redis_answer_t *answer)
{
    ngx_http_imgp_zone_t    *zone;
    ngx_http_imgp_worker_t  *w;

    w = job->worker;
    zone = w->zone;

    if (job->kind == NGX_HTTP_IMGP_UNSAID) {

        if (answer->result == IMGP_REDIS_JOB_OTHER
            && !imgp_job_is_final(answer->state))
        {
            ngx_http_imgp_share_over(job, answer);
            return;
        }

        ngx_http_imgp_mirror_said(zone, job->id, job->born);
        return;
    }

    /* what has forgotten the job has forgotten its upload */

    if (answer->result == IMGP_REDIS_JOB_DONE) {
        ngx_http_imgp_share_put(w, &job->input, 1,
                                NGX_HTTP_IMGP_SHARE_UPLOAD_TTL,
                                ngx_http_imgp_share_input_put, NULL);
    }

    /* in our hands: it runs, or waits, or is to wait here */

    if (answer->held && !imgp_job_is_final(answer->state)) {
        (void) ngx_http_imgp_mirror_hold(zone, job->pipeline, job->record,
                                         job->len, answer->fence);
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
        return;
    }

    if (answer->result == IMGP_REDIS_JOB_OTHER) {
        if (ngx_http_imgp_share_mirror(w, &answer->record,
                                       job->kind == NGX_HTTP_IMGP_UNSHARED)
            == NGX_OK)
        {
            ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, job->id);
        }

        if (imgp_job_is_final(answer->state)) {
            ngx_http_imgp_share_store(w, job->id, &answer->record);
        }

        return;
    }

    (void) ngx_http_imgp_mirror_put(zone, job->pipeline, job->record,
                                    job->len, 0);
}


/* without it who takes the job asks for it */

static void
ngx_http_imgp_share_input_put(void *data, ngx_int_t rc)
{
    /* void */
}


/*
 * It ended here, and has been taken over elsewhere meanwhile: the end gets a
 * revision that nobody has seen there, and is told again.
 */

static void
ngx_http_imgp_share_over(ngx_http_imgp_share_job_t *job,
    imgp_redis_answer_t *answer)
{
    ssize_t                     len;
    imgp_str_t                  record;
    imgp_job_t                 *decoded;
    imgp_record_head_t          known;
    ngx_http_imgp_worker_t     *w;

    w = job->worker;
    decoded = imgp_record_decode(job->record, job->len, &imgp_malloc);

    if (decoded == NULL
        || imgp_record_head(answer->record.data, answer->record.len, &known)
           != IMGP_OK)
    {
        imgp_job_destroy(decoded);
        return;
    }

    decoded->revision = ngx_max(decoded->revision, known.revision)
                        + IMGP_REDIS_OVER;

    len = imgp_record_encode(decoded, w->scratch, IMGP_RECORD_MAX);

    imgp_job_destroy(decoded);

    record.data = w->scratch;
    record.len = len;

    if (len < 0 || ngx_http_imgp_mirror_put(w->zone, job->pipeline,
                                            record.data, record.len, 1)
                   != NGX_OK)
    {
        return;
    }

    ngx_http_imgp_mirror_unsaid(w->zone, job->id);
    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, job->id);
    ngx_http_imgp_share_store(w, job->id, &record);

    ngx_http_imgp_share_tell(w, record.data, record.len);
}


static uint64_t
ngx_http_imgp_share_ttl(const imgp_record_head_t *head)
{
    imgp_msec_t  now;

    now = ngx_http_imgp_now();

    return head->expires_at > now ? head->expires_at - now : 1;
}
