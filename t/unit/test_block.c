
/*
 * Deflate's alphabets against the tables of RFC 1951, what is counted, and
 * estimates against logarithms.
 */


#include <math.h>
#include "imgp_test.h"
#include <imgp/imgp_block.h>


/* RFC 1951, 3.2.5 */

static const uint16_t  test_lengths[29] = {
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
    67, 83, 99, 115, 131, 163, 195, 227, 258
};

static const u_char  test_length_bits[29] = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4,
    5, 5, 5, 5, 0
};

static const uint16_t  test_distances[30] = {
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
    769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577
};


static void
test_alphabets(void)
{
    uint32_t  i, c, wrong;

    wrong = 0;

    for (i = 3, c = 0; i <= 258; i++) {
        c += (c < 28 && i == test_lengths[c + 1]);

        wrong += imgp_block_length_code(i) != c
                 || imgp_block_length_base(c) != test_lengths[c]
                 || imgp_block_length_extra(c) != test_length_bits[c];
    }

    is_int(wrong, 0, "lengths 3..258");

    for (i = 1, c = 0; i <= 32768; i++) {
        c += (c < 29 && i == test_distances[c + 1]);

        wrong += imgp_block_distance_code(i) != c
                 || imgp_block_distance_base(c) != test_distances[c]
                 || i - test_distances[c]
                    >= 1u << imgp_block_distance_extra(c);
    }

    is_int(wrong, 0, "distances 1..32768");
}


static void
test_counts(void)
{
    uint32_t            i;
    imgp_block_stat_t   stat, sum;
    imgp_block_seq_t    seqs[] = {
        { 5, 10, 1 }, { 0, 258, 32768 }, { 3, 0, 0 }
    };
    u_char              data[5 + 10 + 258 + 3] = "abcda";

    memcpy(data + 5 + 10 + 258, "aab", 3);
    memset(&stat, 0, sizeof(stat));
    memset(&sum, 0, sizeof(sum));

    imgp_block_count(&stat, data, seqs, 3);

    ok(stat.codes['a'] == 4 && stat.codes['b'] == 2 && stat.codes['c'] == 1
       && stat.codes['d'] == 1 && stat.codes[0] == 0, "literals");
    ok(stat.codes[IMGP_BLOCK_LENGTHS + 7] == 1
       && stat.codes[IMGP_BLOCK_LENGTHS + 28] == 1, "lengths");
    ok(stat.distances[0] == 1 && stat.distances[29] == 1, "distances");
    is_int(stat.extra, 13, "extra bits");

    for (i = 0; i < 3; i++) {
        imgp_block_add(&sum, &stat);
    }

    ok(sum.codes['a'] == 12 && sum.distances[29] == 3 && sum.extra == 39,
       "sums");
}


static void
test_costs(void)
{
    double             want, off;
    uint32_t           i, n;
    imgp_block_stat_t  stat;

    for (i = 1, off = 0; i < 40000; i += 1 + i / 50) {
        want = IMGP_BLOCK_BIT * log2(40000.0 / i);
        off = fmax(off, fabs(imgp_block_price(i, 40000) - want));
    }

    ok(off < 1.1, "prices are right within a part of a bit: %.2f", off);

    memset(&stat, 0, sizeof(stat));
    is_int(imgp_block_cost(&stat), 0, "nothing costs nothing");

    for (i = 0, n = 0, want = 0; i < 256; i++) {
        stat.codes[i] = i * i;
        n += i * i;
    }

    for (i = 1; i < 256; i++) {
        want += stat.codes[i] * log2((double) n / stat.codes[i]);
    }

    ok(fabs(imgp_block_cost(&stat) / (want * IMGP_BLOCK_BIT) - 1) < 0.001,
       "a block's entropy");

    memset(&stat, 0, sizeof(stat));
    stat.codes[7] = 1000;
    stat.extra = 5;
    is_int(imgp_block_cost(&stat), 1005 * IMGP_BLOCK_BIT,
           "no code is shorter than a bit");

    ok(imgp_block_head_cost(&stat) > 60 * IMGP_BLOCK_BIT,
       "and no head is for nothing");
}


int
main(void)
{
    test_alphabets();
    test_counts();
    test_costs();

    return done();
}
