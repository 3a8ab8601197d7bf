
/*
 * The size of a PNG, GIF, WebP or JPEG from its header bytes.
 *
 * Called by imgp_sniff.c alone, from any thread; all state is in the caller's
 * imgp_sniff_t, nothing is allocated.
 *
 * What is refused here no decoder in use accepts; the decoders check the rest.
 * Of a JPEG each segment is passed by its length, whatever is in it, so that
 * a thumbnail within an Exif segment is never taken for the picture.
 *
 * Sources: ITU-T T.81 B.1-B.2, ISO/IEC 15948 11.2.2, RFC 9649 (WebP), RFC 6386
 * 9.1 (VP8), GIF89a.
 */


#include "imgp_sniff_image.h"


#define IMGP_SNIFF_PNG_SIZE_MAX  0x7fffffff   /* ISO/IEC 15948, 7.1 */

/* marker codes of T.81, table B.1 */
#define IMGP_SNIFF_TEM   0x01
#define IMGP_SNIFF_SOF0  0xc0
#define IMGP_SNIFF_DHT   0xc4
#define IMGP_SNIFF_JPG   0xc8
#define IMGP_SNIFF_DAC   0xcc
#define IMGP_SNIFF_SOF15 0xcf
#define IMGP_SNIFF_RST0  0xd0
#define IMGP_SNIFF_RST7  0xd7
#define IMGP_SNIFF_SOI   0xd8
#define IMGP_SNIFF_EOI   0xd9
#define IMGP_SNIFF_SOS   0xda


