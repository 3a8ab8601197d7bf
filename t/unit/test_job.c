
/*
 * imgp_job.c: events, times, reset, rebinding; and the property that every
 * millisecond of a job is in exactly one phase, whatever happens and however
 * the clock steps, through encoding and decoding in between.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_record.h>


#define ROUNDS  300
#define STEPS   200


static imgp_pool_t  *pool;


static void
life(void)
{
    imgp_job_t   *job;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    job = fix_job(plan);

    is_int(job->phase_ms[IMGP_PHASE_RECEIVE], 40, "received in 40 ms");
    is_int(job->phase_ms[IMGP_PHASE_STORE], 3, "stored in 3 ms");
    is_int(job->phase, IMGP_PHASE_QUEUE, "then it waits for its turn");
    is_int(job->state, IMGP_JOB_QUEUED, "queued");
    is_int(job->error_stage, -1, "no stage at fault");
    ok(imgp_str_is(&job->params[0], "on"), "param: the default");
    ok(job->stages[0].local && !job->stages[1].local, "kinds");
    ok(!job->stage_output[0] && job->stage_output[4], "outputs");
    ok(job->stages[3].optional && !job->stages[2].optional, "optional");

    is_int(imgp_job_event(job, IMGP_JOB_CLAIM, 1100), IMGP_OK, "claim");
    is_int(job->started_at, 1100, "started");
    is_int(imgp_job_event(job, IMGP_JOB_CLAIM, 1200), IMGP_DECLINED,
           "no second claim");
    is_int(job->phase_at, 1100, "which changes nothing");

    imgp_job_stage_event(job, 0, IMGP_ST_READY, 1110);
    is_int(job->phase, IMGP_PHASE_QUEUE, "nothing runs yet");
    imgp_job_stage_event(job, 0, IMGP_ST_START, 1120);
    is_int(job->phase, IMGP_PHASE_RUN, "a local stage runs");
    fix_items(job, 0, 1, 10);
    imgp_job_stage_event(job, 0, IMGP_ST_SUCCEED, 1180);
    is_int(job->stages[0].queue_ms, 10, "it was queued 10 ms");
    is_int(job->stages[0].run_ms, 60, "and ran 60 ms");
    is_int(job->stages[0].attempts, 1, "once");
    is_int(job->stages[0].progress, 1000, "all of it");

    imgp_job_stage_event(job, 1, IMGP_ST_READY, 1180);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1190);
    is_int(job->phase, IMGP_PHASE_SERVICE, "a call is out");
    imgp_job_stage_event(job, 1, IMGP_ST_RETRY, 1290);
    is_int(job->phase, IMGP_PHASE_WAIT, "all that is left is retrying");
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1490);
    fix_items(job, 1, 1, 20);
    imgp_job_stage_event(job, 1, IMGP_ST_SUCCEED, 1590);
    is_int(job->stages[1].queue_ms, 210, "waiting to retry is queueing");
    is_int(job->stages[1].run_ms, 200, "both attempts ran");
    is_int(job->stages[1].attempts, 2, "two attempts");

    fix_run(job, 2, 3, 30, 1600);
    imgp_job_stage_event(job, 3, IMGP_ST_SKIP, 1600);
    fix_run(job, 4, 5, 40, 1700);

    is_int(imgp_job_event(job, IMGP_JOB_SUCCEED, 1700), IMGP_OK, "succeed");
    is_int(job->finished_at, 1700, "finished");
    is_int(job->progress, 1000, "progress");
    is_int(fix_sum(job), 700, "every millisecond is in one phase");
    is_int(job->phase_ms[IMGP_PHASE_RUN], 60, "run");
    is_int(job->phase_ms[IMGP_PHASE_SERVICE], 200, "service");
    is_int(job->phase_ms[IMGP_PHASE_WAIT], 200, "wait");

    imgp_job_account(job, 9999);
    is_int(fix_sum(job), 700, "a final job's time has ended");
    is_int(imgp_job_stage_event(job, 0, IMGP_ST_RESET, 9999), IMGP_DECLINED,
           "and its stages do not change");
    is_int(imgp_job_stage_event(job, 5, IMGP_ST_READY, 9999), IMGP_DECLINED,
           "a stage that is not there");

    imgp_job_destroy(job);
    imgp_job_destroy(NULL);
}


static void
all_known(void)
{
    imgp_job_t   *job;
    imgp_uint_t   i;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    job = fix_job(plan);
    job->lost = 2;

    for (i = 0; i < job->nstages; i++) {
        job->stages[i].cached = 1;
        imgp_job_stage_event(job, i, IMGP_ST_READY, 1043);
        imgp_job_stage_event(job, i, IMGP_ST_SUCCEED, 1043);
    }

    is_int(job->lost, 2, "what was known is no headway");
    is_int(imgp_job_event(job, IMGP_JOB_SUCCEED, 1050), IMGP_OK,
           "a queued job succeeds");
    is_int(job->started_at, 1050, "it has started, too");
    is_int(job->stages[0].attempts, 0, "without an attempt");
    ok(job->stages[0].cached, "by what was known");
    is_int(fix_sum(job), 50, "in 50 ms");

    imgp_job_destroy(job);
}


static void
fail_and_retry(void)
{
    imgp_job_t    *job;
    imgp_plan_t   *plan;
    imgp_error_t   err;

    plan = fix_closet(pool);
    job = fix_job(plan);

    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    fix_run(job, 0, 1, 10, 1100);
    fix_run(job, 1, 1, 20, 1100);
    fix_run(job, 2, 2, 30, 1100);
    imgp_job_stage_event(job, 3, IMGP_ST_READY, 1100);
    imgp_job_stage_event(job, 3, IMGP_ST_START, 1100);
    imgp_error_set(&err, IMGP_E_SERVICE_TIMEOUT, "too slow");
    is_int(imgp_job_stage_error(job, 3, &err), IMGP_OK, "an error is kept");
    imgp_job_stage_event(job, 3, IMGP_ST_FAIL, 1200);
    job->degraded = 1;

    imgp_job_stage_event(job, 4, IMGP_ST_READY, 1200);
    imgp_job_stage_event(job, 4, IMGP_ST_START, 1200);
    imgp_error_set(&err, IMGP_E_BAD_IMAGE, "no image");
    imgp_job_stage_error(job, 4, &err);
    imgp_job_stage_event(job, 4, IMGP_ST_FAIL, 1300);

    job->error = err;
    job->error_stage = 4;
    job->lost = 1;
    job->progress = 700;
    imgp_job_event(job, IMGP_JOB_FAIL, 1300);
    job->expires_at = 5000;

    is_int(imgp_job_reset(job, IMGP_JOB_CLAIM, 2000), IMGP_DECLINED,
           "reset is for REQUEUE and RETRY alone");
    is_int(imgp_job_reset(job, IMGP_JOB_REQUEUE, 2000), IMGP_DECLINED,
           "a failed job is not requeued");
    is_int(job->stages[4].state, IMGP_ST_FAILED, "which changes no stage");

    is_int(imgp_job_reset(job, IMGP_JOB_RETRY, 2000), IMGP_OK, "retry");
    is_int(job->state, IMGP_JOB_QUEUED, "it is queued");
    is_int(job->queued_at, 2000, "anew");
    is_int(job->finished_at, 0, "and has not ended");
    is_int(job->expires_at, 0, "nor expires");
    is_int(job->lost, 0, "no worker was lost");
    is_int(job->error.code, IMGP_E_NONE, "no error");
    is_int(job->error_stage, -1, "no stage at fault");
    is_int(job->progress, 700, "progress never falls");
    is_int(job->stages[2].state, IMGP_ST_SUCCEEDED, "what succeeded stays");
    is_int(job->stages[2].nitems, 2, "with its items");
    is_int(job->stages[3].state, IMGP_ST_FAILED,
           "what failed and was optional stays");
    ok(job->stages[3].error != NULL, "with its error");
    is_int(job->stages[4].state, IMGP_ST_PENDING, "what failed runs again");
    is_int(job->stages[4].attempts, 0, "with new attempts");
    ok(job->stages[4].error == NULL, "without its error");
    is_int(fix_sum(job), 1000, "every millisecond");
    is_int(job->phase_ms[IMGP_PHASE_WAIT], 700,
           "the time until the retry was waiting");

    imgp_job_destroy(job);
}


static void
cancel_and_requeue(void)
{
    imgp_job_t   *job;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    job = fix_job(plan);

    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    fix_run(job, 0, 1, 10, 1100);
    imgp_job_stage_event(job, 1, IMGP_ST_READY, 1100);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1110);
    job->stages[1].progress = 300;
    job->stages[1].calls = 1;

    is_int(imgp_job_reset(job, IMGP_JOB_REQUEUE, 1200), IMGP_OK, "requeue");
    is_int(job->state, IMGP_JOB_QUEUED, "queued");
    is_int(job->queued_at, 1043, "at its old place");
    is_int(job->started_at, 1100, "started before");
    is_int(job->stages[0].state, IMGP_ST_SUCCEEDED, "done is done");
    is_int(job->stages[1].state, IMGP_ST_PENDING, "running begins again");
    is_int(job->stages[1].attempts, 1, "the attempt counts");
    is_int(job->stages[1].progress, 0, "its progress not");
    is_int(job->stages[1].calls, 0, "nor its calls");
    is_int(job->stages[1].run_ms, 90, "its time does");

    job->lost = 2;
    imgp_job_event(job, IMGP_JOB_CLAIM, 1300);
    imgp_job_stage_event(job, 1, IMGP_ST_READY, 1300);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1300);
    fix_items(job, 1, 1, 5);
    imgp_job_stage_event(job, 1, IMGP_ST_SUCCEED, 1400);
    is_int(job->lost, 0, "headway forgets the losses");

    imgp_job_stage_event(job, 2, IMGP_ST_READY, 1400);
    imgp_job_stage_event(job, 2, IMGP_ST_START, 1400);
    is_int(imgp_job_event(job, IMGP_JOB_CANCEL, 1500), IMGP_OK, "cancel");
    is_int(job->stages[1].state, IMGP_ST_SUCCEEDED, "done stays done");
    is_int(job->stages[2].state, IMGP_ST_CANCELED, "running is canceled");
    is_int(job->stages[2].run_ms, 100, "its time is counted");
    is_int(job->stages[4].state, IMGP_ST_CANCELED, "and pending, too");
    is_int(imgp_job_stage_event(job, 2, IMGP_ST_SUCCEED, 1600),
           IMGP_DECLINED, "it comes too late");
    is_int(imgp_job_reset(job, IMGP_JOB_RETRY, 1600), IMGP_DECLINED,
           "canceled is no failure");
    is_int(fix_sum(job), 500, "every millisecond");

    imgp_job_destroy(job);
}


static void
clock_steps(void)
{
    imgp_job_t   *job;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    job = fix_job(plan);

    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);
    imgp_job_stage_event(job, 0, IMGP_ST_READY, 500);
    is_int(job->stages[0].queued_at, 2000, "times never go back");
    imgp_job_stage_event(job, 0, IMGP_ST_START, 1500);
    imgp_job_stage_event(job, 0, IMGP_ST_SUCCEED, 1999);
    is_int(job->stages[0].run_ms, 0, "nor are they negative");
    imgp_job_event(job, IMGP_JOB_CANCEL, 100);
    is_int(job->finished_at, 2000, "nor is the end before the start");
    is_int(fix_sum(job), job->finished_at - job->created_at, "exact");

    imgp_job_destroy(job);

    job = imgp_job_create(&imgp_malloc);
    imgp_job_account(job, 777);
    is_int(job->created_at, 777, "an untold beginning is the first mark");
    is_int(fix_sum(job), 0, "and costs no time");
    imgp_job_destroy(job);
}


static void
rebind(void)
{
    u_char         digest[IMGP_DIGEST_LEN];
    imgp_job_t    *job;
    imgp_plan_t   *plan, *other;

    plan = fix_closet(pool);
    job = imgp_job_create(&imgp_malloc);
    job->param_names[0] = fix_str("size");
    job->params[0] = fix_str("640");
    job->param_names[1] = fix_str("gone");
    job->params[1] = fix_str("1");
    job->nparams = 2;

    is_int(imgp_job_bind(job, plan), IMGP_OK, "bind");
    is_int(job->nparams, 2, "the plan's params");
    ok(imgp_str_is(&job->param_names[0], "expand")
       && imgp_str_is(&job->params[0], "on"), "one has its default");
    ok(imgp_str_is(&job->param_names[1], "size")
       && imgp_str_is(&job->params[1], "640"), "the other what was given");

    imgp_job_event(job, IMGP_JOB_CLAIM, 10);
    fix_run(job, 0, 1, 1, 20);
    is_int(imgp_job_bind(job, plan), IMGP_OK, "bound again");
    is_int(job->stages[0].state, IMGP_ST_SUCCEEDED, "nothing has changed");

    other = fix_plan(pool, "closet");
    fix_param(other, pool, "size", "10", "~[0-9]+");
    fix_stage(other, "photo", "resize/1 1300", NULL);
    fix_stage(other, "last", "encode/1 jpeg", NULL);
    fix_finish(other);

    is_int(imgp_job_bind(job, other), IMGP_OK, "the plan has changed");
    is_int(job->nstages, 2, "its stages");
    is_int(job->stages[0].state, IMGP_ST_PENDING, "all begin anew");
    is_int(job->nparams, 1, "its params");
    ok(imgp_str_is(&job->params[0], "640"), "with the value given");
    memcpy(digest, other->digest, IMGP_DIGEST_LEN);
    ok(memcmp(job->plan, digest, IMGP_DIGEST_LEN) == 0, "its digest");

    imgp_job_destroy(job);
}


/* what is never to happen; 0: nothing of it */

