
/*
 * From a picture to one of the task's outputs.  No metadata is ever written.
 */


#ifndef _IMGP_ENCODE_H_INCLUDED_
#define _IMGP_ENCODE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_reader.h>


#define IMGP_ENCODE_AUTO      0       /* PNG where a pixel is transparent */

/* of pictures that are written as they came, for the next stage to read */
#define IMGP_ENCODE_QUALITY   92


typedef struct {
    uint32_t           format;        /* imgp_format_e, or AUTO */
    uint32_t           quality;       /* 1..100, JPEG */
    u_char             background[3]; /* under transparency, JPEG */
} imgp_encode_t;


/* an 8-bit gray or RGB image, which may be changed; appends an output */

imgp_int_t imgp_encode(imgp_work_t *work, imgp_image_t *image,
    const imgp_encode_t *encode);

/* in the format it came in, but PNG where that cannot hold its alpha */

imgp_int_t imgp_encode_as(imgp_work_t *work, imgp_image_t *image,
    uint32_t format);


#endif /* _IMGP_ENCODE_H_INCLUDED_ */