static imgp_uint_t imgp_sniff_png_depth(u_char color, u_char depth);
static imgp_int_t imgp_sniff_webp_lossy(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_marker(imgp_sniff_t *s, u_char code);
static imgp_int_t imgp_sniff_length(imgp_sniff_t *s, u_char ch);
static imgp_int_t imgp_sniff_frame(imgp_sniff_t *s, u_char ch);


imgp_int_t
imgp_sniff_size(imgp_sniff_t *s, const char *type, uint32_t width,
    uint32_t height)
{
    if (width == 0 || height == 0) {
        return imgp_sniff_bad(s, "image has no pixels");
    }

    s->type = type;
    s->width = width;
    s->height = height;

    return IMGP_OK;
}


imgp_int_t
imgp_sniff_bad(imgp_sniff_t *s, const char *why)
{
    return imgp_error_set(&s->error, IMGP_E_BAD_IMAGE, "%s (byte %llu)", why,
                          (unsigned long long) s->seen);
}


imgp_int_t
imgp_sniff_png(imgp_sniff_t *s)
{
    uint32_t       width, height;
    const u_char  *p;

    p = s->head;
    s->state = IMGP_SNIFF_IMAGE;

    /* its line ends and Ctrl-Z are there to show a transfer as text */

    if (memcmp(p, "\x89PNG\r\n\x1a\n", imgp_min(s->nhead, 8)) != 0) {
        return imgp_sniff_bad(s, "PNG signature is damaged");
    }

    if (s->nhead < 29) {
        return IMGP_AGAIN;
    }

    if (memcmp(p + 8, "\0\0\0\x0dIHDR", 8) != 0) {
        return imgp_sniff_bad(s, "PNG does not begin with IHDR");
    }

    width = imgp_sniff_be32(p + 16);
    height = imgp_sniff_be32(p + 20);

    if (width > IMGP_SNIFF_PNG_SIZE_MAX || height > IMGP_SNIFF_PNG_SIZE_MAX
        || !imgp_sniff_png_depth(p[25], p[24])
        || p[26] != 0 || p[27] != 0 || p[28] > 1)
    {
        return imgp_sniff_bad(s, "PNG header is not valid");
    }

    return imgp_sniff_size(s, "image/png", width, height);
}


/* ISO/IEC 15948, table 11.1; depths 1, 2, 4, 8, 16 as one set of bits */

static imgp_uint_t
imgp_sniff_png_depth(u_char color, u_char depth)
{
    static const uint32_t  allowed[] = {
        [0] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8 | 1 << 16,
        [2] = 1 << 8 | 1 << 16,
        [3] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8,
        [4] = 1 << 8 | 1 << 16,
        [6] = 1 << 8 | 1 << 16
    };

    return color < imgp_nelts(allowed) && depth <= 16
           && (allowed[color] >> depth & 1);
}


imgp_int_t
imgp_sniff_gif(imgp_sniff_t *s)
{
    s->state = IMGP_SNIFF_IMAGE;

    if (memcmp(s->head, "GIF87a", imgp_min(s->nhead, 6)) != 0
        && memcmp(s->head, "GIF89a", imgp_min(s->nhead, 6)) != 0)
    {
        return imgp_sniff_bad(s, "GIF version is unknown");
    }

    if (s->nhead < 10) {
        return IMGP_AGAIN;
    }

    return imgp_sniff_size(s, "image/gif", imgp_sniff_le16(s->head + 6),
                           imgp_sniff_le16(s->head + 8));
}


imgp_int_t
imgp_sniff_webp(imgp_sniff_t *s)
{
    uint32_t       size, bits;
    const u_char  *p;

    if (s->nhead < 30) {
        return IMGP_AGAIN;
    }

    p = s->head + 20;
    size = imgp_sniff_le32(s->head + 16);

    if (memcmp(s->head + 12, "VP8 ", 4) == 0 && size >= 10) {
        return imgp_sniff_webp_lossy(s);
    }

    if (memcmp(s->head + 12, "VP8L", 4) == 0 && size >= 5) {
        bits = imgp_sniff_le32(p + 1);

        if (p[0] == 0x2f && bits >> 29 == 0) {
            return imgp_sniff_size(s, "image/webp", (bits & 0x3fff) + 1,
                                   (bits >> 14 & 0x3fff) + 1);
        }
    }

    if (memcmp(s->head + 12, "VP8X", 4) == 0 && size >= 10) {
        return imgp_sniff_size(s, "image/webp", imgp_sniff_le24(p + 4) + 1,
                               imgp_sniff_le24(p + 7) + 1);
    }

    return imgp_sniff_bad(s, "WebP header is not valid");
}


/* RFC 6386, 9.1: a key frame's start code, then 14 bits of each size */

static imgp_int_t
imgp_sniff_webp_lossy(imgp_sniff_t *s)
{
    const u_char  *p;

    p = s->head + 20;

    if ((p[0] & 1) || memcmp(p + 3, "\x9d\x01\x2a", 3) != 0) {
        return imgp_sniff_bad(s, "WebP does not begin with a key frame");
    }

    return imgp_sniff_size(s, "image/webp", imgp_sniff_le16(p + 6) & 0x3fff,
                           imgp_sniff_le16(p + 8) & 0x3fff);
}


imgp_int_t
imgp_sniff_jpeg(imgp_sniff_t *s)
{
    s->state = IMGP_SNIFF_JPEG;

    return IMGP_AGAIN;
}


imgp_int_t
imgp_sniff_jpeg_byte(imgp_sniff_t *s, u_char ch)
{
    switch (s->state) {

    case IMGP_SNIFF_JPEG:
        if (ch != 0xff) {
            return imgp_sniff_bad(s, "JPEG has no marker where one must be");
        }

        s->state = IMGP_SNIFF_MARKER;
        return IMGP_AGAIN;

    case IMGP_SNIFF_MARKER:
        return imgp_sniff_marker(s, ch);

    case IMGP_SNIFF_LENGTH:
        return imgp_sniff_length(s, ch);

    default: /* IMGP_SNIFF_FRAME */
        return imgp_sniff_frame(s, ch);
    }
}


static imgp_int_t
imgp_sniff_marker(imgp_sniff_t *s, u_char code)
{
    s->nhead = 0;

    if (code == 0xff) {
        return IMGP_AGAIN;            /* a fill byte: T.81, B.1.1.2 */
    }

    if (code == IMGP_SNIFF_TEM
        || (code >= IMGP_SNIFF_RST0 && code <= IMGP_SNIFF_RST7))
    {
        s->state = IMGP_SNIFF_JPEG;
        return IMGP_AGAIN;
    }

    if (code < IMGP_SNIFF_SOF0 || code == IMGP_SNIFF_SOI) {
        return imgp_sniff_bad(s, "JPEG has a wrong marker");
    }

    if (code == IMGP_SNIFF_SOS || code == IMGP_SNIFF_EOI) {
        return imgp_sniff_bad(s, "JPEG has no frame header");
    }

    if (code <= IMGP_SNIFF_SOF15 && code != IMGP_SNIFF_DHT
        && code != IMGP_SNIFF_JPG && code != IMGP_SNIFF_DAC)
    {
        s->state = IMGP_SNIFF_FRAME;
        return IMGP_AGAIN;
    }

    s->state = IMGP_SNIFF_LENGTH;

    return IMGP_AGAIN;
}


static imgp_int_t
imgp_sniff_length(imgp_sniff_t *s, u_char ch)
{
    uint32_t  len;

    s->head[s->nhead++] = ch;

    if (s->nhead < 2) {
        return IMGP_AGAIN;
    }

    len = imgp_sniff_be16(s->head);

    if (len < 2) {
        return imgp_sniff_bad(s, "JPEG segment's length is not valid");
    }

    s->skip = len - 2;
    s->state = IMGP_SNIFF_SKIP;

    return IMGP_AGAIN;
}


/*
 * T.81, B.2.2: length, precision, height, width, number of components.  A
 * height of zero would stand in a DNL segment after the first scan: no
 * decoder in use reads that.
 */

static imgp_int_t
imgp_sniff_frame(imgp_sniff_t *s, u_char ch)
{
    const u_char  *p;

    s->head[s->nhead++] = ch;

    if (s->nhead < 8) {
        return IMGP_AGAIN;
    }

    p = s->head;

    if (p[7] == 0 || imgp_sniff_be16(p) != 8 + 3 * (uint32_t) p[7]
        || p[2] < 2 || p[2] > 16)
    {
        return imgp_sniff_bad(s, "JPEG frame header is not valid");
    }

    return imgp_sniff_size(s, "image/jpeg", imgp_sniff_be16(p + 5),
                           imgp_sniff_be16(p + 3));
}
