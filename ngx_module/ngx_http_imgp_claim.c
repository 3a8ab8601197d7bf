
/*
 * Who may run a job: the next of a pipeline's queue, one that this worker has
 * just accepted, or one whose worker is lost, goes from the table to this
 * worker, with a new fence by which it proves that the job is its own.
 *
 * Event loop; the lock of the zone is held for a few hundred nanoseconds.
 */


#include "ngx_http_imgp_zone.h"


#define NGX_HTTP_IMGP_SUSPECT_SKIP  256


static ngx_http_imgp_slot_t *ngx_http_imgp_claim_next(
    ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline);


/*
 * The next job that may run: NGX_OK with its entry, now owned by this worker;
 * NGX_DECLINED: none.  "limits" has an element per pipeline of the zone:
 * jobs at once, or 0 for a pipeline that this configuration does not have
 * (its jobs are taken only to be failed).
 */

ngx_int_t
ngx_http_imgp_claim(ngx_http_imgp_zone_t *zone, ngx_uint_t *limits,
    ngx_uint_t first, u_char *buf, size_t size, ngx_http_imgp_entry_t *e)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i, n;
    ngx_http_imgp_slot_t        *slot;
    ngx_http_imgp_shpipeline_t  *p;

    rc = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    for (i = 0; i < NGX_HTTP_IMGP_PIPELINES; i++) {
        n = (first + i) % NGX_HTTP_IMGP_PIPELINES;
        p = &zone->sh->pipelines[n];

        if (p->queue.count == 0 || (limits[n] && p->running >= limits[n])) {
            continue;
        }

        /* a pipeline of a newer configuration: its own workers run it */

        if (limits[n] == 0 && p->last > zone->generation) {
            continue;
        }

        slot = ngx_http_imgp_claim_next(zone, n);
        if (slot == NULL) {
            continue;
        }

        rc = ngx_http_imgp_slot_copy(zone, slot, e, buf, size);
        if (rc == NGX_OK) {
            ngx_http_imgp_slot_start(zone, slot);
            e->fence = slot->fence;
        }

        break;
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/*
 * Whose turn it is.  A job that was running when its worker died is
 * suspect: only one of them runs at a time, so that a picture that kills its
 * worker takes no other suspect with it, and is found out itself.
 */

static ngx_http_imgp_slot_t *
ngx_http_imgp_claim_next(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline)
{
    uint32_t               i;
    ngx_uint_t             skip;
    imgp_fair_queue_t     *queue;
    ngx_http_imgp_slot_t  *slot;

    queue = &zone->sh->pipelines[pipeline].queue;
    i = imgp_fair_first(queue, &zone->jobs);

    for (skip = 0; i != NGX_HTTP_IMGP_NONE; skip++) {
        slot = &zone->slots[i];

        if (!ngx_http_imgp_is_suspect(slot) || zone->sh->suspects == 0) {
            return slot;
        }

        if (skip == NGX_HTTP_IMGP_SUSPECT_SKIP) {
            break;
        }

        i = imgp_fair_next(&zone->jobs, queue, i);
    }

    return NULL;
}


/* this one job, if it is queued and its pipeline has a place free */

ngx_int_t
ngx_http_imgp_claim_one(ngx_http_imgp_zone_t *zone, const u_char *id,
    ngx_uint_t limit, uint64_t *fence)
{
    ngx_int_t                    rc;
    ngx_http_imgp_slot_t        *slot;
    ngx_http_imgp_shpipeline_t  *p;

    rc = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot && slot->state == NGX_HTTP_IMGP_SLOT_QUEUED
        && !ngx_http_imgp_is_suspect(slot))
    {
        p = &zone->sh->pipelines[slot->pipeline];

        if (p->running < limit
            && imgp_fair_first(&p->queue, &zone->jobs)
               == (uint32_t) (slot - zone->slots))
        {
            ngx_http_imgp_slot_start(zone, slot);
            *fence = slot->fence;
            rc = NGX_OK;
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/* a job whose worker is lost comes to this worker, e->lost has grown:
   NGX_OK, NGX_DECLINED; *next is 0 at first, then where to go on */

ngx_int_t
ngx_http_imgp_claim_lost(ngx_http_imgp_zone_t *zone, uint32_t *next,
    u_char *buf, size_t size, ngx_http_imgp_entry_t *e)
{
    u_char                 lost[NGX_HTTP_IMGP_WORKERS];
    ngx_int_t              rc;
    ngx_http_imgp_slot_t  *slot;

    rc = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    if (ngx_http_imgp_zone_losses(zone, lost) != NGX_OK) {
        goto done;
    }

    while (*next < zone->sh->njobs) {
        slot = &zone->slots[(*next)++];

        if (slot->state != NGX_HTTP_IMGP_SLOT_RUNNING
            || (slot->worker < NGX_HTTP_IMGP_WORKERS && !lost[slot->worker]))
        {
            continue;
        }

        rc = ngx_http_imgp_slot_copy(zone, slot, e, buf, size);

        if (rc == NGX_OK) {
            e->lost += slot->worker < NGX_HTTP_IMGP_WORKERS
                       && zone->sh->workers[slot->worker].blameless
                       ? IMGP_LOST_KILL : IMGP_LOST_CRASH;

            slot->worker = zone->me;
            slot->finishing = 0;
            slot->fence = ++zone->sh->fence;
            e->fence = slot->fence;
        }

        break;
    }

done:

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}
