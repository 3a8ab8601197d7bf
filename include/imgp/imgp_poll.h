
/*
 * "poll": services that answer before they are done.  What an answer means is
 * decided here, how the next one is fetched elsewhere.
 */


#ifndef _IMGP_POLL_H_INCLUDED_
#define _IMGP_POLL_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_take.h>


#define IMGP_POLL_VALUES_MAX  8


typedef struct {
    imgp_take_t        url;           /* pointer NULL: Location alone */
    imgp_take_t        status;        /* pointer NULL: by the HTTP status */
    imgp_take_t        result;        /* pointer NULL: the answer itself */
    imgp_take_t        cancel;        /* pointer NULL: it is never told */
    imgp_str_t         done[IMGP_POLL_VALUES_MAX];
    imgp_uint_t        ndone;
    imgp_str_t         failed[IMGP_POLL_VALUES_MAX];
    imgp_uint_t        nfailed;
} imgp_poll_t;


typedef enum {
    IMGP_POLL_AGAIN = 0,              /* at "url" */
    IMGP_POLL_DONE,                   /* "document" is what was waited for */
    IMGP_POLL_RESULT                  /* it is at "url" */
} imgp_poll_verdict_e;


typedef struct {
    /* of one answer */

    imgp_uint_t        status;
    imgp_str_t         type;
    imgp_str_t         location;      /* or empty */
    imgp_str_t         body;          /* may be changed */
    imgp_uint_t        first;         /* that of the request itself */

    /* kept between the answers; zeroed before the first */

    imgp_str_t         url;           /* in the pool */
    imgp_str_t         result;
    imgp_str_t         cancel;        /* where it is told to stop, or empty */

    /* what it means */

    imgp_poll_verdict_e  verdict;
    imgp_str_t         document;      /* a range of body */
} imgp_poll_answer_t;


/* for a thread; IMGP_ERROR: SERVICE_REFUSED (it failed) or SERVICE_REPLY */

imgp_int_t imgp_poll(const imgp_poll_t *poll, imgp_poll_answer_t *answer,
    imgp_pool_t *pool, imgp_error_t *err);


#endif /* _IMGP_POLL_H_INCLUDED_ */
