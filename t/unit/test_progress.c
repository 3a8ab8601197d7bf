
/*
 * imgp_progress.c: percentages that never fall, time left, backoff.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_progress.h>


static imgp_pool_t  *pool;


/* a chain of three */

static imgp_plan_t *
chain(imgp_uint_t a, imgp_uint_t b, imgp_uint_t c)
{
    imgp_plan_t  *plan;

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", NULL)->weight = a;
    fix_stage(plan, "b", "post http://x/", NULL)->weight = b;
    fix_stage(plan, "c", "x", NULL)->weight = c;
    fix_finish(plan);

    return plan;
}


/* the job's progress after its first stage has succeeded */

static imgp_uint_t
after_first(imgp_plan_t *plan, const imgp_expect_t *expect)
{
    imgp_job_t   *job;
    imgp_uint_t   n;

    job = fix_job(plan);
    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
    fix_run(job, 0, 1, 1, 2000);
    imgp_progress_update(plan, job, expect, 2000);
    n = job->progress;
    imgp_job_destroy(job);

    return n;
}


static void
weights(void)
{
    imgp_expect_t  e[IMGP_STAGES_MAX];

    memset(e, 0, sizeof(e));

    is_int(after_first(chain(0, 0, 0), NULL), 333, "all equal");
    is_int(after_first(chain(50, 30, 20), NULL), 500, "as declared");
    is_int(after_first(chain(0, 49, 50), NULL), 10, "one undeclared: 1");

    e[0].samples = e[1].samples = e[2].samples = 1;
    e[0].mean_ms = 100;
    e[1].mean_ms = 800;
    e[2].mean_ms = 100;
    is_int(after_first(chain(0, 0, 0), e), 100, "as measured");
    is_int(after_first(chain(50, 30, 20), e), 500, "declared counts more");
    is_int(after_first(chain(0, 80, 10), e), 100, "undeclared, to scale");

    e[2].samples = 0;
    is_int(after_first(chain(0, 0, 0), e), 100 * 1000 / 1350,
           "not yet measured: the mean of the others");

    e[0].mean_ms = e[1].mean_ms = 0;
    is_int(after_first(chain(0, 0, 0), e), 333, "measured 0 ms");
    is_int(after_first(chain(0, 9, 0), e), 1000 / 11, "the same, declared");

    e[0].mean_ms = e[1].mean_ms = UINT32_MAX;
    is_int(after_first(chain(0, SIZE_MAX, 0), e), 499, "no overflow");
}


static void
running(void)
{
    imgp_job_t    *job;
    imgp_plan_t   *plan;
    imgp_expect_t  e[IMGP_STAGES_MAX];

    memset(e, 0, sizeof(e));
    plan = chain(0, 100, 0);
    plan->stages[0].weight = plan->stages[2].weight = 50;
    job = fix_job(plan);
    e[1].samples = 1;
    e[1].mean_ms = 1000;

    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
    fix_run(job, 0, 1, 1, 2000);
    is_int(imgp_progress_update(plan, job, e, 2000), 1, "it has changed");
    is_int(job->progress, 250, "a quarter");
    is_int(imgp_progress_update(plan, job, e, 2000), 0, "it has not");

    imgp_job_stage_event(job, 1, IMGP_ST_READY, 2000);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 2000);
    imgp_progress_update(plan, job, e, 2500);
    is_int(job->stages[1].progress, 450, "half the time: half of 90 %%");
    is_int(job->progress, 475, "the job's share of it");
    imgp_progress_update(plan, job, e, 2100);
    is_int(job->stages[1].progress, 450, "a clock step back is no matter");
    imgp_progress_update(plan, job, e, 3000);
    is_int(job->stages[1].progress, 900, "its time is over: 90 %%");
    imgp_progress_update(plan, job, e, 4000);
    is_int(job->stages[1].progress, 945, "overdue: it goes on");
    imgp_progress_update(plan, job, e, UINT64_MAX);
    is_int(job->stages[1].progress, 990, "up to 99 %%");

    job->stages[1].progress = 995;
    imgp_progress_update(plan, job, e, 99999);
    is_int(job->stages[1].progress, 995, "unless it tells so itself");
    job->stages[1].progress = 990;

    imgp_job_stage_event(job, 1, IMGP_ST_RETRY, 99999);
    imgp_progress_update(plan, job, e, 99999);
    is_int(job->progress, 747, "retrying does not set it back");

    imgp_job_stage_event(job, 1, IMGP_ST_START, 99999);
    imgp_job_stage_event(job, 1, IMGP_ST_SUCCEED, 99999);
    fix_run(job, 2, 1, 1, 99999);
    imgp_progress_update(plan, job, e, 99999);
    is_int(job->progress, 999, "not all before the end");
    imgp_job_event(job, IMGP_JOB_SUCCEED, 99999);
    is_int(job->progress, 1000, "all of it then");
    is_int(imgp_progress_update(plan, job, e, 99999), 0, "and for ever");

    imgp_job_destroy(job);
}


