
/*
 * What is done to planes in memory, against plain arithmetic.
 */


#include <math.h>
#include "imgp_test.h"
#include <imgp/imgp_picture.h>
#include <imgp/imgp_reader.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static imgp_picture_t make(uint32_t width, uint32_t height, uint32_t nplanes,
    uint32_t sub_x, uint32_t sub_y);
static uint32_t value(uint32_t x, uint32_t y, uint32_t i);
static void test_transpose(void);
static void test_rgb(void);
static void test_inks(void);
static void test_gray(void);
static void test_sample(void);
static void test_fit(void);
static void test_scale(uint32_t width, uint32_t height, uint32_t w,
    uint32_t h);


int
main(void)
{
    task.alloc = &imgp_malloc;
    task.ninputs = 1;
    work.task = &task;

    test_transpose();
    test_rgb();
    test_inks();
    test_gray();
    test_sample();
    test_fit();
    test_scale(20, 10, 47, 33);
    test_scale(31, 9, 62, 5);
    test_scale(1, 1, 7, 3);
    test_scale(3, 90, 200, 90);
    test_scale(16, 12, 16, 12);

    is_int(work.used, 0, "all memory given back");

    return done();
}


static uint32_t
value(uint32_t x, uint32_t y, uint32_t i)
{
    return (x * 5 + y * 77 + i * 19) % 256;
}


static imgp_picture_t
make(uint32_t width, uint32_t height, uint32_t nplanes, uint32_t sub_x,
    uint32_t sub_y)
{
    uint32_t        i, x, y;
    imgp_image_t   *plane;
    imgp_picture_t  p;

    memset(&p, 0, sizeof(p));

    p.width = width;
    p.height = height;
    p.nplanes = nplanes;
    p.sub_x = sub_x;
    p.sub_y = sub_y;

    for (i = 0; i < nplanes; i++) {
        plane = &p.planes[i];

        imgp_picture_plane(&work, plane, imgp_picture_chroma(i)
                                             ? imgp_picture_side(width, sub_x)
                                             : width,
                           imgp_picture_chroma(i)
                               ? imgp_picture_side(height, sub_y) : height,
                           0);

        for (y = 0; y < plane->height; y++) {
            for (x = 0; x < plane->width; x++) {
                imgp_image_row(plane, y)[x] = value(x, y, i);
            }
        }
    }

    return p;
}


static void
test_transpose(void)
{
    uint32_t        i, x, y, wrong;
    imgp_picture_t  p;

    p = make(67, 35, 3, 2, 1);
    imgp_picture_transpose(&work, &p);
    wrong = 0;

    for (i = 0; i < 3; i++) {
        for (y = 0; y < p.planes[i].height; y++) {
            for (x = 0; x < p.planes[i].width; x++) {
                wrong += imgp_image_row(&p.planes[i], y)[x] != value(y, x, i);
            }
        }
    }

    ok(wrong == 0 && p.width == 35 && p.height == 67 && p.sub_x == 1
       && p.sub_y == 2 && p.planes[1].width == 35 && p.planes[1].height == 34,
       "rows become columns");

    imgp_picture_free(&work, &p);
}


static double
clamp(double v)
{
    return fmin(fmax(v, 0), 255);
}


static void
test_rgb(void)
{
    double          l, b, r;
    u_char         *px;
    uint32_t        x, y, wrong;
    imgp_picture_t  p;

    p = make(301, 40, 3, 1, 1);
    imgp_picture_image(&work, &p);
    wrong = p.nplanes != 0 || p.image.stride != 903;

    for (y = 0; y < 40; y++) {
        for (x = 0; x < 301; x++) {
            px = imgp_image_row(&p.image, y) + 3 * x;
            l = value(x, y, 0);
            b = value(x, y, 1) - 128.0;
            r = value(x, y, 2) - 128.0;

            wrong += fabs(px[0] - clamp(l + 1.402 * r)) > 0.51;
            wrong += fabs(px[1] - clamp(l - 0.344136 * b - 0.714136 * r))
                     > 0.51;
            wrong += fabs(px[2] - clamp(l + 1.772 * b)) > 0.51;
        }
    }

    is_int(wrong, 0, "YCbCr to RGB, rounded to nearest");
    imgp_picture_free(&work, &p);
}


static void
test_inks(void)
{
    u_char         *px;
    uint32_t        x, y, i, inks, wrong;
    imgp_picture_t  p, rgb;

    for (inks = IMGP_INKS_PLAIN; inks <= IMGP_INKS_YCCK; inks++) {
        p = make(67, 21, 4, 1, 1);
        rgb = make(67, 21, 3, 1, 1);

        imgp_picture_inks(&work, &p, inks);
        imgp_picture_image(&work, &rgb);

        wrong = p.nplanes != 0 || p.image.space != IMGP_SPACE_CMYK;

        for (y = 0; y < 21; y++) {
            for (x = 0; x < 67; x++) {
                px = imgp_image_row(&p.image, y) + 4 * x;

                for (i = 0; i < 4; i++) {
                    wrong += px[i] != ((inks == IMGP_INKS_PLAIN)
                                           ? value(x, y, i)
                             : (inks == IMGP_INKS_INVERTED || i == 3)
                                           ? 255 - value(x, y, i)
                             : imgp_image_row(&rgb.image, y)[3 * x + i]);
                }
            }
        }

        is_int(wrong, 0, "four planes of inks to CMYK, %u", inks);
        imgp_picture_free(&work, &p);
        imgp_picture_free(&work, &rgb);
    }

    p = make(67, 21, 4, 2, 2);
    imgp_picture_inks(&work, &p, IMGP_INKS_YCCK);
    ok(p.image.width == 67 && p.image.height == 21
       && p.image.data[3] == 255 - value(0, 0, 3),
       "and with fewer samples of chroma");
    imgp_picture_free(&work, &p);
}


