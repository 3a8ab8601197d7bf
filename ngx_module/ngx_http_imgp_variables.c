
/*
 * The variables $image_pipeline_job, $image_pipeline_status,
 * $image_pipeline_cache and $image_pipeline_digest, for access logs and
 * response headers.
 *
 * They show what the request's ctx holds; a part that is not known yet, or a
 * request that is none of ours, is "not found", which a log prints as "-".
 * The values belong to whoever filled the ctx, and live as long as it.
 */


#include "ngx_http_imgp.h"


static ngx_int_t ngx_http_imgp_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_imgp_vars[] = {

    { ngx_string("image_pipeline_job"), NULL, ngx_http_imgp_variable,
      offsetof(ngx_http_imgp_ctx_t, job), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("image_pipeline_status"), NULL, ngx_http_imgp_variable,
      offsetof(ngx_http_imgp_ctx_t, status), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("image_pipeline_cache"), NULL, ngx_http_imgp_variable,
      offsetof(ngx_http_imgp_ctx_t, cache), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("image_pipeline_digest"), NULL, ngx_http_imgp_variable,
      offsetof(ngx_http_imgp_ctx_t, digest), NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_imgp_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_imgp_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_imgp_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t            *value;
    ngx_http_imgp_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_image_pipeline_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    value = (ngx_str_t *) ((char *) ctx + data);

    if (value->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = value->data;
    v->len = value->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
