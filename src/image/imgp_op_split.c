
/*
 * split POINTER
 *
 * Takes a JSON document apart: every value that POINTER (RFC 6901, "*" for
 * every element) selects is an output of its own, a JSON document, for "each".
 * Where nothing is selected there are no outputs.  Takes one input; runs on a
 * pool thread.
 */


#include <stdlib.h>
#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_pointer.h>


#define IMGP_OP_SPLIT_VERSION  1


static void *imgp_op_split_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_split_run(const void *pointer, imgp_work_t *work);
static imgp_int_t imgp_op_split_value(void *data, json_t *value);


static const imgp_args_option_t  imgp_op_split_options[] = {
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_split = {
    .name = imgp_string("split"),
    .parse = imgp_op_split_parse,
    .run = imgp_op_split_run
};


static void *
imgp_op_split_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_pointer_t  *pointer;

    if (nargs == 0) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "split needs a JSON pointer to the values");
        return NULL;
    }

    pointer = imgp_pointer_parse(pool, &args[0], err);

    if (pointer == NULL
        || imgp_args_options(args + 1, nargs - 1, imgp_op_split_options, NULL,
                             err)
           != IMGP_OK
        || imgp_op_print(pool, text, err, "%.*s v=%d", (int) args[0].len,
                         (char *) args[0].data, IMGP_OP_SPLIT_VERSION)
           != IMGP_OK)
    {
        return NULL;
    }

    return pointer;
}


static imgp_int_t
imgp_op_split_run(const void *pointer, imgp_work_t *work)
{
    json_t          *root;
    imgp_int_t       rc;
    imgp_error_t     err;
    imgp_op_task_t  *task;

    task = work->task;

    if (task->ninputs != 1) {
        return imgp_work_error(work, IMGP_E_BAD_PARAM,
                               "split takes one JSON document, not %u inputs",
                               (unsigned) task->ninputs);
    }

    root = imgp_json_load(&task->inputs[0].data, &err);

    if (root == NULL) {
        return imgp_work_error(work, IMGP_E_BAD_PARAM,
                               "split takes a JSON document, but of its input "
                               "the %s", err.detail);
    }

    rc = imgp_pointer_each(pointer, root, imgp_op_split_value, work);

    json_decref(root);

    return (rc < 0) ? IMGP_ERROR : IMGP_OK;
}


static imgp_int_t
imgp_op_split_value(void *data, json_t *value)
{
    imgp_work_t  *work = data;

    if (work->task->noutputs == IMGP_OP_OUTPUTS_MAX) {
        return imgp_work_error(work, IMGP_E_LIMIT, "more than %d values",
                               IMGP_OP_OUTPUTS_MAX);
    }

    return imgp_op_json(work, value);
}


imgp_int_t
imgp_op_json(imgp_work_t *work, const json_t *value)
{
    char              *dump;
    imgp_op_task_t    *task;
    imgp_op_output_t  *out;

    task = work->task;
    dump = (value != NULL)
           ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    if (dump == NULL) {
        return imgp_work_error(work, IMGP_E_INTERNAL, "out of memory");
    }

    out = &task->outputs[task->noutputs];
    memset(out, 0, sizeof(imgp_op_output_t));

    out->len = strlen(dump);
    out->type = "application/json";
    out->data = imgp_work_output(work, out->len);

    if (out->data != NULL) {
        memcpy(out->data, dump, out->len);
        task->noutputs++;
    }

    free(dump);

    return (out->data != NULL) ? IMGP_OK : IMGP_ERROR;
}
