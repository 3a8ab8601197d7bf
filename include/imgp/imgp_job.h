
/*
 * A job: its document as a structure, and its events (THE state table is in
 * imgp_state.c).  The worker process that runs a job owns the structure;
 * everybody else sees encoded copies (imgp_record.h).  All memory belongs to
 * job->pool.
 */


#ifndef _IMGP_JOB_H_INCLUDED_
#define _IMGP_JOB_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_id.h>
#include <imgp/imgp_plan.h>


/* what a worker's death counts for the jobs that it ran, and with how much
   of it one is given up: a crash may be the job's own fault, a SIGKILL comes
   from outside, but also from the kernel when memory is used up */

#define IMGP_LOST_CRASH  10
#define IMGP_LOST_KILL   1
#define IMGP_LOST_MAX    30

#define IMGP_OWNER_LEN  16            /* of the owner's SHA-256; 0s: nobody */


/* who waits is served in this order */

typedef enum {
    IMGP_PRIORITY_HIGH = 0,
    IMGP_PRIORITY_NORMAL,
    IMGP_PRIORITY_LOW
} imgp_priority_e;

#define IMGP_PRIORITIES  3

/* "high", "normal", "low"; IMGP_DECLINED: it is none of them */

imgp_int_t imgp_priority(const imgp_str_t *name);


typedef enum {
    IMGP_JOB_QUEUED = 0,
    IMGP_JOB_RUNNING,
    IMGP_JOB_SUCCEEDED,
    IMGP_JOB_FAILED,
    IMGP_JOB_CANCELED
} imgp_job_state_e;

#define imgp_job_is_final(state)  ((state) >= IMGP_JOB_SUCCEEDED)


typedef enum {
    IMGP_JOB_CLAIM = 0,               /* queued -> running */
    IMGP_JOB_REQUEUE,                 /* running -> queued: worker lost */
    IMGP_JOB_SUCCEED,                 /* queued (all known), running -> ... */
    IMGP_JOB_FAIL,
    IMGP_JOB_CANCEL,
    IMGP_JOB_RETRY                    /* failed -> queued */
} imgp_job_event_e;


typedef enum {
    IMGP_ST_PENDING = 0,              /* its inputs are not there yet */
    IMGP_ST_QUEUED,                   /* waits for a thread, a service slot,
                                         or another job's run of the same */
    IMGP_ST_RUNNING,
    IMGP_ST_RETRYING,                 /* waits until its next attempt */
    IMGP_ST_SUCCEEDED,
    IMGP_ST_SKIPPED,
    IMGP_ST_FAILED,
    IMGP_ST_CANCELED
} imgp_stage_state_e;

#define imgp_stage_is_final(state)  ((state) >= IMGP_ST_SUCCEEDED)


typedef enum {
    IMGP_ST_READY = 0,                /* pending -> queued */
    IMGP_ST_START,                    /* queued, retrying -> running: an
                                         attempt begins */
    IMGP_ST_RETRY,                    /* queued, running -> retrying */
    IMGP_ST_SUCCEED,                  /* queued (known), running -> ... */
    IMGP_ST_SKIP,                     /* pending -> skipped */
    IMGP_ST_FAIL,                     /* pending, queued, running, retrying */
    IMGP_ST_CANCEL,                   /* anything not final */
    IMGP_ST_RESET                     /* all but succeeded, skipped -> pending:
                                         taken over, or retried */
} imgp_stage_event_e;


/* where a job's time goes: in each instant it is in exactly one phase */

typedef enum {
    IMGP_PHASE_RECEIVE = 0,           /* the body arrives */
    IMGP_PHASE_STORE,                 /* upload and journal reach the disk */
    IMGP_PHASE_QUEUE,                 /* nothing runs: waits for its turn */
    IMGP_PHASE_RUN,                   /* at least one local stage runs */
    IMGP_PHASE_SERVICE,               /* else: at least one call is out */
    IMGP_PHASE_WAIT,                  /* else: all that is left is retrying */
    IMGP_PHASE_MAX
} imgp_phase_e;


typedef struct {
    uint8_t            state;         /* imgp_stage_state_e */
    uint8_t            cached;        /* its outputs were known */
    uint8_t            local;         /* kind, for the accounting */
    uint8_t            optional;
    uint32_t           attempts;
    uint32_t           progress;      /* 0..1000 */
    uint32_t           calls;         /* runs in flight now */
    imgp_msec_t        queued_at;     /* ms since the epoch; 0: not yet */
    imgp_msec_t        started_at;
    uint64_t           queue_ms;
    uint64_t           run_ms;
    imgp_error_t      *error;         /* last one, NULL: none */
    imgp_item_t       *items;
    imgp_uint_t        nitems;
} imgp_job_stage_t;


