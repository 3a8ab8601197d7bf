
/*
 * What this machine may ask of services while "concurrency" and "rate" hold
 * over all machines: places and calls that Redis gave it, in the zone, for all
 * its workers.  Turns (ngx_http_imgp_turn.c) are given by them; who finds that
 * they do not do marks the stage or the service, and any worker then asks
 * (ngx_http_imgp_share_quota.c).
 *
 * Places are had for a lease, from before it was asked for: a machine that
 * gets no answer for so long begins no further calls.  While it asks, and if
 * it never hears, no call begins past what it said it keeps.  Nobody has heard
 * of Redis for a while: then the limits are those of this machine alone.
 *
 * Under the lock of the zone where it says so; else it is taken here.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_quota.h"


#define NGX_HTTP_IMGP_QUOTA_ALONE  2500    /* ms without a sign of Redis */
#define NGX_HTTP_IMGP_QUOTA_LOST   5000    /* ms until it is asked again */
#define NGX_HTTP_IMGP_QUOTA_AHEAD  100000  /* us of a rate in one answer */
#define NGX_HTTP_IMGP_QUOTA_LATE   50000   /* us a call may be late, or half
                                              of the interval */
#define NGX_HTTP_IMGP_QUOTA_LATEST 1000000


static ngx_uint_t ngx_http_imgp_quota_valid(ngx_http_imgp_shstage_t *st);
static uint32_t ngx_http_imgp_quota_need(ngx_http_imgp_shstage_t *st);
static ngx_uint_t ngx_http_imgp_quota_asking(ngx_msec_t since);
static void ngx_http_imgp_quota_ask_places(ngx_http_imgp_shstage_t *st,
    ngx_http_imgp_quota_t *quota);
static void ngx_http_imgp_quota_ask_tokens(ngx_http_imgp_shservice_t *s,
    ngx_http_imgp_quota_t *quota);


/* under the lock; who only had no time to listen has not missed it */

ngx_uint_t
ngx_http_imgp_quota_shared(ngx_http_imgp_zone_t *zone)
{
    return zone->conf->redis
           && (ngx_current_msec - zone->sh->heard <= NGX_HTTP_IMGP_QUOTA_ALONE
               || (ngx_msec_int_t) (zone->sh->missed - zone->sh->heard) <= 0);
}


/* under the lock: how many calls of a stage may be out here; 0xffffffff: any
   number */

uint32_t
ngx_http_imgp_quota_limit(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shstage_t *st)
{
    if (st->limit == 0) {
        return 0xffffffff;
    }

    if (!ngx_http_imgp_quota_shared(zone)) {
        return st->limit;
    }

    return ngx_http_imgp_quota_valid(st) ? ngx_min(st->limit, st->cap) : 0;
}


/* under the lock: turns were given; is there anything to ask for, or to give
   back that others lack? */

ngx_uint_t
ngx_http_imgp_quota_look(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shstage_t *st)
{
    ngx_uint_t  lack, excess;

    if (st->limit == 0 || !ngx_http_imgp_quota_shared(zone)) {
        return 0;
    }

    lack = st->queue.count && st->calls >= ngx_http_imgp_quota_limit(zone, st)
           && st->calls < st->limit
           && (!ngx_http_imgp_quota_valid(st)
               || ngx_http_imgp_quota_need(st) > st->asked);

    excess = st->cap < st->has && st->calls < st->has && !st->asking;

    if (!lack && !excess) {
        return 0;
    }

    st->ask = 1;

    return 1;
}


static ngx_uint_t
ngx_http_imgp_quota_valid(ngx_http_imgp_shstage_t *st)
{
    return st->until && (ngx_msec_int_t) (st->until - ngx_current_msec) > 0;
}


static uint32_t
ngx_http_imgp_quota_need(ngx_http_imgp_shstage_t *st)
{
    return ngx_min(st->calls + st->queue.count, st->limit);
}


/* under the lock: ms until a call may begin; NGX_HTTP_IMGP_QUOTA_ASK: when an
   answer has come */

