
/*
 * Who tells receivers of ended jobs: of all processes that use the store one,
 * as long as it lives and takes requests; which one is settled by a lock that
 * the kernel lets go of (ngx_http_imgp_alive.c).  It looks for notices that
 * are due, and starts as many attempts as a receiver may have at once.  What
 * it had begun when it died is still due for the next one.
 *
 * Looks go by hints of who has stored an end, by the time of the next attempt,
 * and once a second; they take a tenth of a thread at most.  A receiver
 * that hangs or refuses holds up no other one.
 *
 * Event loop, but for the look at the store, which is for a thread.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_notify.h"


#define NGX_HTTP_IMGP_NOTIFY_TICK    1000  /* ms between looks */
#define NGX_HTTP_IMGP_NOTIFY_GAP     5     /* at least */
#define NGX_HTTP_IMGP_NOTIFY_SHARE   10    /* times what the last one took */
#define NGX_HTTP_IMGP_NOTIFY_COUNT   30    /* looks, then dead/ is counted */


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_event_t                    timer;
    ngx_uint_t                     chosen;     /* this worker does it */
    ngx_uint_t                     scanning;
    ngx_uint_t                     hinted;     /* meanwhile */
    ngx_uint_t                     busy;       /* attempts */
    ngx_uint_t                     looks;
    ngx_msec_t                     ended;      /* the last look */

    ngx_http_imgp_receiver_t      *receivers;
    imgp_notice_list_t            *lists;
    ngx_uint_t                     n;

    /* a thread's while it looks */
    ngx_http_imgp_task_t           task;
    imgp_notice_scan_t             scan;
    imgp_store_error_t             error;
    ngx_uint_t                     counted;
    ngx_uint_t                     dead;
    ngx_msec_t                     took;
} ngx_http_imgp_notifier_t;


static ngx_int_t ngx_http_imgp_notify_receivers(ngx_http_imgp_notifier_t *n);
static void ngx_http_imgp_notify_tick(ngx_event_t *ev);
static void ngx_http_imgp_notify_leave(ngx_http_imgp_notifier_t *n);
static void ngx_http_imgp_notify_look(ngx_http_imgp_notifier_t *n);
static void ngx_http_imgp_notify_scan(void *data, ngx_log_t *log);
static void ngx_http_imgp_notify_scanned(void *data);
static void ngx_http_imgp_notify_start(ngx_http_imgp_notifier_t *n,
    ngx_http_imgp_receiver_t *receiver, const char *name);
static void ngx_http_imgp_notify_later(ngx_http_imgp_notifier_t *n,
    ngx_msec_t wait);
static void ngx_http_imgp_notify_ended(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_receiver_t *receiver, ngx_uint_t i);


ngx_int_t
ngx_http_imgp_notify_init(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_notifier_t  *n;

    if (!w->conf->notify) {
        return NGX_OK;
    }

    n = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_notifier_t));
    if (n == NULL) {
        return NGX_ERROR;
    }

    n->ident.fd = (ngx_socket_t) -1;
    n->worker = w;

    n->timer.handler = ngx_http_imgp_notify_tick;
    n->timer.data = n;
    n->timer.log = w->log;
    n->timer.cancelable = 1;

    n->task.kind = NGX_HTTP_IMGP_TASK_IO;
    n->task.work = ngx_http_imgp_notify_scan;
    n->task.done = ngx_http_imgp_notify_scanned;
    n->task.data = n;

    if (ngx_http_imgp_notify_receivers(n) != NGX_OK) {
        return NGX_ERROR;
    }

    w->notify = n;

    ngx_add_timer(&n->timer, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_imgp_notify_receivers(ngx_http_imgp_notifier_t *n)
{
    ngx_uint_t                  i, k, count;
    ngx_pool_t                 *pool;
    ngx_http_imgp_notify_t    **notify;
    ngx_http_imgp_receiver_t   *receiver;
    ngx_http_imgp_pipeline_t  **pipeline;

    pool = n->worker->cycle->pool;
    pipeline = n->worker->conf->pipelines.elts;

    count = n->worker->conf->pipelines.nelts * NGX_HTTP_IMGP_NOTIFY_MAX;

    n->receivers = ngx_pcalloc(pool,
                               count * sizeof(ngx_http_imgp_receiver_t));
    if (n->receivers == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n->worker->conf->pipelines.nelts; i++) {
        notify = pipeline[i]->notify.elts;

        for (k = 0; k < pipeline[i]->notify.nelts; k++) {
            receiver = &n->receivers[n->n++];

            receiver->notify = notify[k];
            receiver->pipeline = ngx_http_imgp_nstr(&pipeline[i]->plan->name);
            receiver->target = k;
        }
    }

    n->lists = ngx_pcalloc(pool, n->n * sizeof(imgp_notice_list_t));
    if (n->lists == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n->n; i++) {
        ngx_http_imgp_conf_copy(&n->lists[i].pipeline,
                                n->receivers[i].pipeline);
        n->lists[i].target = n->receivers[i].target;
        n->lists[i].max = IMGP_NOTICE_LIST;
    }

    return NGX_OK;
}


void
ngx_http_imgp_notify_hint(ngx_http_imgp_worker_t *w)
{
    if (w->conf->notify) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_NOTIFY, NULL);
    }
}


