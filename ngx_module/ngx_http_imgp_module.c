
/*
 * The module as nginx sees it: the directives of http {}, server {} and
 * location {}, their configurations, and the calls at the begin and the end
 * of a process.
 *
 * Called by nginx while it reads its configuration, in the master and in
 * "nginx -t".  The configurations live in the cycle's pool, the plans in a
 * pool of their own that goes with it: during a reload both exist twice.
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_PLAN_PAGE  16384
#define NGX_HTTP_IMGP_WAIT       55000     /* ms; below the usual 60 s of
                                              proxies and browsers */


static void *ngx_http_imgp_create_main_conf(ngx_conf_t *cf);
static void ngx_http_imgp_destroy_plans(void *data);
static void *ngx_http_imgp_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_imgp_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);


static ngx_command_t  ngx_http_image_pipeline_commands[] = {

    { ngx_string("image_pipeline_path"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_imgp_conf_path,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("image_pipeline_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("image_pipeline_threads"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_threads,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("image_pipeline"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_pipeline,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("image_pipeline_pass"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_pass,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("image_pipeline_owner"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_imgp_loc_conf_t, owner),
      NULL },

    { ngx_string("image_pipeline_priority"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_priority,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_imgp_loc_conf_t, priority),
      NULL },

    { ngx_string("image_pipeline_wait"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_imgp_loc_conf_t, wait),
      NULL },

    { ngx_string("image_pipeline_cache_bypass"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_set_predicate_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_imgp_loc_conf_t, bypass),
      NULL },

    { ngx_string("image_pipeline_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_imgp_conf_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("image_pipeline_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_imgp_conf_health,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("image_pipeline_console"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_imgp_conf_console,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_image_pipeline_module_ctx = {
    ngx_http_imgp_add_variables,           /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_imgp_create_main_conf,        /* create main configuration */
    ngx_http_imgp_conf_init_main_conf,          /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_imgp_create_loc_conf,         /* create location configuration */
    ngx_http_imgp_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_image_pipeline_module = {
    NGX_MODULE_V1,
    &ngx_http_image_pipeline_module_ctx,   /* module context */
    ngx_http_image_pipeline_commands,      /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_imgp_init_module,             /* init module */
    ngx_http_imgp_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_imgp_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_imgp_create_main_conf(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_imgp_main_conf_t  *imcf;

    imcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_main_conf_t));
    if (imcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     imcf->path = NULL;
     *     imcf->shm_zone = NULL;
     *     imcf->threads = { 0, NULL };
     *     imcf->thread_pool = NULL;
     *     imcf->redis = NULL;
     *     imcf->resolver = NULL;
     */

    if (ngx_array_init(&imcf->pipelines, cf->pool, 4,
                       sizeof(ngx_http_imgp_pipeline_t *))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&imcf->passes, cf->pool, 4,
                       sizeof(ngx_http_imgp_pass_t))
        != NGX_OK)
    {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    imcf->pool = imgp_pool_create(&imgp_malloc, NGX_HTTP_IMGP_PLAN_PAGE);
    if (imcf->pool == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_imgp_destroy_plans;
    cln->data = imcf->pool;

    return imcf;
}


static void
ngx_http_imgp_destroy_plans(void *data)
{
    imgp_pool_destroy(data);
}


static void *
ngx_http_imgp_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_imgp_loc_conf_t  *ilcf;

    ilcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_loc_conf_t));
    if (ilcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     ilcf->pipeline = NULL;
     *     ilcf->operator = NULL;
     */

    ilcf->owner = NGX_CONF_UNSET_PTR;
    ilcf->priority = NGX_CONF_UNSET_PTR;
    ilcf->wait = NGX_CONF_UNSET_MSEC;
    ilcf->bypass = NGX_CONF_UNSET_PTR;

    return ilcf;
}


static char *
ngx_http_imgp_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_imgp_loc_conf_t *prev = parent;
    ngx_http_imgp_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    ngx_conf_merge_ptr_value(conf->owner, prev->owner, NULL);
    ngx_conf_merge_ptr_value(conf->priority, prev->priority, NULL);
    ngx_conf_merge_msec_value(conf->wait, prev->wait, NGX_HTTP_IMGP_WAIT);
    ngx_conf_merge_ptr_value(conf->bypass, prev->bypass, NULL);

    /* "if" and "limit_except" are parts of their location */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && conf->pipeline == NULL) {
        conf->pipeline = prev->pipeline;
    }

    if (clcf->lmt_excpt && clcf->handler == NULL && conf->pipeline) {
        clcf->handler = ngx_http_imgp_handler;
    }

    if (clcf->handler == ngx_http_imgp_handler) {
        return ngx_http_imgp_conf_error_page(cf, clcf);
    }

    return ngx_http_imgp_conf_operator(cf, conf);
}
