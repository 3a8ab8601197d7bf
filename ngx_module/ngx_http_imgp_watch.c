
/*
 * Requests that are held until a job changes.  The order is: into the list
 * of waiters, then a look at the job, then the wait, so that no change falls
 * between.  A wake-up is a hint; what is answered is read from the job table.
 *
 * A stream of events is such a request that answers "not yet" until its end,
 * and writes meanwhile (ngx_http_imgp_events.c).
 *
 * Ten thousand may watch one job.  Some are told at once, the others in turns
 * of the event loop, so that nobody else waits for all of them.
 *
 * When the process begins to shut down all are answered at once with what is
 * known: their clients ask again, and meet a worker of the new configuration.
 */


#include "ngx_http_imgp_share.h"
#include "ngx_http_imgp_brief.h"
#include "ngx_http_imgp_stat.h"


#define NGX_HTTP_IMGP_WATCH_BUCKETS  256
#define NGX_HTTP_IMGP_WATCH_AWAY     1000   /* ms; nobody tells of its end */
#define NGX_HTTP_IMGP_WATCH_TURN     64      /* told in a turn of the loop */
#define NGX_HTTP_IMGP_WATCH_BATCH    128     /* jobs read from Redis, ... */
#define NGX_HTTP_IMGP_WATCH_PAUSE    50      /* ... then some ms of peace */


#define ngx_http_imgp_watch_kind(ctx)                                         \
    ((ctx)->all ? NGX_HTTP_IMGP_HELD_OWNER                                    \
     : (ctx)->writer ? NGX_HTTP_IMGP_HELD_EVENTS : NGX_HTTP_IMGP_HELD_POLL)


typedef struct {
    ngx_queue_t                    buckets[NGX_HTTP_IMGP_WATCH_BUCKETS];
    ngx_queue_t                    owners;     /* who watch all of an owner */
    ngx_uint_t                     n;
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_uint_t                     bucket;     /* to be read next */
    ngx_event_t                    refresh;
    ngx_queue_t                    woken;      /* to be told in later turns */
    ngx_event_t                    later;
} ngx_http_imgp_watch_t;


static void ngx_http_imgp_watch_insert(ngx_http_imgp_watch_t *watch,
    ngx_http_imgp_ctx_t *ctx);
static void ngx_http_imgp_watch_owners(ngx_http_imgp_worker_t *w,
    const u_char *id, ngx_queue_t *ready);
static void ngx_http_imgp_watch_woken(ngx_http_imgp_ctx_t *ctx,
    ngx_queue_t *ready);
static void ngx_http_imgp_watch_tell(ngx_queue_t *ready);
static void ngx_http_imgp_watch_later(ngx_event_t *ev);
static void ngx_http_imgp_watch_fire(ngx_http_imgp_ctx_t *ctx);
static void ngx_http_imgp_watch_expired(ngx_event_t *ev);
static void ngx_http_imgp_watch_let_go(ngx_queue_t *queue);
static void ngx_http_imgp_watch_unlink(ngx_http_imgp_ctx_t *ctx);
static void ngx_http_imgp_watch_cleanup(void *data);
static void ngx_http_imgp_watch_refresh_some(ngx_event_t *ev);
static ngx_uint_t ngx_http_imgp_watch_refresh_bucket(
    ngx_http_imgp_watch_t *watch, ngx_queue_t *bucket);


