
/*
 * The resampler: source rows are pushed, target rows come out in the target
 * image as soon as their last source row is there.  Works on any number of
 * channels, so a plane is an image of one channel.
 */


#ifndef _IMGP_RESIZE_H_INCLUDED_
#define _IMGP_RESIZE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_lanczos.h>


/*
 * From this ratio on means of whole pixels come first and leave the half of
 * it to Lanczos: bounds the taps, at a loss below the 8-bit rounding.
 */

#define IMGP_RESIZE_BOX_RATIO  32


typedef struct imgp_resize_s  imgp_resize_t;


/* the target has its pixels already; rows pushed have its form */

imgp_int_t imgp_resize_create(imgp_work_t *work, const imgp_axis_t *x,
    const imgp_axis_t *y, imgp_image_t *target, imgp_resize_t **resize);

/* as many rows as axis y has samples, from the top */

void imgp_resize_push(imgp_resize_t *resize, const u_char *row);
void imgp_resize_free(imgp_resize_t *resize);         /* NULL is fine */


#endif /* _IMGP_RESIZE_H_INCLUDED_ */
