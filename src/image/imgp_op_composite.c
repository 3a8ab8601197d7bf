
/*
 * composite [mode=auto|over|cut] [fit=auto|inside|exact|none] [at=X,Y]
 *
 * Two pictures: the first lies over the second, whose size and format the
 * result has; or (cut) the second is a mask, that the first is cut out by: the
 * result is the first, with as much alpha as the mask is white.  "auto" cuts
 * where the second is a gray picture without alpha and the first is opaque,
 * as that one over anything would hide it.
 *
 * Three pictures: the first lies over the second where the third, a mask, is
 * white.
 *
 * A mask is made as large as what it belongs to.  The first picture is made as
 * large as fits inside the second (the default for two), just as large (the
 * default for three: then it is another version of the second), or left as it
 * is; "at" says where what room is left goes, in percent, as
 * background-position in CSS; 50,50 is the middle.
 *
 * Runs on a pool thread; all pictures are in memory as a whole.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_alpha.h>
#include <imgp/imgp_blend.h>
#include <imgp/imgp_decode.h>
#include <imgp/imgp_encode.h>


#define IMGP_OP_COMPOSITE_VERSION  1

/* shares of the progress: the second, the mask, the first; the rest writes */

#define IMGP_OP_COMPOSITE_UNDER    300
#define IMGP_OP_COMPOSITE_MASK     400
#define IMGP_OP_COMPOSITE_TOP      700


typedef enum {
    IMGP_OP_COMPOSITE_AUTO = 0,
    IMGP_OP_COMPOSITE_OVER,
    IMGP_OP_COMPOSITE_CUT
} imgp_op_composite_mode_e;


typedef enum {
    IMGP_OP_COMPOSITE_FIT_AUTO = 0,
    IMGP_OP_COMPOSITE_FIT_INSIDE,
    IMGP_OP_COMPOSITE_FIT_EXACT,
    IMGP_OP_COMPOSITE_FIT_NONE
} imgp_op_composite_fit_e;


typedef struct {
    uint32_t           mode;
    uint32_t           fit;
    uint32_t           x;             /* percent */
    uint32_t           y;
} imgp_op_composite_t;


typedef struct {
    imgp_work_t       *work;
    imgp_picture_t     top;
    imgp_picture_t     under;         /* of two, perhaps a mask */
    imgp_picture_t     mask;          /* of three; else without data */
} imgp_op_composite_run_t;


static void *imgp_op_composite_parse(imgp_pool_t *pool,
    const imgp_str_t *args, imgp_uint_t nargs, imgp_str_t *text,
    imgp_error_t *err);
