
/*
 * Shared jobs: the commands that move them, and what these answer.  A job goes
 * as its record (imgp_record.h), the one encoding; what the scripts need to
 * know of it is read from the record's head.
 */


#ifndef _IMGP_REDIS_JOB_H_INCLUDED_
#define _IMGP_REDIS_JOB_H_INCLUDED_


#include <imgp/imgp_record.h>
#include <imgp/imgp_redis_args.h>
#include <imgp/imgp_redis_reply.h>


/* a machine shows more revisions of a job that it runs than it tells Redis:
   who takes it from there goes on so much further on, so that none is seen
   twice */

#define IMGP_REDIS_AHEAD      1000

/* ... and who writes over it, twice as far: it may have been taken meanwhile */

#define IMGP_REDIS_OVER       (2 * IMGP_REDIS_AHEAD)

#define IMGP_REDIS_IDEM_TTL   86400000   /* ms, as on one machine */
#define IMGP_REDIS_BEAT_MAX   64      /* jobs of one beat */
#define IMGP_REDIS_REAP_MAX   100     /* jobs of one reap */
#define IMGP_REDIS_DEAD_MAX   10000   /* of the dead list */
#define IMGP_REDIS_DEAD_AGE   2592000000ull   /* ms: 30 days, also how long
                                                 the job itself is kept */


typedef struct {
    imgp_str_t         record;
    imgp_str_t         pipeline;
    uint64_t           fence;         /* of the holder */
    uint64_t           ttl;           /* ms, of a final one */
    imgp_uint_t        want;          /* hold it at once: 1 if none waits,
                                         2 in any case; 3: only if "whole" is
                                         known */
    imgp_uint_t        force;         /* a final one that was shown already */
    imgp_uint_t        limit;         /* of the queue; 0: none */
    uint32_t           known;         /* revision that may be written over */
    const char        *reason;        /* why it is dead, or NULL */
    const u_char      *idem;          /* digest of an Idempotency-Key that is
                                         to be the job's alone, or NULL */
    const u_char      *body;          /* ... and of what came with it */
    const u_char      *whole;         /* digest of all that decides how it
                                         ends, or NULL */
    imgp_msec_t        oldest;        /* submit: an end that may be taken */
    imgp_msec_t        made;          /* commit: this one, */
    uint64_t           cache;         /* ... ms it may be taken */
    const imgp_item_t *items;         /* ... with these outputs */
    imgp_uint_t        nitems;
} imgp_redis_job_t;


typedef enum {
    IMGP_REDIS_JOB_DONE = 0,
    IMGP_REDIS_JOB_OTHER,             /* submit: known already; commit, beat:
                                         in other hands; swap: of another
                                         revision */
    IMGP_REDIS_JOB_NONE,              /* submit: the queue is full; claim:
                                         none waits; else: forgotten */
    IMGP_REDIS_JOB_TWIN,              /* submit: the key is another job's */
    IMGP_REDIS_JOB_KNOWN,             /* submit: how it ends is known */
    IMGP_REDIS_JOB_UNKNOWN            /* submit, that wanted to know: not */
} imgp_redis_job_e;


typedef struct {
    imgp_redis_job_e   result;
    uint64_t           fence;
    imgp_uint_t        held;          /* by this node */
    uint32_t           queue;         /* number of the claimed one's */
    uint32_t           lost;
    uint32_t           place;         /* in its queue, from 1; 0: not in it */
    uint32_t           state;
    imgp_str_t         record;        /* in the reply, its head is whole */
    u_char             twin[IMGP_ID_BYTES];
    u_char             body[IMGP_DIGEST_LEN];   /* what it came with */
} imgp_redis_answer_t;


/* IMGP_ERROR: the record is spoilt, or a name is too long */

imgp_int_t imgp_redis_submit(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job);
imgp_int_t imgp_redis_commit(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job);
imgp_int_t imgp_redis_swap(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job);
imgp_int_t imgp_redis_claim(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_str_t *pipelines, imgp_uint_t n);
void imgp_redis_read(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char id[IMGP_ID_BYTES]);
void imgp_redis_reap(imgp_redis_args_t *a, const imgp_redis_t *redis);

/* begin, then up to IMGP_REDIS_BEAT_MAX jobs; the answer to the n-th */

void imgp_redis_beat(imgp_redis_args_t *a, const imgp_redis_t *redis);
void imgp_redis_beat_add(imgp_redis_args_t *a,
    const u_char id[IMGP_ID_BYTES], uint64_t fence);
imgp_int_t imgp_redis_beat_answer(const redisReply *reply, imgp_uint_t n);

/* IMGP_OK, or IMGP_ERROR: this is no answer to that command */

imgp_int_t imgp_redis_submit_answer(const redisReply *reply,
    imgp_redis_answer_t *answer);
imgp_int_t imgp_redis_claim_answer(const redisReply *reply,
    imgp_redis_answer_t *answer);
imgp_int_t imgp_redis_read_answer(const redisReply *reply,
    const imgp_redis_t *redis, imgp_redis_answer_t *answer);

/* commit and swap: imgp_redis_job_e, or IMGP_ERROR */

imgp_int_t imgp_redis_commit_answer(const redisReply *reply);


#endif /* _IMGP_REDIS_JOB_H_INCLUDED_ */
