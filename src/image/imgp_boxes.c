
/*
 * Boxes of a JSON document, which comes from a service or a client and is not
 * to be trusted: everything is counted before memory is asked for, and numbers
 * are compared so that what is none of them is refused.  Called by
 * imgp_op_crop.c, imgp_op_mask.c and imgp_op_render.c on the run's thread; the
 * memory is the run's.
 *
 * Forms: PaddleOCR ("text_region"), tesseract's TSV (left, top, width, height),
 * Google Vision ("boundingPoly"), Azure and COCO (flat polygons), transformers
 * (xmin ... ymax).
 */


#include <math.h>
#include <imgp/imgp_boxes.h>


#define IMGP_BOXES_WRAPS  3           /* objects around a box */


/* four members; "sides": the last two are the right and the lower side */

typedef struct {
    const char        *names[4];
    imgp_uint_t        sides;
} imgp_boxes_form_t;


static imgp_int_t imgp_boxes_count(void *data, json_t *value);
static imgp_int_t imgp_boxes_alloc(imgp_boxes_t *boxes);
static imgp_int_t imgp_boxes_add(void *data, json_t *value);
static json_t *imgp_boxes_unwrap(json_t *value);
static imgp_uint_t imgp_boxes_points(json_t *value);
static imgp_int_t imgp_boxes_rectangle(json_t *value, double v[4]);
static imgp_int_t imgp_boxes_numbers(json_t *const n[4], imgp_uint_t sides,
    double v[4]);
static imgp_int_t imgp_boxes_polygon(json_t *value, imgp_uint_t n,
    imgp_point_t *points, double v[4]);
static imgp_int_t imgp_boxes_point(json_t *value, imgp_uint_t i,
    imgp_point_t *point);
static imgp_int_t imgp_boxes_coordinate(json_t *value, double *v);
static imgp_int_t imgp_boxes_clip(imgp_boxes_t *boxes, const double v[4],
    imgp_box_t *box);


static const imgp_boxes_form_t  imgp_boxes_forms[] = {
    { { "x", "y", "width", "height" }, 0 },
    { { "x", "y", "w", "h" }, 0 },
    { { "left", "top", "right", "bottom" }, 1 },
    { { "left", "top", "width", "height" }, 0 },
    { { "x1", "y1", "x2", "y2" }, 1 },
    { { "xmin", "ymin", "xmax", "ymax" }, 1 }
};


static const char  *imgp_boxes_wraps[] = {
    "box", "bbox", "polygon", "points", "text_region", "vertices",
    "boundingBox", "boundingPoly"
};


json_t *
imgp_boxes_load(imgp_work_t *work, const imgp_str_t *text)
{
    json_t        *root, *inner;
    imgp_str_t     string;
    imgp_error_t   err;

    root = imgp_json_load(text, &err);

    if (root == NULL) {
        imgp_work_error(work, IMGP_E_BAD_PARAM, "%s", err.detail);
        return NULL;
    }

    if (!json_is_string(root)) {
        return root;
    }

    string.data = (u_char *) json_string_value(root);
    string.len = json_string_length(root);

    inner = imgp_json_load(&string, &err);

    if (inner != NULL) {
        json_decref(root);
        return inner;
    }

    return root;
}


