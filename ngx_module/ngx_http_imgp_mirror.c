
/*
 * Jobs of the zone that are in Redis, too.  A machine holds those it runs, or
 * has in its queue, by a lease in Redis; in the zone they are as any others,
 * so between workers of a machine nothing is different.  Of jobs elsewhere the
 * zone has copies, for those who watch them here: they are FINAL slots whose
 * job is not final, which nobody claims and a full zone drops.
 *
 * Every function takes the lock for a moment.  Called from the event loop.
 */


#include "ngx_http_imgp_zone.h"


#define NGX_HTTP_IMGP_MIRROR_SCAN  4096    /* slots looked at in one go */

/* ms until an empty Redis is noticed, and until it was told of all ends */

#define NGX_HTTP_IMGP_MIRROR_HEAR    15000
#define NGX_HTTP_IMGP_MIRROR_RETELL  120000


static ngx_http_imgp_slot_t *ngx_http_imgp_mirror_slot(
    ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline, const u_char *record,
    size_t len, imgp_record_head_t *head);
static void ngx_http_imgp_mirror_final(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t state);
static ngx_http_imgp_pipeline_t *ngx_http_imgp_mirror_pipeline(
    ngx_http_imgp_zone_t *zone, const imgp_str_t *name);


/*
 * What Redis has of a job.  NGX_OK: it is news; NGX_DECLINED: it is not, or
 * the zone is full; NGX_BUSY: the job is here, which knows better, unless it
 * is forced: then whoever runs it has lost it.
 */

