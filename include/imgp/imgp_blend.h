
/*
 * One row of pixels over another, and alpha out of a mask.  8 bits, alpha not
 * premultiplied on either side, each result rounded once.
 */


#ifndef _IMGP_BLEND_H_INCLUDED_
#define _IMGP_BLEND_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>


/*
 * "top" over "under", which it changes; both have as many colours, and alpha
 * or none.  "mask" (NULL: all 255) says how much of each pixel of "top" shows.
 */

void imgp_blend_over(const imgp_image_t *top_form, const u_char *top,
    const u_char *mask, const imgp_image_t *under_form, u_char *under,
    uint32_t width);

/* alpha of the row, which has one, times the mask; colours 0 where that is 0 */

void imgp_blend_cut(const imgp_image_t *form, u_char *row, const u_char *mask,
    uint32_t width);

/*
 * A picture as a mask: gray of one channel, from luma (ITU-R BT.601, as the
 * usual tools have it) times alpha.  OK or ERROR.
 */

imgp_int_t imgp_blend_mask(imgp_work_t *work, imgp_image_t *image);


#endif /* _IMGP_BLEND_H_INCLUDED_ */
