
/*
 * The inside of the JPEG reader: what imgp_jpeg_read.c (headers, limits,
 * errors, rows), imgp_jpeg_planes.c (planes) and imgp_jpeg_store.c (the
 * coefficients of several scans) share.
 */


#ifndef _IMGP_JPEG_READER_H_INCLUDED_
#define _IMGP_JPEG_READER_H_INCLUDED_


#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <imgp/imgp_jpeg.h>
#include <imgp/imgp_icc.h>


#define IMGP_JPEG_GAP  2              /* size left by scaled decoding */


typedef struct {
    imgp_reader_t                  reader;

    struct jpeg_decompress_struct  cinfo;
    struct jpeg_error_mgr          err;
    struct jpeg_source_mgr         src;
    struct jpeg_progress_mgr       progress;
    jmp_buf                        jmp;

    struct imgp_jpeg_array_s      *arrays;    /* of imgp_jpeg_store.c */
    uint32_t                       seen;      /* components, as bits */
    uint32_t                       oriented;  /* the first EXIF counts */

    imgp_icc_t                     icc;
} imgp_jpeg_reader_t;


/*
 * 1, 2, 4 or 8: how many samples, of sample_x * sample_y pixels each, may
 * become one in each direction, if the whole picture will be shrunk to
 * width x height (0: not at all)
 */

uint32_t imgp_jpeg_pitch(const imgp_jpeg_reader_t *r, uint32_t width,
    uint32_t height, uint32_t sample_x, uint32_t sample_y);

/* starts libjpeg's decompression at reader.pitch: OK or ERROR */

imgp_int_t imgp_jpeg_read_begin(imgp_jpeg_reader_t *r);

/* coefficients are kept packed from here on, until close */

void imgp_jpeg_store_open(imgp_jpeg_reader_t *r);
void imgp_jpeg_store_close(imgp_jpeg_reader_t *r);

/* after the header: can this picture be had as planes? */

imgp_int_t imgp_jpeg_planes_open(imgp_jpeg_reader_t *r);


#endif /* _IMGP_JPEG_READER_H_INCLUDED_ */
