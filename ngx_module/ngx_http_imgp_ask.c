
/*
 * What a call sends: its URL and headers; the body is ask_body.c's.  Headers
 * are copied by curl, in malloc'ed memory that ngx_http_imgp_ask_free()
 * returns.  Called by ngx_http_imgp_service.c, event loop only.
 *
 * "Idempotency-Key" is a string of structured fields, RFC 8941, 3.3.3.
 */


#include <ngx_http_imgp_call.h>


#define NGX_HTTP_IMGP_ASK_LINE  256        /* of the headers of our own */


static ngx_int_t ngx_http_imgp_ask_headers(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool, CURL *easy);
static ngx_int_t ngx_http_imgp_ask_own(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, const char *name, const char *value);
static ngx_int_t ngx_http_imgp_ask_configured(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool);
static ngx_int_t ngx_http_imgp_ask_add(ngx_http_imgp_ask_t *ask,
    const char *line);
static ngx_uint_t ngx_http_imgp_ask_controls(ngx_str_t *text);


ngx_int_t
ngx_http_imgp_ask_init(ngx_http_imgp_ask_t *ask, ngx_http_imgp_call_t *call,
    ngx_pool_t *pool, CURL *easy)
{
    long                      connect;
    ngx_http_imgp_service_t  *service;

    service = call->service;
    connect = ngx_min(call->timeout, NGX_HTTP_IMGP_CONNECT);

    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect);

    if (curl_easy_setopt(easy, CURLOPT_URL, (char *) service->url.data)
        != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_USERAGENT, "image-pipeline")
           != CURLE_OK)
    {
        return ngx_http_imgp_ask_no_memory(call);
    }

    if (ngx_http_imgp_ask_headers(ask, call, pool, easy) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_imgp_ask_body(ask, call, pool, easy);
}


/* curl itself rewinds a form, but not what it has read elsewhere */

void
ngx_http_imgp_ask_rewind(ngx_http_imgp_call_t *call)
{
    if (call->request) {
        (void) imgp_template_seek(call->request, 0);
    }
}


void
ngx_http_imgp_ask_free(ngx_http_imgp_ask_t *ask)
{
    curl_mime_free(ask->mime);
    ask->mime = NULL;

    curl_slist_free_all(ask->headers);
    ask->headers = NULL;
}


static ngx_int_t
ngx_http_imgp_ask_headers(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool, CURL *easy)
{
    char         key[IMGP_DIGEST_HEX_LEN + sizeof("\"\"")];
    u_char      *p;
    const char  *type;

    p = (u_char *) key;
    *p++ = '"';
    p = ngx_hex_dump(p, call->key, IMGP_DIGEST_LEN);
    *p++ = '"';
    *p = '\0';

    /* a header without a value is one that curl does not send: it would wait
       a second for "100 Continue" before a large body.  Of a signed request it
       would be signed (up to 8.0), and S3 answers it at once */

    if (call->service->put == NULL
        && ngx_http_imgp_ask_add(ask, "Expect:") != NGX_OK)
    {
        return ngx_http_imgp_ask_no_memory(call);
    }

    if (call->service->send != NGX_HTTP_IMGP_SEND_NOTHING
        && ngx_http_imgp_ask_own(ask, call, "Idempotency-Key", key) != NGX_OK)
    {
        return ngx_http_imgp_ask_no_memory(call);
    }

    if (call->trace[0] != '\0'
        && ngx_http_imgp_ask_own(ask, call, "traceparent", call->trace)
           != NGX_OK)
    {
        return ngx_http_imgp_ask_no_memory(call);
    }

    if (call->service->put) {
        p = (u_char *) key;
        *ngx_hex_dump(p, (u_char *) call->digest, IMGP_DIGEST_LEN) = '\0';

        if (ngx_http_imgp_ask_own(ask, call, "x-amz-content-sha256", key)
            != NGX_OK)
        {
            return ngx_http_imgp_ask_no_memory(call);
        }
    }

    type = NULL;

    switch (call->service->send) {

    case NGX_HTTP_IMGP_SEND_JSON:
        type = "application/json";
        break;

    case NGX_HTTP_IMGP_SEND_FORM:
        type = "application/x-www-form-urlencoded";
        break;

    case NGX_HTTP_IMGP_SEND_RAW:
    case NGX_HTTP_IMGP_SEND_PUT:
        type = ngx_http_imgp_ask_type(call, 0);
        break;
    }

    if (type) {

        if (ngx_http_imgp_ask_own(ask, call, "Content-Type", type) != NGX_OK) {
            return ngx_http_imgp_ask_no_memory(call);
        }
    }

    if (ngx_http_imgp_ask_configured(ask, call, pool) != NGX_OK) {
        return NGX_ERROR;
    }

    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, ask->headers);

    return NGX_OK;
}


