
/*
 * Texts of the same document and of others, in all their forms, good and bad.
 */


#include <imgp/imgp_text.h>
#include <imgp/imgp_texts.h>
#include "imgp_work_test.h"


#define TEST_DOCS  4


typedef struct {
    test_work_t            tw;
    imgp_op_input_t        inputs[TEST_DOCS + 1];
    const imgp_op_input_t *picture;
    imgp_texts_t           texts;
    imgp_int_t             rc;
} test_texts_t;


static test_texts_t  t;


/* a document that begins with "=" is a plain text, "#" stands for a picture */

static void
test_read(const char *boxes, const char *pointer, const char *const *docs)
{
    imgp_str_t         s;
    imgp_uint_t        i;
    imgp_pool_t       *pool;
    imgp_error_t       err;
    imgp_pointer_t    *b, *p;
    imgp_op_input_t   *in;

    memset(&t, 0, sizeof(t));
    test_work(&t.tw);

    for (i = 0; docs[i] != NULL; i++) {
        in = &t.inputs[i];
        in->type = (docs[i][0] == '=') ? "text/plain"
                   : (docs[i][0] == '#') ? "image/png" : "application/json";
        in->data.data = (u_char *) docs[i] + (docs[i][0] == '=');
        in->data.len = strlen((char *) in->data.data);
    }

    t.tw.task.inputs = t.inputs;
    t.tw.task.ninputs = i;

    pool = imgp_pool_create(&imgp_malloc, 1024);

    s.data = (u_char *) boxes;
    s.len = strlen(boxes);
    b = imgp_pointer_parse(pool, &s, &err);

    s.data = (u_char *) pointer;
    s.len = pointer ? strlen(pointer) : 0;
    p = pointer ? imgp_pointer_parse(pool, &s, &err) : NULL;

    t.rc = imgp_texts_read(&t.tw.work, b, p, &t.picture, &t.texts);

    imgp_pool_destroy(pool);
}


/* the texts with a "|" after each */

static char *
test_all(void)
{
    size_t        len;
    imgp_uint_t   i;

    static char  all[256];

    if (t.rc != IMGP_OK) {
        return t.tw.task.error.detail;
    }

    for (len = 0, i = 0; i < t.texts.n; i++) {
        len += snprintf(all + len, sizeof(all) - len, "%.*s|",
                        (int) t.texts.texts[i].len,
                        (char *) t.texts.texts[i].data);
    }

    all[len] = '\0';

    return all;
}


#define read_as(boxes, pointer, want, ...)                                    \
    do {                                                                      \
        test_read(boxes, pointer,                                             \
                  (const char *const []) { __VA_ARGS__, NULL });              \
        is_str(test_all(), want, "%s: %s", pointer ? (char *) pointer : "-",  \
               (const char *[]) { __VA_ARGS__ }[1]);                          \
        imgp_texts_free(&t.texts);                                            \
    } while (0)


static void
test_good(void)
{
    const char  *none = NULL;

    read_as("/*", none, "a|b|", "#", "[{\"text\":\"a\",\"box\":[1]},"
            "{\"box\":2,\"text\":\"b\"}]");
    ok(t.picture == &t.inputs[0], "the picture");

    read_as("/b/*", "/t/*", "a|b|", "#", "{\"b\":[1,2],\"t\":[\"a\",\"b\"]}");
    read_as("/*", none, "a||", "#", "[{\"text\":\"a\"},{\"text\":null}]");
    read_as("/*", none, "", "#", "[]");

    /* of others */

    read_as("/*", "/t/*", "a|b|", "#", "[1,2]", "{\"t\":[\"a\",\"b\"]}");
    read_as("/*", "/t", "a|b|", "#", "[1,2]", "{\"t\":\"a\"}",
            "{\"t\":\"b\"}");
    read_as("/*", none, "a|b|", "#", "[1,2]", "\"a\"", "\"b\"");
    read_as("/*", none, "a|b|", "#", "[1,2]", "[\"a\",\"b\"]");
    read_as("/*", none, "a|[1]|", "#", "[1,2]", "=a", "=[1]");
    read_as("/*", none, "123|[1]|null|", "#", "[1]", "\"123\"", "\"[1]\"",
            "\"null\"");
    ok(t.picture == &t.inputs[0], "the picture");

    read_as("/*", none, "a|", "[1]", "#", "=a");
    ok(t.picture == &t.inputs[1], "which may stand anywhere");

    /* as language models answer */

    read_as("/*", "/*", "a|b|", "#", "[1,2]", "\"[\\\"a\\\",\\\"b\\\"]\"");
}


static void
test_bad(void)
{
    const char  *none = NULL;

    read_as("/*", none, "value 1 selected has no member \"text\"", "#",
            "[{\"text\":\"a\"},{\"box\":1}]");
    read_as("/*", none, "text 0 is no string", "#", "[{\"text\":5}]");
    read_as("/*", "/*", "text 1 is no string", "#", "[1]", "[\"a\",[]]");
    read_as("/*", none, "text 0 is no string", "#", "[1]", "{\"t\":1}");
    read_as("/*", none, "render takes one image and one or more JSON "
            "documents", "#", "#", "[]");
    read_as("/*", none, "render takes one image and one or more JSON "
            "documents", "[]", "[]");
    read_as("/*", none, "render takes one image and one or more JSON "
            "documents", "#", "##");
    is_int(t.tw.task.error.code, IMGP_E_BAD_PARAM, "as a bad document");

    read_as("/*", none, "JSON document is malformed at line 1, column 1", "#",
            "[");
}


static void
test_limits(void)
{
    char    *json;
    size_t   i, len;

    json = malloc(IMGP_TEXTS_MAX * 5 + IMGP_TEXT_BYTES);

    for (len = 1, i = 0; i < IMGP_TEXTS_MAX; i++) {
        len += sprintf(json + len, "%s\"a\"", i ? "," : "");
    }

    json[0] = '[';
    strcpy(json + len, "]");
    test_read("", NULL, (const char *const []) { "#", "[1]", json, NULL });
    is_int(t.texts.n, IMGP_TEXTS_MAX, "as many as there may be");
    imgp_texts_free(&t.texts);

    strcpy(json + len, ",null]");
    test_read("", NULL, (const char *const []) { "#", "[1]", json, NULL });
    is_int(t.tw.task.error.code, IMGP_E_LIMIT, "one more");

    memset(json, 'a', IMGP_TEXT_BYTES + 3);
    json[0] = '"';
    strcpy(json + IMGP_TEXT_BYTES + 1, "\"");
    test_read("", NULL, (const char *const []) { "#", "[1]", json, NULL });
    is_int(t.texts.texts[0].len, IMGP_TEXT_BYTES, "as long as it may be");
    imgp_texts_free(&t.texts);

    strcpy(json + IMGP_TEXT_BYTES + 1, "a\"");
    test_read("", NULL, (const char *const []) { "#", "[1]", json, NULL });
    is_int(t.tw.task.error.code, IMGP_E_LIMIT, "one byte more");

    free(json);
}


int
main(void)
{
    test_good();
    test_bad();
    test_limits();

    return done();
}
