
/*
 * A job's changes as server-sent events.  What a client has seen is a few
 * bytes for each job: the revision, and of each stage its state and its
 * attempts; so a client that is slow is told the difference to what it got
 * last, however many revisions lie between.
 *
 * Called for every stream when its job changed (event loop), on the job as it
 * was decoded from a record.  The text is malloc'ed and belongs to the caller.
 */


#include "imgp_doc_part.h"
#include <imgp/imgp_doc_event.h>


#define IMGP_DOC_EVENT_HEAD  96       /* "id: ", "event: " and "data: " */


typedef struct {
    char              *data;
    size_t             len;
    imgp_uint_t        failed;
} imgp_doc_text_t;


static uint32_t imgp_doc_event_plan(const imgp_job_t *job);
static uint8_t imgp_doc_event_mark(const imgp_job_stage_t *st);
static void imgp_doc_event_changes(imgp_doc_text_t *text,
    const imgp_job_t *job, const imgp_doc_ctx_t *ctx,
    const imgp_doc_seen_t *seen, const imgp_doc_ids_t *ids);
static char *imgp_doc_event_stage(const imgp_job_t *job, imgp_uint_t i,
    const imgp_doc_ctx_t *ctx, size_t *len);
static char *imgp_doc_event_progress(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx, size_t *len);
static json_t *imgp_doc_event_running(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
static void imgp_doc_event_head(imgp_json_t *doc, const imgp_job_t *job);
static void imgp_doc_event_add(imgp_doc_text_t *text, uint64_t id,
    const char *name, char *data, size_t len);


char *
imgp_doc_events(const imgp_job_t *job, const imgp_doc_ctx_t *ctx,
    imgp_doc_seen_t *seen, const imgp_doc_ids_t *ids, size_t *len)
{
    char             *data;
    size_t            n;
    imgp_uint_t       final, whole;
    imgp_doc_ids_t    own;
    imgp_doc_text_t   text = { NULL, 0, 0 };

    final = imgp_job_is_final(job->state);
    whole = (seen->revision == 0 || seen->plan != imgp_doc_event_plan(job));

    own.before = seen->revision;
    own.last = job->revision;

    if (whole && !(final && ids != NULL)) {
        data = imgp_doc_job(job, ctx, &n);
        imgp_doc_event_add(&text, ids ? ids->last : own.last, "state", data,
                           n);

    } else if (!final) {
        imgp_doc_event_changes(&text, job, ctx, seen, ids ? ids : &own);
    }

    if (final) {
        data = imgp_doc_job(job, ctx, &n);
        imgp_doc_event_add(&text, ids ? ids->last : own.last, "done", data,
                           n);
    }

    if (text.failed) {
        free(text.data);
        return NULL;
    }

    imgp_doc_seen(seen, job);
    *len = text.len;

    return text.data;
}


void
imgp_doc_seen(imgp_doc_seen_t *seen, const imgp_job_t *job)
{
    imgp_uint_t  i;

    memcpy(seen->id, job->id, IMGP_ID_BYTES);
    seen->revision = job->revision;
    seen->plan = imgp_doc_event_plan(job);
    seen->queued = (job->state == IMGP_JOB_QUEUED);
    seen->final = imgp_job_is_final(job->state);

    for (i = 0; i < job->nstages; i++) {
        seen->stages[i] = imgp_doc_event_mark(&job->stages[i]);
    }
}


static uint32_t
imgp_doc_event_plan(const imgp_job_t *job)
{
    uint32_t  n;

    memcpy(&n, job->plan, sizeof(uint32_t));

    return n;
}


/* states are below 16, and attempts come one by one */

static uint8_t
imgp_doc_event_mark(const imgp_job_stage_t *st)
{
    return (uint8_t) (st->state | (st->attempts & 0xf) << 4);
}


static void
imgp_doc_event_changes(imgp_doc_text_t *text, const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx, const imgp_doc_seen_t *seen,
    const imgp_doc_ids_t *ids)
{
    char            *data;
    size_t           n;
    imgp_uint_t      i;
    imgp_doc_ctx_t   own;

    own = *ctx;
    own.plan = imgp_doc_known_plan(job, ctx);

    for (i = 0; i < job->nstages; i++) {
        if (seen->stages[i] != imgp_doc_event_mark(&job->stages[i])) {
            data = imgp_doc_event_stage(job, i, &own, &n);
            imgp_doc_event_add(text, ids->before, "stage", data, n);
        }
    }

    data = imgp_doc_event_progress(job, &own, &n);
    imgp_doc_event_add(text, ids->last, "progress", data, n);
}


static char *
imgp_doc_event_stage(const imgp_job_t *job, imgp_uint_t i,
    const imgp_doc_ctx_t *ctx, size_t *len)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_doc_event_head(&doc, job);
    imgp_json_set(&doc, "stage", imgp_doc_stage(job, i, ctx));

    if (job->stage_output[i] && job->stages[i].nitems
        && job->stages[i].state == IMGP_ST_SUCCEEDED)
    {
        imgp_json_set(&doc, "outputs", imgp_doc_items(job, i, ctx));
    }

    return imgp_json_dump(&doc, len);
}


static char *
imgp_doc_event_progress(const imgp_job_t *job, const imgp_doc_ctx_t *ctx,
    size_t *len)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_doc_event_head(&doc, job);
    imgp_json_set(&doc, "status",
                  imgp_json_text(imgp_job_state_name(job->state)));
    imgp_json_set_int(&doc, "progress", job->progress / 10);
    imgp_doc_eta(&doc, imgp_doc_left(job, ctx));
    imgp_doc_position(&doc, ctx);
    imgp_json_set_bool(&doc, "degraded", job->degraded);
    imgp_json_set(&doc, "stages", imgp_doc_event_running(job, ctx));

    return imgp_json_dump(&doc, len);
}


static json_t *
imgp_doc_event_running(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_array();

    for (i = 0; i < job->nstages; i++) {
        if (job->stages[i].state == IMGP_ST_RUNNING) {
            imgp_json_add(&doc, imgp_doc_stage(job, i, ctx));
        }
    }

    return doc.json;
}


static void
imgp_doc_event_head(imgp_json_t *doc, const imgp_job_t *job)
{
    char  id[IMGP_ID_LEN + 1];

    imgp_id_text(job->id, id);

    imgp_json_set(doc, "id", imgp_json_text(id));
    imgp_json_set_int(doc, "revision", job->revision);
}


/* the data, which is freed here, has no line feed: JSON escapes it */

static void
imgp_doc_event_add(imgp_doc_text_t *text, uint64_t id, const char *name,
    char *data, size_t len)
{
    int    n;
    char  *p, number[32];

    if (data == NULL || text->failed) {
        goto failed;
    }

    p = realloc(text->data, text->len + IMGP_DOC_EVENT_HEAD + len);
    if (p == NULL) {
        goto failed;
    }

    text->data = p;
    p += text->len;

    number[0] = '\0';

    if (id) {
        snprintf(number, sizeof(number), "id: %llu\n",
                 (unsigned long long) id);
    }

    n = snprintf(p, IMGP_DOC_EVENT_HEAD, "%sevent: %s\ndata: ", number, name);

    memcpy(p + n, data, len);
    memcpy(p + n + len, "\n\n", 2);

    text->len += n + len + 2;

    free(data);

    return;

failed:

    text->failed = 1;
    free(data);
}
