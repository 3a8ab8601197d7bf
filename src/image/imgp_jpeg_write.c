
/*
 * The JPEG writer over libjpeg-turbo: baseline, no metadata but the JFIF
 * header.  From an image, or from planes as they are.  Called by imgp_encode.c
 * on the run's thread; the bytes go into the caller's sink, which the caller
 * frees.
 *
 * Huffman tables are optimal, for which libjpeg takes longer than for all the
 * rest, and keeps every coefficient meanwhile.  So it makes them of a few
 * strips of the picture first, with the bytes thrown away, and then writes all
 * of it in one pass by these tables (imgp_jpeg_table.c): a few parts of a
 * thousand larger.  Small pictures are their own sample.
 */


#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
#include <imgp/imgp_jpeg.h>
#include <imgp/imgp_jpeg_table.h>


#define IMGP_JPEG_BUFFER   16384
#define IMGP_JPEG_STRIP    (2 * DCTSIZE)      /* rows, at the most */

#define IMGP_JPEG_DCT      JDCT_FLOAT /* smaller by half a percent */

#define IMGP_JPEG_SAMPLED  4          /* one strip of so many, */
#define IMGP_JPEG_FEW      4          /* so many of them at least, */
#define IMGP_JPEG_MANY     64         /* and at most */


typedef struct {
    imgp_work_t                 *work;
    imgp_sink_t                 *sink;
    const imgp_image_t          *image;       /* the one ... */
    const imgp_picture_t        *picture;     /* ... or the other */
    uint32_t                     width;
    uint32_t                     height;
    uint32_t                     strip;       /* rows */
    imgp_uint_t                  sampling;    /* what is written is nothing */

    struct jpeg_compress_struct  cinfo;
    struct jpeg_error_mgr        err;
    struct jpeg_destination_mgr  dest;
    struct jpeg_progress_mgr     progress;
    jmp_buf                      jmp;

    u_char                       buffer[IMGP_JPEG_BUFFER];
} imgp_jpeg_writer_t;


static imgp_int_t imgp_jpeg_write_run(imgp_jpeg_writer_t *w,
    imgp_uint_t quality);
static imgp_int_t imgp_jpeg_write_setup(imgp_jpeg_writer_t *w,
    imgp_uint_t quality);
static void imgp_jpeg_write_create(imgp_jpeg_writer_t *w);
static void imgp_jpeg_write_sampling(imgp_jpeg_writer_t *w,
    imgp_uint_t quality);
static imgp_int_t imgp_jpeg_write_sample(imgp_jpeg_writer_t *w);
static void imgp_jpeg_write_complete(imgp_jpeg_writer_t *w);
static imgp_int_t imgp_jpeg_write_pass(imgp_jpeg_writer_t *w, uint32_t step);
static imgp_int_t imgp_jpeg_write_strips(imgp_jpeg_writer_t *w,
    uint32_t step);
static void imgp_jpeg_write_rows(imgp_jpeg_writer_t *w, uint32_t strip);
static void imgp_jpeg_write_raw(imgp_jpeg_writer_t *w, uint32_t strip);

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
    w.width = image->width;
    w.height = image->height;

    return imgp_jpeg_write_run(&w, quality);
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
    w.width = picture->width;
    w.height = picture->height;

    return imgp_jpeg_write_run(&w, quality);
}


static imgp_int_t
imgp_jpeg_write_run(imgp_jpeg_writer_t *w, imgp_uint_t quality)
{
    imgp_int_t  rc;

    rc = imgp_jpeg_write_setup(w, quality);

    if (rc == IMGP_OK && w->height / w->strip
                         >= IMGP_JPEG_FEW * IMGP_JPEG_SAMPLED)
    {
        rc = imgp_jpeg_write_sample(w);
    }

    if (rc == IMGP_OK) {
        rc = imgp_jpeg_write_pass(w, 1);
    }

    jpeg_destroy_compress(&w->cinfo);

    return rc;
}


static imgp_int_t
imgp_jpeg_write_setup(imgp_jpeg_writer_t *w, imgp_uint_t quality)
{
    struct jpeg_compress_struct  *cinfo;

    cinfo = &w->cinfo;

    cinfo->err = jpeg_std_error(&w->err);
    w->err.error_exit = imgp_jpeg_on_error;
    w->err.emit_message = imgp_jpeg_on_message;
    w->err.output_message = imgp_jpeg_on_output;

    if (setjmp(w->jmp)) {
        return IMGP_ERROR;
    }

    imgp_jpeg_write_create(w);

    cinfo->image_width = w->width;
    cinfo->image_height = w->height;
    cinfo->input_components = w->image ? w->image->channels
                                       : w->picture->nplanes;
    cinfo->in_color_space = (cinfo->input_components == 1) ? JCS_GRAYSCALE
                            : w->image ? JCS_RGB : JCS_YCbCr;

    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, quality, TRUE);

    cinfo->raw_data_in = (w->picture != NULL);
    cinfo->dct_method = IMGP_JPEG_DCT;
    cinfo->optimize_coding = TRUE;

    imgp_jpeg_write_sampling(w, quality);

    return IMGP_OK;
}


static void
imgp_jpeg_write_create(imgp_jpeg_writer_t *w)
{
    jpeg_create_compress(&w->cinfo);

    w->cinfo.client_data = w;

    w->dest.init_destination = imgp_jpeg_dest_init;
    w->dest.empty_output_buffer = imgp_jpeg_dest_empty;
    w->dest.term_destination = imgp_jpeg_dest_term;
    w->cinfo.dest = &w->dest;

    w->progress.progress_monitor = imgp_jpeg_on_progress;
    w->cinfo.progress = &w->progress;
}


