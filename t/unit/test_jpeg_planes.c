
/*
 * JPEG to JPEG without leaving YCbCr: every sampling, orientation and scale
 * gives the picture that a PNG of the same pixels gives.
 */


#include "imgp_run.h"
#include <math.h>


static double test_distance(const test_pixels_t *a, const test_pixels_t *b);
static void test_samplings(void);
static void test_orientations(void);
static void test_sizes(void);
static void test_kept(void);
static void test_limits(void);


int
main(void)
{
    test_samplings();
    test_orientations();
    test_sizes();
    test_kept();
    test_limits();

    return done();
}


/* smooth in luma and in chroma, different at every border */

static uint32_t
test_smooth(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    double  v;

    v = sin(6.0 * x / w + c) + sin(5.0 * y / h + 2 * c)
        + 0.5 * sin(9.0 * (x + y) / (w + h));

    return 128 + 45 * v;
}


static double
test_distance(const test_pixels_t *a, const test_pixels_t *b)
{
    size_t  i, n;
    double  d, sum;

    if (a->width != b->width || a->height != b->height || a->width == 0) {
        printf("# %ux%u and %ux%u\n", a->width, a->height, b->width,
               b->height);
        return 0;
    }

    n = (size_t) a->width * a->height;
    sum = 0;

    for (i = 0; i < n * 4; i++) {
        d = a->rgba[i] - b->rgba[i];
        sum += d * d;
    }

    return 10 * log10(255.0 * 255 / (sum / (3 * n) + 1e-9));
}


/* the JPEG by way of planes against the PNG, both as JPEGs in the end */

static double
test_both(const test_jpeg_t *j, const char *line)
{
    double         d;
    test_png_t     t = { .width = j->width, .height = j->height, .depth = 8,
                         .type = j->components == 1 ? PNG_COLOR_TYPE_GRAY
                                                    : PNG_COLOR_TYPE_RGB,
                         .orientation = j->orientation };
    test_pixels_t  a, b;

    a = test_pixels(line, test_png(&t, test_smooth));
    b = test_pixels(line, test_jpeg(j, test_smooth));

    d = test_distance(&a, &b);

    free(a.rgba);
    free(b.rgba);

    return d;
}


static void
test_samplings(void)
{
    double       d;
    imgp_uint_t  i, k;
    test_jpeg_t  j;

    static const struct {
        const char   *name;
        test_jpeg_t   jpeg;
    } forms[] = {
        { "4:4:4", { .quality = 97 } },
        { "4:2:2", { .quality = 97, .h = 2 } },
        { "4:2:0", { .quality = 97, .h = 2, .v = 2 } },
        { "4:4:0", { .quality = 97, .v = 2 } },
        { "4:1:1", { .quality = 97, .h = 4 } },
        { "4:1:0", { .quality = 97, .h = 4, .v = 2 } },
        { "gray", { .quality = 97, .components = 1, .in = JCS_GRAYSCALE,
                    .stored = JCS_GRAYSCALE } },
        { "gray with samplings", { .quality = 97, .components = 1, .h = 2,
                                   .v = 2, .in = JCS_GRAYSCALE,
                                   .stored = JCS_GRAYSCALE } },
        { "progressive", { .quality = 97, .h = 2, .v = 2,
                           .progressive = 1 } },
        { "a scan per component", { .quality = 97, .h = 2, .v = 2,
                                    .apart = 1 } },
        { "restarts", { .quality = 97, .h = 2, .restart = 1 } },
        { "arithmetic", { .quality = 97, .h = 2, .v = 2, .arithmetic = 1 } },
        { "RGB, which has no planes", { .quality = 97, .stored = JCS_RGB } }
    };

    static const char  *lines[] = {
        "encode jpeg quality=85", "encode jpeg quality=95",
        "encode jpeg quality=85 max=300", "encode jpeg quality=95 max=300",
        "encode jpeg quality=85 max=61", "encode jpeg quality=95 max=61",
        "encode jpeg quality=95 max=9", "resize 90x90 fit=cover",
        "resize 91x33 fit=exact", "encode png max=77"
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        for (k = 0; k < imgp_nelts(lines); k++) {
            j = forms[i].jpeg;
            j.width = 401;
            j.height = 283;

            d = test_both(&j, lines[k]);
            ok(d > 36, "%s, %s: %.2f dB", forms[i].name, lines[k], d);
        }
    }
}


/* odd sizes: mirrored chroma begins in the middle of a sample */