void
ngx_http_imgp_notify_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id)
{
    ngx_http_imgp_notifier_t  *n;

    n = w->notify;

    if (n && n->chosen && kind == NGX_HTTP_IMGP_WAKE_NOTIFY) {
        ngx_http_imgp_notify_later(n, 0);
    }
}


static void
ngx_http_imgp_notify_tick(ngx_event_t *ev)
{
    ngx_http_imgp_notifier_t  *n = ev->data;

    if (n->worker->exiting) {
        ngx_http_imgp_notify_leave(n);
        return;
    }

    if (!n->chosen
        && ngx_http_imgp_alive_notifier(n->worker, 1) == NGX_OK)
    {
        n->chosen = 1;
    }

    if (n->chosen) {
        ngx_http_imgp_notify_look(n);

    } else {
        ngx_add_timer(ev, NGX_HTTP_IMGP_NOTIFY_TICK);
    }
}


/* another worker goes on, once what was begun here has ended */

static void
ngx_http_imgp_notify_leave(ngx_http_imgp_notifier_t *n)
{
    if (n->chosen && n->busy == 0 && !n->scanning) {
        n->chosen = 0;
        (void) ngx_http_imgp_alive_notifier(n->worker, 0);

    } else if (n->chosen && !n->timer.timer_set) {
        ngx_add_timer(&n->timer, NGX_HTTP_IMGP_NOTIFY_TICK);
    }
}


static void
ngx_http_imgp_notify_look(ngx_http_imgp_notifier_t *n)
{
    n->scanning = 1;
    n->hinted = 0;

    ngx_memzero(&n->error, sizeof(imgp_store_error_t));

    ngx_http_imgp_thread_run(n->worker, &n->task);
}


/* in a thread */

static void
ngx_http_imgp_notify_scan(void *data, ngx_log_t *log)
{
    ngx_http_imgp_notifier_t  *n = data;

    struct timeval   start, end;
    imgp_store_t    *store;

    store = &n->worker->conf->store;

    ngx_gettimeofday(&start);

    if (imgp_notice_scan(store, n->lists, n->n,
                         (imgp_msec_t) start.tv_sec * 1000
                         + start.tv_usec / 1000, &n->scan, &n->error)
        != IMGP_OK)
    {
        n->scan.next = 0;
    }

    n->counted = (n->looks++ % NGX_HTTP_IMGP_NOTIFY_COUNT == 0);

    if (n->counted) {
        n->dead = imgp_notice_dead(store);
    }

    ngx_gettimeofday(&end);

    n->took = ngx_max((end.tv_sec - start.tv_sec) * 1000
                      + (end.tv_usec - start.tv_usec) / 1000, 0);
}


