
/*
 * The state table of jobs and stages: for imgp_job.c, which see.
 */


#ifndef _IMGP_STATE_H_INCLUDED_
#define _IMGP_STATE_H_INCLUDED_


#include <imgp/imgp_job.h>


/* where an event leads from a state, or IMGP_DECLINED: nowhere */

imgp_int_t imgp_state_job(imgp_uint_t state, imgp_job_event_e event);
imgp_int_t imgp_state_stage(imgp_uint_t state, imgp_stage_event_e event);

/* "unknown" for a number that is no state */

const char *imgp_state_job_name(imgp_uint_t state);
const char *imgp_state_stage_name(imgp_uint_t state);

size_t imgp_state_print(char *buf, size_t size);


#endif /* _IMGP_STATE_H_INCLUDED_ */
