
/*
 * multipart/mixed and its like as answers: a service that gives several
 * pictures at once.  RFC 2046, 5.1: a preamble, parts between delimiter
 * lines, an epilogue.
 *
 * Called by imgp_take.c in a thread, with the whole body in memory; parts are
 * ranges of it, nothing is allocated.  An upload's form is another matter:
 * imgp_multipart.c reads it while it comes.
 */


#include <imgp/imgp_parts.h>
#include <imgp/imgp_mime.h>


/* RFC 2046 limits a boundary to 70 characters */
#define IMGP_PARTS_BOUNDARY  200


typedef struct {
    imgp_str_t      boundary;
    u_char         *last;             /* of the body */
    imgp_error_t   *err;
} imgp_parts_t;


static imgp_int_t imgp_parts_boundary(const imgp_str_t *content_type,
    imgp_str_t *boundary);
static u_char *imgp_parts_delimiter(const imgp_parts_t *parts, u_char *p,
    u_char **end, imgp_uint_t *closing);
static u_char *imgp_parts_match(const imgp_parts_t *parts, u_char *p,
    imgp_uint_t *closing);
static imgp_int_t imgp_parts_part(imgp_parts_t *parts, u_char *p, u_char *end,
    imgp_parts_pt handler, void *data);
static u_char *imgp_parts_head(u_char *p, u_char *end);


imgp_uint_t
imgp_parts_are(const imgp_str_t *content_type)
{
    imgp_uint_t  i;

    static const char  prefix[] = "multipart/";

    if (content_type->len < sizeof(prefix) - 1) {
        return 0;
    }

    for (i = 0; i < sizeof(prefix) - 1; i++) {
        if ((content_type->data[i] | 0x20) != (prefix[i] | 0x20)) {
            return 0;
        }
    }

    return 1;
}


imgp_int_t
imgp_parts_each(const imgp_str_t *content_type, const imgp_str_t *body,
    imgp_parts_pt handler, void *data, imgp_error_t *err)
{
    u_char        *p, *begin, *end, boundary[IMGP_PARTS_BOUNDARY];
    imgp_uint_t    closing;
    imgp_parts_t   parts;

    parts.boundary.data = boundary;

    if (imgp_parts_boundary(content_type, &parts.boundary) != IMGP_OK) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "multipart answer without a boundary");
    }

    parts.last = body->data + body->len;
    parts.err = err;

    p = imgp_parts_delimiter(&parts, body->data, &end, &closing);

    while (p != NULL && !closing) {
        begin = p;
        p = imgp_parts_delimiter(&parts, begin, &end, &closing);

        if (p != NULL
            && imgp_parts_part(&parts, begin, end, handler, data) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    if (p == NULL) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "multipart answer ends before its boundary");
    }

    return IMGP_OK;
}


/* *boundary has room for IMGP_PARTS_BOUNDARY bytes */

static imgp_int_t
imgp_parts_boundary(const imgp_str_t *content_type, imgp_str_t *boundary)
{
    imgp_str_t         rest, type;
    imgp_mime_param_t  param;

    rest = *content_type;

    imgp_mime_value(&rest, &type);

    while (imgp_mime_param(&rest, &param) == IMGP_OK) {

        if (!imgp_mime_is(&param.name, "boundary")) {
            continue;
        }

        if (param.value.len == 0 || param.value.len > IMGP_PARTS_BOUNDARY) {
            return IMGP_ERROR;
        }

        memcpy(boundary->data, param.value.data, param.value.len);
        boundary->len = param.value.len;

        if (param.quoted) {
            imgp_mime_unquote(boundary);
        }

        return boundary->len ? IMGP_OK : IMGP_ERROR;
    }

    return IMGP_ERROR;
}


/*
 * The next delimiter line from "p" on: returns what follows the line, *end is
 * where the part before it ends; NULL: there is none.
 */

static u_char *
imgp_parts_delimiter(const imgp_parts_t *parts, u_char *p, u_char **end,
    imgp_uint_t *closing)
{
    u_char  *next;

    *end = p;

    /* of the first one the line's end before it may be missing */

    next = imgp_parts_match(parts, p, closing);
    if (next != NULL) {
        return next;
    }

    while (p < parts->last) {

        p = memchr(p, '\n', parts->last - p);
        if (p == NULL) {
            return NULL;
        }

        next = imgp_parts_match(parts, p + 1, closing);

        if (next != NULL) {
            *end = (p > *end && p[-1] == '\r') ? p - 1 : p;
            return next;
        }

        p++;
    }

    return NULL;
}


/* "--boundary", "--" if it is the last, blanks, the line's end */

static u_char *
imgp_parts_match(const imgp_parts_t *parts, u_char *p, imgp_uint_t *closing)
{
    size_t  len;

    len = parts->boundary.len;
    *closing = 0;

    if ((size_t) (parts->last - p) < len + 2
        || p[0] != '-' || p[1] != '-'
        || memcmp(p + 2, parts->boundary.data, len) != 0)
    {
        return NULL;
    }

    p += len + 2;

    if (parts->last - p >= 2 && p[0] == '-' && p[1] == '-') {
        *closing = 1;
        return p + 2;
    }

    while (p < parts->last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if (p < parts->last && *p == '\r') {
        p++;
    }

    return (p < parts->last && *p == '\n') ? p + 1 : NULL;
}


static imgp_int_t
imgp_parts_part(imgp_parts_t *parts, u_char *p, u_char *end,
    imgp_parts_pt handler, void *data)
{
    imgp_int_t   rc;
    imgp_str_t   head, name, value, type, content;

    content.data = imgp_parts_head(p, end);

    if (content.data == NULL) {
        return imgp_error_set(parts->err, IMGP_E_SERVICE_REPLY,
                              "part of a multipart answer has no end of its "
                              "header");
    }

    content.len = end - content.data;

    head.data = p;
    head.len = content.data - p;

    type.len = 0;
    type.data = NULL;

    for ( ;; ) {
        rc = imgp_mime_line(&head, &name, &value);

        if (rc == IMGP_DONE) {
            break;
        }

        if (rc != IMGP_OK) {
            return imgp_error_set(parts->err, IMGP_E_SERVICE_REPLY,
                                  "part of a multipart answer has a malformed "
                                  "header");
        }

        if (imgp_mime_is(&name, "content-type")) {
            type = value;
        }
    }

    return handler(data, &content, &type, parts->err);
}


/* past the empty line that ends the header; NULL: it has none */

static u_char *
imgp_parts_head(u_char *p, u_char *end)
{
    u_char  *q;

    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
        return p + 2;
    }

    for ( ;; ) {
        q = (p < end) ? memchr(p, '\n', end - p) : NULL;

        if (q == NULL || end - q < 3) {
            return NULL;
        }

        if (q[1] == '\r' && q[2] == '\n') {
            return q + 3;
        }

        p = q + 1;
    }
}
