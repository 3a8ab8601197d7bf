
/*
 * The rows of an interlaced PNG (Adam7), from top to bottom.
 */


#ifndef _IMGP_PNG_LACE_H_INCLUDED_
#define _IMGP_PNG_LACE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_png_expand.h>
#include <imgp/imgp_png_rows.h>


typedef struct imgp_png_lace_s  imgp_png_lace_t;


/*
 * "form": of rows as row() gives them, expanded; "rows" must be at its start
 * and outlive this.  NULL: the work's error is set.
 */

imgp_png_lace_t *imgp_png_lace_open(imgp_work_t *work, imgp_png_rows_t *rows,
    const imgp_png_expand_t *expand, const imgp_image_t *form);

imgp_int_t imgp_png_lace_row(imgp_png_lace_t *lace, u_char *row);
void imgp_png_lace_close(imgp_png_lace_t *lace);      /* NULL is fine */


#endif /* _IMGP_PNG_LACE_H_INCLUDED_ */
