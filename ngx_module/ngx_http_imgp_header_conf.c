
/*
 * "header": the headers that a call of a service carries.
 *
 * Called while nginx reads its configuration.  A value may be the content of
 * a file, a secret: it is read once, by the user who starts nginx, lives in
 * the cycle's pool, and neither logs nor stage->text ever show it.
 */


#include "ngx_http_imgp_conf.h"


typedef struct {
    ngx_str_t      name;
    const char    *why;
} ngx_http_imgp_reserved_t;


static char *ngx_http_imgp_header_name(ngx_conf_t *cf,
    ngx_http_imgp_service_t *service, ngx_str_t *name);
static ngx_int_t ngx_http_imgp_conf_literal(ngx_conf_t *cf, ngx_array_t *pieces,
    ngx_str_t *value);


static ngx_http_imgp_reserved_t  ngx_http_imgp_reserved_headers[] = {
    { ngx_string("Content-Length"), "it follows from the body" },
    { ngx_string("Transfer-Encoding"), "it follows from the body" },
    { ngx_string("Idempotency-Key"), "every call carries the stage's key" },
    { ngx_string("traceparent"), "every call carries its own" },
    { ngx_string("Connection"), "connections are kept by the module" },
    { ngx_string("Keep-Alive"), "connections are kept by the module" },
    { ngx_string("Proxy-Connection"), "connections are kept by the module" },
    { ngx_string("Upgrade"), "connections are kept by the module" },
    { ngx_string("Expect"), "calls do not wait for \"100 Continue\"" },
    { ngx_string("Trailer"), "it follows from the body" },
    { ngx_string("TE"), "it follows from the body" },
    { ngx_null_string, NULL }
};


char *
ngx_http_imgp_conf_header(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *value, secret;
    ngx_http_imgp_field_t       *header;
    ngx_http_imgp_service_t     *service;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    service = ngx_http_imgp_conf_service(cf, sc);
    if (service == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_header_name(cf, service, &value[1]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (value[2].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "header \"%V\" has no value: give it one, "
                           "or remove it", &value[1]);
        return NGX_CONF_ERROR;
    }

    header = ngx_array_push(&service->headers);
    if (header == NULL) {
        return NGX_CONF_ERROR;
    }

    header->name = value[1];

    if (ngx_http_imgp_conf_text_add(&sc->headers, "header", &value[1])
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (value[2].data[0] == '@') {
        secret = value[2];

        if (ngx_http_imgp_conf_secret(cf, "header", &value[1],
                                      &secret) != NGX_CONF_OK
            || ngx_http_imgp_conf_literal(cf, &header->pieces, &secret)
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (ngx_http_imgp_conf_text_add(&sc->headers, "value", &value[2])
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_imgp_conf_pieces(cf, sc, &header->pieces, &value[2]);
}


static char *
ngx_http_imgp_header_name(ngx_conf_t *cf, ngx_http_imgp_service_t *service,
    ngx_str_t *name)
{
    u_char                    *p, ch;
    ngx_uint_t                 i;
    ngx_http_imgp_field_t     *header;
    ngx_http_imgp_reserved_t  *r;

    /* "token" of RFC 9110, 5.6.2 */

    for (p = name->data; p < name->data + name->len; p++) {
        ch = ngx_tolower(*p);

        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
              || (ch > ' ' && ch < 0x7f
                  && ngx_strchr("!#$%&'*+-.^_`|~", ch))))
        {
            break;
        }
    }

    if (name->len == 0 || p != name->data + name->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid header name \"%V\": it must be such as "
                           "\"X-Api-Key\", without a colon", name);
        return NGX_CONF_ERROR;
    }

    for (r = ngx_http_imgp_reserved_headers; r->name.len; r++) {

        if (ngx_strcasecmp(name->data, r->name.data) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "header \"%V\" cannot be set, %s: remove it",
                               name, r->why);
            return NGX_CONF_ERROR;
        }
    }

    header = service->headers.elts;

    for (i = 0; i < service->headers.nelts; i++) {

        if (ngx_strcasecmp(name->data, header[i].name.data) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate header \"%V\": remove one of both",
                               name);
            return NGX_CONF_ERROR;
        }
    }

    if (i == NGX_HTTP_IMGP_FIELDS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "header \"%V\" is one too many: %d are the most",
                           name, NGX_HTTP_IMGP_FIELDS_MAX);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* the value "@FILE" becomes the file's content without its line's end */

char *
ngx_http_imgp_conf_secret(ngx_conf_t *cf, const char *what, ngx_str_t *header,
    ngx_str_t *value)
{
    u_char     *p, buf[NGX_HTTP_IMGP_SECRET_MAX + 2];
    ssize_t     n, i;
    ngx_str_t   name;

    name.len = value->len - 1;
    name.data = value->data + 1;

    if (name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no file after the \"@\" of %s \"%V\": "
                           "write \"%s %V @/path/of/a/file;\"",
                           what, header, what, header);
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    n = ngx_http_imgp_conf_read_file(&name, buf, sizeof(buf));

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "cannot read the file \"%V\" of %s \"%V\", "
                           "which must be readable when nginx starts",
                           &name, what, header);
        return NGX_CONF_ERROR;
    }

    if (n > 0 && buf[n - 1] == LF) {
        n--;

        if (n > 0 && buf[n - 1] == CR) {
            n--;
        }
    }

    if (n == 0 || n > NGX_HTTP_IMGP_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the file \"%V\" of %s \"%V\" is %s: it must "
                           "hold 1 to %d bytes", &name, what, header,
                           n ? "too long" : "empty", NGX_HTTP_IMGP_SECRET_MAX);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {

        if ((buf[i] < ' ' && buf[i] != '\t') || buf[i] == 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the file \"%V\" of %s \"%V\" must hold one "
                               "line of text, but has a control character at "
                               "its byte %z", &name, what, header, i + 1);
            return NGX_CONF_ERROR;
        }
    }

    p = ngx_pnalloc(cf->pool, n);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(p, buf, n);
    ngx_explicit_memzero(buf, sizeof(buf));

    value->len = n;
    value->data = p;

    return NGX_CONF_OK;
}


ssize_t
ngx_http_imgp_conf_read_file(ngx_str_t *name, u_char *buf, size_t size)
{
    size_t     len;
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_err_t  err;

    /* a FIFO without a writer must not stop nginx */

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    len = 0;

    do {
        n = ngx_read_fd(fd, buf + len, size - len);
        len += (n > 0) ? n : 0;

    } while (n > 0 && len < size);

    err = ngx_errno;
    (void) ngx_close_file(fd);
    ngx_set_errno(err);

    return (n == -1) ? NGX_ERROR : (ssize_t) len;
}


static ngx_int_t
ngx_http_imgp_conf_literal(ngx_conf_t *cf, ngx_array_t *pieces,
    ngx_str_t *value)
{
    ngx_http_imgp_piece_t  *piece;

    if (ngx_array_init(pieces, cf->pool, 1, sizeof(ngx_http_imgp_piece_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    piece = ngx_array_push(pieces);
    piece->literal = *value;
    piece->param = IMGP_NO_PARAM;

    return NGX_OK;
}
