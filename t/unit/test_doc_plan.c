
/*
 * imgp_doc_plan.c: a pipeline as clients see it.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_doc.h>


static const char  closet[] =
    "{\"pipeline\":\"closet\",\"accept\":[\"image/jpeg\",\"image/png\"],"
    "\"max_pixels\":50000000,\"concurrency\":64,\"queue\":1000,"
    "\"cache_s\":604800,\"keep_s\":3600,"
    "\"params\":[{\"name\":\"expand\",\"default\":\"on\","
    "\"values\":[\"on\",\"off\"]},"
    "{\"name\":\"size\",\"default\":\"1024\",\"pattern\":\"[0-9]{2,4}\"}],"
    "\"stages\":["
    "{\"name\":\"photo\",\"operation\":\"resize\",\"from\":[\"upload\"],"
    "\"each\":false,\"when\":null,\"optional\":false,\"weight\":0,"
    "\"timeout_ms\":0,\"retries\":0},"
    "{\"name\":\"cutout\",\"operation\":\"post\",\"from\":[\"photo\"],"
    "\"each\":false,\"when\":null,\"optional\":false,\"weight\":30,"
    "\"timeout_ms\":60000,\"retries\":3},"
    "{\"name\":\"items\",\"operation\":\"post\",\"from\":[\"cutout\"],"
    "\"each\":false,\"when\":null,\"optional\":false,\"weight\":15,"
    "\"timeout_ms\":60000,\"retries\":0},"
    "{\"name\":\"expanded\",\"operation\":\"post\",\"from\":[\"items\"],"
    "\"each\":true,\"when\":\"$param_expand\",\"optional\":true,"
    "\"weight\":50,\"timeout_ms\":60000,\"retries\":0},"
    "{\"name\":\"result\",\"operation\":\"encode\","
    "\"from\":[\"cutout\",\"items\",\"expanded\"],\"each\":false,"
    "\"when\":null,\"optional\":false,\"weight\":0,\"timeout_ms\":0,"
    "\"retries\":0}],"
    "\"outputs\":[\"cutout\",\"items\",\"expanded\",\"result\"]}";


int
main(void)
{
    char            *text;
    size_t           len;
    imgp_pool_t     *pool;
    imgp_plan_t     *plan;
    imgp_stage_t    *st;
    imgp_doc_ctx_t   ctx;

    memset(&ctx, 0, sizeof(ctx));
    pool = imgp_pool_create(&imgp_malloc, 4096);

    text = imgp_doc_plan(fix_closet(pool), &ctx, &len);
    is_str(text, closet, "the contract's pipeline");
    is_int(len, sizeof(closet) - 1, "its length");
    free(text);

    plan = fix_plan(pool, "p");
    fix_param(plan, pool, "x", "", "|a");
    plan->cache = 0;
    st = fix_stage(plan, "s", "base64", NULL);
    st->when_name = fix_str("x");
    st->when_not = 1;
    fix_finish(plan);

    text = imgp_doc_plan(plan, &ctx, &len);
    ok(text != NULL && strstr(text, "\"accept\":[\"*/*\"]") != NULL,
       "no accept: any");
    ok(text != NULL && strstr(text, "\"cache_s\":0") != NULL, "cache off");
    ok(text != NULL && strstr(text, "\"values\":[\"\",\"a\"]") != NULL,
       "an empty value");
    ok(text != NULL && strstr(text, "\"when\":\"!$param_x\"") != NULL,
       "when not");
    ok(text != NULL && strstr(text, "\"operation\":\"base64\"") != NULL,
       "a text of one word");
    free(text);

    imgp_pool_destroy(pool);

    return done();
}
