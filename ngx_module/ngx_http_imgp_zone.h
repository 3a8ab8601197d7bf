
/*
 * How the zone lies in shared memory: fixed arrays, laid out once, indexes
 * in place of pointers.  Only ngx_http_imgp_zone.c, _table.c, _flight.c and
 * _wake.c look inside; everybody else calls their functions.
 *
 * A worker may be killed at any instruction while it holds the lock.  nginx
 * then unlocks the mutex; we find "dirty" still set and rebuild every index
 * (free lists, hash chains, queues, counters) from the slots and cells.  A
 * slot's record changes by one 64-bit store, so it is the old or the new one.
 */


#ifndef _NGX_HTTP_IMGP_ZONE_H_INCLUDED_
#define _NGX_HTTP_IMGP_ZONE_H_INCLUDED_


#include "ngx_http_imgp.h"
#include "ngx_http_imgp_care.h"
#include "ngx_http_imgp_stat.h"
#include "ngx_http_imgp_halt.h"
#include <imgp/imgp_redis_args.h>
#include <imgp/imgp_fair.h>


#define NGX_HTTP_IMGP_WORKERS     1024  /* of all generations together: as
                                           many as nginx can have */
#define NGX_HTTP_IMGP_PIPELINES   NGX_HTTP_IMGP_PIPELINES_MAX
#define NGX_HTTP_IMGP_RING        1024
#define NGX_HTTP_IMGP_SERVICES    256
#define NGX_HTTP_IMGP_SERIES      256   /* stages whose times are counted */
#define NGX_HTTP_IMGP_CELL        256
#define NGX_HTTP_IMGP_CELL_DATA   (NGX_HTTP_IMGP_CELL - sizeof(uint32_t))
#define NGX_HTTP_IMGP_CELLS_JOB   4     /* per slot, on the average */
#define NGX_HTTP_IMGP_LEASE       30000 /* ms without a beat: worker is lost */

#define NGX_HTTP_IMGP_NONE        0xffffffff


/* states of a slot; RUNNING ones have an owner, FINAL ones may be evicted: a
   FINAL one whose job is not is a copy of what Redis has */

#define NGX_HTTP_IMGP_SLOT_FREE     0
#define NGX_HTTP_IMGP_SLOT_QUEUED   1
#define NGX_HTTP_IMGP_SLOT_RUNNING  2
#define NGX_HTTP_IMGP_SLOT_FINAL    3

/* a job's end is under way, 1, or is being stored and stands */

#define NGX_HTTP_IMGP_STORED        2


typedef struct {
    u_char                         id[IMGP_ID_BYTES];
    u_char                         owner[IMGP_OWNER_LEN];
    uint64_t                       record;     /* first cell << 32 | length */
    uint64_t                       fence;
    uint64_t                       lease;      /* its fence in Redis, or 0 */
    uint64_t                       seq;        /* order of the queue */
    imgp_msec_t                    expires_at;
    uint32_t                       state;
    uint32_t                       job_state;
    uint32_t                       revision;
    uint32_t                       lost;
    uint32_t                       pipeline;
    uint32_t                       worker;     /* of a running one */
    uint32_t                       finishing;  /* or NGX_HTTP_IMGP_STORED */
    uint32_t                       unsaid;     /* Redis does not know it */
    uint32_t                       next;       /* hash chain, free list */
    uint32_t                       q_prev;     /* of the final ones */
    uint32_t                       q_next;
    uint32_t                       priority;
    imgp_fair_link_t               link;       /* of a queued one */
} ngx_http_imgp_slot_t;


typedef struct {
    uint32_t                       next;
    u_char                         data[NGX_HTTP_IMGP_CELL_DATA];
} ngx_http_imgp_cell_t;


typedef struct {
    uint32_t                       head;
    uint32_t                       tail;
    uint32_t                       count;
} ngx_http_imgp_list_t;


typedef struct {
    ngx_pid_t                      pid;        /* 0: free */
    ngx_msec_t                     beat;       /* of CLOCK_MONOTONIC */
    uint32_t                       watching;   /* clients held, runs joined */
    uint32_t                       blameless;  /* no job has ended it */
    uint32_t                       generation; /* its configuration */
    uint32_t                       held[NGX_HTTP_IMGP_HELD];
} ngx_http_imgp_shworker_t;


typedef struct {
    uint32_t                       calls;
    uint32_t                       limit;      /* 0: none */
} ngx_http_imgp_shlane_t;


