
/*
 * Templates as they are parsed: every slot, what is refused and on which
 * line.  What they become is test_template_body.c's.
 */


#include "imgp_test.h"
#include <imgp/imgp_template.h>


typedef struct {
    const char    *text;
    imgp_uint_t    line;
    const char    *error;
} test_wrong_t;


static test_wrong_t  wrong[] = {
    { "", 1, "template is no JSON" },
    { "{\"a\":\n\n1,}", 3, "template is no JSON" },
    { "{\"a\": {{input.base64}}}", 1, "must stand within quotes" },
    { "{\n\"a\": {{ job.id }}}", 2, "\"{{job.id}}\" must stand within" },
    { "{\n\n\"a\": {{inputs.b.type}}}", 3, "must stand within quotes" },
    { "{\"a\": \"{{input.bytes}}\"}", 1, "unknown \"bytes\"" },
    { "{\"a\": \"{{inputs.b}}\"}", 1, "unknown \"{{inputs.b}}\"" },
    { "{\"a\": \"{{inputs..json}}\"}", 1, "unknown \"{{inputs..json}}\"" },
    { "{\"a\": \"{{inputs.b.}}\"}", 1, "unknown \"\"" },
    { "{\"a\": \"{{param.}}\"}", 1, "unknown \"{{param.}}\"" },
    { "{\"a\": \"{{}}\"}", 1, "unknown \"{{}}\"" },
    { "{\"a\": \"{{input}}\"}", 1, "unknown \"{{input}}\"" },
    { "{\"a\": \"x\\\"{{foo}}\"}", 1, "unknown \"{{foo}}\"" },
    { "{\"a\": 1,\n\"b\": \"{{ and no end\"}", 2, "without its" },
    { "{\"a\": \"{{input.json\n}}\"}", 1, "without its" },
    { "{\"a\": \"{{", 1, "without its" },
    { "{\"a\": 1{{param.x}}}", 1, "template is no JSON" },
    { "{\"a\": {{param.x}}2}", 1, "template is no JSON" },
    { "{\"a\": -{{param.x}}}", 1, "template is no JSON" },
    { "{\"a\": {{param.x}}{{param.x}}}", 1, "template is no JSON" },
    { "{\"a\": 1, \"a\": 2}", 1, "template is no JSON" },
    { "{\"a\": \"\xff\"}", 1, "template is no JSON" },
    { "{\"a\": {{input.text}}}", 1, "must stand within quotes" },
    { "{\"a\": \"{{input.text/a}}\"}", 1, "unknown \"text/a\"" },
    { "{\"a\": 1,\n \"b\": {{input.json/~2}}}", 2, "~" }
};


static imgp_template_t *
parse(imgp_pool_t *pool, const char *text, size_t len, imgp_uint_t *line,
    imgp_error_t *err)
{
    imgp_str_t        s;
    imgp_template_t  *t;

    memset(err, 0, sizeof(imgp_error_t));

    s.len = len;
    s.data = malloc(len + !len);
    memcpy(s.data, text, len);

    t = imgp_template_parse(pool, &s, line, err);

    free(s.data);

    return t;
}


static void
slots(void)
{
    imgp_uint_t            n, line;
    imgp_pool_t           *pool;
    imgp_error_t           err;
    imgp_template_t       *t;
    imgp_template_slot_t  *slot;

    static const char  text[] =
        "\xef\xbb\xbf{\"a\": \"data:{{input.type}};base64,{{ input.base64 }}\","
        "\n \"b\": {{inputs.items-2.json}}, \"c\": \"\\\"{{param.x_y}}\","
        "\n\n \"{{job.id}}\": {{param.n}}, \"e\": 99999999999999999999}";

    pool = imgp_pool_create(&imgp_malloc, 1024);

    t = parse(pool, text, sizeof(text) - 1, &line, &err);

    ok(t != NULL, "all slots: %s", err.detail);

    slot = imgp_template_slots(t, &n);
    is_int(n, 6, "... six");

    ok(slot[0].kind == IMGP_TEMPLATE_TYPE && slot[0].quoted
       && slot[0].name.len == 0 && slot[0].line == 1, "type");
    ok(slot[1].kind == IMGP_TEMPLATE_BASE64 && slot[1].quoted, "base64");
    ok(slot[2].kind == IMGP_TEMPLATE_JSON && !slot[2].quoted
       && imgp_str_is(&slot[2].name, "items-2") && slot[2].line == 2, "json");
    ok(slot[3].kind == IMGP_TEMPLATE_PARAM && slot[3].quoted
       && imgp_str_is(&slot[3].name, "x_y"), "param in a string");
    ok(slot[4].kind == IMGP_TEMPLATE_JOB && slot[4].line == 4, "job");
    ok(slot[5].kind == IMGP_TEMPLATE_PARAM && !slot[5].quoted, "param");

    ok(parse(pool, "{{input.json}}", 14, &line, &err) != NULL,
       "nothing but a slot");
    ok(parse(pool, "{\"a\": \"{ {\"}", 12, &line, &err) != NULL,
       "braces that are none");

    imgp_pool_destroy(pool);
}


