
/*
 * JPEG as planes: what libjpeg-turbo has before it makes chroma as large as
 * luma and turns YCbCr into RGB, which is most of its work.  Called through
 * the reader's interface by imgp_planes.c, on the run's thread; the rows
 * belong to the caller.
 *
 * Each plane is decoded at the scale that its own target needs.  libjpeg's
 * public interface has one scale for all and lets chroma catch up with luma
 * where it can; the scale of a component is changed right after the start and
 * its IDCT chosen anew (jpegint.h; ITU-T T.81, A.1.1 for the samplings).
 */


#include "imgp_jpeg_reader.h"
#include <imgp/imgp_picture.h>
#include <jpegint.h>


#if (JPEG_LIB_VERSION >= 70)
#define imgp_jpeg_scaled(comp)  (comp)->DCT_h_scaled_size
#else
#define imgp_jpeg_scaled(comp)  (comp)->DCT_scaled_size
#endif


static uint32_t imgp_jpeg_planes_inks(const imgp_jpeg_reader_t *r);
static imgp_uint_t imgp_jpeg_planes_fit(const imgp_jpeg_reader_t *r);
static imgp_int_t imgp_jpeg_planes_start(imgp_reader_t *reader,
    uint32_t width, uint32_t height, uint32_t sub_x, uint32_t sub_y);
static void imgp_jpeg_planes_scale(imgp_jpeg_reader_t *r, uint32_t i,
    uint32_t pitch);
static imgp_int_t imgp_jpeg_planes_strip(imgp_reader_t *reader,
    u_char **rows[IMGP_READER_PLANES]);


imgp_int_t
imgp_jpeg_planes_open(imgp_jpeg_reader_t *r)
{
    int                   i;
    imgp_reader_plane_t  *plane;
    jpeg_component_info  *comp;

    r->reader.inks = imgp_jpeg_planes_inks(r);

    if (!imgp_jpeg_planes_fit(r)) {
        return IMGP_OK;
    }

    r->reader.nplanes = r->cinfo.num_components;
    r->reader.start_planes = imgp_jpeg_planes_start;
    r->reader.strip = imgp_jpeg_planes_strip;

    for (i = 0; i < r->cinfo.num_components; i++) {
        comp = &r->cinfo.comp_info[i];
        plane = &r->reader.plane[i];

        plane->pitch_x = r->cinfo.max_h_samp_factor / comp->h_samp_factor;
        plane->pitch_y = r->cinfo.max_v_samp_factor / comp->v_samp_factor;
    }

    return IMGP_OK;
}


static uint32_t
imgp_jpeg_planes_inks(const imgp_jpeg_reader_t *r)
{
    switch (r->cinfo.jpeg_color_space) {

    case JCS_YCCK:
        return IMGP_INKS_YCCK;

    case JCS_CMYK:
        return r->cinfo.saw_Adobe_marker ? IMGP_INKS_INVERTED
                                         : IMGP_INKS_PLAIN;

    default:
        return IMGP_INKS_NONE;
    }
}


/* luma and black at full size, both chroma alike, and at whole pixels */

static imgp_uint_t
imgp_jpeg_planes_fit(const imgp_jpeg_reader_t *r)
{
    int                         h, v;
    const jpeg_component_info  *comp;

    comp = r->cinfo.comp_info;
    h = r->cinfo.max_h_samp_factor;
    v = r->cinfo.max_v_samp_factor;

    if (comp[0].h_samp_factor != h || comp[0].v_samp_factor != v) {
        return 0;
    }

    if (r->cinfo.jpeg_color_space == JCS_GRAYSCALE) {
        return r->cinfo.num_components == 1;
    }

    if (r->reader.inks != IMGP_INKS_NONE
        && (r->cinfo.num_components != IMGP_READER_PLANES
            || comp[3].h_samp_factor != h || comp[3].v_samp_factor != v))
    {
        return 0;
    }

    return (r->reader.inks != IMGP_INKS_NONE
            || (r->cinfo.jpeg_color_space == JCS_YCbCr
                && r->cinfo.num_components == 3))
           && comp[1].h_samp_factor == comp[2].h_samp_factor
           && comp[1].v_samp_factor == comp[2].v_samp_factor
           && h % comp[1].h_samp_factor == 0
           && v % comp[1].v_samp_factor == 0;
}


static imgp_int_t
imgp_jpeg_planes_start(imgp_reader_t *reader, uint32_t width, uint32_t height,
    uint32_t sub_x, uint32_t sub_y)
{
    uint32_t              i, x, y, pitch;
    imgp_jpeg_reader_t   *r;
    imgp_reader_plane_t  *plane;

    r = (imgp_jpeg_reader_t *) reader;

    reader->pitch = imgp_jpeg_pitch(r, width, height, 1, 1);

    r->cinfo.raw_data_out = TRUE;
    r->cinfo.out_color_space = r->cinfo.jpeg_color_space;

    if (imgp_jpeg_read_begin(r) != IMGP_OK) {
        return IMGP_ERROR;
    }

    reader->strips = r->cinfo.total_iMCU_rows;

    for (i = 0; i < reader->nplanes; i++) {
        plane = &reader->plane[i];
        pitch = reader->pitch;

        if (imgp_picture_chroma(i) && width != 0) {
            x = (width - 1) / sub_x + 1;
            y = (height - 1) / sub_y + 1;

            pitch = imgp_jpeg_pitch(r, x, y, plane->pitch_x, plane->pitch_y);
        }

        imgp_jpeg_planes_scale(r, i, pitch);

        plane->pitch_x *= pitch;
        plane->pitch_y *= pitch;
        plane->rows = r->cinfo.comp_info[i].v_samp_factor * DCTSIZE / pitch;
        plane->stride = (size_t) r->cinfo.comp_info[i].width_in_blocks
                        * DCTSIZE / pitch;
    }

    if (setjmp(r->jmp)) {
        return IMGP_ERROR;
    }

    r->cinfo.idct->start_pass(&r->cinfo);

    return IMGP_OK;
}


static void
imgp_jpeg_planes_scale(imgp_jpeg_reader_t *r, uint32_t i, uint32_t pitch)
{
    jpeg_component_info  *comp;

    comp = &r->cinfo.comp_info[i];

    imgp_jpeg_scaled(comp) = DCTSIZE / pitch;

#if (JPEG_LIB_VERSION >= 70)
    comp->DCT_v_scaled_size = DCTSIZE / pitch;
#endif

    comp->MCU_sample_width = comp->MCU_width * DCTSIZE / pitch;
}


static imgp_int_t
imgp_jpeg_planes_strip(imgp_reader_t *reader,
    u_char **rows[IMGP_READER_PLANES])
{
    JDIMENSION           lines;
    imgp_jpeg_reader_t  *r;

    r = (imgp_jpeg_reader_t *) reader;

    if (setjmp(r->jmp)) {
        return IMGP_ERROR;
    }

    lines = r->cinfo.max_v_samp_factor * DCTSIZE / reader->pitch;

    if (jpeg_read_raw_data(&r->cinfo, rows, lines) != lines) {
        return imgp_work_error(reader->work, IMGP_E_BAD_IMAGE,
                               "the JPEG has fewer rows than it says");
    }

    return IMGP_OK;
}
