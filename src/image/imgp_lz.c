
/*
 * LZ77 by prices: of the earlier places that a hash of four bytes leads to,
 * the one is copied that saves the most bits, if it saves any, and if the
 * next byte does not begin with a better one.  This leaves alone what a
 * search for the longest copy spoils in filtered pictures: short copies from
 * afar.  Called by imgp_deflate.c; any thread, all memory is the caller's.
 */


#include <endian.h>
#include <imgp/imgp_lz.h>


#define IMGP_LZ_FACTOR      0x9e3779b97f4a7c15u      /* of the golden ratio */

#define IMGP_LZ_NEAR        4         /* bytes hashed: the shortest copy, */
#define IMGP_LZ_NEAR_TRIES  16        /* at so many places at most, */
#define IMGP_LZ_NEAR_LIGHT  4
#define IMGP_LZ_FAR         12        /* and the long ones, which */
#define IMGP_LZ_FAR_TRIES   384       /* are few where they are worth most */
#define IMGP_LZ_FAR_LIGHT   16        /* or a run is in hand already */


typedef struct {
    uint32_t           length;        /* 0: none that pays */
    uint32_t           distance;
    uint32_t           gain;          /* parts of a bit, against literals */
} imgp_lz_match_t;


static void imgp_lz_enter(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk,
    uint64_t to);
static void imgp_lz_find(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk,
    uint32_t i, imgp_lz_match_t *best);
static void imgp_lz_follow(const imgp_lz_t *lz, const imgp_lz_chain_t *chain,
    uint32_t hashed, uint32_t tries, const imgp_lz_chunk_t *chunk, uint32_t i,
    imgp_lz_match_t *best);
static void imgp_lz_link(imgp_lz_chain_t *chain, uint32_t hash, uint64_t at);
static void imgp_lz_find_run(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk,
    uint32_t i, imgp_lz_match_t *best);
static void imgp_lz_offer(const imgp_lz_t *lz, uint32_t i, uint32_t length,
    uint32_t distance, imgp_lz_match_t *best);
static void imgp_lz_copy(imgp_lz_chunk_t *chunk, const imgp_lz_match_t *m);


/* of 4 bytes, or of more than 8 */

static inline uint32_t
imgp_lz_hash(const u_char *p, uint32_t n)
{
    uint64_t  v, w;

    memcpy(&v, p, 8);

    if (n > 8) {
        memcpy(&w, p + n - 8, 8);
        v = le64toh(v) * IMGP_LZ_FACTOR ^ le64toh(w);

    } else {
        v = le64toh(v) << (64 - 8 * n);
    }

    return v * IMGP_LZ_FACTOR >> (64 - IMGP_LZ_HASH_BITS);
}


static inline uint32_t
imgp_lz_equal(const u_char *a, const u_char *b, uint32_t max)
{
    uint32_t  n;
    uint64_t  x, y;

    for (n = 0; n + 8 <= max; n += 8) {
        memcpy(&x, a + n, 8);
        memcpy(&y, b + n, 8);

        if (x != y) {
            break;
        }
    }

    while (n < max && a[n] == b[n]) {
        n++;
    }

    return n;
}


void
imgp_lz_init(imgp_lz_t *lz)
{
    memset(lz->far.heads, 0, sizeof(lz->far.heads));
    memset(lz->near.heads, 0, sizeof(lz->near.heads));
    lz->entered = 0;
    lz->light = 1;
}


