
/*
 * From a picture to an output of the task: chooses the format, makes the
 * picture fit for it, writes it.  Called by the operations on the run's
 * thread.  The output's bytes belong to the task's allocator from then on.
 */


#include <imgp/imgp_encode.h>
#include <imgp/imgp_alpha.h>
#include <imgp/imgp_jpeg.h>
#include <imgp/imgp_png.h>


static imgp_int_t imgp_encode_write(imgp_work_t *work,
    const imgp_image_t *image, uint32_t format, uint32_t quality);


imgp_int_t
imgp_encode(imgp_work_t *work, imgp_image_t *image,
    const imgp_encode_t *encode)
{
    uint32_t  format;

    format = encode->format;

    if (format == IMGP_ENCODE_AUTO) {
        format = imgp_alpha_used(image) ? IMGP_FORMAT_PNG : IMGP_FORMAT_JPEG;
    }

    if (format == IMGP_FORMAT_JPEG) {

        if (imgp_alpha_flatten(work, image, encode->background) != IMGP_OK) {
            return IMGP_ERROR;
        }

    } else if (!imgp_alpha_used(image)) {
        imgp_alpha_drop(image);
    }

    return imgp_encode_write(work, image, format, encode->quality);
}


imgp_int_t
imgp_encode_as(imgp_work_t *work, imgp_image_t *image, uint32_t format)
{
    imgp_encode_t  encode;

    memset(&encode, 0, sizeof(imgp_encode_t));

    encode.format = imgp_alpha_used(image) ? IMGP_FORMAT_PNG : format;
    encode.quality = IMGP_ENCODE_QUALITY;

    return imgp_encode(work, image, &encode);
}


static imgp_int_t
imgp_encode_write(imgp_work_t *work, const imgp_image_t *image,
    uint32_t format, uint32_t quality)
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

    rc = (format == IMGP_FORMAT_JPEG)
             ? imgp_jpeg_write(work, image, quality, &sink)
             : imgp_png_write(work, image, &sink);

    if (rc == IMGP_OK) {
        out->data = imgp_sink_join(&sink);
        out->len = sink.len;
        out->width = image->width;
        out->height = image->height;
        out->type = (format == IMGP_FORMAT_JPEG) ? "image/jpeg" : "image/png";

        rc = out->data ? IMGP_OK : IMGP_ERROR;
    }

    if (rc == IMGP_OK) {
        task->noutputs++;
    }

    imgp_sink_free(&sink);

    return rc;
}
