
/*
 * What an answer of a service means that finishes later.  The forms there are:
 *
 *     202 and Location, then 202 until 200, or 303 to the result
 *     {"status": "starting", "urls": {"get": ...}}       Replicate
 *     {"status_url": ..., "response_url": ...}           fal
 *     {"event_id": ...}, then a stream of events         Gradio's queue
 *
 * Called in a thread, for each answer.  No state but the answer's own; URLs
 * are copied to the caller's pool.
 */


#include <imgp/imgp_poll.h>
#include <imgp/imgp_media.h>
#include <imgp/imgp_sse.h>


#define IMGP_POLL_ACCEPTED   202
#define IMGP_POLL_SEE_OTHER  303


static imgp_int_t imgp_poll_stream(imgp_poll_answer_t *answer,
    imgp_error_t *err);
static imgp_int_t imgp_poll_location(imgp_poll_answer_t *answer,
    imgp_pool_t *pool, imgp_str_t *url, imgp_error_t *err);
static imgp_int_t imgp_poll_document(const imgp_poll_t *poll,
    imgp_poll_answer_t *answer, imgp_pool_t *pool, json_t *root,
    imgp_error_t *err);
static imgp_int_t imgp_poll_status(const imgp_poll_t *poll,
    imgp_poll_answer_t *answer, imgp_pool_t *pool, json_t *root,
    imgp_error_t *err);
static imgp_int_t imgp_poll_again(const imgp_poll_t *poll,
    imgp_poll_answer_t *answer, imgp_pool_t *pool, json_t *root,
    imgp_error_t *err);
static imgp_int_t imgp_poll_done(const imgp_poll_t *poll,
    imgp_poll_answer_t *answer, imgp_error_t *err);
static imgp_uint_t imgp_poll_one_of(const imgp_str_t *values, imgp_uint_t n,
    const imgp_str_t *value);


imgp_int_t
imgp_poll(const imgp_poll_t *poll, imgp_poll_answer_t *answer,
    imgp_pool_t *pool, imgp_error_t *err)
{
    char           type[IMGP_TYPE_LEN];
    json_t        *root;
    imgp_int_t     rc;
    imgp_error_t   why;

    if (answer->status == IMGP_POLL_SEE_OTHER) {
        answer->verdict = IMGP_POLL_RESULT;
        return imgp_poll_location(answer, pool, &answer->url, err);
    }

    imgp_media_declared(&answer->type, type);

    if (strcmp(type, "text/event-stream") == 0) {
        return imgp_poll_stream(answer, err);
    }

    /* a document that is none says nothing, but it may be the result */

    root = imgp_json_load(&answer->body, &why);

    rc = imgp_poll_document(poll, answer, pool, root, err);

    json_decref(root);

    return rc;
}


static imgp_int_t
imgp_poll_stream(imgp_poll_answer_t *answer, imgp_error_t *err)
{
    imgp_str_t  rest, name, data;

    rest = answer->body;

    while (imgp_sse_next(&rest, &name, &data) == IMGP_OK) {

        if (imgp_str_is(&name, "complete")) {
            answer->document = data;
            answer->verdict = IMGP_POLL_DONE;
            return IMGP_OK;
        }

        if (imgp_str_is(&name, "error")) {
            return imgp_error_set(err, IMGP_E_SERVICE_REFUSED,
                                  "service says that its work failed (event "
                                  "\"error\")");
        }
    }

    return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                          "stream of events ended without \"complete\"");
}


static imgp_int_t
imgp_poll_location(imgp_poll_answer_t *answer, imgp_pool_t *pool,
    imgp_str_t *url, imgp_error_t *err)
{
    if (answer->location.len == 0
        || answer->location.len > IMGP_TAKE_URL_MAX)
    {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "answer %lu has no usable Location",
                              (unsigned long) answer->status);
    }

    url->len = answer->location.len;
    url->data = imgp_pstrdup(pool, &answer->location);

    return url->data ? IMGP_OK
                     : imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
}


