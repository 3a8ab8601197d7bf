
/*
 * "queue LIST": work for those that wait at a list of Redis.
 *
 *     queue_conf     the directive becomes a service with "queue"
 *     queue          one call: content and message out, an answer, a time-out
 *     queue_message  what is handed out: keys and message
 *     queue_link     the connection that waits for answers of this process
 */


#ifndef _NGX_HTTP_IMGP_QUEUE_H_INCLUDED_
#define _NGX_HTTP_IMGP_QUEUE_H_INCLUDED_


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_redis.h"


#define NGX_HTTP_IMGP_QUEUE_INPUTS  8


/* of a worker process: w->queue, where any pipeline has "queue" */

typedef struct {
    ngx_http_imgp_redis_link_t     link;
    ngx_http_imgp_worker_t        *worker;
    ngx_queue_t                    calls;
    ngx_str_t                      answers;    /* the list */

    /* told of each answer; the call it is for, or nobody, takes it */
    void                         (*answer)(ngx_http_imgp_worker_t *w,
                                     imgp_str_t *text);
} ngx_http_imgp_queue_t;


/* a call, in memory of its own */

typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_call_t          *call;       /* NULL: it is over */
    ngx_pool_cleanup_t            *cln;
    ngx_queue_t                    queue;
    ngx_event_t                    timer;
    ngx_uint_t                     replies;    /* of Redis, to come */
    ngx_uint_t                     late;       /* its time is up */

    u_char                         id[IMGP_ID_BYTES];
    char                           text[IMGP_ID_LEN + 1];
    char                          *message;    /* malloc'ed */
    size_t                         len;
    imgp_str_t                     keys[NGX_HTTP_IMGP_QUEUE_INPUTS];
    ngx_uint_t                     nkeys;
} ngx_http_imgp_queue_call_t;


/* unit->call is filled; NGX_ERROR: call->error tells why, done() will not be
   called */

ngx_int_t ngx_http_imgp_queue_start(ngx_http_imgp_unit_t *unit);

/* a process begins, with Redis; and ends */

ngx_int_t ngx_http_imgp_queue_init(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_queue_done(ngx_http_imgp_worker_t *w);

void ngx_http_imgp_queue_listen(ngx_http_imgp_queue_t *queue);

/* ngx_http_imgp_queue_message.c: qc->keys, qc->message; NGX_ERROR:
   call->error tells why */

ngx_int_t ngx_http_imgp_queue_keys(ngx_http_imgp_queue_call_t *qc,
    ngx_http_imgp_unit_t *unit);
ngx_int_t ngx_http_imgp_queue_message(ngx_http_imgp_queue_call_t *qc,
    ngx_http_imgp_unit_t *unit);


#endif /* _NGX_HTTP_IMGP_QUEUE_H_INCLUDED_ */
