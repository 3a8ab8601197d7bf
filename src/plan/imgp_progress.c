
/*
 * Progress, time left, backoff.  What is expected of a stage was learnt by
 * imgp_expect.c; weights that are declared count as they are, and a stage
 * without one is put on the same scale by its duration.
 *
 * Called by the runner (event loop) on its tick and when a stage changes, and
 * for every document (time left).  Pure but for the job's own fields; the
 * clock and the random number come from the caller.
 */


#include <imgp/imgp_progress.h>
#include <imgp/imgp_graph.h>
#include <imgp/imgp_chain.h>


#define IMGP_PROGRESS_ALL      1000
#define IMGP_PROGRESS_IN_TIME  900    /* of a stage, when its time is over */
#define IMGP_PROGRESS_LATE     990    /* ... and if it takes for ever */
#define IMGP_PROGRESS_GUESSED  950
#define IMGP_PROGRESS_OPEN     999    /* of a job that has not ended */
#define IMGP_PROGRESS_LOCAL    1000   /* ms: half of a stage, for a guess */
#define IMGP_PROGRESS_CALL     8000
#define IMGP_PROGRESS_OVERDUE  10     /* of what it took: so much is left */
#define IMGP_PROGRESS_EVER     ((uint64_t) 1 << 48)
#define IMGP_PROGRESS_UNIT     1000   /* a declared weight of 1 */


static void imgp_progress_weights(const imgp_plan_t *plan,
    const imgp_expect_t *expect, uint64_t *weights);
static void imgp_progress_inside(const imgp_plan_t *plan, uint64_t *weights);
static uint64_t imgp_progress_scale(const imgp_plan_t *plan,
    const imgp_expect_t *expect, uint64_t ms);
static uint32_t imgp_progress_stage(const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage, const imgp_expect_t *expect,
    imgp_msec_t now);
static uint32_t imgp_progress_by_time(const imgp_stage_t *st,
    const imgp_expect_t *e, uint64_t elapsed);
static int64_t imgp_progress_left(const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage, const imgp_expect_t *expect,
    imgp_msec_t now);
static int64_t imgp_progress_rest(const imgp_job_stage_t *st,
    const imgp_expect_t *e, imgp_msec_t now);


imgp_uint_t
imgp_progress_update(const imgp_plan_t *plan, imgp_job_t *job,
    const imgp_expect_t *expect, imgp_msec_t now)
{
    uint32_t           was;
    uint64_t           done, total, weights[IMGP_STAGES_MAX];
    imgp_uint_t        i;
    imgp_job_stage_t  *st;

    if (imgp_job_is_final(job->state)) {
        return 0;
    }

    imgp_progress_weights(plan, expect, weights);

    done = 0;
    total = 0;

    for (i = 0; i < plan->nstages; i++) {
        if (!imgp_graph_wanted(plan, job, i)) {
            continue;
        }

        st = &job->stages[i];
        st->progress = imgp_progress_stage(plan, job, i, expect, now);

        total += weights[i];
        done += imgp_stage_is_final(st->state)
                    ? weights[i]
                    : weights[i] * st->progress / IMGP_PROGRESS_ALL;
    }

    was = job->progress;

    if (total) {
        done = imgp_min(done * IMGP_PROGRESS_ALL / total, IMGP_PROGRESS_OPEN);
        job->progress = imgp_max(was, (uint32_t) done);
    }

    return job->progress / 10 != was / 10;
}


/*
 * In thousandths of a declared weight, or in ms when none is declared.  Each
 * is below 2^32 * 1000, so the sums over 32 stages stay far from 2^64.
 */

