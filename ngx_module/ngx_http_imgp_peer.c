
/*
 * Where a call connects to.  curl resolves nothing itself: a name server
 * that hangs would stop the whole worker.  So each attempt is told its
 * address (CURLOPT_CONNECT_TO or a unix socket) while Host and TLS keep the
 * URL's name.  Called by ngx_http_imgp_service.c, event loop only.
 *
 *     upstream {}    peers by nginx's round robin: weights, max_fails,
 *                    backup, max_conns and zone are shared with proxy_pass
 *     addresses      known at start: in turn, those that lately refused last
 *     resolver       asked for each call; it caches; public addresses alone
 *                    where a service's answer has named the host
 *
 * The round robin functions are called directly, not through uscf->peer:
 * the keepalive of an upstream {} would hand out connections of its own.
 * They want a request, of which they use the pool and "upstream" only.
 */


#include <ngx_http_imgp_call.h>
#include <imgp/imgp_addr.h>


#define NGX_HTTP_IMGP_PEER_ADDRS  64       /* of a name, at most: bits */
#define NGX_HTTP_IMGP_PEER_FAIL   10       /* s, nginx's fail_timeout */


/* what this process knows of a service's fixed addresses */

struct ngx_http_imgp_host_s {
    ngx_http_imgp_service_t       *service;
    ngx_uint_t                     turn;
    time_t                        *failed;     /* when, or 0 */
};


static ngx_int_t ngx_http_imgp_peer_upstream(ngx_http_imgp_peer_t *peer,
    ngx_http_upstream_srv_conf_t *uscf);
static ngx_int_t ngx_http_imgp_peer_host(ngx_http_imgp_peer_t *peer);
static ngx_http_imgp_host_t *ngx_http_imgp_peer_add_host(ngx_array_t *hosts,
    ngx_http_imgp_service_t *service);
static ngx_int_t ngx_http_imgp_peer_resolve(ngx_http_imgp_peer_t *peer);
static void ngx_http_imgp_peer_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_peer_copy(ngx_http_imgp_peer_t *peer,
    ngx_resolver_ctx_t *ctx);
static void ngx_http_imgp_peer_guard(ngx_http_imgp_peer_t *peer);
static ngx_int_t ngx_http_imgp_peer_next(ngx_http_imgp_peer_t *peer);
static ngx_int_t ngx_http_imgp_peer_connect_to(ngx_http_imgp_peer_t *peer,
    CURL *easy, struct sockaddr *sockaddr, socklen_t socklen);


ngx_int_t
ngx_http_imgp_peer_init(ngx_http_imgp_peer_t *peer)
{
    ngx_http_imgp_service_t  *service;

    service = peer->call->service;

    if (service->unix_path.len) {
        return NGX_OK;
    }

    if (service->direct) {
        peer->addrs = service->addrs;
        peer->naddrs = service->naddrs;
        return NGX_OK;
    }

    if (service->upstream != NULL) {
        return ngx_http_imgp_peer_upstream(peer, service->upstream);
    }

    if (service->naddrs) {
        return ngx_http_imgp_peer_host(peer);
    }

    return ngx_http_imgp_peer_resolve(peer);
}


static ngx_int_t
ngx_http_imgp_peer_upstream(ngx_http_imgp_peer_t *peer,
    ngx_http_upstream_srv_conf_t *uscf)
{
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = ngx_pcalloc(peer->pool, sizeof(ngx_http_request_t));
    u = ngx_pcalloc(peer->pool, sizeof(ngx_http_upstream_t));

    if (r == NULL || u == NULL) {
        goto failed;
    }

    r->pool = peer->pool;
    r->upstream = u;
    u->peer.log = peer->call->log;

    if (ngx_http_upstream_init_round_robin_peer(r, uscf) != NGX_OK) {
        goto failed;
    }

    peer->upstream = u;

    return NGX_OK;

failed:

    return imgp_error_set(&peer->call->error, IMGP_E_INTERNAL,
                          "out of memory");
}


static ngx_int_t
ngx_http_imgp_peer_host(ngx_http_imgp_peer_t *peer)
{
    ngx_uint_t                i;
    ngx_array_t              *hosts;
    ngx_http_imgp_host_t    **host;
    ngx_http_imgp_service_t  *service;

    service = peer->call->service;

    if (service->origin) {
        service = service->origin;
    }

    peer->addrs = service->addrs;
    peer->naddrs = ngx_min(service->naddrs, NGX_HTTP_IMGP_PEER_ADDRS);

    hosts = ngx_http_imgp_curl_hosts(peer->call->conf->worker->curl);
    host = hosts->elts;

    for (i = 0; i < hosts->nelts; i++) {

        if (host[i]->service == service) {
            peer->host = host[i];
            return NGX_OK;
        }
    }

    peer->host = ngx_http_imgp_peer_add_host(hosts, service);
    if (peer->host == NULL) {
        return imgp_error_set(&peer->call->error, IMGP_E_INTERNAL,
                              "out of memory");
    }

    return NGX_OK;
}


