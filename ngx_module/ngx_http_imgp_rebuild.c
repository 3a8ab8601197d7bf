
/*
 * The zone after a worker died inside its lock: free lists, hash chains,
 * queues and counters are made anew from the slots, cells and flights, which
 * each change by one store.  A slot whose record is not whole is forgotten:
 * its 202 was not sent, or it is on disk.
 *
 * Called under the lock; nobody else looks at the zone meanwhile.
 */


#include "ngx_http_imgp_zone.h"


static void ngx_http_imgp_rebuild_cells(ngx_http_imgp_zone_t *zone,
    u_char *used);
static ngx_int_t ngx_http_imgp_rebuild_mark(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, u_char *used);
static void ngx_http_imgp_rebuild_slots(ngx_http_imgp_zone_t *zone);
static void ngx_http_imgp_rebuild_reset(ngx_http_imgp_zone_t *zone);
static void ngx_http_imgp_rebuild_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
static void ngx_http_imgp_rebuild_flights(ngx_http_imgp_zone_t *zone);
static void ngx_http_imgp_rebuild_stages(ngx_http_imgp_zone_t *zone);
static int ngx_libc_cdecl ngx_http_imgp_rebuild_cmp(const void *one,
    const void *two);


void
ngx_http_imgp_rebuild(ngx_http_imgp_zone_t *zone)
{
    u_char                  *used;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;

    used = ngx_calloc(sh->ncells + 1, zone->log);
    if (used == NULL) {
        /* no way to go on with indexes that may be wrong */
        ngx_log_error(NGX_LOG_EMERG, zone->log, 0,
                      "image pipeline zone: no memory to rebuild it");
        ngx_shmtx_unlock(&zone->shpool->mutex);
        exit(2);
    }

    sh->rebuilt++;

    ngx_http_imgp_rebuild_cells(zone, used);
    ngx_http_imgp_rebuild_slots(zone);
    ngx_http_imgp_rebuild_flights(zone);

    ngx_free(used);
}


static void
ngx_http_imgp_rebuild_cells(ngx_http_imgp_zone_t *zone, u_char *used)
{
    uint32_t                 i;
    ngx_http_imgp_slot_t    *slot;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;

    for (i = 0; i < sh->njobs; i++) {
        slot = &zone->slots[i];

        if (slot->state == NGX_HTTP_IMGP_SLOT_FREE) {
            continue;
        }

        if (ngx_http_imgp_rebuild_mark(zone, slot, used) != NGX_OK) {
            /* never made whole: its 202 was not sent, or it is on disk */
            slot->state = NGX_HTTP_IMGP_SLOT_FREE;
        }
    }

    sh->free_cell = NGX_HTTP_IMGP_NONE;
    sh->free_cells = 0;

    for (i = sh->ncells; i-- > 0; /* void */) {
        if (!used[i]) {
            zone->cells[i].next = sh->free_cell;
            sh->free_cell = i;
            sh->free_cells++;
        }
    }
}


/* marks the cells of a slot's record; an index out of range, a cell that has
   another owner or a record of another job means that it is not one */

static ngx_int_t
ngx_http_imgp_rebuild_mark(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, u_char *used)
{
    size_t    len;
    uint32_t  i, first, marked, n;

    first = (uint32_t) (slot->record >> 32);
    len = (uint32_t) slot->record;
    n = ngx_http_imgp_zone_ncells(len);

    if (n == 0 || n > zone->sh->ncells) {
        return NGX_ERROR;
    }

    for (marked = 0, i = first; marked < n; marked++, i = zone->cells[i].next)
    {
        if (i >= zone->sh->ncells || used[i]) {
            break;
        }

        used[i] = 1;
    }

    if (marked == n) {
        return NGX_OK;
    }

    for (i = first; marked > 0; marked--, i = zone->cells[i].next) {
        used[i] = 0;
    }

    return NGX_ERROR;
}


static void
ngx_http_imgp_rebuild_slots(ngx_http_imgp_zone_t *zone)
{
    uint32_t                 i, n, *index;
    ngx_http_imgp_slot_t    *slot, **order;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;

    ngx_http_imgp_rebuild_reset(zone);

    order = ngx_alloc((sh->njobs + 1) * sizeof(ngx_http_imgp_slot_t *),
                      zone->log);
    if (order == NULL) {
        exit(2);
    }

    for (n = 0, i = sh->njobs; i-- > 0; /* void */) {
        slot = &zone->slots[i];

        if (slot->state == NGX_HTTP_IMGP_SLOT_FREE
            || slot->pipeline >= NGX_HTTP_IMGP_PIPELINES)
        {
            slot->state = NGX_HTTP_IMGP_SLOT_FREE;
            slot->next = sh->free_slot;
            sh->free_slot = i;
            continue;
        }

        index = ngx_http_imgp_job_hash(zone, slot->id);
        slot->next = *index;
        *index = i;
        order[n++] = slot;
    }

    ngx_qsort(order, n, sizeof(ngx_http_imgp_slot_t *),
              ngx_http_imgp_rebuild_cmp);

    for (i = 0; i < n; i++) {
        ngx_http_imgp_rebuild_list(zone, order[i]);
    }

    ngx_free(order);
}


