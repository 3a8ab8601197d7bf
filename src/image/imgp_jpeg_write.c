
/*
 * The JPEG writer over libjpeg-turbo: baseline, optimal Huffman tables where
 * the picture is small enough to be kept for a second pass, no metadata but
 * the JFIF header.  Called by imgp_encode.c on the run's thread; the bytes go
 * into the caller's sink, which the caller frees.
 */


#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
#include <imgp/imgp_jpeg.h>


#define IMGP_JPEG_BUFFER           16384
#define IMGP_JPEG_OPTIMIZE_PIXELS  (4 * 1024 * 1024)


typedef struct {
    imgp_work_t                 *work;
    imgp_sink_t                 *sink;

    struct jpeg_compress_struct  cinfo;
    struct jpeg_error_mgr        err;
    struct jpeg_destination_mgr  dest;
    struct jpeg_progress_mgr     progress;
    jmp_buf                      jmp;

    u_char                       buffer[IMGP_JPEG_BUFFER];
} imgp_jpeg_writer_t;


static imgp_int_t imgp_jpeg_write_reserve(imgp_work_t *work,
    const imgp_image_t *image, size_t *reserved);
static imgp_int_t imgp_jpeg_write_image(imgp_jpeg_writer_t *w,
    const imgp_image_t *image, imgp_uint_t quality);
static void imgp_jpeg_write_setup(imgp_jpeg_writer_t *w,
    const imgp_image_t *image, imgp_uint_t quality);

static void imgp_jpeg_dest_init(j_compress_ptr cinfo);
static boolean imgp_jpeg_dest_empty(j_compress_ptr cinfo);
static void imgp_jpeg_dest_term(j_compress_ptr cinfo);
static void imgp_jpeg_dest_put(imgp_jpeg_writer_t *w, size_t len);
static void imgp_jpeg_on_error(j_common_ptr cinfo);
static void imgp_jpeg_on_message(j_common_ptr cinfo, int level);
static void imgp_jpeg_on_output(j_common_ptr cinfo);
static void imgp_jpeg_on_progress(j_common_ptr cinfo);


imgp_int_t
imgp_jpeg_write(imgp_work_t *work, const imgp_image_t *image,
    imgp_uint_t quality, imgp_sink_t *sink)
{
    size_t               reserved;
    imgp_int_t           rc;
    imgp_jpeg_writer_t  *w;

    if (imgp_jpeg_write_reserve(work, image, &reserved) != IMGP_OK) {
        return IMGP_ERROR;
    }

    w = imgp_work_alloc(work, sizeof(imgp_jpeg_writer_t));
    if (w == NULL) {
        imgp_work_release(work, reserved);
        return IMGP_ERROR;
    }

    memset(w, 0, sizeof(imgp_jpeg_writer_t));

    w->work = work;
    w->sink = sink;

    rc = imgp_jpeg_write_image(w, image, quality);

    jpeg_destroy_compress(&w->cinfo);

    imgp_work_free(work, w);
    imgp_work_release(work, reserved);

    return rc;
}


/* libjpeg keeps all coefficients to find the optimal tables */

static imgp_int_t
imgp_jpeg_write_reserve(imgp_work_t *work, const imgp_image_t *image,
    size_t *reserved)
{
    *reserved = 0;

    if ((uint64_t) image->width * image->height > IMGP_JPEG_OPTIMIZE_PIXELS) {
        return IMGP_OK;
    }

    *reserved = ((size_t) image->width + 2 * DCTSIZE)
                * ((size_t) image->height + 2 * DCTSIZE)
                * image->channels * sizeof(JCOEF);

    return imgp_work_reserve(work, *reserved);
}


