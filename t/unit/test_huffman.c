
/*
 * Prefix codes: complete, within their limit, as good as an unlimited code
 * where that fits, and nearly so where it does not.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_huffman.h>


static uint64_t
test_bits(const uint32_t *counts, const u_char *lengths, uint32_t n)
{
    uint32_t  i;
    uint64_t  bits;

    for (i = 0, bits = 0; i < n; i++) {
        bits += (uint64_t) counts[i] * lengths[i];
    }

    return bits;
}


/* by the book: the two rarest are joined, each joining costs their sum */

static uint64_t
test_best(const uint32_t *counts, uint32_t n)
{
    uint64_t  w[IMGP_HUFFMAN_SYMBOLS], cost, t;
    uint32_t  i, j, m;

    for (i = 0, m = 0; i < n; i++) {
        if (counts[i]) {
            w[m++] = counts[i];
        }
    }

    for (cost = 0; m > 1; m--) {

        for (i = 0; i < 2; i++) {
            for (j = i + 1; j < m; j++) {
                if (w[j] < w[i]) {
                    t = w[i];
                    w[i] = w[j];
                    w[j] = t;
                }
            }
        }

        w[0] += w[1];
        cost += w[0];
        w[1] = w[m - 1];
    }

    return cost;
}


/* sum of 2^-length, in 2^-15 */

static uint32_t
test_kraft(const u_char *lengths, uint32_t n)
{
    uint32_t  i, sum;

    for (i = 0, sum = 0; i < n; i++) {
        sum += lengths[i] ? 32768u >> lengths[i] : 0;
    }

    return sum;
}


static int
test_prefix(const u_char *lengths, const uint16_t *codes, uint32_t n)
{
    uint32_t  i, j, len;

    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) {
            len = imgp_min(lengths[i], lengths[j]);

            if (i != j && len && ((codes[i] ^ codes[j]) & ((1u << len) - 1))
                                 == 0)
            {
                return 0;
            }
        }
    }

    return 1;
}


int
main(void)
{
    u_char    lengths[IMGP_HUFFMAN_SYMBOLS];
    uint16_t  codes[IMGP_HUFFMAN_SYMBOLS];
    uint32_t  i, round, n, max, best, wrong, counts[IMGP_HUFFMAN_SYMBOLS];
    uint64_t  seed;

    /* RFC 1951, 3.2.2: lengths (3, 3, 3, 3, 3, 2, 4, 4) */

    imgp_huffman_codes((u_char *) "\3\3\3\3\3\2\4\4", 8, codes);
    ok(codes[0] == 2 && codes[1] == 6 && codes[4] == 3 && codes[5] == 0
       && codes[6] == 7 && codes[7] == 15, "the RFC's example, bits turned");

    seed = 42;
    wrong = 0;

    for (round = 0; round < 300; round++) {
        n = 2 + fix_random(&seed) % (IMGP_HUFFMAN_SYMBOLS - 2);

        for (i = 0; i < n; i++) {
            counts[i] = fix_random(&seed) >> (fix_random(&seed) % 20 + 12);
        }

        counts[0]++;
        counts[1]++;

        imgp_huffman_lengths(counts, n, 15, lengths);
        imgp_huffman_codes(lengths, n, codes);

        best = 0;

        for (i = 0; i < n; i++) {
            best = imgp_max(best, lengths[i]);
            wrong += (counts[i] != 0) != (lengths[i] != 0);
        }

        wrong += test_kraft(lengths, n) != 32768;
        wrong += !test_prefix(lengths, codes, n);
        wrong += best < 15
                 && test_bits(counts, lengths, n) != test_best(counts, n);
    }

    is_int(wrong, 0, "random counts: complete, free of prefixes, shortest");

    /* Fibonacci's numbers make the longest codes */

    counts[0] = counts[1] = 1;

    for (i = 2; i < 40; i++) {
        counts[i] = counts[i - 1] + counts[i - 2];
    }

    for (max = 6; max <= 15; max++) {
        imgp_huffman_lengths(counts, 40, max, lengths);

        for (i = 0, best = 0; i < 40; i++) {
            best = imgp_max(best, lengths[i]);
        }

        ok(best == max && test_kraft(lengths, 40) == 32768
           && test_bits(counts, lengths, 40)
              < test_best(counts, 40) * 3 / 2,
           "at most %u bits", max);
    }

    memset(counts, 0, sizeof(counts));
    imgp_huffman_lengths(counts, 30, 15, lengths);
    ok(lengths[0] == 1 && test_kraft(lengths, 30) == 16384,
       "nothing occurs: one code");

    counts[7] = 5;
    imgp_huffman_lengths(counts, 30, 15, lengths);
    ok(lengths[7] == 1 && test_kraft(lengths, 30) == 16384,
       "one symbol: one bit");

    return done();
}