/* calls of a stage's service; limits are those of who asked last */

typedef struct {
    uint32_t                       calls;
    uint32_t                       limit;
    ngx_http_imgp_shlane_t         lanes[IMGP_LANES_MAX];
    imgp_fair_queue_t              queue;      /* of flights */

    /* with Redis: this machine's (ngx_http_imgp_quota.c) */

    uint32_t                       has;        /* places */
    uint32_t                       cap;        /* no call begins past it */
    uint32_t                       asked;      /* so many, last */
    uint32_t                       ask;        /* somebody should */
    ngx_msec_t                     asking;     /* since then, or 0 */
    ngx_msec_t                     until;      /* places are had */
    uint64_t                       hinted;     /* the last hint's time */
} ngx_http_imgp_shstage_t;


typedef struct {
    u_char                         name[IMGP_NAME_LEN];
    u_char                         plan[IMGP_DIGEST_LEN];
    uint32_t                       first;      /* configurations, from one */
    uint32_t                       last;       /* to another, that have it */
    imgp_fair_queue_t              queue;
    uint32_t                       running;
    ngx_http_imgp_shstage_t        stages[IMGP_STAGES_MAX];
    imgp_expect_cell_t             expect[IMGP_STAGES_MAX]
                                         [IMGP_EXPECT_CLASSES];
    imgp_expect_pace_t             pace;       /* of its queue */
    uint16_t                       series[IMGP_STAGES_MAX];  /* from 1 */
    ngx_atomic_t                   ended[NGX_HTTP_IMGP_STAT_STATES];
    ngx_atomic_t                   cache[NGX_HTTP_IMGP_STAT_CACHE];
    ngx_http_imgp_histogram_t      durations;  /* of its jobs */
} ngx_http_imgp_shpipeline_t;


/* a stage of some pipeline, see ngx_http_imgp_stat.c */

typedef struct {
    uint32_t                       used;
    ngx_http_imgp_histogram_t      durations;
} ngx_http_imgp_shseries_t;


/* a run of a stage that goes on somewhere on this machine */

typedef struct {
    u_char                         key[IMGP_DIGEST_LEN];
    uint32_t                       used;
    uint32_t                       worker;
    uint32_t                       pipeline;
    uint32_t                       stage;
    uint32_t                       calling;    /* holds a service's place */
    uint32_t                       next;       /* hash chain, free list */

    /* of one that calls, or waits for it (ngx_http_imgp_turn.c) */

    uint32_t                       waiting;
    uint32_t                       told;       /* to come back by itself */
    uint32_t                       lane;
    uint32_t                       level;      /* imgp_priority_e */
    u_char                         owner[IMGP_OWNER_LEN];
    u_char                         service[NGX_HTTP_IMGP_SERVICE_ID];
    imgp_care_t                    care;
    imgp_fair_link_t               link;
} ngx_http_imgp_flight_t;


/* what is remembered of a service; zeroes: free */

typedef struct {
    u_char                         id[NGX_HTTP_IMGP_SERVICE_ID];
    ngx_msec_t                     used;
    imgp_care_state_t              state;
    ngx_http_imgp_tally_t          tally;

    /* with Redis: calls of its rate that this machine has */

    uint32_t                       tokens;
    uint32_t                       ask;        /* somebody should */
    ngx_msec_t                     asking;     /* since then, or 0 */
    uint64_t                       token_at;   /* us: the next one's time */
    uint64_t                       token_until;
    uint64_t                       interval;   /* us, of who lacks one */
    uint32_t                       pipeline;
    uint32_t                       stage;
} ngx_http_imgp_shservice_t;


typedef struct {
    u_char                         id[IMGP_ID_BYTES];
    uint32_t                       kind;
} ngx_http_imgp_wakeup_t;


