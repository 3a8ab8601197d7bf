
/*
 * JSON pointers by RFC 6901's own examples, "*", malformed ones; documents
 * within and past their limits; memory running out.
 */


#include "imgp_test.h"
#include <imgp/imgp_pointer.h>


typedef struct {
    char           text[512];         /* what was selected, one after another */
    imgp_int_t     left;              /* stop after so many */
} test_select_t;


static imgp_int_t
collect(void *data, json_t *value)
{
    char           *dump;
    size_t          len;
    test_select_t  *sel = data;

    if (sel->left-- == 0) {
        return IMGP_ERROR;
    }

    dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    len = strlen(sel->text);

    snprintf(sel->text + len, sizeof(sel->text) - len, "%s%s",
             len ? " " : "", dump);
    free(dump);

    return IMGP_OK;
}


static imgp_int_t
select_all(json_t *root, const char *pointer, test_select_t *sel)
{
    imgp_int_t       n;
    imgp_str_t       text;
    imgp_pool_t     *pool;
    imgp_error_t     err;
    imgp_pointer_t  *parsed;

    text.data = (u_char *) pointer;
    text.len = strlen(pointer);
    sel->text[0] = '\0';

    pool = imgp_pool_create(&imgp_malloc, 1024);
    parsed = imgp_pointer_parse(pool, &text, &err);

    n = parsed ? imgp_pointer_each(parsed, root, collect, sel) : -100;

    imgp_pool_destroy(pool);

    return n;
}


static json_t *
load(const char *text, imgp_error_t *err)
{
    json_t      *root;
    imgp_str_t   s;

    memset(err, 0, sizeof(imgp_error_t));

    /* of the exact length, so that AddressSanitizer sees its end */

    s.len = strlen(text);
    s.data = malloc(s.len + !s.len);
    memcpy(s.data, text, s.len);

    root = imgp_json_load(&s, err);

    free(s.data);

    return root;
}


static void
test_rfc(void)
{
    json_t         *root;
    imgp_uint_t     i;
    imgp_error_t    err;
    test_select_t   sel;

    static const char  doc[] =
        "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
        "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";

    static const struct {
        const char  *pointer;
        const char  *value;
    } cases[] = {
        { "", doc },
        { "/foo", "[\"bar\",\"baz\"]" },
        { "/foo/0", "\"bar\"" },
        { "/", "0" },
        { "/a~1b", "1" },
        { "/c%d", "2" },
        { "/e^f", "3" },
        { "/g|h", "4" },
        { "/i\\j", "5" },
        { "/k\"l", "6" },
        { "/ ", "7" },
        { "/m~0n", "8" }
    };

    root = load(doc, &err);

    for (i = 0; i < imgp_nelts(cases); i++) {
        sel.left = -1;
        is_int(select_all(root, cases[i].pointer, &sel), 1,
               "RFC 6901, 5: \"%s\" selects one", cases[i].pointer);
        is_str(sel.text, cases[i].value, "its value");
    }

    json_decref(root);
}


static void
test_any(void)
{
    json_t         *root;
    imgp_uint_t     i;
    imgp_error_t    err;
    test_select_t   sel;

    static const char  doc[] =
        "{\"z\":[[1,2],[],[3,[4]],{\"a\":5}],\"a\":{\"*\":6,\"~1\":7,"
        "\"10\":8},\"n\":null,\"s\":\"x\",\"l\":[0,1,2,3,4,5,6,7,8,9,10]}";

    static const struct {
        const char  *pointer;
        imgp_int_t   n;
        const char  *values;
    } cases[] = {
        { "/z/*", 4, "[1,2] [] [3,[4]] {\"a\":5}" },
        { "/z/*/*", 5, "1 2 3 [4] 5" },
        { "/z/*/*/*", 1, "4" },
        { "/z/*/0", 2, "1 3" },
        { "/z/*/a", 1, "5" },
        { "/a/*", 3, "6 7 8" },
        { "/a/~01", 1, "7" },
        { "/a/10", 1, "8" },
        { "/l/10", 1, "10" },
        { "/l/01", 0, "" },
        { "/l/00", 0, "" },
        { "/l/11", 0, "" },
        { "/l/-", 0, "" },
        { "/l/-1", 0, "" },
        { "/l/+1", 0, "" },
        { "/l/1x", 0, "" },
        { "/l/", 0, "" },
        { "/l/18446744073709551617", 0, "" },
        { "/l/99999999999999999999999999", 0, "" },
        { "/s/*", 0, "" },
        { "/s/0", 0, "" },
        { "/n", 1, "null" },
        { "/n/*", 0, "" },
        { "/none/*", 0, "" },
        { "/*/*/a", 1, "5" },
        { "/z/**", 0, "" }
    };

    root = load(doc, &err);

    for (i = 0; i < imgp_nelts(cases); i++) {
        sel.left = -1;
        is_int(select_all(root, cases[i].pointer, &sel), cases[i].n,
               "\"%s\" selects %d", cases[i].pointer, (int) cases[i].n);
        is_str(sel.text, cases[i].values, "in the document's order");
    }

    sel.left = 3;
    is_int(select_all(root, "/z/*/*", &sel), IMGP_ERROR, "the handler stops");
    is_str(sel.text, "1 2 3", "at once");

    json_decref(root);
}


