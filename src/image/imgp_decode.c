
/*
 * The flow from bytes to a picture, for every operation:
 *
 *     reader -> rows -> [resampler] -> sRGB -> 8 bits -> upright
 *
 * Colours and orientation come last because the picture is smallest then.  A
 * picture that is stored as planes takes a shorter way (imgp_planes.c), which
 * is left again only where its colours are not sRGB or an image is wanted:
 *
 *     reader -> strips of planes -> [resamplers] -> [transposed]
 *
 * Runs on the thread of imgp_op_run(); all memory is the run's.
 */


#include <imgp/imgp_decode.h>
#include <imgp/imgp_reader.h>
#include <imgp/imgp_resize.h>
#include <imgp/imgp_planes.h>
#include <imgp/imgp_color.h>
#include <imgp/imgp_alpha.h>


#define IMGP_DECODE_PROBES  3         /* values of each colour */


static imgp_int_t imgp_decode_open(imgp_reader_t *reader,
    const imgp_decode_t *decode, imgp_picture_t *picture);
static void imgp_decode_plan(imgp_reader_t *reader,
    const imgp_decode_t *decode, imgp_fit_plan_t *plan);
static imgp_uint_t imgp_decode_same(const imgp_reader_t *reader,
    const imgp_fit_plan_t *plan);
static uint32_t imgp_decode_whole(uint32_t full, uint32_t span, uint32_t out);
static imgp_int_t imgp_decode_plain(imgp_reader_t *reader,
    imgp_uint_t *plain);
static imgp_int_t imgp_decode_planes(imgp_reader_t *reader,
    const imgp_fit_plan_t *plan, uint32_t sub, imgp_picture_t *picture);
static uint32_t imgp_decode_sub(uint32_t sub, uint32_t pitch,
    imgp_uint_t same);
static imgp_int_t imgp_decode_planes_image(imgp_reader_t *reader,
    imgp_picture_t *picture);
static imgp_int_t imgp_decode_image(imgp_reader_t *reader,
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
    imgp_decode_t   decode;
    imgp_picture_t  picture;

    image->data = NULL;

    decode.fits = &fit;
    decode.nfits = 1;
    decode.sub = 0;

    if (imgp_decode_picture(work, data, &decode, &picture) != IMGP_OK) {
        return IMGP_ERROR;
    }

    *image = picture.image;
    *format = picture.format;

    return IMGP_OK;
}


imgp_int_t
imgp_decode_picture(imgp_work_t *work, const imgp_str_t *data,
    const imgp_decode_t *decode, imgp_picture_t *picture)
{
    imgp_int_t      rc;
    imgp_reader_t  *reader;

    memset(picture, 0, sizeof(imgp_picture_t));

    if (imgp_reader_open(work, data, &reader) != IMGP_OK) {
        return IMGP_ERROR;
    }

    picture->format = reader->format;

    rc = imgp_decode_open(reader, decode, picture);

    imgp_reader_close(reader);

    if (rc != IMGP_OK) {
        imgp_picture_free(work, picture);
    }

    return rc;
}


