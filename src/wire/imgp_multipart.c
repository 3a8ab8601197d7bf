
/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1), incremental and push-driven.
 *
 * Called by the upload path, in the event loop, with the body as it comes in;
 * all memory is of the pool given.  The file's bytes are handed on as ranges
 * of the chunk that was fed.
 *
 * A delimiter is CRLF "--" boundary, then "--", or spaces and CRLF; a line that
 * only begins like one is content.  CR occurs in a delimiter as its first byte
 * alone, so a match that fails can only begin anew at the byte that broke it,
 * and what a chunk's end leaves undecided is a prefix of a known string: it is
 * counted ("matched"), not kept.  At the start of the body and of each part
 * the CRLF counts as matched already ("implied"): a delimiter may stand there
 * at once (a body without preamble, a part without content).
 */


#define _GNU_SOURCE
#include <imgp/imgp_multipart.h>
#include <imgp/imgp_mime.h>
#include "imgp_multipart_head.h"


/* spaces after a boundary: RFC 2046 lets gateways add some */
#define IMGP_MULTIPART_PADDING_MAX   32
#define IMGP_MULTIPART_PREAMBLE_MAX  4096
#define IMGP_MULTIPART_VALUE_SMALL   256


typedef enum {
    IMGP_MULTIPART_CONTENT = 0,       /* looking for a delimiter */
    IMGP_MULTIPART_TAIL,              /* after one: "--", or spaces and CRLF */
    IMGP_MULTIPART_HEADERS,
    IMGP_MULTIPART_EPILOGUE,
    IMGP_MULTIPART_FAILED
} imgp_multipart_state_e;


typedef enum {
    IMGP_MULTIPART_PREAMBLE = 0,
    IMGP_MULTIPART_FIELD,
    IMGP_MULTIPART_FILE
} imgp_multipart_part_e;


struct imgp_multipart_s {
    imgp_pool_t                *pool;
    imgp_multipart_handlers_t   on;

    imgp_multipart_state_e      state;
    imgp_multipart_part_e       part;
    imgp_uint_t                 nparts;
    imgp_uint_t                 file_seen;
    size_t                      preamble;

    u_char                     *delim;
    size_t                      delim_len;
    size_t                      matched;
    size_t                      implied;

    u_char                      tail[IMGP_MULTIPART_PADDING_MAX + 1];
    size_t                      ntail;

    u_char                     *head; /* the part's header lines */
    size_t                      nhead;
    imgp_str_t                  name; /* within "head" */

    u_char                     *value;
    size_t                      nvalue;
    size_t                      value_size;

    imgp_error_t                error;
};


static imgp_int_t imgp_multipart_step(imgp_multipart_t *mp, const u_char **pp,
    const u_char *last, imgp_error_t *err);
static imgp_int_t imgp_multipart_content(imgp_multipart_t *mp,
    const u_char **pp, const u_char *last, imgp_error_t *err);
static imgp_int_t imgp_multipart_resume(imgp_multipart_t *mp,
    const u_char **pp, const u_char *last, imgp_error_t *err);
static size_t imgp_multipart_partial(imgp_multipart_t *mp, const u_char *p,
    const u_char *last);
static imgp_int_t imgp_multipart_release(imgp_multipart_t *mp,
    imgp_error_t *err);
static imgp_int_t imgp_multipart_tail(imgp_multipart_t *mp, const u_char **pp,
    imgp_error_t *err);
static imgp_int_t imgp_multipart_data(imgp_multipart_t *mp, const u_char *p,
    size_t len, imgp_error_t *err);
static imgp_int_t imgp_multipart_value(imgp_multipart_t *mp, const u_char *p,
    size_t len, imgp_error_t *err);
static imgp_int_t imgp_multipart_part_end(imgp_multipart_t *mp,
    imgp_error_t *err);
static imgp_int_t imgp_multipart_next(imgp_multipart_t *mp,
    imgp_error_t *err);
static imgp_int_t imgp_multipart_head(imgp_multipart_t *mp,
    const u_char **pp, const u_char *last, imgp_error_t *err);
static imgp_int_t imgp_multipart_head_done(imgp_multipart_t *mp,
    imgp_error_t *err);
