
/*
 * What a service answered: the body under its cap, or the one error that
 * status and libcurl's result come to.  Called by ngx_http_imgp_service.c and,
 * through curl, by ngx_http_imgp_curl.c; event loop only.  The body is
 * malloc'ed: it goes on to the caller of the call, and to threads.
 *
 * The sentences of errors are public: neither path nor query of a URL is in
 * them.  A status told counts for more than how the connection ended.
 */


#include <ngx_http_imgp_call.h>


#define NGX_HTTP_IMGP_ANSWER_FIRST   65536     /* bytes allocated at first */
#define NGX_HTTP_IMGP_ANSWER_KNOWN   1048576   /* if so many are announced */
#define NGX_HTTP_IMGP_ANSWER_HEADER  65536     /* bytes of header lines */
#define NGX_HTTP_IMGP_ANSWER_ERROR   65536     /* of an error's body, read to
                                                  keep the connection */
#define NGX_HTTP_IMGP_ANSWER_TYPE    256       /* of a Content-Type */
#define NGX_HTTP_IMGP_ANSWER_LATER   86400     /* s, longest Retry-After */


typedef struct {
    CURLcode                       result;
    imgp_error_e                   code;
    const char                    *text;
} ngx_http_imgp_answer_error_t;


static size_t ngx_http_imgp_answer_write(char *data, size_t size, size_t n,
    void *p);
static size_t ngx_http_imgp_answer_line(char *data, size_t size, size_t n,
    void *p);
static size_t ngx_http_imgp_answer_skip(ngx_http_imgp_answer_t *answer,
    char *data, size_t len);
static ngx_int_t ngx_http_imgp_answer_grow(ngx_http_imgp_answer_t *answer,
    size_t len);
static void ngx_http_imgp_answer_header(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, const char *name, ngx_str_t *value);
static void ngx_http_imgp_answer_take(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call);
static void ngx_http_imgp_answer_status(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call);
static void ngx_http_imgp_answer_result(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, ngx_http_imgp_transfer_t *t);
static void ngx_http_imgp_answer_timeout(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, ngx_http_imgp_transfer_t *t);
static const char *ngx_http_imgp_answer_connect(CURL *easy);
static long ngx_http_imgp_answer_code(CURL *easy);
static ngx_uint_t ngx_http_imgp_answer_busy(ngx_uint_t status);
static ngx_msec_t ngx_http_imgp_answer_retry_after(CURL *easy);
static void ngx_http_imgp_answer_log(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call);


static ngx_http_imgp_answer_error_t  ngx_http_imgp_answer_errors[] = {

    { CURLE_OK, IMGP_E_SERVICE_REPLY, "answer is not valid HTTP" },
    { CURLE_WEIRD_SERVER_REPLY, IMGP_E_SERVICE_REPLY,
      "answer is not valid HTTP" },
    { CURLE_UNSUPPORTED_PROTOCOL, IMGP_E_SERVICE_REPLY,
      "answer is not valid HTTP" },

    { CURLE_PEER_FAILED_VERIFICATION, IMGP_E_SERVICE_CONNECT,
      "certificate is not trusted" },
    { CURLE_SSL_CACERT_BADFILE, IMGP_E_SERVICE_CONNECT,
      "no certificate is trusted" },
    { CURLE_SSL_CONNECT_ERROR, IMGP_E_SERVICE_CONNECT,
      "TLS handshake failed" },
    { CURLE_ABORTED_BY_CALLBACK, IMGP_E_SERVICE_CONNECT,
      "no free connection" },

    { CURLE_OUT_OF_MEMORY, IMGP_E_INTERNAL, "out of memory" }
};


void
ngx_http_imgp_answer_init(ngx_http_imgp_answer_t *answer, CURL *easy,
    size_t max)
{
    answer->easy = easy;
    answer->max = max;

    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ngx_http_imgp_answer_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, ngx_http_imgp_answer_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) max);
}


void
ngx_http_imgp_answer_reset(ngx_http_imgp_answer_t *answer)
{
    answer->len = 0;
    answer->header = 0;
    answer->skipped = 0;
    answer->excerpt_len = 0;
    answer->too_large = 0;
    answer->header_too_large = 0;
    answer->no_memory = 0;
}


void
ngx_http_imgp_answer_free(ngx_http_imgp_answer_t *answer)
{
    free(answer->body);

    answer->body = NULL;
    answer->len = 0;
    answer->size = 0;
}


/* to take less than was given makes curl end the transfer */

