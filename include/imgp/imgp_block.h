
/*
 * A block of deflated data (RFC 1951): what stands in it, how often, what it
 * will cost, and its bits.
 */


#ifndef _IMGP_BLOCK_H_INCLUDED_
#define _IMGP_BLOCK_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_BLOCK_CODES      286     /* literals, the end, lengths */
#define IMGP_BLOCK_LENGTHS    257     /* the first of these */
#define IMGP_BLOCK_DISTANCES  30
#define IMGP_BLOCK_MATCH_MIN  3
#define IMGP_BLOCK_MATCH_MAX  258
#define IMGP_BLOCK_WINDOW     32768   /* the greatest distance */

#define IMGP_BLOCK_BIT        16      /* costs are in parts of a bit */


/* bytes as they are, then a copy (length 0: none) */

typedef struct {
    uint32_t       literals;
    uint16_t       length;
    uint16_t       distance;
} imgp_block_seq_t;


typedef struct {
    uint32_t       codes[IMGP_BLOCK_CODES];
    uint32_t       distances[IMGP_BLOCK_DISTANCES];
    uint64_t       extra;             /* bits beside the codes */
} imgp_block_stat_t;                  /* to be zeroed */


typedef struct {
    const u_char            *literals;        /* of all of them */
    uint32_t                 nliterals;
    const u_char            *raw;     /* all of it, if it is there, or NULL */
    const imgp_block_seq_t  *seqs;
    uint32_t                 nseqs;
    uint32_t                 bytes;   /* that it unpacks to */
    imgp_uint_t              last;    /* of the data */
} imgp_block_t;


/* bits that do not yet fill a byte are kept in "bits" */

typedef struct {
    u_char        *p;
    uint64_t       bits;
    uint32_t       nbits;             /* 0..7 between calls */
} imgp_block_out_t;


/* "p": all that the sequences cover, copies too */

void imgp_block_count(imgp_block_stat_t *stat, const u_char *p,
    const imgp_block_seq_t *seqs, uint32_t nseqs);
void imgp_block_add(imgp_block_stat_t *sum, const imgp_block_stat_t *stat);

/* estimates, in parts of a bit: a code that occurs "count" times of "total" */

uint32_t imgp_block_price(uint32_t count, uint32_t total);
uint64_t imgp_block_cost(const imgp_block_stat_t *stat);
uint64_t imgp_block_head_cost(const imgp_block_stat_t *stat);

/*
 * In the shortest of the three forms.  Room for so many bytes must be there;
 * up to 8 bytes behind those written are overwritten.
 */

#define imgp_block_room(literals, nseqs)                                      \
    ((size_t) (literals) * 2 + (size_t) (nseqs) * 6 + 1024)

void imgp_block_write(imgp_block_out_t *out, const imgp_block_t *block,
    const imgp_block_stat_t *stat);
void imgp_block_align(imgp_block_out_t *out);         /* to a whole byte */


/* the alphabets of RFC 1951, 3.2.5 */

static inline uint32_t
imgp_block_length_code(uint32_t length)
{
    uint32_t  n, k;

    n = length - IMGP_BLOCK_MATCH_MIN;

    if (n < 8 || length == IMGP_BLOCK_MATCH_MAX) {
        return (n < 8) ? n : 28;
    }

    k = 31 - __builtin_clz(n);

    return 4 * (k - 1) + (n >> (k - 2) & 3);
}


static inline uint32_t
imgp_block_length_extra(uint32_t code)
{
    return (code < 8 || code == 28) ? 0 : (code >> 2) - 1;
}


static inline uint32_t
imgp_block_length_base(uint32_t code)
{
    if (code < 8 || code == 28) {
        return (code < 8) ? code + IMGP_BLOCK_MATCH_MIN : IMGP_BLOCK_MATCH_MAX;
    }

    return ((4 + (code & 3)) << ((code >> 2) - 1)) + IMGP_BLOCK_MATCH_MIN;
}


static inline uint32_t
imgp_block_distance_code(uint32_t distance)
{
    uint32_t  k;

    if (distance <= 4) {
        return distance - 1;
    }

    k = 31 - __builtin_clz(distance - 1);

    return 2 * k + ((distance - 1) >> (k - 1) & 1);
}


static inline uint32_t
imgp_block_distance_extra(uint32_t code)
{
    return (code < 4) ? 0 : (code >> 1) - 1;
}


static inline uint32_t
imgp_block_distance_base(uint32_t code)
{
    if (code < 4) {
        return code + 1;
    }

    return ((2 + (code & 1)) << ((code >> 1) - 1)) + 1;
}


#endif /* _IMGP_BLOCK_H_INCLUDED_ */
