
/*
 * The fast path of the PNG reader.  Called by imgp_png_read.c, which leaves
 * all before the first IDAT chunk to libpng; on the run's thread, memory is
 * the run's and grows with a row's length only.
 *
 *     IDAT chunks -> imgp_inflate.c -> imgp_unfilter.c -> rows
 *
 * Every chunk's CRC is checked before its content is used.  What is accepted
 * is what libpng accepts, except that the compressed data must be whole, up
 * to and with its checksum, where libpng warns at most if the pixels are
 * there; and that neither a declared window smaller than the copies reach nor
 * an IDAT chunk longer than it needs to be is held against a file.
 *
 * ISO/IEC 15948: 5.3 (chunks), 5.6 (order), 10.1 (IDAT).
 */


#include <imgp/imgp_png_rows.h>
#include <imgp/imgp_block.h>
#include <imgp/imgp_checksum.h>
#include <imgp/imgp_filter.h>
#include <imgp/imgp_inflate.h>
#include <imgp/imgp_unfilter.h>


#define IMGP_PNG_ROWS_HEAD   8        /* length and type */
#define IMGP_PNG_ROWS_FRAME  12       /* and the CRC */
#define IMGP_PNG_ROWS_KEPT   3        /* one above two */
#define IMGP_PNG_ROWS_PACKED 4        /* by so much, or it is dense */
#define IMGP_PNG_ROWS_ROOM   (IMGP_PNG_ROWS_BUFFER / 2)


struct imgp_png_rows_s {
    imgp_work_t           *work;
    imgp_png_rows_conf_t   conf;
    imgp_inflate_t        *inflate;

    imgp_str_t             chunk;     /* of the IDAT, not yet unpacked */
    imgp_uint_t            ended;     /* the deflated data has */

    u_char                *buffer;    /* filtered rows: those unpacked */
    size_t                 size;
    size_t                 from;
    size_t                 to;

    u_char                *rows;      /* IMGP_PNG_ROWS_KEPT, in turn */
    size_t                 stride;
    uint32_t               turn;      /* of the row given last */
    imgp_uint_t            ahead;     /* the next one is there already */
    uint32_t               left;      /* rows that are not there yet */
    size_t                 len;       /* of a row now */
};


static imgp_int_t imgp_png_rows_alloc(imgp_png_rows_t *rows);
static imgp_uint_t imgp_png_rows_dense(const imgp_png_rows_conf_t *conf);
static u_char *imgp_png_rows_at(imgp_png_rows_t *rows, uint32_t i);
static imgp_uint_t imgp_png_rows_pair(imgp_png_rows_t *rows,
    const u_char *line, const u_char *above, u_char *row);
static imgp_int_t imgp_png_rows_fill(imgp_png_rows_t *rows);
static void imgp_png_rows_slide(imgp_png_rows_t *rows);
static imgp_int_t imgp_png_rows_unpack(imgp_png_rows_t *rows);
static imgp_int_t imgp_png_rows_chunk(imgp_png_rows_t *rows, u_char *type,
    imgp_str_t *data);
static imgp_int_t imgp_png_rows_idat(imgp_png_rows_t *rows);
static imgp_int_t imgp_png_rows_end(imgp_png_rows_t *rows);
static imgp_int_t imgp_png_rows_behind(imgp_png_rows_t *rows,
    const u_char *type, size_t len);
static imgp_int_t imgp_png_rows_bad(imgp_png_rows_t *rows, const char *why);


