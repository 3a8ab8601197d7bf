
/*
 * One connection to Redis: hiredis' asynchronous context on nginx's events,
 * its greeting, its deadline, and the way back when it is lost.
 *
 *     down -> connecting -> [a sentinel names the master -> connecting] -> up
 *       ^_________________________________|_______________________________|
 *
 * Level-triggered, since hiredis reads 16 KB at a time; it closes its socket
 * itself, after "cleanup", so a new one is never opened in its callbacks, but
 * by the timer.  What hiredis frees by itself calls back with no reply first.
 * Names were resolved at start, a sentinel names an address: getaddrinfo(),
 * which hiredis calls, has nothing to ask then.
 *
 * Event loop.  hiredis owns the context, the worker's client the link.
 */


#include "ngx_http_imgp_redis.h"
#include <hiredis/async.h>


#define NGX_HTTP_IMGP_LINK_DELAY      250      /* ms, doubled up to... */
#define NGX_HTTP_IMGP_LINK_DELAY_MAX  1000


static redisAsyncContext *ngx_http_imgp_redis_link_connect(
    ngx_http_imgp_redis_link_t *link);
static ngx_int_t ngx_http_imgp_redis_link_attach(
    ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_link_connected(const redisAsyncContext *ac,
    int status);
static void ngx_http_imgp_redis_link_disconnected(
    const redisAsyncContext *ac, int status);
static void ngx_http_imgp_redis_link_lost(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_link_ask(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_link_named(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_imgp_redis_link_authed(redisAsyncContext *ac,
    void *reply, void *data);
static void ngx_http_imgp_redis_link_timer(ngx_event_t *ev);
static void ngx_http_imgp_redis_link_event(ngx_event_t *ev);
static void ngx_http_imgp_redis_link_add_read(void *data);
static void ngx_http_imgp_redis_link_del_read(void *data);
static void ngx_http_imgp_redis_link_add_write(void *data);
static void ngx_http_imgp_redis_link_del_write(void *data);
static void ngx_http_imgp_redis_link_cleanup(void *data);


void
ngx_http_imgp_redis_link_init(ngx_http_imgp_redis_link_t *link,
    ngx_http_imgp_redis_t *redis)
{
    link->ident.fd = (ngx_socket_t) -1;
    link->redis = redis;
    link->turn = ngx_random() % redis->conf->naddrs;
    link->timer.handler = ngx_http_imgp_redis_link_timer;
    link->timer.data = link;
    link->timer.log = redis->worker->log;
    link->timer.cancelable = 1;
}


void
ngx_http_imgp_redis_link_open(ngx_http_imgp_redis_link_t *link)
{
    link->state = NGX_HTTP_IMGP_LINK_CONNECTING;
    link->error[0] = '\0';
    link->asking = link->redis->conf->master.len && link->port == 0;

    link->ac = ngx_http_imgp_redis_link_connect(link);

    if (link->ac == NULL) {
        ngx_http_imgp_redis_link_lost(link);
        return;
    }

    ngx_add_timer(&link->timer, link->redis->conf->timeout);
}


static redisAsyncContext *
ngx_http_imgp_redis_link_connect(ngx_http_imgp_redis_link_t *link)
{
    size_t                       n;
    u_char                       host[NGX_SOCKADDR_STRLEN];
    ngx_addr_t                  *addr;
    redisAsyncContext           *ac;
    ngx_http_imgp_redis_conf_t  *conf;

    conf = link->redis->conf;
    addr = &conf->addrs[link->turn % conf->naddrs];

    if (link->port) {
        ac = redisAsyncConnect((char *) link->host, link->port);

    } else if (addr->sockaddr->sa_family == AF_UNIX) {
        ac = redisAsyncConnectUnix(
                        ((struct sockaddr_un *) addr->sockaddr)->sun_path);

    } else {
        n = ngx_sock_ntop(addr->sockaddr, addr->socklen, host,
                          NGX_SOCKADDR_STRLEN - 1, 0);
        host[n] = '\0';

        /* nginx prints IPv6 in brackets only with a port */
        ac = redisAsyncConnect((char *) host,
                               ngx_inet_get_port(addr->sockaddr));
    }

    if (ac == NULL) {
        ngx_cpystrn(link->error, (u_char *) "out of memory",
                    sizeof(link->error));
        return NULL;
    }

    link->ac = ac;

    if (ac->err == 0 && conf->tls
        && ngx_http_imgp_redis_tls_start(conf, ac) != NGX_OK && ac->err == 0)
    {
        ngx_cpystrn(link->error, (u_char *) "no TLS", sizeof(link->error));
        link->ac = NULL;
        redisAsyncFree(ac);
        return NULL;
    }

    if (ac->err || ngx_http_imgp_redis_link_attach(link) != NGX_OK) {
        ngx_cpystrn(link->error, (u_char *) ac->errstr, sizeof(link->error));
        link->ac = NULL;
        redisAsyncFree(ac);
        return NULL;
    }

    return ac;
}


static ngx_int_t
ngx_http_imgp_redis_link_attach(ngx_http_imgp_redis_link_t *link)
{
    ngx_connection_t   *c;
    redisAsyncContext  *ac;

    ac = link->ac;

    c = ngx_get_connection(ac->c.fd, link->redis->worker->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    /* both handlers: a shutdown calls read->handler of every connection */

    c->data = ac;
    c->log = link->redis->worker->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_http_imgp_redis_link_event;
    c->write->handler = ngx_http_imgp_redis_link_event;

    ac->data = link;
    ac->ev.data = c;
    ac->ev.addRead = ngx_http_imgp_redis_link_add_read;
    ac->ev.delRead = ngx_http_imgp_redis_link_del_read;
    ac->ev.addWrite = ngx_http_imgp_redis_link_add_write;
    ac->ev.delWrite = ngx_http_imgp_redis_link_del_write;
    ac->ev.cleanup = ngx_http_imgp_redis_link_cleanup;

    redisAsyncSetConnectCallback(ac, ngx_http_imgp_redis_link_connected);
    redisAsyncSetDisconnectCallback(ac, ngx_http_imgp_redis_link_disconnected);

    return NGX_OK;
}


static void
ngx_http_imgp_redis_link_connected(const redisAsyncContext *ac, int status)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ac->data;

    if (link == NULL) {
        return;
    }

    if (status != REDIS_OK) {
        /* hiredis frees it by itself */
        ngx_cpystrn(link->error, (u_char *) ac->errstr, sizeof(link->error));
        link->ac = NULL;
        ngx_http_imgp_redis_link_lost(link);
        return;
    }

    if (ac->c.connection_type == REDIS_CONN_TCP) {
        (void) redisEnableKeepAlive((redisContext *) &ac->c);
    }

    if (link->asking) {
        ngx_http_imgp_redis_link_ask(link);

    } else {
        link->greet(link);
    }
}


static void
ngx_http_imgp_redis_link_disconnected(const redisAsyncContext *ac, int status)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ac->data;

    if (link == NULL || link->ac != ac) {
        return;
    }

    ngx_cpystrn(link->error, (u_char *) (ac->errstr && *ac->errstr
                                         ? ac->errstr : "it has closed"),
                sizeof(link->error));

    link->ac = NULL;
    ngx_http_imgp_redis_link_lost(link);
}


ngx_http_imgp_redis_link_t *
ngx_http_imgp_redis_link_of(const struct redisAsyncContext *ac)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ac->data;

    return link && link->ac == ac ? link : NULL;
}


ngx_http_imgp_redis_link_t *
ngx_http_imgp_redis_link_heard(const redisAsyncContext *ac, void *reply)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_of(ac);

    if (link == NULL || reply == NULL) {
        return NULL;
    }

    if (imgp_redis_class(reply) != IMGP_REDIS_OK) {
        ngx_http_imgp_redis_link_close(link, ((redisReply *) reply)->str);
        return NULL;
    }

    return link;
}


void
ngx_http_imgp_redis_link_up(ngx_http_imgp_redis_link_t *link)
{
    link->state = NGX_HTTP_IMGP_LINK_UP;
    link->failures = 0;

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    link->up(link);
}


/* on our own account: what hiredis then says of it is not listened to */

void
ngx_http_imgp_redis_link_close(ngx_http_imgp_redis_link_t *link,
    const char *reason)
{
    redisAsyncContext  *ac;

    ac = link->ac;

    if (ac == NULL) {
        return;
    }

    ngx_cpystrn(link->error, (u_char *) reason, sizeof(link->error));

    link->ac = NULL;
    link->state = NGX_HTTP_IMGP_LINK_DOWN;
    ac->data = NULL;

    redisAsyncFree(ac);

    ngx_http_imgp_redis_link_lost(link);
}


void
ngx_http_imgp_redis_link_free(ngx_http_imgp_redis_link_t *link)
{
    redisAsyncContext  *ac;

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    ac = link->ac;
    link->ac = NULL;

    if (ac) {
        ac->data = NULL;
        redisAsyncFree(ac);
    }
}


/* a while later again, each time longer, not all processes at once */

static void
ngx_http_imgp_redis_link_lost(ngx_http_imgp_redis_link_t *link)
{
    ngx_msec_t  delay;

    link->state = NGX_HTTP_IMGP_LINK_DOWN;
    link->port = 0;
    link->turn++;

    delay = NGX_HTTP_IMGP_LINK_DELAY << ngx_min(link->failures, 2);
    delay = ngx_min(delay, NGX_HTTP_IMGP_LINK_DELAY_MAX);
    delay = delay * 3 / 4 + ngx_random() % (delay / 2);

    link->failures++;

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    ngx_add_timer(&link->timer, delay);

    link->down(link);
}


static void
ngx_http_imgp_redis_link_ask(ngx_http_imgp_redis_link_t *link)
{
    ngx_str_t  *master;

    master = &link->redis->conf->master;

    redisAsyncCommand(link->ac, ngx_http_imgp_redis_link_named, NULL,
                      "SENTINEL get-master-addr-by-name %b", master->data,
                      master->len);
}


/* the sentinel's part is over: the next connection goes to the master */

static void
ngx_http_imgp_redis_link_named(redisAsyncContext *ac, void *reply, void *data)
{
    int64_t                      port;
    imgp_str_t                   host;
    ngx_addr_t                   addr;
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_of(ac);

    if (link == NULL || reply == NULL) {
        return;
    }

    if (imgp_redis_str(reply, 0, &host) != IMGP_OK
        || imgp_redis_int(reply, 1, &port) != IMGP_OK
        || host.len >= sizeof(link->host) || port < 1 || port > 65535
        || ngx_parse_addr(link->redis->worker->cycle->pool, &addr, host.data,
                          host.len)
           != NGX_OK)
    {
        ngx_http_imgp_redis_link_close(link, "the sentinel knows no address "
                                       "of the master");
        return;
    }

    ngx_cpystrn(link->host, host.data, host.len + 1);
    link->port = port;

    link->ac = NULL;
    ac->data = NULL;
    redisAsyncFree(ac);

    ngx_del_timer(&link->timer);
    ngx_add_timer(&link->timer, 1);
    link->state = NGX_HTTP_IMGP_LINK_DOWN;
}


void
ngx_http_imgp_redis_link_auth(ngx_http_imgp_redis_link_t *link)
{
    ngx_http_imgp_redis_conf_t  *conf;

    conf = link->redis->conf;

    if (conf->pass.len == 0) {
        return;
    }

    if (conf->user.len) {
        redisAsyncCommand(link->ac, ngx_http_imgp_redis_link_authed, NULL,
                          "AUTH %b %b", conf->user.data, conf->user.len,
                          conf->pass.data, conf->pass.len);
        return;
    }

    redisAsyncCommand(link->ac, ngx_http_imgp_redis_link_authed, NULL,
                      "AUTH %b", conf->pass.data, conf->pass.len);
}


static void
ngx_http_imgp_redis_link_authed(redisAsyncContext *ac, void *reply,
    void *data)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_of(ac);

    if (link && reply && imgp_redis_class(reply) != IMGP_REDIS_OK) {
        ngx_http_imgp_redis_link_close(link, ((redisReply *) reply)->str);
    }
}


