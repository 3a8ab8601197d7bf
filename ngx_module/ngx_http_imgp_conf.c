
/*
 * The directives of http {} and of locations: where the store is, which
 * threads are used, which pipeline a location serves.
 *
 * Called while nginx reads its configuration.  What names something that may
 * stand further below (a pipeline, an upstream {}) is kept with its place and
 * looked up in ngx_http_imgp_conf_init_main_conf(), when all of http {} was
 * read and before locations inherit from each other.
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_INACTIVE  (7 * 24 * 3600)

/* what the store appends to its path, with room to spare */

#define NGX_HTTP_IMGP_PATH_MAX  (IMGP_PATH_MAX - 128)


typedef struct {
    ngx_str_t      zone;
    ssize_t        size;
    off_t          max_size;
    time_t         inactive;
    ngx_uint_t     sync;
} ngx_http_imgp_path_args_t;


static char *ngx_http_imgp_path_args(ngx_conf_t *cf,
    ngx_http_imgp_path_args_t *args);
static char *ngx_http_imgp_path_zone(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_imgp_path_args_t *args);
static char *ngx_http_imgp_path_name(ngx_conf_t *cf, ngx_str_t *value,
    ngx_path_t *path);
static ngx_http_imgp_pipeline_t *ngx_http_imgp_find_pipeline(
    ngx_http_imgp_main_conf_t *imcf, ngx_str_t *name);
static char *ngx_http_imgp_init_passes(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf);
static void ngx_http_imgp_init_resolver(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf);
static char *ngx_http_imgp_init_services(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf);


char *
ngx_http_imgp_conf_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_imgp_main_conf_t *imcf = conf;

    ngx_str_t                  *value;
    ngx_path_t                 *path;
    ngx_http_imgp_path_args_t   args;

    if (imcf->path) {
        return "is duplicate";
    }

    value = cf->args->elts;

    path = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
    if (path == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_path_args(cf, &args) != NGX_CONF_OK
        || ngx_http_imgp_path_name(cf, &value[1], path) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    path->data = imcf;
    path->conf_file = cf->conf_file->file.name.data;
    path->line = cf->conf_file->line;

    if (ngx_add_path(cf, &path) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    imcf->shm_zone = ngx_shared_memory_add(cf, &args.zone, args.size,
                                           &ngx_http_image_pipeline_module);
    if (imcf->shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    imcf->shm_zone->init = ngx_http_imgp_zone_init;
    imcf->shm_zone->data = imcf;

    imcf->path = path;
    imcf->max_size = args.max_size;
    imcf->inactive = args.inactive;
    ngx_http_imgp_conf_copy(&imcf->store.path, &path->name);
    imcf->store.sync = args.sync;

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_path_args(ngx_conf_t *cf, ngx_http_imgp_path_args_t *args)
{
    ngx_str_t   *value, s;
    ngx_uint_t   i;
    const char  *allowed;

    ngx_memzero(args, sizeof(ngx_http_imgp_path_args_t));

    args->inactive = NGX_HTTP_IMGP_INACTIVE;
    args->sync = 1;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "zone=", 5) == 0) {

            if (ngx_http_imgp_path_zone(cf, &value[i], args) != NGX_CONF_OK) {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "max_size=", 9) == 0) {

            s.len = value[i].len - 9;
            s.data = value[i].data + 9;

            args->max_size = ngx_parse_offset(&s);
            if (args->max_size < 0) {
                allowed = "a size such as \"max_size=10g\"";
                goto invalid;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "inactive=", 9) == 0) {

            s.len = value[i].len - 9;
            s.data = value[i].data + 9;

            args->inactive = ngx_parse_time(&s, 1);
            if (args->inactive == (time_t) NGX_ERROR || args->inactive == 0) {
                allowed = "a time of 1s or more, such as \"inactive=7d\"";
                goto invalid;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "sync=", 5) == 0) {

            args->sync = (ngx_strcmp(value[i].data + 5, "on") == 0);

            if (!args->sync && ngx_strcmp(value[i].data + 5, "off") != 0) {
                allowed = "\"sync=on\" or \"sync=off\"";
                goto invalid;
            }

            continue;
        }

        allowed = "\"zone=\", \"max_size=\", \"inactive=\" or \"sync=\"";
        goto invalid;
    }

    if (args->zone.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must have a \"zone\" parameter, such as "
                           "\"zone=jobs:32m\"", &value[0]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": it must be %s",
                       &value[i], allowed);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_path_zone(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_imgp_path_args_t *args)
{
    u_char     *p, *last;
    ngx_str_t   s;

    last = value->data + value->len;

    args->zone.data = value->data + 5;

    p = ngx_strlchr(args->zone.data, last, ':');

    if (p == NULL || p == args->zone.data) {
        goto invalid;
    }

    args->zone.len = p - args->zone.data;

    s.data = p + 1;
    s.len = last - s.data;

    args->size = ngx_parse_size(&s);

    if (args->size == NGX_ERROR) {
        goto invalid;
    }

    if (args->size < NGX_HTTP_IMGP_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" of %z bytes is too small: "
                           "it must be %uzk or more", &args->zone, args->size,
                           (size_t) NGX_HTTP_IMGP_ZONE_MIN / 1024);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid zone \"%V\": it must be a name and a size, "
                       "such as \"zone=jobs:32m\"", value);

    return NGX_CONF_ERROR;
}


