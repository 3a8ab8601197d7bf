
/*
 * Addresses out of a service's answers: a link becomes a service of its own
 * that is asked with GET, or it is refused.
 *
 * A service may name its own host, where the call goes the same way as the
 * first one and carries the same headers; or a host of the configured list,
 * which gets no header of ours, and whose name must lead to public addresses
 * alone (ngx_http_imgp_peer.c looks at all of them, and connects to what it has
 * looked at).  An address that stands in the list itself is meant as it is.
 * Redirects are never followed.
 *
 * curl takes URLs apart here, since it is curl that will use them: what one
 * parser has checked another may read differently.
 *
 * Called by follow.c, event loop only; memory is the unit's arena.
 */


#include <ngx_http_imgp_call.h>
#include "ngx_http_imgp_link.h"


typedef struct {
    CURLU                         *url;
    char                          *text;
    char                          *scheme;
    char                          *host;
    char                          *port;
} ngx_http_imgp_link_t;


static ngx_int_t ngx_http_imgp_link_join(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *origin, imgp_str_t *text, ngx_uint_t id);
static ngx_int_t ngx_http_imgp_link_parts(ngx_http_imgp_link_t *link);
static void ngx_http_imgp_link_free(ngx_http_imgp_link_t *link);
static ngx_uint_t ngx_http_imgp_link_own(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *origin);
static ngx_uint_t ngx_http_imgp_link_listed(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *origin);
static ngx_uint_t ngx_http_imgp_link_match(ngx_http_imgp_link_t *link,
    ngx_str_t *host);
static ngx_int_t ngx_http_imgp_link_foreign(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *service, imgp_pool_t *pool);
static ngx_int_t ngx_http_imgp_link_address(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *service, imgp_pool_t *pool);


ngx_http_imgp_service_t *
ngx_http_imgp_link(ngx_http_imgp_service_t *origin, imgp_str_t *text,
    ngx_uint_t id, imgp_pool_t *pool, imgp_error_t *err)
{
    imgp_str_t                s;
    ngx_http_imgp_link_t      link;
    ngx_http_imgp_service_t  *service;

    ngx_memzero(&link, sizeof(ngx_http_imgp_link_t));

    service = imgp_pcalloc(pool, sizeof(ngx_http_imgp_service_t));

    if (service == NULL) {
        (void) imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        return NULL;
    }

    if (ngx_http_imgp_link_join(&link, origin, text, id) != NGX_OK
        || ngx_http_imgp_link_parts(&link) != NGX_OK)
    {
        (void) imgp_error_set(err, IMGP_E_SERVICE_REFUSED,
                              "answer has a URL that cannot be used");
        goto failed;
    }

    if (ngx_http_imgp_link_own(&link, origin)) {
        *service = *origin;
        service->origin = origin->origin ? origin->origin : origin;

    } else if (!ngx_http_imgp_link_listed(&link, origin)) {
        (void) imgp_error_set(err, IMGP_E_SERVICE_REFUSED,
                              "answer has a URL of the host \"%.64s\", which "
                              "is not allowed", link.host);
        goto failed;

    } else if (ngx_http_imgp_link_foreign(&link, service, pool) != NGX_OK) {
        (void) imgp_error_set(err, IMGP_E_SERVICE_REFUSED,
                              "answer has a URL that cannot be used");
        goto failed;
    }

    s.data = (u_char *) link.text;
    s.len = ngx_strlen(link.text);

    service->send = NGX_HTTP_IMGP_SEND_NOTHING;
    service->url.len = s.len;
    service->url.data = imgp_pstrdup(pool, &s);

    if (service->url.data == NULL) {
        (void) imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        goto failed;
    }

    ngx_http_imgp_link_free(&link);

    return service;

failed:

    ngx_http_imgp_link_free(&link);

    return NULL;
}


/* an id is asked for below the service's own URL, as Gradio has it */