imgp_msec_t
ngx_http_imgp_quota_wait(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f)
{
    uint64_t                    now;
    imgp_care_t                 care;
    imgp_msec_t                 wait;
    ngx_http_imgp_shservice_t  *s;

    care = f->care;
    s = ngx_http_imgp_care_service(zone, f->service);

    if (care.interval == 0 || !ngx_http_imgp_quota_shared(zone)) {
        return imgp_care_wait(&care, &s->state, ngx_current_msec);
    }

    care.interval = 0;
    wait = imgp_care_wait(&care, &s->state, ngx_current_msec);

    if (wait) {
        return wait;
    }

    now = (uint64_t) ngx_current_msec * 1000;

    if (s->tokens == 0 || now > s->token_until) {
        s->tokens = 0;
        s->interval = f->care.interval;
        s->pipeline = f->pipeline;
        s->stage = f->stage;
        s->ask = 1;
        return NGX_HTTP_IMGP_QUOTA_ASK;
    }

    return s->token_at > now ? (s->token_at - now + 999) / 1000 : 0;
}


/* under the lock: a call begins */

void
ngx_http_imgp_quota_begin(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shservice_t *s, imgp_care_t *care)
{
    uint64_t  now, late;

    imgp_care_begin(care, &s->state, ngx_current_msec);

    if (care->interval == 0 || s->tokens == 0) {
        return;
    }

    now = (uint64_t) ngx_current_msec * 1000;
    late = (uint64_t) IMGP_CARE_SLACK * 1000;

    if (s->token_at + late < now) {
        s->token_at = now;
    }

    s->token_at += care->interval;
    s->tokens--;
}


/* somebody has heard of Redis; or is about to, in a new zone */