/* a header of the configuration replaces the module's own */

static ngx_int_t
ngx_http_imgp_ask_own(ngx_http_imgp_ask_t *ask, ngx_http_imgp_call_t *call,
    const char *name, const char *value)
{
    char                    line[NGX_HTTP_IMGP_ASK_LINE];
    ngx_uint_t              i;
    ngx_http_imgp_field_t  *field;

    field = call->service->headers.elts;

    for (i = 0; i < call->service->headers.nelts; i++) {

        if (field[i].name.len == ngx_strlen(name)
            && ngx_strncasecmp(field[i].name.data, (u_char *) name,
                               field[i].name.len)
               == 0)
        {
            return NGX_OK;
        }
    }

    ngx_snprintf((u_char *) line, sizeof(line) - 1, "%s: %s%Z", name, value);
    line[sizeof(line) - 1] = '\0';

    return ngx_http_imgp_ask_add(ask, line);
}


static ngx_int_t
ngx_http_imgp_ask_configured(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool)
{
    ngx_str_t               line;
    ngx_uint_t              i;
    ngx_http_imgp_field_t  *field;

    field = call->service->headers.elts;

    for (i = 0; i < call->service->headers.nelts; i++) {

        if (ngx_http_imgp_ask_text(pool, &field[i], call->params, ": ", &line)
            != NGX_OK)
        {
            return ngx_http_imgp_ask_no_memory(call);
        }

        if (ngx_http_imgp_ask_controls(&line)) {
            return imgp_error_set(&call->error, IMGP_E_BAD_PARAM,
                                  "a param's value cannot be sent in the "
                                  "header \"%.*s\"", (int) field[i].name.len,
                                  field[i].name.data);
        }

        /* curl takes "Name: " for a header to be left out, "Name;" for an
           empty one */

        if (line.len == field[i].name.len + sizeof(": ") - 1) {
            line.data[field[i].name.len] = ';';
            line.data[field[i].name.len + 1] = '\0';
        }

        if (ngx_http_imgp_ask_add(ask, (char *) line.data) != NGX_OK) {
            return ngx_http_imgp_ask_no_memory(call);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_imgp_ask_add(ngx_http_imgp_ask_t *ask, const char *line)
{
    struct curl_slist  *list;

    list = curl_slist_append(ask->headers, line);
    if (list == NULL) {
        return NGX_ERROR;
    }

    ask->headers = list;

    return NGX_OK;
}


/* the pieces of a value with params filled in, behind the field's name if
   "between" is given; NUL-terminated */

ngx_int_t
ngx_http_imgp_ask_text(ngx_pool_t *pool, ngx_http_imgp_field_t *field,
    imgp_str_t *params, const char *between, ngx_str_t *text)
{
    u_char                 *p;
    size_t                  len;
    ngx_uint_t              i;
    ngx_http_imgp_piece_t  *piece;

    piece = field->pieces.elts;
    len = (between != NULL) ? field->name.len + ngx_strlen(between) : 0;

    for (i = 0; i < field->pieces.nelts; i++) {
        len += piece[i].literal.len;

        if (piece[i].param != IMGP_NO_PARAM) {
            len += params[piece[i].param].len;
        }
    }

    text->data = ngx_pnalloc(pool, len + 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = len;
    p = text->data;

    if (between != NULL) {
        p = ngx_cpymem(p, field->name.data, field->name.len);
        p = ngx_cpymem(p, between, ngx_strlen(between));
    }

    for (i = 0; i < field->pieces.nelts; i++) {
        p = ngx_cpymem(p, piece[i].literal.data, piece[i].literal.len);

        if (piece[i].param != IMGP_NO_PARAM) {
            p = ngx_cpymem(p, params[piece[i].param].data,
                           params[piece[i].param].len);
        }
    }

    *p = '\0';

    return NGX_OK;
}


static ngx_uint_t
ngx_http_imgp_ask_controls(ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if ((text->data[i] < 0x20 && text->data[i] != '\t')
            || text->data[i] == 0x7f)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_imgp_ask_no_memory(ngx_http_imgp_call_t *call)
{
    return imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
}
