
/*
 * Colours: profiles made here with Little CMS, results against the formulas
 * of the colour spaces.
 */


#include <math.h>
#include <lcms2.h>
#include "imgp_run.h"


static imgp_str_t test_profile(const char *name);
static void test_rgb(void);
static void test_gray_profile(void);
static void test_ignored(void);
static void test_cmyk_profile(void);
static void test_faults(void);


/* an even colour: the picture's width tells which */

static const u_char  test_color[3] = { 180, 120, 60 };


static uint32_t
test_even(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 3) ? max : test_color[c] * (max / 255);
}


int
main(void)
{
    test_rgb();
    test_gray_profile();
    test_ignored();
    test_cmyk_profile();
    test_faults();

    return done();
}


static imgp_str_t
test_profile(const char *name)
{
    imgp_str_t       s;
    cmsHPROFILE      p;
    cmsToneCurve    *curve[3];
    cmsUInt32Number  len;

    static const cmsCIExyY        white = { 0.3127, 0.3290, 1 };
    static const cmsCIExyYTRIPLE  adobe = {
        { 0.64, 0.33, 1 }, { 0.21, 0.71, 1 }, { 0.15, 0.06, 1 }
    };

    curve[0] = curve[1] = curve[2] = cmsBuildGamma(NULL, 563 / 256.0);

    p = (strcmp(name, "sRGB") == 0) ? cmsCreate_sRGBProfile()
      : (strcmp(name, "Adobe") == 0) ? cmsCreateRGBProfile(&white, &adobe,
                                                           curve)
      : cmsCreateGrayProfile(cmsD50_xyY(), curve[0]);

    cmsFreeToneCurve(curve[0]);

    len = 0;
    cmsSaveProfileToMem(p, NULL, &len);
    s.data = malloc(len);
    s.len = len;
    cmsSaveProfileToMem(p, s.data, &len);
    cmsCloseProfile(p);

    return s;
}


static double
test_srgb(double v)
{
    v = fmin(fmax(v, 0), 1);

    return 255 * (v <= 0.0031308 ? v * 12.92
                                 : 1.055 * pow(v, 1 / 2.4) - 0.055);
}


static void
test_rgb(void)
{
    int            i, r, g, b;
    double         v[3];
    imgp_str_t     icc;
    test_pixels_t  p;

    static const struct { int type, depth; const char *name; } forms[] = {
        { PNG_COLOR_TYPE_RGB, 8, "RGB" },
        { PNG_COLOR_TYPE_RGB, 16, "RGB16" },
        { PNG_COLOR_TYPE_RGB_ALPHA, 8, "RGBA" },
        { PNG_COLOR_TYPE_RGB_ALPHA, 16, "RGBA16" }
    };

    for (i = 0; i < 3; i++) {
        v[i] = pow(test_color[i] / 255.0, 563 / 256.0);
    }

    /* the spaces' primaries, linear: Adobe RGB (1998) to sRGB */

    r = lround(test_srgb(1.39836 * v[0] - 0.39836 * v[1]));
    g = lround(test_srgb(v[1]));
    b = lround(test_srgb(-0.04293 * v[1] + 1.04293 * v[2]));

    icc = test_profile("Adobe");

    for (i = 0; i < 4; i++) {
        test_png_t  t = { .width = 50, .height = 30, .type = forms[i].type,
                          .depth = forms[i].depth, .icc = icc };

        p = test_pixels("encode png", test_png(&t, test_even));
        ok(test_near(&p, 20, 20, r, g, b, 255, 1), "Adobe RGB, %s",
           forms[i].name);
        free(p.rgba);
    }

    {
        test_jpeg_t  t = { .width = 50, .height = 30, .icc = icc };

        p = test_pixels("resize 20", test_jpeg(&t, test_even));
        ok(p.width == 20 && test_near(&p, 10, 10, r, g, b, 255, 4),
           "Adobe RGB, JPEG");
        free(p.rgba);
    }

    /* over many APP2 segments */

    icc.data = realloc(icc.data, 200000);
    memset(icc.data + icc.len, 0, 200000 - icc.len);
    png_save_uint_32(icc.data, 200000);
    icc.len = 200000;

    {
        test_jpeg_t  t = { .width = 50, .height = 30, .icc = icc };

        p = test_pixels("encode png", test_jpeg(&t, test_even));
        ok(test_near(&p, 10, 10, r, g, b, 255, 4), "a profile in four parts");
        free(p.rgba);
    }

    free(icc.data);
}


static void
test_gray_profile(void)
{
    int            want;
    imgp_str_t     icc;
    test_pixels_t  p;
    test_jpeg_t    t = { .width = 50, .height = 30, .components = 1,
                         .in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE };

    icc = test_profile("gray");
    t.icc = icc;
    want = lround(test_srgb(pow(test_color[0] / 255.0, 563 / 256.0)));

    p = test_pixels("encode png", test_jpeg(&t, test_even));
    ok(test_near(&p, 10, 10, want, want, want, 255, 1), "gray to sRGB gray");
    free(p.rgba);
    free(icc.data);
}


