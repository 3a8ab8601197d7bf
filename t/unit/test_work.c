
/*
 * The context of a run: memory is accounted to the byte, limits hold, the
 * first error stays, progress only grows.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* RUSAGE_THREAD */
#endif

#include <pthread.h>
#include <sys/resource.h>
#include "imgp_test.h"
#include <imgp/imgp_work.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static void fresh(void);
static void test_account(void);
static void test_limits(void);
static void test_sizes(void);
static void test_steps(void);
static void test_keep(void);


int
main(void)
{
    test_account();
    test_limits();
    test_sizes();
    test_steps();
    test_keep();

    return done();
}


static void
fresh(void)
{
    memset(&work, 0, sizeof(work));
    memset(&task, 0, sizeof(task));

    task.alloc = &imgp_malloc;
    task.ninputs = 1;
    work.task = &task;
}


static void
test_account(void)
{
    u_char  *p, *q, *out;

    fresh();

    p = imgp_work_alloc(&work, 100);
    q = imgp_work_array(&work, 10, 20);
    ok(p != NULL && q != NULL && work.used >= 300, "allocations count");
    ok(((uintptr_t) p & 15) == 0 && ((uintptr_t) q & 15) == 0, "aligned");

    memset(p, 1, 100);
    memset(q, 2, 200);

    imgp_work_free(&work, p);
    imgp_work_free(&work, q);
    imgp_work_free(&work, NULL);
    is_int(work.used, 0, "and frees, too");

    out = imgp_work_output(&work, 77);
    is_int(work.used, 77, "outputs count");
    free(out);
    ok(1, "and are freed by the allocator itself");
}


static void
test_limits(void)
{
    test_alloc_t  ta = { 0, 0 };
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };

    fresh();
    task.max_memory = 1000;
    ok(imgp_work_alloc(&work, 1001) == NULL
       && task.error.code == IMGP_E_LIMIT, "more than all");
    is_int(work.used, 0, "nothing was taken");

    fresh();
    task.max_memory = 1000;
    is_int(imgp_work_reserve(&work, 900), IMGP_OK, "reserved");
    ok(imgp_work_alloc(&work, 200) == NULL, "the rest is too little");
    imgp_work_release(&work, 900);
    imgp_work_free(&work, imgp_work_alloc(&work, 200));
    is_int(work.used, 0, "released");

    fresh();
    ok(imgp_work_array(&work, SIZE_MAX / 2, 3) == NULL
       && task.error.code == IMGP_E_LIMIT, "a product that overflows");

    fresh();
    ok(imgp_work_alloc(&work, SIZE_MAX - 3) == NULL
       && task.error.code == IMGP_E_LIMIT, "a sum that overflows");

    fresh();
    task.alloc = &alloc;
    ok(imgp_work_alloc(&work, 10) == NULL
       && task.error.code == IMGP_E_INTERNAL && work.used == 0,
       "memory is out");

    imgp_work_error(&work, IMGP_E_BAD_IMAGE, "later");
    is_int(task.error.code, IMGP_E_INTERNAL, "the first error stays");
    is_int(imgp_work_poll(&work), IMGP_ERROR, "and is seen by poll");
}


static void
test_sizes(void)
{
    fresh();
    is_int(imgp_work_size(&work, 65500, 65500), IMGP_OK, "no limit");

    task.max_pixels = 12;
    is_int(imgp_work_size(&work, 3, 4), IMGP_OK, "just");
    is_int(imgp_work_size(&work, 13, 1), IMGP_ERROR, "one more");
    is_str(task.error.detail, "13x1, which is more than 12 pixels", "why");

    fresh();
    imgp_work_size(&work, 65501, 1);
    is_int(task.error.code, IMGP_E_PIXELS, "a side too long");

    fresh();
    imgp_work_size(&work, 0, 1);
    is_int(task.error.code, IMGP_E_BAD_IMAGE, "nothing");

    fresh();
    imgp_work_size(&work, UINT64_MAX, UINT64_MAX);
    is_int(task.error.code, IMGP_E_PIXELS, "no overflow");
}


static void
test_steps(void)
{
    uint32_t  cancel, progress;

    fresh();
    cancel = 0;
    progress = 0;
    task.cancel = &cancel;
    task.progress = &progress;
    task.ninputs = 2;

    imgp_work_phase(&work, 0, 700);
    imgp_work_step(&work, 50, 100);
    is_int(progress, 175, "half of 0..700 of the first of two");

    imgp_work_step(&work, 10, 100);
    is_int(progress, 175, "never back");

    work.input = 1;
    imgp_work_phase(&work, 700, 1000);
    imgp_work_step(&work, 100, 100);
    is_int(progress, 1000, "the end");

    imgp_work_step(&work, 0, 0);
    is_int(progress, 1000, "nothing of nothing");

    cancel = 1;
    is_int(imgp_work_step(&work, 1, 2), IMGP_ERROR, "canceled");
    is_int(task.error.code, IMGP_E_CANCELED, "and the error says so");
}


#if (__GLIBC__) && !(__SANITIZE_ADDRESS__)

/* 8 MB in blocks of 512 kB, as often as a pool thread has jobs */

static void *
test_jobs(void *data)
{
    int            i, job;
    long          *faults = data;
    u_char        *p[16];
    struct rusage  r;

    for (job = 0; job < 2; job++) {
        getrusage(RUSAGE_THREAD, &r);
        faults[job] = -r.ru_minflt;

        for (i = 0; i < 16; i++) {
            p[i] = malloc(512 * 1024);
            memset(p[i], job, 512 * 1024);
        }

        for (i = 0; i < 16; i++) {
            free(p[i]);
        }

        getrusage(RUSAGE_THREAD, &r);
        faults[job] += r.ru_minflt;
    }

    return NULL;
}

#endif


static void
test_keep(void)
{
#if (__GLIBC__) && !(__SANITIZE_ADDRESS__)

    long       faults[2];
    pthread_t  thread;

    imgp_work_keep();

    pthread_create(&thread, NULL, test_jobs, faults);
    pthread_join(thread, NULL);

    ok(faults[0] > 1000 && faults[1] < 100,
       "kept for the next run (%ld page faults, then %ld)", faults[0],
       faults[1]);

#else

    skip("another allocator");

#endif
}
