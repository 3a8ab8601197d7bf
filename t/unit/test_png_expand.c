
/*
 * Rows as they are stored to whole channels; all of it against libpng is in
 * test_png_rows.c.
 */


#include "imgp_test.h"
#include <imgp/imgp_png_expand.h>


static int
test_row(const imgp_png_expand_t *e, const char *in, const void *want,
    size_t len)
{
    u_char  out[64];

    memset(out, 0xee, sizeof(out));
    imgp_png_expand_row(e, (const u_char *) in, out);

    return memcmp(out, want, len) == 0 && out[len] == 0xee;
}


int
main(void)
{
    uint32_t           i;
    imgp_png_expand_t  e;

    static const uint16_t  wide[] = { 0x1234, 65535, 0x1235, 0, 0x34, 65535 };
    static const uint16_t  keyed[] = { 0x1234, 0, 0x1235, 65535 };

    memset(&e, 0, sizeof(e));
    e.width = 5;
    e.depth = 1;
    e.channels = 1;
    ok(test_row(&e, "\xa8", "\xff\0\xff\0\xff", 5), "1 bit");

    e.depth = 2;
    ok(test_row(&e, "\x1b\xc0", "\0\x55\xaa\xff\xff", 5), "2 bits");

    e.depth = 4;
    e.keyed = 1;
    e.key[0] = 15;
    ok(test_row(&e, "\x0f\x1e\xf0", "\0\xff\xff\0\x11\xff\xee\xff\xff\0", 10),
       "4 bits and a key");

    e.depth = 8;
    e.width = 2;
    e.channels = 3;
    e.key[0] = 'a';
    e.key[1] = 'b';
    e.key[2] = 'c';
    ok(test_row(&e, "abcabd", "abc\0abd\xff", 8), "RGB and a key");

    e.keyed = 0;
    ok(test_row(&e, "abcabd", "abcabd", 6), "RGB");

    for (i = 0; i < 256; i++) {
        memset(e.colors[i], i, 4);
    }

    e.channels = 1;
    e.palette = 4;
    ok(test_row(&e, "\1\xff", "\1\1\1\1\xff\xff\xff\xff", 8),
       "colours with alpha");

    e.palette = 3;
    e.depth = 2;
    ok(test_row(&e, "\x30", "\0\0\0\3\3\3", 6), "colours of 2 bits");

    e.palette = 0;
    e.depth = 16;
    e.channels = 2;
    e.width = 3;
    ok(test_row(&e, "\x12\x34\xff\xff\x12\x35\0\0\0\x34\xff\xff", wide, 12),
       "16 bits");

    e.channels = 1;
    e.width = 2;
    e.keyed = 1;
    e.key[0] = 0x1234;
    ok(test_row(&e, "\x12\x34\x12\x35", keyed, 8), "16 bits and a key");

    return done();
}
