
/*
 * Templates filled: what is sent, in pieces of every size and from every
 * place, and inputs that cannot be sent.
 */


#include "imgp_test.h"
#include <imgp/imgp_template.h>


/* what begins with no "{" or "[" is a field of a form */

static imgp_template_t *
parse(imgp_pool_t *pool, const char *text)
{
    imgp_str_t    s;
    imgp_uint_t   line;
    imgp_error_t  err;

    s.data = (u_char *) text;
    s.len = strlen(text);

    if (text[0] >= 'a' && text[0] <= 'z') {
        return imgp_template_form(pool, &s, 1, &err);
    }

    return imgp_template_parse(pool, &s, &line, &err);
}


/* of the only input, and the only param */

static imgp_template_body_t *
fill(imgp_pool_t *pool, const char *text, const char *data, const char *param,
    imgp_error_t *err)
{
    imgp_str_t              *value;
    imgp_template_t         *t;
    imgp_template_input_t   *input;
    imgp_template_values_t  *values;

    t = parse(pool, text);
    value = imgp_pcalloc(pool, sizeof(imgp_str_t));
    input = imgp_pcalloc(pool, sizeof(imgp_template_input_t));
    values = imgp_pcalloc(pool, sizeof(imgp_template_values_t));

    value->data = (u_char *) param;
    value->len = strlen(param);
    input->data.data = (u_char *) data;
    input->data.len = strlen(data);
    input->type = (data[0] == ' ') ? "application/json" : "image/\"png";
    input->n = 1;
    values->inputs = input;
    values->params = value;
    imgp_str_set(&values->job, "0123");

    memset(err, 0, sizeof(imgp_error_t));

    return imgp_template_fill(t, pool, values, err);
}


static void
becomes(const char *text, const char *data, const char *param,
    const char *want)
{
    char                   buf[512];
    size_t                 n;
    imgp_pool_t           *pool;
    imgp_error_t           err;
    imgp_template_body_t  *body;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    body = fill(pool, text, data, param, &err);
    buf[0] = '\0';

    if (body != NULL) {
        n = imgp_template_read(body, (u_char *) buf, sizeof(buf) - 1);
        buf[n] = '\0';

        is_int(imgp_template_length(body), n, "the length of what follows");
    }

    is_str(buf, want, "%s", text);
    imgp_pool_destroy(pool);
}


static void
filled(void)
{
    becomes("{\"a\": \"x{{input.base64}}y\"}", "foob", "",
            "{\"a\": \"xZm9vYg==y\"}");
    becomes("\xef\xbb\xbf[1]", "", "", "[1]");
    becomes("[\"{{input.base64}}{{input.base64}}\"]", "", "", "[\"\"]");
    becomes("[\"{{input.type}}\", \"{{job.id}}\"]", "", "",
            "[\"image/\\\"png\", \"0123\"]");
    becomes("[{{input.json}}, \"{{input.json}}\"]",
            "\xef\xbb\xbf {\"\xc3\xa4\\n\": \"\\\"\"}", "",
            "[ {\"\xc3\xa4\\n\": \"\\\"\"}, "
            "\" {\\\"\xc3\xa4\\\\n\\\": \\\"\\\\\\\"\\\"}\"]");
    becomes("[{{input.json}}]", "7", "", "[7]");

    becomes("[{{param.a}}, \"{{param.a}}\"]", "", "-1.5e3",
            "[-1.5e3, \"-1.5e3\"]");
    becomes("[{{param.a}}]", "", "true", "[true]");
    becomes("[{{param.a}}]", "", "null", "[null]");
    becomes("[{{param.a}}]", "", "", "[\"\"]");
    becomes("[{{param.a}}]", "", "01", "[\"01\"]");
    becomes("[{{param.a}}]", "", "[1]", "[\"[1]\"]");
    becomes("[{{param.a}}]", "", "1, 2", "[\"1, 2\"]");
    becomes("[{{param.a}}]", "", "\"x\"", "[\"\\\"x\\\"\"]");
    becomes("[\"{{param.a}}\"]", "", "\"], [\"\\\n\x01\x7f",
            "[\"\\\"], [\\\"\\\\\\u000a\\u0001\\u007f\"]");
    becomes("[\"{{param.a}}\"]", "", "\xe2\x9c\x82\xff\xc3",
            "[\"\xe2\x9c\x82??\"]");

    becomes("[{{input.json/a/1}}, \"{{input.json/a/1}}\"]",
            "{\"a\": [0, {\"b\": \"\\\"\"}]}", "",
            "[{\"b\":\"\\\"\"}, \"{\\\"b\\\":\\\"\\\\\\\"\\\"}\"]");
    becomes("[{{input.json/a}}, \"{{input.json/a}}\"]", "{\"a\": \"x\\n\"}",
            "", "[\"x\\n\", \"x\\u000a\"]");
    becomes("[\"{{input.text}}\"]", " \"x\\n\"", "", "[\"x\\u000a\"]");
    becomes("[\"{{input.text}}\"]", " [1]", "", "[\" [1]\"]");
    becomes("[\"{{input.text}}\"]", "\"x", "", "[\"\\\"x\"]");

    becomes("a b=1&{{input.json/t}}|{{param.x}}", "{\"t\": \"\xc3\xa4 &\"}",
            "=~", "a%20b=1%26%C3%A4%20%26%7C%3D~");
    becomes("q={{input.text}}", " \"es\"", "", "q=es");
    becomes("q={{job.id}}{{input.type}}", "", "", "q=0123image%2F%22png");
}


