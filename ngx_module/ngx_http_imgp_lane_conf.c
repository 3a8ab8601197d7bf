
/*
 * "lane NAME [max_pixels=] [max_aspect=] [concurrency=]": inputs of a service
 * in classes by their size, each with a queue and a limit of its own.
 *
 * Called while nginx reads its configuration.  An input takes the first lane
 * whose bounds it keeps, so the last one, which is for all that is left, has
 * none; that is checked at the "}" of the stage.
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_ASPECT_DIGITS  3
#define NGX_HTTP_IMGP_ASPECT_ONE     1000
#define NGX_HTTP_IMGP_ASPECT_MAX     1000


static char *ngx_http_imgp_lane_option(ngx_conf_t *cf, imgp_lane_t *lane,
    ngx_str_t *value);
static char *ngx_http_imgp_lane_aspect(ngx_conf_t *cf, imgp_lane_t *lane,
    ngx_str_t *value);


char *
ngx_http_imgp_conf_lane(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_stage_t *stage = block->target;

    ngx_str_t     *value;
    ngx_uint_t     i;
    imgp_lane_t   *lane;
    imgp_error_t   err;

    value = cf->args->elts;

    if (imgp_plan_check_name(ngx_http_imgp_str(&value[1]), "lane", &err)
        != IMGP_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.detail);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < stage->nlanes; i++) {

        if (imgp_str_eq(&stage->lanes[i].name, ngx_http_imgp_str(&value[1]))) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate lane \"%V\": rename it", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    if (i == IMGP_LANES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "lane \"%V\" is one too many: a stage has %d at "
                           "most", &value[1], IMGP_LANES_MAX);
        return NGX_CONF_ERROR;
    }

    lane = &stage->lanes[stage->nlanes++];
    ngx_http_imgp_conf_copy(&lane->name, &value[1]);

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_imgp_lane_option(cf, lane, &value[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_lane_option(ngx_conf_t *cf, imgp_lane_t *lane, ngx_str_t *value)
{
    uint64_t   number;
    ngx_str_t  rest;

    rest.data = ngx_strlchr(value->data, value->data + value->len, '=');

    if (rest.data != NULL) {
        rest.data++;
        rest.len = value->data + value->len - rest.data;

        if (ngx_strncmp(value->data, "max_pixels=", 11) == 0) {
            return ngx_http_imgp_conf_pixels(cf, &rest, &lane->max_pixels);
        }

        if (ngx_strncmp(value->data, "max_aspect=", 11) == 0) {
            return ngx_http_imgp_lane_aspect(cf, lane, &rest);
        }

        if (ngx_strncmp(value->data, "concurrency=", 12) == 0) {

            if (ngx_http_imgp_conf_number(cf, &rest, 1,
                                          NGX_HTTP_IMGP_CALLS_MAX, &number)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            lane->concurrency = number;

            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\" in \"lane\": after the name there may "
                       "be \"max_pixels=NUMBER\", \"max_aspect=NUMBER\" and "
                       "\"concurrency=NUMBER\"", value);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_lane_aspect(ngx_conf_t *cf, imgp_lane_t *lane, ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atofp(value->data, value->len, NGX_HTTP_IMGP_ASPECT_DIGITS);

    if (n < NGX_HTTP_IMGP_ASPECT_ONE
        || n > NGX_HTTP_IMGP_ASPECT_MAX * NGX_HTTP_IMGP_ASPECT_ONE)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in \"lane\": the longer side "
                           "by the shorter is from 1 to %d, such as "
                           "\"max_aspect=2.5\"", value,
                           NGX_HTTP_IMGP_ASPECT_MAX);
        return NGX_CONF_ERROR;
    }

    lane->max_aspect = n;

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_lanes_end(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_uint_t    i, bound;
    imgp_lane_t  *lane;

    for (i = 0; i < sc->stage->nlanes; i++) {
        lane = &sc->stage->lanes[i];
        bound = lane->max_pixels || lane->max_aspect;

        if (bound == (i + 1 < sc->stage->nlanes)) {
            continue;
        }

        return ngx_http_imgp_conf_error(cf,
                                        ngx_http_imgp_conf_place(sc, "lane"),
                                        "lane \"%V\" %s", &lane->name,
                                        bound
                                        ? "is the last one, for all that is "
                                          "left: remove its \"max_pixels\" "
                                          "and \"max_aspect\""
                                        : "takes all and leaves nothing to "
                                          "the next: give it \"max_pixels\" "
                                          "or \"max_aspect\"");
    }

    return NGX_CONF_OK;
}
