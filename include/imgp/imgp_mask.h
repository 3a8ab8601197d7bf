
/*
 * Masks: an 8-bit gray image of 0 and 255, in which shapes are painted and
 * then made wider.  Nothing in between: no edge is smoothed.
 */


#ifndef _IMGP_MASK_H_INCLUDED_
#define _IMGP_MASK_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_boxes.h>


/*
 * A rectangle: all pixels it touches.  A polygon: the pixels whose centres lie
 * inside it, by the even-odd rule, where what meets at a side is painted once.
 */

imgp_int_t imgp_mask_box(imgp_work_t *work, imgp_image_t *mask,
    const imgp_box_t *box);

/*
 * White becomes what is at most "n" pixels away from white in x and in y: the
 * dilation by a square of 2n + 1.  Takes the same time for every n.
 */

imgp_int_t imgp_mask_dilate(imgp_work_t *work, imgp_image_t *mask,
    uint32_t n);


#endif /* _IMGP_MASK_H_INCLUDED_ */
