
/*
 * The PNG reader: every colour type and depth, interlaced or not; palettes,
 * low depths and tRNS are expanded, 16 bits are kept.  One thread, opened by
 * imgp_reader.c, closed by imgp_decode.c; all of libpng's memory (zlib's too)
 * is the run's.
 *
 * libpng reads all that stands before the pixels, with its rules and limits;
 * the pixels are read by imgp_png_rows.c, at several times its speed, and
 * brought into their order by imgp_png_lace.c where they are interlaced.
 *
 * Strict: a wrong CRC is an error in any chunk, so is a missing IEND; what
 * follows IEND is ignored.  Of an APNG the default image is taken.  Only
 * iCCP (converted later) and eXIf (orientation) are used of the metadata;
 * sRGB needs nothing, gAMA, cHRM and cICP are ignored as common thumbnailers
 * do; all the rest is skipped without being unpacked.
 *
 * Specification: ISO/IEC 15948 (PNG, third edition, W3C).
 */


#include <setjmp.h>
#include <png.h>
#include <imgp/imgp_png.h>
#include <imgp/imgp_png_expand.h>
#include <imgp/imgp_png_lace.h>
#include <imgp/imgp_png_rows.h>
#include <imgp/imgp_exif.h>
#include <imgp/imgp_icc.h>


#define IMGP_PNG_IHDR_END    33       /* signature 8, IHDR 4 + 4 + 13 + 4 */
#define IMGP_PNG_IHDR_DEPTH  24
#define IMGP_PNG_IHDR_TYPE   25
#define IMGP_PNG_CHUNK_HEAD  8        /* length and type */


typedef struct {
    imgp_reader_t      reader;

    png_structp        png;
    png_infop          info;
    jmp_buf            jmp;

    const u_char      *head;          /* the input's first bytes */
    imgp_str_t         rest;          /* what libpng has not read of it */
    imgp_png_rows_t   *rows;
    imgp_png_lace_t   *lace;          /* of an interlaced image */
    imgp_png_expand_t  expand;
} imgp_png_reader_t;


static imgp_int_t imgp_png_read_size(imgp_png_reader_t *r,
    const imgp_str_t *data);
static imgp_int_t imgp_png_read_header(imgp_png_reader_t *r);
static void imgp_png_read_limits(imgp_png_reader_t *r);
static void imgp_png_read_form(imgp_png_reader_t *r);
static void imgp_png_read_meta(imgp_png_reader_t *r);
static imgp_int_t imgp_png_read_start(imgp_reader_t *reader, uint32_t width,
    uint32_t height);
static void imgp_png_read_expand(imgp_png_reader_t *r);
static imgp_int_t imgp_png_read_row(imgp_reader_t *reader, u_char *row);
static imgp_int_t imgp_png_read_finish(imgp_reader_t *reader);
static void imgp_png_read_close(imgp_reader_t *reader);

static void imgp_png_on_read(png_structp png, png_bytep p, size_t len);
static void imgp_png_on_error(png_structp png, png_const_charp text);
static void imgp_png_on_warning(png_structp png, png_const_charp text);
static png_voidp imgp_png_on_alloc(png_structp png, png_alloc_size_t size);
static void imgp_png_on_free(png_structp png, png_voidp p);


/* known to libpng, but not wanted: never unpacked, never stored */

static const png_byte  imgp_png_unwanted[] =
    "bKGD\0" "cHRM\0" "gAMA\0" "hIST\0" "iTXt\0" "oFFs\0" "pCAL\0" "pHYs\0"
    "sBIT\0" "sCAL\0" "sPLT\0" "tEXt\0" "tIME\0" "zTXt";


imgp_int_t
imgp_png_read_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader)
{
    imgp_png_reader_t  *r;

    r = imgp_work_alloc(work, sizeof(imgp_png_reader_t));
    if (r == NULL) {
        return IMGP_ERROR;
    }

    memset(r, 0, sizeof(imgp_png_reader_t));

    r->reader.work = work;
    r->reader.format = IMGP_FORMAT_PNG;
    r->reader.orientation = 1;
    r->reader.pitch = 1;
    r->reader.start = imgp_png_read_start;
    r->reader.row = imgp_png_read_row;
    r->reader.finish = imgp_png_read_finish;
    r->reader.close = imgp_png_read_close;
    r->head = data->data;
    r->rest = *data;

    if (imgp_png_read_size(r, data) != IMGP_OK
        || imgp_png_read_header(r) != IMGP_OK)
    {
        imgp_png_read_close(&r->reader);
        return IMGP_ERROR;
    }

    *reader = &r->reader;

    return IMGP_OK;
}


/* before libpng sees a byte: its own refusal could not be told from damage */

