
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
#include "ngx_http_imgp_quota.h"


static ngx_int_t ngx_http_imgp_flight_turn(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f, ngx_http_imgp_turn_t *turn,
    ngx_http_imgp_told_t *told);
static void ngx_http_imgp_flight_free(ngx_http_imgp_zone_t *zone, uint32_t i,
    ngx_http_imgp_told_t *told);
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
        f->waiting = 0;
        f->lane = 0;
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
    const u_char *key, ngx_http_imgp_told_t *told)
{
    ngx_http_imgp_zone_lock(zone);

    if (ngx_http_imgp_flight_mine(zone, flight, key)) {
        ngx_http_imgp_flight_free(zone, flight, told);
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* asked again and again, until it has its place, or is over */

ngx_int_t
ngx_http_imgp_flight_call(ngx_http_imgp_zone_t *zone, uint32_t flight,
    const u_char *key, ngx_http_imgp_turn_t *turn, ngx_http_imgp_told_t *told)
{
    ngx_int_t                rc;
    ngx_http_imgp_flight_t  *f;

    rc = NGX_BUSY;
    turn->wait = 0;

    ngx_http_imgp_zone_lock(zone);

    f = ngx_http_imgp_flight_mine(zone, flight, key);

    if (f) {
        rc = ngx_http_imgp_flight_turn(zone, f, turn, told);
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


static ngx_int_t
ngx_http_imgp_flight_turn(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f, ngx_http_imgp_turn_t *turn,
    ngx_http_imgp_told_t *told)
{
    imgp_care_state_t        *state;
    ngx_http_imgp_shstage_t  *st;

    if (f->calling) {
        return NGX_OK;
    }

    if (!f->waiting) {
        st = &zone->sh->pipelines[f->pipeline].stages[f->stage];
        st->limit = turn->limit;
        st->lanes[turn->lane].limit = turn->lane_limit;

        ngx_memcpy(f->owner, turn->owner, IMGP_OWNER_LEN);
        ngx_memcpy(f->service, turn->service->id, NGX_HTTP_IMGP_SERVICE_ID);
        f->level = turn->level;
        f->lane = turn->lane;
        f->care = turn->service->care;

        ngx_http_imgp_turn_enter(zone, f);
    }

    ngx_http_imgp_turn_serve(zone, f->pipeline, f->stage, told);

    if (f->calling) {
        return NGX_OK;
    }

    state = ngx_http_imgp_care_state(zone, turn->service);

    if (state) {
        turn->wait = ngx_http_imgp_quota_wait(zone, f);
    }

    if (turn->wait == NGX_HTTP_IMGP_QUOTA_ASK) {
        f->told = 0;
        told->ask = 1;
        turn->wait = 0;
    }

    if (turn->wait && state->probe && turn->service->next) {
        ngx_http_imgp_turn_leave(zone, f);
        ngx_http_imgp_turn_serve(zone, f->pipeline, f->stage, told);
        return NGX_DECLINED;
    }

    if (!f->told) {
        turn->wait = 0;
    }

    return NGX_BUSY;
}


/* its place is free, or it waits for none any more */

void
ngx_http_imgp_flight_hangup(ngx_http_imgp_zone_t *zone, uint32_t flight,
    const u_char *key, ngx_http_imgp_told_t *told)
{
    ngx_http_imgp_flight_t  *f;

    ngx_http_imgp_zone_lock(zone);

    f = ngx_http_imgp_flight_mine(zone, flight, key);

    if (f && (f->calling || f->waiting)) {
        ngx_http_imgp_turn_leave(zone, f);
        ngx_http_imgp_turn_serve(zone, f->pipeline, f->stage, told);
    }

    ngx_http_imgp_zone_unlock(zone);
}


void
ngx_http_imgp_flight_pass(ngx_http_imgp_zone_t *zone, uint32_t from,
    const u_char *from_key, uint32_t to, const u_char *to_key)
{
    ngx_http_imgp_flight_t  *one, *two;

    ngx_http_imgp_zone_lock(zone);

    one = ngx_http_imgp_flight_mine(zone, from, from_key);
    two = ngx_http_imgp_flight_mine(zone, to, to_key);

    if (one && two && one->calling && !two->calling && !two->waiting) {
        two->lane = one->lane;
        two->calling = 1;
        one->calling = 0;
    }

    ngx_http_imgp_zone_unlock(zone);
}


void
ngx_http_imgp_flight_tell(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_told_t *told)
{
    ngx_uint_t  i;

    if (told->ask && w->redis) {
        ngx_http_imgp_share_quota(w);
    }

    if (told->all) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_FLIGHT, NULL);
        return;
    }

    for (i = 0; i < told->n; i++) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_FLIGHT, told->keys[i]);
    }
}


/* ends the runs of lost workers and frees their numbers; is there anything to
   look at for who waits? */

ngx_uint_t
ngx_http_imgp_flight_reap(ngx_http_imgp_zone_t *zone)
{
    u_char                     lost[NGX_HTTP_IMGP_WORKERS];
    uint32_t                   i;
    ngx_uint_t                 n;
    ngx_http_imgp_told_t       told;
    ngx_http_imgp_flight_t    *f;
    ngx_http_imgp_shworker_t  *w;

    n = 0;
    ngx_memzero(&told, sizeof(ngx_http_imgp_told_t));

    ngx_http_imgp_zone_lock(zone);

    if (ngx_http_imgp_zone_losses(zone, lost) != NGX_OK) {
        goto done;
    }

    /* who died in the lock may have been about to tell somebody */

    n += (zone->sh->reaped != zone->sh->rebuilt);
    zone->sh->reaped = zone->sh->rebuilt;

    for (i = 0; i < zone->sh->nflights; i++) {
        f = &zone->flights[i];

        if (f->used
            && (f->worker >= NGX_HTTP_IMGP_WORKERS || lost[f->worker]))
        {
            ngx_http_imgp_flight_free(zone, i, &told);
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
ngx_http_imgp_flight_free(ngx_http_imgp_zone_t *zone, uint32_t i,
    ngx_http_imgp_told_t *told)
{
    ngx_uint_t               serve;
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

    serve = f->calling || f->waiting;

    ngx_http_imgp_turn_leave(zone, f);

    f->used = 0;
    f->next = zone->sh->free_flight;
    zone->sh->free_flight = i;

    if (serve) {
        ngx_http_imgp_turn_serve(zone, f->pipeline, f->stage, told);
    }
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
