
/*
 * imgp_plan.c: names, references, order, cycles, outputs, digest.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"


static imgp_pool_t  *pool;


static void
names(void)
{
    size_t        i;
    imgp_str_t    s;
    imgp_error_t  err;
    char          name[IMGP_NAME_LEN + 1];

    static const char *const  good[] = {
        "a", "Z9", "a-b_c", "photo", "eventsx", "file"
    };

    static const char *const  bad[] = {
        "", "9a", "_a", "-a", "a b", "a.b", "a/b", "a\xc3\xa4", "events",
        "retry", "upload"
    };

    for (i = 0; i < imgp_nelts(good); i++) {
        s = fix_str(good[i]);
        is_int(imgp_plan_check_name(&s, "stage", &err), IMGP_OK,
               "stage name \"%s\"", good[i]);
    }

    for (i = 0; i < imgp_nelts(bad); i++) {
        s = fix_str(bad[i]);
        err.detail[0] = '\0';
        ok(imgp_plan_check_name(&s, "stage", &err) == IMGP_ERROR
           && strstr(err.detail, "stage name") != NULL,
           "no stage name \"%s\"", bad[i]);
    }

    s = fix_str("upload");
    is_int(imgp_plan_check_name(&s, "pipeline", &err), IMGP_OK,
           "a pipeline may be called \"upload\"");

    s = fix_str("file");
    is_int(imgp_plan_check_name(&s, "param", &err), IMGP_ERROR,
           "a param may not be called \"file\"");

    memset(name, 'x', sizeof(name));
    s.data = (u_char *) name;
    s.len = IMGP_NAME_LEN - 1;
    is_int(imgp_plan_check_name(&s, "stage", &err), IMGP_OK, "63 characters");
    s.len++;
    is_int(imgp_plan_check_name(&s, "stage", &err), IMGP_ERROR,
           "64 characters");

    s = fix_str("a\0b");
    s.len = 3;
    is_int(imgp_plan_check_name(&s, "stage", &err), IMGP_ERROR, "a NUL");
}


static void
defaults(void)
{
    imgp_plan_t   *plan;
    imgp_stage_t  *st;

    plan = fix_plan(pool, "p");

    is_int(plan->max_pixels, 50000000, "max_pixels 50m");
    is_int(plan->concurrency, 64, "concurrency 64");
    is_int(plan->queue, 1000, "queue 1000");
    is_int(plan->cache, 604800000, "cache 7d");
    is_int(plan->keep, 3600000, "keep 1h");
    ok(imgp_plan_accepts(plan, "image/jpeg"), "any type is accepted");
    ok(imgp_plan_accepts(plan, "text/x-odd"), "really any");

    fix_stage(plan, "a", "resize", NULL);
    st = fix_stage(plan, "b", "post http://x/", NULL);
    fix_finish(plan);

    is_int(st->timeout, 60000, "timeout 60s");
    is_int(st->retries, 0, "no retry");
    is_int(st->retry_delay, 1000, "after 1s");
    is_int(plan->stages[0].timeout, 0, "none of a local stage");

    is_int(plan->stages[0].from[0], IMGP_UPLOAD, "the first reads upload");
    is_int(st->from[0], 0, "the next reads the stage above");
    ok(imgp_str_is(&st->from_names[0], "a"), "and knows its name");
    is_int(st->when, IMGP_NO_PARAM, "no condition");
    is_int(plan->noutputs, 1, "one stage is not read");
    is_int(plan->outputs[0], 1, "which is the output");
    ok(st->output && !plan->stages[0].output, "and no other is");
    ok(imgp_str_is(&plan->output_names[0], "b"), "by name, too");

    plan = fix_closet(pool);
    ok(imgp_plan_accepts(plan, "image/png"), "accept: png");
    ok(!imgp_plan_accepts(plan, "image/gif"), "accept: not gif");
    ok(!imgp_plan_accepts(plan, NULL), "accept: not what is unknown");
}


static void
refused(imgp_plan_t *plan, imgp_int_t at, const char *sentence)
{
    imgp_int_t    stage;
    imgp_error_t  err;

    memset(&err, 0, sizeof(err));
    stage = -7;

    is_int(imgp_plan_finish(plan, &stage, &err), IMGP_ERROR, "%s", sentence);
    is_str(err.detail, sentence, "says so");
    is_int(stage, at, "of stage %d", (int) at);
}


static void
refusals(void)
{
    imgp_plan_t   *plan;
    imgp_stage_t  *st;

    refused(fix_plan(pool, "p"), -1, "pipeline \"p\" has no \"stage\"");

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", NULL);
    fix_stage(plan, "b", "x", "upload c");
    refused(plan, 1, "unknown stage \"c\" in \"from\", it must be \"upload\" "
            "or a stage of this pipeline");

    plan = fix_plan(pool, "p");
    st = fix_stage(plan, "a", "x", "c");
    st->each = 1;
    refused(plan, 0, "unknown stage \"c\" in \"each\", it must be \"upload\" "
            "or a stage of this pipeline");

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", "a");
    refused(plan, 0, "stage \"a\" cannot read itself");

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", NULL);
    fix_stage(plan, "a", "x", NULL);
    refused(plan, 1, "duplicate stage \"a\"");

    plan = fix_plan(pool, "p");
    fix_stage(plan, "in", "x", NULL);
    fix_stage(plan, "a", "x", "in c");
    fix_stage(plan, "b", "x", "a");
    fix_stage(plan, "c", "x", "b");
    fix_stage(plan, "out", "x", "c");
    refused(plan, 1, "stages form a cycle: a reads c reads b reads a");

    plan = fix_plan(pool, "p");
    st = fix_stage(plan, "a", "x", NULL);
    st->when_name = fix_str("p");
    refused(plan, 0, "unknown param \"p\" in \"when\", declare it with "
            "\"param\"");

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", NULL);
    plan->output_names[plan->noutputs++] = fix_str("a");
    plan->output_names[plan->noutputs++] = fix_str("z");
    refused(plan, -1, "unknown stage \"z\" in \"outputs\"");

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", NULL);
    plan->output_names[plan->noutputs++] = fix_str("a");
    plan->output_names[plan->noutputs++] = fix_str("a");
    refused(plan, -1, "duplicate stage \"a\" in \"outputs\"");

    plan = fix_plan(pool, "p.q");
    fix_stage(plan, "a", "x", NULL);
    refused(plan, -1, "invalid pipeline name \"p.q\", it must be 1 to 63 "
            "characters of a-z A-Z 0-9 _ - and begin with a letter");
}


/* a cycle of 32 stages with the longest names does not fit into an error */

