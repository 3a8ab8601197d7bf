
/*
 * A job: its making, its events and its time.  Whether an event may happen,
 * and where it leads, says the table of imgp_state.c; here is what else then
 * changes.
 *
 * Called by the process that runs the job (event loop), and for jobs taken
 * over from a dead one.  All memory is job->pool's.
 *
 * Time is accounted by a mark: phase_at is the end of what has been counted,
 * and every call moves it up to "now", giving the way between to one phase.
 * It never moves back, so after a step of the clock times stand still until
 * the clock has caught up, and the sum of the phases stays exact.
 */


#include <imgp/imgp_job.h>
#include <imgp/imgp_state.h>


#define IMGP_JOB_POOL_PAGE  4096
#define IMGP_JOB_PROGRESS   1000      /* all of it */

#define imgp_job_in(state)  (1u << (state))
#define IMGP_JOB_WAITING                                                      \
    (imgp_job_in(IMGP_ST_QUEUED) | imgp_job_in(IMGP_ST_RETRYING))


static void imgp_job_count(imgp_job_t *job, imgp_msec_t now);
static void imgp_job_ended(imgp_job_t *job);
static void imgp_job_retried(imgp_job_t *job);
static imgp_phase_e imgp_job_phase(const imgp_job_t *job);
static void imgp_job_stage_leave(imgp_job_t *job, imgp_job_stage_t *st);
static uint64_t imgp_job_since(const imgp_job_t *job, imgp_msec_t start);
static void imgp_job_stage_enter(imgp_job_t *job, imgp_job_stage_t *st,
    imgp_uint_t event);
static imgp_uint_t imgp_job_stays(const imgp_job_stage_t *st);
static imgp_int_t imgp_job_bind_params(imgp_job_t *job,
    const imgp_plan_t *plan);
static imgp_int_t imgp_job_dup(imgp_job_t *job, imgp_str_t *dst,
    const imgp_str_t *src);


imgp_job_t *
imgp_job_create(const imgp_alloc_t *alloc)
{
    imgp_job_t   *job;
    imgp_pool_t  *pool;

    pool = imgp_pool_create(alloc, sizeof(imgp_job_t) + IMGP_JOB_POOL_PAGE);
    if (pool == NULL) {
        return NULL;
    }

    job = imgp_pcalloc(pool, sizeof(imgp_job_t));
    if (job == NULL) {
        imgp_pool_destroy(pool);
        return NULL;
    }

    job->pool = pool;
    job->error_stage = -1;
    job->priority = IMGP_PRIORITY_NORMAL;

    return job;
}


imgp_int_t
imgp_priority(const imgp_str_t *name)
{
    imgp_int_t                i;
    static const imgp_str_t   names[IMGP_PRIORITIES] = {
        imgp_string("high"), imgp_string("normal"), imgp_string("low")
    };

    for (i = 0; i < IMGP_PRIORITIES; i++) {
        if (imgp_str_eq(&names[i], name)) {
            return i;
        }
    }

    return IMGP_DECLINED;
}


void
imgp_job_destroy(imgp_job_t *job)
{
    if (job != NULL) {
        imgp_pool_destroy(job->pool);
    }
}


