
/*
 * The resampler's sums in plain C: the reference that the SIMD forms must
 * equal bit for bit, what runs where there is none of them, and what those
 * call for the ends of rows that do not fill a register.  Called by
 * imgp_resize.c, on any thread; pure functions.
 *
 * Rounded to nearest and clamped as x86's packing instructions do.
 */


#include <imgp/imgp_taps.h>
#include <imgp/imgp_alpha.h>


#define IMGP_TAPS_BLOCK  256          /* columns summed at once: stays in L1 */


static void imgp_taps_columns_8(const u_char *const *rows,
    const int16_t *coef, uint32_t taps, size_t n, int16_t *out);
static void imgp_taps_columns_16(const int16_t *const *rows,
    const int16_t *coef, uint32_t taps, size_t n, int16_t *out);
static void imgp_taps_finish(const int32_t *sums, size_t n, int bits,
    int16_t *out);
static void imgp_taps_line_1_8(const int16_t *in,
    const imgp_taps_line_t *line, u_char *out);
static void imgp_taps_line_n_8(const int16_t *in, uint32_t nc,
    const imgp_taps_line_t *line, u_char *out);
static void imgp_taps_line_n_16(const int16_t *in, uint32_t nc,
    const imgp_taps_line_t *line, int16_t *out);
static void imgp_taps_premultiply_4(const u_char *rgba, uint32_t width,
    int16_t *fix);
static void imgp_taps_pixel(const int16_t *in, uint32_t nc,
    const int16_t *coef, uint32_t taps, int32_t sums[4]);
static int32_t imgp_taps_clamp(int32_t v, int32_t min, int32_t max);


const imgp_taps_t  imgp_taps_plain = {
    imgp_taps_columns_8,
    imgp_taps_columns_16,
    imgp_taps_line_1_8,
    imgp_taps_line_n_8,
    imgp_taps_line_n_16,
    imgp_taps_premultiply_4
};


const imgp_taps_t *
imgp_taps(uint32_t simd)
{
    switch (imgp_simd_choose(simd)) {

#if (__x86_64__)

    case IMGP_SIMD_AVX2:
        return &imgp_taps_avx2;

    case IMGP_SIMD_SSE41:
        return &imgp_taps_sse41;

#elif (__aarch64__)

    case IMGP_SIMD_NEON:
        return &imgp_taps_neon;

#endif

    default:
        return &imgp_taps_plain;
    }
}


static void
imgp_taps_columns_8(const u_char *const *rows, const int16_t *coef,
    uint32_t taps, size_t n, int16_t *out)
{
    size_t         i, from, part;
    int32_t        sums[IMGP_TAPS_BLOCK];
    uint32_t       k;
    const u_char  *p;

    for (from = 0; from < n; from += part) {
        part = imgp_min(n - from, IMGP_TAPS_BLOCK);

        memset(sums, 0, part * sizeof(int32_t));

        for (k = 0; k < taps; k++) {
            p = rows[k] + from;

            for (i = 0; i < part; i++) {
                sums[i] += coef[k] * p[i];
            }
        }

        imgp_taps_finish(sums, part, IMGP_TAPS_BITS_8, out + from);
    }
}


static void
imgp_taps_columns_16(const int16_t *const *rows, const int16_t *coef,
    uint32_t taps, size_t n, int16_t *out)
{
    size_t          i, from, part;
    int32_t         sums[IMGP_TAPS_BLOCK];
    uint32_t        k;
    const int16_t  *p;

    for (from = 0; from < n; from += part) {
        part = imgp_min(n - from, IMGP_TAPS_BLOCK);

        memset(sums, 0, part * sizeof(int32_t));

        for (k = 0; k < taps; k++) {
            p = rows[k] + from;

            for (i = 0; i < part; i++) {
                sums[i] += coef[k] * p[i];
            }
        }

        imgp_taps_finish(sums, part, IMGP_TAPS_BITS_16, out + from);
    }
}


static void
imgp_taps_finish(const int32_t *sums, size_t n, int bits, int16_t *out)
{
    size_t   i;
    int32_t  half;

    half = imgp_taps_half(bits);

    for (i = 0; i < n; i++) {
        out[i] = imgp_taps_clamp((sums[i] + half) >> bits, INT16_MIN,
                                 INT16_MAX);
    }
}


static void
imgp_taps_line_1_8(const int16_t *in, const imgp_taps_line_t *line,
    u_char *out)
{
    int32_t         sum;
    uint32_t        i, k;
    const int16_t  *p, *coef;

    coef = line->coef;

    for (i = 0; i < line->n; i++) {
        p = in + line->first[i];
        sum = imgp_taps_half(IMGP_TAPS_BITS_OUT);

        for (k = 0; k < line->taps; k++) {
            sum += p[k] * coef[k];
        }

        out[i] = imgp_taps_clamp(sum >> IMGP_TAPS_BITS_OUT, 0, 255);
        coef += line->stride;
    }
}


static void
imgp_taps_line_n_8(const int16_t *in, uint32_t nc,
    const imgp_taps_line_t *line, u_char *out)
{
    int32_t         sums[4];
    uint32_t        i, c;
    const int16_t  *coef;

    coef = line->coef;

    for (i = 0; i < line->n; i++) {
        imgp_taps_pixel(in + (size_t) line->first[i] * nc, nc, coef,
                        line->taps, sums);

        for (c = 0; c < nc; c++) {
            sums[c] += imgp_taps_half(IMGP_TAPS_BITS_OUT);
            *out++ = imgp_taps_clamp(sums[c] >> IMGP_TAPS_BITS_OUT, 0, 255);
        }

        coef += line->stride;
    }
}


static void
imgp_taps_line_n_16(const int16_t *in, uint32_t nc,
    const imgp_taps_line_t *line, int16_t *out)
{
    int32_t         sums[4];
    uint32_t        i;
    const int16_t  *coef;

    coef = line->coef;

    for (i = 0; i < line->n; i++) {
        imgp_taps_pixel(in + (size_t) line->first[i] * nc, nc, coef,
                        line->taps, sums);
        imgp_taps_finish(sums, nc, IMGP_TAPS_BITS_16, out);

        coef += line->stride;
        out += nc;
    }
}


static void
imgp_taps_pixel(const int16_t *in, uint32_t nc, const int16_t *coef,
    uint32_t taps, int32_t sums[4])
{
    uint32_t  k, c;

    memset(sums, 0, 4 * sizeof(int32_t));

    for (k = 0; k < taps; k++) {

        for (c = 0; c < nc; c++) {
            sums[c] += in[c] * coef[k];
        }

        in += nc;
    }
}


static void
imgp_taps_premultiply_4(const u_char *rgba, uint32_t width, int16_t *fix)
{
    uint32_t  x, c;

    for (x = 0; x < width; x++) {

        for (c = 0; c < 3; c++) {
            *fix++ = imgp_alpha_product(rgba[c], rgba[3]);
        }

        *fix++ = imgp_alpha_product(rgba[3], 255);
        rgba += 4;
    }
}


static int32_t
imgp_taps_clamp(int32_t v, int32_t min, int32_t max)
{
    return (v < min) ? min : (v > max) ? max : v;
}
