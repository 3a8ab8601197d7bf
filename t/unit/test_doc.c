
/*
 * imgp_doc.c: the document of the contract, member by member and in order.
 */


#include <jansson.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_doc.h>


static imgp_pool_t  *pool;
static long          left = -1;


static void *
failing_malloc(size_t size)
{
    if (left == 0) {
        return NULL;
    }

    left -= (left > 0);

    return malloc(size);
}


static imgp_doc_ctx_t
context(const imgp_plan_t *plan, const imgp_expect_t *expect)
{
    imgp_doc_ctx_t  ctx;

    memset(&ctx, 0, sizeof(ctx));
    imgp_str_set(&ctx.prefix, "/clothes/");
    ctx.plan = plan;
    ctx.expect = expect;
    ctx.position = -1;
    ctx.now = 2000;

    return ctx;
}


/* like the example of the contract: a stage done, one running, one skipped */

static imgp_job_t *
running(const imgp_plan_t *plan)
{
    imgp_job_t  *job;

    job = fix_job(plan);
    memset(job->id, 0, IMGP_ID_BYTES);

    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    fix_run(job, 0, 1, 10, 1100);
    fix_run(job, 2, 2, 32, 1200);
    imgp_job_stage_event(job, 1, IMGP_ST_READY, 1200);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1300);
    job->stages[1].progress = 305;
    imgp_job_stage_event(job, 3, IMGP_ST_SKIP, 1300);
    job->revision = 7;
    job->progress = 467;
    job->stages[2].items[1].width = 0;
    job->stages[2].items[1].height = 0;
    strcpy(job->stages[2].items[1].type, "application/json");

    return job;
}


#define D20  "2020202020202020202020202020202020202020202020202020202020202020"
#define D21  "2121212121212121212121212121212121212121212121212121212121212121"
#define D01  "0101010101010101010101010101010101010101010101010101010101010101"
#define ID   "00000000000000000000000000"


static void
document(void)
{
    char            *text;
    size_t           len;
    imgp_job_t      *job;
    imgp_plan_t     *plan;
    imgp_expect_t    expect[IMGP_STAGES_MAX];
    imgp_doc_ctx_t   ctx;

    static const char  want[] =
        "{\"id\":\"" ID "\",\"pipeline\":\"closet\",\"status\":\"running\","
        "\"revision\":7,\"progress\":46,\"eta_ms\":1295,"
        "\"queue_position\":null,\"cached\":false,\"degraded\":false,"
        "\"created_at\":\"1970-01-01T00:00:01.000Z\","
        "\"started_at\":\"1970-01-01T00:00:01.100Z\","
        "\"finished_at\":null,\"expires_at\":null,"
        "\"input\":{\"digest\":\"sha-256:" D01 "\",\"bytes\":1001,"
        "\"type\":\"image/jpeg\",\"width\":101,\"height\":201},"
        "\"params\":{\"expand\":\"on\",\"size\":\"1024\"},"
        "\"stages\":["
        "{\"name\":\"photo\",\"status\":\"succeeded\",\"cached\":false,"
        "\"attempts\":1,\"queue_ms\":0,\"run_ms\":0},"
        "{\"name\":\"cutout\",\"status\":\"running\",\"attempts\":1,"
        "\"progress\":30,\"eta_ms\":695,\"message\":\"Cutting it out\"},"
        "{\"name\":\"items\",\"status\":\"succeeded\",\"cached\":false,"
        "\"attempts\":1,\"queue_ms\":0,\"run_ms\":0},"
        "{\"name\":\"expanded\",\"status\":\"skipped\"},"
        "{\"name\":\"result\",\"status\":\"pending\"}],"
        "\"outputs\":{\"items\":["
        "{\"url\":\"/clothes/" ID "/items/0\",\"type\":\"image/png\","
        "\"bytes\":1032,\"width\":132,\"height\":232,"
        "\"digest\":\"sha-256:" D20 "\"},"
        "{\"url\":\"/clothes/" ID "/items/1\",\"type\":\"application/json\","
        "\"bytes\":1033,\"width\":null,\"height\":null,"
        "\"digest\":\"sha-256:" D21 "\"}]},"
        "\"timing\":{\"receive_ms\":40,\"store_ms\":3,\"queue_ms\":257,"
        "\"run_ms\":0,\"service_ms\":0,\"wait_ms\":0,\"unaccounted_ms\":0},"
        "\"error\":null}";

    plan = fix_closet(pool);
    job = running(plan);

    memset(expect, 0, sizeof(expect));
    expect[1].mean_ms = 1000;
    expect[1].samples = 1;
    expect[4].mean_ms = 600;
    expect[4].samples = 1;

    ctx = context(plan, expect);
    ctx.now = 1400;

    text = imgp_doc_job(job, &ctx, &len);
    is_str(text, want, "the document of a running job");
    is_int(len, strlen(want), "its length");
    free(text);

    /* another plan of that name says nothing about this job */

    plan = fix_closet(pool);
    plan->digest[0] ^= 1;
    ctx = context(plan, expect);
    text = imgp_doc_job(job, &ctx, &len);
    ok(text != NULL && strstr(text, "\"eta_ms\":null,\"queue_pos") != NULL
       && strstr(text, "\"progress\":30,\"eta_ms\":null},") != NULL,
       "no time left and no message by a changed plan");
    free(text);

    ctx = context(NULL, NULL);
    text = imgp_doc_job(job, &ctx, &len);
    ok(text != NULL && strstr(text, "\"eta_ms\":null,\"queue_pos") != NULL,
       "nor without one");
    free(text);

    imgp_job_destroy(job);
}


