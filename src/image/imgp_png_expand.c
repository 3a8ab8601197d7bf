
/*
 * A PNG's rows as the rest of this layer wants them: no palettes, no depths
 * below 8 bits, no colour keys, native byte order.  Called by imgp_png_read.c
 * for each row; any thread, all memory is the caller's.
 *
 * ISO/IEC 15948: 7.2 (scanlines), 11.3.2.1 (tRNS), 13.12 (depths).
 */


#include <imgp/imgp_png_expand.h>


static void imgp_png_expand_colors(const imgp_png_expand_t *e,
    const u_char *in, u_char *out);
static void imgp_png_expand_gray(const imgp_png_expand_t *e,
    const u_char *in, u_char *out);
static void imgp_png_expand_8(const imgp_png_expand_t *e, const u_char *in,
    u_char *out);
static void imgp_png_expand_16(const imgp_png_expand_t *e, const u_char *in,
    u_char *out);
static void imgp_png_expand_key_16(const imgp_png_expand_t *e,
    const u_char *in, u_char *out);


/* samples of less than a byte: the first one is highest */

static inline uint32_t
imgp_png_expand_bits(const u_char *in, uint32_t x, uint32_t depth)
{
    uint32_t  at;

    at = x * depth;

    return in[at >> 3] >> (8 - depth - (at & 7)) & ((1u << depth) - 1);
}


static inline const u_char *
imgp_png_expand_color(const imgp_png_expand_t *e, const u_char *in,
    uint32_t x)
{
    return e->colors[(e->depth == 8) ? in[x]
                                     : imgp_png_expand_bits(in, x, e->depth)];
}


void
imgp_png_expand_row(const imgp_png_expand_t *e, const u_char *in,
    u_char *out)
{
    if (e->palette) {
        imgp_png_expand_colors(e, in, out);

    } else if (e->depth < 8) {
        imgp_png_expand_gray(e, in, out);

    } else if (e->depth == 16 && e->keyed) {
        imgp_png_expand_key_16(e, in, out);

    } else if (e->depth == 16) {
        imgp_png_expand_16(e, in, out);

    } else if (e->keyed) {
        imgp_png_expand_8(e, in, out);

    } else {
        memcpy(out, in, (size_t) e->width * e->channels);
    }
}


/* colours are written whole: the next one overwrites what is too much */

static void
imgp_png_expand_colors(const imgp_png_expand_t *e, const u_char *in,
    u_char *out)
{
    uint32_t  x, n;

    n = e->palette;

    for (x = 0; x + 1 < e->width; x++) {
        memcpy(out, imgp_png_expand_color(e, in, x), 4);
        out += n;
    }

    memcpy(out, imgp_png_expand_color(e, in, x), n);
}


static void
imgp_png_expand_gray(const imgp_png_expand_t *e, const u_char *in,
    u_char *out)
{
    uint32_t  x, v, full;

    full = 255 / ((1u << e->depth) - 1);

    for (x = 0; x < e->width; x++) {
        v = imgp_png_expand_bits(in, x, e->depth);
        *out++ = v * full;

        if (e->keyed) {
            *out++ = (v == e->key[0]) ? 0 : 255;
        }
    }
}


static void
imgp_png_expand_8(const imgp_png_expand_t *e, const u_char *in, u_char *out)
{
    uint32_t     x, c;
    imgp_uint_t  same;

    for (x = 0; x < e->width; x++) {
        same = 1;

        for (c = 0; c < e->channels; c++) {
            same &= (*in == e->key[c]);
            *out++ = *in++;
        }

        *out++ = same ? 0 : 255;
    }
}


/* to native order */

static void
imgp_png_expand_16(const imgp_png_expand_t *e, const u_char *in, u_char *out)
{
    typedef uint16_t  v_t __attribute__((vector_size(16)));

    v_t       v;
    size_t    i, n;
    uint16_t  one;

    n = (size_t) e->width * e->channels;

    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&v, in + i * 2, sizeof(v_t));

#if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        v = v << 8 | v >> 8;
#endif

        memcpy(out + i * 2, &v, sizeof(v_t));
    }

    for ( /* void */ ; i < n; i++) {
        one = in[i * 2] << 8 | in[i * 2 + 1];
        memcpy(out + i * 2, &one, 2);
    }
}


static void
imgp_png_expand_key_16(const imgp_png_expand_t *e, const u_char *in,
    u_char *out)
{
    uint16_t     v;
    uint32_t     x, c;
    imgp_uint_t  same;

    for (x = 0; x < e->width; x++) {
        same = 1;

        for (c = 0; c < e->channels; c++) {
            v = in[0] << 8 | in[1];
            same &= (v == e->key[c % 3]);

            memcpy(out, &v, 2);
            in += 2;
            out += 2;
        }

        v = same ? 0 : 65535;
        memcpy(out, &v, 2);
        out += 2;
    }
}
