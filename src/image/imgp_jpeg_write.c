
/*
 * The JPEG writer over libjpeg-turbo: baseline, optimal Huffman tables where
 * the picture is small enough to be kept for a second pass, no metadata but
 * the JFIF header.  From an image, or from planes as they are.  Called by
 * imgp_encode.c on the run's thread; the bytes go into the caller's sink,
 * which the caller frees.
 */


#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
#include <imgp/imgp_jpeg.h>


#define IMGP_JPEG_BUFFER           16384
#define IMGP_JPEG_OPTIMIZE_PIXELS  (4 * 1024 * 1024)
#define IMGP_JPEG_STRIP            (2 * DCTSIZE)  /* rows, at the most */


typedef struct {
    imgp_work_t                 *work;
    imgp_sink_t                 *sink;
    const imgp_image_t          *image;       /* the one ... */
    const imgp_picture_t        *picture;     /* ... or the other */

    struct jpeg_compress_struct  cinfo;
    struct jpeg_error_mgr        err;
    struct jpeg_destination_mgr  dest;
    struct jpeg_progress_mgr     progress;
    jmp_buf                      jmp;

    u_char                       buffer[IMGP_JPEG_BUFFER];
} imgp_jpeg_writer_t;


static imgp_int_t imgp_jpeg_write_run(imgp_jpeg_writer_t *w,
    uint32_t width, uint32_t height, imgp_uint_t quality);
static size_t imgp_jpeg_write_need(const imgp_jpeg_writer_t *w);
static imgp_int_t imgp_jpeg_write_all(imgp_jpeg_writer_t *w,
    imgp_uint_t quality);
static void imgp_jpeg_write_setup(imgp_jpeg_writer_t *w,
    imgp_uint_t quality);
static void imgp_jpeg_write_sampling(imgp_jpeg_writer_t *w,
    imgp_uint_t quality);
static imgp_int_t imgp_jpeg_write_rows(imgp_jpeg_writer_t *w);
static imgp_int_t imgp_jpeg_write_strips(imgp_jpeg_writer_t *w);
static void imgp_jpeg_write_strip(imgp_jpeg_writer_t *w, uint32_t strip);

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
    imgp_jpeg_writer_t  w;

    memset(&w, 0, sizeof(imgp_jpeg_writer_t));

    w.work = work;
    w.sink = sink;
    w.image = image;

    return imgp_jpeg_write_run(&w, image->width, image->height, quality);
}


imgp_int_t
imgp_jpeg_write_planes(imgp_work_t *work, const imgp_picture_t *picture,
    imgp_uint_t quality, imgp_sink_t *sink)
{
    imgp_jpeg_writer_t  w;

    memset(&w, 0, sizeof(imgp_jpeg_writer_t));

    w.work = work;
    w.sink = sink;
    w.picture = picture;

    return imgp_jpeg_write_run(&w, picture->width, picture->height, quality);
}


