
/*
 * What of a job can run next.  Pure functions of plan and job.
 */


#ifndef _IMGP_GRAPH_H_INCLUDED_
#define _IMGP_GRAPH_H_INCLUDED_


#include <imgp/imgp_job.h>


typedef enum {
    IMGP_GRAPH_WAIT = 0,              /* an input is not final yet */
    IMGP_GRAPH_READY,
    IMGP_GRAPH_PASS,                  /* ready, but its reader does it */
    IMGP_GRAPH_SKIP,                  /* its "when" says no */
    IMGP_GRAPH_DEAD                   /* an input failed and was not optional */
} imgp_graph_e;


/* does its "when" say yes?  No: "", "0", "off", "no", "false". */

imgp_uint_t imgp_graph_wanted(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage);

/* of a pending stage; a "when" that says no needs no inputs */

imgp_graph_e imgp_graph_look(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage);

/*
 * The items a stage reads from its input number "i": a skipped or failed
 * optional stage, and one that is done within its reader, stands for its own
 * first input.  They are the job's own.
 */

const imgp_item_t *imgp_graph_input(const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage, imgp_uint_t i, imgp_uint_t *n);

/*
 * How often a stage runs: 1, or with "each" once per item of its first input;
 * 0, which is success without outputs, when that has no items or none of its
 * inputs has any.  And the inputs of its run number "run" in one array from
 * "pool".  More than IMGP_ITEMS_MAX in all: IMGP_ERROR with IMGP_E_LIMIT.
 */

imgp_uint_t imgp_graph_runs(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage);
imgp_int_t imgp_graph_items(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, imgp_uint_t run, imgp_pool_t *pool,
    imgp_item_t **items, imgp_uint_t *n, imgp_error_t *err);

/* how many of these are of which input */

void imgp_graph_counts(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_uint_t stage, imgp_uint_t counts[IMGP_FROM_MAX]);

/* the job's own state, once no stage can go on: SUCCEEDED, FAILED, or
   RUNNING while something can; a failed stage that is not optional decides
   at once, and *stage names it (else -1).  CANCELED: a stage was, which
   happens with its job only. */

imgp_job_state_e imgp_graph_verdict(const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_int_t *stage);


#endif /* _IMGP_GRAPH_H_INCLUDED_ */
