
/*
 * The JSON that clients see: the job document, problem documents (RFC 9457)
 * and the description of a pipeline.  By jansson; texts are malloc'ed and
 * freed by the caller with free().  NULL: memory is out.
 */


#ifndef _IMGP_DOC_H_INCLUDED_
#define _IMGP_DOC_H_INCLUDED_


#include <imgp/imgp_job.h>
#include <imgp/imgp_progress.h>


typedef struct {
    imgp_str_t           prefix;      /* "/clothes/", as the client sees it */
    const imgp_plan_t   *plan;        /* NULL: removed since; no eta then */
    const imgp_expect_t *expect;      /* per stage, or NULL */
    int64_t              position;    /* in the queue, from 1; -1: not in it */
    uint64_t             pace_us;     /* from one that goes to the next; 0: not
                                         known */
    imgp_msec_t          now;
} imgp_doc_ctx_t;


char *imgp_doc_job(const imgp_job_t *job, const imgp_doc_ctx_t *ctx,
    size_t *len);

/* "instance": may be NULL; "stage" likewise */

char *imgp_doc_problem(const imgp_error_t *err, const char *stage,
    size_t *len);

/* a message of an ended job, for who is to be notified: "job.succeeded" */

char *imgp_doc_event(const imgp_job_t *job, size_t *len);

char *imgp_doc_plan(const imgp_plan_t *plan, const imgp_doc_ctx_t *ctx,
    size_t *len);


#endif /* _IMGP_DOC_H_INCLUDED_ */