static void
test_gray(void)
{
    uint32_t        x, y, wrong;
    imgp_picture_t  p;

    p = make(33, 9, 1, 1, 1);
    imgp_picture_image(&work, &p);
    wrong = p.image.stride != 33 || p.image.channels != 1;

    for (y = 0; y < 9; y++) {
        for (x = 0; x < 33; x++) {
            wrong += p.image.data[y * 33 + x] != value(x, y, 0);
        }
    }

    is_int(wrong, 0, "gray, rows packed");
    imgp_picture_free(&work, &p);
}


/* a ramp stays one, whatever the samplings; its ends are a sample's middle */

static void
test_sample(void)
{
    uint32_t        x, from, to, wrong;
    imgp_picture_t  p;

    for (from = 1; from <= 2; from++) {
        for (to = 1; to <= 2; to++) {
            p = make(101, 20, 3, from, from);

            for (x = 0; x < p.planes[1].width * p.planes[1].height; x++) {
                imgp_image_row(&p.planes[1], x / p.planes[1].width)
                              [x % p.planes[1].width] =
                    (x % p.planes[1].width) * 2 * from;
            }

            imgp_picture_sample(&work, &p, to, to);
            wrong = p.sub_x != to || p.planes[1].width != (101 + to - 1) / to
                    || p.planes[0].width != 101;

            for (x = 4; x < p.planes[1].width - 4; x++) {
                wrong += fabs(imgp_image_row(&p.planes[1], 5)[x]
                              - ((x + 0.5) * 2 * to - from)) > 1;
            }

            is_int(wrong, 0, "chroma from %u to %u", from, to);
            imgp_picture_free(&work, &p);
        }
    }
}


static void
test_fit(void)
{
    imgp_fit_t         fit = { 30, 30, IMGP_FIT_INSIDE };
    imgp_picture_t     p;
    const imgp_fit_t  *box = &fit;

    p = make(90, 60, 3, 2, 2);
    imgp_picture_fit(&work, &p, &box, 1, 0);
    ok(p.width == 30 && p.height == 20 && p.planes[0].width == 30
       && p.planes[1].width == 15 && p.planes[2].height == 10, "planes");

    imgp_picture_fit(&work, &p, &box, 1, 0);
    ok(p.width == 30 && p.planes[0].width == 30, "once is enough");
    imgp_picture_free(&work, &p);

    p = make(90, 60, 3, 1, 1);
    imgp_picture_fit(&work, &p, &box, 1, 2);
    ok(p.width == 30 && p.planes[0].width == 30 && p.planes[1].width == 15,
       "chroma halved on the way");
    imgp_picture_image(&work, &p);

    fit.width = 20;
    fit.fit = IMGP_FIT_COVER;
    imgp_picture_fit(&work, &p, &box, 1, 2);
    ok(p.width == 13 && p.height == 20 && p.image.width == 13
       && p.image.height == 20, "an image: %ux%u", p.width, p.height);
    imgp_picture_free(&work, &p);
}


/* Lanczos-3, in doubles; borders by leaving out what is not there */

static double
test_lanczos(double x)
{
    x = fabs(x) * M_PI;

    return (x < 1e-9) ? 1
                      : (x >= 3 * M_PI) ? 0 : 3 * sin(x) * sin(x / 3) / x / x;
}


static double
test_at(const double *row, uint32_t n, size_t step, uint32_t out, uint32_t i)
{
    double    at, w, sum, weight, wide;
    uint32_t  k;

    sum = 0;
    weight = 0;
    wide = fmax((double) n / out, 1);
    at = (i + 0.5) * n / out - 0.5;

    for (k = 0; k < n; k++) {
        w = test_lanczos((k - at) / wide);
        sum += w * row[k * step];
        weight += w;
    }

    return sum / weight;
}


static void
test_scale(uint32_t width, uint32_t height, uint32_t w, uint32_t h)
{
    double          *from, *wide, v, most;
    uint32_t         x, y;
    imgp_picture_t   p;

    p = make(width, height, 1, 1, 1);

    from = malloc(width * height * sizeof(double));
    wide = malloc(w * height * sizeof(double));

    for (y = 0; y < height; y++) {
        for (x = 0; x < width; x++) {
            from[y * width + x] = value(x, y, 0);
        }

        for (x = 0; x < w; x++) {
            wide[y * w + x] = test_at(from + y * width, width, 1, w, x);
        }
    }

    ok(imgp_picture_scale(&work, &p, w, h) == IMGP_OK && p.width == w
       && p.height == h && p.image.width == w && p.image.height == h,
       "%ux%u to %ux%u", width, height, w, h);

    most = 0;

    for (y = 0; y < h; y++) {
        for (x = 0; x < w; x++) {
            v = test_at(wide + x, height, w, h, y);
            v = fmin(fmax(v, 0), 255);
            most = fmax(most, fabs(v - imgp_image_row(&p.image, y)[x]));
        }
    }

    ok(most <= 2, "the farthest pixel is %.2f off", most);

    free(from);
    free(wide);
    imgp_picture_free(&work, &p);
}