static void
test_malformed(void)
{
    char              text[4096];
    imgp_str_t        s;
    imgp_uint_t       i;
    imgp_pool_t      *pool;
    imgp_error_t      err;

    static const char  *cases[] = { "foo", "foo/bar", "#/foo", " /foo", "/~",
                                    "/~2", "/a~", "/a~/b", "/~~0", "*" };

    pool = imgp_pool_create(&imgp_malloc, 4096);

    for (i = 0; i < imgp_nelts(cases); i++) {
        s.data = (u_char *) cases[i];
        s.len = strlen(cases[i]);
        memset(&err, 0, sizeof(err));

        ok(imgp_pointer_parse(pool, &s, &err) == NULL, "\"%s\" is refused",
           cases[i]);
        ok(err.code == IMGP_E_BAD_PARAM
           && strstr(err.detail, "JSON pointer") != NULL, "%s", err.detail);
    }

    s.data = (u_char *) "/a\0b";
    s.len = 4;
    ok(imgp_pointer_parse(pool, &s, &err) == NULL, "a zero byte");

    memset(text, 'a', sizeof(text));
    text[0] = '/';
    s.data = (u_char *) text;
    s.len = 2048;
    ok(imgp_pointer_parse(pool, &s, &err) != NULL, "2048 bytes");
    s.len = 2049;
    ok(imgp_pointer_parse(pool, &s, &err) == NULL, "2049 bytes");

    memset(text, '/', sizeof(text));
    s.len = IMGP_JSON_DEPTH_MAX;
    ok(imgp_pointer_parse(pool, &s, &err) != NULL, "32 parts");
    s.len++;
    ok(imgp_pointer_parse(pool, &s, &err) == NULL, "33 parts");

    imgp_pool_destroy(pool);
}