ngx_int_t
ngx_http_imgp_watch_init(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t              i;
    ngx_http_imgp_watch_t  *watch;

    watch = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_watch_t));
    if (watch == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_IMGP_WATCH_BUCKETS; i++) {
        ngx_queue_init(&watch->buckets[i]);
    }

    ngx_queue_init(&watch->owners);

    watch->ident.fd = (ngx_socket_t) -1;
    watch->worker = w;
    watch->refresh.handler = ngx_http_imgp_watch_refresh_some;
    watch->refresh.data = watch;
    watch->refresh.log = w->log;
    watch->refresh.cancelable = 1;

    ngx_queue_init(&watch->woken);
    watch->later.handler = ngx_http_imgp_watch_later;
    watch->later.data = watch;
    watch->later.log = w->log;

    w->watch = watch;

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_watch(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_int_t (*next)(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx))
{
    ngx_int_t               rc;
    ngx_http_cleanup_t     *cln;
    ngx_http_imgp_watch_t  *watch;

    watch = ctx->worker->watch;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_imgp_watch_cleanup;
    cln->data = ctx;

    ctx->request = r;
    ctx->next = next;
    ctx->ident.fd = (ngx_socket_t) -1;
    ctx->timer.handler = ngx_http_imgp_watch_expired;
    ctx->timer.data = ctx;
    ctx->timer.log = r->connection->log;
    ctx->timer.cancelable = 1;
    ctx->watching = 1;

    ngx_http_imgp_watch_insert(watch, ctx);
    watch->n++;

    ngx_http_imgp_wake_watching(ctx->worker, 1);
    ngx_http_imgp_stat_held(ctx->worker->zone,
                            ngx_http_imgp_watch_kind(ctx), 1);

    if (ctx->worker->exiting) {
        ctx->expired = 1;
    }

    if (ctx->worker->redis && !ctx->all
        && !ngx_http_imgp_mirror_here(ctx->worker->zone, ctx->id))
    {
        ngx_http_imgp_share_refresh(ctx->worker, ctx->id);
    }

    rc = next(r, ctx);

    if (rc != NGX_HTTP_IMGP_NOT_YET) {
        ngx_http_imgp_watch_unlink(ctx);
        return rc;
    }

    /* ten thousand are held at once: the job would be most of each */

    ngx_http_imgp_job_view(ctx, NULL);

    ngx_add_timer(&ctx->timer, ctx->away ? ngx_min(ctx->wait,
                                                   NGX_HTTP_IMGP_WATCH_AWAY)
                                         : ctx->wait);

    r->main->count++;
    r->read_event_handler = r->discard_body
                            ? ngx_http_discarded_request_body_handler
                            : ngx_http_test_reading;
    r->write_event_handler = ctx->writer ? ctx->writer
                                         : ngx_http_request_empty_handler;

    /* a close that came with the request is no edge any more */

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static void
ngx_http_imgp_watch_insert(ngx_http_imgp_watch_t *watch,
    ngx_http_imgp_ctx_t *ctx)
{
    ngx_queue_insert_tail(ctx->all ? &watch->owners
                                   : &watch->buckets[ctx->id[0]],
                          &ctx->queue);
}


void
ngx_http_imgp_watch_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id)
{
    ngx_uint_t              i;
    ngx_queue_t            *q, *bucket, ready;
    ngx_http_imgp_ctx_t    *ctx;
    ngx_http_imgp_watch_t  *watch;

    watch = w->watch;

    if (kind != NGX_HTTP_IMGP_WAKE_JOB || watch->n == 0) {
        return;
    }

    ngx_queue_init(&ready);

    for (i = id ? id[0] : 0; i < NGX_HTTP_IMGP_WATCH_BUCKETS; i++) {
        bucket = &watch->buckets[i];

        for (q = ngx_queue_head(bucket);
             q != ngx_queue_sentinel(bucket);
             q = ngx_queue_next(q))
        {
            ctx = ngx_queue_data(q, ngx_http_imgp_ctx_t, queue);

            if (id == NULL || ngx_memcmp(ctx->id, id, IMGP_ID_BYTES) == 0) {
                ngx_http_imgp_watch_woken(ctx, &ready);
            }
        }

        if (id) {
            break;
        }
    }

    if (!ngx_queue_empty(&watch->owners)) {
        ngx_http_imgp_watch_owners(w, id, &ready);
    }

    ngx_http_imgp_watch_tell(&ready);

    if (!ngx_queue_empty(&ready)) {
        ngx_queue_add(&watch->woken, &ready);
        ngx_post_event(&watch->later, &ngx_posted_next_events);
    }
}


