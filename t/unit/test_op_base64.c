
/*
 * base64: documents that another decoder (OpenSSL's) takes apart again.
 */


#include <openssl/evp.h>
#include <jansson.h>
#include "imgp_run.h"


#define TEST_BIG  (5 * 1024 * 1024 + 1)


static void test_documents(void);
static void test_lengths(void);
static void test_several(void);
static void test_limits(void);


static test_run_t  run;


int
main(void)
{
    test_documents();
    test_lengths();
    test_several();
    test_limits();

    return done();
}


/* does "data" of the output hold just these bytes? */

static int
test_holds(const imgp_op_output_t *out, imgp_str_t s, json_t **json)
{
    int          n, good;
    u_char      *p;
    const char  *data;

    *json = json_loadb((char *) out->data, out->len, JSON_REJECT_DUPLICATES,
                       NULL);
    data = json_string_value(json_object_get(*json, "data"));

    if (data == NULL || strlen(data) != (s.len + 2) / 3 * 4) {
        return 0;
    }

    p = malloc(strlen(data) + 1);
    n = EVP_DecodeBlock(p, (u_char *) data, strlen(data));

    good = (n >= (int) s.len && n < (int) s.len + 3
            && memcmp(p, s.data, s.len) == 0);

    free(p);

    return good;
}


static void
test_documents(void)
{
    json_t      *json;
    imgp_str_t   s;
    test_png_t   t = { .width = 40, .height = 20, .depth = 8,
                       .type = PNG_COLOR_TYPE_RGB };

    s = test_png(&t, test_photo);

    test_init(&run);
    run.inputs[0].type = "image/png";
    run.inputs[0].width = 40;
    run.inputs[0].height = 20;
    test_op(&run, "base64", s);

    ok(run.rc == IMGP_OK && run.task.noutputs == 1, "a picture");
    is_str(run.task.outputs[0].type, "application/json", "its type");
    ok(run.task.outputs[0].width == 0, "a document is no image");
    ok(test_holds(&run.task.outputs[0], s, &json), "the same bytes");
    is_str(json_string_value(json_object_get(json, "type")), "image/png",
           "type");
    is_int(json_integer_value(json_object_get(json, "bytes")), s.len,
           "bytes");
    is_int(json_integer_value(json_object_get(json, "width")), 40, "width");
    is_int(json_integer_value(json_object_get(json, "height")), 20, "height");
    is_int(json_object_size(json), 5, "and nothing else");
    is_int(run.progress, 1000, "progress");

    json_decref(json);
    imgp_op_free(&run.task);

    /* whatever a service called it */

    test_init(&run);
    run.inputs[0].type = "text/x-\"odd\\";
    test_op(&run, "base64", s);
    ok(test_holds(&run.task.outputs[0], s, &json), "no image");
    is_str(json_string_value(json_object_get(json, "type")),
           "text/x-\"odd\\", "the type is escaped");
    is_int(json_object_size(json), 3, "no sizes");

    json_decref(json);
    imgp_op_free(&run.task);

    test_init(&run);
    test_op(&run, "base64", s);
    ok(test_holds(&run.task.outputs[0], s, &json), "no type");
    is_str(json_string_value(json_object_get(json, "type")),
           "application/octet-stream", "is octets");

    json_decref(json);
    imgp_op_free(&run.task);
    free(s.data);
}


/* around the groups of three, and around the pieces */

static void
test_lengths(void)
{
    size_t       i;
    json_t      *json;
    imgp_str_t   s, part;

    static const size_t  lengths[] = {
        0, 1, 2, 3, 4, 5, 786431, 786432, 786433, TEST_BIG - 1, TEST_BIG
    };

    s.data = malloc(TEST_BIG);

    for (i = 0; i < TEST_BIG; i++) {
        s.data[i] = (i * 2654435761u) >> 13;
    }

    for (i = 0; i < imgp_nelts(lengths); i++) {
        part = test_copy(s.data, lengths[i]);

        test_init(&run);
        test_op(&run, "base64", part);
        ok(run.rc == IMGP_OK
           && test_holds(&run.task.outputs[0], part, &json), "%zu bytes",
           lengths[i]);

        json_decref(json);
        imgp_op_free(&run.task);
        free(part.data);
    }

    free(s.data);
}


static void
test_several(void)
{
    imgp_uint_t  i;
    json_t      *json;
    imgp_str_t   s;

    test_init(&run);

    for (i = 1; i < 4; i++) {
        run.inputs[i].data.data = (u_char *) "abcdef";
        run.inputs[i].data.len = i;
    }

    s.data = (u_char *) "text";
    s.len = 4;

    run.task.ninputs = 4;
    test_op(&run, "base64", s);
    is_int(run.task.noutputs, 4, "each input gives an output");

    for (i = 0; i < run.task.noutputs; i++) {
        ok(test_holds(&run.task.outputs[i], run.inputs[i].data, &json),
           "output %u is of input %u", (unsigned) i, (unsigned) i);
        json_decref(json);
    }

    imgp_op_free(&run.task);
}


static void
test_limits(void)
{
    imgp_str_t  s;

    s.data = calloc(1, TEST_BIG);
    s.len = TEST_BIG;

    test_init(&run);
    run.task.max_memory = TEST_BIG;
    test_op(&run, "base64", s);
    is_int(run.task.error.code, IMGP_E_LIMIT, "more memory than it may have");
    is_int(run.task.noutputs, 0, "and no output");

    test_init(&run);
    run.cancel = 1;
    test_op(&run, "base64", s);
    is_int(run.task.error.code, IMGP_E_CANCELED, "canceled");
    is_int(run.task.noutputs, 0, "and nothing is left");

    free(s.data);
}
