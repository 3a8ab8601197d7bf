
/*
 * Runs of one byte, as copies at distance 1: all there is to copy in filtered
 * photographs, and found at the speed of reading.  Called by imgp_deflate.c;
 * any thread, all memory is the caller's.
 *
 * A run begins where three bytes are equal to the one before each of them.
 */


#include <imgp/imgp_lz.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif


#define IMGP_LZ_SHORT  8              /* longer runs are always worth it */


static uint32_t imgp_lz_next_run(const u_char *p, uint32_t i, uint32_t n);
static uint32_t imgp_lz_run_end(const u_char *p, uint32_t i, uint32_t n);
static void imgp_lz_put_run(imgp_lz_chunk_t *chunk, uint32_t i, uint32_t end);


void
imgp_lz_chunk(imgp_lz_chunk_t *chunk, imgp_block_seq_t *seqs,
    const u_char *p, uint32_t n, uint64_t pos)
{
    memset(chunk, 0, sizeof(imgp_lz_chunk_t));

    chunk->p = p;
    chunk->n = n;
    chunk->pos = pos;
    chunk->seqs = seqs;
}


void
imgp_lz_end(imgp_lz_chunk_t *chunk)
{
    imgp_block_seq_t  *seq;

    chunk->literals += chunk->n - chunk->at;
    chunk->at = chunk->n;

    if (chunk->literals != 0) {
        seq = &chunk->seqs[chunk->nseqs++];

        seq->literals = chunk->literals;
        seq->length = 0;
        seq->distance = 0;

        chunk->literals = 0;
    }
}


void
imgp_lz_runs(imgp_lz_chunk_t *chunk, imgp_uint_t last)
{
    uint32_t  i, end;

    i = (chunk->pos == 0);            /* nothing to be equal to */

    for ( ;; ) {
        i = imgp_lz_next_run(chunk->p, i, chunk->n);

        if (i >= chunk->n) {
            break;
        }

        end = imgp_lz_run_end(chunk->p, i, chunk->n);

        if (end == chunk->n && end - i > IMGP_BLOCK_MATCH_MAX && !last) {
            end -= (end - i) % IMGP_BLOCK_MATCH_MAX;
            chunk->n = end;
        }

        imgp_lz_put_run(chunk, i, end);

        i = end;
    }

    imgp_lz_end(chunk);
}


/* in pieces, none of them too short */

static void
imgp_lz_put_run(imgp_lz_chunk_t *chunk, uint32_t i, uint32_t end)
{
    uint32_t           len, left;
    imgp_block_seq_t  *seq;

    for (left = end - i; left > 0; left -= len) {
        len = imgp_min(left, IMGP_BLOCK_MATCH_MAX);

        if (left > len && left - len < IMGP_BLOCK_MATCH_MIN) {
            len = left - IMGP_BLOCK_MATCH_MIN;
        }

        seq = &chunk->seqs[chunk->nseqs++];

        seq->literals = i - chunk->at;
        seq->length = len;
        seq->distance = 1;

        i += len;
        chunk->at = i;
    }
}


#if defined(__SSE2__)

static uint32_t
imgp_lz_next_run(const u_char *p, uint32_t i, uint32_t n)
{
    uint32_t       m;
    __m128i        a, b;
    const u_char  *before;

    before = p - 1;

    /* a run may begin in the last two bytes of the 16, and is seen next */

    for ( /* void */ ; i + 16 <= n; i += 14) {
        a = _mm_loadu_si128((const __m128i *) (p + i));
        b = _mm_loadu_si128((const __m128i *) (before + i));

        m = _mm_movemask_epi8(_mm_cmpeq_epi8(a, b));
        m &= m >> 1 & m >> 2;

        if (m != 0) {
            return i + __builtin_ctz(m);
        }
    }

    for ( /* void */ ; i + 3 <= n; i++) {
        if (p[i] == before[i] && p[i + 1] == p[i] && p[i + 2] == p[i]) {
            return i;
        }
    }

    return n;
}

#else

static uint32_t
imgp_lz_next_run(const u_char *p, uint32_t i, uint32_t n)
{
    uint32_t       k;
    const u_char  *before;

    before = p - 1;

    while (i + 3 <= n) {

        /* the last of the three first: most often that is enough */

        for (k = 2; k > 0 && p[i + k] == before[i + k]; k--) { /* void */ }

        if (k == 0 && p[i] == before[i]) {
            return i;
        }

        i += k + 1;
    }

    return n;
}

#endif


static uint32_t
imgp_lz_run_end(const u_char *p, uint32_t i, uint32_t n)
{
    uint64_t       a, b;
    const u_char  *before;

    before = p - 1;

    for ( /* void */ ; i + 8 <= n; i += 8) {
        memcpy(&a, p + i, 8);
        memcpy(&b, before + i, 8);

        if (a != b) {
            break;
        }
    }

    while (i < n && p[i] == before[i]) {
        i++;
    }

    return i;
}


void
imgp_lz_weigh(imgp_lz_chunk_t *chunk, const imgp_block_stat_t *stat)
{
    uint32_t           i, n, c, codes, distances, one, copy, plain, kept;
    const u_char      *p;
    imgp_block_seq_t  *seq, *seqs;

    codes = 0;
    distances = 0;

    for (i = 0; i < IMGP_BLOCK_CODES; i++) {
        codes += stat->codes[i];
    }

    for (i = 0; i < IMGP_BLOCK_DISTANCES; i++) {
        distances += stat->distances[i];
    }

    if (distances == 0) {
        return;
    }

    one = imgp_block_price(imgp_max(stat->distances[0], 1), distances);
    p = chunk->p;
    seqs = chunk->seqs;
    kept = 0;
    n = 0;

    for (i = 0; i < chunk->nseqs; i++) {
        seq = &chunk->seqs[i];
        p += seq->literals;

        if (seq->length != 0 && seq->length <= IMGP_LZ_SHORT) {
            c = imgp_block_length_code(seq->length);
            copy = one + imgp_block_price(stat->codes[IMGP_BLOCK_LENGTHS + c],
                                          codes);
            plain = seq->length * imgp_block_price(stat->codes[*p] + 1,
                                                   codes + 1);

            if (copy >= plain) {
                n += seq->literals + seq->length;
                p += seq->length;
                continue;
            }
        }

        p += seq->length;

        seqs[kept] = *seq;
        seqs[kept++].literals += n;
        n = 0;
    }

    chunk->nseqs = kept;
    chunk->literals = n;

    imgp_lz_end(chunk);
}


uint32_t
imgp_lz_reach(const imgp_lz_chunk_t *chunk, uint32_t literals)
{
    uint32_t                 i, at;
    const imgp_block_seq_t  *seq;

    for (i = 0, at = 0; i < chunk->nseqs; i++) {
        seq = &chunk->seqs[i];

        if (seq->literals >= literals) {
            return at + literals;
        }

        literals -= seq->literals;
        at += seq->literals + seq->length;
    }

    return chunk->n;
}
