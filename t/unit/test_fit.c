
/*
 * Sizes.  The "inside" column was made with the rule of Pillow's
 * Image.thumbnail() (9.4), in exact fractions.
 */


#include "imgp_test.h"
#include <imgp/imgp_fit.h>


static void check(uint32_t w, uint32_t h, uint32_t box_w, uint32_t box_h,
    uint32_t fit, const char *want);
static void laws(void);
static void test_all(void);


int
main(void)
{
    /* source, box, result, the part of the source */

    check(2048, 1365, 1024, 1024, IMGP_FIT_INSIDE, "1024x683 2048x1365+0+0");
    check(1365, 2048, 1024, 1024, IMGP_FIT_INSIDE, "682x1024 1365x2048+0+0");
    check(3088, 2056, 1024, 1024, IMGP_FIT_INSIDE, "1024x682 3088x2056+0+0");
    check(900, 506, 1024, 1024, IMGP_FIT_INSIDE, "900x506 900x506+0+0");
    check(1024, 1024, 1024, 1024, IMGP_FIT_INSIDE, "1024x1024 1024x1024+0+0");
    check(4000, 3000, 100, 800, IMGP_FIT_INSIDE, "100x75 4000x3000+0+0");
    check(4000, 3000, 800, 100, IMGP_FIT_INSIDE, "133x100 4000x3000+0+0");
    check(65500, 1, 100, 100, IMGP_FIT_INSIDE, "100x1 65500x1+0+0");
    check(1, 65500, 100, 100, IMGP_FIT_INSIDE, "1x100 1x65500+0+0");
    check(65500, 65500, 1, 1, IMGP_FIT_INSIDE, "1x1 65500x65500+0+0");
    check(3, 2, 2, 2, IMGP_FIT_INSIDE, "2x1 3x2+0+0");
    check(50, 40, 65500, 65500, IMGP_FIT_INSIDE, "50x40 50x40+0+0");
    check(50, 40, 0, 0, IMGP_FIT_INSIDE, "50x40 50x40+0+0");

    check(4000, 3000, 400, 400, IMGP_FIT_COVER, "400x400 3000x3000+500+0");
    check(3000, 4000, 400, 400, IMGP_FIT_COVER, "400x400 3000x3000+0+500");
    check(4000, 3000, 800, 600, IMGP_FIT_COVER, "800x600 4000x3000+0+0");
    check(800, 600, 1000, 500, IMGP_FIT_COVER, "800x400 800x400+0+100");
    check(800, 600, 500, 1000, IMGP_FIT_COVER, "300x600 300x600+250+0");
    check(10, 10, 65500, 1, IMGP_FIT_COVER, "10x1 10x1+0+4");

    check(4000, 3000, 400, 400, IMGP_FIT_EXACT, "400x400 4000x3000+0+0");
    check(800, 600, 1600, 400, IMGP_FIT_EXACT, "800x200 800x600+0+0");
    check(800, 600, 1600, 1600, IMGP_FIT_EXACT, "600x600 800x600+0+0");
    check(1, 1, 65500, 65500, IMGP_FIT_EXACT, "1x1 1x1+0+0");

    laws();

    test_all();

    return done();
}


static void
check(uint32_t w, uint32_t h, uint32_t box_w, uint32_t box_h, uint32_t fit,
    const char *want)
{
    char             got[80];
    imgp_fit_t       box = { box_w, box_h, fit };
    imgp_fit_plan_t  p;

    imgp_fit_plan(&box, w, h, &p);

    snprintf(got, sizeof(got), "%ux%u %ux%u+%u+%u", p.width, p.height, p.w,
             p.h, p.x, p.y);

    is_str(got, want, "%ux%u in %ux%u, fit %u", w, h, box_w, box_h, fit);
}


/* never larger than box or source, never empty, the window never outside */

static void
laws(void)
{
    uint32_t         i, n, seed;
    imgp_fit_t       box;
    imgp_fit_plan_t  p;

    seed = 1;
    n = 0;

    for (i = 0; i < 200000; i++) {
        uint32_t  v[4], k;

        for (k = 0; k < 4; k++) {
            seed = seed * 1664525 + 1013904223;
            v[k] = 1 + (seed >> 8) % ((seed >> 4) % 5 ? 300 : 65500);
        }

        box.width = v[0];
        box.height = v[1];
        box.fit = i % 3;

        imgp_fit_plan(&box, v[2], v[3], &p);

        n += p.width >= 1 && p.height >= 1
             && p.width <= box.width && p.height <= box.height
             && p.width <= p.w && p.height <= p.h
             && p.x + p.w <= v[2] && p.y + p.h <= v[3];
    }

    is_int(n, i, "the laws hold for all of %u sizes", i);
}


/* boxes one after the other: the sizes of single steps, a part of the source */

static void
test_all(void)
{
    uint32_t           w, h, wrong;
    imgp_uint_t        i, k;
    imgp_fit_plan_t    all, one;
    const imgp_fit_t  *fits[2];

    static const imgp_fit_t  boxes[] = {
        { 0, 0, IMGP_FIT_INSIDE },
        { 300, 300, IMGP_FIT_INSIDE },
        { 40, 90, IMGP_FIT_INSIDE },
        { 100, 70, IMGP_FIT_COVER },
        { 33, 200, IMGP_FIT_COVER },
        { 64, 64, IMGP_FIT_EXACT }
    };

    wrong = 0;

    for (i = 0; i < imgp_nelts(boxes) * imgp_nelts(boxes); i++) {
        fits[0] = &boxes[i % imgp_nelts(boxes)];
        fits[1] = &boxes[i / imgp_nelts(boxes)];

        for (k = 0; k < 50; k++) {
            w = 1 + k * 1237 % 701;
            h = 1 + k * 751 % 503;

            imgp_fit_plan_all(fits, 2, w, h, &all);

            imgp_fit_plan(fits[0], w, h, &one);
            imgp_fit_plan(fits[1], one.width, one.height, &one);

            wrong += all.width != one.width || all.height != one.height
                     || all.x + all.w > w || all.y + all.h > h
                     || all.w < all.width || all.h < all.height;
        }
    }

    is_int(wrong, 0, "two boxes in a row");

    imgp_fit_plan_all(NULL, 0, 12, 34, &all);
    ok(all.width == 12 && all.height == 34 && all.w == 12 && all.h == 34,
       "no box at all");

    fits[0] = &boxes[3];
    fits[1] = &boxes[4];
    imgp_fit_plan_all(fits, 2, 1000, 800, &all);
    ok(all.width == 12 && all.height == 70 && all.x == 440 && all.y == 50
       && all.w == 120 && all.h == 700, "%ux%u of %u,%u %ux%u", all.width,
       all.height, all.x, all.y, all.w, all.h);
}
