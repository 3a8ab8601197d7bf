
/*
 * Tasks in nginx's thread pool.  Never more are posted than the pool has
 * threads: the rest waits here, in the order of coming.  So what nginx drops
 * on exit when a queue overflows is never ours, short tasks go before long
 * ones, and one thread is kept from the long ones, so that an upload is stored
 * while pictures are being decoded.  Long ones never outnumber the processors:
 * further threads serve those who wait for the disk.
 *
 * A long task is a task of the pool; short ones are done by runners, see
 * ngx_http_imgp_runner.c.
 *
 * A task that waits or is posted holds the process: without that nginx before
 * 1.27 exits on a reload without ever calling the completion handler.
 */


#include "ngx_http_imgp_thread.h"


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


static ngx_uint_t ngx_http_imgp_thread_slots(ngx_http_imgp_worker_t *w);
static ngx_int_t ngx_http_imgp_thread_long(ngx_http_imgp_threads_t *t);
static void ngx_http_imgp_thread_long_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_thread_long_done(ngx_event_t *ev);


ngx_int_t
ngx_http_imgp_thread_init(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_threads_t  *t;

    t = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_threads_t));
    if (t == NULL) {
        return NGX_ERROR;
    }

    t->ident.fd = (ngx_socket_t) -1;
    t->worker = w;

    ngx_queue_init(&t->cpu_queue);

    t->slots = ngx_http_imgp_thread_slots(w);
    t->cpu_slots = ngx_max(ngx_min((ngx_int_t) t->slots - 1, ngx_ncpu), 1);

    if (ngx_http_imgp_runner_init(t) != NGX_OK) {
        return NGX_ERROR;
    }

    w->threads = t;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_imgp_thread_slots(ngx_http_imgp_worker_t *w)
{
    ngx_str_t                    *name;
    ngx_http_imgp_thread_pool_t  *tp;

    name = &w->conf->threads;
    tp = (ngx_http_imgp_thread_pool_t *) w->conf->thread_pool;

    if (tp->name.len == name->len
        && ngx_strncmp(tp->name.data, name->data, name->len) == 0
        && tp->threads > 0 && tp->threads <= 65536)
    {
        return tp->threads;
    }

    return ngx_max(ngx_ncpu, 1);
}


void
ngx_http_imgp_thread_exit(ngx_http_imgp_worker_t *w)
{
    if (w->threads) {
        ngx_http_imgp_runner_exit(w->threads);
    }
}


void
ngx_http_imgp_thread_run(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_task_t *task)
{
    ngx_http_imgp_threads_t  *t;

    t = w->threads;

    task->worker = w;
    task->state = NGX_HTTP_IMGP_TASK_QUEUED;
    task->since = ngx_current_msec;

    if (task->kind == NGX_HTTP_IMGP_TASK_CPU) {
        ngx_queue_insert_tail(&t->cpu_queue, &task->queue);

    } else {
        ngx_http_imgp_runner_queue(t, task);
    }

    ngx_http_imgp_hold(w);
    ngx_http_imgp_thread_next(w);
}


ngx_int_t
ngx_http_imgp_thread_withdraw(ngx_http_imgp_task_t *task)
{
    ngx_int_t                 rc;
    ngx_http_imgp_worker_t   *w;
    ngx_http_imgp_threads_t  *t;

    w = task->worker;
    t = w->threads;
    rc = NGX_DECLINED;

    (void) ngx_thread_mutex_lock(&t->mutex, w->log);

    if (task->state == NGX_HTTP_IMGP_TASK_QUEUED) {
        ngx_queue_remove(&task->queue);
        task->state = NGX_HTTP_IMGP_TASK_IDLE;
        rc = NGX_OK;
    }

    (void) ngx_thread_mutex_unlock(&t->mutex, w->log);

    if (rc == NGX_OK) {
        ngx_http_imgp_release(w);
    }

    return rc;
}


/* how many long tasks wait: a worker with a backlog claims no more jobs */

ngx_uint_t
ngx_http_imgp_thread_backlog(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_threads_t  *t;

    t = w->threads;

    return !ngx_queue_empty(&t->cpu_queue);
}


/* also by the timer of the hold: the pool may have been full of the tasks of
   another module, with none of ours out whose end would come by here */

void
ngx_http_imgp_thread_next(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_threads_t  *t;

    t = w->threads;

    /* one for a task, so that a short queue does not wake all threads; one
       slot is kept from them, too */

    if (t->posted < t->slots
        && t->posted - t->posted_cpu < ngx_max(t->slots - 1, 1)
        && ngx_http_imgp_runner_wanted(t)
        && ngx_http_imgp_runner_start(t) != NGX_OK)
    {
        return;
    }

    while (t->posted < t->slots && t->posted_cpu < t->cpu_slots
           && !ngx_queue_empty(&t->cpu_queue))
    {
        if (ngx_http_imgp_thread_long(t) != NGX_OK) {
            return;
        }
    }
}


ngx_int_t
ngx_http_imgp_thread_post(ngx_http_imgp_threads_t *t, ngx_thread_task_t *task,
    void *ctx, void (*work)(void *data, ngx_log_t *log),
    void (*done)(ngx_event_t *ev))
{
    ngx_memzero(task, sizeof(ngx_thread_task_t));

    task->ctx = ctx;
    task->handler = work;
    task->event.handler = done;
    task->event.data = ctx;
    task->event.log = t->worker->log;

    if (ngx_thread_task_post(t->worker->conf->thread_pool, task) != NGX_OK) {
        return NGX_ERROR;
    }

    t->posted++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_imgp_thread_long(ngx_http_imgp_threads_t *t)
{
    ngx_queue_t           *q;
    ngx_http_imgp_task_t  *task;

    q = ngx_queue_head(&t->cpu_queue);
    task = ngx_queue_data(q, ngx_http_imgp_task_t, queue);

    if (ngx_http_imgp_thread_post(t, &task->task, task,
                                  ngx_http_imgp_thread_long_work,
                                  ngx_http_imgp_thread_long_done)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_remove(q);

    t->posted_cpu++;
    task->state = NGX_HTTP_IMGP_TASK_POSTED;

    if (task->started) {
        task->started(task->data);
    }

    return NGX_OK;
}


static void
ngx_http_imgp_thread_long_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_task_t  *task = data;

    task->work(task->data, log);
}


static void
ngx_http_imgp_thread_long_done(ngx_event_t *ev)
{
    ngx_http_imgp_task_t     *task;
    ngx_http_imgp_worker_t   *w;
    ngx_http_imgp_threads_t  *t;

    task = ev->data;
    w = task->worker;
    t = w->threads;

    task->state = NGX_HTTP_IMGP_TASK_IDLE;
    t->posted--;
    t->posted_cpu--;

    /* the task's memory may be gone after its handler */

    ngx_http_imgp_thread_next(w);

    task->done(task->data);

    ngx_http_imgp_release(w);
}
