
/*
 * What the SSE4.1 and the AVX2 form of the resampler's sums share.  PMADDWD
 * multiplies eight or sixteen samples and adds neighbours: over columns the
 * two neighbours are the samples of two rows, along a row they are two samples
 * of it.
 */


#ifndef _IMGP_TAPS_X86_H_INCLUDED_
#define _IMGP_TAPS_X86_H_INCLUDED_


#include <immintrin.h>
#include <imgp/imgp_taps.h>
#include <imgp/imgp_alpha.h>


#define IMGP_TAPS_SSE41  __attribute__((target("sse4.1")))
#define IMGP_TAPS_AVX2   __attribute__((target("avx2")))


#define imgp_taps_load(p)                                                     \
    _mm_loadu_si128((const __m128i *) (p))

#define imgp_taps_load_256(p)                                                 \
    _mm256_loadu_si256((const __m256i *) (p))

/* coefficients k and k + 1; behind the last one is 0 */

#define imgp_taps_pair(coef, taps, k)                                         \
    ((uint16_t) (coef)[k]                                                     \
     | ((k) + 1 < (taps) ? (uint32_t) (uint16_t) (coef)[(k) + 1] << 16 : 0))


#endif /* _IMGP_TAPS_X86_H_INCLUDED_ */
