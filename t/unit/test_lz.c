
/*
 * Copies: right wherever they are found, from the far end of the window and
 * over the borders of chunks; and worth their price.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_lz.h>


#define TEST_DATA  (5 * IMGP_LZ_CHUNK)


static imgp_lz_t          lz;
static imgp_block_seq_t   seqs[IMGP_LZ_SEQS];


/* all of the data in chunks; the number of bytes copied, or -1 */

static long
test_parse(const u_char *data, uint32_t n, uint32_t step, uint64_t base,
    imgp_uint_t light)
{
    long                copied;
    uint32_t            i, k, at, pos, end;
    imgp_lz_chunk_t     c;
    imgp_block_stat_t   stat;

    imgp_lz_init(&lz);
    lz.light = light;
    lz.entered = base;
    copied = 0;

    /* far from the beginning there must be a window before the chunk */

    for (pos = base ? IMGP_BLOCK_WINDOW : 0; pos < n; pos += c.n) {
        memset(&stat, 0, sizeof(stat));
        for (i = 0; i < 256; i++) {
            stat.codes[i] = 100;
        }

        imgp_lz_chunk(&c, seqs, data + pos, imgp_min(step, n - pos),
                      base + pos);
        imgp_lz_prices(&lz, &c, &stat);
        imgp_lz_matches(&lz, &c, c.n / 3);
        imgp_lz_matches(&lz, &c, c.n);

        if (pos + c.n < n) {
            imgp_lz_shorten(&c);
        }

        imgp_lz_end(&c);

        for (i = 0, at = pos; i < c.nseqs; i++) {
            at += seqs[i].literals;
            end = at + seqs[i].length;
            copied += seqs[i].length;

            for (k = at; k < end; k++) {
                if (seqs[i].length < 3 || seqs[i].length > 258
                    || seqs[i].distance > k || seqs[i].distance > 32768
                    || data[k] != data[k - seqs[i].distance])
                {
                    printf("# copy of %u from %u at %u\n", seqs[i].length,
                           seqs[i].distance, at);
                    return -1;
                }
            }

            at = end;
        }

        if (at != pos + c.n || c.n == 0) {
            printf("# %u covered, not %u\n", at, pos + c.n);
            return -1;
        }
    }

    return copied;
}


int
main(void)
{
    long      copied;
    u_char   *data;
    uint32_t  i, k;
    uint64_t  seed;

    data = malloc(TEST_DATA);
    seed = 7;

    for (i = 0; i < TEST_DATA; i++) {
        data[i] = fix_random(&seed);
    }

    is_int(test_parse(data, TEST_DATA, IMGP_LZ_CHUNK, 0, 0), 0,
           "there is nothing to copy in noise");

    for (i = 32768; i < TEST_DATA; i++) {
        data[i] = data[i - 32768];
    }

    copied = test_parse(data, TEST_DATA, IMGP_LZ_CHUNK, 0, 0);
    ok(copied > TEST_DATA - 32768 - 1000, "at the window's far end: %ld",
       copied);

    for (i = 32769; i < TEST_DATA; i++) {
        data[i] = data[i - 32769];
    }

    is_int(test_parse(data, TEST_DATA, IMGP_LZ_CHUNK, 0, 0), 0,
           "and not behind it");

    /* words of few letters in any order */

    for (i = 0; i + 20 < TEST_DATA; i += k) {
        k = 5 + fix_random(&seed) % 12;
        memcpy(data + i, "a stitch in time saves nine words"
                         + fix_random(&seed) % 8, k);
    }

    for (k = 0; k < 2; k++) {
        copied = test_parse(data, i, IMGP_LZ_CHUNK, 0, k);
        ok(copied > (long) i * 9 / 10, "words: %ld of %u", copied, i);
    }

    copied = test_parse(data, i, 700, 0, 0);
    ok(copied > (long) i * 8 / 10, "in small chunks: %ld", copied);

    /* positions of more than 32 bits */

    copied = test_parse(data, i, IMGP_LZ_CHUNK, 0xffff0000u, 0);
    ok(copied > (long) (i - IMGP_BLOCK_WINDOW) * 8 / 10,
       "past 4 GiB: %ld", copied);

    memset(data, 0, TEST_DATA);
    copied = test_parse(data, TEST_DATA, IMGP_LZ_CHUNK, 0, 0);
    ok(copied >= TEST_DATA - 20, "zeros: %ld", copied);

    for (i = 1; i < 40; i++) {
        if (test_parse(data + TEST_DATA - i, i, IMGP_LZ_CHUNK, 0, 0) < 0) {
            break;
        }
    }

    is_int(i, 40, "a few bytes");

    free(data);

    return done();
}
