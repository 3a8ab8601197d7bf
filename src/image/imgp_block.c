
/*
 * Deflate's blocks: what stands in one, and what it will cost.  Called by
 * imgp_deflate.c, which decides what goes into a block, and by imgp_lz.c for
 * its prices; any thread, all memory is the caller's.
 *
 * Whole numbers throughout, so that every machine writes the same bytes.
 *
 * Format: RFC 1951.
 */


#include <imgp/imgp_block.h>


static void imgp_block_literals(imgp_block_stat_t *stat, const u_char *p,
    size_t n, uint32_t counts[4][256]);
static uint64_t imgp_block_entropy(const uint32_t *counts, uint32_t n);


void
imgp_block_count(imgp_block_stat_t *stat, const u_char *p,
    const imgp_block_seq_t *seqs, uint32_t nseqs)
{
    uint32_t  i, c, counts[4][256];

    memset(counts, 0, sizeof(counts));

    for (i = 0; i < nseqs; i++) {
        imgp_block_literals(stat, p, seqs[i].literals, counts);
        p += seqs[i].literals + seqs[i].length;

        if (seqs[i].length == 0) {
            continue;
        }

        c = imgp_block_length_code(seqs[i].length);
        stat->codes[IMGP_BLOCK_LENGTHS + c]++;
        stat->extra += imgp_block_length_extra(c);

        c = imgp_block_distance_code(seqs[i].distance);
        stat->distances[c]++;
        stat->extra += imgp_block_distance_extra(c);
    }

    for (i = 0; i < 256; i++) {
        stat->codes[i] += counts[0][i] + counts[1][i] + counts[2][i]
                          + counts[3][i];
    }
}


/* four tables: equal bytes in a row would wait for each other's count */

static void
imgp_block_literals(imgp_block_stat_t *stat, const u_char *p, size_t n,
    uint32_t counts[4][256])
{
    for ( /* void */ ; n >= 4; n -= 4, p += 4) {
        counts[0][p[0]]++;
        counts[1][p[1]]++;
        counts[2][p[2]]++;
        counts[3][p[3]]++;
    }

    while (n-- > 0) {
        counts[n][*p++]++;
    }
}


void
imgp_block_add(imgp_block_stat_t *sum, const imgp_block_stat_t *stat)
{
    uint32_t  i;

    for (i = 0; i < IMGP_BLOCK_CODES; i++) {
        sum->codes[i] += stat->codes[i];
    }

    for (i = 0; i < IMGP_BLOCK_DISTANCES; i++) {
        sum->distances[i] += stat->distances[i];
    }

    sum->extra += stat->extra;
}


/*
 * log2 in 1/65536: the exponent, and for the rest a cubic that is right
 * at both ends and within 0.001 between them
 */

static inline uint32_t
imgp_block_log2(uint32_t n)
{
    int64_t   f;
    uint32_t  k;

    k = 31 - __builtin_clz(n);
    f = (((uint64_t) n << 16) >> k) - 65536;

    return (k << 16)
           + (uint32_t) (f + (f * (65536 - f) >> 16)
                             * (27329 - (9830 * f >> 16)) / 65536);
}


uint32_t
imgp_block_price(uint32_t count, uint32_t total)
{
    return (imgp_block_log2(total) - imgp_block_log2(count))
           / (65536 / IMGP_BLOCK_BIT);
}


static uint64_t
imgp_block_entropy(const uint32_t *counts, uint32_t n)
{
    uint32_t  i, most, bits;
    uint64_t  sum, total;

    sum = 0;
    total = 0;
    most = 0;

    for (i = 0; i < n; i++) {
        if (counts[i] != 0) {
            total += counts[i];
            sum += (uint64_t) counts[i] * imgp_block_log2(counts[i]);
            most = imgp_max(most, counts[i]);
        }
    }

    if (total == 0) {
        return 0;
    }

    sum = total * imgp_block_log2(total) - sum;

    /* no code is shorter than a bit */

    bits = imgp_block_log2(total) - imgp_block_log2(most);

    if (bits < 65536) {
        sum += (uint64_t) most * (65536 - bits);
    }

    return sum / (65536 / IMGP_BLOCK_BIT);
}


uint64_t
imgp_block_cost(const imgp_block_stat_t *stat)
{
    return imgp_block_entropy(stat->codes, IMGP_BLOCK_CODES)
           + imgp_block_entropy(stat->distances, IMGP_BLOCK_DISTANCES)
           + stat->extra * IMGP_BLOCK_BIT;
}


/* about 6 bits for each code in use, and what is there in any case */

uint64_t
imgp_block_head_cost(const imgp_block_stat_t *stat)
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < IMGP_BLOCK_CODES; i++) {
        n += (stat->codes[i] != 0);
    }

    for (i = 0; i < IMGP_BLOCK_DISTANCES; i++) {
        n += (stat->distances[i] != 0);
    }

    return (80 + 6 * (uint64_t) n) * IMGP_BLOCK_BIT;
}
