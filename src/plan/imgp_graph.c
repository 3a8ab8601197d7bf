
/*
 * What of a job can run next.  A stage that was skipped, or failed and is
 * optional, or is done within its reader, stands aside: whoever reads it reads
 * its first input instead, and so on up to a stage that stands, or to the
 * upload.
 *
 * Called by the runner (event loop) after every change of a stage.  Pure: the
 * plan is immutable and the job is only looked at; arrays come from the
 * caller's pool.  The plan has no cycle (imgp_plan_finish()), so every walk
 * ends; job and plan agree (imgp_job_bind()).
 */


#include <imgp/imgp_graph.h>


static imgp_uint_t imgp_graph_source(const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t from);
static imgp_uint_t imgp_graph_aside(const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage);


imgp_uint_t
imgp_graph_wanted(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage)
{
    imgp_uint_t          no;
    const imgp_str_t    *value;
    const imgp_stage_t  *st;

    st = &plan->stages[stage];

    if (st->when == IMGP_NO_PARAM) {
        return 1;
    }

    value = &job->params[st->when];

    no = (value->len == 0
          || imgp_str_is(value, "0")
          || imgp_str_is(value, "off")
          || imgp_str_is(value, "no")
          || imgp_str_is(value, "false"));

    return st->when_not ? no : !no;
}


imgp_graph_e
imgp_graph_look(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage)
{
    imgp_uint_t          i, from, wait;
    const imgp_stage_t  *st;

    if (!imgp_graph_wanted(plan, job, stage)) {
        return IMGP_GRAPH_SKIP;
    }

    st = &plan->stages[stage];
    wait = 0;

    for (i = 0; i < st->nfrom; i++) {
        from = imgp_graph_source(plan, job, st->from[i]);

        if (from == IMGP_UPLOAD) {
            continue;
        }

        switch (job->stages[from].state) {

        case IMGP_ST_SUCCEEDED:
            break;

        case IMGP_ST_FAILED:
        case IMGP_ST_CANCELED:
            return IMGP_GRAPH_DEAD;

        default:
            wait = 1;
            break;
        }
    }

    if (wait) {
        return IMGP_GRAPH_WAIT;
    }

    return st->inside ? IMGP_GRAPH_PASS : IMGP_GRAPH_READY;
}


/* the stage, or IMGP_UPLOAD, whose items a reader of "from" gets */

static imgp_uint_t
imgp_graph_source(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t from)
{
    while (from != IMGP_UPLOAD && imgp_graph_aside(plan, job, from)) {
        from = plan->stages[from].from[0];
    }

    return from;
}


static imgp_uint_t
imgp_graph_aside(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage)
{
    switch (job->stages[stage].state) {

    case IMGP_ST_SKIPPED:
        return 1;

    case IMGP_ST_FAILED:
        return plan->stages[stage].optional;

    case IMGP_ST_CANCELED:
        return 0;

    default:
        return plan->stages[stage].inside;
    }
}


const imgp_item_t *
imgp_graph_input(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, imgp_uint_t i, imgp_uint_t *n)
{
    imgp_uint_t  from;

    from = imgp_graph_source(plan, job, plan->stages[stage].from[i]);

    if (from == IMGP_UPLOAD) {
        *n = 1;
        return &job->input;
    }

    *n = job->stages[from].nitems;

    return job->stages[from].items;
}


imgp_uint_t
imgp_graph_runs(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage)
{
    imgp_uint_t          i, n;
    const imgp_stage_t  *st;

    st = &plan->stages[stage];

    for (i = 0; i < st->nfrom; i++) {
        imgp_graph_input(plan, job, stage, i, &n);

        if (st->each) {
            return n;
        }

        if (n) {
            return 1;
        }
    }

    return 0;
}


void
imgp_graph_counts(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, imgp_uint_t counts[IMGP_FROM_MAX])
{
    imgp_uint_t          i, n;
    const imgp_stage_t  *st;

    st = &plan->stages[stage];

    for (i = 0; i < st->nfrom; i++) {
        imgp_graph_input(plan, job, stage, i, &n);
        counts[i] = (st->each && i == 0) ? 1 : n;
    }
}


imgp_int_t
imgp_graph_items(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, imgp_uint_t run, imgp_pool_t *pool,
    imgp_item_t **items, imgp_uint_t *n, imgp_error_t *err)
{
    imgp_uint_t          i, count, total;
    const imgp_item_t   *input, *inputs[IMGP_FROM_MAX];
    imgp_uint_t          counts[IMGP_FROM_MAX];
    const imgp_stage_t  *st;

    st = &plan->stages[stage];
    total = 0;

    for (i = 0; i < st->nfrom; i++) {
        input = imgp_graph_input(plan, job, stage, i, &count);

        if (st->each && i == 0) {
            if (run >= count) {
                return imgp_error_set(err, IMGP_E_INTERNAL,
                                      "run %zu of %zu", (size_t) run,
                                      (size_t) count);
            }

            input += run;
            count = 1;
        }

        inputs[i] = input;
        counts[i] = count;
        total += count;
    }

    if (total > IMGP_ITEMS_MAX) {
        return imgp_error_set(err, IMGP_E_LIMIT,
                              "%zu inputs, at most %d are allowed",
                              (size_t) total, IMGP_ITEMS_MAX);
    }

    *items = imgp_palloc(pool, total * sizeof(imgp_item_t));
    if (*items == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    *n = 0;

    for (i = 0; i < st->nfrom; i++) {
        if (counts[i]) {
            memcpy(*items + *n, inputs[i], counts[i] * sizeof(imgp_item_t));
            *n += counts[i];
        }
    }

    return IMGP_OK;
}


imgp_job_state_e
imgp_graph_verdict(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_int_t *stage)
{
    imgp_uint_t       i, n;
    imgp_job_state_e  verdict;

    *stage = -1;
    verdict = IMGP_JOB_SUCCEEDED;

    for (n = 0; n < plan->nstages; n++) {
        i = plan->order[n];

        switch (job->stages[i].state) {

        case IMGP_ST_SUCCEEDED:
        case IMGP_ST_SKIPPED:
            break;

        case IMGP_ST_FAILED:
            if (!plan->stages[i].optional) {
                *stage = i;
                return IMGP_JOB_FAILED;
            }

            break;

        case IMGP_ST_CANCELED:
            verdict = IMGP_JOB_CANCELED;
            break;

        default:
            if (verdict == IMGP_JOB_SUCCEEDED) {
                verdict = IMGP_JOB_RUNNING;
            }

            break;
        }
    }

    return verdict;
}