static void
refused(void)
{
    char          *text, *p;
    size_t         i;
    imgp_uint_t    line;
    imgp_pool_t   *pool;
    imgp_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 1024);

    for (i = 0; i < imgp_nelts(wrong); i++) {
        ok(parse(pool, wrong[i].text, strlen(wrong[i].text), &line, &err)
           == NULL
           && strstr(err.detail, wrong[i].error) != NULL,
           "refused: %s", err.detail);
        is_int(line, wrong[i].line, "... its line");
    }

    text = malloc(IMGP_TEMPLATE_MAX + 1);
    memset(text, ' ', IMGP_TEMPLATE_MAX + 1);

    ok(parse(pool, text, IMGP_TEMPLATE_MAX + 1, &line, &err) == NULL,
       "too large: %s", err.detail);

    for (i = 0, p = text; i <= IMGP_TEMPLATE_SLOTS_MAX; i++) {
        p += sprintf(p, "%c\n{{param.x}}", i ? ',' : '[');
    }

    *p++ = ']';

    ok(parse(pool, text, p - text, &line, &err) == NULL,
       "too many slots: %s", err.detail);
    is_int(line, IMGP_TEMPLATE_SLOTS_MAX + 2, "... on its line");

    free(text);
    imgp_pool_destroy(pool);
}


static void
forms(void)
{
    imgp_uint_t            n;
    imgp_pool_t           *pool;
    imgp_error_t           err;
    imgp_template_t       *t;
    imgp_template_slot_t  *slot;

    static const imgp_str_t  fields[] = {
        imgp_string("a b=x{{inputs.l.text}}&{{param.p}}"),
        imgp_string("q={{input.json/a\"b/0}}")
    };
    static const imgp_str_t  bad[] = {
        imgp_string("q={{input.base64}}"),
        imgp_string("q={{input.json"),
        imgp_string("q={{x}}")
    };

    pool = imgp_pool_create(&imgp_malloc, 1024);
    t = imgp_template_form(pool, fields, 2, &err);
    ok(t != NULL, "a form");

    slot = imgp_template_slots(t, &n);
    is_int(n, 3, "... three slots");
    ok(slot[0].kind == IMGP_TEMPLATE_TEXT && slot[0].quoted
       && imgp_str_is(&slot[0].name, "l"), "text");
    ok(slot[1].kind == IMGP_TEMPLATE_PARAM && slot[1].quoted, "param");
    ok(slot[2].kind == IMGP_TEMPLATE_JSON && slot[2].pointer != NULL
       && imgp_str_is(&slot[2].text, "/a\"b/0"), "json with a pointer");

    for (n = 0; n < imgp_nelts(bad); n++) {
        ok(imgp_template_form(pool, &bad[n], 1, &err) == NULL,
           "refused: %s", err.detail);
    }

    imgp_pool_destroy(pool);
}


static void
memory(void)
{
    long           n;
    imgp_uint_t    line, failed;
    test_alloc_t   ta = { -1, 0 };
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };
    imgp_pool_t   *pool;
    imgp_error_t   err;

    for (n = 0, failed = 1; failed && n < 20; n++) {
        ta.left = -1;
        pool = imgp_pool_create(&alloc, 256);
        ta.left = n;

        failed = parse(pool, "{\"a\": \"{{job.id}}\"}", 19, &line, &err)
                 == NULL;

        if (failed && err.code != IMGP_E_INTERNAL) {
            break;
        }

        imgp_pool_destroy(pool);
    }

    ok(!failed && n > 1, "memory runs out at each of %ld allocations", n - 1);
    is_int(ta.live, 0, "... nothing is left");
}


int
main(void)
{
    slots();
    refused();
    forms();
    memory();

    return done();
}
