
/*
 * The worker that is ours: an operation on one picture in memory, by
 * imgp_op_run(), as the module's pool threads call it.  Started by
 * workers.py for "make bench" and by t/50-quality.t; what it is told to do
 * comes by standard input (see worker.h).
 *
 *     work encode auto max=1024 quality=85
 */


#include "worker.h"
#include <imgp/imgp_op.h>
#include <imgp/imgp_work.h>


#define WORK_PIXELS  50000000         /* the module's own default */
#define WORK_MEMORY  ((size_t) 1 << 30)
#define WORK_ARGS    16
#define WORK_POOL    1024


typedef struct {
    imgp_op_t           *op;
    imgp_color_cache_t  *colors;
} work_t;


static imgp_op_t *work_parse(imgp_pool_t *pool, int argc, char **argv);
static int work_run(const worker_t *worker, worker_output_t *out);


int
main(int argc, char **argv)
{
    int           rc;
    work_t        work;
    worker_t      worker;
    imgp_pool_t  *pool;

    imgp_work_keep();                 /* as the module's processes do */

    pool = imgp_pool_create(&imgp_malloc, WORK_POOL);
    if (pool == NULL) {
        return 1;
    }

    memset(&worker, 0, sizeof(worker_t));

    worker.run = work_run;
    worker.engine = &work;

    work.op = work_parse(pool, argc - 1, argv + 1);
    work.colors = imgp_color_cache_create(&imgp_malloc);

    rc = (work.op && work.colors) ? worker_loop(&worker) : 1;

    imgp_color_cache_destroy(work.colors);
    imgp_pool_destroy(pool);

    return rc;
}


static imgp_op_t *
work_parse(imgp_pool_t *pool, int argc, char **argv)
{
    int            i;
    imgp_op_t     *op;
    imgp_str_t     args[WORK_ARGS];
    imgp_error_t   err;

    memset(&err, 0, sizeof(imgp_error_t));

    for (i = 0; i < argc && i < WORK_ARGS; i++) {
        args[i].data = (u_char *) argv[i];
        args[i].len = strlen(argv[i]);
    }

    op = imgp_op_parse(pool, args, i, &err);

    if (op == NULL) {
        fprintf(stderr, "work: %s\n", err.detail);
    }

    return op;
}


/* by several threads at once */

static int
work_run(const worker_t *worker, worker_output_t *out)
{
    const work_t    *work;
    imgp_op_task_t   task;
    imgp_op_input_t  input;

    work = worker->engine;

    memset(&task, 0, sizeof(imgp_op_task_t));
    memset(&input, 0, sizeof(imgp_op_input_t));

    input.data.data = worker->data;
    input.data.len = worker->len;

    task.alloc = &imgp_malloc;
    task.max_pixels = WORK_PIXELS;
    task.max_memory = WORK_MEMORY;
    task.inputs = &input;
    task.ninputs = 1;
    task.colors = work->colors;

    if (imgp_op_run(work->op, &task) != IMGP_OK) {
        fprintf(stderr, "work: %s\n", task.error.detail);
        return -1;
    }

    out->data = task.outputs[0].data;
    out->len = task.outputs[0].len;

    return 0;
}
