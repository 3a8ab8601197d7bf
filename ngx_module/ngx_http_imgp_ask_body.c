
/*
 * The body of a call: the inputs as they are, as parts of multipart/form-data,
 * or in a text made of a template.  curl reads the inputs where they are
 * mapped, and copies small parts, in malloc'ed memory that ask.c returns.
 *
 * Called by ngx_http_imgp_ask.c, and by curl for the next bytes; event loop
 * only.
 */


#include <ngx_http_imgp_call.h>


#define NGX_HTTP_IMGP_ASK_FILE  sizeof("input-") + NGX_INT_T_LEN              \
                                + sizeof(".json")


/* where curl is in an input */

typedef struct {
    u_char                        *data;
    size_t                         len;
    size_t                         pos;
} ngx_http_imgp_ask_input_t;


typedef struct {
    const char                    *type;
    const char                    *suffix;
} ngx_http_imgp_ask_suffix_t;


static ngx_int_t ngx_http_imgp_ask_raw(ngx_http_imgp_call_t *call, CURL *easy);
static ngx_int_t ngx_http_imgp_ask_json(ngx_http_imgp_call_t *call,
    CURL *easy);
static size_t ngx_http_imgp_ask_json_read(char *buf, size_t size, size_t n,
    void *data);
static int ngx_http_imgp_ask_json_seek(void *data, curl_off_t offset,
    int origin);
static ngx_int_t ngx_http_imgp_ask_multipart(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool, CURL *easy);
static const char *ngx_http_imgp_ask_field(ngx_http_imgp_call_t *call,
    ngx_uint_t i);
static ngx_int_t ngx_http_imgp_ask_input(curl_mimepart *part,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool, ngx_uint_t i);
static size_t ngx_http_imgp_ask_read(char *buf, size_t size, size_t n,
    void *data);
static int ngx_http_imgp_ask_seek(void *data, curl_off_t offset, int origin);
static ngx_int_t ngx_http_imgp_ask_put(ngx_http_imgp_call_t *call, CURL *easy);
static char *ngx_http_imgp_ask_name(ngx_pool_t *pool, ngx_str_t *name);


static ngx_http_imgp_ask_suffix_t  ngx_http_imgp_ask_suffixes[] = {
    { "image/jpeg", "jpg" },
    { "image/png", "png" },
    { "image/webp", "webp" },
    { "image/gif", "gif" },
    { "application/json", "json" }
};


ngx_int_t
ngx_http_imgp_ask_body(ngx_http_imgp_ask_t *ask, ngx_http_imgp_call_t *call,
    ngx_pool_t *pool, CURL *easy)
{
    switch (call->service->send) {

    case NGX_HTTP_IMGP_SEND_MULTIPART:
        return ngx_http_imgp_ask_multipart(ask, call, pool, easy);

    case NGX_HTTP_IMGP_SEND_NOTHING:
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return NGX_OK;

    case NGX_HTTP_IMGP_SEND_PUT:
        return ngx_http_imgp_ask_put(call, easy);

    case NGX_HTTP_IMGP_SEND_JSON:
    case NGX_HTTP_IMGP_SEND_FORM:
        return ngx_http_imgp_ask_json(call, easy);

    default:
        return ngx_http_imgp_ask_raw(call, easy);
    }
}


/* curl sends from the mapping itself; without POSTFIELDS it would read stdin */

static ngx_int_t
ngx_http_imgp_ask_raw(ngx_http_imgp_call_t *call, CURL *easy)
{
    imgp_str_t  *input;

    if (call->ninputs != 1) {
        return imgp_error_set(&call->error, IMGP_E_LIMIT,
                              "\"send raw\" takes one input, not %lu",
                              (unsigned long) call->ninputs);
    }

    input = call->inputs;

    if (call->service->method
        && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->service->method)
           != CURLE_OK)
    {
        return ngx_http_imgp_ask_no_memory(call);
    }

    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t) input->len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                     input->len ? (char *) input->data : "");

    return NGX_OK;
}


/* curl signs what it sends (SigV4), with the digest that is in a header; dots
   in a key are no folders */

static ngx_int_t
ngx_http_imgp_ask_put(ngx_http_imgp_call_t *call, CURL *easy)
{
    const char           *method;
    ngx_http_imgp_put_t  *put;

    put = call->service->put;
    method = call->service->method ? call->service->method : "PUT";

    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);

    if (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, (char *) put->sign.data)
           != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_USERNAME, (char *) put->access.data)
           != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_PASSWORD, (char *) put->secret.data)
           != CURLE_OK)
    {
        return ngx_http_imgp_ask_no_memory(call);
    }

    return ngx_http_imgp_ask_raw(call, easy);
}


static ngx_int_t
ngx_http_imgp_ask_json(ngx_http_imgp_call_t *call, CURL *easy)
{
    curl_off_t  length;

    length = imgp_template_length(call->request);

    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, length);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, ngx_http_imgp_ask_json_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, call->request);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, ngx_http_imgp_ask_json_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call->request);

    return NGX_OK;
}


static size_t
ngx_http_imgp_ask_json_read(char *buf, size_t size, size_t n, void *data)
{
    return imgp_template_read(data, (u_char *) buf, size * n);
}


static int
ngx_http_imgp_ask_json_seek(void *data, curl_off_t offset, int origin)
{
    return (origin == SEEK_SET && offset >= 0
            && imgp_template_seek(data, offset) == IMGP_OK)
           ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}