static void
imgp_jpeg_write_sampling(imgp_jpeg_writer_t *w, imgp_uint_t quality)
{
    jpeg_component_info  *luma;

    luma = &w->cinfo.comp_info[0];

    if (w->cinfo.input_components == 1) {
        luma->h_samp_factor = 1;
        luma->v_samp_factor = 1;

    } else if (w->picture != NULL) {
        luma->h_samp_factor = w->picture->sub_x;
        luma->v_samp_factor = w->picture->sub_y;

    } else if (quality >= IMGP_JPEG_444_QUALITY) {
        luma->h_samp_factor = 1;
        luma->v_samp_factor = 1;
    }

    w->strip = luma->v_samp_factor * DCTSIZE;
}


/* whole strips from all over the picture; the tables stay with "cinfo" */

static imgp_int_t
imgp_jpeg_write_sample(imgp_jpeg_writer_t *w)
{
    uint32_t  step, n;

    n = w->height / w->strip;
    step = imgp_max(IMGP_JPEG_SAMPLED, n / IMGP_JPEG_MANY);

    w->sampling = 1;
    w->cinfo.image_height = n / step * w->strip;
    w->cinfo.dct_method = JDCT_ISLOW; /* in vectors; as good to count by */

    if (imgp_jpeg_write_pass(w, step) != IMGP_OK) {
        return IMGP_ERROR;
    }

    w->sampling = 0;
    w->cinfo.image_height = w->height;
    w->cinfo.dct_method = IMGP_JPEG_DCT;
    w->cinfo.optimize_coding = FALSE;

    imgp_jpeg_write_complete(w);

    return IMGP_OK;
}


/* libjpeg's default: components have tables of one number for all */

static void
imgp_jpeg_write_complete(imgp_jpeg_writer_t *w)
{
    int                           i, n;
    u_char                        sizes[IMGP_JPEG_TABLE_RUNS];
    JHUFF_TBL                    *dc, *ac;
    const UINT16                 *steps;
    struct jpeg_compress_struct  *cinfo;

    cinfo = &w->cinfo;

    for (i = 0; i < cinfo->num_components; i++) {
        n = cinfo->comp_info[i].quant_tbl_no;

        if (n < i) {
            continue;                 /* Cr has those of Cb */
        }

        steps = cinfo->quant_tbl_ptrs[n]->quantval;
        dc = cinfo->dc_huff_tbl_ptrs[n];
        ac = cinfo->ac_huff_tbl_ptrs[n];

        imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_DC, steps, sizes);
        imgp_jpeg_table_complete(IMGP_JPEG_TABLE_DC, sizes, dc->bits,
                                 dc->huffval);

        imgp_jpeg_table_sizes(IMGP_JPEG_TABLE_AC, steps, sizes);
        imgp_jpeg_table_complete(IMGP_JPEG_TABLE_AC, sizes, ac->bits,
                                 ac->huffval);
    }
}


static imgp_int_t
imgp_jpeg_write_pass(imgp_jpeg_writer_t *w, uint32_t step)
{
    size_t      reserved;
    imgp_int_t  rc;

    /* all coefficients are kept until the tables are there */

    reserved = w->cinfo.optimize_coding
                   ? ((size_t) w->width + IMGP_JPEG_STRIP)
                     * ((size_t) w->cinfo.image_height + IMGP_JPEG_STRIP)
                     * w->cinfo.num_components * sizeof(JCOEF)
                   : 0;

    if (imgp_work_reserve(w->work, reserved) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_jpeg_write_strips(w, step);

    imgp_work_release(w->work, reserved);

    return rc;
}


static imgp_int_t
imgp_jpeg_write_strips(imgp_jpeg_writer_t *w, uint32_t step)
{
    uint32_t  strip, n;

    if (setjmp(w->jmp)) {
        return IMGP_ERROR;
    }

    jpeg_start_compress(&w->cinfo, TRUE);

    n = w->cinfo.total_iMCU_rows;

    for (strip = 0; strip < n; strip++) {

        if ((w->sampling ? imgp_work_poll(w->work)
                         : imgp_work_step(w->work, strip, n))
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        if (w->image != NULL) {
            imgp_jpeg_write_rows(w, strip * step + step / 2);

        } else {
            imgp_jpeg_write_raw(w, strip * step + step / 2);
        }
    }

    jpeg_finish_compress(&w->cinfo);

    return IMGP_OK;
}


static void
imgp_jpeg_write_rows(imgp_jpeg_writer_t *w, uint32_t strip)
{
    uint32_t  y, n;
    JSAMPROW  rows[IMGP_JPEG_STRIP];

    n = imgp_min(w->strip, w->height - strip * w->strip);

    for (y = 0; y < n; y++) {
        rows[y] = imgp_image_row(w->image, strip * w->strip + y);
    }

    (void) jpeg_write_scanlines(&w->cinfo, rows, n);
}


/* the last column fills its block, the last row those that are missing */

static void
imgp_jpeg_write_raw(imgp_jpeg_writer_t *w, uint32_t strip)
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
    if (!w->sampling && imgp_sink_write(w->sink, w->buffer, len) != IMGP_OK) {
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