static inline uint32_t
imgp_png_rows_32(const u_char *p)
{
    return (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}


imgp_png_rows_t *
imgp_png_rows_open(imgp_work_t *work, const imgp_png_rows_conf_t *conf)
{
    imgp_png_rows_t  *rows;

    rows = imgp_work_alloc(work, sizeof(imgp_png_rows_t));
    if (rows == NULL) {
        return NULL;
    }

    memset(rows, 0, sizeof(imgp_png_rows_t));

    rows->work = work;
    rows->conf = *conf;
    rows->conf.simd = imgp_simd_choose(conf->simd);

    if (imgp_png_rows_alloc(rows) != IMGP_OK
        || imgp_png_rows_idat(rows) != IMGP_OK)
    {
        imgp_png_rows_close(rows);
        return NULL;
    }

    return rows;
}


static imgp_int_t
imgp_png_rows_alloc(imgp_png_rows_t *rows)
{
    rows->size = imgp_max(IMGP_PNG_ROWS_BUFFER, rows->conf.len + 1)
                 + IMGP_BLOCK_WINDOW;

    rows->stride = rows->conf.len + IMGP_UNFILTER_PAD;

    rows->inflate = imgp_inflate_create(rows->work,
                                        imgp_png_rows_dense(&rows->conf));
    rows->buffer = imgp_work_alloc(rows->work,
                                   rows->size + IMGP_UNFILTER_PAD);
    rows->rows = imgp_work_array(rows->work, rows->stride,
                                 IMGP_PNG_ROWS_KEPT);

    if (rows->inflate == NULL || rows->buffer == NULL || rows->rows == NULL) {
        return IMGP_ERROR;
    }

    memset(rows->buffer + rows->size, 0, IMGP_UNFILTER_PAD);
    imgp_png_rows_begin(rows, rows->conf.len, rows->conf.height);

    return IMGP_OK;
}


/* a picture that packs badly has few copies */

static imgp_uint_t
imgp_png_rows_dense(const imgp_png_rows_conf_t *conf)
{
    return conf->rest.len
           > (uint64_t) conf->len * conf->height / IMGP_PNG_ROWS_PACKED;
}


void
imgp_png_rows_begin(imgp_png_rows_t *rows, size_t len, uint32_t height)
{
    rows->len = len;
    rows->left = height;

    memset(rows->rows, 0, IMGP_PNG_ROWS_KEPT * rows->stride);
}


void
imgp_png_rows_close(imgp_png_rows_t *rows)
{
    if (rows == NULL) {
        return;
    }

    imgp_inflate_free(rows->inflate);
    imgp_work_free(rows->work, rows->buffer);
    imgp_work_free(rows->work, rows->rows);
    imgp_work_free(rows->work, rows);
}


const u_char *
imgp_png_rows_next(imgp_png_rows_t *rows)
{
    u_char        *row, *above;
    size_t         len;
    const u_char  *line;

    len = rows->len;

    above = imgp_png_rows_at(rows, 0);
    row = imgp_png_rows_at(rows, 1);
    rows->turn = (rows->turn + 1) % IMGP_PNG_ROWS_KEPT;

    if (rows->ahead) {
        rows->ahead = 0;
        return row;
    }

    if (rows->to - rows->from < len + 1
        && imgp_png_rows_fill(rows) != IMGP_OK)
    {
        return NULL;
    }

    line = rows->buffer + rows->from;
    rows->from += len + 1;
    rows->left--;

    if (imgp_png_rows_pair(rows, line, above, row)) {
        return row;
    }

    if (imgp_unfilter_row(rows->conf.simd, line[0], rows->conf.step, line + 1,
                          above, row, len)
        != IMGP_OK)
    {
        imgp_png_rows_bad(rows, "a row has no known filter");
        return NULL;
    }

    return row;
}


static u_char *
imgp_png_rows_at(imgp_png_rows_t *rows, uint32_t i)
{
    return rows->rows + (rows->turn + i) % IMGP_PNG_ROWS_KEPT * rows->stride;
}


/* this row and the one below, where both have the filter that waits most */

static imgp_uint_t
imgp_png_rows_pair(imgp_png_rows_t *rows, const u_char *line,
    const u_char *above, u_char *row)
{
    size_t  len;

    len = rows->len;

    if (rows->left == 0 || rows->to - rows->from < len + 1
        || line[0] != IMGP_FILTER_PAETH || line[len + 1] != IMGP_FILTER_PAETH
        || !imgp_unfilter_pair(rows->conf.simd, rows->conf.step, line + 1,
                               above, row, imgp_png_rows_at(rows, 1), len))
    {
        return 0;
    }

    rows->from += len + 1;
    rows->left--;
    rows->ahead = 1;

    return 1;
}


/* until the buffer has a row, and mostly until it is full */

static imgp_int_t
imgp_png_rows_fill(imgp_png_rows_t *rows)
{
    imgp_int_t  rc;

    if (rows->size - rows->to <= rows->len + IMGP_PNG_ROWS_ROOM) {
        imgp_png_rows_slide(rows);
    }

    do {
        rc = imgp_png_rows_unpack(rows);

        if (rc == IMGP_ERROR) {
            return imgp_png_rows_bad(rows, "its data cannot be unpacked");
        }

        rows->ended = (rc == IMGP_DONE);

        if (rows->to - rows->from > rows->len) {
            return IMGP_OK;
        }

        if (rc == IMGP_DONE) {
            return imgp_png_rows_bad(rows, "not enough image data");
        }

    } while (imgp_png_rows_idat(rows) == IMGP_OK);

    return IMGP_ERROR;
}


/* what is not used yet, and what copies may reach back to */

static void
imgp_png_rows_slide(imgp_png_rows_t *rows)
{
    size_t  n, kept;

    n = rows->to - rows->from;
    kept = imgp_min(rows->to, imgp_max(n, IMGP_BLOCK_WINDOW));

    memmove(rows->buffer, rows->buffer + rows->to - kept, kept);

    rows->from = kept - n;
    rows->to = kept;
}


static imgp_int_t
imgp_png_rows_unpack(imgp_png_rows_t *rows)
{
    imgp_int_t  rc;
    imgp_str_t  out;

    out.data = rows->buffer + rows->to;
    out.len = rows->size - rows->to;

    rc = imgp_inflate_run(rows->inflate, &rows->chunk, &out);

    rows->to = out.data - rows->buffer;

    return rc;
}


/* the next chunk must be an IDAT */

static imgp_int_t
imgp_png_rows_idat(imgp_png_rows_t *rows)
{
    u_char  type[4];

    if (imgp_png_rows_chunk(rows, type, &rows->chunk) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (memcmp(type, "IDAT", 4) != 0) {
        return imgp_png_rows_bad(rows, "not enough image data");
    }

    return IMGP_OK;
}


/* whole, and with a right CRC */

static imgp_int_t
imgp_png_rows_chunk(imgp_png_rows_t *rows, u_char *type, imgp_str_t *data)
{
    u_char    *p;
    size_t     len;
    uint32_t   i;
    imgp_str_t  *rest;

    rest = &rows->conf.rest;
    p = rest->data;

    if (rest->len < IMGP_PNG_ROWS_FRAME
        || imgp_png_rows_32(p) > rest->len - IMGP_PNG_ROWS_FRAME)
    {
        return imgp_work_error(rows->work, IMGP_E_BAD_IMAGE,
                               "the PNG is truncated");
    }

    len = imgp_png_rows_32(p);

    for (i = 4; i < IMGP_PNG_ROWS_HEAD; i++) {
        if ((p[i] | 0x20) < 'a' || (p[i] | 0x20) > 'z') {
            return imgp_png_rows_bad(rows, "a chunk has no valid type");
        }
    }

    if (imgp_checksum_crc32(0, p + 4, len + 4)
        != imgp_png_rows_32(p + IMGP_PNG_ROWS_HEAD + len))
    {
        return imgp_work_error(rows->work, IMGP_E_BAD_IMAGE,
                               "PNG: %.4s: CRC error", (char *) p + 4);
    }

    memcpy(type, p + 4, 4);
    data->data = p + IMGP_PNG_ROWS_HEAD;
    data->len = len;

    rest->data += len + IMGP_PNG_ROWS_FRAME;
    rest->len -= len + IMGP_PNG_ROWS_FRAME;

    return IMGP_OK;
}


imgp_int_t
imgp_png_rows_finish(imgp_png_rows_t *rows)
{
    u_char      type[4];
    imgp_str_t  data;

    if (!rows->ended && imgp_png_rows_end(rows) != IMGP_OK) {
        return IMGP_ERROR;
    }

    for ( ;; ) {

        if (imgp_png_rows_chunk(rows, type, &data) != IMGP_OK) {
            return IMGP_ERROR;
        }

        if (memcmp(type, "IEND", 4) == 0) {
            return imgp_work_poll(rows->work);
        }

        if (imgp_png_rows_behind(rows, type, data.len) != IMGP_OK
            || imgp_work_poll(rows->work) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }
}


/*
 * What is left of the data is its checksum, as a rule.  Pixels that no row
 * needs are ignored, as far as they are sound.
 */

static imgp_int_t
imgp_png_rows_end(imgp_png_rows_t *rows)
{
    imgp_int_t  rc;

    do {
        rows->from = rows->to;
        imgp_png_rows_slide(rows);

        rc = imgp_png_rows_unpack(rows);

        if (rc == IMGP_ERROR) {
            return imgp_png_rows_bad(rows, "its data cannot be unpacked");
        }

        if (rc != IMGP_AGAIN) {
            return IMGP_OK;
        }

    } while (imgp_png_rows_idat(rows) == IMGP_OK);

    return IMGP_ERROR;
}


/* data that no row needs is ignored, and so is what is not critical */

static imgp_int_t
imgp_png_rows_behind(imgp_png_rows_t *rows, const u_char *type, size_t len)
{
    if (memcmp(type, "IDAT", 4) == 0) {
        return IMGP_OK;
    }

    if (len > rows->conf.chunk_max) {
        return imgp_png_rows_bad(rows, "a chunk is too large");
    }

    if ((type[0] & 0x20) == 0
        && (memcmp(type, "PLTE", 4) != 0 || rows->conf.palette))
    {
        return imgp_png_rows_bad(rows, "a chunk is out of place");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_png_rows_bad(imgp_png_rows_t *rows, const char *why)
{
    return imgp_work_error(rows->work, IMGP_E_BAD_IMAGE, "PNG: %s", why);
}