static ngx_http_imgp_host_t *
ngx_http_imgp_peer_add_host(ngx_array_t *hosts,
    ngx_http_imgp_service_t *service)
{
    ngx_http_imgp_host_t  *host, **slot;

    host = ngx_pcalloc(hosts->pool, sizeof(ngx_http_imgp_host_t));
    if (host == NULL) {
        return NULL;
    }

    host->service = service;

    host->failed = ngx_pcalloc(hosts->pool, service->naddrs * sizeof(time_t));
    if (host->failed == NULL) {
        return NULL;
    }

    slot = ngx_array_push(hosts);
    if (slot == NULL) {
        return NULL;
    }

    *slot = host;

    return host;
}


static ngx_int_t
ngx_http_imgp_peer_resolve(ngx_http_imgp_peer_t *peer)
{
    u_char                     *p;
    ngx_str_t                  *host;
    ngx_resolver_ctx_t         *ctx, temp;
    ngx_http_imgp_main_conf_t  *imcf;

    imcf = peer->call->conf;
    host = &peer->call->service->host;

    ngx_memzero(&temp, sizeof(ngx_resolver_ctx_t));

    temp.name = *host;

    p = ngx_strlchr(host->data, host->data + host->len, ':');
    if (p != NULL) {
        temp.name.len = p - host->data;
    }

    ctx = imcf->resolver == NULL ? NGX_NO_RESOLVER
                                 : ngx_resolve_start(imcf->resolver, &temp);

    if (ctx == NGX_NO_RESOLVER) {
        return imgp_error_set(&peer->call->error, IMGP_E_SERVICE_CONNECT,
                              "no resolver is defined");
    }

    if (ctx == NULL) {
        goto failed;
    }

    ctx->name = temp.name;
    ctx->handler = ngx_http_imgp_peer_resolved;
    ctx->data = peer;
    ctx->timeout = imcf->resolver_timeout;

    /* the handler may be called from inside, when the answer is known */

    peer->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        peer->resolving = NULL;
        goto failed;
    }

    if (peer->resolving != NULL) {
        ctx->async = 1;
        return NGX_AGAIN;
    }

    return peer->call->error.code ? NGX_ERROR : NGX_OK;

failed:

    return imgp_error_set(&peer->call->error, IMGP_E_INTERNAL,
                          "name could not be resolved");
}


static void
ngx_http_imgp_peer_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_http_imgp_peer_t  *peer = ctx->data;

    ngx_int_t    state;
    ngx_uint_t   async;

    async = ctx->async;
    state = ctx->state;

    if (state == NGX_OK) {
        state = ngx_http_imgp_peer_copy(peer, ctx);
    }

    peer->resolving = NULL;
    ngx_resolve_name_done(ctx);

    if (state == NGX_OK && peer->call->service->guard) {
        ngx_http_imgp_peer_guard(peer);
    }

    if (state != NGX_OK) {
        (void) imgp_error_set(&peer->call->error, IMGP_E_SERVICE_CONNECT,
                              "host cannot be resolved (%s)",
                              ngx_resolver_strerror(state));
    }

    if (async) {
        peer->handler(peer->data);
    }
}


/* what the resolver hands out ends with its context */

