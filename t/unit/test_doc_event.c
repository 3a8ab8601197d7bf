
/*
 * imgp_doc_event.c: what a client is told of a job, by what it has seen.
 */


#include <jansson.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_doc_event.h>
#include <imgp/imgp_sse.h>


#define EVENTS_MAX  16


typedef struct {
    char         name[16];
    long long    id;
    json_t      *data;
} event_t;


static imgp_pool_t     *pool;
static imgp_plan_t     *plan;
static imgp_doc_ctx_t   ctx;
static event_t          events[EVENTS_MAX];
static unsigned         nevents;


static void
forget(void)
{
    while (nevents) {
        json_decref(events[--nevents].data);
    }
}


/* by our own reader, but for the ids, which it does not look at */

static void
parse(char *text, size_t len)
{
    char        *p, *copy;
    unsigned     i;
    imgp_str_t   rest, name, data;

    forget();

    copy = malloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';

    for (i = 0, p = copy; i < EVENTS_MAX; i++) {
        events[i].id = strncmp(p, "id: ", 4) == 0 ? atoll(p + 4) : 0;
        p = strstr(p, "\n\n");

        if (p == NULL) {
            break;
        }

        p += 2;
    }

    rest.data = (u_char *) text;
    rest.len = len;

    while (imgp_sse_next(&rest, &name, &data) == IMGP_OK) {
        snprintf(events[nevents].name, sizeof(events[0].name), "%.*s",
                 (int) name.len, (char *) name.data);
        events[nevents++].data = json_loadb((char *) data.data, data.len, 0,
                                            NULL);
    }

    is_int(rest.len, 0, "... all of it whole events");

    free(copy);
    free(text);
}


static unsigned
tell(const imgp_job_t *job, imgp_doc_seen_t *seen, const imgp_doc_ids_t *ids)
{
    char    *text;
    size_t   len;

    text = imgp_doc_events(job, &ctx, seen, ids, &len);
    ok(text != NULL, "there are events");

    if (text != NULL) {
        parse(text, len);
    }

    return nevents;
}


static void
is_event(unsigned n, const char *name, long long id)
{
    is_str(events[n].name, name, "event %u is \"%s\"", n, name);
    is_int(events[n].id, id, "... with the id %lld", id);
    ok(json_is_object(events[n].data), "... its data is an object");
}


static long long
number(unsigned n, const char *name)
{
    return json_integer_value(json_object_get(events[n].data, name));
}


static const char *
stage_is(unsigned n, const char *member)
{
    return json_string_value(json_object_get(
               json_object_get(events[n].data, "stage"), member));
}


static void
one_job(void)
{
    imgp_job_t       *job;
    imgp_doc_seen_t   seen;

    memset(&seen, 0, sizeof(imgp_doc_seen_t));

    job = fix_job(plan);
    job->revision = 1;
    ctx.position = 3;

    is_int(tell(job, &seen, NULL), 1, "at first");
    is_event(0, "state", 1);
    ok(json_object_get(events[0].data, "stages"), "... the whole document");
    ok(seen.queued && !seen.final && seen.revision == 1, "... is seen");

    ctx.position = -1;
    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    fix_run(job, 0, 1, 10, 1100);
    imgp_job_stage_event(job, 1, IMGP_ST_READY, 1200);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1300);
    job->stages[1].progress = 305;
    job->revision = 4;

    is_int(tell(job, &seen, NULL), 3, "two stages have changed");
    is_event(0, "stage", 1);
    is_event(1, "stage", 1);
    is_event(2, "progress", 4);
    is_str(stage_is(0, "name"), "photo", "the first one");
    is_str(stage_is(0, "status"), "succeeded", "... has ended");
    ok(json_object_get(events[0].data, "outputs") == NULL, "is no output");
    is_str(stage_is(1, "status"), "running", "the second one runs");
    is_str(stage_is(1, "message"), "Cutting it out", "... and what it does");
    is_int(number(2, "revision"), 4, "the progress is of this revision");
    is_int(json_array_size(json_object_get(events[2].data, "stages")), 1,
           "... and of the stage that runs");

    job->revision = 5;
    is_int(tell(job, &seen, NULL), 1, "no stage has changed");
    is_event(0, "progress", 5);

    imgp_job_stage_event(job, 1, IMGP_ST_RETRY, 1400);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1500);
    job->revision = 7;
    is_int(tell(job, &seen, NULL), 2, "another attempt of the same");
    is_event(0, "stage", 5);

    fix_items(job, 1, 1, 7);
    imgp_job_stage_event(job, 1, IMGP_ST_SUCCEED, 1600);
    job->revision = 8;
    is_int(tell(job, &seen, NULL), 2, "an output");
    is_int(json_array_size(json_object_get(events[0].data, "outputs")), 1,
           "... comes along");

    imgp_job_event(job, IMGP_JOB_FAIL, 1700);
    job->revision = 9;
    is_int(tell(job, &seen, NULL), 1, "the end");
    is_event(0, "done", 9);
    ok(seen.final, "... is seen as such");

    memset(&seen, 0, sizeof(imgp_doc_seen_t));
    is_int(tell(job, &seen, NULL), 2, "who comes after the end");
    is_event(0, "state", 9);
    is_event(1, "done", 9);

    imgp_job_destroy(job);
}


static void
another_plan(void)
{
    imgp_job_t       *job;
    imgp_doc_seen_t   seen;

    job = fix_job(plan);
    job->revision = 3;

    memset(&seen, 0, sizeof(imgp_doc_seen_t));
    imgp_doc_seen(&seen, job);

    job->plan[0] ^= 1;
    job->revision = 4;
    is_int(tell(job, &seen, NULL), 1, "stages that are not the same ones");
    is_event(0, "state", 4);

    imgp_job_destroy(job);
}


static void
several(void)
{
    imgp_job_t       *job;
    imgp_doc_ids_t    ids = { 100, 200 };
    imgp_doc_seen_t   seen;

    memset(&seen, 0, sizeof(imgp_doc_seen_t));
    job = fix_job(plan);
    job->revision = 1;

    is_int(tell(job, &seen, &ids), 1, "on a stream of several jobs");
    is_event(0, "state", 200);

    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    fix_run(job, 0, 1, 10, 1100);
    job->revision = 2;
    is_int(tell(job, &seen, &ids), 2, "... a stage");
    is_event(0, "stage", 100);
    is_event(1, "progress", 200);

    imgp_job_event(job, IMGP_JOB_CANCEL, 1200);
    memset(&seen, 0, sizeof(imgp_doc_seen_t));
    ids.last = 0;
    is_int(tell(job, &seen, &ids), 1, "... one that has ended");
    is_event(0, "done", 0);

    imgp_job_destroy(job);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);
    plan = fix_closet(pool);

    memset(&ctx, 0, sizeof(imgp_doc_ctx_t));
    imgp_str_set(&ctx.prefix, "/clothes/");
    ctx.plan = plan;
    ctx.position = -1;
    ctx.now = 2000;

    one_job();
    another_plan();
    several();

    forget();
    imgp_pool_destroy(pool);

    return done();
}
