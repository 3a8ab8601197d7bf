
/*
 * imgp_chain.c: which stages run as one, what they read, and their keys.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_chain.h>
#include <imgp/imgp_graph.h>
#include <imgp/imgp_key.h>
#include <imgp/imgp_progress.h>


static imgp_pool_t  *pool;


/* a: local; b: local, reads a; c: what the test makes of it */

static imgp_plan_t *
line(const char *c, const char *from)
{
    imgp_plan_t  *plan;

    plan = fix_plan(pool, "line");
    fix_stage(plan, "a", "resize 100", NULL);
    fix_stage(plan, "b", "canvas 4", "a");
    fix_stage(plan, "c", c, from);

    return plan;
}


static void
found(void)
{
    uint8_t       links[IMGP_CHAIN_MAX];
    imgp_plan_t  *plan;

    plan = line("encode auto", "b");
    fix_finish(plan);
    ok(plan->stages[0].inside && plan->stages[1].inside
       && !plan->stages[2].inside, "a and b are done inside c");
    is_int(imgp_chain_links(plan, 2, links), 3, "three links");
    ok(links[0] == 0 && links[1] == 1 && links[2] == 2, "in their order");
    is_int(imgp_chain_links(plan, 1, links), 2, "up to b there are two");

    plan = line("encode auto", "b");
    plan->output_names[plan->noutputs++] = fix_str("c");
    plan->output_names[plan->noutputs++] = fix_str("a");
    fix_finish(plan);
    ok(!plan->stages[0].inside && plan->stages[1].inside,
       "an output is seen by everybody");

    plan = line("encode auto", "b");
    plan->stages[2].alone = 1;
    fix_finish(plan);
    ok(plan->stages[0].inside && !plan->stages[1].inside,
       "so does an operation that takes files");

    plan = line("encode auto", "b");
    plan->stages[1].alone = 1;
    fix_finish(plan);
    ok(!plan->stages[0].inside && !plan->stages[1].inside,
       "nor is it done within another");

    plan = line("encode auto", "a b");
    fix_finish(plan);
    ok(!plan->stages[0].inside, "two readers");
    ok(!plan->stages[1].inside, "a reader that reads others, too");

    plan = line("post http://x/", "b");
    fix_finish(plan);
    ok(plan->stages[0].inside && !plan->stages[1].inside,
       "a service wants a file");

    plan = line("encode auto", "b");
    plan->stages[1].optional = 1;
    fix_finish(plan);
    ok(!plan->stages[0].inside && !plan->stages[1].inside,
       "who may fail is told apart");

    plan = line("encode auto", "b");
    plan->stages[2].each = 1;
    fix_finish(plan);
    ok(plan->stages[0].inside && !plan->stages[1].inside,
       "items are runs of their own");

    plan = line("encode auto", "b");
    fix_param(plan, pool, "p", "on", "on|off");
    plan->stages[1].when_name = fix_str("p");
    fix_finish(plan);
    ok(!plan->stages[0].inside && !plan->stages[1].inside,
       "who may be skipped, too");
}


static void
too_long(void)
{
    char          name[IMGP_STAGES_MAX][4];
    uint8_t       links[IMGP_CHAIN_MAX];
    imgp_uint_t   i, n, inside;
    imgp_plan_t  *plan;

    plan = fix_plan(pool, "long");

    for (i = 0; i < IMGP_STAGES_MAX; i++) {
        snprintf(name[i], sizeof(name[i]), "s%d", (int) i);
        fix_stage(plan, name[i], "resize 100", i ? name[i - 1] : NULL);
    }

    fix_finish(plan);

    for (i = 0, inside = 0; i < IMGP_STAGES_MAX; i++) {
        inside += plan->stages[i].inside;
        n = imgp_chain_links(plan, i, links);

        if (n > IMGP_CHAIN_MAX || links[n - 1] != i) {
            break;
        }
    }

    is_int(i, IMGP_STAGES_MAX, "no chain is too long");
    ok(inside >= IMGP_STAGES_MAX - IMGP_STAGES_MAX / IMGP_CHAIN_MAX - 1
       && !plan->stages[IMGP_CHAIN_MAX - 1].inside,
       "a long one is cut where it must be");
}


static void
run(void)
{
    u_char        one[IMGP_DIGEST_LEN], two[IMGP_DIGEST_LEN];
    imgp_uint_t   n;
    imgp_job_t   *job;
    imgp_plan_t  *plan;
    imgp_expect_t  expect[IMGP_STAGES_MAX];

    plan = line("encode auto", "b");
    fix_finish(plan);
    job = fix_job(plan);

    is_int(imgp_graph_look(plan, job, 0), IMGP_GRAPH_PASS, "a passes");
    is_int(imgp_graph_look(plan, job, 1), IMGP_GRAPH_PASS, "so does b");
    is_int(imgp_graph_look(plan, job, 2), IMGP_GRAPH_READY, "c is ready");
    ok(imgp_graph_input(plan, job, 2, 0, &n) == &job->input && n == 1,
       "and reads the upload");

    job->stages[1].state = IMGP_ST_FAILED;
    is_int(imgp_graph_look(plan, job, 2), IMGP_GRAPH_DEAD, "b failed");
    job->stages[1].state = IMGP_ST_PENDING;

    imgp_key(plan, 2, job, &job->input, 1, NULL, one);
    plan->stages[0].text = fix_str("resize 101");
    imgp_key(plan, 2, job, &job->input, 1, NULL, two);
    ok(memcmp(one, two, IMGP_DIGEST_LEN) != 0,
       "its key is of all that is done in it");

    /* who is done within another has no time of its own */

    memset(expect, 0, sizeof(expect));
    expect[2].samples = 5;
    expect[2].mean_ms = 100;
    is_int(imgp_progress_eta(plan, job, -1, expect, 0), 100, "an ETA");
    job->stages[2].state = IMGP_ST_RUNNING;
    job->stages[2].progress = 500;
    (void) imgp_progress_update(plan, job, expect, 0);
    is_int(job->progress, 500, "half of all is done");

    imgp_job_destroy(job);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    found();
    too_long();
    run();

    imgp_pool_destroy(pool);

    return done();
}
