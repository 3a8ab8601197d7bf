
/*
 * "notify URL" and "notify redis LIST" of a pipeline: who is told when a job
 * has ended.
 *
 * Called while nginx reads its configuration.  A URL becomes a service, so
 * that addresses, TLS and the resolver are those of any service; secrets are
 * read from their files once.
 */


#include "ngx_http_imgp_conf.h"
#include "ngx_http_imgp_notify.h"


static char *ngx_http_imgp_notify_target(ngx_conf_t *cf,
    ngx_http_imgp_notify_t *notify, ngx_uint_t *next);
static char *ngx_http_imgp_notify_option(ngx_conf_t *cf,
    ngx_http_imgp_notify_t *notify, ngx_str_t *value);
static char *ngx_http_imgp_notify_secret(ngx_conf_t *cf,
    ngx_http_imgp_notify_t *notify, ngx_str_t *value);
static char *ngx_http_imgp_notify_retries(ngx_conf_t *cf,
    ngx_http_imgp_notify_t *notify, ngx_str_t *value);


/* a message that is lost in seconds is there in minutes; one of a receiver
   that is being repaired, the next day */

static imgp_msec_t  ngx_http_imgp_notify_backoff[] = {
    5000, 30000, 300000, 1800000, 7200000, 18000000, 36000000
};


char *
ngx_http_imgp_conf_notify(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    char                           *rv;
    ngx_str_t                      *value;
    ngx_uint_t                      i;
    ngx_array_t                    *all;
    ngx_http_imgp_notify_t         *notify, **p;
    ngx_http_imgp_pipeline_conf_t  *pc;

    pc = (ngx_http_imgp_pipeline_conf_t *) block;
    all = &pc->pipeline->notify;
    value = cf->args->elts;

    if (all->nelts == NGX_HTTP_IMGP_NOTIFY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "too many \"notify\" in image pipeline \"%V\": %d "
                           "are the most", &pc->plan->name,
                           NGX_HTTP_IMGP_NOTIFY_MAX);
        return NGX_CONF_ERROR;
    }

    notify = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_notify_t));

    if (notify == NULL
        || (all->elts == NULL
            && ngx_array_init(all, cf->pool, 1, sizeof(void *)) != NGX_OK))
    {
        return NGX_CONF_ERROR;
    }

    p = ngx_array_push(all);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    *p = notify;

    ngx_http_imgp_place(cf, notify);

    notify->timeout = NGX_HTTP_IMGP_NOTIFY_TIMEOUT;
    notify->nretries = imgp_nelts(ngx_http_imgp_notify_backoff);
    ngx_memcpy(notify->retries, ngx_http_imgp_notify_backoff,
               sizeof(ngx_http_imgp_notify_backoff));

    rv = ngx_http_imgp_notify_target(cf, notify, &i);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for ( /* void */ ; i < cf->args->nelts; i++) {
        if (ngx_http_imgp_notify_option(cf, notify, &value[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_notify_target(ngx_conf_t *cf, ngx_http_imgp_notify_t *notify,
    ngx_uint_t *next)
{
    ngx_str_t                *value;
    ngx_http_imgp_service_t  *service;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "redis") == 0) {

        if (cf->args->nelts < 3) {
            return "needs the name of a list: \"notify redis LIST;\"";
        }

        notify->list = value[2];
        *next = 3;

        return ngx_http_imgp_conf_list(cf, &notify->list);
    }

    service = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_service_t));
    if (service == NULL) {
        return NGX_CONF_ERROR;
    }

    service->file = notify->file;
    service->line = notify->line;
    service->send = NGX_HTTP_IMGP_SEND_RAW;

    notify->service = service;
    *next = 2;

    return ngx_http_imgp_conf_url(cf, service, &value[1]);
}