void
imgp_lz_prices(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk,
    const imgp_block_stat_t *stat)
{
    uint32_t  i, c, sum, codes, distances, literals[256];

    codes = IMGP_BLOCK_CODES;         /* one of each, as all may come */
    distances = IMGP_BLOCK_DISTANCES;

    for (i = 0; i < IMGP_BLOCK_CODES; i++) {
        codes += stat->codes[i];
    }

    for (i = 0; i < IMGP_BLOCK_DISTANCES; i++) {
        distances += stat->distances[i];
    }

    for (i = 0; i < 256; i++) {
        literals[i] = imgp_block_price(stat->codes[i] + 1, codes);
    }

    for (i = IMGP_BLOCK_MATCH_MIN; i <= IMGP_BLOCK_MATCH_MAX; i++) {
        c = imgp_block_length_code(i);

        lz->lengths[i] = imgp_block_length_extra(c) * IMGP_BLOCK_BIT
                + imgp_block_price(stat->codes[IMGP_BLOCK_LENGTHS + c] + 1,
                                   codes);
    }

    for (i = 0; i < IMGP_BLOCK_DISTANCES; i++) {
        lz->distances[i] = imgp_block_distance_extra(i) * IMGP_BLOCK_BIT
                + imgp_block_price(stat->distances[i] + 1, distances);
    }

    for (i = 0, sum = 0; i < chunk->n; i++) {
        lz->sums[i] = sum;
        sum += literals[chunk->p[i]];
    }

    lz->sums[i] = sum;
}


void
imgp_lz_matches(imgp_lz_t *lz, imgp_lz_chunk_t *chunk, uint32_t to)
{
    uint32_t         i;
    imgp_lz_match_t  now, next;

    i = chunk->at;
    to = imgp_min(to, chunk->n);

    while (i < to) {
        imgp_lz_find(lz, chunk, i, &now);

        if (now.length == 0) {
            i++;
            continue;
        }

        while (now.length < IMGP_BLOCK_MATCH_MAX && i + 1 < chunk->n) {
            imgp_lz_find(lz, chunk, i + 1, &next);

            if (next.gain <= now.gain) {
                break;
            }

            now = next;
            i++;
        }

        chunk->literals += i - chunk->at;
        chunk->at = i;

        imgp_lz_copy(chunk, &now);

        i = chunk->at;
    }

    chunk->literals += i - chunk->at;
    chunk->at = i;
}


void
imgp_lz_shorten(imgp_lz_chunk_t *chunk)
{
    imgp_block_seq_t  *seq;

    if (chunk->literals != 0 || chunk->nseqs <= 1) {
        return;
    }

    seq = &chunk->seqs[chunk->nseqs - 1];

    if (seq->length < IMGP_BLOCK_MATCH_MAX) {
        chunk->n -= seq->length;
        chunk->at -= seq->length;
        chunk->literals = seq->literals;
        chunk->nseqs--;
    }
}


static void
imgp_lz_copy(imgp_lz_chunk_t *chunk, const imgp_lz_match_t *m)
{
    imgp_block_seq_t  *seq;

    seq = &chunk->seqs[chunk->nseqs++];

    seq->literals = chunk->literals;
    seq->length = m->length;
    seq->distance = m->distance;

    chunk->literals = 0;
    chunk->at += m->length;
}


static void
imgp_lz_find(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk, uint32_t i,
    imgp_lz_match_t *best)
{
    imgp_uint_t  light;

    best->length = 0;
    best->gain = 0;

    imgp_lz_enter(lz, chunk, chunk->pos + i);
    imgp_lz_find_run(lz, chunk, i, best);

    light = lz->light || best->length >= IMGP_LZ_FAR;

    if (best->length < IMGP_BLOCK_MATCH_MAX) {
        imgp_lz_follow(lz, &lz->far, IMGP_LZ_FAR,
                       light ? IMGP_LZ_FAR_LIGHT : IMGP_LZ_FAR_TRIES, chunk,
                       i, best);
    }

    if (best->length < IMGP_LZ_FAR) {
        imgp_lz_follow(lz, &lz->near, IMGP_LZ_NEAR,
                       light ? IMGP_LZ_NEAR_LIGHT : IMGP_LZ_NEAR_TRIES, chunk,
                       i, best);
    }
}


