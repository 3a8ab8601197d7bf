
/*
 * The JPEG reader over libjpeg-turbo: baseline, extended, progressive and
 * arithmetic; gray, YCbCr, RGB, CMYK and YCCK; any subsampling; 8 bits.
 * One thread, opened by imgp_reader.c, closed by imgp_decode.c.  libjpeg
 * takes its memory from malloc(), a few rows' worth; what can be large, the
 * coefficients of a picture in several scans, is the run's: imgp_jpeg_store.c.
 *
 * libjpeg makes the best of broken data and only warns.  Here data that is
 * missing or does not decode is an error, as is a scan count that no encoder
 * writes.  Every call into libjpeg stands under a setjmp() of its own.
 *
 * ITU-T T.81 and T.871; EXIF 2.32, 4.7.2 (APP1); Adobe TN 5116 (APP14: CMYK
 * is stored inverted).
 */


#include "imgp_jpeg_reader.h"
#include <jerror.h>
#include <imgp/imgp_exif.h>


static imgp_int_t imgp_jpeg_read_header(imgp_jpeg_reader_t *r,
    const imgp_str_t *data);
static imgp_int_t imgp_jpeg_read_form(imgp_jpeg_reader_t *r);
static imgp_int_t imgp_jpeg_read_start(imgp_reader_t *reader, uint32_t width,
    uint32_t height);
static imgp_int_t imgp_jpeg_read_row(imgp_reader_t *reader, u_char *row);
static void imgp_jpeg_read_invert(u_char *row, uint32_t width);
static imgp_int_t imgp_jpeg_read_finish(imgp_reader_t *reader);
static void imgp_jpeg_read_close(imgp_reader_t *reader);

static boolean imgp_jpeg_on_app(j_decompress_ptr cinfo);
static void imgp_jpeg_on_progress(j_common_ptr cinfo);
static void imgp_jpeg_on_error(j_common_ptr cinfo);
static void imgp_jpeg_on_message(j_common_ptr cinfo, int level);
static imgp_uint_t imgp_jpeg_tolerated(j_common_ptr cinfo);
static void imgp_jpeg_on_output(j_common_ptr cinfo);
static void imgp_jpeg_src_init(j_decompress_ptr cinfo);
static boolean imgp_jpeg_src_fill(j_decompress_ptr cinfo);
static void imgp_jpeg_src_skip(j_decompress_ptr cinfo, long n);


imgp_int_t
imgp_jpeg_read_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader)
{
    imgp_jpeg_reader_t  *r;

    r = imgp_work_alloc(work, sizeof(imgp_jpeg_reader_t));
    if (r == NULL) {
        return IMGP_ERROR;
    }

    memset(r, 0, sizeof(imgp_jpeg_reader_t));

    r->reader.work = work;
    r->reader.format = IMGP_FORMAT_JPEG;
    r->reader.orientation = 1;
    r->reader.start = imgp_jpeg_read_start;
    r->reader.row = imgp_jpeg_read_row;
    r->reader.finish = imgp_jpeg_read_finish;
    r->reader.close = imgp_jpeg_read_close;

    if (imgp_jpeg_read_header(r, data) != IMGP_OK
        || imgp_jpeg_read_form(r) != IMGP_OK
        || imgp_jpeg_planes_open(r) != IMGP_OK
        || imgp_icc_join(&r->icc, work, &r->reader.icc) != IMGP_OK)
    {
        imgp_jpeg_read_close(&r->reader);
        return IMGP_ERROR;
    }

    *reader = &r->reader;

    return IMGP_OK;
}


static imgp_int_t
imgp_jpeg_read_header(imgp_jpeg_reader_t *r, const imgp_str_t *data)
{
    struct jpeg_decompress_struct  *cinfo;

    cinfo = &r->cinfo;

    cinfo->err = jpeg_std_error(&r->err);
    r->err.error_exit = imgp_jpeg_on_error;
    r->err.emit_message = imgp_jpeg_on_message;
    r->err.output_message = imgp_jpeg_on_output;

    if (setjmp(r->jmp)) {
        return IMGP_ERROR;
    }

    cinfo->client_data = r;
    jpeg_create_decompress(cinfo);

    r->src.next_input_byte = data->data;
    r->src.bytes_in_buffer = data->len;
    r->src.init_source = imgp_jpeg_src_init;
    r->src.fill_input_buffer = imgp_jpeg_src_fill;
    r->src.skip_input_data = imgp_jpeg_src_skip;
    r->src.resync_to_restart = jpeg_resync_to_restart;
    r->src.term_source = imgp_jpeg_src_init;
    cinfo->src = &r->src;

    r->progress.progress_monitor = imgp_jpeg_on_progress;
    cinfo->progress = &r->progress;

    jpeg_set_marker_processor(cinfo, JPEG_APP0 + 1, imgp_jpeg_on_app);
    jpeg_set_marker_processor(cinfo, JPEG_APP0 + 2, imgp_jpeg_on_app);

    (void) jpeg_read_header(cinfo, TRUE);

    return IMGP_OK;
}


