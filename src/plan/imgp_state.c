
/*
 * THE state table: the one place that says how the state of a job or of a
 * stage can change.  Each row tells from which states an event leads where
 * and why; what is not in the table does not happen.
 *
 * Looked up by imgp_job.c alone, and printed for the README, which a test
 * compares with it.  Constant data; any thread.
 */


#include <stdarg.h>
#include <stdio.h>
#include <imgp/imgp_state.h>


#define imgp_state_in(state)  (1u << (state))

#define IMGP_STATE_JOB_ALIVE                                                  \
    (imgp_state_in(IMGP_JOB_QUEUED) | imgp_state_in(IMGP_JOB_RUNNING))

#define IMGP_STATE_WAITING                                                    \
    (imgp_state_in(IMGP_ST_QUEUED) | imgp_state_in(IMGP_ST_RETRYING))

#define IMGP_STATE_ALIVE                                                      \
    (IMGP_STATE_WAITING | imgp_state_in(IMGP_ST_PENDING)                      \
     | imgp_state_in(IMGP_ST_RUNNING))


typedef struct {
    uint32_t           from;          /* bitmap of states */
    uint8_t            event;
    uint8_t            to;
    const char        *why;           /* for people */
} imgp_state_row_t;


typedef struct {
    char              *pos;
    size_t             room;
    size_t             len;
} imgp_state_text_t;


static imgp_int_t imgp_state_find(const imgp_state_row_t *row,
    imgp_uint_t state, imgp_uint_t event);
static void imgp_state_rows(imgp_state_text_t *text, const char *title,
    const imgp_state_row_t *row, const char *const *states,
    const char *const *events);
