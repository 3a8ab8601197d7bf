
/*
 * Directives of locations for operators: "image_pipeline_metrics",
 * "image_pipeline_health" and "image_pipeline_console".  They need a store;
 * the console shows pictures and cancels jobs, so it needs access control, too,
 * which is judged when that of all levels has been merged.
 *
 * What access control a location has, other modules know: their configuration
 * begins with what is looked at here, in every nginx since 1.22.
 *
 * Called while the configuration is read.
 */


#include "ngx_http_imgp_conf.h"

#if (NGX_HTTP_SSL)
#include <ngx_http_ssl_module.h>
#endif


typedef struct {
    ngx_str_t                      name;       /* of the directive */
    ngx_http_imgp_place_t          place;
    ngx_uint_t                     guarded;    /* needs access control */
} ngx_http_imgp_operator_t;


/* as ngx_http_access_module.c has it */

typedef struct {
    in_addr_t                      mask;
    in_addr_t                      addr;
    ngx_uint_t                     deny;
} ngx_http_imgp_access_rule_t;


static char *ngx_http_imgp_operator(ngx_conf_t *cf,
    ngx_http_imgp_loc_conf_t *ilcf, ngx_http_handler_pt handler,
    ngx_uint_t guarded);
static ngx_uint_t ngx_http_imgp_operator_guarded(ngx_conf_t *cf);
static void *ngx_http_imgp_operator_loc_conf(ngx_conf_t *cf,
    const char *name);
static ngx_uint_t ngx_http_imgp_operator_denies(ngx_conf_t *cf);
static ngx_uint_t ngx_http_imgp_operator_asks(ngx_conf_t *cf);
static ngx_uint_t ngx_http_imgp_operator_verifies(ngx_conf_t *cf);


char *
ngx_http_imgp_conf_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_imgp_operator(cf, conf, ngx_http_imgp_metrics_handler, 0);
}


char *
ngx_http_imgp_conf_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_imgp_operator(cf, conf, ngx_http_imgp_health_handler, 0);
}


static char *
ngx_http_imgp_operator(ngx_conf_t *cf, ngx_http_imgp_loc_conf_t *ilcf,
    ngx_http_handler_pt handler, ngx_uint_t guarded)
{
    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_imgp_operator_t  *op;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "conflicts with another directive of this location that "
               "answers its requests";
    }

    op = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_operator_t));
    if (op == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    op->name = value[0];
    op->guarded = guarded;
    ngx_http_imgp_place(cf, &op->place);

    ilcf->operator = op;
    clcf->handler = handler;

    return NGX_CONF_OK;
}


/* of a location whose configuration is merged */

char *
ngx_http_imgp_conf_operator(ngx_conf_t *cf, ngx_http_imgp_loc_conf_t *conf)
{
    ngx_http_imgp_operator_t   *op;
    ngx_http_imgp_main_conf_t  *imcf;

    op = conf->operator;

    if (op == NULL) {
        return NGX_CONF_OK;
    }

    imcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_image_pipeline_module);

    if (imcf->path == NULL) {
        return ngx_http_imgp_conf_error(cf, &op->place,
                                        "\"%V\" needs a store: add to http {} "
                                        "\"image_pipeline_path "
                                        "/var/lib/nginx/image-pipeline "
                                        "zone=jobs:32m;\"", &op->name);
    }

    if (op->guarded && !ngx_http_imgp_operator_guarded(cf)) {
        return ngx_http_imgp_conf_error(cf, &op->place,
                                        "\"%V\" shows and changes the jobs of "
                                        "all: protect its location, for "
                                        "instance with \"allow 127.0.0.1; "
                                        "deny all;\" or \"auth_basic\"",
                                        &op->name);
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_imgp_operator_guarded(ngx_conf_t *cf)
{
    return ngx_http_imgp_operator_denies(cf)
           || ngx_http_imgp_operator_asks(cf)
           || ngx_http_imgp_operator_verifies(cf);
}


/* any of them may be missing in this nginx, so no symbol of it is used */

static void *
ngx_http_imgp_operator_loc_conf(ngx_conf_t *cf, const char *name)
{
    ngx_uint_t        i;
    ngx_module_t    **modules;

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {
        if (modules[i]->type == NGX_HTTP_MODULE
            && ngx_strcmp(modules[i]->name, name) == 0)
        {
            return ((ngx_http_conf_ctx_t *) cf->ctx)
                       ->loc_conf[modules[i]->ctx_index];
        }
    }

    return NULL;
}


/* "allow" alone lets everybody in */

static ngx_uint_t
ngx_http_imgp_operator_denies(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_array_t                  **rules;
    ngx_http_imgp_access_rule_t   *rule;

    rules = ngx_http_imgp_operator_loc_conf(cf, "ngx_http_access_module");

    if (rules == NULL || *rules == NULL
        || (*rules)->size != sizeof(ngx_http_imgp_access_rule_t))
    {
        return 0;
    }

    rule = (*rules)->elts;

    for (i = 0; i < (*rules)->nelts; i++) {
        if (rule[i].deny) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_imgp_operator_asks(ngx_conf_t *cf)
{
    ngx_str_t                  *uri;
    ngx_http_complex_value_t  **realm;

    uri = ngx_http_imgp_operator_loc_conf(cf, "ngx_http_auth_request_module");

    if (uri && uri->len) {
        return 1;
    }

    realm = ngx_http_imgp_operator_loc_conf(cf, "ngx_http_auth_basic_module");

    return realm && *realm
           && ((*realm)->lengths
               || (*realm)->value.len != 3
               || ngx_strncmp((*realm)->value.data, "off", 3) != 0);
}


/* a certificate of the client, which its server asks for */

static ngx_uint_t
ngx_http_imgp_operator_verifies(ngx_conf_t *cf)
{
#if (NGX_HTTP_SSL)
    ngx_uint_t                 i;
    ngx_module_t             **modules;
    ngx_http_ssl_srv_conf_t   *sscf;

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {
        if (modules[i]->type == NGX_HTTP_MODULE
            && ngx_strcmp(modules[i]->name, "ngx_http_ssl_module") == 0)
        {
            sscf = ((ngx_http_conf_ctx_t *) cf->ctx)
                       ->srv_conf[modules[i]->ctx_index];
            return sscf->verify == 1;
        }
    }
#endif

    return 0;
}
