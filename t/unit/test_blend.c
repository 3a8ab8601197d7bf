
/*
 * Compositing against the formula in doubles, for every alpha.
 */


#include <math.h>
#include "imgp_work_test.h"
#include <imgp/imgp_blend.h>


static void test_over(void);
static void test_cut(void);
static void test_mask(void);


static test_work_t  tw;


int
main(void)
{
    test_work(&tw);

    test_over();
    test_cut();
    test_mask();

    is_int(tw.work.used, 0, "all memory given back");

    return done();
}


/* Porter and Duff; r: colour and alpha, 0..255 */

static void
test_formula(double c1, double a1, double c2, double a2, double r[2])
{
    double  a;

    a1 /= 255;
    a2 /= 255;
    a = a1 + a2 * (1 - a1);

    r[0] = (a > 0) ? (c1 * a1 + c2 * a2 * (1 - a1)) / a : c2;
    r[1] = a * 255;
}


static void
test_over(void)
{
    double        r[2], most;
    u_char        top[4], under[4], mask[1];
    uint32_t      a1, a2, m, hidden;
    imgp_image_t  rgba, rgb;

    static const u_char  colours[2][3] = { { 250, 3, 77 }, { 10, 200, 78 } };

    imgp_image_form(&rgba, 1, 1, IMGP_SPACE_RGB, 1, 8);
    imgp_image_form(&rgb, 1, 1, IMGP_SPACE_RGB, 0, 8);

    most = 0;
    hidden = 0;

    for (a1 = 0; a1 < 256; a1++) {
        for (a2 = 0; a2 < 256; a2++) {
            memcpy(top, colours[0], 3);
            memcpy(under, colours[1], 3);
            top[3] = a1;
            under[3] = a2;

            imgp_blend_over(&rgba, top, NULL, &rgba, under, 1);

            for (m = 0; m < 3; m++) {
                test_formula(colours[0][m], a1, colours[1][m], a2, r);
                most = fmax(most, fabs(r[0] - under[m]));
            }

            most = fmax(most, fabs(r[1] - under[3]));
            hidden += (a1 == 0 && memcmp(under, colours[1], 3) != 0);
        }
    }

    ok(most <= 0.5000001, "RGBA over RGBA, rounded once: %.7f", most);
    is_int(hidden, 0, "what is transparent changes nothing");

    most = 0;

    for (a1 = 0; a1 < 256; a1++) {
        memcpy(top, colours[0], 3);
        memcpy(under, colours[1], 3);
        top[3] = a1;
        imgp_blend_over(&rgba, top, NULL, &rgb, under, 1);
        test_formula(250, a1, 10, 255, r);
        most = fmax(most, fabs(r[0] - under[0]));

        memcpy(under, colours[1], 3);
        mask[0] = a1;
        imgp_blend_over(&rgb, top, mask, &rgb, under, 1);
        most = fmax(most, fabs(r[0] - under[0]));
    }

    ok(most <= 0.5000001, "over RGB, by alpha and by mask: %.7f", most);

    top[3] = 128;
    mask[0] = 128;
    memset(under, 0, 4);
    imgp_blend_over(&rgba, top, mask, &rgba, under, 1);
    ok(under[0] == 250 && under[3] == 64, "alpha times mask");
}


static void
test_cut(void)
{
    u_char        row[8] = { 9, 8, 7, 255, 6, 5, 4, 100 };
    u_char        mask[2] = { 51, 0 };
    imgp_image_t  form;

    imgp_image_form(&form, 2, 1, IMGP_SPACE_RGB, 1, 8);
    imgp_blend_cut(&form, row, mask, 2);

    ok(row[0] == 9 && row[2] == 7 && row[3] == 51, "alpha of the mask");
    ok(row[4] == 0 && row[6] == 0 && row[7] == 0, "nothing hidden is kept");

    mask[0] = 255;
    row[3] = 77;
    imgp_blend_cut(&form, row, mask, 1);
    is_int(row[3], 77, "white leaves it as it was");
}


static void
test_mask(void)
{
    imgp_image_t  image;

    static const u_char  rgba[] = {
        255, 255, 255, 255,   255, 0, 0, 255,   0, 255, 0, 255,
        0, 0, 255, 255,       255, 255, 255, 0, 90, 90, 90, 128
    };

    imgp_image_form(&image, 6, 1, IMGP_SPACE_RGB, 1, 8);
    imgp_image_alloc(&tw.work, &image);
    memcpy(image.data, rgba, sizeof(rgba));

    is_int(imgp_blend_mask(&tw.work, &image), IMGP_OK, "a mask of RGBA");
    ok(image.channels == 1 && image.data[0] == 255 && image.data[1] == 76
       && image.data[2] == 150 && image.data[3] == 29 && image.data[4] == 0
       && image.data[5] == 45, "luma times alpha");
    imgp_blend_mask(&tw.work, &image);
    is_int(image.data[1], 76, "gray stays");

    imgp_image_free(&tw.work, &image);
}
