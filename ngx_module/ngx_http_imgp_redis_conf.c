
/*
 * "image_pipeline_redis": the URL and its options.  Names are resolved here,
 * while nginx reads its configuration: later nobody may wait for an answer.
 *
 * Called by nginx in the master and in "nginx -t"; all lies in the cycle's
 * pool.
 */


#include "ngx_http_imgp_conf.h"
#include "ngx_http_imgp_redis.h"


#define NGX_HTTP_IMGP_REDIS_PORT      6379
#define NGX_HTTP_IMGP_SENTINEL_PORT   26379
#define NGX_HTTP_IMGP_REDIS_DB_MAX    65535
#define NGX_HTTP_IMGP_REDIS_WAIT_MIN  10       /* ms */
#define NGX_HTTP_IMGP_REDIS_WAIT_MAX  60000


static char *ngx_http_imgp_redis_args(ngx_conf_t *cf,
    ngx_http_imgp_redis_conf_t *conf);
static char *ngx_http_imgp_redis_prefix(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_imgp_redis_conf_t *conf);
static char *ngx_http_imgp_redis_url(ngx_conf_t *cf,
    ngx_http_imgp_redis_conf_t *conf);
static char *ngx_http_imgp_redis_tls(ngx_conf_t *cf, ngx_str_t *hosts,
    ngx_http_imgp_redis_conf_t *conf);
static char *ngx_http_imgp_redis_tail(ngx_conf_t *cf, ngx_str_t *rest,
    ngx_uint_t sentinel, ngx_http_imgp_redis_conf_t *conf);
static char *ngx_http_imgp_redis_login(ngx_conf_t *cf, ngx_str_t *rest,
    ngx_http_imgp_redis_conf_t *conf);
static ngx_int_t ngx_http_imgp_redis_unescape(ngx_conf_t *cf, u_char *p,
    u_char *last, ngx_str_t *out);
static char *ngx_http_imgp_redis_hosts(ngx_conf_t *cf, ngx_str_t *hosts,
    in_port_t port, ngx_http_imgp_redis_conf_t *conf);


char *
ngx_http_imgp_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_http_imgp_main_conf_t *imcf = data;

    ngx_http_imgp_redis_conf_t  *conf;

    if (imcf->redis) {
        return "is duplicate";
    }

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_redis_conf_t));
    if (conf == NULL) {
        return NGX_CONF_ERROR;
    }

    imcf->redis = conf;

    conf->file = cf->conf_file->file.name.data;
    conf->line = cf->conf_file->line;
    conf->timeout = NGX_HTTP_IMGP_REDIS_TIMEOUT;
    conf->fallback = 1;
    ngx_str_set(&conf->prefix, "ip:");

    if (ngx_http_imgp_redis_args(cf, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_imgp_redis_url(cf, conf);
}


static char *
ngx_http_imgp_redis_args(ngx_conf_t *cf, ngx_http_imgp_redis_conf_t *conf)
{
    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i;
    const char  *allowed;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "prefix=", 7) == 0) {

            if (ngx_http_imgp_redis_prefix(cf, &value[i], conf)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "timeout=", 8) == 0) {

            s.len = value[i].len - 8;
            s.data = value[i].data + 8;

            n = ngx_parse_time(&s, 0);

            if (n == NGX_ERROR || n < NGX_HTTP_IMGP_REDIS_WAIT_MIN
                || n > NGX_HTTP_IMGP_REDIS_WAIT_MAX)
            {
                allowed = "a time from 10ms to 1m, such as \"timeout=1s\"";
                goto invalid;
            }

            conf->timeout = n;
            continue;
        }

        if (ngx_strncmp(value[i].data, "ca=", 3) == 0 && value[i].len > 3) {
            conf->ca.len = value[i].len - 3;
            conf->ca.data = value[i].data + 3;
            continue;
        }

        if (ngx_strncmp(value[i].data, "fallback=", 9) == 0) {

            conf->fallback = (ngx_strcmp(value[i].data + 9, "local") == 0);

            if (!conf->fallback
                && ngx_strcmp(value[i].data + 9, "off") != 0)
            {
                allowed = "\"fallback=local\" or \"fallback=off\"";
                goto invalid;
            }

            continue;
        }

        allowed = "\"prefix=\", \"timeout=\", \"fallback=\" or \"ca=\"";
        goto invalid;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": it must be %s",
                       &value[i], allowed);

    return NGX_CONF_ERROR;
}


