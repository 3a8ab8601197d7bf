
/*
 * "send": the form in which a service gets its input, and the fields beside
 * it.
 *
 * Called while nginx reads its configuration.  Values, those of "header" too,
 * may hold "$param_NAME"; they are cut into pieces here, and the names get
 * their numbers at the "}" of the pipeline, since params may stand below.
 */


#include "ngx_http_imgp_conf.h"


static char *ngx_http_imgp_send_multipart(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
static char *ngx_http_imgp_send_field(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_str_t *name);
static char *ngx_http_imgp_send_part(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_str_t *value);
static ngx_int_t ngx_http_imgp_conf_ref(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_http_imgp_piece_t *piece,
    ngx_str_t *name);


/* "post" may stand below its options */

ngx_http_imgp_service_t *
ngx_http_imgp_conf_service(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_http_imgp_service_t        *service;
    ngx_http_imgp_pipeline_conf_t  *pc;

    if (sc->service) {
        return sc->service;
    }

    service = ngx_pcalloc(cf->pool, sizeof(ngx_http_imgp_service_t));
    if (service == NULL) {
        return NULL;
    }

    if (ngx_array_init(&service->parts, cf->pool, 1,
                       sizeof(ngx_http_imgp_field_t))
        != NGX_OK
        || ngx_array_init(&service->headers, cf->pool, 1,
                          sizeof(ngx_http_imgp_field_t))
           != NGX_OK
        || ngx_array_init(&sc->send, cf->temp_pool, 64, 1) != NGX_OK
        || ngx_array_init(&sc->headers, cf->temp_pool, 64, 1) != NGX_OK
        || ngx_array_init(&sc->take, cf->temp_pool, 64, 1) != NGX_OK
        || ngx_array_init(&service->hosts, cf->pool, 1, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NULL;
    }

    pc = sc->pipeline;

    sc->service = service;

    if (sc->provider.len == 0) {
        pc->pipeline->services[sc->stage - pc->plan->stages] = service;
    }

    return service;
}


char *
ngx_http_imgp_conf_send(ngx_conf_t *cf, const ngx_http_imgp_option_t *option,
    ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *value;
    ngx_http_imgp_stage_conf_t  *sc;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    if (ngx_http_imgp_conf_service(cf, sc) == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "raw") == 0 && cf->args->nelts == 2) {
        sc->service->send = NGX_HTTP_IMGP_SEND_RAW;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "multipart") == 0 && cf->args->nelts > 2) {
        sc->service->send = NGX_HTTP_IMGP_SEND_MULTIPART;
        return ngx_http_imgp_send_multipart(cf, sc);
    }

    if (ngx_strcmp(value[1].data, "json") == 0 && cf->args->nelts == 3) {
        sc->service->send = NGX_HTTP_IMGP_SEND_JSON;
        return ngx_http_imgp_conf_template(cf, sc);
    }

    if (ngx_strcmp(value[1].data, "form") == 0 && cf->args->nelts > 2) {
        sc->service->send = NGX_HTTP_IMGP_SEND_FORM;
        return ngx_http_imgp_conf_form(cf, sc);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"send %V\"%s: it must be \"send raw\", "
                       "\"send multipart FIELD ... [name=value ...]\", "
                       "\"send form name=value ...\" or \"send json FILE\"",
                       &value[1],
                       cf->args->nelts > 2 ? " with parameters" : "");

    return NGX_CONF_ERROR;
}