static imgp_int_t
imgp_jpeg_write_run(imgp_jpeg_writer_t *w, uint32_t width, uint32_t height,
    imgp_uint_t quality)
{
    size_t      reserved;
    imgp_int_t  rc;

    w->cinfo.image_width = width;
    w->cinfo.image_height = height;

    reserved = imgp_jpeg_write_need(w);

    if (imgp_work_reserve(w->work, reserved) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_jpeg_write_all(w, quality);

    jpeg_destroy_compress(&w->cinfo);

    imgp_work_release(w->work, reserved);

    return rc;
}


/* libjpeg keeps all coefficients to find the optimal tables */

static size_t
imgp_jpeg_write_need(const imgp_jpeg_writer_t *w)
{
    size_t  pixels, channels;

    pixels = (size_t) w->cinfo.image_width * w->cinfo.image_height;
    channels = w->image ? w->image->channels : w->picture->nplanes;

    if (pixels > IMGP_JPEG_OPTIMIZE_PIXELS) {
        return 0;
    }

    return ((size_t) w->cinfo.image_width + 2 * DCTSIZE)
           * ((size_t) w->cinfo.image_height + 2 * DCTSIZE)
           * channels * sizeof(JCOEF);
}


static imgp_int_t
imgp_jpeg_write_all(imgp_jpeg_writer_t *w, imgp_uint_t quality)
{
    imgp_int_t  rc;

    w->cinfo.err = jpeg_std_error(&w->err);
    w->err.error_exit = imgp_jpeg_on_error;
    w->err.emit_message = imgp_jpeg_on_message;
    w->err.output_message = imgp_jpeg_on_output;

    if (setjmp(w->jmp)) {
        return IMGP_ERROR;
    }

    imgp_jpeg_write_setup(w, quality);

    jpeg_start_compress(&w->cinfo, TRUE);

    rc = w->image ? imgp_jpeg_write_rows(w) : imgp_jpeg_write_strips(w);

    if (rc == IMGP_OK) {
        jpeg_finish_compress(&w->cinfo);
    }

    return rc;
}


static void
imgp_jpeg_write_setup(imgp_jpeg_writer_t *w, imgp_uint_t quality)
{
    JDIMENSION                    width, height;
    struct jpeg_compress_struct  *cinfo;

    cinfo = &w->cinfo;

    width = cinfo->image_width;
    height = cinfo->image_height;

    jpeg_create_compress(cinfo);

    cinfo->client_data = w;
    cinfo->image_width = width;
    cinfo->image_height = height;

    w->dest.init_destination = imgp_jpeg_dest_init;
    w->dest.empty_output_buffer = imgp_jpeg_dest_empty;
    w->dest.term_destination = imgp_jpeg_dest_term;
    cinfo->dest = &w->dest;

    w->progress.progress_monitor = imgp_jpeg_on_progress;
    cinfo->progress = &w->progress;

    cinfo->input_components = w->image ? w->image->channels
                                       : w->picture->nplanes;
    cinfo->in_color_space = (cinfo->input_components == 1) ? JCS_GRAYSCALE
                            : w->image ? JCS_RGB : JCS_YCbCr;

    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, quality, TRUE);

    cinfo->raw_data_in = (w->picture != NULL);
    cinfo->dct_method = JDCT_ISLOW;
    cinfo->optimize_coding = ((uint64_t) width * height
                              <= IMGP_JPEG_OPTIMIZE_PIXELS);

    imgp_jpeg_write_sampling(w, quality);
}


static void
imgp_jpeg_write_sampling(imgp_jpeg_writer_t *w, imgp_uint_t quality)
{
    jpeg_component_info  *luma;

    luma = &w->cinfo.comp_info[0];

    if (w->cinfo.input_components == 1) {
        return;
    }

    if (w->picture != NULL) {
        luma->h_samp_factor = w->picture->sub_x;
        luma->v_samp_factor = w->picture->sub_y;

    } else if (quality >= IMGP_JPEG_444_QUALITY) {
        luma->h_samp_factor = 1;
        luma->v_samp_factor = 1;
    }
}


static imgp_int_t
imgp_jpeg_write_rows(imgp_jpeg_writer_t *w)
{
    JSAMPROW                      rows[1];
    struct jpeg_compress_struct  *cinfo;

    cinfo = &w->cinfo;

    while (cinfo->next_scanline < cinfo->image_height) {

        if (cinfo->next_scanline % IMGP_STEP_ROWS == 0
            && imgp_work_step(w->work, cinfo->next_scanline,
                              cinfo->image_height)
               != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        rows[0] = imgp_image_row(w->image, cinfo->next_scanline);
        (void) jpeg_write_scanlines(cinfo, rows, 1);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_jpeg_write_strips(imgp_jpeg_writer_t *w)
{
    uint32_t  strip;

    for (strip = 0; strip < w->cinfo.total_iMCU_rows; strip++) {

        if (imgp_work_step(w->work, strip, w->cinfo.total_iMCU_rows)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        imgp_jpeg_write_strip(w, strip);
    }

    return IMGP_OK;
}


/* the last column fills its block, the last row those that are missing */

static void
imgp_jpeg_write_strip(imgp_jpeg_writer_t *w, uint32_t strip)
{
    int                         i;
    JSAMPROW                    rows[IMGP_PICTURE_PLANES][IMGP_JPEG_STRIP];
    uint32_t                    y, n, last;
    JSAMPARRAY                  arrays[IMGP_PICTURE_PLANES];
    const imgp_image_t         *plane;
    const jpeg_component_info  *comp;

    for (i = 0; i < w->cinfo.num_components; i++) {
        comp = &w->cinfo.comp_info[i];
        plane = &w->picture->planes[i];

        n = comp->v_samp_factor * DCTSIZE;
        last = plane->width - 1;

        for (y = 0; y < n; y++) {
            rows[i][y] = imgp_image_row(plane, imgp_min(strip * n + y,
                                                        plane->height - 1));

            memset(rows[i][y] + plane->width, rows[i][y][last],
                   comp->width_in_blocks * DCTSIZE - plane->width);
        }

        arrays[i] = rows[i];
    }

    (void) jpeg_write_raw_data(&w->cinfo, arrays,
                               w->cinfo.max_v_samp_factor * DCTSIZE);
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
