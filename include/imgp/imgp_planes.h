
/*
 * From a reader's strips to the planes of a picture, resized on the way.
 */


#ifndef _IMGP_PLANES_H_INCLUDED_
#define _IMGP_PLANES_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_fit.h>
#include <imgp/imgp_picture.h>
#include <imgp/imgp_reader.h>


typedef struct {
    imgp_fit_plan_t    fit;           /* in stored axes */
    uint32_t           width;         /* what the whole would become; 0: same */
    uint32_t           height;
    uint32_t           flip_x;
    uint32_t           flip_y;
    uint32_t           sub_x;         /* pixels per sample of chroma */
    uint32_t           sub_y;
} imgp_planes_plan_t;


/*
 * A reader that has planes, just opened: the picture gets size, samplings and
 * planes; not yet transposed.  ERROR: what it has got is to be freed.
 */

imgp_int_t imgp_planes_read(imgp_reader_t *reader,
    const imgp_planes_plan_t *plan, imgp_picture_t *picture);


#endif /* _IMGP_PLANES_H_INCLUDED_ */
