
/*
 * libcurl's multi interface on nginx's event loop: one multi handle in each
 * worker process, made in init_process (curl must not be inherited over a
 * fork) and freed in exit_process.  Called by ngx_http_imgp_service.c, event
 * loop only.
 *
 * curl tells which sockets it waits for (SOCKETFUNCTION) and when it wants
 * to be called (TIMERFUNCTION); both only note it, since curl may not be
 * called from its own callbacks.
 *
 * Transfers wait here in turn while too many are active: for a limit of its
 * own curl forgets deadlines, and without a slot it would end them all.
 */


#include <ngx_http_imgp_call.h>
#include <openssl/err.h>


/* half of a worker's connections are left to clients */
#define NGX_HTTP_IMGP_CURL_SHARE    2

/* connections kept open, active and idle: idle ones take descriptors only */
#define NGX_HTTP_IMGP_CURL_POOL     4      /* this part of worker_connections */
#define NGX_HTTP_IMGP_CURL_POOL_MIN 16

/* slots never taken from clients: nginx frees idle ones below 1/16 */
#define NGX_HTTP_IMGP_CURL_SPARE    32     /* this part of worker_connections */

#define NGX_HTTP_IMGP_CURL_RETRY    50     /* ms, to look for slots again */
#define NGX_HTTP_IMGP_CURL_BUDGET   2000   /* us of a turn of the loop */
#define NGX_HTTP_IMGP_CURL_HOSTS    8      /* to begin with */


struct ngx_http_imgp_curl_s {
    ngx_http_imgp_ident_t          ident;
    ngx_pool_t                    *pool;
    CURLM                         *multi;
    char                          *ca_file;

    ngx_event_t                    timer;      /* as curl wants it */
    ngx_event_t                    soon;       /* posted: in the next turn */
    ngx_event_t                    retry;      /* to find a free slot */

    ngx_queue_t                    idle;       /* of transfers */
    ngx_queue_t                    waiting;
    ngx_queue_t                    active;
    ngx_queue_t                    broken;     /* without curl's knowledge */
    ngx_uint_t                     nactive;
    ngx_uint_t                     max;

    ngx_msec_t                     turn;       /* of the loop */
    uint64_t                       spent;      /* us in it */

    ngx_http_imgp_sockets_t        sockets;
    ngx_array_t                   *hosts;
};


static ngx_int_t ngx_http_imgp_curl_init(ngx_http_imgp_curl_t *curl,
    ngx_cycle_t *cycle);
static void ngx_http_imgp_curl_event(ngx_http_imgp_curl_t *curl,
    ngx_event_t *ev);
static void ngx_http_imgp_curl_unset(ngx_event_t *ev);
static void ngx_http_imgp_curl_abort(ngx_queue_t *queue);
static ngx_uint_t ngx_http_imgp_curl_room(ngx_http_imgp_curl_t *curl);
static void ngx_http_imgp_curl_feed(ngx_http_imgp_curl_t *curl);
static void ngx_http_imgp_curl_break(ngx_http_imgp_transfer_t *t,
    CURLcode result);
static void ngx_http_imgp_curl_remove(ngx_http_imgp_transfer_t *t);
static void ngx_http_imgp_curl_run(ngx_http_imgp_curl_t *curl,
    curl_socket_t fd, int mask);
static uint64_t ngx_http_imgp_curl_clock(void);
static void ngx_http_imgp_curl_timer_handler(ngx_event_t *ev);
static void ngx_http_imgp_curl_socket_handler(ngx_event_t *ev);
static int ngx_http_imgp_curl_timer(CURLM *multi, long ms, void *data);
static int ngx_http_imgp_curl_socket(CURL *easy, curl_socket_t fd, int what,
    void *data, void *unused);
static int ngx_http_imgp_curl_close_socket(void *data, curl_socket_t fd);


ngx_http_imgp_curl_t *
ngx_http_imgp_curl_create(ngx_cycle_t *cycle)
{
    ngx_pool_t            *pool;
    ngx_http_imgp_curl_t  *curl;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    curl = ngx_pcalloc(pool, sizeof(ngx_http_imgp_curl_t));
    if (curl == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    curl->pool = pool;

    if (ngx_http_imgp_curl_init(curl, cycle) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0, "curl could not start");
        ngx_http_imgp_curl_destroy(curl);
        return NULL;
    }

    return curl;
}


