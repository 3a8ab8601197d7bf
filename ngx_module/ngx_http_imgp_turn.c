
/*
 * Whose turn it is at a service: calls that find no place, or come too early
 * for its rate or its breaker, wait in a fair queue of their stage in the
 * zone, over all workers.  Whoever gives a place back, or comes to ask, gives
 * free places to those whose turn it is, and tells their workers (flight_tell).
 *
 *     wanted -> waiting -> calling -> over
 *
 * What is to be known of a service to give its places is in the flight, since
 * another worker's configuration may not have it.  Of those who wait for the
 * time of a service one is told to come back at that time; it is the clock for
 * all the others.
 *
 * Under the lock of the zone, from ngx_http_imgp_flight.c.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_quota.h"


#define NGX_HTTP_IMGP_TURN_SERVICES  8    /* of a stage: its providers */
#define NGX_HTTP_IMGP_TURN_SKIP      256  /* owners that cannot be served */


/* a service whose time has not come */

typedef struct {
    u_char                         id[NGX_HTTP_IMGP_SERVICE_ID];
} ngx_http_imgp_timed_t;


static ngx_int_t ngx_http_imgp_turn_look(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f, ngx_http_imgp_timed_t *timed, ngx_uint_t *n,
    ngx_http_imgp_told_t *told);
static void ngx_http_imgp_turn_give(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f);
static void ngx_http_imgp_turn_name(ngx_http_imgp_told_t *told,
    ngx_http_imgp_flight_t *f);
static ngx_http_imgp_shstage_t *ngx_http_imgp_turn_stage(
    ngx_http_imgp_zone_t *zone, ngx_http_imgp_flight_t *f);


void
ngx_http_imgp_turn_enter(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f)
{
    uint32_t         service;
    imgp_fair_key_t  key;

    ngx_memcpy(&service, f->service, sizeof(uint32_t));

    key.owner = f->owner;
    key.queue = f->pipeline * IMGP_STAGES_MAX + f->stage;
    key.lane = (service & ~(IMGP_LANES_MAX - 1)) | f->lane;
    key.level = f->level;

    f->told = 0;
    f->waiting = 1;

    imgp_fair_push(&zone->calls, &ngx_http_imgp_turn_stage(zone, f)->queue,
                   &key, f - zone->flights, 0);
}


/* a place given back is for the next one: the caller then calls serve() */

void
ngx_http_imgp_turn_leave(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f)
{
    ngx_http_imgp_shstage_t  *st;

    st = ngx_http_imgp_turn_stage(zone, f);

    if (f->waiting) {
        imgp_fair_remove(&zone->calls, &st->queue, f - zone->flights);
        f->waiting = 0;
    }

    if (f->calling) {
        st->calls--;
        st->lanes[f->lane].calls--;
        f->calling = 0;
    }
}


/* gives what is free to those whose turn it is */

void
ngx_http_imgp_turn_serve(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage, ngx_http_imgp_told_t *told)
{
    uint32_t                  i, limit;
    ngx_uint_t                n, skipped;
    ngx_http_imgp_timed_t     timed[NGX_HTTP_IMGP_TURN_SERVICES];
    ngx_http_imgp_flight_t   *f;
    ngx_http_imgp_shstage_t  *st;

    st = &zone->sh->pipelines[pipeline].stages[stage];

    if (ngx_http_imgp_halt_stage(zone, pipeline, stage)) {
        return;
    }

    limit = ngx_http_imgp_quota_limit(zone, st);

    n = 0;
    skipped = 0;
    i = imgp_fair_first(&st->queue, &zone->calls);

    while (i != IMGP_FAIR_NONE
           && skipped < NGX_HTTP_IMGP_TURN_SKIP
           && st->calls < limit)
    {
        f = &zone->flights[i];

        switch (ngx_http_imgp_turn_look(zone, f, timed, &n, told)) {

        case NGX_OK:
            imgp_fair_take(&zone->calls, &st->queue, i);
            ngx_http_imgp_turn_give(zone, f);
            ngx_http_imgp_turn_name(told, f);

            i = imgp_fair_first(&st->queue, &zone->calls);
            skipped = 0;
            n = 0;
            break;

        case NGX_AGAIN:
            f->told = 1;
            ngx_http_imgp_turn_name(told, f);

            /* fall through */

        default: /* NGX_BUSY */
            i = imgp_fair_skip(&zone->calls, &st->queue, i);
            skipped++;
        }
    }

    told->ask |= ngx_http_imgp_quota_look(zone, st);
}


/* NGX_OK; NGX_BUSY; NGX_AGAIN: it is to come back when its service's time has
   come, for itself and all who wait for that */

static ngx_int_t
ngx_http_imgp_turn_look(ngx_http_imgp_zone_t *zone, ngx_http_imgp_flight_t *f,
    ngx_http_imgp_timed_t *timed, ngx_uint_t *n, ngx_http_imgp_told_t *told)
{
    ngx_uint_t                i;
    imgp_msec_t               wait;
    ngx_http_imgp_shlane_t   *lane;

    lane = &ngx_http_imgp_turn_stage(zone, f)->lanes[f->lane];

    if (lane->limit && lane->calls >= lane->limit) {
        return NGX_BUSY;
    }

    if (f->care.interval == 0 && f->care.max_fails == 0) {
        return NGX_OK;
    }

    for (i = 0; i < *n; i++) {
        if (ngx_memcmp(timed[i].id, f->service, NGX_HTTP_IMGP_SERVICE_ID)
            == 0)
        {
            return NGX_BUSY;
        }
    }

    wait = ngx_http_imgp_quota_wait(zone, f);

    if (wait == 0) {
        return NGX_OK;
    }

    if (*n < NGX_HTTP_IMGP_TURN_SERVICES) {
        ngx_memcpy(timed[*n].id, f->service, NGX_HTTP_IMGP_SERVICE_ID);
        (*n)++;
    }

    if (wait == NGX_HTTP_IMGP_QUOTA_ASK) {
        f->told = 0;
        told->ask = 1;
        return NGX_BUSY;
    }

    return f->told ? NGX_BUSY : NGX_AGAIN;
}


static void
ngx_http_imgp_turn_give(ngx_http_imgp_zone_t *zone, ngx_http_imgp_flight_t *f)
{
    ngx_http_imgp_shstage_t    *st;
    ngx_http_imgp_shservice_t  *s;

    st = ngx_http_imgp_turn_stage(zone, f);

    st->calls++;
    st->lanes[f->lane].calls++;

    f->waiting = 0;
    f->calling = 1;

    s = ngx_http_imgp_care_service(zone, f->service);
    s->used = ngx_current_msec;

    ngx_http_imgp_quota_begin(zone, s, &f->care);
}


/* whose worker is to look at it; too many: all look */

static void
ngx_http_imgp_turn_name(ngx_http_imgp_told_t *told, ngx_http_imgp_flight_t *f)
{
    if (told->n == NGX_HTTP_IMGP_TOLD) {
        told->all = 1;
        return;
    }

    ngx_memcpy(told->keys[told->n++], f->key, IMGP_ID_BYTES);
}


static ngx_http_imgp_shstage_t *
ngx_http_imgp_turn_stage(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f)
{
    return &zone->sh->pipelines[f->pipeline].stages[f->stage];
}
