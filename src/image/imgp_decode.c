
/*
 * The flow from bytes to a picture, for every operation:
 *
 *     reader -> rows -> [resampler] -> sRGB -> 8 bits -> upright
 *
 * Colours and orientation come last because the picture is smallest then.
 * Runs on the thread of imgp_op_run(); all memory is the run's.
 */


#include <imgp/imgp_decode.h>
#include <imgp/imgp_reader.h>
#include <imgp/imgp_resize.h>
#include <imgp/imgp_color.h>
#include <imgp/imgp_alpha.h>


static void imgp_decode_plan(imgp_reader_t *reader, const imgp_fit_t *fit,
    imgp_fit_plan_t *plan);
static uint32_t imgp_decode_whole(uint32_t full, uint32_t span, uint32_t out);
static imgp_int_t imgp_decode_pixels(imgp_reader_t *reader,
    const imgp_fit_plan_t *plan, imgp_image_t *image);
static imgp_int_t imgp_decode_rows(imgp_reader_t *reader,
    imgp_image_t *image);
static imgp_int_t imgp_decode_resized(imgp_reader_t *reader,
    const imgp_fit_plan_t *plan, imgp_image_t *image);
static imgp_int_t imgp_decode_push(imgp_reader_t *reader,
    imgp_resize_t *resize);
static imgp_int_t imgp_decode_develop(imgp_reader_t *reader,
    imgp_image_t *image);


imgp_int_t
imgp_decode(imgp_work_t *work, const imgp_str_t *data, const imgp_fit_t *fit,
    imgp_image_t *image, uint32_t *format)
{
    imgp_int_t        rc;
    imgp_reader_t    *reader;
    imgp_fit_plan_t   plan;

    image->data = NULL;

    if (imgp_reader_open(work, data, &reader) != IMGP_OK) {
        return IMGP_ERROR;
    }

    *format = reader->format;

    imgp_decode_plan(reader, fit, &plan);

    rc = imgp_decode_pixels(reader, &plan, image);

    if (rc == IMGP_OK) {
        rc = imgp_reader_finish(reader);
    }

    if (rc == IMGP_OK) {
        rc = imgp_decode_develop(reader, image);
    }

    imgp_reader_close(reader);

    if (rc != IMGP_OK) {
        imgp_image_free(work, image);
    }

    return rc;
}


/* the box is for the upright picture; the plan is for the stored one */

static void
imgp_decode_plan(imgp_reader_t *reader, const imgp_fit_t *fit,
    imgp_fit_plan_t *plan)
{
    uint32_t         o, w, h;
    imgp_fit_plan_t  upright;

    o = reader->orientation;
    w = reader->full_width;
    h = reader->full_height;

    if (!imgp_orient_swaps(o)) {
        imgp_fit_plan(fit, w, h, plan);

    } else {
        imgp_fit_plan(fit, h, w, &upright);

        plan->width = upright.height;
        plan->height = upright.width;
        plan->x = upright.y;
        plan->y = upright.x;
        plan->w = upright.h;
        plan->h = upright.w;
    }

    if (imgp_orient_flip_x(o)) {
        plan->x = w - plan->w - plan->x;
    }

    if (imgp_orient_flip_y(o)) {
        plan->y = h - plan->h - plan->y;
    }
}


/* what the whole side shrinks to, where "span" of it becomes "out" */

static uint32_t
imgp_decode_whole(uint32_t full, uint32_t span, uint32_t out)
{
    return ((uint64_t) full * out + span - 1) / span;
}


static imgp_int_t
imgp_decode_pixels(imgp_reader_t *reader, const imgp_fit_plan_t *plan,
    imgp_image_t *image)
{
    uint32_t      width, height;
    imgp_uint_t   same;
    imgp_work_t  *work;

    work = reader->work;

    width = imgp_decode_whole(reader->full_width, plan->w, plan->width);
    height = imgp_decode_whole(reader->full_height, plan->h, plan->height);

    if (imgp_reader_start(reader, width, height) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_image_form(image, plan->width, plan->height, reader->rows.space,
                    reader->rows.alpha, reader->rows.depth);

    if (imgp_image_alloc(work, image) != IMGP_OK) {
        return IMGP_ERROR;
    }

    same = plan->width == reader->full_width
           && plan->height == reader->full_height;

    return same ? imgp_decode_rows(reader, image)
                : imgp_decode_resized(reader, plan, image);
}


static imgp_int_t
imgp_decode_rows(imgp_reader_t *reader, imgp_image_t *image)
{
    uint32_t  y;

    for (y = 0; y < image->height; y++) {

        if (y % IMGP_STEP_ROWS == 0
            && imgp_work_step(reader->work, y, image->height) != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        if (imgp_reader_row(reader, imgp_image_row(image, y)) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_decode_resized(imgp_reader_t *reader, const imgp_fit_plan_t *plan,
    imgp_image_t *image)
{
    imgp_int_t           rc;
    imgp_resize_t       *resize;
    imgp_resize_conf_t   conf;

    memset(&conf, 0, sizeof(imgp_resize_conf_t));

    conf.x.length = reader->full_width;
    conf.x.pitch = reader->pitch;
    conf.x.start = plan->x;
    conf.x.span = plan->w;
    conf.x.out = plan->width;

    conf.y.length = reader->full_height;
    conf.y.pitch = reader->pitch;
    conf.y.start = plan->y;
    conf.y.span = plan->h;
    conf.y.out = plan->height;

    if (imgp_resize_create(reader->work, &conf, image, &resize) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_decode_push(reader, resize);

    imgp_resize_free(resize);

    return rc;
}


static imgp_int_t
imgp_decode_push(imgp_reader_t *reader, imgp_resize_t *resize)
{
    uint32_t  y;

    for (y = 0; y < reader->rows.height; y++) {

        if (y % IMGP_STEP_ROWS == 0
            && imgp_work_step(reader->work, y, reader->rows.height) != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        if (imgp_reader_row(reader, imgp_resize_slot(resize, 0)) != IMGP_OK) {
            return IMGP_ERROR;
        }

        imgp_resize_take(resize, 1);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_decode_develop(imgp_reader_t *reader, imgp_image_t *image)
{
    imgp_work_t  *work;

    work = reader->work;

    if (imgp_color_to_srgb(work, image, &reader->icc) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_image_to_8(image);
    imgp_alpha_clean(image);

    return imgp_image_orient(work, image, reader->orientation);
}
