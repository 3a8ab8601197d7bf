
/*
 * From encoded bytes to a finished picture: upright, within its box, sRGB,
 * 8 bits.  The whole flow stands in imgp_decode_picture().
 */


#ifndef _IMGP_DECODE_H_INCLUDED_
#define _IMGP_DECODE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_picture.h>
#include <imgp/imgp_fit.h>


typedef struct {
    const imgp_fit_t *const  *fits;   /* one box after the other */
    imgp_uint_t               nfits;

    /*
     * pixels that share a sample of chroma in each direction, where the
     * picture may come as planes; whole pictures that are not resized keep
     * what they have beyond it.  0: an image is wanted
     */
    uint32_t                  sub;
} imgp_decode_t;


/* OK: the picture is to be freed by the caller */

imgp_int_t imgp_decode_picture(imgp_work_t *work, const imgp_str_t *data,
    const imgp_decode_t *decode, imgp_picture_t *picture);

/* the same as an image; "format": imgp_format_e */

imgp_int_t imgp_decode(imgp_work_t *work, const imgp_str_t *data,
    const imgp_fit_t *fit, imgp_image_t *image, uint32_t *format);


#endif /* _IMGP_DECODE_H_INCLUDED_ */
