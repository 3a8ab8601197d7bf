
/*
 * What a piece of content is, and how large a picture, by its first bytes.
 *
 * Called by the upload and service paths as bytes arrive (event loop), and by
 * thread tasks on stored content.  All state is in the caller's imgp_sniff_t;
 * nothing is allocated.
 *
 * The head is looked at anew with every byte until a verdict falls, at most 64
 * times; a JPEG then goes through a machine of single bytes that only skips
 * segments in one go.  So a verdict depends on the bytes before it and never
 * on how they were cut.
 *
 * Sources: ITU-T T.81 B.1-B.2, ISO/IEC 15948 11.2.2, RFC 9649, GIF89a,
 * ISO/IEC 14496-12 4.3 and 23008-12 B.4 (brands), ISO/IEC 11172-3 2.4.1.
 */


#include <imgp/imgp_sniff.h>


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


enum {
    IMGP_SNIFF_HEAD = 0,              /* nothing recognized for sure */
    IMGP_SNIFF_IMAGE,                 /* an image, its head is not complete */
    IMGP_SNIFF_SPACE,                 /* white space, perhaps before JSON */
    IMGP_SNIFF_JPEG,                  /* the 0xff of a marker is due */
    IMGP_SNIFF_MARKER,                /* its code */
    IMGP_SNIFF_LENGTH,
    IMGP_SNIFF_SKIP,
    IMGP_SNIFF_FRAME,                 /* a frame header (SOF) */
    IMGP_SNIFF_OK,                    /* final from here on */
    IMGP_SNIFF_DECLINED,
    IMGP_SNIFF_ERROR
};


typedef imgp_int_t (*imgp_sniff_pt)(imgp_sniff_t *s);


typedef struct {
    const char     *magic;
    size_t          len;
    imgp_sniff_pt   parse;            /* NULL: the magic is all of it */
    const char     *type;
} imgp_sniff_format_t;


typedef struct {
    char            brand[5];
    const char     *type;
    imgp_uint_t     generic;          /* a more telling brand may follow */
} imgp_sniff_brand_t;


