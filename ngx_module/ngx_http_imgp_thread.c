
/*
 * Tasks in nginx's thread pool.  Never more are posted than the pool has
 * threads: the rest waits here, in the order of coming.  So what nginx drops
 * on exit when a queue overflows is never ours, short tasks go before long
 * ones, and one thread is kept from the long ones, so that an upload is stored
 * while pictures are being decoded.  Long ones never outnumber the processors:
 * further threads serve those who wait for the disk.
 *
 * A task that is posted holds the process: without that nginx before 1.27
 * exits on a reload without ever calling the completion handler.
 */


#include "ngx_http_imgp.h"
#include <ngx_thread_pool.h>


#define NGX_HTTP_IMGP_TASK_IDLE    0
#define NGX_HTTP_IMGP_TASK_QUEUED  1
#define NGX_HTTP_IMGP_TASK_POSTED  2


/*
 * The beginning of ngx_thread_pool_s, which nginx keeps private in
 * ngx_thread_pool.c and has not changed since it was born in 1.7.11.  It is
 * believed only when the name in it is the name of the pool asked for.
 */

typedef struct {
    ngx_thread_mutex_t             mtx;
    ngx_thread_task_t             *first;
    ngx_thread_task_t            **last;
    ngx_int_t                      waiting;
    ngx_thread_cond_t              cond;
    ngx_log_t                     *log;
    ngx_str_t                      name;
    ngx_uint_t                     threads;
} ngx_http_imgp_thread_pool_t;


static ngx_http_imgp_task_t *ngx_http_imgp_thread_pick(
    ngx_http_imgp_worker_t *w);
static ngx_int_t ngx_http_imgp_thread_post(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_task_t *task);
static void ngx_http_imgp_thread_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_thread_done(ngx_event_t *ev);


void
ngx_http_imgp_thread_init(ngx_http_imgp_worker_t *w)
{
    ngx_str_t                    *name;
    ngx_http_imgp_thread_pool_t  *tp;

    ngx_queue_init(&w->io_queue);
    ngx_queue_init(&w->cpu_queue);

    name = &w->conf->threads;
    tp = (ngx_http_imgp_thread_pool_t *) w->conf->thread_pool;

    if (tp->name.len == name->len
        && ngx_strncmp(tp->name.data, name->data, name->len) == 0
        && tp->threads > 0 && tp->threads <= 65536)
    {
        w->slots = tp->threads;

    } else {
        w->slots = ngx_max(ngx_ncpu, 1);
    }

    w->cpu_slots = ngx_max(ngx_min((ngx_int_t) w->slots - 1, ngx_ncpu), 1);

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, w->log, 0,
                   "image pipeline: thread pool \"%V\", %ui slots",
                   name, w->slots);
}


void
ngx_http_imgp_thread_run(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_task_t *task)
{
    ngx_queue_t  *queue;

    queue = task->kind == NGX_HTTP_IMGP_TASK_CPU ? &w->cpu_queue
                                                 : &w->io_queue;
    task->worker = w;
    task->state = NGX_HTTP_IMGP_TASK_QUEUED;

    ngx_queue_insert_tail(queue, &task->queue);

    ngx_http_imgp_hold(w);
    ngx_http_imgp_thread_next(w);
}


ngx_int_t
ngx_http_imgp_thread_withdraw(ngx_http_imgp_task_t *task)
{
    if (task->state != NGX_HTTP_IMGP_TASK_QUEUED) {
        return NGX_DECLINED;
    }

    ngx_queue_remove(&task->queue);
    task->state = NGX_HTTP_IMGP_TASK_IDLE;

    ngx_http_imgp_release(task->worker);

    return NGX_OK;
}


/* how many long tasks wait: a worker with a backlog claims no more jobs */

ngx_uint_t
ngx_http_imgp_thread_backlog(ngx_http_imgp_worker_t *w)
{
    return !ngx_queue_empty(&w->cpu_queue);
}


void
ngx_http_imgp_thread_next(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_task_t  *task;

    while (w->posted < w->slots) {

        task = ngx_http_imgp_thread_pick(w);
        if (task == NULL) {
            return;
        }

        if (ngx_http_imgp_thread_post(w, task) != NGX_OK) {
            /* another module fills the pool: again when a task of ours ends,
               or, with none out, by the timer of the hold */
            ngx_queue_insert_head(task->kind == NGX_HTTP_IMGP_TASK_CPU
                                  ? &w->cpu_queue : &w->io_queue,
                                  &task->queue);
            return;
        }
    }
}


static ngx_http_imgp_task_t *
ngx_http_imgp_thread_pick(ngx_http_imgp_worker_t *w)
{
    ngx_queue_t  *q;

    if (!ngx_queue_empty(&w->io_queue)) {
        q = ngx_queue_head(&w->io_queue);

    } else if (!ngx_queue_empty(&w->cpu_queue)
               && w->posted_cpu < w->cpu_slots)
    {
        q = ngx_queue_head(&w->cpu_queue);

    } else {
        return NULL;
    }

    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_http_imgp_task_t, queue);
}


static ngx_int_t
ngx_http_imgp_thread_post(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_task_t *task)
{
    ngx_memzero(&task->task, sizeof(ngx_thread_task_t));

    task->task.ctx = task;
    task->task.handler = ngx_http_imgp_thread_work;
    task->task.event.handler = ngx_http_imgp_thread_done;
    task->task.event.data = task;
    task->task.event.log = w->log;

    if (ngx_thread_task_post(w->conf->thread_pool, &task->task) != NGX_OK) {
        return NGX_ERROR;
    }

    task->state = NGX_HTTP_IMGP_TASK_POSTED;
    w->posted++;

    if (task->kind == NGX_HTTP_IMGP_TASK_CPU) {
        w->posted_cpu++;
    }

    if (task->started) {
        task->started(task->data);
    }

    return NGX_OK;
}


static void
ngx_http_imgp_thread_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_task_t  *task = data;

    task->work(task->data, log);
}


static void
ngx_http_imgp_thread_done(ngx_event_t *ev)
{
    ngx_http_imgp_task_t    *task;
    ngx_http_imgp_worker_t  *w;

    task = ev->data;
    w = task->worker;

    task->state = NGX_HTTP_IMGP_TASK_IDLE;
    w->posted--;

    if (task->kind == NGX_HTTP_IMGP_TASK_CPU) {
        w->posted_cpu--;
    }

    /* the task's memory may be gone after its handler */

    ngx_http_imgp_thread_next(w);

    task->done(task->data);

    ngx_http_imgp_release(w);
}
