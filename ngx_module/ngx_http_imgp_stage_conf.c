
/*
 * "stage NAME { }": what it does, what it reads and when it is left out.
 * Whatever belongs to the call of a service is in ngx_http_imgp_service_conf.c
 * and ngx_http_imgp_send_conf.c.
 *
 * Called while nginx reads its configuration.  The order of the directives
 * means nothing, so what depends on two of them is checked at the "}".
 */


#include "ngx_http_imgp_conf.h"
#include <imgp/imgp_utf8.h>


static char *ngx_http_imgp_stage_begin(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_http_imgp_pipeline_conf_t *pc,
    ngx_str_t *name);
static char *ngx_http_imgp_stage_end(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
static char *ngx_http_imgp_stage_local(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
static char *ngx_http_imgp_stage_inputs(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);


char *
ngx_http_imgp_conf_stage(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                      *value;
    ngx_http_imgp_stage_conf_t      sc;
    ngx_http_imgp_pipeline_conf_t  *pc;

    pc = (ngx_http_imgp_pipeline_conf_t *) block;
    value = cf->args->elts;

    if (ngx_http_imgp_stage_begin(cf, &sc, pc, &value[1]) != NGX_CONF_OK
        || ngx_http_imgp_conf_block(cf, &sc.block, NGX_HTTP_IMGP_STAGE_CONF)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_imgp_stage_end(cf, &sc);
}


static char *
ngx_http_imgp_stage_begin(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_http_imgp_pipeline_conf_t *pc, ngx_str_t *name)
{
    ngx_int_t      n;
    imgp_plan_t   *plan;
    imgp_error_t   err;

    plan = pc->plan;

    if (plan->nstages == IMGP_STAGES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "stage \"%V\" is one too many: an image pipeline "
                           "has %d stages at most", name, IMGP_STAGES_MAX);
        return NGX_CONF_ERROR;
    }

    if (imgp_plan_check_name(ngx_http_imgp_str(name), "stage", &err)
        != IMGP_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.detail);
        return NGX_CONF_ERROR;
    }

    n = imgp_plan_find_stage(plan, ngx_http_imgp_str(name));

    if (n >= 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate stage \"%V\": rename it, "
                           "the first one is at %s:%ui and this one",
                           name, pc->stages[n].file, pc->stages[n].line);
        return NGX_CONF_ERROR;
    }

    ngx_http_imgp_place(cf, &pc->stages[plan->nstages]);

    ngx_memzero(sc, sizeof(ngx_http_imgp_stage_conf_t));

    sc->pipeline = pc;
    sc->stage = &plan->stages[plan->nstages++];
    ngx_http_imgp_conf_copy(&sc->stage->name, name);
    sc->block.target = sc->stage;

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_stage_end(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    if (sc->operation.len == 0) {
        return ngx_http_imgp_conf_error(cf, &sc->block.place,
                                       "stage \"%V\" does nothing: give it one "
                                       "operation, \"resize\", \"encode\", "
                                       "\"canvas\", \"crop\", \"mask\", "
                                       "\"composite\", \"render\", \"base64\", "
                                       "\"split\", \"join\", \"post\", \"put\" "
                                       "or \"queue\"",
                                       &sc->stage->name);
    }

    if (ngx_http_imgp_stage_inputs(cf, sc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (sc->stage->kind == IMGP_STAGE_LOCAL) {
        return ngx_http_imgp_stage_local(cf, sc);
    }

    return ngx_http_imgp_conf_service_end(cf, sc);
}


static char *
ngx_http_imgp_stage_local(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_uint_t             i;
    ngx_http_imgp_seen_t  *seen;

    seen = sc->block.seen.elts;

    for (i = 0; i < sc->block.seen.nelts; i++) {

        if (seen[i].flags & NGX_HTTP_IMGP_SERVICE) {
            return ngx_http_imgp_conf_error(cf, &seen[i].place,
                                        "\"%V\" does not go with \"%V\": it is "
                                        "an option of \"post\", remove it from "
                                        "stage \"%V\"", &seen[i].name,
                                        &sc->operation, &sc->stage->name);
        }
    }

    return NGX_CONF_OK;
}


/* of "each" the stage comes first, wherever it stands */

static char *
ngx_http_imgp_stage_inputs(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    imgp_uint_t             i, n;
    imgp_stage_t           *stage;
    ngx_http_imgp_place_t  *place;

    stage = sc->stage;

    if (sc->each.len) {
        place = &ngx_http_imgp_conf_seen(&sc->block, "each")->place;

        if (stage->nfrom == IMGP_FROM_MAX) {
            return ngx_http_imgp_conf_error(cf, place,
                                        "\"from\" and \"each\" name %d stages: "
                                        "%d are the most",
                                        IMGP_FROM_MAX + 1, IMGP_FROM_MAX);
        }

        for (i = stage->nfrom; i > 0; i--) {
            stage->from_names[i] = stage->from_names[i - 1];
        }

        ngx_http_imgp_conf_copy(&stage->from_names[0], &sc->each);
        stage->each = 1;
        stage->nfrom++;

    } else if (stage->nfrom) {
        place = &ngx_http_imgp_conf_seen(&sc->block, "from")->place;

    } else {
        return NGX_CONF_OK;
    }

    for (i = 1; i < stage->nfrom; i++) {
        for (n = 0; n < i; n++) {

            if (imgp_str_eq(&stage->from_names[i], &stage->from_names[n])) {
                return ngx_http_imgp_conf_error(cf, place,
                                             "stage \"%V\" reads \"%V\" twice: "
                                             "name it once in \"from\" or "
                                             "\"each\"", &stage->name,
                                             &stage->from_names[i]);
            }
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_operation(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (sc->operation.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "stage \"%V\" has two operations, \"%V\" and "
                           "\"%V\": make two stages of it",
                           &sc->stage->name, &sc->operation, &value[0]);
        return NGX_CONF_ERROR;
    }

    sc->operation = value[0];

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_local(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_op_t                   *op;
    ngx_str_t                   *value;
    imgp_error_t                 err;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;

    if (ngx_http_imgp_conf_operation(cf, sc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    op = imgp_op_parse(sc->pipeline->main->pool, ngx_http_imgp_str(value),
                       cf->args->nelts, &err);
    if (op == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid \"%V\": %s",
                           &sc->operation, err.detail);
        return NGX_CONF_ERROR;
    }

    sc->stage->kind = IMGP_STAGE_LOCAL;
    sc->stage->op = op;
    sc->stage->alone = imgp_op_alone(op);
    sc->stage->text = *imgp_op_text(op);

    return NGX_CONF_OK;
}


/* unknown ones are found by imgp_plan_finish(): they may stand below */

char *
ngx_http_imgp_conf_from(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_stage_t *stage = block->target;

    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (cf->args->nelts - 1 > IMGP_FROM_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"from\" names %ui stages: %d are the most",
                           cf->args->nelts - 1, IMGP_FROM_MAX);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        ngx_http_imgp_conf_copy(&stage->from_names[i - 1], &value[i]);
    }

    stage->nfrom = i - 1;

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_each(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *value;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "empty name in \"each\": it must be a stage");
        return NGX_CONF_ERROR;
    }

    sc->each = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_when(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_stage_t *stage = block->target;

    u_char     *p, *last;
    ngx_str_t  *value, name;

    value = cf->args->elts;

    p = value[1].data;
    last = p + value[1].len;

    if (p < last && *p == '!') {
        stage->when_not = 1;
        p++;
    }

    if (ngx_http_imgp_conf_param_name(p, last, &name) != last) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid condition \"%V\" in \"when\": it must be "
                           "\"$param_NAME\" or \"!$param_NAME\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_http_imgp_conf_copy(&stage->when_name, &name);

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_optional(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block)
{
    imgp_stage_t *stage = block->target;

    stage->optional = 1;

    return NGX_CONF_OK;
}


/* it goes into JSON and onto a person's screen */

char *
ngx_http_imgp_conf_message(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    imgp_stage_t *stage = block->target;

    size_t      n;
    u_char     *p, *last;
    ngx_str_t  *value;

    value = cf->args->elts;

    p = value[1].data;
    last = p + value[1].len;

    if (value[1].len == 0 || value[1].len > NGX_HTTP_IMGP_MESSAGE_MAX) {
        goto invalid;
    }

    while (p < last) {
        n = imgp_utf8_printable(p, last);

        if (n == 0) {
            goto invalid;
        }

        p += n;
    }

    ngx_http_imgp_conf_copy(&stage->message, &value[1]);

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid text \"%V\" in \"message\": it must be 1 to "
                       "%d bytes of UTF-8 without control characters",
                       &value[1], NGX_HTTP_IMGP_MESSAGE_MAX);

    return NGX_CONF_ERROR;
}