static imgp_int_t
imgp_png_read_size(imgp_png_reader_t *r, const imgp_str_t *data)
{
    const u_char  *p;

    p = data->data;

    if (data->len < IMGP_PNG_IHDR_END) {
        return imgp_work_error(r->reader.work, IMGP_E_BAD_IMAGE,
                               "the PNG is truncated");
    }

    if (memcmp(p + 8, "\0\0\0\x0dIHDR", 8) != 0) {
        return imgp_work_error(r->reader.work, IMGP_E_BAD_IMAGE,
                               "the PNG does not begin with an IHDR chunk");
    }

    r->reader.full_width = png_get_uint_32(p + 16);
    r->reader.full_height = png_get_uint_32(p + 20);

    return imgp_work_size(r->reader.work, r->reader.full_width,
                          r->reader.full_height);
}


static imgp_int_t
imgp_png_read_header(imgp_png_reader_t *r)
{
    if (setjmp(r->jmp)) {
        return IMGP_ERROR;
    }

    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r,
                                      imgp_png_on_error, imgp_png_on_warning,
                                      r, imgp_png_on_alloc, imgp_png_on_free);
    if (r->png == NULL) {
        return imgp_work_error(r->reader.work, IMGP_E_INTERNAL,
                               "libpng could not be initialized");
    }

    r->info = png_create_info_struct(r->png);
    if (r->info == NULL) {
        return imgp_work_error(r->reader.work, IMGP_E_INTERNAL,
                               "libpng could not be initialized");
    }

    png_set_read_fn(r->png, r, imgp_png_on_read);

    imgp_png_read_limits(r);

    png_read_info(r->png, r->info);

    imgp_png_read_form(r);
    imgp_png_read_meta(r);

    return imgp_work_poll(r->reader.work);
}


static void
imgp_png_read_limits(imgp_png_reader_t *r)
{
    png_set_user_limits(r->png, IMGP_SIDE_MAX, IMGP_SIDE_MAX);
    png_set_chunk_cache_max(r->png, IMGP_PNG_CHUNKS_MAX);
    png_set_chunk_malloc_max(r->png, IMGP_ICC_MAX);

    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);

    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER,
                                imgp_png_unwanted,
                                sizeof(imgp_png_unwanted) / 5);
}


static void
imgp_png_read_form(imgp_png_reader_t *r)
{
    uint32_t          channels;
    const uint16_t    one = 1;
    imgp_image_t     *rows;

    if (png_get_bit_depth(r->png, r->info) == 16 && *(u_char *) &one == 1) {
        png_set_swap(r->png);
    }

    imgp_png_read_expand(r);          /* libpng forgets what it expands */

    png_set_expand(r->png);
    png_read_update_info(r->png, r->info);

    rows = &r->reader.rows;
    channels = png_get_channels(r->png, r->info);

    imgp_image_form(rows, r->reader.full_width, r->reader.full_height,
                    channels <= 2 ? IMGP_SPACE_GRAY : IMGP_SPACE_RGB,
                    channels % 2 == 0, png_get_bit_depth(r->png, r->info));

    if (png_get_rowbytes(r->png, r->info) != rows->stride
        || rows->channels != (r->expand.palette ? r->expand.palette
                              : r->expand.channels + r->expand.keyed))
    {
        png_error(r->png, "rows of an unexpected length");
    }
}


static void
imgp_png_read_meta(imgp_png_reader_t *r)
{
    int           method;
    png_bytep     p;
    png_charp     name;
    png_uint_32   len;

    if (png_get_eXIf_1(r->png, r->info, &len, &p) != 0) {
        r->reader.orientation = imgp_exif_orientation(p, len);
    }

    if (png_get_iCCP(r->png, r->info, &name, &method, &p, &len) != 0) {
        r->reader.icc.data = p;       /* of r->info */
        r->reader.icc.len = len;
    }
}


/* libpng stands behind the first IDAT chunk's length and type */

static imgp_int_t
imgp_png_read_start(imgp_reader_t *reader, uint32_t width, uint32_t height)
{
    imgp_png_reader_t     *r;
    imgp_png_rows_conf_t   conf;

    r = (imgp_png_reader_t *) reader;

    memset(&conf, 0, sizeof(imgp_png_rows_conf_t));

    conf.rest.data = r->rest.data - IMGP_PNG_CHUNK_HEAD;
    conf.rest.len = r->rest.len + IMGP_PNG_CHUNK_HEAD;
    conf.palette = png_get_valid(r->png, r->info, PNG_INFO_PLTE) != 0;
    conf.chunk_max = IMGP_ICC_MAX;
    conf.simd = IMGP_SIMD_BEST;

    conf.step = (r->expand.depth * r->expand.channels + 7) / 8;
    conf.len = imgp_png_expand_len(&r->expand);
    conf.height = reader->full_height;

    r->rows = imgp_png_rows_open(reader->work, &conf);
    if (r->rows == NULL) {
        return IMGP_ERROR;
    }

    if (png_get_interlace_type(r->png, r->info) == PNG_INTERLACE_NONE) {
        return IMGP_OK;
    }

    r->lace = imgp_png_lace_open(reader->work, r->rows, &r->expand,
                                 &reader->rows);

    return r->lace ? IMGP_OK : IMGP_ERROR;
}


