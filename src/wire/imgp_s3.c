
/*
 * Multipart uploads as Amazon's "Amazon S3 API Reference" has them
 * (CreateMultipartUpload, CompleteMultipartUpload, "Error responses").
 *
 * The answers are three documents of one level, so this reads no more than
 * that of XML: a prolog, comments, elements in elements, text, the five
 * entities that are XML's own and character references.  A DTD or CDATA is
 * refused, and nothing is ever expanded or fetched.
 *
 * Called in the event loop with answers of 64 KB at most; no state, memory is
 * the caller's.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <imgp/imgp_s3.h>


#define IMGP_S3_MEGABYTE   (1 << 20)
#define IMGP_S3_DEPTH      8          /* elements in elements */
#define IMGP_S3_ENTITY     5          /* bytes of "apos", "#x22" */
#define IMGP_S3_CODE       64         /* bytes of a <Code> that are shown */


typedef struct {
    const u_char      *p;
    const u_char      *last;
} imgp_s3_reader_t;


/* "<name" of an element, "</name>" or what is between */

typedef struct {
    imgp_str_t         name;
    imgp_uint_t        close;
    imgp_uint_t        empty;         /* <name/> */
} imgp_s3_tag_t;


static imgp_int_t imgp_s3_begin(imgp_s3_reader_t *r, imgp_s3_tag_t *root);
static imgp_int_t imgp_s3_tag(imgp_s3_reader_t *r, imgp_s3_tag_t *tag,
    imgp_str_t *before);
static imgp_int_t imgp_s3_element(imgp_s3_reader_t *r, imgp_s3_tag_t *tag);
static imgp_int_t imgp_s3_attributes(imgp_s3_reader_t *r);
static imgp_int_t imgp_s3_skip(imgp_s3_reader_t *r, const char *begin,
    const char *end);
static imgp_uint_t imgp_s3_is(const imgp_str_t *name, const char *text);
static void imgp_s3_space(imgp_s3_reader_t *r);
static imgp_uint_t imgp_s3_name_char(u_char ch);
static imgp_int_t imgp_s3_decode(const imgp_str_t *raw, char *text);
static u_char imgp_s3_entity(imgp_s3_reader_t *r);
static imgp_uint_t imgp_s3_transient(const char *code);


uint64_t
imgp_s3_part_size(uint64_t len)
{
    uint64_t  size;

    size = len / IMGP_S3_PARTS + 1;

    if (size <= IMGP_S3_PART) {
        return IMGP_S3_PART;
    }

    return (size + IMGP_S3_MEGABYTE - 1) / IMGP_S3_MEGABYTE * IMGP_S3_MEGABYTE;
}


