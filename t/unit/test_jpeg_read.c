
/*
 * The JPEG reader, through the operations: every form of JPEG that there is,
 * upright, in the right colours, and what is broken refused.
 */


#include "imgp_run.h"


static void test_forms(void);
static void test_cmyk(void);
static void test_orientations(void);
static void test_scaled(void);
static void test_metadata(void);
static void test_broken(void);
static void test_scans(void);


int
main(void)
{
    test_forms();
    test_cmyk();
    test_orientations();
    test_scaled();
    test_metadata();
    test_broken();
    test_scans();

    return done();
}


static void
test_forms(void)
{
    imgp_uint_t    i;
    test_pixels_t  p;

    static const struct {
        const char   *name;
        test_jpeg_t   jpeg;
    } forms[] = {
        { "baseline 4:4:4", { .width = 64, .height = 48 } },
        { "4:2:2", { .width = 65, .height = 47, .h = 2 } },
        { "4:2:0", { .width = 67, .height = 51, .h = 2, .v = 2 } },
        { "4:4:0", { .width = 66, .height = 49, .v = 2 } },
        { "4:1:1", { .width = 70, .height = 49, .h = 4 } },
        { "progressive", { .width = 64, .height = 48, .h = 2, .v = 2,
                           .progressive = 1 } },
        { "arithmetic", { .width = 64, .height = 48, .arithmetic = 1 } },
        { "progressive arithmetic", { .width = 64, .height = 48,
                                      .arithmetic = 1, .progressive = 1 } },
        { "a scan per component", { .width = 64, .height = 48, .apart = 1 } },
        { "restart markers", { .width = 64, .height = 80, .restart = 1 } },
        { "RGB", { .width = 64, .height = 48, .stored = JCS_RGB } },
        { "RGB, progressive", { .width = 64, .height = 48, .stored = JCS_RGB,
                                .progressive = 1 } }
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        p = test_pixels("encode png", test_jpeg(&forms[i].jpeg,
                                                test_quadrant));

        ok(p.width == forms[i].jpeg.width && p.height == forms[i].jpeg.height
           && test_corners(&p, "0123", 6), "%s", forms[i].name);

        free(p.rgba);
    }

    p = test_pixels("encode png",
                    test_jpeg(&(test_jpeg_t) { .width = 64, .height = 48,
                              .components = 1, .in = JCS_GRAYSCALE,
                              .stored = JCS_GRAYSCALE }, test_gray));

    ok(test_near(&p, 16, 12, 40, 40, 40, 255, 3)
       && test_near(&p, 48, 36, 220, 220, 220, 255, 3), "gray");

    free(p.rgba);
}


/* libjpeg writes an Adobe marker, and with it the inks are inverted */

static uint32_t
test_ink(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    /* red, green, blue, white: stored as 255 - ink, black is none */

    return (c == 3) ? max : test_quadrant(x, y, c, w, h, max);
}


static uint32_t
test_black(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 3) ? 255 - 128 : max;
}


static uint32_t
test_plain_ink(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return max - test_ink(x, y, c, w, h, max);
}


static void
test_strip_adobe(imgp_str_t *s)
{
    u_char  *p;

    p = memmem(s->data, s->len, "\xff\xee\0\x0e" "Adobe", 9);

    if (p != NULL) {
        memmove(p, p + 16, s->data + s->len - p - 16);
        s->len -= 16;
    }
}


/* as rows, and as planes */

static void
test_inks(const char *what, imgp_str_t s)
{
    imgp_str_t     again;
    test_pixels_t  p;

    again.len = s.len;
    again.data = malloc(s.len);
    memcpy(again.data, s.data, s.len);

    p = test_pixels("encode png", s);
    ok(test_corners(&p, "0123", 6), "%s", what);
    free(p.rgba);

    p = test_pixels("encode png max=51", again);
    ok(p.width == 51 && test_corners(&p, "0123", 6), "%s, shrunk", what);
    free(p.rgba);
}


