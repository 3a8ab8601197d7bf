
/*
 * The closed set of errors: one table gives every code its name, its title,
 * its HTTP status and its class; nothing else in the project decides these.
 *
 * Called from any thread: the table is constant, and imgp_error_set() writes
 * only to the caller's structure.  Nothing is allocated.
 *
 * "detail" ends in JSON documents, in logs and on people's screens, and parts
 * of it may come from a client; so it is made well-formed UTF-8 (RFC 3629)
 * without control characters here, once, rather than at each of its readers.
 */


#include <stdarg.h>
#include <stdio.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_utf8.h>


typedef struct {
    const char    *name;
    const char    *title;
    imgp_uint_t    status;
    imgp_class_e   class;
} imgp_error_entry_t;


static const imgp_error_entry_t *imgp_error_entry(imgp_error_e code);
static void imgp_error_clean(char *dst, const char *src, size_t len,
    imgp_uint_t cut);


static const imgp_error_entry_t  imgp_error_table[IMGP_E_MAX] = {

    [IMGP_E_NONE] =
        { "none", "No error", 200, IMGP_CLASS_CLIENT },

    [IMGP_E_BAD_REQUEST] =
        { "bad-request", "Malformed request", 400, IMGP_CLASS_CLIENT },
    [IMGP_E_DIGEST_MISMATCH] =
        { "digest-mismatch", "Content does not match its digest", 400,
          IMGP_CLASS_CLIENT },
    [IMGP_E_NOT_FOUND] =
        { "not-found", "No such job or output", 404, IMGP_CLASS_CLIENT },
    [IMGP_E_METHOD] =
        { "method-not-allowed", "Method not allowed", 405,
          IMGP_CLASS_CLIENT },
    [IMGP_E_NOT_FAILED] =
        { "not-failed", "Job has not failed", 409, IMGP_CLASS_CLIENT },
    [IMGP_E_EXPIRED] =
        { "expired", "Content has expired", 410, IMGP_CLASS_CLIENT },
    [IMGP_E_TOO_LARGE] =
        { "too-large", "Upload is too large", 413, IMGP_CLASS_CLIENT },
    [IMGP_E_TYPE] =
        { "unsupported-type", "Media type is not accepted", 415,
          IMGP_CLASS_CLIENT },
    [IMGP_E_PIXELS] =
        { "too-many-pixels", "Image has too many pixels", 422,
          IMGP_CLASS_CLIENT },
    [IMGP_E_BAD_IMAGE] =
        { "bad-image", "Image cannot be read", 422, IMGP_CLASS_CLIENT },
    [IMGP_E_BAD_PARAM] =
        { "bad-param", "Parameter is not valid", 422, IMGP_CLASS_CLIENT },
    [IMGP_E_IDEMPOTENCY] =
        { "idempotency-conflict", "Idempotency key was used before", 422,
          IMGP_CLASS_CLIENT },
    [IMGP_E_LIMIT] =
        { "limit-exceeded", "Limit exceeded", 422, IMGP_CLASS_CLIENT },

    /* retryable, but one greedy owner must not fill the error log */

    [IMGP_E_OWNER_SHARE] =
        { "owner-share", "Too many jobs of one owner", 429,
          IMGP_CLASS_CLIENT },
    [IMGP_E_QUEUE_FULL] =
        { "queue-full", "Queue is full", 503, IMGP_CLASS_TRANSIENT },
    [IMGP_E_STORE_AWAY] =
        { "store-unavailable", "Store is unavailable", 503,
          IMGP_CLASS_TRANSIENT },
    [IMGP_E_STORE_FULL] =
        { "store-full", "Store is full", 507, IMGP_CLASS_TRANSIENT },

    [IMGP_E_SERVICE_CONNECT] =
        { "service-unreachable", "Service is unreachable", 502,
          IMGP_CLASS_TRANSIENT },
    [IMGP_E_SERVICE_TIMEOUT] =
        { "service-timeout", "Service timed out", 504,
          IMGP_CLASS_TRANSIENT },
    [IMGP_E_SERVICE_BUSY] =
        { "service-busy", "Service is busy or failing", 502,
          IMGP_CLASS_TRANSIENT },
    [IMGP_E_SERVICE_REPLY] =
        { "service-reply", "Service gave an unusable reply", 502,
          IMGP_CLASS_TRANSIENT },
    [IMGP_E_SERVICE_REFUSED] =
        { "service-refused", "Service refused the request", 502,
          IMGP_CLASS_PERMANENT },

    [IMGP_E_CANCELED] =
        { "canceled", "Job was canceled", 409, IMGP_CLASS_CLIENT },
    [IMGP_E_WORKER_LOST] =
        { "worker-lost", "Job crashed its workers", 500,
          IMGP_CLASS_PERMANENT },
    [IMGP_E_PIPELINE_GONE] =
        { "pipeline-gone", "Pipeline is no longer configured", 410,
          IMGP_CLASS_PERMANENT },
    [IMGP_E_CONTENT_LOST] =
        { "content-lost", "Stored content is lost", 500,
          IMGP_CLASS_INTERNAL },
    [IMGP_E_INTERNAL] =
        { "internal", "Internal error", 500, IMGP_CLASS_INTERNAL },

    /* codes are in the journal: a new one is the last */

    [IMGP_E_DRAINING] =
        { "draining", "Pipeline takes no new jobs", 503, IMGP_CLASS_CLIENT }
};


imgp_int_t
imgp_error_set(imgp_error_t *err, imgp_error_e code, const char *fmt, ...)
{
    int      n;
    char     text[IMGP_ERROR_DETAIL_LEN];
    size_t   len;
    va_list  args;

    if (err == NULL) {
        return IMGP_ERROR;
    }

    /* printed aside: err->detail may be one of the arguments */

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    len = (n < 0) ? 0 : imgp_min((size_t) n, sizeof(text) - 1);

    err->code = code;
    imgp_error_clean(err->detail, text, len, n >= (int) sizeof(text));

    return IMGP_ERROR;
}


/*
 * Every replacement is one byte for one byte, so "dst" has room; of a text
 * that was cut an incomplete last character is dropped.
 */

static void
imgp_error_clean(char *dst, const char *src, size_t len, imgp_uint_t cut)
{
    size_t         n;
    const u_char  *p, *last;

    p = (const u_char *) src;
    last = p + len;

    while (p < last) {
        n = imgp_utf8_printable(p, last);

        if (n == 0) {
            if (cut && imgp_utf8_need(*p) > (size_t) (last - p)) {
                break;
            }

            *dst++ = '?';
            p++;
            continue;
        }

        memcpy(dst, p, n);
        dst += n;
        p += n;
    }

    *dst = '\0';
}


imgp_class_e
imgp_error_class(imgp_error_e code)
{
    return imgp_error_entry(code)->class;
}


imgp_uint_t
imgp_error_status(imgp_error_e code)
{
    return imgp_error_entry(code)->status;
}


const char *
imgp_error_name(imgp_error_e code)
{
    return imgp_error_entry(code)->name;
}


const char *
imgp_error_title(imgp_error_e code)
{
    return imgp_error_entry(code)->title;
}


/* a code may come from a job record on disk: one out of range is internal */

static const imgp_error_entry_t *
imgp_error_entry(imgp_error_e code)
{
    if ((unsigned) code >= IMGP_E_MAX) {
        code = IMGP_E_INTERNAL;
    }

    return &imgp_error_table[code];
}
