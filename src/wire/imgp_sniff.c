
/*
 * What a piece of content is, and how large a picture, by its first bytes.
 *
 * Called by the upload and service paths as bytes arrive (event loop), and by
 * thread tasks on stored content.  All state is in the caller's imgp_sniff_t;
 * nothing is allocated.
 *
 * The head is looked at anew with every byte until a verdict falls, at most 64
 * times; a JPEG then goes through a machine of single bytes that only skips
 * segments in one go (imgp_sniff_image.c).  So a verdict depends on the bytes
 * before it and never on how they were cut.
 *
 * Sources: ISO/IEC 14496-12 4.3 and 23008-12 B.4 (brands), 11172-3 2.4.2 and
 * 13818-3 2.4.2 (audio frames).
 */


#include <imgp/imgp_sniff.h>
#include "imgp_sniff_image.h"


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
static imgp_int_t imgp_sniff_space(imgp_sniff_t *s, u_char ch);
static imgp_int_t imgp_sniff_bom(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_riff(imgp_sniff_t *s);
static imgp_int_t imgp_sniff_ftyp(imgp_sniff_t *s);
static const imgp_sniff_brand_t *imgp_sniff_brand(const u_char *p);
static imgp_int_t imgp_sniff_mpeg(imgp_sniff_t *s);
static uint64_t imgp_sniff_mpeg_frame(const u_char *p);
static imgp_int_t imgp_sniff_mpeg_byte(imgp_sniff_t *s, u_char ch);


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

    if (s->state == IMGP_SNIFF_MPEG && s->skip == 0 && s->nhead == 3) {
        /* one frame, and no more */
        return imgp_sniff_final(s, imgp_sniff_is(s, "audio/mpeg"));
    }

    if (s->state == IMGP_SNIFF_HEAD || s->state == IMGP_SNIFF_SPACE
        || s->state == IMGP_SNIFF_MPEG)
    {
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

    case IMGP_SNIFF_HEAD:
    case IMGP_SNIFF_IMAGE:
        s->head[s->nhead++] = ch;
        return imgp_sniff_head(s);

    case IMGP_SNIFF_SPACE:
        return imgp_sniff_space(s, ch);

    case IMGP_SNIFF_MPEG:
        return imgp_sniff_mpeg_byte(s, ch);

    default:
        return imgp_sniff_jpeg_byte(s, ch);
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
 * MPEG audio without an ID3 tag before it: a frame, and where that ends another
 * one of its kind, or the end.  Four bytes alone are found in much that is
 * none.  Layer I is left out: a UTF-16 byte order mark would look like it.
 */

static imgp_int_t
imgp_sniff_mpeg(imgp_sniff_t *s)
{
    if (s->nhead < 3) {
        return IMGP_AGAIN;
    }

    s->skip = imgp_sniff_mpeg_frame(s->head);

    if (s->skip == 0) {
        return IMGP_DECLINED;
    }

    s->skip -= s->nhead;
    s->state = IMGP_SNIFF_MPEG;

    return IMGP_AGAIN;
}


/* the bytes of a frame, by the first three; 0: it is none */

static uint64_t
imgp_sniff_mpeg_frame(const u_char *p)
{
    uint64_t  bits, rate;
    u_char    version, layer, rates, kind;

    static const uint16_t  kbits[3][14] = {
        { 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384 },
        { 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 },
        { 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 }
    };
    static const uint16_t  hertz[3] = { 44100, 48000, 32000 };

    version = p[1] >> 3 & 3;          /* 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5 */
    layer = p[1] >> 1 & 3;            /* 2: layer II, 1: layer III */
    kind = p[2] >> 4;
    rates = p[2] >> 2 & 3;

    if (p[0] != 0xff || (p[1] & 0xe0) != 0xe0 || version == 1
        || layer == 0 || layer == 3 || kind == 0 || kind == 15 || rates == 3)
    {
        return 0;
    }

    bits = kbits[version != 3 ? 2 : layer == 1][kind - 1] * 1000;
    rate = hertz[rates] >> (version == 3 ? 0 : version == 2 ? 1 : 2);

    return (version != 3 && layer == 1 ? 72 : 144) * bits / rate
           + (p[2] >> 1 & 1);
}


/* the same version, layer and sampling rate; or an ID3 tag of the old kind */

static imgp_int_t
imgp_sniff_mpeg_byte(imgp_sniff_t *s, u_char ch)
{
    u_char  *p;

    if (s->skip) {
        s->skip--;
        return IMGP_AGAIN;
    }

    s->head[s->nhead++] = ch;

    if (s->nhead < 6) {
        return IMGP_AGAIN;
    }

    p = s->head + 3;

    if (memcmp(p, "TAG", 3) == 0
        || (imgp_sniff_mpeg_frame(p)
            && (p[1] & 0x1e) == (s->head[1] & 0x1e)
            && (p[2] & 0x0c) == (s->head[2] & 0x0c)))
    {
        return imgp_sniff_is(s, "audio/mpeg");
    }

    return IMGP_DECLINED;
}