static void
test_cmyk(void)
{
    imgp_str_t     s;
    test_pixels_t  p;
    test_jpeg_t    t = { .width = 64, .height = 48, .components = 4,
                         .in = JCS_CMYK, .stored = JCS_CMYK };

    test_inks("CMYK, inverted as Adobe does", test_jpeg(&t, test_ink));

    p = test_pixels("encode png", test_jpeg(&t, test_black));
    ok(test_near(&p, 20, 20, 127, 127, 127, 255, 3), "half of black");
    free(p.rgba);

    s = test_jpeg(&t, test_plain_ink);
    test_strip_adobe(&s);
    test_inks("CMYK without Adobe marker: not inverted", s);

    t.stored = JCS_YCCK;
    test_inks("YCCK", test_jpeg(&t, test_ink));

    t.progressive = 1;
    t.h = t.v = 2;
    p = test_pixels("resize 32", test_jpeg(&t, test_ink));
    is_int(p.width, 32, "YCCK, progressive, subsampled, to a JPEG: width");
    ok(test_corners(&p, "0123", 8), "and its colours");
    free(p.rgba);
}


static void
test_orientations(void)
{
    int            o, swap;
    test_jpeg_t    t = { .width = 96, .height = 64 };
    test_pixels_t  p;

    /* where the stored quadrants 0 1 / 2 3 come to lie */

    static const char  *upright[] = {
        "", "0123", "1032", "3210", "2301", "0213", "2031", "3120", "1302"
    };

    for (o = 1; o <= 8; o++) {
        t.orientation = o;
        swap = (o >= 5);

        p = test_pixels("encode png", test_jpeg(&t, test_quadrant));
        ok(p.width == (swap ? 64 : 96) && p.height == (swap ? 96 : 64)
           && test_corners(&p, upright[o], 6), "orientation %d, whole", o);
        free(p.rgba);

        p = test_pixels("encode png max=48x20",
                        test_jpeg(&t, test_quadrant));
        ok(p.width == (swap ? 13 : 30) && p.height == 20
           && test_corners(&p, upright[o], 10), "orientation %d, resized", o);
        free(p.rgba);

        p = test_pixels("resize 30x12 fit=cover",
                        test_jpeg(&t, test_quadrant));
        ok(p.width == 30 && p.height == 12
           && test_corners(&p, upright[o], 24), "orientation %d, cover", o);
        free(p.rgba);
    }

    t.orientation = 9;
    p = test_pixels("encode png", test_jpeg(&t, test_quadrant));
    ok(test_corners(&p, "0123", 6), "orientation 9 is ignored");
    free(p.rgba);
}


/*
 * Sizes that no scaled block fits: the last column holds what the encoder
 * padded with, and must not shift or darken the border.
 */

static void
test_scaled(void)
{
    uint32_t       w, target;
    test_jpeg_t    t = { .h = 2, .v = 2 };
    test_pixels_t  p;

    for (w = 257; w < 290; w += 4) {
        for (target = 10; target <= 70; target += 15) {
            t.width = w;
            t.height = w;

            p = test_pixels("resize 70x70 fit=exact",
                            test_jpeg(&t, test_quadrant));

            if (p.width != 70 || !test_corners(&p, "0123", 8)
                || !test_near(&p, 69, 69, 255, 255, 255, 255, 8)
                || !test_near(&p, 69, 0, 0, 255, 0, 255, 10))
            {
                break;
            }

            free(p.rgba);
            p.rgba = NULL;
        }

        if (p.rgba != NULL) {
            break;
        }
    }

    ok(p.rgba == NULL, "borders after scaled decoding, width %u", w);
    free(p.rgba);
}


static void
test_metadata(void)
{
    u_char       icc[1000];
    imgp_str_t   s;
    test_run_t   run;
    test_jpeg_t  t = { .width = 64, .height = 48, .orientation = 3 };

    memset(icc, 'x', sizeof(icc));
    t.icc.data = icc;
    t.icc.len = sizeof(icc);

    s = test_jpeg(&t, test_quadrant);

    test_init(&run);
    test_op(&run, "encode jpeg", s);

    is_int(run.rc, IMGP_OK, "a profile that is rubbish is ignored");
    ok(memmem(s.data, s.len, "Exif", 4) != NULL
       && memmem(s.data, s.len, "ICC_PROFILE", 11) != NULL, "metadata in");
    ok(run.rc == IMGP_OK
       && memmem(run.task.outputs[0].data, run.task.outputs[0].len, "Exif", 4)
          == NULL
       && memmem(run.task.outputs[0].data, run.task.outputs[0].len, "ICC_", 4)
          == NULL, "none out");

    imgp_op_free(&run.task);
    free(s.data);
}


