
/*
 * Black or white: against the definition, pixel by pixel.
 */


#include <math.h>
#include <imgp/imgp_contrast.h>
#include "imgp_work_test.h"


static test_work_t  tw;


static double
test_luminance(const u_char *p)
{
    double        s, sum;
    imgp_uint_t   c;

    static const double  parts[] = { 0.2126, 0.7152, 0.0722 };

    for (sum = 0, c = 0; c < 3; c++) {
        s = p[c] / 255.0;
        sum += parts[c] * (s <= 0.04045 ? s / 12.92
                                        : pow((s + 0.055) / 1.055, 2.4));
    }

    return sum;
}


static u_char
test_plain(u_char r, u_char g, u_char b, int alpha)
{
    u_char         v;
    uint32_t       i;
    imgp_image_t   image;
    u_char         rgba[4] = { r, g, b, alpha };

    imgp_image_form(&image, 7, 5, IMGP_SPACE_RGB, alpha >= 0, 8);
    imgp_image_alloc(&tw.work, &image);

    for (i = 0; i < 35; i++) {
        memcpy(image.data + i * image.channels, rgba, image.channels);
    }

    v = imgp_contrast(&image, 1, 1, 5, 3, NULL);

    imgp_image_free(&tw.work, &image);

    return v;
}


static void
test_colours(void)
{
    double    l;
    u_char    p[3];
    uint32_t  r, g, b, wrong;

    wrong = 0;

    for (r = 0; r < 256; r += 15) {
        for (g = 0; g < 256; g += 15) {
            for (b = 0; b < 256; b += 15) {
                p[0] = r;
                p[1] = g;
                p[2] = b;
                l = test_luminance(p);

                if (fabs((l + 0.05) * (l + 0.05) - 0.0525) < 1e-9) {
                    continue;
                }

                wrong += test_plain(r, g, b, -1)
                         != ((l + 0.05) / 0.05 > 1.05 / (l + 0.05) ? 0 : 255);
            }
        }
    }

    is_int(wrong, 0, "the one with more contrast on every colour");

    is_int(test_plain(0, 0, 0, 0), 0, "transparent is white");
    is_int(test_plain(0, 0, 0, 255), 255, "opaque is not");
    is_int(test_plain(0, 0, 0, 200), 255, "nor is what is nearly so");
}


/* light is added, not values: half black and half white is light */

static void
test_mixed(void)
{
    uint32_t      i;
    imgp_image_t  image, cover;

    imgp_image_form(&image, 10, 10, IMGP_SPACE_GRAY, 0, 8);
    imgp_image_alloc(&tw.work, &image);
    imgp_image_form(&cover, 10, 10, IMGP_SPACE_GRAY, 0, 8);
    imgp_image_alloc(&tw.work, &cover);

    for (i = 0; i < 100; i++) {
        image.data[i] = (i % 10 < 5) ? 0 : 255;
        cover.data[i] = (i % 10 < 5) ? 1 : 0;
    }

    is_int(imgp_contrast(&image, 0, 0, 10, 10, NULL), 0, "all of it");
    is_int(imgp_contrast(&image, 0, 0, 10, 10, &cover), 255, "what counts");
    is_int(imgp_contrast(&image, 0, 0, 6, 10, NULL), 255,
           "mostly its black part");
    is_int(imgp_contrast(&image, 5, 3, 5, 1, NULL), 0, "its white part");
    is_int(imgp_contrast(&image, 0, 9, 5, 1, NULL), 255, "its black part");

    imgp_image_free(&tw.work, &cover);
    imgp_image_free(&tw.work, &image);
}


int
main(void)
{
    test_work(&tw);

    test_colours();
    test_mixed();

    return done();
}
