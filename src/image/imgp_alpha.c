
/*
 * Transparency.  The first half is the border of the resampler
 * (imgp_resize.c): encoded samples to premultiplied fixed point and back, so
 * that colours of invisible pixels cannot bleed into visible ones.  The
 * second half serves the encoders.  Pure loops, no memory but the image's.
 *
 * Each conversion rounds to nearest; 8 bits to fixed point and back is exact,
 * also through alpha where that is 255.
 */


#include <imgp/imgp_alpha.h>


#define IMGP_ALPHA_BLOCK  16          /* pixels looked at in one go */


static void imgp_alpha_to_fix_8(const imgp_image_t *form, const u_char *row,
    uint32_t width, int16_t *fix);
static void imgp_alpha_to_fix_16(const imgp_image_t *form,
    const uint16_t *row, uint32_t width, int16_t *fix);
static void imgp_alpha_scale_16(const uint16_t *row, size_t n, int16_t *fix);
static uint32_t imgp_alpha_clamp(int32_t v, int32_t max);
static void imgp_alpha_from_fix_8(const imgp_image_t *form,
    const int16_t *fix, uint32_t width, u_char *row);
static void imgp_alpha_from_pair(const int16_t *fix, u_char *row);
static void imgp_alpha_from_pixel(const imgp_image_t *form,
    const int16_t *fix, u_char *row);
static void imgp_alpha_from_fix_16(const imgp_image_t *form,
    const int16_t *fix, uint32_t width, uint16_t *row);
static void imgp_alpha_extent_4(const u_char *row, uint32_t *from,
    uint32_t *to);
static imgp_uint_t imgp_alpha_blank(const u_char *rgba);
static uint32_t imgp_alpha_at(const imgp_image_t *form, const u_char *row,
    size_t x);
static size_t imgp_alpha_clean_4(u_char *p, size_t n);


void
imgp_alpha_to_fix(const imgp_image_t *form, const u_char *row, uint32_t width,
    int16_t *fix)
{
    if (form->depth == 8) {
        imgp_alpha_to_fix_8(form, row, width, fix);

    } else {
        imgp_alpha_to_fix_16(form, (const uint16_t *) row, width, fix);
    }
}


static void
imgp_alpha_to_fix_8(const imgp_image_t *form, const u_char *row,
    uint32_t width, int16_t *fix)
{
    size_t    i, n;
    uint32_t  x, c;

    if (!form->alpha) {
        n = (size_t) width * form->channels;

        for (i = 0; i < n; i++) {
            fix[i] = row[i] * (IMGP_FIX_ONE / 255);
        }

        return;
    }

    for (x = 0; x < width; x++) {

        for (c = 0; c < form->space; c++) {
            *fix++ = imgp_alpha_product(row[c], row[form->space]);
        }

        *fix++ = row[c] * (IMGP_FIX_ONE / 255);
        row += form->channels;
    }
}


static void
imgp_alpha_to_fix_16(const imgp_image_t *form, const uint16_t *row,
    uint32_t width, int16_t *fix)
{
    uint32_t  x, c, a;

    imgp_alpha_scale_16(row, (size_t) width * form->channels, fix);

    for (x = 0; x < width && form->alpha; x++) {
        a = fix[form->space];

        for (c = 0; c < form->space && a != IMGP_FIX_ONE; c++) {
            fix[c] = (fix[c] * a + IMGP_FIX_ONE / 2) / IMGP_FIX_ONE;
        }

        fix += form->channels;
    }
}


/* v * IMGP_FIX_ONE / 65535; with half added, t / 65535 is t + t / 65536 */

static void
imgp_alpha_scale_16(const uint16_t *row, size_t n, int16_t *fix)
{
    typedef uint16_t  h_t __attribute__((vector_size(16)));
    typedef uint32_t  w_t __attribute__((vector_size(32)));

    h_t       v;
    w_t       w;
    size_t    i;
    uint32_t  t;

    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&v, row + i, sizeof(h_t));

        w = __builtin_convertvector(v, w_t) * IMGP_FIX_ONE + 32768;
        v = __builtin_convertvector((w + (w >> 16)) >> 16, h_t);

        memcpy(fix + i, &v, sizeof(h_t));
    }

    for ( /* void */ ; i < n; i++) {
        t = row[i] * (uint32_t) IMGP_FIX_ONE + 32768;
        fix[i] = (t + (t >> 16)) >> 16;
    }
}


void
imgp_alpha_from_fix(const imgp_image_t *form, const int16_t *fix,
    uint32_t width, u_char *row)
{
    if (form->depth == 8) {
        imgp_alpha_from_fix_8(form, fix, width, row);

    } else {
        imgp_alpha_from_fix_16(form, fix, width, (uint16_t *) row);
    }
}


