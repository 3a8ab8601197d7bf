
/*
 * What is taken of answers: bodies, parts, documents, base64 and addresses;
 * and what is told of answers that are something else.
 */


#include "imgp_test.h"
#include <imgp/imgp_take.h>


typedef struct {
    char           text[1024];
    imgp_uint_t    count;
} test_seen_t;


typedef struct {
    imgp_take_kind_e  kind;
    const char       *pointer;
    const char       *type;
    const char       *body;
    const char       *want;
} test_take_t;


static test_take_t  taken[] = {
    { IMGP_TAKE_BODY, "", "image/png", "PNG", "image/png:PNG|" },
    { IMGP_TAKE_BODY, "", "", "x", ":x|" },
    { IMGP_TAKE_BODY, "", "multipart/mixed; boundary=b",
      "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--",
      "a/b:x|:y|" },

    { IMGP_TAKE_JSON, "", "text/plain", " {\"a\": [1, \"\\u00e4\"]} ",
      "application/json:{\"a\":[1,\"\xc3\xa4\"]}|" },
    { IMGP_TAKE_JSON, "/*", "", "[1, null, \"b\", true, [], {}]",
      "application/json:1|application/json:\"b\"|application/json:true|"
      "application/json:[]|application/json:{}|" },

    { IMGP_TAKE_BASE64, "/i/*/d", "application/json",
      "{\"i\": [{\"d\": \"Zm9v\"}, {\"t\": 1}, {\"d\": null}, "
      "{\"d\": \"data:image/png;base64,YmE\"}]}", ":foo|image/png:ba|" },
    { IMGP_TAKE_BASE64, "", "", "\"DATA:;BASE64,Zg==\"", ":f|" },

    { IMGP_TAKE_URL, "/u", "", "{\"u\": \"http://a/b\"}", ":http://a/b|" },
    { IMGP_TAKE_URL, "/*", "", "[\"a\", \"b\"]", ":a|:b|" }
};


static test_take_t  refused[] = {
    { IMGP_TAKE_JSON, "/a", "text/html; charset=x", "<html>",
      "answer is text/html, not JSON" },
    { IMGP_TAKE_JSON, "/a", "application/json", "{\"a\":",
      "answer: JSON document is malformed at line 1, column 5" },
    { IMGP_TAKE_JSON, "/a", "application/problem+json", "",
      "answer: JSON document is empty" },
    { IMGP_TAKE_JSON, "/a/b", "", "{\"error\": \"key sk-1\", \"code\": 3}",
      "answer has nothing at \"/a/b\", it is an object of \"error\", "
      "\"code\"" },
    { IMGP_TAKE_JSON, "/a", "",
      "{\"\\n\": 1, \"aaaaaaaaaaaaaaaaaaaaaaaaa\": 2, "
      "\"bbbbbbbbbbbbbbbbbbbbbbbbbbb\": 3, \"ccccccccccccccccccccccccc\": 4, "
      "\"d\": 5}", "answer has nothing at \"/a\", it is an object of \"\", "
      "\"aaaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbb\", "
      "\"ccccccccccccccccc\"..." },
    { IMGP_TAKE_JSON, "/a", "", "{}", "it is an empty object" },
    { IMGP_TAKE_JSON, "/a", "", "[1,2]", "it is an array of 2" },
    { IMGP_TAKE_JSON, "/a", "", "\"sk-1\"", "it is a text of 4 bytes" },
    { IMGP_TAKE_JSON, "/a", "", "1.5", "it is a number" },
    { IMGP_TAKE_JSON, "/a", "", "false", "it is true or false" },
    { IMGP_TAKE_JSON, "", "", "null", "it is null" },
    { IMGP_TAKE_JSON, "/a/*", "", "{\"a\": []}",
      "answer has nothing at \"/a/*\"" },

    { IMGP_TAKE_BASE64, "/a", "", "{\"a\": 1}",
      "answer has a number at \"/a\", not base64" },
    { IMGP_TAKE_BASE64, "/a", "", "{\"a\": \"not, base64\"}",
      "answer has a text of 11 bytes at \"/a\", not base64" },
    { IMGP_TAKE_BASE64, "/a", "", "{\"a\": \"\"}", "a text of 0 bytes" },
    { IMGP_TAKE_BASE64, "/a", "", "{\"a\": \"data:image/png,x\"}",
      "not base64" },
    { IMGP_TAKE_URL, "/a", "", "{\"a\": {\"url\": 1}}",
      "answer has an object of \"url\" at \"/a\", not a URL" },
    { IMGP_TAKE_URL, "/a", "", "{\"a\": \"\"}", "not a URL" },

    { IMGP_TAKE_BODY, "", "multipart/mixed; boundary=b", "--b--",
      "multipart answer without a part" },
    { IMGP_TAKE_BODY, "", "multipart/mixed; boundary=b",
      "--b\r\n\r\n\r\n--b--", "part 1 of the answer is empty" }
};


