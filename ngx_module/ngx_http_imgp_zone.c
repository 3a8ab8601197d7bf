
/*
 * The shared zone: its layout, its lock, and the table of worker processes.
 * The layout and the reasons stand in ngx_http_imgp_zone.h.
 *
 * zone_init() runs in the master, all else in the event loop of workers.
 */


#include "ngx_http_imgp_zone.h"


static ngx_int_t ngx_http_imgp_zone_layout(ngx_http_imgp_zone_t *zone);
static void ngx_http_imgp_zone_map(ngx_http_imgp_zone_t *zone);
static u_char *ngx_http_imgp_zone_fair(ngx_http_imgp_zone_t *zone,
    imgp_fair_t *fair, u_char *p);
static void ngx_http_imgp_zone_format(ngx_http_imgp_zone_t *zone);
static void ngx_http_imgp_zone_predecessor(ngx_http_imgp_zone_t *zone);


ngx_int_t
ngx_http_imgp_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_imgp_main_conf_t  *old = data;
    ngx_http_imgp_main_conf_t  *imcf = shm_zone->data;

    ngx_http_imgp_zone_t  *zone;

    zone = ngx_pcalloc(imcf->pipelines.pool, sizeof(ngx_http_imgp_zone_t));
    if (zone == NULL) {
        return NGX_ERROR;
    }

    imcf->zone = zone;

    zone->conf = imcf;
    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    zone->log = shm_zone->shm.log;
    zone->me = NGX_HTTP_IMGP_NONE;

    if (old) {
        if (!imgp_str_eq(&imcf->store.path, &old->store.path)) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "zone \"%V\" is of image_pipeline_path \"%V\" while "
                          "previously it was of \"%V\": give the new path a "
                          "zone of another name", &shm_zone->shm.name,
                          ngx_http_imgp_nstr(&imcf->store.path),
                          ngx_http_imgp_nstr(&old->store.path));
            return NGX_ERROR;
        }

        zone->sh = old->zone->sh;

    } else if (shm_zone->shm.exists) {
        zone->sh = zone->shpool->data;

    } else if (ngx_http_imgp_zone_layout(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    if (zone->sh->layout != sizeof(ngx_http_imgp_shzone_t)) {
        ngx_log_error(NGX_LOG_EMERG, zone->log, 0,
                      "zone \"%V\" was made by another version of the image "
                      "pipeline module, restart nginx", &shm_zone->shm.name);
        return NGX_ERROR;
    }

    ngx_http_imgp_zone_map(zone);

    if (old == NULL && !shm_zone->shm.exists) {
        ngx_http_imgp_zone_format(zone);
        ngx_http_imgp_halt_load(zone);
    }

    zone->shpool->log_nomem = 0;

    return ngx_http_imgp_place_pipelines(zone);
}


static ngx_int_t
ngx_http_imgp_zone_layout(ngx_http_imgp_zone_t *zone)
{
    size_t                   size, head, per_job;
    uint32_t                 n, hash;
    ngx_http_imgp_shzone_t  *sh;

    /* all of the zone is taken at once: the slab is never used again */

    size = zone->shpool->pfree * ngx_pagesize;

    head = ngx_align(sizeof(ngx_http_imgp_shzone_t), 64);
    per_job = sizeof(ngx_http_imgp_slot_t) + sizeof(ngx_http_imgp_flight_t)
              + NGX_HTTP_IMGP_CELLS_JOB * sizeof(ngx_http_imgp_cell_t)
              + 2 * sizeof(imgp_fair_group_t)
              + 4 * 2 * sizeof(uint32_t);

    if (size < head + 16 * per_job) {
        ngx_log_error(NGX_LOG_EMERG, zone->log, 0,
                      "zone of image_pipeline_path is too small");
        return NGX_ERROR;
    }

    sh = ngx_slab_alloc(zone->shpool, size);
    if (sh == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(sh, sizeof(ngx_http_imgp_shzone_t));

    n = ngx_min((size - head) / per_job, 1 << 20);

    for (hash = 16; hash < n; hash *= 2) { /* void */ }

    sh->layout = sizeof(ngx_http_imgp_shzone_t);
    sh->max_jobs = n;
    sh->max_cells = n * NGX_HTTP_IMGP_CELLS_JOB;
    sh->max_flights = n;
    sh->nhash = hash;

    zone->sh = sh;
    zone->shpool->data = sh;

    return NGX_OK;
}


static void
ngx_http_imgp_zone_map(ngx_http_imgp_zone_t *zone)
{
    u_char                  *p;
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;
    p = (u_char *) sh + ngx_align(sizeof(ngx_http_imgp_shzone_t), 64);

    zone->slots = (ngx_http_imgp_slot_t *) p;
    p += sh->max_jobs * sizeof(ngx_http_imgp_slot_t);

    zone->flights = (ngx_http_imgp_flight_t *) p;
    p += sh->max_flights * sizeof(ngx_http_imgp_flight_t);

    zone->cells = (ngx_http_imgp_cell_t *) p;
    p += sh->max_cells * sizeof(ngx_http_imgp_cell_t);

    zone->job_hash = (uint32_t *) p;
    p += sh->nhash * sizeof(uint32_t);

    zone->flight_hash = (uint32_t *) p;
    p += sh->nhash * sizeof(uint32_t);

    p = ngx_http_imgp_zone_fair(zone, &zone->jobs, p);

    zone->jobs.heap = &sh->jobs;
    zone->jobs.links = (u_char *) &zone->slots[0].link;
    zone->jobs.size = sizeof(ngx_http_imgp_slot_t);

    (void) ngx_http_imgp_zone_fair(zone, &zone->calls, p);

    zone->calls.heap = &sh->calls;
    zone->calls.links = (u_char *) &zone->flights[0].link;
    zone->calls.size = sizeof(ngx_http_imgp_flight_t);
}


static u_char *
ngx_http_imgp_zone_fair(ngx_http_imgp_zone_t *zone, imgp_fair_t *fair,
    u_char *p)
{
    fair->max = zone->sh->max_jobs;
    fair->nhash = zone->sh->nhash;

    fair->hash = (uint32_t *) p;
    p += fair->nhash * sizeof(uint32_t);

    fair->groups = (imgp_fair_group_t *) p;
    p += fair->max * sizeof(imgp_fair_group_t);

    return p;
}


static void
ngx_http_imgp_zone_format(ngx_http_imgp_zone_t *zone)
{
    u_char                   id[IMGP_ID_BYTES];
    ngx_http_imgp_shzone_t  *sh;

    sh = zone->sh;
    sh->sweeper = NGX_HTTP_IMGP_NONE;
    sh->alive = (uint64_t) ngx_random() << 28 ^ ngx_random()
                ^ (uint64_t) ngx_pid << 30;

    /* its name in Redis, where others are called by the same means */

    if (imgp_id_random(id) != IMGP_OK) {
        ngx_memcpy(id, &ngx_pid, sizeof(ngx_pid_t));
    }

    ngx_hex_dump(sh->node, id, IMGP_REDIS_NODE_LEN / 2);
    sh->node[IMGP_REDIS_NODE_LEN] = '\0';

    ngx_http_imgp_rebuild(zone);
    sh->rebuilt = 0;
}


void
ngx_http_imgp_zone_lock(ngx_http_imgp_zone_t *zone)
{
    ngx_shmtx_lock(&zone->shpool->mutex);

    if (zone->sh->dirty) {
        ngx_log_error(NGX_LOG_WARN, zone->log, 0,
                      "image pipeline zone: a worker process died while "
                      "changing it, rebuilding");
        ngx_http_imgp_rebuild(zone);
    }

    zone->sh->dirty = 1;
    ngx_memory_barrier();
}


void
ngx_http_imgp_zone_unlock(ngx_http_imgp_zone_t *zone)
{
    ngx_memory_barrier();
    zone->sh->dirty = 0;

    ngx_shmtx_unlock(&zone->shpool->mutex);
}


ngx_int_t
ngx_http_imgp_zone_more_slots(ngx_http_imgp_zone_t *zone)
{
    uint32_t  i;

    i = zone->sh->njobs;

    if (i == zone->sh->max_jobs) {
        return NGX_DECLINED;
    }

    ngx_memzero(&zone->slots[i], sizeof(ngx_http_imgp_slot_t));
    ngx_memory_barrier();

    zone->sh->njobs++;
    zone->slots[i].next = zone->sh->free_slot;
    zone->sh->free_slot = i;

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_zone_more_cells(ngx_http_imgp_zone_t *zone)
{
    uint32_t  i;

    i = zone->sh->ncells;

    if (i == zone->sh->max_cells) {
        return NGX_DECLINED;
    }

    zone->sh->ncells++;
    zone->cells[i].next = zone->sh->free_cell;
    zone->sh->free_cell = i;
    zone->sh->free_cells++;

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_zone_more_flights(ngx_http_imgp_zone_t *zone)
{
    uint32_t  i;

    i = zone->sh->nflights;

    if (i == zone->sh->max_flights) {
        return NGX_DECLINED;
    }

    ngx_memzero(&zone->flights[i], sizeof(ngx_http_imgp_flight_t));
    ngx_memory_barrier();

    zone->sh->nflights++;
    zone->flights[i].next = zone->sh->free_flight;
    zone->sh->free_flight = i;

    return NGX_OK;
}


void
ngx_http_imgp_list_push(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_list_t *list, uint32_t i, ngx_uint_t front)
{
    ngx_http_imgp_slot_t  *slot;

    slot = &zone->slots[i];
    slot->q_prev = front ? NGX_HTTP_IMGP_NONE : list->tail;
    slot->q_next = front ? list->head : NGX_HTTP_IMGP_NONE;

    if (slot->q_prev != NGX_HTTP_IMGP_NONE) {
        zone->slots[slot->q_prev].q_next = i;

    } else {
        list->head = i;
    }

    if (slot->q_next != NGX_HTTP_IMGP_NONE) {
        zone->slots[slot->q_next].q_prev = i;

    } else {
        list->tail = i;
    }

    list->count++;
}


void
ngx_http_imgp_list_remove(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_list_t *list, uint32_t i)
{
    ngx_http_imgp_slot_t  *slot;

    slot = &zone->slots[i];

    if (slot->q_prev != NGX_HTTP_IMGP_NONE) {
        zone->slots[slot->q_prev].q_next = slot->q_next;

    } else {
        list->head = slot->q_next;
    }

    if (slot->q_next != NGX_HTTP_IMGP_NONE) {
        zone->slots[slot->q_next].q_prev = slot->q_prev;

    } else {
        list->tail = slot->q_prev;
    }

    list->count--;
}


ngx_int_t
ngx_http_imgp_zone_enter(ngx_http_imgp_zone_t *zone)
{
    uint32_t                   i;
    ngx_http_imgp_shworker_t  *w;

    ngx_http_imgp_zone_lock(zone);

    ngx_http_imgp_zone_predecessor(zone);

    for (i = 0; i < NGX_HTTP_IMGP_WORKERS; i++) {
        w = &zone->sh->workers[i];

        if (w->pid == 0) {
            w->pid = ngx_pid;
            w->generation = zone->generation;
            w->beat = ngx_current_msec;
            w->watching = 0;
            w->blameless = 0;
            ngx_memzero(w->held, sizeof(w->held));
            zone->me = i;
            zone->log = ngx_cycle->log;
            zone->sh->nworkers = ngx_max(zone->sh->nworkers, i + 1);
            break;
        }
    }

    ngx_http_imgp_zone_unlock(zone);

    if (i == NGX_HTTP_IMGP_WORKERS) {
        ngx_log_error(NGX_LOG_EMERG, zone->log, 0,
                      "image pipeline zone: more than %d worker processes",
                      NGX_HTTP_IMGP_WORKERS);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * A process that takes a dead one's place was forked with what the master
 * knew of that: its pid, and how it ended.  Should somebody take over the
 * jobs of the dead one in the moment before, they count it as a crash.
 */

static void
ngx_http_imgp_zone_predecessor(ngx_http_imgp_zone_t *zone)
{
    ngx_uint_t      i;
    ngx_process_t  *p;

    p = &ngx_processes[ngx_process_slot];

    if (ngx_process != NGX_PROCESS_WORKER || p->pid <= 0 || !p->exited
        || !WIFSIGNALED(p->status) || WTERMSIG(p->status) != SIGKILL)
    {
        return;
    }

    for (i = 0; i < NGX_HTTP_IMGP_WORKERS; i++) {
        if (zone->sh->workers[i].pid == p->pid) {
            zone->sh->workers[i].blameless = 1;
        }
    }
}


/* what it still ran stays with its number until the reaper has seen it */

void
ngx_http_imgp_zone_leave(ngx_http_imgp_zone_t *zone)
{
    if (zone->me != NGX_HTTP_IMGP_NONE) {
        ngx_http_imgp_zone_lock(zone);
        zone->sh->workers[zone->me].blameless = 1;
        ngx_http_imgp_zone_unlock(zone);
    }

    zone->me = NGX_HTTP_IMGP_NONE;
}


ngx_uint_t
ngx_http_imgp_zone_lost(ngx_http_imgp_zone_t *zone, uint32_t worker)
{
    ngx_http_imgp_shworker_t  *w;

    if (worker >= NGX_HTTP_IMGP_WORKERS) {
        return 1;
    }

    if (worker == zone->me) {
        return 0;
    }

    w = &zone->sh->workers[worker];

    if (w->pid == 0) {
        return 1;
    }

    if (kill(w->pid, 0) == -1 && ngx_errno == ESRCH) {
        return 1;
    }

    /* the beat may be younger than this process's idea of the time */

    return (ngx_msec_int_t) (ngx_current_msec - w->beat)
           > NGX_HTTP_IMGP_LEASE;
}


ngx_int_t
ngx_http_imgp_zone_losses(ngx_http_imgp_zone_t *zone, u_char *lost)
{
    uint32_t   i;
    ngx_int_t  rc;

    rc = zone->sh->reaped == zone->sh->rebuilt ? NGX_DECLINED : NGX_OK;

    for (i = 0; i < NGX_HTTP_IMGP_WORKERS; i++) {
        lost[i] = ngx_http_imgp_zone_lost(zone, i);

        if (lost[i] && zone->sh->workers[i].pid) {
            rc = NGX_OK;
        }
    }

    return rc;
}


void
ngx_http_imgp_zone_grown(ngx_http_imgp_zone_t *zone, uint64_t bytes)
{
    if (bytes) {
        (void) ngx_atomic_fetch_add(&zone->sh->store_bytes, bytes);
    }
}
