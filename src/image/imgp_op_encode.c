
/*
 * encode auto|jpeg|png|webp [max=SIZE|WxH] [quality=1..100]
 *        [background=#rrggbb]
 *
 * The last step of most pipelines: the picture as a client wants it.  "auto"
 * is decided by the finished picture: PNG if any of its pixels is not opaque,
 * else JPEG.  "max" is a box to fit inside, "background" lies under
 * transparency in a JPEG.  Runs on a pool thread.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_fit.h>
#include <imgp/imgp_encode.h>
#include <imgp/imgp_webp.h>


#define IMGP_OP_ENCODE_VERSION  3
#define IMGP_OP_ENCODE_QUALITY  85


typedef struct {
    imgp_fit_t         fit;           /* width 0: no "max" */
    imgp_encode_t      encode;
} imgp_op_encode_t;


static void *imgp_op_encode_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_encode_format(const imgp_str_t *value,
    uint32_t *format, imgp_error_t *err);
static imgp_int_t imgp_op_encode_text(imgp_pool_t *pool,
    const imgp_op_encode_t *conf, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_encode_max(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_encode_quality(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_encode_background(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static const imgp_fit_t *imgp_op_encode_box(const void *conf);
static imgp_int_t imgp_op_encode_write(const void *conf, imgp_work_t *work,
    imgp_picture_t *picture);
static imgp_int_t imgp_op_encode_settle(const void *conf, imgp_work_t *work,
    imgp_picture_t *picture);
static uint32_t imgp_op_encode_sub(const void *conf);


/* AUTO, and in the order of imgp_format_e */

static const char  *imgp_op_encode_formats[] = {
    "auto", "jpeg", "png", "webp"
};


static const imgp_args_option_t  imgp_op_encode_options[] = {
    { "max", imgp_op_encode_max },
    { "quality", imgp_op_encode_quality },
    { "background", imgp_op_encode_background },
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_encode = {
    imgp_string("encode"),
    imgp_op_encode_parse,
    imgp_op_encode_box,
    NULL,
    imgp_op_encode_write,
    imgp_op_encode_settle,
    NULL,
    imgp_op_encode_sub,
    NULL
};


static void *
imgp_op_encode_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_op_encode_t  *conf;

    if (nargs == 0) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "encode needs a format: auto, jpeg, png or webp");
        return NULL;
    }

    conf = imgp_pcalloc(pool, sizeof(imgp_op_encode_t));
    if (conf == NULL) {
        return imgp_op_no_memory(err);
    }

    conf->fit.fit = IMGP_FIT_INSIDE;
    conf->encode.quality = IMGP_OP_ENCODE_QUALITY;
    memset(conf->encode.background, 255, 3);

    if (imgp_op_encode_format(&args[0], &conf->encode.format, err) != IMGP_OK
        || imgp_args_options(args + 1, nargs - 1, imgp_op_encode_options,
                             conf, err)
           != IMGP_OK
        || imgp_op_encode_text(pool, conf, text, err) != IMGP_OK)
    {
        return NULL;
    }

    return conf;
}


static imgp_int_t
imgp_op_encode_format(const imgp_str_t *value, uint32_t *format,
    imgp_error_t *err)
{
    uint32_t  i;

    for (i = 0; i < imgp_nelts(imgp_op_encode_formats); i++) {

        if (strlen(imgp_op_encode_formats[i]) == value->len
            && memcmp(imgp_op_encode_formats[i], value->data, value->len) == 0)
        {
            *format = i;
            break;
        }
    }

    if (i == IMGP_FORMAT_WEBP && !imgp_webp_there()) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "encode webp needs libwebp, and this module was "
                              "built without it");
    }

    if (i < imgp_nelts(imgp_op_encode_formats)) {
        return IMGP_OK;
    }

    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                          "invalid format \"%.*s\", must be auto, jpeg, png "
                          "or webp", (int) value->len, (char *) value->data);
}


static imgp_int_t
imgp_op_encode_text(imgp_pool_t *pool, const imgp_op_encode_t *conf,
    imgp_str_t *text, imgp_error_t *err)
{
    const u_char  *rgb;

    rgb = conf->encode.background;

    return imgp_op_print(pool, text, err,
                         "%s max=%ux%u quality=%u background=#%02x%02x%02x "
                         "v=%d", imgp_op_encode_formats[conf->encode.format],
                         conf->fit.width, conf->fit.height,
                         conf->encode.quality, rgb[0], rgb[1], rgb[2],
                         IMGP_OP_ENCODE_VERSION);
}


static imgp_int_t
imgp_op_encode_max(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_encode_t  *e = conf;

    return imgp_args_size(value, what, &e->fit.width, &e->fit.height, err);
}


static imgp_int_t
imgp_op_encode_quality(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_encode_t  *e = conf;

    return imgp_args_number(value, what, 1, 100, &e->encode.quality, err);
}


static imgp_int_t
imgp_op_encode_background(const imgp_str_t *value, const char *what,
    void *conf, imgp_error_t *err)
{
    u_char             rgba[4];
    imgp_op_encode_t  *e = conf;

    if (imgp_args_color(value, what, 0, rgba, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    memcpy(e->encode.background, rgba, 3);

    return IMGP_OK;
}


static const imgp_fit_t *
imgp_op_encode_box(const void *data)
{
    const imgp_op_encode_t  *conf = data;

    return &conf->fit;
}


static imgp_int_t
imgp_op_encode_write(const void *data, imgp_work_t *work,
    imgp_picture_t *picture)
{
    const imgp_op_encode_t  *conf = data;

    return imgp_encode_picture(work, picture, &conf->encode);
}


static imgp_int_t
imgp_op_encode_settle(const void *data, imgp_work_t *work,
    imgp_picture_t *picture)
{
    const imgp_op_encode_t  *conf = data;

    return imgp_encode_settle(work, picture, &conf->encode);
}


static uint32_t
imgp_op_encode_sub(const void *data)
{
    const imgp_op_encode_t  *conf = data;

    return (conf->encode.format == IMGP_FORMAT_PNG)
               ? 0 : imgp_encode_sub(conf->encode.quality);
}