imgp_int_t
imgp_s3_text(const imgp_str_t *xml, const char *root, const char *child,
    char text[IMGP_S3_TEXT_MAX + 1])
{
    imgp_int_t        rc;
    imgp_str_t        names[IMGP_S3_DEPTH], before;
    imgp_uint_t       depth;
    imgp_s3_tag_t     tag;
    imgp_s3_reader_t  r;

    r.p = xml->data;
    r.last = xml->data + xml->len;

    if (imgp_s3_begin(&r, &tag) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (!imgp_s3_is(&tag.name, root) || tag.empty) {
        return IMGP_DECLINED;
    }

    names[0] = tag.name;
    depth = 1;
    rc = IMGP_DECLINED;

    while (depth) {

        if (imgp_s3_tag(&r, &tag, &before) != IMGP_OK) {
            return IMGP_ERROR;
        }

        if (tag.empty) {
            continue;
        }

        if (!tag.close) {

            if (depth == IMGP_S3_DEPTH) {
                return IMGP_ERROR;
            }

            names[depth++] = tag.name;
            continue;
        }

        depth--;

        if (!imgp_str_eq(&tag.name, &names[depth])) {
            return IMGP_ERROR;
        }

        if (depth == 1 && rc == IMGP_DECLINED
            && imgp_s3_is(&tag.name, child))
        {
            if (imgp_s3_decode(&before, text) != IMGP_OK) {
                return IMGP_ERROR;
            }

            rc = IMGP_OK;
        }
    }

    return rc;
}


/* white space may be sent before the document, to keep a connection: S3 does
   while it puts parts together */

static imgp_int_t
imgp_s3_begin(imgp_s3_reader_t *r, imgp_s3_tag_t *root)
{
    imgp_str_t  before;

    if (r->last - r->p >= 3 && memcmp(r->p, "\xef\xbb\xbf", 3) == 0) {
        r->p += 3;
    }

    imgp_s3_space(r);

    if (imgp_s3_skip(r, "<?xml", "?>") == IMGP_ERROR) {
        return IMGP_ERROR;
    }

    imgp_s3_space(r);

    return imgp_s3_tag(r, root, &before) == IMGP_OK && !root->close
           && before.len == 0
           ? IMGP_OK : IMGP_ERROR;
}


/* the next tag, and the text before it */

static imgp_int_t
imgp_s3_tag(imgp_s3_reader_t *r, imgp_s3_tag_t *tag, imgp_str_t *before)
{
    imgp_int_t  rc;

    before->data = (u_char *) r->p;

    for ( ;; ) {
        r->p = memchr(r->p, '<', r->last - r->p);

        if (r->p == NULL) {
            return IMGP_ERROR;
        }

        before->len = r->p - before->data;

        rc = imgp_s3_skip(r, "<!--", "-->");

        if (rc == IMGP_ERROR) {
            return IMGP_ERROR;
        }

        if (rc == IMGP_DECLINED) {
            return imgp_s3_element(r, tag);
        }

        /* nothing that is asked for has a comment inside */

        before->data = (u_char *) r->p;
    }
}


static imgp_int_t
imgp_s3_element(imgp_s3_reader_t *r, imgp_s3_tag_t *tag)
{
    r->p++;
    tag->empty = 0;
    tag->close = (r->p < r->last && *r->p == '/');

    if (tag->close) {
        r->p++;
    }

    tag->name.data = (u_char *) r->p;

    while (r->p < r->last && imgp_s3_name_char(*r->p)) {
        r->p++;
    }

    tag->name.len = r->p - tag->name.data;

    if (tag->name.len == 0
        || (!tag->close && imgp_s3_attributes(r) != IMGP_OK))
    {
        return IMGP_ERROR;
    }

    imgp_s3_space(r);

    if (!tag->close && r->p < r->last && *r->p == '/') {
        tag->empty = 1;
        r->p++;
    }

    if (r->p == r->last || *r->p != '>') {
        return IMGP_ERROR;
    }

    r->p++;

    return IMGP_OK;
}


/* their values may hold a ">" */

static imgp_int_t
imgp_s3_attributes(imgp_s3_reader_t *r)
{
    u_char  quote;

    for ( ;; ) {
        imgp_s3_space(r);

        if (r->p == r->last || *r->p == '>' || *r->p == '/') {
            return IMGP_OK;
        }

        while (r->p < r->last && imgp_s3_name_char(*r->p)) {
            r->p++;
        }

        if (r->last - r->p < 2 || r->p[0] != '='
            || (r->p[1] != '"' && r->p[1] != '\''))
        {
            return IMGP_ERROR;
        }

        quote = r->p[1];
        r->p = memchr(r->p + 2, quote, r->last - r->p - 2);

        if (r->p == NULL) {
            return IMGP_ERROR;
        }

        r->p++;
    }
}


static imgp_int_t
imgp_s3_skip(imgp_s3_reader_t *r, const char *begin, const char *end)
{
    size_t         len;
    const u_char  *p;

    len = strlen(begin);

    if ((size_t) (r->last - r->p) < len || memcmp(r->p, begin, len) != 0) {
        return IMGP_DECLINED;
    }

    len = strlen(end);

    for (p = r->p + strlen(begin); (size_t) (r->last - p) >= len; p++) {

        if (memcmp(p, end, len) == 0) {
            r->p = p + len;
            return IMGP_OK;
        }
    }

    return IMGP_ERROR;
}


static imgp_uint_t
imgp_s3_is(const imgp_str_t *name, const char *text)
{
    return name->len == strlen(text)
           && memcmp(name->data, text, name->len) == 0;
}


static void
imgp_s3_space(imgp_s3_reader_t *r)
{
    while (r->p < r->last && (*r->p == ' ' || *r->p == '\t'
                              || *r->p == '\r' || *r->p == '\n'))
    {
        r->p++;
    }
}


static imgp_uint_t
imgp_s3_name_char(u_char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || (ch >= '0' && ch <= '9') || ch == '_' || ch == '-'
           || ch == '.' || ch == ':' || ch >= 0x80;
}


/* NUL-terminated, and without a NUL inside */

static imgp_int_t
imgp_s3_decode(const imgp_str_t *raw, char *text)
{
    u_char            ch;
    size_t            n;
    imgp_s3_reader_t  r;

    r.p = raw->data;
    r.last = raw->data + raw->len;

    for (n = 0; r.p < r.last; n++) {
        ch = *r.p++;

        if (ch == '&') {
            ch = imgp_s3_entity(&r);
        }

        if (ch == '\0' || n == IMGP_S3_TEXT_MAX) {
            return IMGP_ERROR;
        }

        text[n] = ch;
    }

    text[n] = '\0';

    return IMGP_OK;
}


/* behind the "&"; what is asked for is ASCII.  0: not of these */

static u_char
imgp_s3_entity(imgp_s3_reader_t *r)
{
    char           name[IMGP_S3_ENTITY + 1], *end;
    size_t         i, n;
    unsigned long  code;

    static const struct {
        const char  *name;
        u_char       ch;
    } known[] = {
        { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' },
        { "apos", '\'' }
    };

    for (n = 0; r->p < r->last && *r->p != ';' && n < IMGP_S3_ENTITY; n++) {
        name[n] = *r->p++;
    }

    if (r->p == r->last || *r->p++ != ';') {
        return 0;
    }

    name[n] = '\0';

    for (i = 0; i < imgp_nelts(known); i++) {
        if (strcmp(name, known[i].name) == 0) {
            return known[i].ch;
        }
    }

    if (name[0] != '#' || strspn(name + 1, "xabcdefABCDEF0123456789") != n - 1)
    {
        return 0;
    }

    code = name[1] == 'x' ? strtoul(name + 2, &end, 16)
                          : strtoul(name + 1, &end, 10);

    return *end == '\0' && code < 0x80 ? (u_char) code : 0;
}


imgp_int_t
imgp_s3_completed(const imgp_str_t *xml, imgp_error_t *err)
{
    char        text[IMGP_S3_TEXT_MAX + 1];
    imgp_int_t  rc;

    rc = imgp_s3_text(xml, "CompleteMultipartUploadResult", "ETag", text);

    if (rc == IMGP_OK) {
        return IMGP_OK;
    }

    if (imgp_s3_text(xml, "Error", "Code", text) != IMGP_OK) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "answer does not tell that the parts were put "
                              "together");
    }

    return imgp_error_set(err, imgp_s3_transient(text) ? IMGP_E_SERVICE_BUSY
                                                       : IMGP_E_SERVICE_REFUSED,
                          "service could not put the parts together: "
                          "\"%.*s\"", IMGP_S3_CODE, text);
}


