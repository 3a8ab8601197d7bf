
/*
 * A job as bytes.
 *
 *     "IMGJ"  version  length         of every version, as is the CRC
 *     head                            imgp_record_head_t, at fixed places
 *     body                            the rest of imgp_job_t, in its order
 *     CRC-32
 *
 * Called by the process that runs a job (event loop), and by everybody who
 * reads one: threads, and processes that take over.  Decoding gives a job
 * with a pool of its own; it checks what the rest of src/ relies on: states
 * that exist, strings that are UTF-8, the exact sum of the phases.
 */


#include <imgp/imgp_record.h>
#include <imgp/imgp_codec.h>
#include <imgp/imgp_param.h>
#include <imgp/imgp_utf8.h>


#define IMGP_RECORD_MAGIC       "IMGJ"
#define IMGP_RECORD_MAGIC_LEN   4
#define IMGP_RECORD_HEAD_AT     12
#define IMGP_RECORD_PROGRESS    1000
#define IMGP_RECORD_STATE       0xff      /* the priority is above it */
#define IMGP_RECORD_PRIORITY    8         /* bits below it */


static void imgp_record_put(imgp_codec_out_t *w, const imgp_job_t *job,
    size_t len);
static void imgp_record_put_head(imgp_codec_out_t *w, const imgp_job_t *job,
    size_t len);
static void imgp_record_put_times(imgp_codec_out_t *w,
    const imgp_job_t *job);
static void imgp_record_put_stage(imgp_codec_out_t *w, const imgp_job_t *job,
    imgp_uint_t i);
static void imgp_record_put_error(imgp_codec_out_t *w,
    const imgp_error_t *err);
static imgp_uint_t imgp_record_fits(const imgp_job_t *job);
static imgp_uint_t imgp_record_is_error(const imgp_error_t *err);
static imgp_uint_t imgp_record_is_exact(const imgp_job_t *job);
static void imgp_record_get(imgp_codec_in_t *r, imgp_job_t *job);
static void imgp_record_get_head(imgp_codec_in_t *r,
    imgp_record_head_t *head);
static void imgp_record_get_times(imgp_codec_in_t *r, imgp_job_t *job);
static void imgp_record_get_name(imgp_codec_in_t *r, imgp_job_t *job,
    imgp_str_t *name);
static void imgp_record_get_param(imgp_codec_in_t *r, imgp_job_t *job,
    imgp_uint_t i);
static void imgp_record_get_stage(imgp_codec_in_t *r, imgp_job_t *job,
    imgp_uint_t i);
static void imgp_record_get_error(imgp_codec_in_t *r, imgp_error_t *err);


size_t
imgp_record_size(const imgp_job_t *job)
{
    imgp_codec_out_t  w = { NULL, 0, 0, 0 };

    imgp_record_put(&w, job, 0);

    return w.len;
}


ssize_t
imgp_record_encode(const imgp_job_t *job, u_char *buf, size_t size)
{
    size_t            len;
    imgp_codec_out_t  w = { buf, size, 0, 0 };

    if (!imgp_record_fits(job)) {
        return IMGP_ERROR;
    }

    len = imgp_record_size(job);

    if (len > size || len > IMGP_RECORD_MAX) {
        return IMGP_ERROR;
    }

    imgp_record_put(&w, job, len);

    return w.failed ? IMGP_ERROR : (ssize_t) w.len;
}


/* what decoding would refuse is not written in the first place */

static imgp_uint_t
imgp_record_fits(const imgp_job_t *job)
{
    imgp_uint_t              i;
    const imgp_job_stage_t  *st;

    if (job->state > IMGP_JOB_CANCELED
        || job->priority >= IMGP_PRIORITIES
        || job->phase >= IMGP_PHASE_MAX
        || job->progress > IMGP_RECORD_PROGRESS
        || job->nparams > IMGP_PARAMS_MAX
        || job->nstages > IMGP_STAGES_MAX
        || job->error_stage < -1
        || job->error_stage >= (int32_t) job->nstages
        || !imgp_record_is_error(&job->error)
        || imgp_plan_check_name(&job->pipeline, "", NULL) != IMGP_OK
        || !imgp_record_is_exact(job))
    {
        return 0;
    }

    for (i = 0; i < job->nparams; i++) {
        if (imgp_plan_check_name(&job->param_names[i], "", NULL) != IMGP_OK
            || !imgp_param_is_value(&job->params[i]))
        {
            return 0;
        }
    }

    for (i = 0; i < job->nstages; i++) {
        st = &job->stages[i];

        if (imgp_plan_check_name(&job->stage_names[i], "", NULL) != IMGP_OK
            || st->state > IMGP_ST_CANCELED
            || st->nitems > IMGP_ITEMS_MAX
            || st->progress > IMGP_RECORD_PROGRESS
            || (st->error != NULL && !imgp_record_is_error(st->error)))
        {
            return 0;
        }
    }

    return 1;
}


