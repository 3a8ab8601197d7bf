
/*
 * The bytes of job records, manifests and idempotency keys: little-endian
 * integers, strings and arrays preceded by their counts, a CRC-32 (zlib's, of
 * ISO 3309) at the end.  One value has one encoding only, so what decodes
 * encodes to the same bytes again; the fuzz target holds it to that.
 *
 * Called from the event loop and from threads; no state.  What is read may
 * come from a spoilt disk or from Redis: counts are checked against the bytes
 * that are left before anything is allocated.
 */


#include <zlib.h>
#include <imgp/imgp_codec.h>


#define IMGP_CODEC_CRC_LEN   4
#define IMGP_CODEC_ITEM_MIN  (IMGP_DIGEST_LEN + 8 + 4 + 4 + 4)


static void imgp_codec_put_int(imgp_codec_out_t *w, uint64_t n, size_t len);
static uint64_t imgp_codec_get_int(imgp_codec_in_t *r, size_t len);
static uint64_t imgp_codec_load(const u_char *p, size_t len);
static const u_char *imgp_codec_take(imgp_codec_in_t *r, size_t len);
static imgp_uint_t imgp_codec_is_type(const char *p);


void
imgp_codec_put(imgp_codec_out_t *w, const void *p, size_t len)
{
    if (w->failed) {
        return;
    }

    if (len > SIZE_MAX - w->len
        || (w->start != NULL && len > w->size - w->len))
    {
        w->failed = 1;
        return;
    }

    if (w->start != NULL && len) {
        memcpy(w->start + w->len, p, len);
    }

    w->len += len;
}


static void
imgp_codec_put_int(imgp_codec_out_t *w, uint64_t n, size_t len)
{
    size_t  i;
    u_char  buf[sizeof(uint64_t)];

    for (i = 0; i < len; i++) {
        buf[i] = (u_char) (n >> 8 * i);
    }

    imgp_codec_put(w, buf, len);
}


void
imgp_codec_put_u8(imgp_codec_out_t *w, uint8_t n)
{
    imgp_codec_put_int(w, n, 1);
}


void
imgp_codec_put_u32(imgp_codec_out_t *w, uint32_t n)
{
    imgp_codec_put_int(w, n, 4);
}


void
imgp_codec_put_u64(imgp_codec_out_t *w, uint64_t n)
{
    imgp_codec_put_int(w, n, 8);
}


void
imgp_codec_put_str(imgp_codec_out_t *w, const void *p, size_t len)
{
    if (len > UINT32_MAX) {
        w->failed = 1;
        return;
    }

    imgp_codec_put_u32(w, (uint32_t) len);
    imgp_codec_put(w, p, len);
}


void
imgp_codec_put_item(imgp_codec_out_t *w, const imgp_item_t *item)
{
    if (memchr(item->type, '\0', IMGP_TYPE_LEN) == NULL
        || !imgp_codec_is_type(item->type))
    {
        w->failed = 1;
        return;
    }

    imgp_codec_put(w, item->digest, IMGP_DIGEST_LEN);
    imgp_codec_put_u64(w, item->bytes);
    imgp_codec_put_u32(w, item->width);
    imgp_codec_put_u32(w, item->height);
    imgp_codec_put_str(w, item->type, strlen(item->type));
}


void
imgp_codec_put_items(imgp_codec_out_t *w, const imgp_item_t *items,
    imgp_uint_t n)
{
    imgp_uint_t  i;

    imgp_codec_put_u32(w, (uint32_t) n);

    for (i = 0; i < n && !w->failed; i++) {
        imgp_codec_put_item(w, &items[i]);
    }
}


void
imgp_codec_put_crc(imgp_codec_out_t *w)
{
    uint32_t  crc;

    crc = (w->start == NULL || w->failed)
              ? 0 : crc32_z(0, w->start, w->len);

    imgp_codec_put_u32(w, crc);
}


imgp_uint_t
imgp_codec_is_whole(const u_char *p, size_t len)
{
    if (len < IMGP_CODEC_CRC_LEN) {
        return 0;
    }

    len -= IMGP_CODEC_CRC_LEN;

    return crc32_z(0, p, len) == imgp_codec_load(p + len, IMGP_CODEC_CRC_LEN);
}


