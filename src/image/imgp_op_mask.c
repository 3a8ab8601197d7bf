
/*
 * mask POINTER [dilate=PIXELS]
 *
 * Boxes and polygons of a JSON document as a mask for inpainting: a gray PNG,
 * white where they are, black elsewhere, of the size of the upright picture.
 * Takes two inputs in any order, the picture and the document, where POINTER
 * (RFC 6901, "*" for every element) selects them (imgp_boxes.h).  "dilate"
 * makes them wider on all sides.  A document where nothing is selected gives
 * a black mask.  Of the picture only the header is read.  Runs on a pool
 * thread.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_boxes.h>
#include <imgp/imgp_encode.h>
#include <imgp/imgp_mask.h>


#define IMGP_OP_MASK_VERSION  1
#define IMGP_OP_MASK_DILATE   1000

/* shares of the progress; writing takes what is left */

#define IMGP_OP_MASK_DRAWN    200
#define IMGP_OP_MASK_DILATED  500


typedef struct {
    imgp_pointer_t    *pointer;
    uint32_t           dilate;
} imgp_op_mask_t;


static void *imgp_op_mask_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_mask_dilate(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_mask_run(const void *data, imgp_work_t *work);
static imgp_int_t imgp_op_mask_size(imgp_work_t *work,
    const imgp_str_t *picture, imgp_image_t *mask);
static imgp_int_t imgp_op_mask_draw(const imgp_op_mask_t *conf,
    imgp_work_t *work, const imgp_str_t *json, imgp_image_t *mask);
static imgp_int_t imgp_op_mask_boxes(imgp_work_t *work,
    const imgp_boxes_t *boxes, imgp_image_t *mask);
static imgp_int_t imgp_op_mask_write(const imgp_op_mask_t *conf,
    imgp_work_t *work, imgp_image_t *mask);


static const imgp_args_option_t  imgp_op_mask_options[] = {
    { "dilate", imgp_op_mask_dilate },
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_mask = {
    .name = imgp_string("mask"),
    .parse = imgp_op_mask_parse,
    .run = imgp_op_mask_run
};


static void *
imgp_op_mask_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_op_mask_t  *conf;

    if (nargs == 0) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "mask needs a JSON pointer to boxes or polygons");
        return NULL;
    }

    conf = imgp_pcalloc(pool, sizeof(imgp_op_mask_t));
    if (conf == NULL) {
        return imgp_op_no_memory(err);
    }

    conf->pointer = imgp_pointer_parse(pool, &args[0], err);

    if (conf->pointer == NULL
        || imgp_args_options(args + 1, nargs - 1, imgp_op_mask_options, conf,
                             err)
           != IMGP_OK
        || imgp_op_print(pool, text, err, "%.*s dilate=%u v=%d",
                         (int) args[0].len, (char *) args[0].data,
                         conf->dilate, IMGP_OP_MASK_VERSION)
           != IMGP_OK)
    {
        return NULL;
    }

    return conf;
}


static imgp_int_t
imgp_op_mask_dilate(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_mask_t  *m = conf;

    return imgp_args_number(value, what, 0, IMGP_OP_MASK_DILATE, &m->dilate,
                            err);
}


static imgp_int_t
imgp_op_mask_run(const void *data, imgp_work_t *work)
{
    imgp_int_t              rc;
    imgp_image_t            mask;
    const imgp_op_input_t  *picture, *json;
    const imgp_op_mask_t   *conf = data;

    if (imgp_op_pair(work, "mask", &picture, &json) != IMGP_OK
        || imgp_op_mask_size(work, &picture->data, &mask) != IMGP_OK
        || imgp_image_alloc(work, &mask) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    memset(mask.data, 0, mask.stride * mask.height);

    rc = imgp_op_mask_draw(conf, work, &json->data, &mask);

    if (rc == IMGP_OK) {
        rc = imgp_op_mask_write(conf, work, &mask);
    }

    imgp_image_free(work, &mask);

    return rc;
}


static imgp_int_t
imgp_op_mask_size(imgp_work_t *work, const imgp_str_t *picture,
    imgp_image_t *mask)
{
    uint32_t        width, height;
    imgp_reader_t  *reader;

    if (imgp_reader_open(work, picture, &reader) != IMGP_OK) {
        return IMGP_ERROR;
    }

    width = reader->full_width;
    height = reader->full_height;

    if (imgp_orient_swaps(reader->orientation)) {
        width = reader->full_height;
        height = reader->full_width;
    }

    imgp_reader_close(reader);

    imgp_image_form(mask, width, height, IMGP_SPACE_GRAY, 0, 8);

    return IMGP_OK;
}


static imgp_int_t
imgp_op_mask_draw(const imgp_op_mask_t *conf, imgp_work_t *work,
    const imgp_str_t *json, imgp_image_t *mask)
{
    json_t        *root;
    imgp_int_t     rc;
    imgp_boxes_t   boxes;

    root = imgp_boxes_load(work, json);
    if (root == NULL) {
        return IMGP_ERROR;
    }

    rc = imgp_boxes_read(work, conf->pointer, root, IMGP_BOXES_MAX,
                         mask->width, mask->height, &boxes);
    json_decref(root);

    if (rc != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_op_mask_boxes(work, &boxes, mask);

    imgp_boxes_free(&boxes);

    return rc;
}


static imgp_int_t
imgp_op_mask_boxes(imgp_work_t *work, const imgp_boxes_t *boxes,
    imgp_image_t *mask)
{
    imgp_uint_t  i;

    imgp_work_phase(work, 0, IMGP_OP_MASK_DRAWN);

    for (i = 0; i < boxes->n; i++) {

        if (imgp_mask_box(work, mask, &boxes->boxes[i]) != IMGP_OK
            || imgp_work_step(work, i + 1, boxes->n) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_mask_write(const imgp_op_mask_t *conf, imgp_work_t *work,
    imgp_image_t *mask)
{
    imgp_encode_t  encode;

    if (imgp_mask_dilate(work, mask, conf->dilate) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_work_phase(work, IMGP_OP_MASK_DILATED, IMGP_OP_WRITE);

    memset(&encode, 0, sizeof(imgp_encode_t));
    encode.format = IMGP_FORMAT_PNG;

    return imgp_encode(work, mask, &encode);
}
