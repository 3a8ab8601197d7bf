
/*
 * Runs of stages, and care for the services that they call, as both lie in the
 * zone: single-flight, turns at services, rates, breakers, counters.  Included
 * by the files of the zone, by those that make calls, and by those
 * that show the figures.
 */


#ifndef _NGX_HTTP_IMGP_CARE_H_INCLUDED_
#define _NGX_HTTP_IMGP_CARE_H_INCLUDED_


#include "ngx_http_imgp.h"


/* runs of stages that go on now (ngx_http_imgp_flight.c) */

ngx_int_t ngx_http_imgp_flight_begin(ngx_http_imgp_zone_t *zone,
    const u_char *key, ngx_uint_t pipeline, ngx_uint_t stage,
    uint32_t *flight);

/* whose turn at a service has come: to be told when the lock is free */

#define NGX_HTTP_IMGP_TOLD  16


typedef struct {
    u_char                         keys[NGX_HTTP_IMGP_TOLD][IMGP_ID_BYTES];
    ngx_uint_t                     n;
    ngx_uint_t                     all;
    ngx_uint_t                     ask;        /* Redis, for more turns */
} ngx_http_imgp_told_t;


#define ngx_http_imgp_told_init(told)                                         \
    (told)->n = (told)->all = (told)->ask = 0


/* what a call asks for, and until when it has nothing to ask for */

typedef struct {
    ngx_http_imgp_service_t       *service;
    const u_char                  *owner;
    ngx_uint_t                     level;      /* imgp_priority_e */
    ngx_uint_t                     limit;      /* calls at once; 0: any */
    ngx_uint_t                     lane;
    ngx_uint_t                     lane_limit;
    ngx_msec_t                     wait;       /* ms; 0: it will be told */
} ngx_http_imgp_turn_t;


void ngx_http_imgp_flight_end(ngx_http_imgp_zone_t *zone, uint32_t flight,
    const u_char *key, ngx_http_imgp_told_t *told);

/* a place at a service: NGX_OK; NGX_BUSY: others are before it, it will be
   told, or turn->wait is when to ask again; NGX_DECLINED: the breaker is open
   and there is another provider: it does not wait for this one */

ngx_int_t ngx_http_imgp_flight_call(ngx_http_imgp_zone_t *zone,
    uint32_t flight, const u_char *key, ngx_http_imgp_turn_t *turn,
    ngx_http_imgp_told_t *told);

/* one run's place is another's now, of the same stage */

void ngx_http_imgp_flight_pass(ngx_http_imgp_zone_t *zone, uint32_t from,
    const u_char *from_key, uint32_t to, const u_char *to_key);
void ngx_http_imgp_flight_tell(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_told_t *told);

/* a service with "warm" was not called for its time: 1, once in all workers */

ngx_uint_t ngx_http_imgp_care_idle(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service);

/* a call ended (ngx_http_imgp_care.c); returns whether the breaker opened or
   closed */

ngx_uint_t ngx_http_imgp_care_ended(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service, ngx_uint_t failed);
void ngx_http_imgp_flight_hangup(ngx_http_imgp_zone_t *zone, uint32_t flight,
    const u_char *key, ngx_http_imgp_told_t *told);
ngx_uint_t ngx_http_imgp_flight_known(ngx_http_imgp_zone_t *zone,
    const u_char *key);
ngx_uint_t ngx_http_imgp_flight_reap(ngx_http_imgp_zone_t *zone);

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
    ngx_http_imgp_service_t       *service;
    ngx_uint_t                     fails;    /* counted by the breaker */
    ngx_msec_t                     probe;    /* ms until it is tried again */
    ngx_uint_t                     waiting;  /* of the stage, as inflight */
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
