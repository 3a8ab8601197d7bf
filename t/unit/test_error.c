
/*
 * The error table is complete and consistent; details are clean UTF-8.
 */


#include "imgp_test.h"
#include <imgp/imgp_error.h>


static const imgp_uint_t  status[IMGP_E_MAX] = {
    200,
    400, 400, 404, 405, 409, 410, 413, 415, 422, 422, 422, 422, 422,
    429, 503, 503, 507,
    502, 504, 502, 502, 502,
    409, 500, 410, 500, 500, 503
};


static int
is_kebab(const char *s)
{
    const char  *p;

    for (p = s; *p; p++) {
        if (!((*p >= 'a' && *p <= 'z')
              || (*p == '-' && p > s && p[-1] != '-' && p[1] != '\0')))
        {
            return 0;
        }
    }

    return p > s;
}


static int
is_title(const char *s)
{
    size_t  len;

    len = strlen(s);

    return len >= 5 && len <= 48 && s[0] >= 'A' && s[0] <= 'Z'
           && s[len - 1] != '.';
}


static void
test_table(void)
{
    int           same;
    imgp_class_e  class;
    imgp_uint_t   i, j;
    const char   *name;

    for (i = 0; i < IMGP_E_MAX; i++) {
        name = imgp_error_name(i);

        if (!ok(name != NULL, "code %d has a name", (int) i)) {
            continue;
        }

        ok(is_kebab(name), "%s is lower-case kebab", name);
        ok(imgp_error_title(i) != NULL && is_title(imgp_error_title(i)),
           "%s has a short title", name);
        is_int(imgp_error_status(i), status[i], "%s has its status", name);

        for (j = 0, same = 0; j < i; j++) {
            same += (strcmp(name, imgp_error_name(j)) == 0);
        }

        is_int(same, 0, "%s is unique", name);

        class = imgp_error_class(i);
        ok(class == IMGP_CLASS_CLIENT || class == IMGP_CLASS_TRANSIENT
           || class == IMGP_CLASS_PERMANENT || class == IMGP_CLASS_INTERNAL,
           "%s has a class", name);

        /* nobody retries what the client must mend */

        if (class == IMGP_CLASS_TRANSIENT) {
            ok(imgp_error_status(i) >= 502, "%s may be retried", name);
        }

        if (imgp_error_status(i) < 500 && i != IMGP_E_PIPELINE_GONE) {
            is_int(class, IMGP_CLASS_CLIENT, "%s is the client's", name);
        }
    }

    is_str(imgp_error_name(IMGP_E_QUEUE_FULL), "queue-full",
           "the name of the contract");
}


static void
test_out_of_range(void)
{
    is_str(imgp_error_name(IMGP_E_MAX), "internal", "past the last code");
    is_int(imgp_error_status((imgp_error_e) -1), 500, "a negative code");
    is_int(imgp_error_class((imgp_error_e) 12345), IMGP_CLASS_INTERNAL,
           "a code that never was");
    ok(imgp_error_title((imgp_error_e) 99) != NULL, "it has a title");
}


static void
test_set(void)
{
    imgp_error_t  err;

    memset(&err, 0x55, sizeof(err));

    is_int(imgp_error_set(&err, IMGP_E_PIXELS, "%d of %s", 7, "many"),
           IMGP_ERROR, "set returns IMGP_ERROR");
    is_int(err.code, IMGP_E_PIXELS, "code is set");
    is_str(err.detail, "7 of many", "detail is printed");
    is_int(err.service_status, 0x55555555, "service_status is not touched");

    (void) imgp_error_set(&err, IMGP_E_LIMIT, "<%s>", err.detail);
    is_str(err.detail, "<7 of many>", "detail may be its own argument");

    is_int(imgp_error_set(NULL, IMGP_E_LIMIT, "nobody"), IMGP_ERROR,
           "nobody needs to listen");
}


static void
test_clean(void)
{
    imgp_uint_t   i;
    imgp_error_t  err;

    static const struct {
        const char  *in;
        const char  *out;
        const char  *what;
    } cases[] = {
        { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\xba",
          "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\xba", "UTF-8 is kept" },
        { "a\r\nb\tc\x1b[0m\x7f", "a??b?c?[0m?", "controls" },
        { "\xc2\x9b", "??", "C1 controls" },
        { "\xc2\xa0", "\xc2\xa0", "but not what follows them" },
        { "\xff\xfe x", "?? x", "no UTF-8 at all" },
        { "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "?????????", "overlong" },
        { "\xed\xa0\x80", "???", "a surrogate" },
        { "\xf4\x90\x80\x80", "????", "past U+10FFFF" },
        { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "U+10FFFF" },
        { "\xe2\x82", "??", "an incomplete character" },
        { "\x80\xbf", "??", "stray continuations" },
        { "", "", "nothing" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        (void) imgp_error_set(&err, IMGP_E_INTERNAL, "%s", cases[i].in);
        is_str(err.detail, cases[i].out, "%s", cases[i].what);
    }
}


static void
test_cut(void)
{
    char          text[2 * IMGP_ERROR_DETAIL_LEN];
    size_t        pad, n, want;
    imgp_uint_t   i;
    imgp_error_t  err;

    static const char  *chars[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
                                    "\xf0\x9f\x98\xba" };

    for (i = 0; i < imgp_nelts(chars); i++) {
        n = strlen(chars[i]);

        /* the border falls on every byte of the character */

        for (pad = 0; pad < n; pad++) {
            memset(text, '-', pad);
            text[pad] = '\0';

            while (strlen(text) + n < sizeof(text)) {
                strcat(text, chars[i]);
            }

            (void) imgp_error_set(&err, IMGP_E_INTERNAL, "%s", text);

            want = pad + (IMGP_ERROR_DETAIL_LEN - 1 - pad) / n * n;

            ok(strlen(err.detail) == want
               && strncmp(err.detail, text, want) == 0,
               "%d-byte characters after %d are cut whole", (int) n,
               (int) pad);
        }
    }
}


int
main(void)
{
    test_table();
    test_out_of_range();
    test_set();
    test_clean();
    test_cut();

    return done();
}