typedef struct {
    uint32_t                       layout;     /* sizeof() of all of it */
    uint32_t                       dirty;
    uint32_t                       njobs;      /* used so far: memory that */
    uint32_t                       ncells;     /* was never needed is never */
    uint32_t                       nflights;   /* touched */
    uint32_t                       max_jobs;
    uint32_t                       max_cells;
    uint32_t                       max_flights;
    uint32_t                       nhash;      /* a power of 2 */
    uint32_t                       generation; /* of configurations */
    uint32_t                       nworkers;   /* numbers used until now */

    uint64_t                       fence;
    uint64_t                       seq;

    uint32_t                       free_slot;
    uint32_t                       free_cell;
    uint32_t                       free_cells;
    uint32_t                       free_flight;
    uint32_t                       suspects;   /* running suspect ones */
    ngx_http_imgp_list_t           final;      /* oldest first */
    imgp_fair_heap_t               jobs;       /* of the queues of jobs, */
    imgp_fair_heap_t               calls;      /* and of those of calls */

    uint64_t                       alive;      /* its number for others */
    u_char                         node[IMGP_REDIS_NODE_LEN + 1];
    u_char                         born[IMGP_REDIS_NODE_LEN + 1];
                                               /* what Redis says it is */
    ngx_msec_t                     beaten;     /* leases in Redis */
    ngx_msec_t                     unsure;     /* so long it may know less */
    u_char                         offered[IMGP_DIGEST_LEN];
                                               /* to it, last, and when */
    ngx_msec_t                     offered_at;

    uint32_t                       recovery;   /* looks into the journal */
    uint32_t                       sweeper;
    ngx_msec_t                     swept;
    uint32_t                       foreign;    /* records, told already */
    uint32_t                       stuck;      /* at more than max_size */
    uint64_t                       rebuilt;
    uint64_t                       reaped;     /* "rebuilt" at that time */

    ngx_atomic_t                   store_bytes;
    ngx_atomic_t                   ring_head;
    ngx_http_imgp_wakeup_t         ring[NGX_HTTP_IMGP_RING];

    ngx_http_imgp_shservice_t      services[NGX_HTTP_IMGP_SERVICES];
    ngx_http_imgp_shworker_t       workers[NGX_HTTP_IMGP_WORKERS];
    ngx_http_imgp_shpipeline_t     pipelines[NGX_HTTP_IMGP_PIPELINES];

    ngx_atomic_t                   notify_delivered;
    ngx_atomic_t                   notify_failed;
    ngx_atomic_t                   notify_given_up;
    ngx_atomic_t                   notify_pending;
    ngx_atomic_t                   notify_dead;

    ngx_http_imgp_shseries_t       series[NGX_HTTP_IMGP_SERIES];

    ngx_msec_t                     heard;      /* of Redis, by somebody */
    ngx_msec_t                     missed;     /* ... not, when tried */

    ngx_http_imgp_stat_stage_t     stages[NGX_HTTP_IMGP_PIPELINES]
                                         [IMGP_STAGES_MAX];

    uint32_t                       nhalts;
    ngx_http_imgp_halt_t           halts[NGX_HTTP_IMGP_HALTS];
} ngx_http_imgp_shzone_t;


struct ngx_http_imgp_zone_s {
    ngx_http_imgp_main_conf_t     *conf;
    ngx_slab_pool_t               *shpool;
    ngx_log_t                     *log;
    ngx_http_imgp_shzone_t        *sh;
    ngx_http_imgp_slot_t          *slots;
    ngx_http_imgp_cell_t          *cells;
    ngx_http_imgp_flight_t        *flights;
    uint32_t                      *job_hash;
    uint32_t                      *flight_hash;
    imgp_fair_t                    jobs;       /* who is queued, in all
                                                  pipelines' queues */
    imgp_fair_t                    calls;      /* ... at all services */
    uint32_t                       me;         /* index in sh->workers */
    uint32_t                       generation;
};


/* it may have crashed its worker: no two of them run at a time */

#define ngx_http_imgp_is_suspect(slot)  ((slot)->lost >= IMGP_LOST_CRASH)


/* under the lock: what is remembered of a service, and its state, if it is one
   that is taken care of (ngx_http_imgp_care.c) */

ngx_http_imgp_shservice_t *ngx_http_imgp_care_service(
    ngx_http_imgp_zone_t *zone, const u_char *id);

imgp_care_state_t *ngx_http_imgp_care_state(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_service_t *service);

/* under the lock: turns at services (ngx_http_imgp_turn.c) */

void ngx_http_imgp_turn_enter(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f);
void ngx_http_imgp_turn_leave(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f);
void ngx_http_imgp_turn_serve(ngx_http_imgp_zone_t *zone, ngx_uint_t pipeline,
    ngx_uint_t stage, ngx_http_imgp_told_t *told);

/* under the lock: limits over all machines (ngx_http_imgp_quota.c) */

