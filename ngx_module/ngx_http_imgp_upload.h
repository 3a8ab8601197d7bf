
/*
 * An upload, from the first byte to the 202.  It has a pool of its own: the
 * client may go away while a thread writes.  Only upload.c, body.c, params.c,
 * accept.c and admit.c look inside.
 *
 *     upload  checks that need no body, reads the wishes
 *     body    bytes arrive: multipart, sniff and limits, chunks to a thread
 *     params  what stands in the query and in form fields
 *     accept  all is there: content and journal stored, known stages found
 *     admit   into the job table, the client's answer, the run
 */


#ifndef _NGX_HTTP_IMGP_UPLOAD_H_INCLUDED_
#define _NGX_HTTP_IMGP_UPLOAD_H_INCLUDED_


#include "ngx_http_imgp.h"


#define NGX_HTTP_IMGP_CHUNK      (256 * 1024)   /* bytes per thread task */
#define NGX_HTTP_IMGP_CHUNK_MIN  (16 * 1024)    /* to begin with */
#define NGX_HTTP_IMGP_IDEM_MAX   255            /* bytes of the key */
#define NGX_HTTP_IMGP_IDEM_OTHER                                              \
    "this Idempotency-Key was used with another body"
#define NGX_HTTP_IMGP_IDEM_TTL   86400000       /* ms */
#define NGX_HTTP_IMGP_IDEM_NEW   60000          /* ms, its upload may be
                                                   on the way to the disk */


/* what Redis did with it */

#define NGX_HTTP_IMGP_SHARED_QUEUED  1   /* any machine will run it */
#define NGX_HTTP_IMGP_SHARED_HELD    2   /* this one will */
#define NGX_HTTP_IMGP_SHARED_LOCAL   3   /* it is away: this one will */
#define NGX_HTTP_IMGP_SHARED_AWAY    4   /* it is away: refused */
#define NGX_HTTP_IMGP_SHARED_FULL    5   /* the queue is full */
#define NGX_HTTP_IMGP_SHARED_LOST    7   /* its end could not be stored */
#define NGX_HTTP_IMGP_SHARED_TWIN    6   /* its Idempotency-Key is another's */


typedef struct ngx_http_imgp_upload_s  ngx_http_imgp_upload_t;

struct ngx_http_imgp_upload_s {
    ngx_pool_t                    *pool;
    ngx_http_request_t            *request;    /* NULL: answered, or gone */
    ngx_uint_t                     closed;     /* freed when no thread has it */
    ngx_http_imgp_ctx_t           *ctx;
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_pipeline_t      *pipeline;
    imgp_store_t                  *store;

    imgp_job_t                    *job;
    imgp_error_t                   error;      /* why it is refused */

    imgp_sniff_t                   sniff;
    ngx_uint_t                     sniffed;
    imgp_pool_t                   *arena;      /* of the multipart parser */
    imgp_multipart_t              *multipart;
    uint64_t                       bytes;      /* of the content */
    ngx_str_t                      type;       /* as the client declares it */

    /* two buffers: one is filled while a thread writes the other */
    u_char                        *fill;
    size_t                         filled;
    size_t                         size;
    u_char                        *chunk;
    size_t                         chunk_len;
    size_t                         chunk_size;

    imgp_blob_t                    blob;
    ngx_uint_t                     opened;
    ngx_uint_t                     busy;       /* a thread has it */
    ngx_uint_t                     paused;     /* waits for the thread */
    ngx_uint_t                     eof;
    ngx_http_imgp_task_t           task;
    void                         (*back)(ngx_http_imgp_upload_t *u);
    imgp_store_error_t             serror;
    uint64_t                       added;

    /* Repr-Digest, Idempotency-Key */
    ngx_uint_t                     verify;
    u_char                         expected[IMGP_DIGEST_LEN];
    imgp_digest_t                 *whole;      /* of a multipart body */
    ngx_uint_t                     idem;
    u_char                         idem_key[IMGP_DIGEST_LEN];
    u_char                         idem_body[IMGP_DIGEST_LEN];

    imgp_msec_t                    received;
    imgp_msec_t                    now;        /* in the thread */
    ngx_uint_t                     known;      /* all stages are */
    ngx_uint_t                     replayed;   /* same Idempotency-Key */
    u_char                         replay[IMGP_ID_BYTES];
    imgp_str_t                     record;
    ngx_uint_t                     shared;     /* with Redis */
    ngx_uint_t                     anew;       /* it does not know its end */
    void                         (*entered)(ngx_http_imgp_upload_t *u);
};


/* body.c: event handlers; begins to read */

ngx_int_t ngx_http_imgp_body_read(ngx_http_request_t *r,
    ngx_http_imgp_upload_t *u);

/* params.c: IMGP_OK, or IMGP_ERROR with err set */

imgp_int_t ngx_http_imgp_params_query(ngx_http_request_t *r,
    ngx_http_imgp_upload_t *u, imgp_error_t *err);
imgp_int_t ngx_http_imgp_params_set(ngx_http_imgp_upload_t *u,
    const imgp_str_t *name, const imgp_str_t *value, imgp_error_t *err);

/* accept.c: all bytes are there */

void ngx_http_imgp_accept(ngx_http_imgp_upload_t *u);
imgp_int_t ngx_http_imgp_accept_encode(ngx_http_imgp_upload_t *u);

/* admit.c: it is stored, or not, and then what there is of it is removed (in a
   thread) */

void ngx_http_imgp_admit(ngx_http_imgp_upload_t *u);
void ngx_http_imgp_admit_forget(ngx_http_imgp_upload_t *u);

/* share_submit.c: to Redis, then back(); with Redis only */

void ngx_http_imgp_share_submit(ngx_http_imgp_upload_t *u,
    void (*back)(ngx_http_imgp_upload_t *u));

/* share_whole.c: jobs whose end Redis knows; take: then u->back(), later */

ngx_uint_t ngx_http_imgp_whole_wanted(ngx_http_imgp_upload_t *u);
ngx_int_t ngx_http_imgp_whole_key(imgp_job_t *job, u_char *key);
ngx_int_t ngx_http_imgp_whole_take(ngx_http_imgp_upload_t *u,
    imgp_str_t *record);

/* upload.c */

void ngx_http_imgp_upload_thread(ngx_http_imgp_upload_t *u,
    void (*work)(void *data, ngx_log_t *log),
    void (*back)(ngx_http_imgp_upload_t *u));
void ngx_http_imgp_upload_back(void *data);
void ngx_http_imgp_upload_free_buffers(ngx_http_imgp_upload_t *u);
void ngx_http_imgp_upload_finalize(ngx_http_imgp_upload_t *u, ngx_int_t rc);
void ngx_http_imgp_upload_refuse(ngx_http_imgp_upload_t *u);
ngx_uint_t ngx_http_imgp_upload_gone(ngx_http_imgp_upload_t *u);


#endif /* _NGX_HTTP_IMGP_UPLOAD_H_INCLUDED_ */
