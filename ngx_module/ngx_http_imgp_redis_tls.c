
/*
 * Redis over TLS ("rediss://"): hiredis 1.0 and newer speaks it with an SSL of
 * ours.  The server's certificate must be signed by who the system trusts, or
 * by "ca=", and be made out to the host of the URL.
 *
 * The context is made while nginx reads its configuration and lies in the
 * cycle's pool; a connection's SSL is freed by hiredis.
 */


#include "ngx_http_imgp_conf.h"
#include "ngx_http_imgp_redis.h"

#if (IMGP_HAVE_HIREDIS_TLS)

#include <hiredis/async.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <openssl/err.h>


static ngx_int_t ngx_http_imgp_redis_tls_trust(ngx_conf_t *cf,
    ngx_http_imgp_redis_conf_t *conf, SSL_CTX *ctx);
static ngx_int_t ngx_http_imgp_redis_tls_name(SSL *ssl, ngx_str_t *host);
static void ngx_http_imgp_redis_tls_cleanup(void *data);


char *
ngx_http_imgp_redis_tls_conf(ngx_conf_t *cf, ngx_http_imgp_redis_conf_t *conf)
{
    SSL_CTX             *ctx;
    ngx_pool_cleanup_t  *cln;

    (void) redisInitOpenSSL();

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    ctx = cln ? SSL_CTX_new(TLS_client_method()) : NULL;

    if (ctx == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_imgp_redis_tls_cleanup;
    cln->data = ctx;

    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);

    if (ngx_http_imgp_redis_tls_trust(cf, conf, ctx) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    conf->tls = ctx;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_imgp_redis_tls_trust(ngx_conf_t *cf,
    ngx_http_imgp_redis_conf_t *conf, SSL_CTX *ctx)
{
    if (conf->ca.len == 0) {
        return SSL_CTX_set_default_verify_paths(ctx) == 1 ? NGX_OK : NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &conf->ca, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (SSL_CTX_load_verify_locations(ctx, (char *) conf->ca.data, NULL)
        != 1)
    {
        ERR_clear_error();
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no certificates in \"%V\": it must be a readable "
                           "PEM file with those that sign Redis' certificate",
                           &conf->ca);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_redis_tls_start(ngx_http_imgp_redis_conf_t *conf,
    struct redisAsyncContext *ac)
{
    SSL  *ssl;

    ssl = SSL_new(conf->tls);

    if (ssl == NULL
        || ngx_http_imgp_redis_tls_name(ssl, &conf->host) != NGX_OK)
    {
        SSL_free(ssl);
        return NGX_ERROR;
    }

    /* it is hiredis' from here on, also when this fails */

    if (redisInitiateSSL(&ac->c, ssl) != REDIS_OK) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    ERR_clear_error();

    return NGX_OK;
}


/* a name, or an address */

static ngx_int_t
ngx_http_imgp_redis_tls_name(SSL *ssl, ngx_str_t *host)
{
    X509_VERIFY_PARAM  *param;

    param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, (char *) host->data) == 1) {
        return NGX_OK;
    }

    ERR_clear_error();

    if (X509_VERIFY_PARAM_set1_host(param, (char *) host->data, host->len)
        != 1
        || SSL_set_tlsext_host_name(ssl, (char *) host->data) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_imgp_redis_tls_cleanup(void *data)
{
    SSL_CTX_free(data);
}


#else


char *
ngx_http_imgp_redis_tls_conf(ngx_conf_t *cf, ngx_http_imgp_redis_conf_t *conf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "this build has no TLS for Redis: build it with "
                       "hiredis 1.0 or newer and its TLS, or use a unix "
                       "socket, or a tunnel such as stunnel");
    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_imgp_redis_tls_start(ngx_http_imgp_redis_conf_t *conf,
    struct redisAsyncContext *ac)
{
    return NGX_ERROR;
}


#endif
