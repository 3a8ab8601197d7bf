
/*
 * imgp_record.c: jobs to bytes and back, spoilt ones, limits.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_record.h>
#include <imgp/imgp_codec.h>


static imgp_pool_t  *pool;
static u_char        buf[IMGP_RECORD_MAX], again[IMGP_RECORD_MAX];


/* a job with something in every field */

static imgp_job_t *
rich_job(const imgp_plan_t *plan)
{
    imgp_job_t    *job;
    imgp_error_t   err;

    job = fix_job(plan);
    memset(job->owner, 0xa5, IMGP_OWNER_LEN);

    imgp_job_event(job, IMGP_JOB_CLAIM, 1100);
    fix_run(job, 0, 1, 10, 1200);
    job->stages[0].cached = 1;
    imgp_job_stage_event(job, 1, IMGP_ST_READY, 1200);
    imgp_job_stage_event(job, 1, IMGP_ST_START, 1300);
    imgp_error_set(&err, IMGP_E_SERVICE_BUSY, "it said 503 \xe2\x80\x94 busy");
    err.service_status = 503;
    imgp_job_stage_error(job, 1, &err);
    imgp_job_stage_event(job, 1, IMGP_ST_RETRY, 1400);
    job->stages[1].progress = 333;
    job->stages[1].calls = 2;
    fix_run(job, 2, 3, 30, 1500);
    imgp_job_stage_event(job, 3, IMGP_ST_SKIP, 1500);

    job->cached = 1;
    job->degraded = 1;
    job->bypass = 1;
    job->priority = IMGP_PRIORITY_LOW;
    job->progress = 470;
    job->lost = 2;
    job->expires_at = 99999;
    job->error_stage = 1;
    job->error = err;

    return job;
}


/* pointers aside, are two jobs the same? */

static int
same_job(imgp_job_t *a, imgp_job_t *b)
{
    imgp_uint_t        i;
    imgp_job_stage_t  *s, *t;

    if (memcmp(a->id, b->id, IMGP_ID_BYTES) != 0
        || memcmp(a->owner, b->owner, IMGP_OWNER_LEN) != 0
        || !imgp_str_eq(&a->pipeline, &b->pipeline)
        || memcmp(a->plan, b->plan, IMGP_DIGEST_LEN) != 0
        || a->state != b->state || a->cached != b->cached
        || a->degraded != b->degraded || a->bypass != b->bypass
        || a->priority != b->priority
        || a->revision != b->revision || a->progress != b->progress
        || a->lost != b->lost || a->created_at != b->created_at
        || a->queued_at != b->queued_at || a->started_at != b->started_at
        || a->finished_at != b->finished_at || a->expires_at != b->expires_at
        || memcmp(a->phase_ms, b->phase_ms, sizeof(a->phase_ms)) != 0
        || a->phase_at != b->phase_at || a->phase != b->phase
        || memcmp(&a->input, &b->input, sizeof(imgp_item_t)) != 0
        || a->nparams != b->nparams || a->nstages != b->nstages
        || a->error_stage != b->error_stage
        || a->error.code != b->error.code
        || a->error.service_status != b->error.service_status
        || strcmp(a->error.detail, b->error.detail) != 0)
    {
        return 0;
    }

    for (i = 0; i < a->nparams; i++) {
        if (!imgp_str_eq(&a->params[i], &b->params[i])
            || !imgp_str_eq(&a->param_names[i], &b->param_names[i]))
        {
            return 0;
        }
    }

    for (i = 0; i < a->nstages; i++) {
        s = &a->stages[i];
        t = &b->stages[i];

        if (!imgp_str_eq(&a->stage_names[i], &b->stage_names[i])
            || a->stage_output[i] != b->stage_output[i]
            || s->state != t->state || s->cached != t->cached
            || s->local != t->local || s->optional != t->optional
            || s->attempts != t->attempts || s->progress != t->progress
            || s->calls != t->calls || s->queued_at != t->queued_at
            || s->started_at != t->started_at || s->queue_ms != t->queue_ms
            || s->run_ms != t->run_ms || s->nitems != t->nitems
            || (s->error == NULL) != (t->error == NULL)
            || (s->error && strcmp(s->error->detail, t->error->detail) != 0)
            || (s->nitems && memcmp(s->items, t->items,
                                    s->nitems * sizeof(imgp_item_t)) != 0))
        {
            return 0;
        }
    }

    return 1;
}


