
/*
 * One run of an operation, seen from inside: memory under the task's limit,
 * the cancel flag, the progress, the first error.  Lives on the stack of
 * imgp_op_run(), used by one thread only.
 */


#ifndef _IMGP_WORK_H_INCLUDED_
#define _IMGP_WORK_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_op.h>


#define IMGP_SIDE_MAX   65500         /* libjpeg's own, kept for PNG too */
#define IMGP_STEP_ROWS  16            /* rows between looks at "cancel" */


typedef struct {
    imgp_op_task_t    *task;
    size_t             used;          /* bytes held now */
    imgp_uint_t        input;         /* the input being worked on */
    imgp_uint_t        link;          /* of the chain, likewise */
    uint32_t           from;          /* the phase: 0..1000 of this input */
    uint32_t           to;
} imgp_work_t;


/* the first error stays: what follows is mostly its consequence */

#define imgp_work_error(work, ...)                                            \
    ((work)->task->error.code != IMGP_E_NONE                                  \
     ? IMGP_ERROR : imgp_error_set(&(work)->task->error, __VA_ARGS__))

#define imgp_work_failed(work)  ((work)->task->error.code != IMGP_E_NONE)


/* NULL: the error is set (LIMIT, or INTERNAL when memory is really out) */

void *imgp_work_alloc(imgp_work_t *work, size_t size);
void *imgp_work_array(imgp_work_t *work, size_t n, size_t size);
void imgp_work_free(imgp_work_t *work, void *p);      /* NULL is fine */

/*
 * Buffers for the next run: to be called once in a process, before its threads
 * run anything.  The C library gives large blocks back to the system when they
 * are freed, and getting them again (page faults) costs a tenth of a 3 MP
 * JPEG's time.  From then on up to IMGP_WORK_KEEP bytes stay with each thread,
 * which is what a picture takes whose rows are streamed; larger ones (blocks
 * of half as much) go back at once.  With another C library than glibc nothing
 * happens.
 */

#define IMGP_WORK_KEEP  (16 * 1024 * 1024)

void imgp_work_keep(void);

/* a block for task->outputs: freed by task->alloc, counted until the end */

u_char *imgp_work_output(imgp_work_t *work, size_t size);

/* memory that a library takes from malloc() by itself: OK or ERROR */

imgp_int_t imgp_work_reserve(imgp_work_t *work, size_t size);
void imgp_work_release(imgp_work_t *work, size_t size);

/* both sides and the product against the limits, before any allocation */

imgp_int_t imgp_work_size(imgp_work_t *work, uint64_t width, uint64_t height);

/* ERROR: canceled, or an earlier error was hidden by a library */

imgp_int_t imgp_work_poll(imgp_work_t *work);

/* poll, and "done" of "total" rows of the phase on the progress bar */

void imgp_work_phase(imgp_work_t *work, uint32_t from, uint32_t to);
imgp_int_t imgp_work_step(imgp_work_t *work, uint64_t done, uint64_t total);


#endif /* _IMGP_WORK_H_INCLUDED_ */