static ngx_int_t
ngx_http_imgp_link_join(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *origin, imgp_str_t *text, ngx_uint_t id)
{
    char      *path, *p;
    size_t     i;
    CURLUcode  rc;

    link->url = curl_url();

    if (link->url == NULL
        || curl_url_set(link->url, CURLUPART_URL, (char *) origin->url.data,
                        0)
           != CURLUE_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < text->len; i++) {

        if (text->data[i] <= ' ' || text->data[i] >= 0x7f) {
            return NGX_ERROR;
        }

        if (ngx_strchr("/:?#", text->data[i])) {
            id = 0;
        }
    }

    if (!id) {
        return curl_url_set(link->url, CURLUPART_URL, (char *) text->data,
                            CURLU_DISALLOW_USER)
               == CURLUE_OK ? NGX_OK : NGX_ERROR;
    }

    if (curl_url_get(link->url, CURLUPART_PATH, &path, 0) != CURLUE_OK) {
        return NGX_ERROR;
    }

    i = ngx_strlen(path);
    p = malloc(i + 1 + text->len + 1);

    if (p == NULL) {
        curl_free(path);
        return NGX_ERROR;
    }

    ngx_sprintf((u_char *) p, "%s%s%*s%Z", path,
                (i && path[i - 1] == '/') ? "" : "/", text->len, text->data);

    rc = curl_url_set(link->url, CURLUPART_PATH, p, 0);

    if (rc == CURLUE_OK) {
        rc = curl_url_set(link->url, CURLUPART_QUERY, NULL, 0);
    }

    curl_free(path);
    free(p);

    return rc == CURLUE_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_imgp_link_parts(ngx_http_imgp_link_t *link)
{
    CURLU  *u;

    u = link->url;

    if (curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK
        || curl_url_get(u, CURLUPART_SCHEME, &link->scheme, 0) != CURLUE_OK
        || curl_url_get(u, CURLUPART_HOST, &link->host, 0) != CURLUE_OK
        || curl_url_get(u, CURLUPART_PORT, &link->port, CURLU_DEFAULT_PORT)
           != CURLUE_OK
        || curl_url_get(u, CURLUPART_URL, &link->text, 0) != CURLUE_OK)
    {
        return NGX_ERROR;
    }

    if ((ngx_strcmp(link->scheme, "http") != 0
         && ngx_strcmp(link->scheme, "https") != 0)
        || link->host[0] == '\0')
    {
        return NGX_ERROR;
    }

    ngx_strlow((u_char *) link->host, (u_char *) link->host,
               ngx_strlen(link->host));

    return NGX_OK;
}


static void
ngx_http_imgp_link_free(ngx_http_imgp_link_t *link)
{
    curl_free(link->text);
    curl_free(link->scheme);
    curl_free(link->host);
    curl_free(link->port);
    curl_url_cleanup(link->url);
}


/* the same scheme, host and port: no key of ours goes anywhere else */

static ngx_uint_t
ngx_http_imgp_link_own(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *origin)
{
    ngx_uint_t            own;
    ngx_http_imgp_link_t  base;

    ngx_memzero(&base, sizeof(ngx_http_imgp_link_t));

    base.url = curl_url();

    own = base.url != NULL
          && curl_url_set(base.url, CURLUPART_URL, (char *) origin->url.data,
                          0)
             == CURLUE_OK
          && ngx_http_imgp_link_parts(&base) == NGX_OK
          && ngx_strcmp(base.scheme, link->scheme) == 0
          && ngx_strcmp(base.host, link->host) == 0
          && ngx_strcmp(base.port, link->port) == 0;

    ngx_http_imgp_link_free(&base);

    return own;
}


static ngx_uint_t
ngx_http_imgp_link_listed(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *origin)
{
    ngx_str_t   *host;
    ngx_uint_t   i;

    host = origin->hosts.elts;

    for (i = 0; i < origin->hosts.nelts; i++) {
        if (ngx_http_imgp_link_match(link, &host[i])) {
            return 1;
        }
    }

    return 0;
}


/* without a port the usual one of the scheme */

static ngx_uint_t
ngx_http_imgp_link_match(ngx_http_imgp_link_t *link, ngx_str_t *host)
{
    u_char      *colon, *bracket;
    size_t       len, n;
    ngx_str_t    name;
    const char  *port;

    name = *host;
    port = ngx_strcmp(link->scheme, "https") == 0 ? "443" : "80";

    colon = (u_char *) strrchr((char *) host->data, ':');
    bracket = (u_char *) strrchr((char *) host->data, ']');

    if (colon != NULL && colon > bracket) {
        name.len = colon - host->data;
        port = (char *) colon + 1;
    }

    if (ngx_strcmp(link->port, port) != 0) {
        return 0;
    }

    len = ngx_strlen(link->host);

    if (name.data[0] == '*') {
        n = name.len - 1;

        return len > n
               && ngx_strncmp(link->host + len - n, name.data + 1, n) == 0;
    }

    return len == name.len && ngx_strncmp(link->host, name.data, len) == 0;
}


static ngx_int_t
ngx_http_imgp_link_foreign(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *service, imgp_pool_t *pool)
{
    imgp_str_t  host;

    host.data = (u_char *) link->host;
    host.len = ngx_strlen(link->host);

    service->host.len = host.len;
    service->host.data = imgp_pstrdup(pool, &host);

    if (service->host.data == NULL) {
        return NGX_ERROR;
    }

    service->port = (in_port_t) ngx_atoi((u_char *) link->port,
                                         ngx_strlen(link->port));
    service->ssl = (ngx_strcmp(link->scheme, "https") == 0);
    service->guard = 1;

    return ngx_http_imgp_link_address(link, service, pool);
}


/* of a host that is an address: it was listed as such, or by its name only */

static ngx_int_t
ngx_http_imgp_link_address(ngx_http_imgp_link_t *link,
    ngx_http_imgp_service_t *service, imgp_pool_t *pool)
{
    u_char               *text;
    size_t                len;
    in_addr_t             addr;
    ngx_addr_t           *a;
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    text = (u_char *) link->host;
    len = ngx_strlen(text);

    a = imgp_pcalloc(pool, sizeof(ngx_addr_t) + sizeof(ngx_sockaddr_t));
    if (a == NULL) {
        return NGX_ERROR;
    }

    a->sockaddr = (struct sockaddr *) &a[1];
    sin = (struct sockaddr_in *) a->sockaddr;
    sin6 = (struct sockaddr_in6 *) a->sockaddr;

    addr = ngx_inet_addr(text, len);

    if (addr != INADDR_NONE) {
        sin->sin_family = AF_INET;
        sin->sin_addr.s_addr = addr;
        a->socklen = sizeof(struct sockaddr_in);

    } else if (text[0] == '[') {

        if (ngx_inet6_addr(text + 1, len - 2, sin6->sin6_addr.s6_addr)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        sin6->sin6_family = AF_INET6;
        a->socklen = sizeof(struct sockaddr_in6);

    } else {
        return NGX_OK;
    }

    ngx_inet_set_port(a->sockaddr, service->port);

    service->addrs = a;
    service->naddrs = 1;
    service->direct = 1;

    return NGX_OK;
}
