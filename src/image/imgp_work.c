
/*
 * The context of one run of an operation.  Used by every file of this layer,
 * on the thread that called imgp_op_run(); the memory is the caller's
 * allocator's, so that tests can make its n-th call fail and a worker may
 * keep large blocks for its next job.
 *
 * Each block is preceded by its size, to give it back to the account when it
 * is freed.  Blocks for the outputs are not: they are freed by others.
 */


#include <stdlib.h>
#include <imgp/imgp_work.h>

#if (__GLIBC__)
#include <malloc.h>
#endif


#define IMGP_WORK_HEAD  16            /* keeps the alignment of malloc() */


static imgp_int_t imgp_work_account(imgp_work_t *work, size_t size);


void *
imgp_work_alloc(imgp_work_t *work, size_t size)
{
    u_char  *p;

    if (size > SIZE_MAX - IMGP_WORK_HEAD) {
        imgp_work_error(work, IMGP_E_LIMIT, "the image needs too much memory");
        return NULL;
    }

    p = imgp_work_output(work, size + IMGP_WORK_HEAD);
    if (p == NULL) {
        return NULL;
    }

    *(size_t *) p = size + IMGP_WORK_HEAD;

    return p + IMGP_WORK_HEAD;
}


void *
imgp_work_array(imgp_work_t *work, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size) {
        imgp_work_error(work, IMGP_E_LIMIT, "the image needs too much memory");
        return NULL;
    }

    return imgp_work_alloc(work, n * size);
}


void
imgp_work_free(imgp_work_t *work, void *p)
{
    u_char              *head;
    const imgp_alloc_t  *alloc;

    if (p == NULL) {
        return;
    }

    alloc = work->task->alloc;
    head = (u_char *) p - IMGP_WORK_HEAD;

    work->used -= *(size_t *) head;

    alloc->free(alloc->data, head);
}


u_char *
imgp_work_output(imgp_work_t *work, size_t size)
{
    u_char              *p;
    const imgp_alloc_t  *alloc;

    if (imgp_work_account(work, size) != IMGP_OK) {
        return NULL;
    }

    alloc = work->task->alloc;

    p = alloc->alloc(alloc->data, size);

    if (p == NULL) {
        work->used -= size;
        imgp_work_error(work, IMGP_E_INTERNAL,
                        "out of memory, %zu bytes were asked for", size);
    }

    return p;
}


imgp_int_t
imgp_work_reserve(imgp_work_t *work, size_t size)
{
    return imgp_work_account(work, size);
}


void
imgp_work_release(imgp_work_t *work, size_t size)
{
    work->used -= size;
}


static imgp_int_t
imgp_work_account(imgp_work_t *work, size_t size)
{
    size_t  max;

    max = work->task->max_memory ? work->task->max_memory : SIZE_MAX;

    if (work->used > max || size > max - work->used) {
        return imgp_work_error(work, IMGP_E_LIMIT,
                               "the image needs more than %zu bytes of memory",
                               max);
    }

    work->used += size;

    return IMGP_OK;
}


imgp_int_t
imgp_work_size(imgp_work_t *work, uint64_t width, uint64_t height)
{
    uint64_t  max;

    max = work->task->max_pixels ? work->task->max_pixels : UINT64_MAX;

    if (width == 0 || height == 0) {
        return imgp_work_error(work, IMGP_E_BAD_IMAGE,
                               "the image has no pixels");
    }

    if (width > IMGP_SIDE_MAX || height > IMGP_SIDE_MAX) {
        return imgp_work_error(work, IMGP_E_PIXELS,
                               "%llux%llu, no side may be longer than %d",
                               (unsigned long long) width,
                               (unsigned long long) height, IMGP_SIDE_MAX);
    }

    if (width * height > max) {
        return imgp_work_error(work, IMGP_E_PIXELS,
                               "%llux%llu, which is more than %llu pixels",
                               (unsigned long long) width,
                               (unsigned long long) height,
                               (unsigned long long) max);
    }

    return IMGP_OK;
}


imgp_int_t
imgp_work_poll(imgp_work_t *work)
{
    volatile uint32_t  *cancel;

    if (imgp_work_failed(work)) {
        return IMGP_ERROR;
    }

    cancel = work->task->cancel;

    if (cancel != NULL && __atomic_load_n(cancel, __ATOMIC_RELAXED)) {
        return imgp_work_error(work, IMGP_E_CANCELED, "the job was canceled");
    }

    return IMGP_OK;
}


void
imgp_work_phase(imgp_work_t *work, uint32_t from, uint32_t to)
{
    work->from = from;
    work->to = to;
}


imgp_int_t
imgp_work_step(imgp_work_t *work, uint64_t done, uint64_t total)
{
    uint64_t            part;
    imgp_op_task_t     *task;
    volatile uint32_t  *progress;

    task = work->task;
    progress = task->progress;

    if (progress != NULL && total != 0) {
        part = work->from + (work->to - work->from) * done / total;
        part = (work->input * 1000 + part) / task->ninputs;

        if (part > __atomic_load_n(progress, __ATOMIC_RELAXED)) {
            __atomic_store_n(progress, (uint32_t) part, __ATOMIC_RELAXED);
        }
    }

    return imgp_work_poll(work);
}



void
imgp_work_keep(void)
{
#if (__GLIBC__)

    (void) mallopt(M_MMAP_THRESHOLD, IMGP_WORK_KEEP / 2);
    (void) mallopt(M_TRIM_THRESHOLD, IMGP_WORK_KEEP);

#endif
}
