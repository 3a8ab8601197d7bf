
/*
 * The one closed set of errors.  A code has a class, and one table
 * (imgp_error.c) maps it to its name in URNs, its title and its HTTP status.
 * "detail" is public: it is sent to clients, so it never holds a path or
 * a secret.
 */


#ifndef _IMGP_ERROR_H_INCLUDED_
#define _IMGP_ERROR_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_ERROR_DETAIL_LEN  192


typedef enum {
    IMGP_CLASS_CLIENT = 0,            /* the request is at fault: log "info" */
    IMGP_CLASS_TRANSIENT,             /* worth another try */
    IMGP_CLASS_PERMANENT,             /* will fail again the same way */
    IMGP_CLASS_INTERNAL               /* our own fault: log "alert"/"crit" */
} imgp_class_e;


typedef enum {
    IMGP_E_NONE = 0,

    IMGP_E_BAD_REQUEST,               /* 400 */
    IMGP_E_DIGEST_MISMATCH,           /* 400 */
    IMGP_E_NOT_FOUND,                 /* 404 */
    IMGP_E_METHOD,                    /* 405 */
    IMGP_E_NOT_FAILED,                /* 409 retry of a job that did not fail */
    IMGP_E_EXPIRED,                   /* 410 */
    IMGP_E_TOO_LARGE,                 /* 413 bytes */
    IMGP_E_TYPE,                      /* 415 */
    IMGP_E_PIXELS,                    /* 422 */
    IMGP_E_BAD_IMAGE,                 /* 422 truncated, corrupt, undecodable */
    IMGP_E_BAD_PARAM,                 /* 422 */
    IMGP_E_IDEMPOTENCY,               /* 422 same key, other body */
    IMGP_E_LIMIT,                     /* 422 more items, depth or memory */

    IMGP_E_OWNER_SHARE,               /* 429 */
    IMGP_E_QUEUE_FULL,                /* 503 */
    IMGP_E_STORE_AWAY,                /* 503 */
    IMGP_E_STORE_FULL,                /* 507 */

    IMGP_E_SERVICE_CONNECT,           /* 502, transient */
    IMGP_E_SERVICE_TIMEOUT,           /* 504, transient */
    IMGP_E_SERVICE_BUSY,              /* 502 it said 408, 425, 429 or 5xx */
    IMGP_E_SERVICE_REPLY,             /* 502 unusable body: transient */
    IMGP_E_SERVICE_REFUSED,           /* 502 it said another 3xx, 4xx */

    IMGP_E_CANCELED,                  /* 409 */
    IMGP_E_WORKER_LOST,               /* 500 the job crashed its workers */
    IMGP_E_PIPELINE_GONE,             /* 410 removed from the configuration */
    IMGP_E_CONTENT_LOST,              /* 500 a stored blob is gone or spoilt */
    IMGP_E_INTERNAL,                  /* 500 */
    IMGP_E_DRAINING,                  /* 503 the pipeline takes no new job */

    IMGP_E_MAX
} imgp_error_e;


typedef struct {
    uint32_t       code;              /* imgp_error_e */
    uint32_t       service_status;    /* HTTP status a service gave, or 0 */
    char           detail[IMGP_ERROR_DETAIL_LEN];   /* NUL-terminated UTF-8 */
} imgp_error_t;


/*
 * Sets code and detail (printf-like, cut to fit at a character's border)
 * and returns IMGP_ERROR, so that a caller may "return imgp_error_set(...)".
 */

imgp_int_t imgp_error_set(imgp_error_t *err, imgp_error_e code,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

imgp_class_e imgp_error_class(imgp_error_e code);
imgp_uint_t imgp_error_status(imgp_error_e code);     /* HTTP status */
const char *imgp_error_name(imgp_error_e code);       /* "queue-full" */
const char *imgp_error_title(imgp_error_e code);      /* "Queue is full" */


#endif /* _IMGP_ERROR_H_INCLUDED_ */
