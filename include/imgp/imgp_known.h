
/*
 * Which runs of stages are known already: their keys are computed and looked
 * up, so cache, resume and single-flight agree on what "the same" means.
 * Reads manifests: for threads.
 */


#ifndef _IMGP_KNOWN_H_INCLUDED_
#define _IMGP_KNOWN_H_INCLUDED_


#include <imgp/imgp_job.h>
#include <imgp/imgp_store.h>


/*
 * The key of a run with these inputs.  With "cache off" a job shares nothing,
 * so its id is the salt.  IMGP_ERROR: memory is out.
 */

imgp_int_t imgp_known_key(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, const imgp_item_t *items, imgp_uint_t nitems,
    u_char key[IMGP_DIGEST_LEN]);

/* results made before this time (ms since the epoch) are not taken */

imgp_msec_t imgp_known_oldest(const imgp_plan_t *plan,
    const imgp_job_t *job);

/*
 * Marks every stage that is known as succeeded and cached, or skipped, as
 * far as the graph goes.  IMGP_OK: all of the job is known; IMGP_DECLINED:
 * some stage is to be run; IMGP_ERROR: err (memory, or the store is away).
 */

imgp_int_t imgp_known_resolve(const imgp_store_t *store,
    const imgp_plan_t *plan, imgp_job_t *job, imgp_msec_t now,
    imgp_store_error_t *err);


#endif /* _IMGP_KNOWN_H_INCLUDED_ */