static size_t
ngx_http_imgp_answer_write(char *data, size_t size, size_t n, void *p)
{
    ngx_http_imgp_answer_t  *answer = p;

    size_t  len;

    len = size * n;

    if (ngx_http_imgp_answer_code(answer->easy) >= 300) {
        return ngx_http_imgp_answer_skip(answer, data, len);
    }

    if (len > answer->max - answer->len) {
        answer->too_large = 1;
        return 0;
    }

    if (len > answer->size - answer->len
        && ngx_http_imgp_answer_grow(answer, len) != NGX_OK)
    {
        answer->no_memory = 1;
        return 0;
    }

    ngx_memcpy(answer->body + answer->len, data, len);
    answer->len += len;

    return len;
}


static size_t
ngx_http_imgp_answer_line(char *data, size_t size, size_t n, void *p)
{
    ngx_http_imgp_answer_t  *answer = p;

    size_t  len;

    len = size * n;

    if (len > NGX_HTTP_IMGP_ANSWER_HEADER - answer->header) {
        answer->header_too_large = 1;
        return 0;
    }

    answer->header += len;

    return len;
}


static size_t
ngx_http_imgp_answer_skip(ngx_http_imgp_answer_t *answer, char *data,
    size_t len)
{
    size_t  n;

    n = ngx_min(len, NGX_HTTP_IMGP_EXCERPT - answer->excerpt_len);

    ngx_memcpy(answer->excerpt + answer->excerpt_len, data, n);
    answer->excerpt_len += n;

    if (len > NGX_HTTP_IMGP_ANSWER_ERROR - answer->skipped) {
        return 0;
    }

    answer->skipped += len;

    return len;
}


/* doubles; a length announced is believed up to a limit */

static ngx_int_t
ngx_http_imgp_answer_grow(ngx_http_imgp_answer_t *answer, size_t len)
{
    size_t       size;
    u_char      *body;
    curl_off_t   known;

    if (answer->size == 0) {
        size = NGX_HTTP_IMGP_ANSWER_FIRST;

        if (curl_easy_getinfo(answer->easy,
                              CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &known)
            == CURLE_OK
            && known > 0)
        {
            size = ngx_min(known, NGX_HTTP_IMGP_ANSWER_KNOWN);
        }

    } else {
        size = answer->size > answer->max / 2 ? answer->max : answer->size * 2;
    }

    size = ngx_min(ngx_max(size, answer->len + len), answer->max);

    body = realloc(answer->body, size);
    if (body == NULL) {
        return NGX_ERROR;
    }

    answer->body = body;
    answer->size = size;

    return NGX_OK;
}


void
ngx_http_imgp_answer_finish(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, ngx_http_imgp_transfer_t *t)
{
    long  code;

    ngx_memzero(&call->error, sizeof(imgp_error_t));

    /* 1xx is no answer yet */

    code = ngx_http_imgp_answer_code(t->easy);
    call->status = (code >= 200) ? (ngx_uint_t) code : 0;
    call->retry_after = 0;

    if (call->poll && (call->status == NGX_HTTP_ACCEPTED
                       || call->status == NGX_HTTP_SEE_OTHER))
    {
        ngx_http_imgp_answer_header(answer, call, "Location",
                                    &call->location);
    }

    if (call->status >= 300 && call->location.len == 0) {
        ngx_http_imgp_answer_status(answer, call);

    } else if (t->result != CURLE_OK || call->status == 0) {
        ngx_http_imgp_answer_result(answer, call, t);

    } else if (answer->len == 0 && !call->empty) {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_REPLY,
                              "answer is empty");

    } else {
        ngx_http_imgp_answer_take(answer, call);
        return;
    }

    call->error.service_status = call->status;
}


/* as it came: it may be relative */

static void
ngx_http_imgp_answer_header(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, const char *name, ngx_str_t *value)
{
    size_t               len;
    struct curl_header  *header;

    if (curl_easy_header(answer->easy, name, 0, CURLH_HEADER, -1, &header)
        != CURLHE_OK)
    {
        return;
    }

    len = ngx_strlen(header->value);

    value->data = ngx_pnalloc(call->pool, len + 1);

    if (value->data != NULL) {
        ngx_memcpy(value->data, header->value, len);
        value->len = len;
    }
}


static void
ngx_http_imgp_answer_take(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call)
{
    char    *type;
    size_t   len;

    if (call->service->put) {
        ngx_http_imgp_answer_header(answer, call, "ETag", &call->etag);
    }

    type = NULL;
    curl_easy_getinfo(answer->easy, CURLINFO_CONTENT_TYPE, &type);

    if (type != NULL) {
        len = ngx_strlen(type);

        if (len <= NGX_HTTP_IMGP_ANSWER_TYPE) {
            call->type.data = ngx_pnalloc(call->pool, len);

            if (call->type.data != NULL) {
                ngx_memcpy(call->type.data, type, len);
                call->type.len = len;
            }
        }
    }

    call->body = answer->body;
    call->body_len = answer->len;

    answer->body = NULL;
    ngx_http_imgp_answer_free(answer);
}


