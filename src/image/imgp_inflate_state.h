
/*
 * What the files of the inflater share: imgp_inflate.c, which owns it, and
 * imgp_inflate_data.c.
 */


#ifndef _IMGP_INFLATE_STATE_H_INCLUDED_
#define _IMGP_INFLATE_STATE_H_INCLUDED_


#include <imgp/imgp_inflate.h>
#include <imgp/imgp_inflate_code.h>

#if (IMGP_HAVE_ISAL)
#include <isa-l/igzip_lib.h>
#endif


#define IMGP_INFLATE_LENS  (IMGP_INFLATE_LITERALS + IMGP_INFLATE_DISTANCES)


typedef enum {
    IMGP_INFLATE_HEAD = 0,
    IMGP_INFLATE_BLOCK,
    IMGP_INFLATE_STORED,
    IMGP_INFLATE_BYTES,
    IMGP_INFLATE_CODES,
    IMGP_INFLATE_CODE_LENGTHS,
    IMGP_INFLATE_SYMBOL_LENGTHS,
    IMGP_INFLATE_DATA,
    IMGP_INFLATE_COPY,
    IMGP_INFLATE_SUM
} imgp_inflate_state_e;


typedef imgp_int_t (*imgp_inflate_pt)(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);


struct imgp_inflate_s {
    imgp_work_t           *work;
    imgp_inflate_pt        run;
    imgp_inflate_pt        fast;

#if (IMGP_HAVE_ISAL)
    struct inflate_state  *isal;
#endif

    imgp_inflate_state_e   state;
    imgp_uint_t            last;      /* block */

    uint64_t               bits;      /* those not yet taken, the next lowest */
    uint32_t               nbits;

    uint32_t               adler;
    uint64_t               before;    /* bytes given by earlier calls */
    u_char                *from;      /* where this call's begin */

    uint32_t               left;      /* bytes to store, or to copy */
    uint32_t               distance;

    uint32_t               nliterals; /* of a block with codes of its own */
    uint32_t               ndistances;
    uint32_t               nlengths;
    uint32_t               i;
    u_char                 lengths[IMGP_INFLATE_LENS];

    uint32_t               literals[IMGP_INFLATE_LITERAL_TABLE];
    uint32_t               distances[IMGP_INFLATE_DISTANCE_TABLE];
    uint32_t               codes[IMGP_INFLATE_LENGTH_TABLE];
};


/* OK: the state's next step; DECLINED: there is no room */

imgp_int_t imgp_inflate_data(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
imgp_int_t imgp_inflate_copy(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
imgp_inflate_pt imgp_inflate_fast(uint32_t simd);


/* are so many bits there?  As many as there is room for are loaded */

static inline imgp_uint_t
imgp_inflate_has(imgp_inflate_t *z, imgp_str_t *in, uint32_t n)
{
    while (z->nbits <= 55 && in->len > 0) {
        z->bits |= (uint64_t) *in->data++ << z->nbits;
        z->nbits += 8;
        in->len--;
    }

    return z->nbits >= n;
}


static inline uint32_t
imgp_inflate_take(imgp_inflate_t *z, uint32_t n)
{
    uint32_t  v;

    v = z->bits & ((1ull << n) - 1);

    z->bits >>= n;
    z->nbits -= n;

    return v;
}


#endif /* _IMGP_INFLATE_STATE_H_INCLUDED_ */
