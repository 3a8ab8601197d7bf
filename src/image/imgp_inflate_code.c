
/*
 * Tables of deflate's codes.  Called by imgp_inflate.c for every block; any
 * thread, all memory is the caller's.
 *
 * Codes come with their first bit lowest, so an entry is repeated at all
 * indices that end in its code: the table is filled for codes of one bit and
 * doubled for each bit more.  Codes longer than the index have tables of their
 * own behind it.  Then two literals become one entry where the index holds
 * both, as each look-up has to wait for the one before it.
 *
 * RFC 1951, 3.2; what is a code at all is zlib's judgement.  The sizes of the
 * tables are the greatest that any code needs (zlib, examples/enough.c).
 */


#include <imgp/imgp_inflate_code.h>
#include <imgp/imgp_block.h>


#define IMGP_INFLATE_CODE_MAX  15     /* bits */


typedef struct {
    uint32_t      *table;
    uint32_t       bits;              /* of the index */
    uint32_t       size;
    uint32_t       used;              /* entries */
    uint32_t       code;              /* the next one, first bit lowest */
    uint32_t       counts[IMGP_INFLATE_CODE_MAX + 1];
    uint16_t       symbols[IMGP_INFLATE_LITERALS];    /* in their order */
} imgp_inflate_fill_t;


static imgp_int_t imgp_inflate_code_check(const uint32_t *counts,
    imgp_uint_t whole);
static void imgp_inflate_code_sort(imgp_inflate_fill_t *fill,
    const u_char *lengths, uint32_t n);
static void imgp_inflate_code_next(imgp_inflate_fill_t *fill, uint32_t len);
static const uint16_t *imgp_inflate_code_short(imgp_inflate_fill_t *fill,
    imgp_inflate_code_e kind);
static imgp_int_t imgp_inflate_code_long(imgp_inflate_fill_t *fill,
    imgp_inflate_code_e kind, const uint16_t *symbol);
static imgp_int_t imgp_inflate_code_more(imgp_inflate_fill_t *fill,
    uint32_t len, uint32_t *start);
static uint32_t imgp_inflate_code_entry(imgp_inflate_code_e kind,
    uint32_t symbol, uint32_t len);
static void imgp_inflate_code_pairs(uint32_t *table, uint32_t bits);


static const uint32_t  imgp_inflate_code_bits[] = {
    IMGP_INFLATE_LITERAL_BITS, IMGP_INFLATE_DISTANCE_BITS,
    IMGP_INFLATE_LENGTH_BITS
};

static const uint32_t  imgp_inflate_code_sizes[] = {
    IMGP_INFLATE_LITERAL_TABLE, IMGP_INFLATE_DISTANCE_TABLE,
    IMGP_INFLATE_LENGTH_TABLE
};


