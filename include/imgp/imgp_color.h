
/*
 * Colours to sRGB, at the target's size: a profile's by Little CMS
 * (perceptual intent), CMYK without a usable profile by plain arithmetic.
 */


#ifndef _IMGP_COLOR_H_INCLUDED_
#define _IMGP_COLOR_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>


/*
 * A profile that is broken, of another colour space than the pixels, or as
 * good as sRGB changes nothing.  Gray stays gray, CMYK becomes RGB.
 */

imgp_int_t imgp_color_to_srgb(imgp_work_t *work, imgp_image_t *image,
    const imgp_str_t *icc);


#endif /* _IMGP_COLOR_H_INCLUDED_ */
