
/*
 * Wake-ups between worker processes: a ring of changed ids in the zone, and
 * one eventfd that the master makes once and every worker of every
 * generation inherits.  It is registered edge-triggered and never read: each
 * write() is an edge in every process (ngx_epoll_notify() relies on the same).
 * There is nothing to lose, since the ring is a hint and the job table the
 * truth; who falls behind by more than the ring looks at everything.
 *
 * A write is spared while no other process waits for anything.
 */


#include "ngx_http_imgp_zone.h"
#include <sys/eventfd.h>


#define NGX_HTTP_IMGP_WAKE_BATCH   64
#define NGX_HTTP_IMGP_WAKE_SAFETY  1000    /* ms; without epoll: the beat */


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_wake_pt         *handlers;
    ngx_uint_t                     nhandlers;
    ngx_connection_t              *connection;
    ngx_atomic_uint_t              seen;
    ngx_event_t                    event;      /* posted for this process */
    ngx_event_t                    safety;
} ngx_http_imgp_wake_t;


static void ngx_http_imgp_wake_edge(ngx_event_t *ev);
static void ngx_http_imgp_wake_posted(ngx_event_t *ev);
static void ngx_http_imgp_wake_safety(ngx_event_t *ev);
static void ngx_http_imgp_wake_drain(ngx_http_imgp_wake_t *wake);
static void ngx_http_imgp_wake_call(ngx_http_imgp_wake_t *wake,
    ngx_uint_t kind, const u_char *id);
static ngx_uint_t ngx_http_imgp_wake_others(ngx_http_imgp_zone_t *zone);


/* of the master, for all generations of workers: the only global */

static int  ngx_http_imgp_eventfd = -1;