/* RGBA: what is opaque is only shifted, and so mostly done in pairs */

static void
imgp_alpha_from_fix_8(const imgp_image_t *form, const int16_t *fix,
    uint32_t width, u_char *row)
{
    uint32_t  x, n, nc;

    nc = form->channels;

    for (x = 0; x < width; x += n) {
        n = 1;

        if (nc == 4 && form->alpha && x + 1 < width
            && fix[3] >= IMGP_FIX_ONE && fix[7] >= IMGP_FIX_ONE)
        {
            imgp_alpha_from_pair(fix, row);
            n = 2;

        } else {
            imgp_alpha_from_pixel(form, fix, row);
        }

        fix += n * nc;
        row += n * nc;
    }
}


static void
imgp_alpha_from_pair(const int16_t *fix, u_char *row)
{
    typedef int16_t  v_t __attribute__((vector_size(16)));
    typedef u_char   b_t __attribute__((vector_size(8)));

    b_t  bytes;
    v_t  v, over;

    memcpy(&v, fix, sizeof(v_t));

    v &= (v > 0);
    over = (v > IMGP_FIX_ONE);
    v = (over & IMGP_FIX_ONE) | (v & ~over);

    bytes = __builtin_convertvector((v + IMGP_FIX_ONE / 255 / 2) >> 6, b_t);
    memcpy(row, &bytes, sizeof(b_t));
}


/* v is never above alpha, so v * inverse and the half fit into 32 bits */

static void
imgp_alpha_from_pixel(const imgp_image_t *form, const int16_t *fix,
    u_char *row)
{
    uint32_t  c, a, inverse;

    a = IMGP_FIX_ONE;

    if (form->alpha) {
        a = imgp_alpha_clamp(fix[form->space], IMGP_FIX_ONE);

        if (a == 0) {
            memset(row, 0, form->channels);
            return;
        }
    }

    inverse = (255U << 24) / a;

    for (c = 0; c < form->space; c++) {
        row[c] = (imgp_alpha_clamp(fix[c], a) * inverse + (1 << 23)) >> 24;
    }

    if (form->alpha) {
        row[c] = (a + IMGP_FIX_ONE / 255 / 2) / (IMGP_FIX_ONE / 255);
    }
}


static void
imgp_alpha_from_fix_16(const imgp_image_t *form, const int16_t *fix,
    uint32_t width, uint16_t *row)
{
    uint32_t  x, c, a;

    a = IMGP_FIX_ONE;

    for (x = 0; x < width; x++) {

        if (form->alpha) {
            a = imgp_alpha_clamp(fix[form->space], IMGP_FIX_ONE);
        }

        if (a == IMGP_FIX_ONE) {      /* a constant divides fast */

            for (c = 0; c < form->space; c++) {
                *row++ = (imgp_alpha_clamp(fix[c], IMGP_FIX_ONE) * 65535U
                          + IMGP_FIX_ONE / 2) / IMGP_FIX_ONE;
            }

        } else {

            for (c = 0; c < form->space; c++) {
                *row++ = a ? (imgp_alpha_clamp(fix[c], a) * 65535U + a / 2) / a
                           : 0;
            }
        }

        if (form->alpha) {
            *row++ = (a * 65535U + IMGP_FIX_ONE / 2) / IMGP_FIX_ONE;
        }

        fix += form->channels;
    }
}


static uint32_t
imgp_alpha_clamp(int32_t v, int32_t max)
{
    return (v < 0) ? 0 : (v > max) ? max : v;
}


/* 8 bits; RGBA in pairs of pixels */

imgp_uint_t
imgp_alpha_opaque(const imgp_image_t *form, const u_char *row, uint32_t width)
{
    size_t    i, n;
    u_char    all[8];
    uint64_t  pair, pairs;

    if (!form->alpha) {
        return 1;
    }

    i = 0;
    n = (size_t) width * form->channels;
    pairs = UINT64_MAX;

    for ( /* void */ ; i + 8 <= n && form->channels == 4; i += 8) {
        memcpy(&pair, row + i, 8);
        pairs &= pair;
    }

    memcpy(all, &pairs, 8);
    all[3] &= all[7];

    for (i += form->space; i < n; i += form->channels) {
        all[3] &= row[i];
    }

    return all[3] == 255;
}


void
imgp_alpha_extent(const imgp_image_t *form, const u_char *row,
    uint32_t width, uint32_t *from, uint32_t *to)
{
    *from = 0;
    *to = width;

    if (!form->alpha) {
        return;
    }

    if (form->depth == 8 && form->channels == 4) {
        imgp_alpha_extent_4(row, from, to);
    }

    while (*from < *to && imgp_alpha_at(form, row, *from) == 0) {
        (*from)++;
    }

    while (*from < *to && imgp_alpha_at(form, row, *to - 1) == 0) {
        (*to)--;
    }
}