static void
ngx_http_imgp_rebuild_reset(ngx_http_imgp_zone_t *zone)
{
    uint32_t                     i;
    ngx_http_imgp_shzone_t      *sh;
    ngx_http_imgp_shpipeline_t  *p;

    sh = zone->sh;

    for (i = 0; i < sh->nhash; i++) {
        zone->job_hash[i] = NGX_HTTP_IMGP_NONE;
    }

    for (i = 0; i < NGX_HTTP_IMGP_PIPELINES; i++) {
        p = &sh->pipelines[i];
        imgp_fair_reset(&p->queue);
        p->running = 0;
    }

    imgp_fair_init(&zone->jobs);

    sh->final.head = sh->final.tail = NGX_HTTP_IMGP_NONE;
    sh->final.count = 0;
    sh->free_slot = NGX_HTTP_IMGP_NONE;
    sh->suspects = 0;
}


/* into the list and the counters of its state; in the order of their coming */

static void
ngx_http_imgp_rebuild_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot)
{
    ngx_http_imgp_shzone_t      *sh;
    ngx_http_imgp_shpipeline_t  *p;

    sh = zone->sh;
    p = &sh->pipelines[slot->pipeline];

    switch (slot->state) {

    case NGX_HTTP_IMGP_SLOT_QUEUED:
        ngx_http_imgp_slot_queue(zone, slot, 0);
        break;

    case NGX_HTTP_IMGP_SLOT_RUNNING:
        p->running++;
        sh->suspects += ngx_http_imgp_is_suspect(slot);
        break;

    default: /* NGX_HTTP_IMGP_SLOT_FINAL */
        ngx_http_imgp_list_push(zone, &sh->final, slot - zone->slots, 0);
    }
}


static int ngx_libc_cdecl
ngx_http_imgp_rebuild_cmp(const void *one, const void *two)
{
    const ngx_http_imgp_slot_t  *a, *b;

    a = *(ngx_http_imgp_slot_t **) one;
    b = *(ngx_http_imgp_slot_t **) two;

    return a->seq < b->seq ? -1 : a->seq > b->seq;
}


static void
ngx_http_imgp_rebuild_flights(ngx_http_imgp_zone_t *zone)
{
    uint32_t                 i, *index;
    ngx_http_imgp_flight_t  *f;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;
    sh->free_flight = NGX_HTTP_IMGP_NONE;

    for (i = 0; i < sh->nhash; i++) {
        zone->flight_hash[i] = NGX_HTTP_IMGP_NONE;
    }

    ngx_http_imgp_rebuild_stages(zone);

    for (i = sh->nflights; i-- > 0; /* void */) {
        f = &zone->flights[i];

        if (!f->used || f->pipeline >= NGX_HTTP_IMGP_PIPELINES
            || f->stage >= IMGP_STAGES_MAX || f->lane >= IMGP_LANES_MAX)
        {
            f->used = 0;
            f->next = sh->free_flight;
            sh->free_flight = i;
            continue;
        }

        index = ngx_http_imgp_flight_hash(zone, f->key);
        f->next = *index;
        *index = i;

        if (f->calling) {
            f->waiting = 0;
            sh->pipelines[f->pipeline].stages[f->stage].calls++;
            sh->pipelines[f->pipeline].stages[f->stage].lanes[f->lane].calls++;

        } else if (f->waiting) {
            f->level = ngx_min(f->level, IMGP_PRIORITY_LOW);
            ngx_http_imgp_turn_enter(zone, f);
        }
    }
}


/* limits stay */

static void
ngx_http_imgp_rebuild_stages(ngx_http_imgp_zone_t *zone)
{
    ngx_uint_t                i, n, lane;
    ngx_http_imgp_shstage_t  *st;

    imgp_fair_init(&zone->calls);

    for (i = 0; i < NGX_HTTP_IMGP_PIPELINES; i++) {

        for (n = 0; n < IMGP_STAGES_MAX; n++) {
            st = &zone->sh->pipelines[i].stages[n];

            imgp_fair_reset(&st->queue);
            st->calls = 0;

            for (lane = 0; lane < IMGP_LANES_MAX; lane++) {
                st->lanes[lane].calls = 0;
            }
        }
    }
}