static void
ngx_http_imgp_answer_status(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call)
{
    imgp_error_e  code;

    code = IMGP_E_SERVICE_REFUSED;

    if (ngx_http_imgp_answer_busy(call->status)) {
        code = IMGP_E_SERVICE_BUSY;
        call->retry_after = ngx_http_imgp_answer_retry_after(answer->easy);
    }

    (void) imgp_error_set(&call->error, code, "service answered %lu",
                          (unsigned long) call->status);

    if (answer->excerpt_len) {
        ngx_http_imgp_answer_log(answer, call);
    }
}


/* the first reason that applies */

static void
ngx_http_imgp_answer_result(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, ngx_http_imgp_transfer_t *t)
{
    ngx_uint_t                     i;
    ngx_http_imgp_answer_error_t  *e;

    if (answer->no_memory) {
        (void) imgp_error_set(&call->error, IMGP_E_INTERNAL, "out of memory");
        return;
    }

    if (answer->header_too_large) {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_REPLY,
                              "answer has too large a header");
        return;
    }

    if (answer->too_large || t->result == CURLE_FILESIZE_EXCEEDED) {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_REPLY,
                              "answer is larger than %zu bytes", answer->max);
        return;
    }

    if (t->result == CURLE_OPERATION_TIMEDOUT) {
        ngx_http_imgp_answer_timeout(answer, call, t);
        return;
    }

    for (i = 0; i < imgp_nelts(ngx_http_imgp_answer_errors); i++) {
        e = &ngx_http_imgp_answer_errors[i];

        if (t->result == e->result) {
            (void) imgp_error_set(&call->error, e->code, "%s", e->text);
            return;
        }
    }

    if (call->status) {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_REPLY,
                              "answer ended too early");

    } else if (ngx_http_imgp_answer_connected(t)) {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_CONNECT,
                              "connection closed before an answer");

    } else {
        (void) imgp_error_set(&call->error, IMGP_E_SERVICE_CONNECT, "%s",
                              ngx_http_imgp_answer_connect(t->easy));
    }
}


/* curl's own timeout is that of the connect, ours that of the call */

static void
ngx_http_imgp_answer_timeout(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, ngx_http_imgp_transfer_t *t)
{
    const char     *what;
    unsigned long   ms;

    ms = (unsigned long) call->timeout;

    if (t->waiting) {
        what = "free connection";

    } else if (!ngx_http_imgp_answer_connected(t)) {
        what = "connection";
        ms = ngx_min(ms, NGX_HTTP_IMGP_CONNECT);

    } else if (call->status) {
        what = "whole answer";

    } else {
        what = "answer";
    }

    (void) imgp_error_set(&call->error, IMGP_E_SERVICE_TIMEOUT,
                          "no %s within %lu ms", what, ms);
}


static const char *
ngx_http_imgp_answer_connect(CURL *easy)
{
    long  err;

    err = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &err);

    switch (err) {

    case ECONNREFUSED:
        return "connection refused";

    case EHOSTUNREACH:
    case ENETUNREACH:
        return "host is unreachable";

    case EMFILE:
    case ENFILE:
        return "too many open files";

    case ENOENT:
        return "no such socket";

    case EACCES:
        return "socket is not accessible";

    default:
        return "cannot connect";
    }
}


ngx_uint_t
ngx_http_imgp_answer_connected(ngx_http_imgp_transfer_t *t)
{
    curl_off_t  time;

    /* it may have been sent on a kept connection before, in vain */

    if (t->result == CURLE_COULDNT_CONNECT) {
        return 0;
    }

    time = 0;
    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &time);

    return time > 0;
}


static long
ngx_http_imgp_answer_code(CURL *easy)
{
    long  code;

    code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);

    return code;
}


static ngx_uint_t
ngx_http_imgp_answer_busy(ngx_uint_t status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}


/* curl has read both forms, seconds and a date */

static ngx_msec_t
ngx_http_imgp_answer_retry_after(CURL *easy)
{
    curl_off_t  s;

    s = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &s);

    if (s <= 0) {
        return 0;
    }

    return (ngx_msec_t) ngx_min(s, NGX_HTTP_IMGP_ANSWER_LATER) * 1000;
}


static void
ngx_http_imgp_answer_log(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call)
{
    size_t  i;

    for (i = 0; i < answer->excerpt_len; i++) {

        if (answer->excerpt[i] < 0x20 || answer->excerpt[i] > 0x7e) {
            answer->excerpt[i] = '.';
        }
    }

    ngx_log_error(NGX_LOG_INFO, call->log, 0, "service \"%V\" explained: %*s",
                  &call->service->host, answer->excerpt_len, answer->excerpt);
}