ngx_int_t
ngx_http_imgp_mirror_put(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    const u_char *record, size_t len, ngx_uint_t force)
{
    ngx_int_t              rc;
    imgp_record_head_t     head;
    ngx_http_imgp_slot_t  *slot;

    if (imgp_record_head(record, len, &head) != IMGP_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, head.id);

    if (slot == NULL) {
        slot = ngx_http_imgp_mirror_slot(zone, pipeline, record, len, &head);
        if (slot) {
            ngx_http_imgp_mirror_final(zone, slot, head.state);
            rc = NGX_OK;
        }

        goto done;
    }

    if (slot->state != NGX_HTTP_IMGP_SLOT_FINAL
        && (!force || (slot->finishing == NGX_HTTP_IMGP_STORED
                       && !imgp_job_is_final(head.state))))
    {
        rc = NGX_BUSY;
        goto done;
    }

    /* whoever had it for a while may have got further than who has ended it */

    if (!force && head.revision <= slot->revision
        && (imgp_job_is_final(slot->job_state)
            || !imgp_job_is_final(head.state)))
    {
        goto done;
    }

    if (ngx_http_imgp_slot_store(zone, slot, record, len) != NGX_OK) {
        goto done;
    }

    slot->revision = head.revision;
    slot->expires_at = head.expires_at;

    ngx_http_imgp_slot_unlist(zone, slot);
    slot->lost = head.lost;
    slot->lease = 0;
    slot->unsaid = 0;
    slot->finishing = 0;
    slot->worker = NGX_HTTP_IMGP_NONE;
    ngx_http_imgp_mirror_final(zone, slot, head.state);

    rc = NGX_OK;

done:

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/* a job that this machine holds from now on, into its queue; one that is here
   already only gets the lease, and of one that has ended here meanwhile Redis
   has to hear.  NGX_DECLINED: the zone is full */

ngx_int_t
ngx_http_imgp_mirror_hold(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    const u_char *record, size_t len, uint64_t lease)
{
    ngx_int_t              rc;
    imgp_record_head_t     head;
    ngx_http_imgp_slot_t  *slot;

    if (imgp_record_head(record, len, &head) != IMGP_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_OK;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, head.id);

    if (slot && slot->state != NGX_HTTP_IMGP_SLOT_FINAL) {
        slot->lease = lease;
        goto done;
    }

    if (slot && imgp_job_is_final(slot->job_state)
        && slot->revision >= head.revision)
    {
        /* it has ended while Redis was asked, which has to hear of it */
        slot->unsaid = 1;
        goto done;
    }

    if (slot) {
        ngx_http_imgp_slot_drop(zone, slot);
    }

    slot = ngx_http_imgp_mirror_slot(zone, pipeline, record, len, &head);

    if (slot == NULL) {
        rc = NGX_DECLINED;
        goto done;
    }

    slot->lease = lease;
    ngx_http_imgp_slot_list(zone, slot, IMGP_JOB_QUEUED, 0);

done:

    ngx_http_imgp_zone_unlock(zone);

    return rc;
}


/* a slot with the record, not yet in any list; as table_insert() does it */

static ngx_http_imgp_slot_t *
ngx_http_imgp_mirror_slot(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    const u_char *record, size_t len, imgp_record_head_t *head)
{
    uint32_t              *index;
    ngx_http_imgp_slot_t  *slot;

    slot = ngx_http_imgp_slot_alloc(zone);
    if (slot == NULL) {
        return NULL;
    }

    slot->record = 0;

    if (ngx_http_imgp_slot_store(zone, slot, record, len) != NGX_OK) {
        slot->next = zone->sh->free_slot;
        zone->sh->free_slot = slot - zone->slots;
        return NULL;
    }

    ngx_memcpy(slot->id, head->id, IMGP_ID_BYTES);
    ngx_memcpy(slot->owner, head->owner, IMGP_OWNER_LEN);
    slot->pipeline = pipeline;
    slot->revision = head->revision;
    slot->lost = head->lost;
    slot->priority = head->priority;
    slot->expires_at = head->expires_at;
    slot->fence = 0;
    slot->finishing = 0;
    slot->worker = NGX_HTTP_IMGP_NONE;
    slot->seq = ++zone->sh->seq;

    index = ngx_http_imgp_job_hash(zone, slot->id);
    slot->next = *index;
    *index = slot - zone->slots;

    return slot;
}


/* whatever its state: among those that may be dropped */

static void
ngx_http_imgp_mirror_final(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t state)
{
    slot->job_state = state;

    ngx_http_imgp_list_push(zone, &zone->sh->final, slot - zone->slots, 0);
    slot->seq = ++zone->sh->seq;
    slot->state = NGX_HTTP_IMGP_SLOT_FINAL;
}


/* it is in other hands: who runs it here finds that out when he looks */

void
ngx_http_imgp_mirror_let_go(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t lease)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot && slot->state != NGX_HTTP_IMGP_SLOT_FINAL
        && slot->finishing != NGX_HTTP_IMGP_STORED && slot->lease == lease)
    {
        ngx_http_imgp_slot_unlist(zone, slot);
        slot->lease = 0;
        slot->finishing = 0;
        slot->worker = NGX_HTTP_IMGP_NONE;
        ngx_http_imgp_mirror_final(zone, slot, slot->job_state);
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* this machine has it by a newer lease */

void
ngx_http_imgp_mirror_renew(ngx_http_imgp_zone_t *zone, const u_char *id,
    uint64_t lease, uint64_t newer)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot && slot->state != NGX_HTTP_IMGP_SLOT_FINAL
        && slot->lease == lease)
    {
        slot->lease = newer;
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* its fence in Redis; 0: it has none, or is not here */

uint64_t
ngx_http_imgp_mirror_lease(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    uint64_t               lease;
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    lease = slot && slot->state != NGX_HTTP_IMGP_SLOT_FINAL ? slot->lease : 0;

    ngx_http_imgp_zone_unlock(zone);

    return lease;
}


/* does the zone know better than Redis?  A job that has failed may be retried
   from any machine. */

ngx_uint_t
ngx_http_imgp_mirror_here(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    ngx_uint_t             here;
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    here = slot
           && (slot->state != NGX_HTTP_IMGP_SLOT_FINAL || slot->unsaid
               || slot->job_state == IMGP_JOB_SUCCEEDED
               || slot->job_state == IMGP_JOB_CANCELED);

    ngx_http_imgp_zone_unlock(zone);

    return here;
}


void
ngx_http_imgp_mirror_unsaid(ngx_http_imgp_zone_t *zone, const u_char *id)
{
    ngx_http_imgp_mirror_said(zone, id, NULL);
}


/* by which name Redis is known just now: to be asked before it is told */

void
ngx_http_imgp_mirror_known(ngx_http_imgp_zone_t *zone, u_char *born)
{
    ngx_http_imgp_zone_lock(zone);

    ngx_memcpy(born, zone->sh->born, IMGP_REDIS_NODE_LEN);

    ngx_http_imgp_zone_unlock(zone);
}


/* the Redis of this name has the end; one that was born since has not, and was
   perhaps heard of before the end was seen here */

void
ngx_http_imgp_mirror_said(ngx_http_imgp_zone_t *zone, const u_char *id,
    const u_char *born)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot && slot->state == NGX_HTTP_IMGP_SLOT_FINAL) {
        slot->unsaid = born == NULL || born[0] == '\0'
                       || ngx_memcmp(zone->sh->born, born,
                                     IMGP_REDIS_NODE_LEN)
                          != 0;
    }

    ngx_http_imgp_zone_unlock(zone);
}