static void imgp_state_printf(imgp_state_text_t *text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


static const imgp_state_row_t  imgp_state_job_rows[] = {

    { imgp_state_in(IMGP_JOB_QUEUED),
      IMGP_JOB_CLAIM, IMGP_JOB_RUNNING,
      "a worker process takes it" },

    { imgp_state_in(IMGP_JOB_RUNNING),
      IMGP_JOB_REQUEUE, IMGP_JOB_QUEUED,
      "its worker process was lost, or gives it back" },

    { IMGP_STATE_JOB_ALIVE,
      IMGP_JOB_SUCCEED, IMGP_JOB_SUCCEEDED,
      "all stages are done, or were known already" },

    { IMGP_STATE_JOB_ALIVE,
      IMGP_JOB_FAIL, IMGP_JOB_FAILED,
      "a stage failed that is not optional, or the job cannot be run" },

    { IMGP_STATE_JOB_ALIVE,
      IMGP_JOB_CANCEL, IMGP_JOB_CANCELED,
      "its owner has it deleted" },

    { imgp_state_in(IMGP_JOB_FAILED),
      IMGP_JOB_RETRY, IMGP_JOB_QUEUED,
      "its owner asks for another try" },

    { 0, 0, 0, NULL }
};


static const imgp_state_row_t  imgp_state_stage_rows[] = {

    { imgp_state_in(IMGP_ST_PENDING),
      IMGP_ST_READY, IMGP_ST_QUEUED,
      "all its inputs are there" },

    { IMGP_STATE_WAITING,
      IMGP_ST_START, IMGP_ST_RUNNING,
      "a thread or a place at the service is free" },

    { imgp_state_in(IMGP_ST_QUEUED) | imgp_state_in(IMGP_ST_RUNNING),
      IMGP_ST_RETRY, IMGP_ST_RETRYING,
      "the attempt failed in a way that may pass" },

    { imgp_state_in(IMGP_ST_QUEUED) | imgp_state_in(IMGP_ST_RUNNING)
      | imgp_state_in(IMGP_ST_RETRYING),
      IMGP_ST_SUCCEED, IMGP_ST_SUCCEEDED,
      "it gave its outputs, or they were known already" },

    { imgp_state_in(IMGP_ST_PENDING),
      IMGP_ST_SKIP, IMGP_ST_SKIPPED,
      "its \"when\" says no" },

    { IMGP_STATE_ALIVE,
      IMGP_ST_FAIL, IMGP_ST_FAILED,
      "another attempt is of no use, or there is none left" },

    { IMGP_STATE_ALIVE,
      IMGP_ST_CANCEL, IMGP_ST_CANCELED,
      "its job has ended without it" },

    { IMGP_STATE_ALIVE | imgp_state_in(IMGP_ST_SUCCEEDED)
      | imgp_state_in(IMGP_ST_FAILED) | imgp_state_in(IMGP_ST_CANCELED),
      IMGP_ST_RESET, IMGP_ST_PENDING,
      "its job was taken over, or is tried again" },

    { 0, 0, 0, NULL }
};


static const char *const  imgp_state_job_names[] = {
    "queued", "running", "succeeded", "failed", "canceled", NULL
};


static const char *const  imgp_state_job_events[] = {
    "claim", "requeue", "succeed", "fail", "cancel", "retry"
};


static const char *const  imgp_state_stage_names[] = {
    "pending", "queued", "running", "retrying", "succeeded", "skipped",
    "failed", "canceled", NULL
};


static const char *const  imgp_state_stage_events[] = {
    "ready", "start", "retry", "succeed", "skip", "fail", "cancel", "reset"
};


imgp_int_t
imgp_state_job(imgp_uint_t state, imgp_job_event_e event)
{
    return imgp_state_find(imgp_state_job_rows, state, event);
}


imgp_int_t
imgp_state_stage(imgp_uint_t state, imgp_stage_event_e event)
{
    return imgp_state_find(imgp_state_stage_rows, state, event);
}


static imgp_int_t
imgp_state_find(const imgp_state_row_t *row, imgp_uint_t state,
    imgp_uint_t event)
{
    for ( /* void */ ; row->from; row++) {
        if (row->event == event && (row->from & imgp_state_in(state))) {
            return row->to;
        }
    }

    return IMGP_DECLINED;
}


const char *
imgp_state_job_name(imgp_uint_t state)
{
    return (state <= IMGP_JOB_CANCELED) ? imgp_state_job_names[state]
                                        : "unknown";
}


const char *
imgp_state_stage_name(imgp_uint_t state)
{
    return (state <= IMGP_ST_CANCELED) ? imgp_state_stage_names[state]
                                       : "unknown";
}


size_t
imgp_state_print(char *buf, size_t size)
{
    imgp_state_text_t  text = { buf, size, 0 };

    imgp_state_rows(&text, "job", imgp_state_job_rows,
                    imgp_state_job_names, imgp_state_job_events);
    imgp_state_printf(&text, "\n");
    imgp_state_rows(&text, "stage", imgp_state_stage_rows,
                    imgp_state_stage_names, imgp_state_stage_events);

    return text.len;
}


static void
imgp_state_rows(imgp_state_text_t *text, const char *title,
    const imgp_state_row_t *row, const char *const *states,
    const char *const *events)
{
    const char   *comma;
    imgp_uint_t   i;

    imgp_state_printf(text, "| a %s that is | on | becomes | because |\n"
                    "|---|---|---|---|\n", title);

    for ( /* void */ ; row->from; row++) {
        comma = "| ";

        for (i = 0; states[i] != NULL; i++) {
            if (row->from & imgp_state_in(i)) {
                imgp_state_printf(text, "%s%s", comma, states[i]);
                comma = ", ";
            }
        }

        imgp_state_printf(text, " | %s | %s | %s |\n", events[row->event],
                        states[row->to], row->why);
    }
}


static void
imgp_state_printf(imgp_state_text_t *text, const char *fmt, ...)
{
    int      n;
    size_t   used;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(text->pos, text->room, fmt, args);
    va_end(args);

    if (n < 0) {
        return;
    }

    used = imgp_min((size_t) n, text->room);

    text->pos += used;
    text->room -= used;
    text->len += n;
}
