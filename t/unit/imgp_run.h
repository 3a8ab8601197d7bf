
/*
 * Runs of operations for the tests of src/image: a line as it stands in the
 * configuration, on a picture of imgp_picture.h.
 */


#ifndef _IMGP_RUN_H_INCLUDED_
#define _IMGP_RUN_H_INCLUDED_


#include "imgp_picture.h"


/* one run; the caller frees the task's outputs by imgp_op_free() */

typedef struct {
    imgp_op_task_t     task;
    imgp_op_input_t    inputs[6];
    uint32_t           cancel;
    uint32_t           progress;
    imgp_int_t         rc;
} test_run_t;


#define TEST_ARGS_MAX  12


__attribute__((unused))
static imgp_op_t *
test_parse(imgp_pool_t *pool, const char *line, imgp_error_t *err)
{
    size_t      n;
    imgp_str_t  args[TEST_ARGS_MAX];

    memset(err, 0, sizeof(imgp_error_t));

    for (n = 0; *line != '\0' && n < TEST_ARGS_MAX; n++) {
        args[n].data = (u_char *) line;
        args[n].len = strcspn(line, " ");
        line += args[n].len;
        line += (*line == ' ');
    }

    return imgp_op_parse(pool, args, n, err);
}


__attribute__((unused))
static void
test_init(test_run_t *run)
{
    memset(run, 0, sizeof(test_run_t));

    run->task.alloc = &imgp_malloc;
    run->task.max_pixels = 64000000;
    run->task.inputs = run->inputs;
    run->task.ninputs = 1;
    run->task.cancel = &run->cancel;
    run->task.progress = &run->progress;
}


__attribute__((unused))
static imgp_int_t
test_op(test_run_t *run, const char *line, imgp_str_t data)
{
    imgp_op_t     *op;
    imgp_pool_t   *pool;
    imgp_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    op = test_parse(pool, line, &err);

    if (op == NULL) {
        printf("# %s: %s\n", line, err.detail);
        abort();
    }

    run->inputs[0].data = data;
    run->rc = imgp_op_run(op, &run->task);

    imgp_pool_destroy(pool);

    return run->rc;
}


/* to a PNG's pixels in one go; frees data and outputs */

__attribute__((unused))
static test_pixels_t
test_pixels(const char *line, imgp_str_t data)
{
    test_run_t     run;
    test_pixels_t  p;

    memset(&p, 0, sizeof(p));

    test_init(&run);

    if (test_op(&run, line, data) == IMGP_OK) {
        p = test_read(&run.task.outputs[0]);

    } else {
        printf("# %s: %s\n", line, run.task.error.detail);
    }

    imgp_op_free(&run.task);
    free(data.data);

    return p;
}


/* refused with that code and a reason, and nothing is left; frees data */

__attribute__((unused))
static int
test_refused(const char *name, imgp_str_t s, imgp_error_e code)
{
    int         good;
    test_run_t  run;

    test_init(&run);
    test_op(&run, "encode auto", s);

    good = ok(run.rc == IMGP_ERROR && run.task.error.code == code
              && run.task.error.detail[0] != '\0' && run.task.noutputs == 0,
              "%s: %s", name, run.task.error.detail);

    imgp_op_free(&run.task);
    free(s.data);

    return good;
}


/* a document as a further input of a run */

__attribute__((unused))
static void
test_json(test_run_t *run, const char *json)
{
    imgp_op_input_t  *input;

    input = &run->inputs[run->task.ninputs++];
    input->data.data = (u_char *) json;
    input->data.len = strlen(json);
    input->type = "application/json";
}


/*
 * An operation on a picture and a document: each allocation may fail, nothing
 * is left of it; and it may be canceled.
 */

__attribute__((unused))
static void
test_fails(const char *line, imgp_str_t data, const char *json)
{
    long          n, wrong;
    test_run_t    run;
    test_alloc_t  ta;
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };

    wrong = 0;

    for (n = 0; n < 1000; n++) {
        ta.left = n;
        ta.live = 0;

        test_init(&run);
        test_json(&run, json);
        run.task.alloc = &alloc;

        if (test_op(&run, line, data) == IMGP_OK) {
            break;
        }

        wrong += ta.live != 0 || run.task.error.code != IMGP_E_INTERNAL;
    }

    ok(n > 5 && n < 1000 && wrong == 0, "each of %ld allocations may fail", n);
    imgp_op_free(&run.task);
    is_int(ta.live, 0, "nothing is left of the good run");

    test_init(&run);
    test_json(&run, json);
    run.cancel = 1;
    test_op(&run, line, data);
    is_int(run.task.error.code, IMGP_E_CANCELED, "canceled");
}


#endif /* _IMGP_RUN_H_INCLUDED_ */
