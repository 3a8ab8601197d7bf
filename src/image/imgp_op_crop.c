
/*
 * crop POINTER
 *
 * Cuts boxes out of a picture, one output per box, in the picture's format.
 * Takes two inputs in any order: the picture and a JSON document, where
 * POINTER (RFC 6901, "*" for every element) selects the boxes.  A box is
 *
 *     [x, y, width, height]
 *     {"x":, "y":, "width":, "height":}
 *     {"left":, "top":, "right":, "bottom":}
 *
 * in pixels of the upright picture; fractions are rounded outwards, what lies
 * outside the picture is cut off, and a box with nothing left is an error.
 * A document where nothing is selected gives no outputs.  Runs on a pool
 * thread.
 */


#include <math.h>
#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_pointer.h>


#define IMGP_OP_CROP_VERSION  3


typedef struct {
    uint32_t           x;
    uint32_t           y;
    uint32_t           w;
    uint32_t           h;
} imgp_op_crop_box_t;


typedef struct {
    imgp_work_t         *work;
    uint32_t             width;       /* of the picture */
    uint32_t             height;
    imgp_uint_t          n;
    imgp_op_crop_box_t   boxes[IMGP_OP_OUTPUTS_MAX];
} imgp_op_crop_boxes_t;


static void *imgp_op_crop_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_crop_split(const void *pointer, imgp_work_t *work,
    imgp_picture_t *picture, const imgp_op_input_t *json,
    imgp_op_part_pt part, void *data);
static imgp_int_t imgp_op_crop_select(const imgp_pointer_t *pointer,
    const imgp_str_t *text, imgp_op_crop_boxes_t *boxes);
static imgp_int_t imgp_op_crop_box(void *data, json_t *value);
static imgp_int_t imgp_op_crop_numbers(json_t *value, double v[4]);
static imgp_int_t imgp_op_crop_clamp(imgp_op_crop_boxes_t *boxes,
    const double v[4]);
static imgp_int_t imgp_op_crop_cut(imgp_work_t *work,
    const imgp_picture_t *picture, const imgp_op_crop_box_t *box,
    imgp_picture_t *piece);


static const imgp_args_option_t  imgp_op_crop_options[] = {
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_crop = {
    imgp_string("crop"),
    imgp_op_crop_parse,
    NULL,
    NULL,
    NULL,
    NULL,
    imgp_op_crop_split,
    NULL,
    NULL
};


static void *
imgp_op_crop_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_pointer_t  *pointer;

    if (nargs == 0) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "crop needs a JSON pointer to the boxes");
        return NULL;
    }

    pointer = imgp_pointer_parse(pool, &args[0], err);

    if (pointer == NULL
        || imgp_args_options(args + 1, nargs - 1, imgp_op_crop_options, NULL,
                             err)
           != IMGP_OK
        || imgp_op_print(pool, text, err, "%.*s v=%d", (int) args[0].len,
                         (char *) args[0].data, IMGP_OP_CROP_VERSION)
           != IMGP_OK)
    {
        return NULL;
    }

    return pointer;
}


static imgp_int_t
imgp_op_crop_split(const void *pointer, imgp_work_t *work,
    imgp_picture_t *picture, const imgp_op_input_t *json,
    imgp_op_part_pt part, void *data)
{
    uint32_t               from, to;
    imgp_uint_t            i;
    imgp_picture_t         piece;
    imgp_op_crop_boxes_t   boxes;

    boxes.work = work;
    boxes.width = picture->width;
    boxes.height = picture->height;
    boxes.n = 0;

    if (imgp_op_crop_select(pointer, &json->data, &boxes) != IMGP_OK
        || imgp_picture_image(work, picture) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    from = work->from;
    to = work->to;

    for (i = 0; i < boxes.n; i++) {
        imgp_work_phase(work, from + (to - from) * i / boxes.n,
                        from + (to - from) * (i + 1) / boxes.n);

        if (imgp_op_crop_cut(work, picture, &boxes.boxes[i], &piece) != IMGP_OK
            || part(data, &piece) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_crop_select(const imgp_pointer_t *pointer, const imgp_str_t *text,
    imgp_op_crop_boxes_t *boxes)
{
    json_t        *root;
    imgp_int_t     rc;
    imgp_error_t   err;

    root = imgp_json_load(text, &err);
    if (root == NULL) {
        return imgp_work_error(boxes->work, IMGP_E_BAD_PARAM, "%s",
                               err.detail);
    }

    rc = imgp_pointer_each(pointer, root, imgp_op_crop_box, boxes);

    json_decref(root);

    return (rc < 0) ? IMGP_ERROR : IMGP_OK;
}


static imgp_int_t
imgp_op_crop_box(void *data, json_t *value)
{
    double                 v[4];
    imgp_op_crop_boxes_t  *boxes = data;

    if (boxes->n == IMGP_OP_OUTPUTS_MAX) {
        return imgp_work_error(boxes->work, IMGP_E_LIMIT,
                               "more than %d boxes", IMGP_OP_OUTPUTS_MAX);
    }

    if (imgp_op_crop_numbers(value, v) != IMGP_OK) {
        return imgp_work_error(boxes->work, IMGP_E_BAD_PARAM,
                               "value %u selected is no box: neither "
                               "[x,y,width,height] nor an object with x, y, "
                               "width, height or left, top, right, bottom",
                               (unsigned) boxes->n);
    }

    return imgp_op_crop_clamp(boxes, v);
}


/* left, top, right, bottom */

static imgp_int_t
imgp_op_crop_numbers(json_t *value, double v[4])
{
    json_t       *n[4];
    imgp_uint_t   i, sides;

    sides = 0;

    if (json_is_array(value) && json_array_size(value) == 4) {

        for (i = 0; i < 4; i++) {
            n[i] = json_array_get(value, i);
        }

    } else if (json_object_get(value, "left") != NULL) {
        n[0] = json_object_get(value, "left");
        n[1] = json_object_get(value, "top");
        n[2] = json_object_get(value, "right");
        n[3] = json_object_get(value, "bottom");
        sides = 1;

    } else {
        n[0] = json_object_get(value, "x");
        n[1] = json_object_get(value, "y");
        n[2] = json_object_get(value, "width");
        n[3] = json_object_get(value, "height");
    }

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
imgp_op_crop_clamp(imgp_op_crop_boxes_t *boxes, const double v[4])
{
    double               left, top, right, bottom;
    imgp_op_crop_box_t  *box;

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

    box = &boxes->boxes[boxes->n++];

    box->x = left;
    box->y = top;
    box->w = right - left;
    box->h = bottom - top;

    return IMGP_OK;
}


static imgp_int_t
imgp_op_crop_cut(imgp_work_t *work, const imgp_picture_t *picture,
    const imgp_op_crop_box_t *box, imgp_picture_t *piece)
{
    uint32_t             y;
    const imgp_image_t  *image;

    image = &picture->image;

    memset(piece, 0, sizeof(imgp_picture_t));

    piece->width = box->w;
    piece->height = box->h;
    piece->format = picture->format;

    imgp_image_form(&piece->image, box->w, box->h, image->space, image->alpha,
                    8);

    if (imgp_image_alloc(work, &piece->image) != IMGP_OK) {
        return IMGP_ERROR;
    }

    for (y = 0; y < box->h; y++) {
        memcpy(imgp_image_row(&piece->image, y),
               imgp_image_row(image, box->y + y)
               + (size_t) box->x * image->channels, piece->image.stride);
    }

    return IMGP_OK;
}
