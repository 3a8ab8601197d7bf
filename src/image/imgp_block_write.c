
/*
 * Writes deflate's blocks: chooses the form, makes the codes, puts the bits.
 * Called by imgp_deflate.c; any thread, all memory is the caller's.
 *
 * Format: RFC 1951, 3.2.
 */


#include <endian.h>
#include <imgp/imgp_block.h>
#include <imgp/imgp_huffman.h>


#define IMGP_BLOCK_BITS       15      /* of the longest code */
#define IMGP_BLOCK_END        256
#define IMGP_BLOCK_STORED     65535   /* bytes of one stored block */
#define IMGP_BLOCK_FIXED      288     /* the fixed codes have two in reserve */
#define IMGP_BLOCK_CODES_MAX  (IMGP_BLOCK_FIXED + 32)

#define IMGP_BLOCK_HEAD       19      /* the code of the codes' lengths */
#define IMGP_BLOCK_HEAD_BITS  7
#define IMGP_BLOCK_COPY       16      /* its last three: the length before, */
#define IMGP_BLOCK_ZEROS      17      /* a few zeros, */
#define IMGP_BLOCK_MORE       18      /* many zeros */


/* RFC 1951, 3.2.3 */

enum {
    IMGP_BLOCK_KIND_STORED = 0,
    IMGP_BLOCK_KIND_FIXED,
    IMGP_BLOCK_KIND_DYNAMIC
};


typedef struct {
    u_char         lengths[IMGP_BLOCK_CODES_MAX];     /* then distances' */
    uint32_t       ncodes;
    uint32_t       ndistances;
    uint16_t       codes[IMGP_BLOCK_FIXED];
    uint16_t       distances[32];

    /* the head: lengths in runs, a code and its extra bits each */
    u_char         runs[IMGP_BLOCK_CODES_MAX];
    u_char         extras[IMGP_BLOCK_CODES_MAX];
    uint32_t       nruns;
    u_char         head_lengths[IMGP_BLOCK_HEAD];
    uint16_t       head[IMGP_BLOCK_HEAD];
    uint32_t       nhead;
} imgp_block_code_t;


static void imgp_block_dynamic(imgp_block_code_t *code,
    const imgp_block_stat_t *stat);
static void imgp_block_head(imgp_block_code_t *code);
static void imgp_block_runs(imgp_block_code_t *code);
static void imgp_block_run(imgp_block_code_t *code, u_char value, uint32_t n);
static void imgp_block_fixed(imgp_block_code_t *code);
static void imgp_block_codes(imgp_block_code_t *code);
static uint64_t imgp_block_body_size(const imgp_block_code_t *code,
    const imgp_block_stat_t *stat);
static uint64_t imgp_block_head_size(const imgp_block_code_t *code);
static void imgp_block_put_stored(imgp_block_out_t *out,
    const imgp_block_t *block);
static void imgp_block_put_head(imgp_block_out_t *out,
    const imgp_block_code_t *code);
static void imgp_block_put_body(imgp_block_out_t *out,
    const imgp_block_t *block, const imgp_block_code_t *code);
static void imgp_block_put_literals(imgp_block_out_t *out, const u_char *p,
    uint32_t n, const uint32_t *table);
static void imgp_block_put_copy(imgp_block_out_t *out,
    const imgp_block_seq_t *seq, const imgp_block_code_t *code);


/* the order in which the lengths of the head's code stand */

static const u_char  imgp_block_order[IMGP_BLOCK_HEAD] = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
};


/* extra bits of a run in the head: 2, 3 and 7 */

static inline uint32_t
imgp_block_run_bits(uint32_t symbol)
{
    return (symbol < IMGP_BLOCK_COPY) ? 0
           : (symbol == IMGP_BLOCK_MORE) ? 7 : symbol - 14;
}


/* with the flush before, at most 57 bits may come in */

static inline void
imgp_block_bits(imgp_block_out_t *out, uint64_t value, uint32_t n)
{
    out->bits |= value << out->nbits;
    out->nbits += n;
}


static inline void
imgp_block_flush(imgp_block_out_t *out)
{
    uint64_t  le;

    le = htole64(out->bits);
    memcpy(out->p, &le, 8);

    out->p += out->nbits >> 3;
    out->bits >>= out->nbits & ~7u;
    out->nbits &= 7;
}


void
imgp_block_write(imgp_block_out_t *out, const imgp_block_t *block,
    const imgp_block_stat_t *stat)
{
    uint64_t            dynamic, fixed, stored;
    imgp_block_code_t   own, plain;

    imgp_block_dynamic(&own, stat);
    imgp_block_fixed(&plain);

    dynamic = imgp_block_body_size(&own, stat) + imgp_block_head_size(&own);
    fixed = imgp_block_body_size(&plain, stat);
    stored = (block->bytes + 5 * (uint64_t) (block->bytes / IMGP_BLOCK_STORED
                                             + 1)) * 8;

    if (block->raw != NULL && stored < imgp_min(fixed, dynamic)) {
        imgp_block_put_stored(out, block);
        return;
    }

    imgp_block_bits(out, block->last, 1);

    if (fixed <= dynamic) {
        imgp_block_bits(out, IMGP_BLOCK_KIND_FIXED, 2);
        imgp_block_put_body(out, block, &plain);

    } else {
        imgp_block_bits(out, IMGP_BLOCK_KIND_DYNAMIC, 2);
        imgp_block_put_head(out, &own);
        imgp_block_put_body(out, block, &own);
    }
}


