
/*
 * PNG through libpng: the reader for imgp_reader_open(), the writer for
 * imgp_encode().
 */


#ifndef _IMGP_PNG_H_INCLUDED_
#define _IMGP_PNG_H_INCLUDED_


#include <imgp/imgp_reader.h>
#include <imgp/imgp_sink.h>


#define IMGP_PNG_CHUNKS_MAX  256      /* ancillary chunks kept by libpng */


imgp_int_t imgp_png_read_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader);

/* an 8-bit gray or RGB image, with or without alpha */

imgp_int_t imgp_png_write(imgp_work_t *work, const imgp_image_t *image,
    imgp_sink_t *sink);


#endif /* _IMGP_PNG_H_INCLUDED_ */