static void
round_trip(void)
{
    ssize_t             n;
    imgp_job_t         *job, *copy;
    imgp_plan_t        *plan;
    imgp_record_head_t  head;

    plan = fix_closet(pool);
    job = rich_job(plan);

    n = imgp_record_encode(job, buf, sizeof(buf));
    ok(n > 0, "encoded: %d bytes", (int) n);
    is_int(n, imgp_record_size(job), "as many as were announced");
    is_int(imgp_record_encode(job, again, n), n, "they are enough");
    is_int(imgp_record_encode(job, again, n - 1), IMGP_ERROR,
           "one less is not");
    is_int(imgp_record_version(buf, n), IMGP_RECORD_VERSION, "its version");

    memset(&head, 0, sizeof(head));
    is_int(imgp_record_head(buf, n, &head), IMGP_OK, "its head");
    ok(memcmp(head.id, job->id, IMGP_ID_BYTES) == 0
       && memcmp(head.owner, job->owner, IMGP_OWNER_LEN) == 0
       && head.state == job->state && head.revision == job->revision
       && head.lost == 2 && head.queued_at == job->queued_at
       && head.expires_at == 99999, "tells what tables need");

    copy = imgp_record_decode(buf, n, &imgp_malloc);
    ok(copy != NULL && same_job(job, copy), "decoded: the same job");
    is_int(imgp_record_encode(copy, again, sizeof(again)), n, "the same size");
    ok(memcmp(buf, again, n) == 0, "the same bytes");

    imgp_job_destroy(copy);
    imgp_job_destroy(job);

    job = imgp_job_create(&imgp_malloc);
    job->pipeline = fix_str("p");
    n = imgp_record_encode(job, buf, sizeof(buf));
    copy = (n > 0) ? imgp_record_decode(buf, n, &imgp_malloc) : NULL;
    ok(copy != NULL && same_job(job, copy), "an empty job");
    imgp_job_destroy(copy);
    imgp_job_destroy(job);
}


/* every single flipped bit and every cut is noticed */

static void
spoilt(void)
{
    size_t       i, n, noticed;
    imgp_job_t  *job;
    imgp_plan_t  *plan;
    imgp_record_head_t  head;

    plan = fix_closet(pool);
    job = rich_job(plan);
    n = (size_t) imgp_record_encode(job, buf, sizeof(buf));

    for (i = 0, noticed = 0; i < n * 8; i++) {
        buf[i / 8] ^= 1 << i % 8;
        noticed += (imgp_record_decode(buf, n, &imgp_malloc) == NULL
                    && imgp_record_head(buf, n, &head) == IMGP_DECLINED);
        buf[i / 8] ^= 1 << i % 8;
    }

    is_int(noticed, n * 8, "every flipped bit is noticed");

    for (i = 0, noticed = 0; i < n; i++) {
        noticed += (imgp_record_decode(buf, i, &imgp_malloc) == NULL
                    && imgp_record_head(buf, i, &head) == IMGP_DECLINED);
    }

    is_int(noticed, n, "every cut is noticed");

    buf[n] = 0;
    ok(imgp_record_decode(buf, n + 1, &imgp_malloc) == NULL, "a byte more");

    imgp_job_destroy(job);
}


/* a good CRC around what must not be believed */

static imgp_job_t *
forged(size_t n)
{
    imgp_codec_out_t  w = { buf, sizeof(buf), n - 4, 0 };

    imgp_codec_put_crc(&w);

    return imgp_record_decode(buf, n, &imgp_malloc);
}


static void
forgeries(void)
{
    size_t        i, n, believed;
    u_char        was;
    imgp_job_t   *job, *copy;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    job = rich_job(plan);
    n = (size_t) imgp_record_encode(job, buf, sizeof(buf));

    copy = forged(n);
    ok(copy != NULL, "unchanged it is whole");
    imgp_job_destroy(copy);

    for (i = 0, believed = 0; i < n - 4; i++) {
        was = buf[i];
        buf[i] = 0xff;

        copy = forged(n);

        if (copy != NULL) {
            if (imgp_record_encode(copy, again, sizeof(again)) != (ssize_t) n
                || memcmp(buf, again, n) != 0)
            {
                believed++;
            }

            imgp_job_destroy(copy);
        }

        buf[i] = was;
    }

    is_int(believed, 0, "what is decoded encodes to the same bytes");

    buf[4] = 2;
    ok(forged(n) == NULL, "another version is not decoded");
    is_int(imgp_record_version(buf, n), 2, "but known as such");

    imgp_job_destroy(job);
}