ngx_int_t
ngx_http_imgp_wake_init_module(ngx_cycle_t *cycle)
{
    if (ngx_http_imgp_eventfd != -1) {
        return NGX_OK;
    }

    ngx_http_imgp_eventfd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

    if (ngx_http_imgp_eventfd == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "eventfd() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_wake_init(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_wake_pt *handlers, ngx_uint_t n)
{
    ngx_connection_t      *c;
    ngx_http_imgp_wake_t  *wake;

    wake = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_wake_t));
    if (wake == NULL) {
        return NGX_ERROR;
    }

    wake->ident.fd = (ngx_socket_t) -1;
    wake->worker = w;
    wake->handlers = handlers;
    wake->nhandlers = n;
    wake->seen = w->zone->sh->ring_head;

    wake->event.handler = ngx_http_imgp_wake_posted;
    wake->event.data = wake;
    wake->event.log = w->log;

    wake->safety.handler = ngx_http_imgp_wake_safety;
    wake->safety.data = wake;
    wake->safety.log = w->log;
    wake->safety.cancelable = 1;

    c = ngx_get_connection(ngx_http_imgp_eventfd, w->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    /* "channel" keeps it out of the count of open sockets at exit */

    c->data = wake;
    c->read->handler = ngx_http_imgp_wake_edge;
    c->write->handler = ngx_http_imgp_wake_edge;
    c->read->log = w->log;
    c->write->log = w->log;
    c->read->channel = 1;
    c->write->channel = 1;

    if ((ngx_event_flags & NGX_USE_CLEAR_EVENT)
        && ngx_add_event(c->read, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK)
    {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    wake->connection = c;
    w->wake = wake;

    ngx_add_timer(&wake->safety, NGX_HTTP_IMGP_WAKE_SAFETY);

    return NGX_OK;
}


void
ngx_http_imgp_wake_done(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_wake_t  *wake;

    wake = w->wake;

    if (wake == NULL) {
        return;
    }

    /* the descriptor is the master's: it is not closed, only let go */

    if (wake->connection->read->active) {
        ngx_del_event(wake->connection->read, NGX_READ_EVENT, 0);
    }

    ngx_free_connection(wake->connection);
    wake->connection->fd = (ngx_socket_t) -1;

    if (wake->safety.timer_set) {
        ngx_del_timer(&wake->safety);
    }

    if (wake->event.posted) {
        ngx_delete_posted_event(&wake->event);
    }

    w->wake = NULL;
}


void
ngx_http_imgp_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id)
{
    uint64_t                 one;
    ngx_uint_t               others;
    ngx_http_imgp_wake_t    *wake;
    ngx_http_imgp_shzone_t  *sh;
    ngx_http_imgp_wakeup_t  *entry;

    wake = w->wake;
    sh = w->zone->sh;

    ngx_http_imgp_zone_lock(w->zone);

    entry = &sh->ring[sh->ring_head % NGX_HTTP_IMGP_RING];
    entry->kind = kind;

    if (id) {
        ngx_memcpy(entry->id, id, IMGP_ID_BYTES);

    } else {
        ngx_memzero(entry->id, IMGP_ID_BYTES);
    }

    sh->ring_head++;

    others = kind == NGX_HTTP_IMGP_WAKE_WORK
             || kind == NGX_HTTP_IMGP_WAKE_NOTIFY
             || ngx_http_imgp_wake_others(w->zone);

    ngx_http_imgp_zone_unlock(w->zone);

    if (wake && !wake->event.posted) {
        ngx_post_event(&wake->event, &ngx_posted_events);
    }

    one = 1;

    if (others
        && write(ngx_http_imgp_eventfd, &one, sizeof(uint64_t)) == -1
        && ngx_errno != NGX_EAGAIN)
    {
        ngx_log_error(NGX_LOG_ALERT, w->log, ngx_errno,
                      "write() to eventfd failed");
    }
}


static ngx_uint_t
ngx_http_imgp_wake_others(ngx_http_imgp_zone_t *zone)
{
    ngx_uint_t                 i;
    ngx_http_imgp_shworker_t  *w;

    for (i = 0; i < zone->sh->nworkers; i++) {
        w = &zone->sh->workers[i];

        if (w->pid && w->watching && i != zone->me) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_imgp_wake_watching(ngx_http_imgp_worker_t *w, ngx_int_t n)
{
    ngx_http_imgp_wake_t  *wake;

    wake = w->wake;

    ngx_http_imgp_zone_lock(w->zone);

    w->zone->sh->workers[w->zone->me].watching += n;

    ngx_http_imgp_zone_unlock(w->zone);

    /* what was published just before, when nobody here seemed to listen */

    if (n > 0 && wake && !wake->event.posted) {
        ngx_post_event(&wake->event, &ngx_posted_events);
    }
}


static void
ngx_http_imgp_wake_edge(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_imgp_wake_drain(c->data);
}


static void
ngx_http_imgp_wake_posted(ngx_event_t *ev)
{
    ngx_http_imgp_wake_drain(ev->data);
}


/* for event methods other than epoll, and for whatever went wrong */

static void
ngx_http_imgp_wake_safety(ngx_event_t *ev)
{
    ngx_http_imgp_wake_t  *wake;

    wake = ev->data;

    ngx_http_imgp_wake_drain(wake);

    ngx_add_timer(ev, (ngx_event_flags & NGX_USE_CLEAR_EVENT)
                      ? NGX_HTTP_IMGP_WAKE_SAFETY : 50);
}


static void
ngx_http_imgp_wake_drain(ngx_http_imgp_wake_t *wake)
{
    ngx_uint_t               i, n;
    ngx_atomic_uint_t        head;
    ngx_http_imgp_zone_t    *zone;
    ngx_http_imgp_shzone_t  *sh;
    ngx_http_imgp_wakeup_t   batch[NGX_HTTP_IMGP_WAKE_BATCH];

    zone = wake->worker->zone;
    sh = zone->sh;

    while (wake->seen != sh->ring_head) {

        ngx_http_imgp_zone_lock(zone);

        head = sh->ring_head;

        if (head - wake->seen > NGX_HTTP_IMGP_RING) {
            wake->seen = head;
            n = NGX_HTTP_IMGP_WAKE_BATCH + 1;

        } else {
            for (n = 0;
                 n < NGX_HTTP_IMGP_WAKE_BATCH && wake->seen != head;
                 n++, wake->seen++)
            {
                batch[n] = sh->ring[wake->seen % NGX_HTTP_IMGP_RING];
            }
        }

        ngx_http_imgp_zone_unlock(zone);

        if (n > NGX_HTTP_IMGP_WAKE_BATCH) {
            ngx_http_imgp_wake_call(wake, NGX_HTTP_IMGP_WAKE_JOB, NULL);
            ngx_http_imgp_wake_call(wake, NGX_HTTP_IMGP_WAKE_FLIGHT, NULL);
            ngx_http_imgp_wake_call(wake, NGX_HTTP_IMGP_WAKE_WORK, NULL);
            continue;
        }

        for (i = 0; i < n; i++) {
            ngx_http_imgp_wake_call(wake, batch[i].kind, batch[i].id);
        }
    }
}


static void
ngx_http_imgp_wake_call(ngx_http_imgp_wake_t *wake, ngx_uint_t kind,
    const u_char *id)
{
    ngx_uint_t  i;

    for (i = 0; i < wake->nhandlers; i++) {
        wake->handlers[i](wake->worker, kind, id);
    }
}
