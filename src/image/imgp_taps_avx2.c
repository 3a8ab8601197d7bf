
/*
 * The resampler's sums for AVX2.  Chosen by imgp_taps(); any thread, pure
 * functions.  The loops over a row are those of imgp_taps_loop.h; what is
 * narrower than a register goes to SSE4.1.
 */


#if (__x86_64__)

#include "imgp_taps_x86.h"


#define IMGP_TAPS_(name)   imgp_taps_avx2_ ## name
#define IMGP_TAPS_TABLE    imgp_taps_avx2
#define IMGP_TAPS_TARGET   IMGP_TAPS_AVX2
#define IMGP_TAPS_NARROW   imgp_taps_sse41
#define IMGP_TAPS_COLUMNS  32

#define imgp_taps_avx2_put_8   imgp_taps_put_8
#define imgp_taps_avx2_put_16  imgp_taps_put_16


IMGP_TAPS_AVX2
static void imgp_taps_avx2_block_8(const u_char *const *rows,
    const int16_t *coef, uint32_t taps, size_t x, int16_t *out);
IMGP_TAPS_AVX2
static void imgp_taps_avx2_block_16(const int16_t *const *rows,
    const int16_t *coef, uint32_t taps, size_t x, int16_t *out);
IMGP_TAPS_AVX2
static inline __m256i imgp_taps_avx2_sample(const int16_t *in,
    const int16_t *coef, uint32_t taps);
IMGP_TAPS_AVX2
static void imgp_taps_avx2_line_1_8(const int16_t *in,
    const imgp_taps_line_t *line, u_char *out);
IMGP_TAPS_AVX2
static inline __m128i imgp_taps_avx2_pixel(const int16_t *in, uint32_t nc,
    const int16_t *coef, uint32_t taps);
IMGP_TAPS_AVX2
static void imgp_taps_avx2_premultiply_4(const u_char *rgba, uint32_t width,
    int16_t *fix);


IMGP_TAPS_AVX2
static void
imgp_taps_avx2_block_8(const u_char *const *rows, const int16_t *coef,
    uint32_t taps, size_t x, int16_t *out)
{
    __m256i   a0, a1, a2, a3, pair, p, q, lo, hi, zero;
    uint32_t  k;

    zero = _mm256_setzero_si256();
    a0 = _mm256_set1_epi32(imgp_taps_half(IMGP_TAPS_BITS_8));
    a1 = a0;
    a2 = a0;
    a3 = a0;

    for (k = 0; k < taps; k += 2) {
        pair = _mm256_set1_epi32(imgp_taps_pair(coef, taps, k));

        p = _mm256_loadu_si256((const __m256i *) (rows[k] + x));
        q = _mm256_loadu_si256((const __m256i *)
                               (rows[k + 1 < taps ? k + 1 : k] + x));

        lo = _mm256_unpacklo_epi8(p, q);
        hi = _mm256_unpackhi_epi8(p, q);

        a0 = _mm256_add_epi32(a0, _mm256_madd_epi16(
                                  _mm256_unpacklo_epi8(lo, zero), pair));
        a1 = _mm256_add_epi32(a1, _mm256_madd_epi16(
                                  _mm256_unpackhi_epi8(lo, zero), pair));
        a2 = _mm256_add_epi32(a2, _mm256_madd_epi16(
                                  _mm256_unpacklo_epi8(hi, zero), pair));
        a3 = _mm256_add_epi32(a3, _mm256_madd_epi16(
                                  _mm256_unpackhi_epi8(hi, zero), pair));
    }

    /* columns 0..7 and 16..23, then 8..15 and 24..31 */

    lo = _mm256_packs_epi32(_mm256_srai_epi32(a0, IMGP_TAPS_BITS_8),
                            _mm256_srai_epi32(a1, IMGP_TAPS_BITS_8));
    hi = _mm256_packs_epi32(_mm256_srai_epi32(a2, IMGP_TAPS_BITS_8),
                            _mm256_srai_epi32(a3, IMGP_TAPS_BITS_8));

    _mm256_storeu_si256((__m256i *) (out + x),
                        _mm256_permute2x128_si256(lo, hi, 0x20));
    _mm256_storeu_si256((__m256i *) (out + x + 16),
                        _mm256_permute2x128_si256(lo, hi, 0x31));
}


