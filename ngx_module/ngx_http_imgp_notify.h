
/*
 * Telling receivers of ended jobs: what the files ngx_http_imgp_notify*.c
 * share, in the order of the flow.
 *
 *     notify_conf   the directive becomes ngx_http_imgp_notify_t
 *     notify_end    an end is stored, and before it who is to hear of it
 *     notify        one worker of all finds what is due
 *     notify_send   one attempt: a webhook, or a push to a list of Redis
 */


#ifndef _NGX_HTTP_IMGP_NOTIFY_H_INCLUDED_
#define _NGX_HTTP_IMGP_NOTIFY_H_INCLUDED_


#include "ngx_http_imgp.h"
#include <imgp/imgp_notice.h>
#include <imgp/imgp_webhook.h>


#define NGX_HTTP_IMGP_NOTIFY_MAX      4       /* of a pipeline */
#define NGX_HTTP_IMGP_NOTIFY_RETRIES  16
#define NGX_HTTP_IMGP_NOTIFY_TIMEOUT  15000   /* ms, of an attempt */


/* one "notify" */

struct ngx_http_imgp_notify_s {
    ngx_http_imgp_service_t       *service;    /* or NULL: a list of Redis */
    ngx_str_t                      list;

    imgp_webhook_key_t             keys[IMGP_WEBHOOK_KEYS_MAX];
    ngx_uint_t                     nkeys;
    imgp_msec_t                    timeout;
    imgp_msec_t                    retries[NGX_HTTP_IMGP_NOTIFY_RETRIES];
    ngx_uint_t                     nretries;

    u_char                        *file;       /* where it is configured */
    ngx_uint_t                     line;
};


/* a receiver, while a worker notifies; of each attempt that goes on the name
   of its notice, others are "" */

typedef struct {
    ngx_http_imgp_notify_t        *notify;
    ngx_str_t                     *pipeline;
    ngx_uint_t                     target;
    ngx_uint_t                     busy;
    char                           names[IMGP_NOTICE_LIST]
                                        [IMGP_NOTICE_NAME_LEN];
} ngx_http_imgp_receiver_t;


/* starts an attempt for receiver->names[i]; "done" is told when it is over,
   and stored */

typedef void (*ngx_http_imgp_notify_pt)(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_receiver_t *receiver, ngx_uint_t i);

ngx_int_t ngx_http_imgp_notify_send(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_receiver_t *receiver, ngx_uint_t i,
    ngx_http_imgp_notify_pt done);


/* ---- for all others: a worker process begins; somebody is woken ---- */

ngx_int_t ngx_http_imgp_notify_init(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_notify_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id);

/* in a thread: a final record goes into the journal, as imgp_journal_write()
   does it; but who is to be told of it first */

imgp_int_t ngx_http_imgp_notify_end(ngx_http_imgp_main_conf_t *conf,
    const u_char *id, const u_char *record, size_t len,
    imgp_store_error_t *err);

/* the same without the journal */

imgp_int_t ngx_http_imgp_notify_note(ngx_http_imgp_main_conf_t *conf,
    const u_char *record, size_t len, imgp_store_error_t *err);

/* then, in the event loop: one may be due */

void ngx_http_imgp_notify_hint(ngx_http_imgp_worker_t *w);

/* since the zone was made, of all workers; "pending" and "dead" are what the
   store has */

typedef struct {
    ngx_uint_t                     delivered;
    ngx_uint_t                     failed;     /* attempts */
    ngx_uint_t                     given_up;   /* moved to dead/ */
    ngx_uint_t                     pending;
    ngx_uint_t                     dead;
} ngx_http_imgp_notify_stat_t;

void ngx_http_imgp_notify_stat(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_notify_stat_t *stat);


#endif /* _NGX_HTTP_IMGP_NOTIFY_H_INCLUDED_ */