static void
long_cycle(void)
{
    size_t         i;
    imgp_int_t     stage;
    imgp_plan_t   *plan;
    imgp_stage_t  *st;
    imgp_error_t   err;
    char           names[IMGP_STAGES_MAX][IMGP_NAME_LEN];

    plan = fix_plan(pool, "p");

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        memset(names[i], 'a', IMGP_NAME_LEN - 1);
        names[i][0] = (char) ('A' + i % 26);
        names[i][1] = (char) ('a' + i / 26);
        names[i][IMGP_NAME_LEN - 1] = '\0';
    }

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        st = fix_stage(plan, names[i], "x", NULL);
        st->from_names[0] = fix_str(names[(i + 1) % IMGP_STAGES_MAX]);
        st->nfrom = 1;
    }

    is_int(imgp_plan_finish(plan, &stage, &err), IMGP_ERROR, "a long cycle");
    ok(strlen(err.detail) < IMGP_ERROR_DETAIL_LEN, "is told as far as it fits");
}


static void
order(void)
{
    uint32_t       seen;
    uint64_t       seed;
    imgp_uint_t    i, k, n, wrong;
    imgp_plan_t   *plan;
    imgp_stage_t  *st;
    char           names[IMGP_STAGES_MAX][4];
    int            perm[IMGP_STAGES_MAX], t;

    /* random graphs: stage perm[i] reads some of perm[0..i-1] */

    seed = 42;
    wrong = 0;

    for (n = 0; n < 200; n++) {
        plan = fix_plan(pool, "p");

        for (i = 0; i < IMGP_STAGES_MAX; i++) {
            snprintf(names[i], sizeof(names[i]), "s%d", (int) i);
            perm[i] = (int) i;
        }

        for (i = IMGP_STAGES_MAX - 1; i; i--) {
            k = fix_random(&seed) % (i + 1);
            t = perm[i];
            perm[i] = perm[k];
            perm[k] = t;
        }

        plan->nstages = IMGP_STAGES_MAX;

        for (i = 0; i < IMGP_STAGES_MAX; i++) {
            st = &plan->stages[perm[i]];
            st->name = fix_str(names[perm[i]]);
            st->nfrom = 1 + fix_random(&seed) % IMGP_FROM_MAX;

            for (k = 0; k < st->nfrom; k++) {
                st->from_names[k] = (i == 0 || fix_random(&seed) % 8 == 0)
                    ? fix_str("upload")
                    : fix_str(names[perm[fix_random(&seed) % i]]);
            }
        }

        fix_finish(plan);

        for (i = 0, seen = 0; i < IMGP_STAGES_MAX; i++) {
            st = &plan->stages[plan->order[i]];

            for (k = 0; k < st->nfrom; k++) {
                if (st->from[k] != IMGP_UPLOAD
                    && !(seen & 1u << st->from[k]))
                {
                    wrong++;
                }
            }

            seen |= 1u << plan->order[i];
        }

        if (seen != 0xffffffff) {
            wrong++;
        }
    }

    is_int(wrong, 0, "inputs come first in the order of 200 random graphs");
}