static ngx_int_t
ngx_http_imgp_curl_init(ngx_http_imgp_curl_t *curl, ngx_cycle_t *cycle)
{
    ngx_uint_t  n;

    curl->ident.fd = (ngx_socket_t) -1;

    ngx_http_imgp_curl_event(curl, &curl->timer);
    ngx_http_imgp_curl_event(curl, &curl->soon);
    ngx_http_imgp_curl_event(curl, &curl->retry);

    ngx_queue_init(&curl->idle);
    ngx_queue_init(&curl->waiting);
    ngx_queue_init(&curl->active);
    ngx_queue_init(&curl->broken);

    curl->sockets.handler = ngx_http_imgp_curl_socket_handler;
    curl->sockets.data = curl;

    curl->max = ngx_max(cycle->connection_n / NGX_HTTP_IMGP_CURL_SHARE, 1);
    curl->ca_file = ngx_http_imgp_easy_ca_file(curl->pool);

    curl->hosts = ngx_array_create(curl->pool, NGX_HTTP_IMGP_CURL_HOSTS,
                                   sizeof(void *));

    if (curl->hosts == NULL
        || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    {
        return NGX_ERROR;
    }

    curl->multi = curl_multi_init();
    if (curl->multi == NULL) {
        curl_global_cleanup();
        return NGX_ERROR;
    }

    n = cycle->connection_n / NGX_HTTP_IMGP_CURL_POOL;

    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION,
                      ngx_http_imgp_curl_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION,
                      ngx_http_imgp_curl_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS,
                      (long) ngx_max(n, NGX_HTTP_IMGP_CURL_POOL_MIN));

    ERR_clear_error();

    return NGX_OK;
}


/* the timers hold no process: what waits for a call has one that does */

static void
ngx_http_imgp_curl_event(ngx_http_imgp_curl_t *curl, ngx_event_t *ev)
{
    ev->data = curl;
    ev->log = ngx_cycle->log;
    ev->handler = ngx_http_imgp_curl_timer_handler;
    ev->cancelable = 1;
}


/* curl ends before the memory that its callbacks use */

void
ngx_http_imgp_curl_destroy(ngx_http_imgp_curl_t *curl)
{
    if (curl->multi != NULL) {
        curl->max = 0;

        ngx_http_imgp_curl_abort(&curl->waiting);
        ngx_http_imgp_curl_abort(&curl->active);
        ngx_http_imgp_curl_abort(&curl->broken);
        ngx_http_imgp_curl_abort(&curl->idle);

        curl_multi_cleanup(curl->multi);
        curl_global_cleanup();
        ERR_clear_error();
    }

    ngx_http_imgp_socket_free(&curl->sockets);

    ngx_http_imgp_curl_unset(&curl->timer);
    ngx_http_imgp_curl_unset(&curl->retry);
    ngx_http_imgp_curl_unset(&curl->soon);

    ngx_destroy_pool(curl->pool);
}


static void
ngx_http_imgp_curl_unset(ngx_event_t *ev)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }
}


static void
ngx_http_imgp_curl_abort(ngx_queue_t *queue)
{
    ngx_queue_t               *q;
    ngx_http_imgp_transfer_t  *t;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        t = ngx_queue_data(q, ngx_http_imgp_transfer_t, queue);
        t->abort(t);
    }
}


ngx_array_t *
ngx_http_imgp_curl_hosts(ngx_http_imgp_curl_t *curl)
{
    return curl->hosts;
}


ngx_int_t
ngx_http_imgp_curl_open(ngx_http_imgp_curl_t *curl,
    ngx_http_imgp_transfer_t *t)
{
    CURL  *easy;

    easy = ngx_http_imgp_easy_create(curl->ca_file);
    if (easy == NULL) {
        return NGX_ERROR;
    }

    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION,
                     ngx_http_imgp_curl_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, curl);

    t->curl = curl;
    t->easy = easy;

    ngx_queue_insert_tail(&curl->idle, &t->queue);

    return NGX_OK;
}