/* the form of the rows as they are stored, from the file's own words */

static void
imgp_png_read_expand(imgp_png_reader_t *r)
{
    int                 i, n, ntrans;
    uint32_t            mask;
    png_bytep           trans;
    png_colorp          colors;
    png_color_16p       key;
    imgp_png_expand_t  *e;

    static const u_char  channels[] = { 1, 0, 3, 1, 2, 0, 4 };

    e = &r->expand;
    e->width = r->reader.full_width;
    e->depth = r->head[IMGP_PNG_IHDR_DEPTH];
    e->channels = channels[r->head[IMGP_PNG_IHDR_TYPE]];

    key = NULL;
    ntrans = 0;
    (void) png_get_tRNS(r->png, r->info, &trans, &ntrans, &key);

    if (r->head[IMGP_PNG_IHDR_TYPE] == PNG_COLOR_TYPE_PALETTE) {
        e->palette = (ntrans > 0) ? 4 : 3;
        n = 0;
        (void) png_get_PLTE(r->png, r->info, &colors, &n);

        for (i = 0; i < 256; i++) {
            e->colors[i][3] = (i < ntrans) ? trans[i] : 255;

            if (i < n) {
                e->colors[i][0] = colors[i].red;
                e->colors[i][1] = colors[i].green;
                e->colors[i][2] = colors[i].blue;
            }
        }

    } else if (ntrans > 0 && key != NULL && e->channels % 2 == 1) {
        mask = (1u << e->depth) - 1;  /* what libpng looks at */

        e->keyed = 1;
        e->key[0] = ((e->channels == 1) ? key->gray : key->red) & mask;
        e->key[1] = key->green & mask;
        e->key[2] = key->blue & mask;
    }
}


static imgp_int_t
imgp_png_read_row(imgp_reader_t *reader, u_char *row)
{
    const u_char       *line;
    imgp_png_reader_t  *r;

    r = (imgp_png_reader_t *) reader;

    if (r->lace != NULL) {
        return imgp_png_lace_row(r->lace, row);
    }

    line = imgp_png_rows_next(r->rows);
    if (line == NULL) {
        return IMGP_ERROR;
    }

    imgp_png_expand_row(&r->expand, line, row);

    return IMGP_OK;
}


static imgp_int_t
imgp_png_read_finish(imgp_reader_t *reader)
{
    imgp_png_reader_t  *r;

    r = (imgp_png_reader_t *) reader;

    return imgp_png_rows_finish(r->rows);
}


static void
imgp_png_read_close(imgp_reader_t *reader)
{
    imgp_png_reader_t  *r;

    r = (imgp_png_reader_t *) reader;

    if (r->png != NULL) {
        png_destroy_read_struct(&r->png, &r->info, NULL);
    }

    imgp_png_lace_close(r->lace);
    imgp_png_rows_close(r->rows);
    imgp_work_free(reader->work, r);
}


static void
imgp_png_on_read(png_structp png, png_bytep p, size_t len)
{
    imgp_png_reader_t  *r;

    r = png_get_io_ptr(png);

    if (len > r->rest.len) {
        imgp_work_error(r->reader.work, IMGP_E_BAD_IMAGE,
                        "the PNG is truncated");
        longjmp(r->jmp, 1);
    }

    memcpy(p, r->rest.data, len);

    r->rest.data += len;
    r->rest.len -= len;
}


static void
imgp_png_on_error(png_structp png, png_const_charp text)
{
    imgp_png_reader_t  *r;

    r = png_get_error_ptr(png);

    imgp_work_error(r->reader.work, IMGP_E_BAD_IMAGE, "PNG: %s", text);

    longjmp(r->jmp, 1);
}


static void
imgp_png_on_warning(png_structp png, png_const_charp text)
{
    /* about metadata, or data left over; whatever loses pixels is an error */
}


/* a failure is remembered by the run, even where libpng could do without */

static png_voidp
imgp_png_on_alloc(png_structp png, png_alloc_size_t size)
{
    imgp_png_reader_t  *r;

    r = png_get_mem_ptr(png);

    return imgp_work_alloc(r->reader.work, size);
}


static void
imgp_png_on_free(png_structp png, png_voidp p)
{
    imgp_png_reader_t  *r;

    r = png_get_mem_ptr(png);

    imgp_work_free(r->reader.work, p);
}
