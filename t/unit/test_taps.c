
/*
 * The sums in plain C, the reference of the others, against arithmetic in
 * double precision.
 */


#include <math.h>
#include "imgp_taps.h"
#include <imgp/imgp_alpha.h>


static void test_sums(void);
static void test_limits(void);
static void test_product(void);


int
main(void)
{
    uint32_t  n, taps, wrong;

    test_sums();
    test_limits();
    test_product();

    ok(imgp_taps(IMGP_SIMD_NONE) == &imgp_taps_plain, "to be had by its name");

    /* the best one is whichever it is; the others have their own tests */

    wrong = 0;

    for (n = 1; n <= TEST_WIDTH; n++) {
        for (taps = 1; taps <= TEST_TAPS; taps += 5) {
            wrong += !test_columns(imgp_taps(IMGP_SIMD_BEST), n, taps);
            wrong += !test_lines(imgp_taps(IMGP_SIMD_BEST), n, taps);
        }

        wrong += !test_premultiply(imgp_taps(IMGP_SIMD_BEST), n);
    }

    is_int(wrong, 0, "the best one, %s, gives the same",
           imgp_simd_name(imgp_simd_choose(IMGP_SIMD_BEST)));

    return done();
}


static void
test_sums(void)
{
    double             sum, sums[4];
    u_char             a[300], b[300], bytes[4];
    int16_t            coef[IMGP_LANCZOS_PAD], out[300], wide[4], px[8];
    uint32_t           i, c, wrong, first[1] = { 0 };
    imgp_taps_line_t   line = { 1, 2, IMGP_LANCZOS_PAD, first, coef };
    const u_char      *rows[2] = { a, b };

    memset(coef, 0, sizeof(coef));
    coef[0] = 20000;
    coef[1] = 16384 - 20000;
    wrong = 0;

    for (i = 0; i < 300; i++) {
        a[i] = test_random();
        b[i] = test_random();
    }

    imgp_taps_plain.columns_8(rows, coef, 2, 300, out);

    for (i = 0; i < 300; i++) {
        sum = 64 * (a[i] * 20000.0 + b[i] * -3616.0) / 16384;
        wrong += fabs(out[i] - sum) > 0.5;
    }

    is_int(wrong, 0, "columns, rounded to nearest");

    for (c = 0; c < 8; c++) {
        px[c] = test_random() % 16321;
    }

    imgp_taps_plain.line_n_16(px, 4, &line, wide);
    imgp_taps_plain.line_n_8(px, 4, &line, bytes);

    for (c = 0; c < 4; c++) {
        sums[c] = (px[c] * 20000.0 + px[4 + c] * -3616.0) / 16384;
        wrong += fabs(wide[c] - sums[c]) > 0.5;
        sums[c] = fmin(fmax(sums[c] / 64, 0), 255);
        wrong += fabs(bytes[c] - sums[c]) > 0.5;
    }

    is_int(wrong, 0, "lines, rounded once and clamped");
}


static void
test_limits(void)
{
    u_char             byte;
    int16_t            coef[IMGP_LANCZOS_PAD], px, out;
    uint32_t           first[1] = { 0 };
    const int16_t     *rows[1] = { &px };
    imgp_taps_line_t   line = { 1, 1, IMGP_LANCZOS_PAD, first, coef };

    memset(coef, 0, sizeof(coef));

    coef[0] = 24000;
    px = 30000;
    imgp_taps_plain.columns_16(rows, coef, 1, 1, &out);
    is_int(out, INT16_MAX, "more than 16 bits hold");

    px = -30000;
    imgp_taps_plain.columns_16(rows, coef, 1, 1, &out);
    is_int(out, INT16_MIN, "less than 16 bits hold");

    px = -300;
    imgp_taps_plain.line_1_8(&px, &line, &byte);
    is_int(byte, 0, "below black");

    px = 16000;
    imgp_taps_plain.line_1_8(&px, &line, &byte);
    is_int(byte, 255, "above white");
}


static void
test_product(void)
{
    u_char    px[4] = { 0, 0, 0, 0 };
    int16_t   fix[4];
    uint32_t  v, a, wrong;

    wrong = 0;

    for (a = 0; a < 256; a++) {
        for (v = 0; v < 256; v++) {
            px[0] = v;
            px[3] = a;
            imgp_taps_plain.premultiply_4(px, 1, fix);

            wrong += fabs(fix[0] - v * a * 64 / 255.0) >= 1.25
                     || fix[3] != (int) a * 64
                     || (a == 255 && fix[0] != (int) v * 64);
        }
    }

    is_int(wrong, 0, "colours times alpha, exact where opaque");
}
