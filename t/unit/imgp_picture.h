
/*
 * Pictures for the tests of src/image: made in memory with libjpeg and libpng
 * straight, in every form that the readers know, and outputs read back the
 * same way, so that the code under test never judges itself.
 *
 * The usual picture shows its orientation: four quadrants, red and green over
 * blue and white (gray: 40, 90 over 140, 220).
 */


#ifndef _IMGP_TEST_PICTURE_H_INCLUDED_
#define _IMGP_TEST_PICTURE_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* memmem() */
#endif

#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <png.h>
#include <imgp/imgp_op.h>
#include "imgp_test.h"


typedef struct {
    uint32_t       width;
    uint32_t       height;
    int            components;        /* 1, 3, 4 */
    J_COLOR_SPACE  in;                /* of the pixels given */
    J_COLOR_SPACE  stored;
    int            h;                 /* sampling of the first component */
    int            v;
    int            quality;
    int            progressive;
    int            arithmetic;
    int            apart;             /* a scan per component */
    int            restart;           /* MCU rows */
    int            orientation;       /* 0: no EXIF */
    imgp_str_t     icc;
} test_jpeg_t;


typedef struct {
    uint32_t       width;
    uint32_t       height;
    int            type;              /* PNG_COLOR_TYPE_... */
    int            depth;
    int            interlaced;
    int            trns;              /* palette: entry 0 clear; else key */
    int            orientation;       /* eXIf */
    imgp_str_t     icc;
} test_png_t;


typedef struct {
    uint32_t       width;
    uint32_t       height;
    u_char        *rgba;
} test_pixels_t;


/* value of a channel at x, y; max is the channel's full value */

typedef uint32_t (*test_pixel_pt)(uint32_t x, uint32_t y, uint32_t c,
    uint32_t w, uint32_t h, uint32_t max);


static const u_char  test_quadrants[4][4] = {
    { 255, 0, 0, 255 }, { 0, 255, 0, 255 }, { 0, 0, 255, 255 },
    { 255, 255, 255, 255 }
};

static const u_char  test_grays[4] = { 40, 90, 140, 220 };


__attribute__((unused))
static uint32_t
test_quadrant(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return test_quadrants[(y >= h / 2) * 2 + (x >= w / 2)][c] * max / 255;
}


__attribute__((unused))
static uint32_t
test_gray(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    if (c != 0) {
        return max;
    }

    return test_grays[(y >= h / 2) * 2 + (x >= w / 2)] * max / 255;
}


/* smooth and detailed, the same on every machine */

__attribute__((unused))
static uint32_t
test_photo(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    uint32_t  v, n;

    n = (x * 2654435761U) ^ (y * 2246822519U) ^ (c * 3266489917U);
    n ^= n >> 15;
    n = (n * 2246822519U) >> 24;

    v = (x * (c + 2) + y * 3) % 512;
    v = (v < 256) ? v : 511 - v;

    return (v * 3 + n) / 4 * max / 255;
}


static imgp_str_t
test_copy(const u_char *p, size_t len)
{
    imgp_str_t  s;

    s.len = len;
    s.data = malloc(len ? len : 1);      /* exact: ASan sees an overrun */
    memcpy(s.data, p, len);

    return s;
}


/* EXIF with an entry before the orientation, as cameras have */

static size_t
test_exif(u_char *p, int orientation, int big)
{
    static const u_char  little[] =
        "II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x04\0\0\0abc\0"
        "\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
    static const u_char  bigger[] =
        "MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x04" "abc\0"
        "\x01\x12\0\x03\0\0\0\x01\0\x01\0\0\0\0\0\0";

    memcpy(p, big ? bigger : little, sizeof(little) - 1);
    p[big ? 31 : 30] = orientation;

    return sizeof(little) - 1;
}