static imgp_int_t
imgp_decode_open(imgp_reader_t *reader, const imgp_decode_t *decode,
    imgp_picture_t *picture)
{
    imgp_uint_t       plain;
    imgp_image_t     *image;
    imgp_fit_plan_t   plan;

    imgp_decode_plan(reader, decode, &plan);

    if (imgp_decode_plain(reader, &plain) != IMGP_OK) {
        return IMGP_ERROR;
    }

    /* for an image that is not resized libjpeg's own way is the shortest */

    if (reader->nplanes != 0
        && (decode->sub != 0 || !imgp_decode_same(reader, &plan)))
    {
        if (plain && decode->sub != 0) {
            return imgp_decode_planes(reader, &plan, decode->sub, picture);
        }

        if (imgp_decode_planes(reader, &plan, 1, picture) != IMGP_OK) {
            return IMGP_ERROR;
        }

        return imgp_decode_planes_image(reader, picture);
    }

    image = &picture->image;

    if (imgp_decode_image(reader, &plan, image) != IMGP_OK
        || imgp_reader_finish(reader) != IMGP_OK
        || imgp_decode_develop(reader, image) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    picture->width = image->width;
    picture->height = image->height;

    return IMGP_OK;
}


/* the box is for the upright picture; the plan is for the stored one */

static void
imgp_decode_plan(imgp_reader_t *reader, const imgp_decode_t *decode,
    imgp_fit_plan_t *plan)
{
    uint32_t         o, w, h;
    imgp_fit_plan_t  upright;

    o = reader->orientation;
    w = reader->full_width;
    h = reader->full_height;

    if (!imgp_orient_swaps(o)) {
        imgp_fit_plan_all(decode->fits, decode->nfits, w, h, plan);

    } else {
        imgp_fit_plan_all(decode->fits, decode->nfits, h, w, &upright);

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


static imgp_uint_t
imgp_decode_same(const imgp_reader_t *reader, const imgp_fit_plan_t *plan)
{
    return plan->width == reader->full_width
           && plan->height == reader->full_height;
}


/* what the whole side shrinks to, where "span" of it becomes "out" */

static uint32_t
imgp_decode_whole(uint32_t full, uint32_t span, uint32_t out)
{
    return ((uint64_t) full * out + span - 1) / span;
}


/*
 * Does the profile, if there is one, leave colours as they are?  Asked before
 * any pixel is there, by colours from all over the space.
 */

static imgp_int_t
imgp_decode_plain(imgp_reader_t *reader, imgp_uint_t *plain)
{
    size_t         i, n;
    u_char        *wanted;
    imgp_int_t     rc;
    imgp_image_t   probe;

    *plain = (reader->inks == IMGP_INKS_NONE);

    if (!*plain || reader->icc.len == 0 || reader->nplanes == 0) {
        return IMGP_OK;
    }

    n = IMGP_DECODE_PROBES * IMGP_DECODE_PROBES * IMGP_DECODE_PROBES;

    imgp_image_form(&probe, n, 2, reader->rows.space, 0, 8);

    if (imgp_image_alloc(reader->work, &probe) != IMGP_OK) {
        return IMGP_ERROR;
    }

    for (i = 0; i < n; i++) {
        wanted = probe.data + i * probe.channels;

        wanted[0] = i % 3 * 255 / 2;
        wanted[probe.channels / 2] = i / 3 % 3 * 255 / 2;
        wanted[probe.channels - 1] = i / 9 * 255 / 2;
    }

    wanted = imgp_image_row(&probe, 1);
    memcpy(wanted, probe.data, probe.stride);

    probe.height = 1;

    rc = imgp_color_to_srgb(reader->work, &probe, &reader->icc);

    *plain = memcmp(wanted, probe.data, probe.stride) == 0;

    imgp_image_free(reader->work, &probe);

    return rc;
}


static imgp_int_t
imgp_decode_planes(imgp_reader_t *reader, const imgp_fit_plan_t *fit,
    uint32_t sub, imgp_picture_t *picture)
{
    uint32_t             o;
    imgp_uint_t          same;
    imgp_planes_plan_t   plan;
    imgp_reader_plane_t  *chroma;

    memset(&plan, 0, sizeof(imgp_planes_plan_t));

    o = reader->orientation;
    same = imgp_decode_same(reader, fit);
    chroma = &reader->plane[reader->nplanes > 1];

    plan.fit = *fit;
    plan.flip_x = imgp_orient_flip_x(o);
    plan.flip_y = imgp_orient_flip_y(o);
    plan.sub_x = imgp_decode_sub(sub, chroma->pitch_x, same);
    plan.sub_y = imgp_decode_sub(sub, chroma->pitch_y, same);

    if (!same) {
        plan.width = imgp_decode_whole(reader->full_width, fit->w, fit->width);
        plan.height = imgp_decode_whole(reader->full_height, fit->h,
                                        fit->height);
    }

    if (imgp_planes_read(reader, &plan, picture) != IMGP_OK
        || imgp_reader_finish(reader) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_orient_swaps(o) ? imgp_picture_transpose(reader->work, picture)
                                : IMGP_OK;
}


/* more chroma than is stored would be of no use; 4:1:1 becomes 4:2:0 */

static uint32_t
imgp_decode_sub(uint32_t sub, uint32_t pitch, imgp_uint_t same)
{
    return (same && pitch == 2) ? 2 : sub;
}


static imgp_int_t
imgp_decode_planes_image(imgp_reader_t *reader, imgp_picture_t *picture)
{
    imgp_work_t  *work;

    work = reader->work;

    if ((reader->inks ? imgp_picture_inks(work, picture, reader->inks)
                      : imgp_picture_image(work, picture))
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_color_to_srgb(work, &picture->image, &reader->icc);
}


static imgp_int_t
imgp_decode_image(imgp_reader_t *reader, const imgp_fit_plan_t *plan,
    imgp_image_t *image)
{
    uint32_t      width, height;
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

    return imgp_decode_same(reader, plan)
               ? imgp_decode_rows(reader, image)
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
