
/*
 * Redis on nginx's event loop: what the files ngx_http_imgp_redis*.c share
 * with each other and with those of the shared jobs (ngx_http_imgp_share*.c).
 *
 *     redis_conf   the directive becomes ngx_http_imgp_redis_conf_t
 *     redis        a worker's client: commands, scripts, timeouts, breaker
 *     redis_link   one connection: hiredis, its events, greeting, Sentinel
 *     redis_tls    ... over TLS, where this build has it
 */


#ifndef _NGX_HTTP_IMGP_REDIS_H_INCLUDED_
#define _NGX_HTTP_IMGP_REDIS_H_INCLUDED_


#include "ngx_http_imgp.h"
#include <imgp/imgp_redis_args.h>
#include <imgp/imgp_redis_reply.h>


#define NGX_HTTP_IMGP_REDIS_TIMEOUT  1000   /* ms */
#define NGX_HTTP_IMGP_REDIS_LEASES   10     /* timeouts a lease is long */
#define NGX_HTTP_IMGP_REDIS_ADDRS    16     /* of servers or sentinels */


struct ngx_http_imgp_redis_conf_s {
    ngx_str_t                      name;       /* for the log: no password */
    ngx_addr_t                    *addrs;      /* of Redis or the sentinels */
    ngx_uint_t                     naddrs;
    ngx_str_t                      master;     /* asked of sentinels */
    ngx_str_t                      user;
    ngx_str_t                      pass;
    ngx_uint_t                     db;
    ngx_msec_t                     timeout;
    ngx_uint_t                     fallback;   /* local; else 503 */
    ngx_str_t                      prefix;
    ngx_str_t                      host;       /* of rediss://, with a NUL */
    ngx_str_t                      ca;
    void                          *tls;        /* SSL_CTX, or NULL */

    u_char                        *file;       /* where it is configured */
    ngx_uint_t                     line;
};


typedef struct ngx_http_imgp_redis_link_s  ngx_http_imgp_redis_link_t;


typedef enum {
    NGX_HTTP_IMGP_LINK_DOWN = 0,
    NGX_HTTP_IMGP_LINK_CONNECTING,             /* until it has been greeted */
    NGX_HTTP_IMGP_LINK_UP
} ngx_http_imgp_link_e;


struct ngx_http_imgp_redis_link_s {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_redis_t         *redis;
    ngx_http_imgp_link_e           state;
    struct redisAsyncContext      *ac;
    ngx_connection_t              *connection;
    ngx_event_t                    timer;      /* reconnect, or a deadline */
    ngx_uint_t                     failures;   /* since it was up */
    ngx_uint_t                     turn;       /* of the addresses */
    ngx_uint_t                     told;       /* its failure is logged */
    u_char                         error[128];

    /* the master that a sentinel has named */
    u_char                         host[NGX_SOCKADDR_STRLEN];
    ngx_uint_t                     port;
    ngx_uint_t                     asking;     /* this one is a sentinel */

    /* greets, then calls link_up(), or link_lost(); told when it is lost */
    void                         (*greet)(ngx_http_imgp_redis_link_t *link);
    void                         (*up)(ngx_http_imgp_redis_link_t *link);
    void                         (*down)(ngx_http_imgp_redis_link_t *link);
    void                         (*deadline)(ngx_http_imgp_redis_link_t *link);
};


typedef struct {
    ngx_queue_t                    queue;
    ngx_http_imgp_redis_t         *redis;
    ngx_msec_t                     sent;
    char                          *command;    /* formatted, while it may have
                                                  to be sent (again) */
    size_t                         len;
    int                            script;
    ngx_uint_t                     again;
    ngx_http_imgp_redis_pt         handler;
    void                          *data;
} ngx_http_imgp_redis_call_t;


struct ngx_http_imgp_redis_s {
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_redis_conf_t    *conf;
    imgp_redis_t                   keys;

    ngx_http_imgp_redis_link_t     commands;
    ngx_http_imgp_redis_link_t     events;
    ngx_queue_t                    calls;      /* sent, oldest first */
    ngx_queue_t                    early;      /* wait for the first link */
    ngx_uint_t                     warned;     /* maxmemory-policy */
    ngx_uint_t                     closing;

    /* set by whoever shares jobs: a hint came; Redis is there (again), or
       hints may have been missed; Redis went away */
    void                         (*hint)(ngx_http_imgp_worker_t *w,
                                         ngx_str_t *message);
    void                         (*back)(ngx_http_imgp_worker_t *w);
    void                         (*gone)(ngx_http_imgp_worker_t *w);
};


/* ngx_http_imgp_redis_link.c */

void ngx_http_imgp_redis_link_init(ngx_http_imgp_redis_link_t *link,
    ngx_http_imgp_redis_t *redis);
void ngx_http_imgp_redis_link_open(ngx_http_imgp_redis_link_t *link);
void ngx_http_imgp_redis_link_up(ngx_http_imgp_redis_link_t *link);
void ngx_http_imgp_redis_link_close(ngx_http_imgp_redis_link_t *link,
    const char *reason);

/* at the end of the process: nobody is called any more */

void ngx_http_imgp_redis_link_free(ngx_http_imgp_redis_link_t *link);

/* the link hiredis has called back for, or NULL: not this one any more */

ngx_http_imgp_redis_link_t *ngx_http_imgp_redis_link_of(
    const struct redisAsyncContext *ac);

/* the same, for who needs the answer: NULL also for none, or for an error,
   which closes the link */

ngx_http_imgp_redis_link_t *ngx_http_imgp_redis_link_heard(
    const struct redisAsyncContext *ac, void *reply);

/* ngx_http_imgp_redis_tls.c: conf->host and ->ca are set */

char *ngx_http_imgp_redis_tls_conf(ngx_conf_t *cf,
    ngx_http_imgp_redis_conf_t *conf);
ngx_int_t ngx_http_imgp_redis_tls_start(ngx_http_imgp_redis_conf_t *conf,
    struct redisAsyncContext *ac);

/* AUTH, before anything else is sent */

void ngx_http_imgp_redis_link_auth(ngx_http_imgp_redis_link_t *link);


#endif /* _NGX_HTTP_IMGP_REDIS_H_INCLUDED_ */
