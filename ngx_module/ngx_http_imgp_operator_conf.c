
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


#if (NGX_HAVE_INET6)

typedef struct {
    struct in6_addr                addr;
    struct in6_addr                mask;
    ngx_uint_t                     deny;
} ngx_http_imgp_access_rule6_t;

#endif


typedef struct {
    ngx_array_t                   *rules;
#if (NGX_HAVE_INET6)
    ngx_array_t                   *rules6;
#endif
} ngx_http_imgp_access_conf_t;


/* what becomes of who is named by no rule */

typedef enum {
    NGX_HTTP_IMGP_ACCESS_NONE = 0,             /* nothing is said of him */
    NGX_HTTP_IMGP_ACCESS_ALLOWED,
    NGX_HTTP_IMGP_ACCESS_DENIED
} ngx_http_imgp_access_e;


static char *ngx_http_imgp_operator(ngx_conf_t *cf,
    ngx_http_imgp_loc_conf_t *ilcf, ngx_http_handler_pt handler,
    ngx_uint_t guarded);
static ngx_uint_t ngx_http_imgp_operator_guarded(ngx_conf_t *cf);
static void *ngx_http_imgp_operator_loc_conf(ngx_conf_t *cf,
    const char *name);
static ngx_http_imgp_access_e ngx_http_imgp_operator_access(ngx_conf_t *cf);
static ngx_http_imgp_access_e ngx_http_imgp_operator_rules(
    ngx_array_t *rules);
#if (NGX_HAVE_INET6)
static ngx_http_imgp_access_e ngx_http_imgp_operator_rules6(
    ngx_array_t *rules);
#endif
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


/* its pages and its API lie below the location */

char *
ngx_http_imgp_conf_console(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->named || clcf->exact_match || clcf->noname
#if (NGX_PCRE)
        || clcf->regex
#endif
        || clcf->name.len == 0 || clcf->name.data[clcf->name.len - 1] != '/')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"image_pipeline_console\" cannot be in location "
                           "\"%V\": it must be in a prefix location that "
                           "ends in \"/\", such as \"location /pipelines/ "
                           "{ }\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    clcf->auto_redirect = 1;

    return ngx_http_imgp_operator(cf, conf, ngx_http_imgp_console_handler, 1);
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
                                        "all, and this location lets everybody "
                                        "in: add \"allow 127.0.0.1; deny "
                                        "all;\", \"auth_basic\", "
                                        "\"auth_request\" or "
                                        "\"ssl_verify_client on\" to it",
                                        &op->name);
    }

    return NGX_CONF_OK;
}


/* with "satisfy any" it is enough to come from an address that is allowed */

static ngx_uint_t
ngx_http_imgp_operator_guarded(ngx_conf_t *cf)
{
    ngx_http_imgp_access_e     access;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->internal || ngx_http_imgp_operator_verifies(cf)) {
        return 1;
    }

    access = ngx_http_imgp_operator_access(cf);

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY
        && access == NGX_HTTP_IMGP_ACCESS_ALLOWED)
    {
        return 0;
    }

    return access == NGX_HTTP_IMGP_ACCESS_DENIED
           || ngx_http_imgp_operator_asks(cf);
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


/* "allow" alone lets everybody in; a server may listen to both families */

static ngx_http_imgp_access_e
ngx_http_imgp_operator_access(ngx_conf_t *cf)
{
    ngx_http_imgp_access_e        access;
#if (NGX_HAVE_INET6)
    ngx_http_imgp_access_e        access6;
#endif
    ngx_http_imgp_access_conf_t  *acf;

    acf = ngx_http_imgp_operator_loc_conf(cf, "ngx_http_access_module");

    if (acf == NULL) {
        return NGX_HTTP_IMGP_ACCESS_NONE;
    }

    access = ngx_http_imgp_operator_rules(acf->rules);

#if (NGX_HAVE_INET6)

    access6 = ngx_http_imgp_operator_rules6(acf->rules6);

    if (access != access6) {
        access = (access == NGX_HTTP_IMGP_ACCESS_ALLOWED
                  || access6 == NGX_HTTP_IMGP_ACCESS_ALLOWED)
                 ? NGX_HTTP_IMGP_ACCESS_ALLOWED : NGX_HTTP_IMGP_ACCESS_NONE;
    }

#endif

    return access;
}


/* the first rule of all addresses decides */

static ngx_http_imgp_access_e
ngx_http_imgp_operator_rules(ngx_array_t *rules)
{
    ngx_uint_t                    i;
    ngx_http_imgp_access_rule_t  *rule;

    if (rules == NULL || rules->size != sizeof(ngx_http_imgp_access_rule_t)) {
        return NGX_HTTP_IMGP_ACCESS_NONE;
    }

    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {
        if (rule[i].mask == 0) {
            return rule[i].deny ? NGX_HTTP_IMGP_ACCESS_DENIED
                                : NGX_HTTP_IMGP_ACCESS_ALLOWED;
        }
    }

    return NGX_HTTP_IMGP_ACCESS_NONE;
}


#if (NGX_HAVE_INET6)

static ngx_http_imgp_access_e
ngx_http_imgp_operator_rules6(ngx_array_t *rules)
{
    ngx_uint_t                     i;
    ngx_http_imgp_access_rule6_t  *rule;

    if (rules == NULL || rules->size != sizeof(ngx_http_imgp_access_rule6_t)) {
        return NGX_HTTP_IMGP_ACCESS_NONE;
    }

    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {
        if (IN6_IS_ADDR_UNSPECIFIED(&rule[i].mask)) {
            return rule[i].deny ? NGX_HTTP_IMGP_ACCESS_DENIED
                                : NGX_HTTP_IMGP_ACCESS_ALLOWED;
        }
    }

    return NGX_HTTP_IMGP_ACCESS_NONE;
}

#endif


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