char *
ngx_http_imgp_conf_list(ngx_conf_t *cf, ngx_str_t *list)
{
    size_t  i;

    if (list->len == 0 || list->len > NGX_HTTP_IMGP_LIST_MAX) {
        goto invalid;
    }

    for (i = 0; i < list->len; i++) {
        if (list->data[i] <= ' ' || list->data[i] >= 0x7f) {
            goto invalid;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid name of a Redis list \"%V\": it must be 1 to "
                       "%d characters without blanks", list,
                       NGX_HTTP_IMGP_LIST_MAX);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_notify_option(ngx_conf_t *cf, ngx_http_imgp_notify_t *notify,
    ngx_str_t *value)
{
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "secret=", 7) == 0 && notify->service) {
        s.data = value->data + 7;
        s.len = value->len - 7;
        return ngx_http_imgp_notify_secret(cf, notify, &s);
    }

    if (ngx_strncmp(value->data, "timeout=", 8) == 0 && notify->service) {
        s.data = value->data + 8;
        s.len = value->len - 8;

        return ngx_http_imgp_conf_time(cf, &s, 1, &notify->timeout) == NGX_OK
                   ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "retry=", 6) == 0) {
        s.data = value->data + 6;
        s.len = value->len - 6;
        return ngx_http_imgp_notify_retries(cf, notify, &s);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\" in \"notify\": it must be %s", value,
                       notify->service
                           ? "\"secret=@FILE\", \"timeout=TIME\" or "
                             "\"retry=TIME,TIME...\""
                           : "\"retry=TIME,TIME...\"");

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_notify_secret(ngx_conf_t *cf, ngx_http_imgp_notify_t *notify,
    ngx_str_t *value)
{
    ngx_str_t  name = ngx_string("secret");

    if (value->len == 0 || value->data[0] != '@') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"secret\" in \"notify\" must be the name of a "
                           "file that holds it, \"secret=@/path/of/a/file\"");
        return NGX_CONF_ERROR;
    }

    if (notify->nkeys == IMGP_WEBHOOK_KEYS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "too many secrets in \"notify\": %d are the most",
                           IMGP_WEBHOOK_KEYS_MAX);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_conf_secret(cf, "notify", &name, value) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (imgp_webhook_key(ngx_http_imgp_str(value),
                         &notify->keys[notify->nkeys])
        != IMGP_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret of \"notify\" must be \"whsec_\" and "
                           "the base64 of %d to %d bytes: make one with "
                           "\"echo whsec_$(openssl rand -base64 32)\"",
                           IMGP_WEBHOOK_KEY_MIN, IMGP_WEBHOOK_KEY_MAX);
        return NGX_CONF_ERROR;
    }

    notify->nkeys++;

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_notify_retries(ngx_conf_t *cf, ngx_http_imgp_notify_t *notify,
    ngx_str_t *value)
{
    u_char     *p, *last, *comma;
    ngx_str_t   s;

    notify->nretries = 0;

    p = value->data;
    last = value->data + value->len;

    while (p < last) {
        comma = ngx_strlchr(p, last, ',');

        s.data = p;
        s.len = (comma ? comma : last) - p;

        if (notify->nretries == NGX_HTTP_IMGP_NOTIFY_RETRIES) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "too many times in \"retry=%V\": %d are the "
                               "most", value, NGX_HTTP_IMGP_NOTIFY_RETRIES);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_imgp_conf_time(cf, &s, 1,
                                    &notify->retries[notify->nretries++])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        p = comma ? comma + 1 : last;
    }

    return NGX_CONF_OK;
}


/* all of http {} was read */

char *
ngx_http_imgp_conf_notify_init(ngx_conf_t *cf, ngx_http_imgp_main_conf_t *imcf,
    ngx_http_imgp_pipeline_t *pipeline)
{
    ngx_str_t                what = ngx_string("notify");
    ngx_uint_t               i;
    ngx_http_imgp_place_t    place;
    ngx_http_imgp_notify_t  *notify, **all;

    all = pipeline->notify.elts;

    for (i = 0; i < pipeline->notify.nelts; i++) {
        notify = all[i];

        if (notify->service) {
            if (ngx_http_imgp_conf_service_resolve(cf, imcf, &what,
                                                   notify->service)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (imcf->redis == NULL) {
            place.file = notify->file;
            place.line = notify->line;

            return ngx_http_imgp_conf_error(cf, &place,
                                        "\"notify redis\" needs Redis: add to "
                                        "http {} \"image_pipeline_redis "
                                        "redis://127.0.0.1:6379/0;\"");
        }

        imcf->notify = 1;
    }

    return NGX_CONF_OK;
}
