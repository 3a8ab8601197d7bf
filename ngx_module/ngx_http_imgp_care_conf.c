
/*
 * Care for a service: "rate", "warm", "cost", "batch", and the breaker of
 * "post".
 *
 * Called while nginx reads its configuration.  All of it belongs to the
 * service of the stage, or of the provider, in whose block it stands, and none
 * of it changes what an answer is, so none enters stage->text.
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_FAIL_TIMEOUT  10000     /* ms, as nginx's upstreams */
#define NGX_HTTP_IMGP_COST_DIGITS   6         /* after the point */
#define NGX_HTTP_IMGP_COST_MAX      1000000


/* "10r/s", "30r/m", as limit_req has it */

char *
ngx_http_imgp_conf_rate(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    size_t                       len;
    uint64_t                     period;
    ngx_int_t                    n;
    ngx_str_t                   *value;
    ngx_http_imgp_service_t     *service;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    service = ngx_http_imgp_conf_service(cf, sc);
    if (service == NULL) {
        return NGX_CONF_ERROR;
    }

    len = value[1].len;
    period = 0;

    if (len > 3) {
        len -= 3;

        if (ngx_strncmp(value[1].data + len, "r/s", 3) == 0) {
            period = 1000000;

        } else if (ngx_strncmp(value[1].data + len, "r/m", 3) == 0) {
            period = 60000000;
        }
    }

    n = ngx_atoi(value[1].data, len);

    if (period == 0 || n <= 0 || n > IMGP_CARE_RATE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid rate \"%V\": it must be from 1 to %d calls "
                           "a second or a minute, such as \"10r/s\" or "
                           "\"30r/m\"", &value[1], IMGP_CARE_RATE_MAX);
        return NGX_CONF_ERROR;
    }

    service->care.interval = period / n;

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_warm(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *value;
    ngx_http_imgp_service_t     *service;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    service = ngx_http_imgp_conf_service(cf, sc);

    if (service == NULL
        || ngx_http_imgp_conf_time(cf, &value[1], 100, &service->warm)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    service->warm_url = value[2];

    return NGX_CONF_OK;
}


/* a path, or a URL of the same scheme, host and port: it is this service that
   is to be kept warm */

char *
ngx_http_imgp_conf_warm_check(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    u_char     *p, *last;
    size_t      len;
    ngx_str_t  *url, *warm;

    url = &sc->service->url;
    warm = &sc->service->warm_url;

    if (warm->len == 0
        || (warm->data[0] == '/' && (warm->len == 1 || warm->data[1] != '/')))
    {
        return NGX_CONF_OK;
    }

    last = url->data + url->len;
    p = ngx_strlchr(url->data, last, ':');
    p = p ? p + 3 : url->data;

    while (p < last && *p != '/' && *p != '?') {
        p++;
    }

    len = p - url->data;

    if (sc->service->unix_path.len == 0
        && warm->len >= len
        && ngx_strncasecmp(warm->data, url->data, len) == 0
        && (warm->len == len || warm->data[len] == '/'
            || warm->data[len] == '?'))
    {
        return NGX_CONF_OK;
    }

    return ngx_http_imgp_conf_error(cf, ngx_http_imgp_conf_place(sc, "warm"),
                                    "invalid \"%V\" in \"warm\": it must be "
                                    "of the service's own host, such as "
                                    "\"/health\"", warm);
}


char *
ngx_http_imgp_conf_breaker(ngx_conf_t *cf, ngx_http_imgp_service_t *service,
    ngx_uint_t from)
{
    uint64_t     fails;
    ngx_str_t   *value, rest;
    ngx_uint_t   i;

    value = cf->args->elts;
    service->care.fail_timeout = NGX_HTTP_IMGP_FAIL_TIMEOUT;

    for (i = from; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "max_fails=", 10) == 0) {
            rest.data = value[i].data + 10;
            rest.len = value[i].len - 10;

            if (ngx_http_imgp_conf_number(cf, &rest, 0, IMGP_CARE_FAILS_MAX,
                                          &fails)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            service->care.max_fails = fails;
            continue;
        }

        if (ngx_strncmp(value[i].data, "fail_timeout=", 13) == 0) {
            rest.data = value[i].data + 13;
            rest.len = value[i].len - 13;

            if (ngx_http_imgp_conf_time(cf, &rest, 1,
                                        &service->care.fail_timeout)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\" in \"post\": after the URL there "
                           "may be \"max_fails=NUMBER\" and "
                           "\"fail_timeout=TIME\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "0.002" of whatever unit: a sum has no rounding errors in millionths */

char *
ngx_http_imgp_conf_cost(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_int_t                    n;
    ngx_str_t                   *value;
    ngx_http_imgp_service_t     *service;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    service = ngx_http_imgp_conf_service(cf, sc);
    if (service == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_atofp(value[1].data, value[1].len, NGX_HTTP_IMGP_COST_DIGITS);

    if (n == NGX_ERROR
        || n > (ngx_int_t) NGX_HTTP_IMGP_COST_MAX * 1000000)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid amount \"%V\" in \"cost\": it must be "
                           "from 0 to %d with %d digits after the point at "
                           "most, such as \"0.002\"", &value[1],
                           NGX_HTTP_IMGP_COST_MAX, NGX_HTTP_IMGP_COST_DIGITS);
        return NGX_CONF_ERROR;
    }

    service->cost = n;

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_batch(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_stage_t *stage = block->target;

    uint64_t    number;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_http_imgp_conf_number(cf, &value[1], 2, IMGP_BATCH_MAX, &number)
        != NGX_OK
        || ngx_http_imgp_conf_time(cf, &value[2], 1, &stage->batch_wait)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    stage->batch = number;

    return NGX_CONF_OK;
}


/* of the stage, or of a provider: can several inputs be told apart? */

char *
ngx_http_imgp_conf_batch_check(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    const char               *what;
    ngx_http_imgp_service_t  *service;

    service = sc->service;

    if (sc->stage->batch == 0) {
        return NGX_CONF_OK;
    }

    if (service->put || service->list.len
        || service->send != NGX_HTTP_IMGP_SEND_MULTIPART)
    {
        what = "sends its inputs as the parts of a form: use \"post\" and "
               "\"send multipart FIELD\"";

    } else if (service->poll) {
        what = "has its answer at once: remove \"poll\"";

    } else if (service->take.kind == IMGP_TAKE_URL) {
        what = "has its outputs in the answer: remove \"url\" from \"take\"";

    } else {
        return NGX_CONF_OK;
    }

    return ngx_http_imgp_conf_error(cf,
                                    ngx_http_imgp_conf_place(sc, "batch"),
                                    "a \"batch\" %s in stage \"%V\"", what,
                                    &sc->stage->name);
}