static imgp_uint_t
imgp_record_is_error(const imgp_error_t *err)
{
    size_t         n;
    const u_char  *p, *last;

    p = (const u_char *) err->detail;
    last = memchr(p, '\0', IMGP_ERROR_DETAIL_LEN);

    if (last == NULL || err->code >= IMGP_E_MAX) {
        return 0;
    }

    while (p < last) {
        n = imgp_utf8_printable(p, last);
        if (n == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}


/* see imgp_job_account() */

static imgp_uint_t
imgp_record_is_exact(const imgp_job_t *job)
{
    uint64_t     left;
    imgp_uint_t  i;

    if (job->phase_at == 0) {
        left = 0;

    } else if (job->phase_at < job->created_at) {
        return 0;

    } else {
        left = job->phase_at - job->created_at;
    }

    for (i = 0; i < IMGP_PHASE_MAX; i++) {
        if (job->phase_ms[i] > left) {
            return 0;
        }

        left -= job->phase_ms[i];
    }

    return left == 0;
}


static void
imgp_record_put(imgp_codec_out_t *w, const imgp_job_t *job, size_t len)
{
    imgp_uint_t  i;

    imgp_record_put_head(w, job, len);

    imgp_codec_put_str(w, job->pipeline.data, job->pipeline.len);
    imgp_codec_put(w, job->plan, IMGP_DIGEST_LEN);
    imgp_codec_put_u8(w, job->cached != 0);
    imgp_codec_put_u8(w, job->degraded != 0);
    imgp_codec_put_u8(w, job->bypass != 0);
    imgp_codec_put_u32(w, job->progress);

    imgp_record_put_times(w, job);
    imgp_codec_put_item(w, &job->input);

    imgp_codec_put_u32(w, job->nparams);

    for (i = 0; i < job->nparams; i++) {
        imgp_codec_put_str(w, job->param_names[i].data,
                           job->param_names[i].len);
        imgp_codec_put_str(w, job->params[i].data, job->params[i].len);
    }

    imgp_codec_put_u32(w, job->nstages);

    for (i = 0; i < job->nstages; i++) {
        imgp_record_put_stage(w, job, i);
    }

    imgp_codec_put_u32(w, (uint32_t) (job->error_stage + 1));
    imgp_record_put_error(w, &job->error);

    imgp_codec_put_crc(w);
}


static void
imgp_record_put_head(imgp_codec_out_t *w, const imgp_job_t *job, size_t len)
{
    imgp_codec_put(w, IMGP_RECORD_MAGIC, IMGP_RECORD_MAGIC_LEN);
    imgp_codec_put_u32(w, IMGP_RECORD_VERSION);
    imgp_codec_put_u32(w, (uint32_t) len);

    imgp_codec_put(w, job->id, IMGP_ID_BYTES);
    imgp_codec_put(w, job->owner, IMGP_OWNER_LEN);
    /* records of before there were priorities have a normal one */

    imgp_codec_put_u32(w, job->state
                          | ((uint32_t) job->priority ^ IMGP_PRIORITY_NORMAL)
                            << IMGP_RECORD_PRIORITY);
    imgp_codec_put_u32(w, job->revision);
    imgp_codec_put_u32(w, job->lost);
    imgp_codec_put_u64(w, job->queued_at);
    imgp_codec_put_u64(w, job->expires_at);
}


static void
imgp_record_put_times(imgp_codec_out_t *w, const imgp_job_t *job)
{
    imgp_uint_t  i;

    imgp_codec_put_u64(w, job->created_at);
    imgp_codec_put_u64(w, job->started_at);
    imgp_codec_put_u64(w, job->finished_at);

    for (i = 0; i < IMGP_PHASE_MAX; i++) {
        imgp_codec_put_u64(w, job->phase_ms[i]);
    }

    imgp_codec_put_u64(w, job->phase_at);
    imgp_codec_put_u8(w, job->phase);
}


static void
imgp_record_put_stage(imgp_codec_out_t *w, const imgp_job_t *job,
    imgp_uint_t i)
{
    const imgp_job_stage_t  *st;

    st = &job->stages[i];

    imgp_codec_put_str(w, job->stage_names[i].data, job->stage_names[i].len);
    imgp_codec_put_u8(w, job->stage_output[i] != 0);
    imgp_codec_put_u8(w, st->state);
    imgp_codec_put_u8(w, st->cached != 0);
    imgp_codec_put_u8(w, st->local != 0);
    imgp_codec_put_u8(w, st->optional != 0);
    imgp_codec_put_u32(w, st->attempts);
    imgp_codec_put_u32(w, st->progress);
    imgp_codec_put_u32(w, st->calls);
    imgp_codec_put_u64(w, st->queued_at);
    imgp_codec_put_u64(w, st->started_at);
    imgp_codec_put_u64(w, st->queue_ms);
    imgp_codec_put_u64(w, st->run_ms);

    imgp_codec_put_u8(w, st->error != NULL);

    if (st->error != NULL) {
        imgp_record_put_error(w, st->error);
    }

    imgp_codec_put_items(w, st->items, st->nitems);
}


static void
imgp_record_put_error(imgp_codec_out_t *w, const imgp_error_t *err)
{
    imgp_codec_put_u32(w, err->code);
    imgp_codec_put_u32(w, err->service_status);
    imgp_codec_put_str(w, err->detail, strlen(err->detail));
}


uint32_t
imgp_record_version(const u_char *p, size_t len)
{
    u_char           magic[IMGP_RECORD_MAGIC_LEN];
    uint32_t         version;
    imgp_codec_in_t  r = { p, p + len, 0 };

    imgp_codec_get(&r, magic, IMGP_RECORD_MAGIC_LEN);
    version = imgp_codec_get_u32(&r, UINT32_MAX);

    if (memcmp(magic, IMGP_RECORD_MAGIC, IMGP_RECORD_MAGIC_LEN) != 0
        || imgp_codec_get_u32(&r, UINT32_MAX) != len
        || r.failed
        || !imgp_codec_is_whole(p, len))
    {
        return 0;
    }

    return version;
}


imgp_int_t
imgp_record_head(const u_char *p, size_t len, imgp_record_head_t *head)
{
    imgp_codec_in_t  r;

    if (imgp_record_version(p, len) != IMGP_RECORD_VERSION) {
        return IMGP_DECLINED;
    }

    r.pos = p + IMGP_RECORD_HEAD_AT;
    r.end = p + len;
    r.failed = 0;

    imgp_record_get_head(&r, head);

    return r.failed ? IMGP_DECLINED : IMGP_OK;
}


static void
imgp_record_get_head(imgp_codec_in_t *r, imgp_record_head_t *head)
{
    uint32_t  state;

    imgp_codec_get(r, head->id, IMGP_ID_BYTES);
    imgp_codec_get(r, head->owner, IMGP_OWNER_LEN);

    state = imgp_codec_get_u32(r, UINT32_MAX);

    head->state = state & IMGP_RECORD_STATE;
    head->priority = (state >> IMGP_RECORD_PRIORITY) ^ IMGP_PRIORITY_NORMAL;

    if (head->state > IMGP_JOB_CANCELED || head->priority >= IMGP_PRIORITIES) {
        r->failed = 1;
    }

    head->revision = imgp_codec_get_u32(r, UINT32_MAX);
    head->lost = imgp_codec_get_u32(r, UINT32_MAX);
    head->queued_at = imgp_codec_get_u64(r);
    head->expires_at = imgp_codec_get_u64(r);
}


imgp_job_t *
imgp_record_decode(const u_char *p, size_t len, const imgp_alloc_t *alloc)
{
    imgp_job_t       *job;
    imgp_codec_in_t   r;

    if (len > IMGP_RECORD_MAX
        || imgp_record_version(p, len) != IMGP_RECORD_VERSION)
    {
        return NULL;
    }

    job = imgp_job_create(alloc);
    if (job == NULL) {
        return NULL;
    }

    r.pos = p + IMGP_RECORD_HEAD_AT;
    r.end = p + len - sizeof(uint32_t);
    r.failed = 0;

    imgp_record_get(&r, job);

    if (r.failed || r.pos != r.end || !imgp_record_fits(job)) {
        imgp_job_destroy(job);
        return NULL;
    }

    return job;
}


static void
imgp_record_get(imgp_codec_in_t *r, imgp_job_t *job)
{
    imgp_uint_t         i;
    imgp_record_head_t  head;

    imgp_record_get_head(r, &head);

    memcpy(job->id, head.id, IMGP_ID_BYTES);
    memcpy(job->owner, head.owner, IMGP_OWNER_LEN);
    job->state = (uint8_t) head.state;
    job->priority = (uint8_t) head.priority;
    job->revision = head.revision;
    job->lost = head.lost;
    job->queued_at = head.queued_at;
    job->expires_at = head.expires_at;

    imgp_record_get_name(r, job, &job->pipeline);
    imgp_codec_get(r, job->plan, IMGP_DIGEST_LEN);
    job->cached = imgp_codec_get_u8(r, 1);
    job->degraded = imgp_codec_get_u8(r, 1);
    job->bypass = imgp_codec_get_u8(r, 1);
    job->progress = imgp_codec_get_u32(r, IMGP_RECORD_PROGRESS);

    imgp_record_get_times(r, job);
    imgp_codec_get_item(r, &job->input);

    job->nparams = imgp_codec_get_u32(r, IMGP_PARAMS_MAX);

    for (i = 0; i < job->nparams && !r->failed; i++) {
        imgp_record_get_param(r, job, i);
    }

    job->nstages = imgp_codec_get_u32(r, IMGP_STAGES_MAX);

    for (i = 0; i < job->nstages && !r->failed; i++) {
        imgp_record_get_stage(r, job, i);
    }

    job->error_stage = (int32_t) imgp_codec_get_u32(r, IMGP_STAGES_MAX) - 1;
    imgp_record_get_error(r, &job->error);
}


static void
imgp_record_get_times(imgp_codec_in_t *r, imgp_job_t *job)
{
    imgp_uint_t  i;

    job->created_at = imgp_codec_get_u64(r);
    job->started_at = imgp_codec_get_u64(r);
    job->finished_at = imgp_codec_get_u64(r);

    for (i = 0; i < IMGP_PHASE_MAX; i++) {
        job->phase_ms[i] = imgp_codec_get_u64(r);
    }

    job->phase_at = imgp_codec_get_u64(r);
    job->phase = imgp_codec_get_u8(r, IMGP_PHASE_MAX - 1);
}


static void
imgp_record_get_name(imgp_codec_in_t *r, imgp_job_t *job, imgp_str_t *name)
{
    imgp_codec_get_str(r, job->pool, IMGP_NAME_LEN - 1, name);
}


static void
imgp_record_get_param(imgp_codec_in_t *r, imgp_job_t *job, imgp_uint_t i)
{
    imgp_record_get_name(r, job, &job->param_names[i]);
    imgp_codec_get_str(r, job->pool, IMGP_VALUE_MAX, &job->params[i]);
}


static void
imgp_record_get_stage(imgp_codec_in_t *r, imgp_job_t *job, imgp_uint_t i)
{
    imgp_job_stage_t  *st;

    st = &job->stages[i];

    imgp_record_get_name(r, job, &job->stage_names[i]);
    job->stage_output[i] = imgp_codec_get_u8(r, 1);
    st->state = imgp_codec_get_u8(r, IMGP_ST_CANCELED);
    st->cached = imgp_codec_get_u8(r, 1);
    st->local = imgp_codec_get_u8(r, 1);
    st->optional = imgp_codec_get_u8(r, 1);
    st->attempts = imgp_codec_get_u32(r, UINT32_MAX);
    st->progress = imgp_codec_get_u32(r, IMGP_RECORD_PROGRESS);
    st->calls = imgp_codec_get_u32(r, UINT32_MAX);
    st->queued_at = imgp_codec_get_u64(r);
    st->started_at = imgp_codec_get_u64(r);
    st->queue_ms = imgp_codec_get_u64(r);
    st->run_ms = imgp_codec_get_u64(r);

    if (imgp_codec_get_u8(r, 1)) {
        st->error = imgp_palloc(job->pool, sizeof(imgp_error_t));

        if (st->error == NULL) {
            r->failed = 1;
            return;
        }

        imgp_record_get_error(r, st->error);
    }

    imgp_codec_get_items(r, job->pool, IMGP_ITEMS_MAX, &st->items,
                         &st->nitems);
}


static void
imgp_record_get_error(imgp_codec_in_t *r, imgp_error_t *err)
{
    err->code = imgp_codec_get_u32(r, IMGP_E_MAX - 1);
    err->service_status = imgp_codec_get_u32(r, UINT32_MAX);
    imgp_codec_get_text(r, err->detail, IMGP_ERROR_DETAIL_LEN);
}
