
/*
 * One input, sniffed whole, byte by byte and cut in two at every place: all
 * must agree; the verdict as a text: "image/png 640x480", "audio/wav",
 * "declined" or "error: why".
 */


#ifndef _TEST_SNIFF_H_INCLUDED_
#define _TEST_SNIFF_H_INCLUDED_


#include "imgp_test.h"
#include <imgp/imgp_sniff.h>


#define TEST_VERDICT_LEN  256


static void
test_verdict(imgp_sniff_t *s, imgp_int_t rc, char *out)
{
    imgp_int_t  end;

    end = imgp_sniff_end(s);

    if (end == IMGP_AGAIN || (rc != IMGP_AGAIN && rc != end)) {
        strcpy(out, "not final");

    } else if (end == IMGP_DECLINED) {
        strcpy(out, s->type ? "declined with a type" : "declined");

    } else if (end == IMGP_ERROR) {
        snprintf(out, TEST_VERDICT_LEN, "error: %s%s", s->error.detail,
                 s->error.code == IMGP_E_BAD_IMAGE ? "" : " (wrong code)");

    } else if (s->width || s->height) {
        snprintf(out, TEST_VERDICT_LEN, "%s %ux%u", s->type, s->width,
                 s->height);

    } else {
        snprintf(out, TEST_VERDICT_LEN, "%s", s->type);
    }
}


/* the first "n" bytes in pieces of "step", the rest in one */

static void
test_sniff_cut(const u_char *p, size_t len, size_t n, size_t step, char *out)
{
    size_t         i, size;
    u_char        *copy;
    imgp_int_t     rc;
    imgp_sniff_t   s;

    memset(&s, 0xaa, sizeof(s));
    imgp_sniff_init(&s);
    rc = IMGP_AGAIN;

    for (i = 0; i < len; i += size) {
        size = (i < n) ? imgp_min(step, n - i) : len - i;

        /* of the exact size: AddressSanitizer would see a read past it */

        copy = malloc(size);
        memcpy(copy, p + i, size);
        rc = imgp_sniff_feed(&s, copy, size);
        free(copy);
    }

    test_verdict(&s, rc, out);
}


__attribute__((unused))
static void
test_sniff(const void *data, size_t len, const char *want, const char *what)
{
    char           out[TEST_VERDICT_LEN], cut[TEST_VERDICT_LEN];
    size_t         i, wrong;

    test_sniff_cut(data, len, len, len, out);
    is_str(out, want, "%s: %s", what, want);

    test_sniff_cut(data, len, len, 1, cut);
    wrong = (strcmp(out, cut) != 0);

    for (i = 1; i < len; i++) {
        test_sniff_cut(data, len, i, i, cut);
        wrong += (strcmp(out, cut) != 0);
    }

    is_int(wrong, 0, "%s: the same however it is cut", what);
}


#endif /* _TEST_SNIFF_H_INCLUDED_ */
