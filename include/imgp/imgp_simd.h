
/*
 * Which SIMD code may run: the one dispatch of all loops that have several
 * forms.  Every form gives the same bytes as the plain one.
 */


#ifndef _IMGP_SIMD_H_INCLUDED_
#define _IMGP_SIMD_H_INCLUDED_


#include <imgp/imgp_types.h>


typedef enum {
    IMGP_SIMD_BEST = 0,               /* of what this machine has */
    IMGP_SIMD_NONE,                   /* plain C, the reference */
    IMGP_SIMD_SSE41,
    IMGP_SIMD_AVX2,
    IMGP_SIMD_NEON,

    IMGP_SIMD_MAX
} imgp_simd_e;


/* one of the above but BEST: "wanted", or NONE where that cannot run here */

uint32_t imgp_simd_choose(uint32_t wanted);
const char *imgp_simd_name(uint32_t simd);


#endif /* _IMGP_SIMD_H_INCLUDED_ */
