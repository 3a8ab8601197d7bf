
/*
 * Asks Redis for what this machine may ask of services: when somebody lacks
 * it (ngx_http_imgp_flight_tell), when others gave some back (a hint), and
 * with each beat, so that its lease goes on.  One worker asks for all.
 *
 * Event loop.  A question is freed with its answer.
 */


#include "ngx_http_imgp_share.h"
#include "ngx_http_imgp_quota.h"
#include <imgp/imgp_redis_quota.h>


typedef struct {
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_quota_t          quota;
} ngx_http_imgp_share_quota_t;


static ngx_int_t ngx_http_imgp_share_quota_ask(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_quota_t *quota);
static imgp_str_t *ngx_http_imgp_share_quota_stage(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_quota_t *quota, ngx_str_t *pipeline);
static void ngx_http_imgp_share_quota_answer(void *data,
    imgp_redis_class_e c, const redisReply *reply);
static void ngx_http_imgp_share_quota_end(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_quota_t *quota, ngx_uint_t ok);


void
ngx_http_imgp_share_quota(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_quota_t  quota;

    if (!ngx_http_imgp_redis_is_up(w)) {
        return;
    }

    ngx_memzero(&quota, sizeof(ngx_http_imgp_quota_t));

    while (ngx_http_imgp_quota_next(w->zone, &quota) == NGX_OK) {
        if (ngx_http_imgp_share_quota_ask(w, &quota) != NGX_OK) {
            ngx_http_imgp_share_quota_end(w, &quota, 0);
        }
    }
}


static ngx_int_t
ngx_http_imgp_share_quota_ask(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_quota_t *quota)
{
    imgp_str_t                   *stage;
    ngx_str_t                     name;
    imgp_redis_t                 *keys;
    imgp_redis_args_t             args;
    ngx_http_imgp_share_quota_t  *ask;

    keys = ngx_http_imgp_redis_keys(w);

    if (quota->tokens) {
        imgp_redis_tokens(&args, keys, quota->id, NGX_HTTP_IMGP_SERVICE_ID,
                          quota->interval, quota->count);

    } else {
        stage = ngx_http_imgp_share_quota_stage(w, quota, &name);

        if (stage == NULL) {
            /* of another configuration, whose workers ask */
            return NGX_DECLINED;
        }

        imgp_redis_places(&args, keys, ngx_http_imgp_str(&name), stage,
                          quota->limit, quota->need, quota->keep);
    }

    ask = ngx_alloc(sizeof(ngx_http_imgp_share_quota_t), w->log);
    if (ask == NULL) {
        return NGX_ERROR;
    }

    ask->worker = w;
    ask->quota = *quota;
    ask->quota.until = ngx_current_msec + keys->lease;

    if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_quota_answer,
                                 ask)
        != NGX_OK)
    {
        ngx_free(ask);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* its name: machines may have other numbers of stages */

static imgp_str_t *
ngx_http_imgp_share_quota_stage(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_quota_t *quota, ngx_str_t *pipeline)
{
    imgp_str_t    name;
    imgp_plan_t  *plan;

    ngx_http_imgp_mirror_name(w->zone, quota->pipeline, pipeline);

    name.len = pipeline->len;
    name.data = pipeline->data;

    plan = ngx_http_imgp_mirror_plan(w->zone, &name);

    if (plan == NULL || quota->stage >= plan->nstages) {
        return NULL;
    }

    return &plan->stages[quota->stage].name;
}


static void
ngx_http_imgp_share_quota_answer(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_quota_t *ask = data;

    ngx_uint_t              ok;
    imgp_redis_places_t     places;
    ngx_http_imgp_quota_t  *quota;

    quota = &ask->quota;
    ok = 0;

    if (c == IMGP_REDIS_OK && quota->tokens) {
        ok = imgp_redis_tokens_answer(reply, &quota->wait) == IMGP_OK;

    } else if (c == IMGP_REDIS_OK
               && imgp_redis_places_answer(reply, &places) == IMGP_OK)
    {
        quota->has = places.has;
        quota->cap = places.cap;
        ok = 1;
    }

    ngx_http_imgp_share_quota_end(ask->worker, quota, ok);

    ngx_free(ask);
}


static void
ngx_http_imgp_share_quota_end(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_quota_t *quota, ngx_uint_t ok)
{
    ngx_http_imgp_told_t  told;

    ngx_http_imgp_told_init(&told);

    if (quota->tokens) {
        ngx_http_imgp_quota_tokens(w->zone, quota, ok, &told);

    } else {
        ngx_http_imgp_quota_places(w->zone, quota, ok, &told);
    }

    if (!ok) {
        /* the next beat asks again */
        told.ask = 0;
    }

    ngx_http_imgp_flight_tell(w, &told);
}


/* with each beat, also while Redis is away: then who waits for its answer
   looks whether he still has to */

void
ngx_http_imgp_share_quota_beat(ngx_http_imgp_worker_t *w, ngx_uint_t due)
{
    if (!ngx_http_imgp_redis_is_up(w)) {
        ngx_http_imgp_unit_wake(w, NULL);
        return;
    }

    ngx_http_imgp_quota_heard(w->zone, 0);

    if (due) {
        ngx_http_imgp_quota_beat(w->zone);
    }

    ngx_http_imgp_share_quota(w);
}


void
ngx_http_imgp_share_quota_hint(ngx_http_imgp_worker_t *w, ngx_str_t *message)
{
    uint64_t      time;
    ngx_int_t     place;
    ngx_uint_t    i;
    imgp_str_t    pipeline, stage;
    imgp_plan_t  *plan;

    if (imgp_redis_places_hint(ngx_http_imgp_redis_keys(w),
                               ngx_http_imgp_str(message), &time, &pipeline,
                               &stage)
        != IMGP_OK)
    {
        return;
    }

    place = ngx_http_imgp_mirror_place(w->zone, &pipeline);
    plan = ngx_http_imgp_mirror_plan(w->zone, &pipeline);

    for (i = 0; plan && i < plan->nstages; i++) {
        if (imgp_str_eq(&plan->stages[i].name, &stage)
            && ngx_http_imgp_quota_hint(w->zone, place, i, time))
        {
            ngx_http_imgp_share_quota(w);
            return;
        }
    }
}