/* as ngx_http_file_cache_set_slot() does it: the master makes the directory
   and gives it to the user of the workers */

static char *
ngx_http_imgp_path_name(ngx_conf_t *cf, ngx_str_t *value, ngx_path_t *path)
{
    path->name = *value;

    while (path->name.len && path->name.data[path->name.len - 1] == '/') {
        path->name.data[--path->name.len] = '\0';
    }

    if (path->name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"image_pipeline_path\" needs a directory of its "
                           "own, such as \"/var/lib/nginx/image-pipeline\"");
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &path->name, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (path->name.len > NGX_HTTP_IMGP_PATH_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "path \"%V\" is %uz bytes long: %d are the most",
                           &path->name, path->name.len,
                           NGX_HTTP_IMGP_PATH_MAX);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_threads(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_imgp_main_conf_t *imcf = conf;

    ngx_str_t  *value;

    if (imcf->thread_pool) {
        return "is duplicate";
    }

    value = cf->args->elts;

    /* a pool that "thread_pool" does not define is reported by its module */

    imcf->thread_pool = ngx_thread_pool_add(cf, &value[1]);
    if (imcf->thread_pool == NULL) {
        return NGX_CONF_ERROR;
    }

    imcf->threads = value[1];

    return NGX_CONF_OK;
}


/* a word, or variables that give one */

char *
ngx_http_imgp_conf_priority(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char       *rv;
    ngx_str_t  *value;

    rv = ngx_http_set_complex_value_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    if (ngx_http_script_variables_count(&value[1]) == 0
        && imgp_priority(ngx_http_imgp_str(&value[1])) == IMGP_DECLINED)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\": it must be "
                           "\"high\", \"normal\" or \"low\", or a variable "
                           "that has one of them", &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_imgp_loc_conf_t *ilcf = conf;

    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_imgp_pass_t       *pass;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_imgp_main_conf_t  *imcf;

    imcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_image_pipeline_module);

    pass = imcf->passes.elts;

    for (i = 0; i < imcf->passes.nelts; i++) {
        if (pass[i].conf == ilcf) {
            return "is duplicate";
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->named || clcf->exact_match
#if (NGX_PCRE)
        || clcf->regex
#endif
        || clcf->name.len == 0 || clcf->name.data[clcf->name.len - 1] != '/')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"image_pipeline_pass\" cannot be in location "
                           "\"%V\": it must be in a prefix location that "
                           "ends in \"/\", such as \"location /images/ { }\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    clcf->handler = ngx_http_imgp_handler;
    clcf->auto_redirect = 1;

    pass = ngx_array_push(&imcf->passes);
    if (pass == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    pass->name = value[1];
    pass->conf = ilcf;
    ngx_http_imgp_place(cf, &pass->place);

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_imgp_main_conf_t *imcf = conf;

    if (ngx_http_imgp_init_passes(cf, imcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (imcf->redis && imcf->path == NULL) {
        return ngx_http_imgp_conf_redis_alone(cf, imcf);
    }

    ngx_http_imgp_init_resolver(cf, imcf);

    if (ngx_http_imgp_init_services(cf, imcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    /* not asked for where it is not used: it starts 32 threads */

    if (imcf->path && imcf->pipelines.nelts && imcf->thread_pool == NULL) {

        ngx_str_set(&imcf->threads, "default");

        imcf->thread_pool = ngx_thread_pool_add(cf, NULL);
        if (imcf->thread_pool == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_init_passes(ngx_conf_t *cf, ngx_http_imgp_main_conf_t *imcf)
{
    ngx_uint_t             i;
    ngx_http_imgp_pass_t  *pass;

    pass = imcf->passes.elts;

    for (i = 0; i < imcf->passes.nelts; i++) {

        pass[i].conf->pipeline = ngx_http_imgp_find_pipeline(imcf,
                                                             &pass[i].name);
        if (pass[i].conf->pipeline == NULL) {
            return ngx_http_imgp_conf_error(cf, &pass[i].place,
                                            "unknown image pipeline \"%V\": "
                                            "define it in http {} with "
                                            "\"image_pipeline %V { }\"",
                                            &pass[i].name, &pass[i].name);
        }

        if (imcf->path == NULL) {
            return ngx_http_imgp_conf_error(cf, &pass[i].place,
                                       "\"image_pipeline_pass\" needs a store: "
                                       "add to http {} \"image_pipeline_path "
                                       "/var/lib/nginx/image-pipeline "
                                       "zone=jobs:32m;\"");
        }
    }

    return NGX_CONF_OK;
}


static ngx_http_imgp_pipeline_t *
ngx_http_imgp_find_pipeline(ngx_http_imgp_main_conf_t *imcf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_imgp_pipeline_t  **pipeline;

    pipeline = imcf->pipelines.elts;

    for (i = 0; i < imcf->pipelines.nelts; i++) {
        if (imgp_str_eq(&pipeline[i]->plan->name, name)) {
            return pipeline[i];
        }
    }

    return NULL;
}


/* nginx gives every http {} a resolver; without servers it is of no use */

static void
ngx_http_imgp_init_resolver(ngx_conf_t *cf, ngx_http_imgp_main_conf_t *imcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver == NULL || clcf->resolver->connections.nelts == 0) {
        return;
    }

    imcf->resolver = clcf->resolver;
    imcf->resolver_timeout = clcf->resolver_timeout;

    ngx_conf_init_msec_value(imcf->resolver_timeout, 30000);
}


static char *
ngx_http_imgp_init_services(ngx_conf_t *cf, ngx_http_imgp_main_conf_t *imcf)
{
    ngx_str_t                  *name;
    ngx_uint_t                  i, n;
    ngx_http_imgp_service_t    *service;
    ngx_http_imgp_pipeline_t  **pipeline;

    pipeline = imcf->pipelines.elts;

    for (i = 0; i < imcf->pipelines.nelts; i++) {

        if (ngx_http_imgp_conf_notify_init(cf, imcf, pipeline[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        for (n = 0; n < pipeline[i]->plan->nstages; n++) {

            name = ngx_http_imgp_nstr(&pipeline[i]->plan->stages[n].name);

            for (service = pipeline[i]->services[n];
                 service != NULL;
                 service = service->next)
            {
                if (ngx_http_imgp_conf_service_resolve(cf, imcf, name, service)
                    != NGX_CONF_OK)
                {
                    return NGX_CONF_ERROR;
                }
            }
        }
    }

    return NGX_CONF_OK;
}


/* as "error_page 413 /location/" would, unless there is one for 413 */

char *
ngx_http_imgp_conf_error_page(ngx_conf_t *cf, ngx_http_core_loc_conf_t *clcf)
{
    ngx_uint_t            i, n;
    ngx_array_t          *pages;
    ngx_http_err_page_t  *page, *old;

    n = clcf->error_pages ? clcf->error_pages->nelts : 0;
    old = clcf->error_pages ? clcf->error_pages->elts : NULL;

    for (i = 0; i < n; i++) {
        if (old[i].status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
            return NGX_CONF_OK;
        }
    }

    /* the array may be the one of the server */

    pages = ngx_array_create(cf->pool, n + 1, sizeof(ngx_http_err_page_t));
    if (pages == NULL) {
        return NGX_CONF_ERROR;
    }

    page = ngx_array_push_n(pages, n + 1);

    for (i = 0; i < n; i++) {
        page[i] = old[i];
    }

    ngx_memzero(&page[n], sizeof(ngx_http_err_page_t));

    page[n].status = NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    page[n].overwrite = -1;
    page[n].value.value = clcf->name;

    clcf->error_pages = pages;

    return NGX_CONF_OK;
}
