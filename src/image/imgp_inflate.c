
/*
 * One face for two libraries that inflate.  Called by imgp_png_rows.c on the
 * run's thread; all memory is the run's.
 *
 * The two bytes before the data are looked at here: RFC 1950, 2.2.
 */


#include <imgp/imgp_inflate.h>

#if (IMGP_HAVE_ISAL)
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif


#define IMGP_INFLATE_MAX  (1 << 30)   /* the libraries count in 32 bits */


struct imgp_inflate_s {
    imgp_work_t          *work;
    u_char                head[2];
    uint32_t              nhead;

#if (IMGP_HAVE_ISAL)
    struct inflate_state  state;
#else
    z_stream              state;
#endif
};


static imgp_int_t imgp_inflate_head(imgp_inflate_t *z, imgp_str_t *in);
static imgp_int_t imgp_inflate_some(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_init(imgp_inflate_t *z);
static imgp_int_t imgp_inflate_step(imgp_inflate_t *z);
static void imgp_inflate_end(imgp_inflate_t *z);


imgp_inflate_t *
imgp_inflate_create(imgp_work_t *work)
{
    imgp_inflate_t  *z;

    z = imgp_work_alloc(work, sizeof(imgp_inflate_t));
    if (z == NULL) {
        return NULL;
    }

    z->work = work;
    z->nhead = 0;

    if (imgp_inflate_init(z) != IMGP_OK) {
        imgp_work_free(work, z);
        return NULL;
    }

    return z;
}


void
imgp_inflate_free(imgp_inflate_t *z)
{
    if (z != NULL) {
        imgp_inflate_end(z);
        imgp_work_free(z->work, z);
    }
}


imgp_int_t
imgp_inflate_run(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    size_t      ni, no;
    imgp_int_t  rc;

    if (z->nhead < sizeof(z->head)) {
        rc = imgp_inflate_head(z, in);

        if (rc != IMGP_OK) {
            return rc;
        }
    }

    while (out->len > 0) {
        ni = in->len;
        no = out->len;

        rc = imgp_inflate_some(z, in, out);

        if (rc != IMGP_OK) {
            return rc;
        }

        /* input may be taken and its output still be kept inside */

        if (in->len == ni && out->len == no) {
            return (ni == 0) ? IMGP_AGAIN : IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_inflate_head(imgp_inflate_t *z, imgp_str_t *in)
{
    const u_char  *p;

    while (z->nhead < sizeof(z->head)) {

        if (in->len == 0) {
            return IMGP_AGAIN;
        }

        z->head[z->nhead++] = *in->data++;
        in->len--;
    }

    p = z->head;

    /* deflate, a window of 32 KiB at most, no dictionary */

    return ((p[0] & 15) == 8 && p[0] >> 4 <= 7 && (p[1] & 0x20) == 0
            && (p[0] * 256 + p[1]) % 31 == 0)
               ? IMGP_OK : IMGP_ERROR;
}


/* both libraries have the same names for what is in hand */

static imgp_int_t
imgp_inflate_some(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    size_t      ni, no;
    imgp_int_t  rc;

    ni = imgp_min(in->len, IMGP_INFLATE_MAX);
    no = imgp_min(out->len, IMGP_INFLATE_MAX);

    z->state.next_in = in->data;
    z->state.avail_in = ni;
    z->state.next_out = out->data;
    z->state.avail_out = no;

    rc = imgp_inflate_step(z);

    in->data += ni - z->state.avail_in;
    in->len -= ni - z->state.avail_in;
    out->data += no - z->state.avail_out;
    out->len -= no - z->state.avail_out;

    return rc;
}


#if (IMGP_HAVE_ISAL)

static imgp_int_t
imgp_inflate_init(imgp_inflate_t *z)
{
    isal_inflate_init(&z->state);
    z->state.crc_flag = ISAL_ZLIB_NO_HDR_VER;

    return IMGP_OK;
}


static imgp_int_t
imgp_inflate_step(imgp_inflate_t *z)
{
    int  rc;

    rc = isal_inflate(&z->state);

    if (rc < 0 || rc == ISAL_NEED_DICT) {
        return IMGP_ERROR;
    }

    return (z->state.block_state == ISAL_BLOCK_FINISH) ? IMGP_DONE : IMGP_OK;
}


static void
imgp_inflate_end(imgp_inflate_t *z)
{
    /* all of it is in the struct */
}

#else

static void *
imgp_inflate_alloc(void *data, unsigned n, unsigned size)
{
    return imgp_work_array(data, n, size);
}


static void
imgp_inflate_release(void *data, void *p)
{
    imgp_work_free(data, p);
}


/* without a head, which has been looked at, zlib would not check Adler-32 */

static imgp_int_t
imgp_inflate_init(imgp_inflate_t *z)
{
    memset(&z->state, 0, sizeof(z_stream));

    z->state.zalloc = imgp_inflate_alloc;
    z->state.zfree = imgp_inflate_release;
    z->state.opaque = z->work;

    if (inflateInit(&z->state) != Z_OK) {
        return imgp_work_error(z->work, IMGP_E_INTERNAL,
                               "zlib could not be initialized");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_inflate_step(imgp_inflate_t *z)
{
    int        rc;
    z_stream   now;

    if (z->state.total_in == 0) {
        now = z->state;

        z->state.next_in = z->head;
        z->state.avail_in = sizeof(z->head);
        z->state.avail_out = 0;

        (void) inflate(&z->state, Z_NO_FLUSH);

        z->state.next_in = now.next_in;
        z->state.avail_in = now.avail_in;
        z->state.avail_out = now.avail_out;
    }

    rc = inflate(&z->state, Z_NO_FLUSH);

    return (rc == Z_STREAM_END) ? IMGP_DONE
           : (rc == Z_OK || rc == Z_BUF_ERROR) ? IMGP_OK : IMGP_ERROR;
}


static void
imgp_inflate_end(imgp_inflate_t *z)
{
    inflateEnd(&z->state);
}

#endif
