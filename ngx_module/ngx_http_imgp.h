
/*
 * What the files of ngx_module/ share, in the order of the flow:
 *
 *     conf  ->  plan                      the configuration becomes plans
 *     api -> upload -> accept             a request becomes a job
 *     jobs -> zone, table, wake           the live job table of all workers
 *     run -> unit -> local, service       a job's stages
 *     watch, result, reply                what clients see of it
 *     thread, curl                        the two loops under it
 *     sweep                               eviction, recovery
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
#include <imgp/imgp_op.h>
#include <imgp/imgp_plan.h>
#include <imgp/imgp_job.h>
#include <imgp/imgp_graph.h>
#include <imgp/imgp_key.h>
#include <imgp/imgp_progress.h>
#include <imgp/imgp_doc.h>
#include <imgp/imgp_record.h>
#include <imgp/imgp_store.h>


#if !(NGX_THREADS)
#error "nginx must be configured --with-threads"
#endif


/* one string type on each side of the border, alike in layout */

#define ngx_http_imgp_str(s)   ((imgp_str_t *) (s))
#define ngx_http_imgp_nstr(s)  ((ngx_str_t *) (s))


/* timers print ngx_event_ident(ev->data) in debug builds: whatever is an
   event's data begins with this, alike a connection up to its fd */

typedef struct {
    void                          *data[3];
    ngx_socket_t                   fd;       /* -1 */
} ngx_http_imgp_ident_t;


/* ---- configuration (ngx_http_imgp_conf.c, ngx_http_imgp_stage_conf.c) ---- */

#define NGX_HTTP_IMGP_SEND_RAW        0
#define NGX_HTTP_IMGP_SEND_MULTIPART  1


/* text with params in it: "literal" then the param's value, if any */

typedef struct {
    ngx_str_t                      literal;
    ngx_uint_t                     param;    /* or IMGP_NO_PARAM */
} ngx_http_imgp_piece_t;


typedef struct {
    ngx_str_t                      name;
    ngx_array_t                    pieces;   /* ngx_http_imgp_piece_t */
} ngx_http_imgp_field_t;


/* where and how a "post" stage calls; imgp_stage_t.op of such a stage */

typedef struct {
    ngx_str_t                      url;      /* NUL-terminated, for curl */
    ngx_str_t                      host;     /* "name" or "name:port" */
    ngx_str_t                      unix_path;   /* NUL-terminated, or empty */
    in_port_t                      port;
    unsigned                       ssl:1;

    ngx_http_upstream_srv_conf_t  *upstream; /* an upstream {} or NULL */
    ngx_addr_t                    *addrs;    /* resolved at start */
    ngx_uint_t                     naddrs;   /* 0: by the resolver */

    ngx_uint_t                     send;
    ngx_str_t                      field;    /* of multipart; NUL-terminated */
    ngx_array_t                    parts;    /* ngx_http_imgp_field_t */
    ngx_array_t                    headers;  /* ngx_http_imgp_field_t */
} ngx_http_imgp_service_t;


typedef struct {
    imgp_plan_t                   *plan;
    ngx_uint_t                     index;    /* in the zone's table */
    ngx_http_imgp_service_t       *services[IMGP_STAGES_MAX];   /* or NULL */
} ngx_http_imgp_pipeline_t;


typedef struct ngx_http_imgp_zone_s    ngx_http_imgp_zone_t;
typedef struct ngx_http_imgp_worker_s  ngx_http_imgp_worker_t;


typedef struct {
    ngx_array_t                    pipelines;  /* ngx_http_imgp_pipeline_t * */
    imgp_pool_t                   *pool;       /* of the plans */

    ngx_path_t                    *path;
    imgp_store_t                   store;
    ngx_shm_zone_t                *shm_zone;
    off_t                          max_size;
    time_t                         inactive;

    ngx_str_t                      threads;
    ngx_thread_pool_t             *thread_pool;

    ngx_resolver_t                *resolver;   /* of http {}, or NULL */
    ngx_msec_t                     resolver_timeout;

    ngx_http_imgp_zone_t          *zone;
    ngx_http_imgp_worker_t        *worker;     /* of this process */
} ngx_http_imgp_main_conf_t;


typedef struct {
    ngx_http_imgp_pipeline_t      *pipeline;
    ngx_http_complex_value_t      *owner;
    ngx_msec_t                     wait;
    ngx_array_t                   *bypass;     /* ngx_http_set_predicate_slot */
} ngx_http_imgp_loc_conf_t;


