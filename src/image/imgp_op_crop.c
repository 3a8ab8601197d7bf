
/*
 * crop POINTER
 *
 * Cuts boxes out of a picture, one output per box, in the picture's format.
 * Takes two inputs in any order: the picture and a JSON document, where
 * POINTER (RFC 6901, "*" for every element) selects the boxes (imgp_boxes.h).
 * Fractions are rounded outwards, of a polygon it is the rectangle around it.
 * A document where nothing is selected gives no outputs.  Runs on a pool
 * thread.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_boxes.h>


#define IMGP_OP_CROP_VERSION  3


static void *imgp_op_crop_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_crop_split(const void *pointer, imgp_work_t *work,
    imgp_picture_t *picture, const imgp_op_input_t *json,
    imgp_op_part_pt part, void *data);
static imgp_int_t imgp_op_crop_boxes(imgp_work_t *work,
    imgp_picture_t *picture, const imgp_boxes_t *boxes,
    imgp_op_part_pt part, void *data);
static imgp_int_t imgp_op_crop_cut(imgp_work_t *work,
    const imgp_picture_t *picture, const imgp_box_t *box,
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
    json_t        *root;
    imgp_int_t     rc;
    imgp_boxes_t   boxes;

    root = imgp_boxes_load(work, &json->data);
    if (root == NULL) {
        return IMGP_ERROR;
    }

    rc = imgp_boxes_read(work, pointer, root, IMGP_OP_OUTPUTS_MAX,
                         picture->width, picture->height, &boxes);
    json_decref(root);

    if (rc != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_op_crop_boxes(work, picture, &boxes, part, data);

    imgp_boxes_free(&boxes);

    return rc;
}


static imgp_int_t
imgp_op_crop_boxes(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_boxes_t *boxes, imgp_op_part_pt part, void *data)
{
    uint32_t        from, to;
    imgp_uint_t     i;
    imgp_picture_t  piece;

    if (imgp_picture_image(work, picture) != IMGP_OK) {
        return IMGP_ERROR;
    }

    from = work->from;
    to = work->to;

    for (i = 0; i < boxes->n; i++) {
        imgp_work_phase(work, from + (to - from) * i / boxes->n,
                        from + (to - from) * (i + 1) / boxes->n);

        if (imgp_op_crop_cut(work, picture, &boxes->boxes[i], &piece)
            != IMGP_OK
            || part(data, &piece) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_crop_cut(imgp_work_t *work, const imgp_picture_t *picture,
    const imgp_box_t *box, imgp_picture_t *piece)
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
