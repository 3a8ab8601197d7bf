
/*
 * "send json FILE" and "send form NAME=VALUE ...": the template of a service's
 * requests.
 *
 * Called while nginx reads its configuration.  A file is read once, parsed
 * into the plans' pool, and errors in it are told with its own lines.  Params
 * get their numbers at the "}" of the pipeline, inputs at that of the stage,
 * since both may stand below.
 */


#include "ngx_http_imgp_conf.h"


#define NGX_HTTP_IMGP_TEMPLATE_TEXT  "json"


static ngx_int_t ngx_http_imgp_template_params(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_str_t *file);
static char *ngx_http_imgp_form_fields(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, imgp_str_t *fields, ngx_uint_t n);
static ngx_int_t ngx_http_imgp_template_digest(
    ngx_http_imgp_stage_conf_t *sc, imgp_str_t *text);
static ngx_uint_t ngx_http_imgp_template_from(ngx_http_imgp_stage_conf_t *sc,
    imgp_str_t *name);


char *
ngx_http_imgp_conf_template(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ssize_t                 n;
    ngx_str_t              *value, file;
    imgp_str_t              text;
    imgp_uint_t             line;
    imgp_error_t            err;
    ngx_http_imgp_place_t   place;

    value = cf->args->elts;
    file = value[2];

    if (file.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no file in \"send json\": it must be such as "
                           "\"send json /etc/nginx/request.json\"");
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    text.data = ngx_palloc(cf->temp_pool, IMGP_TEMPLATE_MAX + 1);
    if (text.data == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_http_imgp_conf_read_file(&file, text.data, IMGP_TEMPLATE_MAX + 1);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "cannot read the template \"%V\", which must be "
                           "readable when nginx starts", &file);
        return NGX_CONF_ERROR;
    }

    text.len = n;

    sc->service->template = imgp_template_parse(sc->pipeline->main->pool,
                                                &text, &line, &err);

    if (sc->service->template == NULL) {
        place.file = file.data;
        place.line = line;

        return ngx_http_imgp_conf_error(cf, &place, "%s", err.detail);
    }

    if (ngx_http_imgp_template_digest(sc, &text) != NGX_OK
        || ngx_http_imgp_template_params(cf, sc, &file) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_pfree(cf->temp_pool, text.data);

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_form(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_uint_t     n;
    imgp_str_t     fields[NGX_HTTP_IMGP_FIELDS_MAX];
    imgp_error_t   err;

    n = cf->args->nelts - 2;

    if (n > NGX_HTTP_IMGP_FIELDS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"send\" has %ui fields: %d are the most", n,
                           NGX_HTTP_IMGP_FIELDS_MAX);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_form_fields(cf, sc, fields, n) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    sc->service->template = imgp_template_form(sc->pipeline->main->pool,
                                               fields, n, &err);

    if (sc->service->template == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.detail);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_template_params(cf, sc, NULL) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_form_fields(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    imgp_str_t *fields, ngx_uint_t n)
{
    u_char      *p;
    ngx_str_t   *value, name;
    ngx_uint_t   i;

    value = cf->args->elts;
    value += 2;

    for (i = 0; i < n; i++) {
        p = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');

        name.data = value[i].data;
        name.len = (p == NULL) ? 0 : p - value[i].data;

        if (!ngx_http_imgp_is_field(&name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid field \"%V\" in \"send\": it must be "
                               "\"name=value\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        ngx_http_imgp_conf_copy(&fields[i], &value[i]);

        if (ngx_http_imgp_conf_text_add(&sc->send, "form", &value[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* what the file holds counts, not where it is */

static ngx_int_t
ngx_http_imgp_template_digest(ngx_http_imgp_stage_conf_t *sc,
    imgp_str_t *text)
{
    u_char     digest[IMGP_DIGEST_LEN], hex[IMGP_DIGEST_HEX_LEN];
    ngx_str_t  value;

    imgp_digest(text->data, text->len, digest);

    value.data = hex;
    value.len = ngx_hex_dump(hex, digest, IMGP_DIGEST_LEN) - hex;

    return ngx_http_imgp_conf_text_add(&sc->send, NGX_HTTP_IMGP_TEMPLATE_TEXT,
                                       &value);
}


static ngx_int_t
ngx_http_imgp_template_params(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_str_t *file)
{
    ngx_str_t              *value;
    imgp_uint_t             i, n;
    ngx_http_imgp_ref_t    *ref;
    imgp_template_slot_t   *slot;

    value = cf->args->elts;
    slot = imgp_template_slots(sc->service->template, &n);

    for (i = 0; i < n; i++) {

        if (slot[i].kind != IMGP_TEMPLATE_PARAM) {
            continue;
        }

        ref = ngx_array_push(&sc->pipeline->refs);
        if (ref == NULL) {
            return NGX_ERROR;
        }

        ref->param = &slot[i].index;
        ngx_http_imgp_conf_copy(&ref->name, &slot[i].name);
        ref->directive = value[0];
        ref->stage = sc->stage - sc->pipeline->plan->stages;

        if (file == NULL) {
            ngx_http_imgp_place(cf, &ref->place);
            continue;
        }

        ref->place.file = file->data;
        ref->place.line = slot[i].line;
    }

    return NGX_OK;
}


char *
ngx_http_imgp_conf_template_inputs(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc)
{
    imgp_uint_t             i, n, from;
    imgp_template_slot_t   *slot;

    slot = imgp_template_slots(sc->service->template, &n);

    for (i = 0; i < n; i++) {

        if (slot[i].kind == IMGP_TEMPLATE_PARAM
            || slot[i].kind == IMGP_TEMPLATE_JOB
            || slot[i].name.len == 0)
        {
            continue;
        }

        from = ngx_http_imgp_template_from(sc, &slot[i].name);

        if (from == IMGP_FROM_MAX) {
            return ngx_http_imgp_conf_error(cf,
                                   ngx_http_imgp_conf_place(sc, "send"),
                                   "line %ui of the template wants the input "
                                   "\"%*s\", which stage \"%V\" does not read: "
                                   "add it to its \"from\"",
                                   (ngx_uint_t) slot[i].line,
                                   slot[i].name.len, slot[i].name.data,
                                   &sc->stage->name);
        }

        slot[i].index = from;
    }

    return NGX_CONF_OK;
}


/* without "from" it is the stage above, as in imgp_plan_finish() */

static ngx_uint_t
ngx_http_imgp_template_from(ngx_http_imgp_stage_conf_t *sc, imgp_str_t *name)
{
    imgp_uint_t    i;
    imgp_stage_t  *stage;

    stage = sc->stage;

    for (i = 0; i < stage->nfrom; i++) {
        if (imgp_str_eq(name, &stage->from_names[i])) {
            return i;
        }
    }

    if (stage->nfrom) {
        return IMGP_FROM_MAX;
    }

    if (stage == sc->pipeline->plan->stages) {
        return imgp_str_is(name, "upload") ? 0 : IMGP_FROM_MAX;
    }

    return imgp_str_eq(name, &stage[-1].name) ? 0 : IMGP_FROM_MAX;
}
