
/*
 * The PNG writer: 8 bits, gray or RGB, with or without alpha, no metadata.
 * Called by imgp_encode.c on the run's thread; the bytes go into the caller's
 * sink, which the caller frees; all memory is the run's.
 *
 *     rows -> imgp_filter.c -> imgp_deflate.c -> IDAT chunks
 *
 * The type of the pixels is kept, also where a palette would be smaller: what
 * reads these files next is most often a model service, and many of those
 * take a palette's indices for gray levels.
 *
 * Specification: ISO/IEC 15948.
 */


#include <imgp/imgp_png.h>
#include <imgp/imgp_checksum.h>
#include <imgp/imgp_deflate.h>
#include <imgp/imgp_filter.h>


/* colour types of ISO/IEC 15948, 11.2.2, as a set of bits */

#define IMGP_PNG_COLOR  2
#define IMGP_PNG_ALPHA  4


static imgp_int_t imgp_png_write_head(imgp_sink_t *sink,
    const imgp_image_t *image);
static imgp_int_t imgp_png_write_rows(imgp_work_t *work,
    const imgp_image_t *image, imgp_deflate_t *deflate);
static imgp_int_t imgp_png_write_data(void *data, const u_char *p, size_t n);
static imgp_int_t imgp_png_write_chunk(imgp_sink_t *sink, const char *type,
    const u_char *p, size_t n);
static void imgp_png_write_32(u_char *p, uint32_t v);


imgp_int_t
imgp_png_write(imgp_work_t *work, const imgp_image_t *image,
    imgp_sink_t *sink)
{
    imgp_int_t       rc;
    imgp_deflate_t  *deflate;

    if (imgp_png_write_head(sink, image) != IMGP_OK) {
        return IMGP_ERROR;
    }

    deflate = imgp_deflate_create(work, imgp_png_write_data, sink);
    if (deflate == NULL) {
        return IMGP_ERROR;
    }

    rc = imgp_png_write_rows(work, image, deflate);

    if (rc == IMGP_OK) {
        rc = imgp_deflate_finish(deflate);
    }

    imgp_deflate_free(deflate);

    if (rc != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_png_write_chunk(sink, "IEND", NULL, 0);
}


static imgp_int_t
imgp_png_write_head(imgp_sink_t *sink, const imgp_image_t *image)
{
    u_char  p[13];

    if (imgp_sink_write(sink, (u_char *) "\x89PNG\r\n\x1a\n", 8) != IMGP_OK) {
        return IMGP_ERROR;
    }

    memset(p, 0, sizeof(p));          /* deflate, five filters, no lace */

    imgp_png_write_32(p, image->width);
    imgp_png_write_32(p + 4, image->height);

    p[8] = 8;
    p[9] = (image->space == IMGP_SPACE_GRAY ? 0 : IMGP_PNG_COLOR)
           | (image->alpha ? IMGP_PNG_ALPHA : 0);

    return imgp_png_write_chunk(sink, "IHDR", p, sizeof(p));
}


static imgp_int_t
imgp_png_write_rows(imgp_work_t *work, const imgp_image_t *image,
    imgp_deflate_t *deflate)
{
    u_char         *row, *above;
    uint32_t        y;
    imgp_int_t      rc;
    imgp_filter_t   filter;

    if (imgp_filter_init(&filter, work, image->channels, image->stride,
                         IMGP_SIMD_BEST)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    rc = IMGP_OK;
    above = NULL;

    for (y = 0; y < image->height && rc == IMGP_OK; y++) {

        if (y % IMGP_STEP_ROWS == 0) {
            rc = imgp_work_step(work, y, image->height);
        }

        row = imgp_image_row(image, y);

        if (rc == IMGP_OK) {
            rc = imgp_deflate_write(deflate,
                                    imgp_filter_row(&filter, row, above),
                                    image->stride + 1);
        }

        above = row;
    }

    imgp_filter_free(&filter);

    return (rc == IMGP_OK) ? imgp_work_poll(work) : IMGP_ERROR;
}


static imgp_int_t
imgp_png_write_data(void *data, const u_char *p, size_t n)
{
    return imgp_png_write_chunk(data, "IDAT", p, n);
}


static imgp_int_t
imgp_png_write_chunk(imgp_sink_t *sink, const char *type, const u_char *p,
    size_t n)
{
    u_char    head[8], tail[4];
    uint32_t  crc;

    imgp_png_write_32(head, n);
    memcpy(head + 4, type, 4);

    crc = imgp_checksum_crc32(0, head + 4, 4);

    if (n > 0) {
        crc = imgp_checksum_crc32(crc, p, n);
    }

    imgp_png_write_32(tail, crc);

    if (imgp_sink_write(sink, head, sizeof(head)) != IMGP_OK
        || imgp_sink_write(sink, p, n) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_sink_write(sink, tail, sizeof(tail));
}


static void
imgp_png_write_32(u_char *p, uint32_t v)
{
    p[0] = v >> 24;
    p[1] = v >> 16;
    p[2] = v >> 8;
    p[3] = v;
}
