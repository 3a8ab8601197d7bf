
/*
 * The WebP reader over libwebp: lossy and lossless, with alpha, ICC profile
 * and EXIF orientation.  Of an animation the first frame is taken, where it
 * lies on the canvas, as thumbnailers do.  One thread, opened by
 * imgp_reader.c, closed by imgp_decode.c.
 *
 * libwebp decodes to a whole picture, which is the run's memory; what it
 * takes from malloc() itself is put on the run's account by an estimate.
 * Strict: what is truncated is refused, though libwebp would show a part.
 *
 * Format: RFC 9649.
 */


#include <imgp/imgp_webp.h>
#include <imgp/imgp_exif.h>
#include <imgp/imgp_icc.h>

#if (IMGP_HAVE_WEBP)

#include <webp/decode.h>
#include <webp/demux.h>


#define IMGP_WEBP_PIECE  65536        /* bytes between looks at "cancel" */


typedef struct {
    imgp_reader_t      reader;
    imgp_str_t         data;

    WebPDemuxer       *demux;
    WebPIterator       frame;
    WebPChunkIterator  icc;
    size_t             reserved;

    u_char            *whole;
    uint32_t           next;          /* row */
} imgp_webp_reader_t;


static imgp_int_t imgp_webp_read_head(imgp_webp_reader_t *r);
static void imgp_webp_read_meta(imgp_webp_reader_t *r);
static imgp_int_t imgp_webp_read_start(imgp_reader_t *reader, uint32_t width,
    uint32_t height);
static imgp_int_t imgp_webp_read_frame(imgp_webp_reader_t *r);
static imgp_int_t imgp_webp_read_pieces(imgp_webp_reader_t *r,
    WebPIDecoder *decoder);
static imgp_int_t imgp_webp_read_row(imgp_reader_t *reader, u_char *row);
static imgp_int_t imgp_webp_read_finish(imgp_reader_t *reader);
static void imgp_webp_read_close(imgp_reader_t *reader);
static imgp_int_t imgp_webp_read_bad(imgp_webp_reader_t *r);


imgp_uint_t
imgp_webp_there(void)
{
    return 1;
}


imgp_int_t
imgp_webp_read_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader)
{
    imgp_webp_reader_t  *r;

    r = imgp_work_alloc(work, sizeof(imgp_webp_reader_t));
    if (r == NULL) {
        return IMGP_ERROR;
    }

    memset(r, 0, sizeof(imgp_webp_reader_t));

    r->reader.work = work;
    r->reader.format = IMGP_FORMAT_WEBP;
    r->reader.orientation = 1;
    r->reader.pitch = 1;
    r->reader.start = imgp_webp_read_start;
    r->reader.row = imgp_webp_read_row;
    r->reader.finish = imgp_webp_read_finish;
    r->reader.close = imgp_webp_read_close;
    r->data = *data;

    if (imgp_webp_read_head(r) != IMGP_OK) {
        imgp_webp_read_close(&r->reader);
        return IMGP_ERROR;
    }

    imgp_webp_read_meta(r);

    *reader = &r->reader;

    return IMGP_OK;
}