static void
test_orientations(void)
{
    int          o, odd;
    double       d, worst;
    test_jpeg_t  j = { .quality = 97, .h = 2, .v = 2 };

    for (o = 1; o <= 8; o++) {
        worst = 99;

        for (odd = 0; odd < 4; odd++) {
            j.orientation = o;
            j.width = 40 + (odd & 1);
            j.height = 34 + (odd >> 1);

            d = test_both(&j, "encode jpeg quality=89");
            worst = fmin(worst, d);

            d = test_both(&j, "encode jpeg quality=95");
            worst = fmin(worst, d);

            d = test_both(&j, "encode jpeg quality=95 max=23");
            worst = fmin(worst, d);

            d = test_both(&j, "encode jpeg quality=95 max=9");
            worst = fmin(worst, d);
        }

        ok(worst > 33, "orientation %d: %.2f dB at least", o, worst);
    }
}


static void
test_sizes(void)
{
    double       d, worst;
    uint32_t     w, at;
    test_jpeg_t  j = { .quality = 97 };

    worst = 99;
    at = 0;

    for (w = 1; w <= 67; w++) {
        j.width = w;
        j.height = 1 + w * 3 % 37;

        d = fmin(test_both(&j, "encode jpeg quality=95"),
                 test_both(&j, "resize 11x10 fit=exact"));

        if (d < worst) {
            worst = d;
            at = w;
        }
    }

    ok(worst > 27, "widths 1 to 67: %.2f dB at least (%u)", worst, at);
}


/* what is not resized keeps its chroma, no more and no less */

static void
test_kept(void)
{
    imgp_str_t   s;
    test_run_t   run;
    imgp_uint_t  i;

    static const struct {
        test_jpeg_t  jpeg;
        const char  *line;
        const char  *want;
    } cases[] = {
        { { .width = 64, .height = 48, .h = 2, .v = 2 },
          "encode jpeg quality=95", "\x03\x01\x22" },
        { { .width = 64, .height = 48, .h = 2 },
          "encode jpeg quality=95", "\x03\x01\x21" },
        { { .width = 64, .height = 48, .h = 2, .orientation = 6 },
          "encode jpeg quality=95", "\x03\x01\x12" },
        { { .width = 64, .height = 48 },
          "encode jpeg quality=95", "\x03\x01\x11" },
        { { .width = 64, .height = 48, .h = 2 },
          "encode jpeg quality=80", "\x03\x01\x22" },
        { { .width = 64, .height = 48, .h = 4 },
          "encode jpeg quality=80", "\x03\x01\x22" },
        { { .width = 64, .height = 48, .h = 2, .v = 2 },
          "encode jpeg quality=95 max=40", "\x03\x01\x11" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s = test_jpeg(&cases[i].jpeg, test_photo);
        test_init(&run);
        test_op(&run, cases[i].line, s);

        ok(run.rc == IMGP_OK
           && memmem(run.task.outputs[0].data, run.task.outputs[0].len,
                     cases[i].want, 3) != NULL,
           "case %u: %s", (unsigned) i, cases[i].line);

        imgp_op_free(&run.task);
        free(s.data);
    }
}


/* memory grows with the width alone; limits and cancel hold here, too */

static void
test_limits(void)
{
    imgp_str_t   s;
    test_run_t   run;
    test_jpeg_t  j = { .width = 1600, .height = 1200, .h = 2, .v = 2 };

    s = test_jpeg(&j, test_photo);

    test_init(&run);
    run.task.max_memory = 700000;
    test_op(&run, "encode jpeg max=160", s);
    is_int(run.rc, IMGP_OK, "1600x1200 in less than 700 kB%s%s",
           run.rc ? ": " : "", run.task.error.detail);
    imgp_op_free(&run.task);

    run.task.max_memory = 100000;
    test_op(&run, "encode jpeg max=160", s);
    ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_LIMIT,
       "but not in 100 kB: %s", run.task.error.detail);
    run.task.max_memory = 0;

    run.task.max_pixels = 1600 * 1200 - 1;
    test_op(&run, "encode jpeg max=160", s);
    ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_PIXELS,
       "a pixel too many: %s", run.task.error.detail);
    run.task.max_pixels = 1600 * 1200;

    run.cancel = 1;
    test_op(&run, "encode jpeg max=160", s);
    ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_CANCELED,
       "canceled: %s", run.task.error.detail);
    run.cancel = 0;

    s.len -= 300;
    test_op(&run, "encode jpeg max=160", s);
    ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_BAD_IMAGE
       && run.task.noutputs == 0, "truncated: %s", run.task.error.detail);

    free(s.data);
}