/* what a change must, and must not, make another plan */

static void
digests(void)
{
    u_char        digest[IMGP_DIGEST_LEN];
    imgp_uint_t   i, changed;
    imgp_plan_t  *plan;

    static const struct {
        const char   *what;
        imgp_uint_t   differs;
    } changes[] = {
        { "nothing", 0 }, { "text", 1 }, { "from", 1 }, { "each", 1 },
        { "when_not", 1 }, { "optional", 1 }, { "stage name", 1 },
        { "kind", 1 }, { "params_read", 1 }, { "outputs", 1 },
        { "concurrency", 0 }, { "queue", 0 }, { "weight", 0 },
        { "message", 0 }, { "timeout", 0 }, { "retries", 0 }, { "keep", 0 },
    };

    plan = fix_closet(pool);
    memcpy(digest, plan->digest, IMGP_DIGEST_LEN);

    for (i = 0; i < imgp_nelts(changes); i++) {
        plan = fix_closet(pool);
        plan->nstages = 5;

        switch (i) {
        case 1:  plan->stages[0].text = fix_str("resize/1 1201"); break;
        case 2:  plan->stages[4].from_names[0] = fix_str("items"); break;
        case 3:  plan->stages[3].each = 0; break;
        case 4:  plan->stages[3].when_not = 1; break;
        case 5:  plan->stages[2].optional = 1; break;
        case 6:  plan->stages[4].name = fix_str("resulT");
                 plan->output_names[3] = fix_str("resulT"); break;
        case 7:  plan->stages[2].kind = IMGP_STAGE_LOCAL; break;
        case 8:  plan->stages[2].params_read = 1; break;
        case 9:  plan->noutputs = 3; break;
        case 10: plan->concurrency = 1; break;
        case 11: plan->queue = 1; break;
        case 12: plan->stages[2].weight = 99; break;
        case 13: plan->stages[2].message = fix_str("m"); break;
        case 14: plan->stages[2].timeout = 1; break;
        case 15: plan->stages[2].retries = 9; break;
        case 16: plan->keep = 1; break;
        }

        /* finished once already */

        plan->stages[0].output = plan->stages[1].output = 0;
        plan->stages[2].output = plan->stages[3].output = 0;
        plan->stages[4].output = 0;
        fix_finish(plan);

        changed = memcmp(digest, plan->digest, IMGP_DIGEST_LEN) != 0;
        is_int(changed, changes[i].differs, "digest: %s", changes[i].what);
    }
}


static void
out_of_memory(void)
{
    imgp_pool_t   *p;
    imgp_plan_t   *plan;
    imgp_uint_t    n, failed;
    imgp_str_t     name = fix_str("p"), value = fix_str("12");
    imgp_str_t     regex = fix_str("~[0-9]+");
    imgp_error_t   err;
    test_alloc_t   ta;
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };

    failed = 0;
    ta.live = 0;

    for (n = 0; n < 100; n++) {
        ta.left = n;
        p = imgp_pool_create(&alloc, 256);

        if (p == NULL) {
            failed++;
            continue;
        }

        plan = imgp_plan_create(p, &name);

        if (plan == NULL
            || imgp_plan_add_param(plan, p, &name, &value, &regex, &err)
               != IMGP_OK)
        {
            failed++;
            imgp_pool_destroy(p);
            continue;
        }

        imgp_pool_destroy(p);
        break;
    }

    ok(failed >= 2 && n < 100, "%u failed allocations are survived",
       (unsigned) failed);
    is_int(ta.live, 0, "nothing leaks");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    names();
    defaults();
    refusals();
    long_cycle();
    order();
    digests();
    out_of_memory();

    imgp_pool_destroy(pool);

    return done();
}