static void
imgp_block_dynamic(imgp_block_code_t *code, const imgp_block_stat_t *stat)
{
    uint32_t  counts[IMGP_BLOCK_CODES];

    memcpy(counts, stat->codes, sizeof(counts));
    counts[IMGP_BLOCK_END] = 1;

    imgp_huffman_lengths(counts, IMGP_BLOCK_CODES, IMGP_BLOCK_BITS,
                         code->lengths);

    code->ncodes = IMGP_BLOCK_CODES;

    while (code->ncodes > IMGP_BLOCK_LENGTHS
           && code->lengths[code->ncodes - 1] == 0)
    {
        code->ncodes--;
    }

    imgp_huffman_lengths(stat->distances, IMGP_BLOCK_DISTANCES,
                         IMGP_BLOCK_BITS, code->lengths + code->ncodes);

    code->ndistances = IMGP_BLOCK_DISTANCES;

    while (code->ndistances > 1
           && code->lengths[code->ncodes + code->ndistances - 1] == 0)
    {
        code->ndistances--;
    }

    imgp_block_codes(code);
    imgp_block_head(code);
}


static void
imgp_block_head(imgp_block_code_t *code)
{
    uint32_t  i, counts[IMGP_BLOCK_HEAD];

    imgp_block_runs(code);

    memset(counts, 0, sizeof(counts));

    for (i = 0; i < code->nruns; i++) {
        counts[code->runs[i]]++;
    }

    imgp_huffman_lengths(counts, IMGP_BLOCK_HEAD, IMGP_BLOCK_HEAD_BITS,
                         code->head_lengths);
    imgp_huffman_codes(code->head_lengths, IMGP_BLOCK_HEAD, code->head);

    code->nhead = IMGP_BLOCK_HEAD;

    while (code->nhead > 4
           && code->head_lengths[imgp_block_order[code->nhead - 1]] == 0)
    {
        code->nhead--;
    }
}


static void
imgp_block_runs(imgp_block_code_t *code)
{
    uint32_t       n, left;
    const u_char  *p;

    p = code->lengths;
    code->nruns = 0;

    for (left = code->ncodes + code->ndistances; left > 0; left -= n, p += n) {

        for (n = 1; n < left && p[n] == p[0]; n++) { /* void */ }

        imgp_block_run(code, p[0], n);
    }
}


static void
imgp_block_run(imgp_block_code_t *code, u_char value, uint32_t n)
{
    uint32_t  k, first, most, symbol;

    if (value != 0) {
        code->runs[code->nruns] = value;
        code->extras[code->nruns++] = 0;
        n--;
    }

    while (n >= 3) {
        symbol = (value != 0) ? IMGP_BLOCK_COPY
                              : (n < 11) ? IMGP_BLOCK_ZEROS : IMGP_BLOCK_MORE;
        first = (symbol == IMGP_BLOCK_MORE) ? 11 : 3;
        most = (symbol == IMGP_BLOCK_COPY) ? 6
                                   : (symbol == IMGP_BLOCK_ZEROS) ? 10 : 138;
        k = imgp_min(n, most);

        code->runs[code->nruns] = symbol;
        code->extras[code->nruns++] = k - first;
        n -= k;
    }

    while (n-- > 0) {
        code->runs[code->nruns] = value;
        code->extras[code->nruns++] = 0;
    }
}


/* RFC 1951, 3.2.6 */

static void
imgp_block_fixed(imgp_block_code_t *code)
{
    memset(code->lengths, 8, 144);
    memset(code->lengths + 144, 9, 112);
    memset(code->lengths + 256, 7, 24);
    memset(code->lengths + 280, 8, 8);
    memset(code->lengths + IMGP_BLOCK_FIXED, 5, 32);

    code->ncodes = IMGP_BLOCK_FIXED;
    code->ndistances = 32;

    imgp_block_codes(code);
}


static void
imgp_block_codes(imgp_block_code_t *code)
{
    imgp_huffman_codes(code->lengths, code->ncodes, code->codes);
    imgp_huffman_codes(code->lengths + code->ncodes, code->ndistances,
                       code->distances);
}


static uint64_t
imgp_block_body_size(const imgp_block_code_t *code,
    const imgp_block_stat_t *stat)
{
    uint32_t  i;
    uint64_t  bits;

    bits = 3 + stat->extra + code->lengths[IMGP_BLOCK_END];

    for (i = 0; i < imgp_min(code->ncodes, IMGP_BLOCK_CODES); i++) {
        bits += (uint64_t) stat->codes[i] * code->lengths[i];
    }

    for (i = 0; i < imgp_min(code->ndistances, IMGP_BLOCK_DISTANCES); i++) {
        bits += (uint64_t) stat->distances[i]
                * code->lengths[code->ncodes + i];
    }

    return bits;
}


