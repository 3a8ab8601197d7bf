
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


/* a receiver, while a worker notifies: "busy" attempts go on */

typedef struct {
    ngx_http_imgp_notify_t        *notify;
    ngx_str_t                     *pipeline;
    ngx_uint_t                     target;
    ngx_uint_t                     busy;
} ngx_http_imgp_receiver_t;


/* starts an attempt; "done" is told when it is over, and stored */

ngx_int_t ngx_http_imgp_notify_send(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_receiver_t *receiver, const char *name,
    void (*done)(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_receiver_t *receiver));


#endif /* _NGX_HTTP_IMGP_NOTIFY_H_INCLUDED_ */