void
ngx_http_imgp_curl_start(ngx_http_imgp_transfer_t *t)
{
    ngx_http_imgp_curl_t  *curl;

    curl = t->curl;

    t->error[0] = '\0';
    t->waiting = 1;

    ngx_queue_remove(&t->queue);
    ngx_queue_insert_tail(&curl->waiting, &t->queue);

    ngx_http_imgp_curl_feed(curl);
}


void
ngx_http_imgp_curl_stop(ngx_http_imgp_transfer_t *t)
{
    ngx_http_imgp_curl_remove(t);
    ngx_http_imgp_curl_feed(t->curl);
}


void
ngx_http_imgp_curl_close(ngx_http_imgp_transfer_t *t)
{
    if (t->easy == NULL) {
        return;
    }

    ngx_http_imgp_curl_remove(t);
    ngx_queue_remove(&t->queue);

    curl_easy_cleanup(t->easy);
    t->easy = NULL;

    ERR_clear_error();

    ngx_http_imgp_curl_feed(t->curl);
}


static void
ngx_http_imgp_curl_remove(ngx_http_imgp_transfer_t *t)
{
    ngx_http_imgp_curl_t  *curl;

    curl = t->curl;

    if (t->added) {
        t->added = 0;
        curl->nactive--;
        curl_multi_remove_handle(curl->multi, t->easy);
        ERR_clear_error();
    }

    t->waiting = 0;

    ngx_queue_remove(&t->queue);
    ngx_queue_insert_tail(&curl->idle, &t->queue);
}


/* transfers that have no socket yet will want one */

static ngx_uint_t
ngx_http_imgp_curl_room(ngx_http_imgp_curl_t *curl)
{
    ngx_uint_t  have, need;

    if (curl->nactive >= curl->max) {
        return 0;
    }

    have = ngx_cycle->free_connection_n + ngx_cycle->reusable_connections_n;
    need = ngx_cycle->connection_n / NGX_HTTP_IMGP_CURL_SPARE;

    if (curl->nactive > curl->sockets.n) {
        need += curl->nactive - curl->sockets.n;
    }

    return have > need;
}


static void
ngx_http_imgp_curl_feed(ngx_http_imgp_curl_t *curl)
{
    CURLMcode                  rc;
    ngx_queue_t               *q;
    ngx_http_imgp_transfer_t  *t;

    while (!ngx_queue_empty(&curl->waiting)) {

        if (!ngx_http_imgp_curl_room(curl)) {

            if (!curl->retry.timer_set) {
                ngx_add_timer(&curl->retry, NGX_HTTP_IMGP_CURL_RETRY);
            }

            return;
        }

        q = ngx_queue_head(&curl->waiting);
        t = ngx_queue_data(q, ngx_http_imgp_transfer_t, queue);

        t->waiting = 0;

        rc = curl_multi_add_handle(curl->multi, t->easy);

        if (rc != CURLM_OK) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "curl_multi_add_handle() failed: %s",
                          curl_multi_strerror(rc));
            ngx_http_imgp_curl_break(t, CURLE_OUT_OF_MEMORY);
            continue;
        }

        t->added = 1;
        curl->nactive++;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&curl->active, q);
    }
}


/* what curl cannot end itself ends in the next turn of the loop */

static void
ngx_http_imgp_curl_break(ngx_http_imgp_transfer_t *t, CURLcode result)
{
    t->result = result;

    ngx_queue_remove(&t->queue);
    ngx_queue_insert_tail(&t->curl->broken, &t->queue);

    ngx_post_event(&t->curl->soon, &ngx_posted_next_events);
}


/*
 * The only place where curl works.  The handlers are called when it is left:
 * they may close any transfer, which takes it off all queues, curl's too.
 *
 * curl leaves errors of TLS in the thread's queue, for which nginx would
 * blame the next client ("ignoring stale global SSL error").
 */