static void
test_ignored(void)
{
    imgp_uint_t    i;
    imgp_str_t     icc[3];
    test_pixels_t  p;

    icc[0] = test_profile("sRGB");
    icc[1] = test_profile("gray");
    icc[2] = test_profile("Adobe");
    memset(icc[2].data + 128, 0xff, 60);

    for (i = 0; i < 3; i++) {
        test_jpeg_t  t = { .width = 50, .height = 30, .icc = icc[i],
                           .stored = JCS_RGB, .quality = 100 };

        p = test_pixels("encode png", test_jpeg(&t, test_even));
        ok(test_near(&p, 10, 10, test_color[0], test_color[1], test_color[2],
                     255, 0),
           "%s changes nothing", i == 0 ? "sRGB" : i == 1
           ? "a gray profile in a colour picture" : "a broken profile");

        free(p.rgba);
        free(icc[i].data);
    }
}


/* white paper is white, and ink is darker: the profile is a real one's */

static uint32_t
test_paper(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (x < w / 2) ? max : (c == 1) ? 0 : max;
}


static imgp_str_t
test_corpus_profile(void)
{
    char                            path[1024];
    FILE                           *f;
    JOCTET                         *data;
    imgp_str_t                      icc;
    unsigned int                    len;
    struct jpeg_error_mgr           err;
    struct jpeg_decompress_struct   cinfo;

    memset(&icc, 0, sizeof(icc));

    snprintf(path, sizeof(path), "%s/17_m8_cmyk.jpg",
             getenv("IMGP_CORPUS") ? getenv("IMGP_CORPUS")
                                   : "../shared/corpus");
    f = fopen(path, "rb");
    if (f == NULL) {
        return icc;
    }

    cinfo.err = jpeg_std_error(&err);
    jpeg_create_decompress(&cinfo);
    jpeg_stdio_src(&cinfo, f);
    jpeg_save_markers(&cinfo, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(&cinfo, TRUE);

    if (jpeg_read_icc_profile(&cinfo, &data, &len)) {
        icc = test_copy(data, len);
        free(data);
    }

    jpeg_destroy_decompress(&cinfo);
    fclose(f);

    return icc;
}


static void
test_cmyk_profile(void)
{
    imgp_str_t     icc;
    test_pixels_t  p, naive;
    test_jpeg_t    t = { .width = 64, .height = 32, .components = 4,
                         .in = JCS_CMYK, .stored = JCS_CMYK };

    icc = test_corpus_profile();

    if (icc.data == NULL) {
        skip("no corpus");
        return;
    }

    naive = test_pixels("encode png", test_jpeg(&t, test_paper));
    t.icc = icc;
    p = test_pixels("encode png", test_jpeg(&t, test_paper));

    ok(test_near(&p, 5, 5, 255, 255, 255, 255, 2), "paper is white");
    ok(test_near(&naive, 55, 5, 255, 0, 255, 255, 4), "naive magenta");
    ok(p.rgba[4 * 55] > 200 && p.rgba[4 * 55 + 1] < 60
       && p.rgba[4 * 55 + 2] > 90 && p.rgba[4 * 55 + 2] < 190,
       "printed magenta: %d,%d,%d", p.rgba[4 * 55], p.rgba[4 * 55 + 1],
       p.rgba[4 * 55 + 2]);

    free(p.rgba);
    free(naive.rgba);
    free(icc.data);
}


/* in the midst of Little CMS, too: no allocation's failure is lost */

static void
test_faults(void)
{
    long          n, wrong;
    imgp_str_t    s, icc;
    test_run_t    run;
    test_alloc_t  ta;
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };

    icc = test_profile("Adobe");

    {
        test_png_t  t = { .width = 50, .height = 30, .depth = 8,
                          .type = PNG_COLOR_TYPE_RGB, .icc = icc };
        s = test_png(&t, test_even);
    }

    wrong = 0;

    for (n = 0; n < 10000; n++) {
        ta.left = n;
        ta.live = 0;

        test_init(&run);
        run.task.alloc = &alloc;

        if (test_op(&run, "encode png", s) == IMGP_OK) {
            break;
        }

        wrong += ta.live != 0 || run.task.error.code != IMGP_E_INTERNAL;
    }

    imgp_op_free(&run.task);

    ok(run.rc == IMGP_OK && n > 50 && wrong == 0 && ta.live == 0,
       "each of %ld allocations may fail (%ld wrong, %ld left)", n, wrong,
       ta.live);

    free(s.data);
    free(icc.data);
}