/* one member of a document; NULL: not there */

static json_t *
member(json_t *doc, const char *a, const char *b)
{
    json_t  *json;

    json = json_object_get(doc, a);

    return (b == NULL) ? json : json_object_get(json, b);
}


static json_t *
parse(const imgp_job_t *job, const imgp_doc_ctx_t *ctx)
{
    char    *text;
    size_t   len;
    json_t  *doc;

    text = imgp_doc_job(job, ctx, &len);
    doc = text ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    free(text);

    return doc;
}


static void
failure(void)
{
    json_t          *doc, *st, *error;
    imgp_job_t      *job;
    imgp_plan_t     *plan;
    imgp_error_t     err;
    imgp_doc_ctx_t   ctx;

    plan = fix_closet(pool);
    job = running(plan);
    ctx = context(plan, NULL);

    imgp_error_set(&err, IMGP_E_SERVICE_BUSY, "the service said 503");
    err.service_status = 503;
    imgp_job_stage_error(job, 1, &err);
    imgp_job_stage_event(job, 1, IMGP_ST_FAIL, 1500);
    job->error = err;
    job->error_stage = 1;
    imgp_job_event(job, IMGP_JOB_FAIL, 1500);
    job->expires_at = 1500 + 3600000;

    doc = parse(job, &ctx);
    ok(doc != NULL, "the document of a failed job is JSON");

    is_str(json_string_value(member(doc, "status", NULL)), "failed", "status");
    ok(json_is_null(member(doc, "eta_ms", NULL)), "no time is left");
    is_str(json_string_value(member(doc, "expires_at", NULL)),
           "1970-01-01T01:00:01.500Z", "when it expires");

    st = json_array_get(member(doc, "stages", NULL), 1);
    is_str(json_string_value(member(st, "error", "type")),
           "urn:image-pipeline:service-busy", "the stage's error");
    ok(member(st, "error", "stage") == NULL, "which names no stage");
    ok(member(st, "progress", NULL) == NULL, "no progress of what has failed");
    ok(member(st, "message", NULL) == NULL, "nor a message");
    is_int(json_integer_value(member(st, "run_ms", NULL)), 200, "its time");

    error = member(doc, "error", NULL);
    is_str(json_string_value(member(error, "stage", NULL)), "cutout",
           "the job's error names the stage");
    is_int(json_integer_value(member(error, "status", NULL)), 502, "status");
    is_int(json_integer_value(member(error, "service_status", NULL)), 503,
           "and what the service said");
    is_str(json_string_value(member(error, "detail", NULL)),
           "the service said 503", "detail");
    ok(json_is_string(member(error, "title", NULL)), "title");

    ok(member(doc, "outputs", "items") != NULL, "what there is can be had");
    is_int(json_integer_value(member(doc, "timing", "unaccounted_ms")), 0,
           "all time is accounted for");
    is_int(json_integer_value(member(doc, "timing", "service_ms")), 200,
           "the service's too");

    json_decref(doc);

    job->phase_ms[IMGP_PHASE_WAIT] += 5;
    doc = parse(job, &ctx);
    is_int(json_integer_value(member(doc, "timing", "unaccounted_ms")), -5,
           "a fault in the accounting would be seen");
    json_decref(doc);

    imgp_job_destroy(job);
}


