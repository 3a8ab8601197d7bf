
/*
 * Progress, time left, and the backoff between attempts.  Pure.
 */


#ifndef _IMGP_PROGRESS_H_INCLUDED_
#define _IMGP_PROGRESS_H_INCLUDED_


#include <imgp/imgp_expect.h>


/*
 * Sets the progress of each running stage, by its expected time: 90 % in this
 * time, then ever slower; of one that was never measured as well, by a guess;
 * and of the job (at most 99 % before its end); neither ever falls.  Weights:
 * declared ones, else the expected times, else equal; stages whose "when" says
 * no weigh nothing.  "expect" has an entry per stage, or is NULL.  Returns 1
 * when the job's percentage changed.
 */

imgp_uint_t imgp_progress_update(const imgp_plan_t *plan, imgp_job_t *job,
    const imgp_expect_t *expect, imgp_msec_t now);

/* ms left along the longest path of the graph to the end of a stage, or
   (stage -1) of the job, with what is waited for services; -1: not known */

int64_t imgp_progress_eta(const imgp_plan_t *plan, const imgp_job_t *job,
    imgp_int_t stage, const imgp_expect_t *expect, imgp_msec_t now);

/* ms until a queued job begins: its place, from 1, times what it takes for
   one to go (us; 0: not known, then "eta", that of a job, in as many places as
   there can be); 0 without a place, -1: not known */

int64_t imgp_progress_wait(const imgp_plan_t *plan, int64_t position,
    uint64_t pace_us, int64_t eta);

/* delay * 2^(attempt-1), at most 10 min, with a random quarter up or down
   ("rnd" any number), and never below retry_after */

#define IMGP_BACKOFF_MAX  600000

imgp_msec_t imgp_backoff(imgp_msec_t delay, imgp_uint_t attempt,
    uint32_t rnd, imgp_msec_t retry_after);


#endif /* _IMGP_PROGRESS_H_INCLUDED_ */
