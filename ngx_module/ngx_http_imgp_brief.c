
/*
 * What the job table has, in brief: whose job one is, and lists of some of
 * them.  The lock is taken for so many slots at a time, so a list is of no one
 * instant; who reads a job of it later may find it changed or gone.
 *
 * Called from the event loop, for an owner's stream and the console.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_brief.h"


#define NGX_HTTP_IMGP_BRIEF_SCAN  4096    /* slots looked at under the lock */


static ngx_uint_t ngx_http_imgp_brief_wanted(ngx_http_imgp_slot_t *slot,
    const ngx_http_imgp_brief_filter_t *filter, imgp_msec_t now);
static ngx_uint_t ngx_http_imgp_brief_add(ngx_http_imgp_brief_t *list,
    ngx_uint_t n, ngx_uint_t max, ngx_http_imgp_slot_t *slot);
static int ngx_libc_cdecl ngx_http_imgp_brief_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_http_imgp_brief_owner(ngx_http_imgp_zone_t *zone, const u_char *id,
    u_char *owner, ngx_uint_t *pipeline)
{
    ngx_http_imgp_slot_t  *slot;

    ngx_http_imgp_zone_lock(zone);

    slot = ngx_http_imgp_slot_find(zone, id);

    if (slot) {
        ngx_memcpy(owner, slot->owner, IMGP_OWNER_LEN);
        *pipeline = slot->pipeline;
    }

    ngx_http_imgp_zone_unlock(zone);

    return slot ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_imgp_brief_oldest(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    u_char *id)
{
    uint64_t               seq;
    uint32_t               i, end;
    ngx_http_imgp_slot_t  *slot;

    seq = 0;

    if (zone->sh->pipelines[pipeline].queue.count == 0) {
        return NGX_DECLINED;
    }

    for (i = 0; i < zone->sh->njobs; /* void */ ) {

        ngx_http_imgp_zone_lock(zone);

        end = ngx_min(i + NGX_HTTP_IMGP_BRIEF_SCAN, zone->sh->njobs);

        for ( /* void */ ; i < end; i++) {
            slot = &zone->slots[i];

            if (slot->state == NGX_HTTP_IMGP_SLOT_QUEUED
                && slot->pipeline == pipeline
                && (seq == 0 || slot->seq < seq))
            {
                seq = slot->seq;
                ngx_memcpy(id, slot->id, IMGP_ID_BYTES);
            }
        }

        ngx_http_imgp_zone_unlock(zone);
    }

    return seq ? NGX_OK : NGX_DECLINED;
}


uint64_t
ngx_http_imgp_brief_age(ngx_http_imgp_worker_t *w, ngx_uint_t pipeline)
{
    u_char                  id[IMGP_ID_BYTES];
    uint64_t                age;
    imgp_job_t             *job;
    imgp_msec_t             now;
    ngx_http_imgp_entry_t   e;

    if (ngx_http_imgp_brief_oldest(w->zone, pipeline, id) != NGX_OK
        || ngx_http_imgp_table_read(w->zone, id, w->scratch, IMGP_RECORD_MAX,
                                    &e)
           != NGX_OK)
    {
        return 0;
    }

    job = imgp_record_decode(e.record, e.len, &imgp_malloc);
    if (job == NULL) {
        return 0;
    }

    now = ngx_http_imgp_now();
    age = now > job->queued_at ? now - job->queued_at : 0;

    imgp_job_destroy(job);

    return age;
}


ngx_uint_t
ngx_http_imgp_brief(ngx_http_imgp_zone_t *zone,
    const ngx_http_imgp_brief_filter_t *filter, ngx_http_imgp_brief_t *list,
    ngx_uint_t max)
{
    uint32_t               i, end;
    ngx_uint_t             n;
    imgp_msec_t            now;
    ngx_http_imgp_slot_t  *slot;

    n = 0;
    now = ngx_http_imgp_now();

    for (i = 0; i < zone->sh->njobs; /* void */ ) {

        ngx_http_imgp_zone_lock(zone);

        end = ngx_min(i + NGX_HTTP_IMGP_BRIEF_SCAN, zone->sh->njobs);

        for ( /* void */ ; i < end; i++) {
            slot = &zone->slots[i];

            if (ngx_http_imgp_brief_wanted(slot, filter, now)) {
                n = ngx_http_imgp_brief_add(list, n, max, slot);
            }
        }

        ngx_http_imgp_zone_unlock(zone);
    }

    ngx_qsort(list, n, sizeof(ngx_http_imgp_brief_t),
              ngx_http_imgp_brief_cmp);

    return n;
}


static ngx_uint_t
ngx_http_imgp_brief_wanted(ngx_http_imgp_slot_t *slot,
    const ngx_http_imgp_brief_filter_t *filter, imgp_msec_t now)
{
    if (slot->state == NGX_HTTP_IMGP_SLOT_FREE
        || !(filter->states & (1 << slot->job_state)))
    {
        return 0;
    }

    if (imgp_job_is_final(slot->job_state) && slot->expires_at < now) {
        return 0;
    }

    if (filter->before && slot->seq >= filter->before) {
        return 0;
    }

    if (filter->pipeline != NGX_HTTP_IMGP_BRIEF_ANY
        && slot->pipeline != filter->pipeline)
    {
        return 0;
    }

    return filter->owner == NULL
           || ngx_memcmp(slot->owner, filter->owner, IMGP_OWNER_LEN) == 0;
}


static ngx_uint_t
ngx_http_imgp_brief_add(ngx_http_imgp_brief_t *list, ngx_uint_t n,
    ngx_uint_t max, ngx_http_imgp_slot_t *slot)
{
    uint64_t    least, seq;
    ngx_uint_t  i, final, place;

    /* "seq" grows when a job is queued, and when it ends */

    final = imgp_job_is_final(slot->job_state);
    place = n;

    if (n == max) {
        least = slot->seq | (uint64_t) !final << 63;

        for (i = 0; i < n; i++) {
            seq = list[i].seq
                  | (uint64_t) !imgp_job_is_final(list[i].state) << 63;

            if (seq < least) {
                least = seq;
                place = i;
            }
        }

        if (place == n) {
            return n;
        }

        n--;
    }

    ngx_memcpy(list[place].id, slot->id, IMGP_ID_BYTES);
    list[place].seq = slot->seq;
    list[place].state = slot->job_state;
    list[place].pipeline = slot->pipeline;
    list[place].revision = slot->revision;

    return n + 1;
}


static int ngx_libc_cdecl
ngx_http_imgp_brief_cmp(const void *one, const void *two)
{
    const ngx_http_imgp_brief_t *a = one, *b = two;

    return (a->seq > b->seq) - (a->seq < b->seq);
}