static imgp_int_t
imgp_poll_document(const imgp_poll_t *poll, imgp_poll_answer_t *answer,
    imgp_pool_t *pool, json_t *root, imgp_error_t *err)
{
    imgp_str_t    value;
    imgp_error_t  none;

    /* where the result will be may be told at any time before */

    if (root != NULL && poll->result.pointer != NULL
        && imgp_take_string(&poll->result, root, pool, &value, &none)
           == IMGP_OK)
    {
        answer->result = value;
    }

    if (root != NULL && poll->cancel.pointer != NULL
        && imgp_take_string(&poll->cancel, root, pool, &value, &none)
           == IMGP_OK)
    {
        answer->cancel = value;
    }

    if (poll->status.pointer != NULL) {

        if (root == NULL) {
            return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                                  "answer to \"poll\" is not JSON");
        }

        return imgp_poll_status(poll, answer, pool, root, err);
    }

    if (answer->status == IMGP_POLL_ACCEPTED || answer->first) {
        return imgp_poll_again(poll, answer, pool, root, err);
    }

    return imgp_poll_done(poll, answer, err);
}


static imgp_int_t
imgp_poll_status(const imgp_poll_t *poll, imgp_poll_answer_t *answer,
    imgp_pool_t *pool, json_t *root, imgp_error_t *err)
{
    imgp_str_t  status;

    if (imgp_take_string(&poll->status, root, pool, &status, err) != IMGP_OK) {

        /* the first one may tell the address alone */

        return answer->first ? imgp_poll_again(poll, answer, pool, root, err)
                             : IMGP_ERROR;
    }

    if (imgp_poll_one_of(poll->failed, poll->nfailed, &status)) {
        return imgp_error_set(err, IMGP_E_SERVICE_REFUSED,
                              "service says that its work failed (status "
                              "\"%.*s\")", (int) status.len,
                              (char *) status.data);
    }

    if (imgp_poll_one_of(poll->done, poll->ndone, &status)) {
        return imgp_poll_done(poll, answer, err);
    }

    return imgp_poll_again(poll, answer, pool, root, err);
}


static imgp_int_t
imgp_poll_again(const imgp_poll_t *poll, imgp_poll_answer_t *answer,
    imgp_pool_t *pool, json_t *root, imgp_error_t *err)
{
    imgp_str_t    url;
    imgp_error_t  why;

    answer->verdict = IMGP_POLL_AGAIN;

    if (answer->location.len) {
        return imgp_poll_location(answer, pool, &answer->url, err);
    }

    why.code = IMGP_E_NONE;

    if (poll->url.pointer != NULL && root != NULL
        && imgp_take_string(&poll->url, root, pool, &url, &why) == IMGP_OK)
    {
        answer->url = url;
        return IMGP_OK;
    }

    /* the same as before */

    if (answer->url.len) {
        return IMGP_OK;
    }

    if (why.code) {
        *err = why;
        return IMGP_ERROR;
    }

    return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                          "answer %lu tells no address to ask again",
                          (unsigned long) answer->status);
}


static imgp_int_t
imgp_poll_done(const imgp_poll_t *poll, imgp_poll_answer_t *answer,
    imgp_error_t *err)
{
    if (poll->result.pointer == NULL) {
        answer->document = answer->body;
        answer->verdict = IMGP_POLL_DONE;
        return IMGP_OK;
    }

    if (answer->result.len == 0) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "no answer had the address of the result at "
                              "\"%.*s\"",
                              (int) imgp_min(poll->result.text.len, 64),
                              (char *) poll->result.text.data);
    }

    answer->url = answer->result;
    answer->verdict = IMGP_POLL_RESULT;

    return IMGP_OK;
}


static imgp_uint_t
imgp_poll_one_of(const imgp_str_t *values, imgp_uint_t n,
    const imgp_str_t *value)
{
    imgp_uint_t  i;

    for (i = 0; i < n; i++) {
        if (imgp_str_eq(&values[i], value)) {
            return 1;
        }
    }

    return 0;
}
