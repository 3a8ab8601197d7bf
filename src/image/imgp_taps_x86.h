
/*
 * What the SSE4.1 and the AVX2 form of the resampler's sums share, besides
 * imgp_taps_loop.h.  PMADDWD multiplies eight or sixteen samples and adds
 * neighbours: over columns the two neighbours are the samples of two rows,
 * along a row they are two samples of it, or of one channel of it.
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


/* two pixels of nc channels to pairs of one channel, as PMADDWD adds them */

static inline IMGP_TAPS_SSE41 __m128i
imgp_taps_order(uint32_t nc)
{
    static const int8_t  orders[4][16] = {
        { 0, 1, 2, 3, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 },
        { 0, 1, 4, 5, 2, 3, 6, 7, -1, -1, -1, -1, -1, -1, -1, -1 },
        { 0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1 },
        { 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15 }
    };

    return imgp_taps_load(orders[nc - 1]);
}


static inline IMGP_TAPS_SSE41 void
imgp_taps_put_8(__m128i sums, u_char *out)
{
    int      bytes;
    __m128i  v;

    v = _mm_add_epi32(sums, _mm_set1_epi32(
                                imgp_taps_half(IMGP_TAPS_BITS_OUT)));
    v = _mm_srai_epi32(v, IMGP_TAPS_BITS_OUT);
    v = _mm_packus_epi16(_mm_packs_epi32(v, v), v);

    bytes = _mm_cvtsi128_si32(v);
    memcpy(out, &bytes, 4);
}


static inline IMGP_TAPS_SSE41 void
imgp_taps_put_16(__m128i sums, int16_t *out)
{
    __m128i  v;

    v = _mm_add_epi32(sums, _mm_set1_epi32(
                                imgp_taps_half(IMGP_TAPS_BITS_16)));
    v = _mm_srai_epi32(v, IMGP_TAPS_BITS_16);

    _mm_storel_epi64((__m128i *) out, _mm_packs_epi32(v, v));
}


/* outputs of one channel that fill no group of four */

static inline void
imgp_taps_rest(const imgp_taps_line_t *line, uint32_t done, const int16_t *in,
    u_char *out)
{
    imgp_taps_line_t  rest;

    rest = *line;
    rest.n -= done;
    rest.first += done;
    rest.coef += (size_t) done * line->stride;

    imgp_taps_plain.line_1_8(in, &rest, out + done);
}


#endif /* _IMGP_TAPS_X86_H_INCLUDED_ */