static ngx_int_t
ngx_http_imgp_peer_copy(ngx_http_imgp_peer_t *peer, ngx_resolver_ctx_t *ctx)
{
    socklen_t         len;
    ngx_uint_t        i, n;
    ngx_addr_t       *addrs;
    struct sockaddr  *sockaddr;

    n = ngx_min(ctx->naddrs, NGX_HTTP_IMGP_PEER_ADDRS);

    addrs = ngx_pcalloc(peer->pool, n * sizeof(ngx_addr_t));
    if (addrs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        len = ctx->addrs[i].socklen;

        sockaddr = ngx_palloc(peer->pool, len);
        if (sockaddr == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(sockaddr, ctx->addrs[i].sockaddr, len);
        ngx_inet_set_port(sockaddr, peer->call->service->port);

        addrs[i].sockaddr = sockaddr;
        addrs[i].socklen = len;
    }

    peer->addrs = addrs;
    peer->naddrs = n;

    return NGX_OK;
}


/* of a name that a service has given: every address is looked at, since which
   of them a second look-up would give is in a stranger's hand */

static void
ngx_http_imgp_peer_guard(ngx_http_imgp_peer_t *peer)
{
    ngx_uint_t            i, public;
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    for (i = 0; i < peer->naddrs; i++) {

        switch (peer->addrs[i].sockaddr->sa_family) {

        case AF_INET:
            sin = (struct sockaddr_in *) peer->addrs[i].sockaddr;
            public = imgp_addr_public4((u_char *) &sin->sin_addr);
            break;

        case AF_INET6:
            sin6 = (struct sockaddr_in6 *) peer->addrs[i].sockaddr;
            public = imgp_addr_public6(sin6->sin6_addr.s6_addr);
            break;

        default:
            public = 0;
            break;
        }

        if (!public) {
            (void) imgp_error_set(&peer->call->error, IMGP_E_SERVICE_REFUSED,
                                  "answer has a URL whose host leads to an "
                                  "address that is not public");
            return;
        }
    }
}


ngx_int_t
ngx_http_imgp_peer_get(ngx_http_imgp_peer_t *peer, CURL *easy)
{
    ngx_int_t               i;
    ngx_str_t              *path;
    ngx_peer_connection_t  *pc;

    path = &peer->call->service->unix_path;

    if (path->len) {

        if (peer->tried) {
            return NGX_DECLINED;
        }

        peer->tried = 1;
        peer->name = *path;

        return curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
                                (char *) path->data)
               == CURLE_OK ? NGX_OK : NGX_ERROR;
    }

    if (peer->upstream != NULL) {
        pc = &peer->upstream->peer;

        if (pc->tries == 0
            || ngx_http_upstream_get_round_robin_peer(pc, pc->data) != NGX_OK)
        {
            return NGX_DECLINED;
        }

        peer->taken = 1;

        return ngx_http_imgp_peer_connect_to(peer, easy, pc->sockaddr,
                                             pc->socklen);
    }

    i = ngx_http_imgp_peer_next(peer);
    if (i == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    peer->tried |= (uint64_t) 1 << i;
    peer->current = i;
    peer->taken = 1;

    if (peer->host != NULL) {
        peer->host->turn = i + 1;
    }

    return ngx_http_imgp_peer_connect_to(peer, easy, peer->addrs[i].sockaddr,
                                         peer->addrs[i].socklen);
}


/* the first of those not tried yet; if all failed lately, even so */

static ngx_int_t
ngx_http_imgp_peer_next(ngx_http_imgp_peer_t *peer)
{
    time_t                 now;
    ngx_int_t              spare;
    ngx_uint_t             i, k, turn;
    ngx_http_imgp_host_t  *host;

    now = ngx_time();
    host = peer->host;
    turn = (host != NULL) ? host->turn : 0;
    spare = NGX_DECLINED;

    for (i = 0; i < peer->naddrs; i++) {
        k = (turn + i) % peer->naddrs;

        if (peer->tried & (uint64_t) 1 << k) {
            continue;
        }

        if (host == NULL
            || host->failed[k] == 0
            || now - host->failed[k] > NGX_HTTP_IMGP_PEER_FAIL)
        {
            return k;
        }

        if (spare == NGX_DECLINED) {
            spare = k;
        }
    }

    return spare;
}


void
ngx_http_imgp_peer_free(ngx_http_imgp_peer_t *peer, ngx_uint_t failed)
{
    ngx_peer_connection_t  *pc;

    if (!peer->taken) {
        return;
    }

    peer->taken = 0;

    if (peer->upstream != NULL) {
        pc = &peer->upstream->peer;

        ngx_http_upstream_free_round_robin_peer(pc, pc->data,
                                            failed ? NGX_PEER_FAILED : 0);

    } else if (peer->host != NULL) {
        peer->host->failed[peer->current] = failed ? ngx_time() : 0;
    }
}


void
ngx_http_imgp_peer_close(ngx_http_imgp_peer_t *peer)
{
    if (peer->resolving != NULL) {
        ngx_resolve_name_done(peer->resolving);
        peer->resolving = NULL;
    }

    ngx_http_imgp_peer_free(peer, 0);

    curl_slist_free_all(peer->connect_to);
    peer->connect_to = NULL;
}


/* "::ADDRESS" is for any host and port of the URL; curl keeps the pointer */

static ngx_int_t
ngx_http_imgp_peer_connect_to(ngx_http_imgp_peer_t *peer, CURL *easy,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    char               *path;
    u_char             *text;
    size_t              len;
    struct curl_slist  *list;

    text = ngx_pnalloc(peer->pool, sizeof("::") + NGX_SOCKADDR_STRLEN);
    if (text == NULL) {
        return NGX_ERROR;
    }

    text[0] = ':';
    text[1] = ':';
    len = ngx_sock_ntop(sockaddr, socklen, text + 2, NGX_SOCKADDR_STRLEN, 1);
    text[2 + len] = '\0';

    peer->name.data = text + 2;
    peer->name.len = len;

    path = NULL;
    list = NULL;

    if (sockaddr->sa_family == AF_UNIX) {
        path = (char *) text + 2 + sizeof("unix:") - 1;

    } else {
        list = curl_slist_append(NULL, (char *) text);
        if (list == NULL) {
            return NGX_ERROR;
        }
    }

    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, list);
    curl_slist_free_all(peer->connect_to);
    peer->connect_to = list;

    return curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, path) == CURLE_OK
           ? NGX_OK : NGX_ERROR;
}