static void
imgp_progress_weights(const imgp_plan_t *plan, const imgp_expect_t *expect,
    uint64_t *weights)
{
    uint64_t     known, mean;
    imgp_uint_t  i, n, declared;

    known = 0;
    n = 0;
    declared = 0;

    for (i = 0; i < plan->nstages; i++) {
        declared |= plan->stages[i].weight;

        if (expect != NULL && expect[i].samples) {
            known += expect[i].mean_ms;
            n++;
        }
    }

    mean = n ? imgp_max(known / n, 1) : 1;

    for (i = 0; i < plan->nstages; i++) {

        if (plan->stages[i].weight) {
            weights[i] = imgp_min(plan->stages[i].weight, UINT32_MAX)
                         * IMGP_PROGRESS_UNIT;

        } else if (expect != NULL && expect[i].samples) {
            weights[i] = imgp_max(expect[i].mean_ms, 1);

            if (declared) {
                weights[i] = imgp_progress_scale(plan, expect, weights[i]);
            }

        } else {
            weights[i] = declared ? IMGP_PROGRESS_UNIT : mean;
        }
    }

    imgp_progress_inside(plan, weights);
}


/* what is done within another stage moves with that one */

static void
imgp_progress_inside(const imgp_plan_t *plan, uint64_t *weights)
{
    uint8_t      links[IMGP_CHAIN_MAX];
    imgp_uint_t  i, k, n;

    for (i = 0; i < plan->nstages; i++) {

        if (plan->stages[i].inside) {
            continue;
        }

        n = imgp_chain_links(plan, i, links);

        for (k = 0; k + 1 < n; k++) {
            if (plan->stages[links[k]].weight) {
                weights[i] += weights[links[k]];
            }

            weights[links[k]] = 0;
        }
    }
}


/* ms as a weight, by the stages of which both are known */

static uint64_t
imgp_progress_scale(const imgp_plan_t *plan, const imgp_expect_t *expect,
    uint64_t ms)
{
    double       w;
    uint64_t     weight, time;
    imgp_uint_t  i;

    weight = 0;
    time = 0;

    for (i = 0; i < plan->nstages; i++) {
        if (plan->stages[i].weight && expect[i].samples) {
            weight += imgp_min(plan->stages[i].weight, UINT32_MAX);
            time += expect[i].mean_ms;
        }
    }

    if (time == 0) {
        return IMGP_PROGRESS_UNIT;
    }

    w = (double) ms * (double) weight * IMGP_PROGRESS_UNIT / (double) time;

    return (uint64_t) imgp_min(imgp_max(w, 1.0), 4294967295.0 * 1000);
}


static uint32_t
imgp_progress_stage(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, const imgp_expect_t *expect, imgp_msec_t now)
{
    uint32_t                 n;
    const imgp_job_stage_t  *st;

    st = &job->stages[stage];

    if (st->state != IMGP_ST_RUNNING || now <= st->started_at) {
        return st->progress;
    }

    n = imgp_progress_by_time(&plan->stages[stage],
                              expect ? &expect[stage] : NULL,
                              now - st->started_at);

    return imgp_max(st->progress, n);
}


/* both curves never stand still and never come to an end */

static uint32_t
imgp_progress_by_time(const imgp_stage_t *st, const imgp_expect_t *e,
    uint64_t elapsed)
{
    uint64_t  mean, half;

    elapsed = imgp_min(elapsed, IMGP_PROGRESS_EVER);

    if (e == NULL || e->samples == 0) {
        half = st->kind == IMGP_STAGE_LOCAL ? IMGP_PROGRESS_LOCAL
                                            : IMGP_PROGRESS_CALL;

        return (uint32_t) (IMGP_PROGRESS_GUESSED * elapsed
                           / (elapsed + half));
    }

    mean = imgp_max(e->mean_ms, 1);

    if (elapsed <= mean) {
        return (uint32_t) (IMGP_PROGRESS_IN_TIME * elapsed / mean);
    }

    return (uint32_t) (IMGP_PROGRESS_LATE
                       - (IMGP_PROGRESS_LATE - IMGP_PROGRESS_IN_TIME)
                         * mean / elapsed);
}


/* stages come after their inputs in the plan's order */

