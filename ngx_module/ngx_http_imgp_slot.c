
/*
 * Slots of the job table and the cells of their records.  A record is changed
 * by writing the new chain of cells first; then one store makes it the
 * record, and the old chain is given back.  Whatever list or counter a slot
 * is in follows from its state.
 *
 * Called under the lock of the zone, by ngx_http_imgp_table.c.
 */


#include "ngx_http_imgp_zone.h"


#define NGX_HTTP_IMGP_POSITION_MAX  4096  /* in a queue: counted so far */


static void ngx_http_imgp_slot_free_cells(ngx_http_imgp_zone_t *zone,
    uint32_t first, uint32_t n);
static ngx_uint_t ngx_http_imgp_slot_evict(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *except);


ngx_http_imgp_slot_t *
ngx_http_imgp_slot_find(ngx_http_imgp_zone_t *zone, const u_char *id)
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


ngx_http_imgp_slot_t *
ngx_http_imgp_slot_owned(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t fence)
{
    ngx_http_imgp_slot_t  *slot;

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot == NULL || slot->state != NGX_HTTP_IMGP_SLOT_RUNNING
        || slot->fence != fence)
    {
        return NULL;
    }

    return slot;
}


/* the new chain is written first, one store makes it the record, then the
   old one is given back */

ngx_int_t
ngx_http_imgp_slot_store(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, const u_char *record, size_t len)
{
    size_t                   n, done;
    uint32_t                 i, first, last, old, need;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;
    need = ngx_http_imgp_zone_ncells(len);

    while (sh->free_cells < need) {
        if (ngx_http_imgp_zone_more_cells(zone) != NGX_OK
            && !ngx_http_imgp_slot_evict(zone, slot))
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

    ngx_http_imgp_slot_free_cells(zone, i, old);

    return NGX_OK;
}


static void
ngx_http_imgp_slot_free_cells(ngx_http_imgp_zone_t *zone, uint32_t first,
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


ngx_http_imgp_slot_t *
ngx_http_imgp_slot_alloc(ngx_http_imgp_zone_t *zone)
{
    uint32_t  i;

    while (zone->sh->free_slot == NGX_HTTP_IMGP_NONE) {
        if (ngx_http_imgp_zone_more_slots(zone) != NGX_OK
            && !ngx_http_imgp_slot_evict(zone, NULL))
        {
            return NULL;
        }
    }

    i = zone->sh->free_slot;
    zone->sh->free_slot = zone->slots[i].next;

    zone->slots[i].lease = 0;
    zone->slots[i].unsaid = 0;

    return &zone->slots[i];
}


/* the oldest final job makes room: it can still be read from the disk */

static ngx_uint_t
ngx_http_imgp_slot_evict(ngx_http_imgp_zone_t *zone,
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

    ngx_http_imgp_slot_drop(zone, &zone->slots[i]);

    return 1;
}


void
ngx_http_imgp_slot_drop(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    uint32_t  *index, i;

    i = slot - zone->slots;

    ngx_http_imgp_slot_unlist(zone, slot);

    for (index = ngx_http_imgp_job_hash(zone, slot->id);
         *index != i;
         index = &zone->slots[*index].next)
    {
        /* void */
    }

    *index = slot->next;

    slot->state = NGX_HTTP_IMGP_SLOT_FREE;

    ngx_http_imgp_slot_free_cells(zone, (uint32_t) (slot->record >> 32),
                      ngx_http_imgp_zone_ncells((uint32_t) slot->record));

    slot->record = 0;
    slot->next = zone->sh->free_slot;
    zone->sh->free_slot = i;
}


/* out of the list and the counters of its state */

void
ngx_http_imgp_slot_unlist(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    uint32_t                     i;
    ngx_http_imgp_shpipeline_t  *p;

    i = slot - zone->slots;
    p = &zone->sh->pipelines[slot->pipeline];

    switch (slot->state) {

    case NGX_HTTP_IMGP_SLOT_QUEUED:
        imgp_fair_remove(&zone->jobs, &p->queue, i);
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

void
ngx_http_imgp_slot_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t job_state, ngx_uint_t front)
{
    slot->job_state = job_state;

    if (imgp_job_is_final(job_state)) {
        ngx_http_imgp_list_push(zone, &zone->sh->final, slot - zone->slots,
                                0);
        slot->seq = ++zone->sh->seq;
        slot->state = NGX_HTTP_IMGP_SLOT_FINAL;
        return;
    }

    ngx_http_imgp_slot_queue(zone, slot, front);
    slot->state = NGX_HTTP_IMGP_SLOT_QUEUED;
}


void
ngx_http_imgp_slot_queue(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t front)
{
    imgp_fair_key_t  key;

    ngx_http_imgp_slot_key(&key, slot->pipeline, slot->owner);
    key.level = ngx_min(slot->priority, IMGP_PRIORITY_LOW);

    imgp_fair_push(&zone->jobs, &zone->sh->pipelines[slot->pipeline].queue,
                   &key, slot - zone->slots, front);
}


/* of what waits in a pipeline's queue; its level is the caller's */

void
ngx_http_imgp_slot_key(imgp_fair_key_t *key, ngx_uint_t pipeline,
    const u_char *owner)
{
    key->owner = owner;
    key->queue = pipeline;
    key->lane = 0;
    key->level = IMGP_PRIORITY_NORMAL;
}


ngx_int_t
ngx_http_imgp_slot_copy(ngx_http_imgp_zone_t *zone,
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
    e->lease = slot->lease;
    e->copy = slot->state == NGX_HTTP_IMGP_SLOT_FINAL
              && !imgp_job_is_final(slot->job_state);
    e->position = -1;

    return NGX_OK;
}


/* 1 is who is next; -1: not queued, or far behind */

int64_t
ngx_http_imgp_slot_position(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    if (slot->state != NGX_HTTP_IMGP_SLOT_QUEUED) {
        return -1;
    }

    return imgp_fair_position(&zone->jobs,
                              &zone->sh->pipelines[slot->pipeline].queue,
                              slot - zone->slots,
                              NGX_HTTP_IMGP_POSITION_MAX);
}


/* a queued one runs: its owner has had its turn */

void
ngx_http_imgp_slot_start(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    imgp_fair_take(&zone->jobs, &zone->sh->pipelines[slot->pipeline].queue,
                   slot - zone->slots);

    slot->worker = zone->me;
    slot->fence = ++zone->sh->fence;
    slot->finishing = 0;
    slot->job_state = IMGP_JOB_RUNNING;
    slot->state = NGX_HTTP_IMGP_SLOT_RUNNING;

    zone->sh->pipelines[slot->pipeline].running++;
    zone->sh->suspects += ngx_http_imgp_is_suspect(slot);
}