static imgp_int_t imgp_op_composite_mode(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_composite_fit(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_composite_at(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_composite_run(const void *data, imgp_work_t *work);
static imgp_int_t imgp_op_composite_load(imgp_op_composite_run_t *run);
static imgp_int_t imgp_op_composite_decode(imgp_work_t *work, imgp_uint_t i,
    imgp_picture_t *picture);
static imgp_uint_t imgp_op_composite_cuts(const imgp_op_composite_t *conf,
    const imgp_op_composite_run_t *run);
static imgp_int_t imgp_op_composite_cut(imgp_op_composite_run_t *run);
static imgp_int_t imgp_op_composite_over(const imgp_op_composite_t *conf,
    imgp_op_composite_run_t *run);
static imgp_int_t imgp_op_composite_size(const imgp_op_composite_t *conf,
    imgp_op_composite_run_t *run);
static imgp_int_t imgp_op_composite_blend(const imgp_op_composite_t *conf,
    imgp_op_composite_run_t *run);


/* in the order of the enums */

static const char  *imgp_op_composite_modes[] = { "auto", "over", "cut" };

static const char  *imgp_op_composite_fits[] = {
    "auto", "inside", "exact", "none"
};


static const imgp_args_option_t  imgp_op_composite_options[] = {
    { "mode", imgp_op_composite_mode },
    { "fit", imgp_op_composite_fit },
    { "at", imgp_op_composite_at },
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_composite = {
    .name = imgp_string("composite"),
    .parse = imgp_op_composite_parse,
    .run = imgp_op_composite_run
};


static void *
imgp_op_composite_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_op_composite_t  *conf;

    conf = imgp_pcalloc(pool, sizeof(imgp_op_composite_t));
    if (conf == NULL) {
        return imgp_op_no_memory(err);
    }

    conf->x = 50;
    conf->y = 50;

    if (imgp_args_options(args, nargs, imgp_op_composite_options, conf, err)
        != IMGP_OK
        || imgp_op_print(pool, text, err, "mode=%s fit=%s at=%u,%u v=%d",
                         imgp_op_composite_modes[conf->mode],
                         imgp_op_composite_fits[conf->fit], conf->x, conf->y,
                         IMGP_OP_COMPOSITE_VERSION)
           != IMGP_OK)
    {
        return NULL;
    }

    return conf;
}


static imgp_int_t
imgp_op_composite_mode(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_composite_t  *c = conf;

    return imgp_args_word(value, what, imgp_op_composite_modes,
                          imgp_nelts(imgp_op_composite_modes), &c->mode, err);
}


static imgp_int_t
imgp_op_composite_fit(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_composite_t  *c = conf;

    return imgp_args_word(value, what, imgp_op_composite_fits,
                          imgp_nelts(imgp_op_composite_fits), &c->fit, err);
}


static imgp_int_t
imgp_op_composite_at(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    u_char               *comma;
    imgp_str_t            x, y;
    imgp_error_t          why;
    imgp_op_composite_t  *c = conf;

    comma = memchr(value->data, ',', value->len);

    if (comma != NULL) {
        x.data = value->data;
        x.len = comma - x.data;
        y.data = comma + 1;
        y.len = value->len - x.len - 1;

        if (imgp_args_number(&x, what, 0, 100, &c->x, &why) == IMGP_OK
            && imgp_args_number(&y, what, 0, 100, &c->y, &why) == IMGP_OK)
        {
            return IMGP_OK;
        }
    }

    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                          "invalid %s \"%.*s\", must be X,Y, each 0..100 "
                          "percent", what, (int) value->len,
                          (char *) value->data);
}


static imgp_int_t
imgp_op_composite_run(const void *data, imgp_work_t *work)
{
    imgp_int_t                  rc;
    imgp_op_composite_run_t     run;
    const imgp_op_composite_t  *conf = data;

    if (work->task->ninputs != 2
        && (work->task->ninputs != 3 || conf->mode == IMGP_OP_COMPOSITE_CUT))
    {
        return imgp_work_error(work, IMGP_E_BAD_PARAM,
                               "composite takes two images%s, there are %u",
                               (conf->mode == IMGP_OP_COMPOSITE_CUT)
                               ? "" : ", or three, of which the last is a mask",
                               (unsigned) work->task->ninputs);
    }

    memset(&run, 0, sizeof(imgp_op_composite_run_t));
    run.work = work;

    rc = imgp_op_composite_load(&run);

    if (rc == IMGP_OK) {
        rc = imgp_op_composite_cuts(conf, &run)
                 ? imgp_op_composite_cut(&run)
                 : imgp_op_composite_over(conf, &run);
    }

    imgp_picture_free(work, &run.top);
    imgp_picture_free(work, &run.under);
    imgp_picture_free(work, &run.mask);

    return rc;
}


static imgp_int_t
imgp_op_composite_load(imgp_op_composite_run_t *run)
{
    imgp_work_t  *work;

    work = run->work;

    imgp_work_phase(work, 0, IMGP_OP_COMPOSITE_UNDER);

    if (imgp_op_composite_decode(work, 1, &run->under) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_work_phase(work, IMGP_OP_COMPOSITE_UNDER, IMGP_OP_COMPOSITE_MASK);

    if (work->task->ninputs == 3
        && imgp_op_composite_decode(work, 2, &run->mask) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_work_phase(work, IMGP_OP_COMPOSITE_MASK, IMGP_OP_COMPOSITE_TOP);

    return imgp_op_composite_decode(work, 0, &run->top);
}


static imgp_int_t
imgp_op_composite_decode(imgp_work_t *work, imgp_uint_t i,
    imgp_picture_t *picture)
{
    imgp_decode_t  decode;

    memset(&decode, 0, sizeof(imgp_decode_t));

    return imgp_decode_picture(work, &work->task->inputs[i].data, &decode,
                               picture);
}


static imgp_uint_t
imgp_op_composite_cuts(const imgp_op_composite_t *conf,
    const imgp_op_composite_run_t *run)
{
    if (conf->mode != IMGP_OP_COMPOSITE_AUTO || run->mask.image.data != NULL) {
        return conf->mode == IMGP_OP_COMPOSITE_CUT;
    }

    return run->under.image.channels == 1
           && !imgp_alpha_used(&run->top.image);
}


static imgp_int_t
imgp_op_composite_cut(imgp_op_composite_run_t *run)
{
    uint32_t       y;
    imgp_work_t   *work;
    imgp_image_t  *mask, *image;

    work = run->work;
    mask = &run->under.image;
    image = &run->top.image;

    if (imgp_blend_mask(work, mask) != IMGP_OK
        || imgp_picture_scale(work, &run->under, image->width, image->height)
           != IMGP_OK
        || imgp_image_expand(work, image, image->space, 1) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    for (y = 0; y < image->height; y++) {
        imgp_blend_cut(image, imgp_image_row(image, y),
                       imgp_image_row(mask, y), image->width);

        if (y % IMGP_STEP_ROWS == 0 && imgp_work_poll(work) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    imgp_work_phase(work, IMGP_OP_COMPOSITE_TOP, IMGP_OP_WRITE);

    return imgp_encode_picture_as(work, &run->top);
}


static imgp_int_t
imgp_op_composite_over(const imgp_op_composite_t *conf,
    imgp_op_composite_run_t *run)
{
    uint32_t       space;
    imgp_work_t   *work;
    imgp_image_t  *top, *under;

    work = run->work;
    top = &run->top.image;
    under = &run->under.image;

    space = imgp_max(top->space, under->space);

    if (imgp_op_composite_size(conf, run) != IMGP_OK
        || imgp_image_expand(work, top, space, top->alpha) != IMGP_OK
        || imgp_image_expand(work, under, space, under->alpha) != IMGP_OK
        || imgp_op_composite_blend(conf, run) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_work_phase(work, IMGP_OP_COMPOSITE_TOP, IMGP_OP_WRITE);

    return imgp_encode_picture_as(work, &run->under);
}


static imgp_int_t
imgp_op_composite_size(const imgp_op_composite_t *conf,
    imgp_op_composite_run_t *run)
{
    uint64_t      w, h, width, height;
    imgp_uint_t   masked;

    w = run->top.width;
    h = run->top.height;
    width = run->under.width;
    height = run->under.height;
    masked = (run->mask.image.data != NULL);

    if (masked
        && (imgp_blend_mask(run->work, &run->mask.image) != IMGP_OK
            || imgp_picture_scale(run->work, &run->mask, width, height)
               != IMGP_OK))
    {
        return IMGP_ERROR;
    }

    if (conf->fit == IMGP_OP_COMPOSITE_FIT_NONE) {
        return IMGP_OK;
    }

    if (conf->fit == IMGP_OP_COMPOSITE_FIT_INSIDE
        || (conf->fit == IMGP_OP_COMPOSITE_FIT_AUTO && !masked))
    {
        if (w * height >= h * width) {
            height = imgp_max((h * width + w / 2) / w, 1);

        } else {
            width = imgp_max((w * height + h / 2) / h, 1);
        }
    }

    return imgp_picture_scale(run->work, &run->top, width, height);
}


static imgp_int_t
imgp_op_composite_blend(const imgp_op_composite_t *conf,
    imgp_op_composite_run_t *run)
{
    int64_t         left, upper, from_x, from_y, to_x, to_y, y;
    u_char         *row, *mask;
    imgp_image_t   *top, *under;

    top = &run->top.image;
    under = &run->under.image;

    left = ((int64_t) under->width - top->width) * conf->x / 100;
    upper = ((int64_t) under->height - top->height) * conf->y / 100;

    from_x = imgp_max(left, 0);
    from_y = imgp_max(upper, 0);
    to_x = imgp_min(left + top->width, under->width);
    to_y = imgp_min(upper + top->height, under->height);

    for (y = from_y; y < to_y; y++) {
        row = imgp_image_row(top, y - upper) + (from_x - left) * top->channels;

        mask = run->mask.image.data
                   ? imgp_image_row(&run->mask.image, y) + from_x : NULL;

        imgp_blend_over(top, row, mask, under, imgp_image_row(under, y)
                                               + from_x * under->channels,
                        to_x - from_x);

        if (y % IMGP_STEP_ROWS == 0
            && imgp_work_poll(run->work) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}
