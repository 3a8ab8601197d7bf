
/*
 * Results of stage runs over all machines.  Before a unit is worked at, Redis
 * is asked for its key, in one round trip: known, its contents come along and
 * are stored here; unknown, this machine makes it and the others wait for it.
 * What was made goes to Redis behind the unit's back; only the job's end waits
 * until it is there.
 *
 * Without an answer the unit is worked at as if there were no Redis: to make
 * a result twice costs time, no promise.
 *
 * Event loop, but for the storing.
 */


#include "ngx_http_imgp_share.h"
#include <imgp/imgp_known.h>


typedef struct {
    ngx_http_imgp_run_t           *run;
    u_char                         key[IMGP_DIGEST_LEN];
    imgp_msec_t                    now;
    uint64_t                       ttl;
    ngx_uint_t                     n;
    imgp_item_t                    items[IMGP_ITEMS_MAX];
} ngx_http_imgp_share_made_t;


static void ngx_http_imgp_share_asked(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static ngx_int_t ngx_http_imgp_share_copy(ngx_http_imgp_unit_t *unit,
    imgp_redis_result_t *result);
static void ngx_http_imgp_share_take_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_share_take_done(void *data);
static void ngx_http_imgp_share_large(void *data, ngx_int_t rc);
static void ngx_http_imgp_share_join(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_share_go(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_share_put_done(void *data, ngx_int_t rc);
static ngx_int_t ngx_http_imgp_share_put_pack(void *data,
    ngx_http_imgp_share_pack_t *pack);
static void ngx_http_imgp_share_put_packed(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_put_over(ngx_http_imgp_share_made_t *made);
static void ngx_http_imgp_share_land(ngx_http_imgp_worker_t *w,
    const u_char *key, ngx_http_imgp_share_made_t *made);
static void ngx_http_imgp_share_landed(void *data, imgp_redis_class_e c,
    const redisReply *reply);


/* NGX_OK: the unit waits for Redis, as for a thread; NGX_DECLINED: it need
   not: what this machine makes by itself costs less than to ask for it */

ngx_int_t
ngx_http_imgp_share_ask(ngx_http_imgp_unit_t *unit)
{
    imgp_redis_args_t        args;
    ngx_http_imgp_run_t     *run;
    ngx_http_imgp_worker_t  *w;

    run = unit->run;
    w = run->worker;

    if (unit->making || !ngx_http_imgp_redis_is_up(w)
        || ngx_http_imgp_unit_stage(unit)->kind == IMGP_STAGE_LOCAL)
    {
        return NGX_DECLINED;
    }

    imgp_redis_result_get(&args, ngx_http_imgp_redis_keys(w), unit->key,
                          imgp_known_oldest(run->pipeline->plan, run->job));

    if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_asked, unit)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    unit->state = NGX_HTTP_IMGP_UNIT_ASK;
    run->threads++;

    return NGX_OK;
}


static void
ngx_http_imgp_share_asked(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_unit_t *unit = data;

    imgp_int_t            known;
    imgp_redis_result_t   result;
    ngx_http_imgp_run_t  *run;

    run = unit->run;

    known = c == IMGP_REDIS_OK ? imgp_redis_result_answer(reply, &result)
                               : IMGP_ERROR;

    if (known == IMGP_REDIS_MAKE) {
        ngx_http_imgp_share_making(unit);
    }

    if (run->gone || run->ending || unit->cancel) {
        ngx_http_imgp_unit_finish(unit);

    } else if (known == IMGP_REDIS_KNOWN
               && ngx_http_imgp_share_copy(unit, &result) == NGX_OK)
    {
        /* void */

    } else if (known == IMGP_REDIS_MADE) {
        ngx_http_imgp_share_join(unit);

    } else {
        ngx_http_imgp_share_go(unit);
    }

    ngx_http_imgp_run_unref(run);
}


/* what came along belongs to the reply: it is copied to the unit's arena */

static ngx_int_t
ngx_http_imgp_share_copy(ngx_http_imgp_unit_t *unit,
    imgp_redis_result_t *result)
{
    ngx_uint_t  i, large;
    imgp_str_t  *content;

    unit->items = imgp_pcalloc(unit->arena, result->nitems
                                            * sizeof(imgp_item_t) + 1);
    unit->maps = imgp_pcalloc(unit->arena, result->nitems
                                           * sizeof(imgp_str_t) + 1);

    if (unit->items == NULL || unit->maps == NULL) {
        unit->maps = NULL;
        return NGX_ERROR;
    }

    unit->nitems = result->nitems;
    ngx_memcpy(unit->items, result->items,
               result->nitems * sizeof(imgp_item_t));

    content = unit->maps;
    unit->maps = NULL;
    unit->contents = content;

    for (i = 0, large = 0; i < result->nitems; i++) {

        if (result->content[i].data == NULL) {
            large = 1;
            continue;
        }

        content[i].len = result->content[i].len;
        content[i].data = imgp_palloc(unit->arena, content[i].len + 1);

        if (content[i].data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(content[i].data, result->content[i].data, content[i].len);
    }

    if (large) {
        unit->run->threads++;
        unit->state = NGX_HTTP_IMGP_UNIT_ASK;

        ngx_http_imgp_share_fetch(unit->run->worker, unit->items,
                                  unit->nitems, ngx_http_imgp_share_large,
                                  unit);
        return NGX_OK;
    }

    ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_IO, NULL,
                            ngx_http_imgp_share_take_work,
                            ngx_http_imgp_share_take_done);

    return NGX_OK;
}


/* in a thread: contents that are not what they should be are no result */

static void
ngx_http_imgp_share_take_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t *unit = data;

    u_char         digest[IMGP_DIGEST_LEN];
    uint64_t       added;
    ngx_uint_t     i;
    imgp_str_t    *content;
    imgp_store_t  *store;

    store = &unit->run->worker->conf->store;
    content = unit->contents;

    for (i = 0; i < unit->nitems && content[i].data; i++) {

        if (imgp_blob_put(store, content[i].data, content[i].len, digest,
                          &added, &unit->error)
            != IMGP_OK)
        {
            return;
        }

        unit->added += added;

        if (ngx_memcmp(digest, unit->items[i].digest, IMGP_DIGEST_LEN) != 0) {
            return;
        }
    }

    if (imgp_result_put(store, unit->key, unit->now, unit->items,
                        unit->nitems, &unit->error)
        == IMGP_OK)
    {
        unit->known = 1;
        unit->old = 1;
    }
}


static void
ngx_http_imgp_share_take_done(void *data)
{
    ngx_http_imgp_unit_t *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    if (unit->known || unit->error.error.code || unit->cancel
        || run->gone || run->ending)
    {
        ngx_http_imgp_unit_finish(unit);

    } else {
        unit->nitems = 0;
        ngx_http_imgp_share_go(unit);
    }

    ngx_http_imgp_run_unref(run);
}


/* large contents are here, or are not to be had: then it is made anew */

static void
ngx_http_imgp_share_large(void *data, ngx_int_t rc)
{
    ngx_http_imgp_unit_t *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    if (unit->cancel || run->gone || run->ending) {
        ngx_http_imgp_unit_finish(unit);

    } else if (rc == NGX_OK) {
        ngx_memzero(unit->contents, unit->nitems * sizeof(imgp_str_t));
        ngx_http_imgp_unit_work(unit, NGX_HTTP_IMGP_TASK_IO, NULL,
                                ngx_http_imgp_share_take_work,
                                ngx_http_imgp_share_take_done);

    } else {
        unit->nitems = 0;
        ngx_http_imgp_share_go(unit);
    }

    ngx_http_imgp_run_unref(run);
}


/* another machine makes it: this one's flight ends, or nobody here could be
   woken, but without a sound, for nothing is known yet */

static void
ngx_http_imgp_share_join(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_told_t     told;
    ngx_http_imgp_share_t   *share;
    ngx_http_imgp_worker_t  *w;

    w = unit->run->worker;
    share = w->share;

    ngx_http_imgp_told_init(&told);

    ngx_http_imgp_flight_end(w->zone, unit->flight, unit->key, &told);
    ngx_http_imgp_flight_tell(w, &told);
    unit->flight = (uint32_t) -1;

    if (!unit->joined) {
        unit->joined = 1;
        share->joined++;
    }

    unit->any = 0;
    ngx_http_imgp_unit_wait(unit, NGX_HTTP_IMGP_UNIT_JOINED);
}


static void
ngx_http_imgp_share_go(ngx_http_imgp_unit_t *unit)
{
    unit->state = NGX_HTTP_IMGP_UNIT_IDLE;

    ngx_http_imgp_unit_go(unit);
}


/* this machine makes it: others wait until it is made, or our lease is over */

void
ngx_http_imgp_share_making(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_share_t  *share;

    share = unit->run->worker->share;

    unit->making = 1;
    ngx_queue_insert_tail(&share->flights, &unit->flights);
}


void
ngx_http_imgp_share_flights(ngx_http_imgp_worker_t *w)
{
    ngx_queue_t            *q;
    imgp_redis_args_t       args;
    ngx_http_imgp_unit_t   *unit;
    ngx_http_imgp_share_t  *share;

    share = w->share;

    for (q = ngx_queue_head(&share->flights);
         q != ngx_queue_sentinel(&share->flights);
         q = ngx_queue_next(q))
    {
        unit = ngx_queue_data(q, ngx_http_imgp_unit_t, flights);

        imgp_redis_flight_hold(&args, ngx_http_imgp_redis_keys(w), unit->key);

        (void) ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_landed,
                                        NULL);
    }
}


/* the unit ended, well or not: the result, and the end of its flight */

void
ngx_http_imgp_share_unit_end(ngx_http_imgp_unit_t *unit)
{
    ngx_http_imgp_run_t         *run;
    ngx_http_imgp_share_t       *share;
    ngx_http_imgp_worker_t      *w;
    ngx_http_imgp_share_made_t  *made;

    run = unit->run;
    w = run->worker;
    share = w->share;

    if (unit->joined) {
        unit->joined = 0;
        share->joined--;
    }

    if (unit->making) {
        unit->making = 0;
        ngx_queue_remove(&unit->flights);

    } else {
        /* it was known, or Redis was away when it was asked */
        return;
    }

    if (unit->error.error.code || unit->nitems > IMGP_ITEMS_MAX) {
        ngx_http_imgp_share_land(w, unit->key, NULL);
        return;
    }

    made = ngx_calloc(sizeof(ngx_http_imgp_share_made_t), w->log);

    if (made == NULL) {
        ngx_http_imgp_share_land(w, unit->key, NULL);
        return;
    }

    made->run = run;
    made->now = unit->now;
    made->ttl = ngx_max(run->pipeline->plan->cache, run->pipeline->plan->keep);
    made->n = unit->nitems;
    ngx_memcpy(made->key, unit->key, IMGP_DIGEST_LEN);
    ngx_memcpy(made->items, unit->items, made->n * sizeof(imgp_item_t));

    run->puts++;
    run->threads++;

    ngx_http_imgp_share_put_with(w, made->items, made->n, made->ttl,
                                 ngx_http_imgp_share_put_pack,
                                 ngx_http_imgp_share_put_done, made);
}


/* small contents go along with their key */

static ngx_int_t
ngx_http_imgp_share_put_pack(void *data, ngx_http_imgp_share_pack_t *pack)
{
    ngx_http_imgp_share_made_t *made = data;

    imgp_redis_args_t        args;
    ngx_http_imgp_worker_t  *w;

    w = made->run->worker;

    if (imgp_redis_result_put(&args, ngx_http_imgp_redis_keys(w), made->key,
                              made->now, made->items, made->n, made->ttl)
        != IMGP_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_imgp_share_along(w, &args, pack);

    return ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_put_packed,
                                    made);
}


static void
ngx_http_imgp_share_put_packed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_made_t *made = data;

    if (c != IMGP_REDIS_OK) {
        /* the others need not wait for it */
        ngx_http_imgp_share_land(made->run->worker, made->key, NULL);
    }

    ngx_http_imgp_share_put_over(made);
}