imgp_int_t
imgp_inflate_code(imgp_inflate_code_e kind, const u_char *lengths, uint32_t n,
    uint32_t *table)
{
    uint32_t              i;
    const uint16_t       *symbol;
    imgp_inflate_fill_t   fill;

    fill.table = table;
    fill.bits = imgp_inflate_code_bits[kind];
    fill.size = imgp_inflate_code_sizes[kind];
    fill.used = 1 << fill.bits;
    fill.code = 0;

    imgp_inflate_code_sort(&fill, lengths, n);

    if (imgp_inflate_code_check(fill.counts, kind == IMGP_INFLATE_OF_LENGTHS)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    for (i = 0; i < fill.used; i++) {
        table[i] = IMGP_INFLATE_BAD | 1 << 12 | 1;
    }

    symbol = imgp_inflate_code_short(&fill, kind);

    if (imgp_inflate_code_long(&fill, kind, symbol) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (kind == IMGP_INFLATE_OF_LITERALS) {
        imgp_inflate_code_pairs(table, fill.bits);
    }

    return IMGP_OK;
}


/* all of a code must be there; "whole": even one of a single symbol */

static imgp_int_t
imgp_inflate_code_check(const uint32_t *counts, imgp_uint_t whole)
{
    int32_t   left;
    uint32_t  len, longest;

    left = 1;
    longest = 0;

    for (len = 1; len <= IMGP_INFLATE_CODE_MAX; len++) {
        left = 2 * left - (int32_t) counts[len];

        if (left < 0) {
            return IMGP_ERROR;
        }

        if (counts[len] != 0) {
            longest = len;
        }
    }

    return (left == 0 || longest == 0 || (!whole && longest == 1))
               ? IMGP_OK : IMGP_ERROR;
}


static void
imgp_inflate_code_sort(imgp_inflate_fill_t *fill, const u_char *lengths,
    uint32_t n)
{
    uint32_t  i, len, at[IMGP_INFLATE_CODE_MAX + 2];

    memset(fill->counts, 0, sizeof(fill->counts));

    for (i = 0; i < n; i++) {
        fill->counts[lengths[i]]++;
    }

    fill->counts[0] = 0;
    at[1] = 0;

    for (len = 1; len <= IMGP_INFLATE_CODE_MAX; len++) {
        at[len + 1] = at[len] + fill->counts[len];
    }

    for (i = 0; i < n; i++) {
        if (lengths[i] != 0) {
            fill->symbols[at[lengths[i]]++] = i;
        }
    }
}


/* one more, with the first bit lowest */

static void
imgp_inflate_code_next(imgp_inflate_fill_t *fill, uint32_t len)
{
    uint32_t  bit;

    bit = 1 << (len - 1);

    while (fill->code & bit) {
        bit >>= 1;
    }

    fill->code = bit ? (fill->code & (bit - 1)) | bit : 0;
}


/* gives the first symbol of those that have a longer code */

static const uint16_t *
imgp_inflate_code_short(imgp_inflate_fill_t *fill, imgp_inflate_code_e kind)
{
    uint32_t         i, len;
    const uint16_t  *symbol;

    symbol = fill->symbols;

    for (len = 1; len <= fill->bits; len++) {

        if (len > 1) {
            memcpy(fill->table + (1 << (len - 1)), fill->table,
                   sizeof(uint32_t) << (len - 1));
        }

        for (i = 0; i < fill->counts[len]; i++) {
            fill->table[fill->code] = imgp_inflate_code_entry(kind, *symbol++,
                                                              len);
            imgp_inflate_code_next(fill, len);
        }
    }

    return symbol;
}


static imgp_int_t
imgp_inflate_code_long(imgp_inflate_fill_t *fill, imgp_inflate_code_e kind,
    const uint16_t *symbol)
{
    uint32_t  k, len, mask, prefix, start;

    mask = (1 << fill->bits) - 1;
    prefix = UINT32_MAX;
    start = 0;

    for (len = fill->bits + 1; len <= IMGP_INFLATE_CODE_MAX; len++) {

        /* what is left of the counts is what the next table is for */

        for ( /* void */ ; fill->counts[len] > 0; fill->counts[len]--) {

            if ((fill->code & mask) != prefix) {
                prefix = fill->code & mask;

                if (imgp_inflate_code_more(fill, len, &start) != IMGP_OK) {
                    return IMGP_ERROR;
                }
            }

            for (k = start + (fill->code >> fill->bits); k < fill->used;
                 k += 1 << (len - fill->bits))
            {
                fill->table[k] = imgp_inflate_code_entry(kind, *symbol,
                                                         len - fill->bits);
            }

            symbol++;
            imgp_inflate_code_next(fill, len);
        }
    }

    return IMGP_OK;
}


/* a table of those that begin as this code does, as large as they fill it */

static imgp_int_t
imgp_inflate_code_more(imgp_inflate_fill_t *fill, uint32_t len,
    uint32_t *start)
{
    uint32_t  bits, filled;

    bits = len - fill->bits;
    filled = fill->counts[len];

    while (filled < 1u << bits && len < IMGP_INFLATE_CODE_MAX) {
        bits++;
        filled = 2 * filled + fill->counts[++len];
    }

    *start = fill->used;
    fill->used += 1 << bits;

    if (fill->used > fill->size) {
        return IMGP_ERROR;
    }

    fill->table[fill->code & ((1 << fill->bits) - 1)] =
                                *start << 16 | bits << 12 | IMGP_INFLATE_MORE
                                | fill->bits;

    return IMGP_OK;
}


static uint32_t
imgp_inflate_code_entry(imgp_inflate_code_e kind, uint32_t symbol,
    uint32_t len)
{
    uint32_t  e;

    e = len << 12 | len;

    switch (kind) {

    case IMGP_INFLATE_OF_LITERALS:

        if (symbol < IMGP_BLOCK_LENGTHS) {
            return e | ((symbol < 256) ? symbol << 16 | IMGP_INFLATE_LITERAL
                                       : IMGP_INFLATE_END);
        }

        if (symbol >= IMGP_BLOCK_CODES) {
            return e | IMGP_INFLATE_BAD;
        }

        symbol -= IMGP_BLOCK_LENGTHS;

        return e + imgp_block_length_extra(symbol)
               + (imgp_block_length_base(symbol) << 16);

    case IMGP_INFLATE_OF_DISTANCES:

        if (symbol >= IMGP_BLOCK_DISTANCES) {
            return e | IMGP_INFLATE_BAD;
        }

        return e + imgp_block_distance_extra(symbol)
               + (imgp_block_distance_base(symbol) << 16);

    default: /* IMGP_INFLATE_OF_LENGTHS */

        return e | symbol << 16;
    }
}


/* downwards: what follows a literal is found at a lower index, still alone */

static void
imgp_inflate_code_pairs(uint32_t *table, uint32_t bits)
{
    uint32_t  i, e, next, len;

    for (i = 1 << bits; i-- > 0; /* void */ ) {
        e = table[i];

        if (!(e & IMGP_INFLATE_LITERAL)) {
            continue;
        }

        len = imgp_inflate_own(e);
        next = table[i >> len];

        if ((next & IMGP_INFLATE_LITERAL)
            && len + imgp_inflate_own(next) <= bits)
        {
            table[i] = (e | IMGP_INFLATE_PAIR
                        | imgp_inflate_value(next) << 24)
                       + imgp_inflate_own(next);
        }
    }
}