static imgp_int_t
imgp_webp_read_head(imgp_webp_reader_t *r)
{
    WebPData               data;
    imgp_reader_t         *reader;
    WebPBitstreamFeatures  features;

    reader = &r->reader;
    data.bytes = r->data.data;
    data.size = r->data.len;

    r->demux = WebPDemux(&data);

    if (r->demux == NULL || !WebPDemuxGetFrame(r->demux, 1, &r->frame)
        || !r->frame.complete
        || WebPGetFeatures(r->frame.fragment.bytes, r->frame.fragment.size,
                           &features)
           != VP8_STATUS_OK)
    {
        return imgp_webp_read_bad(r);
    }

    reader->full_width = WebPDemuxGetI(r->demux, WEBP_FF_CANVAS_WIDTH);
    reader->full_height = WebPDemuxGetI(r->demux, WEBP_FF_CANVAS_HEIGHT);

    if (imgp_work_size(reader->work, reader->full_width, reader->full_height)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    /* libwebp has checked this, but memory hangs on it */

    if (r->frame.x_offset < 0 || r->frame.y_offset < 0
        || features.width <= 0 || features.height <= 0
        || (uint64_t) r->frame.x_offset + features.width > reader->full_width
        || (uint64_t) r->frame.y_offset + features.height
           > reader->full_height
        || features.width != r->frame.width
        || features.height != r->frame.height)
    {
        return imgp_webp_read_bad(r);
    }

    imgp_image_form(&reader->rows, reader->full_width, reader->full_height,
                    IMGP_SPACE_RGB,
                    features.has_alpha
                    || (uint32_t) features.width != reader->full_width
                    || (uint32_t) features.height != reader->full_height, 8);

    return IMGP_OK;
}


static void
imgp_webp_read_meta(imgp_webp_reader_t *r)
{
    size_t             n;
    const u_char      *p;
    WebPChunkIterator  exif;

    if (WebPDemuxGetChunk(r->demux, "EXIF", 1, &exif)) {
        p = exif.chunk.bytes;
        n = exif.chunk.size;

        if (n >= 6 && memcmp(p, "Exif\0\0", 6) == 0) {
            p += 6;                   /* as in JPEG: some writers do that */
            n -= 6;
        }

        r->reader.orientation = imgp_exif_orientation(p, n);

        WebPDemuxReleaseChunkIterator(&exif);
    }

    if (WebPDemuxGetChunk(r->demux, "ICCP", 1, &r->icc)
        && r->icc.chunk.size <= IMGP_ICC_MAX)
    {
        r->reader.icc.data = (u_char *) r->icc.chunk.bytes;
        r->reader.icc.len = r->icc.chunk.size;
    }
}


static imgp_int_t
imgp_webp_read_start(imgp_reader_t *reader, uint32_t width, uint32_t height)
{
    size_t               size, inside;
    imgp_webp_reader_t  *r;

    r = (imgp_webp_reader_t *) reader;

    /* the decoder's own: pixels of lossless data, or a plane of alpha */

    inside = (size_t) r->frame.width * r->frame.height * 4 + 1024 * 1024;

    if (imgp_work_reserve(reader->work, inside) != IMGP_OK) {
        return IMGP_ERROR;
    }

    r->reserved = inside;
    size = reader->rows.stride * reader->rows.height;

    r->whole = imgp_work_alloc(reader->work, size);
    if (r->whole == NULL) {
        return IMGP_ERROR;
    }

    if ((uint32_t) r->frame.width != reader->full_width
        || (uint32_t) r->frame.height != reader->full_height)
    {
        memset(r->whole, 0, size);
    }

    return imgp_webp_read_frame(r);
}


static imgp_int_t
imgp_webp_read_frame(imgp_webp_reader_t *r)
{
    size_t             stride, skipped;
    imgp_int_t         rc;
    imgp_image_t      *rows;
    WebPIDecoder      *decoder;
    WebPDecoderConfig  config;

    rows = &r->reader.rows;
    stride = rows->stride;
    skipped = r->frame.y_offset * stride
              + (size_t) r->frame.x_offset * rows->channels;

    if (!WebPInitDecoderConfig(&config)) {
        return imgp_work_error(r->reader.work, IMGP_E_INTERNAL,
                               "libwebp could not be initialized");
    }

    config.output.colorspace = rows->alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = r->whole + skipped;
    config.output.u.RGBA.stride = stride;
    config.output.u.RGBA.size = stride * rows->height - skipped;

    decoder = WebPIDecode(NULL, 0, &config);
    if (decoder == NULL) {
        return imgp_work_error(r->reader.work, IMGP_E_INTERNAL,
                               "libwebp is out of memory");
    }

    rc = imgp_webp_read_pieces(r, decoder);

    WebPIDelete(decoder);
    WebPFreeDecBuffer(&config.output);

    return rc;
}


static imgp_int_t
imgp_webp_read_pieces(imgp_webp_reader_t *r, WebPIDecoder *decoder)
{
    size_t            n;
    VP8StatusCode     status;
    const WebPData   *data;

    data = &r->frame.fragment;
    n = 0;

    do {
        if (imgp_work_step(r->reader.work, n, data->size) != IMGP_OK) {
            return IMGP_ERROR;
        }

        n += imgp_min(IMGP_WEBP_PIECE, data->size - n);
        status = WebPIUpdate(decoder, data->bytes, n);

    } while (status == VP8_STATUS_SUSPENDED && n < data->size);

    if (status == VP8_STATUS_OUT_OF_MEMORY) {
        return imgp_work_error(r->reader.work, IMGP_E_INTERNAL,
                               "libwebp is out of memory");
    }

    return (status == VP8_STATUS_OK) ? IMGP_OK : imgp_webp_read_bad(r);
}


static imgp_int_t
imgp_webp_read_row(imgp_reader_t *reader, u_char *row)
{
    imgp_webp_reader_t  *r;

    r = (imgp_webp_reader_t *) reader;

    memcpy(row, r->whole + r->next++ * reader->rows.stride,
           reader->rows.stride);

    return IMGP_OK;
}


static imgp_int_t
imgp_webp_read_finish(imgp_reader_t *reader)
{
    return imgp_work_poll(reader->work);
}


static void
imgp_webp_read_close(imgp_reader_t *reader)
{
    imgp_webp_reader_t  *r;

    r = (imgp_webp_reader_t *) reader;

    WebPDemuxReleaseChunkIterator(&r->icc);
    WebPDemuxReleaseIterator(&r->frame);
    WebPDemuxDelete(r->demux);

    imgp_work_release(reader->work, r->reserved);
    imgp_work_free(reader->work, r->whole);
    imgp_work_free(reader->work, r);
}


static imgp_int_t
imgp_webp_read_bad(imgp_webp_reader_t *r)
{
    return imgp_work_error(r->reader.work, IMGP_E_BAD_IMAGE,
                           "the WebP is truncated or corrupt");
}

#else

imgp_uint_t
imgp_webp_there(void)
{
    return 0;
}


imgp_int_t
imgp_webp_read_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader)
{
    return imgp_work_error(work, IMGP_E_TYPE,
                           "WebP images cannot be read here: the module was "
                           "built without libwebp");
}

#endif
