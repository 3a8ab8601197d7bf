
/*
 * Makes the seeds of fuzz_decode: the smallest pictures of each form that the
 * readers know.  Run it at the project's root; nothing but the recipe is
 * written by hand:
 *
 *     cc -std=gnu11 -Iinclude -o /tmp/make t/fuzz/make_decode_corpus.c \
 *         -ljpeg -lpng -llcms2
 *     /tmp/make t/fuzz/corpus/decode
 */


#include "../unit/imgp_picture.h"
#include <lcms2.h>


static void make_jpegs(const char *dir);
static void make_pngs(const char *dir);
static void make_file(const char *dir, const char *name, imgp_str_t s);
static imgp_str_t make_profile(void);


int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 1;
    }

    make_jpegs(argv[1]);
    make_pngs(argv[1]);

    return 0;
}


static void
make_jpegs(const char *dir)
{
    imgp_uint_t  i;
    imgp_str_t   icc;

    static const struct {
        const char   *name;
        test_jpeg_t   t;
    } jpegs[] = {
        { "444.jpg", { .width = 17, .height = 9 } },
        { "422.jpg", { .width = 17, .height = 9, .h = 2 } },
        { "420-exif6.jpg", { .width = 40, .height = 33, .h = 2, .v = 2,
                             .orientation = 6 } },
        { "440-exif5.jpg", { .width = 17, .height = 19, .v = 2,
                             .orientation = 5 } },
        { "scaled.jpg", { .width = 300, .height = 260, .h = 2, .v = 2,
                          .quality = 10 } },
        { "progressive.jpg", { .width = 33, .height = 20, .h = 2, .v = 2,
                               .progressive = 1 } },
        { "arithmetic.jpg", { .width = 33, .height = 20, .arithmetic = 1 } },
        { "arithmetic-progressive.jpg", { .width = 33, .height = 20,
                                          .arithmetic = 1,
                                          .progressive = 1 } },
        { "scans.jpg", { .width = 33, .height = 20, .apart = 1 } },
        { "restart.jpg", { .width = 33, .height = 40, .restart = 1 } },
        { "rgb.jpg", { .width = 17, .height = 9, .stored = JCS_RGB } },
        { "cmyk.jpg", { .width = 17, .height = 9, .components = 4,
                        .in = JCS_CMYK, .stored = JCS_CMYK } },
        { "ycck.jpg", { .width = 17, .height = 9, .components = 4,
                        .in = JCS_CMYK, .stored = JCS_YCCK } },
        { "gray.jpg", { .width = 17, .height = 9, .components = 1,
                        .in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE } }
    };

    test_jpeg_t  profile = { .width = 9, .height = 9 };

    for (i = 0; i < imgp_nelts(jpegs); i++) {
        make_file(dir, jpegs[i].name, test_jpeg(&jpegs[i].t, test_quadrant));
    }

    icc = make_profile();
    profile.icc = icc;
    make_file(dir, "icc.jpg", test_jpeg(&profile, test_quadrant));
    free(icc.data);
}


static void
make_pngs(const char *dir)
{
    imgp_uint_t  i;
    imgp_str_t   icc;

    static const struct {
        const char  *name;
        test_png_t   t;
    } pngs[] = {
        { "gray1.png", { .width = 9, .height = 5, .depth = 1 } },
        { "gray4-lace.png", { .width = 9, .height = 9, .depth = 4,
                              .interlaced = 1 } },
        { "gray16-key.png", { .width = 9, .height = 5, .depth = 16,
                              .trns = 1 } },
        { "graya.png", { .width = 9, .height = 5, .depth = 8, .type = 4 } },
        { "rgb-key.png", { .width = 40, .height = 35, .depth = 8, .type = 2,
                           .trns = 1 } },
        { "rgb16-exif8.png", { .width = 9, .height = 5, .depth = 16,
                               .type = 2, .orientation = 8 } },
        { "palette2.png", { .width = 9, .height = 5, .depth = 2, .type = 3 } },
        { "palette8-trns-lace.png", { .width = 9, .height = 9, .depth = 8,
                                      .type = 3, .trns = 1,
                                      .interlaced = 1 } },
        { "rgba.png", { .width = 40, .height = 35, .depth = 8, .type = 6 } },
        { "rgba16-lace.png", { .width = 40, .height = 35, .depth = 16,
                               .type = 6, .interlaced = 1 } }
    };

    test_png_t  profile = { .width = 9, .height = 5, .depth = 8, .type = 2 };

    for (i = 0; i < imgp_nelts(pngs); i++) {
        make_file(dir, pngs[i].name,
                  test_png(&pngs[i].t,
                           pngs[i].t.type == 3 ? test_photo : test_quadrant));
    }

    icc = make_profile();
    profile.icc = icc;
    make_file(dir, "icc.png", test_png(&profile, test_quadrant));
    free(icc.data);
}


static void
make_file(const char *dir, const char *name, imgp_str_t s)
{
    char   path[1024];
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);

    f = fopen(path, "wb");

    if (f == NULL || fwrite(s.data, 1, s.len, f) != s.len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }

    free(s.data);
}


/* wide gamut, so that there is something to convert; no date in it */

static imgp_str_t
make_profile(void)
{
    imgp_str_t       s;
    cmsHPROFILE      p;
    cmsToneCurve    *curve[3];
    cmsUInt32Number  len;

    static const cmsCIExyY        white = { 0.3127, 0.3290, 1 };
    static const cmsCIExyYTRIPLE  wide = {
        { 0.64, 0.33, 1 }, { 0.21, 0.71, 1 }, { 0.15, 0.06, 1 }
    };

    curve[0] = curve[1] = curve[2] = cmsBuildGamma(NULL, 2.2);
    p = cmsCreateRGBProfile(&white, &wide, curve);
    cmsFreeToneCurve(curve[0]);

    len = 0;
    cmsSaveProfileToMem(p, NULL, &len);
    s.data = malloc(len);
    s.len = len;
    cmsSaveProfileToMem(p, s.data, &len);
    cmsCloseProfile(p);

    memset(s.data + 24, 0, 12);

    return s;
}