static ngx_int_t
ngx_http_imgp_ask_multipart(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool, CURL *easy)
{
    char                   *name;
    ngx_str_t               value;
    ngx_uint_t              i;
    curl_mimepart          *part;
    ngx_http_imgp_field_t  *field;

    ask->mime = curl_mime_init(easy);
    if (ask->mime == NULL) {
        return ngx_http_imgp_ask_no_memory(call);
    }

    for (i = 0; i < call->ninputs; i++) {
        part = curl_mime_addpart(ask->mime);

        if (part == NULL
            || ngx_http_imgp_ask_input(part, call, pool, i) != NGX_OK)
        {
            return ngx_http_imgp_ask_no_memory(call);
        }
    }

    field = call->service->parts.elts;

    for (i = 0; i < call->service->parts.nelts; i++) {
        part = curl_mime_addpart(ask->mime);
        name = ngx_http_imgp_ask_name(pool, &field[i].name);

        if (part == NULL
            || name == NULL
            || ngx_http_imgp_ask_text(pool, &field[i], call->params, NULL,
                                      &value)
               != NGX_OK
            || curl_mime_data(part, (char *) value.data, value.len) != CURLE_OK
            || curl_mime_name(part, name) != CURLE_OK)
        {
            return ngx_http_imgp_ask_no_memory(call);
        }
    }

    curl_easy_setopt(easy, CURLOPT_MIMEPOST, ask->mime);

    return NGX_OK;
}


/* of an input: that of the stage which it is an item of */

static const char *
ngx_http_imgp_ask_field(ngx_http_imgp_call_t *call, ngx_uint_t i)
{
    ngx_uint_t                k;
    ngx_http_imgp_service_t  *service;

    service = call->service;

    if (call->each) {
        i %= call->each;
    }

    for (k = 0; k + 1 < service->nfields && i >= call->counts[k]; k++) {
        i -= call->counts[k];
    }

    return (char *) service->fields[k].data;
}


/* services store uploads by their file names: they differ */

static ngx_int_t
ngx_http_imgp_ask_input(curl_mimepart *part, ngx_http_imgp_call_t *call,
    ngx_pool_t *pool, ngx_uint_t i)
{
    char                        file[NGX_HTTP_IMGP_ASK_FILE];
    const char                 *type, *suffix;
    ngx_http_imgp_ask_input_t  *input;

    type = ngx_http_imgp_ask_type(call, i);
    suffix = ngx_http_imgp_ask_suffix(type);

    if (i == 0) {
        ngx_snprintf((u_char *) file, sizeof(file), "input.%s%Z", suffix);

    } else {
        ngx_snprintf((u_char *) file, sizeof(file), "input-%ui.%s%Z", i + 1,
                     suffix);
    }

    input = ngx_pcalloc(pool, sizeof(ngx_http_imgp_ask_input_t));
    if (input == NULL) {
        return NGX_ERROR;
    }

    input->data = call->inputs[i].data;
    input->len = call->inputs[i].len;

    if (curl_mime_data_cb(part, (curl_off_t) input->len,
                          ngx_http_imgp_ask_read, ngx_http_imgp_ask_seek,
                          NULL, input)
        != CURLE_OK
        || curl_mime_name(part, ngx_http_imgp_ask_field(call, i)) != CURLE_OK
        || curl_mime_filename(part, file) != CURLE_OK
        || curl_mime_type(part, type) != CURLE_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static size_t
ngx_http_imgp_ask_read(char *buf, size_t size, size_t n, void *data)
{
    ngx_http_imgp_ask_input_t  *input = data;

    n = ngx_min(size * n, input->len - input->pos);

    ngx_memcpy(buf, input->data + input->pos, n);
    input->pos += n;

    return n;
}


/* curl sends again on a new connection if a kept one turns out closed */

static int
ngx_http_imgp_ask_seek(void *data, curl_off_t offset, int origin)
{
    ngx_http_imgp_ask_input_t  *input = data;

    if (origin != SEEK_SET || offset < 0
        || (uint64_t) offset > (uint64_t) input->len)
    {
        return CURL_SEEKFUNC_FAIL;
    }

    input->pos = (size_t) offset;

    return CURL_SEEKFUNC_OK;
}


const char *
ngx_http_imgp_ask_suffix(const char *type)
{
    ngx_uint_t  i;

    for (i = 0; i < imgp_nelts(ngx_http_imgp_ask_suffixes); i++) {

        if (ngx_strcmp(ngx_http_imgp_ask_suffixes[i].type, type) == 0) {
            return ngx_http_imgp_ask_suffixes[i].suffix;
        }
    }

    return "bin";
}


const char *
ngx_http_imgp_ask_type(ngx_http_imgp_call_t *call, ngx_uint_t i)
{
    const char  *type;

    type = (i < call->ninputs && call->types != NULL) ? call->types[i] : NULL;

    return (type == NULL || *type == '\0') ? "application/octet-stream" : type;
}


static char *
ngx_http_imgp_ask_name(ngx_pool_t *pool, ngx_str_t *name)
{
    u_char  *p;

    p = ngx_pnalloc(pool, name->len + 1);
    if (p == NULL) {
        return NULL;
    }

    ngx_cpystrn(p, name->data, name->len + 1);

    return (char *) p;
}