static void
test_broken(void)
{
    u_char       *p;
    imgp_str_t    s;
    test_jpeg_t   t = { .width = 64, .height = 80 };

    s = test_jpeg(&t, test_photo);
    memset(s.data + s.len * 2 / 3, 0, 40);
    s.data[s.len * 2 / 3 + 1] = 0xff;
    s.data[s.len * 2 / 3 + 2] = 0xd9;
    test_refused("EOI amid the data", s, IMGP_E_BAD_IMAGE);

    t.restart = 1;
    s = test_jpeg(&t, test_photo);
    p = memmem(s.data, s.len, "\xff\xd1", 2);
    p[1] = 0xd5;
    test_refused("a wrong restart marker", s, IMGP_E_BAD_IMAGE);

    t.restart = 0;
    t.progressive = 1;
    s = test_jpeg(&t, test_photo);
    memset(s.data + s.len - 60, 0xff, 50);
    test_refused("rubbish in the last scan", s, IMGP_E_BAD_IMAGE);

    /* all is well formed, but red and blue were never sent */

    t.progressive = 0;
    t.apart = 1;
    s = test_jpeg(&t, test_photo);
    p = memmem(s.data, s.len, "\xff\xda", 2);
    p = memmem(p + 2, s.data + s.len - p - 2, "\xff\xda", 2);
    p[1] = 0xd9;
    test_refused("a missing scan", s, IMGP_E_BAD_IMAGE);

    s = test_copy((u_char *) "\xff\xd8\xff\xd9", 4);
    test_refused("SOI and EOI alone", s, IMGP_E_BAD_IMAGE);

    s = test_copy((u_char *) "\xff\xd8\xff\xe1\xff\xff" "Exif", 10);
    test_refused("a segment longer than the file", s, IMGP_E_BAD_IMAGE);

    s = test_copy((u_char *) "\xff\xd8\xff\xe1\0\1", 6);
    test_refused("a segment shorter than its length", s, IMGP_E_BAD_IMAGE);

    s = test_copy((u_char *) "GIF89a", 6);
    test_refused("not an image of ours", s, IMGP_E_TYPE);

    s = test_copy((u_char *) "", 0);
    test_refused("nothing", s, IMGP_E_TYPE);
}


/* 2063 scans in 97 KB cost 3.6 s of a processor (notes: style, M7) */

static imgp_str_t
test_repeat(const test_jpeg_t *t, int n)
{
    u_char      *p, *scan;
    size_t       len;
    imgp_str_t   s, bomb;

    s = test_jpeg(t, test_quadrant);
    scan = p = s.data;

    while ((p = memmem(p, s.data + s.len - p, "\xff\xda", 2)) != NULL) {
        scan = p++;
    }

    len = s.data + s.len - 2 - scan;

    bomb.data = malloc(s.len + n * len);
    bomb.len = s.len - 2;
    memcpy(bomb.data, s.data, bomb.len);

    while (n--) {
        memcpy(bomb.data + bomb.len, scan, len);
        bomb.len += len;
    }

    memcpy(bomb.data + bomb.len, "\xff\xd9", 2);
    bomb.len += 2;
    free(s.data);

    return bomb;
}


static void
test_scans(void)
{
    test_pixels_t  p;
    test_jpeg_t    t = { .width = 64, .height = 80, .apart = 1 };

    p = test_pixels("encode png", test_repeat(&t, 97));
    ok(test_corners(&p, "0123", 6), "100 scans are decoded");
    free(p.rgba);

    test_refused("101 scans", test_repeat(&t, 98), IMGP_E_LIMIT);
    test_refused("2000 scans", test_repeat(&t, 2000), IMGP_E_LIMIT);

    t.apart = 0;
    t.progressive = 1;
    test_refused("a refinement repeated", test_repeat(&t, 200),
                 IMGP_E_BAD_IMAGE);
}
