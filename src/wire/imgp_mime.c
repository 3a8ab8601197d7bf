
/*
 * MIME header fields, as far as multipart/form-data needs them: RFC 2045 5.1
 * (parameters), RFC 5322 2.2 (lines, folding), RFC 8187 (extended values),
 * RFC 7578 4.2 (file names).
 *
 * Called by imgp_multipart.c, in the event loop.  Works within the caller's
 * buffer; what is decoded is decoded in place.
 *
 * A backslash in a quoted string escapes a quote or a backslash only: some
 * browsers send it bare in file names, "C:\photos\cat.jpg".
 */


#include <strings.h>
#include <imgp/imgp_mime.h>
#include <imgp/imgp_utf8.h>


#define imgp_mime_is_space(ch)  ((ch) == ' ' || (ch) == '\t')


static void imgp_mime_skip(imgp_str_t *rest, size_t n);
static void imgp_mime_skip_space(imgp_str_t *rest);
static void imgp_mime_trim(imgp_str_t *s);
static size_t imgp_mime_token_len(const imgp_str_t *s);
static imgp_int_t imgp_mime_quoted(imgp_str_t *rest, imgp_str_t *value);
static int imgp_mime_hex(u_char ch);


imgp_uint_t
imgp_mime_is(const imgp_str_t *s, const char *lower)
{
    if (s->len != strlen(lower)) {
        return 0;
    }

    return s->len == 0 || strncasecmp((char *) s->data, lower, s->len) == 0;
}


imgp_int_t
imgp_mime_line(imgp_str_t *rest, imgp_str_t *name, imgp_str_t *value)
{
    u_char  *p, *end;

    if (rest->len >= 2 && rest->data[0] == '\r' && rest->data[1] == '\n') {
        imgp_mime_skip(rest, 2);
        return IMGP_DONE;
    }

    name->data = rest->data;
    name->len = imgp_mime_token_len(rest);

    imgp_mime_skip(rest, name->len);

    if (name->len == 0 || rest->len == 0 || rest->data[0] != ':') {
        return IMGP_ERROR;
    }

    imgp_mime_skip(rest, 1);
    value->data = rest->data;

    for ( ;; ) {
        p = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

        if (p == NULL || p == value->data || p[-1] != '\r') {
            return IMGP_ERROR;
        }

        end = p - 1;
        imgp_mime_skip(rest, (size_t) (p - rest->data) + 1);

        if (rest->len == 0 || !imgp_mime_is_space(rest->data[0])) {
            break;
        }

        end[0] = ' ';
        end[1] = ' ';
    }

    value->len = (size_t) (end - value->data);
    imgp_mime_trim(value);

    return IMGP_OK;
}


void
imgp_mime_value(imgp_str_t *rest, imgp_str_t *value)
{
    u_char  *p;

    p = rest->len ? memchr(rest->data, ';', rest->len) : NULL;

    value->data = rest->data;
    value->len = p ? (size_t) (p - rest->data) : rest->len;

    imgp_mime_skip(rest, value->len);
    imgp_mime_trim(value);
}


imgp_int_t
imgp_mime_param(imgp_str_t *rest, imgp_mime_param_t *param)
{
    imgp_mime_skip_space(rest);

    if (rest->len == 0) {
        return IMGP_DONE;
    }

    if (rest->data[0] != ';') {
        return IMGP_ERROR;
    }

    while (rest->len && (rest->data[0] == ';'
                         || imgp_mime_is_space(rest->data[0])))
    {
        imgp_mime_skip(rest, 1);
    }

    if (rest->len == 0) {
        return IMGP_DONE;
    }

    param->name.data = rest->data;
    param->name.len = imgp_mime_token_len(rest);

    imgp_mime_skip(rest, param->name.len);
    imgp_mime_skip_space(rest);

    if (param->name.len == 0 || rest->len == 0 || rest->data[0] != '=') {
        return IMGP_ERROR;
    }

    imgp_mime_skip(rest, 1);
    imgp_mime_skip_space(rest);

    param->quoted = (rest->len && rest->data[0] == '"');

    if (param->quoted) {
        return imgp_mime_quoted(rest, &param->value);
    }

    /* wider than a token: boundaries with "=" or "/" are sent unquoted */

    param->value = *rest;

    while (rest->len && rest->data[0] != ';' && rest->data[0] != '"'
           && !imgp_mime_is_space(rest->data[0]))
    {
        imgp_mime_skip(rest, 1);
    }

    param->value.len -= rest->len;

    return param->value.len ? IMGP_OK : IMGP_ERROR;
}


