
/*
 * Transparency: fixed point and back, flattening, what is real.
 */


#include "imgp_test.h"
#include <imgp/imgp_alpha.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static imgp_image_t make(uint32_t n, uint32_t space, uint32_t alpha,
    const char *bytes);
static void test_fix(void);
static void test_fix_16(void);
static void test_clamp(void);
static void test_pairs(void);
static void test_rows(void);
static void test_widths(void);
static void test_real(void);
static void test_flatten(void);


int
main(void)
{
    task.alloc = &imgp_malloc;
    task.ninputs = 1;
    work.task = &task;

    test_fix();
    test_fix_16();
    test_clamp();
    test_pairs();
    test_rows();
    test_widths();
    test_real();
    test_flatten();

    return done();
}


static imgp_image_t
make(uint32_t n, uint32_t space, uint32_t alpha, const char *bytes)
{
    imgp_image_t  image;

    imgp_image_form(&image, n, 1, space, alpha, 8);
    imgp_image_alloc(&work, &image);
    memcpy(image.data, bytes, image.stride);

    return image;
}


/* every colour under every alpha, there and back */

static void
test_fix(void)
{
    int           d, worst;
    u_char        px[2], back[2];
    int16_t       fix[2];
    uint32_t      v, a, wrong;
    imgp_image_t  form;

    imgp_image_form(&form, 1, 1, IMGP_SPACE_GRAY, 1, 8);
    wrong = 0;
    worst = 0;

    for (a = 0; a < 256; a++) {
        for (v = 0; v < 256; v++) {
            px[0] = v;
            px[1] = a;

            imgp_alpha_to_fix(&form, px, 1, fix);
            imgp_alpha_from_fix(&form, fix, 1, back);

            d = abs(back[0] - (int) v);
            wrong += back[1] != a || (a == 255 && d != 0)
                     || (a == 0 && back[0] != 0);

            /* an error that cannot be seen: below one step of the product */

            if (a != 0 && d * (int) a > worst) {
                worst = d * a;
            }
        }
    }

    is_int(wrong, 0, "exact where opaque, alpha always, nothing where clear");
    ok(worst <= 255, "colours within one step of what is seen (%d / 255)",
       worst);
}


static void
test_fix_16(void)
{
    int16_t       fix[1];
    uint16_t      px, back;
    uint32_t      v, wrong;
    imgp_image_t  form;

    imgp_image_form(&form, 1, 1, IMGP_SPACE_GRAY, 0, 16);
    wrong = 0;

    for (v = 0; v < 65536; v++) {
        px = v;

        imgp_alpha_to_fix(&form, (u_char *) &px, 1, fix);
        imgp_alpha_from_fix(&form, fix, 1, (u_char *) &back);

        wrong += abs(back - (int) v) > 2;
    }

    is_int(wrong, 0, "16 bits within the 14 bits that are kept");
}


/* Lanczos overshoots */

static void
test_clamp(void)
{
    u_char        row[8];
    imgp_image_t  form;

    static const int16_t  fix[8] = {
        -500, 20000, 8160, IMGP_FIX_ONE + 300, 9000, -20, 100, 8160
    };

    imgp_image_form(&form, 2, 1, IMGP_SPACE_RGB, 1, 8);
    imgp_alpha_from_fix(&form, fix, 2, row);

    ok(memcmp(row, "\0\xff\x80\xff" "\xff\0\3\x80", 8) == 0,
       "clamped to 0, to full and to alpha");
}


/* neighbours do not matter: opaque ones are done in pairs */

static void
test_pairs(void)
{
    u_char        both[8], one[8];
    int16_t       fix[8];
    uint32_t      i, k, wrong;
    imgp_image_t  form;

    imgp_image_form(&form, 2, 1, IMGP_SPACE_RGB, 1, 8);
    wrong = 0;

    for (i = 0; i < 20000; i++) {

        for (k = 0; k < 8; k++) {
            fix[k] = (k % 4 == 3) ? IMGP_FIX_ONE + (int) (i >> k % 3 & 3) - 1
                                  : (int) (i * (k + 3) * 7919 % 33000) - 8000;
        }

        imgp_alpha_from_fix(&form, fix, 2, both);
        imgp_alpha_from_fix(&form, fix, 1, one);
        imgp_alpha_from_fix(&form, fix + 4, 1, one + 4);

        wrong += memcmp(both, one, 8) != 0;
    }

    is_int(wrong, 0, "two opaque pixels as each of them");
}


/* one pixel that is not opaque, one that is not clear, at every place */

static void
test_rows(void)
{
    u_char        row[2 * 4 * 67];
    uint32_t      x, n, c, space, depth, wrong, from, to;
    imgp_image_t  form;

    wrong = 0;

    for (space = 1; space <= 3; space += 2) {
        for (depth = 8; depth <= 16; depth += 8) {
            for (n = 1; n <= 67; n++) {
                for (x = 0; x < n; x++) {
                    imgp_image_form(&form, n, 1, space, 1, depth);
                    c = form.channels * (depth / 8);

                    memset(row, 255, sizeof(row));
                    memset(row + x * c, 0, c);
                    wrong += depth == 8 && imgp_alpha_opaque(&form, row, n);

                    memset(row + x * c, 255, c);
                    wrong += !imgp_alpha_opaque(&form, row, n);

                    imgp_alpha_extent(&form, row, n, &from, &to);
                    wrong += from != 0 || to != n;

                    memset(row, 0, sizeof(row));
                    imgp_alpha_extent(&form, row, n, &from, &to);
                    wrong += from != to;

                    row[(x + 1) * c - 1] = 1;
                    imgp_alpha_extent(&form, row, n, &from, &to);
                    wrong += from != x || to != x + 1;
                }
            }
        }
    }

    is_int(wrong, 0, "rows that are opaque, parts that are not clear");
}


