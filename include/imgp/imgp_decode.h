
/*
 * From encoded bytes to a finished picture: upright, within its box, sRGB,
 * 8 bits.  The whole flow stands in imgp_decode().
 */


#ifndef _IMGP_DECODE_H_INCLUDED_
#define _IMGP_DECODE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_fit.h>


/* "format": imgp_format_e.  OK: the image is to be freed by the caller. */

imgp_int_t imgp_decode(imgp_work_t *work, const imgp_str_t *data,
    const imgp_fit_t *fit, imgp_image_t *image, uint32_t *format);


#endif /* _IMGP_DECODE_H_INCLUDED_ */
