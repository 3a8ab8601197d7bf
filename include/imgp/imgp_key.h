
/*
 * The stage key: SHA-256 over everything that decides a run's outputs, in an
 * unambiguous form (each part preceded by its length).  One mechanism for
 * cache, resume and single-flight.
 */


#ifndef _IMGP_KEY_H_INCLUDED_
#define _IMGP_KEY_H_INCLUDED_


#include <imgp/imgp_job.h>


/*
 * Besides the items' digests and types their distribution over the stage's
 * inputs counts, and for a service the inputs' names, since its template may
 * ask for them.  Not the pipeline's name: pipelines share their results.
 */

/* "salt" separates what must not be shared, such as a job with "cache off";
   NULL: none.  IMGP_ERROR only when memory is out. */

imgp_int_t imgp_key(const imgp_plan_t *plan, imgp_uint_t stage,
    const imgp_job_t *job, const imgp_item_t *items, imgp_uint_t nitems,
    const imgp_str_t *salt, u_char key[IMGP_DIGEST_LEN]);

/* the digest of a plan: of names, params, stages and edges, but not of what
   changes no result, such as weights, times and limits */

imgp_int_t imgp_key_plan(const imgp_plan_t *plan,
    u_char digest[IMGP_DIGEST_LEN]);


#endif /* _IMGP_KEY_H_INCLUDED_ */
