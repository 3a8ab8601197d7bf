
/*
 * imgp_template: whatever a template and its values are, what is sent is as
 * long as was told, the same in pieces as whole, and JSON.
 *
 * The input's first line is a param's value, the second a JSON input, the
 * rest the template.
 */


#include <stdlib.h>
#include <jansson.h>
#include <imgp/imgp_template.h>


#define FUZZ_BODY_MAX  (1024 * 1024)


static imgp_str_t fuzz_line(const u_char **p, const u_char *last);
static void fuzz_body(imgp_template_body_t *body);


int LLVMFuzzerTestOneInput(const u_char *p, size_t len);

int
LLVMFuzzerTestOneInput(const u_char *p, size_t len)
{
    imgp_str_t               text, params[IMGP_TEMPLATE_SLOTS_MAX];
    imgp_uint_t              i, n, line;
    imgp_pool_t             *pool;
    imgp_error_t             err;
    const u_char            *last;
    imgp_template_t         *t;
    imgp_template_body_t    *body;
    imgp_template_slot_t    *slots;
    imgp_template_input_t    inputs[IMGP_TEMPLATE_SLOTS_MAX];
    imgp_template_values_t   values;

    last = p + len;

    params[0] = fuzz_line(&p, last);

    inputs[0].data = fuzz_line(&p, last);
    inputs[0].type = "image/png";
    inputs[0].n = 1;

    text.data = (u_char *) p;
    text.len = last - p;

    memset(&err, 0, sizeof(err));

    pool = imgp_pool_create(&imgp_malloc, 1024);
    t = imgp_template_parse(pool, &text, &line, &err);

    if ((t == NULL) != (err.code == IMGP_E_BAD_PARAM) || line == 0) {
        abort();
    }

    if (t != NULL) {
        slots = imgp_template_slots(t, &n);

        for (i = 0; i < n; i++) {
            slots[i].index = i;
            params[i] = params[0];
            inputs[i] = inputs[0];
        }

        values.params = params;
        values.inputs = inputs;
        imgp_str_set(&values.job, "5q0k");

        body = imgp_template_fill(t, pool, &values, &err);

        if ((body == NULL) != (err.code == IMGP_E_TYPE)) {
            abort();
        }

        if (body != NULL && imgp_template_length(body) < FUZZ_BODY_MAX) {
            fuzz_body(body);
        }
    }

    imgp_pool_destroy(pool);

    return 0;
}


static imgp_str_t
fuzz_line(const u_char **p, const u_char *last)
{
    imgp_str_t     line;
    const u_char  *end;

    end = (*p < last) ? memchr(*p, '\n', last - *p) : NULL;
    end = (end == NULL) ? last : end;

    line.data = (u_char *) *p;
    line.len = end - *p;

    *p = (end < last) ? end + 1 : last;

    return line;
}


static void
fuzz_body(imgp_template_body_t *body)
{
    json_t  *root;
    size_t   n, got, len;
    u_char  *whole, *parts;

    len = imgp_template_length(body);
    whole = malloc(len + 1);
    parts = malloc(len + 1);

    if (imgp_template_read(body, whole, len + 1) != len
        || imgp_template_seek(body, 0) != IMGP_OK)
    {
        abort();
    }

    for (n = 0; n < len; n += got) {
        got = imgp_template_read(body, parts + n,
                                 imgp_min(n % 11 + 1, len - n));
        if (got == 0) {
            abort();
        }
    }

    if (memcmp(whole, parts, len) != 0) {
        abort();
    }

    /* names that slots have made the same are the template's own fault */

    root = json_loadb((char *) whole, len,
                      JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL
                      | JSON_ALLOW_NUL, NULL);

    if (root == NULL) {
        abort();
    }

    json_decref(root);
    free(whole);
    free(parts);
}