IMGP_TAPS_AVX2
static void
imgp_taps_avx2_block_16(const int16_t *const *rows, const int16_t *coef,
    uint32_t taps, size_t x, int16_t *out)
{
    __m256i   lo, hi, pair, p, q;
    uint32_t  k;

    lo = _mm256_set1_epi32(imgp_taps_half(IMGP_TAPS_BITS_16));
    hi = lo;

    for (k = 0; k < taps; k += 2) {
        pair = _mm256_set1_epi32(imgp_taps_pair(coef, taps, k));

        p = _mm256_loadu_si256((const __m256i *) (rows[k] + x));
        q = _mm256_loadu_si256((const __m256i *)
                               (rows[k + 1 < taps ? k + 1 : k] + x));

        lo = _mm256_add_epi32(lo, _mm256_madd_epi16(
                                  _mm256_unpacklo_epi16(p, q), pair));
        hi = _mm256_add_epi32(hi, _mm256_madd_epi16(
                                  _mm256_unpackhi_epi16(p, q), pair));
    }

    lo = _mm256_srai_epi32(lo, IMGP_TAPS_BITS_16);
    hi = _mm256_srai_epi32(hi, IMGP_TAPS_BITS_16);

    _mm256_storeu_si256((__m256i *) (out + x), _mm256_packs_epi32(lo, hi));
}


IMGP_TAPS_AVX2
static inline __m256i
imgp_taps_avx2_sample(const int16_t *in, const int16_t *coef, uint32_t taps)
{
    __m256i   sum, p, q;
    uint32_t  k;

    sum = _mm256_setzero_si256();

    for (k = 0; k < taps; k += 16) {
        p = _mm256_loadu_si256((const __m256i *) (in + k));
        q = _mm256_loadu_si256((const __m256i *) (coef + k));

        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(p, q));
    }

    return sum;
}


IMGP_TAPS_AVX2
static void
imgp_taps_avx2_line_1_8(const int16_t *in, const imgp_taps_line_t *line,
    u_char *out)
{
    size_t           stride;
    __m256i          s0, s1, s2, s3;
    uint32_t         i;
    const int16_t   *coef;
    const uint32_t  *first;

    coef = line->coef;
    stride = line->stride;

    for (i = 0; i + 4 <= line->n; i += 4) {
        first = line->first + i;

        s0 = imgp_taps_avx2_sample(in + first[0], coef, line->taps);
        s1 = imgp_taps_avx2_sample(in + first[1], coef + stride, line->taps);
        s2 = imgp_taps_avx2_sample(in + first[2], coef + 2 * stride,
                                   line->taps);
        s3 = imgp_taps_avx2_sample(in + first[3], coef + 3 * stride,
                                   line->taps);
        coef += 4 * stride;

        s0 = _mm256_hadd_epi32(_mm256_hadd_epi32(s0, s1),
                               _mm256_hadd_epi32(s2, s3));

        imgp_taps_put_8(_mm_add_epi32(_mm256_castsi256_si128(s0),
                                      _mm256_extracti128_si256(s0, 1)),
                        out + i);
    }

    imgp_taps_rest(line, i, in, out);
}


/* two pixels in each half */

IMGP_TAPS_AVX2
static inline __m128i
imgp_taps_avx2_pixel(const int16_t *in, uint32_t nc, const int16_t *coef,
    uint32_t taps)
{
    __m256i   sum, p, pairs, order, spread;
    uint32_t  k;

    sum = _mm256_setzero_si256();
    spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    order = _mm256_broadcastsi128_si256(imgp_taps_order(nc));

    for (k = 0; k < taps; k += 4) {
        p = _mm256_inserti128_si256(_mm256_castsi128_si256(imgp_taps_load(in)),
                                    imgp_taps_load(in + 2 * nc), 1);
        pairs = _mm256_castsi128_si256(
                    _mm_loadl_epi64((const __m128i *) (coef + k)));
        pairs = _mm256_permutevar8x32_epi32(pairs, spread);

        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(
                                   _mm256_shuffle_epi8(p, order), pairs));
        in += 4 * nc;
    }

    return _mm_add_epi32(_mm256_castsi256_si128(sum),
                         _mm256_extracti128_si256(sum, 1));
}


IMGP_TAPS_AVX2
static void
imgp_taps_avx2_premultiply_4(const u_char *rgba, uint32_t width, int16_t *fix)
{
    __m256i   v, a, order, full;
    uint32_t  x;

    order = _mm256_setr_epi8(6, 7, 6, 7, 6, 7, 6, 7, 14, 15, 14, 15, 14, 15,
                             14, 15, 6, 7, 6, 7, 6, 7, 6, 7, 14, 15, 14, 15,
                             14, 15, 14, 15);
    full = _mm256_set1_epi16(255);

    for (x = 0; x + 4 <= width; x += 4) {
        v = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)
                                                 (rgba + 4 * (size_t) x)));
        a = _mm256_blend_epi16(_mm256_shuffle_epi8(v, order), full, 0x88);
        v = _mm256_mulhi_epu16(_mm256_mullo_epi16(v, a),
                               _mm256_set1_epi16(IMGP_ALPHA_FACTOR));

        _mm256_storeu_si256((__m256i *) (fix + 4 * (size_t) x), v);
    }

    imgp_taps_plain.premultiply_4(rgba + 4 * (size_t) x, width - x,
                                  fix + 4 * (size_t) x);
}


#include "imgp_taps_loop.h"

#endif
