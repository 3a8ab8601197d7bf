
/*
 * "image_pipeline NAME { }": its own directives, and what is checked when its
 * "}" was read.  The result is an immutable plan; only its stages of the
 * kind "post" have something of nginx beside it (ngx_http_imgp_service_t).
 *
 * Called while nginx reads its configuration.  Strings of a plan are tokens
 * of the configuration, which live in the cycle's pool as long as the plans.
 */


#include "ngx_http_imgp_conf.h"


static char *ngx_http_imgp_pipeline_name(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf, ngx_str_t *name);
static char *ngx_http_imgp_pipeline_refs(ngx_conf_t *cf,
    ngx_http_imgp_pipeline_conf_t *pc);
static char *ngx_http_imgp_pipeline_end(ngx_conf_t *cf,
    ngx_http_imgp_pipeline_conf_t *pc);
static ngx_uint_t ngx_http_imgp_is_media(ngx_str_t *type);


char *
ngx_http_imgp_conf_pipeline(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_imgp_main_conf_t *imcf = conf;

    ngx_str_t                      *value;
    ngx_http_imgp_pipeline_t      **p, *pipeline;
    ngx_http_imgp_pipeline_conf_t   pc;

    value = cf->args->elts;

    if (ngx_http_imgp_pipeline_name(cf, imcf, &value[1]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    pipeline = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_pipeline_t));
    if (pipeline == NULL) {
        return NGX_CONF_ERROR;
    }

    pipeline->plan = imgp_plan_create(imcf->pool,
                                      ngx_http_imgp_str(&value[1]));
    if (pipeline->plan == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_array_push(&imcf->pipelines);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    *p = pipeline;

    pipeline->index = imcf->pipelines.nelts - 1;
    pipeline->file = cf->conf_file->file.name.data;
    pipeline->line = cf->conf_file->line;

    ngx_memzero(&pc, sizeof(ngx_http_imgp_pipeline_conf_t));

    pc.main = imcf;
    pc.pipeline = pipeline;
    pc.plan = pipeline->plan;
    pc.block.target = pc.plan;

    if (ngx_array_init(&pc.refs, cf->temp_pool, 4,
                       sizeof(ngx_http_imgp_ref_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_conf_block(cf, &pc.block, NGX_HTTP_IMGP_PIPELINE_CONF)
        != NGX_CONF_OK
        || ngx_http_imgp_pipeline_refs(cf, &pc) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_imgp_pipeline_end(cf, &pc);
}


static char *
ngx_http_imgp_pipeline_name(ngx_conf_t *cf, ngx_http_imgp_main_conf_t *imcf,
    ngx_str_t *name)
{
    ngx_uint_t                  i;
    imgp_error_t                err;
    ngx_http_imgp_pipeline_t  **p;

    if (imgp_plan_check_name(ngx_http_imgp_str(name), "image pipeline", &err)
        != IMGP_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.detail);
        return NGX_CONF_ERROR;
    }

    p = imcf->pipelines.elts;

    for (i = 0; i < imcf->pipelines.nelts; i++) {

        if (imgp_str_eq(&p[i]->plan->name, name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate image pipeline \"%V\": rename it, "
                               "the first one is at %s:%ui and this one",
                               name, p[i]->file, p[i]->line);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_pipeline_refs(ngx_conf_t *cf, ngx_http_imgp_pipeline_conf_t *pc)
{
    ngx_int_t             n;
    ngx_uint_t            i;
    ngx_http_imgp_ref_t  *ref;

    ref = pc->refs.elts;

    for (i = 0; i < pc->refs.nelts; i++) {

        n = imgp_plan_find_param(pc->plan, ngx_http_imgp_str(&ref[i].name));

        if (n < 0) {
            return ngx_http_imgp_conf_error(cf, &ref[i].place,
                                          "unknown param \"%V\" in \"%V\": add "
                                          "\"param %V DEFAULT VALUES;\" to "
                                          "image pipeline \"%V\"",
                                          &ref[i].name, &ref[i].directive,
                                          &ref[i].name, &pc->plan->name);
        }

        *ref[i].param = n;
        pc->plan->stages[ref[i].stage].params_read |= (uint32_t) 1 << n;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_pipeline_end(ngx_conf_t *cf, ngx_http_imgp_pipeline_conf_t *pc)
{
    imgp_int_t              stage;
    imgp_error_t            err;
    ngx_http_imgp_seen_t   *outputs;

    if (imgp_plan_finish(pc->plan, &stage, &err) == IMGP_OK) {
        return NGX_CONF_OK;
    }

    if (stage >= 0) {
        return ngx_http_imgp_conf_error(cf, &pc->stages[stage],
                                        "stage \"%V\": %s",
                                        &pc->plan->stages[stage].name,
                                        err.detail);
    }

    /* the fault of no stage, and there are stages: that of "outputs" */

    outputs = ngx_http_imgp_conf_seen(&pc->block, "outputs");

    return ngx_http_imgp_conf_error(cf, (pc->plan->nstages && outputs)
                                   ? &outputs->place : &pc->block.place,
                                    "%s", err.detail);
}


char *
ngx_http_imgp_conf_accept(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_plan_t  *plan = block->target;

    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (cf->args->nelts - 1 > IMGP_ACCEPT_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"accept\" has %ui media types: %d are the most, "
                           "use wildcards such as \"image/*\"",
                           cf->args->nelts - 1, IMGP_ACCEPT_MAX);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        ngx_strlow(value[i].data, value[i].data, value[i].len);

        if (!ngx_http_imgp_is_media(&value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid media type \"%V\": it must be "
                               "such as \"image/jpeg\", \"image/*\" or "
                               "\"*/*\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (ngx_strcmp(value[i].data, "image/jpg") == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "no image is of the type \"%V\": "
                               "write \"image/jpeg\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        ngx_http_imgp_conf_copy(&plan->accept[i - 1], &value[i]);
    }

    plan->naccept = i - 1;

    return NGX_CONF_OK;
}


/* TYPE/SUBTYPE of RFC 6838, where both, or the second alone, may be "*" */

static ngx_uint_t
ngx_http_imgp_is_media(ngx_str_t *type)
{
    u_char      ch, *p, *last, *slash;

    last = type->data + type->len;
    slash = ngx_strlchr(type->data, last, '/');

    if (type->len >= IMGP_TYPE_LEN || slash == NULL || slash == type->data
        || slash + 1 == last)
    {
        return 0;
    }

    for (p = type->data; p < last; p++) {

        if (p == slash) {
            continue;
        }

        ch = *p;

        if (ch == '*') {

            if ((p == type->data && slash == p + 1
                 && last == slash + 2 && slash[1] == '*')
                || (p == slash + 1 && p + 1 == last))
            {
                continue;
            }

            return 0;
        }

        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
              || ch == '-' || ch == '.' || ch == '+' || ch == '_'))
        {
            return 0;
        }
    }

    return 1;
}


/* pixels are counted in tens: "64m" is 64,000,000 */

char *
ngx_http_imgp_conf_max_pixels(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block)
{
    imgp_plan_t  *plan = block->target;

    ngx_str_t  *value;

    value = cf->args->elts;

    return ngx_http_imgp_conf_pixels(cf, &value[1], &plan->max_pixels);
}


char *
ngx_http_imgp_conf_pixels(ngx_conf_t *cf, ngx_str_t *value, uint64_t *pixels)
{
    size_t      len;
    uint64_t    scale;
    ngx_int_t   n;
    ngx_str_t  *name;

    len = value->len;
    scale = 1;

    if (len) {
        switch (value->data[len - 1]) {

        case 'K':
        case 'k':
            scale = 1000;
            len--;
            break;

        case 'M':
        case 'm':
            scale = 1000000;
            len--;
            break;
        }
    }

    n = ngx_atoi(value->data, len);

    if (n == NGX_ERROR || n == 0
        || (uint64_t) n > NGX_HTTP_IMGP_PIXELS_MAX / scale)
    {
        name = cf->args->elts;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in \"%V\": it must "
                           "be from 1 to %uLm, such as \"64m\" for 64,000,000",
                           value, name,
                           (uint64_t) NGX_HTTP_IMGP_PIXELS_MAX / 1000000);
        return NGX_CONF_ERROR;
    }

    *pixels = n * scale;

    return NGX_CONF_OK;
}


/* "1000 owner=100" */

char *
ngx_http_imgp_conf_queue(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_plan_t *plan = block->target;

    uint64_t    number;
    ngx_str_t  *value, rest;

    value = cf->args->elts;

    if (ngx_http_imgp_conf_number(cf, &value[1], option->min, option->max,
                                  &number)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    plan->queue = number;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "owner=", 6) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\" in \"queue\": after the number "
                           "there may be \"owner=NUMBER\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    rest.data = value[2].data + 6;
    rest.len = value[2].len - 6;

    if (ngx_http_imgp_conf_number(cf, &rest, option->min, plan->queue,
                                  &number)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    plan->share = number;

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_cache(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_plan_t  *plan = block->target;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        plan->cache = 0;
        return NGX_CONF_OK;
    }

    if (ngx_http_imgp_conf_time(cf, &value[1], 1000, &plan->cache) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_param(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                      *value;
    imgp_error_t                    err;
    ngx_http_imgp_pipeline_conf_t  *pc;

    pc = (ngx_http_imgp_pipeline_conf_t *) block;
    value = cf->args->elts;

    if (imgp_plan_add_param(pc->plan, pc->main->pool,
                            ngx_http_imgp_str(&value[1]),
                            ngx_http_imgp_str(&value[2]),
                            ngx_http_imgp_str(&value[3]), &err)
        != IMGP_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.detail);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* unknown and doubled ones are found by imgp_plan_finish() */

char *
ngx_http_imgp_conf_outputs(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_plan_t  *plan = block->target;

    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (cf->args->nelts - 1 > IMGP_STAGES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"outputs\" has %ui stages: a pipeline has %d "
                           "at most", cf->args->nelts - 1, IMGP_STAGES_MAX);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        ngx_http_imgp_conf_copy(&plan->output_names[i - 1], &value[i]);
    }

    plan->noutputs = i - 1;

    return NGX_CONF_OK;
}