static void
test_documents(void)
{
    json_t        *root;
    imgp_uint_t    i;
    imgp_error_t   err;

    static const struct {
        const char  *doc;
        const char  *why;             /* NULL: accepted */
    } cases[] = {
        { "{}", NULL },
        { "[]", NULL },
        { "\"x\"", NULL },
        { "12", NULL },
        { "null", NULL },
        { " \r\n\t[1]\n", NULL },
        { "\xef\xbb\xbf{\"a\":1}", NULL },
        { "{\"a\":\"\\u00e9\\ud83d\\ude3a\xc3\xa9\"}", NULL },
        { "{\"a\":[{\"a\":1},{\"a\":2}]}", NULL },
        { "", "empty" },
        { "\xef\xbb\xbf", "malformed" },
        { " ", "malformed" },
        { "{\"a\":1", "malformed" },
        { "{\"a\":1}}", "malformed" },
        { "{\"a\":1}{}", "malformed" },
        { "{a:1}", "malformed" },
        { "{'a':1}", "malformed" },
        { "[1,]", "malformed" },
        { "[01]", "malformed" },
        { "[NaN]", "malformed" },
        { "[1e999]", "malformed" },
        { "\"a\nb\"", "malformed" },
        { "\"a", "malformed" },
        { "\"a\\\"", "malformed" },
        { "\"\xff\"", "malformed" },
        { "\"\\ud83d\"", "malformed" },
        { "\"\\u0000\"", "malformed" },
        { "<html>", "malformed" },
        { "{\"a\":1,\"a\":1}", "twice" },
        { "[{\"b\":{\"a\":1,\"\\u0061\":2}}]", "twice" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        root = load(cases[i].doc, &err);

        if (cases[i].why == NULL) {
            ok(root != NULL && err.code == 0, "accepted: %.40s",
               cases[i].doc);

        } else {
            ok(root == NULL && err.code == IMGP_E_SERVICE_REPLY
               && strstr(err.detail, cases[i].why) != NULL,
               "refused: %s", err.detail);
        }

        json_decref(root);
    }

    load("[\"secret\", x]", &err);
    ok(strstr(err.detail, "secret") == NULL && strstr(err.detail, "line 1"),
       "the document is not quoted: %s", err.detail);
}


static void
test_numbers(void)
{
    json_t        *root;
    imgp_error_t   err;

    root = load("[9223372036854775807,2]", &err);
    ok(json_is_integer(json_array_get(root, 0)), "63 bits are an integer");
    json_decref(root);

    root = load("{\"seed\":18446744073709551615,\"x\":3}", &err);
    ok(root != NULL, "a seed of 64 bits does no harm");
    ok(json_number_value(json_object_get(root, "x")) == 3.0,
       "numbers can still be read");
    ok(json_number_value(json_object_get(root, "seed")) > 1.8e19,
       "the seed too");
    json_decref(root);
}


/* "n" times "open", then "inner", then "n" times "close" */

static json_t *
nested(size_t n, const char *open, const char *inner, const char *close,
    imgp_error_t *err)
{
    char    *text, *p;
    size_t   i;
    json_t  *root;

    text = malloc(n * (strlen(open) + strlen(close)) + strlen(inner) + 1);
    p = text;

    for (i = 0; i < n; i++) {
        p = stpcpy(p, open);
    }

    p = stpcpy(p, inner);

    for (i = 0; i < n; i++) {
        p = stpcpy(p, close);
    }

    root = load(text, err);
    free(text);

    return root;
}


static void
test_depth(void)
{
    json_t        *root;
    imgp_error_t   err;

    root = nested(32, "[", "", "]", &err);
    ok(root != NULL, "32 levels of arrays");
    json_decref(root);

    root = nested(32, "{\"a\":", "1", "}", &err);
    ok(root != NULL, "32 levels of objects");
    json_decref(root);

    ok(nested(33, "[", "", "]", &err) == NULL, "33 levels");
    ok(strstr(err.detail, "32 levels") != NULL, "%s", err.detail);
    ok(nested(17, "[{\"a\":", "1", "}]", &err) == NULL, "34 of both");
    ok(nested(1000000, "[", "", "", &err) == NULL, "a million, unclosed");
    ok(nested(1000000, "{\"\":", "1", "}", &err) == NULL, "of objects");
    ok(strstr(err.detail, "32 levels") != NULL, "found by the scan");

    /* brackets in strings are none, whatever stands before the quotes */

    root = nested(100, "", "\"[[[[\\\"[[[[[[[[[[{{{{{{{{{{{{{{{{{{{{{{{{\"",
                  "", &err);
    ok(root != NULL, "brackets in a string");
    json_decref(root);

    root = load("[\"\\\\\",[],\"\\\\\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]",
                &err);
    ok(root != NULL, "after escaped backslashes");
    json_decref(root);

    ok(nested(33, "[", "\"\\\\\"", "]", &err) == NULL
       && strstr(err.detail, "32 levels") != NULL,
       "a string's end is not missed");

    root = load("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]",
                &err);
    ok(root != NULL, "many beside each other are not deep");
    json_decref(root);
}


static void
test_sizes(void)
{
    char          *text;
    size_t         n;
    json_t        *root;
    imgp_str_t     s;
    imgp_error_t   err;

    n = IMGP_JSON_VALUES_MAX;
    text = malloc(3 * n + 16);

    /* the array itself and n - 1 numbers */

    memset(text, ',', 2 * n);
    for (s.len = 1; s.len < 2 * n - 2; s.len += 2) {
        text[s.len] = '1';
    }

    text[0] = '[';
    text[2 * n - 2] = ']';
    s.data = (u_char *) text;
    s.len = 2 * n - 1;

    root = imgp_json_load(&s, &err);
    is_int(json_array_size(root), n - 1, "as many values as are allowed");
    json_decref(root);

    memcpy(text + 2 * n - 2, ",1,1]", 5);
    s.len += 4;
    ok(imgp_json_load(&s, &err) == NULL, "and two more");
    ok(strstr(err.detail, "values") != NULL, "%s", err.detail);

    for (s.len = 0; s.len < 3 * n; s.len += 3) {
        memcpy(text + s.len, "{},", 3);
    }

    text[0] = '[';
    ok(imgp_json_load(&s, &err) == NULL
       && strstr(err.detail, "values") != NULL, "a bomb of empty objects");

    free(text);

    /* a string as large as the limit, then one byte more */

    n = IMGP_JSON_BYTES_MAX;
    text = malloc(n + 1);

    if (text == NULL) {
        skip("no memory for a large document");
        return;
    }

    memset(text, 'A', n + 1);
    text[0] = '"';
    text[n] = '"';
    s.data = (u_char *) text;
    s.len = n + 1;
    ok(imgp_json_load(&s, &err) == NULL && strstr(err.detail, "64 MB"),
       "64 MB and a byte: %s", err.detail);

    text[n - 1] = '"';
    s.len = n;
    root = imgp_json_load(&s, &err);
    is_int(json_string_length(root), n - 2, "64 MB");
    json_decref(root);

    free(text);
}


static void
test_memory(void)
{
    long             n;
    size_t           wrong;
    imgp_str_t       s = imgp_string("/a/*/b");
    imgp_pool_t     *pool;
    test_alloc_t     ta;
    imgp_alloc_t     alloc = { test_alloc, test_free, &ta };
    imgp_error_t     err;
    imgp_pointer_t  *pointer;

    for (n = 1, wrong = 0; n < 5; n++) {
        ta.left = n;
        ta.live = 0;
        pool = imgp_pool_create(&alloc, 256);

        /* the page itself is used up */

        while (ta.left > 0 && imgp_palloc(pool, 64) != NULL) { /* void */ }
        while (imgp_palloc(pool, 16) != NULL) { /* void */ }

        pointer = imgp_pointer_parse(pool, &s, &err);
        wrong += (pointer != NULL || err.code != IMGP_E_INTERNAL);

        imgp_pool_destroy(pool);
        wrong += (ta.live != 0);
    }

    is_int(wrong, 0, "no memory for a pointer");
}


int
main(void)
{
    test_rfc();
    test_any();
    test_malformed();
    test_documents();
    test_numbers();
    test_depth();
    test_sizes();
    test_memory();

    return done();
}