static void
ngx_http_imgp_curl_run(ngx_http_imgp_curl_t *curl, curl_socket_t fd, int mask)
{
    int                        n;
    CURLMsg                   *msg;
    uint64_t                   start;
    CURLMcode                  rc;
    ngx_queue_t               *q;
    ngx_http_imgp_transfer_t  *t;

    if (curl->turn != ngx_current_msec) {
        curl->turn = ngx_current_msec;
        curl->spent = 0;
    }

    start = ngx_http_imgp_curl_clock();

    rc = curl_multi_socket_action(curl->multi, fd, mask, &n);

    ERR_clear_error();

    curl->spent += ngx_http_imgp_curl_clock() - start;

    if (rc != CURLM_OK) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "curl_multi_socket_action() failed: %s",
                      curl_multi_strerror(rc));
    }

    while ((msg = curl_multi_info_read(curl->multi, &n)) != NULL) {

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }

        t = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **) &t);

        t->result = msg->data.result;
        ngx_http_imgp_curl_remove(t);
        t->done(t);
    }

    while (!ngx_queue_empty(&curl->broken)) {
        q = ngx_queue_head(&curl->broken);
        t = ngx_queue_data(q, ngx_http_imgp_transfer_t, queue);
        ngx_http_imgp_curl_remove(t);
        t->done(t);
    }

    ngx_http_imgp_curl_feed(curl);
}


static uint64_t
ngx_http_imgp_curl_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static void
ngx_http_imgp_curl_timer_handler(ngx_event_t *ev)
{
    ngx_http_imgp_curl_run(ev->data, CURL_SOCKET_TIMEOUT, 0);
}


/*
 * The mask comes from the event, not from ev->ready, which nothing clears.
 * The connection may be gone when curl returns.
 *
 * From fast services curl would read all there is, of all transfers, before
 * it returns to a client.  Events are level-triggered: those put off are told
 * again in the next turn.
 */

static void
ngx_http_imgp_curl_socket_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_imgp_curl_t  *curl;

    c = ev->data;
    curl = c->data;

    if (c->close) {

        /* worker_shutdown_timeout; who runs the calls is told by himself */

        c->close = 0;
        return;
    }

    if (curl->turn == ngx_current_msec
        && curl->spent > NGX_HTTP_IMGP_CURL_BUDGET)
    {
        return;
    }

    ngx_http_imgp_curl_run(curl, c->fd,
                           ev->write ? CURL_CSELECT_OUT : CURL_CSELECT_IN);
}


/*
 * ngx_add_timer() ignores small changes of a timer that is set.  No delay
 * means the next turn: timers of 0 ms that set each other would never let
 * ngx_event_expire_timers() return.
 */

static int
ngx_http_imgp_curl_timer(CURLM *multi, long ms, void *data)
{
    ngx_http_imgp_curl_t  *curl = data;

    if (curl->timer.timer_set) {
        ngx_del_timer(&curl->timer);
    }

    if (ms > 0) {
        ngx_add_timer(&curl->timer, (ngx_msec_t) ms);

    } else if (ms == 0) {
        ngx_post_event(&curl->soon, &ngx_posted_next_events);
    }

    return 0;
}


static int
ngx_http_imgp_curl_socket(CURL *easy, curl_socket_t fd, int what, void *data,
    void *unused)
{
    ngx_http_imgp_curl_t  *curl = data;

    ngx_http_imgp_transfer_t  *t;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, ngx_cycle->log, 0,
                   "imgp curl socket fd:%d what:%d", fd, what);

    if (what == CURL_POLL_REMOVE) {
        ngx_http_imgp_socket_release(&curl->sockets, fd);
        return 0;
    }

    if (ngx_http_imgp_socket_watch(&curl->sockets, fd, what & CURL_POLL_IN,
                                   what & CURL_POLL_OUT)
        != NGX_OK)
    {
        /* an error returned here would end all transfers, not this alone */

        t = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &t);

        if (t != NULL && t->added) {
            ngx_http_imgp_curl_break(t, CURLE_ABORTED_BY_CALLBACK);
        }
    }

    return 0;
}


/* of connections that were made, curl tells before it closes them */

static int
ngx_http_imgp_curl_close_socket(void *data, curl_socket_t fd)
{
    ngx_http_imgp_curl_t  *curl = data;

    if (ngx_http_imgp_socket_release(&curl->sockets, fd) == NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "curl closes socket %d that it still watches", fd);
    }

    return close(fd);
}
