
/*
 * Care for a service: how often it may be called, and whether at all.  Plain
 * data and pure functions: the state lies in shared memory, and a clock is
 * passed in.
 */


#ifndef _IMGP_CARE_H_INCLUDED_
#define _IMGP_CARE_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_CARE_FAILS_MAX    1000
#define IMGP_CARE_RATE_MAX     10000  /* calls a second */

/* so late may calls be without becoming fewer: timers are not exact */
#define IMGP_CARE_SLACK        20     /* ms */


typedef struct {
    uint64_t           interval;      /* us between two calls; 0: any rate */
    uint32_t           max_fails;     /* 0: calls go on whatever comes */
    imgp_msec_t        fail_timeout;
} imgp_care_t;


typedef struct {
    uint64_t           next;          /* us: no call before */
    imgp_msec_t        window;        /* of the first of "fails" */
    imgp_msec_t        probe;         /* open: when to try; 0: closed */
    uint32_t           fails;
} imgp_care_state_t;


/* ms until a call may begin; 0: now.  "now" is any monotonic clock in ms. */

imgp_msec_t imgp_care_wait(const imgp_care_t *care,
    const imgp_care_state_t *state, imgp_msec_t now);

/* a call begins; with the breaker open it is a probe, the next one comes a
   fail_timeout later */

void imgp_care_begin(const imgp_care_t *care, imgp_care_state_t *state,
    imgp_msec_t now);

/* it ended: is the service at fault?  Returns whether the breaker opened or
   closed by it. */

imgp_uint_t imgp_care_end(const imgp_care_t *care, imgp_care_state_t *state,
    imgp_msec_t now, imgp_uint_t failed);


#endif /* _IMGP_CARE_H_INCLUDED_ */