static imgp_int_t
seen(void *data, const imgp_str_t *content, const imgp_str_t *type,
    imgp_error_t *err)
{
    size_t        len;
    test_seen_t  *s = data;

    len = strlen(s->text);

    snprintf(s->text + len, sizeof(s->text) - len, "%.*s:%.*s|",
             (int) type->len, (char *) type->data,
             (int) content->len, (char *) content->data);
    s->count++;

    return IMGP_OK;
}


static void
prepare(imgp_take_t *take, imgp_pool_t *pool, imgp_take_kind_e kind,
    const char *pointer)
{
    imgp_error_t  err;

    take->kind = kind;
    take->text.data = (u_char *) pointer;
    take->text.len = strlen(pointer);
    take->pointer = imgp_pointer_parse(pool, &take->text, &err);
}


static imgp_int_t
run(const test_take_t *t, test_seen_t *s, imgp_error_t *err)
{
    imgp_int_t    rc;
    imgp_str_t    body, type;
    imgp_pool_t  *pool;
    imgp_take_t   take;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    prepare(&take, pool, t->kind, t->pointer);

    type.data = (u_char *) t->type;
    type.len = strlen(t->type);
    body.len = strlen(t->body);
    body.data = malloc(body.len + !body.len);
    memcpy(body.data, t->body, body.len);

    memset(s, 0, sizeof(test_seen_t));
    memset(err, 0, sizeof(imgp_error_t));

    rc = imgp_take(&take, &body, &type, seen, s, err);

    free(body.data);
    imgp_pool_destroy(pool);

    return rc;
}


static void
limits(void)
{
    char          *p, *body;
    imgp_uint_t    i;
    imgp_error_t   err;
    test_seen_t    s;
    test_take_t    t = { IMGP_TAKE_JSON, "/*", "", NULL, NULL };

    body = malloc(16384);
    t.body = body;

    for (i = 0, p = body; i < 65; i++) {
        p += sprintf(p, "%s1", i ? "," : "[");
    }

    strcpy(p, "]");

    ok(run(&t, &s, &err) == IMGP_ERROR && err.code == IMGP_E_LIMIT,
       "too many values: %s", err.detail);
    is_int(s.count, 64, "... no more than these");

    t.kind = IMGP_TAKE_BODY;
    t.type = "multipart/mixed; boundary=b";

    for (i = 0, p = body; i < 65; i++) {
        p += sprintf(p, "--b\r\n\r\nx\r\n");
    }

    strcpy(p, "--b--");

    ok(run(&t, &s, &err) == IMGP_ERROR && err.code == IMGP_E_LIMIT,
       "too many parts: %s", err.detail);

    t.kind = IMGP_TAKE_URL;
    memset(body, 'x', IMGP_TAKE_URL_MAX + 4);
    memcpy(body, "[\"", 2);
    strcpy(body + IMGP_TAKE_URL_MAX + 3, "\"]");

    ok(run(&t, &s, &err) == IMGP_ERROR && err.code == IMGP_E_SERVICE_REPLY,
       "too long a URL: %s", err.detail);

    free(body);
}


static void
strings(void)
{
    json_t        *root;
    imgp_str_t     value;
    imgp_pool_t   *pool;
    imgp_take_t    take;
    imgp_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    root = json_loads("{\"a\": [null, \"x\", \"y\"], \"b\": 3}", 0, NULL);

    prepare(&take, pool, IMGP_TAKE_JSON, "/a/*");
    ok(imgp_take_string(&take, root, pool, &value, &err) == IMGP_OK
       && imgp_str_is(&value, "x"), "the first string");

    prepare(&take, pool, IMGP_TAKE_JSON, "/b");
    ok(imgp_take_string(&take, root, pool, &value, &err) == IMGP_ERROR
       && strstr(err.detail, "a number at \"/b\", not a text") != NULL,
       "no string: %s", err.detail);

    prepare(&take, pool, IMGP_TAKE_JSON, "/c");
    ok(imgp_take_string(&take, root, pool, &value, &err) == IMGP_ERROR,
       "nothing: %s", err.detail);

    json_decref(root);
    imgp_pool_destroy(pool);
}


int
main(void)
{
    size_t        i;
    imgp_error_t  err;
    test_seen_t   s;

    for (i = 0; i < imgp_nelts(taken); i++) {
        is_int(run(&taken[i], &s, &err), IMGP_OK, "taken: %s", err.detail);
        is_str(s.text, taken[i].want, "... this");
    }

    for (i = 0; i < imgp_nelts(refused); i++) {
        ok(run(&refused[i], &s, &err) == IMGP_ERROR
           && err.code == IMGP_E_SERVICE_REPLY
           && strstr(err.detail, refused[i].want) != NULL
           && strstr(err.detail, "sk-1") == NULL,
           "refused: %s", err.detail);
    }

    limits();
    strings();

    return done();
}