/* in whole blocks, what is left is looked at one by one */

static void
imgp_alpha_extent_4(const u_char *row, uint32_t *from, uint32_t *to)
{
    while (*to - *from >= IMGP_ALPHA_BLOCK
           && imgp_alpha_blank(row + (size_t) *from * 4))
    {
        *from += IMGP_ALPHA_BLOCK;
    }

    while (*to - *from >= IMGP_ALPHA_BLOCK
           && imgp_alpha_blank(row + (size_t) (*to - IMGP_ALPHA_BLOCK) * 4))
    {
        *to -= IMGP_ALPHA_BLOCK;
    }
}


static imgp_uint_t
imgp_alpha_blank(const u_char *rgba)
{
    u_char    all[8];
    uint32_t  i;
    uint64_t  pair, pairs;

    pairs = 0;

    for (i = 0; i < IMGP_ALPHA_BLOCK * 4; i += 8) {
        memcpy(&pair, rgba + i, 8);
        pairs |= pair;
    }

    memcpy(all, &pairs, 8);

    return (all[3] | all[7]) == 0;
}


static uint32_t
imgp_alpha_at(const imgp_image_t *form, const u_char *row, size_t x)
{
    x = x * form->channels + form->space;

    return (form->depth == 8) ? row[x] : ((const uint16_t *) row)[x];
}


imgp_uint_t
imgp_alpha_used(const imgp_image_t *image)
{
    uint32_t  y;

    for (y = 0; y < image->height; y++) {

        if (!imgp_alpha_opaque(image, imgp_image_row(image, y), image->width))
        {
            return 1;
        }
    }

    return 0;
}


void
imgp_alpha_clean(imgp_image_t *image)
{
    size_t   i, n;
    u_char  *p;

    if (!image->alpha) {
        return;
    }

    n = (size_t) image->width * image->height;
    p = image->data;
    i = 0;

    if (image->channels == 4) {
        i = imgp_alpha_clean_4(p, n);
        p += i * 4;
    }

    for ( /* void */ ; i < n; i++) {

        if (p[image->space] == 0) {
            memset(p, 0, image->space);
        }

        p += image->channels;
    }
}


/* gives the number of pixels that are done */

static size_t
imgp_alpha_clean_4(u_char *p, size_t n)
{
    typedef uint32_t  v_t __attribute__((vector_size(16)));

    static const u_char  opaque[16] = { 0, 0, 0, 255, 0, 0, 0, 255,
                                        0, 0, 0, 255, 0, 0, 0, 255 };

    v_t     v, alpha;
    size_t  i;

    memcpy(&alpha, opaque, sizeof(v_t));

    for (i = 0; i + 4 <= n; i += 4) {
        memcpy(&v, p + i * 4, sizeof(v_t));
        v &= (v_t) ((v & alpha) != 0);
        memcpy(p + i * 4, &v, sizeof(v_t));
    }

    return i;
}


void
imgp_alpha_drop(imgp_image_t *image)
{
    size_t    i, n;
    u_char   *src, *dst;
    uint32_t  c;

    if (!image->alpha) {
        return;
    }

    n = (size_t) image->width * image->height;
    src = image->data;
    dst = image->data;

    for (i = 0; i < n; i++) {

        for (c = 0; c < image->space; c++) {
            *dst++ = src[c];
        }

        src += image->channels;
    }

    image->alpha = 0;
    image->channels = image->space;
    image->stride = (size_t) image->width * image->channels;
}


imgp_int_t
imgp_alpha_flatten(imgp_work_t *work, imgp_image_t *image,
    const u_char rgb[3])
{
    size_t    i, n;
    u_char   *p;
    uint32_t  a, c;

    if (!imgp_alpha_used(image)) {
        imgp_alpha_drop(image);
        return IMGP_OK;
    }

    if (image->space == IMGP_SPACE_GRAY
        && (rgb[0] != rgb[1] || rgb[1] != rgb[2])
        && imgp_image_expand(work, image, IMGP_SPACE_RGB, 1) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    n = (size_t) image->width * image->height;
    p = image->data;

    for (i = 0; i < n; i++) {
        a = p[image->space];

        for (c = 0; c < image->space; c++) {
            p[c] = (p[c] * a + rgb[c] * (255 - a) + 127) / 255;
        }

        p += image->channels;
    }

    imgp_alpha_drop(image);

    return IMGP_OK;
}
