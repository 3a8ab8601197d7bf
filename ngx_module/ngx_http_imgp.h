
/*
 * What the files of ngx_module/ share, in the order of the flow:
 *
 *     conf  ->  plan                      the configuration becomes plans
 *     api -> upload -> accept             a request becomes a job
 *     jobs, change -> zone, table, wake   the live job table of all workers
 *     run -> unit -> local, service       a job's stages
 *     watch, result, reply                what clients see of it
 *     thread, curl                        the two loops under it
 *     sweep                               eviction, recovery
 *     notify                              who is told of their end
 *     share -> redis                      jobs and results of all machines
 *
 * Calls go downwards; completions come back through handlers passed in.
 */


#ifndef _NGX_HTTP_IMGP_H_INCLUDED_
#define _NGX_HTTP_IMGP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_digest.h>
#include <imgp/imgp_id.h>
#include <imgp/imgp_sniff.h>
#include <imgp/imgp_multipart.h>
#include <imgp/imgp_template.h>
#include <imgp/imgp_take.h>
#include <imgp/imgp_poll.h>
#include <imgp/imgp_care.h>
#include <imgp/imgp_op.h>
#include <imgp/imgp_plan.h>
#include <imgp/imgp_job.h>
#include <imgp/imgp_graph.h>
#include <imgp/imgp_lane.h>
#include <imgp/imgp_key.h>
#include <imgp/imgp_progress.h>
#include <imgp/imgp_doc.h>
#include <imgp/imgp_doc_event.h>
#include <imgp/imgp_record.h>
#include <imgp/imgp_redis_args.h>
#include <imgp/imgp_redis_reply.h>
#include <imgp/imgp_store.h>


#if !(NGX_THREADS)
#error "nginx must be configured --with-threads"
#endif


/* one string type on each side of the border, alike in layout */

#define ngx_http_imgp_str(s)   ((imgp_str_t *) (s))
#define ngx_http_imgp_nstr(s)  ((ngx_str_t *) (s))


/* a cast that is read at once would break the aliasing rules of C */

#define ngx_http_imgp_conf_copy(dst, src)                                     \
    (dst)->len = (src)->len;                                                  \
    (dst)->data = (src)->data


/* timers print ngx_event_ident(ev->data) in debug builds: whatever is an
   event's data begins with this, alike a connection up to its fd */

typedef struct {
    void                          *data[3];
    ngx_socket_t                   fd;       /* -1 */
} ngx_http_imgp_ident_t;


/* ---- configuration (ngx_http_imgp_module.c, the files *_conf.c) ---- */

#define NGX_HTTP_IMGP_SEND_RAW        0
#define NGX_HTTP_IMGP_SEND_MULTIPART  1
#define NGX_HTTP_IMGP_SEND_JSON       2
#define NGX_HTTP_IMGP_SEND_NOTHING    3     /* GET */
#define NGX_HTTP_IMGP_SEND_PUT        4     /* to S3 */
#define NGX_HTTP_IMGP_SEND_FORM       5


/* text with params in it: "literal" then the param's value, if any */

typedef struct {
    ngx_str_t                      literal;
    ngx_uint_t                     param;    /* or IMGP_NO_PARAM */
} ngx_http_imgp_piece_t;


typedef struct {
    ngx_str_t                      name;
    ngx_array_t                    pieces;   /* ngx_http_imgp_piece_t */
} ngx_http_imgp_field_t;


/* where "put s3://" stores, below the service's URL */

typedef struct {
    ngx_array_t                    key;      /* ngx_http_imgp_piece_t */
    ngx_uint_t                     named;    /* by the content, below key */
    ngx_str_t                      sign;     /* NUL-terminated, for curl: */
    ngx_str_t                      access;   /* "aws:amz:REGION:s3", keys */
    ngx_str_t                      secret;
} ngx_http_imgp_put_t;


/* the beginning of a digest of pipeline, stage and provider: by it the zone
   knows a service */

#define NGX_HTTP_IMGP_SERVICE_ID  8


/* where and how a "post" stage calls; imgp_stage_t.op of such a stage */

typedef struct ngx_http_imgp_service_s  ngx_http_imgp_service_t;

struct ngx_http_imgp_service_s {
    ngx_str_t                      url;      /* NUL-terminated, for curl */
    ngx_str_t                      host;     /* "name" or "name:port", as in
                                                the URL; unix: "localhost" */
    ngx_str_t                      unix_path;   /* NUL-terminated, or empty */
    in_port_t                      port;
    unsigned                       ssl:1;

