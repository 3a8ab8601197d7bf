
/*
 * Means of whole samples in both directions, for reductions so strong that
 * Lanczos alone would need too many taps.
 */


#ifndef _IMGP_MEAN_H_INCLUDED_
#define _IMGP_MEAN_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>


typedef struct {
    const imgp_image_t  *form;        /* of the rows */
    uint32_t             box_x;       /* samples that become one */
    uint32_t             box_y;
    uint32_t             width;       /* of source rows */
    uint32_t             height;      /* number of source rows */

    uint32_t             pushed;      /* rows so far */
    uint32_t             held;        /* of these, in the mean begun */
    int16_t             *fix;         /* [width * channels] */
    uint32_t            *sums;
} imgp_mean_t;


/* the first five are set; OK or ERROR */

imgp_int_t imgp_mean_create(imgp_work_t *work, imgp_mean_t *mean);
void imgp_mean_free(imgp_work_t *work, imgp_mean_t *mean);

/* one row in; was one written to "out"?  The last ones take what is left. */

imgp_uint_t imgp_mean_row(imgp_mean_t *mean, const u_char *row, int16_t *out);


#endif /* _IMGP_MEAN_H_INCLUDED_ */
