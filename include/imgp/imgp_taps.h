
/*
 * The sums of the resampler: samples times 14-bit coefficients, in one form
 * per SIMD unit.  All forms give the same bytes: they add the same integers.
 */


#ifndef _IMGP_TAPS_H_INCLUDED_
#define _IMGP_TAPS_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_simd.h>
#include <imgp/imgp_lanczos.h>


/* samples that line functions may read, and ignore, behind the last one */

#define IMGP_TAPS_SLACK  (4 * IMGP_LANCZOS_PAD)


/* a part of an axis: n outputs */

typedef struct {
    uint32_t           n;
    uint32_t           taps;
    uint32_t           stride;        /* of coef: taps, padded with 0 */
    const uint32_t    *first;
    const int16_t     *coef;
} imgp_taps_line_t;


typedef struct {
    /*
     * over columns: out[i] = sum of rows[k][i] * coef[k], k < taps, i < n;
     * bytes come out times 64, the rest as it is
     */
    void             (*columns_8)(const u_char *const *rows,
                                  const int16_t *coef, uint32_t taps,
                                  size_t n, int16_t *out);
    void             (*columns_16)(const int16_t *const *rows,
                                   const int16_t *coef, uint32_t taps,
                                   size_t n, int16_t *out);

    /*
     * along a row of 1 or of nc = 1..4 channels, to n >= 1 pixels: out[i] =
     * sum of in[first[i] + k] * coef[i * stride + k].  8: samples times 64
     * come out as bytes; 16: as they are.
     */
    void             (*line_1_8)(const int16_t *in,
                                 const imgp_taps_line_t *line, u_char *out);
    void             (*line_n_8)(const int16_t *in, uint32_t nc,
                                 const imgp_taps_line_t *line, u_char *out);
    void             (*line_n_16)(const int16_t *in, uint32_t nc,
                                  const imgp_taps_line_t *line, int16_t *out);

    /* bytes of RGBA to fixed point, see imgp_alpha_product() */

    void             (*premultiply_4)(const u_char *rgba, uint32_t width,
                                      int16_t *fix);
} imgp_taps_t;


/* rounding of the two results: a 14-bit sum, and one times 64 on top */

#define IMGP_TAPS_BITS_8    (IMGP_LANCZOS_BITS - 6)
#define IMGP_TAPS_BITS_16   IMGP_LANCZOS_BITS
#define IMGP_TAPS_BITS_OUT  (IMGP_LANCZOS_BITS + 6)

#define imgp_taps_half(bits)  (1 << ((bits) - 1))


extern const imgp_taps_t  imgp_taps_plain;

#if (__x86_64__)
extern const imgp_taps_t  imgp_taps_sse41;
extern const imgp_taps_t  imgp_taps_avx2;
#endif

#if (__aarch64__)
extern const imgp_taps_t  imgp_taps_neon;
#endif


const imgp_taps_t *imgp_taps(uint32_t simd);          /* imgp_simd_e */


#endif /* _IMGP_TAPS_H_INCLUDED_ */
