
/*
 * The job table in brief: for an owner's stream and the console.
 */


#ifndef _NGX_HTTP_IMGP_BRIEF_H_INCLUDED_
#define _NGX_HTTP_IMGP_BRIEF_H_INCLUDED_


#include "ngx_http_imgp.h"


#define NGX_HTTP_IMGP_BRIEF_ANY  ((ngx_uint_t) -1)
#define NGX_HTTP_IMGP_BRIEF_ALL  ((ngx_uint_t) -1)


typedef struct {
    ngx_uint_t                     pipeline;   /* or ..._BRIEF_ANY */
    const u_char                  *owner;      /* or NULL */
    ngx_uint_t                     states;     /* bits: 1 << job state */
    uint64_t                       before;     /* this "seq"; 0: any */
} ngx_http_imgp_brief_filter_t;


typedef struct {
    u_char                         id[IMGP_ID_BYTES];
    uint64_t                       seq;        /* order of queueing, ending */
    ngx_uint_t                     state;
    ngx_uint_t                     pipeline;
    ngx_uint_t                     revision;
} ngx_http_imgp_brief_t;


/* NGX_DECLINED: it is not in the table */

ngx_int_t ngx_http_imgp_brief_owner(ngx_http_imgp_zone_t *zone,
    const u_char *id, u_char *owner, ngx_uint_t *pipeline);

/* who waits longest in a pipeline's queue, whoever's turn it is; NGX_DECLINED:
   nobody does */

ngx_int_t ngx_http_imgp_brief_oldest(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, u_char *id);

/* how long that one has waited, in ms; 0: nobody does */

uint64_t ngx_http_imgp_brief_age(ngx_http_imgp_worker_t *w,
    ngx_uint_t pipeline);

/* oldest first; of more than "max" those that have ended are left out first,
   then the older ones */

ngx_uint_t ngx_http_imgp_brief(ngx_http_imgp_zone_t *zone,
    const ngx_http_imgp_brief_filter_t *filter, ngx_http_imgp_brief_t *list,
    ngx_uint_t max);


#endif /* _NGX_HTTP_IMGP_BRIEF_H_INCLUDED_ */
