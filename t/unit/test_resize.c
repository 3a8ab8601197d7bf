
/*
 * The resampler against a float Lanczos-3 in premultiplied alpha, and the
 * quality of the whole way of a JPEG through scaled decoding.
 */


#include <math.h>
#include "imgp_run.h"
#include <imgp/imgp_simd.h>


static void test_reference(uint32_t w, uint32_t h, int type, int depth,
    const char *line, uint32_t tw, uint32_t th);
static double *test_float(uint32_t w, uint32_t h, uint32_t tw, uint32_t th,
    test_pixel_pt pixel, int alpha);
static double test_kernel(double x);
static void test_flat(void);
static void test_bleeding(void);
static void test_variants(void);
static void test_jpeg_quality(void);


int
main(void)
{
    test_reference(160, 120, PNG_COLOR_TYPE_RGB, 8, "resize 50", 50, 38);
    test_reference(160, 120, PNG_COLOR_TYPE_RGB, 16, "resize 159", 159, 119);
    test_reference(121, 97, PNG_COLOR_TYPE_RGB_ALPHA, 8, "resize 40", 40, 32);
    test_reference(121, 97, PNG_COLOR_TYPE_RGB_ALPHA, 16, "resize 40", 40,
                   32);
    test_reference(160, 120, PNG_COLOR_TYPE_RGB, 8, "resize 70x9 fit=exact",
                   70, 9);
    test_reference(700, 400, PNG_COLOR_TYPE_RGB, 8, "resize 7", 7, 4);
    test_reference(1000, 3, PNG_COLOR_TYPE_RGB_ALPHA, 8,
                   "resize 10x3 fit=exact", 10, 3);
    test_reference(37, 1, PNG_COLOR_TYPE_RGB, 8, "resize 5", 5, 1);

    test_flat();
    test_bleeding();
    test_variants();
    test_jpeg_quality();

    return done();
}


static uint32_t
test_value(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    uint32_t  v;

    v = test_photo(x, y, c, w, h, 255);

    return (c == 3 ? (v > 160 ? 255 : v < 60 ? 0 : v) : v) * (max / 255);
}


static void
test_reference(uint32_t w, uint32_t h, int type, int depth, const char *line,
    uint32_t tw, uint32_t th)
{
    int            alpha, opaque;
    double        *want, d, sum, worst;
    size_t         i, n;
    test_png_t     t = { .width = w, .height = h, .type = type,
                         .depth = depth };
    test_pixels_t  p;

    alpha = (type & PNG_COLOR_MASK_ALPHA) != 0;
    want = test_float(w, h, tw, th, test_value, alpha);
    p = test_pixels(line, test_png(&t, test_value));

    is_int(p.width * 65536 + p.height, tw * 65536 + th, "%ux%u, %s: size", w,
           h, line);

    sum = worst = 0;
    n = (size_t) p.width * p.height;

    for (i = 0; i < n * 4; i++) {

        /* where little is to be seen, a colour need not be exact */

        opaque = p.rgba[i / 4 * 4 + 3] > 32;
        d = fabs(p.rgba[i] - want[i]);

        if (opaque) {
            sum += d * d;
            worst = fmax(worst, d);
        }
    }

    d = 10 * log10(255.0 * 255 / (sum / (n * 4) + 1e-9));

    /* 58.9 dB is what rounding to 8 bits alone costs */

    ok(d > (alpha ? 56 : 57.5) && worst < (alpha ? 1.8 : 1.2),
       "%ux%u%s%s, %s: %.2f dB, worst %.2f", w, h, alpha ? " alpha" : "",
       depth == 16 ? " 16 bits" : "", line, d, worst);

    free(want);
    free(p.rgba);
}


