
/*
 * A job's changes as server-sent events (WHATWG HTML, 9.2), by what one
 * client has seen of it.  Pure; texts are malloc'ed and freed by the caller.
 */


#ifndef _IMGP_DOC_EVENT_H_INCLUDED_
#define _IMGP_DOC_EVENT_H_INCLUDED_


#include <imgp/imgp_doc.h>


/* all zero: nothing is seen of the job yet */

typedef struct {
    u_char               id[IMGP_ID_BYTES];
    uint32_t             revision;
    uint32_t             plan;        /* of the plan's digest */
    uint8_t              queued;
    uint8_t              final;
    uint8_t              stages[IMGP_STAGES_MAX];
} imgp_doc_seen_t;


/* all of it is seen, as it is now */

void imgp_doc_seen(imgp_doc_seen_t *seen, const imgp_job_t *job);

/*
 * What is new to the client, who then has seen it: "state", the whole
 * document, for a job it knows nothing of or one of another plan; else
 * "stage" for each stage that changed and "progress"; "done" at the end, the
 * whole document again.  Ids are revisions, and those before the last event
 * of a text the one seen before, so that nothing is lost to a client whose
 * connection breaks in between.
 *
 * On a stream of several jobs ids are the caller's: "before" and "last", 0
 * for none, and of a job that has ended there is "done" alone.
 */

typedef struct {
    uint64_t             before;
    uint64_t             last;
} imgp_doc_ids_t;


char *imgp_doc_events(const imgp_job_t *job, const imgp_doc_ctx_t *ctx,
    imgp_doc_seen_t *seen, const imgp_doc_ids_t *ids, size_t *len);


#endif /* _IMGP_DOC_EVENT_H_INCLUDED_ */
