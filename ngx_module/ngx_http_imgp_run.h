
/*
 * Jobs that this worker runs.  A run is a job from its claim to its end; a
 * unit is one execution of one stage of it: a stage with "each" has one per
 * item.  Only run.c, unit.c, local.c and post.c look inside.
 *
 *     unit:  key -> flight -> [joined] -> known? -> work -> stored -> done
 *
 * All of it lives in the run's pool.  Threads see a unit's inputs, its own
 * arena and its two atomics; the run is freed when the last thread has let go.
 */


#ifndef _NGX_HTTP_IMGP_RUN_H_INCLUDED_
#define _NGX_HTTP_IMGP_RUN_H_INCLUDED_


#include "ngx_http_imgp.h"
#include "ngx_http_imgp_care.h"


typedef struct ngx_http_imgp_run_s   ngx_http_imgp_run_t;
typedef struct ngx_http_imgp_unit_s  ngx_http_imgp_unit_t;
typedef struct ngx_http_imgp_batch_s  ngx_http_imgp_batch_t;
typedef struct ngx_http_imgp_parts_s  ngx_http_imgp_parts_t;


typedef enum {
    NGX_HTTP_IMGP_UNIT_IDLE = 0,
    NGX_HTTP_IMGP_UNIT_JOINED,        /* the same runs elsewhere */
    NGX_HTTP_IMGP_UNIT_TASK,          /* in a thread, or on its way there */
    NGX_HTTP_IMGP_UNIT_ASK,           /* Redis is asked: it comes back */
    NGX_HTTP_IMGP_UNIT_PLACE,         /* waits for a place at its service */
    NGX_HTTP_IMGP_UNIT_BATCH,         /* in one that is not yet sent */
    NGX_HTTP_IMGP_UNIT_CALL,          /* its service is at work */
    NGX_HTTP_IMGP_UNIT_BACKOFF,
    NGX_HTTP_IMGP_UNIT_DONE
} ngx_http_imgp_unit_e;


struct ngx_http_imgp_unit_s {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_run_t           *run;
    ngx_queue_t                    queue;      /* of the waiting ones */

    ngx_uint_t                     stage;
    ngx_uint_t                     number;     /* item of an "each" */
    ngx_http_imgp_unit_e           state;

    imgp_item_t                   *inputs;
    ngx_uint_t                     ninputs;
    imgp_uint_t                    counts[IMGP_FROM_MAX];   /* by "from" */
    u_char                         key[IMGP_DIGEST_LEN];
    uint32_t                       flight;     /* in the zone's table */
    ngx_uint_t                     attempts;
    ngx_uint_t                     spent;      /* of them at providers before */
    ngx_http_imgp_service_t       *service;    /* provider; NULL: the first */
    ngx_uint_t                     any;        /* any end wakes it */
    ngx_http_imgp_batch_t         *batch;      /* or NULL */
    unsigned                       alone:1;    /* in no batch any more */
    unsigned                       whole:1;    /* the document is the output */

    /* shared with a thread */
    volatile uint32_t              cancel;
    volatile uint32_t              progress;   /* 0..1000 */

    /* a thread's while state is TASK */
    imgp_pool_t                   *arena;
    imgp_item_t                   *items;      /* results, in the arena */
    imgp_uint_t                    nitems;
    imgp_str_t                    *maps;       /* inputs of a call */
    imgp_template_input_t         *wanted;     /* of a template, by "from" */
    imgp_template_body_t          *request;    /* made of it */

    /* of a call's answer */
    imgp_str_t                     document;   /* what outputs are taken of */
    imgp_str_t                     stored;     /* the URL of what was put */
    ngx_http_imgp_parts_t         *parts;      /* of it; or NULL */
    imgp_poll_answer_t            *poll;       /* of a service that is asked
                                                  again; in the arena */
    imgp_str_t                    *links;      /* to be fetched; the same */
    ngx_uint_t                     nlinks;
    ngx_uint_t                     failures;   /* in a row, of one question */
    ngx_msec_t                     deadline;   /* of the attempt */
    ngx_event_t                    later;      /* the next question */
    imgp_store_error_t             error;
    ngx_uint_t                     known;
    uint64_t                       added;      /* bytes the store grew by */
    ngx_uint_t                     old;        /* some were stored before */
    imgp_msec_t                    now;

    ngx_http_imgp_task_t           task;
    ngx_http_imgp_call_t           call;
    ngx_event_t                    timer;

    /* with Redis: see ngx_http_imgp_share_result.c */
    imgp_str_t                    *contents;   /* that came along */
    ngx_queue_t                    flights;
    ngx_msec_t                     lacked;     /* an input, since then */
    unsigned                       making:1;   /* others wait for it */
    unsigned                       joined:1;   /* it waits for another */
    unsigned                       lacks:1;    /* an input is not here */

