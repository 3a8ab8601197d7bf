
/*
 * imgp_graph.c: what is ready, what stands aside, what a stage reads.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_graph.h>


enum { PHOTO, CUTOUT, ITEMS, EXPANDED, RESULT };


static imgp_pool_t  *pool;


static void
param(imgp_job_t *job, const char *value)
{
    job->params[0] = fix_str(value);
}


static void
when(void)
{
    size_t        i;
    imgp_job_t   *job;
    imgp_plan_t  *plan;

    static const struct {
        const char   *value;
        imgp_uint_t   yes;
    } values[] = {
        { "", 0 }, { "0", 0 }, { "off", 0 }, { "no", 0 }, { "false", 0 },
        { "on", 1 }, { "1", 1 }, { "yes", 1 }, { "Off", 1 }, { "00", 1 },
    };

    plan = fix_closet(pool);
    job = fix_job(plan);

    for (i = 0; i < imgp_nelts(values); i++) {
        param(job, values[i].value);
        plan->stages[EXPANDED].when_not = 0;
        is_int(imgp_graph_wanted(plan, job, EXPANDED), values[i].yes,
               "when \"%s\"", values[i].value);
        plan->stages[EXPANDED].when_not = 1;
        is_int(imgp_graph_wanted(plan, job, EXPANDED), !values[i].yes,
               "when not \"%s\"", values[i].value);
    }

    plan->stages[EXPANDED].when_not = 0;
    is_int(imgp_graph_wanted(plan, job, PHOTO), 1, "always");

    param(job, "off");
    is_int(imgp_graph_look(plan, job, EXPANDED), IMGP_GRAPH_SKIP,
           "a skip waits for nothing");

    imgp_job_destroy(job);
}


static void
ready(void)
{
    imgp_int_t    at;
    imgp_job_t   *job;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    job = fix_job(plan);
    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);

    is_int(imgp_graph_look(plan, job, PHOTO), IMGP_GRAPH_READY,
           "the upload is there");
    is_int(imgp_graph_look(plan, job, CUTOUT), IMGP_GRAPH_WAIT,
           "a stage is not");
    fix_run(job, PHOTO, 1, 10, 1100);
    is_int(imgp_graph_look(plan, job, CUTOUT), IMGP_GRAPH_READY, "now it is");
    fix_run(job, CUTOUT, 1, 20, 1100);
    fix_run(job, ITEMS, 3, 30, 1100);
    is_int(imgp_graph_look(plan, job, RESULT), IMGP_GRAPH_WAIT,
           "two of three inputs");
    is_int(imgp_graph_verdict(plan, job, &at), IMGP_JOB_RUNNING, "it goes on");
    is_int(at, -1, "no stage at fault");

    imgp_job_stage_event(job, EXPANDED, IMGP_ST_READY, 1100);
    imgp_job_stage_event(job, EXPANDED, IMGP_ST_RETRY, 1100);
    is_int(imgp_graph_look(plan, job, RESULT), IMGP_GRAPH_WAIT, "retrying");
    imgp_job_stage_event(job, EXPANDED, IMGP_ST_FAIL, 1100);
    is_int(imgp_graph_look(plan, job, RESULT), IMGP_GRAPH_READY,
           "failed, but optional");
    is_int(imgp_graph_verdict(plan, job, &at), IMGP_JOB_RUNNING,
           "which ends nothing");

    plan->stages[EXPANDED].optional = 0;
    is_int(imgp_graph_look(plan, job, RESULT), IMGP_GRAPH_DEAD,
           "failed, and needed");
    is_int(imgp_graph_verdict(plan, job, &at), IMGP_JOB_FAILED,
           "which decides at once");
    is_int(at, EXPANDED, "and is told");
    plan->stages[EXPANDED].optional = 1;

    fix_run(job, RESULT, 5, 40, 1100);
    is_int(imgp_graph_verdict(plan, job, &at), IMGP_JOB_SUCCEEDED,
           "all is done");

    imgp_job_destroy(job);

    job = fix_job(plan);
    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    imgp_job_stage_event(job, PHOTO, IMGP_ST_CANCEL, 1100);
    is_int(imgp_graph_look(plan, job, CUTOUT), IMGP_GRAPH_DEAD, "canceled");
    is_int(imgp_graph_verdict(plan, job, &at), IMGP_JOB_CANCELED,
           "is canceled");
    imgp_job_destroy(job);
}


static void
inputs(void)
{
    imgp_job_t         *job;
    imgp_item_t        *items;
    imgp_uint_t         n;
    imgp_plan_t        *plan;
    imgp_error_t        err;
    imgp_uint_t         counts[IMGP_FROM_MAX];
    const imgp_item_t  *input;

    plan = fix_closet(pool);
    job = fix_job(plan);
    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);

    input = imgp_graph_input(plan, job, PHOTO, 0, &n);
    ok(input == &job->input && n == 1, "the first stage reads the upload");
    is_int(imgp_graph_runs(plan, job, PHOTO), 1, "once");

    fix_run(job, PHOTO, 1, 10, 1100);
    fix_run(job, CUTOUT, 1, 20, 1100);
    fix_run(job, ITEMS, 3, 30, 1100);

    is_int(imgp_graph_runs(plan, job, EXPANDED), 3, "each of three");
    is_int(imgp_graph_items(plan, job, EXPANDED, 2, pool, &items, &n, &err),
           IMGP_OK, "the third run");
    ok(n == 1 && items[0].digest[0] == 32, "reads the third item alone");
    imgp_graph_counts(plan, job, EXPANDED, counts);
    is_int(counts[0], 1, "... one item of \"each\"");
    is_int(imgp_graph_items(plan, job, EXPANDED, 3, pool, &items, &n, &err),
           IMGP_ERROR, "there is no fourth");

    fix_run(job, EXPANDED, 3, 40, 1100);
    is_int(imgp_graph_runs(plan, job, RESULT), 1, "the result runs once");
    imgp_graph_items(plan, job, RESULT, 0, pool, &items, &n, &err);
    is_int(n, 7, "reads all of all");
    imgp_graph_counts(plan, job, RESULT, counts);
    ok(counts[0] == 1 && counts[1] == 3 && counts[2] == 3, "... so many each");
    ok(items[0].digest[0] == 20 && items[1].digest[0] == 30
       && items[4].digest[0] == 40 && items[6].digest[0] == 42, "in order");

    /* skipped: its reader gets what it would have read */

    job->stages[EXPANDED].state = IMGP_ST_SKIPPED;
    imgp_graph_items(plan, job, RESULT, 0, pool, &items, &n, &err);
    ok(n == 7 && items[4].digest[0] == 30, "skipped: its input instead");

    job->stages[ITEMS].state = IMGP_ST_SKIPPED;
    imgp_graph_items(plan, job, RESULT, 0, pool, &items, &n, &err);
    ok(n == 3 && items[1].digest[0] == 20 && items[2].digest[0] == 20,
       "and so on, up the graph");

    job->stages[CUTOUT].state = IMGP_ST_SKIPPED;
    job->stages[PHOTO].state = IMGP_ST_SKIPPED;
    imgp_graph_items(plan, job, RESULT, 0, pool, &items, &n, &err);
    ok(n == 3 && items[2].digest[0] == 1, "up to the upload");

    imgp_job_destroy(job);
}


