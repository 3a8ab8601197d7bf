
/*
 * "post URL" and its options: which service a stage calls, and how.
 *
 * Called while nginx reads its configuration.  A URL is taken apart by
 * nginx's own ngx_parse_url() and handed to curl as it stands; where its host
 * leads is known only when all of http {} was read, for an upstream {} of
 * this name may stand below (ngx_http_imgp_conf_service_resolve()).
 *
 * stage->text of such a stage is what can change the service's answer: URL,
 * form, headers, what is taken of it.  A header whose value comes from a file
 * counts by its name alone, so the text holds no secret, and a new key spoils
 * no result.
 */


#include "ngx_http_imgp_conf.h"


/* raised when what is sent, or what is taken of an answer, changes */

#define NGX_HTTP_IMGP_POST_TEXT  "post/1"


static char *ngx_http_imgp_post_chars(ngx_conf_t *cf, ngx_str_t *url);
static char *ngx_http_imgp_post_unix(ngx_conf_t *cf,
    ngx_http_imgp_service_t *service, ngx_str_t *url, size_t add);
static char *ngx_http_imgp_post_inet(ngx_conf_t *cf,
    ngx_http_imgp_service_t *service, ngx_str_t *url, size_t add);
static ngx_uint_t ngx_http_imgp_post_host(ngx_url_t *u);
static ngx_int_t ngx_http_imgp_service_url(ngx_pool_t *pool, ngx_url_t *u,
    ngx_http_imgp_service_t *service);
static ngx_http_upstream_srv_conf_t *ngx_http_imgp_service_upstream(
    ngx_conf_t *cf, ngx_str_t *name);
static ngx_http_imgp_field_t *ngx_http_imgp_service_header(
    ngx_http_imgp_service_t *service, const char *name);