static char *
ngx_http_imgp_send_multipart(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (i > 2
            && ngx_strlchr(value[i].data, value[i].data + value[i].len, '='))
        {
            break;
        }

        if (ngx_http_imgp_send_field(cf, sc, &value[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (cf->args->nelts - i > NGX_HTTP_IMGP_FIELDS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"send\" has %ui fields: %d are the most",
                           cf->args->nelts - i, NGX_HTTP_IMGP_FIELDS_MAX);
        return NGX_CONF_ERROR;
    }

    for ( /* void */ ; i < cf->args->nelts; i++) {
        if (ngx_http_imgp_send_part(cf, sc, &value[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* of the inputs of one stage */

static char *
ngx_http_imgp_send_field(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_str_t *name)
{
    ngx_http_imgp_service_t  *service;

    service = sc->service;

    if (!ngx_http_imgp_is_field(name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid field name \"%V\" in \"send\": it must "
                           "be text without \"=\", quotes and control "
                           "characters, such as \"file\"", name);
        return NGX_CONF_ERROR;
    }

    if (service->nfields == IMGP_FROM_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"send\" names more than %d fields for files",
                           IMGP_FROM_MAX);
        return NGX_CONF_ERROR;
    }

    service->fields[service->nfields++] = *name;

    if (ngx_http_imgp_conf_text_add(&sc->send, "multipart", name) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_send_part(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_str_t *value)
{
    u_char                 *p, *last;
    ngx_str_t               name, text;
    ngx_http_imgp_field_t  *part;

    last = value->data + value->len;
    p = ngx_strlchr(value->data, last, '=');

    name.data = value->data;
    name.len = (p == NULL) ? 0 : p - value->data;

    if (!ngx_http_imgp_is_field(&name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid field \"%V\" in \"send\": it must be "
                           "\"name=value\"", value);
        return NGX_CONF_ERROR;
    }

    text.data = p + 1;
    text.len = last - text.data;

    part = ngx_array_push(&sc->service->parts);
    if (part == NULL) {
        return NGX_CONF_ERROR;
    }

    /* for curl */

    part->name.len = name.len;
    part->name.data = ngx_pnalloc(cf->pool, name.len + 1);
    if (part->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_cpystrn(part->name.data, name.data, name.len + 1);

    if (ngx_http_imgp_conf_text_add(&sc->send, "field", &name) != NGX_OK
        || ngx_http_imgp_conf_text_add(&sc->send, "value", &text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_imgp_conf_pieces(cf, sc, &part->pieces, &text);
}


ngx_uint_t
ngx_http_imgp_is_field(ngx_str_t *name)
{
    size_t  i;

    for (i = 0; i < name->len; i++) {
        if (name->data[i] < ' ' || name->data[i] == 0x7f
            || ngx_strchr("\"'\\=$", name->data[i]))
        {
            return 0;
        }
    }

    return name->len > 0;
}


char *
ngx_http_imgp_conf_pieces(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_array_t *pieces, ngx_str_t *value)
{
    u_char                 *p, *begin, *last;
    ngx_str_t               name, *directive;
    ngx_uint_t              n;
    ngx_http_imgp_piece_t  *piece;

    /* references point at the pieces: the array must never be moved */

    n = ngx_http_script_variables_count(value) + 1;

    if (ngx_array_init(pieces, cf->pool, n, sizeof(ngx_http_imgp_piece_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    directive = cf->args->elts;
    last = value->data + value->len;
    begin = value->data;

    for (p = begin; p < last; /* void */) {

        if ((*p < ' ' && *p != '\t') || *p == 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "control character in the value of \"%V\": "
                               "write it without", directive);
            return NGX_CONF_ERROR;
        }

        if (*p != '$') {
            p++;
            continue;
        }

        piece = ngx_array_push(pieces);

        piece->literal.data = begin;
        piece->literal.len = p - begin;

        p = ngx_http_imgp_conf_param_name(p, last, &name);

        if (p == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid variable in \"%V\": only "
                               "\"$param_NAME\" of the pipeline's params "
                               "can be used here", value);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_imgp_conf_ref(cf, sc, piece, &name) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        begin = p;
    }

    if (begin < last) {
        piece = ngx_array_push(pieces);

        piece->literal.data = begin;
        piece->literal.len = last - begin;
        piece->param = IMGP_NO_PARAM;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_imgp_conf_ref(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_http_imgp_piece_t *piece, ngx_str_t *name)
{
    ngx_str_t            *value;
    ngx_http_imgp_ref_t  *ref;

    ref = ngx_array_push(&sc->pipeline->refs);
    if (ref == NULL) {
        return NGX_ERROR;
    }

    value = cf->args->elts;

    ref->param = &piece->param;
    ref->name = *name;
    ref->directive = value[0];
    ref->stage = sc->stage - sc->pipeline->plan->stages;
    ngx_http_imgp_place(cf, &ref->place);

    return NGX_OK;
}


u_char *
ngx_http_imgp_conf_param_name(u_char *p, u_char *last, ngx_str_t *name)
{
    u_char      ch;
    ngx_uint_t  brace;

    if (p == last || *p++ != '$') {
        return NULL;
    }

    brace = (p < last && *p == '{');
    p += brace;

    if (last - p < 6 || ngx_strncmp(p, "param_", 6) != 0) {
        return NULL;
    }

    p += 6;
    name->data = p;

    /* a name with "-" needs braces */

    for ( /* void */ ; p < last; p++) {
        ch = *p;

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9') || ch == '_'
              || (ch == '-' && brace)))
        {
            break;
        }
    }

    name->len = p - name->data;

    if (brace && (p == last || *p++ != '}')) {
        return NULL;
    }

    return name->len ? p : NULL;
}


ngx_int_t
ngx_http_imgp_conf_text_add(ngx_array_t *text, const char *what,
    ngx_str_t *value)
{
    u_char  *p;
    size_t   len;

    len = ngx_strlen(what) + 1 + NGX_SIZE_T_LEN + 1 + value->len + 1;

    p = ngx_array_push_n(text, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->nelts -= len;
    text->nelts += ngx_sprintf(p, "%s %uz:%V ", what, value->len, value) - p;

    return NGX_OK;
}