static imgp_int_t imgp_multipart_part_begin(imgp_multipart_t *mp,
    imgp_multipart_head_t *h, imgp_error_t *err);


imgp_multipart_t *
imgp_multipart_create(imgp_pool_t *pool, const imgp_str_t *boundary,
    const imgp_multipart_handlers_t *handlers)
{
    imgp_multipart_t  *mp;

    if (imgp_multipart_head_boundary(boundary) != IMGP_OK) {
        return NULL;
    }

    mp = imgp_pcalloc(pool, sizeof(imgp_multipart_t));
    if (mp == NULL) {
        return NULL;
    }

    mp->pool = pool;
    mp->on = *handlers;
    mp->on.file_field.data = imgp_pstrdup(pool, &handlers->file_field);
    mp->delim_len = 4 + boundary->len;
    mp->delim = imgp_palloc(pool, mp->delim_len);
    mp->head = imgp_palloc(pool, IMGP_MULTIPART_HEADER_MAX);

    if (mp->on.file_field.data == NULL || mp->delim == NULL
        || mp->head == NULL)
    {
        return NULL;
    }

    memcpy(mp->delim, "\r\n--", 4);
    memcpy(mp->delim + 4, boundary->data, boundary->len);

    mp->matched = 2;
    mp->implied = 2;

    return mp;
}


