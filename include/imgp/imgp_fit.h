
/*
 * Sizes: what a picture becomes within a box.  Nothing is ever enlarged:
 *
 * inside: the whole picture, the largest size that fits the box; a picture
 *   that fits already stays as it is.  Rounded as Pillow's thumbnail() does:
 *   to the size of the nearest aspect ratio.
 * cover: fills the box, what juts out is cut off evenly at both sides.
 * exact: just the size of the box, distorted.
 *
 * For cover and exact a box that is longer than the picture in a direction is
 * first shrunk, keeping its shape, until it is not: the result always
 * has the asked shape and only lacks size.
 */


#ifndef _IMGP_FIT_H_INCLUDED_
#define _IMGP_FIT_H_INCLUDED_


#include <imgp/imgp_types.h>


typedef enum {
    IMGP_FIT_INSIDE = 0,
    IMGP_FIT_COVER,
    IMGP_FIT_EXACT
} imgp_fit_e;


typedef struct {
    uint32_t           width;         /* of the box; 0: whole and unchanged */
    uint32_t           height;
    uint32_t           fit;           /* imgp_fit_e */
} imgp_fit_t;


typedef struct {
    uint32_t           width;         /* of the result */
    uint32_t           height;
    uint32_t           x;             /* the part of the source it shows */
    uint32_t           y;
    uint32_t           w;
    uint32_t           h;
} imgp_fit_plan_t;


void imgp_fit_plan(const imgp_fit_t *fit, uint32_t width, uint32_t height,
    imgp_fit_plan_t *plan);

/* one box after the other, as a single step: the sizes of the last result */

void imgp_fit_plan_all(const imgp_fit_t *const *fits, imgp_uint_t n,
    uint32_t width, uint32_t height, imgp_fit_plan_t *plan);


#endif /* _IMGP_FIT_H_INCLUDED_ */
