
/*
 * What all machines together may ask of a service: places for calls at once,
 * which a machine has for a lease and over many calls, and calls of a rate,
 * some of them at a time.  How they are shared out is in the scripts
 * (imgp_redis_lua.c).
 */


#ifndef _IMGP_REDIS_QUOTA_H_INCLUDED_
#define _IMGP_REDIS_QUOTA_H_INCLUDED_


#include <imgp/imgp_redis_args.h>
#include <imgp/imgp_redis_reply.h>


typedef struct {
    uint32_t           has;           /* places, until the lease is over */
    uint32_t           cap;           /* no call begins past so many */
} imgp_redis_places_t;


/* it needs so many of "limit", and keeps so many in any case: others are not
   told that these are free */

void imgp_redis_places(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_str_t *pipeline, const imgp_str_t *stage, uint32_t limit,
    uint32_t need, uint32_t keep);

/* IMGP_OK, or IMGP_ERROR: this is no answer to that command */

imgp_int_t imgp_redis_places_answer(const redisReply *reply,
    imgp_redis_places_t *places);

/* "n" calls of a service, "interval" us apart; the answer: us until the
   first */

void imgp_redis_tokens(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char *service, size_t len, uint64_t interval, uint32_t n);
imgp_int_t imgp_redis_tokens_answer(const redisReply *reply, uint64_t *wait);

/* the hint that places of a stage may be had; its time tells it from others.
   IMGP_DECLINED: it is of this node itself; the names are in the message */

imgp_int_t imgp_redis_places_hint(const imgp_redis_t *redis,
    const imgp_str_t *message, uint64_t *time, imgp_str_t *pipeline,
    imgp_str_t *stage);


#endif /* _IMGP_REDIS_QUOTA_H_INCLUDED_ */
