
/*
 * Filters undone: what imgp_filter.h makes of rows, and rows filtered here by
 * the specification's formulas; every type, size of a pixel and width, in
 * vectors and in plain C, and nothing past the pad is touched.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_filter.h>
#include <imgp/imgp_unfilter.h>


static u_char
test_predict(int type, const u_char *row, const u_char *above, size_t i,
    uint32_t step)
{
    int  a, b, c, pa, pb, pc;

    a = i < step ? 0 : row[i - step];
    b = above[i];
    c = i < step ? 0 : above[i - step];

    pa = abs(b - c);
    pb = abs(a - c);
    pc = abs(a + b - 2 * c);

    return type == 0 ? 0 : type == 1 ? a : type == 2 ? b
           : type == 3 ? (a + b) / 2
           : (pa <= pb && pa <= pc) ? a : (pb <= pc) ? b : c;
}


static void
test_simd(uint32_t simd)
{
    int       type;
    u_char   *row, *above, *line, *got;
    size_t    i, n;
    uint32_t  step, width, wrong;
    uint64_t  seed;

    static const uint32_t  steps[] = { 1, 2, 3, 4, 6, 8 };

    seed = 77;
    wrong = 0;

    for (step = 0; step < imgp_nelts(steps); step++) {
        for (width = 1; width <= 400; width += 1 + (width > 67) * 30) {
            for (type = 0; type < 5; type++) {
                n = (size_t) width * steps[step];

                row = malloc(n);
                above = calloc(1, n + IMGP_UNFILTER_PAD);
                line = calloc(1, n + IMGP_UNFILTER_PAD);
                got = malloc(n + IMGP_UNFILTER_PAD);

                for (i = 0; i < n; i++) {
                    row[i] = fix_random(&seed) % (width % 3 ? 256 : 3);
                    above[i] = fix_random(&seed) % (width % 3 ? 256 : 3);

                    /* stretches of nothing, seldom in both at once */

                    row[i] = (i / 150 % 2) ? row[i] : (width & 1) * 7;
                    above[i] = (i / 170 % 2) ? above[i] : 0;
                }

                for (i = 0; i < n; i++) {
                    line[i] = row[i] - test_predict(type, row, above, i,
                                                    steps[step]);
                }

                wrong += imgp_unfilter_row(simd, type, steps[step], line,
                                           above, got, n) != IMGP_OK
                         || memcmp(got, row, n) != 0;

                free(row);
                free(above);
                free(line);
                free(got);
            }
        }
    }

    is_int(wrong, 0, "%s: every type, pixel and width",
           imgp_simd_name(simd));
}


int
main(void)
{
    u_char    p[16] = { 0 };
    uint32_t  simd;

    for (simd = IMGP_SIMD_NONE; simd < IMGP_SIMD_MAX; simd++) {

        if (imgp_simd_choose(simd) == simd) {
            test_simd(simd);

        } else {
            skip("this machine has no %s", imgp_simd_name(simd));
        }
    }

    is_int(imgp_unfilter_row(IMGP_SIMD_NONE, 5, 3, p, p, p, 3), IMGP_ERROR,
           "type 5");
    is_int(imgp_unfilter_row(IMGP_SIMD_NONE, 255, 3, p, p, p, 3), IMGP_ERROR,
           "type 255");

    return done();
}
