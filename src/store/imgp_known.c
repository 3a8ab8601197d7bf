
/*
 * Known results: the one place where keys are made and manifests asked.
 * Called by the thread that stores an upload (the whole job may be known),
 * and, for the key alone, by the event loop when a stage gets ready.
 */


#include <imgp/imgp_known.h>
#include <imgp/imgp_graph.h>
#include <imgp/imgp_chain.h>
#include <imgp/imgp_key.h>


static imgp_int_t imgp_known_stage(const imgp_store_t *store,
    const imgp_plan_t *plan, imgp_job_t *job, imgp_uint_t stage,
    imgp_store_error_t *err);
static imgp_int_t imgp_known_append(imgp_item_t *all,
    imgp_uint_t *nall, const imgp_item_t *items, imgp_uint_t nitems);


imgp_int_t
imgp_known_key(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, const imgp_item_t *items, imgp_uint_t nitems,
    u_char key[IMGP_DIGEST_LEN])
{
    imgp_str_t  salt;

    salt.len = IMGP_ID_BYTES;
    salt.data = (u_char *) job->id;

    return imgp_key(plan, stage, job, items, nitems,
                    plan->cache ? NULL : &salt, key);
}


imgp_msec_t
imgp_known_oldest(const imgp_plan_t *plan, const imgp_job_t *job)
{
    /* what the job itself has made is always taken: that is its resume */

    if (job->bypass) {
        return job->created_at;
    }

    if (plan->cache == 0 || job->created_at < plan->cache) {
        return 0;
    }

    return job->created_at - plan->cache;
}


imgp_int_t
imgp_known_resolve(const imgp_store_t *store, const imgp_plan_t *plan,
    imgp_job_t *job, imgp_msec_t now, imgp_store_error_t *err)
{
    uint8_t      phase, links[IMGP_CHAIN_MAX];
    imgp_int_t   rc;
    imgp_uint_t  i, n, stage, link, missing;

    phase = job->phase;
    missing = 0;

    for (i = 0; i < plan->nstages; i++) {
        stage = plan->order[i];

        switch (imgp_graph_look(plan, job, stage)) {

        case IMGP_GRAPH_SKIP:
            (void) imgp_job_stage_event(job, stage, IMGP_ST_SKIP, now);
            job->phase = phase;
            continue;

        case IMGP_GRAPH_PASS:
            continue;

        case IMGP_GRAPH_READY:
            rc = imgp_known_stage(store, plan, job, stage, err);
            break;

        default:
            rc = IMGP_DECLINED;
        }

        if (rc == IMGP_ERROR) {
            return IMGP_ERROR;
        }

        if (rc == IMGP_DECLINED) {
            missing = 1;
            continue;
        }

        n = imgp_chain_links(plan, stage, links);

        while (n) {
            link = links[--n];

            job->stages[link].cached = 1;

            (void) imgp_job_stage_event(job, link, IMGP_ST_READY, now);
            (void) imgp_job_stage_event(job, link, IMGP_ST_SUCCEED, now);
        }

        /* to look is the caller's work, not the queue's */
        job->phase = phase;
    }

    return missing ? IMGP_DECLINED : IMGP_OK;
}


/* every run of the stage must be known; its items become the stage's */

static imgp_int_t
imgp_known_stage(const imgp_store_t *store, const imgp_plan_t *plan,
    imgp_job_t *job, imgp_uint_t stage, imgp_store_error_t *err)
{
    u_char        key[IMGP_DIGEST_LEN];
    imgp_int_t    rc;
    imgp_item_t  *in, *out, *all;
    imgp_uint_t   run, runs, nin, nout, nall;

    runs = imgp_graph_runs(plan, job, stage);
    nall = 0;

    all = imgp_palloc(job->pool, IMGP_ITEMS_MAX * sizeof(imgp_item_t));
    if (all == NULL) {
        return imgp_error_set(&err->error, IMGP_E_INTERNAL, "out of memory");
    }

    for (run = 0; run < runs; run++) {

        if (imgp_graph_items(plan, job, stage, run, job->pool, &in, &nin,
                             &err->error)
            != IMGP_OK)
        {
            /* the stage itself will say so when it is run */
            return IMGP_DECLINED;
        }

        if (imgp_known_key(plan, job, stage, in, nin, key) != IMGP_OK) {
            return imgp_error_set(&err->error, IMGP_E_INTERNAL,
                                  "out of memory");
        }

        rc = imgp_result_get(store, key, imgp_known_oldest(plan, job),
                             job->pool, &out, &nout, err);
        if (rc != IMGP_OK) {
            return rc;
        }

        if (imgp_known_append(all, &nall, out, nout) != IMGP_OK) {
            return IMGP_DECLINED;
        }
    }

    job->stages[stage].items = all;
    job->stages[stage].nitems = nall;

    return IMGP_OK;
}


static imgp_int_t
imgp_known_append(imgp_item_t *all, imgp_uint_t *nall,
    const imgp_item_t *items, imgp_uint_t nitems)
{
    if (nitems > IMGP_ITEMS_MAX - *nall) {
        return IMGP_DECLINED;
    }

    memcpy(all + *nall, items, nitems * sizeof(imgp_item_t));
    *nall += nitems;

    return IMGP_OK;
}