static imgp_int_t imgp_sniff_byte(imgp_sniff_t *s, u_char ch);
static imgp_int_t imgp_sniff_final(imgp_sniff_t *s, imgp_int_t rc);
static imgp_int_t imgp_sniff_head(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_is(imgp_sniff_t *s, const char *type);
static imgp_int_t imgp_sniff_size(imgp_sniff_t *s, const char *type,
    uint32_t width, uint32_t height);
static imgp_int_t imgp_sniff_bad(imgp_sniff_t *s, const char *why);
static imgp_int_t imgp_sniff_space(imgp_sniff_t *s, u_char ch);
static imgp_int_t imgp_sniff_bom(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_png(imgp_sniff_t *s);
static imgp_uint_t imgp_sniff_png_depth(u_char color, u_char depth);
static imgp_int_t imgp_sniff_gif(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_riff(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_webp(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_webp_lossy(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_ftyp(imgp_sniff_t *s);
static const imgp_sniff_brand_t *imgp_sniff_brand(const u_char *p);
static imgp_int_t imgp_sniff_mpeg(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_jpeg(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_marker(imgp_sniff_t *s, u_char code);
static imgp_int_t imgp_sniff_length(imgp_sniff_t *s, u_char ch);
static imgp_int_t imgp_sniff_frame(imgp_sniff_t *s, u_char ch);


#define imgp_sniff_be16(p)  ((uint32_t) (p)[0] << 8 | (p)[1])
#define imgp_sniff_be32(p)                                                    \
    (imgp_sniff_be16(p) << 16 | imgp_sniff_be16((p) + 2))
#define imgp_sniff_le16(p)  ((uint32_t) (p)[1] << 8 | (p)[0])
#define imgp_sniff_le24(p)  ((uint32_t) (p)[2] << 16 | imgp_sniff_le16(p))
#define imgp_sniff_le32(p)                                                    \
    (imgp_sniff_le16((p) + 2) << 16 | imgp_sniff_le16(p))


/* no magic is the beginning of a later one but that of MPEG audio */

static const imgp_sniff_format_t  imgp_sniff_formats[] = {
    { "\xff\xd8",     2, imgp_sniff_jpeg, NULL },
    { "\x89PNG",      4, imgp_sniff_png,  NULL },
    { "RIFF",         4, imgp_sniff_riff, NULL },
    { "GIF8",         4, imgp_sniff_gif,  NULL },
    { "\0\0",         2, imgp_sniff_ftyp, NULL },
    { "%PDF-",        5, NULL, "application/pdf" },
    { "OggS",         4, NULL, "audio/ogg" },
    { "fLaC",         4, NULL, "audio/flac" },
    { "ID3",          3, NULL, "audio/mpeg" },
    { "\xff",         1, imgp_sniff_mpeg, NULL },
    { "\xef\xbb\xbf", 3, imgp_sniff_bom,  NULL }
};


static const imgp_sniff_brand_t  imgp_sniff_brands[] = {
    { "avif", "image/avif", 0 },
    { "avis", "image/avif", 0 },
    { "heic", "image/heic", 0 },
    { "heix", "image/heic", 0 },
    { "heim", "image/heic", 0 },
    { "heis", "image/heic", 0 },
    { "hevc", "image/heic-sequence", 0 },
    { "hevx", "image/heic-sequence", 0 },
    { "mif1", "image/heif", 1 },
    { "msf1", "image/heif-sequence", 1 },
    { "isom", "video/mp4", 0 },
    { "iso2", "video/mp4", 0 },
    { "iso4", "video/mp4", 0 },
    { "iso5", "video/mp4", 0 },
    { "iso6", "video/mp4", 0 },
    { "mp41", "video/mp4", 0 },
    { "mp42", "video/mp4", 0 },
    { "avc1", "video/mp4", 0 },
    { "dash", "video/mp4", 0 },
    { "M4V ", "video/mp4", 0 },
    { "M4A ", "audio/mp4", 0 },
    { "qt  ", "video/quicktime", 0 }
};


void
imgp_sniff_init(imgp_sniff_t *s)
{
    memset(s, 0, sizeof(imgp_sniff_t));
}


imgp_int_t
imgp_sniff_feed(imgp_sniff_t *s, const u_char *p, size_t len)
{
    size_t      i, n;
    imgp_int_t  rc;

    for (i = 0; i < len && s->state < IMGP_SNIFF_OK; /* void */) {

        if (s->state == IMGP_SNIFF_SKIP) {
            n = (size_t) imgp_min(s->skip, (uint64_t) (len - i));
            i += n;
            s->seen += n;
            s->skip -= n;

            if (s->skip == 0) {
                s->state = IMGP_SNIFF_JPEG;
            }

            continue;
        }

        s->seen++;

        rc = imgp_sniff_byte(s, p[i++]);
        if (rc != IMGP_AGAIN) {
            return imgp_sniff_final(s, rc);
        }
    }

    switch (s->state) {

    case IMGP_SNIFF_OK:
        return IMGP_OK;

    case IMGP_SNIFF_DECLINED:
        return IMGP_DECLINED;

    case IMGP_SNIFF_ERROR:
        return IMGP_ERROR;

    default:
        return IMGP_AGAIN;
    }
}


imgp_int_t
imgp_sniff_end(imgp_sniff_t *s)
{
    imgp_int_t  rc;

    rc = imgp_sniff_feed(s, NULL, 0);

    if (rc != IMGP_AGAIN) {
        return rc;
    }

    if (s->state == IMGP_SNIFF_HEAD || s->state == IMGP_SNIFF_SPACE) {
        return imgp_sniff_final(s, IMGP_DECLINED);
    }

    return imgp_sniff_final(s, imgp_sniff_bad(s, "image is truncated"));
}


static imgp_int_t
imgp_sniff_final(imgp_sniff_t *s, imgp_int_t rc)
{
    s->state = (rc == IMGP_OK) ? IMGP_SNIFF_OK
               : (rc == IMGP_DECLINED) ? IMGP_SNIFF_DECLINED
               : IMGP_SNIFF_ERROR;

    return rc;
}


static imgp_int_t
imgp_sniff_byte(imgp_sniff_t *s, u_char ch)
{
    switch (s->state) {

    case IMGP_SNIFF_SPACE:
        return imgp_sniff_space(s, ch);

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

    case IMGP_SNIFF_FRAME:
        return imgp_sniff_frame(s, ch);

    default: /* IMGP_SNIFF_HEAD, IMGP_SNIFF_IMAGE */
        s->head[s->nhead++] = ch;
        return imgp_sniff_head(s);
    }
}


/* every parser decides before the head is full */

static imgp_int_t
imgp_sniff_head(imgp_sniff_t *s)
{
    imgp_uint_t                 i, maybe;
    const imgp_sniff_format_t  *f;

    maybe = 0;

    for (i = 0; i < imgp_nelts(imgp_sniff_formats); i++) {
        f = &imgp_sniff_formats[i];

        if (memcmp(s->head, f->magic, imgp_min(s->nhead, f->len)) != 0) {
            continue;
        }

        if (s->nhead < f->len) {
            maybe = 1;
            continue;
        }

        return f->parse ? f->parse(s) : imgp_sniff_is(s, f->type);
    }

    return maybe ? IMGP_AGAIN : imgp_sniff_space(s, s->head[0]);
}


static imgp_int_t
imgp_sniff_is(imgp_sniff_t *s, const char *type)
{
    s->type = type;

    return IMGP_OK;
}


static imgp_int_t
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


static imgp_int_t
imgp_sniff_bad(imgp_sniff_t *s, const char *why)
{
    return imgp_error_set(&s->error, IMGP_E_BAD_IMAGE, "%s (byte %llu)", why,
                          (unsigned long long) s->seen);
}


/* JSON has no magic: an opening bracket is a hint, its parser will tell */

static imgp_int_t
imgp_sniff_space(imgp_sniff_t *s, u_char ch)
{
    switch (ch) {

    case ' ':
    case '\t':
    case '\n':
    case '\r':
        s->state = IMGP_SNIFF_SPACE;
        return IMGP_AGAIN;

    case '{':
    case '[':
        return imgp_sniff_is(s, "application/json");

    default:
        return IMGP_DECLINED;
    }
}


static imgp_int_t
imgp_sniff_bom(imgp_sniff_t *s)
{
    s->state = IMGP_SNIFF_SPACE;

    return IMGP_AGAIN;
}


static imgp_int_t
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


static imgp_int_t
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


static imgp_int_t
imgp_sniff_riff(imgp_sniff_t *s)
{
    if (s->nhead < 12) {
        return IMGP_AGAIN;
    }

    if (memcmp(s->head + 8, "WAVE", 4) == 0) {
        return imgp_sniff_is(s, "audio/wav");
    }

    if (memcmp(s->head + 8, "WEBP", 4) == 0) {
        s->state = IMGP_SNIFF_IMAGE;
        return imgp_sniff_webp(s);
    }

    return IMGP_DECLINED;
}


static imgp_int_t
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


/* the major brand at 8, the compatible ones from 16 on */

static imgp_int_t
imgp_sniff_ftyp(imgp_sniff_t *s)
{
    uint32_t                   i, end;
    const char                *type;
    const imgp_sniff_brand_t  *b;

    if (s->nhead < 12) {
        return IMGP_AGAIN;
    }

    if (memcmp(s->head + 4, "ftyp", 4) != 0) {
        return IMGP_DECLINED;
    }

    end = imgp_sniff_be32(s->head);
    end = imgp_min(end, sizeof(s->head));

    type = NULL;

    for (i = 8; i + 4 <= end; i += (i == 8) ? 8 : 4) {

        if (s->nhead < i + 4) {
            return IMGP_AGAIN;
        }

        b = imgp_sniff_brand(s->head + i);

        if (b == NULL) {
            continue;
        }

        if (strncmp(b->type, "image/", 6) == 0) {
            s->state = IMGP_SNIFF_IMAGE;
        }

        if (!b->generic) {
            return imgp_sniff_is(s, b->type);
        }

        type = (type == NULL) ? b->type : type;
    }

    return type ? imgp_sniff_is(s, type) : IMGP_DECLINED;
}


static const imgp_sniff_brand_t *
imgp_sniff_brand(const u_char *p)
{
    imgp_uint_t  i;

    for (i = 0; i < imgp_nelts(imgp_sniff_brands); i++) {
        if (memcmp(p, imgp_sniff_brands[i].brand, 4) == 0) {
            return &imgp_sniff_brands[i];
        }
    }

    return NULL;
}


/*
 * An MPEG audio frame without an ID3 tag before it.  Layer I is left out: a
 * UTF-16 byte order mark would look like it.
 */

static imgp_int_t
imgp_sniff_mpeg(imgp_sniff_t *s)
{
    u_char  version, layer, rate;

    if (s->nhead < 3) {
        return IMGP_AGAIN;
    }

    version = s->head[1] >> 3 & 3;
    layer = s->head[1] >> 1 & 3;
    rate = s->head[2] >> 4;

    if ((s->head[1] & 0xe0) != 0xe0 || version == 1
        || layer == 0 || layer == 3
        || rate == 0 || rate == 15 || (s->head[2] >> 2 & 3) == 3)
    {
        return IMGP_DECLINED;
    }

    return imgp_sniff_is(s, "audio/mpeg");
}


static imgp_int_t
imgp_sniff_jpeg(imgp_sniff_t *s)
{
    s->state = IMGP_SNIFF_JPEG;

    return IMGP_AGAIN;
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
    s->state = s->skip ? IMGP_SNIFF_SKIP : IMGP_SNIFF_JPEG;

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
