
/*
 * A colour for text that can be read on a background.
 */


#ifndef _IMGP_CONTRAST_H_INCLUDED_
#define _IMGP_CONTRAST_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_image.h>


/*
 * Black or white, 0 or 255: which of them has more contrast with the mean of
 * that part of an 8-bit gray or RGB image, what is transparent counting as
 * white.  "cover", a gray image of that part's size, or NULL: where it is 0
 * nothing counts.
 */

u_char imgp_contrast(const imgp_image_t *image, uint32_t x, uint32_t y,
    uint32_t width, uint32_t height, const imgp_image_t *cover);


#endif /* _IMGP_CONTRAST_H_INCLUDED_ */
