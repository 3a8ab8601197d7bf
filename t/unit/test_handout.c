
/*
 * imgp_handout.c: messages as a worker reads them, configured ones too, and
 * answers: whose they are, and what went wrong.
 */


#include <jansson.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_handout.h>


#define ID    "5q0k3v9m1u7c2n8e4t6b0a1d3c"
#define HEAD  "{\"correlation_id\":\"" ID "\",\"reply_to\":\"ip:answers:a:0\""


static imgp_str_t   names[2], values[2], keys[2];
static const char  *types[2] = { "image/png", "image/jpeg" };


static imgp_handout_t
handout(void)
{
    imgp_handout_t  h;

    memset(&h, 0, sizeof(h));
    names[0] = fix_str("size");
    values[0] = fix_str("a\"b");
    keys[0] = fix_str("ip:input:0");
    keys[1] = fix_str("ip:input:1");

    h.call = fix_str(ID);
    h.reply_to = fix_str("ip:answers:a:0");
    h.job = fix_str("job");
    h.pipeline = fix_str("closet");
    h.stage = fix_str("cutout");
    h.param_names = names;
    h.params = values;
    h.nparams = 1;
    h.keys = keys;
    h.types = types;
    h.ninputs = 2;

    return h;
}


static void
messages(void)
{
    char            *text;
    size_t           len, i;
    imgp_str_t       body;
    imgp_error_t     err;
    imgp_handout_t   h;

    static const char  *bodies[][2] = {
        { "{\"a\":1}", HEAD ",\"a\":1}" },
        { " \n{ \"a\": {} }\n", HEAD ", \"a\": {} }\n" },
        { "{}", HEAD "}" },
        { "{ \n}", HEAD " \n}" }
    };

    static const char  *wrong[] = { "", "  ", "[1]", "\"a\"", "7" };

    h = handout();
    text = imgp_handout_message(&h, &len);

    is_str(text, HEAD ",\"job\":\"job\",\"pipeline\":\"closet\","
           "\"stage\":\"cutout\",\"params\":{\"size\":\"a\\\"b\"},"
           "\"input\":\"ip:input:0\",\"type\":\"image/png\",\"inputs\":["
           "{\"key\":\"ip:input:0\",\"type\":\"image/png\"},"
           "{\"key\":\"ip:input:1\",\"type\":\"image/jpeg\"}]}", "a message");
    is_int(len, strlen(text), "its length");
    free(text);

    for (i = 0; i < imgp_nelts(bodies); i++) {
        body = fix_str(bodies[i][0]);
        text = imgp_handout_wrap(&h, &body, &len, &err);
        is_str(text, bodies[i][1], "a configured one");
        is_int(len, strlen(text), "its length");
        free(text);
    }

    for (i = 0; i < imgp_nelts(wrong); i++) {
        body = fix_str(wrong[i]);
        ok(imgp_handout_wrap(&h, &body, &len, &err) == NULL
           && err.code == IMGP_E_LIMIT, "no object: %s", wrong[i]);
    }
}


static void
ids(void)
{
    char         text[IMGP_ID_LEN + 1];
    size_t       pos, i;
    u_char       id[IMGP_ID_BYTES];
    imgp_str_t   answer;

    static const char  *good[] = {
        "{\"correlation_id\":\"" ID "\"}",
        "{\"x\": 1,\n \"correlation_id\" : \"" ID "\", \"y\": 2}",
        "{\"correlation_id\":7,\"z\":{\"correlation_id\":\"" ID "\"}}"
    };

    static const char  *bad[] = {
        "", "{}", "\"correlation_id\"", "{\"correlation_id\":\"",
        "{\"correlation_id\":\"" ID, "{\"correlation_id\":\"short\"}",
        "{\"correlation_id\":\"" ID "x\"}", "{\"correlation\":\"" ID "\"}"
    };

    for (i = 0; i < imgp_nelts(good); i++) {
        pos = 0;
        answer = fix_str(good[i]);
        is_int(imgp_handout_id(&answer, &pos, id), IMGP_OK, "an id");
        imgp_id_text(id, text);
        is_str(text, ID, "is read");
        is_int(imgp_handout_id(&answer, &pos, id), IMGP_DECLINED, "the only");
    }

    for (i = 0; i < imgp_nelts(bad); i++) {
        pos = 0;
        answer = fix_str(bad[i]);
        is_int(imgp_handout_id(&answer, &pos, id), IMGP_DECLINED, "none: %s",
               bad[i]);
    }
}


static void
failures(void)
{
    size_t        i;
    imgp_str_t    answer;
    imgp_error_t  err;

    static const char  *fine[] = {
        "{}", "{\"base64\":\"error\"}", "{\"error\":null}", "no JSON \"error\"",
        "{\"a\":{\"error\":\"x\"}}", "{\"error\":false}"
    };

    for (i = 0; i < imgp_nelts(fine); i++) {
        answer = fix_str(fine[i]);
        is_int(imgp_handout_failed(&answer, &err), IMGP_OK, "none: %s",
               fine[i]);
    }

    answer = fix_str("{\"error\":\"no GPU\"}");
    is_int(imgp_handout_failed(&answer, &err), IMGP_ERROR, "an error");
    is_str(err.detail, "worker failed: no GPU", "with its reason");
    is_int(err.code, IMGP_E_SERVICE_REPLY, "may pass");

    answer = fix_str("{\"error\":{},\"retry\":false}");
    is_int(imgp_handout_failed(&answer, &err), IMGP_ERROR, "without a text");
    is_int(err.code, IMGP_E_SERVICE_REFUSED, "for good");
}


int
main(void)
{
    messages();
    ids();
    failures();

    return done();
}
