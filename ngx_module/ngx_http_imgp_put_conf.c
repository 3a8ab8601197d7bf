
/*
 * "put s3://BUCKET/KEY": a store of the S3 kind as a service.
 *
 * Called while nginx reads its configuration.  Bucket and endpoint make the
 * service's URL, so that addresses, TLS, retries and limits are those of any
 * service; the key may hold "$param_NAME".  Keys of access are read from their
 * files once, live in the cycle's pool, and are in no text of the stage.
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_PUT_REGION  "us-east-1"
#define NGX_HTTP_IMGP_PUT_PREFIX  "s3://"


typedef struct {
    ngx_str_t      bucket;
    ngx_str_t      key;
    ngx_str_t      endpoint;
    ngx_str_t      region;
    ngx_str_t      style;             /* "path", "host" or "" */
} ngx_http_imgp_put_conf_t;


static char *ngx_http_imgp_put_target(ngx_conf_t *cf,
    ngx_http_imgp_put_conf_t *pc);
static char *ngx_http_imgp_put_options(ngx_conf_t *cf,
    ngx_http_imgp_put_t *put, ngx_http_imgp_put_conf_t *pc);
static char *ngx_http_imgp_put_secret(ngx_conf_t *cf, ngx_str_t *option,
    size_t skip, ngx_str_t *value);
static char *ngx_http_imgp_put_url(ngx_conf_t *cf,
    ngx_http_imgp_service_t *service, ngx_http_imgp_put_conf_t *pc);
static ngx_uint_t ngx_http_imgp_put_chars(ngx_str_t *s, const char *more);


