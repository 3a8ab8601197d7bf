
/*
 * What to copy in data that is to be deflated: runs of a byte, or whatever
 * stood in the window before (LZ77).
 */


#ifndef _IMGP_LZ_H_INCLUDED_
#define _IMGP_LZ_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_block.h>


#define IMGP_LZ_CHUNK      32768      /* bytes looked at in one go */
#define IMGP_LZ_SEQS       (IMGP_LZ_CHUNK / IMGP_BLOCK_MATCH_MIN + 2)

#define IMGP_LZ_HASH_BITS  15


/* up to IMGP_LZ_CHUNK bytes, with the window before them in memory */

typedef struct {
    const u_char      *p;
    uint32_t           n;
    uint64_t           pos;           /* of p in all the data */

    imgp_block_seq_t  *seqs;          /* room for IMGP_LZ_SEQS */
    uint32_t           nseqs;
    uint32_t           at;            /* the first byte not looked at yet */
    uint32_t           literals;      /* before it, not in a sequence yet */
} imgp_lz_chunk_t;


/* of each hash the last position, of each position the one before it */

typedef struct {
    uint32_t           heads[1 << IMGP_LZ_HASH_BITS];
    uint32_t           links[IMGP_BLOCK_WINDOW];
} imgp_lz_chain_t;


typedef struct {
    imgp_lz_chain_t    far;           /* places equal in many bytes */
    imgp_lz_chain_t    near;          /* in a few */
    imgp_uint_t        light;         /* a short search will do */
    uint64_t           entered;       /* all positions before this one */

    /* prices in parts of a bit: by length, by a distance's code */
    uint32_t           lengths[IMGP_BLOCK_MATCH_MAX + 1];
    uint32_t           distances[IMGP_BLOCK_DISTANCES];

    /* what the chunk's first bytes cost as literals */
    uint32_t           sums[IMGP_LZ_CHUNK + 1];
} imgp_lz_t;


void imgp_lz_chunk(imgp_lz_chunk_t *chunk, imgp_block_seq_t *seqs,
    const u_char *p, uint32_t n, uint64_t pos);

/*
 * Runs of one byte, all of the chunk; but what is left of a long run at its
 * end is cut off, to go on with the next one, if there is more to come
 */

void imgp_lz_runs(imgp_lz_chunk_t *chunk, imgp_uint_t last);

/* runs that cost more than their bytes become literals again */

void imgp_lz_weigh(imgp_lz_chunk_t *chunk, const imgp_block_stat_t *stat);

/* where in the chunk so many literals have been seen; its end: nowhere */

uint32_t imgp_lz_reach(const imgp_lz_chunk_t *chunk, uint32_t literals);

/*
 * Copies from anywhere, up to the byte "to" of the chunk or a bit further, by
 * the prices that follow from what is thought to be in it.
 */

void imgp_lz_init(imgp_lz_t *lz);
void imgp_lz_prices(imgp_lz_t *lz, const imgp_lz_chunk_t *chunk,
    const imgp_block_stat_t *stat);
void imgp_lz_matches(imgp_lz_t *lz, imgp_lz_chunk_t *chunk, uint32_t to);

/* without the copy at the end, which may be longer with what follows */

void imgp_lz_shorten(imgp_lz_chunk_t *chunk);

/* the literals that are left become a sequence */

void imgp_lz_end(imgp_lz_chunk_t *chunk);


#endif /* _IMGP_LZ_H_INCLUDED_ */
