
/*
 * The directives in "image_pipeline NAME { }" and in "stage NAME { }", and
 * what reading them has in common: none is given twice, numbers and times are
 * in their ranges, errors that show later are told with their place.
 *
 * Called while nginx reads its configuration.  The module of this file is one
 * by its type only: it makes nginx find the directives of the blocks.
 */


#include "ngx_http_imgp_conf.h"


static char *ngx_http_imgp_conf_option(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_imgp_conf_number_slot(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
static char *ngx_http_imgp_conf_time_slot(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);


/* of a pipeline */

static ngx_http_imgp_option_t  ngx_http_imgp_accept_option =
    { ngx_http_imgp_conf_accept, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_max_pixels_option =
    { ngx_http_imgp_conf_max_pixels, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_jobs_option =
    { ngx_http_imgp_conf_number_slot, 0,
      offsetof(imgp_plan_t, concurrency), 1, NGX_HTTP_IMGP_JOBS_MAX };

static ngx_http_imgp_option_t  ngx_http_imgp_queue_option =
    { ngx_http_imgp_conf_queue, 0, 0, 1, NGX_HTTP_IMGP_JOBS_MAX };

static ngx_http_imgp_option_t  ngx_http_imgp_cache_option =
    { ngx_http_imgp_conf_cache, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_keep_option =
    { ngx_http_imgp_conf_time_slot, 0, offsetof(imgp_plan_t, keep), 1000, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_param_option =
    { ngx_http_imgp_conf_param, NGX_HTTP_IMGP_MANY, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_outputs_option =
    { ngx_http_imgp_conf_outputs, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_notify_option =
    { ngx_http_imgp_conf_notify, NGX_HTTP_IMGP_MANY, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_stage_option =
    { ngx_http_imgp_conf_stage, NGX_HTTP_IMGP_MANY, 0, 0, 0 };


/* of a stage */

static ngx_http_imgp_option_t  ngx_http_imgp_local_option =
    { ngx_http_imgp_conf_local, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_post_option =
    { ngx_http_imgp_conf_post, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_put_option =
    { ngx_http_imgp_conf_put, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_list_option =
    { ngx_http_imgp_conf_queue_list, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_from_option =
    { ngx_http_imgp_conf_from, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_each_option =
    { ngx_http_imgp_conf_each, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_when_option =
    { ngx_http_imgp_conf_when, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_optional_option =
    { ngx_http_imgp_conf_optional, 0, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_weight_option =
    { ngx_http_imgp_conf_number_slot, 0,
      offsetof(imgp_stage_t, weight), 1, NGX_HTTP_IMGP_WEIGHT_MAX };

static ngx_http_imgp_option_t  ngx_http_imgp_message_option =
    { ngx_http_imgp_conf_message, 0, 0, 0, 0 };


/* of a stage with "post" */

static ngx_http_imgp_option_t  ngx_http_imgp_timeout_option =
    { ngx_http_imgp_conf_time_slot, NGX_HTTP_IMGP_SERVICE,
      offsetof(imgp_stage_t, timeout), 1, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_retry_option =
    { ngx_http_imgp_conf_retry, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_calls_option =
    { ngx_http_imgp_conf_number_slot, NGX_HTTP_IMGP_SERVICE,
      offsetof(imgp_stage_t, concurrency), 1, NGX_HTTP_IMGP_CALLS_MAX };

static ngx_http_imgp_option_t  ngx_http_imgp_batch_option =
    { ngx_http_imgp_conf_batch, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_lane_option =
    { ngx_http_imgp_conf_lane, NGX_HTTP_IMGP_SERVICE|NGX_HTTP_IMGP_MANY,
      0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_header_option =
    { ngx_http_imgp_conf_header, NGX_HTTP_IMGP_SERVICE|NGX_HTTP_IMGP_MANY,
      0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_send_option =
    { ngx_http_imgp_conf_send, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_take_option =
    { ngx_http_imgp_conf_take, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_warm_option =
    { ngx_http_imgp_conf_warm, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_rate_option =
    { ngx_http_imgp_conf_rate, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_cost_option =
    { ngx_http_imgp_conf_cost, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_provider_option =
    { ngx_http_imgp_conf_provider,
      NGX_HTTP_IMGP_SERVICE|NGX_HTTP_IMGP_MANY, 0, 0, 0 };

static ngx_http_imgp_option_t  ngx_http_imgp_poll_option =
    { ngx_http_imgp_conf_poll, NGX_HTTP_IMGP_SERVICE, 0, 0, 0 };


static ngx_command_t  ngx_http_imgp_block_commands[] = {

    { ngx_string("accept"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_accept_option },

    { ngx_string("max_pixels"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_max_pixels_option },

    { ngx_string("concurrency"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_jobs_option },

    { ngx_string("queue"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_TAKE12,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_queue_option },

    { ngx_string("cache"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_cache_option },

    { ngx_string("keep"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_keep_option },

    { ngx_string("param"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_TAKE3,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_param_option },

    { ngx_string("outputs"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_outputs_option },

    { ngx_string("notify"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_notify_option },

    { ngx_string("stage"),
      NGX_HTTP_IMGP_PIPELINE_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_stage_option },

    { ngx_string("resize"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("encode"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("canvas"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("crop"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("mask"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("composite"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("render"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("base64"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("split"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("join"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_ANY,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_local_option },

    { ngx_string("post"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_TAKE123,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_post_option },

    { ngx_string("put"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_put_option },

    { ngx_string("queue"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_list_option },

    { ngx_string("from"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_from_option },

    { ngx_string("each"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_each_option },

    { ngx_string("when"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_when_option },

    { ngx_string("optional"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_NOARGS,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_optional_option },

    { ngx_string("weight"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_weight_option },

    { ngx_string("message"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_message_option },

    { ngx_string("timeout"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_timeout_option },

    { ngx_string("retry"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE2,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_retry_option },

    { ngx_string("concurrency"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_calls_option },

    { ngx_string("header"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_TAKE2,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_header_option },

    { ngx_string("send"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_send_option },

    { ngx_string("take"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_take_option },

    { ngx_string("warm"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_TAKE12,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_warm_option },

    { ngx_string("rate"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_rate_option },

    { ngx_string("batch"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_TAKE2,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_batch_option },

    { ngx_string("lane"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_lane_option },

    { ngx_string("cost"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_cost_option },

    { ngx_string("provider"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_provider_option },

    { ngx_string("poll"),
      NGX_HTTP_IMGP_STAGE_CONF|NGX_HTTP_IMGP_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_imgp_conf_option, 0, 0, &ngx_http_imgp_poll_option },

      ngx_null_command
};


ngx_module_t  ngx_http_image_pipeline_block_module = {
    NGX_MODULE_V1,
    NULL,                                  /* module context */
    ngx_http_imgp_block_commands,          /* module directives */
    NGX_HTTP_IMGP_MODULE,                  /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


char *
ngx_http_imgp_conf_block(ngx_conf_t *cf, ngx_http_imgp_block_t *block,
    ngx_uint_t cmd_type)
{
    char        *rv;
    ngx_conf_t   save;

    block->confs = NULL;
    ngx_http_imgp_place(cf, &block->place);

    if (ngx_array_init(&block->seen, cf->temp_pool, 8,
                       sizeof(ngx_http_imgp_seen_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    save = *cf;

    cf->ctx = block;
    cf->module_type = NGX_HTTP_IMGP_MODULE;
    cf->cmd_type = cmd_type;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_http_imgp_conf_option(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_imgp_seen_t          *seen;
    ngx_http_imgp_block_t         *block;
    const ngx_http_imgp_option_t  *option;

    block = cf->ctx;
    option = cmd->post;

    if (!(option->flags & NGX_HTTP_IMGP_MANY)
        && ngx_http_imgp_conf_seen(block, (char *) cmd->name.data))
    {
        return "is duplicate";
    }

    seen = ngx_array_push(&block->seen);
    if (seen == NULL) {
        return NGX_CONF_ERROR;
    }

    seen->name = cmd->name;
    seen->flags = option->flags;
    ngx_http_imgp_place(cf, &seen->place);

    return option->set(cf, option, block);
}


ngx_http_imgp_seen_t *
ngx_http_imgp_conf_seen(ngx_http_imgp_block_t *block, const char *name)
{
    ngx_uint_t             i;
    ngx_http_imgp_seen_t  *seen;

    seen = block->seen.elts;

    for (i = 0; i < block->seen.nelts; i++) {
        if (ngx_strcmp(seen[i].name.data, name) == 0) {
            return &seen[i];
        }
    }

    return NULL;
}


char *
ngx_http_imgp_conf_error(ngx_conf_t *cf, ngx_http_imgp_place_t *place,
    const char *fmt, ...)
{
    u_char   errstr[NGX_MAX_CONF_ERRSTR], *p;
    va_list  args;

    va_start(args, fmt);
    p = ngx_vslprintf(errstr, errstr + NGX_MAX_CONF_ERRSTR, fmt, args);
    va_end(args);

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "%*s in %s:%ui",
                  (size_t) (p - errstr), errstr, place->file, place->line);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_conf_number_slot(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block)
{
    uint64_t    number;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_http_imgp_conf_number(cf, &value[1], option->min, option->max,
                                  &number)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    *(imgp_uint_t *) ((char *) block->target + option->offset) = number;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_imgp_conf_number(ngx_conf_t *cf, ngx_str_t *value, uint64_t min,
    uint64_t max, uint64_t *number)
{
    ngx_int_t   n;
    ngx_str_t  *name;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || (uint64_t) n < min || (uint64_t) n > max) {
        name = cf->args->elts;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in \"%V\": "
                           "it must be from %uL to %uL",
                           value, name, min, max);
        return NGX_ERROR;
    }

    *number = n;

    return NGX_OK;
}


static char *
ngx_http_imgp_conf_time_slot(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block)
{
    ngx_str_t    *value;
    imgp_msec_t   msec;

    value = cf->args->elts;

    if (ngx_http_imgp_conf_time(cf, &value[1], option->min, &msec) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    *(imgp_msec_t *) ((char *) block->target + option->offset) = msec;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_imgp_conf_time(ngx_conf_t *cf, ngx_str_t *value, uint64_t min,
    imgp_msec_t *msec)
{
    ngx_int_t   ms;
    ngx_str_t  *name;

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || (uint64_t) ms < min
        || (uint64_t) ms > NGX_HTTP_IMGP_TIME_MAX)
    {
        name = cf->args->elts;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%V\" in \"%V\": it must be from "
                           "%uLms to 10y, such as \"90s\" or \"1h30m\"",
                           value, name, min);
        return NGX_ERROR;
    }

    *msec = ms;

    return NGX_OK;
}
