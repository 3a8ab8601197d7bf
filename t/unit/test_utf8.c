
/*
 * imgp_utf8 against a slow model: every code point, every two-byte string.
 */


#include "imgp_test.h"
#include <imgp/imgp_utf8.h>


static size_t
encode(uint32_t c, u_char *p)
{
    if (c < 0x80) {
        p[0] = (u_char) c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = (u_char) (0xc0 | c >> 6);
        p[1] = (u_char) (0x80 | (c & 0x3f));
        return 2;
    }

    if (c < 0x10000) {
        p[0] = (u_char) (0xe0 | c >> 12);
        p[1] = (u_char) (0x80 | (c >> 6 & 0x3f));
        p[2] = (u_char) (0x80 | (c & 0x3f));
        return 3;
    }

    p[0] = (u_char) (0xf0 | c >> 18);
    p[1] = (u_char) (0x80 | (c >> 12 & 0x3f));
    p[2] = (u_char) (0x80 | (c >> 6 & 0x3f));
    p[3] = (u_char) (0x80 | (c & 0x3f));
    return 4;
}


static void
test_points(void)
{
    u_char    buf[4];
    size_t    n, want, wrong, cut;
    uint32_t  c;

    for (c = 0, wrong = 0, cut = 0; c < 0x200000; c++) {
        n = encode(c, buf);

        want = (c < 0x20 || (c >= 0x7f && c < 0xa0)
                || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) ? 0 : n;

        wrong += (imgp_utf8_printable(buf, buf + n) != want);
        cut += (n > 1 && imgp_utf8_printable(buf, buf + n - 1) != 0);
    }

    is_int(wrong, 0, "every code point up to 0x1fffff");
    is_int(cut, 0, "and none without its last byte");
}


static void
test_pairs(void)
{
    int     a, b;
    u_char  buf[2];
    size_t  n, wrong;

    for (a = 0x80, wrong = 0; a < 0x100; a++) {
        for (b = 0; b < 0x100; b++) {
            buf[0] = (u_char) a;
            buf[1] = (u_char) b;

            n = (a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf
                 && (a > 0xc2 || b >= 0xa0)) ? 2 : 0;

            wrong += (imgp_utf8_printable(buf, buf + 2) != n);
        }
    }

    is_int(wrong, 0, "every pair of bytes");
}


static void
test_need(void)
{
    is_int(imgp_utf8_need('a'), 1, "ASCII");
    is_int(imgp_utf8_need(0x80), 0, "a continuation");
    is_int(imgp_utf8_need(0xc1), 0, "overlong");
    is_int(imgp_utf8_need(0xc2), 2, "two");
    is_int(imgp_utf8_need(0xef), 3, "three");
    is_int(imgp_utf8_need(0xf4), 4, "four");
    is_int(imgp_utf8_need(0xf5), 0, "too large");
}


int
main(void)
{
    test_points();
    test_pairs();
    test_need();

    return done();
}
