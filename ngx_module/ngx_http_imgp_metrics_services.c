
/*
 * The families of "image_pipeline_metrics" that are about calls of services:
 * for each, a walk over what the zone has counted of them.
 */


#include "ngx_http_imgp_metrics.h"
#include "ngx_http_imgp_care.h"


typedef struct {
    ngx_http_imgp_metrics_t       *metrics;
    const char                    *name;
    void                         (*print)(ngx_http_imgp_metrics_t *m,
                                          const char *name,
                                          const u_char *labels,
                                          ngx_http_imgp_tally_service_t *s);
} ngx_http_imgp_metrics_walk_t;


static ngx_int_t ngx_http_imgp_metrics_service(void *data,
    ngx_http_imgp_tally_service_t *s);
static void ngx_http_imgp_metrics_print_calls(ngx_http_imgp_metrics_t *m,
    const char *name, const u_char *labels, ngx_http_imgp_tally_service_t *s);
static ngx_int_t ngx_http_imgp_metrics_stage(void *data,
    ngx_http_imgp_tally_service_t *s);
static void ngx_http_imgp_metrics_print_open(ngx_http_imgp_metrics_t *m,
    const char *name, const u_char *labels, ngx_http_imgp_tally_service_t *s);
static void ngx_http_imgp_metrics_print_retries(ngx_http_imgp_metrics_t *m,
    const char *name, const u_char *labels, ngx_http_imgp_tally_service_t *s);
static void ngx_http_imgp_metrics_print_cost(ngx_http_imgp_metrics_t *m,
    const char *name, const u_char *labels, ngx_http_imgp_tally_service_t *s);


/* each provider of each stage */

static ngx_int_t
ngx_http_imgp_metrics_service(void *data, ngx_http_imgp_tally_service_t *s)
{
    ngx_http_imgp_metrics_walk_t *walk = data;

    u_char  pipeline[NGX_HTTP_IMGP_METRICS_LABEL];
    u_char  stage[NGX_HTTP_IMGP_METRICS_LABEL];
    u_char  provider[NGX_HTTP_IMGP_METRICS_LABEL];
    u_char  labels[3 * NGX_HTTP_IMGP_METRICS_LABEL + 64];

    ngx_sprintf(labels, "pipeline=\"%s\",stage=\"%s\",provider=\"%s\"%Z",
                ngx_http_imgp_metrics_label(pipeline, &s->pipeline),
                ngx_http_imgp_metrics_label(stage, &s->stage),
                ngx_http_imgp_metrics_label(provider, &s->provider));

    walk->print(walk->metrics, walk->name, labels, s);

    return NGX_OK;
}


void
ngx_http_imgp_metrics_calls(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_metrics_walk_t  walk = {
        m, name, ngx_http_imgp_metrics_print_calls
    };

    (void) ngx_http_imgp_tally_walk(m->worker->zone,
                                    ngx_http_imgp_metrics_service, &walk);
}


static void
ngx_http_imgp_metrics_print_calls(ngx_http_imgp_metrics_t *m,
    const char *name, const u_char *labels, ngx_http_imgp_tally_service_t *s)
{
    u_char                       code[NGX_INT_T_LEN + 1];
    ngx_uint_t                   i;
    ngx_http_imgp_tally_code_t  *c;

    for (i = 0; i < NGX_HTTP_IMGP_TALLY_CODES; i++) {
        c = &s->tally.codes[i];

        if (c->calls) {
            ngx_http_imgp_metrics_add(m, "%s{%s,code=\"%s\"} %uL\n", name,
                                      labels,
                                      ngx_http_imgp_tally_name(c->code, code),
                                      c->calls);
        }
    }
}


void
ngx_http_imgp_metrics_flying(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_metrics_walk_t  walk = { m, name, NULL };

    (void) ngx_http_imgp_tally_walk(m->worker->zone,
                                    ngx_http_imgp_metrics_stage, &walk);
}


/* providers of a stage have one number in common */

static ngx_int_t
ngx_http_imgp_metrics_stage(void *data, ngx_http_imgp_tally_service_t *s)
{
    ngx_http_imgp_metrics_walk_t *walk = data;

    u_char  pipeline[NGX_HTTP_IMGP_METRICS_LABEL];
    u_char  stage[NGX_HTTP_IMGP_METRICS_LABEL];

    if (s->first) {
        ngx_http_imgp_metrics_add(walk->metrics,
                           "%s{pipeline=\"%s\",stage=\"%s\"} %ui\n", walk->name,
                           ngx_http_imgp_metrics_label(pipeline, &s->pipeline),
                           ngx_http_imgp_metrics_label(stage, &s->stage),
                           s->inflight);
    }

    return NGX_OK;
}


void
ngx_http_imgp_metrics_open(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_metrics_walk_t  walk = {
        m, name, ngx_http_imgp_metrics_print_open
    };

    (void) ngx_http_imgp_tally_walk(m->worker->zone,
                                    ngx_http_imgp_metrics_service, &walk);
}


static void
ngx_http_imgp_metrics_print_open(ngx_http_imgp_metrics_t *m, const char *name,
    const u_char *labels, ngx_http_imgp_tally_service_t *s)
{
    ngx_http_imgp_metrics_add(m, "%s{%s} %ui\n", name, labels, s->open);
}


void
ngx_http_imgp_metrics_retries(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_metrics_walk_t  walk = {
        m, name, ngx_http_imgp_metrics_print_retries
    };

    (void) ngx_http_imgp_tally_walk(m->worker->zone,
                                    ngx_http_imgp_metrics_service, &walk);
}


static void
ngx_http_imgp_metrics_print_retries(ngx_http_imgp_metrics_t *m,
    const char *name, const u_char *labels, ngx_http_imgp_tally_service_t *s)
{
    ngx_http_imgp_metrics_add(m, "%s{%s} %uL\n", name, labels,
                              s->tally.retries);
}


void
ngx_http_imgp_metrics_cost(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_metrics_walk_t  walk = {
        m, name, ngx_http_imgp_metrics_print_cost
    };

    (void) ngx_http_imgp_tally_walk(m->worker->zone,
                                    ngx_http_imgp_metrics_service, &walk);
}


/* counted in millionths */

static void
ngx_http_imgp_metrics_print_cost(ngx_http_imgp_metrics_t *m, const char *name,
    const u_char *labels, ngx_http_imgp_tally_service_t *s)
{
    ngx_http_imgp_metrics_add(m, "%s{%s} %uL.%06uL\n", name, labels,
                              s->tally.cost / 1000000,
                              s->tally.cost % 1000000);
}