char *ngx_http_imgp_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_imgp_threads(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_imgp_pipeline(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_imgp_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* one "stage NAME { }", read into plan->stages[plan->nstages] */

char *ngx_http_imgp_stage(ngx_conf_t *cf, ngx_http_imgp_main_conf_t *imcf,
    ngx_http_imgp_pipeline_t *pipeline, ngx_str_t *name);


/* ---- the shared zone (ngx_http_imgp_zone.c) and its job table (_table.c) */

typedef struct {
    u_char                         id[IMGP_ID_BYTES];
    u_char                         owner[IMGP_OWNER_LEN];
    ngx_uint_t                     pipeline;
    ngx_uint_t                     state;      /* imgp_job_state_e */
    ngx_uint_t                     revision;
    ngx_uint_t                     lost;
    uint64_t                       fence;
    imgp_msec_t                    expires_at;
    int64_t                        position;   /* in its queue, or -1 */
    u_char                        *record;     /* a copy, from the pool */
    size_t                         len;
} ngx_http_imgp_entry_t;


ngx_int_t ngx_http_imgp_zone_init(ngx_shm_zone_t *shm_zone, void *data);

/* a worker process enters the table of workers, and leaves it */

ngx_int_t ngx_http_imgp_zone_enter(ngx_http_imgp_zone_t *zone);
void ngx_http_imgp_zone_leave(ngx_http_imgp_zone_t *zone);


/* ---- threads (ngx_http_imgp_thread.c) ---- */

#define NGX_HTTP_IMGP_TASK_IO   0      /* short: a slot is kept free for it */
#define NGX_HTTP_IMGP_TASK_CPU  1


typedef struct {
    ngx_queue_t                    queue;
    ngx_thread_task_t              task;
    ngx_uint_t                     kind;
    ngx_uint_t                     state;      /* private */
    ngx_http_imgp_worker_t        *worker;

    void                         (*work)(void *data, ngx_log_t *log);
    void                         (*done)(void *data);   /* event loop */
    void                          *data;
} ngx_http_imgp_task_t;


/* the task lies in memory that lives until done() was called */

void ngx_http_imgp_thread_run(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_task_t *task);

/* takes back a task that no thread has yet: done() will not be called;
   NGX_DECLINED: too late, it will */

ngx_int_t ngx_http_imgp_thread_withdraw(ngx_http_imgp_task_t *task);


/* ---- calls of services (ngx_http_imgp_service.c over _curl.c) ---- */

#define NGX_HTTP_IMGP_REPLY_MAX   (64 * 1024 * 1024)
#define NGX_HTTP_IMGP_CONNECT     5000      /* ms, at most */


typedef struct ngx_http_imgp_call_s  ngx_http_imgp_call_t;

struct ngx_http_imgp_call_s {
    /* filled by the caller; all of it lives until done(), or the cancel */

    ngx_pool_t                    *pool;       /* of the caller's run */
    ngx_log_t                     *log;
    ngx_http_imgp_main_conf_t     *conf;
    ngx_http_imgp_service_t       *service;
    imgp_str_t                    *params;     /* values by plan index */
    imgp_str_t                    *inputs;     /* bytes, mapped */
    const char                   **types;
    ngx_uint_t                     ninputs;
    u_char                         key[IMGP_DIGEST_LEN];  /* Idempotency-Key */
    char                           trace[56];  /* traceparent, or "" */
    ngx_msec_t                     timeout;    /* of the whole call */
    size_t                         max_reply;

    void                         (*done)(ngx_http_imgp_call_t *call);
    void                          *data;

    /* filled for done(); error.code is 0 only for a whole 2xx answer */

    imgp_error_t                   error;
    ngx_uint_t                     status;
    ngx_msec_t                     retry_after;  /* 0: not told */
    u_char                        *body;       /* malloc'ed; the caller takes
                                                  it by setting it to NULL */
    size_t                         body_len;
    ngx_str_t                      type;       /* Content-Type, from pool */

    void                          *private;
};


/* NGX_OK: done() will be called, never from inside this call; NGX_ERROR:
   call->error tells why, done() will not be called */

ngx_int_t ngx_http_imgp_service_start(ngx_http_imgp_call_t *call);

/* aborts at once; done() will not be called; body is freed */

void ngx_http_imgp_service_cancel(ngx_http_imgp_call_t *call);

/* the curl loop of a worker process: made in init_process, freed in
   exit_process */

typedef struct ngx_http_imgp_curl_s  ngx_http_imgp_curl_t;

ngx_http_imgp_curl_t *ngx_http_imgp_curl_create(ngx_cycle_t *cycle);
void ngx_http_imgp_curl_destroy(ngx_http_imgp_curl_t *curl);


/* ---- the worker process ---- */

struct ngx_http_imgp_worker_s {
    ngx_http_imgp_ident_t          ident;
    ngx_cycle_t                   *cycle;
    ngx_log_t                     *log;
    ngx_http_imgp_main_conf_t     *conf;
    ngx_http_imgp_zone_t          *zone;
    ngx_http_imgp_curl_t          *curl;

    /* threads */
    ngx_uint_t                     slots;      /* tasks posted at most */
    ngx_uint_t                     posted;
    ngx_uint_t                     posted_cpu;
    ngx_queue_t                    io_queue;
    ngx_queue_t                    cpu_queue;

    void                          *wake;       /* ngx_http_imgp_wake.c */
    void                          *watch;      /* ngx_http_imgp_watch.c */
    void                          *run;        /* ngx_http_imgp_run.c */
    void                          *sweep;      /* ngx_http_imgp_sweep.c */

    ngx_event_t                    hold;       /* keeps the process alive */
    ngx_uint_t                     holds;
    ngx_connection_t              *sentinel;   /* hears of the shutdown */
    ngx_uint_t                     exiting;
};


/* the process does not exit gracefully while it is held */

void ngx_http_imgp_hold(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_release(ngx_http_imgp_worker_t *w);


extern ngx_module_t  ngx_http_image_pipeline_module;


#endif /* _NGX_HTTP_IMGP_H_INCLUDED_ */