static imgp_uint_t
imgp_s3_transient(const char *code)
{
    size_t  i;

    static const char  *codes[] = {
        "InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout",
        "OperationAborted"
    };

    for (i = 0; i < imgp_nelts(codes); i++) {
        if (strcmp(code, codes[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


/* an ETag is what the store said, quotes and all */

char *
imgp_s3_complete(const imgp_str_t *etags, imgp_uint_t n, size_t *len)
{
    char         *text, *p;
    size_t        size, i;
    const char   *ch;
    imgp_uint_t   k;

    static const char  *escapes[] = { "&quot;", "&amp;", "&lt;", "&gt;" };
    static const char   chars[] = "\"&<>";

#define IMGP_S3_HEAD  "<CompleteMultipartUpload>"
#define IMGP_S3_FORM  "<Part><PartNumber>%lu</PartNumber><ETag>"
#define IMGP_S3_END   "</ETag></Part>"
#define IMGP_S3_TAIL  "</CompleteMultipartUpload>"

    size = sizeof(IMGP_S3_HEAD) + sizeof(IMGP_S3_TAIL);

    for (k = 0; k < n; k++) {
        size += sizeof(IMGP_S3_FORM) + 20 + sizeof(IMGP_S3_END)
                + 6 * etags[k].len;
    }

    text = malloc(size);
    if (text == NULL) {
        return NULL;
    }

    p = stpcpy(text, IMGP_S3_HEAD);

    for (k = 0; k < n; k++) {
        p += sprintf(p, IMGP_S3_FORM, (unsigned long) k + 1);

        for (i = 0; i < etags[k].len; i++) {
            ch = strchr(chars, etags[k].data[i]);

            if (ch != NULL && *ch != '\0') {
                p = stpcpy(p, escapes[ch - chars]);

            } else {
                *p++ = etags[k].data[i];
            }
        }

        p = stpcpy(p, IMGP_S3_END);
    }

    p = stpcpy(p, IMGP_S3_TAIL);

    *len = p - text;

    return text;
}


u_char *
imgp_s3_escape(u_char *out, const u_char *text, size_t len)
{
    size_t  i;
    u_char  ch;

    static const char  hex[] = "0123456789ABCDEF";

    for (i = 0; i < len; i++) {
        ch = text[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
            || (ch >= '0' && ch <= '9')
            || ch == '-' || ch == '.' || ch == '_' || ch == '~')
        {
            *out++ = ch;

        } else {
            *out++ = '%';
            *out++ = hex[ch >> 4];
            *out++ = hex[ch & 15];
        }
    }

    *out = '\0';

    return out;
}