typedef struct {
    imgp_pool_t       *pool;

    u_char             id[IMGP_ID_BYTES];
    u_char             owner[IMGP_OWNER_LEN];
    imgp_str_t         pipeline;
    u_char             plan[IMGP_DIGEST_LEN];

    uint8_t            state;         /* imgp_job_state_e */
    uint8_t            cached;        /* every stage was known */
    uint8_t            degraded;
    uint8_t            bypass;        /* known results are not taken */
    uint8_t            priority;      /* imgp_priority_e */
    uint32_t           revision;      /* of the document; only grows */
    uint32_t           progress;      /* 0..1000, only grows */
    uint32_t           lost;          /* IMGP_LOST_... since last headway */

    imgp_msec_t        created_at;    /* when its first byte came */
    imgp_msec_t        queued_at;
    imgp_msec_t        started_at;
    imgp_msec_t        finished_at;
    imgp_msec_t        expires_at;

    uint64_t           phase_ms[IMGP_PHASE_MAX];
    imgp_msec_t        phase_at;      /* accounted up to here */
    uint8_t            phase;

    imgp_item_t        input;
    imgp_str_t         params[IMGP_PARAMS_MAX];   /* by the plan's index */
    imgp_str_t         param_names[IMGP_PARAMS_MAX];
    imgp_uint_t        nparams;

    imgp_job_stage_t   stages[IMGP_STAGES_MAX];
    imgp_str_t         stage_names[IMGP_STAGES_MAX];
    uint8_t            stage_output[IMGP_STAGES_MAX];
    imgp_uint_t        nstages;

    int32_t            error_stage;   /* -1: none */
    imgp_error_t       error;         /* of a failed job */
} imgp_job_t;


/* an empty job with a pool of its own; NULL when memory is out */

imgp_job_t *imgp_job_create(const imgp_alloc_t *alloc);
void imgp_job_destroy(imgp_job_t *job);       /* NULL is fine */

/*
 * Stages and params (their defaults where the job has none) of a plan; used
 * for a new job and when a taken over job meets a changed plan: then all its
 * stages are pending again, and what was done is found by its key.  With the
 * plan it was bound to already nothing changes.  Params are the plan's, in
 * its order; those set before (by name) keep their values.  IMGP_ERROR when
 * memory is out: the job is of no use then.
 */

imgp_int_t imgp_job_bind(imgp_job_t *job, const imgp_plan_t *plan);

/*
 * The state table.  IMGP_OK, or IMGP_DECLINED for a transition that is not in
 * it, which changes nothing.  "now" is ms since the epoch; a clock that steps
 * back never makes a time negative: times are read off job->phase_at, which
 * only grows.  Both keep the accounting of time; the revision is left to the
 * one who publishes the job.
 *
 * The end of a job cancels its stages that are not final; SUCCEED sets the
 * progress to all of it.  RETRY forgets the error, the end and the losses; a
 * stage that succeeds by running forgets the losses too.
 */

imgp_int_t imgp_job_event(imgp_job_t *job, imgp_job_event_e event,
    imgp_msec_t now);
imgp_int_t imgp_job_stage_event(imgp_job_t *job, imgp_uint_t stage,
    imgp_stage_event_e event, imgp_msec_t now);

/*
 * Adds the time up to now to the current phase, then finds the phase anew,
 * by the stages.  So until a job is queued its phase is told: account() ends
 * RECEIVE, then job->phase = IMGP_PHASE_STORE, then account() ends STORE.
 * The sum of phase_ms is phase_at - created_at from the first call on, and
 * phase_at of a final job is finished_at; when a failed job is retried, the
 * time between has been WAIT.
 */

void imgp_job_account(imgp_job_t *job, imgp_msec_t now);

/*
 * REQUEUE or RETRY with the stages: back to where the job can be run again.
 * What succeeded or was skipped stays, and so does what failed although it
 * was optional, since others went on without it.
 */

imgp_int_t imgp_job_reset(imgp_job_t *job, imgp_job_event_e event,
    imgp_msec_t now);

/* copies an error to a stage; IMGP_ERROR when memory is out */

imgp_int_t imgp_job_stage_error(imgp_job_t *job, imgp_uint_t stage,
    const imgp_error_t *err);

const char *imgp_job_state_name(imgp_uint_t state);
const char *imgp_stage_state_name(imgp_uint_t state);

/* the two tables as text for the README; checked by a test.  Returns its
   length, which may be more than "size" leaves room for, as snprintf(3). */

size_t imgp_job_print_table(char *buf, size_t size);


#endif /* _IMGP_JOB_H_INCLUDED_ */
