
/*
 * "take" and "poll": what of a service's answer is the output, and how one is
 * waited for.
 *
 * Called while nginx reads its configuration; pointers are parsed into the
 * plans' pool.  What of it can change the outputs enters stage->text.
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_POLL_EVERY  1000     /* ms */
#define NGX_HTTP_IMGP_HOSTS_MAX   32


static char *ngx_http_imgp_take_body(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
static char *ngx_http_imgp_take_json(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
static char *ngx_http_imgp_take_host(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_str_t *host);
static char *ngx_http_imgp_take_pointer(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_str_t *text, imgp_take_t *take);
static char *ngx_http_imgp_poll_option(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_str_t *value);
static const char *ngx_http_imgp_poll_method(ngx_str_t *value);
static char *ngx_http_imgp_poll_values(ngx_conf_t *cf, ngx_str_t *list,
    imgp_str_t *values, imgp_uint_t *n);
static char *ngx_http_imgp_poll_check(ngx_conf_t *cf, imgp_poll_t *poll);


char *
ngx_http_imgp_conf_take(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *value;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    if (ngx_http_imgp_conf_service(cf, sc) == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "body") == 0 && cf->args->nelts <= 3) {
        return ngx_http_imgp_take_body(cf, sc);
    }

    if (ngx_strcmp(value[1].data, "json") == 0 && cf->args->nelts >= 3) {
        return ngx_http_imgp_take_json(cf, sc);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"take %V\": it must be \"take body [TYPE]\" "
                       "or \"take json POINTER [base64 | url [HOST ...]]\"",
                       &value[1]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_take_body(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_str_t  *value;

    value = cf->args->elts;
    sc->service->take.kind = IMGP_TAKE_BODY;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strchr(value[2].data, '/') == NULL
        || value[2].len >= IMGP_TYPE_LEN)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid media type \"%V\" in \"take\": it must be "
                           "such as \"image/png\" or \"image/*\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    ngx_strlow(value[2].data, value[2].data, value[2].len);
    ngx_http_imgp_conf_copy(&sc->service->type, &value[2]);

    return ngx_http_imgp_conf_text_add(&sc->take, "body", &value[2]) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_take_json(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_str_t     *value;
    ngx_uint_t     i;
    imgp_take_t   *take;
    const char    *what;

    value = cf->args->elts;
    take = &sc->service->take;

    take->kind = IMGP_TAKE_JSON;
    what = "json";

    if (cf->args->nelts > 3) {

        if (ngx_strcmp(value[3].data, "url") == 0) {
            take->kind = IMGP_TAKE_URL;
            what = "url";

        } else if (ngx_strcmp(value[3].data, "base64") == 0
                   && cf->args->nelts == 4)
        {
            take->kind = IMGP_TAKE_BASE64;
            what = "base64";

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"take json %V %V\"%s: after the "
                               "pointer there may be \"base64\" or \"url "
                               "[HOST ...]\"", &value[2], &value[3],
                               cf->args->nelts > 4 ? " with parameters" : "");
            return NGX_CONF_ERROR;
        }
    }

    if (cf->args->nelts - ngx_min(cf->args->nelts, 4)
        > NGX_HTTP_IMGP_HOSTS_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"take\" names %ui hosts: %d are the most, use "
                           "\"*.example.com\"", cf->args->nelts - 4,
                           NGX_HTTP_IMGP_HOSTS_MAX);
        return NGX_CONF_ERROR;
    }

    for (i = 4; i < cf->args->nelts; i++) {
        if (ngx_http_imgp_take_host(cf, sc, &value[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_imgp_take_pointer(cf, sc, &value[2], take) != NGX_CONF_OK
        || ngx_http_imgp_conf_text_add(&sc->take, what, &value[2]) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "name", "name:port", "*.name", or an address, which is meant as it stands */

static char *
ngx_http_imgp_take_host(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_str_t *host)
{
    u_char      ch, *p, *last;
    ngx_str_t  *slot;

    p = host->data;
    last = p + host->len;

    if (host->len > 2 && p[0] == '*' && p[1] == '.') {
        p += 2;
    }

    for ( /* void */ ; p < last; p++) {
        ch = ngx_tolower(*p);
        *p = ch;

        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
              || ch == '-' || ch == '.' || ch == '_' || ch == ':'
              || ch == '[' || ch == ']'))
        {
            break;
        }
    }

    if (host->len == 0 || p != last) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid host \"%V\" in \"take\": it must be such "
                           "as \"cdn.example.com\", \"*.example.com\" or "
                           "\"10.0.0.7:9000\"", host);
        return NGX_CONF_ERROR;
    }

    slot = ngx_array_push(&sc->service->hosts);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = *host;

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_take_pointer(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_str_t *text, imgp_take_t *take)
{
    ngx_str_t     *value;
    imgp_error_t   err;

    ngx_http_imgp_conf_copy(&take->text, text);

    take->pointer = imgp_pointer_parse(sc->pipeline->main->pool, &take->text,
                                       &err);

    if (take->pointer == NULL) {
        value = cf->args->elts;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid \"%V\": %s",
                           &value[0], err.detail);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_poll(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *value;
    ngx_uint_t                   i;
    imgp_poll_t                 *poll;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    poll = ngx_pcalloc(cf->pool, sizeof(imgp_poll_t));

    if (poll == NULL || ngx_http_imgp_conf_service(cf, sc) == NULL) {
        return NGX_CONF_ERROR;
    }

    sc->service->poll = poll;
    sc->service->every = NGX_HTTP_IMGP_POLL_EVERY;

    if (ngx_strcmp(value[1].data, "location") != 0
        && ngx_http_imgp_take_pointer(cf, sc, &value[1], &poll->url)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_imgp_poll_option(cf, sc, &value[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "every=", 6) != 0
            && ngx_http_imgp_conf_text_add(&sc->take, "poll", &value[i])
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_imgp_poll_check(cf, poll);
}


static char *
ngx_http_imgp_poll_option(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_str_t *value)
{
    ngx_str_t     rest;
    imgp_poll_t  *poll;

    poll = sc->service->poll;

    rest.data = ngx_strlchr(value->data, value->data + value->len, '=');

    if (rest.data == NULL) {
        goto invalid;
    }

    rest.data++;
    rest.len = value->data + value->len - rest.data;

    if (ngx_strncmp(value->data, "every=", 6) == 0) {
        return ngx_http_imgp_conf_time(cf, &rest, 10, &sc->service->every)
               == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "status=", 7) == 0) {
        return ngx_http_imgp_take_pointer(cf, sc, &rest, &poll->status);
    }

    if (ngx_strncmp(value->data, "result=", 7) == 0) {
        return ngx_http_imgp_take_pointer(cf, sc, &rest, &poll->result);
    }

    if (ngx_strncmp(value->data, "cancel=", 7) == 0) {
        sc->service->revoke = ngx_http_imgp_poll_method(&rest);
        return ngx_http_imgp_take_pointer(cf, sc, &rest, &poll->cancel);
    }

    if (ngx_strncmp(value->data, "done=", 5) == 0) {
        return ngx_http_imgp_poll_values(cf, &rest, poll->done, &poll->ndone);
    }

    if (ngx_strncmp(value->data, "failed=", 7) == 0) {
        return ngx_http_imgp_poll_values(cf, &rest, poll->failed,
                                         &poll->nfailed);
    }

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\" in \"poll\": it must be \"every=TIME\", "
                       "\"status=POINTER\", \"done=VALUES\", "
                       "\"failed=VALUES\", \"result=POINTER\" or "
                       "\"cancel=[PUT:|DELETE:]POINTER\"", value);

    return NGX_CONF_ERROR;
}


/* "PUT:/cancel_url", as fal has it: the pointer is left; others POST */

static const char *
ngx_http_imgp_poll_method(ngx_str_t *value)
{
    size_t      len;
    ngx_uint_t  i;

    static const char  *methods[] = { "PUT", "DELETE", "POST" };

    for (i = 0; i < imgp_nelts(methods); i++) {
        len = ngx_strlen(methods[i]);

        if (value->len > len && value->data[len] == ':'
            && ngx_strncmp(value->data, methods[i], len) == 0)
        {
            value->data += len + 1;
            value->len -= len + 1;

            return methods[i];
        }
    }

    return NULL;
}


/* "succeeded|completed" */

static char *
ngx_http_imgp_poll_values(ngx_conf_t *cf, ngx_str_t *list, imgp_str_t *values,
    imgp_uint_t *n)
{
    u_char  *p, *last, *end;

    p = list->data;
    last = p + list->len;

    while (p <= last) {
        end = ngx_strlchr(p, last, '|');
        end = (end == NULL) ? last : end;

        if (end == p || *n == IMGP_POLL_VALUES_MAX) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid values \"%V\" in \"poll\": they must "
                               "be 1 to %d, such as \"succeeded|completed\"",
                               list, IMGP_POLL_VALUES_MAX);
            return NGX_CONF_ERROR;
        }

        values[*n].data = p;
        values[*n].len = end - p;
        (*n)++;

        p = end + 1;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_poll_check(ngx_conf_t *cf, imgp_poll_t *poll)
{
    if (poll->status.pointer != NULL && poll->ndone == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"poll\" has a status, but no \"done=VALUES\" "
                           "that end it");
        return NGX_CONF_ERROR;
    }

    if (poll->status.pointer == NULL && (poll->ndone || poll->nfailed)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"poll\" has values, but no \"status=POINTER\" "
                           "where they are looked for");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
