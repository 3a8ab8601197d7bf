
/*
 * The JSON that clients see, compact, with the members in the order of the
 * README: a job and a problem (imgp_doc_plan.c has the pipeline).
 *
 * Called for every answer (event loop), on the job as it was decoded from a
 * record.  The text is malloc'ed and belongs to the caller.
 */


#include "imgp_doc_part.h"
#include <imgp/imgp_digest.h>
#include <imgp/imgp_time.h>


#define IMGP_DOC_URN  "urn:image-pipeline:"


static void imgp_doc_state(imgp_json_t *doc, const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
static void imgp_doc_digest(imgp_json_t *doc, const u_char *digest);
static void imgp_doc_size(imgp_json_t *doc, const char *name, uint32_t n);
static json_t *imgp_doc_input(const imgp_item_t *item);
static json_t *imgp_doc_params(const imgp_job_t *job);
static json_t *imgp_doc_stages(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
static json_t *imgp_doc_outputs(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
static json_t *imgp_doc_timing(const imgp_job_t *job);


char *
imgp_doc_job(const imgp_job_t *job, const imgp_doc_ctx_t *ctx, size_t *len)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_doc_whole(&doc, job, ctx);

    return imgp_json_dump(&doc, len);
}


void
imgp_doc_whole(imgp_json_t *doc, const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx)
{
    imgp_doc_ctx_t     own;
    const imgp_str_t  *stage;

    own = *ctx;
    own.plan = imgp_doc_known_plan(job, ctx);

    stage = (job->error_stage < 0) ? NULL
                                   : &job->stage_names[job->error_stage];

    imgp_doc_state(doc, job, &own);

    imgp_json_set(doc, "input", imgp_doc_input(&job->input));
    imgp_json_set(doc, "params", imgp_doc_params(job));
    imgp_json_set(doc, "stages", imgp_doc_stages(job, &own));
    imgp_json_set(doc, "outputs", imgp_doc_outputs(job, &own));
    imgp_json_set(doc, "timing", imgp_doc_timing(job));
    imgp_json_set(doc, "error", imgp_doc_error(&job->error, stage));
}


/* a plan that has changed since says nothing about this job */

const imgp_plan_t *
imgp_doc_known_plan(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    if (ctx->plan == NULL || ctx->plan->nstages != job->nstages
        || memcmp(ctx->plan->digest, job->plan, IMGP_DIGEST_LEN) != 0)
    {
        return NULL;
    }

    return ctx->plan;
}


static void
imgp_doc_state(imgp_json_t *doc, const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx)
{
    char  id[IMGP_ID_LEN + 1];

    imgp_id_text(job->id, id);

    imgp_json_set(doc, "id", imgp_json_text(id));
    imgp_json_set(doc, "pipeline", imgp_json_str(&job->pipeline));
    imgp_json_set(doc, "status",
                  imgp_json_text(imgp_job_state_name(job->state)));
    imgp_json_set_int(doc, "revision", job->revision);
    imgp_json_set_int(doc, "progress", job->progress / 10);
    imgp_doc_eta(doc, imgp_doc_left(job, ctx));
    imgp_doc_position(doc, ctx);
    imgp_json_set_bool(doc, "cached", job->cached);
    imgp_json_set_bool(doc, "degraded", job->degraded);
    imgp_doc_time(doc, "created_at", job->created_at);
    imgp_doc_time(doc, "started_at", job->started_at);
    imgp_doc_time(doc, "finished_at", job->finished_at);
    imgp_doc_time(doc, "expires_at", job->expires_at);
}


/* of one that waits: until it begins, and then until its end */

int64_t
imgp_doc_left(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    int64_t  n, wait;

    if (ctx->plan == NULL || imgp_job_is_final(job->state)) {
        return -1;
    }

    n = imgp_progress_eta(ctx->plan, job, -1, ctx->expect, ctx->now);

    if (job->state != IMGP_JOB_QUEUED) {
        return n;
    }

    wait = imgp_progress_wait(ctx->plan, ctx->position, ctx->pace_us, n);

    return n < 0 || wait < 0 ? -1 : n + wait;
}


void
imgp_doc_eta(imgp_json_t *doc, int64_t n)
{
    imgp_json_set(doc, "eta_ms", n < 0 ? json_null() : json_integer(n));
}


void
imgp_doc_position(imgp_json_t *doc, const imgp_doc_ctx_t *ctx)
{
    imgp_json_set(doc, "queue_position", ctx->position < 0
                  ? json_null() : json_integer(ctx->position));
}


void
imgp_doc_time(imgp_json_t *doc, const char *name, imgp_msec_t ms)
{
    char  text[IMGP_TIME_LEN + 1];

    imgp_time_text(ms, text);
    imgp_json_set(doc, name, ms ? imgp_json_text(text) : json_null());
}


static void
imgp_doc_digest(imgp_json_t *doc, const u_char *digest)
{
    char  text[sizeof("sha-256:") + IMGP_DIGEST_HEX_LEN];

    memcpy(text, "sha-256:", sizeof("sha-256:") - 1);
    imgp_digest_hex(digest, text + sizeof("sha-256:") - 1);

    imgp_json_set(doc, "digest", imgp_json_text(text));
}


/* of what is no image: null */

static void
imgp_doc_size(imgp_json_t *doc, const char *name, uint32_t n)
{
    imgp_json_set(doc, name, n ? json_integer(n) : json_null());
}


static json_t *
imgp_doc_input(const imgp_item_t *item)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_doc_digest(&doc, item->digest);
    imgp_json_set_int(&doc, "bytes", item->bytes);
    imgp_json_set(&doc, "type", imgp_json_text(item->type));
    imgp_doc_size(&doc, "width", item->width);
    imgp_doc_size(&doc, "height", item->height);

    return doc.json;
}


static json_t *
imgp_doc_params(const imgp_job_t *job)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_object();

    for (i = 0; i < job->nparams; i++) {
        imgp_json_set_key(&doc, &job->param_names[i],
                          imgp_json_str(&job->params[i]));
    }

    return doc.json;
}