int64_t
imgp_progress_eta(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_int_t stage, const imgp_expect_t *expect, imgp_msec_t now)
{
    int64_t              left, ends[IMGP_STAGES_MAX], last;
    imgp_uint_t          i, k, n;
    const imgp_stage_t  *st;

    last = 0;

    for (n = 0; n < plan->nstages; n++) {
        i = plan->order[n];
        st = &plan->stages[i];

        left = imgp_progress_left(plan, job, i, expect, now);
        ends[i] = 0;

        for (k = 0; left > 0 && k < st->nfrom; k++) {
            if (st->from[k] != IMGP_UPLOAD) {
                ends[i] = (ends[i] == -1 || ends[st->from[k]] == -1)
                              ? -1 : imgp_max(ends[i], ends[st->from[k]]);
            }
        }

        ends[i] = (left == -1 || ends[i] == -1) ? -1 : ends[i] + left;

        if ((imgp_int_t) i == stage) {
            return ends[i];
        }

        last = (last == -1 || ends[i] == -1) ? -1 : imgp_max(last, ends[i]);
    }

    return last;
}


/* of the stage alone, from its inputs being there */

static int64_t
imgp_progress_left(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, const imgp_expect_t *expect, imgp_msec_t now)
{
    uint64_t                 waited, wait;
    const imgp_expect_t     *e;
    const imgp_job_stage_t  *st;

    st = &job->stages[stage];

    if (imgp_stage_is_final(st->state)
        || plan->stages[stage].inside
        || !imgp_graph_wanted(plan, job, stage))
    {
        return 0;
    }

    if (expect == NULL || expect[stage].samples == 0) {
        return -1;
    }

    e = &expect[stage];

    if (st->state == IMGP_ST_RUNNING) {
        return imgp_progress_rest(st, e, now);
    }

    waited = (st->state == IMGP_ST_QUEUED && st->queued_at
              && now > st->queued_at) ? now - st->queued_at : 0;
    wait = imgp_min(e->wait_ms, IMGP_PROGRESS_EVER);

    return (int64_t) e->mean_ms
           + (st->state == IMGP_ST_RETRYING || waited > wait
              ? 0 : (int64_t) (wait - waited));
}


/* what is late stays late: the longer it took the more is left */

static int64_t
imgp_progress_rest(const imgp_job_stage_t *st, const imgp_expect_t *e,
    imgp_msec_t now)
{
    uint64_t  elapsed, left, told;

    elapsed = now > st->started_at ? now - st->started_at : 0;
    elapsed = imgp_min(elapsed, IMGP_PROGRESS_EVER);

    left = elapsed < e->mean_ms ? e->mean_ms - elapsed : 0;
    left = imgp_max(left, elapsed / IMGP_PROGRESS_OVERDUE);

    /* it may tell by itself that it has come further than its time has */

    told = imgp_min(st->progress, IMGP_PROGRESS_ALL);
    told = (uint64_t) e->mean_ms * (IMGP_PROGRESS_ALL - told)
           / IMGP_PROGRESS_ALL;

    return (int64_t) (elapsed < e->mean_ms ? imgp_min(left, told) : left);
}


int64_t
imgp_progress_wait(const imgp_plan_t *plan, int64_t position,
    uint64_t pace_us, int64_t eta)
{
    uint64_t  n;

    if (position < 1) {
        return 0;
    }

    n = imgp_min((uint64_t) position, INT32_MAX);

    if (pace_us) {
        return (int64_t) (n * imgp_min(pace_us, UINT32_MAX) / 1000);
    }

    if (eta < 0) {
        return -1;
    }

    eta = imgp_min(eta, UINT32_MAX);

    return (int64_t) (n * (uint64_t) eta / imgp_max(plan->concurrency, 1));
}


imgp_msec_t
imgp_backoff(imgp_msec_t delay, imgp_uint_t attempt, uint32_t rnd,
    imgp_msec_t retry_after)
{
    imgp_msec_t  quarter;

    delay = imgp_min(delay, IMGP_BACKOFF_MAX);

    while (attempt-- > 1 && delay && delay < IMGP_BACKOFF_MAX) {
        delay = imgp_min(delay * 2, IMGP_BACKOFF_MAX);
    }

    quarter = delay / 4;
    delay = delay - quarter + rnd % (2 * quarter + 1);
    delay = imgp_min(delay, IMGP_BACKOFF_MAX);

    return imgp_max(delay, retry_after);
}
