
/*
 * What goes to the workers of a Redis list, and what comes from them.
 *
 * Called by the event loop, which never reads a whole answer: the id is found
 * by its bytes, and one that only looks like it is nobody's.  Threads do the
 * rest.  Texts are malloc'ed and belong to the caller.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdlib.h>
#include <string.h>
#include <imgp/imgp_handout.h>
#include <imgp/imgp_json.h>


#define IMGP_HANDOUT_ID     "\"correlation_id\""
#define IMGP_HANDOUT_SHOWN  120       /* bytes of a worker's reason */


static void imgp_handout_head(imgp_json_t *doc, const imgp_handout_t *h);
static json_t *imgp_handout_inputs(const imgp_handout_t *h);
static json_t *imgp_handout_params(const imgp_handout_t *h);


char *
imgp_handout_message(const imgp_handout_t *h, size_t *len)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_handout_head(&doc, h);

    imgp_json_set(&doc, "job", imgp_json_str(&h->job));
    imgp_json_set(&doc, "pipeline", imgp_json_str(&h->pipeline));
    imgp_json_set(&doc, "stage", imgp_json_str(&h->stage));
    imgp_json_set(&doc, "params", imgp_handout_params(h));

    if (h->ninputs) {
        imgp_json_set(&doc, "input", imgp_json_str(&h->keys[0]));
        imgp_json_set(&doc, "type", imgp_json_text(h->types[0]));
    }

    imgp_json_set(&doc, "inputs", imgp_handout_inputs(h));

    return imgp_json_dump(&doc, len);
}


static void
imgp_handout_head(imgp_json_t *doc, const imgp_handout_t *h)
{
    imgp_json_set(doc, "correlation_id", imgp_json_str(&h->call));
    imgp_json_set(doc, "reply_to", imgp_json_str(&h->reply_to));
}


static json_t *
imgp_handout_inputs(const imgp_handout_t *h)
{
    imgp_uint_t  i;
    imgp_json_t  list = imgp_json_array();

    for (i = 0; i < h->ninputs; i++) {
        imgp_json_t  one = imgp_json_object();

        imgp_json_set(&one, "key", imgp_json_str(&h->keys[i]));
        imgp_json_set(&one, "type", imgp_json_text(h->types[i]));
        imgp_json_add(&list, one.json);
    }

    return list.json;
}


static json_t *
imgp_handout_params(const imgp_handout_t *h)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_object();

    for (i = 0; i < h->nparams; i++) {
        imgp_json_set_key(&doc, &h->param_names[i],
                          imgp_json_str(&h->params[i]));
    }

    return doc.json;
}


char *
imgp_handout_wrap(const imgp_handout_t *h, const imgp_str_t *text,
    size_t *len, imgp_error_t *err)
{
    char         *head, *out;
    size_t        n, i, k;
    imgp_json_t   doc = imgp_json_object();

    for (i = 0; i < text->len && strchr(" \t\r\n", text->data[i]); i++) {
        /* void */
    }

    if (i == text->len || text->data[i] != '{') {
        json_decref(doc.json);
        (void) imgp_error_set(err, IMGP_E_LIMIT,
                              "what is sent to a list must be a JSON object");
        return NULL;
    }

    i++;

    for (k = i; k < text->len && strchr(" \t\r\n", text->data[k]); k++) {
        /* void */
    }

    imgp_handout_head(&doc, h);

    head = imgp_json_dump(&doc, &n);
    out = head ? malloc(n + text->len + 1) : NULL;

    if (out == NULL) {
        free(head);
        (void) imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        return NULL;
    }

    /* its own "}" is the one of the text */

    memcpy(out, head, n - 1);
    *len = n - 1;
    free(head);

    if (k < text->len && text->data[k] != '}') {
        out[(*len)++] = ',';
    }

    memcpy(out + *len, text->data + i, text->len - i);
    *len += text->len - i;
    out[*len] = '\0';

    return out;
}


imgp_int_t
imgp_handout_id(const imgp_str_t *answer, size_t *pos,
    u_char id[IMGP_ID_BYTES])
{
    u_char  *p, *last;

    last = answer->data + answer->len;

    while (*pos < answer->len) {
        p = memmem(answer->data + *pos, answer->len - *pos, IMGP_HANDOUT_ID,
                   sizeof(IMGP_HANDOUT_ID) - 1);

        if (p == NULL) {
            break;
        }

        p += sizeof(IMGP_HANDOUT_ID) - 1;
        *pos = p - answer->data;

        while (p < last && (*p == ' ' || *p == ':' || *p == '\t'
                            || *p == '\r' || *p == '\n'))
        {
            p++;
        }

        if (last - p > IMGP_ID_LEN + 1 && *p == '"'
            && p[IMGP_ID_LEN + 1] == '"'
            && imgp_id_parse(p + 1, IMGP_ID_LEN, id) == IMGP_OK)
        {
            return IMGP_OK;
        }
    }

    *pos = answer->len;

    return IMGP_DECLINED;
}


imgp_int_t
imgp_handout_failed(const imgp_str_t *answer, imgp_error_t *err)
{
    json_t       *doc, *error;
    imgp_int_t    rc;
    const char   *reason;

    if (memmem(answer->data, answer->len, "\"error\"", sizeof("\"error\"") - 1)
        == NULL)
    {
        return IMGP_OK;
    }

    doc = json_loadb((char *) answer->data, answer->len, 0, NULL);
    error = json_object_get(doc, "error");

    rc = IMGP_OK;

    if (error && !json_is_null(error) && !json_is_false(error)) {

        reason = json_is_string(error) ? json_string_value(error) : "no text";

        rc = imgp_error_set(err,
                            json_is_false(json_object_get(doc, "retry"))
                                ? IMGP_E_SERVICE_REFUSED
                                : IMGP_E_SERVICE_REPLY,
                            "worker failed: %.*s", IMGP_HANDOUT_SHOWN, reason);
    }

    json_decref(doc);

    return rc;
}
