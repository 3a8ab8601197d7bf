
/*
 * Parts of the documents that its events and the console show, too: for
 * imgp_doc_event.c and imgp_doc_console.c.  Values are the caller's; NULL when
 * memory is out.
 */


#ifndef _IMGP_DOC_PART_H_INCLUDED_
#define _IMGP_DOC_PART_H_INCLUDED_


#include <imgp/imgp_doc.h>
#include <imgp/imgp_json.h>


/* the plan, if it is the job's own still; else NULL */

const imgp_plan_t *imgp_doc_known_plan(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);

/* ms left of a job that has not ended; -1: not known */

int64_t imgp_doc_left(const imgp_job_t *job, const imgp_doc_ctx_t *ctx);

void imgp_doc_eta(imgp_json_t *doc, int64_t n);
void imgp_doc_position(imgp_json_t *doc, const imgp_doc_ctx_t *ctx);

/* the members of the job document */

void imgp_doc_whole(imgp_json_t *doc, const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
void imgp_doc_time(imgp_json_t *doc, const char *name, imgp_msec_t ms);
json_t *imgp_doc_item(const imgp_item_t *item, json_t *url);

/* null without one; "stage" may be NULL */

json_t *imgp_doc_error(const imgp_error_t *err, const imgp_str_t *stage);

/* of a plan */

json_t *imgp_doc_plan_stage(const imgp_plan_t *plan, const imgp_stage_t *st);

/* with the job's own plan in ctx, or NULL */

json_t *imgp_doc_stage(const imgp_job_t *job, imgp_uint_t i,
    const imgp_doc_ctx_t *ctx);
json_t *imgp_doc_items(const imgp_job_t *job, imgp_uint_t i,
    const imgp_doc_ctx_t *ctx);


#endif /* _IMGP_DOC_PART_H_INCLUDED_ */
