
/*
 * The PNG reader, through the operations: every colour type and depth,
 * transparency in all its forms, and what is broken refused.
 */


#include "imgp_run.h"
#include <zlib.h>


static void test_forms(void);
static void test_depths(void);
static void test_palettes(void);
static void test_keys(void);
static void test_gray16(void);
static void test_alpha16(void);
static void test_apng(void);
static void test_orientation(void);
static void test_broken(void);
static void test_bombs(void);


int
main(void)
{
    test_forms();
    test_depths();
    test_palettes();
    test_keys();
    test_gray16();
    test_alpha16();
    test_apng();
    test_orientation();
    test_broken();
    test_bombs();

    return done();
}


static void
test_forms(void)
{
    imgp_uint_t    i, lace;
    test_png_t     t = { .width = 63, .height = 45 };
    test_pixels_t  p;

    static const struct { int type, depth; const char *name; } forms[] = {
        { PNG_COLOR_TYPE_RGB, 8, "RGB8" },
        { PNG_COLOR_TYPE_RGB, 16, "RGB16" },
        { PNG_COLOR_TYPE_RGB_ALPHA, 8, "RGBA8" },
        { PNG_COLOR_TYPE_RGB_ALPHA, 16, "RGBA16" }
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        for (lace = 0; lace < 2; lace++) {
            t.type = forms[i].type;
            t.depth = forms[i].depth;
            t.interlaced = lace;

            p = test_pixels("encode png", test_png(&t, test_quadrant));
            ok(p.width == 63 && p.height == 45 && test_corners(&p, "0123", 0),
               "%s%s", forms[i].name, lace ? ", interlaced" : "");
            free(p.rgba);

            p = test_pixels("resize 20", test_png(&t, test_quadrant));
            ok(p.width == 20 && p.height == 14
               && test_corners(&p, "0123", 1), "%s%s, resized",
               forms[i].name, lace ? ", interlaced" : "");
            free(p.rgba);
        }
    }
}


/* steps from black to white: v of 0..max is v * 255 / max, 16 bits rounded */

static uint32_t
test_ramp(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 1) ? max : (uint64_t) x * max / (w - 1);
}


static void
test_depths(void)
{
    int            depth, type, good;
    uint32_t       x, v, max;
    test_png_t     t = { .width = 256, .height = 3 };
    test_pixels_t  p;

    for (type = 0; type <= PNG_COLOR_TYPE_GRAY_ALPHA; type += 4) {
        for (depth = (type ? 8 : 1); depth <= 16; depth *= 2) {
            t.type = type;
            t.depth = depth;
            max = (1 << depth) - 1;

            p = test_pixels("encode png", test_png(&t, test_ramp));

            for (x = 0, good = 1; x < 256 && good; x++) {
                v = test_ramp(x, 0, 0, 256, 3, max);
                v = (v * 510ULL + max) / (2 * max);
                good = test_near(&p, x, 1, v, v, v, 255, 0);
            }

            ok(good, "gray%s of %d bits", type ? " and alpha" : "", depth);
            free(p.rgba);
        }
    }
}


static uint32_t
test_index(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return ((y >= h / 2) * 2 + (x >= w / 2)) & max;
}


static void
test_palettes(void)
{
    int            depth, trns;
    test_run_t     run;
    test_png_t     t = { .width = 40, .height = 24,
                         .type = PNG_COLOR_TYPE_PALETTE };
    imgp_str_t     s;
    test_pixels_t  p;

    for (depth = 1; depth <= 8; depth *= 2) {
        for (trns = 0; trns < 2; trns++) {
            t.depth = depth;
            t.trns = trns;
            t.interlaced = (depth == 4);

            s = test_png(&t, test_index);

            test_init(&run);
            test_op(&run, "encode auto quality=95", s);
            p = test_read(&run.task.outputs[0]);

            is_str(run.task.outputs[0].type,
                   trns ? "image/png" : "image/jpeg",
                   "palette of %d bits%s: type", depth, trns ? ", tRNS" : "");

            ok(trns ? test_near(&p, 10, 6, 0, 0, 0, 0, 0)
                    : test_near(&p, 10, 6, 255, 0, 0, 255, 4), "first colour");
            ok(depth == 1 || test_near(&p, 10, 18, 0, 0, 255, 255, 4),
               "third colour");
            ok(test_near(&p, 30, 6, 0, 255, 0, 255, 4), "second colour");

            free(p.rgba);
            imgp_op_free(&run.task);
            free(s.data);
        }
    }
}


