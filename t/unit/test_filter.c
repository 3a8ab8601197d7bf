
/*
 * Filters: each form undone by the specification's formulas, the best one
 * chosen, and all vectors of one mind with plain C, at every width.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include "imgp_work_test.h"
#include <imgp/imgp_filter.h>


static int
test_paeth(int a, int b, int c)
{
    int  pa, pb, pc;

    pa = abs(b - c);
    pb = abs(a - c);
    pc = abs(a + b - 2 * c);

    return (pa <= pb && pa <= pc) ? a : (pb <= pc) ? b : c;
}


static u_char
test_predict(int type, const u_char *row, const u_char *above, size_t i,
    uint32_t step)
{
    int  a, b, c;

    a = i < step ? 0 : row[i - step];
    b = above[i];
    c = i < step ? 0 : above[i - step];

    return type == 0 ? 0 : type == 1 ? a : type == 2 ? b
           : type == 3 ? (a + b) / 2 : test_paeth(a, b, c);
}


/* the least sum of absolute values that any type has, and one's own */

static int
test_best(const u_char *row, const u_char *above, size_t n, uint32_t step,
    const u_char *line)
{
    int       t;
    u_char    v;
    size_t    i;
    uint32_t  sum, least;

    least = UINT32_MAX;

    for (t = 0; t < 5; t++) {
        for (i = 0, sum = 0; i < n; i++) {
            v = row[i] - test_predict(t, row, above, i, step);
            sum += v < 128 ? v : 256 - v;
        }

        least = imgp_min(least, sum);
    }

    for (i = 0, sum = 0; i < n; i++) {
        v = line[1 + i];
        sum += v < 128 ? v : 256 - v;

        v += test_predict(line[0], row, above, i, step);

        if (v != row[i]) {
            return 0;
        }
    }

    return line[0] < 5 && sum == least;
}


static void
test_row(u_char *row, size_t n, uint32_t kind, uint64_t *seed)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        row[i] = kind == 0 ? fix_random(seed)
                 : kind == 1 ? (fix_random(seed) & 1) * 255
                 : kind == 2 ? i * 3 + fix_random(seed) % 3
                 : kind == 3 ? 200 + fix_random(seed) % 4 : 0;
    }
}


int
main(void)
{
    u_char         *rows[3], *zeros, *copy;
    size_t          n;
    uint32_t        simd, step, width, y, wrong, differ;
    uint64_t        seed;
    test_work_t     tw;
    imgp_work_t    *work;
    const u_char   *line;
    imgp_filter_t   plain, fast;

    work = test_work(&tw);

    for (simd = IMGP_SIMD_SSE41; simd < IMGP_SIMD_MAX; simd++) {

        if (imgp_simd_choose(simd) != simd) {
            skip("this machine has no %s", imgp_simd_name(simd));
            continue;
        }

        seed = 5;
        wrong = 0;
        differ = 0;

        for (step = 1; step <= 4; step++) {
            for (width = 1; width <= 67 + 3000 / step; width++) {

                if (width > 67) {
                    width += 997 / step;
                }

                n = (size_t) width * step;
                imgp_filter_init(&plain, work, step, n, IMGP_SIMD_NONE);
                imgp_filter_init(&fast, work, step, n, simd);

                zeros = calloc(n, 1);
                copy = malloc(n + 1);

                for (y = 0; y < 3; y++) {
                    rows[y] = malloc(n);
                    test_row(rows[y], n, (width + y) % 5, &seed);

                    line = imgp_filter_row(&plain, rows[y],
                                           y ? rows[y - 1] : NULL);
                    memcpy(copy, line, n + 1);

                    wrong += !test_best(rows[y], y ? rows[y - 1] : zeros, n,
                                        step, copy);

                    line = imgp_filter_row(&fast, rows[y],
                                           y ? rows[y - 1] : NULL);
                    differ += memcmp(copy, line, n + 1) != 0;
                }

                for (y = 0; y < 3; y++) {
                    free(rows[y]);
                }

                free(zeros);
                free(copy);
                imgp_filter_free(&plain);
                imgp_filter_free(&fast);
            }
        }

        is_int(wrong, 0, "the best type, rightly applied");
        is_int(differ, 0, "%s as plain C", imgp_simd_name(simd));
    }

    is_int(work->used, 0, "nothing is left");

    return done();
}
