
/*
 * The pixel buffer: turning, widening, rounding.
 */


#include "imgp_test.h"
#include <imgp/imgp_image.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static imgp_image_t make(uint32_t width, uint32_t height, uint32_t space,
    uint32_t alpha, const char *bytes);
static void test_orient(void);
static void test_expand(void);
static void test_to_8(void);


int
main(void)
{
    task.alloc = &imgp_malloc;
    task.ninputs = 1;
    work.task = &task;

    test_orient();
    test_expand();
    test_to_8();

    is_int(work.used, 0, "all memory given back");

    return done();
}


static imgp_image_t
make(uint32_t width, uint32_t height, uint32_t space, uint32_t alpha,
    const char *bytes)
{
    imgp_image_t  image;

    imgp_image_form(&image, width, height, space, alpha, 8);
    imgp_image_alloc(&work, &image);
    memcpy(image.data, bytes, image.stride * height);

    return image;
}


/* stored are the rows "abc" and "def" */

static void
test_orient(void)
{
    uint32_t      o;
    imgp_image_t  image;

    static const char  *upright[] = {
        "abcdef", "abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc",
        "fcebda", "cfbead", "abcdef"
    };

    for (o = 0; o <= 9; o++) {
        image = make(3, 2, IMGP_SPACE_GRAY, 0, "abcdef");
        imgp_image_orient(&work, &image, o);

        ok(image.width == (o >= 5 && o <= 8 ? 2 : 3)
           && memcmp(image.data, upright[o], 6) == 0, "orientation %u", o);

        imgp_image_free(&work, &image);
    }

    image = make(2, 1, IMGP_SPACE_RGB, 1, "abcdABCD");
    imgp_image_orient(&work, &image, 8);
    ok(image.width == 1 && image.height == 2
       && memcmp(image.data, "ABCDabcd", 8) == 0, "pixels stay whole");
    imgp_image_free(&work, &image);
}


static void
test_expand(void)
{
    imgp_uint_t   i;
    imgp_image_t  image;

    static const struct {
        uint32_t     space, alpha, to_space, to_alpha;
        const char  *from, *to;
    } cases[] = {
        { 1, 0, 1, 0, "ab", "ab" },
        { 1, 0, 3, 0, "ab", "aaabbb" },
        { 1, 0, 1, 1, "ab", "a\xff" "b\xff" },
        { 1, 0, 3, 1, "ab", "aaa\xff" "bbb\xff" },
        { 1, 1, 3, 1, "aAbB", "aaaAbbbB" },
        { 3, 0, 3, 1, "abcdef", "abc\xff" "def\xff" },
        { 3, 1, 3, 1, "abcdABCD", "abcdABCD" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        image = make(2, 1, cases[i].space, cases[i].alpha, cases[i].from);
        imgp_image_expand(&work, &image, cases[i].to_space,
                          cases[i].to_alpha);

        ok(image.channels == cases[i].to_space + cases[i].to_alpha
           && memcmp(image.data, cases[i].to, 2 * image.channels) == 0,
           "%u+%u to %u+%u", cases[i].space, cases[i].alpha,
           cases[i].to_space, cases[i].to_alpha);

        imgp_image_free(&work, &image);
    }
}


static void
test_to_8(void)
{
    uint32_t       v, wrong;
    imgp_image_t   image;

    imgp_image_form(&image, 65500, 1, IMGP_SPACE_GRAY, 0, 16);
    imgp_image_alloc(&work, &image);

    for (v = 0; v < 65500; v++) {
        ((uint16_t *) image.data)[v] = 65535 - v;
    }

    imgp_image_to_8(&image);
    wrong = image.stride != 65500 || image.depth != 8;

    for (v = 0; v < 65500; v++) {
        wrong += image.data[v] != (u_char) ((65535 - v) / 257.0 + 0.5);
    }

    is_int(wrong, 0, "16 bits rounded to nearest");
    imgp_image_free(&work, &image);
}