static imgp_int_t
imgp_jpeg_write_image(imgp_jpeg_writer_t *w, const imgp_image_t *image,
    imgp_uint_t quality)
{
    JSAMPROW                      rows[1];
    struct jpeg_compress_struct  *cinfo;

    cinfo = &w->cinfo;

    cinfo->err = jpeg_std_error(&w->err);
    w->err.error_exit = imgp_jpeg_on_error;
    w->err.emit_message = imgp_jpeg_on_message;
    w->err.output_message = imgp_jpeg_on_output;

    if (setjmp(w->jmp)) {
        return IMGP_ERROR;
    }

    cinfo->client_data = w;
    jpeg_create_compress(cinfo);

    imgp_jpeg_write_setup(w, image, quality);

    jpeg_start_compress(cinfo, TRUE);

    while (cinfo->next_scanline < cinfo->image_height) {

        if (cinfo->next_scanline % IMGP_STEP_ROWS == 0
            && imgp_work_step(w->work, cinfo->next_scanline,
                              cinfo->image_height)
               != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        rows[0] = imgp_image_row(image, cinfo->next_scanline);
        (void) jpeg_write_scanlines(cinfo, rows, 1);
    }

    jpeg_finish_compress(cinfo);

    return IMGP_OK;
}


static void
imgp_jpeg_write_setup(imgp_jpeg_writer_t *w, const imgp_image_t *image,
    imgp_uint_t quality)
{
    struct jpeg_compress_struct  *cinfo;

    cinfo = &w->cinfo;

    w->dest.init_destination = imgp_jpeg_dest_init;
    w->dest.empty_output_buffer = imgp_jpeg_dest_empty;
    w->dest.term_destination = imgp_jpeg_dest_term;
    cinfo->dest = &w->dest;

    w->progress.progress_monitor = imgp_jpeg_on_progress;
    cinfo->progress = &w->progress;

    cinfo->image_width = image->width;
    cinfo->image_height = image->height;
    cinfo->input_components = image->channels;
    cinfo->in_color_space = (image->space == IMGP_SPACE_GRAY) ? JCS_GRAYSCALE
                                                              : JCS_RGB;
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, quality, TRUE);

    cinfo->dct_method = JDCT_ISLOW;
    cinfo->optimize_coding = ((uint64_t) image->width * image->height
                              <= IMGP_JPEG_OPTIMIZE_PIXELS);

    if (quality >= IMGP_JPEG_444_QUALITY) {
        cinfo->comp_info[0].h_samp_factor = 1;
        cinfo->comp_info[0].v_samp_factor = 1;
    }
}


static void
imgp_jpeg_dest_init(j_compress_ptr cinfo)
{
    imgp_jpeg_writer_t  *w;

    w = cinfo->client_data;

    w->dest.next_output_byte = w->buffer;
    w->dest.free_in_buffer = IMGP_JPEG_BUFFER;
}


/* the whole buffer is full, whatever free_in_buffer says */

static boolean
imgp_jpeg_dest_empty(j_compress_ptr cinfo)
{
    imgp_jpeg_dest_put(cinfo->client_data, IMGP_JPEG_BUFFER);
    imgp_jpeg_dest_init(cinfo);

    return TRUE;
}


static void
imgp_jpeg_dest_term(j_compress_ptr cinfo)
{
    imgp_jpeg_writer_t  *w;

    w = cinfo->client_data;

    imgp_jpeg_dest_put(w, IMGP_JPEG_BUFFER - w->dest.free_in_buffer);
}


static void
imgp_jpeg_dest_put(imgp_jpeg_writer_t *w, size_t len)
{
    if (imgp_sink_write(w->sink, w->buffer, len) != IMGP_OK) {
        longjmp(w->jmp, 1);
    }
}


static void
imgp_jpeg_on_error(j_common_ptr cinfo)
{
    char                 text[JMSG_LENGTH_MAX];
    imgp_jpeg_writer_t  *w;

    w = cinfo->client_data;

    cinfo->err->format_message(cinfo, text);

    imgp_work_error(w->work, IMGP_E_INTERNAL, "JPEG encoder: %s", text);

    longjmp(w->jmp, 1);
}


static void
imgp_jpeg_on_message(j_common_ptr cinfo, int level)
{
    /* nothing that an encoder warns of spoils its output */
}


static void
imgp_jpeg_on_output(j_common_ptr cinfo)
{
    /* libjpeg would write to stderr */
}


static void
imgp_jpeg_on_progress(j_common_ptr cinfo)
{
    imgp_jpeg_writer_t  *w;

    w = cinfo->client_data;

    if (imgp_work_poll(w->work) != IMGP_OK) {
        longjmp(w->jmp, 1);
    }
}