/* an ACL says "~prefix*": so nothing that has a meaning in it */

static char *
ngx_http_imgp_redis_prefix(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_imgp_redis_conf_t *conf)
{
    u_char      c;
    ngx_str_t   s;
    ngx_uint_t  i;

    s.len = value->len - 7;
    s.data = value->data + 7;

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if (!(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            && c != ':' && c != '-' && c != '_' && c != '.' && c != '/')
        {
            break;
        }
    }

    if (s.len == 0 || s.len > IMGP_REDIS_PREFIX_MAX || i < s.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\": it must be 1 to %d "
                           "letters, digits, or \":-_./\", such as "
                           "\"prefix=ip:\"", value, IMGP_REDIS_PREFIX_MAX);
        return NGX_CONF_ERROR;
    }

    conf->prefix = s;

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_redis_url(ngx_conf_t *cf, ngx_http_imgp_redis_conf_t *conf)
{
    ngx_str_t  *value, rest;
    ngx_uint_t  sentinel, tls;

    value = cf->args->elts;
    value = &value[1];

    tls = ngx_strncmp(value->data, "rediss://", 9) == 0;

    if (conf->ca.len && !tls) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"ca=\" is for \"rediss://\": remove it, or use "
                           "that URL");
        return NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "unix:", 5) == 0) {
        return ngx_http_imgp_redis_hosts(cf, value, 0, conf);
    }

    sentinel = ngx_strncmp(value->data, "sentinel://", 11) == 0;

    if (!sentinel && !tls && ngx_strncmp(value->data, "redis://", 8) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid Redis URL \"%V\": it must be "
                           "\"redis://[user:password@]host[:port][/db]\", "
                           "\"rediss://...\", \"unix:/path\" or "
                           "\"sentinel://[user:password@]"
                           "host[:port],.../master[/db]\"", value);
        return NGX_CONF_ERROR;
    }

    rest.data = value->data + (sentinel ? 11 : tls ? 9 : 8);
    rest.len = value->data + value->len - rest.data;

    if (ngx_http_imgp_redis_login(cf, &rest, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_redis_tail(cf, &rest, sentinel, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (tls && ngx_http_imgp_redis_tls(cf, &rest, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_imgp_redis_hosts(cf, &rest, sentinel
                                     ? NGX_HTTP_IMGP_SENTINEL_PORT
                                     : NGX_HTTP_IMGP_REDIS_PORT, conf);
}


/* whom the certificate must be made out to: the host, without its port */

static char *
ngx_http_imgp_redis_tls(ngx_conf_t *cf, ngx_str_t *hosts,
    ngx_http_imgp_redis_conf_t *conf)
{
    u_char     *p, *last;
    ngx_str_t   host;

    host = *hosts;
    last = host.data + host.len;

    if (host.len && host.data[0] == '[') {
        p = ngx_strlchr(host.data, last, ']');
        host.data++;

    } else {
        p = ngx_strlchr(host.data, last, ':');
    }

    host.len = (p ? p : last) - host.data;

    conf->host.len = host.len;
    conf->host.data = ngx_pnalloc(cf->pool, host.len + 1);

    if (conf->host.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_cpystrn(conf->host.data, host.data, host.len + 1);

    return ngx_http_imgp_redis_tls_conf(cf, conf);
}


/* "/db", or "/master/db" behind sentinels */

static char *
ngx_http_imgp_redis_tail(ngx_conf_t *cf, ngx_str_t *rest, ngx_uint_t sentinel,
    ngx_http_imgp_redis_conf_t *conf)
{
    u_char     *p, *last, *slash;
    ngx_int_t   db;
    ngx_str_t   url;

    /* the password is off: it may be shown */

    url = *rest;
    last = rest->data + rest->len;
    p = ngx_strlchr(rest->data, last, '/');
    rest->len = (p ? p : last) - rest->data;

    if (sentinel) {
        slash = p ? ngx_strlchr(p + 1, last, '/') : NULL;

        if (p) {
            conf->master.data = p + 1;
            conf->master.len = (slash ? slash : last) - conf->master.data;
        }

        if (conf->master.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "no master in \"sentinel://%V\": add its name, "
                               "as in \"sentinel://10.0.0.1,10.0.0.2/"
                               "mymaster\"", &url);
            return NGX_CONF_ERROR;
        }

        p = slash;
    }

    if (p == NULL || p + 1 == last) {
        return NGX_CONF_OK;
    }

    db = ngx_atoi(p + 1, last - p - 1);

    if (db == NGX_ERROR || db > NGX_HTTP_IMGP_REDIS_DB_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid database in \"%V\": it must be a number, "
                           "as in \"redis://127.0.0.1:6379/0\"", &url);
        return NGX_CONF_ERROR;
    }

    conf->db = db;

    return NGX_CONF_OK;
}


/* "user:password@" or ":password@"; a password may hold an "@" as %40 */

static char *
ngx_http_imgp_redis_login(ngx_conf_t *cf, ngx_str_t *rest,
    ngx_http_imgp_redis_conf_t *conf)
{
    u_char  *p, *at, *last;

    last = rest->data + rest->len;
    at = ngx_strlchr(rest->data, last, '@');

    if (at == NULL) {
        return NGX_CONF_OK;
    }

    p = ngx_strlchr(rest->data, at, ':');

    if (p == NULL || p + 1 == at) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password before \"@\" in the Redis URL: it "
                           "must be \"user:password@\" or \":password@\"");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_redis_unescape(cf, rest->data, p, &conf->user) != NGX_OK
        || ngx_http_imgp_redis_unescape(cf, p + 1, at, &conf->pass) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rest->data = at + 1;
    rest->len = last - rest->data;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_imgp_redis_unescape(ngx_conf_t *cf, u_char *p, u_char *last,
    ngx_str_t *out)
{
    u_char  *dst, *src;

    out->data = ngx_pnalloc(cf->pool, last - p + 1);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    dst = out->data;
    src = p;

    ngx_unescape_uri(&dst, &src, last - p, 0);

    out->len = dst - out->data;

    return NGX_OK;
}


/* one, or several with commas between; each may have several addresses */

static char *
ngx_http_imgp_redis_hosts(ngx_conf_t *cf, ngx_str_t *hosts, in_port_t port,
    ngx_http_imgp_redis_conf_t *conf)
{
    u_char      *p, *last, *comma;
    ngx_url_t    u;
    ngx_uint_t   i;

    conf->name = *hosts;

    conf->addrs = ngx_pcalloc(cf->pool, NGX_HTTP_IMGP_REDIS_ADDRS
                                        * sizeof(ngx_addr_t));
    if (conf->addrs == NULL) {
        return NGX_CONF_ERROR;
    }

    last = hosts->data + hosts->len;

    for (p = hosts->data; p < last || conf->naddrs == 0; p = comma + 1) {
        comma = ngx_strlchr(p, last, ',');

        if (comma == NULL) {
            comma = last;
        }

        ngx_memzero(&u, sizeof(ngx_url_t));

        u.url.data = p;
        u.url.len = comma - p;
        u.default_port = port;

        if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "%s in the Redis URL \"%V\"",
                               u.err ? u.err : "no host", hosts);
            return NGX_CONF_ERROR;
        }

        for (i = 0; i < u.naddrs && conf->naddrs < NGX_HTTP_IMGP_REDIS_ADDRS;
             i++)
        {
            conf->addrs[conf->naddrs++] = u.addrs[i];
        }
    }

    return NGX_CONF_OK;
}


/* what is shared lies on the local disk first */

char *
ngx_http_imgp_conf_redis_alone(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf)
{
    ngx_http_imgp_place_t  place;

    place.file = imcf->redis->file;
    place.line = imcf->redis->line;

    return ngx_http_imgp_conf_error(cf, &place,
                                    "\"image_pipeline_redis\" needs a local "
                                    "store, too: add \"image_pipeline_path "
                                    "/var/lib/nginx/image-pipeline "
                                    "zone=jobs:32m;\"");
}
