
/*
 * Tables of codes: what every index stands for, against the code's own
 * definition (RFC 1951, 3.2.2); and which lengths are no code at all.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_block.h>
#include <imgp/imgp_inflate_code.h>


#define TEST_MAX  15


/* the symbol at the beginning of these bits, first bit lowest, or -1 */

static int
test_symbol(const u_char *lengths, uint32_t n, uint32_t bits, uint32_t *len)
{
    uint32_t  i, code, first, count;

    code = 0;
    first = 0;

    for (*len = 1; *len <= TEST_MAX; (*len)++) {
        code |= bits >> (*len - 1) & 1;

        for (i = 0, count = 0; i < n; i++) {
            if (lengths[i] == *len && first + count++ == code) {
                return i;
            }
        }

        first = (first + count) << 1;
        code <<= 1;
    }

    return -1;
}


/* a complete code of n symbols: one is taken apart again and again */

static void
test_lengths(uint64_t *seed, u_char *lengths, uint32_t n)
{
    uint32_t  i, k;

    memset(lengths, 0, IMGP_INFLATE_LITERALS);
    lengths[0] = 1;
    lengths[1] = 1;

    for (i = 2; i < n; i++) {

        do {
            k = fix_random(seed) % i;

            if (fix_random(seed) % 4 == 0) {
                k = i - 1;            /* long ones, too */
            }

            while (lengths[k] == TEST_MAX) {
                k = (k + 1) % i;
            }

        } while (0);

        lengths[i] = ++lengths[k];
    }
}


static uint32_t
test_entry(uint32_t e, const u_char *lengths, uint32_t n, uint32_t bits,
    uint32_t index, const uint32_t *table)
{
    int       symbol, second;
    uint32_t  len, len2, used, wrong;

    symbol = test_symbol(lengths, n, bits, &len);
    used = 0;

    if ((e & IMGP_INFLATE_BAD) == IMGP_INFLATE_MORE) {
        used = index;
        e = table[imgp_inflate_value(e)
                  + (bits >> index & ((1 << imgp_inflate_own(e)) - 1))];
    }

    wrong = (used + imgp_inflate_own(e) != len);

    if (symbol < 256) {
        wrong += !(e & IMGP_INFLATE_LITERAL)
                 || (imgp_inflate_value(e) & 255) != (uint32_t) symbol;

        second = test_symbol(lengths, n, bits >> len, &len2);

        if (e & IMGP_INFLATE_PAIR) {
            wrong += (uint32_t) second != e >> 24
                     || imgp_inflate_all(e) != len + len2;

        } else {
            wrong += used + imgp_inflate_all(e) != len
                     || (second >= 0 && second < 256 && len + len2 <= index);
        }

        return wrong;
    }

    if (symbol == 256) {
        return wrong + ((e & IMGP_INFLATE_BAD) != IMGP_INFLATE_END);
    }

    if (symbol >= IMGP_BLOCK_CODES) {
        return wrong + ((e & IMGP_INFLATE_BAD) != IMGP_INFLATE_BAD);
    }

    symbol -= IMGP_BLOCK_LENGTHS;

    return wrong + (imgp_inflate_value(e) != imgp_block_length_base(symbol)
                    || imgp_inflate_all(e) - imgp_inflate_own(e)
                       != imgp_block_length_extra(symbol));
}


static void
test_literals(void)
{
    u_char    lengths[IMGP_INFLATE_LITERALS];
    uint32_t  i, k, n, bits, wrong, table[IMGP_INFLATE_LITERAL_TABLE];
    uint64_t  seed;

    seed = 8;
    wrong = 0;

    for (k = 0; k < 60; k++) {
        n = 2 + fix_random(&seed) % (IMGP_INFLATE_LITERALS - 1);

        test_lengths(&seed, lengths, n);

        wrong += imgp_inflate_code(IMGP_INFLATE_OF_LITERALS, lengths,
                                   IMGP_INFLATE_LITERALS, table) != IMGP_OK;

        for (i = 0; i < 300; i++) {
            bits = fix_random(&seed) & 0x3fffffff;
            wrong += test_entry(table[bits & ((1 << IMGP_INFLATE_LITERAL_BITS)
                                              - 1)],
                                lengths, n, bits, IMGP_INFLATE_LITERAL_BITS,
                                table);
        }
    }

    is_int(wrong, 0, "literals: what stands for what");
}


/* each needs all of its table; no code needs more */

static void
test_sizes(void)
{
    u_char    lengths[IMGP_INFLATE_LITERALS];
    uint32_t  k, n, wrong, table[IMGP_INFLATE_LITERAL_TABLE];
    uint64_t  seed;

    seed = 9;
    wrong = 0;

    for (k = 0; k < 20000; k++) {
        n = 2 + fix_random(&seed) % (IMGP_INFLATE_LITERALS - 1);
        test_lengths(&seed, lengths, n);
        wrong += imgp_inflate_code(IMGP_INFLATE_OF_LITERALS, lengths, n, table)
                 != IMGP_OK;

        n = 2 + fix_random(&seed) % (IMGP_INFLATE_DISTANCES - 1);
        test_lengths(&seed, lengths, n);
        wrong += imgp_inflate_code(IMGP_INFLATE_OF_DISTANCES, lengths, n,
                                   table) != IMGP_OK;
    }

    is_int(wrong, 0, "complete codes are codes");
}


static void
test_codes(void)
{
    u_char    lengths[IMGP_INFLATE_LITERALS] = { 0 };
    uint32_t  table[IMGP_INFLATE_LITERAL_TABLE];

#define test_code(kind, n)  imgp_inflate_code(kind, lengths, n, table)

    is_int(test_code(IMGP_INFLATE_OF_DISTANCES, 30), IMGP_OK, "none");
    is_int(test_code(IMGP_INFLATE_OF_LENGTHS, 19), IMGP_OK,
           "none of lengths");
    ok((table[0] & IMGP_INFLATE_BAD) == IMGP_INFLATE_BAD,
       "and nothing stands for anything");

    lengths[3] = 1;
    is_int(test_code(IMGP_INFLATE_OF_DISTANCES, 30), IMGP_OK, "a single one");
    ok((table[0] & IMGP_INFLATE_BAD) == 0
       && (table[1] & IMGP_INFLATE_BAD) == IMGP_INFLATE_BAD,
       "the other bit stands for nothing");
    is_int(test_code(IMGP_INFLATE_OF_LENGTHS, 19), IMGP_ERROR,
           "a single one of lengths");

    lengths[3] = 2;
    is_int(test_code(IMGP_INFLATE_OF_DISTANCES, 30), IMGP_ERROR,
           "a single one of two bits");

    memset(lengths, 1, 2);
    is_int(test_code(IMGP_INFLATE_OF_DISTANCES, 30), IMGP_ERROR, "too many");

    memset(lengths, 0, sizeof(lengths));
    memset(lengths, 5, 32);
    is_int(test_code(IMGP_INFLATE_OF_DISTANCES, 32), IMGP_OK,
           "the fixed code of distances");
    ok((table[30 >> 1 | 0] & IMGP_INFLATE_BAD) == IMGP_INFLATE_BAD,
       "30 is none of them");
}


int
main(void)
{
    test_literals();
    test_sizes();
    test_codes();

    return done();
}
