
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


/* two rows at once as one after the other, in blocks of just that size */

static void
test_pair(uint32_t simd)
{
    u_char    *lines, *above, *want[2], *got[2];
    size_t     i, n;
    uint32_t   k, step, width, wrong, done;
    uint64_t   seed;

    seed = 78;
    wrong = 0;
    done = 0;

    for (step = 1; step <= 8; step++) {
        for (width = 1; width <= 400; width += 1 + (width > 67) * 30) {
            n = (size_t) width * step;

            lines = calloc(1, 2 * n + 1 + IMGP_UNFILTER_PAD);
            above = calloc(1, n + IMGP_UNFILTER_PAD);

            for (i = 0; i < 2 * n + 1; i++) {
                lines[i] = (i / 160 % 2) ? fix_random(&seed) : 0;
                above[i % n] = (i / 310 % 2) ? fix_random(&seed) : 0;
            }

            for (k = 0; k < 2; k++) {
                want[k] = malloc(n + IMGP_UNFILTER_PAD);
                got[k] = malloc(n + IMGP_UNFILTER_PAD);

                (void) imgp_unfilter_row(IMGP_SIMD_NONE, IMGP_FILTER_PAETH,
                                         step, lines + k * (n + 1),
                                         k ? want[0] : above, want[k], n);
            }

            if (imgp_unfilter_pair(simd, step, lines, above, got[0], got[1],
                                   n))
            {
                done++;
                wrong += memcmp(got[0], want[0], n) != 0
                         || memcmp(got[1], want[1], n) != 0;
            }

            free(lines);
            free(above);

            for (k = 0; k < 2; k++) {
                free(want[k]);
                free(got[k]);
            }
        }
    }

    is_int(wrong, 0, "%s: two rows at once, %u times", imgp_simd_name(simd),
           done);
}


/* every a, b and c there is, as the first two pixels of a row */

static void
test_paeth(uint32_t simd)
{
    u_char    line[8 + IMGP_UNFILTER_PAD], row[8 + IMGP_UNFILTER_PAD];
    u_char    above[8 + IMGP_UNFILTER_PAD];
    uint32_t  a, b, c, i, wrong;

    memset(line, 0, sizeof(line));
    memset(above, 0, sizeof(above));
    wrong = 0;

    for (c = 0; c < 256; c++) {
        for (b = 0; b < 256; b++) {
            for (a = 0; a < 256; a += 4) {

                for (i = 0; i < 4; i++) {
                    line[i] = a + i - c;
                    above[i] = c;
                    above[i + 4] = b;
                }

                (void) imgp_unfilter_row(simd, IMGP_FILTER_PAETH, 4, line,
                                         above, row, 8);

                for (i = 0; i < 4; i++) {
                    wrong += row[i] != a + i
                             || row[i + 4] != test_predict(4, row, above,
                                                           i + 4, 4);
                }
            }
        }
    }

    is_int(wrong, 0, "%s: Paeth's choice of all there is to choose from",
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
            test_paeth(simd);
            test_pair(simd);

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
