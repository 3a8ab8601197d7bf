
/*
 * The WebP writer over libwebp: lossy colours, alpha without loss, no
 * metadata.  Called by imgp_encode.c on the run's thread; the bytes go into
 * the caller's sink.  What libwebp takes from malloc() itself is put on the
 * run's account by an estimate.
 *
 * Format: RFC 9649.
 */


#include <imgp/imgp_webp.h>

#if (IMGP_HAVE_WEBP)

#include <webp/encode.h>


#define IMGP_WEBP_INSIDE  8           /* bytes of a pixel in the encoder */


typedef struct {
    imgp_work_t       *work;
    imgp_sink_t       *sink;
} imgp_webp_writer_t;


static imgp_int_t imgp_webp_write_picture(imgp_webp_writer_t *w,
    const imgp_image_t *image, const WebPConfig *config,
    WebPPicture *picture);
static imgp_int_t imgp_webp_write_import(imgp_webp_writer_t *w,
    const imgp_image_t *image, WebPPicture *picture);
static void imgp_webp_write_colors(const imgp_image_t *image, u_char *out);
static int imgp_webp_on_write(const uint8_t *p, size_t len,
    const WebPPicture *picture);
static int imgp_webp_on_progress(int percent, const WebPPicture *picture);


imgp_int_t
imgp_webp_write(imgp_work_t *work, const imgp_image_t *image,
    uint32_t quality, imgp_sink_t *sink)
{
    size_t               inside;
    imgp_int_t           rc;
    WebPConfig           config;
    WebPPicture          picture;
    imgp_webp_writer_t   writer;

    if (image->width > IMGP_WEBP_SIDE_MAX
        || image->height > IMGP_WEBP_SIDE_MAX)
    {
        return imgp_work_error(work, IMGP_E_PIXELS,
                               "%ux%u, no side of a WebP may be longer than "
                               "%d", image->width, image->height,
                               IMGP_WEBP_SIDE_MAX);
    }

    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) {
        return imgp_work_error(work, IMGP_E_INTERNAL,
                               "libwebp could not be initialized");
    }

    writer.work = work;
    writer.sink = sink;

    config.quality = quality;
    picture.width = image->width;
    picture.height = image->height;
    picture.writer = imgp_webp_on_write;
    picture.progress_hook = imgp_webp_on_progress;
    picture.custom_ptr = &writer;
    picture.user_data = &writer;

    inside = (size_t) image->width * image->height * IMGP_WEBP_INSIDE
             + 1024 * 1024;

    if (imgp_work_reserve(work, inside) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_webp_write_picture(&writer, image, &config, &picture);

    WebPPictureFree(&picture);
    imgp_work_release(work, inside);

    return rc;
}


static imgp_int_t
imgp_webp_write_picture(imgp_webp_writer_t *w, const imgp_image_t *image,
    const WebPConfig *config, WebPPicture *picture)
{
    if (imgp_webp_write_import(w, image, picture) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (!WebPEncode(config, picture)) {
        return imgp_work_error(w->work, IMGP_E_INTERNAL,
                               "WebP encoder: error %d", picture->error_code);
    }

    return imgp_work_poll(w->work);
}


static imgp_int_t
imgp_webp_write_import(imgp_webp_writer_t *w, const imgp_image_t *image,
    WebPPicture *picture)
{
    int            good;
    u_char        *colors;
    uint32_t       channels;
    const u_char  *p;

    p = image->data;
    colors = NULL;
    channels = 3 + image->alpha;

    if (image->space == IMGP_SPACE_GRAY) {
        colors = imgp_work_array(w->work,
                                 (size_t) image->width * image->height,
                                 channels);
        if (colors == NULL) {
            return IMGP_ERROR;
        }

        imgp_webp_write_colors(image, colors);
        p = colors;
    }

    good = image->alpha
               ? WebPPictureImportRGBA(picture, p, image->width * channels)
               : WebPPictureImportRGB(picture, p, image->width * channels);

    imgp_work_free(w->work, colors);

    return good ? IMGP_OK
                : imgp_work_error(w->work, IMGP_E_INTERNAL,
                                  "libwebp is out of memory");
}


/* there is no gray in WebP */

static void
imgp_webp_write_colors(const imgp_image_t *image, u_char *out)
{
    size_t         i, n;
    const u_char  *p;

    n = (size_t) image->width * image->height;
    p = image->data;

    for (i = 0; i < n; i++) {
        memset(out, *p++, 3);
        out += 3;

        if (image->alpha) {
            *out++ = *p++;
        }
    }
}


static int
imgp_webp_on_write(const uint8_t *p, size_t len, const WebPPicture *picture)
{
    imgp_webp_writer_t  *w = picture->custom_ptr;

    return imgp_sink_write(w->sink, p, len) == IMGP_OK;
}


static int
imgp_webp_on_progress(int percent, const WebPPicture *picture)
{
    imgp_webp_writer_t  *w = picture->user_data;

    return imgp_work_step(w->work, percent, 100) == IMGP_OK;
}

#else

imgp_int_t
imgp_webp_write(imgp_work_t *work, const imgp_image_t *image,
    uint32_t quality, imgp_sink_t *sink)
{
    return imgp_work_error(work, IMGP_E_TYPE,
                           "WebP images cannot be written here: the module "
                           "was built without libwebp");
}

#endif