char *
ngx_http_imgp_conf_post(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *url;
    ngx_http_imgp_service_t     *service;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;

    if (ngx_http_imgp_conf_operation(cf, sc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    service = ngx_http_imgp_conf_service(cf, sc);
    if (service == NULL) {
        return NGX_CONF_ERROR;
    }

    sc->stage->kind = IMGP_STAGE_POST;
    sc->stage->op = service;

    service->file = cf->conf_file->file.name.data;
    service->line = cf->conf_file->line;

    if (ngx_http_imgp_conf_breaker(cf, service, 2) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    url = cf->args->elts;

    return ngx_http_imgp_conf_url(cf, service, &url[1]);
}


char *
ngx_http_imgp_conf_url(ngx_conf_t *cf, ngx_http_imgp_service_t *service,
    ngx_str_t *url)
{
    size_t      add;
    ngx_str_t  *directive;

    directive = cf->args->elts;

    if (ngx_http_imgp_post_chars(cf, url) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strncasecmp(url->data, (u_char *) "http://unix:", 12) == 0) {
        return ngx_http_imgp_post_unix(cf, service, url, 7);
    }

    if (ngx_strncasecmp(url->data, (u_char *) "http://", 7) == 0) {
        add = 7;

    } else if (ngx_strncasecmp(url->data, (u_char *) "https://", 8) == 0) {
        add = 8;
        service->ssl = 1;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\" in \"%V\": it must begin "
                           "with \"http://\" or \"https://\"", url,
                           directive);
        return NGX_CONF_ERROR;
    }

    return ngx_http_imgp_post_inet(cf, service, url, add);
}


static char *
ngx_http_imgp_post_chars(ngx_conf_t *cf, ngx_str_t *url)
{
    u_char  *p, *last;

    last = url->data + url->len;

    if (url->len > NGX_HTTP_IMGP_URL_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the URL in \"post\" is %uz bytes long: "
                           "%d are the most", url->len,
                           NGX_HTTP_IMGP_URL_MAX);
        return NGX_CONF_ERROR;
    }

    for (p = url->data; p < last; p++) {

        if (*p == '$') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "variable in the URL \"%V\": a URL is fixed, "
                               "send params by \"header\" or \"send "
                               "multipart\", and write \"%%24\" for a \"$\"",
                               url);
            return NGX_CONF_ERROR;
        }

        if (*p == '#') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "fragment in the URL \"%V\": services do not "
                               "see it, remove \"#\" and what follows", url);
            return NGX_CONF_ERROR;
        }

        if (*p <= ' ' || *p >= 0x7f || ngx_strchr("\"<>\\^`{|}", *p)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid character in the URL \"%V\": "
                               "write it as \"%%%02Xd\"", url, (u_int) *p);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_post_unix(ngx_conf_t *cf, ngx_http_imgp_service_t *service,
    ngx_str_t *url, size_t add)
{
    u_char     *p;
    ngx_url_t   u;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url.len = url->len - add;
    u.url.data = url->data + add;
    u.uri_part = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK
        || u.host.data[0] != '/' || (u.uri.len && u.uri.data[0] != '/'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in the URL \"%V\": it must be such as "
                           "\"http://unix:/run/model.sock:/uri\"",
                           u.err ? u.err : "invalid path", url);
        return NGX_CONF_ERROR;
    }

    if (u.uri.len == 0) {
        ngx_str_set(&u.uri, "/");
    }

    service->unix_path.len = u.host.len;
    service->unix_path.data = ngx_pnalloc(cf->pool, u.host.len + 1);
    service->url.len = sizeof("http://localhost") - 1 + u.uri.len;
    service->url.data = ngx_pnalloc(cf->pool, service->url.len + 1);

    if (service->unix_path.data == NULL || service->url.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(service->unix_path.data, u.host.data, u.host.len);
    *p = '\0';

    p = ngx_sprintf(service->url.data, "http://localhost%V", &u.uri);
    *p = '\0';

    ngx_str_set(&service->host, "localhost");
    service->port = 80;
    service->addrs = u.addrs;
    service->naddrs = u.naddrs;

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_post_inet(ngx_conf_t *cf, ngx_http_imgp_service_t *service,
    ngx_str_t *url, size_t add)
{
    u_char     *p, *last;
    ngx_url_t   u;

    last = url->data + url->len;

    for (p = url->data + add; p < last && *p != '/' && *p != '?'; p++) {

        if (*p == '@') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "user name in the URL of \"post\": remove what "
                               "stands before \"@\" and use "
                               "\"header Authorization @FILE;\"");
            return NGX_CONF_ERROR;
        }
    }

    service->url = *url;

    if (ngx_http_imgp_service_url(cf->pool, &u, service) != NGX_OK
        || !ngx_http_imgp_post_host(&u))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in the URL \"%V\": it must be such as "
                           "\"http://name:8080/path\"",
                           u.err ? u.err : "invalid host", url);
        return NGX_CONF_ERROR;
    }

    service->host.data = url->data + add;
    service->host.len = p - service->host.data;
    service->port = u.port;
    service->addrs = u.addrs;
    service->naddrs = u.naddrs;

    return NGX_CONF_OK;
}


/* the parts of service->url; names are not resolved */

static ngx_int_t
ngx_http_imgp_service_url(ngx_pool_t *pool, ngx_url_t *u,
    ngx_http_imgp_service_t *service)
{
    size_t  add;

    add = service->ssl ? sizeof("https://") - 1 : sizeof("http://") - 1;

    ngx_memzero(u, sizeof(ngx_url_t));

    u->url.len = service->url.len - add;
    u->url.data = service->url.data + add;
    u->default_port = service->ssl ? 443 : 80;
    u->uri_part = 1;
    u->no_resolve = 1;

    return ngx_parse_url(pool, u);
}


/* what ngx_parse_url() lets pass, but curl may read in another way */

