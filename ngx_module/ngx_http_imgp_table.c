
/*
 * The job table in the zone: one slot per job, its record in a chain of
 * cells.  Every function takes the lock for a few hundred nanoseconds, copies
 * records in or out and logs nothing meanwhile.  The owner of a running job
 * proves itself by its fence; whoever holds an older one is told NGX_DECLINED
 * and stops.  What a full table drops is only final jobs, which are on disk.
 *
 * Called from the event loop of workers.
 */


#include "ngx_http_imgp_zone.h"


static ngx_int_t ngx_http_imgp_table_room(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, const imgp_plan_t *plan, const u_char *owner);


/*
 * NGX_OK; NGX_BUSY: the queue is full; NGX_AGAIN: its owner has his share of
 * it (without a plan neither is looked at); NGX_DECLINED: the zone is full;
 * NGX_ABORT: the job is there already
 */

ngx_int_t
ngx_http_imgp_table_insert(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    const u_char *record, size_t len, const imgp_plan_t *plan)
{
    ngx_int_t              rc;
    uint32_t              *index;
    imgp_record_head_t     head;
    ngx_http_imgp_slot_t  *slot;

    if (imgp_record_head(record, len, &head) != IMGP_OK) {
        return NGX_DECLINED;
    }

    ngx_http_imgp_zone_lock(zone);

    rc = NGX_DECLINED;

    if (ngx_http_imgp_slot_find(zone, head.id)) {
        rc = NGX_ABORT;
        goto done;
    }

    if (plan) {
        rc = ngx_http_imgp_table_room(zone, pipeline, plan, head.owner);
        if (rc != NGX_OK) {
            goto done;
        }

        rc = NGX_DECLINED;
    }

    slot = ngx_http_imgp_slot_alloc(zone);
    if (slot == NULL) {
        goto done;
    }

    /* state stays FREE until all is there: a death here leaves no half job */

    slot->record = 0;

    if (ngx_http_imgp_slot_store(zone, slot, record, len) != NGX_OK) {
        slot->next = zone->sh->free_slot;
        zone->sh->free_slot = slot - zone->slots;
        goto done;
    }

    ngx_memcpy(slot->id, head.id, IMGP_ID_BYTES);
    ngx_memcpy(slot->owner, head.owner, IMGP_OWNER_LEN);
    slot->pipeline = pipeline;
    slot->revision = head.revision;
    slot->lost = head.lost;
    slot->priority = head.priority;
    slot->expires_at = head.expires_at;
    slot->fence = 0;
    slot->finishing = 0;
    slot->worker = NGX_HTTP_IMGP_NONE;
    slot->seq = ++zone->sh->seq;

    index = ngx_http_imgp_job_hash(zone, slot->id);
    slot->next = *index;
    *index = slot - zone->slots;

    ngx_http_imgp_slot_list(zone, slot, head.state, 0);

    rc = NGX_OK;

done:

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/* the entry with a copy of its record; NGX_DECLINED: not in the table */

ngx_int_t
ngx_http_imgp_table_read(ngx_http_imgp_zone_t *zone, const u_char *id,
    u_char *buf, size_t size, ngx_http_imgp_entry_t *e)
{
    ngx_int_t              rc;
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    rc = slot ? ngx_http_imgp_slot_copy(zone, slot, e, buf, size)
              : NGX_DECLINED;

    if (rc == NGX_OK) {
        e->position = ngx_http_imgp_slot_position(zone, slot);
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


ngx_int_t
ngx_http_imgp_table_revision(ngx_http_imgp_zone_t *zone, const u_char *id,
    ngx_uint_t *revision)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot) {
        *revision = slot->revision;
    }

    ngx_http_imgp_zone_unlock(zone);

    return slot ? NGX_OK : NGX_DECLINED;
}


/*
 * A new record of a job this worker owns.  Its state moves the job: to
 * the front of its queue again, or to its end.  NGX_DECLINED: fenced out;
 * NGX_ERROR: no room now, readers see the old record for a while (a final
 * job is dropped from the table, since it is on disk).
 */

ngx_int_t
ngx_http_imgp_table_update(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t fence, const u_char *record, size_t len)
{
    ngx_int_t              rc;
    imgp_record_head_t     head;
    ngx_http_imgp_slot_t  *slot;

    if (imgp_record_head(record, len, &head) != IMGP_OK) {
        return NGX_ERROR;
    }

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_owned(zone, id, fence);

    if (slot == NULL) {
        rc = NGX_DECLINED;
        goto done;
    }

    rc = ngx_http_imgp_slot_store(zone, slot, record, len);

    if (rc != NGX_OK) {
        if (imgp_job_is_final(head.state)) {
            ngx_http_imgp_slot_drop(zone, slot);
        }

        goto done;
    }

    slot->revision = head.revision;
    slot->expires_at = head.expires_at;

    if (head.state == IMGP_JOB_RUNNING) {
        zone->sh->suspects -= ngx_http_imgp_is_suspect(slot);
        slot->lost = head.lost;
        zone->sh->suspects += ngx_http_imgp_is_suspect(slot);

    } else {
        ngx_http_imgp_slot_unlist(zone, slot);
        slot->lost = head.lost;
        slot->finishing = 0;
        slot->worker = NGX_HTTP_IMGP_NONE;
        ngx_http_imgp_slot_list(zone, slot, head.state, 1);
    }

done:

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/*
 * Before a job's end is stored: from now on nobody else may end it.  With
 * *fence 0 the job is taken from its owner, queued or running, and *fence is
 * the new one.  NGX_DECLINED: not the owner, or it is ending already.
 */

ngx_int_t
ngx_http_imgp_table_finish(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t *fence)
{
    ngx_int_t              rc;
    ngx_http_imgp_slot_t  *slot;

    rc = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot == NULL || slot->finishing
        || slot->state == NGX_HTTP_IMGP_SLOT_FINAL)
    {
        goto done;
    }

    if (*fence == 0) {
        if (slot->state == NGX_HTTP_IMGP_SLOT_QUEUED) {
            ngx_http_imgp_slot_start(zone, slot);

        } else {
            slot->worker = zone->me;
            slot->fence = ++zone->sh->fence;
        }

        *fence = slot->fence;

    } else if (slot->fence != *fence) {
        goto done;
    }

    slot->finishing = 1;
    rc = NGX_OK;

done:

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/*
 * ... and of one that is shared, when Redis has taken the end, or is away:
 * what is stored from now on stands, whoever says that it is in other hands.
 * NGX_DECLINED: it is so already.
 */

ngx_int_t
ngx_http_imgp_table_keep(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t fence)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_owned(zone, id, fence);

    if (slot) {
        slot->finishing = NGX_HTTP_IMGP_STORED;
    }

    ngx_http_imgp_zone_unlock(zone);

    return slot ? NGX_OK : NGX_DECLINED;
}


/*
 * Before what the disk has of a final job is changed: until it is closed, or
 * removed, or a lease is over, nobody else may do so.  NGX_DECLINED: somebody
 * does, or it is not what it was.
 */

ngx_int_t
ngx_http_imgp_table_open(ngx_http_imgp_zone_t *zone, const u_char *id,
    ngx_uint_t revision)
{
    ngx_int_t              rc;
    ngx_http_imgp_slot_t  *slot;

    rc = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    /* who is final has no use for a fence: it is the time of the opening */

    if (slot && slot->state == NGX_HTTP_IMGP_SLOT_FINAL
        && slot->revision == revision
        && (!slot->finishing
            || ngx_current_msec - slot->fence > NGX_HTTP_IMGP_LEASE))
    {
        slot->finishing = 1;
        slot->fence = ngx_current_msec;
        rc = NGX_OK;
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


void
ngx_http_imgp_table_close(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot && slot->state == NGX_HTTP_IMGP_SLOT_FINAL) {
        slot->finishing = 0;
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* does the fence still hold? */

ngx_uint_t
ngx_http_imgp_table_owns(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t fence)
{
    ngx_uint_t  owns;

    ngx_http_imgp_zone_lock(zone);

    owns = ngx_http_imgp_slot_owned(zone, id, fence) != NULL;

    ngx_http_imgp_zone_unlock(zone);

    return owns;
}


/* forgets a final job, or one that this worker owns */

void
ngx_http_imgp_table_remove(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot
        && (slot->state == NGX_HTTP_IMGP_SLOT_FINAL
            || slot->worker == zone->me))
    {
        ngx_http_imgp_slot_drop(zone, slot);
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* whoever has it, and whether it runs: a job that was promised to nobody */

void
ngx_http_imgp_table_forget(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    uint64_t  fence;

    fence = 0;

    if (ngx_http_imgp_table_finish(zone, id, &fence) == NGX_OK) {
        ngx_http_imgp_table_remove(zone, id);
    }
}


/* is there room for a job of this owner?  NGX_OK; as table_insert() */

ngx_int_t
ngx_http_imgp_table_queued(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    const imgp_plan_t *plan, const u_char *owner)
{
    ngx_int_t                rc;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;

    ngx_http_imgp_zone_lock(zone);

    rc = sh->final.count
         || ((sh->free_slot != NGX_HTTP_IMGP_NONE
              || sh->njobs < sh->max_jobs)
             && sh->free_cells + sh->max_cells - sh->ncells
                >= NGX_HTTP_IMGP_CELLS_JOB)
         ? ngx_http_imgp_table_room(zone, pipeline, plan, owner)
         : NGX_DECLINED;

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/* in the pipeline's queue; nobody has no share */

static ngx_int_t
ngx_http_imgp_table_room(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    const imgp_plan_t *plan, const u_char *owner)
{
    imgp_fair_key_t  key;
    static u_char    nobody[IMGP_OWNER_LEN];

    if (zone->sh->pipelines[pipeline].queue.count >= plan->queue) {
        return NGX_BUSY;
    }

    if (plan->share == 0 || ngx_memcmp(owner, nobody, IMGP_OWNER_LEN) == 0) {
        return NGX_OK;
    }

    ngx_http_imgp_slot_key(&key, pipeline, owner);

    return imgp_fair_owned(&zone->jobs, &key) < plan->share ? NGX_OK
                                                            : NGX_AGAIN;
}


/* calls the handler with the records of the next n slots, for sweeping; the
   lock is taken anew for each of them.  NGX_AGAIN: there are more */

ngx_int_t
ngx_http_imgp_table_walk(ngx_http_imgp_zone_t *zone, uint32_t *next,
    ngx_uint_t n, u_char *buf, size_t size, ngx_int_t (*handler)(void *data,
    ngx_http_imgp_entry_t *e), void *data)
{
    ngx_int_t              rc;
    ngx_http_imgp_slot_t  *slot;
    ngx_http_imgp_entry_t  e;

    for ( /* void */ ; *next < zone->sh->njobs; (*next)++) {

        if (n-- == 0) {
            return NGX_AGAIN;
        }

        slot = &zone->slots[*next];

        if (slot->state == NGX_HTTP_IMGP_SLOT_FREE) {
            continue;
        }

        ngx_http_imgp_zone_lock(zone);

        rc = slot->state == NGX_HTTP_IMGP_SLOT_FREE
             ? NGX_DECLINED
             : ngx_http_imgp_slot_copy(zone, slot, &e, buf, size);

        ngx_http_imgp_zone_unlock(zone);

        if (rc == NGX_OK && handler(data, &e) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
