
/*
 * What a call of "queue LIST" hands out: the keys that hold its inputs, and the
 * message that names them, or the configured one that has them inside.
 *
 * Called by ngx_http_imgp_queue.c, event loop; keys and message are malloc'ed
 * and the call's, which frees them.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_queue.h"
#include <imgp/imgp_handout.h>


#define NGX_HTTP_IMGP_QUEUE_BYTES   (64 * 1024 * 1024)   /* of all inputs */


static char *ngx_http_imgp_queue_text(ngx_http_imgp_queue_call_t *qc,
    ngx_http_imgp_unit_t *unit, imgp_handout_t *h);


/* a configured message has its inputs in it */

ngx_int_t
ngx_http_imgp_queue_keys(ngx_http_imgp_queue_call_t *qc,
    ngx_http_imgp_unit_t *unit)
{
    u_char      *p;
    size_t       bytes;
    ngx_uint_t   i;
    ngx_str_t   *prefix;

    if (unit->request) {
        return NGX_OK;
    }

    prefix = &qc->worker->redis->conf->prefix;

    for (i = 0, bytes = 0; i < qc->call->ninputs; i++) {
        bytes += qc->call->inputs[i].len;
    }

    if (i > NGX_HTTP_IMGP_QUEUE_INPUTS || bytes > NGX_HTTP_IMGP_QUEUE_BYTES) {
        return imgp_error_set(&qc->call->error, IMGP_E_LIMIT,
                              "a message has %lu inputs of %lu bytes: %d of "
                              "%d bytes are the most", (unsigned long) i,
                              (unsigned long) bytes,
                              NGX_HTTP_IMGP_QUEUE_INPUTS,
                              NGX_HTTP_IMGP_QUEUE_BYTES);
    }

    for (i = 0; i < qc->call->ninputs; i++) {
        p = malloc(prefix->len + sizeof("input::") + IMGP_ID_LEN
                   + NGX_INT32_LEN);

        if (p == NULL) {
            return imgp_error_set(&qc->call->error, IMGP_E_INTERNAL,
                                  "out of memory");
        }

        qc->keys[i].data = p;
        p = ngx_sprintf(p, "%Vinput:%s:%ui", prefix, qc->text, i);
        qc->keys[i].len = p - qc->keys[i].data;
        qc->nkeys++;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_queue_message(ngx_http_imgp_queue_call_t *qc,
    ngx_http_imgp_unit_t *unit)
{
    char                    job[IMGP_ID_LEN + 1];
    imgp_plan_t            *plan;
    imgp_handout_t          h;
    ngx_http_imgp_queue_t  *queue;

    queue = qc->worker->queue;
    plan = unit->run->pipeline->plan;

    ngx_memzero(&h, sizeof(imgp_handout_t));

    imgp_id_text(unit->run->job->id, job);

    h.call.data = (u_char *) qc->text;
    h.call.len = IMGP_ID_LEN;
    h.job.data = (u_char *) job;
    h.job.len = IMGP_ID_LEN;
    ngx_http_imgp_conf_copy(&h.reply_to, &queue->answers);
    h.pipeline = plan->name;
    h.stage = plan->stages[unit->stage].name;
    h.param_names = unit->run->job->param_names;
    h.params = unit->run->job->params;
    h.nparams = unit->run->job->nparams;
    h.keys = qc->keys;
    h.types = qc->call->types;
    h.ninputs = qc->nkeys;

    qc->message = ngx_http_imgp_queue_text(qc, unit, &h);

    if (qc->message == NULL && qc->call->error.code == 0) {
        return imgp_error_set(&qc->call->error, IMGP_E_INTERNAL,
                              "out of memory");
    }

    return qc->message ? NGX_OK : NGX_ERROR;
}


static char *
ngx_http_imgp_queue_text(ngx_http_imgp_queue_call_t *qc,
    ngx_http_imgp_unit_t *unit, imgp_handout_t *h)
{
    char        *message;
    uint64_t     len;
    imgp_str_t   body;

    if (unit->request == NULL) {
        return imgp_handout_message(h, &qc->len);
    }

    len = imgp_template_length(unit->request);

    if (len > NGX_HTTP_IMGP_QUEUE_BYTES) {
        (void) imgp_error_set(&qc->call->error, IMGP_E_LIMIT,
                              "the message is larger than %d bytes",
                              NGX_HTTP_IMGP_QUEUE_BYTES);
        return NULL;
    }

    body.data = malloc(len + 1);
    if (body.data == NULL) {
        return NULL;
    }

    (void) imgp_template_seek(unit->request, 0);

    for (body.len = 0; body.len < len; /* void */ ) {
        body.len += imgp_template_read(unit->request, body.data + body.len,
                                       len - body.len);
    }

    message = imgp_handout_wrap(h, &body, &qc->len, &qc->call->error);

    free(body.data);

    return message;
}
