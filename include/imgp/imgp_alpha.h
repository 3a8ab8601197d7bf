
/*
 * Transparency, and the samples that the resampler works on: fixed point,
 * premultiplied, IMGP_FIX_ONE is full.  255 * 64: an 8-bit value is exact,
 * and int16_t leaves a whole range of room for Lanczos' overshoot.
 */


#ifndef _IMGP_ALPHA_H_INCLUDED_
#define _IMGP_ALPHA_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_image.h>


#define IMGP_FIX_ONE  (255 * 64)


/* one row of the form's depth and alpha to fixed point and back */

void imgp_alpha_to_fix(const imgp_image_t *form, const u_char *row,
    uint32_t width, int16_t *fix);
void imgp_alpha_from_fix(const imgp_image_t *form, const int16_t *fix,
    uint32_t width, u_char *row);

/* times alpha: 255 * 255 becomes IMGP_FIX_ONE exactly */

#define imgp_alpha_product(v, alpha)                                          \
    ((uint32_t) (v) * (alpha) * IMGP_ALPHA_FACTOR >> 16)

#define IMGP_ALPHA_FACTOR  16449      /* 64 / 255 in 16 bits, up */

/* is every pixel of the row opaque; and which are not wholly transparent? */

imgp_uint_t imgp_alpha_opaque(const imgp_image_t *form, const u_char *row,
    uint32_t width);
void imgp_alpha_extent(const imgp_image_t *form, const u_char *row,
    uint32_t width, uint32_t *from, uint32_t *to);

/* the following take 8-bit images */

imgp_uint_t imgp_alpha_used(const imgp_image_t *image);  /* any below 255 */

/* colours are 0 where alpha is 0: nothing hidden is handed on */

void imgp_alpha_clean(imgp_image_t *image);

/* in place: the alpha channel goes away ... */

void imgp_alpha_drop(imgp_image_t *image);

/* ... over a background (r, g, b); gray becomes RGB if that has a colour */

imgp_int_t imgp_alpha_flatten(imgp_work_t *work, imgp_image_t *image,
    const u_char rgb[3]);


#endif /* _IMGP_ALPHA_H_INCLUDED_ */