static imgp_int_t
imgp_jpeg_read_form(imgp_jpeg_reader_t *r)
{
    uint32_t      space;
    imgp_work_t  *work;

    work = r->reader.work;

    if (imgp_work_size(work, r->cinfo.image_width, r->cinfo.image_height)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    switch (r->cinfo.jpeg_color_space) {

    case JCS_GRAYSCALE:
        space = IMGP_SPACE_GRAY;
        r->cinfo.out_color_space = JCS_GRAYSCALE;
        break;

    case JCS_YCbCr:
    case JCS_RGB:
        space = IMGP_SPACE_RGB;
        r->cinfo.out_color_space = JCS_RGB;
        break;

    case JCS_CMYK:
    case JCS_YCCK:
        space = IMGP_SPACE_CMYK;
        r->cinfo.out_color_space = JCS_CMYK;
        break;

    default:
        return imgp_work_error(work, IMGP_E_BAD_IMAGE,
                               "a JPEG of %d components is not supported",
                               r->cinfo.num_components);
    }

    r->reader.full_width = r->cinfo.image_width;
    r->reader.full_height = r->cinfo.image_height;

    imgp_image_form(&r->reader.rows, r->cinfo.image_width,
                    r->cinfo.image_height, space, 0, 8);

    return IMGP_OK;
}


static imgp_int_t
imgp_jpeg_read_start(imgp_reader_t *reader, uint32_t width, uint32_t height)
{
    imgp_jpeg_reader_t  *r;

    r = (imgp_jpeg_reader_t *) reader;

    reader->pitch = imgp_jpeg_pitch(r, width, height, 1, 1);

    if (imgp_jpeg_read_begin(r) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_image_form(&reader->rows, r->cinfo.output_width,
                    r->cinfo.output_height, reader->rows.space, 0, 8);

    return IMGP_OK;
}


/*
 * libjpeg-turbo's scaled IDCTs are little more than means of 2x2, 4x4 or 8x8
 * samples; with twice the target's size left, Lanczos hides the difference.
 */

uint32_t
imgp_jpeg_pitch(const imgp_jpeg_reader_t *r, uint32_t width, uint32_t height,
    uint32_t sample_x, uint32_t sample_y)
{
    uint32_t  pitch;
    uint64_t  w, h;

    pitch = 1;

    if (width == 0) {
        return pitch;
    }

    w = (uint64_t) width * IMGP_JPEG_GAP * sample_x;
    h = (uint64_t) height * IMGP_JPEG_GAP * sample_y;

    while (pitch < DCTSIZE
           && w * pitch * 2 <= r->reader.full_width
           && h * pitch * 2 <= r->reader.full_height)
    {
        pitch *= 2;
    }

    return pitch;
}


imgp_int_t
imgp_jpeg_read_begin(imgp_jpeg_reader_t *r)
{
    imgp_jpeg_store_open(r);

    if (setjmp(r->jmp)) {
        return IMGP_ERROR;
    }

    r->cinfo.scale_num = 1;
    r->cinfo.scale_denom = r->reader.pitch;
    r->cinfo.dct_method = JDCT_ISLOW;
    r->cinfo.do_block_smoothing = FALSE;

    (void) jpeg_start_decompress(&r->cinfo);

    if (jpeg_has_multiple_scans(&r->cinfo)
        && r->seen != (1U << r->cinfo.num_components) - 1)
    {
        return imgp_work_error(r->reader.work, IMGP_E_BAD_IMAGE,
                               "the JPEG lacks the scan of a component");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_jpeg_read_row(imgp_reader_t *reader, u_char *row)
{
    JSAMPROW             rows[1];
    imgp_jpeg_reader_t  *r;

    r = (imgp_jpeg_reader_t *) reader;

    if (setjmp(r->jmp)) {
        return IMGP_ERROR;
    }

    rows[0] = row;

    if (jpeg_read_scanlines(&r->cinfo, rows, 1) != 1) {
        return imgp_work_error(reader->work, IMGP_E_BAD_IMAGE,
                               "the JPEG has fewer rows than it says");
    }

    if (reader->inks > IMGP_INKS_PLAIN) {
        imgp_jpeg_read_invert(row, reader->rows.width);
    }

    return IMGP_OK;
}


/* CMYK, two pixels at once */

static void
imgp_jpeg_read_invert(u_char *row, uint32_t width)
{
    size_t    i, n;
    uint64_t  pair;

    n = (size_t) width * 4;

    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&pair, row + i, 8);
        pair = ~pair;
        memcpy(row + i, &pair, 8);
    }

    for ( /* void */ ; i < n; i++) {
        row[i] = 255 - row[i];
    }
}


static imgp_int_t
imgp_jpeg_read_finish(imgp_reader_t *reader)
{
    imgp_jpeg_reader_t  *r;

    r = (imgp_jpeg_reader_t *) reader;

    if (setjmp(r->jmp)) {
        return IMGP_ERROR;
    }

    (void) jpeg_finish_decompress(&r->cinfo);

    return IMGP_OK;
}


static void
imgp_jpeg_read_close(imgp_reader_t *reader)
{
    imgp_work_t         *work;
    imgp_jpeg_reader_t  *r;

    r = (imgp_jpeg_reader_t *) reader;
    work = reader->work;

    jpeg_destroy_decompress(&r->cinfo);

    imgp_jpeg_store_close(r);
    imgp_work_free(work, reader->icc.data);
    imgp_work_free(work, r);
}


/* APP1 and APP2 lie in memory as a whole: looked at in place, not copied */

static boolean
imgp_jpeg_on_app(j_decompress_ptr cinfo)
{
    size_t               len;
    const u_char        *p;
    imgp_jpeg_reader_t  *r;

    r = cinfo->client_data;
    p = r->src.next_input_byte;

    if (r->src.bytes_in_buffer < 2) {
        (void) imgp_jpeg_src_fill(cinfo);
    }

    len = (size_t) p[0] << 8 | p[1];

    if (len < 2 || len > r->src.bytes_in_buffer) {
        (void) imgp_jpeg_src_fill(cinfo);
    }

    imgp_jpeg_src_skip(cinfo, len);

    p += 2;
    len -= 2;

    if (cinfo->unread_marker == JPEG_APP0 + 2) {
        imgp_icc_add(&r->icc, p, len);

    } else if (!r->oriented && len >= 6 && memcmp(p, "Exif\0", 5) == 0) {
        r->reader.orientation = imgp_exif_orientation(p + 6, len - 6);
        r->oriented = 1;
    }

    return TRUE;
}


/* called by libjpeg between rows of blocks, in each scan */

static void
imgp_jpeg_on_progress(j_common_ptr common)
{
    int                  i;
    j_decompress_ptr     cinfo;
    imgp_jpeg_reader_t  *r;

    cinfo = (j_decompress_ptr) common;
    r = cinfo->client_data;

    if (imgp_work_poll(r->reader.work) != IMGP_OK) {
        longjmp(r->jmp, 1);
    }

    if (cinfo->input_scan_number > IMGP_JPEG_SCANS_MAX) {
        imgp_work_error(r->reader.work, IMGP_E_LIMIT,
                        "the JPEG has more than %d scans",
                        IMGP_JPEG_SCANS_MAX);
        longjmp(r->jmp, 1);
    }

    for (i = 0; cinfo->Ss == 0 && i < cinfo->comps_in_scan; i++) {
        r->seen |= 1U << cinfo->cur_comp_info[i]->component_index;
    }
}


static void
imgp_jpeg_on_error(j_common_ptr cinfo)
{
    char                 text[JMSG_LENGTH_MAX];
    imgp_error_e         code;
    imgp_jpeg_reader_t  *r;

    r = cinfo->client_data;

    switch (cinfo->err->msg_code) {

    case JERR_OUT_OF_MEMORY:
        code = IMGP_E_INTERNAL;
        break;

    case JERR_NO_BACKING_STORE:
    case JERR_WIDTH_OVERFLOW:
        code = IMGP_E_LIMIT;
        break;

    default:
        code = IMGP_E_BAD_IMAGE;
    }

    cinfo->err->format_message(cinfo, text);

    imgp_work_error(r->reader.work, code, "JPEG: %s", text);

    longjmp(r->jmp, 1);
}


static void
imgp_jpeg_on_message(j_common_ptr cinfo, int level)
{
    if (level < 0 && !imgp_jpeg_tolerated(cinfo)) {
        imgp_jpeg_on_error(cinfo);
    }
}


/*
 * Warnings about headers, and bytes that stand before the first scan or
 * before EOI, where cameras leave their padding.  Superfluous bytes elsewhere
 * are lost picture data.
 */

static imgp_uint_t
imgp_jpeg_tolerated(j_common_ptr common)
{
    j_decompress_ptr  cinfo;

    cinfo = (j_decompress_ptr) common;

    switch (common->err->msg_code) {

    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
        return 1;

    case JWRN_EXTRANEOUS_DATA:
        return cinfo->input_scan_number == 0
               || common->err->msg_parm.i[1] == JPEG_EOI;

    default:
        return 0;
    }
}


static void
imgp_jpeg_on_output(j_common_ptr cinfo)
{
    /* libjpeg would write to stderr */
}


static void
imgp_jpeg_src_init(j_decompress_ptr cinfo)
{
    /* all of it is there already; at the end nothing is to be done */
}


static boolean
imgp_jpeg_src_fill(j_decompress_ptr cinfo)
{
    imgp_jpeg_reader_t  *r;

    r = cinfo->client_data;

    imgp_work_error(r->reader.work, IMGP_E_BAD_IMAGE,
                    "the JPEG is truncated");

    longjmp(r->jmp, 1);
}


static void
imgp_jpeg_src_skip(j_decompress_ptr cinfo, long n)
{
    struct jpeg_source_mgr  *src;

    src = cinfo->src;

    if (n <= 0) {
        return;
    }

    if ((size_t) n > src->bytes_in_buffer) {
        (void) imgp_jpeg_src_fill(cinfo);
    }

    src->next_input_byte += n;
    src->bytes_in_buffer -= n;
}
