
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


static void imgp_alpha_premultiply(const imgp_image_t *form, uint32_t width,
    int16_t *fix);
static uint32_t imgp_alpha_clamp(int32_t v, int32_t max);
static void imgp_alpha_store(const imgp_image_t *form, u_char *row, size_t i,
    uint32_t v, uint32_t one);


void
imgp_alpha_to_fix(const imgp_image_t *form, const u_char *row, uint32_t width,
    int16_t *fix)
{
    size_t           i, n;
    const uint16_t  *wide;

    n = (size_t) width * form->channels;

    if (form->depth == 8) {

        for (i = 0; i < n; i++) {
            fix[i] = row[i] * (IMGP_FIX_ONE / 255);
        }

    } else {
        wide = (const uint16_t *) row;

        for (i = 0; i < n; i++) {
            fix[i] = (wide[i] * (uint32_t) IMGP_FIX_ONE + 32767) / 65535;
        }
    }

    if (form->alpha) {
        imgp_alpha_premultiply(form, width, fix);
    }
}


static void
imgp_alpha_premultiply(const imgp_image_t *form, uint32_t width, int16_t *fix)
{
    uint32_t  x, c, a;

    for (x = 0; x < width; x++) {
        a = fix[form->space];

        for (c = 0; c < form->space && a != IMGP_FIX_ONE; c++) {
            fix[c] = (fix[c] * a + IMGP_FIX_ONE / 2) / IMGP_FIX_ONE;
        }

        fix += form->channels;
    }
}


void
imgp_alpha_from_fix(const imgp_image_t *form, const int16_t *fix,
    uint32_t width, u_char *row)
{
    size_t    i;
    uint32_t  x, c, a;

    i = 0;

    for (x = 0; x < width; x++) {

        a = form->alpha ? imgp_alpha_clamp(fix[form->space], IMGP_FIX_ONE)
                        : IMGP_FIX_ONE;

        for (c = 0; c < form->space; c++) {
            imgp_alpha_store(form, row, i++, imgp_alpha_clamp(fix[c], a), a);
        }

        if (form->alpha) {
            imgp_alpha_store(form, row, i++, a, IMGP_FIX_ONE);
        }

        fix += form->channels;
    }
}


static uint32_t
imgp_alpha_clamp(int32_t v, int32_t max)
{
    return (v < 0) ? 0 : (v > max) ? max : v;
}


/* v / one, in the full range of the form's depth */

static void
imgp_alpha_store(const imgp_image_t *form, u_char *row, size_t i, uint32_t v,
    uint32_t one)
{
    if (one == 0) {
        one = 1;                      /* then v is 0, too */
    }

    if (form->depth == 8) {
        row[i] = (v * 255 + one / 2) / one;

    } else {
        ((uint16_t *) row)[i] = (v * 65535 + one / 2) / one;
    }
}


imgp_uint_t
imgp_alpha_used(const imgp_image_t *image)
{
    size_t   i, n;
    u_char  *p;

    if (!image->alpha) {
        return 0;
    }

    n = (size_t) image->width * image->height;
    p = image->data + image->space;

    for (i = 0; i < n; i++) {

        if (*p != 255) {
            return 1;
        }

        p += image->channels;
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

    for (i = 0; i < n; i++) {

        if (p[image->space] == 0) {
            memset(p, 0, image->space);
        }

        p += image->channels;
    }
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
