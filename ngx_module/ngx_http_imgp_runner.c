
/*
 * Short tasks are done by runners: a runner is a task of nginx's thread pool
 * that does short tasks for as long as there are any, and tells the event loop
 * of many at once, since under load the pool's way (a lock, two wake-ups of
 * threads and one of the loop for each task) costs more than the tasks
 * themselves.
 *
 * Event loop, but for ngx_http_imgp_runner_work() and what it calls.
 */


#include "ngx_http_imgp_thread.h"
#include <sys/eventfd.h>


/* a short task that has waited so long, in ms, is worth one more thread than
   there are processors: those that are out must be waiting for a disk */

#define NGX_HTTP_IMGP_THREAD_WAIT  1


typedef struct {
    ngx_queue_t                    queue;      /* of free ones */
    ngx_thread_task_t              task;
    ngx_http_imgp_worker_t        *worker;
} ngx_http_imgp_runner_t;


static ngx_int_t ngx_http_imgp_runner_listen(ngx_http_imgp_threads_t *t);
static void ngx_http_imgp_runner_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_runner_tell(ngx_http_imgp_threads_t *t,
    ngx_log_t *log);
static void ngx_http_imgp_runner_done(ngx_event_t *ev);
static void ngx_http_imgp_runner_told(ngx_event_t *ev);
static void ngx_http_imgp_runner_impatient(ngx_event_t *ev);
static void ngx_http_imgp_runner_finish(ngx_http_imgp_threads_t *t);


ngx_int_t
ngx_http_imgp_runner_init(ngx_http_imgp_threads_t *t)
{
    ngx_queue_init(&t->io_queue);
    ngx_queue_init(&t->done);
    ngx_queue_init(&t->free);

    t->patience.handler = ngx_http_imgp_runner_impatient;
    t->patience.data = t;
    t->patience.log = t->worker->log;
    t->patience.cancelable = 1;

    if (ngx_thread_mutex_create(&t->mutex, t->worker->log) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_imgp_runner_listen(t);
}


/* ngx_notify() knows one handler only, and that is the pool's */

static ngx_int_t
ngx_http_imgp_runner_listen(ngx_http_imgp_threads_t *t)
{
    ngx_log_t         *log;
    ngx_connection_t  *c;

    log = t->worker->log;

    t->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (t->eventfd == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "eventfd() failed");
        return NGX_ERROR;
    }

    c = ngx_get_connection(t->eventfd, log);

    if (c == NULL) {
        goto failed;
    }

    /* "channel" keeps it out of the count of open sockets at exit */

    c->data = t;
    c->read->handler = ngx_http_imgp_runner_told;
    c->write->handler = ngx_http_imgp_runner_told;
    c->read->log = log;
    c->write->log = log;
    c->read->channel = 1;
    c->write->channel = 1;

    if (ngx_add_event(c->read, NGX_READ_EVENT,
                      (ngx_event_flags & NGX_USE_CLEAR_EVENT)
                      ? NGX_CLEAR_EVENT : NGX_LEVEL_EVENT)
        != NGX_OK)
    {
        ngx_free_connection(c);
        goto failed;
    }

    t->connection = c;

    return NGX_OK;

failed:

    (void) close(t->eventfd);

    return NGX_ERROR;
}


/* threads are still there, and may write into it: it is not closed */

void
ngx_http_imgp_runner_exit(ngx_http_imgp_threads_t *t)
{
    if (t->connection->read->active) {
        ngx_del_event(t->connection->read, NGX_READ_EVENT, 0);
    }

    ngx_free_connection(t->connection);
    t->connection->fd = (ngx_socket_t) -1;
}


void
ngx_http_imgp_runner_queue(ngx_http_imgp_threads_t *t,
    ngx_http_imgp_task_t *task)
{
    (void) ngx_thread_mutex_lock(&t->mutex, t->worker->log);
    ngx_queue_insert_tail(&t->io_queue, &task->queue);
    (void) ngx_thread_mutex_unlock(&t->mutex, t->worker->log);
}


/* more than there are processors do not make the queue shorter, but when they
   wait for the disk */

ngx_uint_t
ngx_http_imgp_runner_wanted(ngx_http_imgp_threads_t *t)
{
    ngx_uint_t             behind, runners;
    ngx_http_imgp_task_t  *task;

    runners = t->posted - t->posted_cpu;
    behind = 0;

    (void) ngx_thread_mutex_lock(&t->mutex, t->worker->log);

    if (!ngx_queue_empty(&t->io_queue)) {
        task = ngx_queue_data(ngx_queue_head(&t->io_queue),
                              ngx_http_imgp_task_t, queue);

        behind = runners < (ngx_uint_t) ngx_ncpu
                 || ngx_current_msec - task->since
                    >= NGX_HTTP_IMGP_THREAD_WAIT;

        /* its turn may come without anything else that looks again */

        if (!behind && !t->patience.timer_set) {
            ngx_add_timer(&t->patience, NGX_HTTP_IMGP_THREAD_WAIT);
        }
    }

    (void) ngx_thread_mutex_unlock(&t->mutex, t->worker->log);

    return behind;
}