static void
refused(void)
{
    imgp_pool_t            *pool;
    imgp_error_t            err;
    imgp_template_t        *t;
    imgp_template_input_t   inputs[1];
    imgp_template_values_t  values;

    pool = imgp_pool_create(&imgp_malloc, 1024);

    ok(fill(pool, "[{{input.json}}]", "{\"a\":", "", &err) == NULL
       && err.code == IMGP_E_TYPE, "no JSON: %s", err.detail);

    ok(fill(pool, "[{{input.json}}]", "", "", &err) == NULL
       && err.code == IMGP_E_TYPE, "nothing: %s", err.detail);

    ok(fill(pool, "[{{input.json/a}}]", "{}", "", &err) == NULL
       && err.code == IMGP_E_TYPE, "nothing there: %s", err.detail);

    ok(fill(pool, "[{{input.json/*}}]", "[1, 2]", "", &err) == NULL
       && err.code == IMGP_E_TYPE, "several: %s", err.detail);

    memset(inputs, 0, sizeof(inputs));
    memset(&values, 0, sizeof(values));
    values.inputs = inputs;
    inputs[0].type = "";
    inputs[0].n = 3;

    t = parse(pool, "[\"{{inputs.boxes.base64}}\"]");

    ok(imgp_template_fill(t, pool, &values, &err) == NULL
       && err.code == IMGP_E_LIMIT
       && strstr(err.detail, "\"boxes\", there are 3") != NULL,
       "three inputs: %s", err.detail);

    inputs[0].n = 0;
    t = parse(pool, "[{{input.json}}]");

    ok(imgp_template_fill(t, pool, &values, &err) == NULL
       && strstr(err.detail, "\"input\", there are 0") != NULL,
       "no input: %s", err.detail);

    imgp_pool_destroy(pool);
}


static void
too_large_to_quote(void)
{
    char          *text;
    size_t         len;
    imgp_pool_t   *pool;
    imgp_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    len = IMGP_TEMPLATE_QUOTED_MAX + 1;
    text = malloc(len + 1);

    memset(text, ' ', len);
    text[0] = '1';
    text[len] = '\0';

    ok(fill(pool, "[\"{{input.json}}\"]", text, "", &err) == NULL
       && err.code == IMGP_E_LIMIT, "too large within a string: %s",
       err.detail);
    ok(fill(pool, "[{{input.json}}]", text, "", &err) != NULL,
       "... outside of one it can be sent");

    free(text);
    imgp_pool_destroy(pool);
}


static void
pieces(void)
{
    char                   whole[256], part[256];
    size_t                 size, n, from, length;
    imgp_uint_t            same;
    imgp_pool_t           *pool;
    imgp_error_t           err;
    imgp_template_body_t  *body;

    pool = imgp_pool_create(&imgp_malloc, 1024);

    body = fill(pool, "{\"a\": \"{{input.base64}}\", \"b\": {{param.x}}, "
                "\"c\": [\"{{job.id}}\", \"{{input.base64}}\"]}",
                "some bytes of it", "x", &err);

    length = imgp_template_length(body);
    imgp_template_read(body, (u_char *) whole, sizeof(whole));

    is_int(imgp_template_read(body, (u_char *) part, sizeof(part)), 0,
           "nothing after the end");

    for (from = 0, same = 1; from <= length; from++) {
        for (size = 1; size < 40; size++) {

            if (imgp_template_seek(body, from) != IMGP_OK) {
                same = 0;
            }

            for (n = from; n < length; /* void */) {
                size_t  got;

                got = imgp_template_read(body, (u_char *) part, size);
                same &= got > 0 && got <= size
                        && memcmp(whole + n, part, got) == 0;
                if (!same) {
                    break;
                }

                n += got;
            }

            same &= imgp_template_read(body, (u_char *) part, size) == 0;
        }
    }

    ok(same, "from every place in pieces of every size");
    is_int(imgp_template_seek(body, length + 1), IMGP_ERROR,
           "not past the end");

    imgp_pool_destroy(pool);
}


static void
memory(void)
{
    long           n;
    imgp_uint_t    failed;
    test_alloc_t   ta = { -1, 0 };
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };
    imgp_str_t     value = imgp_string("v");
    imgp_pool_t   *pool, *plans;
    imgp_error_t   err;
    imgp_template_t         *t;
    imgp_template_values_t   values;

    plans = imgp_pool_create(&imgp_malloc, 1024);
    t = parse(plans, "[\"{{param.x}}\"]");

    memset(&values, 0, sizeof(values));
    values.params = &value;

    for (n = 0, failed = 1; failed && n < 20; n++) {
        ta.left = -1;
        pool = imgp_pool_create(&alloc, 64);
        ta.left = n;

        failed = imgp_template_fill(t, pool, &values, &err) == NULL;

        if (failed && err.code != IMGP_E_INTERNAL) {
            break;
        }

        imgp_pool_destroy(pool);
    }

    ok(!failed && n > 1, "memory runs out at each of %ld allocations", n - 1);
    is_int(ta.live, 0, "... nothing is left");

    imgp_pool_destroy(plans);
}


int
main(void)
{
    filled();
    refused();
    too_large_to_quote();
    pieces();
    memory();

    return done();
}
