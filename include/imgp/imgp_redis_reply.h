
/*
 * What Redis answers: whose fault an error is, and values that are what they
 * have to be.  A reply comes from another machine: nothing in it is trusted.
 */


#ifndef _IMGP_REDIS_REPLY_H_INCLUDED_
#define _IMGP_REDIS_REPLY_H_INCLUDED_


#include <sys/time.h>
#include <hiredis/hiredis.h>
#include <imgp/imgp_types.h>


typedef enum {
    IMGP_REDIS_OK = 0,
    IMGP_REDIS_UNLOADED,              /* NOSCRIPT: load it, then again */
    IMGP_REDIS_TRANSIENT,             /* LOADING, OOM, BUSY...: try later */
    IMGP_REDIS_MOVED,                 /* READONLY, MASTERDOWN: this one is no
                                         master (any more): look for it */
    IMGP_REDIS_REFUSED,               /* NOAUTH, WRONGPASS, NOPERM */
    IMGP_REDIS_BROKEN,                /* no such answer was to be expected */
    IMGP_REDIS_AWAY                   /* there is no answer */
} imgp_redis_class_e;


/* NULL: away; a reply that is no error: OK, which says nothing of its shape */

imgp_redis_class_e imgp_redis_class(const redisReply *reply);
const char *imgp_redis_class_name(imgp_redis_class_e c);

/* the n-th element, or the reply itself with n -1; IMGP_ERROR: not of that
   kind; an integer may come as text; strings point into the reply */

imgp_int_t imgp_redis_int(const redisReply *reply, imgp_int_t n,
    int64_t *out);
imgp_int_t imgp_redis_str(const redisReply *reply, imgp_int_t n,
    imgp_str_t *out);


#endif /* _IMGP_REDIS_REPLY_H_INCLUDED_ */
