
/*
 * imgp_json.c: building, failing, odd bytes; every allocation failed once.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_json.h>


static long  left = -1;               /* allocations until one fails */


static void *
failing_malloc(size_t size)
{
    if (left == 0) {
        return NULL;
    }

    left -= (left > 0);

    return malloc(size);
}


static char *
build(size_t *len)
{
    imgp_str_t   key = fix_str("key"), odd = fix_str("a\xe4" "b");
    imgp_json_t  obj = imgp_json_object(), arr = imgp_json_array();

    imgp_json_set_int(&obj, "n", 42);
    imgp_json_set_int(&obj, "most", UINT64_MAX);
    imgp_json_set_bool(&obj, "yes", 7);
    imgp_json_set_bool(&obj, "no", 0);
    imgp_json_add(&arr, imgp_json_text("x\"y"));
    imgp_json_add(&arr, imgp_json_str(&odd));
    imgp_json_add(&arr, imgp_json_printf("%s-%d", "\xc3\xbc", 5));
    imgp_json_set_key(&obj, &key, arr.json);
    imgp_json_set(&obj, "empty", imgp_json_text(""));

    return imgp_json_dump(&obj, len);
}


int
main(void)
{
    char         *text;
    long          n, size;
    size_t        len;
    imgp_str_t    s = imgp_null_string;
    imgp_json_t   b;

    static const char  want[] =
        "{\"n\":42,\"most\":9223372036854775807,\"yes\":true,\"no\":false,"
        "\"key\":[\"x\\\"y\",\"a?b\",\"\xc3\xbc-5\"],\"empty\":\"\"}";

    text = build(&len);
    is_str(text, want, "what was built");
    is_int(len, sizeof(want) - 1, "its length");
    free(text);

    b.json = json_object();
    imgp_json_set(&b, "a", NULL);
    ok(b.json == NULL, "what could not be made fails all");
    imgp_json_set_int(&b, "a", 1);
    imgp_json_add(&b, imgp_json_text("a"));
    ok(imgp_json_dump(&b, &len) == NULL, "to the end");

    b.json = json_array();
    imgp_json_add(&b, imgp_json_str(&s));
    text = imgp_json_dump(&b, &len);
    is_str(text, "[\"\"]", "a null string");
    free(text);

    /* larger than the first allocation, in pieces small and large */

    b.json = json_array();

    for (n = 0; n < 500; n++) {
        imgp_json_add(&b, imgp_json_printf("%0*ld", (int) n * 10 + 1, n));
    }

    text = imgp_json_dump(&b, &len);

    for (n = 0, size = 2 + 499; n < 500; n++) {
        size += n * 10 + 1 + 2;
    }

    is_int(len, size, "a long text");
    ok(text != NULL && text[len] == '\0' && text[len - 1] == ']',
       "with its end");
    free(text);

    json_set_alloc_funcs(failing_malloc, free);

    for (n = 0; n < 200; n++) {
        left = n;
        text = build(&len);

        if (text != NULL) {
            break;
        }
    }

    left = -1;
    ok(n > 10 && n < 200, "%ld failed allocations are survived", n);
    is_str(text, want, "then it is all there");
    free(text);

    return done();
}
