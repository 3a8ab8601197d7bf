
/*
 * Single-flight and the limits of services, over all workers: a table in the
 * zone of the stage runs that go on now, by their stage key.  Whoever finds
 * his key in it waits for that run to end, then looks for its result.  An
 * entry also carries the place that its call holds at its service, so that
 * a dead worker's places are given back with its entries.
 *
 * Called from the event loop of workers.
 */


#include "ngx_http_imgp_zone.h"


static void ngx_http_imgp_flight_free(ngx_http_imgp_zone_t *zone, uint32_t i);
static ngx_http_imgp_flight_t *ngx_http_imgp_flight_mine(
    ngx_http_imgp_zone_t *zone, uint32_t i, const u_char *key);


/* NGX_OK: go on, *flight is yours to end; NGX_BUSY: it is running elsewhere;
   NGX_AGAIN: the table is full */

ngx_int_t
ngx_http_imgp_flight_begin(ngx_http_imgp_zone_t *zone, const u_char *key,
    ngx_uint_t pipeline, ngx_uint_t stage, uint32_t *flight)
{
    uint32_t                 i, *index;
    ngx_int_t                rc;
    ngx_http_imgp_flight_t  *f;

    ngx_http_imgp_zone_lock(zone);

    index = ngx_http_imgp_flight_hash(zone, key);

    for (i = *index; i != NGX_HTTP_IMGP_NONE; i = zone->flights[i].next) {
        if (ngx_memcmp(zone->flights[i].key, key, IMGP_DIGEST_LEN) == 0) {
            rc = NGX_BUSY;
            goto done;
        }
    }

    if (zone->sh->free_flight == NGX_HTTP_IMGP_NONE) {
        (void) ngx_http_imgp_zone_more_flights(zone);
    }

    rc = NGX_AGAIN;
    i = zone->sh->free_flight;

    if (i != NGX_HTTP_IMGP_NONE) {
        f = &zone->flights[i];
        zone->sh->free_flight = f->next;

        ngx_memcpy(f->key, key, IMGP_DIGEST_LEN);
        f->worker = zone->me;
        f->pipeline = pipeline;
        f->stage = stage;
        f->calling = 0;
        f->next = *index;
        f->used = 1;
        *index = i;

        *flight = i;
        rc = NGX_OK;
    }

done:

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


ngx_uint_t
ngx_http_imgp_flight_known(ngx_http_imgp_zone_t *zone, const u_char *key)
{
    uint32_t  i;

    ngx_http_imgp_zone_lock(zone);

    for (i = *ngx_http_imgp_flight_hash(zone, key);
         i != NGX_HTTP_IMGP_NONE;
         i = zone->flights[i].next)
    {
        if (ngx_memcmp(zone->flights[i].key, key, IMGP_DIGEST_LEN) == 0) {
            break;
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    return i != NGX_HTTP_IMGP_NONE;
}


void
ngx_http_imgp_flight_end(ngx_http_imgp_zone_t *zone, uint32_t flight,
    const u_char *key)
{
    ngx_http_imgp_zone_lock(zone);

    if (ngx_http_imgp_flight_mine(zone, flight, key)) {
        ngx_http_imgp_flight_free(zone, flight);
    }

    ngx_http_imgp_zone_unlock(zone);
}


ngx_int_t
ngx_http_imgp_flight_call(ngx_http_imgp_zone_t *zone, uint32_t flight,
    const u_char *key, ngx_uint_t limit, ngx_http_imgp_service_t *service,
    ngx_msec_t *wait)
{
    uint32_t                *calls;
    ngx_int_t                rc;
    imgp_care_state_t       *state;
    ngx_http_imgp_flight_t  *f;

    rc = NGX_BUSY;
    *wait = 0;

    ngx_http_imgp_zone_lock(zone);

    f = ngx_http_imgp_flight_mine(zone, flight, key);

    if (f) {
        calls = &zone->sh->pipelines[f->pipeline].calls[f->stage];

        state = ngx_http_imgp_care_state(zone, service);

        if (state) {
            *wait = imgp_care_wait(&service->care, state, ngx_current_msec);
        }

        if (*wait) {
            rc = state->probe ? NGX_DECLINED : NGX_AGAIN;

        } else if (limit == 0 || *calls < limit) {
            (*calls)++;
            f->calling = 1;
            rc = NGX_OK;

            if (state) {
                imgp_care_begin(&service->care, state, ngx_current_msec);
            }
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


void
ngx_http_imgp_flight_hangup(ngx_http_imgp_zone_t *zone, uint32_t flight,
    const u_char *key)
{
    ngx_http_imgp_flight_t  *f;

    ngx_http_imgp_zone_lock(zone);

    f = ngx_http_imgp_flight_mine(zone, flight, key);

    if (f && f->calling) {
        zone->sh->pipelines[f->pipeline].calls[f->stage]--;
        f->calling = 0;
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* ends the runs of lost workers and frees their numbers; how many ended */

ngx_uint_t
ngx_http_imgp_flight_reap(ngx_http_imgp_zone_t *zone)
{
    u_char                     lost[NGX_HTTP_IMGP_WORKERS];
    uint32_t                   i;
    ngx_uint_t                 n;
    ngx_http_imgp_flight_t    *f;
    ngx_http_imgp_shworker_t  *w;

    n = 0;

    ngx_http_imgp_zone_lock(zone);

    if (ngx_http_imgp_zone_losses(zone, lost) != NGX_OK) {
        goto done;
    }

    zone->sh->reaped = zone->sh->rebuilt;

    for (i = 0; i < zone->sh->nflights; i++) {
        f = &zone->flights[i];

        if (f->used
            && (f->worker >= NGX_HTTP_IMGP_WORKERS || lost[f->worker]))
        {
            ngx_http_imgp_flight_free(zone, i);
            n++;
        }
    }

    /* a number is free only after all that the worker ran was taken over */

    for (i = 0; i < zone->sh->njobs; i++) {
        if (zone->slots[i].state == NGX_HTTP_IMGP_SLOT_RUNNING
            && zone->slots[i].worker < NGX_HTTP_IMGP_WORKERS)
        {
            lost[zone->slots[i].worker] = 0;
        }
    }

    for (i = 0; i < NGX_HTTP_IMGP_WORKERS; i++) {
        w = &zone->sh->workers[i];

        if (lost[i] && w->pid && kill(w->pid, 0) == -1 && ngx_errno == ESRCH) {
            w->pid = 0;
            w->watching = 0;
        }
    }

done:

    ngx_http_imgp_zone_unlock(zone);

    return n;
}


static void
ngx_http_imgp_flight_free(ngx_http_imgp_zone_t *zone, uint32_t i)
{
    uint32_t                *index;
    ngx_http_imgp_flight_t  *f;

    f = &zone->flights[i];

    for (index = ngx_http_imgp_flight_hash(zone, f->key);
         *index != i;
         index = &zone->flights[*index].next)
    {
        /* void */
    }

    *index = f->next;

    if (f->calling) {
        zone->sh->pipelines[f->pipeline].calls[f->stage]--;
    }

    f->used = 0;
    f->calling = 0;
    f->next = zone->sh->free_flight;
    zone->sh->free_flight = i;
}


/* a run that was thought lost may have been given to somebody else */

static ngx_http_imgp_flight_t *
ngx_http_imgp_flight_mine(ngx_http_imgp_zone_t *zone, uint32_t i,
    const u_char *key)
{
    ngx_http_imgp_flight_t  *f;

    f = &zone->flights[i];

    if (f->used && f->worker == zone->me
        && ngx_memcmp(f->key, key, IMGP_DIGEST_LEN) == 0)
    {
        return f;
    }

    return NULL;
}
