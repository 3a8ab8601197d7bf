
/*
 * From a picture to one of the task's outputs.  No metadata is ever written.
 */


#ifndef _IMGP_ENCODE_H_INCLUDED_
#define _IMGP_ENCODE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_picture.h>
#include <imgp/imgp_reader.h>
#include <imgp/imgp_jpeg.h>


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

/*
 * The same for a picture.  What was written is what the picture then is:
 * without alpha that is not used or was laid over a background, in
 * that format, chroma as sparse as the quality says.
 */

imgp_int_t imgp_encode_picture(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_encode_t *encode);
imgp_int_t imgp_encode_picture_as(imgp_work_t *work,
    imgp_picture_t *picture);

/* just that, and nothing is written */

imgp_int_t imgp_encode_settle(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_encode_t *encode);

/* pixels that share a sample of chroma in each direction, in such a JPEG */

#define imgp_encode_sub(quality)                                              \
    ((quality) >= IMGP_JPEG_444_QUALITY ? 1 : 2)


#endif /* _IMGP_ENCODE_H_INCLUDED_ */