static void
limits(void)
{
    ssize_t        n;
    imgp_job_t    *job, *copy;
    imgp_uint_t    i;
    imgp_plan_t   *plan;
    imgp_error_t   err;
    char           names[IMGP_STAGES_MAX][IMGP_NAME_LEN];
    char           value[IMGP_VALUE_MAX + 1];

    /* the largest job that there can be */

    plan = fix_plan(pool, "p");
    memset(names, 'n', sizeof(names));
    memset(value, 'v', sizeof(value));
    value[IMGP_VALUE_MAX] = '\0';

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        names[i][0] = (char) ('A' + i % 26);
        names[i][1] = (char) ('a' + i / 26);
        names[i][IMGP_NAME_LEN - 1] = '\0';
        fix_stage(plan, names[i], "post http://x/", NULL);
    }

    for (i = 0; i < IMGP_PARAMS_MAX; i++) {
        fix_param(plan, pool, names[i], value, "~v+");
    }

    fix_finish(plan);
    job = fix_job(plan);

    memset(&err, 0, sizeof(err));
    memset(err.detail, 'd', IMGP_ERROR_DETAIL_LEN - 1);

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        fix_items(job, i, IMGP_ITEMS_MAX, (unsigned) i);
        memset(job->stages[i].items[0].type, 't', IMGP_TYPE_LEN - 1);
        imgp_job_stage_error(job, i, &err);
    }

    n = imgp_record_encode(job, buf, sizeof(buf));
    ok(n > 0 && n <= IMGP_RECORD_MAX, "the largest job: %d bytes", (int) n);
    copy = imgp_record_decode(buf, n, &imgp_malloc);
    ok(copy != NULL && same_job(job, copy), "and back");
    imgp_job_destroy(copy);

    job->stages[0].nitems = IMGP_ITEMS_MAX + 1;
    is_int(imgp_record_encode(job, buf, sizeof(buf)), IMGP_ERROR, "65 items");
    job->stages[0].nitems = 1;

    job->params[0].len = IMGP_VALUE_MAX + 1;
    is_int(imgp_record_encode(job, buf, sizeof(buf)), IMGP_ERROR,
           "too long a value");
    job->params[0].len = 1;

    job->phase_ms[2]++;
    is_int(imgp_record_encode(job, buf, sizeof(buf)), IMGP_ERROR,
           "a millisecond too many");
    job->phase_ms[2]--;

    strcpy(job->error.detail, "\xff");
    is_int(imgp_record_encode(job, buf, sizeof(buf)), IMGP_ERROR,
           "an error that is not UTF-8");
    job->error.detail[0] = '\0';

    job->error_stage = IMGP_STAGES_MAX;
    is_int(imgp_record_encode(job, buf, sizeof(buf)), IMGP_ERROR,
           "a stage at fault that is not there");
    job->error_stage = IMGP_STAGES_MAX - 1;
    ok(imgp_record_encode(job, buf, sizeof(buf)) > 0, "the last stage is");

    imgp_job_destroy(job);
}


static void
out_of_memory(void)
{
    size_t         len;
    imgp_job_t    *job, *copy;
    imgp_uint_t    n;
    imgp_plan_t   *plan;
    test_alloc_t   ta = { 0, 0 };
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };

    plan = fix_closet(pool);
    job = rich_job(plan);
    len = (size_t) imgp_record_encode(job, buf, sizeof(buf));

    for (n = 0; n < 100; n++) {
        ta.left = n;
        copy = imgp_record_decode(buf, len, &alloc);

        if (copy != NULL) {
            break;
        }
    }

    ok(n > 0 && copy != NULL, "%d failed allocations are survived", (int) n);
    imgp_job_destroy(copy);
    is_int(ta.live, 0, "nothing leaks");

    imgp_job_destroy(job);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    round_trip();
    spoilt();
    forgeries();
    limits();
    out_of_memory();

    imgp_pool_destroy(pool);

    return done();
}
