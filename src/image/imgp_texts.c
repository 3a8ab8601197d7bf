
/*
 * Texts for boxes.  Called by imgp_op_render.c on the run's thread.  Documents
 * are jansson's, held until the texts were drawn; a plain text is made a
 * document of one string, so that all are selected in one way.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_boxes.h>
#include <imgp/imgp_json.h>
#include <imgp/imgp_text.h>
#include <imgp/imgp_texts.h>


static imgp_int_t imgp_texts_inputs(imgp_texts_t *texts,
    imgp_uint_t plain, const imgp_op_input_t **picture);
static imgp_uint_t imgp_texts_is_text(const imgp_op_input_t *input);
static json_t *imgp_texts_load(imgp_texts_t *texts,
    const imgp_op_input_t *input, imgp_uint_t plain);
static imgp_int_t imgp_texts_select(imgp_texts_t *texts,
    const imgp_pointer_t *boxes, const imgp_pointer_t *pointer);
static imgp_int_t imgp_texts_member(void *data, json_t *value);
static imgp_int_t imgp_texts_all(void *data, json_t *value);
static imgp_int_t imgp_texts_add(void *data, json_t *value);


imgp_int_t
imgp_texts_read(imgp_work_t *work, const imgp_pointer_t *boxes,
    const imgp_pointer_t *pointer, const imgp_op_input_t **picture,
    imgp_texts_t *texts)
{
    memset(texts, 0, sizeof(imgp_texts_t));
    texts->work = work;

    if (imgp_texts_inputs(texts, pointer == NULL, picture) != IMGP_OK
        || imgp_texts_select(texts, boxes, pointer) != IMGP_OK)
    {
        imgp_texts_free(texts);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


void
imgp_texts_free(imgp_texts_t *texts)
{
    imgp_uint_t  i;

    for (i = 0; i < texts->nroots; i++) {
        json_decref(texts->roots[i]);
    }

    texts->nroots = 0;
}


static imgp_int_t
imgp_texts_inputs(imgp_texts_t *texts, imgp_uint_t plain,
    const imgp_op_input_t **picture)
{
    json_t                 *root;
    imgp_uint_t             i;
    imgp_op_task_t         *task;
    const imgp_op_input_t  *in;

    task = texts->work->task;
    *picture = NULL;

    for (i = 0; i < task->ninputs; i++) {
        in = &task->inputs[i];

        if (imgp_op_is_json(in) || imgp_texts_is_text(in)) {
            root = imgp_texts_load(texts, in, plain && texts->nroots > 0);

            if (root == NULL) {
                return IMGP_ERROR;
            }

            texts->roots[texts->nroots++] = root;
            continue;
        }

        if (*picture != NULL) {
            *picture = NULL;
            break;
        }

        *picture = in;
    }

    if (*picture == NULL || texts->nroots == 0) {
        return imgp_work_error(texts->work, IMGP_E_BAD_PARAM,
                               "render takes one image and one or more JSON "
                               "documents");
    }

    return IMGP_OK;
}


static imgp_uint_t
imgp_texts_is_text(const imgp_op_input_t *input)
{
    return input->type != NULL && strncmp(input->type, "text/", 5) == 0;
}


/* "plain": a string is a text, whatever it looks like */

static json_t *
imgp_texts_load(imgp_texts_t *texts, const imgp_op_input_t *input,
    imgp_uint_t plain)
{
    json_t        *root;
    imgp_error_t   err;

    if (!plain) {
        return imgp_boxes_load(texts->work, &input->data);
    }

    root = imgp_texts_is_text(input) ? imgp_json_str(&input->data)
                                     : imgp_json_load(&input->data, &err);
    if (root == NULL) {
        imgp_work_error(texts->work, IMGP_E_BAD_PARAM, "%s",
                        imgp_texts_is_text(input) ? "out of memory"
                                                  : err.detail);
    }

    return root;
}


static imgp_int_t
imgp_texts_select(imgp_texts_t *texts, const imgp_pointer_t *boxes,
    const imgp_pointer_t *pointer)
{
    imgp_uint_t  i;

    if (pointer == NULL && texts->nroots == 1) {
        return (imgp_pointer_each(boxes, texts->roots[0], imgp_texts_member,
                                  texts)
                < 0) ? IMGP_ERROR : IMGP_OK;
    }

    for (i = (texts->nroots > 1); i < texts->nroots; i++) {

        if (pointer != NULL
            ? imgp_pointer_each(pointer, texts->roots[i], imgp_texts_add,
                                texts)
              < 0
            : imgp_texts_all(texts, texts->roots[i]) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_texts_member(void *data, json_t *value)
{
    imgp_texts_t  *texts = data;

    json_t  *text;

    text = json_object_get(value, "text");

    if (text == NULL) {
        return imgp_work_error(texts->work, IMGP_E_BAD_PARAM,
                               "value %u selected has no member \"text\"",
                               (unsigned) texts->n);
    }

    return imgp_texts_add(texts, text);
}


static imgp_int_t
imgp_texts_all(void *data, json_t *value)
{
    size_t  i;

    if (!json_is_array(value)) {
        return imgp_texts_add(data, value);
    }

    for (i = 0; i < json_array_size(value); i++) {

        if (imgp_texts_add(data, json_array_get(value, i)) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


/* null is a text that is not there: nothing is drawn */

static imgp_int_t
imgp_texts_add(void *data, json_t *value)
{
    imgp_str_t    *text;
    imgp_texts_t  *texts = data;

    if (!json_is_string(value) && !json_is_null(value)) {
        return imgp_work_error(texts->work, IMGP_E_BAD_PARAM,
                               "text %u is no string", (unsigned) texts->n);
    }

    if (texts->n == IMGP_TEXTS_MAX) {
        return imgp_work_error(texts->work, IMGP_E_LIMIT,
                               "more than %d texts", IMGP_TEXTS_MAX);
    }

    text = &texts->texts[texts->n];

    text->data = (u_char *) json_string_value(value);
    text->len = json_string_length(value);

    if (text->len > IMGP_TEXT_BYTES) {
        return imgp_work_error(texts->work, IMGP_E_LIMIT,
                               "text %u is of %zu bytes, at most %d are "
                               "allowed", (unsigned) texts->n, text->len,
                               IMGP_TEXT_BYTES);
    }

    texts->n++;

    return IMGP_OK;
}
