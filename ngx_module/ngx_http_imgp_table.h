
/*
 * The shared zone (ngx_http_imgp_zone.c) as the rest of the module sees it:
 * the job table of all workers, what they have measured, and what is in Redis,
 * too.  Part of ngx_http_imgp.h; event loop only, the zone's lock is taken
 * inside.
 */


#ifndef _NGX_HTTP_IMGP_TABLE_H_INCLUDED_
#define _NGX_HTTP_IMGP_TABLE_H_INCLUDED_


typedef struct {
    u_char                         id[IMGP_ID_BYTES];
    u_char                         owner[IMGP_OWNER_LEN];
    ngx_uint_t                     pipeline;
    ngx_uint_t                     state;      /* imgp_job_state_e */
    ngx_uint_t                     revision;
    ngx_uint_t                     lost;
    uint64_t                       fence;
    imgp_msec_t                    expires_at;
    uint64_t                       lease;      /* its fence in Redis, or 0 */
    ngx_uint_t                     copy;       /* of what Redis has */
    int64_t                        position;   /* in its queue, or -1 */
    u_char                        *record;     /* a copy, in the buffer */
    size_t                         len;
} ngx_http_imgp_entry_t;


ngx_int_t ngx_http_imgp_zone_init(ngx_shm_zone_t *shm_zone, void *data);

/* a worker process enters the table of workers, and leaves it */

ngx_int_t ngx_http_imgp_zone_enter(ngx_http_imgp_zone_t *zone);
void ngx_http_imgp_zone_leave(ngx_http_imgp_zone_t *zone);

/* the store has grown by so many bytes: past max_size it is swept soon */

void ngx_http_imgp_zone_grown(ngx_http_imgp_zone_t *zone, uint64_t bytes);

/* ngx_http_imgp_expect.c: a stage ran for so long, for a job with this input;
   a job ended that had a place; "expect" of all stages for a job; us between
   two jobs that leave the queue, 0: not known */

void ngx_http_imgp_expect_stage(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t stage,
    const imgp_item_t *input, uint64_t ms);
void ngx_http_imgp_expect_job(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline);
void ngx_http_imgp_expected(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_pipeline_t *pipeline, const imgp_job_t *job,
    imgp_expect_t *expect);
uint64_t ngx_http_imgp_expect_pace(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline);

ngx_int_t ngx_http_imgp_table_insert(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, const u_char *record, size_t len,
    const imgp_plan_t *plan);
ngx_int_t ngx_http_imgp_table_read(ngx_http_imgp_zone_t *zone,
    const u_char *id, u_char *buf, size_t size, ngx_http_imgp_entry_t *e);
ngx_int_t ngx_http_imgp_table_revision(ngx_http_imgp_zone_t *zone,
    const u_char *id, ngx_uint_t *revision);
ngx_int_t ngx_http_imgp_table_update(ngx_http_imgp_zone_t *zone,
    const u_char *id, uint64_t fence, const u_char *record, size_t len);
ngx_int_t ngx_http_imgp_table_keep(ngx_http_imgp_zone_t *zone,
    const u_char *id, uint64_t fence);
ngx_int_t ngx_http_imgp_table_finish(ngx_http_imgp_zone_t *zone,
    const u_char *id, uint64_t *fence);
ngx_int_t ngx_http_imgp_table_open(ngx_http_imgp_zone_t *zone,
    const u_char *id, ngx_uint_t revision);
void ngx_http_imgp_table_close(ngx_http_imgp_zone_t *zone, const u_char *id);
ngx_uint_t ngx_http_imgp_table_owns(ngx_http_imgp_zone_t *zone,
    const u_char *id, uint64_t fence);
void ngx_http_imgp_table_remove(ngx_http_imgp_zone_t *zone, const u_char *id);
void ngx_http_imgp_table_forget(ngx_http_imgp_zone_t *zone, const u_char *id);
ngx_int_t ngx_http_imgp_table_queued(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, const imgp_plan_t *plan, const u_char *owner);
ngx_int_t ngx_http_imgp_table_walk(ngx_http_imgp_zone_t *zone, uint32_t *next,
    ngx_uint_t n, u_char *buf, size_t size, ngx_int_t (*handler)(void *data,
    ngx_http_imgp_entry_t *e), void *data);

