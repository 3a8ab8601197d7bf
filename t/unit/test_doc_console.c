
/*
 * imgp_doc_console.c: what operators see of a job and of a stage.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_doc_console.h>


static imgp_pool_t  *pool;


static imgp_doc_ctx_t
context(const imgp_plan_t *plan)
{
    imgp_doc_ctx_t  ctx;

    memset(&ctx, 0, sizeof(ctx));

    ctx.prefix = fix_str("/c/api/jobs/");
    ctx.plan = plan;
    ctx.position = -1;

    return ctx;
}


/* "big" is public, "small" is not; a text that is markup */

static imgp_job_t *
ended_job(imgp_plan_t *plan)
{
    imgp_job_t  *job;

    job = imgp_job_create(&imgp_malloc);
    job->pipeline = plan->name;
    (void) imgp_job_bind(job, plan);

    strcpy(job->input.type, "image/jpeg");
    job->input.bytes = 99;
    job->input.width = 40;
    job->input.height = 30;
    job->state = IMGP_JOB_FAILED;
    job->error_stage = 1;
    imgp_error_set(&job->error, IMGP_E_SERVICE_BUSY, "</script>\"<b>");

    job->stages[0].state = IMGP_ST_SUCCEEDED;
    job->stages[0].items = imgp_pcalloc(job->pool, sizeof(imgp_item_t));
    job->stages[0].nitems = 1;
    strcpy(job->stages[0].items[0].type, "image/png");
    job->stages[1].state = IMGP_ST_FAILED;

    return job;
}


static const char *
text_at(json_t *json, const char *one, const char *two)
{
    json = json_object_get(json, one);

    return json_string_value(two == NULL ? json : json_object_get(json, two));
}


static void
whole(imgp_plan_t *plan)
{
    char            *text;
    json_t          *doc, *items;
    size_t           len;
    imgp_job_t      *job;
    imgp_doc_ctx_t   ctx = context(plan);

    job = ended_job(plan);

    text = imgp_doc_console_job(job, &ctx, &len);
    is_int(strlen(text), len, "its length");
    doc = json_loads(text, 0, NULL);

    is_str(text_at(doc, "status", NULL), "failed", "the document of a job");
    is_str(text_at(doc, "error", "detail"), "</script>\"<b>",
           "... with its error, as it is");
    is_str(text_at(doc, "input", "url"),
           "/c/api/jobs/00000000000000000000000000/input",
           "... a link to its upload");
    ok(json_is_null(json_object_get(doc, "owner")), "... of nobody");
    is_str(text_at(doc, "priority", NULL), "normal", "... its priority");
    is_int(json_object_size(json_object_get(doc, "outputs")), 0,
           "nothing public was made");
    items = json_object_get(json_object_get(doc, "items"), "small");
    is_str(text_at(json_array_get(items, 0), "url", NULL),
           "/c/api/jobs/00000000000000000000000000/small/0",
           "... but operators see what was");

    json_decref(doc);
    free(text);

    job->owner[0] = 0xab;
    job->priority = IMGP_PRIORITY_LOW;
    text = imgp_doc_console_job(job, &ctx, &len);
    doc = json_loads(text, 0, NULL);
    is_str(text_at(doc, "owner", NULL), "ab000000000000000000000000000000",
           "an owner");
    is_str(text_at(doc, "priority", NULL), "low", "a low priority");

    json_decref(doc);
    free(text);
    imgp_job_destroy(job);
}


static void
rows(imgp_plan_t *plan)
{
    json_t          *row;
    imgp_job_t      *job;
    imgp_doc_ctx_t   ctx = context(plan);

    job = ended_job(plan);

    row = imgp_doc_console_row(job, &ctx);
    is_str(text_at(row, "picture", "url"),
           "/c/api/jobs/00000000000000000000000000/small/0",
           "known by the last picture that was made");
    is_str(text_at(row, "error", "stage"), "big", "what failed");
    is_int(json_array_size(json_object_get(row, "stages")), 2, "its stages");
    json_decref(row);

    strcpy(job->stages[0].items[0].type, "application/json");
    row = imgp_doc_console_row(job, &ctx);
    is_str(text_at(row, "picture", "url"),
           "/c/api/jobs/00000000000000000000000000/input",
           "else by what was uploaded");
    json_decref(row);

    strcpy(job->input.type, "application/json");
    row = imgp_doc_console_row(job, &ctx);
    ok(json_is_null(json_object_get(row, "picture")), "else by none");
    json_decref(row);

    imgp_job_destroy(job);
}


int
main(void)
{
    json_t        *stage;
    imgp_plan_t   *plan;
    imgp_stage_t  *st;

    pool = imgp_pool_create(&imgp_malloc, 4096);
    plan = fix_plan(pool, "p");
    fix_stage(plan, "small", "resize/2 8", NULL);
    st = fix_stage(plan, "big", "post http://secret", NULL);
    st->message = fix_str("at it");
    st->concurrency = 3;
    fix_finish(plan);

    whole(plan);
    rows(plan);

    stage = imgp_doc_console_stage(plan, 1);
    is_str(text_at(stage, "operation", NULL), "post", "an operation, no URL");
    is_str(text_at(stage, "message", NULL), "at it", "its message");
    is_int(json_integer_value(json_object_get(stage, "concurrency")), 3,
           "its calls at once");
    ok(json_is_true(json_object_get(stage, "output")), "it is public");
    json_decref(stage);

    imgp_pool_destroy(pool);

    return done();
}
