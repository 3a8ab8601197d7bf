
/*
 * Runs: found wherever they are, at every length and offset; what is parsed
 * covers the data and gives it back.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_lz.h>


static imgp_block_seq_t  seqs[IMGP_LZ_SEQS];


/* 0, or why the sequences do not give the chunk */

static const char *
test_parse(const imgp_lz_chunk_t *c)
{
    uint32_t  i, k, at;

    for (i = 0, at = 0; i < c->nseqs; i++) {
        at += c->seqs[i].literals;

        if (c->seqs[i].length == 0) {
            if (i + 1 != c->nseqs) {
                return "an empty copy in the midst";
            }

            break;
        }

        if (c->seqs[i].length < 3 || c->seqs[i].length > 258
            || c->seqs[i].distance != 1)
        {
            return "a copy that cannot be written";
        }

        for (k = 0; k < c->seqs[i].length; k++, at++) {
            if (at + c->pos == 0 || at >= c->n
                || c->p[at] != (c->p + at)[-1])
            {
                return "not what it copies";
            }
        }
    }

    return at == c->n && c->literals == 0 ? NULL : "not all of it";
}


static uint32_t
test_copied(const imgp_lz_chunk_t *c)
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < c->nseqs; i++) {
        n += c->seqs[i].length;
    }

    return n;
}


int
main(void)
{
    u_char             *p;
    uint32_t            i, len, at, wrong, before;
    uint64_t            seed;
    imgp_lz_chunk_t     c;
    imgp_block_stat_t   stat;

    p = malloc(IMGP_LZ_CHUNK + 1);
    wrong = 0;

    /* one run of len + 1 equal bytes at each place of a ramp */

    for (len = 1; len < 600; len += 1 + len / 20) {
        for (at = 1; at < 70; at++) {

            for (i = 0; i < 800; i++) {
                p[i] = i;
            }

            memset(p + at, p[at - 1], len);

            if (p[at + len] == p[at - 1]) {
                p[at + len]++;
            }

            imgp_lz_chunk(&c, seqs, p, 800, 0);
            imgp_lz_runs(&c, 1);

            wrong += test_parse(&c) != NULL
                     || test_copied(&c) != (len >= 3 ? len : 0);
        }
    }

    is_int(wrong, 0, "runs of 1..599 at 1..69");

    seed = 3;

    for (i = 0; i < 400; i++) {
        len = 1 + fix_random(&seed) % 300;

        for (at = 0; at <= len; at++) {
            p[at] = fix_random(&seed) % 8 < 6 && at ? p[at - 1]
                                                    : fix_random(&seed);
        }

        imgp_lz_chunk(&c, seqs, p + (i & 1), len, i & 1);
        imgp_lz_runs(&c, 1);
        wrong += test_parse(&c) != NULL;

        memset(&stat, 0, sizeof(stat));
        imgp_block_count(&stat, c.p, seqs, c.nseqs);
        before = test_copied(&c);
        imgp_lz_weigh(&c, &stat);
        wrong += test_parse(&c) != NULL || test_copied(&c) > before;
    }

    is_int(wrong, 0, "random data, at the beginning and with a byte before");

    memset(p, 9, IMGP_LZ_CHUNK);
    imgp_lz_chunk(&c, seqs, p, IMGP_LZ_CHUNK, 0);
    imgp_lz_runs(&c, 0);
    ok(c.n == 1 + 127 * 258 && test_parse(&c) == NULL && c.nseqs == 127,
       "what is left of a long run waits for more");

    imgp_lz_chunk(&c, seqs, p, IMGP_LZ_CHUNK, 0);
    imgp_lz_runs(&c, 1);
    ok(c.n == IMGP_LZ_CHUNK && test_parse(&c) == NULL, "the last one is cut");

    /* zeros cost a bit each here, a run of three much more */

    memset(&stat, 0, sizeof(stat));
    stat.codes[0] = 10000;
    stat.codes[1] = 10000;
    stat.codes[IMGP_BLOCK_LENGTHS] = 1;
    stat.distances[0] = 1;
    memcpy(p, "\1\0\0\0\0\1\0\1\0\0\0\0", 12);
    imgp_lz_chunk(&c, seqs, p, 12, 0);
    imgp_lz_runs(&c, 1);
    is_int(test_copied(&c), 6, "two short runs");
    imgp_lz_weigh(&c, &stat);
    ok(test_copied(&c) == 0 && c.nseqs == 1 && seqs[0].literals == 12,
       "that cost more than their bytes");

    memcpy(p, "abcddddefgh", 11);
    imgp_lz_chunk(&c, seqs, p, 11, 0);
    imgp_lz_runs(&c, 1);
    ok(imgp_lz_reach(&c, 2) == 2 && imgp_lz_reach(&c, 4) == 4
       && imgp_lz_reach(&c, 5) == 8 && imgp_lz_reach(&c, 9) == 11,
       "where so many literals have been");

    free(p);

    return done();
}
