
/*
 * Params of a job: from the query, or fields of a form.  What the pipeline
 * does not declare is passed over (forms send all sorts of fields); a value
 * that is not allowed is refused by name.
 */


#include "ngx_http_imgp_upload.h"


imgp_int_t
ngx_http_imgp_params_query(ngx_http_request_t *r, ngx_http_imgp_upload_t *u,
    imgp_error_t *err)
{
    u_char       *dst, *src;
    ngx_uint_t    i;
    ngx_str_t     arg;
    imgp_str_t    value;
    imgp_plan_t  *plan;

    plan = u->pipeline->plan;

    for (i = 0; i < plan->nparams; i++) {

        if (ngx_http_arg(r, plan->params[i].name.data,
                         plan->params[i].name.len, &arg)
            != NGX_OK)
        {
            continue;
        }

        value.data = ngx_pnalloc(u->pool, arg.len + 1);
        if (value.data == NULL) {
            return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        }

        dst = value.data;
        src = arg.data;
        ngx_unescape_uri(&dst, &src, arg.len, 0);
        value.len = dst - value.data;

        if (ngx_http_imgp_params_set(u, &plan->params[i].name, &value, err)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


imgp_int_t
ngx_http_imgp_params_set(ngx_http_imgp_upload_t *u, const imgp_str_t *name,
    const imgp_str_t *value, imgp_error_t *err)
{
    imgp_int_t     i;
    imgp_str_t    *p;
    imgp_param_t  *param;

    i = imgp_plan_find_param(u->pipeline->plan, name);

    if (i == IMGP_DECLINED) {
        return IMGP_OK;
    }

    param = &u->pipeline->plan->params[i];

    if (!imgp_plan_allows(param, value)) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "the value of param \"%.*s\" is not allowed, "
                              "it must be %s%.*s",
                              (int) param->name.len, param->name.data,
                              param->regex ? "of the form " : "one of ",
                              (int) param->allowed.len, param->allowed.data);
    }

    p = &u->job->params[i];

    p->data = imgp_pstrdup(u->job->pool, value);
    if (p->data == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    p->len = value->len;

    return IMGP_OK;
}