void
ngx_http_imgp_quota_heard(ngx_http_imgp_zone_t *zone, ngx_uint_t first)
{
    ngx_http_imgp_zone_lock(zone);

    if (!first || zone->sh->heard == 0) {
        zone->sh->heard = ngx_current_msec;
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* somebody has tried, and it did not answer */

void
ngx_http_imgp_quota_missed(ngx_http_imgp_zone_t *zone)
{
    ngx_http_imgp_zone_lock(zone);

    zone->sh->missed = ngx_current_msec;

    ngx_http_imgp_zone_unlock(zone);
}


/* once a second: leases go on, what was idle goes back */

void
ngx_http_imgp_quota_beat(ngx_http_imgp_zone_t *zone)
{
    ngx_uint_t                  i, n;
    ngx_http_imgp_shstage_t    *st;
    ngx_http_imgp_shservice_t  *s;

    ngx_http_imgp_zone_lock(zone);

    for (i = 0; i < NGX_HTTP_IMGP_PIPELINES; i++) {
        for (n = 0; n < IMGP_STAGES_MAX; n++) {
            st = &zone->sh->pipelines[i].stages[n];

            if (st->limit && (st->has || st->calls || st->queue.count)) {
                st->ask = 1;
            }
        }
    }

    /* who asked may have died */

    for (i = 0; i < NGX_HTTP_IMGP_SERVICES; i++) {
        s = &zone->sh->services[i];

        if (s->asking && !ngx_http_imgp_quota_asking(s->asking)) {
            s->asking = 0;
            s->ask = 1;
        }
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* others have given places back, or lack some; 1: it is to be asked */

ngx_uint_t
ngx_http_imgp_quota_hint(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage, uint64_t time)
{
    ngx_uint_t                ask;
    ngx_http_imgp_shstage_t  *st;

    st = &zone->sh->pipelines[pipeline].stages[stage];

    ngx_http_imgp_zone_lock(zone);

    /* each worker hears it */

    ask = st->hinted != time && st->limit && (st->has || st->queue.count);
    st->hinted = time;
    st->ask |= ask;

    ngx_http_imgp_zone_unlock(zone);

    return ask;
}


/* what is to be asked for next; from now on the caller does */

ngx_int_t
ngx_http_imgp_quota_next(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_quota_t *quota)
{
    ngx_int_t                   rc;
    ngx_http_imgp_shstage_t    *st;
    ngx_http_imgp_shservice_t  *s;

    rc = NGX_DONE;

    ngx_http_imgp_zone_lock(zone);

    while (rc == NGX_DONE
           && quota->next < NGX_HTTP_IMGP_PIPELINES * IMGP_STAGES_MAX)
    {
        quota->pipeline = quota->next / IMGP_STAGES_MAX;
        quota->stage = quota->next++ % IMGP_STAGES_MAX;

        st = &zone->sh->pipelines[quota->pipeline].stages[quota->stage];

        if (st->ask && !ngx_http_imgp_quota_asking(st->asking)) {
            ngx_http_imgp_quota_ask_places(st, quota);
            rc = NGX_OK;
        }
    }

    while (rc == NGX_DONE && quota->service < NGX_HTTP_IMGP_SERVICES) {
        s = &zone->sh->services[quota->service++];

        if (s->ask && !ngx_http_imgp_quota_asking(s->asking)) {
            ngx_http_imgp_quota_ask_tokens(s, quota);
            quota->count = ngx_min(quota->count, ngx_max(1,
                 zone->sh->pipelines[s->pipeline].stages[s->stage]
                     .queue.count));
            rc = NGX_OK;
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


static ngx_uint_t
ngx_http_imgp_quota_asking(ngx_msec_t since)
{
    return since && ngx_current_msec - since < NGX_HTTP_IMGP_QUOTA_LOST;
}


static void
ngx_http_imgp_quota_ask_places(ngx_http_imgp_shstage_t *st,
    ngx_http_imgp_quota_t *quota)
{
    uint32_t  cap;

    cap = ngx_http_imgp_quota_valid(st) ? st->cap : 0;

    quota->tokens = 0;
    quota->limit = st->limit;
    quota->need = ngx_http_imgp_quota_need(st);
    quota->keep = ngx_max(st->calls, ngx_min(cap, quota->need));

    st->cap = ngx_min(st->cap, quota->keep);
    st->asked = quota->need;
    st->asking = ngx_max(ngx_current_msec, 1);
    st->ask = 0;
}


static void
ngx_http_imgp_quota_ask_tokens(ngx_http_imgp_shservice_t *s,
    ngx_http_imgp_quota_t *quota)
{
    quota->tokens = 1;
    quota->interval = ngx_max(s->interval, 1);
    quota->count = ngx_max(NGX_HTTP_IMGP_QUOTA_AHEAD / quota->interval, 1);
    ngx_memcpy(quota->id, s->id, NGX_HTTP_IMGP_SERVICE_ID);

    s->asking = ngx_max(ngx_current_msec, 1);
    s->ask = 0;
}


/* the answer for a stage; "lease" ms from when it was asked for.  Without one
   it is asked again with the next beat */

void
ngx_http_imgp_quota_places(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_quota_t *quota, ngx_uint_t ok, ngx_http_imgp_told_t *told)
{
    ngx_http_imgp_shstage_t  *st;

    st = &zone->sh->pipelines[quota->pipeline].stages[quota->stage];

    ngx_http_imgp_zone_lock(zone);

    st->asking = 0;

    if (ok) {
        st->has = quota->has;
        st->cap = quota->cap;
        st->until = ngx_max(quota->until, 1);

    } else {
        st->asked = 0;
        st->ask = 1;
    }

    ngx_http_imgp_turn_serve(zone, quota->pipeline, quota->stage, told);
    told->ask |= st->ask;

    ngx_http_imgp_zone_unlock(zone);
}


/* ... and for a service: the first of quota->count calls in so many us */

void
ngx_http_imgp_quota_tokens(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_quota_t *quota, ngx_uint_t ok, ngx_http_imgp_told_t *told)
{
    uint64_t                    late;
    ngx_http_imgp_shservice_t  *s;

    late = ngx_max(NGX_HTTP_IMGP_QUOTA_LATE, quota->interval / 2);
    late = ngx_min(late, NGX_HTTP_IMGP_QUOTA_LATEST);

    ngx_http_imgp_zone_lock(zone);

    s = ngx_http_imgp_care_service(zone, quota->id);
    s->asking = 0;

    if (ok) {
        s->tokens = quota->count;
        s->token_at = (uint64_t) ngx_current_msec * 1000 + quota->wait;
        s->token_until = s->token_at
                         + (quota->count - 1) * quota->interval + late;

    } else {
        s->ask = 1;
    }

    ngx_http_imgp_turn_serve(zone, s->pipeline, s->stage, told);

    ngx_http_imgp_zone_unlock(zone);
}