ngx_uint_t ngx_http_imgp_quota_shared(ngx_http_imgp_zone_t *zone);
uint32_t ngx_http_imgp_quota_limit(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shstage_t *st);
ngx_uint_t ngx_http_imgp_quota_look(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shstage_t *st);
imgp_msec_t ngx_http_imgp_quota_wait(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_flight_t *f);
void ngx_http_imgp_quota_begin(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shservice_t *s, imgp_care_t *care);

void ngx_http_imgp_zone_lock(ngx_http_imgp_zone_t *zone);
void ngx_http_imgp_zone_unlock(ngx_http_imgp_zone_t *zone);

/* under the lock: is a worker process gone, or without a beat for too long? */

ngx_uint_t ngx_http_imgp_zone_lost(ngx_http_imgp_zone_t *zone,
    uint32_t worker);

/* of each number, in an array of NGX_HTTP_IMGP_WORKERS; NGX_DECLINED: nothing
   can have been left behind, so there is nothing to look for */

ngx_int_t ngx_http_imgp_zone_losses(ngx_http_imgp_zone_t *zone, u_char *lost);

/* ngx_http_imgp_place.c: a configuration comes to the zone; under the lock,
   where a pipeline of this name is, or can be, as long as the caller's
   configuration is alive; NULL: nowhere */

ngx_int_t ngx_http_imgp_place_pipelines(ngx_http_imgp_zone_t *zone);
ngx_http_imgp_shpipeline_t *ngx_http_imgp_place(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *name);

/* under the lock: the plan of a pipeline is another one */

void ngx_http_imgp_stat_forget(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_shpipeline_t *p);

/* under the lock, after a death in it (ngx_http_imgp_rebuild.c) */

void ngx_http_imgp_rebuild(ngx_http_imgp_zone_t *zone);

/* under the lock: a further element for the free list; NGX_DECLINED: the array
   is used up */

ngx_int_t ngx_http_imgp_zone_more_slots(ngx_http_imgp_zone_t *zone);
ngx_int_t ngx_http_imgp_zone_more_cells(ngx_http_imgp_zone_t *zone);
ngx_int_t ngx_http_imgp_zone_more_flights(ngx_http_imgp_zone_t *zone);

void ngx_http_imgp_list_push(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_list_t *list, uint32_t i, ngx_uint_t front);
void ngx_http_imgp_list_remove(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_list_t *list, uint32_t i);

/* ngx_http_imgp_slot.c */

ngx_http_imgp_slot_t *ngx_http_imgp_slot_find(ngx_http_imgp_zone_t *zone,
    const u_char *id);
ngx_http_imgp_slot_t *ngx_http_imgp_slot_owned(ngx_http_imgp_zone_t *zone,
    const u_char *id, uint64_t fence);
ngx_int_t ngx_http_imgp_slot_store(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, const u_char *record, size_t len);
ngx_http_imgp_slot_t *ngx_http_imgp_slot_alloc(ngx_http_imgp_zone_t *zone);
void ngx_http_imgp_slot_drop(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
void ngx_http_imgp_slot_unlist(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
void ngx_http_imgp_slot_queue(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t front);
void ngx_http_imgp_slot_key(imgp_fair_key_t *key, ngx_uint_t pipeline,
    const u_char *owner);
void ngx_http_imgp_slot_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_uint_t job_state, ngx_uint_t front);
ngx_int_t ngx_http_imgp_slot_copy(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot, ngx_http_imgp_entry_t *e, u_char *buf,
    size_t size);
int64_t ngx_http_imgp_slot_position(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);
void ngx_http_imgp_slot_start(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_slot_t *slot);


#define ngx_http_imgp_zone_ncells(len)                                        \
    (((len) + NGX_HTTP_IMGP_CELL_DATA - 1) / NGX_HTTP_IMGP_CELL_DATA)


/* ids and keys are random by themselves: their first bytes are the hash */

static ngx_inline uint32_t *
ngx_http_imgp_bucket(uint32_t *hash, uint32_t size, const u_char *id)
{
    uint32_t  n;

    ngx_memcpy(&n, id, sizeof(uint32_t));

    return &hash[n & (size - 1)];
}


#define ngx_http_imgp_job_hash(zone, id)                                      \
    ngx_http_imgp_bucket((zone)->job_hash, (zone)->sh->nhash, id)
#define ngx_http_imgp_flight_hash(zone, key)                                  \
    ngx_http_imgp_bucket((zone)->flight_hash, (zone)->sh->nhash, key)


#endif /* _NGX_HTTP_IMGP_ZONE_H_INCLUDED_ */
