
/*
 * Tasks in nginx's thread pool.  Never more are posted than the pool has
 * threads: the rest waits here, in the order of coming.  So what nginx drops
 * on exit when a queue overflows is never ours, short tasks go before long
 * ones, and one thread is kept from the long ones, so that an upload is stored
 * while pictures are being decoded.  Long ones never outnumber the processors:
 * further threads serve those who wait for the disk.
 *
 * A long task is a task of the pool.  Short ones are done by runners: a runner
 * is a task of the pool that does short tasks for as long as there are any,
 * and tells the event loop of many at once, since under load the pool's way
 * (a lock, two wake-ups of threads and one of the loop for each task) costs
 * more than the tasks themselves.
 *
 * A task that waits or is posted holds the process: without that nginx before
 * 1.27 exits on a reload without ever calling the completion handler.
 */


#include "ngx_http_imgp.h"
#include <ngx_thread_pool.h>
#include <sys/eventfd.h>


#define NGX_HTTP_IMGP_TASK_IDLE    0
#define NGX_HTTP_IMGP_TASK_QUEUED  1
#define NGX_HTTP_IMGP_TASK_POSTED  2

/* a short task that has waited so long, in ms, is worth one more thread than
   there are processors: those that are out must be waiting for a disk */

#define NGX_HTTP_IMGP_THREAD_WAIT  1


typedef struct {
    ngx_queue_t                    queue;      /* of free ones */
    ngx_thread_task_t              task;
    ngx_http_imgp_worker_t        *worker;
} ngx_http_imgp_runner_t;


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
static ngx_int_t ngx_http_imgp_thread_listen(ngx_http_imgp_threads_t *t);
static ngx_int_t ngx_http_imgp_thread_post(ngx_http_imgp_threads_t *t,
    ngx_thread_task_t *task, void *ctx,
    void (*work)(void *data, ngx_log_t *log), void (*done)(ngx_event_t *ev));
static ngx_uint_t ngx_http_imgp_thread_behind(ngx_http_imgp_threads_t *t);
static ngx_int_t ngx_http_imgp_thread_runner(ngx_http_imgp_threads_t *t);
static void ngx_http_imgp_runner_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_runner_tell(ngx_http_imgp_threads_t *t,
    ngx_log_t *log);
static void ngx_http_imgp_runner_done(ngx_event_t *ev);
static void ngx_http_imgp_thread_told(ngx_event_t *ev);
static void ngx_http_imgp_thread_impatient(ngx_event_t *ev);
static void ngx_http_imgp_thread_finish(ngx_http_imgp_threads_t *t);
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
    ngx_queue_init(&t->io_queue);
    ngx_queue_init(&t->done);
    ngx_queue_init(&t->free);

    t->patience.handler = ngx_http_imgp_thread_impatient;
    t->patience.data = t;
    t->patience.log = w->log;
    t->patience.cancelable = 1;

    t->slots = ngx_http_imgp_thread_slots(w);
    t->cpu_slots = ngx_max(ngx_min((ngx_int_t) t->slots - 1, ngx_ncpu), 1);

    if (ngx_thread_mutex_create(&t->mutex, w->log) != NGX_OK
        || ngx_http_imgp_thread_listen(t) != NGX_OK)
    {
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


/* ngx_notify() knows one handler only, and that is the pool's */

static ngx_int_t
ngx_http_imgp_thread_listen(ngx_http_imgp_threads_t *t)
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
    c->read->handler = ngx_http_imgp_thread_told;
    c->write->handler = ngx_http_imgp_thread_told;
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


void
ngx_http_imgp_thread_exit(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_threads_t  *t;

    t = w->threads;

    if (t == NULL) {
        return;
    }

    /* threads are still there, and may write into it: it is not closed */

    if (t->connection->read->active) {
        ngx_del_event(t->connection->read, NGX_READ_EVENT, 0);
    }

    ngx_free_connection(t->connection);
    t->connection->fd = (ngx_socket_t) -1;
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
        (void) ngx_thread_mutex_lock(&t->mutex, w->log);
        ngx_queue_insert_tail(&t->io_queue, &task->queue);
        (void) ngx_thread_mutex_unlock(&t->mutex, w->log);
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
        && ngx_http_imgp_thread_behind(t)
        && ngx_http_imgp_thread_runner(t) != NGX_OK)
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


static ngx_int_t
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


/* ---- short tasks ---- */

/* does the queue want another runner?  More than there are processors do not
   make it shorter, but when they wait for the disk. */

static ngx_uint_t
ngx_http_imgp_thread_behind(ngx_http_imgp_threads_t *t)
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


static ngx_int_t
ngx_http_imgp_thread_runner(ngx_http_imgp_threads_t *t)
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
    ngx_http_imgp_thread_finish(t);
}


static void
ngx_http_imgp_thread_told(ngx_event_t *ev)
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
    ngx_http_imgp_thread_finish(t);
}


static void
ngx_http_imgp_thread_impatient(ngx_event_t *ev)
{
    ngx_http_imgp_threads_t  *t;

    t = ev->data;

    ngx_http_imgp_thread_next(t->worker);
}


static void
ngx_http_imgp_thread_finish(ngx_http_imgp_threads_t *t)
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


/* ---- long tasks ---- */

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
