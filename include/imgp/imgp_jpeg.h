
/*
 * JPEG through libjpeg-turbo: the reader for imgp_reader_open(), the writer
 * for imgp_encode().
 */


#ifndef _IMGP_JPEG_H_INCLUDED_
#define _IMGP_JPEG_H_INCLUDED_


#include <imgp/imgp_reader.h>
#include <imgp/imgp_sink.h>
#include <imgp/imgp_picture.h>


#define IMGP_JPEG_SCANS_MAX    100    /* encoders write about 10; bombs 2000 */
#define IMGP_JPEG_444_QUALITY  90     /* from here on chroma is kept whole */


imgp_int_t imgp_jpeg_read_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader);

/* an 8-bit gray or RGB image without alpha */

imgp_int_t imgp_jpeg_write(imgp_work_t *work, const imgp_image_t *image,
    imgp_uint_t quality, imgp_sink_t *sink);

/* a picture that has planes; what pads their rows is written over */

imgp_int_t imgp_jpeg_write_planes(imgp_work_t *work,
    const imgp_picture_t *picture, imgp_uint_t quality, imgp_sink_t *sink);


#endif /* _IMGP_JPEG_H_INCLUDED_ */