/*
 * What goes several pixels at a time, at odd addresses, in blocks of just
 * their size: as one by one
 */

static void
test_widths(void)
{
    u_char        *rgba, *all, px[4];
    size_t         i;
    int16_t       *fix, one;
    uint16_t      *deep, v;
    uint32_t       n, x, wrong;
    imgp_image_t   form, single;

    wrong = 0;

    for (n = 1; n <= 67; n++) {
        all = malloc(n * 8 + 2);
        deep = (uint16_t *) (all + 2);
        fix = malloc(n * 4 * sizeof(int16_t));

        for (i = 0; i < n * 4; i++) {
            deep[i] = (i * 40503 + n * 977) ^ i << 7;
        }

        imgp_image_form(&form, n, 1, IMGP_SPACE_CMYK, 0, 16);
        imgp_image_form(&single, 1, 1, IMGP_SPACE_GRAY, 0, 16);
        imgp_alpha_to_fix(&form, (u_char *) deep, n, fix);

        for (i = 0; i < n * 4; i++) {
            v = deep[i];
            imgp_alpha_to_fix(&single, (u_char *) &v, 1, &one);
            wrong += fix[i] != one
                     || one != (v * IMGP_FIX_ONE + 32767LL) / 65535;
        }

        free(fix);
        free(all);

        all = malloc(n * 4 + 1);
        rgba = all + 1;

        for (i = 0; i < n * 4; i++) {
            rgba[i] = (i * 2654435761u >> 9) | 1;
        }

        for (x = 0; x < n; x += 1 + x % 3) {
            rgba[x * 4 + 3] = 0;
        }

        imgp_image_form(&form, n, 1, IMGP_SPACE_RGB, 1, 8);
        form.data = rgba;
        imgp_alpha_clean(&form);

        for (x = 0; x < n; x++) {
            memcpy(px, rgba + x * 4, 4);
            wrong += px[3] == 0 && (px[0] | px[1] | px[2]) != 0;

            for (i = 0; i < 4; i++) {
                wrong += px[3] != 0
                         && px[i] != (u_char) ((x * 4 + i) * 2654435761u >> 9
                                               | 1);
            }
        }

        free(all);
    }

    is_int(wrong, 0, "widths 1 to 67, as one by one");
}


static void
test_real(void)
{
    imgp_image_t  image;

    image = make(2, IMGP_SPACE_GRAY, 1, "a\xff" "b\xfe");
    ok(imgp_alpha_used(&image), "254 is transparent");
    imgp_image_free(&work, &image);

    image = make(2, IMGP_SPACE_GRAY, 1, "a\xff" "b\xff");
    ok(!imgp_alpha_used(&image), "255 is not");
    imgp_alpha_drop(&image);
    ok(image.channels == 1 && image.stride == 2
       && memcmp(image.data, "ab", 2) == 0, "and can go");
    ok(!imgp_alpha_used(&image), "nor is what has no alpha");
    imgp_image_free(&work, &image);

    image = make(2, IMGP_SPACE_RGB, 1, "abc\0" "def\1");
    imgp_alpha_clean(&image);
    ok(memcmp(image.data, "\0\0\0\0" "def\1", 8) == 0, "hidden is wiped");
    imgp_image_free(&work, &image);
}


static void
test_flatten(void)
{
    imgp_image_t  image;

    static const u_char  gray[3] = { 100, 100, 100 };
    static const u_char  blue[3] = { 0, 0, 255 };

    image = make(3, IMGP_SPACE_GRAY, 1, "\xc8\0" "\xc8\xff" "\xc8\x80");
    imgp_alpha_flatten(&work, &image, gray);
    ok(image.channels == 1 && memcmp(image.data, "\x64\xc8\x96", 3) == 0,
       "gray on gray");
    imgp_image_free(&work, &image);

    image = make(2, IMGP_SPACE_GRAY, 1, "\xc8\0" "\xc8\x80");
    imgp_alpha_flatten(&work, &image, blue);
    ok(image.channels == 3
       && memcmp(image.data, "\0\0\xff" "\x64\x64\xe3", 6) == 0,
       "gray on blue");
    imgp_image_free(&work, &image);

    image = make(2, IMGP_SPACE_GRAY, 1, "a\xff" "b\xff");
    imgp_alpha_flatten(&work, &image, blue);
    ok(image.channels == 1 && memcmp(image.data, "ab", 2) == 0,
       "nothing shows through: it stays gray");
    imgp_image_free(&work, &image);

    is_int(work.used, 0, "all memory given back");
}