static double *
test_float(uint32_t w, uint32_t h, uint32_t tw, uint32_t th,
    test_pixel_pt pixel, int alpha)
{
    double    *rows, *out, sx, sy, v, a, k, sum;
    int64_t    j;
    uint32_t   x, y, c;

    rows = calloc((size_t) w * th * 4, sizeof(double));
    out = calloc((size_t) tw * th * 4, sizeof(double));

    sx = (double) w / tw;
    sy = (double) h / th;

    for (y = 0; y < th; y++) {
        for (x = 0; x < w; x++) {
            sum = 0;

            for (j = floor((y + 0.5 - 3) * sy) - 1;
                 j <= ceil((y + 0.5 + 3) * sy) + 1;
                 j++)
            {
                if (j < 0 || j >= h) {
                    continue;
                }

                k = test_kernel((j + 0.5) / sy - (y + 0.5));
                sum += k;
                a = alpha ? pixel(x, j, 3, w, h, 255) / 255.0 : 1;

                for (c = 0; c < 4; c++) {
                    v = (c == 3) ? 255 : pixel(x, j, c, w, h, 255);
                    rows[((size_t) y * w + x) * 4 + c] += k * v * a;
                }
            }

            for (c = 0; c < 4; c++) {
                rows[((size_t) y * w + x) * 4 + c] /= sum;
            }
        }

        for (x = 0; x < tw; x++) {
            double  *o = out + ((size_t) y * tw + x) * 4;

            sum = 0;

            for (j = floor((x + 0.5 - 3) * sx) - 1;
                 j <= ceil((x + 0.5 + 3) * sx) + 1;
                 j++)
            {
                if (j < 0 || j >= w) {
                    continue;
                }

                k = test_kernel((j + 0.5) / sx - (x + 0.5));
                sum += k;

                for (c = 0; c < 4; c++) {
                    o[c] += k * rows[((size_t) y * w + j) * 4 + c];
                }
            }

            a = fmin(fmax(o[3] / sum, 0), 255);

            for (c = 0; c < 3; c++) {
                v = fmin(fmax(o[c] / sum, 0), a);
                o[c] = (a > 0) ? v * 255 / a : 0;
            }

            o[3] = a;
        }
    }

    free(rows);

    return out;
}


static double
test_kernel(double x)
{
    if (x == 0) {
        return 1;
    }

    x *= M_PI;

    return (fabs(x) < 3 * M_PI) ? 3 * sin(x) * sin(x / 3) / (x * x) : 0;
}


static uint32_t
test_even(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 3) ? max : (w - 1) * max / 255;
}


/* an even colour stays what it is, at every value and ratio */

static void
test_flat(void)
{
    uint32_t       v, bad, i;
    test_png_t     t = { .type = PNG_COLOR_TYPE_RGB_ALPHA, .depth = 8 };
    test_pixels_t  p;

    bad = 0;

    for (v = 1; v < 256; v += 2) {
        t.width = v + 1;
        t.height = 40;
        p = test_pixels("resize 17", test_png(&t, test_even));

        for (i = 0; i < p.width * p.height; i++) {
            bad += p.rgba[4 * i] != v || p.rgba[4 * i + 3] != 255;
        }

        free(p.rgba);
    }

    is_int(bad, 0, "even areas are not touched");
}


/* invisible green beside visible red */

static uint32_t
test_hidden(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    uint32_t  clear;

    clear = (x / 10 + y / 10) % 2;

    return (c == 0) ? !clear * max : (c == 1) ? clear * max
           : (c == 2) ? 0 : !clear * max;
}


static void
test_bleeding(void)
{
    uint32_t       i, green, hidden, parts;
    test_png_t     t = { .width = 100, .height = 100, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB_ALPHA };
    test_pixels_t  p;

    p = test_pixels("resize 33", test_png(&t, test_hidden));
    green = hidden = parts = 0;

    for (i = 0; i < p.width * p.height; i++) {
        green += p.rgba[4 * i + 1] != 0;
        hidden += p.rgba[4 * i + 3] == 0 && p.rgba[4 * i] != 0;
        parts += p.rgba[4 * i + 3] > 0 && p.rgba[4 * i + 3] < 255;
    }

    ok(parts > 100, "edges are soft (%u pixels)", parts);
    is_int(green, 0, "no invisible colour bleeds");
    is_int(hidden, 0, "RGB is 0 where alpha is 0");
    free(p.rgba);

    p = test_pixels("encode png", test_png(&t, test_hidden));
    ok(test_near(&p, 15, 5, 0, 0, 0, 0, 0), "also where nothing is resized");
    free(p.rgba);
}


