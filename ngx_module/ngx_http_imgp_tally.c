
/*
 * What the calls of services came to: answers by their status, retries, cost.
 * The counters lie in the zone beside the state of the breaker, found by the
 * same id, so they outlive a reload; they are read by "image_pipeline_metrics".
 *
 * Called from the event loop of workers.  A worker that dies while it counts
 * leaves one counter that is one short, which nobody can tell.
 */


#include "ngx_http_imgp_zone.h"


static ngx_uint_t ngx_http_imgp_tally_code(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_tally_add(ngx_http_imgp_tally_t *tally,
    ngx_uint_t code);
static void ngx_http_imgp_tally_state(ngx_http_imgp_tally_service_t *s,
    imgp_care_state_t *state);
static ngx_int_t ngx_http_imgp_tally_stage(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t stage,
    ngx_int_t (*handler)(void *data, ngx_http_imgp_tally_service_t *s),
    void *data);


/* what is answered with success is paid */

void
ngx_http_imgp_tally_call(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service, ngx_http_imgp_call_t *call)
{
    ngx_http_imgp_shservice_t  *s;

    ngx_http_imgp_zone_lock(zone);

    s = ngx_http_imgp_care_service(zone, service->id);
    s->used = ngx_current_msec;

    ngx_http_imgp_tally_add(&s->tally, ngx_http_imgp_tally_code(call));

    if (call->status >= 200 && call->status < 300) {
        s->tally.cost += service->cost;
    }

    ngx_http_imgp_zone_unlock(zone);
}


static ngx_uint_t
ngx_http_imgp_tally_code(ngx_http_imgp_call_t *call)
{
    if (call->status) {
        return call->status;
    }

    switch (call->error.code) {

    case IMGP_E_SERVICE_CONNECT:
        return NGX_HTTP_IMGP_TALLY_LOST;

    case IMGP_E_SERVICE_TIMEOUT:
        return NGX_HTTP_IMGP_TALLY_LATE;

    case IMGP_E_SERVICE_REPLY:
        return NGX_HTTP_IMGP_TALLY_BAD;

    default:
        return NGX_HTTP_IMGP_TALLY_OTHER;
    }
}


/* the last place is for whatever finds no other */

static void
ngx_http_imgp_tally_add(ngx_http_imgp_tally_t *tally, ngx_uint_t code)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_IMGP_TALLY_CODES - 1; i++) {

        if (tally->codes[i].calls == 0) {
            tally->codes[i].code = code;
        }

        if (tally->codes[i].code == code) {
            tally->codes[i].calls++;
            return;
        }
    }

    tally->codes[i].code = NGX_HTTP_IMGP_TALLY_OTHER;
    tally->codes[i].calls++;
}


void
ngx_http_imgp_tally_retry(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service)
{
    ngx_http_imgp_zone_lock(zone);

    ngx_http_imgp_care_service(zone, service->id)->tally.retries++;

    ngx_http_imgp_zone_unlock(zone);
}


ngx_int_t
ngx_http_imgp_tally_walk(ngx_http_imgp_zone_t *zone,
    ngx_int_t (*handler)(void *data, ngx_http_imgp_tally_service_t *s),
    void *data)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i, n;
    ngx_http_imgp_pipeline_t  **pipelines;

    pipelines = zone->conf->pipelines.elts;

    for (i = 0; i < zone->conf->pipelines.nelts; i++) {

        for (n = 0; n < pipelines[i]->plan->nstages; n++) {
            rc = ngx_http_imgp_tally_stage(zone, pipelines[i], n, handler,
                                           data);
            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_imgp_tally_stage(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t stage,
    ngx_int_t (*handler)(void *data, ngx_http_imgp_tally_service_t *s),
    void *data)
{
    ngx_int_t                       rc;
    ngx_http_imgp_service_t        *service;
    ngx_http_imgp_shservice_t      *sh;
    ngx_http_imgp_shstage_t        *st;
    ngx_http_imgp_tally_service_t   s;

    st = &zone->sh->pipelines[pipeline->index].stages[stage];

    ngx_memzero(&s, sizeof(ngx_http_imgp_tally_service_t));

    ngx_http_imgp_conf_copy(&s.pipeline, &pipeline->plan->name);
    ngx_http_imgp_conf_copy(&s.stage, &pipeline->plan->stages[stage].name);

    s.first = 1;

    for (service = pipeline->services[stage];
         service;
         service = service->next)
    {
        s.provider = service->provider;
        s.service = service;

        ngx_http_imgp_zone_lock(zone);

        sh = ngx_http_imgp_care_service(zone, service->id);

        s.tally = sh->tally;
        s.inflight = st->calls;
        s.waiting = st->queue.count;
        ngx_http_imgp_tally_state(&s, &sh->state);

        ngx_http_imgp_zone_unlock(zone);

        rc = handler(data, &s);
        if (rc != NGX_OK) {
            return rc;
        }

        s.first = 0;
    }

    return NGX_OK;
}


/* of the breaker */

static void
ngx_http_imgp_tally_state(ngx_http_imgp_tally_service_t *s,
    imgp_care_state_t *state)
{
    s->open = s->service->care.max_fails && state->probe;
    s->fails = s->service->care.max_fails ? state->fails : 0;
    s->probe = s->open && state->probe > ngx_current_msec
               ? state->probe - ngx_current_msec : 0;
}


u_char *
ngx_http_imgp_tally_name(ngx_uint_t code, u_char *buf)
{
    switch (code) {

    case NGX_HTTP_IMGP_TALLY_OTHER:
        return (u_char *) "other";

    case NGX_HTTP_IMGP_TALLY_LOST:
        return (u_char *) "unreachable";

    case NGX_HTTP_IMGP_TALLY_LATE:
        return (u_char *) "timeout";

    case NGX_HTTP_IMGP_TALLY_BAD:
        return (u_char *) "reply";

    default:
        *ngx_sprintf(buf, "%ui", code) = '\0';
        return buf;
    }
}