    ngx_http_upstream_srv_conf_t  *upstream; /* an upstream {} or NULL */
    ngx_addr_t                    *addrs;    /* resolved at start, or the
                                                address of the unix socket */
    ngx_uint_t                     naddrs;   /* 0: by the resolver */

    ngx_uint_t                     send;
    const char                    *method;   /* NULL: that of "send" */
    ngx_str_t                      fields[IMGP_FROM_MAX];   /* of multipart, by
                                                "from"; NUL-terminated */
    ngx_uint_t                     nfields;  /* 1: one for all */
    ngx_array_t                    parts;    /* ngx_http_imgp_field_t */
    imgp_template_t               *template; /* of json and form */
    ngx_array_t                    headers;  /* ngx_http_imgp_field_t */

    imgp_take_t                    take;
    imgp_str_t                     type;     /* a body's; "": any */
    ngx_array_t                    hosts;    /* ngx_str_t: of URLs in answers,
                                                besides its own */
    imgp_poll_t                   *poll;     /* or NULL */
    imgp_msec_t                    every;
    const char                    *revoke;   /* method of poll's "cancel" */

    ngx_http_imgp_put_t           *put;      /* or NULL */
    ngx_str_t                      list;     /* of Redis, instead of a URL */

    imgp_care_t                    care;
    imgp_msec_t                    warm;     /* asked when idle so long; 0:
                                                never */
    ngx_str_t                      warm_url; /* "": that of the service */
    uint64_t                       cost;     /* of a call, in millionths */
    u_char                         id[NGX_HTTP_IMGP_SERVICE_ID];
    ngx_str_t                      provider; /* its name, or empty */
    ngx_http_imgp_service_t       *next;     /* provider, or NULL */

    /* of an address out of an answer (ngx_http_imgp_link.c) */

    ngx_http_imgp_service_t       *origin;   /* whose answer: its own host */
    unsigned                       guard:1;  /* public addresses alone */
    unsigned                       direct:1; /* "addrs" is all there is */

    u_char                        *file;     /* where it is configured */
    ngx_uint_t                     line;
};


typedef struct {
    imgp_plan_t                   *plan;
    ngx_uint_t                     index;    /* in the zone's table */
    ngx_http_imgp_service_t       *services[IMGP_STAGES_MAX];   /* or NULL */
    ngx_array_t                    notify;   /* ngx_http_imgp_notify_t * */

    u_char                        *file;     /* where it is configured */
    ngx_uint_t                     line;
} ngx_http_imgp_pipeline_t;


typedef struct ngx_http_imgp_call_s    ngx_http_imgp_call_t;
typedef struct ngx_http_imgp_zone_s    ngx_http_imgp_zone_t;
typedef struct ngx_http_imgp_worker_s  ngx_http_imgp_worker_t;
typedef struct ngx_http_imgp_redis_s   ngx_http_imgp_redis_t;
typedef struct ngx_http_imgp_redis_conf_s  ngx_http_imgp_redis_conf_t;
typedef struct ngx_http_imgp_notify_s  ngx_http_imgp_notify_t;


typedef struct {
    ngx_array_t                    pipelines;  /* ngx_http_imgp_pipeline_t * */
    ngx_array_t                    passes;     /* ngx_http_imgp_conf.h */
    imgp_pool_t                   *pool;       /* of the plans */

    ngx_path_t                    *path;
    imgp_store_t                   store;
    ngx_shm_zone_t                *shm_zone;
    off_t                          max_size;
    time_t                         inactive;

    ngx_str_t                      threads;
    ngx_thread_pool_t             *thread_pool;

    ngx_http_imgp_redis_conf_t    *redis;      /* or NULL: nothing is shared */
    ngx_uint_t                     notify;     /* some pipeline has it */

    ngx_resolver_t                *resolver;   /* of http {}, or NULL */
    ngx_msec_t                     resolver_timeout;

    ngx_http_imgp_zone_t          *zone;
    ngx_http_imgp_worker_t        *worker;     /* of this process */
} ngx_http_imgp_main_conf_t;


typedef struct {
    ngx_http_imgp_pipeline_t      *pipeline;
    ngx_http_complex_value_t      *owner;
    ngx_http_complex_value_t      *priority;
    ngx_msec_t                     wait;
    ngx_array_t                   *bypass;     /* ngx_http_set_predicate_slot */
    void                          *operator;   /* ..._operator_conf.c */
} ngx_http_imgp_loc_conf_t;


/* of a request; the variables read its beginning */

typedef struct ngx_http_imgp_ctx_s  ngx_http_imgp_ctx_t;

