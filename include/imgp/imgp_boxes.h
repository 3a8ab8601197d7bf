
/*
 * Boxes of a JSON document, in the forms that detectors, segmenters and OCR
 * services write them.  In pixels of the upright picture:
 *
 *     [x, y, width, height]
 *     {"x":, "y":, "width":, "height":}      also "w", "h"
 *     {"left":, "top":, "right":, "bottom":} also "width", "height"
 *     {"x1":, "y1":, "x2":, "y2":}           also "xmin", "ymin" ... "ymax"
 *     [[x, y], [x, y], [x, y], ...]          a polygon, of three points on
 *     [{"x":, "y":}, ...]                    a point without x or y has a 0
 *     [x, y, x, y, x, y, ...]                three points on
 *
 * or an object with one of these as "box", "bbox", "polygon", "points",
 * "text_region", "vertices", "boundingBox" or "boundingPoly".
 */


#ifndef _IMGP_BOXES_H_INCLUDED_
#define _IMGP_BOXES_H_INCLUDED_


#include <jansson.h>
#include <imgp/imgp_types.h>
#include <imgp/imgp_op.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_pointer.h>


#define IMGP_BOXES_MAX         4096
#define IMGP_BOXES_POINTS_MAX  16384      /* of all polygons of a document */
#define IMGP_BOXES_FAR         1000000.0  /* coordinates of polygons */


typedef struct {
    double             x;
    double             y;
} imgp_point_t;


typedef struct {
    uint32_t           x;             /* the pixels it touches ... */
    uint32_t           y;             /* ... within the picture */
    uint32_t           w;
    uint32_t           h;
    imgp_uint_t        npoints;       /* of the polygon; 0: a rectangle */
    imgp_point_t      *points;
} imgp_box_t;


typedef struct {
    imgp_work_t       *work;
    uint32_t           width;         /* of the picture */
    uint32_t           height;
    imgp_uint_t        n;
    imgp_uint_t        npoints;
    imgp_box_t        *boxes;
    imgp_point_t      *points;
} imgp_boxes_t;


/*
 * A document; one that is nothing but a string (as language models answer) is
 * read as the JSON in it, if there is some.  NULL: the error is set.
 */

json_t *imgp_boxes_load(imgp_work_t *work, const imgp_str_t *text);

/*
 * What the pointer selects, "max" boxes at most, of a picture of that size.
 * What juts out is cut off, a box with nothing left is an error, as is what is
 * no box.  OK: to be freed; ERROR: the error is set and nothing is left.
 */

imgp_int_t imgp_boxes_read(imgp_work_t *work, const imgp_pointer_t *pointer,
    json_t *root, imgp_uint_t max, uint32_t width, uint32_t height,
    imgp_boxes_t *boxes);
void imgp_boxes_free(imgp_boxes_t *boxes);


#endif /* _IMGP_BOXES_H_INCLUDED_ */