static void
problems(void)
{
    char          *text;
    size_t         len;
    imgp_error_t   err;

    memset(&err, 0, sizeof(err));
    imgp_error_set(&err, IMGP_E_QUEUE_FULL, "1000 jobs are \"waiting\"");

    text = imgp_doc_problem(&err, NULL, &len);
    is_str(text, "{\"type\":\"urn:image-pipeline:queue-full\",\"title\":"
           "\"Queue is full\",\"status\":503,\"detail\":"
           "\"1000 jobs are \\\"waiting\\\"\"}", "a problem");
    is_int(len, strlen(text), "its length");
    free(text);

    err.service_status = 418;
    text = imgp_doc_problem(&err, "cutout", &len);
    ok(text != NULL && strstr(text, ",\"stage\":\"cutout\","
                              "\"service_status\":418}") != NULL,
       "with stage and service");
    free(text);
}


/* what a webhook tells */

static void
event(void)
{
    char          *text;
    size_t         len;
    imgp_job_t    *job;
    imgp_plan_t   *plan;
    imgp_error_t   e;

    plan = fix_closet(pool);
    job = running(plan);

    imgp_error_set(&e, IMGP_E_SERVICE_BUSY, "service answered 500");
    e.service_status = 500;
    job->error = e;
    job->error_stage = 1;
    imgp_job_event(job, IMGP_JOB_FAIL, 1500);
    job->expires_at = 2500;
    job->revision = 9;

    text = imgp_doc_event(job, &len);

    is_str(text, "{\"type\":\"job.failed\","
           "\"timestamp\":\"1970-01-01T00:00:01.500Z\","
           "\"data\":{\"id\":\"" ID "\",\"pipeline\":\"closet\","
           "\"status\":\"failed\",\"revision\":9,\"degraded\":false,"
           "\"params\":{\"expand\":\"on\",\"size\":\"1024\"},"
           "\"created_at\":\"1970-01-01T00:00:01.000Z\","
           "\"finished_at\":\"1970-01-01T00:00:01.500Z\","
           "\"expires_at\":\"1970-01-01T00:00:02.500Z\","
           "\"error\":{\"type\":\"urn:image-pipeline:service-busy\","
           "\"title\":\"Service is busy or failing\","
           "\"status\":502,"
           "\"detail\":\"service answered 500\",\"stage\":\"cutout\","
           "\"service_status\":500}}}", "the message of an end");
    is_int(len, strlen(text), "its length");

    free(text);
    imgp_job_destroy(job);
}


static void
out_of_memory(void)
{
    long             n;
    char            *text;
    size_t           len;
    imgp_job_t      *job;
    imgp_plan_t     *plan;
    imgp_doc_ctx_t   ctx;

    plan = fix_closet(pool);
    job = running(plan);
    ctx = context(plan, NULL);

    json_set_alloc_funcs(failing_malloc, free);

    for (n = 0; n < 5000; n++) {
        left = n;
        text = imgp_doc_job(job, &ctx, &len);

        if (text != NULL) {
            free(text);
            break;
        }
    }

    left = -1;
    ok(n > 50 && n < 5000, "%ld failed allocations are survived", n);

    imgp_job_destroy(job);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    document();
    failure();
    problems();
    event();
    out_of_memory();

    imgp_pool_destroy(pool);

    return done();
}
