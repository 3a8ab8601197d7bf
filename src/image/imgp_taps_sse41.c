
/*
 * The resampler's sums for SSE4.1.  Chosen by imgp_taps(); any thread, pure
 * functions.  The loops over a row are those of imgp_taps_loop.h; what is
 * narrower than a register goes to plain C.
 */


#if (__x86_64__)

#include "imgp_taps_x86.h"


#define IMGP_TAPS_(name)   imgp_taps_sse41_ ## name
#define IMGP_TAPS_TABLE    imgp_taps_sse41
#define IMGP_TAPS_TARGET   IMGP_TAPS_SSE41
#define IMGP_TAPS_NARROW   imgp_taps_plain
#define IMGP_TAPS_COLUMNS  16

#define imgp_taps_sse41_put_8   imgp_taps_put_8
#define imgp_taps_sse41_put_16  imgp_taps_put_16


IMGP_TAPS_SSE41
static void imgp_taps_sse41_block_8(const u_char *const *rows,
    const int16_t *coef, uint32_t taps, size_t x, int16_t *out);
IMGP_TAPS_SSE41
static void imgp_taps_sse41_block_16(const int16_t *const *rows,
    const int16_t *coef, uint32_t taps, size_t x, int16_t *out);
IMGP_TAPS_SSE41
static void imgp_taps_sse41_line_1_8(const int16_t *in,
    const imgp_taps_line_t *line, u_char *out);
IMGP_TAPS_SSE41
static inline __m128i imgp_taps_sse41_pixel(const int16_t *in, uint32_t nc,
    const int16_t *coef, uint32_t taps);
IMGP_TAPS_SSE41
static void imgp_taps_sse41_premultiply_4(const u_char *rgba, uint32_t width,
    int16_t *fix);


IMGP_TAPS_SSE41
static void
imgp_taps_sse41_block_8(const u_char *const *rows, const int16_t *coef,
    uint32_t taps, size_t x, int16_t *out)
{
    __m128i   a[4], pair, p, q, lo, hi, zero;
    uint32_t  k, i;

    zero = _mm_setzero_si128();

    for (i = 0; i < 4; i++) {
        a[i] = _mm_set1_epi32(imgp_taps_half(IMGP_TAPS_BITS_8));
    }

    for (k = 0; k < taps; k += 2) {
        pair = _mm_set1_epi32(imgp_taps_pair(coef, taps, k));

        p = imgp_taps_load(rows[k] + x);
        q = imgp_taps_load(rows[k + 1 < taps ? k + 1 : k] + x);

        lo = _mm_unpacklo_epi8(p, q);
        hi = _mm_unpackhi_epi8(p, q);

        a[0] = _mm_add_epi32(a[0], _mm_madd_epi16(
                                 _mm_unpacklo_epi8(lo, zero), pair));
        a[1] = _mm_add_epi32(a[1], _mm_madd_epi16(
                                 _mm_unpackhi_epi8(lo, zero), pair));
        a[2] = _mm_add_epi32(a[2], _mm_madd_epi16(
                                 _mm_unpacklo_epi8(hi, zero), pair));
        a[3] = _mm_add_epi32(a[3], _mm_madd_epi16(
                                 _mm_unpackhi_epi8(hi, zero), pair));
    }

    for (i = 0; i < 4; i++) {
        a[i] = _mm_srai_epi32(a[i], IMGP_TAPS_BITS_8);
    }

    _mm_storeu_si128((__m128i *) (out + x), _mm_packs_epi32(a[0], a[1]));
    _mm_storeu_si128((__m128i *) (out + x + 8), _mm_packs_epi32(a[2], a[3]));
}


