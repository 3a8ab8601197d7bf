
/*
 * Server-sent events: ngx_http_imgp_events.c, which see, and between it,
 * ngx_http_imgp_events_all.c and ngx_http_imgp_events_text.c.
 */


#ifndef _NGX_HTTP_IMGP_EVENTS_H_INCLUDED_
#define _NGX_HTTP_IMGP_EVENTS_H_INCLUDED_


#include "ngx_http_imgp_brief.h"


#define NGX_HTTP_IMGP_EVENTS_BEAT  15000    /* ms */


typedef struct {
    ngx_uint_t                     refs;
    ngx_uint_t                     from;       /* revision seen before it, */
    imgp_doc_seen_t                seen;       /* ... and all after it */
    ngx_str_t                      prefix;     /* of a location: lives long */
    imgp_msec_t                    made;
    char                          *data;       /* malloc'ed */
    size_t                         len;
} ngx_http_imgp_events_text_t;


typedef struct {
    ngx_http_imgp_events_text_t   *text;       /* on its way, or NULL */
    ngx_buf_t                      buf;
    imgp_doc_seen_t                job;        /* of a stream of one: seen, */
    int64_t                        position;   /* its place, as it was told */
    imgp_doc_seen_t               *jobs;       /* of an owner's; malloc'ed */
    ngx_uint_t                     njobs;
    uint64_t                       told;       /* of an owner: all up to then */
    unsigned                       begun:1;
    unsigned                       resumed:1;
} ngx_http_imgp_events_t;


/* of the job that was read (job_get's next), or of all jobs of an owner */

ngx_int_t ngx_http_imgp_events(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_events_all(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

/* ngx_http_imgp_events.c: a stream; and its first byte, its holding */

ngx_http_imgp_events_t *ngx_http_imgp_events_create(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_events_open(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
uint64_t ngx_http_imgp_events_last_id(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

/* ngx_http_imgp_events_all.c: what to do when a stream of an owner is woken,
   or it is time for a beat */

ngx_int_t ngx_http_imgp_events_some(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t beat);

/* ngx_http_imgp_events_text.c: texts; and how they leave.  Those that send
   return what a held request's "next" does. */

ngx_http_imgp_events_text_t *ngx_http_imgp_events_text(
    ngx_http_imgp_events_t *es);
void ngx_http_imgp_events_unref(ngx_http_imgp_events_text_t *text);
ngx_int_t ngx_http_imgp_events_append(ngx_http_imgp_events_text_t *text,
    const char *data, size_t len);

/* what is new of ctx->view */

ngx_int_t ngx_http_imgp_events_add(ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_events_text_t *text, imgp_doc_seen_t *seen,
    const imgp_doc_ids_t *ids);

/* takes the text over; "last": it is the end of the stream */

ngx_int_t ngx_http_imgp_events_send(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_http_imgp_events_text_t *text,
    ngx_uint_t last);
ngx_int_t ngx_http_imgp_events_beat(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

/* the client is to come back, not all of them at once */

ngx_int_t ngx_http_imgp_events_close(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
void ngx_http_imgp_events_writer(ngx_http_request_t *r);


#endif /* _NGX_HTTP_IMGP_EVENTS_H_INCLUDED_ */