struct ngx_http_imgp_ctx_s {
    ngx_str_t                      job;
    ngx_str_t                      status;
    ngx_str_t                      cache;
    ngx_str_t                      digest;

    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_loc_conf_t      *conf;
    ngx_str_t                      prefix;     /* of the location */

    u_char                         id[IMGP_ID_BYTES];
    u_char                         owner[IMGP_OWNER_LEN];
    ngx_str_t                      stage;      /* of a result */
    ngx_uint_t                     item;

    ngx_msec_t                     wait;       /* asked for and allowed */
    ngx_uint_t                     since;      /* revision known to it */
    unsigned                       since_arg:1;   /* by "since=" */
    unsigned                       since_etag:1;  /* by If-None-Match */
    unsigned                       prefer:1;      /* "wait" by Prefer */
    unsigned                       image:1;       /* Accept: image/... */
    unsigned                       viewed:1;      /* has a cleanup */
    unsigned                       created:1;     /* by this POST */
    unsigned                       fetched:1;     /* its output, from Redis */
    unsigned                       unsure:1;      /* Redis was not asked */
    unsigned                       stream:1;      /* Accept: text/event-... */
    unsigned                       operator:1;    /* may see any job */

    /* what was last read of the job; NULL: there is none */
    imgp_job_t                    *view;
    int64_t                        position;

    void                          *upload;     /* ngx_http_imgp_upload.h */
    ngx_http_request_t            *request;
    ngx_int_t                    (*next)(ngx_http_request_t *r,
                                         ngx_http_imgp_ctx_t *ctx);

    /* ngx_http_imgp_watch.c */
    ngx_http_imgp_ident_t          ident;
    ngx_queue_t                    queue;
    ngx_queue_t                    turn;       /* of those that are woken */
    ngx_event_t                    timer;
    ngx_http_event_handler_pt      writer;     /* NULL: nothing is written */
    void                          *events;     /* ngx_http_imgp_events.c */
    unsigned                       watching:1;
    unsigned                       woken:1;
    unsigned                       expired:1;  /* its time is up */
    unsigned                       away:1;     /* unfinished, another zone's */
    unsigned                       all:1;      /* jobs of the owner: id is the
                                                  one that changed */
    unsigned                       missed:1;   /* ... or any of them */
};


/* $image_pipeline_...; not found where the request has no ctx */

ngx_int_t ngx_http_imgp_add_variables(ngx_conf_t *cf);

/* the content handler of a location with "image_pipeline_pass" */

ngx_int_t ngx_http_imgp_handler(ngx_http_request_t *r);

/* of "image_pipeline_metrics", "image_pipeline_health", ..._console" */

ngx_int_t ngx_http_imgp_metrics_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_imgp_health_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_imgp_console_handler(ngx_http_request_t *r);

/* a process begins and ends (ngx_http_imgp_process.c) */

ngx_int_t ngx_http_imgp_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_imgp_init_process(ngx_cycle_t *cycle);
void ngx_http_imgp_exit_process(ngx_cycle_t *cycle);


#include "ngx_http_imgp_table.h"


/* ---- wake-ups between workers (ngx_http_imgp_wake.c) ---- */

#define NGX_HTTP_IMGP_WAKE_JOB     0   /* a document changed */
#define NGX_HTTP_IMGP_WAKE_FLIGHT  1   /* a run ended, or left its service */
#define NGX_HTTP_IMGP_WAKE_WORK    2   /* a queued job may be claimed */
#define NGX_HTTP_IMGP_WAKE_NOTIFY  3   /* somebody is to be told of an end */


/* a hint only; id is NULL when too much was missed: look at everything */

typedef void (*ngx_http_imgp_wake_pt)(ngx_http_imgp_worker_t *w,
    ngx_uint_t kind, const u_char *id);

ngx_int_t ngx_http_imgp_wake_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_imgp_wake_init(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_wake_pt *handlers, ngx_uint_t n);
void ngx_http_imgp_wake_done(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id);

/* how many wait in this process for wake-ups: +1, -1 */

void ngx_http_imgp_wake_watching(ngx_http_imgp_worker_t *w, ngx_int_t n);


/* ---- threads (ngx_http_imgp_thread.c) ---- */

#define NGX_HTTP_IMGP_TASK_IO   0      /* short: a slot is kept free for it */
#define NGX_HTTP_IMGP_TASK_CPU  1