IMGP_TAPS_SSE41
static void
imgp_taps_sse41_block_16(const int16_t *const *rows, const int16_t *coef,
    uint32_t taps, size_t x, int16_t *out)
{
    __m128i   lo, hi, pair, p, q;
    uint32_t  k;

    lo = _mm_set1_epi32(imgp_taps_half(IMGP_TAPS_BITS_16));
    hi = lo;

    for (k = 0; k < taps; k += 2) {
        pair = _mm_set1_epi32(imgp_taps_pair(coef, taps, k));

        p = imgp_taps_load(rows[k] + x);
        q = imgp_taps_load(rows[k + 1 < taps ? k + 1 : k] + x);

        lo = _mm_add_epi32(lo, _mm_madd_epi16(_mm_unpacklo_epi16(p, q),
                                              pair));
        hi = _mm_add_epi32(hi, _mm_madd_epi16(_mm_unpackhi_epi16(p, q),
                                              pair));
    }

    lo = _mm_srai_epi32(lo, IMGP_TAPS_BITS_16);
    hi = _mm_srai_epi32(hi, IMGP_TAPS_BITS_16);

    _mm_storeu_si128((__m128i *) (out + x), _mm_packs_epi32(lo, hi));
}


IMGP_TAPS_SSE41
static void
imgp_taps_sse41_line_1_8(const int16_t *in, const imgp_taps_line_t *line,
    u_char *out)
{
    __m128i         sum[4];
    uint32_t        i, j, k;
    const int16_t  *p, *coef;

    coef = line->coef;

    for (i = 0; i + 4 <= line->n; i += 4) {

        for (j = 0; j < 4; j++) {
            p = in + line->first[i + j];
            sum[j] = _mm_setzero_si128();

            for (k = 0; k < line->taps; k += 8) {
                sum[j] = _mm_add_epi32(sum[j], _mm_madd_epi16(
                                           imgp_taps_load(p + k),
                                           imgp_taps_load(coef + k)));
            }

            coef += line->stride;
        }

        imgp_taps_put_8(_mm_hadd_epi32(_mm_hadd_epi32(sum[0], sum[1]),
                                       _mm_hadd_epi32(sum[2], sum[3])),
                        out + i);
    }

    imgp_taps_rest(line, i, in, out);
}


IMGP_TAPS_SSE41
static inline __m128i
imgp_taps_sse41_pixel(const int16_t *in, uint32_t nc, const int16_t *coef,
    uint32_t taps)
{
    int       pair;
    __m128i   sum, p, order;
    uint32_t  k;

    sum = _mm_setzero_si128();
    order = imgp_taps_order(nc);

    for (k = 0; k < taps; k += 2) {
        memcpy(&pair, coef + k, 4);

        p = _mm_shuffle_epi8(imgp_taps_load(in), order);
        sum = _mm_add_epi32(sum, _mm_madd_epi16(p, _mm_set1_epi32(pair)));
        in += 2 * nc;
    }

    return sum;
}


/* in the place of alpha, alpha is multiplied by 255 */

IMGP_TAPS_SSE41
static void
imgp_taps_sse41_premultiply_4(const u_char *rgba, uint32_t width,
    int16_t *fix)
{
    __m128i   v, a, order, full;
    uint32_t  x;

    order = _mm_setr_epi8(6, 7, 6, 7, 6, 7, 6, 7, 14, 15, 14, 15, 14, 15, 14,
                          15);
    full = _mm_set1_epi16(255);

    for (x = 0; x + 2 <= width; x += 2) {
        v = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)
                                              (rgba + 4 * (size_t) x)));
        a = _mm_blend_epi16(_mm_shuffle_epi8(v, order), full, 0x88);
        v = _mm_mulhi_epu16(_mm_mullo_epi16(v, a),
                            _mm_set1_epi16(IMGP_ALPHA_FACTOR));

        _mm_storeu_si128((__m128i *) (fix + 4 * (size_t) x), v);
    }

    imgp_taps_plain.premultiply_4(rgba + 4 * (size_t) x, width - x,
                                  fix + 4 * (size_t) x);
}


#include "imgp_taps_loop.h"

#endif
