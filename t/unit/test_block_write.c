
/*
 * Blocks as they are written, unpacked by zlib: every form, every length,
 * every kind of distance, and many blocks one after the other.
 */


#include <zlib.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_block.h>


#define TEST_DATA  200000
#define TEST_SEQS  4000


typedef struct {
    u_char              data[TEST_DATA];
    u_char              literals[TEST_DATA];
    imgp_block_seq_t    seqs[TEST_SEQS];
    u_char              out[TEST_DATA * 2 + TEST_SEQS * 6 + 4096];
    u_char              back[TEST_DATA];

    imgp_block_t        block;
    imgp_block_stat_t   stat;
    imgp_block_out_t    o;
} test_t;


static void
test_begin(test_t *t)
{
    memset(&t->block, 0, sizeof(imgp_block_t));
    memset(&t->stat, 0, sizeof(imgp_block_stat_t));

    t->block.literals = t->literals;
    t->block.seqs = t->seqs;
}


static void
test_seq(test_t *t, uint32_t literals, uint32_t length, uint32_t distance,
    uint32_t *at, uint64_t *seed, uint32_t values)
{
    uint32_t           i;
    imgp_block_seq_t  *seq;

    seq = &t->seqs[t->block.nseqs++];
    seq->literals = literals;
    seq->length = length;
    seq->distance = distance;

    for (i = 0; i < literals; i++) {
        t->data[*at] = fix_random(seed) % values;
        t->literals[t->block.nliterals++] = t->data[(*at)++];
    }

    for (i = 0; i < length; i++) {
        t->data[*at] = t->data[*at - distance];
        (*at)++;
    }

    t->block.bytes += literals + length;
}


static void
test_end(test_t *t, uint32_t from, imgp_uint_t last)
{
    imgp_block_count(&t->stat, t->data + from, t->seqs, t->block.nseqs);

    t->block.last = last;
    t->block.raw = t->data + from;
    imgp_block_write(&t->o, &t->block, &t->stat);
}


static int
test_same(test_t *t, uint32_t n)
{
    int        rc;
    z_stream   z;

    imgp_block_align(&t->o);

    memset(&z, 0, sizeof(z));
    inflateInit2(&z, -15);

    z.next_in = t->out;
    z.avail_in = t->o.p - t->out;
    z.next_out = t->back;
    z.avail_out = TEST_DATA;

    rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);

    return rc == Z_STREAM_END && z.avail_in == 0 && z.total_out == n
           && memcmp(t->back, t->data, n) == 0;
}


static void
test_out(test_t *t)
{
    memset(&t->o, 0, sizeof(imgp_block_out_t));
    t->o.p = t->out;
}


int
main(void)
{
    test_t       *t;
    uint32_t      i, k, at, from;
    uint64_t      seed;

    t = malloc(sizeof(test_t));
    seed = 1;

    test_out(t);
    test_begin(t);
    test_end(t, 0, 1);
    ok(test_same(t, 0) && t->o.p - t->out == 2, "empty: two bytes");

    test_out(t);
    test_begin(t);
    at = 0;
    test_seq(t, 10, 0, 0, &at, &seed, 200);
    test_end(t, 0, 1);
    ok(test_same(t, at) && (t->out[0] & 7) == 3, "a little: the fixed code");

    for (k = 0; k < 2; k++) {
        test_out(t);
        test_begin(t);
        at = 0;
        test_seq(t, 150000 - k * 149000, 0, 0, &at, &seed, 256);
        test_end(t, 0, 1);
        ok(test_same(t, at) && (t->out[0] & 7) == !!k
           && t->o.p - t->out < 150000 + 20, "noise is stored: %u", at);
    }

    test_out(t);
    test_begin(t);
    at = 0;
    test_seq(t, 5000, 0, 0, &at, &seed, 9);

    for (i = 3; i <= 258; i++) {
        test_seq(t, i % 4, i, 1 + i % 7, &at, &seed, 9);
    }

    for (i = 1; i <= 32768; i += 1 + i / 9) {
        test_seq(t, 0, 3 + i % 256, imgp_min(i, at), &at, &seed, 9);
    }

    test_seq(t, 7, 0, 0, &at, &seed, 256);
    test_end(t, 0, 1);
    ok(test_same(t, at) && (t->out[0] & 7) == 5,
       "every length, all kinds of distances: %u", at);

    test_out(t);

    for (k = 0, at = 0; k < 12; k++) {
        test_begin(t);
        from = at;

        for (i = 0; i < 20; i++) {
            test_seq(t, 1 + k * 20, 3 + i * k, 1 + (k == 5), &at, &seed,
                     1 + k * k * 2);
        }

        test_end(t, from, k == 11);
    }

    ok(test_same(t, at), "blocks in a row, not aligned: %u", at);

    test_out(t);

    for (k = 0, at = 0; k < 6; k++) {
        test_begin(t);
        from = at;
        test_seq(t, 100 + k, k % 2 ? 0 : 50, k % 2 ? 0 : 1, &at, &seed,
                 k % 2 ? 256 : 3);
        test_end(t, from, k == 5);
    }

    ok(test_same(t, at), "stored ones between others: %u", at);

    free(t);

    return done();
}
