
/*
 * Plans and jobs for the unit tests, in few words.  Everything lives in the
 * pool or job of the test; a plan that does not finish ends the program.
 */


#ifndef _IMGP_FIXTURE_H_INCLUDED_
#define _IMGP_FIXTURE_H_INCLUDED_


#include <imgp/imgp_job.h>


/* the same numbers in every run: xorshift64* (Vigna, 2014) */

__attribute__((unused))
static uint32_t
fix_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;

    return (uint32_t) (*seed * 2685821657736338717ull >> 32);
}


__attribute__((unused))
static imgp_str_t
fix_str(const char *s)
{
    imgp_str_t  str = { strlen(s), (u_char *) s };

    return str;
}


/* "from" is a list of names with one blank between, or NULL */

__attribute__((unused))
static imgp_stage_t *
fix_stage(imgp_plan_t *plan, const char *name, const char *text,
    const char *from)
{
    size_t         len;
    imgp_stage_t  *st;

    st = &plan->stages[plan->nstages++];
    memset(st, 0, sizeof(imgp_stage_t));

    st->name = fix_str(name);
    st->text = fix_str(text);
    st->kind = (strncmp(text, "post", 4) == 0) ? IMGP_STAGE_POST
                                               : IMGP_STAGE_LOCAL;

    while (from != NULL && *from) {
        len = strcspn(from, " ");
        st->from_names[st->nfrom].data = (u_char *) from;
        st->from_names[st->nfrom++].len = len;
        from += len + (from[len] == ' ');
    }

    return st;
}


__attribute__((unused))
static void
fix_param(imgp_plan_t *plan, imgp_pool_t *pool, const char *name,
    const char *value, const char *allowed)
{
    imgp_str_t    n = fix_str(name), v = fix_str(value), a = fix_str(allowed);
    imgp_error_t  err;

    if (imgp_plan_add_param(plan, pool, &n, &v, &a, &err) != IMGP_OK) {
        printf("Bail out! %s\n", err.detail);
        exit(EXIT_FAILURE);
    }
}


__attribute__((unused))
static imgp_plan_t *
fix_plan(imgp_pool_t *pool, const char *name)
{
    imgp_str_t  n = fix_str(name);

    return imgp_plan_create(pool, &n);
}


__attribute__((unused))
static void
fix_finish(imgp_plan_t *plan)
{
    imgp_int_t    stage;
    imgp_error_t  err;

    if (imgp_plan_finish(plan, &stage, &err) != IMGP_OK) {
        printf("Bail out! %s\n", err.detail);
        exit(EXIT_FAILURE);
    }
}


/* the contract's example: photo, cutout, items, expanded (each), result */

__attribute__((unused))
static imgp_plan_t *
fix_closet(imgp_pool_t *pool)
{
    imgp_plan_t   *plan;
    imgp_stage_t  *st;

    plan = fix_plan(pool, "closet");
    plan->accept[plan->naccept++] = fix_str("image/jpeg");
    plan->accept[plan->naccept++] = fix_str("image/png");

    fix_param(plan, pool, "expand", "on", "on|off");
    fix_param(plan, pool, "size", "1024", "~[0-9]{2,4}");

    fix_stage(plan, "photo", "resize/1 1200 fit=inside", NULL);

    st = fix_stage(plan, "cutout", "post http://rembg/ multipart file", NULL);
    st->weight = 30;
    st->retries = 3;
    st->message = fix_str("Cutting it out");

    st = fix_stage(plan, "items", "post http://segment/ raw", NULL);
    st->weight = 15;

    st = fix_stage(plan, "expanded", "post http://expand/ json", "items");
    st->each = 1;
    st->when_name = fix_str("expand");
    st->params_read = 2;
    st->optional = 1;
    st->weight = 50;

    fix_stage(plan, "result", "encode/1 auto max=1024",
              "cutout items expanded");

    plan->output_names[plan->noutputs++] = fix_str("cutout");
    plan->output_names[plan->noutputs++] = fix_str("items");
    plan->output_names[plan->noutputs++] = fix_str("expanded");
    plan->output_names[plan->noutputs++] = fix_str("result");

    fix_finish(plan);

    return plan;
}


__attribute__((unused))
static imgp_item_t
fix_item(unsigned n)
{
    imgp_item_t  item;

    memset(&item, 0, sizeof(imgp_item_t));
    memset(item.digest, (int) n, IMGP_DIGEST_LEN);
    item.bytes = 1000 + n;
    item.width = 100 + n;
    item.height = 200 + n;
    strcpy(item.type, "image/png");

    return item;
}


/* a job that was received at 1000, stored at 1040 and queued at 1043 */

__attribute__((unused))
static imgp_job_t *
fix_job(const imgp_plan_t *plan)
{
    imgp_job_t  *job;

    job = imgp_job_create(&imgp_malloc);

    memset(job->id, 0x5a, IMGP_ID_BYTES);
    job->created_at = 1000;
    job->input = fix_item(1);
    strcpy(job->input.type, "image/jpeg");

    if (imgp_job_bind(job, plan) != IMGP_OK) {
        printf("Bail out! job not bound\n");
        exit(EXIT_FAILURE);
    }

    imgp_job_account(job, 1040);
    job->phase = IMGP_PHASE_STORE;
    imgp_job_account(job, 1043);
    job->queued_at = 1043;

    return job;
}


/* "n" items for a stage, numbered from "first" */

__attribute__((unused))
static void
fix_items(imgp_job_t *job, imgp_uint_t stage, imgp_uint_t n, unsigned first)
{
    imgp_uint_t        i;
    imgp_job_stage_t  *st;

    st = &job->stages[stage];

    st->items = imgp_palloc(job->pool, n * sizeof(imgp_item_t));
    st->nitems = n;

    for (i = 0; i < n; i++) {
        st->items[i] = fix_item(first + i);
    }
}


/* pending -> succeeded by way of all that is between */

__attribute__((unused))
static void
fix_run(imgp_job_t *job, imgp_uint_t stage, imgp_uint_t nitems,
    unsigned first, imgp_msec_t now)
{
    imgp_job_stage_event(job, stage, IMGP_ST_READY, now);
    imgp_job_stage_event(job, stage, IMGP_ST_START, now);
    fix_items(job, stage, nitems, first);
    imgp_job_stage_event(job, stage, IMGP_ST_SUCCEED, now);
}


__attribute__((unused))
static uint64_t
fix_sum(const imgp_job_t *job)
{
    uint64_t     sum;
    imgp_uint_t  i;

    for (i = 0, sum = 0; i < IMGP_PHASE_MAX; i++) {
        sum += job->phase_ms[i];
    }

    return sum;
}


#endif /* _IMGP_FIXTURE_H_INCLUDED_ */