static json_t *
imgp_doc_stages(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_array();

    for (i = 0; i < job->nstages; i++) {
        imgp_json_add(&doc, imgp_doc_stage(job, i, ctx));
    }

    return doc.json;
}


json_t *
imgp_doc_stage(const imgp_job_t *job, imgp_uint_t i,
    const imgp_doc_ctx_t *ctx)
{
    imgp_json_t              doc = imgp_json_object();
    imgp_uint_t              active;
    const imgp_job_stage_t  *st;

    st = &job->stages[i];
    active = (!imgp_stage_is_final(st->state) && st->state != IMGP_ST_PENDING);

    imgp_json_set(&doc, "name", imgp_json_str(&job->stage_names[i]));
    imgp_json_set(&doc, "status",
                  imgp_json_text(imgp_stage_state_name(st->state)));

    if (st->state == IMGP_ST_PENDING || st->state == IMGP_ST_SKIPPED) {
        return doc.json;
    }

    if (st->state == IMGP_ST_SUCCEEDED) {
        imgp_json_set_bool(&doc, "cached", st->cached);
    }

    imgp_json_set_int(&doc, "attempts", st->attempts);

    if (!active) {
        imgp_json_set_int(&doc, "queue_ms", st->queue_ms);
        imgp_json_set_int(&doc, "run_ms", st->run_ms);
    }

    if (st->state == IMGP_ST_RUNNING) {
        imgp_json_set_int(&doc, "progress", st->progress / 10);
        imgp_doc_eta(&doc, ctx->plan == NULL
                     ? -1 : imgp_progress_eta(ctx->plan, job, (imgp_int_t) i,
                                              ctx->expect, ctx->now));
    }

    if (active && ctx->plan != NULL && ctx->plan->stages[i].message.len) {
        imgp_json_set(&doc, "message",
                      imgp_json_str(&ctx->plan->stages[i].message));
    }

    if (st->state == IMGP_ST_FAILED && st->error != NULL) {
        imgp_json_set(&doc, "error", imgp_doc_error(st->error, NULL));
    }

    return doc.json;
}


static json_t *
imgp_doc_outputs(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_object();

    for (i = 0; i < job->nstages; i++) {
        if (!job->stage_output[i] || job->stages[i].nitems == 0
            || job->stages[i].state != IMGP_ST_SUCCEEDED)
        {
            continue;
        }

        imgp_json_set_key(&doc, &job->stage_names[i],
                          imgp_doc_items(job, i, ctx));
    }

    return doc.json;
}


