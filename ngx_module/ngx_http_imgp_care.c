
/*
 * Rates and breakers of services, over all workers: their state lies in the
 * zone, found by an id that a reload does not change.  What it means is in
 * src/plan/imgp_care.c.
 *
 * Called from the event loop of workers, under the zone's lock.  The clock is
 * nginx's monotonic one, the same for all processes of a machine.
 */


#include "ngx_http_imgp_zone.h"


/* NULL: nothing is to be taken care of */

imgp_care_state_t *
ngx_http_imgp_care_state(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service)
{
    ngx_http_imgp_shservice_t  *s;

    if (service->care.interval == 0 && service->care.max_fails == 0
        && service->warm == 0)
    {
        return NULL;
    }

    s = ngx_http_imgp_care_service(zone, service->id);
    s->used = ngx_current_msec;

    return &s->state;
}


/* a new one takes the place of the one that was not used for longest */

ngx_http_imgp_shservice_t *
ngx_http_imgp_care_service(ngx_http_imgp_zone_t *zone,
    const u_char *id)
{
    ngx_uint_t                  i;
    ngx_http_imgp_shservice_t  *s, *oldest;

    oldest = NULL;

    for (i = 0; i < NGX_HTTP_IMGP_SERVICES; i++) {
        s = &zone->sh->services[i];

        if (ngx_memcmp(s->id, id, NGX_HTTP_IMGP_SERVICE_ID) == 0) {
            return s;
        }

        if (oldest == NULL || s->used < oldest->used) {
            oldest = s;
        }
    }

    ngx_memzero(oldest, sizeof(ngx_http_imgp_shservice_t));
    ngx_memcpy(oldest->id, id, NGX_HTTP_IMGP_SERVICE_ID);

    return oldest;
}


ngx_uint_t
ngx_http_imgp_care_idle(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service)
{
    ngx_uint_t                  idle;
    ngx_http_imgp_shservice_t  *s;

    ngx_http_imgp_zone_lock(zone);

    s = ngx_http_imgp_care_service(zone, service->id);
    idle = ngx_current_msec - s->used >= service->warm;

    if (idle) {
        s->used = ngx_current_msec;
    }

    ngx_http_imgp_zone_unlock(zone);

    return idle;
}


ngx_uint_t
ngx_http_imgp_care_ended(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service, ngx_uint_t failed)
{
    ngx_uint_t          changed;
    imgp_care_state_t  *state;

    changed = 0;

    ngx_http_imgp_zone_lock(zone);

    state = ngx_http_imgp_care_state(zone, service);

    if (state) {
        changed = imgp_care_end(&service->care, state, ngx_current_msec,
                                failed);
    }

    ngx_http_imgp_zone_unlock(zone);

    return changed;
}
