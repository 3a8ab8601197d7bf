
/*
 * What comes after a service's first answer: it is asked again until it is
 * done ("poll"), and what its answer names is fetched ("take ... url").
 *
 *     answer -> look (thread) -> [later -> ask] -> document -> post.c
 *     links  -> fetch -> store (thread) -> fetch -> ... -> post.c
 *
 * All of it is one attempt of the unit, with one deadline; the service's place
 * is held until it is done.  A question that fails is asked again, for the
 * work that it asks for has been paid.
 *
 * Event loop, but for what is said to be in a thread.
 */


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_link.h"


#define NGX_HTTP_IMGP_FOLLOW_ERRORS  5     /* in a row, of one question */


static void ngx_http_imgp_follow_look(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_follow_looking(void *data, ngx_log_t *log);
static void ngx_http_imgp_follow_looked(void *data);
static void ngx_http_imgp_follow_verdict(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_follow_later(ngx_http_imgp_unit_t *unit,
    ngx_msec_t delay);
static void ngx_http_imgp_follow_ask(ngx_event_t *ev);
static void ngx_http_imgp_follow_answered(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_follow_fetch(ngx_event_t *ev);
static void ngx_http_imgp_follow_fetched(ngx_http_imgp_call_t *call);
static void ngx_http_imgp_follow_stored(void *data);
static void ngx_http_imgp_follow_get(ngx_http_imgp_unit_t *unit,
    imgp_str_t *url, ngx_uint_t poll,
    void (*done)(ngx_http_imgp_call_t *call));
static ngx_uint_t ngx_http_imgp_follow_again(ngx_http_imgp_unit_t *unit,
    ngx_msec_t delay);
static void ngx_http_imgp_follow_late(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_follow_fail(ngx_http_imgp_unit_t *unit);


/* the answer to the request itself is in unit->call */

void
ngx_http_imgp_follow(ngx_http_imgp_unit_t *unit)
{
    unit->poll = imgp_pcalloc(unit->arena, sizeof(imgp_poll_answer_t));

    if (unit->poll == NULL) {
        imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
        ngx_http_imgp_follow_fail(unit);
        return;
    }

    unit->poll->first = 1;

    ngx_http_imgp_follow_look(unit);
}


static void
ngx_http_imgp_follow_look(ngx_http_imgp_unit_t *unit)
{
    imgp_poll_answer_t    *answer;
    ngx_http_imgp_call_t  *call;

    call = &unit->call;
    answer = unit->poll;

    answer->status = call->status;
    ngx_http_imgp_conf_copy(&answer->type, &call->type);
    ngx_http_imgp_conf_copy(&answer->location, &call->location);
    answer->body.data = call->body;
    answer->body.len = call->body_len;
    unit->document = answer->body;

    ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_IO, NULL,
                            ngx_http_imgp_follow_looking,
                            ngx_http_imgp_follow_looked);
}


/* in a thread */

static void
ngx_http_imgp_follow_looking(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t  *unit = data;

    imgp_error_t  err;

    if (imgp_poll(ngx_http_imgp_unit_service(unit)->poll, unit->poll,
                  unit->arena, &err)
        != IMGP_OK)
    {
        ngx_http_imgp_output_failed(unit, &err);
    }
}


static void
ngx_http_imgp_follow_looked(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    if (unit->error.error.code == 0 && ngx_http_imgp_unit_over(unit)) {
        ngx_http_imgp_revoke(unit);
    }

    if (unit->error.error.code || ngx_http_imgp_unit_over(unit)) {
        ngx_http_imgp_post_quote(unit);
        ngx_http_imgp_follow_fail(unit);

    } else {
        ngx_http_imgp_follow_verdict(unit);
    }

    ngx_http_imgp_run_unref(run);
}


static void
ngx_http_imgp_follow_verdict(ngx_http_imgp_unit_t *unit)
{
    unit->poll->first = 0;
    unit->failures = 0;

    switch (unit->poll->verdict) {

    case IMGP_POLL_DONE:
        unit->document = unit->poll->document;
        ngx_http_imgp_post_take(unit);
        return;

    case IMGP_POLL_RESULT:
        ngx_http_imgp_post_drop(unit);
        ngx_http_imgp_follow_later(unit, 0);
        return;

    default: /* IMGP_POLL_AGAIN */
        ngx_http_imgp_post_drop(unit);
        ngx_http_imgp_follow_later(unit,
                                   ngx_http_imgp_unit_service(unit)->every);
        return;
    }
}


/* the service is still at work: so is the unit, and its timer keeps the
   process */

static void
ngx_http_imgp_follow_later(ngx_http_imgp_unit_t *unit, ngx_msec_t delay)
{
    unit->state = NGX_HTTP_IMGP_UNIT_CALL;

    unit->later.handler = ngx_http_imgp_follow_ask;
    unit->later.data = unit;
    unit->later.log = &unit->run->log;

    ngx_add_timer(&unit->later, delay);
}


static void
ngx_http_imgp_follow_ask(ngx_event_t *ev)
{
    ngx_http_imgp_unit_t  *unit = ev->data;

    ngx_http_imgp_follow_get(unit, &unit->poll->url, 1,
                             ngx_http_imgp_follow_answered);
}


static void
ngx_http_imgp_follow_answered(ngx_http_imgp_call_t *call)
{
    ngx_msec_t             delay;
    ngx_http_imgp_unit_t  *unit;

    unit = call->data;

    if (call->error.code) {
        unit->error.error = call->error;
        delay = ngx_max(ngx_http_imgp_unit_service(unit)->every,
                        call->retry_after);

        if (ngx_http_imgp_follow_again(unit, delay)) {
            ngx_http_imgp_follow_later(unit, delay);
            return;
        }

        ngx_http_imgp_follow_fail(unit);
        return;
    }

    if (unit->poll->verdict != IMGP_POLL_RESULT) {
        ngx_http_imgp_follow_look(unit);
        return;
    }

    unit->document.data = call->body;
    unit->document.len = call->body_len;

    ngx_http_imgp_post_take(unit);
}


/* what was taken are addresses: one after the other */

void
ngx_http_imgp_follow_links(ngx_http_imgp_unit_t *unit)
{
    unit->failures = 0;
    unit->state = NGX_HTTP_IMGP_UNIT_CALL;

    unit->later.handler = ngx_http_imgp_follow_fetch;
    unit->later.data = unit;
    unit->later.log = &unit->run->log;

    ngx_add_timer(&unit->later, 0);
}


static void
ngx_http_imgp_follow_fetch(ngx_event_t *ev)
{
    ngx_http_imgp_unit_t  *unit = ev->data;

    ngx_http_imgp_follow_get(unit, &unit->links[unit->nitems], 0,
                             ngx_http_imgp_follow_fetched);
}


static void
ngx_http_imgp_follow_fetched(ngx_http_imgp_call_t *call)
{
    ngx_msec_t             delay;
    ngx_http_imgp_unit_t  *unit;

    unit = call->data;

    if (call->error.code) {
        unit->error.error = call->error;
        delay = ngx_max(ngx_http_imgp_unit_stage(unit)->retry_delay,
                        call->retry_after);

        if (ngx_http_imgp_follow_again(unit, delay)) {
            ngx_add_timer(&unit->later, delay);
            return;
        }

        ngx_http_imgp_follow_fail(unit);
        return;
    }

    ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_IO, NULL,
                            ngx_http_imgp_output_fetched,
                            ngx_http_imgp_follow_stored);
}


static void
ngx_http_imgp_follow_stored(void *data)
{
    ngx_http_imgp_unit_t  *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    ngx_http_imgp_post_drop(unit);

    if (unit->error.error.code || unit->nitems == unit->nlinks
        || ngx_http_imgp_unit_over(unit))
    {
        ngx_http_imgp_unit_finish(unit);

    } else {
        ngx_http_imgp_follow_links(unit);
    }

    ngx_http_imgp_run_unref(run);
}


static void
ngx_http_imgp_follow_get(ngx_http_imgp_unit_t *unit, imgp_str_t *url,
    ngx_uint_t poll, void (*done)(ngx_http_imgp_call_t *call))
{
    ngx_msec_int_t             left;
    imgp_error_t               err;
    ngx_http_imgp_service_t   *service;

    left = (ngx_msec_int_t) (unit->deadline - ngx_current_msec);

    if (left <= 0) {
        ngx_http_imgp_follow_late(unit);
        ngx_http_imgp_follow_fail(unit);
        return;
    }

    service = ngx_http_imgp_link(ngx_http_imgp_unit_service(unit), url, poll,
                                 unit->arena, &err);

    if (service == NULL) {
        ngx_http_imgp_output_failed(unit, &err);
        ngx_http_imgp_follow_fail(unit);
        return;
    }

    ngx_http_imgp_post_start_call(unit, service, left, done);
}


/* only what may be better the next time, and only if there is one */

static ngx_uint_t
ngx_http_imgp_follow_again(ngx_http_imgp_unit_t *unit, ngx_msec_t delay)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (unit->deadline - ngx_current_msec);

    if (left <= 0) {
        ngx_http_imgp_follow_late(unit);
        return 0;
    }

    if (imgp_error_class(unit->error.error.code) != IMGP_CLASS_TRANSIENT
        || ++unit->failures > NGX_HTTP_IMGP_FOLLOW_ERRORS
        || (ngx_msec_int_t) delay >= left)
    {
        return 0;
    }

    ngx_memzero(&unit->error, sizeof(imgp_store_error_t));

    return 1;
}


/* not the last question was too slow, but all of it */

static void
ngx_http_imgp_follow_late(ngx_http_imgp_unit_t *unit)
{
    (void) imgp_error_set(&unit->error.error, IMGP_E_SERVICE_TIMEOUT,
                          "service was not done within %lu ms",
                          (unsigned long)
                          ngx_http_imgp_unit_stage(unit)->timeout);
}


static void
ngx_http_imgp_follow_fail(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_post_drop(unit);
    ngx_http_imgp_unit_finish(unit);
}


void
ngx_http_imgp_follow_stop(ngx_http_imgp_unit_t *unit)
{
    if (unit->later.timer_set) {
        ngx_del_timer(&unit->later);
    }
}
