
/*
 * Masks: rectangles, polygons against the definition of the even-odd rule,
 * dilation against a plain maximum.
 */


#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <imgp/imgp_mask.h>
#include "imgp_work_test.h"


#define TEST_SIDE    64
#define TEST_POINTS  40


static test_work_t    tw;
static uint64_t       seed;


static void test_shapes(void);
static void test_random(void);
static void test_thousands(void);
static void test_dilate(void);
static void test_cancel(void);


int
main(void)
{
    seed = 88172645463325252u;
    test_work(&tw);

    test_shapes();
    test_random();
    test_thousands();
    test_dilate();
    test_cancel();

    is_int(tw.work.used, 0, "all memory given back");

    return done();
}


/* xorshift64* (Vigna, 2014) */

static uint32_t
test_random_number(uint32_t n)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;

    return (uint32_t) (seed * 2685821657736338717u >> 32) % n;
}


static void
test_form(imgp_image_t *mask, uint32_t width, uint32_t height)
{
    imgp_image_form(mask, width, height, IMGP_SPACE_GRAY, 0, 8);

    if (imgp_image_alloc(&tw.work, mask) != IMGP_OK) {
        abort();
    }

    memset(mask->data, 0, (size_t) width * height);
}


static uint32_t
test_white_count(const imgp_image_t *mask)
{
    size_t    i;
    uint32_t  n;

    for (n = 0, i = 0; i < mask->stride * mask->height; i++) {
        n += mask->data[i] == 255;

        if (mask->data[i] != 0 && mask->data[i] != 255) {
            return UINT32_MAX;
        }
    }

    return n;
}


static void
test_shapes(void)
{
    imgp_uint_t    i;
    imgp_box_t     box;
    imgp_image_t   mask;

    static const struct {
        const char    *name;
        imgp_uint_t    n;
        imgp_point_t   points[10];
        uint32_t       pixels;
    } shapes[] = {
        { "a rectangle", 4, { { 3, 4 }, { 13, 4 }, { 13, 9 }, { 3, 9 } }, 50 },
        { "the other way round", 4,
          { { 3, 9 }, { 13, 9 }, { 13, 4 }, { 3, 4 } }, 50 },
        { "centres inside", 4,
          { { 3.5, 4.5 }, { 13.5, 4.5 }, { 13.5, 9.5 }, { 3.5, 9.5 } }, 50 },
        { "closed twice", 5,
          { { 3, 4 }, { 13, 4 }, { 13, 9 }, { 3, 9 }, { 3, 4 } }, 50 },
        { "a triangle", 3, { { 0, 0 }, { 10, 0 }, { 0, 10 } }, 45 },
        { "between centres", 4,
          { { 3.6, 4.6 }, { 9, 4.6 }, { 9, 5.4 }, { 3.6, 5.4 } }, 0 },
        { "a ring", 10, { { 0, 0 }, { 9, 0 }, { 9, 9 }, { 0, 9 }, { 0, 0 },
          { 3, 3 }, { 3, 6 }, { 6, 6 }, { 6, 3 }, { 3, 3 } }, 72 },
        { "a bow", 4, { { 0, 0 }, { 10, 10 }, { 10, 0 }, { 0, 10 } }, 50 },
        { "all of it and more", 4,
          { { -9, -9 }, { 99, -9 }, { 99, 99 }, { -9, 99 } },
          TEST_SIDE * TEST_SIDE }
    };

    memset(&box, 0, sizeof(box));
    box.w = TEST_SIDE;
    box.h = TEST_SIDE;

    for (i = 0; i < imgp_nelts(shapes); i++) {
        test_form(&mask, TEST_SIDE, TEST_SIDE);

        box.npoints = shapes[i].n;
        box.points = (imgp_point_t *) shapes[i].points;

        is_int(imgp_mask_box(&tw.work, &mask, &box), IMGP_OK, "%s",
               shapes[i].name);
        is_int(test_white_count(&mask), shapes[i].pixels, "its pixels");

        imgp_image_free(&tw.work, &mask);
    }

    test_form(&mask, 9, 7);
    box.npoints = 0;
    box.x = 2;
    box.y = 1;
    box.w = 4;
    box.h = 5;
    imgp_mask_box(&tw.work, &mask, &box);
    ok(test_white_count(&mask) == 20 && mask.data[9 + 2] == 255
       && mask.data[5 * 9 + 5] == 255 && mask.data[9 + 1] == 0
       && mask.data[6 * 9 + 2] == 0, "a box");
    imgp_image_free(&tw.work, &mask);
}


/* how many sides lie to the left of the centre of a pixel? */

static imgp_uint_t
test_inside(const imgp_box_t *box, uint32_t px, uint32_t py)
{
    double         x, y;
    imgp_uint_t    i, n;
    imgp_point_t  *a, *b;

    n = 0;
    x = px + 0.5;
    y = py + 0.5;

    for (i = 0; i < box->npoints; i++) {
        a = &box->points[i];
        b = &box->points[(i + box->npoints - 1) % box->npoints];

        n += (a->y <= y) != (b->y <= y)
             && (b->x - a->x) * (y - a->y) / (b->y - a->y) + a->x <= x;
    }

    return n % 2;
}


