
/*
 * split: the values of a JSON document, one output each.
 */


#include "imgp_run.h"


static test_run_t  run;


static imgp_int_t
split(const char *line, const char *json)
{
    imgp_str_t  s;

    test_init(&run);

    s.data = (u_char *) json;
    s.len = strlen(json);

    return test_op(&run, line, s);
}


static imgp_uint_t
output(imgp_uint_t i, const char *want)
{
    imgp_op_output_t  *out;

    out = &run.task.outputs[i];

    return out->len == strlen(want) && memcmp(out->data, want, out->len) == 0
           && strcmp(out->type, "application/json") == 0 && out->width == 0;
}


static void
good(void)
{
    is_int(split("split /to/*", "{\"to\": [\"es\", {\"a\": [1, null]}, 2]}"),
           IMGP_OK, "a list");
    ok(run.task.noutputs == 3 && output(0, "\"es\"")
       && output(1, "{\"a\":[1,null]}") && output(2, "2"), "... its values");
    imgp_op_free(&run.task);

    is_int(split("split /to", "{\"to\": [\"\xc3\xa4\\n\"]}"), IMGP_OK,
           "one value");
    ok(run.task.noutputs == 1 && output(0, "[\"\xc3\xa4\\n\"]"), "... whole");
    imgp_op_free(&run.task);

    is_int(split("split /to/*", "{\"to\": []}"), IMGP_OK, "an empty list");
    is_int(run.task.noutputs, 0, "... gives nothing");
}


static void
bad(void)
{
    char         *json, *p;
    imgp_uint_t   i;

    ok(split("split /a", "{\"a\"") == IMGP_ERROR
       && run.task.error.code == IMGP_E_BAD_PARAM, "no JSON: %s",
       run.task.error.detail);

    json = malloc(4 * IMGP_OP_OUTPUTS_MAX + 8);

    for (i = 0, p = json; i <= IMGP_OP_OUTPUTS_MAX; i++) {
        p += sprintf(p, "%c %u", i ? ',' : '[', (unsigned) i % 10);
    }

    strcpy(p, "]");

    ok(split("split /*", json) == IMGP_ERROR
       && run.task.error.code == IMGP_E_LIMIT && run.task.noutputs == 0,
       "too many: %s", run.task.error.detail);

    free(json);

    test_init(&run);
    run.task.ninputs = 2;
    run.inputs[1].data.data = (u_char *) "[]";
    run.inputs[1].data.len = 2;

    ok(test_op(&run, "split /*", run.inputs[1].data) == IMGP_ERROR
       && strstr(run.task.error.detail, "2 inputs") != NULL,
       "two inputs: %s", run.task.error.detail);
}


static void
refused(void)
{
    imgp_uint_t    i;
    imgp_pool_t   *pool;
    imgp_error_t   err;

    static const char  *lines[] = { "split", "split a", "split /a b=c" };

    pool = imgp_pool_create(&imgp_malloc, 1024);

    for (i = 0; i < imgp_nelts(lines); i++) {
        ok(test_parse(pool, lines[i], &err) == NULL && err.detail[0] != '\0',
           "%s: %s", lines[i], err.detail);
    }

    imgp_pool_destroy(pool);
}


int
main(void)
{
    good();
    bad();
    refused();

    return done();
}