static uint64_t
imgp_block_head_size(const imgp_block_code_t *code)
{
    uint32_t  i;
    uint64_t  bits;

    bits = 14 + 3 * code->nhead;

    for (i = 0; i < code->nruns; i++) {
        bits += code->head_lengths[code->runs[i]]
                + imgp_block_run_bits(code->runs[i]);
    }

    return bits;
}


static void
imgp_block_put_stored(imgp_block_out_t *out, const imgp_block_t *block)
{
    uint32_t       n, left;
    const u_char  *p;

    p = block->raw;
    left = block->bytes;

    do {
        n = imgp_min(left, IMGP_BLOCK_STORED);
        left -= n;

        imgp_block_bits(out, block->last && left == 0, 1);
        imgp_block_bits(out, IMGP_BLOCK_KIND_STORED, 2);
        imgp_block_align(out);

        imgp_block_bits(out, n, 16);
        imgp_block_bits(out, ~n & 0xffff, 16);
        imgp_block_flush(out);

        memcpy(out->p, p, n);
        out->p += n;
        p += n;

    } while (left > 0);
}


static void
imgp_block_put_head(imgp_block_out_t *out, const imgp_block_code_t *code)
{
    uint32_t  i, c;

    imgp_block_bits(out, code->ncodes - 257, 5);
    imgp_block_bits(out, code->ndistances - 1, 5);
    imgp_block_bits(out, code->nhead - 4, 4);

    for (i = 0; i < code->nhead; i++) {
        imgp_block_flush(out);
        imgp_block_bits(out, code->head_lengths[imgp_block_order[i]], 3);
    }

    for (i = 0; i < code->nruns; i++) {
        c = code->runs[i];

        imgp_block_flush(out);
        imgp_block_bits(out, code->head[c], code->head_lengths[c]);
        imgp_block_bits(out, code->extras[i], imgp_block_run_bits(c));
    }

    imgp_block_flush(out);
}


static void
imgp_block_put_body(imgp_block_out_t *out, const imgp_block_t *block,
    const imgp_block_code_t *code)
{
    uint32_t                 i, table[256];
    const u_char            *p;
    const imgp_block_seq_t  *seq;

    for (i = 0; i < 256; i++) {
        table[i] = code->codes[i] | (uint32_t) code->lengths[i] << 16;
    }

    p = block->literals;

    for (i = 0; i < block->nseqs; i++) {
        seq = &block->seqs[i];

        imgp_block_put_literals(out, p, seq->literals, table);
        p += seq->literals;

        if (seq->length != 0) {
            imgp_block_put_copy(out, seq, code);
        }
    }

    imgp_block_bits(out, code->codes[IMGP_BLOCK_END],
                    code->lengths[IMGP_BLOCK_END]);
    imgp_block_flush(out);
}


/* three codes are 45 bits at most */

static void
imgp_block_put_literals(imgp_block_out_t *out, const u_char *p, uint32_t n,
    const uint32_t *table)
{
    uint32_t          a, b, c;
    imgp_block_out_t  o;

    o = *out;

    for ( /* void */ ; n >= 3; n -= 3, p += 3) {
        a = table[p[0]];
        b = table[p[1]];
        c = table[p[2]];

        imgp_block_bits(&o, a & 0xffff, a >> 16);
        imgp_block_bits(&o, b & 0xffff, b >> 16);
        imgp_block_bits(&o, c & 0xffff, c >> 16);
        imgp_block_flush(&o);
    }

    while (n-- > 0) {
        a = table[*p++];

        imgp_block_bits(&o, a & 0xffff, a >> 16);
        imgp_block_flush(&o);
    }

    *out = o;
}


/* 15 + 5 and 15 + 13 bits at most */

static void
imgp_block_put_copy(imgp_block_out_t *out, const imgp_block_seq_t *seq,
    const imgp_block_code_t *code)
{
    uint32_t  c;

    c = imgp_block_length_code(seq->length);

    imgp_block_bits(out, code->codes[IMGP_BLOCK_LENGTHS + c],
                    code->lengths[IMGP_BLOCK_LENGTHS + c]);
    imgp_block_bits(out, seq->length - imgp_block_length_base(c),
                    imgp_block_length_extra(c));

    c = imgp_block_distance_code(seq->distance);

    imgp_block_bits(out, code->distances[c], code->lengths[code->ncodes + c]);
    imgp_block_bits(out, seq->distance - imgp_block_distance_base(c),
                    imgp_block_distance_extra(c));
    imgp_block_flush(out);
}


void
imgp_block_align(imgp_block_out_t *out)
{
    out->nbits = (out->nbits + 7) & ~7u;

    imgp_block_flush(out);
}