static ngx_uint_t
ngx_http_imgp_post_host(ngx_url_t *u)
{
    u_char  ch, *p, *last;

    if (u->wildcard) {
        return 0;
    }

    if (u->family == AF_INET6) {
        return 1;
    }

    last = u->host.data + u->host.len;

    for (p = u->host.data; p < last; p++) {
        ch = *p;

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9')
              || ch == '-' || ch == '.' || ch == '_'))
        {
            return 0;
        }
    }

    return 1;
}


char *
ngx_http_imgp_conf_retry(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_stage_t *stage = block->target;

    uint64_t    retries;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_http_imgp_conf_number(cf, &value[1], 1, NGX_HTTP_IMGP_RETRIES_MAX,
                                  &retries)
        != NGX_OK
        || ngx_http_imgp_conf_time(cf, &value[2], 1, &stage->retry_delay)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    stage->retries = retries;

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_service_end(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    if (ngx_http_imgp_conf_lanes_end(cf, sc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (sc->next) {
        return ngx_http_imgp_conf_providers_end(cf, sc);
    }

    ngx_http_imgp_conf_service_id(sc, sc->service);

    if (ngx_http_imgp_conf_service_check(cf, sc) != NGX_CONF_OK
        || ngx_http_imgp_conf_service_text(cf, sc) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* of the stage, or of a provider: what goes together */

char *
ngx_http_imgp_conf_service_check(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc)
{
    ngx_http_imgp_place_t    *place;
    ngx_http_imgp_service_t  *service;

    service = sc->service;

    if (ngx_http_imgp_conf_warm_check(cf, sc) != NGX_CONF_OK
        || ngx_http_imgp_conf_batch_check(cf, sc) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (service->send == NGX_HTTP_IMGP_SEND_RAW && sc->stage->nfrom > 1
        && service->list.len == 0)
    {
        place = ngx_http_imgp_conf_place(sc, "from");

        return ngx_http_imgp_conf_error(cf, place,
                                       "stage \"%V\" has %uz inputs, but a raw "
                                       "body holds one: use \"send multipart "
                                       "FIELD\" or \"send json FILE\"",
                                       &sc->stage->name,
                                       (size_t) sc->stage->nfrom);
    }

    if (service->nfields > 1 && service->nfields != sc->stage->nfrom) {
        return ngx_http_imgp_conf_error(cf,
                                        ngx_http_imgp_conf_place(sc, "send"),
                                        "\"send multipart\" names %ui fields, "
                                        "but stage \"%V\" reads %uz: name one "
                                        "field for all, or one for each stage "
                                        "in \"from\"", service->nfields,
                                        &sc->stage->name,
                                        (size_t) ngx_max(sc->stage->nfrom, 1));
    }

    if (service->send == NGX_HTTP_IMGP_SEND_MULTIPART
        && ngx_http_imgp_service_header(service, "Content-Type"))
    {
        place = ngx_http_imgp_conf_place(sc, "send");

        return ngx_http_imgp_conf_error(cf, place,
                                        "\"send multipart\" makes its own "
                                        "\"Content-Type\": remove \"header "
                                        "Content-Type\" from stage \"%V\"",
                                        &sc->stage->name);
    }

    if (service->put) {
        return ngx_http_imgp_conf_put_check(cf, sc);
    }

    if (service->list.len
        && ngx_http_imgp_conf_queue_check(cf, sc) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (service->template
        && ngx_http_imgp_conf_template_inputs(cf, sc) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* of a directive, or of the block that does not have it */

ngx_http_imgp_place_t *
ngx_http_imgp_conf_place(ngx_http_imgp_stage_conf_t *sc, const char *name)
{
    ngx_http_imgp_seen_t  *seen;

    seen = ngx_http_imgp_conf_seen(&sc->block, name);

    return seen ? &seen->place : &sc->block.place;
}


static ngx_http_imgp_field_t *
ngx_http_imgp_service_header(ngx_http_imgp_service_t *service,
    const char *name)
{
    ngx_uint_t              i;
    ngx_http_imgp_field_t  *header;

    header = service->headers.elts;

    for (i = 0; i < service->headers.nelts; i++) {
        if (ngx_strcasecmp(header[i].name.data, (u_char *) name) == 0) {
            return &header[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_imgp_conf_service_text(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    u_char       *p;
    ngx_str_t    *url, full;
    ngx_array_t   text;
    size_t        len;

    /* the URL as it stands: that of a unix socket has its path */

    url = (sc->service->unix_path.len) ? &full : &sc->service->url;
    ngx_str_null(&full);

    if (url == &full) {
        full.len = sc->service->unix_path.len + sc->service->url.len + 1;
        full.data = ngx_pnalloc(cf->temp_pool, full.len);
        if (full.data == NULL) {
            return NGX_ERROR;
        }

        ngx_sprintf(full.data, "%V:%V", &sc->service->unix_path,
                    &sc->service->url);
    }

    if (ngx_array_init(&text, cf->temp_pool, 256, 1) != NGX_OK
        || ngx_http_imgp_conf_text_add(&text, NGX_HTTP_IMGP_POST_TEXT, url)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = text.nelts + sc->send.nelts + sc->headers.nelts + sc->take.nelts;

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    sc->stage->text.data = p;
    sc->stage->text.len = len;

    p = ngx_cpymem(p, text.elts, text.nelts);
    p = ngx_cpymem(p, sc->send.elts, sc->send.nelts);
    p = ngx_cpymem(p, sc->headers.elts, sc->headers.nelts);
    ngx_memcpy(p, sc->take.elts, sc->take.nelts);

    return NGX_OK;
}


char *
ngx_http_imgp_conf_service_resolve(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf, ngx_str_t *stage,
    ngx_http_imgp_service_t *service)
{
    ngx_url_t              u;
    ngx_http_imgp_place_t  place;

    if (service->list.len) {
        return ngx_http_imgp_conf_queue_redis(cf, imcf, service);
    }

    if (service->unix_path.len) {
        return NGX_CONF_OK;
    }

    place.file = service->file;
    place.line = service->line;

    if (ngx_http_imgp_service_url(cf->pool, &u, service) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    service->upstream = ngx_http_imgp_service_upstream(cf, &u.host);

    if (service->upstream) {

        if (!u.no_port) {
            return ngx_http_imgp_conf_error(cf, &place,
                                        "\"%V\" in stage \"%V\" is an upstream "
                                        "{}, whose servers have the ports: "
                                        "remove \":%d\" from the URL",
                                        &u.host, stage, (int) u.port);
        }

        return NGX_CONF_OK;
    }

    if (service->naddrs) {
        return NGX_CONF_OK;
    }

    if (ngx_inet_resolve_host(cf->pool, &u) == NGX_OK) {
        service->addrs = u.addrs;
        service->naddrs = u.naddrs;
        return NGX_CONF_OK;
    }

    if (u.err == NULL) {
        return NGX_CONF_ERROR;
    }

    if (imcf->resolver) {
        return NGX_CONF_OK;
    }

    return ngx_http_imgp_conf_error(cf, &place,
                                 "%s in image pipeline stage \"%V\": \"%V\" is "
                                 "neither an upstream {} nor a known name; "
                                 "correct it, or add \"resolver\" to http {} "
                                 "to look it up later", u.err, stage, &u.host);
}


/* one of the configuration: those of proxy_pass and the like have no flags */

static ngx_http_upstream_srv_conf_t *
ngx_http_imgp_service_upstream(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                      i;
    ngx_http_upstream_srv_conf_t  **uscfp;
    ngx_http_upstream_main_conf_t  *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);

    uscfp = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if ((uscfp[i]->flags & NGX_HTTP_UPSTREAM_CREATE)
            && uscfp[i]->host.len == name->len
            && ngx_strncasecmp(uscfp[i]->host.data, name->data, name->len)
               == 0)
        {
            return uscfp[i];
        }
    }

    return NULL;
}
