
/*
 * The scripts that change what Redis shares, each atomic, each by Redis' own
 * TIME.  All keys of jobs have one slot tag; see imgp_redis_args.h for names.
 */


#ifndef _IMGP_REDIS_LUA_H_INCLUDED_
#define _IMGP_REDIS_LUA_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_REDIS_SHA_LEN  40        /* hexadecimal SHA-1 */


typedef enum {
    IMGP_REDIS_SUBMIT = 0,            /* a job enters, queued or held */
    IMGP_REDIS_CLAIM,                 /* the next queued one is held */
    IMGP_REDIS_BEAT,                  /* leases of held ones go on */
    IMGP_REDIS_COMMIT,                /* its holder writes a revision */
    IMGP_REDIS_SWAP,                  /* anybody writes over a revision he
                                         knows: cancel, retry */
    IMGP_REDIS_REAP,                  /* jobs of lost machines are queued */
    IMGP_REDIS_READ,                  /* a job, and its place in the queue */
    IMGP_REDIS_GET,                   /* a result, or the right to make it */
    IMGP_REDIS_PUT,                   /* a result, and its flight ends */
    IMGP_REDIS_HOLD,                  /* a flight goes on */
    IMGP_REDIS_PLACES,                /* a machine's places at a service */
    IMGP_REDIS_TOKENS,                /* calls of a rate */
    IMGP_REDIS_SCRIPTS
} imgp_redis_script_e;


const char *imgp_redis_lua_name(imgp_redis_script_e script);
const char *imgp_redis_lua_text(imgp_redis_script_e script);

/* its name for EVALSHA, with a NUL */

void imgp_redis_lua_sha(imgp_redis_script_e script,
    char sha[IMGP_REDIS_SHA_LEN + 1]);


#endif /* _IMGP_REDIS_LUA_H_INCLUDED_ */
