
/*
 * What operators see of jobs and pipelines: all of a job, whoever owns it,
 * with links to every picture it has.  By jansson, as imgp_doc.h.
 */


#ifndef _IMGP_DOC_CONSOLE_H_INCLUDED_
#define _IMGP_DOC_CONSOLE_H_INCLUDED_


#include <jansson.h>
#include <imgp/imgp_doc.h>


/* the job document, and "owner", "priority", "input" with its "url", "items":
   the outputs of all stages, also those that are not public */

char *imgp_doc_console_job(const imgp_job_t *job, const imgp_doc_ctx_t *ctx,
    size_t *len);

/* a row of a list, with one picture to know the job by; NULL: no memory */

json_t *imgp_doc_console_row(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);

/* a stage as the plan has it */

json_t *imgp_doc_console_stage(const imgp_plan_t *plan, imgp_uint_t i);


#endif /* _IMGP_DOC_CONSOLE_H_INCLUDED_ */
