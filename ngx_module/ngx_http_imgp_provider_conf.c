
/*
 * "provider NAME { }": services that take each other's place.
 *
 * Called while nginx reads its configuration.  A provider is a stage's service
 * with a block of its own: what it does not say itself, but for its headers,
 * is what the stage says.  What of the stage it needs, such as its inputs, is
 * known at the stage's "}", so the blocks are kept until then.
 */


#include "ngx_http_imgp_conf.h"


static char *ngx_http_imgp_provider_name(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_str_t *name);
static char *ngx_http_imgp_provider_inherit(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc, ngx_http_imgp_stage_conf_t *psc);


char *
ngx_http_imgp_conf_provider(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block)
{
    ngx_str_t                   *value;
    ngx_http_imgp_stage_conf_t  *sc, *psc, **last;

    sc = (ngx_http_imgp_stage_conf_t *) block;
    value = cf->args->elts;

    if (sc->next == NULL
        && ngx_http_imgp_conf_operation(cf, sc) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_imgp_provider_name(cf, sc, &value[1]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    psc = ngx_pcalloc(cf->temp_pool, sizeof(ngx_http_imgp_stage_conf_t));
    if (psc == NULL) {
        return NGX_CONF_ERROR;
    }

    for (last = &sc->next; *last; last = &(*last)->next) { /* void */ }

    *last = psc;
    sc->nproviders++;

    psc->pipeline = sc->pipeline;
    psc->stage = sc->stage;
    psc->provider = value[1];
    psc->block.target = sc->stage;

    if (ngx_http_imgp_conf_block(cf, &psc->block, NGX_HTTP_IMGP_PROVIDER_CONF)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (psc->operation.len == 0) {
        return ngx_http_imgp_conf_error(cf, &psc->block.place,
                                        "provider \"%V\" calls nothing: give "
                                        "it a \"post\"", &psc->provider);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_provider_name(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_str_t *name)
{
    imgp_error_t                 err;
    ngx_http_imgp_stage_conf_t  *psc;

    if (imgp_plan_check_name(ngx_http_imgp_str(name), "provider", &err)
        != IMGP_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.detail);
        return NGX_CONF_ERROR;
    }

    if (sc->nproviders == NGX_HTTP_IMGP_PROVIDERS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "provider \"%V\" is one too many: a stage has %d "
                           "at most", name, NGX_HTTP_IMGP_PROVIDERS_MAX);
        return NGX_CONF_ERROR;
    }

    for (psc = sc->next; psc; psc = psc->next) {

        if (psc->provider.len == name->len
            && ngx_strncmp(psc->provider.data, name->data, name->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate provider \"%V\": rename it", name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_imgp_conf_providers_end(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc)
{
    u_char                       *p;
    ngx_array_t                   text;
    imgp_stage_t                 *stage;
    ngx_http_imgp_seen_t         *seen;
    ngx_http_imgp_service_t     **next;
    ngx_http_imgp_stage_conf_t   *psc;

    stage = sc->stage;
    seen = ngx_http_imgp_conf_seen(&sc->block, "header");

    if (seen) {
        return ngx_http_imgp_conf_error(cf, &seen->place,
                                        "\"header\" beside providers: give it "
                                        "to each provider of stage \"%V\" that "
                                        "it is for", &stage->name);
    }

    if (ngx_array_init(&text, cf->pool, 256, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    next = &sc->pipeline->pipeline->services[stage
                                             - sc->pipeline->plan->stages];

    for (psc = sc->next; psc; psc = psc->next) {

        if (ngx_http_imgp_provider_inherit(cf, sc, psc) != NGX_CONF_OK
            || ngx_http_imgp_conf_service_check(cf, psc) != NGX_CONF_OK
            || ngx_http_imgp_conf_service_text(cf, psc) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        p = ngx_array_push_n(&text, stage->text.len);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memcpy(p, stage->text.data, stage->text.len);

        psc->service->provider = psc->provider;
        ngx_http_imgp_conf_service_id(psc, psc->service);

        *next = psc->service;
        next = &psc->service->next;
    }

    stage->text.data = text.elts;
    stage->text.len = text.nelts;

    return NGX_CONF_OK;
}


static char *
ngx_http_imgp_provider_inherit(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_http_imgp_stage_conf_t *psc)
{
    ngx_http_imgp_service_t  *s, *from;

    /* its inputs are the stage's, errors of them are told where those are */

    from = sc->service;
    s = psc->service;

    if (from == NULL) {
        return NGX_CONF_OK;
    }

    if (ngx_http_imgp_conf_seen(&psc->block, "send") == NULL) {
        s->send = from->send;
        ngx_memcpy(s->fields, from->fields, sizeof(s->fields));
        s->nfields = from->nfields;
        s->parts = from->parts;
        s->template = from->template;
        psc->send = sc->send;
    }

    if (ngx_http_imgp_conf_seen(&psc->block, "take") == NULL
        && ngx_http_imgp_conf_seen(&psc->block, "poll") == NULL)
    {
        s->take = from->take;
        s->type = from->type;
        s->hosts = from->hosts;
        s->poll = from->poll;
        s->every = from->every;
        psc->take = sc->take;
    }

    if (s->care.interval == 0) {
        s->care.interval = from->care.interval;
    }

    if (s->warm == 0) {
        s->warm = from->warm;
        s->warm_url = from->warm_url;
    }

    if (ngx_http_imgp_conf_seen(&psc->block, "cost") == NULL) {
        s->cost = from->cost;
    }

    return NGX_CONF_OK;
}


void
ngx_http_imgp_conf_service_id(ngx_http_imgp_stage_conf_t *sc,
    ngx_http_imgp_service_t *service)
{
    u_char       digest[IMGP_DIGEST_LEN], *p;
    u_char       text[3 * IMGP_NAME_LEN];
    imgp_str_t  *name;

    name = &sc->pipeline->plan->name;

    p = ngx_snprintf(text, sizeof(text), "%*s/%*s/%V", name->len, name->data,
                     sc->stage->name.len, sc->stage->name.data,
                     &service->provider);

    imgp_digest(text, p - text, digest);
    ngx_memcpy(service->id, digest, NGX_HTTP_IMGP_SERVICE_ID);
}
