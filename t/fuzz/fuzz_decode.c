
/*
 * Fuzz target: a client's image through "resize 32" (the streaming way, with
 * scaled decoding) and "encode auto" (the whole picture, colours, alpha, both
 * writers).  Limits are small, so that a run is fast; within them no input
 * may crash, leak, read out of bounds or write an output that is no image.
 *
 * The seeds are made by make_decode_corpus.c.
 */


#include <stdlib.h>
#include <imgp/imgp_op.h>


#define FUZZ_PIXELS  (512 * 512)
#define FUZZ_MEMORY  (16 * 1024 * 1024)
#define FUZZ_INPUT   (256 * 1024)


int LLVMFuzzerTestOneInput(const unsigned char *p, size_t len);

static void fuzz_run(const imgp_str_t *args, imgp_uint_t nargs,
    const unsigned char *p, size_t len);


int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t len)
{
    static const imgp_str_t  resize[] = {
        imgp_string("resize"), imgp_string("32")
    };
    static const imgp_str_t  encode[] = {
        imgp_string("encode"), imgp_string("auto")
    };

    if (len <= FUZZ_INPUT) {
        fuzz_run(resize, 2, p, len);
        fuzz_run(encode, 2, p, len);
    }

    return 0;
}


static void
fuzz_run(const imgp_str_t *args, imgp_uint_t nargs, const unsigned char *p,
    size_t len)
{
    imgp_op_t        *op;
    imgp_int_t        rc;
    imgp_pool_t      *pool;
    imgp_error_t      err;
    imgp_op_task_t   *task;
    imgp_op_input_t   input;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    task = calloc(1, sizeof(imgp_op_task_t));

    if (pool == NULL || task == NULL) {
        abort();
    }

    op = imgp_op_parse(pool, args, nargs, &err);
    if (op == NULL) {
        abort();
    }

    input.data.data = (u_char *) p;
    input.data.len = len;
    input.type = "image/*";

    task->alloc = &imgp_malloc;
    task->max_pixels = FUZZ_PIXELS;
    task->max_memory = FUZZ_MEMORY;
    task->inputs = &input;
    task->ninputs = 1;

    rc = imgp_op_run(op, task);

    if (rc == IMGP_OK
        && (task->noutputs != 1 || task->outputs[0].len < 20
            || task->outputs[0].width == 0 || task->outputs[0].height == 0))
    {
        abort();
    }

    if (rc != IMGP_OK
        && (task->noutputs != 0 || task->error.code == IMGP_E_NONE
            || task->error.detail[0] == '\0'))
    {
        abort();
    }

    imgp_op_free(task);
    free(task);
    imgp_pool_destroy(pool);
}