static void
test_keys(void)
{
    imgp_uint_t    i;
    test_png_t     t = { .width = 40, .height = 24, .trns = 1 };
    test_pixels_t  p;

    static const struct { int type, depth; } forms[] = {
        { PNG_COLOR_TYPE_RGB, 8 }, { PNG_COLOR_TYPE_RGB, 16 },
        { PNG_COLOR_TYPE_GRAY, 2 }, { PNG_COLOR_TYPE_GRAY, 8 },
        { PNG_COLOR_TYPE_GRAY, 16 }
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        t.type = forms[i].type;
        t.depth = forms[i].depth;

        p = test_pixels("encode auto",
                        test_png(&t, t.type ? test_quadrant : test_ramp));

        if (t.type) {
            ok(test_near(&p, 10, 6, 0, 0, 0, 0, 0)
               && test_near(&p, 30, 6, 0, 255, 0, 255, 0),
               "colour key, RGB%d", t.depth);

        } else {
            ok(test_near(&p, 0, 0, 0, 0, 0, 0, 0)
               && test_near(&p, 39, 0, 255, 255, 255, 255, 0),
               "colour key, gray %d", t.depth);
        }

        free(p.rgba);
    }
}


/* Pillow's thumbnail makes these white: 65535 taken for 255 */

static void
test_gray16(void)
{
    test_png_t     t = { .width = 100, .height = 100, .depth = 16,
                         .type = PNG_COLOR_TYPE_GRAY };
    test_pixels_t  p;

    p = test_pixels("encode png max=50", test_png(&t, test_gray));
    ok(test_near(&p, 10, 10, 40, 40, 40, 255, 0)
       && test_near(&p, 40, 10, 90, 90, 90, 255, 0)
       && test_near(&p, 10, 40, 140, 140, 140, 255, 0)
       && test_near(&p, 40, 40, 220, 220, 220, 255, 0), "gray of 16 bits");
    free(p.rgba);
}


/*
 * Two 16-bit values that are equal in 8 bits and average to the next one, if
 * they are rounded only once: 100.4 and 100.9 of 255
 */

static uint32_t
test_once(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return ((x + y) % 2) ? 25803 : 25931;
}


static void
test_alpha16(void)
{
    test_png_t     t = { .width = 64, .height = 64, .depth = 16,
                         .type = PNG_COLOR_TYPE_RGB };
    test_pixels_t  p;

    p = test_pixels("encode png max=8", test_png(&t, test_once));
    ok(test_near(&p, 4, 4, 101, 101, 101, 255, 0), "rounded once");
    free(p.rgba);

    t.type = PNG_COLOR_TYPE_RGB_ALPHA;
    p = test_pixels("encode png max=8", test_png(&t, test_once));
    ok(test_near(&p, 4, 4, 101, 101, 101, 101, 1), "also through alpha");
    free(p.rgba);
}


static imgp_str_t
test_insert(imgp_str_t s, size_t at, const char *type, const u_char *data,
    size_t len)
{
    u_char      *p;
    uint32_t     crc;
    imgp_str_t   out;

    out.len = s.len + 12 + len;
    out.data = malloc(out.len);

    memcpy(out.data, s.data, at);
    p = out.data + at;

    png_save_uint_32(p, len);
    memcpy(p + 4, type, 4);
    memcpy(p + 8, data, len);

    crc = crc32(crc32(0, NULL, 0), p + 4, len + 4);
    png_save_uint_32(p + 8 + len, crc);

    memcpy(p + 12 + len, s.data + at, s.len - at);
    free(s.data);

    return out;
}


static void
test_apng(void)
{
    u_char         data[64];
    imgp_str_t     s;
    test_png_t     t = { .width = 40, .height = 24, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB };
    test_pixels_t  p;

    memset(data, 0, sizeof(data));
    s = test_png(&t, test_quadrant);
    s = test_insert(s, s.len - 12, "fdAT", data, 40);
    s = test_insert(s, s.len - 12, "fcTL", data, 26);
    s = test_insert(s, 33, "fcTL", data, 26);
    s = test_insert(s, 33, "acTL", (u_char *) "\0\0\0\2\0\0\0\0", 8);

    p = test_pixels("encode png", s);
    ok(test_corners(&p, "0123", 0), "APNG: its first picture");
    free(p.rgba);
}


static void
test_orientation(void)
{
    test_png_t     t = { .width = 40, .height = 24, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB, .orientation = 6 };
    test_pixels_t  p;

    p = test_pixels("encode png", test_png(&t, test_quadrant));
    ok(p.width == 24 && test_corners(&p, "2031", 0), "eXIf orientation");
    free(p.rgba);
}


