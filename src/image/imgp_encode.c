
/*
 * From a picture to an output of the task: chooses the format, makes the
 * picture fit for it, writes it.  Called by the operations on the run's
 * thread.  The output's bytes belong to the task's allocator from then on.
 */


#include <imgp/imgp_encode.h>
#include <imgp/imgp_alpha.h>
#include <imgp/imgp_jpeg.h>
#include <imgp/imgp_png.h>
#include <imgp/imgp_webp.h>


static imgp_int_t imgp_encode_prepare(imgp_work_t *work, imgp_image_t *image,
    const imgp_encode_t *encode, uint32_t *format);
static imgp_int_t imgp_encode_write(imgp_work_t *work,
    const imgp_picture_t *picture, uint32_t quality);
static imgp_int_t imgp_encode_bytes(imgp_work_t *work,
    const imgp_picture_t *picture, uint32_t quality, imgp_sink_t *sink);


static const char  *imgp_encode_types[] = {
    [IMGP_FORMAT_JPEG] = "image/jpeg",
    [IMGP_FORMAT_PNG] = "image/png",
    [IMGP_FORMAT_WEBP] = "image/webp"
};


/* made of whole pixels: planes are of use for JPEG alone */

#define imgp_encode_pixels(format)                                            \
    ((format) == IMGP_FORMAT_PNG || (format) == IMGP_FORMAT_WEBP)


imgp_int_t
imgp_encode(imgp_work_t *work, imgp_image_t *image,
    const imgp_encode_t *encode)
{
    imgp_int_t      rc;
    imgp_picture_t  picture;

    memset(&picture, 0, sizeof(imgp_picture_t));

    picture.image = *image;
    picture.width = image->width;
    picture.height = image->height;

    rc = imgp_encode_picture(work, &picture, encode);

    *image = picture.image;

    return rc;
}


imgp_int_t
imgp_encode_as(imgp_work_t *work, imgp_image_t *image, uint32_t format)
{
    imgp_int_t      rc;
    imgp_picture_t  picture;

    memset(&picture, 0, sizeof(imgp_picture_t));

    picture.image = *image;
    picture.width = image->width;
    picture.height = image->height;
    picture.format = format;

    rc = imgp_encode_picture_as(work, &picture);

    *image = picture.image;

    return rc;
}


imgp_int_t
imgp_encode_picture_as(imgp_work_t *work, imgp_picture_t *picture)
{
    imgp_encode_t  encode;

    memset(&encode, 0, sizeof(imgp_encode_t));

    encode.format = picture->format;
    encode.quality = IMGP_ENCODE_QUALITY;

    if (picture->nplanes == 0 && imgp_alpha_used(&picture->image)
        && encode.format == IMGP_FORMAT_JPEG)
    {
        encode.format = IMGP_FORMAT_PNG;
    }

    return imgp_encode_picture(work, picture, &encode);
}


imgp_int_t
imgp_encode_picture(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_encode_t *encode)
{
    if (imgp_encode_pixels(encode->format)
        && imgp_picture_image(work, picture) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    if (imgp_encode_settle(work, picture, encode) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_encode_write(work, picture, encode->quality);
}


imgp_int_t
imgp_encode_settle(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_encode_t *encode)
{
    uint32_t  sub;

    if (picture->nplanes == 0) {
        return imgp_encode_prepare(work, &picture->image, encode,
                                   &picture->format);
    }

    if (imgp_encode_pixels(encode->format)) {
        picture->format = encode->format;
        return IMGP_OK;
    }

    picture->format = IMGP_FORMAT_JPEG;
    sub = imgp_encode_sub(encode->quality);

    return imgp_picture_sample(work, picture, imgp_max(sub, picture->sub_x),
                               imgp_max(sub, picture->sub_y));
}


static imgp_int_t
imgp_encode_prepare(imgp_work_t *work, imgp_image_t *image,
    const imgp_encode_t *encode, uint32_t *format)
{
    imgp_uint_t  used;

    used = imgp_alpha_used(image);

    *format = encode->format;

    if (*format == IMGP_ENCODE_AUTO) {
        *format = used ? IMGP_FORMAT_PNG : IMGP_FORMAT_JPEG;
    }

    if (!used) {
        imgp_alpha_drop(image);

    } else if (*format == IMGP_FORMAT_JPEG) {
        return imgp_alpha_flatten(work, image, encode->background);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_encode_write(imgp_work_t *work, const imgp_picture_t *picture,
    uint32_t quality)
{
    imgp_int_t         rc;
    imgp_sink_t        sink;
    imgp_op_task_t    *task;
    imgp_op_output_t  *out;

    task = work->task;

    if (task->noutputs == IMGP_OP_OUTPUTS_MAX) {
        return imgp_work_error(work, IMGP_E_LIMIT,
                               "more than %d outputs", IMGP_OP_OUTPUTS_MAX);
    }

    out = &task->outputs[task->noutputs];

    imgp_sink_init(&sink, work);

    rc = imgp_encode_bytes(work, picture, quality, &sink);

    if (rc == IMGP_OK) {
        out->data = imgp_sink_join(&sink);
        out->len = sink.len;
        out->width = picture->width;
        out->height = picture->height;
        out->link = work->link;
        out->type = imgp_encode_types[picture->format];

        rc = out->data ? IMGP_OK : IMGP_ERROR;
    }

    if (rc == IMGP_OK) {
        task->noutputs++;
    }

    imgp_sink_free(&sink);

    return rc;
}


static imgp_int_t
imgp_encode_bytes(imgp_work_t *work, const imgp_picture_t *picture,
    uint32_t quality, imgp_sink_t *sink)
{
    if (picture->format == IMGP_FORMAT_PNG) {
        return imgp_png_write(work, &picture->image, sink);
    }

    if (picture->format == IMGP_FORMAT_WEBP) {
        return imgp_webp_write(work, &picture->image, quality, sink);
    }

    return (picture->nplanes != 0)
               ? imgp_jpeg_write_planes(work, picture, quality, sink)
               : imgp_jpeg_write(work, &picture->image, quality, sink);
}
