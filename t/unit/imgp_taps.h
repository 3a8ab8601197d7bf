
/*
 * The sums of the resampler in one SIMD form against plain C, bit for bit, at
 * every width 1..67, at odd addresses and in buffers that end where the
 * promised slack ends, so that ASan sees a step too far.
 */


#ifndef _IMGP_TEST_TAPS_H_INCLUDED_
#define _IMGP_TEST_TAPS_H_INCLUDED_


#include "imgp_test.h"
#include <imgp/imgp_taps.h>


#define TEST_TAPS   (3 * IMGP_LANCZOS_PAD)
#define TEST_WIDTH  67


static uint32_t  test_seed = 1;


static uint32_t
test_random(void)
{
    test_seed = test_seed * 1664525 + 1013904223;

    return test_seed >> 8;
}


/* like Lanczos': a sum of 1, but as uneven as sums in 32 bits allow */

static void
test_coef(int16_t *coef, uint32_t taps, uint32_t stride)
{
    uint32_t  k;

    memset(coef, 0, stride * sizeof(int16_t));

    for (k = 0; k < taps; k++) {
        coef[k] = (int) (test_random() % 1301) - 650;
    }

    coef[test_random() % taps] += 1 << IMGP_LANCZOS_BITS;
}


/* exact size, at an odd multiple of the element */

static void *
test_block(size_t n, size_t size, u_char **whole)
{
    size_t  i;

    *whole = malloc((n + 1) * size);

    for (i = 0; i < (n + 1) * size; i++) {
        (*whole)[i] = test_random();
    }

    return *whole + size;
}


static int
test_columns(const imgp_taps_t *sum, uint32_t n, uint32_t taps)
{
    int            good;
    void          *rows[TEST_TAPS];
    u_char        *whole[TEST_TAPS];
    int16_t        coef[TEST_TAPS], want[TEST_WIDTH], *got;
    uint32_t       k, i, size;
    u_char        *hold;

    test_coef(coef, taps, TEST_TAPS);
    good = 1;

    for (size = 1; size <= 2; size++) {

        for (k = 0; k < taps; k++) {
            rows[k] = test_block(n, size, &whole[k]);

            for (i = 0; i < n && size == 2; i++) {
                ((int16_t *) rows[k])[i] %= 20000;
            }
        }

        got = test_block(n, sizeof(int16_t), &hold);

        if (size == 1) {
            imgp_taps_plain.columns_8((const u_char *const *) rows, coef,
                                      taps, n, want);
            sum->columns_8((const u_char *const *) rows, coef, taps, n, got);

        } else {
            imgp_taps_plain.columns_16((const int16_t *const *) rows, coef,
                                       taps, n, want);
            sum->columns_16((const int16_t *const *) rows, coef, taps, n,
                            got);
        }

        good &= memcmp(got, want, n * sizeof(int16_t)) == 0;

        for (k = 0; k < taps; k++) {
            free(whole[k]);
        }

        free(hold);
    }

    return good;
}


static int
test_lines(const imgp_taps_t *sum, uint32_t n, uint32_t taps)
{
    int                good;
    u_char            *in_all, *out_all, *wide_all;
    int16_t           *in, *coef, *wide;
    uint32_t           first[TEST_WIDTH], i, nc, samples;
    imgp_taps_line_t   line;
    u_char            *got;
    int16_t            want_16[TEST_WIDTH * 4];
    u_char             want[TEST_WIDTH * 4];

    line.n = n;
    line.taps = taps;
    line.stride = (taps + IMGP_LANCZOS_PAD - 1) / IMGP_LANCZOS_PAD
                  * IMGP_LANCZOS_PAD;
    line.first = first;

    coef = malloc((size_t) n * line.stride * sizeof(int16_t));
    line.coef = coef;
    samples = taps + 2 * n;

    for (i = 0; i < n; i++) {
        test_coef(coef + (size_t) i * line.stride, taps, line.stride);
        first[i] = test_random() % (samples - taps + 1);
    }

    first[n - 1] = samples - taps;

    in = test_block((size_t) samples * 4 + IMGP_TAPS_SLACK, sizeof(int16_t),
                    &in_all);

    for (i = 0; i < samples * 4 + IMGP_TAPS_SLACK; i++) {
        in[i] %= 20000;
    }

    got = test_block(n, 1, &out_all);

    imgp_taps_plain.line_1_8(in, &line, want);
    sum->line_1_8(in, &line, got);
    good = memcmp(got, want, n) == 0;

    free(out_all);

    for (nc = 1; nc <= 4; nc++) {
        got = test_block(n * nc, 1, &out_all);
        wide = test_block(n * nc, sizeof(int16_t), &wide_all);

        imgp_taps_plain.line_n_8(in, nc, &line, want);
        sum->line_n_8(in, nc, &line, got);
        good &= memcmp(got, want, n * nc) == 0;

        imgp_taps_plain.line_n_16(in, nc, &line, want_16);
        sum->line_n_16(in, nc, &line, wide);
        good &= memcmp(wide, want_16, n * nc * sizeof(int16_t)) == 0;

        free(out_all);
        free(wide_all);
    }

    free(in_all);
    free(coef);

    return good;
}


static int
test_premultiply(const imgp_taps_t *sum, uint32_t n)
{
    int       good;
    u_char   *rgba, *rgba_all, *fix_all;
    int16_t  *fix, want[TEST_WIDTH * 4];

    rgba = test_block(n * 4, 1, &rgba_all);
    fix = test_block(n * 4, sizeof(int16_t), &fix_all);

    rgba[test_random() % n * 4 + 3] = 255;

    imgp_taps_plain.premultiply_4(rgba, n, want);
    sum->premultiply_4(rgba, n, fix);

    good = memcmp(fix, want, n * 4 * sizeof(int16_t)) == 0;

    free(rgba_all);
    free(fix_all);

    return good;
}


__attribute__((unused))
static int
test_simd(uint32_t simd)
{
    uint32_t            n, taps, wrong;
    const imgp_taps_t  *sum;

    if (imgp_simd_choose(simd) != simd) {
        skip("this machine has no %s", imgp_simd_name(simd));
        return done();
    }

    sum = imgp_taps(simd);
    ok(sum != &imgp_taps_plain, "%s is found", imgp_simd_name(simd));

    wrong = 0;

    for (n = 1; n <= TEST_WIDTH; n++) {
        for (taps = 1; taps <= TEST_TAPS; taps += (taps < 19) ? 1 : 7) {
            wrong += !test_columns(sum, n, taps);
            wrong += !test_lines(sum, n, taps);
        }

        wrong += !test_premultiply(sum, n);
    }

    is_int(wrong, 0, "widths 1 to %d, 1 to %d taps: as plain C", TEST_WIDTH,
           TEST_TAPS);

    return done();
}


#endif /* _IMGP_TEST_TAPS_H_INCLUDED_ */