static void
test_broken(void)
{
    u_char         *p;
    imgp_str_t      s;
    test_png_t      t = { .width = 40, .height = 24, .depth = 8,
                          .type = PNG_COLOR_TYPE_RGB };
    test_pixels_t   px;

    s = test_png(&t, test_photo);
    p = memmem(s.data, s.len, "IDAT", 4);
    p[100] ^= 1;
    test_refused("a bit turned in IDAT", s, IMGP_E_BAD_IMAGE);

    s = test_png(&t, test_photo);
    s.data[s.len - 1] ^= 1;
    test_refused("CRC of IEND", s, IMGP_E_BAD_IMAGE);

    s = test_png(&t, test_photo);
    s = test_insert(s, 33, "tEXt", (u_char *) "a\0b", 3);
    s.data[33 + 9] = 'x';
    test_refused("CRC of a text", s, IMGP_E_BAD_IMAGE);

    s = test_png(&t, test_photo);
    s.len -= 12;
    test_refused("no IEND", s, IMGP_E_BAD_IMAGE);

    s = test_png(&t, test_photo);
    memmove(s.data + 33, s.data + s.len - 12, 12);
    s.len = 45;
    test_refused("no IDAT", s, IMGP_E_BAD_IMAGE);

    s = test_png(&t, test_photo);
    memcpy(s.data + 12, "IHDX", 4);
    test_refused("no IHDR", s, IMGP_E_BAD_IMAGE);

    t.type = PNG_COLOR_TYPE_PALETTE;
    s = test_png(&t, test_index);
    p = memmem(s.data, s.len, "PLTE", 4);
    p -= 4;
    memmove(p, p + 12 + 768, s.data + s.len - p - 12 - 768);
    s.len -= 12 + 768;
    test_refused("no PLTE", s, IMGP_E_BAD_IMAGE);

    t.type = PNG_COLOR_TYPE_RGB;
    s = test_png(&t, test_quadrant);
    s.data = realloc(s.data, s.len + 100);
    memset(s.data + s.len, 'x', 100);
    s.len += 100;
    px = test_pixels("encode png", s);
    ok(test_corners(&px, "0123", 0), "what follows IEND is ignored");
    free(px.rgba);
}


/* heads that promise more than there is: refused with little memory */

static void
test_bombs(void)
{
    size_t         n;
    u_char        *p, *zeros;
    uLongf         len;
    imgp_str_t     s;
    test_run_t     run;
    imgp_uint_t    i;
    test_png_t     t = { .width = 40, .height = 24, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB };
    test_pixels_t  px;

    static const struct { uint32_t w, h; imgp_error_e code; } sizes[] = {
        { 65500, 65500, IMGP_E_PIXELS }, { 65501, 1, IMGP_E_PIXELS },
        { 1, 65501, IMGP_E_PIXELS }, { 0x7fffffff, 0x7fffffff, IMGP_E_PIXELS },
        { 0xffffffff, 1, IMGP_E_PIXELS }, { 0, 5, IMGP_E_BAD_IMAGE },
        { 8001, 8000, IMGP_E_PIXELS }, { 8000, 8000, IMGP_E_LIMIT }
    };

    for (i = 0; i < imgp_nelts(sizes); i++) {
        s = test_png(&t, test_quadrant);
        png_save_uint_32(s.data + 16, sizes[i].w);
        png_save_uint_32(s.data + 20, sizes[i].h);
        png_save_uint_32(s.data + 29, crc32(crc32(0, NULL, 0), s.data + 12,
                                            17));
        test_init(&run);
        run.task.max_memory = 1000000;

        test_op(&run, "encode auto", s);
        ok(run.rc == IMGP_ERROR && run.task.error.code == sizes[i].code,
           "%ux%u: %s", sizes[i].w, sizes[i].h, run.task.error.detail);

        free(s.data);
    }

    /* 60 MB of zeros in 60 KB, as a profile and as a text */

    n = 60000000;
    zeros = calloc(1, n);
    len = compressBound(n);
    p = malloc(len + 8);
    memcpy(p, "bomb\0\0", 6);
    compress(p + 6, &len, zeros, n);
    free(zeros);

    for (i = 0; i < 2; i++) {
        s = test_insert(test_png(&t, test_quadrant), 33, i ? "zTXt" : "iCCP",
                        p, len + 6);
        test_init(&run);
        run.task.max_memory = 4000000;

        test_op(&run, "encode png", s);
        px = test_read(&run.task.outputs[0]);
        ok(run.rc == IMGP_OK && test_corners(&px, "0123", 0),
           "a %s of 60 MB is not unpacked", i ? "zTXt" : "iCCP");

        free(px.rgba);
        imgp_op_free(&run.task);
        free(s.data);
    }

    free(p);
}
