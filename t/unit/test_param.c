
/*
 * imgp_param.c: allowed values by list and by expression.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_param.h>


static imgp_pool_t  *pool;


static imgp_int_t
param(imgp_param_t *p, const char *allowed, imgp_error_t *err)
{
    memset(p, 0, sizeof(imgp_param_t));
    p->name = fix_str("p");
    p->allowed = fix_str(allowed);

    return imgp_param_compile(p, pool, err);
}


static void
values(void)
{
    imgp_param_t  p;
    imgp_error_t  err;
    imgp_str_t    s;
    size_t        i;

    static const struct {
        const char   *allowed;
        const char   *value;
        imgp_uint_t   yes;
    } cases[] = {
        { "on|off", "on", 1 }, { "on|off", "off", 1 },
        { "on|off", "o", 0 }, { "on|off", "on|off", 0 },
        { "on|off", "", 0 }, { "on|off", "ON", 0 }, { "on|off", "onn", 0 },
        { "|a", "", 1 }, { "a|", "", 1 }, { "a||b", "", 1 }, { "", "", 1 },
        { "a", "a", 1 }, { "", "a", 0 },
        { "gr\xc3\xbcn|x", "gr\xc3\xbcn", 1 },
        { "~[0-9]{2}", "12", 1 }, { "~[0-9]{2}", "123", 0 },
        { "~[0-9]{2}", "x12", 0 }, { "~\\d+", "12345", 1 },
        { "~a|ab", "ab", 1 }, { "~^a$", "a", 1 }, { "~^a$", "a\n", 0 },
        { "~.*", "", 1 }, { "~.*", "any thing", 1 },
        { "~(?s).*", "a\r\nb", 0 }, { "~.*", "a\x7f" "b", 0 },
        { "~.*", "\xff\xfe", 0 }, { "~.*", "\xc3\xbc", 1 },
        { "~.", "\xc3\xbc", 1 }, { "~", "", 1 }, { "~", "x", 0 },
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s = fix_str(cases[i].value);

        ok(param(&p, cases[i].allowed, &err) == IMGP_OK
           && imgp_param_allows(&p, &s) == cases[i].yes,
           "\"%s\" %s value %d", cases[i].allowed,
           cases[i].yes ? "allows" : "refuses", (int) i);
    }
}


static void
expressions(void)
{
    imgp_param_t  p;
    imgp_error_t  err;
    imgp_str_t    s;
    char          longest[IMGP_VALUE_MAX + 2];

    is_int(param(&p, "~[a", &err), IMGP_ERROR, "a broken expression");
    ok(strstr(err.detail, "regular expression of param \"p\": ") != NULL
       && strstr(err.detail, "at its character") != NULL,
       "is told: %s", err.detail);

    is_int(param(&p, "~\\C", &err), IMGP_ERROR, "\\C breaks characters");
    is_int(param(&p, "~\xff", &err), IMGP_ERROR, "not UTF-8");

    /* an expression that would run for hours is stopped by the limit */

    memset(longest, 'a', sizeof(longest));
    s.data = (u_char *) longest;
    s.len = IMGP_VALUE_MAX;
    longest[IMGP_VALUE_MAX - 1] = 'b';

    is_int(param(&p, "~(a+)+(a+)+(a+)+c", &err), IMGP_OK, "a slow one");
    ok(!imgp_param_allows(&p, &s), "is stopped");

    param(&p, "~.*", &err);
    ok(imgp_param_allows(&p, &s), "256 bytes");
    s.len++;
    ok(!imgp_param_allows(&p, &s), "257 bytes");

    s = fix_str("a\0b");
    s.len = 3;
    ok(!imgp_param_allows(&p, &s), "a NUL");
}


static void
adding(void)
{
    imgp_uint_t    i;
    imgp_plan_t   *plan;
    imgp_error_t   err;
    imgp_str_t     name = fix_str("size"), value = fix_str("1");
    imgp_str_t     allowed = fix_str("2|3"), other;
    char           buf[8];

    plan = fix_plan(pool, "p");

    is_int(imgp_plan_add_param(plan, pool, &name, &value, &allowed, &err),
           IMGP_ERROR, "a default that is not allowed");
    is_str(err.detail, "the default \"1\" of param \"size\" is not one of its "
           "values \"2|3\"", "is told");
    is_int(plan->nparams, 0, "and not added");

    value = fix_str("2");
    is_int(imgp_plan_add_param(plan, pool, &name, &value, &allowed, &err),
           IMGP_OK, "one that is");
    is_int(imgp_plan_add_param(plan, pool, &name, &value, &allowed, &err),
           IMGP_ERROR, "the same again");
    is_str(err.detail, "duplicate param \"size\"", "is told");
    is_int(imgp_plan_find_param(plan, &name), 0, "it is found");
    is_int(imgp_plan_find_param(plan, &value), IMGP_DECLINED, "another not");

    for (i = 1; i < IMGP_PARAMS_MAX; i++) {
        snprintf(buf, sizeof(buf), "p%d", (int) i);
        fix_param(plan, pool, buf, "2", "2");
    }

    other = fix_str("more");
    is_int(imgp_plan_add_param(plan, pool, &other, &value, &allowed, &err),
           IMGP_ERROR, "the 17th");
    is_str(err.detail, "more than 16 params", "is told");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    values();
    expressions();
    adding();

    imgp_pool_destroy(pool);

    return done();
}
