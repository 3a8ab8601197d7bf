
/*
 * What is counted in the zone, for "image_pipeline_metrics" and the console.
 * All but the first look at a stage is atomic additions, without the lock.
 */


#ifndef _NGX_HTTP_IMGP_STAT_H_INCLUDED_
#define _NGX_HTTP_IMGP_STAT_H_INCLUDED_


#include "ngx_http_imgp.h"


#define NGX_HTTP_IMGP_STAT_BUCKETS   16     /* the last one is the rest */
#define NGX_HTTP_IMGP_STAT_STATES    3      /* of jobs that have ended */

#define NGX_HTTP_IMGP_STAT_HIT       0
#define NGX_HTTP_IMGP_STAT_MISS      1
#define NGX_HTTP_IMGP_STAT_JOINED    2
#define NGX_HTTP_IMGP_STAT_BYPASS    3
#define NGX_HTTP_IMGP_STAT_CACHE     4      /* so many */

#define NGX_HTTP_IMGP_HELD_POLL      0      /* clients that are held */
#define NGX_HTTP_IMGP_HELD_EVENTS    1
#define NGX_HTTP_IMGP_HELD_OWNER     2
#define NGX_HTTP_IMGP_HELD           3


/* seconds: the upper bounds of buckets but for the last, in ms */

extern const ngx_uint_t
    ngx_http_imgp_stat_bounds[NGX_HTTP_IMGP_STAT_BUCKETS - 1];


typedef struct {
    ngx_atomic_t                   buckets[NGX_HTTP_IMGP_STAT_BUCKETS];
    ngx_atomic_t                   sum;        /* ms */
} ngx_http_imgp_histogram_t;


/* how stages of jobs have ended */

#define NGX_HTTP_IMGP_STAT_DONE      0
#define NGX_HTTP_IMGP_STAT_KNOWN     1
#define NGX_HTTP_IMGP_STAT_FAILED    2
#define NGX_HTTP_IMGP_STAT_ENDS      3


typedef struct {
    ngx_atomic_t                   ends[NGX_HTTP_IMGP_STAT_ENDS];
} ngx_http_imgp_stat_stage_t;


/* runs of a stage that go on now: more than jobs where it has "each" */

typedef struct {
    ngx_uint_t                     running;
    ngx_uint_t                     waiting;    /* for a place at a service */
} ngx_http_imgp_stat_now_t;


/* of a pipeline, as it was in one instant */

typedef struct {
    ngx_uint_t                     queued;
    ngx_uint_t                     running;
    ngx_uint_t                     ended[NGX_HTTP_IMGP_STAT_STATES];
    ngx_uint_t                     cache[NGX_HTTP_IMGP_STAT_CACHE];
    ngx_http_imgp_histogram_t      jobs;
} ngx_http_imgp_stat_pipeline_t;


typedef struct {
    size_t                         size;
    size_t                         used;
    size_t                         store;
    ngx_uint_t                     full;       /* no job can come */
    ngx_uint_t                     held[NGX_HTTP_IMGP_HELD];
} ngx_http_imgp_stat_zone_t;


/* a job ended: its state, and ms since its first byte came */

void ngx_http_imgp_stat_job(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    imgp_job_t *job);
void ngx_http_imgp_stat_stage(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t stage, uint64_t ms);
void ngx_http_imgp_stat_cache(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t result);

/* +1, -1: of this process alone */

void ngx_http_imgp_stat_held(ngx_http_imgp_zone_t *zone, ngx_uint_t kind,
    ngx_int_t n);

void ngx_http_imgp_stat_ended(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t stage, ngx_uint_t end);

/* a new job's stages that were known */

void ngx_http_imgp_stat_known(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, imgp_job_t *job);
void ngx_http_imgp_stat_ends(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage, ngx_http_imgp_stat_stage_t *s);

/* of all pipelines: by index * IMGP_STAGES_MAX + stage */

void ngx_http_imgp_stat_now(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_stat_now_t *now);

void ngx_http_imgp_stat_pipeline(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_http_imgp_stat_pipeline_t *s);
void ngx_http_imgp_stat_zone(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_stat_zone_t *s);

/* NGX_DECLINED: it never ran */

ngx_int_t ngx_http_imgp_stat_stage_read(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t stage, ngx_http_imgp_histogram_t *h);


#endif /* _NGX_HTTP_IMGP_STAT_H_INCLUDED_ */