__attribute__((unused))
static imgp_str_t
test_jpeg(const test_jpeg_t *t, test_pixel_pt pixel)
{
    int                          i, n;
    u_char                      *row, *out, meta[64 + 12];
    uint32_t                     x, c;
    imgp_str_t                   s;
    unsigned long                len;
    jpeg_scan_info               scans[4];
    struct jpeg_error_mgr        err;
    struct jpeg_compress_struct  cinfo;

    out = NULL;
    len = 0;

    memset(&cinfo, 0, sizeof(cinfo));
    cinfo.err = jpeg_std_error(&err);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &out, &len);

    cinfo.image_width = t->width;
    cinfo.image_height = t->height;
    cinfo.input_components = t->components ? t->components : 3;
    cinfo.in_color_space = t->in ? t->in : JCS_RGB;

    jpeg_set_defaults(&cinfo);
    jpeg_set_colorspace(&cinfo, t->stored ? t->stored : JCS_YCbCr);
    jpeg_set_quality(&cinfo, t->quality ? t->quality : 95, TRUE);

    for (i = 0; i < cinfo.num_components; i++) {
        cinfo.comp_info[i].h_samp_factor = 1;
        cinfo.comp_info[i].v_samp_factor = 1;
    }

    cinfo.comp_info[0].h_samp_factor = t->h ? t->h : 1;
    cinfo.comp_info[0].v_samp_factor = t->v ? t->v : 1;
    cinfo.restart_in_rows = t->restart;
    cinfo.arith_code = t->arithmetic;

    if (t->progressive) {
        jpeg_simple_progression(&cinfo);
    }

    if (t->apart) {
        memset(scans, 0, sizeof(scans));

        for (i = 0; i < cinfo.num_components; i++) {
            scans[i].comps_in_scan = 1;
            scans[i].component_index[0] = i;
            scans[i].Se = 63;
        }

        cinfo.scan_info = scans;
        cinfo.num_scans = cinfo.num_components;
    }

    jpeg_start_compress(&cinfo, TRUE);

    if (t->orientation) {
        memcpy(meta, "Exif\0\0", 6);
        n = test_exif(meta + 6, t->orientation, t->orientation % 2);
        jpeg_write_marker(&cinfo, JPEG_APP0 + 1, meta, 6 + n);
    }

    if (t->icc.len) {
        jpeg_write_icc_profile(&cinfo, t->icc.data, t->icc.len);
    }

    row = malloc((size_t) t->width * cinfo.input_components);

    while (cinfo.next_scanline < t->height) {

        for (x = 0; x < t->width; x++) {
            for (c = 0; c < (uint32_t) cinfo.input_components; c++) {
                row[x * cinfo.input_components + c] =
                    pixel(x, cinfo.next_scanline, c, t->width, t->height, 255);
            }
        }

        jpeg_write_scanlines(&cinfo, &row, 1);
    }

    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);

    s = test_copy(out, len);

    free(out);
    free(row);

    return s;
}


typedef struct {
    u_char        *data;
    size_t         len;
    size_t         size;
} test_buffer_t;


static void
test_png_write(png_structp png, png_bytep p, size_t len)
{
    test_buffer_t  *b = png_get_io_ptr(png);

    if (b->len + len > b->size) {
        b->size = 2 * (b->len + len);
        b->data = realloc(b->data, b->size);
    }

    memcpy(b->data + b->len, p, len);
    b->len += len;
}


static void
test_png_put(u_char *row, uint32_t i, int depth, uint32_t v)
{
    if (depth == 16) {
        row[2 * i] = v >> 8;
        row[2 * i + 1] = v;

    } else if (depth == 8) {
        row[i] = v;

    } else {
        row[i * depth / 8] |= v << (8 - depth - i * depth % 8);
    }
}


static void
test_png_palette(png_structp png, png_infop info, int depth, int trns)
{
    int         i;
    png_color   colors[256];
    png_byte    alpha[1] = { 0 };

    for (i = 0; i < 256; i++) {
        colors[i].red = test_quadrants[i % 4][0];
        colors[i].green = test_quadrants[i % 4][1];
        colors[i].blue = test_quadrants[i % 4][2];
    }

    png_set_PLTE(png, info, colors, 1 << depth);

    if (trns) {
        png_set_tRNS(png, info, alpha, 1, NULL);
    }
}


/* in palettes the pixel function's values are indices */