static void
skipped(void)
{
    imgp_job_t    *job;
    imgp_plan_t   *plan;

    plan = fix_closet(pool);
    plan->stages[0].weight = 15;
    plan->stages[4].weight = 40;
    job = fix_job(plan);
    job->params[0] = fix_str("off");
    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
    fix_run(job, 0, 1, 1, 2000);
    imgp_progress_update(plan, job, NULL, 2000);
    is_int(job->progress, 150, "what will be skipped weighs nothing");

    imgp_job_destroy(job);
}


/* a diamond: b and c read a, d reads both */

static void
eta(void)
{
    imgp_uint_t    i;
    imgp_job_t    *job;
    imgp_plan_t   *plan;
    imgp_expect_t  e[IMGP_STAGES_MAX];

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", NULL);
    fix_stage(plan, "b", "x", "a");
    fix_stage(plan, "c", "x", "a");
    fix_stage(plan, "d", "x", "b c");
    fix_finish(plan);

    memset(e, 0, sizeof(e));

    for (i = 0; i < 4; i++) {
        e[i].samples = 1;
        e[i].mean_ms = 100 << i;      /* 100, 200, 400, 800 */
    }

    job = fix_job(plan);
    is_int(imgp_progress_eta(plan, job, -1, e, 2000), 1300,
           "the longest path");
    is_int(imgp_progress_eta(plan, job, 1, e, 2000), 300, "up to a stage");
    is_int(imgp_progress_eta(plan, job, -1, NULL, 2000), -1, "not known");

    e[1].samples = 0;
    is_int(imgp_progress_eta(plan, job, -1, e, 2000), -1,
           "a stage is not known");
    is_int(imgp_progress_eta(plan, job, 2, e, 2000), 500, "but others are");
    e[1].samples = 1;

    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
    fix_run(job, 0, 1, 1, 2000);
    imgp_job_stage_event(job, 2, IMGP_ST_READY, 2000);
    imgp_job_stage_event(job, 2, IMGP_ST_START, 2000);
    is_int(imgp_progress_eta(plan, job, 2, e, 2200), 200,
           "half of its time is over");
    is_int(imgp_progress_eta(plan, job, -1, e, 2200), 1000, "of the job");
    job->stages[2].progress = 800;
    is_int(imgp_progress_eta(plan, job, 2, e, 2200), 80,
           "it tells that it has come further");
    is_int(imgp_progress_eta(plan, job, 2, e, 7000), 500,
           "overdue: it stays late");

    fix_run(job, 1, 1, 1, 2000);
    fix_items(job, 2, 1, 1);
    imgp_job_stage_event(job, 2, IMGP_ST_SUCCEED, 2400);
    fix_run(job, 3, 1, 1, 2400);
    is_int(imgp_progress_eta(plan, job, -1, e, 2400), 0, "all is done");

    imgp_job_destroy(job);
}


/* what waits for a service, and for its turn */

static void
waiting(void)
{
    imgp_job_t    *job;
    imgp_plan_t   *plan;
    imgp_expect_t  e[IMGP_STAGES_MAX];

    plan = chain(0, 0, 0);
    memset(e, 0, sizeof(e));
    e[0].samples = e[1].samples = e[2].samples = 1;
    e[0].mean_ms = e[1].mean_ms = e[2].mean_ms = 1000;
    e[1].wait_ms = 5000;
    job = fix_job(plan);

    is_int(imgp_progress_eta(plan, job, -1, e, 2000), 8000,
           "waiting for a service counts");

    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
    fix_run(job, 0, 1, 1, 2000);
    imgp_job_stage_event(job, 1, IMGP_ST_READY, 2000);
    is_int(imgp_progress_eta(plan, job, 1, e, 4000), 4000,
           "what was waited is over");
    is_int(imgp_progress_eta(plan, job, 1, e, 99999), 1000,
           "it cannot wait less than not at all");
    is_int(imgp_progress_eta(plan, job, 1, e, 1), 6000, "a clock step back");
    imgp_job_stage_event(job, 1, IMGP_ST_RETRY, 4000);
    is_int(imgp_progress_eta(plan, job, 1, e, 4000), 1000,
           "one that tries again has its place");
    imgp_job_stage_event(job, 1, IMGP_ST_START, 4000);
    is_int(imgp_progress_eta(plan, job, 1, e, 4100), 900, "it runs");
    e[1].wait_ms = UINT64_MAX;
    job->stages[1].state = IMGP_ST_QUEUED;
    ok(imgp_progress_eta(plan, job, -1, e, 4100) > (int64_t) 1 << 47,
       "no overflow");

    imgp_job_destroy(job);

    plan->concurrency = 4;
    is_int(imgp_progress_wait(plan, -1, 500, 3000), 0, "it has no place");
    is_int(imgp_progress_wait(plan, 7, 0, 3000), 5250, "seventh of four");
    is_int(imgp_progress_wait(plan, 7, 0, -1), -1, "nothing is known");
    is_int(imgp_progress_wait(plan, 7, 200000, -1), 1400,
           "but how fast it goes");
    is_int(imgp_progress_wait(plan, 7, 200, 3000), 1, "1.4 ms");
    plan->concurrency = 0;
    ok(imgp_progress_wait(plan, INT64_MAX, 0, INT64_MAX) > 0
       && imgp_progress_wait(plan, INT64_MAX, UINT64_MAX, 0) > 0,
       "no overflow");
}