static void
ngx_http_imgp_notify_scanned(void *data)
{
    ngx_http_imgp_notifier_t  *n = data;

    imgp_msec_t              now;
    ngx_uint_t               i, k;
    ngx_msec_t               wait;
    ngx_http_imgp_shzone_t  *sh;

    n->scanning = 0;
    n->ended = ngx_current_msec;

    if (n->error.error.code) {
        ngx_log_error(NGX_LOG_CRIT, n->worker->log, n->error.syserr,
                      "%s() failed while looking for notices", n->error.call);
    }

    sh = n->worker->zone->sh;

    sh->notify_pending = n->scan.pending;

    if (n->counted) {
        sh->notify_dead = n->dead;
    }

    if (n->worker->exiting) {
        ngx_http_imgp_notify_leave(n);
        return;
    }

    for (i = 0; i < n->n; i++) {
        for (k = 0; k < n->lists[i].n; k++) {
            ngx_http_imgp_notify_start(n, &n->receivers[i],
                                       n->lists[i].due[k].name);
        }
    }

    wait = NGX_HTTP_IMGP_NOTIFY_TICK;
    now = ngx_http_imgp_now();

    if (n->scan.next) {
        wait = n->scan.next > now ? ngx_min(n->scan.next - now, wait) : 0;
    }

    ngx_http_imgp_notify_later(n, n->hinted ? 0 : wait);
}


/* unless an attempt goes on, or as many as may be */

static void
ngx_http_imgp_notify_start(ngx_http_imgp_notifier_t *n,
    ngx_http_imgp_receiver_t *receiver, const char *name)
{
    ngx_uint_t  i, place;

    place = IMGP_NOTICE_LIST;

    for (i = 0; i < IMGP_NOTICE_LIST; i++) {

        if (ngx_strcmp(receiver->names[i], name) == 0) {
            return;
        }

        if (receiver->names[i][0] == '\0') {
            place = i;
        }
    }

    if (place == IMGP_NOTICE_LIST) {
        return;
    }

    ngx_memcpy(receiver->names[place], name, ngx_strlen(name) + 1);

    if (ngx_http_imgp_notify_send(n->worker, receiver, place,
                                  ngx_http_imgp_notify_ended)
        != NGX_OK)
    {
        receiver->names[place][0] = '\0';
        return;
    }

    receiver->busy++;
    n->busy++;
}


/* the next look, in so many ms, or sooner when that was said before */

static void
ngx_http_imgp_notify_later(ngx_http_imgp_notifier_t *n, ngx_msec_t wait)
{
    ngx_msec_t  gap, since;

    if (n->scanning) {
        n->hinted = 1;
        return;
    }

    gap = ngx_max(n->took * NGX_HTTP_IMGP_NOTIFY_SHARE,
                  NGX_HTTP_IMGP_NOTIFY_GAP);
    since = ngx_current_msec - n->ended;

    if (since < gap) {
        wait = ngx_max(wait, gap - since);
    }

    if (n->timer.timer_set) {

        if ((ngx_msec_int_t) (n->timer.timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) wait)
        {
            return;
        }

        ngx_del_timer(&n->timer);
    }

    ngx_add_timer(&n->timer, wait);
}


/* there may be more than a receiver could have at once */

static void
ngx_http_imgp_notify_ended(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_receiver_t *receiver, ngx_uint_t i)
{
    imgp_notice_list_t        *list;
    ngx_http_imgp_notifier_t  *n;

    n = w->notify;
    list = &n->lists[receiver - n->receivers];

    receiver->names[i][0] = '\0';
    receiver->busy--;
    n->busy--;

    if (w->exiting) {
        ngx_http_imgp_notify_leave(n);

    } else if (!n->scanning && list->n == list->max) {
        ngx_http_imgp_notify_later(n, 0);
    }
}


void
ngx_http_imgp_notify_stat(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_notify_stat_t *stat)
{
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;

    stat->delivered = sh->notify_delivered;
    stat->failed = sh->notify_failed;
    stat->given_up = sh->notify_given_up;
    stat->pending = sh->notify_pending;
    stat->dead = sh->notify_dead;
}
