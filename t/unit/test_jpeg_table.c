
/*
 * Tables made whole: every value has a code, no code is all ones, those that
 * had one keep its length but for what the new ones take.
 */


#include "imgp_test.h"
#include <imgp/imgp_jpeg_table.h>


typedef struct {
    u_char  bits[IMGP_JPEG_TABLE_BITS];
    u_char  values[IMGP_JPEG_TABLE_VALUES];
} test_table_t;


/* 0: none */

static uint32_t
test_length(const test_table_t *t, uint32_t value)
{
    uint32_t  i, k, n;

    for (i = 1, k = 0; i < IMGP_JPEG_TABLE_BITS; i++) {
        for (n = t->bits[i]; n > 0; n--) {
            if (t->values[k++] == value) {
                return i;
            }
        }
    }

    return 0;
}


static uint32_t
test_number(const test_table_t *t)
{
    uint32_t  i, n;

    for (i = 1, n = t->bits[0]; i < IMGP_JPEG_TABLE_BITS; i++) {
        n += t->bits[i];
    }

    return n;
}


/* of 65536: what the codes take of all there are */

static uint32_t
test_space(const test_table_t *t)
{
    uint32_t  i, sum;

    for (i = 1, sum = 0; i < IMGP_JPEG_TABLE_BITS; i++) {
        sum += (uint32_t) t->bits[i] << (16 - i);
    }

    return sum;
}


/* a step for all, but for one of them */

static void
test_steps(uint16_t *steps, uint32_t all, uint32_t at, uint32_t one)
{
    uint32_t  i;

    for (i = 0; i < 64; i++) {
        steps[i] = (i == at) ? one : all;
    }
}


static void
test_sizes(void)
{
    u_char    sizes[IMGP_JPEG_TABLE_RUNS];
    uint16_t  steps[64];

    test_steps(steps, 1, 0, 1);

    imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_DC, steps, sizes);
    is_int(sizes[0], 11, "differences of 2040");

    imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_AC, steps, sizes);
    ok(sizes[0] >= 10 && sizes[15] >= 10, "coefficients up to 1023");

    test_steps(steps, 255, 0, 1);

    imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_DC, steps, sizes);
    is_int(sizes[0], 11, "DC has its own step");

    imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_AC, steps, sizes);
    is_int(sizes[0], 3, "and AC theirs: 1024 / 255, rounded either way");

    /* 9 = the second row's second, on the diagonal of zigzag's 3, 4 and 5 */

    test_steps(steps, 255, 9, 1);
    imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_AC, steps, sizes);
    ok(sizes[3] >= 10, "a fine step counts where a run may lead to it");
    is_int(sizes[5], 3, "and not where it is passed");

    test_steps(steps, 255, 63, 1);
    imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_AC, steps, sizes);
    ok(sizes[0] >= 10 && sizes[15] >= 10, "the last one is always ahead");
}


static const u_char  test_all[IMGP_JPEG_TABLE_RUNS] = {
    10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10
};


int
main(void)
{
    uint32_t      i, run, missing;
    test_table_t  t;

    static const u_char        test_dc[IMGP_JPEG_TABLE_RUNS] = { 11 };
    static const test_table_t  some = {
        { 0, 0, 1, 4, 1, 1, 1 }, { 4, 3, 5, 2, 6, 1, 0, 7 }
    };

    test_sizes();

    t = some;
    imgp_jpeg_table_complete(IMGP_JPEG_TABLE_DC, test_dc, t.bits, t.values);

    is_int(test_number(&t), 12, "DC: 12 values");
    ok(test_space(&t) < 65536, "DC: no code is all ones");
    is_int(test_length(&t, 4), 2, "DC: what is frequent keeps its length");
    is_int(test_length(&t, 3), 3, "DC: and so does the next one");
    ok(test_length(&t, 11) > 6, "DC: what never came has a long one");

    t = some;
    imgp_jpeg_table_complete(IMGP_JPEG_TABLE_AC, test_all, t.bits, t.values);

    for (run = 0, missing = 0; run < 16; run++) {
        for (i = 1; i <= 10; i++) {
            missing += test_length(&t, run << 4 | i) == 0;
        }
    }

    is_int(missing, 0, "AC: every run and size");
    ok(test_length(&t, 0) != 0 && test_length(&t, 0xf0) != 0,
       "AC: the end and sixteen zeros");
    is_int(test_number(&t), 162, "AC: nothing else");
    ok(test_space(&t) < 65536, "AC: no code is all ones");

    /* no sample at all: all are as rare */

    memset(&t, 0, sizeof(t));
    imgp_jpeg_table_complete(IMGP_JPEG_TABLE_AC, test_all, t.bits, t.values);

    is_int(test_number(&t), 162, "an empty table");
    ok(test_space(&t) < 65536, "an empty table: no code is all ones");

    /* one that was whole stays as it is, but for the order of equals */

    imgp_jpeg_table_complete(IMGP_JPEG_TABLE_AC, test_all, t.bits, t.values);
    is_int(test_number(&t), 162, "once more");

    return done();
}
