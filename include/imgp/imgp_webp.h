
/*
 * WebP through libwebp, where that was found: the reader for
 * imgp_reader_open(), the writer for imgp_encode().  Without it both give
 * TYPE and say why.
 */


#ifndef _IMGP_WEBP_H_INCLUDED_
#define _IMGP_WEBP_H_INCLUDED_


#include <imgp/imgp_reader.h>
#include <imgp/imgp_sink.h>


#define IMGP_WEBP_SIDE_MAX  16383     /* RFC 9649: 14 bits */


imgp_uint_t imgp_webp_there(void);

imgp_int_t imgp_webp_read_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader);

/* an 8-bit gray or RGB image, with or without alpha; lossy, alpha is not */

imgp_int_t imgp_webp_write(imgp_work_t *work, const imgp_image_t *image,
    uint32_t quality, imgp_sink_t *sink);


#endif /* _IMGP_WEBP_H_INCLUDED_ */