/* what Redis has to hear of; *next as in table_walk(), 0: that was all */

ngx_uint_t
ngx_http_imgp_mirror_list(ngx_http_imgp_zone_t *zone, uint32_t *next,
    ngx_http_imgp_shared_t *list, ngx_uint_t max)
{
    ngx_uint_t             n, scan;
    ngx_http_imgp_slot_t  *slot;

    n = 0;

    ngx_http_imgp_zone_lock(zone);

    for (scan = 0; *next < zone->sh->njobs && n < max
                   && scan < NGX_HTTP_IMGP_MIRROR_SCAN; scan++)
    {
        slot = &zone->slots[(*next)++];

        if (slot->state == NGX_HTTP_IMGP_SLOT_FREE
            || (slot->state == NGX_HTTP_IMGP_SLOT_FINAL && !slot->unsaid))
        {
            continue;
        }

        ngx_memcpy(list[n].id, slot->id, IMGP_ID_BYTES);
        list[n].lease = slot->lease;
        list[n].kind = slot->state == NGX_HTTP_IMGP_SLOT_FINAL
                       ? NGX_HTTP_IMGP_UNSAID
                       : slot->lease ? NGX_HTTP_IMGP_HELD
                                     : NGX_HTTP_IMGP_UNSHARED;
        n++;
    }

    if (*next >= zone->sh->njobs) {
        *next = 0;
    }

    ngx_http_imgp_zone_unlock(zone);

    return n;
}


/* how many more jobs of a pipeline this machine could run now */

ngx_uint_t
ngx_http_imgp_mirror_room(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t limit)
{
    ngx_uint_t                   used;
    ngx_http_imgp_shpipeline_t  *p;

    ngx_http_imgp_zone_lock(zone);

    p = &zone->sh->pipelines[pipeline];
    used = p->running + p->queue.count;

    ngx_http_imgp_zone_unlock(zone);

    return used < limit ? limit - used : 0;
}


/* one worker at a time beats for all */

ngx_uint_t
ngx_http_imgp_mirror_due(ngx_http_imgp_zone_t *zone, ngx_msec_t interval)
{
    ngx_uint_t  due;

    ngx_http_imgp_zone_lock(zone);

    due = ngx_current_msec - zone->sh->beaten >= interval;

    if (due) {
        zone->sh->beaten = ngx_current_msec;
    }

    ngx_http_imgp_zone_unlock(zone);

    return due;
}


/* is nobody else of this machine about to send this content? */

ngx_uint_t
ngx_http_imgp_mirror_offer(ngx_http_imgp_zone_t *zone, const u_char *digest,
    ngx_msec_t interval)
{
    ngx_uint_t  ours;

    ngx_http_imgp_zone_lock(zone);

    ours = ngx_memcmp(zone->sh->offered, digest, IMGP_DIGEST_LEN) != 0
           || ngx_current_msec - zone->sh->offered_at >= interval;

    if (ours) {
        ngx_memcpy(zone->sh->offered, digest, IMGP_DIGEST_LEN);
        zone->sh->offered_at = ngx_current_msec;
    }

    ngx_http_imgp_zone_unlock(zone);

    return ours;
}