static void
imgp_lz_follow(const imgp_lz_t *lz, const imgp_lz_chain_t *chain,
    uint32_t hashed, uint32_t tries, const imgp_lz_chunk_t *chunk, uint32_t i,
    imgp_lz_match_t *best)
{
    uint32_t       n, max, here, place, distance;
    const u_char  *p;

    max = imgp_min(chunk->n - i, IMGP_BLOCK_MATCH_MAX);

    if (max < imgp_max(hashed, 8)) {
        return;
    }

    p = chunk->p + i;
    here = chunk->pos + i;
    place = chain->heads[imgp_lz_hash(p, hashed)];
    n = imgp_min(imgp_max(best->length, hashed - 1), max - 1);

    /* positions are modulo 2^32: an alias is looked at, and does no harm */

    for ( /* void */ ; tries > 0 && place != 0; tries--) {
        distance = here - (place - 1);

        if (distance == 0 || distance > IMGP_BLOCK_WINDOW
            || distance > chunk->pos + i)
        {
            break;
        }

        if (p[n] == (p - distance)[n] && memcmp(p, p - distance, 4) == 0) {
            imgp_lz_offer(lz, i, imgp_lz_equal(p, p - distance, max),
                          distance, best);

            if (best->length >= IMGP_BLOCK_MATCH_MAX) {
                break;
            }

            n = imgp_min(imgp_max(n, best->length), max - 1);
        }

        place = chain->links[(place - 1) % IMGP_BLOCK_WINDOW];
    }
}


static void
imgp_lz_find_run(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk, uint32_t i,
    imgp_lz_match_t *best)
{
    uint32_t       n, max;
    const u_char  *p;

    p = chunk->p + i;

    if (chunk->pos + i == 0 || p[0] != p[-1]) {
        return;
    }

    max = imgp_min(chunk->n - i, IMGP_BLOCK_MATCH_MAX);
    n = imgp_lz_equal(p, p - 1, max);

    if (n >= IMGP_BLOCK_MATCH_MIN) {
        imgp_lz_offer(lz, i, n, 1, best);
    }
}


static void
imgp_lz_offer(const imgp_lz_t *lz, uint32_t i, uint32_t length,
    uint32_t distance, imgp_lz_match_t *best)
{
    uint32_t  plain, copy;

    plain = lz->sums[i + length] - lz->sums[i];
    copy = lz->lengths[length]
           + lz->distances[imgp_block_distance_code(distance)];

    if (plain > copy && plain - copy > best->gain) {
        best->length = length;
        best->distance = distance;
        best->gain = plain - copy;
    }
}


/*
 * All positions before "to".  Those in the midst of a run are left out: their
 * chains would be long, and all alike.
 */

static void
imgp_lz_enter(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk, uint64_t to)
{
    uint64_t       a, b, at, end;
    const u_char  *p;

    at = lz->entered;
    end = chunk->pos + chunk->n;

    if (chunk->pos > IMGP_BLOCK_WINDOW) {
        at = imgp_max(at, chunk->pos - IMGP_BLOCK_WINDOW + 1);
    }

    for ( /* void */ ; at < to && at + IMGP_LZ_FAR <= end; at++) {
        p = chunk->p + (ptrdiff_t) (at - chunk->pos);

        if (at != 0) {
            memcpy(&a, p, 8);
            memcpy(&b, p - 1, 8);

            if (a == b) {
                continue;
            }
        }

        imgp_lz_link(&lz->near, imgp_lz_hash(p, IMGP_LZ_NEAR), at);
        imgp_lz_link(&lz->far, imgp_lz_hash(p, IMGP_LZ_FAR), at);
    }

    lz->entered = imgp_max(lz->entered, at);
}


static void
imgp_lz_link(imgp_lz_chain_t *chain, uint32_t hash, uint64_t at)
{
    chain->links[at % IMGP_BLOCK_WINDOW] = chain->heads[hash];
    chain->heads[hash] = at + 1;
}