/* every SIMD form gives the bytes of plain C, through the whole resampler */

static int
test_variant(uint32_t simd, uint32_t width, int type, int depth,
    const char *line)
{
    int          same;
    imgp_str_t   s;
    test_run_t   a, b;
    test_png_t   t = { .width = width, .height = 5 + width % 9, .type = type,
                       .depth = depth };

    s = test_png(&t, test_value);

    test_init(&a);
    a.task.simd = IMGP_SIMD_NONE;
    test_op(&a, line, s);

    test_init(&b);
    b.task.simd = simd;
    test_op(&b, line, s);

    same = a.rc == IMGP_OK && b.rc == IMGP_OK
           && a.task.outputs[0].len == b.task.outputs[0].len
           && memcmp(a.task.outputs[0].data, b.task.outputs[0].data,
                     a.task.outputs[0].len) == 0;

    imgp_op_free(&a.task);
    imgp_op_free(&b.task);
    free(s.data);

    return same;
}


static void
test_variants(void)
{
    uint32_t     simd, w, wrong;
    imgp_uint_t  i;

    static const struct {
        int          type;
        int          depth;
    } forms[] = {
        { PNG_COLOR_TYPE_GRAY, 8 },
        { PNG_COLOR_TYPE_GRAY_ALPHA, 8 },
        { PNG_COLOR_TYPE_RGB, 8 },
        { PNG_COLOR_TYPE_RGB_ALPHA, 8 },
        { PNG_COLOR_TYPE_GRAY, 16 },
        { PNG_COLOR_TYPE_RGB, 16 },
        { PNG_COLOR_TYPE_RGB_ALPHA, 16 }
    };

    for (simd = IMGP_SIMD_SSE41; simd < IMGP_SIMD_MAX; simd++) {

        if (imgp_simd_choose(simd) != simd) {
            skip("this machine has no %s", imgp_simd_name(simd));
            continue;
        }

        wrong = 0;

        for (w = 1; w <= 67; w++) {
            for (i = 0; i < imgp_nelts(forms); i++) {
                wrong += !test_variant(simd, w, forms[i].type, forms[i].depth,
                                       "encode png max=64x5");
                wrong += !test_variant(simd, w, forms[i].type, forms[i].depth,
                                       "resize 3x2 fit=exact");
            }
        }

        is_int(wrong, 0, "%s: widths 1 to 67, %d forms",
               imgp_simd_name(simd), (int) imgp_nelts(forms));
    }
}


static uint32_t
test_smooth(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    double  v;

    v = sin(x * (0.11 + 0.02 * c)) + sin(y * 0.17 + c)
        + sin((x + y) * 0.31) / 2;

    return 128 + 45 * v;
}


/* the same picture with (pitch 2) and without scaled decoding */

static void
test_jpeg_quality(void)
{
    double         sum, d;
    size_t         i;
    test_png_t     t = { .width = 800, .height = 600, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB };
    test_jpeg_t    j = { .width = 800, .height = 600, .quality = 100 };
    test_pixels_t  a, b;

    a = test_pixels("encode png max=200", test_png(&t, test_smooth));
    b = test_pixels("encode png max=200", test_jpeg(&j, test_smooth));

    sum = 0;

    for (i = 0; i < a.width * a.height * 4; i++) {
        sum += (a.rgba[i] - b.rgba[i]) * (a.rgba[i] - b.rgba[i]);
    }

    d = 10 * log10(255.0 * 255 / (sum / (a.width * a.height * 3) + 1e-9));

    ok(a.width == b.width && d > 46, "scaled decoding: %.2f dB", d);

    free(a.rgba);
    free(b.rgba);
}
