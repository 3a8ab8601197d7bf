
/*
 * imgp_key.c: what makes another key and what does not.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_graph.h>
#include <imgp/imgp_key.h>
#include <imgp/imgp_digest.h>


static imgp_pool_t  *pool;


/* a key in hex, of all inputs of a stage; static memory */

static const char *
key(const imgp_plan_t *plan, const imgp_job_t *job, imgp_uint_t stage,
    const char *salt)
{
    u_char        digest[IMGP_DIGEST_LEN];
    imgp_str_t    s;
    imgp_uint_t   n;
    imgp_item_t  *items;
    imgp_error_t  err;
    static char   hex[8][IMGP_DIGEST_HEX_LEN + 1];
    static int    next;

    s = fix_str(salt ? salt : "");
    next = (next + 1) % 8;

    if (imgp_graph_items(plan, job, stage, 0, pool, &items, &n, &err)
        != IMGP_OK
        || imgp_key(plan, stage, job, items, n, salt ? &s : NULL, digest)
           != IMGP_OK)
    {
        return "";
    }

    imgp_digest_hex(digest, hex[next]);

    return hex[next];
}


#define same(a, b, ...)    ok(strcmp(a, b) == 0, __VA_ARGS__)
#define differ(a, b, ...)  ok(strcmp(a, b) != 0, __VA_ARGS__)


static void
parts(void)
{
    imgp_job_t    *job, *other;
    imgp_plan_t   *plan, *copy;
    const char    *k;

    plan = fix_closet(pool);
    copy = fix_closet(pool);
    job = fix_job(plan);
    other = fix_job(copy);

    memset(other->id, 1, IMGP_ID_BYTES);
    other->created_at = 77;

    k = key(plan, job, 0, NULL);

    /* a stored result is found for as long as this does not change: raise
       IMGP_KEY_STAGE when it must */

    is_str(k, "ea87bae929f0c2746471b35e7fdf4f9b"
           "26e742363e1f870e336cebdb6d4a4a38",
           "the key, as Python's hashlib has it");

    same(k, key(copy, other, 0, NULL), "the same in another job");

    copy->stages[0].weight = 7;
    copy->stages[0].message = fix_str("m");
    copy->name = fix_str("renamed");
    copy->stages[0].name = fix_str("renamed");
    same(k, key(copy, other, 0, NULL), "names do not count");

    other->params[0] = fix_str("off");
    same(k, key(copy, other, 0, NULL), "nor a param that is not read");

    copy->stages[0].text = fix_str("resize/1 1201");
    differ(k, key(copy, other, 0, NULL), "the operation does");
    copy->stages[0].text = plan->stages[0].text;

    copy->stages[0].kind = IMGP_STAGE_POST;
    differ(k, key(copy, other, 0, NULL), "its kind");
    copy->stages[0].kind = IMGP_STAGE_LOCAL;

    other->input.digest[31] ^= 1;
    differ(k, key(copy, other, 0, NULL), "the content");
    other->input.digest[31] ^= 1;

    strcpy(other->input.type, "image/png");
    differ(k, key(copy, other, 0, NULL), "its type");
    strcpy(other->input.type, "image/jpeg");

    other->input.width++;
    other->input.bytes++;
    same(k, key(copy, other, 0, NULL), "but not what follows from it");

    differ(k, key(copy, other, 0, ""), "an empty salt");
    differ(key(copy, other, 0, ""), key(copy, other, 0, "s"), "another");
    same(key(plan, job, 0, "s"), key(copy, other, 0, "s"), "the same");

    imgp_job_destroy(job);
    imgp_job_destroy(other);
}


static void
params(void)
{
    imgp_job_t   *job;
    imgp_plan_t  *plan;
    const char   *k;

    plan = fix_closet(pool);
    job = fix_job(plan);
    fix_run(job, 2, 1, 30, 2000);

    k = key(plan, job, 3, NULL);
    job->params[1] = fix_str("640");
    differ(k, key(plan, job, 3, NULL), "a param that is read");
    job->params[1] = fix_str("1024");
    same(k, key(plan, job, 3, NULL), "its old value");
    job->params[0] = fix_str("off");
    same(k, key(plan, job, 3, NULL), "another param");

    imgp_job_destroy(job);
}


/* two inputs: which item is whose */

static void
distribution(void)
{
    imgp_job_t    *job;
    imgp_plan_t   *plan;
    imgp_stage_t  *st;
    const char    *k;

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "crop", NULL);
    fix_stage(plan, "b", "crop", "upload");
    st = fix_stage(plan, "c", "post http://x/ json", "a b");
    fix_finish(plan);
    job = fix_job(plan);
    imgp_job_event(job, IMGP_JOB_CLAIM, 2000);

    fix_run(job, 0, 1, 1, 2000);
    fix_run(job, 1, 2, 2, 2000);
    k = key(plan, job, 2, NULL);

    fix_items(job, 0, 2, 1);
    fix_items(job, 1, 1, 3);
    differ(k, key(plan, job, 2, NULL), "1,2 3 is not 1 2,3");

    fix_items(job, 0, 1, 1);
    fix_items(job, 1, 2, 2);
    same(k, key(plan, job, 2, NULL), "as before");

    st->from_names[0] = fix_str("A");
    differ(k, key(plan, job, 2, NULL), "a service may ask by name");

    st->kind = IMGP_STAGE_LOCAL;
    k = key(plan, job, 2, NULL);
    st->from_names[0] = fix_str("a");
    same(k, key(plan, job, 2, NULL), "a local stage does not");

    imgp_job_destroy(job);
}


/* "ab" "c" must not look as "a" "bc" */

static void
lengths(void)
{
    imgp_plan_t  *a, *b;

    a = fix_plan(pool, "p");
    fix_stage(a, "x", "ab", NULL);
    a->stages[0].name = fix_str("xa");
    a->stages[0].text = fix_str("b");
    fix_finish(a);

    b = fix_plan(pool, "p");
    fix_stage(b, "x", "ab", NULL);
    fix_finish(b);

    ok(memcmp(a->digest, b->digest, IMGP_DIGEST_LEN) != 0,
       "parts do not run into each other");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    parts();
    params();
    distribution();
    lengths();

    imgp_pool_destroy(pool);

    return done();
}