ngx_int_t
ngx_http_imgp_runner_start(ngx_http_imgp_threads_t *t)
{
    ngx_queue_t             *q;
    ngx_http_imgp_runner_t  *runner;

    if (ngx_queue_empty(&t->free)) {
        runner = ngx_pcalloc(t->worker->cycle->pool,
                             sizeof(ngx_http_imgp_runner_t));
        if (runner == NULL) {
            return NGX_ERROR;
        }

        runner->worker = t->worker;

    } else {
        q = ngx_queue_head(&t->free);
        ngx_queue_remove(q);
        runner = ngx_queue_data(q, ngx_http_imgp_runner_t, queue);
    }

    if (ngx_http_imgp_thread_post(t, &runner->task, runner,
                                  ngx_http_imgp_runner_work,
                                  ngx_http_imgp_runner_done)
        != NGX_OK)
    {
        ngx_queue_insert_tail(&t->free, &runner->queue);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* in a thread; of the last task the pool itself tells the event loop */

static void
ngx_http_imgp_runner_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_runner_t  *runner = data;

    ngx_uint_t                tell;
    ngx_queue_t              *q;
    ngx_http_imgp_task_t     *task;
    ngx_http_imgp_threads_t  *t;

    t = runner->worker->threads;

    (void) ngx_thread_mutex_lock(&t->mutex, log);

    while (!ngx_queue_empty(&t->io_queue)) {
        q = ngx_queue_head(&t->io_queue);
        ngx_queue_remove(q);

        task = ngx_queue_data(q, ngx_http_imgp_task_t, queue);
        task->state = NGX_HTTP_IMGP_TASK_POSTED;

        (void) ngx_thread_mutex_unlock(&t->mutex, log);

        task->work(task->data, log);

        (void) ngx_thread_mutex_lock(&t->mutex, log);

        ngx_queue_insert_tail(&t->done, &task->queue);

        tell = !t->told && !ngx_queue_empty(&t->io_queue);

        if (tell) {
            t->told = 1;

            (void) ngx_thread_mutex_unlock(&t->mutex, log);
            ngx_http_imgp_runner_tell(t, log);
            (void) ngx_thread_mutex_lock(&t->mutex, log);
        }
    }

    (void) ngx_thread_mutex_unlock(&t->mutex, log);
}


static void
ngx_http_imgp_runner_tell(ngx_http_imgp_threads_t *t, ngx_log_t *log)
{
    uint64_t  one;

    one = 1;

    if (write(t->eventfd, &one, sizeof(uint64_t)) == -1
        && ngx_errno != NGX_EAGAIN)
    {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "write() to eventfd failed");
    }
}


static void
ngx_http_imgp_runner_done(ngx_event_t *ev)
{
    ngx_http_imgp_runner_t   *runner;
    ngx_http_imgp_threads_t  *t;

    runner = ev->data;
    t = runner->worker->threads;

    t->posted--;
    ngx_queue_insert_tail(&t->free, &runner->queue);

    ngx_http_imgp_thread_next(runner->worker);
    ngx_http_imgp_runner_finish(t);
}


static void
ngx_http_imgp_runner_told(ngx_event_t *ev)
{
    uint64_t                  n;
    ngx_connection_t         *c;
    ngx_http_imgp_threads_t  *t;

    c = ev->data;
    t = c->data;

    if (read(t->eventfd, &n, sizeof(uint64_t)) == -1
        && ngx_errno != NGX_EAGAIN)
    {
        ngx_log_error(NGX_LOG_ALERT, ev->log, ngx_errno,
                      "read() from eventfd failed");
    }

    ngx_http_imgp_thread_next(t->worker);
    ngx_http_imgp_runner_finish(t);
}


static void
ngx_http_imgp_runner_impatient(ngx_event_t *ev)
{
    ngx_http_imgp_threads_t  *t;

    t = ev->data;

    ngx_http_imgp_thread_next(t->worker);
}


static void
ngx_http_imgp_runner_finish(ngx_http_imgp_threads_t *t)
{
    ngx_queue_t              *q, done;
    ngx_http_imgp_task_t     *task;
    ngx_http_imgp_worker_t   *w;

    w = t->worker;

    ngx_queue_init(&done);

    (void) ngx_thread_mutex_lock(&t->mutex, w->log);

    if (!ngx_queue_empty(&t->done)) {
        ngx_queue_add(&done, &t->done);
        ngx_queue_init(&t->done);
    }

    t->told = 0;

    (void) ngx_thread_mutex_unlock(&t->mutex, w->log);

    while (!ngx_queue_empty(&done)) {
        q = ngx_queue_head(&done);
        ngx_queue_remove(q);

        task = ngx_queue_data(q, ngx_http_imgp_task_t, queue);
        task->state = NGX_HTTP_IMGP_TASK_IDLE;

        /* the task's memory may be gone after this */

        task->done(task->data);

        ngx_http_imgp_release(w);
    }
}