char *
ngx_http_imgp_conf_put(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_http_imgp_put_t         *put;
    ngx_http_imgp_service_t     *service;
    ngx_http_imgp_put_conf_t     pc;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;

    if (ngx_http_imgp_conf_operation(cf, sc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    service = ngx_http_imgp_conf_service(cf, sc);
    put = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_put_t));

    if (service == NULL || put == NULL) {
        return NGX_CONF_ERROR;
    }

    sc->stage->kind = IMGP_STAGE_POST;
    sc->stage->op = service;

    service->put = put;
    service->file = cf->conf_file->file.name.data;
    service->line = cf->conf_file->line;

    ngx_memzero(&pc, sizeof(ngx_http_imgp_put_conf_t));
    ngx_str_set(&pc.region, NGX_HTTP_IMGP_PUT_REGION);

    if (ngx_http_imgp_put_target(cf, &pc) != NGX_CONF_OK
        || ngx_http_imgp_put_options(cf, put, &pc) != NGX_CONF_OK
        || ngx_http_imgp_put_url(cf, service, &pc) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    put->named = (pc.key.len == 0 || pc.key.data[pc.key.len - 1] == '/');
    put->sign.len = sizeof("aws:amz::s3") - 1 + pc.region.len;
    put->sign.data = ngx_pnalloc(cf->pool, put->sign.len + 1);

    if (put->sign.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(put->sign.data, "aws:amz:%V:s3%Z", &pc.region);

    if (ngx_http_imgp_conf_pieces(cf, sc, &put->key, &pc.key) != NGX_CONF_OK
        || ngx_http_imgp_conf_text_add(&sc->take, "put", &pc.key) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_put_target(ngx_conf_t *cf, ngx_http_imgp_put_conf_t *pc)
{
    u_char     *p, *last;
    ngx_str_t  *value, rest;

    value = cf->args->elts;

    rest = value[1];

    if (rest.len < sizeof(NGX_HTTP_IMGP_PUT_PREFIX)
        || ngx_strncmp(rest.data, NGX_HTTP_IMGP_PUT_PREFIX,
                       sizeof(NGX_HTTP_IMGP_PUT_PREFIX) - 1)
           != 0)
    {
        goto invalid;
    }

    rest.data += sizeof(NGX_HTTP_IMGP_PUT_PREFIX) - 1;
    rest.len -= sizeof(NGX_HTTP_IMGP_PUT_PREFIX) - 1;

    last = rest.data + rest.len;
    p = ngx_strlchr(rest.data, last, '/');

    pc->bucket.data = rest.data;
    pc->bucket.len = (p ? p : last) - rest.data;

    if (p) {
        pc->key.data = p + 1;
        pc->key.len = last - pc->key.data;
    }

    if (pc->bucket.len < 3 || pc->bucket.len > 63
        || !ngx_http_imgp_put_chars(&pc->bucket, "-.")
        || !ngx_http_imgp_put_chars(&pc->key, "-._~/${}")
        || (pc->key.len
            && (pc->key.data[0] == '/' || pc->key.data[0] == '.'
                || ngx_strlcasestrn(pc->key.data, last, (u_char *) "/.", 1)
                   != NULL)))
    {
        goto invalid;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"put %V\": it must be such as "
                       "\"s3://bucket/folder/\", where content is named by "
                       "itself, or \"s3://bucket/name-$param_x.png\"",
                       &value[1]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_put_options(ngx_conf_t *cf, ngx_http_imgp_put_t *put,
    ngx_http_imgp_put_conf_t *pc)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "endpoint=", 9) == 0) {
            pc->endpoint.data = value[i].data + 9;
            pc->endpoint.len = value[i].len - 9;
            continue;
        }

        if (ngx_strncmp(value[i].data, "region=", 7) == 0) {
            pc->region.data = value[i].data + 7;
            pc->region.len = value[i].len - 7;

            if (pc->region.len == 0
                || !ngx_http_imgp_put_chars(&pc->region, "-"))
            {
                goto invalid;
            }

            continue;
        }

        if (ngx_strcmp(value[i].data, "style=path") == 0
            || ngx_strcmp(value[i].data, "style=host") == 0)
        {
            pc->style.data = value[i].data + 6;
            pc->style.len = 4;
            continue;
        }

        if (ngx_strncmp(value[i].data, "access_key=", 11) == 0) {

            if (ngx_http_imgp_put_secret(cf, &value[i], 11, &put->access)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "secret_key=", 11) == 0) {

            if (ngx_http_imgp_put_secret(cf, &value[i], 11, &put->secret)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        goto invalid;
    }

    if (put->access.len && put->secret.len) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"put\" needs \"access_key=@FILE\" and "
                       "\"secret_key=@FILE\"");

    return NGX_CONF_ERROR;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\" in \"put\": it must be "
                       "\"endpoint=URL\", \"region=NAME\", "
                       "\"access_key=@FILE\", \"secret_key=@FILE\" or "
                       "\"style=path|host\"", &value[i]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_put_secret(ngx_conf_t *cf, ngx_str_t *option, size_t skip,
    ngx_str_t *value)
{
    u_char     *p;
    ngx_str_t   name, text;

    name.data = option->data;
    name.len = skip - 1;
    text.data = option->data + skip;
    text.len = option->len - skip;

    if (text.len == 0 || text.data[0] != '@') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"put\" must be the name of a file that "
                           "holds it, \"%V=@/path/of/a/file\"", &name, &name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_conf_secret(cf, "put", &name, &text) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    p = ngx_pnalloc(cf->pool, text.len + 1);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    value->data = p;
    value->len = text.len;

    p = ngx_cpymem(p, text.data, text.len);
    *p = '\0';

    return NGX_CONF_OK;
}


/* Amazon has the bucket in the host's name, others mostly in the path */

static char *
ngx_http_imgp_put_url(ngx_conf_t *cf, ngx_http_imgp_service_t *service,
    ngx_http_imgp_put_conf_t *pc)
{
    u_char     *p, *host, *last;
    ngx_str_t   url, scheme;

    if (pc->endpoint.len == 0) {
        pc->endpoint.data = ngx_pnalloc(cf->pool, pc->region.len
                                        + sizeof("https://s3..amazonaws.com"));
        if (pc->endpoint.data == NULL) {
            return NGX_CONF_ERROR;
        }

        p = ngx_sprintf(pc->endpoint.data, "https://s3.%V.amazonaws.com",
                        &pc->region);
        pc->endpoint.len = p - pc->endpoint.data;

        if (pc->style.len == 0) {
            ngx_str_set(&pc->style, "host");
        }
    }

    last = pc->endpoint.data + pc->endpoint.len;

    if (last > pc->endpoint.data && last[-1] == '/') {
        last--;
    }

    host = ngx_strlcasestrn(pc->endpoint.data, last, (u_char *) "://", 2);
    host = host ? host + 3 : pc->endpoint.data;

    if (ngx_strlchr(host, last, '/') != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"endpoint=%V\" in \"put\": it must be "
                           "without a path, such as "
                           "\"https://minio.example:9000\"", &pc->endpoint);
        return NGX_CONF_ERROR;
    }

    scheme.data = pc->endpoint.data;
    scheme.len = host - scheme.data;

    url.data = ngx_pnalloc(cf->pool, pc->endpoint.len + pc->bucket.len
                                     + sizeof("./") + 1);
    if (url.data == NULL) {
        return NGX_CONF_ERROR;
    }

    if (pc->style.len && pc->style.data[0] == 'h') {
        p = ngx_sprintf(url.data, "%V%V.%*s/%Z", &scheme, &pc->bucket,
                        (size_t) (last - host), host);

    } else {
        p = ngx_sprintf(url.data, "%V%*s/%V/%Z", &scheme,
                        (size_t) (last - host), host, &pc->bucket);
    }

    url.len = p - 1 - url.data;
    service->send = NGX_HTTP_IMGP_SEND_PUT;

    return ngx_http_imgp_conf_url(cf, service, &url);
}


static ngx_uint_t
ngx_http_imgp_put_chars(ngx_str_t *s, const char *more)
{
    u_char  ch;
    size_t  i;

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9') || ngx_strchr(more, ch)))
        {
            return 0;
        }
    }

    return 1;
}


char *
ngx_http_imgp_conf_put_check(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_uint_t             i;
    ngx_http_imgp_seen_t  *seen;

    static const char  *others[] = { "send", "take", "poll" };

    for (i = 0; i < imgp_nelts(others); i++) {
        seen = ngx_http_imgp_conf_seen(&sc->block, others[i]);

        if (seen) {
            return ngx_http_imgp_conf_error(cf, &seen->place,
                                        "\"%V\" does not go with \"put\": it "
                                        "is an option of \"post\", remove it "
                                        "from stage \"%V\"", &seen->name,
                                        &sc->stage->name);
        }
    }

    if (sc->stage->nfrom > 1) {
        return ngx_http_imgp_conf_error(cf,
                                      ngx_http_imgp_conf_place(sc, "from"),
                                      "stage \"%V\" has %uz inputs, but "
                                      "\"put\" stores one: make a stage of "
                                      "each",
                                      &sc->stage->name,
                                      (size_t) sc->stage->nfrom);
    }

    return NGX_CONF_OK;
}
