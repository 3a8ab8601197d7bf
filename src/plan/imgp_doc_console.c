
/*
 * Jobs and stages as the console shows them.  The members of the job document
 * keep their names and places; what operators see besides comes after them.
 * An owner is the beginning of a digest: who it is, nobody can tell, but whose
 * jobs are whose can be seen.
 *
 * Called in the event loop, on a job as it was decoded from a record.
 */


#include "imgp_doc_part.h"
#include <imgp/imgp_doc_console.h>


static void imgp_doc_console_owner(imgp_json_t *doc, const imgp_job_t *job);
static json_t *imgp_doc_console_input(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
static json_t *imgp_doc_console_items(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
static json_t *imgp_doc_console_stages(const imgp_job_t *job);
static json_t *imgp_doc_console_picture(const imgp_job_t *job,
    const imgp_doc_ctx_t *ctx);
static imgp_uint_t imgp_doc_console_is_picture(const imgp_item_t *item);


static const char *const  imgp_doc_console_priorities[IMGP_PRIORITIES] = {
    "high", "normal", "low"
};


char *
imgp_doc_console_job(const imgp_job_t *job, const imgp_doc_ctx_t *ctx,
    size_t *len)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_doc_whole(&doc, job, ctx);

    imgp_doc_console_owner(&doc, job);
    imgp_json_set(&doc, "input", imgp_doc_console_input(job, ctx));
    imgp_json_set(&doc, "items", imgp_doc_console_items(job, ctx));

    return imgp_json_dump(&doc, len);
}


static void
imgp_doc_console_owner(imgp_json_t *doc, const imgp_job_t *job)
{
    char         text[2 * IMGP_OWNER_LEN + 1];
    imgp_uint_t  i, any;

    for (any = 0, i = 0; i < IMGP_OWNER_LEN; i++) {
        any |= job->owner[i];
        (void) snprintf(text + 2 * i, 3, "%02x", job->owner[i]);
    }

    imgp_json_set(doc, "owner", any ? imgp_json_text(text) : json_null());
    imgp_json_set(doc, "priority",
                  imgp_json_text(imgp_doc_console_priorities[
                                     imgp_min(job->priority,
                                              IMGP_PRIORITY_LOW)]));
}


static json_t *
imgp_doc_console_input(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    char  id[IMGP_ID_LEN + 1];

    imgp_id_text(job->id, id);

    return imgp_doc_item(&job->input,
                         imgp_json_printf("%.*s%s/input",
                                          (int) ctx->prefix.len,
                                          (char *) ctx->prefix.data, id));
}


static json_t *
imgp_doc_console_items(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_object();

    for (i = 0; i < job->nstages; i++) {
        if (job->stages[i].state == IMGP_ST_SUCCEEDED
            && job->stages[i].nitems)
        {
            imgp_json_set_key(&doc, &job->stage_names[i],
                              imgp_doc_items(job, i, ctx));
        }
    }

    return doc.json;
}


json_t *
imgp_doc_console_row(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    char               id[IMGP_ID_LEN + 1];
    imgp_json_t        doc = imgp_json_object();
    imgp_doc_ctx_t     own;
    const imgp_str_t  *stage;

    own = *ctx;
    own.plan = imgp_doc_known_plan(job, ctx);

    stage = (job->error_stage < 0) ? NULL
                                   : &job->stage_names[job->error_stage];

    imgp_id_text(job->id, id);

    imgp_json_set(&doc, "id", imgp_json_text(id));
    imgp_json_set(&doc, "pipeline", imgp_json_str(&job->pipeline));
    imgp_json_set(&doc, "status",
                  imgp_json_text(imgp_job_state_name(job->state)));
    imgp_json_set_int(&doc, "revision", job->revision);
    imgp_json_set_int(&doc, "progress", job->progress / 10);
    imgp_doc_eta(&doc, imgp_doc_left(job, &own));
    imgp_json_set_bool(&doc, "cached", job->cached);
    imgp_json_set_bool(&doc, "degraded", job->degraded);
    imgp_doc_time(&doc, "created_at", job->created_at);
    imgp_doc_time(&doc, "started_at", job->started_at);
    imgp_doc_time(&doc, "finished_at", job->finished_at);
    imgp_doc_console_owner(&doc, job);
    imgp_json_set(&doc, "stages", imgp_doc_console_stages(job));
    imgp_json_set(&doc, "picture", imgp_doc_console_picture(job, ctx));
    imgp_json_set(&doc, "error", imgp_doc_error(&job->error, stage));

    return doc.json;
}


static json_t *
imgp_doc_console_stages(const imgp_job_t *job)
{
    imgp_uint_t              i;
    imgp_json_t              doc = imgp_json_array(), one;
    const imgp_job_stage_t  *st;

    for (i = 0; i < job->nstages; i++) {
        st = &job->stages[i];
        one.json = json_object();

        imgp_json_set(&one, "name", imgp_json_str(&job->stage_names[i]));
        imgp_json_set(&one, "status",
                      imgp_json_text(imgp_stage_state_name(st->state)));
        imgp_json_set_bool(&one, "cached", st->cached);
        imgp_json_set_int(&one, "attempts", st->attempts);
        imgp_json_set_int(&one, "run_ms", st->run_ms);

        imgp_json_add(&doc, one.json);
    }

    return doc.json;
}


/* the last one that was made, else what was uploaded */

static json_t *
imgp_doc_console_picture(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    char                     id[IMGP_ID_LEN + 1];
    imgp_uint_t              i;
    const imgp_job_stage_t  *st;

    imgp_id_text(job->id, id);

    for (i = job->nstages; i-- > 0; /* void */ ) {
        st = &job->stages[i];

        if (st->state == IMGP_ST_SUCCEEDED && st->nitems
            && imgp_doc_console_is_picture(&st->items[0]))
        {
            return imgp_doc_item(&st->items[0],
                                 imgp_json_printf("%.*s%s/%.*s/0",
                                          (int) ctx->prefix.len,
                                          (char *) ctx->prefix.data, id,
                                          (int) job->stage_names[i].len,
                                          (char *) job->stage_names[i].data));
        }
    }

    return imgp_doc_console_is_picture(&job->input)
               ? imgp_doc_console_input(job, ctx) : json_null();
}


static imgp_uint_t
imgp_doc_console_is_picture(const imgp_item_t *item)
{
    return strncmp(item->type, "image/", sizeof("image/") - 1) == 0;
}


json_t *
imgp_doc_console_stage(const imgp_plan_t *plan, imgp_uint_t i)
{
    imgp_json_t          doc;
    const imgp_stage_t  *st;

    st = &plan->stages[i];

    doc.json = imgp_doc_plan_stage(plan, st);

    imgp_json_set(&doc, "message", imgp_json_str(&st->message));
    imgp_json_set_bool(&doc, "output", st->output);
    imgp_json_set_int(&doc, "concurrency", st->concurrency);

    return doc.json;
}
