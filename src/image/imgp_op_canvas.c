
/*
 * canvas PIXELS [color=#rrggbb|#rrggbbaa|transparent]
 *
 * Pads a picture on all four sides, for services that paint outwards.  The
 * default is transparent, because those take transparency as "paint here";
 * the output is then a PNG.  With an opaque colour it is in the input's
 * format.  Runs on a pool thread.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>


#define IMGP_OP_CANVAS_VERSION  3
#define IMGP_OP_CANVAS_MAX      16384


typedef struct {
    uint32_t           pixels;
    u_char             rgba[4];
} imgp_op_canvas_t;


static void *imgp_op_canvas_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_canvas_color(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_canvas_apply(const void *data, imgp_work_t *work,
    imgp_picture_t *picture);
static void imgp_op_canvas_fill(const imgp_op_canvas_t *conf,
    imgp_image_t *image);


static const imgp_args_option_t  imgp_op_canvas_options[] = {
    { "color", imgp_op_canvas_color },
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_canvas = {
    imgp_string("canvas"),
    imgp_op_canvas_parse,
    NULL,
    imgp_op_canvas_apply,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
};


static void *
imgp_op_canvas_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_op_canvas_t  *conf;

    if (nargs == 0) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "canvas needs a number of pixels");
        return NULL;
    }

    conf = imgp_pcalloc(pool, sizeof(imgp_op_canvas_t));
    if (conf == NULL) {
        return imgp_op_no_memory(err);
    }

    if (imgp_args_number(&args[0], "number of pixels", 1, IMGP_OP_CANVAS_MAX,
                         &conf->pixels, err)
        != IMGP_OK
        || imgp_args_options(args + 1, nargs - 1, imgp_op_canvas_options,
                             conf, err)
           != IMGP_OK
        || imgp_op_print(pool, text, err, "%u color=#%02x%02x%02x%02x v=%d",
                         conf->pixels, conf->rgba[0], conf->rgba[1],
                         conf->rgba[2], conf->rgba[3], IMGP_OP_CANVAS_VERSION)
           != IMGP_OK)
    {
        return NULL;
    }

    return conf;
}


static imgp_int_t
imgp_op_canvas_color(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_canvas_t  *c = conf;

    if (imgp_args_color(value, what, 1, c->rgba, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (c->rgba[3] == 0) {
        memset(c->rgba, 0, 4);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_canvas_apply(const void *data, imgp_work_t *work,
    imgp_picture_t *picture)
{
    uint32_t                 y, pad, space, alpha;
    imgp_image_t             padded, *image;
    const imgp_op_canvas_t  *conf = data;

    if (imgp_picture_image(work, picture) != IMGP_OK) {
        return IMGP_ERROR;
    }

    image = &picture->image;
    pad = conf->pixels;

    space = (conf->rgba[0] == conf->rgba[1] && conf->rgba[1] == conf->rgba[2])
            ? image->space : IMGP_SPACE_RGB;
    alpha = image->alpha || conf->rgba[3] != 255;

    if (imgp_work_size(work, (uint64_t) image->width + 2 * pad,
                       (uint64_t) image->height + 2 * pad)
        != IMGP_OK
        || imgp_image_expand(work, image, space, alpha) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_image_form(&padded, image->width + 2 * pad, image->height + 2 * pad,
                    space, alpha, 8);

    if (imgp_image_alloc(work, &padded) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_op_canvas_fill(conf, &padded);

    for (y = 0; y < image->height; y++) {
        memcpy(imgp_image_row(&padded, y + pad)
               + (size_t) pad * image->channels,
               imgp_image_row(image, y), image->stride);
    }

    imgp_image_free(work, image);
    *image = padded;

    picture->width = padded.width;
    picture->height = padded.height;

    return IMGP_OK;
}


static void
imgp_op_canvas_fill(const imgp_op_canvas_t *conf, imgp_image_t *image)
{
    u_char    *p;
    uint32_t   x, y;

    p = image->data;

    for (x = 0; x < image->width; x++) {
        memcpy(p, conf->rgba, image->space);
        p += image->space;

        if (image->alpha) {
            *p++ = conf->rgba[3];
        }
    }

    for (y = 1; y < image->height; y++) {
        memcpy(imgp_image_row(image, y), image->data, image->stride);
    }
}