/* the contents are there: now the key may name them */

static void
ngx_http_imgp_share_put_done(void *data, ngx_int_t rc)
{
    ngx_http_imgp_share_made_t *made = data;

    ngx_http_imgp_share_land(made->run->worker, made->key,
                             rc == NGX_OK ? made : NULL);
    ngx_http_imgp_share_put_over(made);
}


static void
ngx_http_imgp_share_put_over(ngx_http_imgp_share_made_t *made)
{
    ngx_http_imgp_run_t  *run;

    run = made->run;

    ngx_free(made);

    if (--run->puts == 0 && run->ending && !run->gone) {
        ngx_http_imgp_share_end(run);
    }

    ngx_http_imgp_run_unref(run);
}


static void
ngx_http_imgp_share_land(ngx_http_imgp_worker_t *w, const u_char *key,
    ngx_http_imgp_share_made_t *made)
{
    imgp_redis_args_t  args;

    if (imgp_redis_result_put(&args, ngx_http_imgp_redis_keys(w), key,
                              made ? made->now : 0,
                              made ? made->items : NULL,
                              made ? (imgp_int_t) made->n : -1,
                              made ? made->ttl : 1)
        == IMGP_OK)
    {
        (void) ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_landed,
                                        NULL);
    }
}


static void
ngx_http_imgp_share_landed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    /* void */
}