imgp_int_t
imgp_multipart_feed(imgp_multipart_t *mp, const u_char *p, size_t len,
    imgp_error_t *err)
{
    const u_char  *last;

    last = len ? p + len : p;

    /* what follows the closing delimiter is ignored: RFC 2046, 5.1.1 */

    while (p < last && mp->state < IMGP_MULTIPART_EPILOGUE) {
        if (imgp_multipart_step(mp, &p, last, &mp->error) != IMGP_OK) {
            mp->state = IMGP_MULTIPART_FAILED;
        }
    }

    if (mp->state == IMGP_MULTIPART_FAILED) {
        *err = mp->error;
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


imgp_int_t
imgp_multipart_end(imgp_multipart_t *mp, imgp_error_t *err)
{
    if (mp->state == IMGP_MULTIPART_FAILED) {
        *err = mp->error;
        return IMGP_ERROR;
    }

    if (mp->state != IMGP_MULTIPART_EPILOGUE) {
        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              mp->nparts ? "the closing boundary is missing"
                                         : "the boundary is missing");
    }

    if (!mp->file_seen) {
        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              "there is no part named \"%.*s\"",
                              (int) mp->on.file_field.len,
                              mp->on.file_field.data);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_multipart_step(imgp_multipart_t *mp, const u_char **pp,
    const u_char *last, imgp_error_t *err)
{
    switch (mp->state) {

    case IMGP_MULTIPART_CONTENT:
        if (mp->matched) {
            return imgp_multipart_resume(mp, pp, last, err);
        }

        return imgp_multipart_content(mp, pp, last, err);

    case IMGP_MULTIPART_TAIL:
        return imgp_multipart_tail(mp, pp, err);

    default: /* IMGP_MULTIPART_HEADERS */
        return imgp_multipart_head(mp, pp, last, err);
    }
}


static imgp_int_t
imgp_multipart_content(imgp_multipart_t *mp, const u_char **pp,
    const u_char *last, imgp_error_t *err)
{
    size_t         keep;
    const u_char  *p, *found;

    p = *pp;

    found = memmem(p, last - p, mp->delim, mp->delim_len);

    if (found != NULL) {
        *pp = found + mp->delim_len;
        mp->matched = mp->delim_len;
        mp->state = IMGP_MULTIPART_TAIL;
        mp->ntail = 0;

        return imgp_multipart_data(mp, p, found - p, err);
    }

    keep = imgp_multipart_partial(mp, p, last);

    *pp = last;
    mp->matched = keep;

    return imgp_multipart_data(mp, p, (size_t) (last - p) - keep, err);
}


/* how much of the chunk's end may be a delimiter's beginning */

static size_t
imgp_multipart_partial(imgp_multipart_t *mp, const u_char *p,
    const u_char *last)
{
    size_t         n;
    const u_char  *cr;

    n = imgp_min((size_t) (last - p), mp->delim_len - 1);

    cr = memrchr(last - n, '\r', n);
    if (cr == NULL) {
        return 0;
    }

    n = (size_t) (last - cr);

    return (memcmp(cr, mp->delim, n) == 0) ? n : 0;
}


/* goes on with a delimiter that was begun before this chunk, or is implied */

static imgp_int_t
imgp_multipart_resume(imgp_multipart_t *mp, const u_char **pp,
    const u_char *last, imgp_error_t *err)
{
    size_t         n, i;
    const u_char  *p;

    p = *pp;
    n = imgp_min((size_t) (last - p), mp->delim_len - mp->matched);

    for (i = 0; i < n && p[i] == mp->delim[mp->matched]; i++) {
        mp->matched++;
    }

    *pp = p + i;

    if (i < n) {
        return imgp_multipart_release(mp, err);
    }

    if (mp->matched == mp->delim_len) {
        mp->state = IMGP_MULTIPART_TAIL;
        mp->ntail = 0;
    }

    return IMGP_OK;
}


/* it was none: what was held back is content */

static imgp_int_t
imgp_multipart_release(imgp_multipart_t *mp, imgp_error_t *err)
{
    size_t  from, len;

    from = mp->implied;
    len = mp->matched - from;

    mp->matched = 0;
    mp->implied = 0;

    return imgp_multipart_data(mp, mp->delim + from, len, err);
}


static imgp_int_t
imgp_multipart_tail(imgp_multipart_t *mp, const u_char **pp,
    imgp_error_t *err)
{
    u_char  ch, prev;
    size_t  n;

    ch = **pp;
    prev = mp->ntail ? mp->tail[mp->ntail - 1] : ' ';

    if (prev == '-' && ch == '-') {
        ++*pp;
        mp->state = IMGP_MULTIPART_EPILOGUE;
        return imgp_multipart_part_end(mp, err);
    }

    if (prev == '\r' && ch == '\n') {
        ++*pp;
        return imgp_multipart_next(mp, err);
    }

    if (((prev == ' ' || prev == '\t')
         && (ch == ' ' || ch == '\t' || ch == '\r'))
        || (mp->ntail == 0 && ch == '-'))
    {
        if (mp->ntail == sizeof(mp->tail)) {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "a boundary is followed by too many spaces");
        }

        ++*pp;
        mp->tail[mp->ntail++] = ch;
        return IMGP_OK;
    }

    /* content after all; this byte may begin another delimiter */

    n = mp->ntail;
    mp->ntail = 0;
    mp->state = IMGP_MULTIPART_CONTENT;

    if (imgp_multipart_release(mp, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_multipart_data(mp, mp->tail, n, err);
}


static imgp_int_t
imgp_multipart_data(imgp_multipart_t *mp, const u_char *p, size_t len,
    imgp_error_t *err)
{
    if (len == 0) {
        return IMGP_OK;
    }

    mp->implied = 0;

    switch (mp->part) {

    case IMGP_MULTIPART_FILE:
        return mp->on.file_data(mp->on.data, p, len, err);

    case IMGP_MULTIPART_FIELD:
        return imgp_multipart_value(mp, p, len, err);

    default: /* IMGP_MULTIPART_PREAMBLE */

        if (len > IMGP_MULTIPART_PREAMBLE_MAX - mp->preamble) {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "no boundary in the first %d bytes",
                                  IMGP_MULTIPART_PREAMBLE_MAX);
        }

        mp->preamble += len;
        return IMGP_OK;
    }
}


static imgp_int_t
imgp_multipart_value(imgp_multipart_t *mp, const u_char *p, size_t len,
    imgp_error_t *err)
{
    size_t   size;
    u_char  *value;

    if (len > IMGP_MULTIPART_FIELD_MAX - mp->nvalue) {
        return imgp_error_set(err, IMGP_E_TOO_LARGE,
                              "field \"%.*s\" is longer than %d bytes",
                              (int) imgp_min(mp->name.len, 64),
                              mp->name.data, IMGP_MULTIPART_FIELD_MAX);
    }

    if (len > mp->value_size - mp->nvalue) {
        size = (mp->nvalue + len <= IMGP_MULTIPART_VALUE_SMALL)
               ? IMGP_MULTIPART_VALUE_SMALL : IMGP_MULTIPART_FIELD_MAX;

        value = imgp_palloc(mp->pool, size);
        if (value == NULL) {
            return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        }

        if (mp->nvalue) {
            memcpy(value, mp->value, mp->nvalue);
        }

        mp->value = value;
        mp->value_size = size;
    }

    memcpy(mp->value + mp->nvalue, p, len);
    mp->nvalue += len;

    return IMGP_OK;
}


static imgp_int_t
imgp_multipart_part_end(imgp_multipart_t *mp, imgp_error_t *err)
{
    imgp_str_t  value;

    switch (mp->part) {

    case IMGP_MULTIPART_FILE:
        return mp->on.file_end(mp->on.data, err);

    case IMGP_MULTIPART_FIELD:
        value.data = mp->nvalue ? mp->value : (u_char *) "";
        value.len = mp->nvalue;

        return mp->on.field(mp->on.data, &mp->name, &value, err);

    default: /* IMGP_MULTIPART_PREAMBLE */
        return IMGP_OK;
    }
}


static imgp_int_t
imgp_multipart_next(imgp_multipart_t *mp, imgp_error_t *err)
{
    if (imgp_multipart_part_end(mp, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (mp->nparts == IMGP_MULTIPART_PARTS_MAX) {
        return imgp_error_set(err, IMGP_E_LIMIT,
                              "the body has more than %d parts",
                              IMGP_MULTIPART_PARTS_MAX);
    }

    mp->nparts++;
    mp->nhead = 0;
    mp->state = IMGP_MULTIPART_HEADERS;

    return IMGP_OK;
}


/* collects the header lines up to and with the empty one */

static imgp_int_t
imgp_multipart_head(imgp_multipart_t *mp, const u_char **pp,
    const u_char *last, imgp_error_t *err)
{
    u_char         ch, prev, *head;
    const u_char  *p;

    head = mp->head;

    for (p = *pp; p < last; p++) {
        ch = *p;
        prev = mp->nhead ? head[mp->nhead - 1] : '\0';

        if (ch == '\0' || (ch == '\n') != (prev == '\r')) {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "a part's header lines must end in CRLF");
        }

        if (mp->nhead == IMGP_MULTIPART_HEADER_MAX) {
            return imgp_error_set(err, IMGP_E_LIMIT,
                                  "a part's header is longer than %d bytes",
                                  IMGP_MULTIPART_HEADER_MAX);
        }

        head[mp->nhead++] = ch;

        if (ch == '\n'
            && (mp->nhead == 2 || head[mp->nhead - 3] == '\n'))
        {
            *pp = p + 1;
            return imgp_multipart_head_done(mp, err);
        }
    }

    *pp = p;

    return IMGP_OK;
}


static imgp_int_t
imgp_multipart_head_done(imgp_multipart_t *mp, imgp_error_t *err)
{
    imgp_multipart_head_t  h;

    if (imgp_multipart_head_parse(&h, mp->head, mp->nhead, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    mp->state = IMGP_MULTIPART_CONTENT;
    mp->matched = 2;
    mp->implied = 2;

    return imgp_multipart_part_begin(mp, &h, err);
}


/*
 * An empty file name on another part is what browsers send for a file input
 * that was left empty: a field without a value.
 */

static imgp_int_t
imgp_multipart_part_begin(imgp_multipart_t *mp, imgp_multipart_head_t *h,
    imgp_error_t *err)
{
    mp->name = h->name;
    mp->nvalue = 0;
    mp->part = IMGP_MULTIPART_FIELD;

    if (!imgp_str_eq(&h->name, &mp->on.file_field)) {

        if (h->filename.len == 0) {
            return IMGP_OK;
        }

        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              "the file must be in the part named \"%.*s\"",
                              (int) mp->on.file_field.len,
                              mp->on.file_field.data);
    }

    if (mp->file_seen) {
        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              "the body has more than one file");
    }

    mp->file_seen = 1;
    mp->part = IMGP_MULTIPART_FILE;

    if (h->filename.len) {
        imgp_mime_filename(&h->filename);
    }

    return mp->on.file_begin(mp->on.data, &h->filename, &h->type, err);
}
