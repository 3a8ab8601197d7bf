
/*
 * imgp_state.c: every pair of state and event against this file's own list,
 * and the text for the README as it was agreed on.
 */


#include "imgp_test.h"
#include <imgp/imgp_state.h>


#define NO  IMGP_DECLINED


/* by event: queued, running, succeeded, failed, canceled */

static const imgp_int_t  job_table[][5] = {
    /* claim */   { IMGP_JOB_RUNNING, NO, NO, NO, NO },
    /* requeue */ { NO, IMGP_JOB_QUEUED, NO, NO, NO },
    /* succeed */ { IMGP_JOB_SUCCEEDED, IMGP_JOB_SUCCEEDED, NO, NO, NO },
    /* fail */    { IMGP_JOB_FAILED, IMGP_JOB_FAILED, NO, NO, NO },
    /* cancel */  { IMGP_JOB_CANCELED, IMGP_JOB_CANCELED, NO, NO, NO },
    /* retry */   { NO, NO, NO, IMGP_JOB_QUEUED, NO },
};


/* pending, queued, running, retrying, succeeded, skipped, failed, canceled */

static const imgp_int_t  stage_table[][8] = {
    /* ready */   { IMGP_ST_QUEUED, NO, NO, NO, NO, NO, NO, NO },
    /* start */   { NO, IMGP_ST_RUNNING, NO, IMGP_ST_RUNNING, NO, NO, NO, NO },
    /* retry */   { NO, IMGP_ST_RETRYING, IMGP_ST_RETRYING, NO, NO, NO, NO,
                    NO },
    /* succeed */ { NO, IMGP_ST_SUCCEEDED, IMGP_ST_SUCCEEDED,
                    IMGP_ST_SUCCEEDED, NO, NO, NO, NO },
    /* skip */    { IMGP_ST_SKIPPED, NO, NO, NO, NO, NO, NO, NO },
    /* fail */    { IMGP_ST_FAILED, IMGP_ST_FAILED, IMGP_ST_FAILED,
                    IMGP_ST_FAILED, NO, NO, NO, NO },
    /* cancel */  { IMGP_ST_CANCELED, IMGP_ST_CANCELED, IMGP_ST_CANCELED,
                    IMGP_ST_CANCELED, NO, NO, NO, NO },
    /* reset */   { IMGP_ST_PENDING, IMGP_ST_PENDING, IMGP_ST_PENDING,
                    IMGP_ST_PENDING, IMGP_ST_PENDING, NO, IMGP_ST_PENDING,
                    IMGP_ST_PENDING },
};


static const char  golden[] =
    "| a job that is | on | becomes | because |\n"
    "|---|---|---|---|\n"
    "| queued | claim | running | a worker process takes it |\n"
    "| running | requeue | queued | its worker process was lost, or gives it "
    "back |\n"
    "| queued, running | succeed | succeeded | all stages are done, or were "
    "known already |\n"
    "| queued, running | fail | failed | a stage failed that is not optional, "
    "or the job cannot be run |\n"
    "| queued, running | cancel | canceled | its owner has it deleted |\n"
    "| failed | retry | queued | its owner asks for another try |\n"
    "\n"
    "| a stage that is | on | becomes | because |\n"
    "|---|---|---|---|\n"
    "| pending | ready | queued | all its inputs are there |\n"
    "| queued, retrying | start | running | a thread or a place at the "
    "service is free |\n"
    "| queued, running | retry | retrying | the attempt failed in a way that "
    "may pass |\n"
    "| queued, running, retrying | succeed | succeeded | it gave its outputs, "
    "or they were known already |\n"
    "| pending | skip | skipped | its \"when\" says no |\n"
    "| pending, queued, running, retrying | fail | failed | another attempt "
    "is of no use, or there is none left |\n"
    "| pending, queued, running, retrying | cancel | canceled | its job has "
    "ended without it |\n"
    "| pending, queued, running, retrying, succeeded, failed, canceled | reset "
    "| pending | its job was taken over, or is tried again |\n";


static void
tables(void)
{
    imgp_uint_t  state, event;

    for (event = 0; event <= IMGP_JOB_RETRY; event++) {
        for (state = 0; state <= IMGP_JOB_CANCELED; state++) {
            is_int(imgp_state_job(state, event), job_table[event][state],
                   "job: %s on event %d", imgp_state_job_name(state),
                   (int) event);
        }
    }

    for (event = 0; event <= IMGP_ST_RESET; event++) {
        for (state = 0; state <= IMGP_ST_CANCELED; state++) {
            is_int(imgp_state_stage(state, event), stage_table[event][state],
                   "stage: %s on event %d", imgp_state_stage_name(state),
                   (int) event);
        }
    }
}


static void
texts(void)
{
    size_t  len;
    char    buf[4096], tail[32];

    len = imgp_job_print_table(buf, sizeof(buf));
    is_int(len, sizeof(golden) - 1, "the text's length");
    is_str(buf, golden, "the text");

    memset(tail, 'x', sizeof(tail));
    is_int(imgp_job_print_table(tail, 16), len, "the length without room");
    ok(memcmp(tail, "| a job that is\0xxxx", 20) == 0,
       "nothing is written past the room");
    is_int(imgp_job_print_table(NULL, 0), len, "without any");

    is_str(imgp_state_job_name(IMGP_JOB_CANCELED), "canceled", "a name");
    is_str(imgp_state_job_name(5), "unknown", "no job state");
    is_str(imgp_state_stage_name(IMGP_ST_CANCELED), "canceled", "a name");
    is_str(imgp_stage_state_name(8), "unknown", "no stage state");
    is_str(imgp_job_state_name(1), "running", "a job state");
}


int
main(void)
{
    tables();
    texts();

    return done();
}
