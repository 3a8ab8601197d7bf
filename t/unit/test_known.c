
/*
 * imgp_known.c: how far a job's stages are known, whose results are taken,
 * and where the time of looking goes.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_graph.h>
#include <imgp/imgp_known.h>


enum { PHOTO, CUTOUT, ITEMS, EXPANDED, RESULT };

#define NOW  2000


static imgp_store_t        store;
static imgp_store_error_t  err;
static imgp_pool_t        *pool;


static imgp_item_t
blob(const char *content)
{
    uint64_t     added;
    imgp_item_t  item;

    memset(&item, 0, sizeof(item));
    imgp_blob_put(&store, content, strlen(content), item.digest, &added,
                  &err);
    item.bytes = strlen(content);
    strcpy(item.type, "image/png");

    return item;
}


/* stores what a run of the stage gives: n items named after it */

static void
run(const imgp_plan_t *plan, const imgp_job_t *job, imgp_uint_t stage,
    imgp_uint_t number, imgp_uint_t n, imgp_msec_t made)
{
    char          content[32];
    u_char        key[IMGP_DIGEST_LEN];
    imgp_uint_t   i, nin;
    imgp_item_t  *in, out[IMGP_ITEMS_MAX];

    imgp_graph_items(plan, job, stage, number, pool, &in, &nin, &err.error);
    imgp_known_key(plan, job, stage, in, nin, key);

    for (i = 0; i < n; i++) {
        sprintf(content, "stage %d run %d item %d", (int) stage,
                (int) number, (int) i);
        out[i] = blob(content);
    }

    imgp_result_put(&store, key, made, out, n, &err);
}


static imgp_job_t *
resolved(const imgp_plan_t *plan, imgp_int_t *rc, const char *expand)
{
    imgp_job_t  *job;

    job = fix_job(plan);
    job->params[0] = fix_str(expand);
    job->phase = IMGP_PHASE_STORE;
    *rc = imgp_known_resolve(&store, plan, job, NOW, &err);

    return job;
}


static void
stage_by_stage(const imgp_plan_t *plan)
{
    imgp_int_t    rc;
    imgp_job_t   *job;
    imgp_uint_t   i;

    job = resolved(plan, &rc, "on");
    is_int(rc, IMGP_DECLINED, "nothing is known");
    is_int(job->stages[PHOTO].state, IMGP_ST_PENDING, "photo is to be run");
    run(plan, job, PHOTO, 0, 1, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "on");
    is_int(rc, IMGP_DECLINED, "one stage is known");
    is_int(job->stages[PHOTO].state, IMGP_ST_SUCCEEDED, "photo is done");
    is_int(job->stages[PHOTO].cached, 1, "and cached");
    is_int(job->stages[CUTOUT].state, IMGP_ST_PENDING, "cutout is not");
    is_int(job->phase, IMGP_PHASE_STORE, "to look is storing");
    is_int(job->phase_ms[IMGP_PHASE_QUEUE], 0, "the queue has no part in it");
    run(plan, job, CUTOUT, 0, 1, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "on");
    run(plan, job, ITEMS, 0, 2, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "on");
    is_int(job->stages[ITEMS].nitems, 2, "items gave two");
    run(plan, job, EXPANDED, 0, 1, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "on");
    is_int(job->stages[EXPANDED].state, IMGP_ST_PENDING,
           "one of two runs of a fan-out is not enough");
    run(plan, job, EXPANDED, 1, 1, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "on");
    is_int(job->stages[EXPANDED].nitems, 2, "both are, in their order");
    ok(memcmp(job->stages[EXPANDED].items[0].digest,
              job->stages[EXPANDED].items[1].digest, IMGP_DIGEST_LEN) != 0,
       "each its own");
    run(plan, job, RESULT, 0, 5, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "on");
    is_int(rc, IMGP_OK, "all of the job is known");

    for (i = 0; i < plan->nstages; i++) {
        is_int(job->stages[i].state, IMGP_ST_SUCCEEDED, "stage %d",
               (int) i);
    }

    imgp_job_destroy(job);
}


static void
skipped(const imgp_plan_t *plan)
{
    imgp_int_t   rc;
    imgp_job_t  *job;

    job = resolved(plan, &rc, "off");
    is_int(job->stages[EXPANDED].state, IMGP_ST_SKIPPED, "its when says no");
    is_int(job->stages[RESULT].state, IMGP_ST_PENDING,
           "what reads it has other inputs then");
    is_int(job->phase, IMGP_PHASE_STORE, "a skip is no queueing either");
    run(plan, job, RESULT, 0, 5, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "off");
    is_int(rc, IMGP_OK, "known with the stage skipped");
    imgp_job_destroy(job);
}


static void
age(imgp_plan_t *plan)
{
    imgp_int_t   rc;
    imgp_job_t  *job;

    job = fix_job(plan);

    plan->cache = 400;
    is_int(imgp_known_oldest(plan, job), 600, "made in the last 400 ms");
    plan->cache = 5000;
    is_int(imgp_known_oldest(plan, job), 0, "never before the epoch");
    plan->cache = 0;
    is_int(imgp_known_oldest(plan, job), 0, "cache off: of any age");
    plan->cache = 400;
    job->bypass = 1;
    is_int(imgp_known_oldest(plan, job), 1000, "bypass: since it began");
    job->created_at = 1600;
    job->phase = IMGP_PHASE_STORE;
    is_int(imgp_known_resolve(&store, plan, job, NOW, &err), IMGP_DECLINED,
           "a bypass takes nothing older");
    is_int(job->stages[PHOTO].state, IMGP_ST_PENDING, "not even photo");
    imgp_job_destroy(job);

    /* what others made has another key than what a job without cache makes */

    plan->cache = 0;
    job = resolved(plan, &rc, "on");
    is_int(rc, IMGP_DECLINED, "cache off: nothing of others");
    run(plan, job, PHOTO, 0, 1, 1500);
    imgp_job_destroy(job);

    job = resolved(plan, &rc, "on");
    is_int(job->stages[PHOTO].state, IMGP_ST_SUCCEEDED,
           "cache off: its own, that is resume");
    imgp_job_destroy(job);

    job = fix_job(plan);
    memset(job->id, 0x77, IMGP_ID_BYTES);
    is_int(imgp_known_resolve(&store, plan, job, NOW, &err), IMGP_DECLINED,
           "cache off: another job");
    is_int(job->stages[PHOTO].state, IMGP_ST_PENDING, "has nothing of it");
    imgp_job_destroy(job);
}


int
main(void)
{
    imgp_plan_t  *plan;

    pool = imgp_pool_create(&imgp_malloc, 4096);
    tmp_store(&store, 0);

    plan = fix_closet(pool);

    stage_by_stage(plan);
    skipped(plan);
    age(plan);

    imgp_pool_destroy(pool);
    tmp_remove();

    return done();
}