/* ngx_http_imgp_claim.c: jobs come to this worker, to be run */

ngx_int_t ngx_http_imgp_claim(ngx_http_imgp_zone_t *zone,
    ngx_uint_t *limits, ngx_uint_t first, u_char *buf, size_t size,
    ngx_http_imgp_entry_t *e);
ngx_int_t ngx_http_imgp_claim_one(ngx_http_imgp_zone_t *zone,
    const u_char *id, ngx_uint_t limit, uint64_t *fence);
ngx_int_t ngx_http_imgp_claim_lost(ngx_http_imgp_zone_t *zone,
    uint32_t *next, u_char *buf, size_t size, ngx_http_imgp_entry_t *e);

/* jobs that are in Redis, too (ngx_http_imgp_mirror.c) */

typedef enum {
    NGX_HTTP_IMGP_HELD = 0,                    /* here, by a lease in Redis */
    NGX_HTTP_IMGP_UNSHARED,                    /* here, Redis does not know */
    NGX_HTTP_IMGP_UNSAID                       /* so does its end */
} ngx_http_imgp_shared_e;


typedef struct {
    u_char                         id[IMGP_ID_BYTES];
    uint64_t                       lease;
    ngx_http_imgp_shared_e         kind;
} ngx_http_imgp_shared_t;


ngx_int_t ngx_http_imgp_mirror_put(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, const u_char *record, size_t len, ngx_uint_t force);
ngx_int_t ngx_http_imgp_mirror_hold(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, const u_char *record, size_t len, uint64_t lease);
void ngx_http_imgp_mirror_let_go(ngx_http_imgp_zone_t *zone,
    const u_char *id, uint64_t lease);
void ngx_http_imgp_mirror_renew(ngx_http_imgp_zone_t *zone,
    const u_char *id, uint64_t lease, uint64_t newer);
uint64_t ngx_http_imgp_mirror_lease(ngx_http_imgp_zone_t *zone,
    const u_char *id);
ngx_uint_t ngx_http_imgp_mirror_here(ngx_http_imgp_zone_t *zone,
    const u_char *id);
void ngx_http_imgp_mirror_unsaid(ngx_http_imgp_zone_t *zone,
    const u_char *id);
void ngx_http_imgp_mirror_known(ngx_http_imgp_zone_t *zone, u_char *born);
void ngx_http_imgp_mirror_said(ngx_http_imgp_zone_t *zone,
    const u_char *id, const u_char *born);
ngx_uint_t ngx_http_imgp_mirror_list(ngx_http_imgp_zone_t *zone,
    uint32_t *next, ngx_http_imgp_shared_t *list, ngx_uint_t max);
ngx_uint_t ngx_http_imgp_mirror_room(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t limit);
ngx_uint_t ngx_http_imgp_mirror_due(ngx_http_imgp_zone_t *zone,
    ngx_msec_t interval);
void ngx_http_imgp_mirror_back(ngx_http_imgp_zone_t *zone);
ngx_uint_t ngx_http_imgp_mirror_unsure(ngx_http_imgp_zone_t *zone);
ngx_uint_t ngx_http_imgp_mirror_offer(ngx_http_imgp_zone_t *zone,
    const u_char *digest, ngx_msec_t interval);
ngx_int_t ngx_http_imgp_mirror_place(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *name);
imgp_plan_t *ngx_http_imgp_mirror_plan(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *name);
void ngx_http_imgp_mirror_recover(ngx_http_imgp_zone_t *zone);
void ngx_http_imgp_mirror_born(ngx_http_imgp_zone_t *zone,
    const u_char *name);
const char *ngx_http_imgp_mirror_node(ngx_http_imgp_zone_t *zone);
void ngx_http_imgp_mirror_name(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_str_t *name);


#endif /* _NGX_HTTP_IMGP_TABLE_H_INCLUDED_ */