/* coordinates of quarters, so that products are exact, and ties happen */

static void
test_random(void)
{
    uint32_t       x, y, round, i, wrong;
    imgp_box_t     box;
    imgp_point_t   points[TEST_POINTS];
    imgp_image_t   mask;

    memset(&box, 0, sizeof(box));
    box.w = TEST_SIDE;
    box.h = TEST_SIDE;
    box.points = points;

    wrong = 0;

    for (round = 0; round < 300; round++) {
        box.npoints = 3 + test_random_number(TEST_POINTS - 2);

        for (i = 0; i < box.npoints; i++) {
            points[i].x = test_random_number(6 * TEST_SIDE) / 4.0
                          - TEST_SIDE / 4;
            points[i].y = test_random_number(6 * TEST_SIDE) / 4.0
                          - TEST_SIDE / 4;
        }

        test_form(&mask, TEST_SIDE, TEST_SIDE);
        imgp_mask_box(&tw.work, &mask, &box);

        for (y = 0; y < TEST_SIDE; y++) {
            for (x = 0; x < TEST_SIDE; x++) {
                wrong += (imgp_image_row(&mask, y)[x] == 255)
                         != (test_inside(&box, x, y) == 1);
            }
        }

        imgp_image_free(&tw.work, &mask);
    }

    /* where a side runs through a centre, rounding may decide */

    ok(wrong <= 300 * TEST_SIDE * TEST_SIDE / 10000,
       "300 polygons: %u pixels differ", wrong);
}


/* every side crosses every row: a comb */

static void
test_thousands(void)
{
    uint32_t       i, width, height;
    imgp_box_t     box;
    imgp_image_t   mask;

    width = IMGP_BOXES_POINTS_MAX;
    height = 500;

    memset(&box, 0, sizeof(box));
    box.w = width;
    box.h = height;
    box.npoints = IMGP_BOXES_POINTS_MAX;
    box.points = malloc(box.npoints * sizeof(imgp_point_t));

    for (i = 0; i < box.npoints; i++) {
        box.points[i].x = i;
        box.points[i].y = (i % 2) ? height : 0;
    }

    test_form(&mask, width, height);
    is_int(imgp_mask_box(&tw.work, &mask, &box), IMGP_OK,
           "as many points as there may be");
    ok(test_white_count(&mask) > width / 2 * height / 3, "it is painted");

    imgp_image_free(&tw.work, &mask);
    free(box.points);
}


static u_char
test_maximum(const imgp_image_t *mask, int px, int py, int n)
{
    int  x, y;

    for (y = py - n; y <= py + n; y++) {
        for (x = px - n; x <= px + n; x++) {

            if (x >= 0 && y >= 0 && x < (int) mask->width
                && y < (int) mask->height
                && imgp_image_row(mask, y)[x] == 255)
            {
                return 255;
            }
        }
    }

    return 0;
}


static void
test_dilate(void)
{
    uint32_t      i, k, x, y, n, wrong;
    imgp_image_t  mask, before;

    static const uint32_t  sides[][2] = {
        { 1, 1 }, { 40, 30 }, { 3, 50 }, { 50, 1 }, { 33, 31 }
    };

    for (i = 0; i < 40; i++) {
        n = test_random_number(9);

        test_form(&mask, sides[i % 5][0], sides[i % 5][1]);
        test_form(&before, mask.width, mask.height);

        for (k = 0; k < i / 5; k++) {
            before.data[test_random_number(mask.width * mask.height)] = 255;
        }

        memcpy(mask.data, before.data, mask.stride * mask.height);
        imgp_mask_dilate(&tw.work, &mask, n);

        wrong = 0;

        for (y = 0; y < mask.height; y++) {
            for (x = 0; x < mask.width; x++) {
                wrong += imgp_image_row(&mask, y)[x]
                         != test_maximum(&before, x, y, n);
            }
        }

        is_int(wrong, 0, "%ux%u, %u pixels, by %u", mask.width, mask.height,
               i / 5, n);

        imgp_image_free(&tw.work, &mask);
        imgp_image_free(&tw.work, &before);
    }
}


static void
test_cancel(void)
{
    uint32_t      cancel;
    imgp_box_t    box;
    imgp_image_t  mask;
    imgp_point_t  points[3] = { { 0, 0 }, { 9, 0 }, { 9, 9 } };

    cancel = 1;
    tw.task.cancel = &cancel;

    memset(&box, 0, sizeof(box));
    box.w = 9;
    box.h = 9;

    test_form(&mask, 9, 9);

    is_int(imgp_mask_box(&tw.work, &mask, &box), IMGP_ERROR,
           "canceled in a box");

    box.npoints = 3;
    box.points = points;
    tw.task.error.code = IMGP_E_NONE;
    is_int(imgp_mask_box(&tw.work, &mask, &box), IMGP_ERROR,
           "canceled in a polygon");

    tw.task.error.code = IMGP_E_NONE;
    is_int(imgp_mask_dilate(&tw.work, &mask, 1), IMGP_ERROR,
           "canceled in dilating");
    is_int(tw.task.error.code, IMGP_E_CANCELED, "as such");

    imgp_image_free(&tw.work, &mask);
}