static void
ngx_http_imgp_watch_owners(ngx_http_imgp_worker_t *w, const u_char *id,
    ngx_queue_t *ready)
{
    u_char                  owner[IMGP_OWNER_LEN];
    ngx_uint_t              pipeline;
    ngx_queue_t            *q;
    ngx_http_imgp_ctx_t    *ctx;
    ngx_http_imgp_watch_t  *watch;

    watch = w->watch;

    if (id && ngx_http_imgp_brief_owner(w->zone, id, owner, &pipeline)
              != NGX_OK)
    {
        return;
    }

    for (q = ngx_queue_head(&watch->owners);
         q != ngx_queue_sentinel(&watch->owners);
         q = ngx_queue_next(q))
    {
        ctx = ngx_queue_data(q, ngx_http_imgp_ctx_t, queue);

        if (id == NULL) {
            ctx->missed = 1;

        } else if (ctx->conf->pipeline->index == pipeline
                   && ngx_memcmp(ctx->owner, owner, IMGP_OWNER_LEN) == 0)
        {
            /* one that was woken by another job has to look at both */

            ctx->missed |= ctx->woken;
            ngx_memcpy(ctx->id, id, IMGP_ID_BYTES);

        } else {
            continue;
        }

        ngx_http_imgp_watch_woken(ctx, ready);
    }
}


/* who is woken already will see this change, too */

static void
ngx_http_imgp_watch_woken(ngx_http_imgp_ctx_t *ctx, ngx_queue_t *ready)
{
    if (!ctx->woken) {
        ctx->woken = 1;
        ngx_queue_insert_tail(ready, &ctx->turn);
    }
}


/* some of them.  Answering one may destroy others (an HTTP/2 connection that
   closes), whose cleanup takes them out of this list: so always its head */

static void
ngx_http_imgp_watch_tell(ngx_queue_t *ready)
{
    ngx_uint_t            n;
    ngx_queue_t          *q;
    ngx_http_imgp_ctx_t  *ctx;

    for (n = 0; n < NGX_HTTP_IMGP_WATCH_TURN && !ngx_queue_empty(ready); n++) {
        q = ngx_queue_head(ready);
        ctx = ngx_queue_data(q, ngx_http_imgp_ctx_t, turn);

        ngx_queue_remove(q);
        ctx->woken = 0;

        ngx_http_imgp_watch_fire(ctx);
    }
}


static void
ngx_http_imgp_watch_later(ngx_event_t *ev)
{
    ngx_http_imgp_watch_t  *watch;

    watch = ev->data;

    ngx_http_imgp_watch_tell(&watch->woken);

    if (!ngx_queue_empty(&watch->woken)) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


static void
ngx_http_imgp_watch_fire(ngx_http_imgp_ctx_t *ctx)
{
    ngx_connection_t  *c;

    c = ctx->request->connection;

    ngx_http_imgp_watch_look(ctx);
    ngx_http_run_posted_requests(c);
}


/* its time may be up, and it is held all the same: then for as long again */

void
ngx_http_imgp_watch_look(ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ctx->next(ctx->request, ctx);

    if (rc != NGX_HTTP_IMGP_NOT_YET) {
        ngx_http_imgp_watch_end(ctx, rc);
        return;
    }

    ngx_http_imgp_job_view(ctx, NULL);

    if (!ctx->timer.timer_set) {
        ngx_add_timer(&ctx->timer, ctx->wait);
    }
}


void
ngx_http_imgp_watch_end(ngx_http_imgp_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_imgp_watch_unlink(ctx);
    ngx_http_finalize_request(ctx->request, rc);
}


static void
ngx_http_imgp_watch_expired(ngx_event_t *ev)
{
    ngx_http_imgp_ctx_t  *ctx;

    ctx = ev->data;
    ctx->expired = 1;

    ngx_http_imgp_watch_fire(ctx);
}


ngx_uint_t
ngx_http_imgp_watch_has(ngx_http_imgp_worker_t *w, const u_char *id)
{
    ngx_queue_t            *q, *bucket;
    ngx_http_imgp_ctx_t    *ctx;
    ngx_http_imgp_watch_t  *watch;

    watch = w->watch;
    bucket = &watch->buckets[id[0]];

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        ctx = ngx_queue_data(q, ngx_http_imgp_ctx_t, queue);

        if (ngx_memcmp(ctx->id, id, IMGP_ID_BYTES) == 0) {
            return 1;
        }
    }

    return 0;
}


