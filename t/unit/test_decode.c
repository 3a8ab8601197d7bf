
/*
 * The flow from bytes to a picture: the box is for what a person sees, and
 * the result is always 8 bits, sRGB, upright, clean.
 */


#include "imgp_picture.h"
#include <imgp/imgp_decode.h>
#include <imgp/imgp_reader.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static void test_result(void);
static void test_window(void);
static void test_refused(void);


int
main(void)
{
    task.alloc = &imgp_malloc;
    task.max_pixels = 1000000;
    task.ninputs = 1;
    work.task = &task;

    test_result();
    test_window();
    test_refused();

    is_int(work.used, 0, "all memory given back");

    return done();
}


static void
test_result(void)
{
    uint32_t       format;
    imgp_fit_t     fit = { 0, 0, IMGP_FIT_INSIDE };
    imgp_str_t     s;
    test_png_t     p = { .width = 30, .height = 20, .depth = 16,
                         .type = PNG_COLOR_TYPE_RGB, .trns = 1,
                         .orientation = 8 };
    imgp_image_t   image;

    s = test_png(&p, test_quadrant);
    imgp_decode(&work, &s, &fit, &image, &format);

    ok(format == IMGP_FORMAT_PNG && image.width == 20 && image.height == 30
       && image.depth == 8 && image.space == IMGP_SPACE_RGB && image.alpha
       && image.stride == 80, "RGB16 with a key, turned");
    ok(memcmp(imgp_image_row(&image, 29), "\0\0\0\0", 4) == 0,
       "the key's colour is wiped");
    imgp_image_free(&work, &image);

    fit.width = fit.height = 15;
    imgp_decode(&work, &s, &fit, &image, &format);
    ok(image.width == 10 && image.height == 15, "in a box");
    imgp_image_free(&work, &image);
    free(s.data);
}


/* stripes of 10 pixels show which part of the picture is taken */

static uint32_t
test_stripe(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return x / 10;
}


static void
test_window(void)
{
    uint32_t       o, format, first, last;
    imgp_fit_t     fit = { 10, 10, IMGP_FIT_COVER };
    imgp_str_t     s;
    imgp_image_t   image;

    for (o = 1; o <= 8; o++) {
        test_png_t  p = { .width = 1000, .height = 201, .depth = 8,
                          .type = PNG_COLOR_TYPE_GRAY, .orientation = o };

        s = test_png(&p, test_stripe);
        imgp_decode(&work, &s, &fit, &image, &format);

        first = imgp_image_row(&image, 0)[0];
        last = imgp_image_row(&image, 9)[9];

        /* the middle 201 of 1000: 20 pixels from stripe 39, to stripe 59 */

        ok(image.width == 10 && image.height == 10
           && (imgp_min(first, last) == 40 || imgp_min(first, last) == 41)
           && (imgp_max(first, last) == 58 || imgp_max(first, last) == 59),
           "cover, orientation %u: %u to %u", o, first, last);

        imgp_image_free(&work, &image);
        free(s.data);
    }
}


static void
test_refused(void)
{
    uint32_t       format;
    imgp_fit_t     fit = { 10, 10, IMGP_FIT_INSIDE };
    imgp_str_t     s;
    test_png_t     p = { .width = 1001, .height = 1000, .depth = 1,
                         .type = PNG_COLOR_TYPE_GRAY };
    imgp_image_t   image;

    s = test_png(&p, test_quadrant);
    ok(imgp_decode(&work, &s, &fit, &image, &format) == IMGP_ERROR
       && image.data == NULL && task.error.code == IMGP_E_PIXELS,
       "too many pixels, however small the box");
    free(s.data);
}
