
/*
 * join: lists that belong together, of every length, and those that do not.
 */


#include "imgp_run.h"


static test_run_t   run;
static imgp_uint_t  counts[IMGP_OP_FROM_MAX];


/* "texts" are the inputs, a NULL between those of two stages; what begins
   with "~" is no JSON but text */

static imgp_int_t
join(const char *line, const char *const *texts, imgp_uint_t n)
{
    imgp_uint_t       i, k;
    imgp_op_input_t  *input;

    test_init(&run);
    memset(counts, 0, sizeof(counts));

    run.task.counts = counts;
    run.task.ninputs = 0;

    for (i = 0, k = 0; i < n; i++) {

        if (texts[i] == NULL) {
            k++;
            continue;
        }

        input = &run.inputs[run.task.ninputs++];
        input->type = (texts[i][0] == '~') ? "text/plain"
                                           : "application/json";
        input->data.data = (u_char *) texts[i];
        input->data.len = strlen(texts[i]);
        counts[k]++;
    }

    run.task.nfrom = k + 1;

    return test_op(&run, line, run.inputs[0].data);
}


#define test_join(line, ...)                                                  \
    join(line, (const char *const[]) { __VA_ARGS__ },                         \
         sizeof((const char *[]) { __VA_ARGS__ }) / sizeof(char *))


static void
is_joined(imgp_int_t rc, const char *want, const char *name)
{
    char  got[256];

    snprintf(got, sizeof(got), "%.*s",
             run.task.noutputs ? (int) run.task.outputs[0].len : 0,
             run.task.noutputs ? (char *) run.task.outputs[0].data : "");

    is_int(rc, IMGP_OK, "%s: %s", name, run.task.error.detail);
    is_str(got, want, "%s", name);

    imgp_op_free(&run.task);
}


static void
good(void)
{
    is_joined(test_join("join to text", "\"es\"", "\"ca\"", NULL,
                        "\"Hola\"", "~Bon dia"),
              "[{\"to\":\"es\",\"text\":\"Hola\"},"
              "{\"to\":\"ca\",\"text\":\"~Bon dia\"}]", "two lists");

    is_joined(test_join("join box=/b text=/t", "{\"b\": [1, 2]}",
                        "{\"c\": 3}", NULL, "{\"t\": {\"u\": 1}}",
                        "{\"t\": null}"),
              "[{\"box\":[1,2],\"text\":{\"u\":1}},{\"box\":null,"
              "\"text\":null}]", "values at pointers");

    is_joined(test_join("join box=/a/*/b text", "{\"a\": [{\"b\": 1}, "
                        "{\"b\": 2}]}", NULL, "\"x\"", "\"y\""),
              "[{\"box\":1,\"text\":\"x\"},{\"box\":2,\"text\":\"y\"}]",
              "a list within one document");

    is_joined(test_join("join text to", "{\"t\": [0]}", NULL, "1", "2"),
              "[{\"text\":{\"t\":[0]},\"to\":1},{\"text\":{\"t\":[0]},"
              "\"to\":2}]", "one is lent to all");

    is_joined(test_join("join a", "7"), "[{\"a\":7}]", "a single one");

    is_joined(test_join("join a=/* b=/*", "[]", NULL, "[]"), "[]",
              "empty lists");
}


static void
bad(void)
{
    ok(test_join("join a b", "1", "2", NULL, "1", "2", "3") == IMGP_ERROR
       && strstr(run.task.error.detail, "lists of 2 and 3") != NULL,
       "of two lengths: %s", run.task.error.detail);

    ok(test_join("join a", "1", NULL, "2") == IMGP_ERROR
       && strstr(run.task.error.detail, "1 names for 2") != NULL,
       "a name too few: %s", run.task.error.detail);

    ok(test_join("join a b", "1", NULL, "{") == IMGP_ERROR
       && run.task.error.code == IMGP_E_BAD_PARAM, "no JSON: %s",
       run.task.error.detail);

    ok(test_join("join a b", "1", NULL, "~\xff") == IMGP_ERROR
       && run.task.error.code == IMGP_E_BAD_PARAM, "no UTF-8: %s",
       run.task.error.detail);

    test_init(&run);
    run.inputs[0].type = "image/png";
    counts[0] = 1;
    run.task.counts = counts;
    run.task.nfrom = 1;

    ok(test_op(&run, "join a", run.inputs[0].data) == IMGP_ERROR
       && run.task.error.code == IMGP_E_TYPE, "a picture: %s",
       run.task.error.detail);
}


static void
refused(void)
{
    imgp_uint_t    i;
    imgp_pool_t   *pool;
    imgp_error_t   err;

    static const char  *lines[] = {
        "join", "join =/a", "join a a", "join a=b", "join a\nb",
        "join a b c d e f g h i"
    };

    pool = imgp_pool_create(&imgp_malloc, 1024);

    for (i = 0; i < imgp_nelts(lines); i++) {
        ok(test_parse(pool, lines[i], &err) == NULL && err.detail[0] != '\0',
           "refused: %s", err.detail);
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