static void
ngx_http_imgp_redis_link_timer(ngx_event_t *ev)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ev->data;

    switch (link->state) {

    case NGX_HTTP_IMGP_LINK_DOWN:
        ngx_http_imgp_redis_link_open(link);
        break;

    case NGX_HTTP_IMGP_LINK_CONNECTING:
        ngx_http_imgp_redis_link_close(link, "it does not answer");
        break;

    default: /* NGX_HTTP_IMGP_LINK_UP */
        link->deadline(link);
    }
}


static void
ngx_http_imgp_redis_link_event(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    if (c->close) {
        /* worker_shutdown_timeout is over: what is on its way may arrive */
        c->close = 0;
        return;
    }

    if (ev == c->read) {
        redisAsyncHandleRead(c->data);

    } else {
        redisAsyncHandleWrite(c->data);
    }
}


static void
ngx_http_imgp_redis_link_add_read(void *data)
{
    ngx_connection_t  *c = data;

    if (!c->read->active) {
        (void) ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_imgp_redis_link_del_read(void *data)
{
    ngx_connection_t  *c = data;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
    }
}


static void
ngx_http_imgp_redis_link_add_write(void *data)
{
    ngx_connection_t  *c = data;

    if (!c->write->active) {
        (void) ngx_add_event(c->write, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_imgp_redis_link_del_write(void *data)
{
    ngx_connection_t  *c = data;

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }
}


/* hiredis closes the socket next */

static void
ngx_http_imgp_redis_link_cleanup(void *data)
{
    ngx_connection_t  *c = data;

    if (c == NULL) {
        return;
    }

    ngx_http_imgp_redis_link_del_read(c);
    ngx_http_imgp_redis_link_del_write(c);

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    c->read->closed = 1;
    c->write->closed = 1;

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;
}
