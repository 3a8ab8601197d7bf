
/*
 * The inflater: the stream, its blocks and their heads.  Called by
 * imgp_png_rows.c on the run's thread; memory is the run's, the window is the
 * caller's.  What blocks hold is imgp_inflate_data.c's.
 *
 * Where nearly all of it is literals, ISA-L's is faster by a tenth, and is
 * taken if it was found; where copies are many it takes twice as long.
 *
 * A step is done when all bits of it are there, so input may end anywhere.
 * What is accepted is what zlib accepts, except that a window declared smaller
 * than copies reach is not held against the data.
 *
 * Formats: RFC 1950, RFC 1951.
 */


#include <endian.h>
#include "imgp_inflate_state.h"
#include <imgp/imgp_block.h>
#include <imgp/imgp_checksum.h>


#define IMGP_INFLATE_ISAL_MAX  (1 << 30)      /* it counts in 32 bits */


static imgp_int_t imgp_inflate_stream(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static void imgp_inflate_given(imgp_inflate_t *z, imgp_str_t *out);
static imgp_int_t imgp_inflate_head(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_block(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_fixed(imgp_inflate_t *z);
static imgp_int_t imgp_inflate_stored(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_bytes(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_codes(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_code_lengths(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_symbol_lengths(imgp_inflate_t *z,
    imgp_str_t *in, imgp_str_t *out);
static imgp_int_t imgp_inflate_length(imgp_inflate_t *z, uint32_t e);
static imgp_int_t imgp_inflate_tables(imgp_inflate_t *z);
static imgp_int_t imgp_inflate_sum(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
#if (IMGP_HAVE_ISAL)

static imgp_int_t imgp_inflate_isal_create(imgp_inflate_t *z);
static imgp_int_t imgp_inflate_isal(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_isal_head(imgp_inflate_t *z, imgp_str_t *in);
static imgp_int_t imgp_inflate_isal_some(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);

#endif


static const imgp_inflate_pt  imgp_inflate_steps[] = {
    imgp_inflate_head,
    imgp_inflate_block,
    imgp_inflate_stored,
    imgp_inflate_bytes,
    imgp_inflate_codes,
    imgp_inflate_code_lengths,
    imgp_inflate_symbol_lengths,
    imgp_inflate_data,
    imgp_inflate_copy,
    imgp_inflate_sum
};


imgp_inflate_t *
imgp_inflate_create(imgp_work_t *work, imgp_uint_t literals)
{
    imgp_inflate_t  *z;

    z = imgp_work_alloc(work, sizeof(imgp_inflate_t));
    if (z == NULL) {
        return NULL;
    }

    memset(z, 0, sizeof(imgp_inflate_t));

    z->work = work;
    z->adler = 1;
    z->run = imgp_inflate_stream;
    z->fast = imgp_inflate_fast(work->task->simd);

#if (IMGP_HAVE_ISAL)

    if (literals && imgp_inflate_isal_create(z) != IMGP_OK) {
        imgp_inflate_free(z);
        return NULL;
    }

#endif

    return z;
}


void
imgp_inflate_free(imgp_inflate_t *z)
{
    if (z == NULL) {
        return;
    }

#if (IMGP_HAVE_ISAL)
    imgp_work_free(z->work, z->isal);
#endif

    imgp_work_free(z->work, z);
}


imgp_int_t
imgp_inflate_run(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    return z->run(z, in, out);
}


static imgp_int_t
imgp_inflate_stream(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    imgp_int_t  rc;

    z->from = out->data;

    do {
        rc = imgp_inflate_steps[z->state](z, in, out);
    } while (rc == IMGP_OK);

    imgp_inflate_given(z, out);

    return (rc == IMGP_DECLINED) ? IMGP_OK : rc;
}


static void
imgp_inflate_given(imgp_inflate_t *z, imgp_str_t *out)
{
    size_t  n;

    n = out->data - z->from;

    z->adler = imgp_checksum_adler32(z->adler, z->from, n);
    z->before += n;
    z->from = out->data;
}


/* deflate, a window of 32 KiB at most, no dictionary */

static imgp_int_t
imgp_inflate_head(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    uint32_t  method, flags;

    if (!imgp_inflate_has(z, in, 16)) {
        return IMGP_AGAIN;
    }

    method = imgp_inflate_take(z, 8);
    flags = imgp_inflate_take(z, 8);

    z->state = IMGP_INFLATE_BLOCK;

    return ((method & 15) == 8 && method >> 4 <= 7 && (flags & 0x20) == 0
            && (method * 256 + flags) % 31 == 0)
               ? IMGP_OK : IMGP_ERROR;
}


static imgp_int_t
imgp_inflate_block(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    if (z->last) {
        z->state = IMGP_INFLATE_SUM;
        return IMGP_OK;
    }

    if (!imgp_inflate_has(z, in, 3)) {
        return IMGP_AGAIN;
    }

    z->last = imgp_inflate_take(z, 1);

    switch (imgp_inflate_take(z, 2)) {

    case 0:
        imgp_inflate_take(z, z->nbits % 8);
        z->state = IMGP_INFLATE_STORED;
        return IMGP_OK;

    case 1:
        z->state = IMGP_INFLATE_DATA;
        return imgp_inflate_fixed(z);

    case 2:
        z->state = IMGP_INFLATE_CODES;
        return IMGP_OK;

    default:
        return IMGP_ERROR;
    }
}


/* RFC 1951, 3.2.6 */

static imgp_int_t
imgp_inflate_fixed(imgp_inflate_t *z)
{
    memset(z->lengths, 8, 144);
    memset(z->lengths + 144, 9, 112);
    memset(z->lengths + 256, 7, 24);
    memset(z->lengths + 280, 8, 8);
    memset(z->lengths + IMGP_INFLATE_LITERALS, 5, IMGP_INFLATE_DISTANCES);

    z->nliterals = IMGP_INFLATE_LITERALS;
    z->ndistances = IMGP_INFLATE_DISTANCES;

    return imgp_inflate_tables(z);
}


static imgp_int_t
imgp_inflate_stored(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    if (!imgp_inflate_has(z, in, 32)) {
        return IMGP_AGAIN;
    }

    z->left = imgp_inflate_take(z, 16);
    z->state = IMGP_INFLATE_BYTES;

    return (imgp_inflate_take(z, 16) == (z->left ^ 0xffff)) ? IMGP_OK
                                                            : IMGP_ERROR;
}


/* first those that were taken as bits */

static imgp_int_t
imgp_inflate_bytes(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    size_t  n;

    while (z->left > 0 && z->nbits > 0 && out->len > 0) {
        *out->data++ = imgp_inflate_take(z, 8);
        out->len--;
        z->left--;
    }

    if (z->nbits == 0) {
        n = imgp_min(z->left, imgp_min(in->len, out->len));

        memcpy(out->data, in->data, n);

        out->data += n;
        out->len -= n;
        in->data += n;
        in->len -= n;
        z->left -= n;
    }

    if (z->left > 0) {
        return (out->len == 0) ? IMGP_DECLINED : IMGP_AGAIN;
    }

    z->state = IMGP_INFLATE_BLOCK;

    return IMGP_OK;
}


static imgp_int_t
imgp_inflate_codes(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    if (!imgp_inflate_has(z, in, 14)) {
        return IMGP_AGAIN;
    }

    z->nliterals = 257 + imgp_inflate_take(z, 5);
    z->ndistances = 1 + imgp_inflate_take(z, 5);
    z->nlengths = 4 + imgp_inflate_take(z, 4);
    z->i = 0;
    z->state = IMGP_INFLATE_CODE_LENGTHS;

    memset(z->lengths, 0, IMGP_INFLATE_LENGTHS);

    return (z->nliterals <= IMGP_BLOCK_CODES
            && z->ndistances <= IMGP_BLOCK_DISTANCES)
               ? IMGP_OK : IMGP_ERROR;
}


static imgp_int_t
imgp_inflate_code_lengths(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    static const u_char  order[IMGP_INFLATE_LENGTHS] = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
    };

    while (z->i < z->nlengths) {

        if (!imgp_inflate_has(z, in, 3)) {
            return IMGP_AGAIN;
        }

        z->lengths[order[z->i++]] = imgp_inflate_take(z, 3);
    }

    z->i = 0;
    z->state = IMGP_INFLATE_SYMBOL_LENGTHS;

    return imgp_inflate_code(IMGP_INFLATE_OF_LENGTHS, z->lengths,
                             IMGP_INFLATE_LENGTHS, z->codes);
}


static imgp_int_t
imgp_inflate_symbol_lengths(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    uint32_t  e, extra;

    static const u_char  extras[IMGP_INFLATE_LENGTHS] = { [16] = 2, 3, 7 };

    while (z->i < z->nliterals + z->ndistances) {
        (void) imgp_inflate_has(z, in, 0);

        e = z->codes[z->bits & ((1 << IMGP_INFLATE_LENGTH_BITS) - 1)];
        extra = extras[imgp_inflate_value(e)];

        if (z->nbits < imgp_inflate_own(e) + extra) {
            return IMGP_AGAIN;
        }

        if (imgp_inflate_length(z, e) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    z->state = IMGP_INFLATE_DATA;

    /* distances have their place behind all literals */

    memmove(z->lengths + IMGP_INFLATE_LITERALS, z->lengths + z->nliterals,
            z->ndistances);

    return (z->lengths[256] != 0) ? imgp_inflate_tables(z) : IMGP_ERROR;
}


/* a length, or several of them: as before, or none */

static imgp_int_t
imgp_inflate_length(imgp_inflate_t *z, uint32_t e)
{
    u_char    v;
    uint32_t  n, symbol;

    symbol = imgp_inflate_value(e);
    (void) imgp_inflate_take(z, imgp_inflate_own(e));

    if (symbol < 16) {
        z->lengths[z->i++] = symbol;
        return IMGP_OK;
    }

    v = 0;

    if (symbol == 16) {

        if (z->i == 0) {
            return IMGP_ERROR;
        }

        v = z->lengths[z->i - 1];
        n = 3 + imgp_inflate_take(z, 2);

    } else {
        n = (symbol == 17) ? 3 + imgp_inflate_take(z, 3)
                           : 11 + imgp_inflate_take(z, 7);
    }

    if (n > z->nliterals + z->ndistances - z->i) {
        return IMGP_ERROR;
    }

    memset(z->lengths + z->i, v, n);
    z->i += n;

    return IMGP_OK;
}


static imgp_int_t
imgp_inflate_tables(imgp_inflate_t *z)
{
    if (imgp_inflate_code(IMGP_INFLATE_OF_LITERALS, z->lengths, z->nliterals,
                          z->literals)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_inflate_code(IMGP_INFLATE_OF_DISTANCES,
                             z->lengths + IMGP_INFLATE_LITERALS,
                             z->ndistances, z->distances);
}


static imgp_int_t
imgp_inflate_sum(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    (void) imgp_inflate_take(z, z->nbits % 8);

    if (!imgp_inflate_has(z, in, 32)) {
        return IMGP_AGAIN;
    }

    imgp_inflate_given(z, out);

    return ((uint32_t) z->bits == htobe32(z->adler)) ? IMGP_DONE : IMGP_ERROR;
}


#if (IMGP_HAVE_ISAL)

static imgp_int_t
imgp_inflate_isal_create(imgp_inflate_t *z)
{
    z->isal = imgp_work_alloc(z->work, sizeof(struct inflate_state));
    if (z->isal == NULL) {
        return IMGP_ERROR;
    }

    isal_inflate_init(z->isal);
    z->isal->crc_flag = ISAL_ZLIB_NO_HDR_VER;

    z->run = imgp_inflate_isal;

    return IMGP_OK;
}


static imgp_int_t
imgp_inflate_isal(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    size_t      ni, no;
    imgp_int_t  rc;

    if (z->state == IMGP_INFLATE_HEAD) {
        rc = imgp_inflate_isal_head(z, in);

        if (rc != IMGP_OK) {
            return rc;
        }
    }

    while (out->len > 0) {
        ni = in->len;
        no = out->len;

        rc = imgp_inflate_isal_some(z, in, out);

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


/* two bytes of input, so that no more than those are taken */

static imgp_int_t
imgp_inflate_isal_head(imgp_inflate_t *z, imgp_str_t *in)
{
    imgp_str_t  head;

    head.data = in->data;
    head.len = imgp_min(in->len, 2 - z->nbits / 8);

    in->data += head.len;
    in->len -= head.len;

    return imgp_inflate_head(z, &head, NULL);
}


static imgp_int_t
imgp_inflate_isal_some(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    int     rc;
    size_t  ni, no;

    ni = imgp_min(in->len, IMGP_INFLATE_ISAL_MAX);
    no = imgp_min(out->len, IMGP_INFLATE_ISAL_MAX);

    z->isal->next_in = in->data;
    z->isal->avail_in = ni;
    z->isal->next_out = out->data;
    z->isal->avail_out = no;

    rc = isal_inflate(z->isal);

    in->data += ni - z->isal->avail_in;
    in->len -= ni - z->isal->avail_in;
    out->data += no - z->isal->avail_out;
    out->len -= no - z->isal->avail_out;

    if (rc < 0 || rc == ISAL_NEED_DICT) {
        return IMGP_ERROR;
    }

    return (z->isal->block_state == ISAL_BLOCK_FINISH) ? IMGP_DONE : IMGP_OK;
}

#endif