imgp_int_t
imgp_job_bind(imgp_job_t *job, const imgp_plan_t *plan)
{
    imgp_uint_t  i;

    if (job->nstages && job->nstages == plan->nstages
        && memcmp(job->plan, plan->digest, IMGP_DIGEST_LEN) == 0)
    {
        return IMGP_OK;
    }

    if (imgp_job_dup(job, &job->pipeline, &plan->name) != IMGP_OK
        || imgp_job_bind_params(job, plan) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    memcpy(job->plan, plan->digest, IMGP_DIGEST_LEN);
    memset(job->stages, 0, sizeof(job->stages));

    job->nstages = plan->nstages;
    job->error_stage = -1;

    for (i = 0; i < plan->nstages; i++) {
        if (imgp_job_dup(job, &job->stage_names[i], &plan->stages[i].name)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        job->stages[i].local = (plan->stages[i].kind == IMGP_STAGE_LOCAL);
        job->stages[i].optional = (plan->stages[i].optional != 0);
        job->stage_output[i] = (plan->stages[i].output != 0);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_job_bind_params(imgp_job_t *job, const imgp_plan_t *plan)
{
    imgp_str_t           values[IMGP_PARAMS_MAX];
    imgp_uint_t          i, k;
    const imgp_param_t  *param;

    for (i = 0; i < plan->nparams; i++) {
        param = &plan->params[i];

        for (k = 0; k < job->nparams; k++) {
            if (imgp_str_eq(&job->param_names[k], &param->name)) {
                break;
            }
        }

        if (k < job->nparams) {
            values[i] = job->params[k];

        } else if (imgp_job_dup(job, &values[i], &param->value) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    for (i = 0; i < plan->nparams; i++) {
        job->params[i] = values[i];

        if (imgp_job_dup(job, &job->param_names[i], &plan->params[i].name)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    job->nparams = plan->nparams;

    return IMGP_OK;
}


static imgp_int_t
imgp_job_dup(imgp_job_t *job, imgp_str_t *dst, const imgp_str_t *src)
{
    u_char  *p;

    p = imgp_pstrdup(job->pool, src);
    if (p == NULL) {
        return IMGP_ERROR;
    }

    dst->data = p;
    dst->len = src->len;

    return IMGP_OK;
}


imgp_int_t
imgp_job_event(imgp_job_t *job, imgp_job_event_e event, imgp_msec_t now)
{
    imgp_int_t   to;
    imgp_uint_t  was;

    to = imgp_state_job(job->state, event);
    if (to == IMGP_DECLINED) {
        return IMGP_DECLINED;
    }

    was = job->state;
    imgp_job_count(job, now);

    job->state = to;

    if (was == IMGP_JOB_FAILED) {
        imgp_job_retried(job);
    }

    if (imgp_job_is_final(job->state)) {
        imgp_job_ended(job);

    } else if (job->state == IMGP_JOB_RUNNING && job->started_at == 0) {
        job->started_at = job->phase_at;
    }

    job->phase = imgp_job_phase(job);

    return IMGP_OK;
}


static void
imgp_job_ended(imgp_job_t *job)
{
    imgp_uint_t  i;

    for (i = 0; i < job->nstages; i++) {
        (void) imgp_job_stage_event(job, i, IMGP_ST_CANCEL, job->phase_at);
    }

    job->finished_at = job->phase_at;

    if (job->state == IMGP_JOB_SUCCEEDED) {
        job->progress = IMGP_JOB_PROGRESS;

        /* known as a whole: it has gone through all that others wait for */

        if (job->started_at == 0) {
            job->started_at = job->phase_at;
        }
    }
}


static void
imgp_job_retried(imgp_job_t *job)
{
    job->lost = 0;
    job->queued_at = job->phase_at;
    job->finished_at = 0;
    job->expires_at = 0;
    job->error_stage = -1;
    memset(&job->error, 0, sizeof(imgp_error_t));
}


void
imgp_job_account(imgp_job_t *job, imgp_msec_t now)
{
    if (!imgp_job_is_final(job->state)) {
        imgp_job_count(job, now);
        job->phase = imgp_job_phase(job);
    }
}


static void
imgp_job_count(imgp_job_t *job, imgp_msec_t now)
{
    if (job->created_at == 0) {
        job->created_at = now;
    }

    if (job->phase_at == 0) {
        job->phase_at = job->created_at;
    }

    if (now > job->phase_at) {
        job->phase_ms[job->phase] += now - job->phase_at;
        job->phase_at = now;
    }
}


static imgp_phase_e
imgp_job_phase(const imgp_job_t *job)
{
    uint32_t                 seen;
    imgp_uint_t              i;
    const imgp_job_stage_t  *st;

    if (imgp_job_is_final(job->state)) {
        return IMGP_PHASE_WAIT;
    }

    if (job->state == IMGP_JOB_QUEUED) {
        return IMGP_PHASE_QUEUE;
    }

    seen = 0;

    for (i = 0; i < job->nstages; i++) {
        st = &job->stages[i];

        if (st->state == IMGP_ST_RUNNING && st->local) {
            return IMGP_PHASE_RUN;
        }

        seen |= imgp_job_in(st->state);
    }

    if (seen & imgp_job_in(IMGP_ST_RUNNING)) {
        return IMGP_PHASE_SERVICE;
    }

    if ((seen & IMGP_JOB_WAITING) == imgp_job_in(IMGP_ST_RETRYING)) {
        return IMGP_PHASE_WAIT;
    }

    return IMGP_PHASE_QUEUE;
}


imgp_int_t
imgp_job_stage_event(imgp_job_t *job, imgp_uint_t stage,
    imgp_stage_event_e event, imgp_msec_t now)
{
    imgp_int_t         to;
    imgp_job_stage_t  *st;

    if (stage >= job->nstages) {
        return IMGP_DECLINED;
    }

    st = &job->stages[stage];

    to = imgp_state_stage(st->state, event);

    if (to == IMGP_DECLINED
        || (imgp_job_is_final(job->state) && event != IMGP_ST_CANCEL))
    {
        return IMGP_DECLINED;
    }

    imgp_job_account(job, now);

    imgp_job_stage_leave(job, st);

    if (event == IMGP_ST_SUCCEED && st->state == IMGP_ST_RUNNING) {
        job->lost = 0;
    }

    st->state = to;
    imgp_job_stage_enter(job, st, event);

    job->phase = imgp_job_phase(job);

    return IMGP_OK;
}


/* the time in the state that is left; "retrying" is queueing, too */

static void
imgp_job_stage_leave(imgp_job_t *job, imgp_job_stage_t *st)
{
    switch (st->state) {

    case IMGP_ST_QUEUED:
    case IMGP_ST_RETRYING:
        st->queue_ms += imgp_job_since(job, st->queued_at);
        break;

    case IMGP_ST_RUNNING:
        st->run_ms += imgp_job_since(job, st->started_at);
        break;

    default:
        break;
    }
}


/* a record may say anything */

static uint64_t
imgp_job_since(const imgp_job_t *job, imgp_msec_t start)
{
    return (job->phase_at > start) ? job->phase_at - start : 0;
}


static void
imgp_job_stage_enter(imgp_job_t *job, imgp_job_stage_t *st,
    imgp_uint_t event)
{
    switch (event) {

    case IMGP_ST_READY:
    case IMGP_ST_RETRY:
        st->queued_at = job->phase_at;
        break;

    case IMGP_ST_START:
        st->started_at = job->phase_at;
        st->attempts++;
        break;

    case IMGP_ST_SUCCEED:
        st->progress = IMGP_JOB_PROGRESS;
        st->error = NULL;
        break;

    case IMGP_ST_RESET:
        st->progress = 0;
        st->calls = 0;
        st->cached = 0;
        st->error = NULL;
        st->items = NULL;
        st->nitems = 0;
        break;

    default:
        break;
    }
}


imgp_int_t
imgp_job_reset(imgp_job_t *job, imgp_job_event_e event, imgp_msec_t now)
{
    imgp_uint_t  i;

    if ((event != IMGP_JOB_REQUEUE && event != IMGP_JOB_RETRY)
        || imgp_job_event(job, event, now) != IMGP_OK)
    {
        return IMGP_DECLINED;
    }

    for (i = 0; i < job->nstages; i++) {
        if (imgp_job_stays(&job->stages[i])) {
            continue;
        }

        (void) imgp_job_stage_event(job, i, IMGP_ST_RESET, now);

        if (event == IMGP_JOB_RETRY) {
            job->stages[i].attempts = 0;
        }
    }

    return IMGP_OK;
}


static imgp_uint_t
imgp_job_stays(const imgp_job_stage_t *st)
{
    return st->state == IMGP_ST_SUCCEEDED
           || st->state == IMGP_ST_SKIPPED
           || (st->state == IMGP_ST_FAILED && st->optional);
}


imgp_int_t
imgp_job_stage_error(imgp_job_t *job, imgp_uint_t stage,
    const imgp_error_t *err)
{
    imgp_job_stage_t  *st;

    st = &job->stages[stage];

    if (st->error == NULL) {
        st->error = imgp_palloc(job->pool, sizeof(imgp_error_t));
        if (st->error == NULL) {
            return IMGP_ERROR;
        }
    }

    *st->error = *err;

    return IMGP_OK;
}


const char *
imgp_job_state_name(imgp_uint_t state)
{
    return imgp_state_job_name(state);
}


const char *
imgp_stage_state_name(imgp_uint_t state)
{
    return imgp_state_stage_name(state);
}


size_t
imgp_job_print_table(char *buf, size_t size)
{
    return imgp_state_print(buf, size);
}
