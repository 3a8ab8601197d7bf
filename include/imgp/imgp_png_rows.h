
/*
 * The rows of a PNG as they are stored, straight from its IDAT chunks, with
 * their filters undone; and what follows those chunks.
 */


#ifndef _IMGP_PNG_ROWS_H_INCLUDED_
#define _IMGP_PNG_ROWS_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_simd.h>


#define IMGP_PNG_ROWS_BUFFER  (256 * 1024)    /* unpacked in one go */


typedef struct imgp_png_rows_s  imgp_png_rows_t;


typedef struct {
    imgp_str_t         rest;          /* from the first IDAT chunk on */
    uint32_t           step;          /* bytes of a pixel, at least 1 */
    size_t             len;           /* of a row, the longest one */
    uint32_t           height;        /* number of rows */
    imgp_uint_t        palette;       /* there was a PLTE chunk */
    uint32_t           chunk_max;     /* bytes of a chunk behind the rows */
    uint32_t           simd;          /* imgp_simd_e, wanted */
} imgp_png_rows_conf_t;


/* NULL, or another answer than OK: the work's error is set */

imgp_png_rows_t *imgp_png_rows_open(imgp_work_t *work,
    const imgp_png_rows_conf_t *conf);

/* valid until the next but one; to be asked for as often as there are rows */

const u_char *imgp_png_rows_next(imgp_png_rows_t *rows);

/* what comes next are rows of another picture, which may be shorter */

void imgp_png_rows_begin(imgp_png_rows_t *rows, size_t len, uint32_t height);

/* after the last row: OK if the rest of the file is whole */

imgp_int_t imgp_png_rows_finish(imgp_png_rows_t *rows);
void imgp_png_rows_close(imgp_png_rows_t *rows);      /* NULL is fine */


#endif /* _IMGP_PNG_ROWS_H_INCLUDED_ */
