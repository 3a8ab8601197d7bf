
/*
 * "queue LIST" of a stage: workers that wait at a list of Redis, as a service
 * without an address.
 *
 * Called while nginx reads its configuration.  What a service has besides its
 * address goes with it, as far as it means something: "timeout", "retry",
 * "concurrency", "rate", "cost", "send json", "take".
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_QUEUE_URL   "redis-list:"
#define NGX_HTTP_IMGP_QUEUE_TAKE  "/base64"


char *
ngx_http_imgp_conf_queue_list(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block)
{
    u_char                      *p;
    ngx_str_t                   *value;
    ngx_http_imgp_service_t     *service;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    if (ngx_http_imgp_conf_operation(cf, sc) != NGX_CONF_OK
        || ngx_http_imgp_conf_list(cf, &value[1]) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    service = ngx_http_imgp_conf_service(cf, sc);

    if (service == NULL) {
        return NGX_CONF_ERROR;
    }

    sc->stage->kind = IMGP_STAGE_POST;
    sc->stage->op = service;

    service->list = value[1];
    service->host = value[1];
    service->file = cf->conf_file->file.name.data;
    service->line = cf->conf_file->line;

    /* a name for the stage's key; nothing is looked up by it */

    service->url.len = sizeof(NGX_HTTP_IMGP_QUEUE_URL) - 1 + value[1].len;
    service->url.data = ngx_pnalloc(cf->pool, service->url.len + 1);

    if (service->url.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(service->url.data, NGX_HTTP_IMGP_QUEUE_URL,
                   sizeof(NGX_HTTP_IMGP_QUEUE_URL) - 1);
    ngx_cpystrn(p, value[1].data, value[1].len + 1);

    return NGX_CONF_OK;
}


/* the stage's "}" */

char *
ngx_http_imgp_conf_queue_check(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_uint_t                i;
    imgp_str_t                text = imgp_string(NGX_HTTP_IMGP_QUEUE_TAKE);
    imgp_error_t              err;
    ngx_http_imgp_seen_t     *seen;
    ngx_http_imgp_service_t  *service;

    static const char  *others[] = { "header", "poll", "warm", "batch" };

    service = sc->service;

    for (i = 0; i < imgp_nelts(others); i++) {
        seen = ngx_http_imgp_conf_seen(&sc->block, others[i]);

        if (seen) {
            return ngx_http_imgp_conf_error(cf, &seen->place,
                                        "\"%V\" does not go with \"queue\": "
                                        "it is an option of \"post\", remove "
                                        "it from stage \"%V\"", &seen->name,
                                        &sc->stage->name);
        }
    }

    if ((service->send != NGX_HTTP_IMGP_SEND_RAW
         && service->send != NGX_HTTP_IMGP_SEND_JSON)
        || service->take.kind == IMGP_TAKE_URL)
    {
        seen = ngx_http_imgp_conf_seen(&sc->block,
                                       service->take.kind == IMGP_TAKE_URL
                                           ? "take" : "send");

        return ngx_http_imgp_conf_error(cf, &seen->place,
                                        "\"queue\" sends raw inputs or \"send "
                                        "json FILE\", and takes a body or JSON "
                                        "that is no URL: correct \"%V\" in "
                                        "stage \"%V\"", &seen->name,
                                        &sc->stage->name);
    }

    if (ngx_http_imgp_conf_seen(&sc->block, "take")) {
        return NGX_CONF_OK;
    }

    service->take.kind = IMGP_TAKE_BASE64;
    service->take.text = text;
    service->take.pointer = imgp_pointer_parse(sc->pipeline->main->pool,
                                               &text, &err);

    return service->take.pointer ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* all of http {} was read */

char *
ngx_http_imgp_conf_queue_redis(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf, ngx_http_imgp_service_t *service)
{
    ngx_http_imgp_place_t  place;

    if (imcf->redis) {
        return NGX_CONF_OK;
    }

    place.file = service->file;
    place.line = service->line;

    return ngx_http_imgp_conf_error(cf, &place,
                                    "\"queue\" needs Redis: add to http {} "
                                    "\"image_pipeline_redis "
                                    "redis://127.0.0.1:6379/0;\"");
}
