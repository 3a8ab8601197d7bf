
/*
 * Blocks of quantized DCT coefficients, packed: in a quarter of their size as
 * a rule, since most are 0 and nearly all of the others fit into a byte.  DC is
 * left out: unpacked it is 0.
 */


#ifndef _IMGP_JPEG_COEFS_H_INCLUDED_
#define _IMGP_JPEG_COEFS_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_simd.h>


#define IMGP_JPEG_COEFS_BLOCK  64     /* coefficients */

/* bytes that must be there for n packed blocks, and be readable behind them */

#define IMGP_JPEG_COEFS_SLACK    32
#define imgp_jpeg_coefs_room(n)                                               \
    ((size_t) (n) * (2 + IMGP_JPEG_COEFS_BLOCK * 2) + IMGP_JPEG_COEFS_SLACK)


/* "simd" is of imgp_simd_choose(); gives the bytes used, without the slack */

size_t imgp_jpeg_coefs_pack(uint32_t simd, const int16_t *blocks,
    uint32_t n, u_char *out);
void imgp_jpeg_coefs_unpack(uint32_t simd, const u_char *in, uint32_t n,
    int16_t *blocks);


#endif /* _IMGP_JPEG_COEFS_H_INCLUDED_ */