imgp_int_t
imgp_boxes_read(imgp_work_t *work, const imgp_pointer_t *pointer,
    json_t *root, imgp_uint_t max, uint32_t width, uint32_t height,
    imgp_boxes_t *boxes)
{
    imgp_int_t  n;

    memset(boxes, 0, sizeof(imgp_boxes_t));

    boxes->work = work;
    boxes->width = width;
    boxes->height = height;

    n = imgp_pointer_each(pointer, root, imgp_boxes_count, boxes);

    if (n > (imgp_int_t) max) {
        return imgp_work_error(work, IMGP_E_LIMIT, "%u boxes, at most %u are "
                               "allowed", (unsigned) n, (unsigned) max);
    }

    boxes->n = n;

    if (n < 0 || imgp_boxes_alloc(boxes) != IMGP_OK) {
        return IMGP_ERROR;
    }

    /* counted once more, as they are filled in */

    boxes->n = 0;
    boxes->npoints = 0;

    if (imgp_pointer_each(pointer, root, imgp_boxes_add, boxes) < 0) {
        imgp_boxes_free(boxes);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_boxes_count(void *data, json_t *value)
{
    imgp_boxes_t  *boxes = data;

    boxes->npoints += imgp_boxes_points(imgp_boxes_unwrap(value));

    if (boxes->npoints > IMGP_BOXES_POINTS_MAX) {
        return imgp_work_error(boxes->work, IMGP_E_LIMIT,
                               "polygons of more than %d points",
                               IMGP_BOXES_POINTS_MAX);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_boxes_alloc(imgp_boxes_t *boxes)
{
    boxes->boxes = imgp_work_array(boxes->work, boxes->n + 1,
                                   sizeof(imgp_box_t));
    if (boxes->boxes == NULL) {
        return IMGP_ERROR;
    }

    boxes->points = imgp_work_array(boxes->work, boxes->npoints + 1,
                                    sizeof(imgp_point_t));
    if (boxes->points == NULL) {
        imgp_boxes_free(boxes);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


void
imgp_boxes_free(imgp_boxes_t *boxes)
{
    imgp_work_free(boxes->work, boxes->boxes);
    imgp_work_free(boxes->work, boxes->points);

    boxes->boxes = NULL;
    boxes->points = NULL;
    boxes->n = 0;
}


static imgp_int_t
imgp_boxes_add(void *data, json_t *value)
{
    double         v[4];
    imgp_int_t     rc;
    imgp_box_t    *box;
    imgp_boxes_t  *boxes = data;

    value = imgp_boxes_unwrap(value);

    box = &boxes->boxes[boxes->n];
    box->npoints = imgp_boxes_points(value);
    box->points = boxes->points + boxes->npoints;

    rc = box->npoints
             ? imgp_boxes_polygon(value, box->npoints, box->points, v)
             : imgp_boxes_rectangle(value, v);

    if (rc != IMGP_OK) {
        return imgp_work_error(boxes->work, IMGP_E_BAD_PARAM,
                               "value %u selected is no box: neither "
                               "[x,y,width,height] nor [[x,y],[x,y],[x,y],...]"
                               " nor an object with x, y, width, height or "
                               "left, top, right, bottom",
                               (unsigned) boxes->n);
    }

    if (imgp_boxes_clip(boxes, v, box) != IMGP_OK) {
        return IMGP_ERROR;
    }

    boxes->n++;
    boxes->npoints += box->npoints;

    return IMGP_OK;
}


static json_t *
imgp_boxes_unwrap(json_t *value)
{
    json_t       *inner;
    imgp_uint_t   i, n;

    for (n = 0; n < IMGP_BOXES_WRAPS && json_is_object(value); n++) {

        for (inner = NULL, i = 0;
             i < imgp_nelts(imgp_boxes_wraps) && inner == NULL;
             i++)
        {
            inner = json_object_get(value, imgp_boxes_wraps[i]);
        }

        if (inner == NULL) {
            break;
        }

        value = inner;
    }

    return value;
}


/* 0: it is no polygon */

static imgp_uint_t
imgp_boxes_points(json_t *value)
{
    size_t  n;

    n = json_array_size(value);

    if (n < 3) {
        return 0;
    }

    if (!json_is_number(json_array_get(value, 0))) {
        return n;
    }

    return (n >= 6 && n % 2 == 0) ? n / 2 : 0;
}


/* left, top, right, bottom */

static imgp_int_t
imgp_boxes_rectangle(json_t *value, double v[4])
{
    json_t                   *n[4];
    imgp_uint_t               i, k;
    const imgp_boxes_form_t  *form;

    if (json_is_array(value)) {

        for (i = 0; i < 4; i++) {
            n[i] = json_array_get(value, i);
        }

        return (json_array_size(value) == 4) ? imgp_boxes_numbers(n, 0, v)
                                             : IMGP_ERROR;
    }

    for (k = 0; k < imgp_nelts(imgp_boxes_forms); k++) {
        form = &imgp_boxes_forms[k];

        for (i = 0; i < 4; i++) {
            n[i] = json_object_get(value, form->names[i]);
        }

        if (imgp_boxes_numbers(n, form->sides, v) == IMGP_OK) {
            return IMGP_OK;
        }
    }

    return IMGP_ERROR;
}


static imgp_int_t
imgp_boxes_numbers(json_t *const n[4], imgp_uint_t sides, double v[4])
{
    imgp_uint_t  i;

    for (i = 0; i < 4; i++) {

        if (!json_is_number(n[i])) {
            return IMGP_ERROR;
        }

        v[i] = json_number_value(n[i]);
    }

    if (!sides) {
        v[2] += v[0];
        v[3] += v[1];
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_boxes_polygon(json_t *value, imgp_uint_t n, imgp_point_t *points,
    double v[4])
{
    imgp_uint_t  i;

    v[0] = v[1] = IMGP_BOXES_FAR;
    v[2] = v[3] = -IMGP_BOXES_FAR;

    for (i = 0; i < n; i++) {

        if (imgp_boxes_point(value, i, &points[i]) != IMGP_OK) {
            return IMGP_ERROR;
        }

        v[0] = fmin(v[0], points[i].x);
        v[1] = fmin(v[1], points[i].y);
        v[2] = fmax(v[2], points[i].x);
        v[3] = fmax(v[3], points[i].y);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_boxes_point(json_t *value, imgp_uint_t i, imgp_point_t *point)
{
    json_t  *p, *x, *y;

    p = json_array_get(value, i);

    if (json_is_number(json_array_get(value, 0))) {
        x = json_array_get(value, 2 * i);
        y = json_array_get(value, 2 * i + 1);

    } else if (json_is_array(p) && json_array_size(p) == 2) {
        x = json_array_get(p, 0);
        y = json_array_get(p, 1);

    } else if (json_is_object(p)) {
        x = json_object_get(p, "x");
        y = json_object_get(p, "y");

        /* protobuf's JSON, which is Google's, leaves out what is 0 */

        if (x == NULL && y == NULL && json_object_size(p) != 0) {
            return IMGP_ERROR;
        }

    } else {
        return IMGP_ERROR;
    }

    return (imgp_boxes_coordinate(x, &point->x) == IMGP_OK)
               ? imgp_boxes_coordinate(y, &point->y) : IMGP_ERROR;
}


static imgp_int_t
imgp_boxes_coordinate(json_t *value, double *v)
{
    *v = 0;

    if (value == NULL) {
        return IMGP_OK;
    }

    if (!json_is_number(value)) {
        return IMGP_ERROR;
    }

    *v = json_number_value(value);

    return (fabs(*v) <= IMGP_BOXES_FAR) ? IMGP_OK : IMGP_ERROR;
}


static imgp_int_t
imgp_boxes_clip(imgp_boxes_t *boxes, const double v[4], imgp_box_t *box)
{
    double  left, top, right, bottom;

    left = fmax(floor(v[0]), 0);
    top = fmax(floor(v[1]), 0);
    right = fmin(ceil(v[2]), boxes->width);
    bottom = fmin(ceil(v[3]), boxes->height);

    /* so written that it holds for what is not a number, too */

    if (!(v[0] < v[2] && v[1] < v[3] && left < right && top < bottom)) {
        return imgp_work_error(boxes->work, IMGP_E_BAD_PARAM,
                               "box %u holds no pixel of the %ux%u image",
                               (unsigned) boxes->n, boxes->width,
                               boxes->height);
    }

    box->x = left;
    box->y = top;
    box->w = right - left;
    box->h = bottom - top;

    return IMGP_OK;
}