/* "each" with a second input, and what is empty or too much */

static void
edges(void)
{
    imgp_job_t    *job;
    imgp_item_t   *items;
    imgp_uint_t    n;
    imgp_plan_t   *plan;
    imgp_stage_t  *st;
    imgp_error_t   err;
    test_alloc_t   ta = { 1, 0 };
    imgp_pool_t   *small;
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "crop", NULL);
    fix_stage(plan, "b", "crop", "upload");
    st = fix_stage(plan, "c", "composite", "a b");
    st->each = 1;
    fix_stage(plan, "d", "encode", "a b");
    fix_finish(plan);

    job = fix_job(plan);
    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    fix_run(job, 0, 2, 10, 1100);
    fix_run(job, 1, 2, 20, 1100);

    imgp_graph_items(plan, job, 2, 1, pool, &items, &n, &err);
    ok(n == 3 && items[0].digest[0] == 11 && items[1].digest[0] == 20
       && items[2].digest[0] == 21, "each: one of the first, all of others");

    job->stages[0].nitems = 0;
    is_int(imgp_graph_runs(plan, job, 2), 0, "each of nothing is nothing");
    is_int(imgp_graph_runs(plan, job, 3), 1, "one empty input is no matter");
    imgp_graph_items(plan, job, 3, 0, pool, &items, &n, &err);
    is_int(n, 2, "the other is read");
    job->stages[1].nitems = 0;
    is_int(imgp_graph_runs(plan, job, 3), 0, "all empty: nothing to run");

    fix_items(job, 0, IMGP_ITEMS_MAX, 1);
    is_int(imgp_graph_items(plan, job, 3, 0, pool, &items, &n, &err), IMGP_OK,
           "64 inputs");
    fix_items(job, 1, 1, 1);
    is_int(imgp_graph_items(plan, job, 3, 0, pool, &items, &n, &err),
           IMGP_ERROR, "65 inputs");
    is_int(err.code, IMGP_E_LIMIT, "are too many");

    job->stages[1].nitems = 0;
    small = imgp_pool_create(&alloc, 256);
    is_int(imgp_graph_items(plan, job, 3, 0, small, &items, &n, &err),
           IMGP_ERROR, "no memory");
    is_int(err.code, IMGP_E_INTERNAL, "is told");
    imgp_pool_destroy(small);

    imgp_job_destroy(job);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    when();
    ready();
    inputs();
    edges();

    imgp_pool_destroy(pool);

    return done();
}
