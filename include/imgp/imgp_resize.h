
/*
 * The resampler: source rows are written into its slots, target rows come out
 * in the target image as soon as their last source row is there.  Works on
 * any number of channels, so a plane is an image of one channel.
 */


#ifndef _IMGP_RESIZE_H_INCLUDED_
#define _IMGP_RESIZE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_lanczos.h>


/*
 * From this ratio on means of whole samples come first and leave the half of
 * it to Lanczos: bounds the taps, at a loss below the 8-bit rounding.
 */

#define IMGP_RESIZE_BOX_RATIO  32


typedef struct imgp_resize_s  imgp_resize_t;


typedef struct {
    imgp_axis_t        x;
    imgp_axis_t        y;
    uint32_t           ahead;         /* slots offered at once; 0: one */
    size_t             width;         /* bytes of a slot; 0: just a row's */
} imgp_resize_conf_t;


/* the target has its pixels already; source rows have its form */

imgp_int_t imgp_resize_create(imgp_work_t *work,
    const imgp_resize_conf_t *conf, imgp_image_t *target,
    imgp_resize_t **resize);

/*
 * Where the next rows belong, i < ahead: valid until take(), which says how
 * many of them are there.  All in all as many as axis y has samples; what is
 * written into slots behind the last row is ignored.
 */

u_char *imgp_resize_slot(imgp_resize_t *resize, uint32_t i);
void imgp_resize_take(imgp_resize_t *resize, uint32_t n);

void imgp_resize_free(imgp_resize_t *resize);         /* NULL is fine */


#endif /* _IMGP_RESIZE_H_INCLUDED_ */
