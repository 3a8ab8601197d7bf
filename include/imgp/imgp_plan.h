
/*
 * A plan: one pipeline of the configuration, checked and immutable.  Built
 * while the configuration is read, then shared by everything that runs; two
 * plans of one name are alive during a reload.  All memory belongs to the
 * pool it was created with.
 */


#ifndef _IMGP_PLAN_H_INCLUDED_
#define _IMGP_PLAN_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>


#define IMGP_STAGES_MAX    32
#define IMGP_FROM_MAX      8          /* inputs of one stage */
#define IMGP_PARAMS_MAX    16
#define IMGP_VALUE_MAX     256        /* bytes of a param's value */
#define IMGP_ITEMS_MAX     64         /* outputs of one stage */
#define IMGP_BATCH_MAX     64         /* inputs of one call */
#define IMGP_LANES_MAX     4          /* of one stage; a power of 2 */
#define IMGP_ACCEPT_MAX    16

#define IMGP_UPLOAD        0xff       /* as an input: what was uploaded */
#define IMGP_NO_PARAM      0xff


typedef enum {
    IMGP_STAGE_LOCAL = 0,             /* runs in a thread: imgp_op.h */
    IMGP_STAGE_POST                   /* a call of a model service */
} imgp_stage_kind_e;


typedef struct {
    imgp_str_t         name;
    imgp_str_t         value;         /* the default */
    imgp_str_t         allowed;       /* as configured: "on|off" or "~regex" */
    void              *regex;         /* compiled, NULL for a list */
} imgp_param_t;


/* a class of inputs by their size, that waits by itself: imgp_lane.h */

typedef struct {
    imgp_str_t         name;
    uint64_t           max_pixels;    /* 0: any */
    imgp_uint_t        max_aspect;    /* 1000 * longer side / shorter; 0: any */
    imgp_uint_t        concurrency;   /* calls at once; 0: no limit */
} imgp_lane_t;


typedef struct {
    /* filled by the one who reads the configuration */

    imgp_str_t         name;
    imgp_stage_kind_e  kind;
    const void        *op;            /* imgp_op_t, or the caller's service */
    imgp_uint_t        alone;         /* in no chain: it takes files */
    imgp_str_t         text;          /* canonical operation and options that
                                         change its output: enters the key */
    imgp_str_t         from_names[IMGP_FROM_MAX];
    imgp_uint_t        nfrom;         /* 0: the stage above */
    imgp_uint_t        each;          /* from_names[0] item by item */

    imgp_str_t         when_name;     /* of a param; len 0: always */
    imgp_uint_t        when_not;
    uint32_t           params_read;   /* bitmap of params the output needs */

    imgp_uint_t        optional;
    imgp_uint_t        weight;        /* 0: learnt */
    imgp_str_t         message;

    imgp_msec_t        timeout;       /* of one attempt, in all */
    imgp_uint_t        retries;       /* further attempts after the first */
    imgp_msec_t        retry_delay;
    imgp_uint_t        concurrency;   /* calls at once; 0: no limit */
    imgp_uint_t        batch;         /* inputs of a call; 0: its own */
    imgp_msec_t        batch_wait;
    imgp_lane_t        lanes[IMGP_LANES_MAX];
    imgp_uint_t        nlanes;

    /* filled by imgp_plan_finish() */

    uint8_t            from[IMGP_FROM_MAX];   /* stage index or IMGP_UPLOAD */
    uint8_t            when;          /* param index or IMGP_NO_PARAM */
    uint8_t            output;        /* public */
    uint8_t            inside;        /* done within its reader: imgp_chain.h */
} imgp_stage_t;


typedef struct {
    imgp_str_t         name;

    imgp_str_t         accept[IMGP_ACCEPT_MAX];
    imgp_uint_t        naccept;       /* 0: any type */
    uint64_t           max_pixels;
    imgp_uint_t        concurrency;
    imgp_uint_t        queue;
    imgp_uint_t        share;         /* of one owner in it; 0: all */
    imgp_msec_t        cache;         /* 0: off */
    imgp_msec_t        keep;

    imgp_param_t       params[IMGP_PARAMS_MAX];
    imgp_uint_t        nparams;

    imgp_stage_t       stages[IMGP_STAGES_MAX];
    imgp_uint_t        nstages;

    imgp_str_t         output_names[IMGP_STAGES_MAX];
    imgp_uint_t        noutputs;      /* 0: the stages nobody reads */

    /* filled by imgp_plan_finish() */

    uint8_t            outputs[IMGP_STAGES_MAX];  /* in the order declared */
    uint8_t            order[IMGP_STAGES_MAX];    /* topological */
    u_char             digest[IMGP_DIGEST_LEN];
} imgp_plan_t;


/* the defaults */

#define IMGP_PLAN_MAX_PIXELS   50000000
#define IMGP_PLAN_CONCURRENCY  64
#define IMGP_PLAN_QUEUE        1000
#define IMGP_PLAN_CACHE        ((imgp_msec_t) 7 * 24 * 3600 * 1000)
#define IMGP_PLAN_KEEP         ((imgp_msec_t) 3600 * 1000)
#define IMGP_PLAN_TIMEOUT      60000
#define IMGP_PLAN_RETRY_DELAY  1000


/* a zeroed plan with the defaults of the README; NULL when memory is out */

imgp_plan_t *imgp_plan_create(imgp_pool_t *pool, const imgp_str_t *name);

/*
 * 1..63 characters of a-z A-Z 0-9 _ -, beginning with a letter, and none of
 * the words that the HTTP interface uses itself: for a "stage" those are
 * "events", "retry" and "upload", for a "param" it is "file".  "what" is one
 * of these words, "pipeline", or any other.
 */

imgp_int_t imgp_plan_check_name(const imgp_str_t *name, const char *what,
    imgp_error_t *err);

/*
 * "param NAME DEFAULT VALUES": the default must be one of the values.  A
 * regular expression is PCRE2's with UTF, and must match the whole value;
 * what it compiles to lies in the pool.
 */

imgp_int_t imgp_plan_add_param(imgp_plan_t *plan, imgp_pool_t *pool,
    const imgp_str_t *name, const imgp_str_t *value,
    const imgp_str_t *allowed, imgp_error_t *err);

/* index, or IMGP_DECLINED */

imgp_int_t imgp_plan_find_param(const imgp_plan_t *plan,
    const imgp_str_t *name);
imgp_int_t imgp_plan_find_stage(const imgp_plan_t *plan,
    const imgp_str_t *name);

/* may "value" be given for the param?  Thread-safe. */

imgp_uint_t imgp_plan_allows(const imgp_param_t *param,
    const imgp_str_t *value);

/*
 * Resolves names, orders the graph, computes the digest.  A stage without
 * "from" gets the one above, a POST stage without times gets the defaults
 * of the README.  The digest is of what changes results or the graph: not of
 * concurrency, queue, weights, messages, times.  On IMGP_ERROR
 * *stage is the index of the stage at fault, or -1 for the pipeline, and
 * err->detail a sentence that tells the mend: unknown stage, itself as its
 * input, a cycle (with its path), unknown param, unknown or doubled output,
 * no stage at all.
 */

imgp_int_t imgp_plan_finish(imgp_plan_t *plan, imgp_int_t *stage,
    imgp_error_t *err);

/* is a media type accepted? */

imgp_uint_t imgp_plan_accepts(const imgp_plan_t *plan, const char *type);


#endif /* _IMGP_PLAN_H_INCLUDED_ */