/* a picture every 100 ms: it moves on by little steps, whatever is known */

static void
smooth(void)
{
    imgp_job_t    *job;
    imgp_plan_t   *plan;
    imgp_uint_t    i, k, was, before, step, still;
    imgp_expect_t  e[IMGP_STAGES_MAX];

    static const char *const  what[] = {
        "never measured", "as expected", "three times as long"
    };

    for (k = 0; k < 3; k++) {
        plan = chain(0, 0, 0);
        plan->stages[0].kind = IMGP_STAGE_POST;
        memset(e, 0, sizeof(e));
        e[0].samples = k;
        e[0].mean_ms = k == 1 ? 20000 : 7000;

        job = fix_job(plan);
        imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
        imgp_job_stage_event(job, 0, IMGP_ST_READY, 2000);
        imgp_job_stage_event(job, 0, IMGP_ST_START, 2000);

        step = 0;
        still = 0;
        was = 0;
        before = 0;

        for (i = 1; i <= 200; i++) {
            imgp_progress_update(plan, job, k ? e : NULL, 2000 + i * 100);

            step = imgp_max(step, job->stages[0].progress - was);
            was = job->stages[0].progress;

            if (i % 10 == 0) {
                still += (was == before);
                before = was;
            }
        }

        ok(step <= 15, "%s: steps of %d at most", what[k], (int) step);
        is_int(still, 0, "%s: it moves in each second", what[k]);
        ok(was > 650 && was < 1000, "%s: %d after 20 s", what[k], (int) was);

        imgp_job_destroy(job);
    }

    plan = chain(0, 0, 0);
    job = fix_job(plan);
    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
    imgp_job_stage_event(job, 0, IMGP_ST_READY, 2000);
    imgp_job_stage_event(job, 0, IMGP_ST_START, 2000);
    imgp_progress_update(plan, job, NULL, UINT64_MAX);
    is_int(job->stages[0].progress, 949, "for ever");
    imgp_job_destroy(job);
}


static void
never_falls(void)
{
    uint64_t       seed;
    imgp_job_t    *job;
    imgp_msec_t    now;
    imgp_uint_t    i, k, falls, was;
    imgp_plan_t   *plan;
    imgp_expect_t  e[IMGP_STAGES_MAX];

    seed = 7;
    falls = 0;
    plan = fix_closet(pool);
    memset(e, 0, sizeof(e));

    for (k = 0; k < 100; k++) {
        job = fix_job(plan);
        now = 2000;
        imgp_job_event(job, IMGP_JOB_CLAIM, now);

        for (i = 0; i < 200; i++) {
            was = job->progress;

            switch (fix_random(&seed) % 4) {
            case 0:
                e[i % 5].samples = 1;
                e[i % 5].mean_ms = fix_random(&seed) % 5000;
                break;
            case 1:
                now = now + fix_random(&seed) % 400 - 100;
                break;
            default:
                imgp_job_stage_event(job, fix_random(&seed) % 5,
                                     fix_random(&seed) % IMGP_ST_CANCEL, now);
            }

            imgp_progress_update(plan, job, e, now);
            falls += (job->progress < was || job->progress > 999);
        }

        imgp_job_destroy(job);
    }

    is_int(falls, 0, "it never falls, whatever comes");
}


static void
backoff(void)
{
    imgp_uint_t  i, wrong;
    imgp_msec_t  ms;

    is_int(imgp_backoff(1000, 1, 0, 0), 750, "a quarter less");
    is_int(imgp_backoff(1000, 1, 250, 0), 1000, "the delay itself");
    is_int(imgp_backoff(1000, 1, 500, 0), 1250, "a quarter more");
    is_int(imgp_backoff(1000, 1, 501, 0), 750, "any number will do");
    is_int(imgp_backoff(1000, 4, 2000, 0), 8000, "doubled three times");
    is_int(imgp_backoff(1000, 0, 250, 0), 1000, "attempt 0 is the first");
    is_int(imgp_backoff(1000, SIZE_MAX, 150000, 0), IMGP_BACKOFF_MAX,
           "at most 10 min");
    is_int(imgp_backoff(UINT64_MAX, 3, UINT32_MAX, 0) <= IMGP_BACKOFF_MAX, 1,
           "whatever the delay");
    is_int(imgp_backoff(0, 9, 5, 0), 0, "none is none");
    is_int(imgp_backoff(1000, 1, 0, 30000), 30000, "Retry-After");
    is_int(imgp_backoff(1000, 1, 0, 3600000), 3600000,
           "even beyond 10 min");

    for (i = 0, wrong = 0; i < 10000; i++) {
        ms = imgp_backoff(3000, 2, (uint32_t) (i * 2654435761u), 0);
        wrong += (ms < 4500 || ms > 7500);
    }

    is_int(wrong, 0, "always within a quarter");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    weights();
    running();
    skipped();
    eta();
    waiting();
    smooth();
    never_falls();
    backoff();

    imgp_pool_destroy(pool);

    return done();
}
