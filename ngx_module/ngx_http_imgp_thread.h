
/*
 * What the two kinds of tasks share, of ngx_http_imgp_thread.c and
 * ngx_http_imgp_runner.c alone.
 */


#ifndef _NGX_HTTP_IMGP_THREAD_H_INCLUDED_
#define _NGX_HTTP_IMGP_THREAD_H_INCLUDED_


#include "ngx_http_imgp.h"
#include <ngx_thread_pool.h>


#define NGX_HTTP_IMGP_TASK_IDLE    0
#define NGX_HTTP_IMGP_TASK_QUEUED  1
#define NGX_HTTP_IMGP_TASK_POSTED  2


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;

    /* of the event loop */
    ngx_uint_t                     slots;      /* tasks posted at most */
    ngx_uint_t                     cpu_slots;  /* of them for long ones */
    ngx_uint_t                     posted;
    ngx_uint_t                     posted_cpu;
    ngx_queue_t                    cpu_queue;
    ngx_queue_t                    free;       /* runners */
    ngx_connection_t              *connection;
    ngx_event_t                    patience;   /* of the short queue */

    /* shared with the runners */
    ngx_thread_mutex_t             mutex;
    ngx_queue_t                    io_queue;
    ngx_queue_t                    done;
    ngx_uint_t                     told;       /* the loop looks at done */
    ngx_fd_t                       eventfd;
} ngx_http_imgp_threads_t;


/* a task of the pool, counted as posted; the caller has looked at the slots */

ngx_int_t ngx_http_imgp_thread_post(ngx_http_imgp_threads_t *t,
    ngx_thread_task_t *task, void *ctx,
    void (*work)(void *data, ngx_log_t *log), void (*done)(ngx_event_t *ev));


ngx_int_t ngx_http_imgp_runner_init(ngx_http_imgp_threads_t *t);
void ngx_http_imgp_runner_exit(ngx_http_imgp_threads_t *t);
void ngx_http_imgp_runner_queue(ngx_http_imgp_threads_t *t,
    ngx_http_imgp_task_t *task);

/* does the queue of short tasks want another runner? */

ngx_uint_t ngx_http_imgp_runner_wanted(ngx_http_imgp_threads_t *t);
ngx_int_t ngx_http_imgp_runner_start(ngx_http_imgp_threads_t *t);


#endif /* _NGX_HTTP_IMGP_THREAD_H_INCLUDED_ */
