
/*
 * Care for services, as it lies in the zone: what their calls came to.
 * Included by the files of the zone, by those that make calls, and by those
 * that show the figures.
 */


#ifndef _NGX_HTTP_IMGP_CARE_H_INCLUDED_
#define _NGX_HTTP_IMGP_CARE_H_INCLUDED_


#include "ngx_http_imgp.h"


/* what calls of a service came to, in all workers (ngx_http_imgp_tally.c) */

#define NGX_HTTP_IMGP_TALLY_CODES  12       /* different ones of a service */
#define NGX_HTTP_IMGP_TALLY_OTHER  0        /* the code of all further ones */
#define NGX_HTTP_IMGP_TALLY_LOST   1        /* no answer: not reached */
#define NGX_HTTP_IMGP_TALLY_LATE   2        /* no answer in time */
#define NGX_HTTP_IMGP_TALLY_BAD    3        /* no HTTP */


typedef struct {
    uint32_t                       code;     /* HTTP status, or one of these */
    uint32_t                       unused;
    uint64_t                       calls;    /* 0: not used yet */
} ngx_http_imgp_tally_code_t;


typedef struct {
    ngx_http_imgp_tally_code_t     codes[NGX_HTTP_IMGP_TALLY_CODES];
    uint64_t                       retries;
    uint64_t                       cost;     /* millionths */
} ngx_http_imgp_tally_t;


typedef struct {
    ngx_str_t                      pipeline;
    ngx_str_t                      stage;
    ngx_str_t                      provider; /* "": the stage's own service */
    ngx_http_imgp_tally_t          tally;
    ngx_uint_t                     inflight; /* of the stage: the same for all
                                                its providers */
    ngx_uint_t                     first;    /* provider of the stage */
    ngx_uint_t                     open;     /* the breaker */
} ngx_http_imgp_tally_service_t;


void ngx_http_imgp_tally_call(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service, ngx_http_imgp_call_t *call);
void ngx_http_imgp_tally_retry(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service);

/* each service of this configuration, without the lock; a handler's value
   other than NGX_OK ends it and is returned */

ngx_int_t ngx_http_imgp_tally_walk(ngx_http_imgp_zone_t *zone,
    ngx_int_t (*handler)(void *data, ngx_http_imgp_tally_service_t *s),
    void *data);

/* "200", "unreachable"...: a static text, or one in the buffer */

u_char *ngx_http_imgp_tally_name(ngx_uint_t code, u_char *buf);


#endif /* _NGX_HTTP_IMGP_CARE_H_INCLUDED_ */
