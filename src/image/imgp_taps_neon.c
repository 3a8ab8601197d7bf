
/*
 * The resampler's sums for NEON.  Chosen by imgp_taps(); any thread, pure
 * functions.  Widening multiply-and-add on four samples each; the integers
 * added are those of plain C, so the bytes are the same.  The loops over a row
 * are those of imgp_taps_loop.h; what is narrower than a block goes to plain C.
 */


#include <imgp/imgp_taps.h>
#include <imgp/imgp_alpha.h>

#if (__aarch64__)

#include <arm_neon.h>


#define IMGP_TAPS_(name)   imgp_taps_neon_ ## name
#define IMGP_TAPS_TABLE    imgp_taps_neon
#define IMGP_TAPS_TARGET
#define IMGP_TAPS_NARROW   imgp_taps_plain
#define IMGP_TAPS_COLUMNS  16


static void imgp_taps_neon_block_8(const u_char *const *rows,
    const int16_t *coef, uint32_t taps, size_t x, int16_t *out);
static void imgp_taps_neon_block_16(const int16_t *const *rows,
    const int16_t *coef, uint32_t taps, size_t x, int16_t *out);
static void imgp_taps_neon_line_1_8(const int16_t *in,
    const imgp_taps_line_t *line, u_char *out);
static int32x4_t imgp_taps_neon_pixel(const int16_t *in, uint32_t nc,
    const int16_t *coef, uint32_t taps);
static void imgp_taps_neon_put_8(int32x4_t sums, u_char *out);
static void imgp_taps_neon_put_16(int32x4_t sums, int16_t *out);
static void imgp_taps_neon_premultiply_4(const u_char *rgba, uint32_t width,
    int16_t *fix);


static void
imgp_taps_neon_block_8(const u_char *const *rows, const int16_t *coef,
    uint32_t taps, size_t x, int16_t *out)
{
    uint32_t    k, i;
    int16x8_t   lo, hi;
    int32x4_t   a[4];
    uint8x16_t  p;

    for (i = 0; i < 4; i++) {
        a[i] = vdupq_n_s32(imgp_taps_half(IMGP_TAPS_BITS_8));
    }

    for (k = 0; k < taps; k++) {
        p = vld1q_u8(rows[k] + x);
        lo = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(p)));
        hi = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(p)));

        a[0] = vmlal_n_s16(a[0], vget_low_s16(lo), coef[k]);
        a[1] = vmlal_n_s16(a[1], vget_high_s16(lo), coef[k]);
        a[2] = vmlal_n_s16(a[2], vget_low_s16(hi), coef[k]);
        a[3] = vmlal_n_s16(a[3], vget_high_s16(hi), coef[k]);
    }

    for (i = 0; i < 4; i++) {
        vst1_s16(out + x + 4 * i,
                 vqmovn_s32(vshrq_n_s32(a[i], IMGP_TAPS_BITS_8)));
    }
}


static void
imgp_taps_neon_block_16(const int16_t *const *rows, const int16_t *coef,
    uint32_t taps, size_t x, int16_t *out)
{
    uint32_t   k;
    int16x8_t  p;
    int32x4_t  lo, hi;

    lo = vdupq_n_s32(imgp_taps_half(IMGP_TAPS_BITS_16));
    hi = lo;

    for (k = 0; k < taps; k++) {
        p = vld1q_s16(rows[k] + x);

        lo = vmlal_n_s16(lo, vget_low_s16(p), coef[k]);
        hi = vmlal_n_s16(hi, vget_high_s16(p), coef[k]);
    }

    vst1_s16(out + x, vqmovn_s32(vshrq_n_s32(lo, IMGP_TAPS_BITS_16)));
    vst1_s16(out + x + 4, vqmovn_s32(vshrq_n_s32(hi, IMGP_TAPS_BITS_16)));
}


static void
imgp_taps_neon_line_1_8(const int16_t *in, const imgp_taps_line_t *line,
    u_char *out)
{
    int32_t         v;
    uint32_t        i, k;
    int16x8_t       s, c;
    int32x4_t       sum;
    const int16_t  *p, *coef;

    coef = line->coef;

    for (i = 0; i < line->n; i++) {
        p = in + line->first[i];
        sum = vdupq_n_s32(0);

        for (k = 0; k < line->taps; k += 8) {
            s = vld1q_s16(p + k);
            c = vld1q_s16(coef + k);

            sum = vmlal_s16(sum, vget_low_s16(s), vget_low_s16(c));
            sum = vmlal_s16(sum, vget_high_s16(s), vget_high_s16(c));
        }

        v = (vaddvq_s32(sum) + imgp_taps_half(IMGP_TAPS_BITS_OUT))
            >> IMGP_TAPS_BITS_OUT;

        out[i] = imgp_max(imgp_min(v, 255), 0);
        coef += line->stride;
    }
}


/* of two or three channels the rest is the next pixel's, and not used */

static inline int32x4_t
imgp_taps_neon_pixel(const int16_t *in, uint32_t nc, const int16_t *coef,
    uint32_t taps)
{
    uint32_t   k;
    int32x4_t  sum;

    sum = vdupq_n_s32(0);

    for (k = 0; k < taps; k++) {
        sum = vmlal_n_s16(sum, vld1_s16(in), coef[k]);
        in += nc;
    }

    return sum;
}


static inline void
imgp_taps_neon_put_8(int32x4_t sums, u_char *out)
{
    uint32_t   bytes;
    int16x4_t  v;

    sums = vaddq_s32(sums, vdupq_n_s32(imgp_taps_half(IMGP_TAPS_BITS_OUT)));
    v = vqmovn_s32(vshrq_n_s32(sums, IMGP_TAPS_BITS_OUT));

    bytes = vget_lane_u32(vreinterpret_u32_u8(vqmovun_s16(vcombine_s16(v, v))),
                          0);
    memcpy(out, &bytes, 4);
}


static inline void
imgp_taps_neon_put_16(int32x4_t sums, int16_t *out)
{
    sums = vaddq_s32(sums, vdupq_n_s32(imgp_taps_half(IMGP_TAPS_BITS_16)));

    vst1_s16(out, vqmovn_s32(vshrq_n_s32(sums, IMGP_TAPS_BITS_16)));
}


/* eight pixels, a channel in each register */

static void
imgp_taps_neon_premultiply_4(const u_char *rgba, uint32_t width, int16_t *fix)
{
    uint32_t     x, c;
    uint8x8_t    alpha;
    uint16x4_t   low, high;
    uint16x8_t   product;
    int16x8x4_t  out;
    uint8x8x4_t  in;

    for (x = 0; x + 8 <= width; x += 8) {
        in = vld4_u8(rgba + 4 * (size_t) x);

        for (c = 0; c < 4; c++) {
            alpha = (c == 3) ? vdup_n_u8(255) : in.val[3];
            product = vmull_u8(in.val[c], alpha);

            low = vshrn_n_u32(vmull_n_u16(vget_low_u16(product),
                                          IMGP_ALPHA_FACTOR), 16);
            high = vshrn_n_u32(vmull_n_u16(vget_high_u16(product),
                                           IMGP_ALPHA_FACTOR), 16);

            out.val[c] = vreinterpretq_s16_u16(vcombine_u16(low, high));
        }

        vst4q_s16(fix + 4 * (size_t) x, out);
    }

    imgp_taps_plain.premultiply_4(rgba + 4 * (size_t) x, width - x,
                                  fix + 4 * (size_t) x);
}


#include "imgp_taps_loop.h"

#endif