static int
spoilt(const imgp_job_t *job, const imgp_job_t *before)
{
    imgp_uint_t  i;

    if (fix_sum(job) != job->phase_at - job->created_at) {
        return 1;
    }

    if (imgp_job_is_final(job->state)
        && job->finished_at - job->created_at != fix_sum(job))
    {
        return 2;
    }

    if (job->phase_at < before->phase_at
        || job->progress < before->progress)
    {
        return 3;
    }

    for (i = 0; i < job->nstages; i++) {
        if (job->stages[i].queue_ms + job->stages[i].run_ms
            > job->phase_at - job->created_at)
        {
            return 4;
        }

        if (imgp_job_is_final(job->state)
            && !imgp_stage_is_final(job->stages[i].state))
        {
            return 5;
        }
    }

    return 0;
}


static imgp_job_t *
through_bytes(imgp_job_t *job)
{
    ssize_t        n;
    imgp_job_t    *copy;
    static u_char  buf[IMGP_RECORD_MAX];

    n = imgp_record_encode(job, buf, sizeof(buf));
    if (n == IMGP_ERROR) {
        return NULL;
    }

    copy = imgp_record_decode(buf, (size_t) n, &imgp_malloc);
    imgp_job_destroy(job);

    return copy;
}


static void
property(void)
{
    int           bad;
    uint64_t      seed;
    imgp_msec_t   now;
    imgp_job_t   *job, before;
    imgp_uint_t   round, step, event, done_events, finals;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    seed = 20260113;
    bad = 0;
    done_events = 0;
    finals = 0;

    for (round = 0; round < ROUNDS && !bad; round++) {
        now = 1000000 + fix_random(&seed) % 1000;
        job = imgp_job_create(&imgp_malloc);
        job->created_at = now;
        imgp_job_bind(job, plan);
        imgp_job_account(job, now);
        job->phase = fix_random(&seed) % 2;

        for (step = 0; step < STEPS && !bad; step++) {
            before = *job;

            /* mostly forward, at times an hour either way */

            switch (fix_random(&seed) % 16) {
            case 0:  now += 3600000; break;
            case 1:  now -= imgp_min(now, 3600000); break;
            case 2:  break;
            default: now += fix_random(&seed) % 50;
            }

            switch (fix_random(&seed) % 12) {

            case 0:
                event = fix_random(&seed) % 30;

                /* most jobs live long */

                if (event > IMGP_JOB_RETRY) {
                    event = event % 2 ? IMGP_JOB_CLAIM : IMGP_JOB_RETRY;
                }

                if (imgp_job_event(job, event, now) == IMGP_OK)
                {
                    done_events++;
                }
                break;

            case 1:
                imgp_job_account(job, now);
                break;

            case 2:
                imgp_job_reset(job, fix_random(&seed) % 2
                               ? IMGP_JOB_RETRY : IMGP_JOB_REQUEUE, now);
                break;

            case 3:
                job = through_bytes(job);
                if (job == NULL) {
                    bad = 9;
                }
                break;

            default:
                if (imgp_job_stage_event(job, fix_random(&seed) % 5,
                                         fix_random(&seed) % 8, now)
                    == IMGP_OK)
                {
                    done_events++;
                }
            }

            if (!bad) {
                bad = spoilt(job, &before);
                finals += imgp_job_is_final(job->state);
            }
        }

        imgp_job_destroy(job);
    }

    is_int(bad, 0, "no time is lost or counted twice in %u random lives",
           (unsigned) round);
    ok(done_events > 5000 && finals > 1000, "which were lives: %u events, "
       "%u steps in a final state", (unsigned) done_events,
       (unsigned) finals);
}


static void
out_of_memory(void)
{
    imgp_job_t    *job;
    imgp_uint_t    n, failed;
    imgp_plan_t   *plan;
    test_alloc_t   ta;
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };

    plan = fix_closet(pool);
    ta.live = 0;
    failed = 0;

    for (n = 0; n < 100; n++) {
        ta.left = n;
        job = imgp_job_create(&alloc);

        if (job == NULL) {
            failed++;
            continue;
        }

        if (imgp_job_bind(job, plan) == IMGP_OK) {
            imgp_job_destroy(job);
            break;
        }

        failed++;
        imgp_job_destroy(job);
    }

    ok(failed >= 1 && n < 100, "%u failed allocations are survived",
       (unsigned) failed);
    is_int(ta.live, 0, "nothing leaks");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    life();
    all_known();
    fail_and_retry();
    cancel_and_requeue();
    clock_steps();
    rebind();
    property();
    out_of_memory();

    imgp_pool_destroy(pool);

    return done();
}
