
/*
 * Compositing: the "over" of Porter and Duff (Compositing Digital Images,
 * 1984).  Colours are multiplied by their alpha, added, and divided by the new
 * alpha in one step, so nothing is lost to an 8-bit premultiplied form.  In
 * the pictures' own sRGB, as browsers do.
 *
 * Pure loops, called by imgp_op_composite.c and imgp_op_render.c on the run's
 * thread.
 */


#include <imgp/imgp_blend.h>


/* of 16 bits, they add up to 1 << 16 */

#define IMGP_BLEND_R     19595
#define IMGP_BLEND_G     38470
#define IMGP_BLEND_B     7471
#define IMGP_BLEND_HALF  32768


/* n / 255, rounded; n is up to 255 * 255 */

#define imgp_blend_255(n)  (((n) + 127) / 255)


void
imgp_blend_over(const imgp_image_t *top_form, const u_char *top,
    const u_char *mask, const imgp_image_t *under_form, u_char *under,
    uint32_t width)
{
    uint32_t  x, c, a, rest, whole;

    for (x = 0; x < width; x++) {
        a = top_form->alpha ? top[top_form->space] : 255;

        if (mask != NULL) {
            a = imgp_blend_255(a * mask[x]);
        }

        rest = (255 - a) * (under_form->alpha ? under[under_form->space]
                                              : 255);
        whole = a * 255 + rest;

        for (c = 0; c < under_form->space && a != 0; c++) {
            under[c] = (top[c] * a * 255 + under[c] * rest + whole / 2)
                       / whole;
        }

        if (under_form->alpha) {
            under[under_form->space] = imgp_blend_255(whole);
        }

        top += top_form->channels;
        under += under_form->channels;
    }
}


void
imgp_blend_cut(const imgp_image_t *form, u_char *row, const u_char *mask,
    uint32_t width)
{
    uint32_t  x;

    for (x = 0; x < width; x++) {
        row[form->space] = imgp_blend_255(row[form->space] * mask[x]);

        if (row[form->space] == 0) {
            memset(row, 0, form->space);
        }

        row += form->channels;
    }
}


imgp_int_t
imgp_blend_mask(imgp_work_t *work, imgp_image_t *image)
{
    size_t         i, n;
    uint32_t       v;
    const u_char  *src;
    imgp_image_t   mask;

    if (image->channels == 1) {
        return IMGP_OK;
    }

    imgp_image_form(&mask, image->width, image->height, IMGP_SPACE_GRAY, 0, 8);

    if (imgp_image_alloc(work, &mask) != IMGP_OK) {
        return IMGP_ERROR;
    }

    n = (size_t) image->width * image->height;
    src = image->data;

    for (i = 0; i < n; i++) {
        v = src[0];

        if (image->space == IMGP_SPACE_RGB) {
            v = (src[0] * IMGP_BLEND_R + src[1] * IMGP_BLEND_G
                 + src[2] * IMGP_BLEND_B + IMGP_BLEND_HALF) >> 16;
        }

        mask.data[i] = image->alpha ? imgp_blend_255(v * src[image->space])
                                    : v;
        src += image->channels;
    }

    imgp_image_free(work, image);
    *image = mask;

    return IMGP_OK;
}