    /* back to run.c: the unit is DONE, error.error.code tells how */
    void                         (*done)(ngx_http_imgp_unit_t *unit);
    /* run.c hears that it began to work, or waits for its next attempt */
    void                         (*changed)(ngx_http_imgp_unit_t *unit);
};


struct ngx_http_imgp_run_s {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_queue_t                    queue;
    ngx_pool_t                    *pool;
    ngx_log_t                      log;

    imgp_job_t                    *job;
    ngx_http_imgp_pipeline_t      *pipeline;
    uint64_t                       fence;

    /* by stage */
    ngx_http_imgp_unit_t          *units[IMGP_STAGES_MAX];
    ngx_uint_t                     nunits[IMGP_STAGES_MAX];
    ngx_uint_t                     nrunning[IMGP_STAGES_MAX];  /* not DONE */
    u_char                         spared[IMGP_STAGES_MAX];
    ngx_uint_t                     threads;    /* tasks not yet back */

    ngx_event_t                    publish;    /* posted, once a turn */
    ngx_event_t                    tick;       /* progress by time */

    ngx_http_imgp_task_t           task;       /* stores the end */
    imgp_str_t                     record;
    imgp_store_error_t             error;

    /* with Redis: see ngx_http_imgp_share_run.c */
    ngx_event_t                    share;
    ngx_uint_t                     puts;       /* results on their way */
    uint64_t                       lease;      /* last told to Redis, ... */
    u_char                         born[IMGP_REDIS_NODE_LEN];  /* of that name
                                                                */

    unsigned                       own:1;      /* this process has stored all
                                                  that it reads */
    unsigned                       ending:1;
    unsigned                       gone:1;     /* fenced out or given back */
    unsigned                       sharing:1;  /* a revision is on its way */
    unsigned                       later:1;    /* the end is told again */
    unsigned                       unsaid:1;   /* Redis has no end of it */
    unsigned                       halted:1;   /* a stage of it is paused */
};


/* ngx_http_imgp_unit.c */