static const u_char *
imgp_codec_take(imgp_codec_in_t *r, size_t len)
{
    const u_char  *p;

    if (r->failed || len > (size_t) (r->end - r->pos)) {
        r->failed = 1;
        return NULL;
    }

    p = r->pos;
    r->pos += len;

    return p;
}


static uint64_t
imgp_codec_load(const u_char *p, size_t len)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < len; i++) {
        n |= (uint64_t) p[i] << 8 * i;
    }

    return n;
}


static uint64_t
imgp_codec_get_int(imgp_codec_in_t *r, size_t len)
{
    const u_char  *p;

    p = imgp_codec_take(r, len);

    return (p == NULL) ? 0 : imgp_codec_load(p, len);
}


void
imgp_codec_get(imgp_codec_in_t *r, void *p, size_t len)
{
    const u_char  *src;

    src = imgp_codec_take(r, len);

    if (src == NULL) {
        memset(p, 0, len);

    } else {
        memcpy(p, src, len);
    }
}


uint8_t
imgp_codec_get_u8(imgp_codec_in_t *r, uint8_t max)
{
    uint64_t  n;

    n = imgp_codec_get_int(r, 1);

    if (n > max) {
        r->failed = 1;
        return 0;
    }

    return (uint8_t) n;
}


uint32_t
imgp_codec_get_u32(imgp_codec_in_t *r, uint32_t max)
{
    uint64_t  n;

    n = imgp_codec_get_int(r, 4);

    if (n > max) {
        r->failed = 1;
        return 0;
    }

    return (uint32_t) n;
}


uint64_t
imgp_codec_get_u64(imgp_codec_in_t *r)
{
    return imgp_codec_get_int(r, 8);
}


void
imgp_codec_get_str(imgp_codec_in_t *r, imgp_pool_t *pool, size_t max,
    imgp_str_t *s)
{
    imgp_str_t  src;

    s->len = 0;
    s->data = NULL;

    src.len = imgp_codec_get_u32(r, (uint32_t) imgp_min(max, UINT32_MAX));
    src.data = (u_char *) imgp_codec_take(r, src.len);

    if (src.data == NULL) {
        return;
    }

    s->data = imgp_pstrdup(pool, &src);

    if (s->data == NULL) {
        r->failed = 1;
        return;
    }

    s->len = src.len;
}


void
imgp_codec_get_text(imgp_codec_in_t *r, char *p, size_t size)
{
    size_t         len;
    const u_char  *src;

    memset(p, 0, size);

    len = imgp_codec_get_u32(r, (uint32_t) (size - 1));
    src = imgp_codec_take(r, len);

    if (src == NULL) {
        return;
    }

    if (memchr(src, '\0', len) != NULL) {
        r->failed = 1;
        return;
    }

    memcpy(p, src, len);
}


void
imgp_codec_get_item(imgp_codec_in_t *r, imgp_item_t *item)
{
    imgp_codec_get(r, item->digest, IMGP_DIGEST_LEN);
    item->bytes = imgp_codec_get_u64(r);
    item->width = imgp_codec_get_u32(r, UINT32_MAX);
    item->height = imgp_codec_get_u32(r, UINT32_MAX);
    imgp_codec_get_text(r, item->type, IMGP_TYPE_LEN);

    if (!imgp_codec_is_type(item->type)) {
        r->failed = 1;
    }
}


/* it goes into header fields */

static imgp_uint_t
imgp_codec_is_type(const char *p)
{
    while (*p > 0x20 && *p < 0x7f) {
        p++;
    }

    return *p == '\0';
}


void
imgp_codec_get_items(imgp_codec_in_t *r, imgp_pool_t *pool, imgp_uint_t max,
    imgp_item_t **items, imgp_uint_t *n)
{
    imgp_uint_t  i, count;

    *items = NULL;
    *n = 0;

    count = imgp_codec_get_u32(r, (uint32_t) max);

    if (count == 0) {
        return;
    }

    if (count > (size_t) (r->end - r->pos) / IMGP_CODEC_ITEM_MIN) {
        r->failed = 1;
        return;
    }

    *items = imgp_pcalloc(pool, count * sizeof(imgp_item_t));

    if (*items == NULL) {
        r->failed = 1;
        return;
    }

    for (i = 0; i < count; i++) {
        imgp_codec_get_item(r, &(*items)[i]);
    }

    *n = count;
}
