
/*
 * Colours: profiles made here with Little CMS, results against the formulas
 * of the colour spaces.
 */


#include <math.h>
#include <pthread.h>
#include <lcms2.h>
#include "imgp_run.h"


static imgp_str_t test_profile(const char *name);
static void test_rgb(void);
static void test_gray_profile(void);
static void test_ignored(void);
static void test_cmyk_profile(void);
static void test_cached(void);
static void test_many(void);
static void test_threads(void);
static void test_faults(imgp_uint_t cached);


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
    test_cached();
    test_many();
    test_threads();
    test_faults(0);
    test_faults(1);

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


/* every pixel another colour: what a transform does is seen in each */

static uint32_t
test_colors(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (x * (c + 3) * 37 + y * (5 - c) * 91) % 256 * (max / 255);
}


#define TEST_KINDS    6
#define TEST_ROUNDS   8
#define TEST_THREADS  4


static imgp_str_t  test_files[TEST_KINDS];
static imgp_str_t  test_wanted[TEST_KINDS];   /* without a cache */


/* Adobe RGB in three formats, gray, sRGB, and CMYK if there is a profile */

static void
test_file(imgp_uint_t kind)
{
    imgp_str_t   icc;
    test_png_t   png = { .width = 90, .height = 70, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB };
    test_jpeg_t  jpeg = { .width = 90, .height = 70 };

    icc = (kind == 5) ? test_corpus_profile()
                      : test_profile(kind == 3 ? "gray" : kind == 4 ? "sRGB"
                                                                : "Adobe");
    if (kind == 1) {
        png.type = PNG_COLOR_TYPE_RGB_ALPHA;
    }

    if (kind == 2) {
        png.depth = 16;
    }

    if (kind == 3) {
        jpeg.components = 1;
        jpeg.in = jpeg.stored = JCS_GRAYSCALE;
    }

    if (kind == 5) {
        jpeg.components = 4;
        jpeg.in = jpeg.stored = JCS_CMYK;
    }

    png.icc = icc;
    jpeg.icc = icc;

    test_files[kind] = (kind == 3 || kind == 5) ? test_jpeg(&jpeg, test_colors)
                                                : test_png(&png, test_colors);
    free(icc.data);
}


/* what comes out, or whether it is what came out without a cache */

static imgp_uint_t
test_same(imgp_uint_t kind, imgp_color_cache_t *cache)
{
    imgp_uint_t        good;
    test_run_t         run;
    imgp_op_output_t  *out;

    test_init(&run);
    run.task.colors = cache;

    if (test_op(&run, "encode png", test_files[kind]) != IMGP_OK) {
        return 0;
    }

    out = &run.task.outputs[0];

    if (cache == NULL) {
        test_wanted[kind] = test_copy(out->data, out->len);
    }

    good = out->len == test_wanted[kind].len
           && memcmp(out->data, test_wanted[kind].data, out->len) == 0;

    imgp_op_free(&run.task);

    return good;
}


static void
test_cached(void)
{
    imgp_uint_t          i, k, good;
    imgp_color_cache_t  *cache;

    cache = imgp_color_cache_create(&imgp_malloc);
    good = 1;

    for (k = 0; k < TEST_KINDS; k++) {
        test_file(k);
        good &= test_same(k, NULL);
    }

    ok(good && test_wanted[0].len != test_wanted[4].len,
       "pictures of %d kinds", TEST_KINDS);

    for (i = 0; i < 3; i++) {
        for (k = 0; k < TEST_KINDS; k++) {
            good &= test_same(k, cache);
        }
    }

    ok(good, "the same bytes with a cache");

    imgp_color_cache_destroy(cache);
}


/* more profiles than are kept: they differ in a byte that means nothing */

static void
test_many(void)
{
    long           i, n, live, most, kept;
    imgp_str_t     icc, s;
    test_run_t     run;
    test_alloc_t   ta = { -1, 0 };
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };
    imgp_color_cache_t  *cache;

    icc = test_profile("Adobe");
    cache = imgp_color_cache_create(&alloc);
    most = 0;
    kept = 0;
    live = ta.live;
    n = 0;

    for (i = 0; i < 3 * IMGP_COLOR_CACHE_MAX; i++) {
        test_png_t  t = { .width = 50, .height = 30, .depth = 8,
                          .type = PNG_COLOR_TYPE_RGB };

        icc.data[80] = i;             /* the profile's creator */
        t.icc = icc;
        s = test_png(&t, test_even);

        test_init(&run);
        run.task.alloc = &alloc;
        run.task.colors = cache;

        n += test_op(&run, "encode png", s) == IMGP_OK;
        imgp_op_free(&run.task);

        if (i < IMGP_COLOR_CACHE_MAX) {
            kept += ta.live > live;
            most = ta.live;
        }

        live = ta.live;
        free(s.data);
    }

    is_int(kept, IMGP_COLOR_CACHE_MAX, "each is kept while there is room");
    ok(n == i && live == most, "%ld profiles: %ld blocks, as of %d", n, live,
       IMGP_COLOR_CACHE_MAX);

    imgp_color_cache_destroy(cache);
    is_int(ta.live, 0, "all are freed");

    free(icc.data);
}


static void *
test_thread(void *data)
{
    long  i, good;

    good = 0;

    for (i = 0; i < TEST_ROUNDS * TEST_KINDS; i++) {
        good += test_same(i % TEST_KINDS, data);
    }

    return (void *) good;
}


static void
test_threads(void)
{
    long                 i, good;
    void                *result;
    pthread_t            tid[TEST_THREADS];
    imgp_color_cache_t  *cache;

    cache = imgp_color_cache_create(&imgp_malloc);
    good = 0;

    for (i = 0; i < TEST_THREADS; i++) {
        pthread_create(&tid[i], NULL, test_thread, cache);
    }

    for (i = 0; i < TEST_THREADS; i++) {
        pthread_join(tid[i], &result);
        good += (long) result;
    }

    is_int(good, TEST_THREADS * TEST_ROUNDS * TEST_KINDS,
           "threads at once get the same bytes");

    imgp_color_cache_destroy(cache);

    for (i = 0; i < TEST_KINDS; i++) {
        free(test_files[i].data);
        free(test_wanted[i].data);
    }
}


/* in the midst of Little CMS, too: no allocation's failure is lost */

static void
test_faults(imgp_uint_t cached)
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
        ta.left = -1;
        ta.live = 0;

        test_init(&run);
        run.task.alloc = &alloc;
        run.task.colors = cached ? imgp_color_cache_create(&alloc) : NULL;

        ta.left = n;

        if (test_op(&run, "encode png", s) == IMGP_OK) {
            break;
        }

        imgp_color_cache_destroy(run.task.colors);

        wrong += ta.live != 0 || run.task.error.code != IMGP_E_INTERNAL;
    }

    imgp_op_free(&run.task);
    imgp_color_cache_destroy(run.task.colors);

    ok(run.rc == IMGP_OK && n > 50 && wrong == 0 && ta.live == 0,
       "each of %ld allocations may fail%s (%ld wrong, %ld left)", n,
       cached ? ", with a cache" : "", wrong, ta.live);

    free(s.data);
    free(icc.data);
}