/* all jobs that are elsewhere, in batches */

void
ngx_http_imgp_watch_refresh(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_watch_t  *watch;

    watch = w->watch;

    if (watch->n && !watch->refresh.timer_set) {
        watch->bucket = 0;
        ngx_http_imgp_watch_refresh_some(&watch->refresh);
    }
}


static void
ngx_http_imgp_watch_refresh_some(ngx_event_t *ev)
{
    ngx_uint_t              n;
    ngx_http_imgp_watch_t  *watch;

    watch = ev->data;

    for (n = 0; watch->bucket < NGX_HTTP_IMGP_WATCH_BUCKETS
                && n < NGX_HTTP_IMGP_WATCH_BATCH; watch->bucket++)
    {
        n += ngx_http_imgp_watch_refresh_bucket(watch,
                                          &watch->buckets[watch->bucket]);
    }

    if (watch->bucket < NGX_HTTP_IMGP_WATCH_BUCKETS) {
        ngx_add_timer(ev, NGX_HTTP_IMGP_WATCH_PAUSE);
    }
}


static ngx_uint_t
ngx_http_imgp_watch_refresh_bucket(ngx_http_imgp_watch_t *watch,
    ngx_queue_t *bucket)
{
    u_char               *last;
    ngx_uint_t            n;
    ngx_queue_t          *q;
    ngx_http_imgp_ctx_t  *ctx;

    n = 0;
    last = NULL;

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        ctx = ngx_queue_data(q, ngx_http_imgp_ctx_t, queue);

        /* those who watch the same job often came one after the other */

        if (last && ngx_memcmp(last, ctx->id, IMGP_ID_BYTES) == 0) {
            continue;
        }

        last = ctx->id;

        if (!ngx_http_imgp_mirror_here(watch->worker->zone, ctx->id)) {
            ngx_http_imgp_share_refresh(watch->worker, ctx->id);
            n++;
        }
    }

    return n;
}


void
ngx_http_imgp_watch_shutdown(ngx_http_imgp_worker_t *w)
{
    ngx_uint_t              i;
    ngx_http_imgp_watch_t  *watch;

    watch = w->watch;

    for (i = 0; i < NGX_HTTP_IMGP_WATCH_BUCKETS; i++) {
        ngx_http_imgp_watch_let_go(&watch->buckets[i]);
    }

    ngx_http_imgp_watch_let_go(&watch->owners);
}


static void
ngx_http_imgp_watch_let_go(ngx_queue_t *queue)
{
    ngx_queue_t          *q;
    ngx_http_imgp_ctx_t  *ctx;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        ctx = ngx_queue_data(q, ngx_http_imgp_ctx_t, queue);

        ctx->expired = 1;
        ctx->request->keepalive = 0;

        ngx_http_imgp_watch_fire(ctx);
    }
}


static void
ngx_http_imgp_watch_unlink(ngx_http_imgp_ctx_t *ctx)
{
    ngx_http_imgp_watch_t  *watch;

    if (!ctx->watching) {
        return;
    }

    ctx->watching = 0;

    watch = ctx->worker->watch;
    watch->n--;

    ngx_queue_remove(&ctx->queue);

    if (ctx->woken) {
        ctx->woken = 0;
        ngx_queue_remove(&ctx->turn);
    }

    ngx_http_imgp_wake_watching(ctx->worker, -1);
    ngx_http_imgp_stat_held(ctx->worker->zone,
                            ngx_http_imgp_watch_kind(ctx), -1);

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }
}


static void
ngx_http_imgp_watch_cleanup(void *data)
{
    ngx_http_imgp_watch_unlink(data);
}