static imgp_int_t
imgp_mime_quoted(imgp_str_t *rest, imgp_str_t *value)
{
    size_t   i;
    u_char  *p;

    p = rest->data + 1;

    for (i = 0; i < rest->len - 1; i++) {

        if (p[i] == '"') {
            value->data = p;
            value->len = i;
            imgp_mime_skip(rest, i + 2);
            return IMGP_OK;
        }

        if (p[i] == '\\' && i + 1 < rest->len - 1
            && (p[i + 1] == '"' || p[i + 1] == '\\'))
        {
            i++;
        }
    }

    return IMGP_ERROR;
}


void
imgp_mime_unquote(imgp_str_t *value)
{
    size_t   i, n;
    u_char  *p;

    p = value->data;

    for (i = 0, n = 0; i < value->len; i++) {

        if (p[i] == '\\' && i + 1 < value->len
            && (p[i + 1] == '"' || p[i + 1] == '\\'))
        {
            i++;
        }

        p[n++] = p[i];
    }

    value->len = n;
}


imgp_int_t
imgp_mime_extended(imgp_str_t *value)
{
    int          hi, lo;
    size_t       i, n;
    u_char      *p, *quote;
    imgp_str_t   charset;

    charset = *value;

    for (i = 0; i < 2; i++) {
        quote = value->len ? memchr(value->data, '\'', value->len) : NULL;
        if (quote == NULL) {
            return IMGP_ERROR;
        }

        if (i == 0) {
            charset.len = (size_t) (quote - charset.data);
        }

        imgp_mime_skip(value, (size_t) (quote - value->data) + 1);
    }

    if (!imgp_mime_is(&charset, "utf-8")) {
        return IMGP_DECLINED;
    }

    p = value->data;

    for (i = 0, n = 0; i < value->len; i++) {

        if (p[i] != '%') {
            p[n++] = p[i];
            continue;
        }

        if (value->len - i < 3) {
            return IMGP_ERROR;
        }

        hi = imgp_mime_hex(p[i + 1]);
        lo = imgp_mime_hex(p[i + 2]);

        if (hi == -1 || lo == -1) {
            return IMGP_ERROR;
        }

        p[n++] = (u_char) (hi << 4 | lo);
        i += 2;
    }

    value->len = n;

    return IMGP_OK;
}


void
imgp_mime_filename(imgp_str_t *name)
{
    size_t   n, len;
    u_char  *p, *dst, *last;

    last = name->data + name->len;

    for (p = last; p > name->data; p--) {
        if (p[-1] == '/' || p[-1] == '\\') {
            break;
        }
    }

    dst = name->data;
    len = 0;

    while (p < last) {
        n = imgp_utf8_printable(p, last);

        if (len + imgp_max(n, 1) > IMGP_MIME_FILENAME_MAX) {
            break;
        }

        if (n == 0) {
            dst[len++] = '_';
            p++;
            continue;
        }

        memmove(dst + len, p, n);
        len += n;
        p += n;
    }

    name->len = len;
}


static void
imgp_mime_skip(imgp_str_t *rest, size_t n)
{
    rest->data += n;
    rest->len -= n;
}


static void
imgp_mime_skip_space(imgp_str_t *rest)
{
    while (rest->len && imgp_mime_is_space(rest->data[0])) {
        imgp_mime_skip(rest, 1);
    }
}


static void
imgp_mime_trim(imgp_str_t *s)
{
    imgp_mime_skip_space(s);

    while (s->len && imgp_mime_is_space(s->data[s->len - 1])) {
        s->len--;
    }
}


/* RFC 9110, 5.6.2 */

static size_t
imgp_mime_token_len(const imgp_str_t *s)
{
    size_t  i;
    u_char  ch;

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (ch <= 0x20 || ch >= 0x7f
            || strchr("\"(),/:;<=>?@[\\]{}", ch) != NULL)
        {
            break;
        }
    }

    return i;
}


static int
imgp_mime_hex(u_char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    return (ch >= 'a' && ch <= 'f') ? ch - 'a' + 10 : -1;
}
