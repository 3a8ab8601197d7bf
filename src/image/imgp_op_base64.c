
/*
 * base64
 *
 * A file as a JSON document, for clients that want it inline:
 *
 *     {"type":"image/png","bytes":4711,"width":64,"height":48,"data":"iVBO..."}
 *
 * Width and height are there where the input is an image.  Of any type, one
 * output per input; nothing is decoded.  Runs on a pool thread; a document is
 * one block of the task's memory, written in pieces, between which the run
 * may be canceled.
 */


#include <stdlib.h>
#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_base64.h>
#include <imgp/imgp_json.h>


#define IMGP_OP_BASE64_VERSION  1
#define IMGP_OP_BASE64_PIECE    (3 * 256 * 1024)      /* whole groups */

#define IMGP_OP_BASE64_DATA     ",\"data\":\""
#define IMGP_OP_BASE64_END      "\"}"


static void *imgp_op_base64_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_base64_run(const void *conf, imgp_work_t *work);
static imgp_int_t imgp_op_base64_input(imgp_work_t *work,
    const imgp_op_input_t *input);
static char *imgp_op_base64_head(const imgp_op_input_t *input, size_t *len);
static imgp_int_t imgp_op_base64_output(imgp_work_t *work,
    const imgp_op_input_t *input, const imgp_str_t *head);
static imgp_int_t imgp_op_base64_write(imgp_work_t *work,
    const imgp_str_t *content, u_char *p);


static const imgp_args_option_t  imgp_op_base64_options[] = {
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_base64 = {
    .name = imgp_string("base64"),
    .parse = imgp_op_base64_parse,
    .run = imgp_op_base64_run
};


static void *
imgp_op_base64_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    if (imgp_args_options(args, nargs, imgp_op_base64_options, NULL, err)
        != IMGP_OK
        || imgp_op_print(pool, text, err, "v=%d", IMGP_OP_BASE64_VERSION)
           != IMGP_OK)
    {
        return NULL;
    }

    /* there are no options, and this is not NULL */

    return text->data;
}


static imgp_int_t
imgp_op_base64_run(const void *conf, imgp_work_t *work)
{
    imgp_op_task_t  *task;

    task = work->task;

    imgp_work_phase(work, 0, IMGP_OP_WRITE);

    for (work->input = 0; work->input < task->ninputs; work->input++) {

        if (imgp_op_base64_input(work, &task->inputs[work->input])
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_base64_input(imgp_work_t *work, const imgp_op_input_t *input)
{
    char        *text;
    imgp_int_t   rc;
    imgp_str_t   head;

    text = imgp_op_base64_head(input, &head.len);
    if (text == NULL) {
        return imgp_work_error(work, IMGP_E_INTERNAL, "out of memory");
    }

    /* the document goes on where it was closed */

    head.data = (u_char *) text;
    head.len--;

    rc = imgp_op_base64_output(work, input, &head);

    free(text);

    return rc;
}


static char *
imgp_op_base64_head(const imgp_op_input_t *input, size_t *len)
{
    imgp_json_t  head = imgp_json_object();

    imgp_json_set(&head, "type",
                  imgp_json_text(input->type ? input->type
                                             : "application/octet-stream"));
    imgp_json_set_int(&head, "bytes", input->data.len);

    if (input->width != 0 && input->height != 0) {
        imgp_json_set_int(&head, "width", input->width);
        imgp_json_set_int(&head, "height", input->height);
    }

    return imgp_json_dump(&head, len);
}


static imgp_int_t
imgp_op_base64_output(imgp_work_t *work, const imgp_op_input_t *input,
    const imgp_str_t *head)
{
    size_t             rest;
    u_char            *p;
    imgp_op_task_t    *task;
    imgp_op_output_t  *out;

    task = work->task;
    rest = head->len + sizeof(IMGP_OP_BASE64_DATA IMGP_OP_BASE64_END);

    if (input->data.len > (SIZE_MAX - rest) / 2) {
        return imgp_work_error(work, IMGP_E_LIMIT,
                               "%zu bytes are too many for base64",
                               input->data.len);
    }

    out = &task->outputs[task->noutputs];
    memset(out, 0, sizeof(imgp_op_output_t));

    out->data = imgp_work_output(work,
                                 imgp_base64_size(input->data.len) + rest);
    if (out->data == NULL) {
        return IMGP_ERROR;
    }

    /* from here on it is freed with the others */

    task->noutputs++;
    out->type = "application/json";

    p = out->data;
    memcpy(p, head->data, head->len);
    p += head->len;

    memcpy(p, IMGP_OP_BASE64_DATA, sizeof(IMGP_OP_BASE64_DATA) - 1);
    p += sizeof(IMGP_OP_BASE64_DATA) - 1;

    if (imgp_op_base64_write(work, &input->data, p) != IMGP_OK) {
        return IMGP_ERROR;
    }

    p += imgp_base64_size(input->data.len);
    memcpy(p, IMGP_OP_BASE64_END, sizeof(IMGP_OP_BASE64_END) - 1);

    out->len = p + sizeof(IMGP_OP_BASE64_END) - 1 - out->data;

    return IMGP_OK;
}


static imgp_int_t
imgp_op_base64_write(imgp_work_t *work, const imgp_str_t *content, u_char *p)
{
    size_t  pos, n;

    for (pos = 0; pos < content->len; pos += n) {
        n = imgp_min(content->len - pos, IMGP_OP_BASE64_PIECE);
        p += imgp_base64_encode(content->data + pos, n, p);

        if (imgp_work_step(work, pos + n, content->len) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}
