
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


#define NGX_HTTP_IMGP_SUSPECT_SKIP  256
#define NGX_HTTP_IMGP_POSITION_MAX  4096  /* in a queue: counted so far */


static ngx_http_imgp_slot_t *ngx_http_imgp_table_find(
    ngx_http_imgp_zone_t *zone, const u_char *id);
static ngx_http_imgp_slot_t *ngx_http_imgp_table_owned(
    ngx_http_imgp_zone_t *zone, const u_char *id, uint64_t fence);
static ngx_int_t ngx_http_imgp_table_store(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, const u_char *record, size_t len);
static void ngx_http_imgp_table_free_cells(ngx_http_imgp_zone_t *zone,
    uint32_t first, uint32_t n);
static ngx_http_imgp_slot_t *ngx_http_imgp_table_alloc(
    ngx_http_imgp_zone_t *zone);
static ngx_uint_t ngx_http_imgp_table_evict(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *except);
static void ngx_http_imgp_table_drop(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
static void ngx_http_imgp_table_unlist(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
static void ngx_http_imgp_table_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t job_state, ngx_uint_t front);
static ngx_int_t ngx_http_imgp_table_copy(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_http_imgp_entry_t *e, u_char *buf,
    size_t size);
static int64_t ngx_http_imgp_table_position(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
static void ngx_http_imgp_table_start(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
static ngx_http_imgp_slot_t *ngx_http_imgp_table_next(
    ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline);


/*
 * NGX_OK; NGX_BUSY: the queue is full (a limit of 0 skips this check);
 * NGX_DECLINED: the zone is full; NGX_ABORT: the job is there already
 */

ngx_int_t
ngx_http_imgp_table_insert(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    const u_char *record, size_t len, ngx_uint_t queue)
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

    if (ngx_http_imgp_table_find(zone, head.id)) {
        rc = NGX_ABORT;
        goto done;
    }

    if (queue && zone->sh->pipelines[pipeline].queue.count >= queue) {
        rc = NGX_BUSY;
        goto done;
    }

    slot = ngx_http_imgp_table_alloc(zone);
    if (slot == NULL) {
        goto done;
    }

    /* state stays FREE until all is there: a death here leaves no half job */

    slot->record = 0;

    if (ngx_http_imgp_table_store(zone, slot, record, len) != NGX_OK) {
        slot->next = zone->sh->free_slot;
        zone->sh->free_slot = slot - zone->slots;
        goto done;
    }

    ngx_memcpy(slot->id, head.id, IMGP_ID_BYTES);
    ngx_memcpy(slot->owner, head.owner, IMGP_OWNER_LEN);
    slot->pipeline = pipeline;
    slot->revision = head.revision;
    slot->lost = head.lost;
    slot->expires_at = head.expires_at;
    slot->fence = 0;
    slot->finishing = 0;
    slot->worker = NGX_HTTP_IMGP_NONE;
    slot->seq = ++zone->sh->seq;

    index = ngx_http_imgp_job_hash(zone, slot->id);
    slot->next = *index;
    *index = slot - zone->slots;

    ngx_http_imgp_table_list(zone, slot, head.state, 0);

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

    slot = ngx_http_imgp_table_find(zone, id);

    rc = slot ? ngx_http_imgp_table_copy(zone, slot, e, buf, size)
              : NGX_DECLINED;

    if (rc == NGX_OK) {
        e->position = ngx_http_imgp_table_position(zone, slot);
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

    slot = ngx_http_imgp_table_find(zone, id);

    if (slot) {
        *revision = slot->revision;
    }

    ngx_http_imgp_zone_unlock(zone);

    return slot ? NGX_OK : NGX_DECLINED;
}


/*
 * The next job that may run: NGX_OK with its entry, now owned by this worker;
 * NGX_DECLINED: none.  "limits" has an element per pipeline of the zone:
 * jobs at once, or 0 for a pipeline that this configuration does not have
 * (its jobs are taken only to be failed).
 */

ngx_int_t
ngx_http_imgp_table_claim(ngx_http_imgp_zone_t *zone, ngx_uint_t *limits,
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

        if (limits[n] == 0 && p->generation > zone->generation) {
            continue;
        }

        slot = ngx_http_imgp_table_next(zone, n);
        if (slot == NULL) {
            continue;
        }

        rc = ngx_http_imgp_table_copy(zone, slot, e, buf, size);
        if (rc == NGX_OK) {
            ngx_http_imgp_table_start(zone, slot);
            e->fence = slot->fence;
        }

        break;
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/* this one job, if it is queued and its pipeline has a place free */

ngx_int_t
ngx_http_imgp_table_take(ngx_http_imgp_zone_t *zone, const u_char *id,
    ngx_uint_t limit, uint64_t *fence)
{
    ngx_int_t                    rc;
    ngx_http_imgp_slot_t        *slot;
    ngx_http_imgp_shpipeline_t  *p;

    rc = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_table_find(zone, id);

    if (slot && slot->state == NGX_HTTP_IMGP_SLOT_QUEUED
        && !ngx_http_imgp_is_suspect(slot))
    {
        p = &zone->sh->pipelines[slot->pipeline];

        if (p->running < limit
            && p->queue.head == (uint32_t) (slot - zone->slots))
        {
            ngx_http_imgp_table_start(zone, slot);
            *fence = slot->fence;
            rc = NGX_OK;
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    return rc;
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

    slot = ngx_http_imgp_table_owned(zone, id, fence);

    if (slot == NULL) {
        rc = NGX_DECLINED;
        goto done;
    }

    rc = ngx_http_imgp_table_store(zone, slot, record, len);

    if (rc != NGX_OK) {
        if (imgp_job_is_final(head.state)) {
            ngx_http_imgp_table_drop(zone, slot);
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
        ngx_http_imgp_table_unlist(zone, slot);
        slot->lost = head.lost;
        slot->finishing = 0;
        slot->worker = NGX_HTTP_IMGP_NONE;
        ngx_http_imgp_table_list(zone, slot, head.state, 1);
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

    slot = ngx_http_imgp_table_find(zone, id);

    if (slot == NULL || slot->finishing
        || slot->state == NGX_HTTP_IMGP_SLOT_FINAL)
    {
        goto done;
    }

    if (*fence == 0) {
        if (slot->state == NGX_HTTP_IMGP_SLOT_QUEUED) {
            ngx_http_imgp_table_start(zone, slot);

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

    slot = ngx_http_imgp_table_find(zone, id);

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

    slot = ngx_http_imgp_table_find(zone, id);

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

    owns = ngx_http_imgp_table_owned(zone, id, fence) != NULL;

    ngx_http_imgp_zone_unlock(zone);

    return owns;
}


/* a job whose worker is lost comes to this worker, e->lost has grown:
   NGX_OK, NGX_DECLINED; *next is 0 at first, then where to go on */

ngx_int_t
ngx_http_imgp_table_reap(ngx_http_imgp_zone_t *zone, uint32_t *next,
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

        rc = ngx_http_imgp_table_copy(zone, slot, e, buf, size);

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


/* forgets a final job, or one that this worker owns */

void
ngx_http_imgp_table_remove(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_table_find(zone, id);

    if (slot
        && (slot->state == NGX_HTTP_IMGP_SLOT_FINAL
            || slot->worker == zone->me))
    {
        ngx_http_imgp_table_drop(zone, slot);
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* how many wait in a pipeline; NGX_DECLINED when the zone cannot take more */

ngx_int_t
ngx_http_imgp_table_queued(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t *queued)
{
    ngx_int_t                rc;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;

    ngx_http_imgp_zone_lock(zone);

    *queued = sh->pipelines[pipeline].queue.count;

    rc = sh->final.count
         || ((sh->free_slot != NGX_HTTP_IMGP_NONE
              || sh->njobs < sh->max_jobs)
             && sh->free_cells + sh->max_cells - sh->ncells
                >= NGX_HTTP_IMGP_CELLS_JOB)
         ? NGX_OK : NGX_DECLINED;

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/* calls the handler with the record of each job of the table, for sweeping;
   the lock is taken anew for each of them */

ngx_int_t
ngx_http_imgp_table_walk(ngx_http_imgp_zone_t *zone, u_char *buf, size_t size,
    ngx_int_t (*handler)(void *data, ngx_http_imgp_entry_t *e), void *data)
{
    uint32_t               i;
    ngx_int_t              rc;
    ngx_http_imgp_slot_t  *slot;
    ngx_http_imgp_entry_t  e;

    for (i = 0; i < zone->sh->njobs; i++) {
        slot = &zone->slots[i];

        if (slot->state == NGX_HTTP_IMGP_SLOT_FREE) {
            continue;
        }

        ngx_http_imgp_zone_lock(zone);

        rc = slot->state == NGX_HTTP_IMGP_SLOT_FREE
             ? NGX_DECLINED
             : ngx_http_imgp_table_copy(zone, slot, &e, buf, size);

        ngx_http_imgp_zone_unlock(zone);

        if (rc == NGX_OK && handler(data, &e) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_imgp_slot_t *
ngx_http_imgp_table_find(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    uint32_t  i;

    for (i = *ngx_http_imgp_job_hash(zone, id);
         i != NGX_HTTP_IMGP_NONE;
         i = zone->slots[i].next)
    {
        if (ngx_memcmp(zone->slots[i].id, id, IMGP_ID_BYTES) == 0) {
            return &zone->slots[i];
        }
    }

    return NULL;
}


static ngx_http_imgp_slot_t *
ngx_http_imgp_table_owned(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t fence)
{
    ngx_http_imgp_slot_t  *slot;

    slot = ngx_http_imgp_table_find(zone, id);

    if (slot == NULL || slot->state != NGX_HTTP_IMGP_SLOT_RUNNING
        || slot->fence != fence)
    {
        return NULL;
    }

    return slot;
}


/* the new chain is written first, one store makes it the record, then the
   old one is given back */

static ngx_int_t
ngx_http_imgp_table_store(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, const u_char *record, size_t len)
{
    size_t                   n, done;
    uint32_t                 i, first, last, old, need;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;
    need = ngx_http_imgp_zone_ncells(len);

    while (sh->free_cells < need) {
        if (ngx_http_imgp_zone_more_cells(zone) != NGX_OK
            && !ngx_http_imgp_table_evict(zone, slot))
        {
            return NGX_ERROR;
        }
    }

    first = last = i = sh->free_cell;

    for (done = 0; done < len; done += n) {
        n = ngx_min(len - done, NGX_HTTP_IMGP_CELL_DATA);
        ngx_memcpy(zone->cells[i].data, record + done, n);

        last = i;
        i = zone->cells[i].next;
    }

    sh->free_cell = i;
    sh->free_cells -= need;
    zone->cells[last].next = NGX_HTTP_IMGP_NONE;

    old = ngx_http_imgp_zone_ncells((uint32_t) slot->record);
    i = (uint32_t) (slot->record >> 32);

    ngx_memory_barrier();
    slot->record = (uint64_t) first << 32 | len;
    ngx_memory_barrier();

    ngx_http_imgp_table_free_cells(zone, i, old);

    return NGX_OK;
}


static void
ngx_http_imgp_table_free_cells(ngx_http_imgp_zone_t *zone, uint32_t first,
    uint32_t n)
{
    uint32_t  next;

    while (n-- > 0) {
        next = zone->cells[first].next;
        zone->cells[first].next = zone->sh->free_cell;
        zone->sh->free_cell = first;
        zone->sh->free_cells++;
        first = next;
    }
}


static ngx_http_imgp_slot_t *
ngx_http_imgp_table_alloc(ngx_http_imgp_zone_t *zone)
{
    uint32_t  i;

    while (zone->sh->free_slot == NGX_HTTP_IMGP_NONE) {
        if (ngx_http_imgp_zone_more_slots(zone) != NGX_OK
            && !ngx_http_imgp_table_evict(zone, NULL))
        {
            return NULL;
        }
    }

    i = zone->sh->free_slot;
    zone->sh->free_slot = zone->slots[i].next;

    return &zone->slots[i];
}


/* the oldest final job makes room: it can still be read from the disk */

static ngx_uint_t
ngx_http_imgp_table_evict(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *except)
{
    uint32_t  i;

    i = zone->sh->final.head;

    if (i != NGX_HTTP_IMGP_NONE && &zone->slots[i] == except) {
        i = except->q_next;
    }

    if (i == NGX_HTTP_IMGP_NONE) {
        return 0;
    }

    ngx_http_imgp_table_drop(zone, &zone->slots[i]);

    return 1;
}


static void
ngx_http_imgp_table_drop(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    uint32_t  *index, i;

    i = slot - zone->slots;

    ngx_http_imgp_table_unlist(zone, slot);

    for (index = ngx_http_imgp_job_hash(zone, slot->id);
         *index != i;
         index = &zone->slots[*index].next)
    {
        /* void */
    }

    *index = slot->next;

    slot->state = NGX_HTTP_IMGP_SLOT_FREE;

    ngx_http_imgp_table_free_cells(zone, (uint32_t) (slot->record >> 32),
                      ngx_http_imgp_zone_ncells((uint32_t) slot->record));

    slot->record = 0;
    slot->next = zone->sh->free_slot;
    zone->sh->free_slot = i;
}


/* out of the list and the counters of its state */

static void
ngx_http_imgp_table_unlist(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    uint32_t                     i;
    ngx_http_imgp_shpipeline_t  *p;

    i = slot - zone->slots;
    p = &zone->sh->pipelines[slot->pipeline];

    switch (slot->state) {

    case NGX_HTTP_IMGP_SLOT_QUEUED:
        ngx_http_imgp_list_remove(zone, &p->queue, i);
        break;

    case NGX_HTTP_IMGP_SLOT_RUNNING:
        p->running--;
        zone->sh->suspects -= ngx_http_imgp_is_suspect(slot);
        break;

    case NGX_HTTP_IMGP_SLOT_FINAL:
        ngx_http_imgp_list_remove(zone, &zone->sh->final, i);
        break;
    }
}


/* into them; a record that says "running" has just lost its worker or its
   nginx, so it waits like a queued one */

static void
ngx_http_imgp_table_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t job_state, ngx_uint_t front)
{
    uint32_t  i;

    i = slot - zone->slots;
    slot->job_state = job_state;

    if (imgp_job_is_final(job_state)) {
        ngx_http_imgp_list_push(zone, &zone->sh->final, i, 0);
        slot->seq = ++zone->sh->seq;
        slot->state = NGX_HTTP_IMGP_SLOT_FINAL;
        return;
    }

    ngx_http_imgp_list_push(zone, &zone->sh->pipelines[slot->pipeline].queue,
                            i, front);
    slot->state = NGX_HTTP_IMGP_SLOT_QUEUED;
}


static ngx_int_t
ngx_http_imgp_table_copy(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_http_imgp_entry_t *e, u_char *buf,
    size_t size)
{
    size_t    n, done;
    uint32_t  i;

    e->len = (uint32_t) slot->record;
    e->record = buf;

    if (e->len > size) {
        return NGX_AGAIN;
    }

    i = (uint32_t) (slot->record >> 32);

    for (done = 0; done < e->len; done += n) {
        n = ngx_min(e->len - done, NGX_HTTP_IMGP_CELL_DATA);
        ngx_memcpy(buf + done, zone->cells[i].data, n);
        i = zone->cells[i].next;
    }

    ngx_memcpy(e->id, slot->id, IMGP_ID_BYTES);
    ngx_memcpy(e->owner, slot->owner, IMGP_OWNER_LEN);
    e->pipeline = slot->pipeline;
    e->state = slot->job_state;
    e->revision = slot->revision;
    e->lost = slot->lost;
    e->fence = slot->fence;
    e->expires_at = slot->expires_at;
    e->position = -1;

    return NGX_OK;
}


/* 1 is the head of the queue; -1: not queued, or far behind */

static int64_t
ngx_http_imgp_table_position(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    int64_t  n;

    if (slot->state != NGX_HTTP_IMGP_SLOT_QUEUED) {
        return -1;
    }

    for (n = 1; slot->q_prev != NGX_HTTP_IMGP_NONE; n++) {

        if (n == NGX_HTTP_IMGP_POSITION_MAX) {
            return -1;
        }

        slot = &zone->slots[slot->q_prev];
    }

    return n;
}


static void
ngx_http_imgp_table_start(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    ngx_http_imgp_table_unlist(zone, slot);

    slot->worker = zone->me;
    slot->fence = ++zone->sh->fence;
    slot->finishing = 0;
    slot->job_state = IMGP_JOB_RUNNING;
    slot->state = NGX_HTTP_IMGP_SLOT_RUNNING;

    zone->sh->pipelines[slot->pipeline].running++;
    zone->sh->suspects += ngx_http_imgp_is_suspect(slot);
}


/*
 * The head of the queue.  A job that was running when its worker died is
 * suspect: only one of them runs at a time, so that a picture that kills its
 * worker takes no other suspect with it, and is found out itself.
 */

static ngx_http_imgp_slot_t *
ngx_http_imgp_table_next(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline)
{
    uint32_t               i;
    ngx_uint_t             skip;
    ngx_http_imgp_slot_t  *slot;

    i = zone->sh->pipelines[pipeline].queue.head;

    for (skip = 0; i != NGX_HTTP_IMGP_NONE; skip++) {
        slot = &zone->slots[i];

        if (!ngx_http_imgp_is_suspect(slot) || zone->sh->suspects == 0) {
            return slot;
        }

        if (skip == NGX_HTTP_IMGP_SUSPECT_SKIP) {
            break;
        }

        i = slot->q_next;
    }

    return NULL;
}