typedef struct {
    ngx_queue_t                    queue;
    ngx_thread_task_t              task;
    ngx_uint_t                     kind;
    ngx_uint_t                     state;      /* private */
    ngx_msec_t                     since;      /* private */
    ngx_http_imgp_worker_t        *worker;

    void                         (*started)(void *data);  /* CPU; or NULL */
    void                         (*work)(void *data, ngx_log_t *log);
    void                         (*done)(void *data);   /* event loop */
    void                          *data;
} ngx_http_imgp_task_t;


ngx_int_t ngx_http_imgp_thread_init(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_thread_exit(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_thread_next(ngx_http_imgp_worker_t *w);
ngx_uint_t ngx_http_imgp_thread_backlog(ngx_http_imgp_worker_t *w);

/* the task lies in memory that lives until done() was called */

void ngx_http_imgp_thread_run(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_task_t *task);

/* takes back a task that no thread has yet: done() will not be called;
   NGX_DECLINED: too late, it will */

ngx_int_t ngx_http_imgp_thread_withdraw(ngx_http_imgp_task_t *task);


/* ---- calls of services (ngx_http_imgp_service.c over _curl.c) ---- */

#define NGX_HTTP_IMGP_REPLY_MAX   (64 * 1024 * 1024)
#define NGX_HTTP_IMGP_CONNECT     5000      /* ms, at most */


struct ngx_http_imgp_call_s {
    /* filled by the caller; all of it lives until done(), or the cancel.
       The call itself lies in its pool: with that it is canceled */

    ngx_pool_t                    *pool;       /* of the caller's run */
    ngx_log_t                     *log;
    ngx_http_imgp_main_conf_t     *conf;
    ngx_http_imgp_service_t       *service;
    imgp_str_t                    *params;     /* values by plan index */
    imgp_str_t                    *inputs;     /* bytes, mapped */
    const char                   **types;
    ngx_uint_t                     ninputs;
    imgp_uint_t                   *counts;     /* of them, by "from" */
    ngx_uint_t                     each;       /* of a unit, in a batch */
    imgp_template_body_t          *request;    /* of a template */
    u_char                         key[IMGP_DIGEST_LEN];  /* Idempotency-Key */
    const u_char                  *digest;     /* of the only input, to sign */
    char                           trace[56];  /* traceparent, or "" */
    ngx_msec_t                     timeout;    /* of the whole call */
    size_t                         max_reply;
    unsigned                       poll:1;     /* 303 is an answer, too */
    unsigned                       empty:1;    /* ... and an empty body */

    void                         (*done)(ngx_http_imgp_call_t *call);
    void                          *data;

    /* filled for done(); error.code is 0 only for a whole 2xx answer */

    imgp_error_t                   error;
    ngx_uint_t                     status;
    ngx_msec_t                     retry_after;  /* 0: not told */
    u_char                        *body;       /* malloc'ed, or NULL; from
                                                  done() on the caller's */
    size_t                         body_len;
    ngx_str_t                      type;       /* Content-Type, from pool */
    ngx_str_t                      location;   /* of 202 and 303, from pool */
    ngx_str_t                      etag;       /* of a "put", from pool */

    void                          *private;
};


/* NGX_OK: done() will be called, never from inside this call; NGX_ERROR:
   call->error tells why, done() will not be called: no memory, more than
   one input to be sent raw, a param that no header can hold.  A call on its
   way holds the process, at most for its timeout.  The failed call is logged
   here. */

ngx_int_t ngx_http_imgp_service_start(ngx_http_imgp_call_t *call);

/* aborts at once; done() will not be called; nothing for one that ended */

void ngx_http_imgp_service_cancel(ngx_http_imgp_call_t *call);
void ngx_http_imgp_queue_cancel(ngx_http_imgp_call_t *call);

/* services that are kept warm (ngx_http_imgp_warm.c) */

ngx_int_t ngx_http_imgp_warm_init(ngx_http_imgp_worker_t *w);

/* the curl loop of a worker process: made in init_process, freed in
   exit_process */

typedef struct ngx_http_imgp_curl_s  ngx_http_imgp_curl_t;

ngx_http_imgp_curl_t *ngx_http_imgp_curl_create(ngx_cycle_t *cycle);
void ngx_http_imgp_curl_destroy(ngx_http_imgp_curl_t *curl);


/* ---- jobs that run here (ngx_http_imgp_run.c) ---- */

#define NGX_HTTP_IMGP_PIPELINES_MAX  32      /* of a zone */
#define NGX_HTTP_IMGP_KEEP_GONE      3600000 /* ms: its pipeline is no more */


ngx_int_t ngx_http_imgp_run_init(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_run_submit(ngx_http_imgp_worker_t *w, imgp_job_t *job,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t own);
void ngx_http_imgp_run_claim(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_run_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id);
void ngx_http_imgp_run_give_back(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_run_give_up(ngx_http_imgp_worker_t *w, imgp_job_t *job,
    ngx_uint_t pipeline, uint64_t fence);


#include "ngx_http_imgp_request.h"
#include "ngx_http_imgp_recover.h"


/* ---- Redis (ngx_http_imgp_redis.c): only where worker->redis is set ---- */

typedef void (*ngx_http_imgp_redis_pt)(void *data, imgp_redis_class_e c,
    const redisReply *reply);

ngx_int_t ngx_http_imgp_redis_init(ngx_http_imgp_worker_t *w,
    const char *node);
void ngx_http_imgp_redis_start(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_redis_done(ngx_http_imgp_worker_t *w);
ngx_uint_t ngx_http_imgp_redis_is_up(ngx_http_imgp_worker_t *w);
ngx_uint_t ngx_http_imgp_redis_is_away(ngx_http_imgp_worker_t *w);
imgp_redis_t *ngx_http_imgp_redis_keys(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_redis_ping(ngx_http_imgp_worker_t *w);

/* NGX_OK: the handler will be called, never from inside this call, with a
   reply that is no error (IMGP_REDIS_OK), or with NULL or an error;
   NGX_DECLINED: Redis is away, the handler will not be called */

ngx_int_t ngx_http_imgp_redis_send(ngx_http_imgp_worker_t *w,
    imgp_redis_args_t *args, ngx_http_imgp_redis_pt handler, void *data);


/* ---- jobs of all machines (ngx_http_imgp_share*.c), with Redis only ---- */

ngx_int_t ngx_http_imgp_share_init(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_share_beat(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_share_claim(ngx_http_imgp_worker_t *w);

/* somebody waits for a turn at a service that this machine has not got */

void ngx_http_imgp_share_quota(ngx_http_imgp_worker_t *w);

/* a job of the journal: NGX_DECLINED: it is to be run here */

ngx_int_t ngx_http_imgp_share_adopt(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_found_t *found);

/* NGX_DONE: the request waits; NGX_DECLINED: this machine knows best */

ngx_int_t ngx_http_imgp_share_get(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_int_t (*next)(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx));
ngx_int_t ngx_http_imgp_share_change(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t retry);

/* an output that is not in this machine's store */

ngx_int_t ngx_http_imgp_share_output(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, imgp_item_t *item);


/* ---- the worker process (ngx_http_imgp_process.c) ---- */

struct ngx_http_imgp_worker_s {
    ngx_http_imgp_ident_t          ident;
    ngx_cycle_t                   *cycle;
    ngx_log_t                     *log;
    ngx_http_imgp_main_conf_t     *conf;
    ngx_http_imgp_zone_t          *zone;
    ngx_http_imgp_curl_t          *curl;
    ngx_http_imgp_redis_t         *redis;      /* or NULL */
    imgp_color_cache_t            *colors;

    void                          *threads;    /* ngx_http_imgp_thread.c */
    void                          *wake;       /* ngx_http_imgp_wake.c */
    void                          *watch;      /* ngx_http_imgp_watch.c */
    void                          *events;     /* ngx_http_imgp_events.c */
    void                          *told;       /* ngx_http_imgp_reply.c */
    ngx_uint_t                     stuck;      /* ngx_http_imgp_health.c */
    void                          *run;        /* ngx_http_imgp_run.c */
    void                          *sweep;      /* ngx_http_imgp_sweep.c */
    void                          *share;      /* ngx_http_imgp_share.c */
    void                          *notify;     /* ngx_http_imgp_notify.c */
    void                          *queue;      /* ngx_http_imgp_queue.c */

    u_char                        *scratch;    /* IMGP_RECORD_MAX bytes */
    int                            alive;      /* ngx_http_imgp_alive.c */

    ngx_event_t                    hold;       /* keeps the process alive */
    ngx_uint_t                     holds;
    ngx_connection_t              *sentinel;   /* hears of the shutdown */
    ngx_uint_t                     exiting;
};


/* the process does not exit gracefully while it is held */

void ngx_http_imgp_hold(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_release(ngx_http_imgp_worker_t *w);


/* ms since the epoch, as precise as the turn of the event loop */

static ngx_inline imgp_msec_t
ngx_http_imgp_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (imgp_msec_t) tp->sec * 1000 + tp->msec;
}


extern ngx_module_t  ngx_http_image_pipeline_module;


#include "ngx_http_imgp_watch.h"


#endif /* _NGX_HTTP_IMGP_H_INCLUDED_ */
