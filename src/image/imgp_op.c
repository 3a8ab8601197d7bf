
/*
 * The registry of local operations.  Parsing is done in the master while the
 * configuration is read, into the configuration's pool; runs are done by
 * threads (imgp_op_chain.c), which share the parsed operation and nothing
 * else.
 */


#include <stdarg.h>
#include <stdio.h>
#include <imgp/imgp_op_type.h>


#define IMGP_OP_TEXT_MAX  4096        /* a crop's pointer is the longest */


static const imgp_op_type_t *imgp_op_find(const imgp_str_t *name);


static const imgp_op_type_t  *imgp_op_types[] = {
    &imgp_op_resize,
    &imgp_op_encode,
    &imgp_op_canvas,
    &imgp_op_crop,
    &imgp_op_mask,
    &imgp_op_mask,
    &imgp_op_composite,
    &imgp_op_render,
    &imgp_op_base64,
    &imgp_op_split,
    &imgp_op_join
};


imgp_uint_t
imgp_op_known(const imgp_str_t *name)
{
    return imgp_op_find(name) != NULL;
}


static const imgp_op_type_t *
imgp_op_find(const imgp_str_t *name)
{
    imgp_uint_t  i;

    for (i = 0; i < imgp_nelts(imgp_op_types); i++) {

        if (imgp_str_eq(&imgp_op_types[i]->name, name)) {
            return imgp_op_types[i];
        }
    }

    return NULL;
}


imgp_op_t *
imgp_op_parse(imgp_pool_t *pool, const imgp_str_t *args, imgp_uint_t nargs,
    imgp_error_t *err)
{
    imgp_op_t   *op;
    imgp_str_t   options;

    op = imgp_pcalloc(pool, sizeof(imgp_op_t));
    if (op == NULL) {
        return imgp_op_no_memory(err);
    }

    op->type = nargs ? imgp_op_find(&args[0]) : NULL;

    if (op->type == NULL) {
        imgp_error_set(err, IMGP_E_BAD_PARAM, "unknown operation \"%.*s\"",
                       nargs ? (int) args[0].len : 0,
                       nargs ? (char *) args[0].data : "");
        return NULL;
    }

    op->conf = op->type->parse(pool, args + 1, nargs - 1, &options, err);
    if (op->conf == NULL) {
        return NULL;
    }

    if (imgp_op_print(pool, &op->text, err, "%s %.*s",
                      (char *) op->type->name.data, (int) options.len,
                      (char *) options.data)
        != IMGP_OK)
    {
        return NULL;
    }

    return op;
}


imgp_int_t
imgp_op_print(imgp_pool_t *pool, imgp_str_t *text, imgp_error_t *err,
    const char *fmt, ...)
{
    int      n;
    char     buf[IMGP_OP_TEXT_MAX];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    if (n < 0 || (size_t) n >= sizeof(buf)) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "the options are longer than %d bytes",
                              IMGP_OP_TEXT_MAX);
    }

    text->data = (u_char *) buf;
    text->len = n;

    text->data = imgp_pstrdup(pool, text);
    if (text->data == NULL) {
        (void) imgp_op_no_memory(err);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


void *
imgp_op_no_memory(imgp_error_t *err)
{
    imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");

    return NULL;
}


const imgp_str_t *
imgp_op_text(const imgp_op_t *op)
{
    return &op->text;
}


imgp_uint_t
imgp_op_alone(const imgp_op_t *op)
{
    return op->type->run != NULL;
}


imgp_int_t
imgp_op_run(const imgp_op_t *op, imgp_op_task_t *task)
{
    imgp_op_link_t  link;

    link.op = op;
    link.keep = 0;
    link.json = NULL;

    return imgp_op_chain_run(&link, 1, task);
}


imgp_uint_t
imgp_op_is_json(const imgp_op_input_t *input)
{
    size_t         i;
    const char    *type;
    const u_char  *p;

    type = input->type;

    if (type != NULL && strncmp(type, "application/json", 16) == 0
        && (type[16] == '\0' || type[16] == ';' || type[16] == ' '))
    {
        return 1;
    }

    p = input->data.data;

    for (i = 0; i < input->data.len; i++) {

        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n') {
            return p[i] == '{' || p[i] == '[';
        }
    }

    return 0;
}


imgp_int_t
imgp_op_pair(imgp_work_t *work, const char *name,
    const imgp_op_input_t **picture, const imgp_op_input_t **json)
{
    imgp_uint_t             first;
    const imgp_op_input_t  *in;

    in = work->task->inputs;

    if (work->task->ninputs != 2
        || imgp_op_is_json(&in[0]) == imgp_op_is_json(&in[1]))
    {
        return imgp_work_error(work, IMGP_E_BAD_PARAM,
                               "%s takes an image and a JSON document", name);
    }

    first = imgp_op_is_json(&in[0]);

    *picture = &in[first];
    *json = &in[1 - first];

    return IMGP_OK;
}


void
imgp_op_free(imgp_op_task_t *task)
{
    imgp_uint_t  i;

    for (i = 0; i < task->noutputs; i++) {
        task->alloc->free(task->alloc->data, task->outputs[i].data);
        task->outputs[i].data = NULL;
    }

    task->noutputs = 0;
}