json_t *
imgp_doc_items(const imgp_job_t *job, imgp_uint_t i,
    const imgp_doc_ctx_t *ctx)
{
    char         id[IMGP_ID_LEN + 1];
    json_t      *url;
    imgp_uint_t  n;
    imgp_json_t  doc = imgp_json_array();

    imgp_id_text(job->id, id);

    for (n = 0; n < job->stages[i].nitems; n++) {
        url = imgp_json_printf("%.*s%s/%.*s/%d", (int) ctx->prefix.len,
                               (char *) ctx->prefix.data, id,
                               (int) job->stage_names[i].len,
                               (char *) job->stage_names[i].data, (int) n);

        imgp_json_add(&doc, imgp_doc_item(&job->stages[i].items[n], url));
    }

    return doc.json;
}


json_t *
imgp_doc_item(const imgp_item_t *item, json_t *url)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_json_set(&doc, "url", url);
    imgp_json_set(&doc, "type", imgp_json_text(item->type));
    imgp_json_set_int(&doc, "bytes", item->bytes);
    imgp_doc_size(&doc, "width", item->width);
    imgp_doc_size(&doc, "height", item->height);
    imgp_doc_digest(&doc, item->digest);

    return doc.json;
}


static json_t *
imgp_doc_timing(const imgp_job_t *job)
{
    uint64_t     sum;
    imgp_msec_t  end;
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_object();

    static const char *const  names[IMGP_PHASE_MAX] = {
        "receive_ms", "store_ms", "queue_ms", "run_ms", "service_ms",
        "wait_ms"
    };

    sum = job->created_at;

    for (i = 0; i < IMGP_PHASE_MAX; i++) {
        imgp_json_set_int(&doc, names[i], job->phase_ms[i]);
        sum += job->phase_ms[i];
    }

    end = imgp_job_is_final(job->state) ? job->finished_at : job->phase_at;

    /* may be negative, which would be as wrong */

    imgp_json_set(&doc, "unaccounted_ms",
                  json_integer((json_int_t) (end - sum)));

    return doc.json;
}


json_t *
imgp_doc_error(const imgp_error_t *err, const imgp_str_t *stage)
{
    imgp_json_t  doc;

    if (err->code == IMGP_E_NONE) {
        return json_null();
    }

    doc.json = json_object();

    imgp_json_set(&doc, "type",
                  imgp_json_printf(IMGP_DOC_URN "%s",
                                   imgp_error_name(err->code)));
    imgp_json_set(&doc, "title", imgp_json_text(imgp_error_title(err->code)));
    imgp_json_set_int(&doc, "status", imgp_error_status(err->code));
    imgp_json_set(&doc, "detail", imgp_json_text(err->detail));

    if (stage != NULL) {
        imgp_json_set(&doc, "stage", imgp_json_str(stage));
    }

    if (err->service_status) {
        imgp_json_set_int(&doc, "service_status", err->service_status);
    }

    return doc.json;
}


char *
imgp_doc_problem(const imgp_error_t *err, const char *stage, size_t *len)
{
    imgp_str_t   name;
    imgp_json_t  doc;

    if (stage != NULL) {
        name.len = strlen(stage);
        name.data = (u_char *) stage;
    }

    doc.json = imgp_doc_error(err, stage == NULL ? NULL : &name);

    return imgp_json_dump(&doc, len);
}


/* thin: who wants more asks for the document */

char *
imgp_doc_event(const imgp_job_t *job, size_t *len)
{
    char               id[IMGP_ID_LEN + 1];
    imgp_json_t        doc = imgp_json_object(), data = imgp_json_object();
    const imgp_str_t  *stage;

    stage = (job->error_stage < 0) ? NULL
                                   : &job->stage_names[job->error_stage];

    imgp_id_text(job->id, id);

    imgp_json_set(&data, "id", imgp_json_text(id));
    imgp_json_set(&data, "pipeline", imgp_json_str(&job->pipeline));
    imgp_json_set(&data, "status",
                  imgp_json_text(imgp_job_state_name(job->state)));
    imgp_json_set_int(&data, "revision", job->revision);
    imgp_json_set_bool(&data, "degraded", job->degraded);
    imgp_json_set(&data, "params", imgp_doc_params(job));
    imgp_doc_time(&data, "created_at", job->created_at);
    imgp_doc_time(&data, "finished_at", job->finished_at);
    imgp_doc_time(&data, "expires_at", job->expires_at);
    imgp_json_set(&data, "error", imgp_doc_error(&job->error, stage));

    imgp_json_set(&doc, "type", imgp_json_printf("job.%s",
                                           imgp_job_state_name(job->state)));
    imgp_doc_time(&doc, "timestamp", job->finished_at);
    imgp_json_set(&doc, "data", data.json);

    return imgp_json_dump(&doc, len);
}