/* the place of a pipeline that this configuration has, or NGX_DECLINED; its
   plan, or NULL */

ngx_int_t
ngx_http_imgp_mirror_place(ngx_http_imgp_zone_t *zone, const imgp_str_t *name)
{
    ngx_http_imgp_pipeline_t  *pipeline;

    pipeline = ngx_http_imgp_mirror_pipeline(zone, name);

    return pipeline ? (ngx_int_t) pipeline->index : NGX_DECLINED;
}


imgp_plan_t *
ngx_http_imgp_mirror_plan(ngx_http_imgp_zone_t *zone, const imgp_str_t *name)
{
    ngx_http_imgp_pipeline_t  *pipeline;

    pipeline = ngx_http_imgp_mirror_pipeline(zone, name);

    return pipeline ? pipeline->plan : NULL;
}


static ngx_http_imgp_pipeline_t *
ngx_http_imgp_mirror_pipeline(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_imgp_pipeline_t  **pipelines;

    pipelines = zone->conf->pipelines.elts;

    for (i = 0; i < zone->conf->pipelines.nelts; i++) {
        if (imgp_str_eq(&pipelines[i]->plan->name, name)) {
            return pipelines[i];
        }
    }

    return NULL;
}


/* Redis is there again: perhaps it has forgotten jobs, which others tell */

void
ngx_http_imgp_mirror_back(ngx_http_imgp_zone_t *zone)
{
    ngx_msec_t  until;

    until = ngx_current_msec + NGX_HTTP_IMGP_MIRROR_HEAR;

    ngx_http_imgp_zone_lock(zone);

    if ((ngx_msec_int_t) (until - zone->sh->unsure) > 0) {
        zone->sh->unsure = until;
    }

    ngx_http_imgp_zone_unlock(zone);
}


ngx_uint_t
ngx_http_imgp_mirror_unsure(ngx_http_imgp_zone_t *zone)
{
    ngx_uint_t  unsure;

    ngx_http_imgp_zone_lock(zone);

    unsure = zone->sh->unsure
             && (ngx_msec_int_t) (zone->sh->unsure - ngx_current_msec) > 0;

    ngx_http_imgp_zone_unlock(zone);

    return unsure;
}


/* the journal is looked through as after a start */

void
ngx_http_imgp_mirror_recover(ngx_http_imgp_zone_t *zone)
{
    ngx_http_imgp_zone_lock(zone);

    zone->sh->recovery = 0;

    ngx_http_imgp_zone_unlock(zone);
}


/*
 * A Redis that has forgotten everything has also forgotten its name: then it
 * has to hear of the ends again, too.  The first name that is heard is only
 * kept.
 */

void
ngx_http_imgp_mirror_born(ngx_http_imgp_zone_t *zone, const u_char *name)
{
    uint32_t               i;
    ngx_uint_t             other;
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    other = ngx_memcmp(zone->sh->born, name, IMGP_REDIS_NODE_LEN) != 0;

    for (i = 0; other && zone->sh->born[0] && i < zone->sh->njobs; i++) {
        slot = &zone->slots[i];

        if (slot->state == NGX_HTTP_IMGP_SLOT_FINAL
            && imgp_job_is_final(slot->job_state))
        {
            slot->unsaid = 1;
        }
    }

    if (other && zone->sh->born[0]) {
        zone->sh->unsure = ngx_current_msec + NGX_HTTP_IMGP_MIRROR_RETELL;
    }

    if (other) {
        zone->sh->recovery = 0;
        ngx_memcpy(zone->sh->born, name, IMGP_REDIS_NODE_LEN);
    }

    ngx_http_imgp_zone_unlock(zone);
}


const char *
ngx_http_imgp_mirror_node(ngx_http_imgp_zone_t *zone)
{
    return (const char *) zone->sh->node;
}


/* of a place, also of a pipeline that is no more */

void
ngx_http_imgp_mirror_name(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_str_t *name)
{
    name->data = zone->sh->pipelines[pipeline].name;
    name->len = ngx_strlen(name->data);
}
