
/*
 * "concurrency" and "rate" over all machines: what the zone knows of them, for
 * those who give turns and those who ask Redis (ngx_http_imgp_quota.c).
 */


#ifndef _NGX_HTTP_IMGP_QUOTA_H_INCLUDED_
#define _NGX_HTTP_IMGP_QUOTA_H_INCLUDED_


#include "ngx_http_imgp_care.h"


#define NGX_HTTP_IMGP_QUOTA_ASK  ((imgp_msec_t) -1)


/* one question and its answer; "next" and "service" are where the walk is:
   zeroes to begin with */

typedef struct {
    ngx_uint_t                     next;
    ngx_uint_t                     service;

    ngx_uint_t                     tokens;     /* of a rate; else places */
    ngx_uint_t                     pipeline;
    ngx_uint_t                     stage;
    uint32_t                       limit;
    uint32_t                       need;
    uint32_t                       keep;
    u_char                         id[NGX_HTTP_IMGP_SERVICE_ID];
    uint64_t                       interval;   /* us */
    uint32_t                       count;

    uint32_t                       has;
    uint32_t                       cap;
    ngx_msec_t                     until;      /* of the lease */
    uint64_t                       wait;       /* us */
} ngx_http_imgp_quota_t;


void ngx_http_imgp_quota_heard(ngx_http_imgp_zone_t *zone, ngx_uint_t first);
void ngx_http_imgp_quota_missed(ngx_http_imgp_zone_t *zone);
void ngx_http_imgp_quota_beat(ngx_http_imgp_zone_t *zone);
ngx_uint_t ngx_http_imgp_quota_hint(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t stage, uint64_t time);

/* NGX_OK: it is to be asked for, or to be told as failed; NGX_DONE: no more */

ngx_int_t ngx_http_imgp_quota_next(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_quota_t *quota);
void ngx_http_imgp_quota_places(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_quota_t *quota, ngx_uint_t ok, ngx_http_imgp_told_t *told);
void ngx_http_imgp_quota_tokens(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_quota_t *quota, ngx_uint_t ok, ngx_http_imgp_told_t *told);


#endif /* _NGX_HTTP_IMGP_QUOTA_H_INCLUDED_ */
