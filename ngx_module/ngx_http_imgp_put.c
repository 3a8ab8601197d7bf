
/*
 * "put s3://": the URL under which an input is stored.  A key that ends with
 * a slash is a folder, where content is named by its SHA-256: the same content
 * is stored once, and a second attempt writes what the first has.
 *
 * Called by post.c, event loop only; memory is the unit's arena.
 */


#include <ngx_http_imgp_call.h>
#include "ngx_http_imgp_run.h"
#include <imgp/imgp_s3.h>


#define NGX_HTTP_IMGP_PUT_SUFFIX  8        /* bytes of ".jpg", at most */


static ngx_int_t ngx_http_imgp_put_value(imgp_str_t *value);


ngx_http_imgp_service_t *
ngx_http_imgp_put_service(ngx_http_imgp_unit_t *unit)
{
    u_char                   *p;
    size_t                    len;
    ngx_uint_t                i;
    imgp_str_t               *params;
    imgp_item_t              *item;
    imgp_error_t             *err;
    ngx_http_imgp_put_t      *put;
    ngx_http_imgp_piece_t    *piece;
    ngx_http_imgp_service_t  *origin, *service;

    err = &unit->error.error;
    origin = ngx_http_imgp_unit_service(unit);
    put = origin->put;
    params = unit->run->job->params;
    item = unit->inputs;

    if (unit->ninputs != 1) {
        (void) imgp_error_set(err, IMGP_E_LIMIT,
                              "\"put\" takes one input, there are %lu: use "
                              "\"each\"", (unsigned long) unit->ninputs);
        return NULL;
    }

    piece = put->key.elts;
    len = origin->url.len + IMGP_DIGEST_HEX_LEN + NGX_HTTP_IMGP_PUT_SUFFIX + 1;

    for (i = 0; i < put->key.nelts; i++) {
        len += piece[i].literal.len;

        if (piece[i].param == IMGP_NO_PARAM) {
            continue;
        }

        if (ngx_http_imgp_put_value(&params[piece[i].param]) != NGX_OK) {
            (void) imgp_error_set(err, IMGP_E_BAD_PARAM,
                                  "a param's value cannot be part of a key");
            return NULL;
        }

        len += 3 * params[piece[i].param].len;
    }

    service = imgp_palloc(unit->arena, sizeof(ngx_http_imgp_service_t));
    p = imgp_palloc(unit->arena, len);

    if (service == NULL || p == NULL) {
        (void) imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        return NULL;
    }

    *service = *origin;
    service->origin = origin;
    service->url.data = p;

    p = ngx_cpymem(p, origin->url.data, origin->url.len);

    for (i = 0; i < put->key.nelts; i++) {
        p = ngx_cpymem(p, piece[i].literal.data, piece[i].literal.len);

        if (piece[i].param != IMGP_NO_PARAM) {
            p = imgp_s3_escape(p, params[piece[i].param].data,
                               params[piece[i].param].len);
        }
    }

    if (put->named) {
        p = ngx_hex_dump(p, item->digest, IMGP_DIGEST_LEN);
        p = ngx_slprintf(p, p + NGX_HTTP_IMGP_PUT_SUFFIX, ".%s",
                         ngx_http_imgp_ask_suffix(item->type));
    }

    *p = '\0';
    service->url.len = p - service->url.data;

    ngx_http_imgp_conf_copy(&unit->stored, &service->url);

    return service;
}


/* whatever a client sends, it stays where the key says */

static ngx_int_t
ngx_http_imgp_put_value(imgp_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {

        if (value->data[i] == '/' || value->data[i] < ' '
            || value->data[i] == 0x7f)
        {
            return NGX_ERROR;
        }
    }

    return (value->len == 0 || value->data[0] == '.') ? NGX_ERROR : NGX_OK;
}
