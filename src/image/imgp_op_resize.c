
/*
 * resize SIZE|WxH [fit=inside|cover|exact]
 *
 * Makes a picture smaller and turns it upright; what "fit" means stands in
 * imgp_fit.h.  The result is in the format of the input, at a quality that
 * leaves later stages something to work with.  Runs on a pool thread.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_fit.h>
#include <imgp/imgp_encode.h>


#define IMGP_OP_RESIZE_VERSION  3


static void *imgp_op_resize_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_resize_fit(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static const imgp_fit_t *imgp_op_resize_box(const void *conf);
static uint32_t imgp_op_resize_sub(const void *conf);


/* in the order of imgp_fit_e */

static const char  *imgp_op_resize_fits[] = { "inside", "cover", "exact" };


static const imgp_args_option_t  imgp_op_resize_options[] = {
    { "fit", imgp_op_resize_fit },
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_resize = {
    imgp_string("resize"),
    imgp_op_resize_parse,
    imgp_op_resize_box,
    NULL,
    NULL,
    NULL,
    NULL,
    imgp_op_resize_sub,
    NULL
};


static void *
imgp_op_resize_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_fit_t  *fit;

    if (nargs == 0) {
        imgp_error_set(err, IMGP_E_BAD_PARAM, "resize needs a size");
        return NULL;
    }

    fit = imgp_pcalloc(pool, sizeof(imgp_fit_t));
    if (fit == NULL) {
        return imgp_op_no_memory(err);
    }

    fit->fit = IMGP_FIT_INSIDE;

    if (imgp_args_size(&args[0], "size", &fit->width, &fit->height, err)
        != IMGP_OK
        || imgp_args_options(args + 1, nargs - 1, imgp_op_resize_options, fit,
                             err)
           != IMGP_OK
        || imgp_op_print(pool, text, err, "%ux%u fit=%s v=%d", fit->width,
                         fit->height, imgp_op_resize_fits[fit->fit],
                         IMGP_OP_RESIZE_VERSION)
           != IMGP_OK)
    {
        return NULL;
    }

    return fit;
}


static imgp_int_t
imgp_op_resize_fit(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_fit_t  *fit = conf;

    return imgp_args_word(value, what, imgp_op_resize_fits,
                          imgp_nelts(imgp_op_resize_fits), &fit->fit, err);
}


static const imgp_fit_t *
imgp_op_resize_box(const void *conf)
{
    return conf;
}


static uint32_t
imgp_op_resize_sub(const void *conf)
{
    return imgp_encode_sub(IMGP_ENCODE_QUALITY);
}