void ngx_http_imgp_unit_start(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_unit_cancel(ngx_http_imgp_unit_t *unit);

/* the waiting units of this worker whose turn may have come; NULL: all */

void ngx_http_imgp_unit_wake(ngx_http_imgp_worker_t *w, const u_char *key);

/* from local.c and post.c: one attempt is over */

void ngx_http_imgp_unit_finish(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_unit_work(ngx_http_imgp_unit_t *unit, ngx_uint_t kind,
    void (*started)(void *data), void (*work)(void *data, ngx_log_t *log),
    void (*done)(void *data));
void ngx_http_imgp_unit_hangup(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_unit_wait(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_unit_e state);
void ngx_http_imgp_unit_unwait(ngx_http_imgp_unit_t *unit);

/* unit->timer's handler: the next attempt */

void ngx_http_imgp_unit_again(ngx_event_t *ev);

/* in a thread: is the result known already? */

ngx_int_t ngx_http_imgp_unit_known(ngx_http_imgp_unit_t *unit);

/* ngx_http_imgp_request.c: the inputs of a template are told apart in the
   event loop, once there is an arena, and read in a thread */

ngx_int_t ngx_http_imgp_request_inputs(ngx_http_imgp_unit_t *unit);
imgp_int_t ngx_http_imgp_request_fill(ngx_http_imgp_unit_t *unit);

/* an attempt goes on after Redis was asked; or begins, its inputs are here */

void ngx_http_imgp_unit_go(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_unit_retry(ngx_http_imgp_unit_t *unit);

/* ngx_http_imgp_local.c, ngx_http_imgp_post.c: one attempt */

void ngx_http_imgp_local_start(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_post_start(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_post_place(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_post_drop(ngx_http_imgp_unit_t *unit);

/* after an error: is there another provider to go to?  It is taken then */

ngx_uint_t ngx_http_imgp_post_next(ngx_http_imgp_unit_t *unit);

/* a call of this attempt; done() may be called from inside */

void ngx_http_imgp_post_fill_call(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_service_t *service, ngx_msec_t timeout,
    void (*done)(ngx_http_imgp_call_t *call));
void ngx_http_imgp_post_start_call(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_service_t *service, ngx_msec_t timeout,
    void (*done)(ngx_http_imgp_call_t *call));

/* the service is done: outputs are taken from unit->document; what was put
   gives its URL */

void ngx_http_imgp_post_take(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_post_put(ngx_http_imgp_unit_t *unit);

/* logs the beginning of a document that could not be used */

void ngx_http_imgp_post_quote(ngx_http_imgp_unit_t *unit);

/* ngx_http_imgp_output.c: in threads; failed() tells of err in unit->error */

#define NGX_HTTP_IMGP_HOST_SHOWN  64       /* bytes of a host, in an error */

void ngx_http_imgp_output_store(void *data, ngx_log_t *log);
void ngx_http_imgp_output_fetched(void *data, ngx_log_t *log);
imgp_int_t ngx_http_imgp_output_add(ngx_http_imgp_unit_t *unit,
    const imgp_str_t *content, const imgp_str_t *type, imgp_error_t *err);
void ngx_http_imgp_output_failed(ngx_http_imgp_unit_t *unit,
    imgp_error_t *err);

/* ngx_http_imgp_batch.c: NGX_OK: it waits in a batch; open: with its place */

ngx_int_t ngx_http_imgp_batch_join(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_batch_open(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_batch_leave(ngx_http_imgp_unit_t *unit);

/* what an answer tells of the service: counted, and the breaker's business */

void ngx_http_imgp_post_answered(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_service_t *service, ngx_http_imgp_call_t *call,
    ngx_log_t *log);

/* ngx_http_imgp_put.c: where the only input goes; NULL: unit->error */

ngx_http_imgp_service_t *ngx_http_imgp_put_service(
    ngx_http_imgp_unit_t *unit);

/* ngx_http_imgp_parts.c: that in parts.  left: an upload is not ended; abort:
   the request that takes it back, once; NULL: no memory */

void ngx_http_imgp_parts(ngx_http_imgp_unit_t *unit,
    ngx_http_imgp_service_t *object);
ngx_uint_t ngx_http_imgp_parts_left(ngx_http_imgp_unit_t *unit);
ngx_http_imgp_service_t *ngx_http_imgp_parts_abort(ngx_http_imgp_unit_t *unit,
    imgp_pool_t *pool);

/* ngx_http_imgp_follow.c: what comes after the first answer */

void ngx_http_imgp_follow(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_follow_links(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_follow_stop(ngx_http_imgp_unit_t *unit);

/* ngx_http_imgp_revoke.c: nobody waits for it any more, its service may stop */

void ngx_http_imgp_revoke(ngx_http_imgp_unit_t *unit);

/* ngx_http_imgp_run.c */

void ngx_http_imgp_run_stop(ngx_http_imgp_run_t *run);

/* back into the queue: others may run it */

void ngx_http_imgp_run_requeue(ngx_http_imgp_run_t *run);
void ngx_http_imgp_run_abandon(ngx_http_imgp_run_t *run);
ngx_queue_t *ngx_http_imgp_run_waiting(ngx_http_imgp_worker_t *w);
ngx_queue_t *ngx_http_imgp_run_batches(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_run_unref(ngx_http_imgp_run_t *run);


/* ngx_http_imgp_stages.c */

void ngx_http_imgp_run_advance(ngx_http_imgp_run_t *run);

/* does nothing of it work just now? */

ngx_uint_t ngx_http_imgp_run_rests(ngx_http_imgp_run_t *run);

/* ngx_http_imgp_publish.c */

void ngx_http_imgp_run_show(ngx_http_imgp_run_t *run);
void ngx_http_imgp_run_changed(ngx_http_imgp_run_t *run);
ngx_int_t ngx_http_imgp_run_encode(ngx_http_imgp_run_t *run);
void ngx_http_imgp_run_end(ngx_http_imgp_run_t *run);
void ngx_http_imgp_run_store_end(ngx_http_imgp_run_t *run);

/* ngx_http_imgp_share_run.c, _share_result.c, _share_input.c: with Redis */

void ngx_http_imgp_share_changed(ngx_http_imgp_run_t *run);
void ngx_http_imgp_share_end(ngx_http_imgp_run_t *run);
ngx_int_t ngx_http_imgp_share_ask(ngx_http_imgp_unit_t *unit);
ngx_int_t ngx_http_imgp_share_lost_input(ngx_http_imgp_unit_t *unit);
void ngx_http_imgp_share_unit_end(ngx_http_imgp_unit_t *unit);


#define ngx_http_imgp_unit_service(unit)                                      \
    ((unit)->service ? (unit)->service                                        \
                     : (unit)->run->pipeline->services[(unit)->stage])

/* nobody waits for it any more */

#define ngx_http_imgp_unit_over(unit)                                         \
    ((unit)->cancel || (unit)->run->gone || (unit)->run->ending)

#define ngx_http_imgp_unit_stage(unit)                                        \
    (&(unit)->run->pipeline->plan->stages[(unit)->stage])


#endif /* _NGX_HTTP_IMGP_RUN_H_INCLUDED_ */