__attribute__((unused))
static imgp_str_t
test_png(const test_png_t *t, test_pixel_pt pixel)
{
    u_char        **rows, exif[64];
    uint32_t        x, y, c, nc, max;
    png_infop       info;
    imgp_str_t      s;
    png_structp     png;
    test_buffer_t   b;
    png_color_16    key;

    memset(&b, 0, sizeof(b));

    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    info = png_create_info_struct(png);

    if (setjmp(png_jmpbuf(png))) {
        abort();
    }

    png_set_write_fn(png, &b, test_png_write, NULL);
    png_set_IHDR(png, info, t->width, t->height, t->depth, t->type,
                 t->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);

    max = (1 << t->depth) - 1;

    if (t->type == PNG_COLOR_TYPE_PALETTE) {
        test_png_palette(png, info, t->depth, t->trns);

    } else if (t->trns) {
        memset(&key, 0, sizeof(key));
        key.red = pixel(0, 0, 0, t->width, t->height, max);
        key.green = pixel(0, 0, 1, t->width, t->height, max);
        key.blue = pixel(0, 0, 2, t->width, t->height, max);
        key.gray = key.red;
        png_set_tRNS(png, info, NULL, 0, &key);
    }

    if (t->orientation) {
        png_set_eXIf_1(png, info,
                       test_exif(exif, t->orientation, t->orientation % 2),
                       exif);
    }

    if (t->icc.len) {
        png_set_iCCP(png, info, "test", 0, t->icc.data, t->icc.len);
    }

    nc = png_get_channels(png, info);
    rows = malloc(t->height * sizeof(u_char *));

    for (y = 0; y < t->height; y++) {
        rows[y] = calloc((size_t) t->width * nc + 1, 2);

        for (x = 0; x < t->width; x++) {
            for (c = 0; c < nc; c++) {
                test_png_put(rows[y], x * nc + c, t->depth,
                             pixel(x, y, c, t->width, t->height, max));
            }
        }
    }

    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);

    for (y = 0; y < t->height; y++) {
        free(rows[y]);
    }

    free(rows);

    s = test_copy(b.data, b.len);
    free(b.data);

    return s;
}


/* an output as RGBA, or nothing (width 0); a JPEG by libjpeg */

static void
test_read_jpeg(const u_char *p, size_t len, test_pixels_t *out)
{
    u_char                         *row;
    uint32_t                        x;
    struct jpeg_error_mgr           err;
    struct jpeg_decompress_struct   cinfo;

    cinfo.err = jpeg_std_error(&err);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, p, len);
    jpeg_read_header(&cinfo, TRUE);
    cinfo.out_color_space = JCS_EXT_RGBA;

    jpeg_start_decompress(&cinfo);

    out->width = cinfo.output_width;
    out->height = cinfo.output_height;
    out->rgba = malloc((size_t) out->width * out->height * 4);

    while (cinfo.output_scanline < out->height) {
        row = out->rgba + (size_t) cinfo.output_scanline * out->width * 4;
        jpeg_read_scanlines(&cinfo, &row, 1);

        for (x = 0; x < out->width; x++) {
            row[4 * x + 3] = 255;
        }
    }

    jpeg_finish_decompress(&cinfo);
    jpeg_destroy_decompress(&cinfo);
}


__attribute__((unused))
static test_pixels_t
test_read(const imgp_op_output_t *o)
{
    png_image      png;
    test_pixels_t  out;

    memset(&out, 0, sizeof(out));

    if (o->data == NULL) {
        return out;
    }

    if (strcmp(o->type, "image/jpeg") == 0) {
        test_read_jpeg(o->data, o->len, &out);
        return out;
    }

    memset(&png, 0, sizeof(png));
    png.version = PNG_IMAGE_VERSION;

    if (!png_image_begin_read_from_memory(&png, o->data, o->len)) {
        return out;
    }

    png.format = PNG_FORMAT_RGBA;
    out.width = png.width;
    out.height = png.height;
    out.rgba = malloc(PNG_IMAGE_SIZE(png));

    png_image_finish_read(&png, NULL, out.rgba, 0, NULL);

    return out;
}


/* r, g, b, a within "eps" of the pixel at x, y */

__attribute__((unused))
static int
test_near(const test_pixels_t *p, uint32_t x, uint32_t y, int r, int g, int b,
    int a, int eps)
{
    int            i, want[4] = { r, g, b, a };
    const u_char  *got;

    if (x >= p->width || y >= p->height) {
        printf("# %u,%u is outside %ux%u\n", x, y, p->width, p->height);
        return 0;
    }

    got = p->rgba + ((size_t) y * p->width + x) * 4;

    for (i = 0; i < 4; i++) {
        if (abs(got[i] - want[i]) > eps) {
            printf("# %u,%u is %d,%d,%d,%d, expected %d,%d,%d,%d\n", x, y,
                   got[0], got[1], got[2], got[3], r, g, b, a);
            return 0;
        }
    }

    return 1;
}


/* do the four quadrants show test_quadrants[a b c d]? */

__attribute__((unused))
static int
test_corners(const test_pixels_t *p, const char *order, int eps)
{
    int            i, good;
    uint32_t       x, y;
    const u_char  *q;

    good = 1;

    for (i = 0; i < 4; i++) {
        q = test_quadrants[order[i] - '0'];
        x = p->width / 4 + (i % 2) * (p->width / 2);
        y = p->height / 4 + (i / 2) * (p->height / 2);

        good &= test_near(p, x, y, q[0], q[1], q[2], 255, eps);
    }

    return good;
}


#endif /* _IMGP_TEST_PICTURE_H_INCLUDED_ */
