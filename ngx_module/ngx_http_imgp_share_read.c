
/*
 * Jobs that are elsewhere: read from Redis into the zone, where requests find
 * them and watchers are woken, as if they were here.  A request waits for one
 * round trip; where Redis has no answer, the zone's copy or the journal is
 * what there is.
 *
 * Event loop, but for the storing of an end.
 */


#include "ngx_http_imgp_share.h"


typedef struct {
    ngx_http_imgp_async_t         *async;
    ngx_http_imgp_ctx_t           *ctx;
    ngx_int_t                    (*next)(ngx_http_request_t *r,
                                         ngx_http_imgp_ctx_t *ctx);
    imgp_job_t                    *job;        /* where the zone is full */
    uint32_t                       place;
    ngx_uint_t                     answered;
} ngx_http_imgp_share_read_t;


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_async_t         *async;
    ngx_http_imgp_ctx_t           *ctx;
    imgp_item_t                    item;
    ngx_uint_t                     looks;
    ngx_event_t                    timer;
} ngx_http_imgp_share_output_t;


typedef struct {
    ngx_http_imgp_task_t           task;
    ngx_http_imgp_worker_t        *worker;
    u_char                         id[IMGP_ID_BYTES];
    ngx_str_t                      record;
} ngx_http_imgp_share_store_t;


static void ngx_http_imgp_share_got(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static ngx_int_t ngx_http_imgp_share_got_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r);
static void ngx_http_imgp_share_refreshed(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_output_fetch(
    ngx_http_imgp_share_output_t *output);
static void ngx_http_imgp_share_output_here(void *data, ngx_int_t rc);
static void ngx_http_imgp_share_output_again(ngx_event_t *ev);
static ngx_int_t ngx_http_imgp_share_output_done(
    ngx_http_imgp_async_t *async, ngx_http_request_t *r);
static void ngx_http_imgp_share_store_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_share_store_done(void *data);


/* NGX_DONE: the request waits for Redis; NGX_DECLINED: it need not, or
   cannot */

ngx_int_t
ngx_http_imgp_share_get(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_int_t (*next)(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx))
{
    imgp_redis_args_t            args;
    ngx_http_imgp_async_t       *async;
    ngx_http_imgp_worker_t      *w;
    ngx_http_imgp_share_read_t  *read;

    w = ctx->worker;
    ctx->unsure = ngx_http_imgp_redis_is_away(w);

    if (ctx->unsure || ngx_http_imgp_mirror_here(w->zone, ctx->id)) {
        return NGX_DECLINED;
    }

    async = ngx_http_imgp_async_create(r, w,
                                       sizeof(ngx_http_imgp_share_read_t));
    if (async == NULL) {
        return NGX_DECLINED;
    }

    async->done = ngx_http_imgp_share_got_done;

    read = async->data;
    read->async = async;
    read->ctx = ctx;
    read->next = next;

    imgp_redis_read(&args, ngx_http_imgp_redis_keys(w), ctx->id);

    if (ngx_http_imgp_async_wait(async) != NGX_DONE) {
        ngx_destroy_pool(async->pool);
        return NGX_DECLINED;
    }

    if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_got, read)
        != NGX_OK)
    {
        ngx_http_imgp_async_go(async);
    }

    return NGX_DONE;
}


static void
ngx_http_imgp_share_got(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_read_t *read = data;

    imgp_redis_answer_t     answer;
    ngx_http_imgp_async_t  *async;

    async = read->async;

    if (c == IMGP_REDIS_OK
        && imgp_redis_read_answer(reply, ngx_http_imgp_redis_keys(
                                             async->worker), &answer)
           == IMGP_OK)
    {
        read->answered = 1;
    }

    if (read->answered && answer.result == IMGP_REDIS_JOB_DONE) {
        (void) ngx_http_imgp_share_mirror(async->worker, &answer.record, 0);

        read->place = answer.place;
        read->job = imgp_record_decode(answer.record.data, answer.record.len,
                                       &imgp_malloc);
    }

    ngx_http_imgp_async_back(async);
}


static ngx_int_t
ngx_http_imgp_share_got_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_share_read_t  *read;

    read = async->data;

    if (r == NULL) {
        imgp_job_destroy(read->job);
        return NGX_OK;
    }

    read->ctx->unsure = !read->answered
                        || ngx_http_imgp_mirror_unsure(async->worker->zone);

    /* the zone has it now, unless it is full */

    if (ngx_http_imgp_job_look(r, read->ctx) == NGX_OK) {
        imgp_job_destroy(read->job);

        if (read->place) {
            read->ctx->position = read->place;
        }

        return read->next(r, read->ctx);
    }

    if (read->job) {
        ngx_http_imgp_job_show(read->ctx, read->job);

        return read->next(r, read->ctx);
    }

    return ngx_http_imgp_job_get_local(r, read->ctx, read->next);
}


/* a record of Redis into the zone, as mirror_put() does it */

ngx_int_t
ngx_http_imgp_share_mirror(ngx_http_imgp_worker_t *w, imgp_str_t *record,
    ngx_uint_t force)
{
    ngx_int_t    place;
    imgp_job_t  *job;

    job = imgp_record_decode(record->data, record->len, &imgp_malloc);
    if (job == NULL) {
        return NGX_DECLINED;
    }

    place = ngx_http_imgp_mirror_place(w->zone, &job->pipeline);

    imgp_job_destroy(job);

    return place == NGX_DECLINED
           ? NGX_DECLINED
           : ngx_http_imgp_mirror_put(w->zone, place, record->data,
                                      record->len, force);
}


/* somebody here watches it */

void
ngx_http_imgp_share_refresh(ngx_http_imgp_worker_t *w, const u_char *id)
{
    ngx_http_imgp_share_look(w, id, 0, ngx_http_imgp_share_refreshed);
}


void
ngx_http_imgp_share_look(ngx_http_imgp_worker_t *w, const u_char *id,
    uint64_t lease, ngx_http_imgp_redis_pt handler)
{
    imgp_redis_args_t           args;
    ngx_http_imgp_share_job_t  *job;

    job = ngx_calloc(sizeof(ngx_http_imgp_share_job_t), w->log);
    if (job == NULL) {
        return;
    }

    job->worker = w;
    job->lease = lease;
    ngx_memcpy(job->id, id, IMGP_ID_BYTES);

    imgp_redis_read(&args, ngx_http_imgp_redis_keys(w), id);

    if (ngx_http_imgp_redis_send(w, &args, handler, job) != NGX_OK) {
        ngx_free(job);
    }
}


static void
ngx_http_imgp_share_refreshed(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_job_t *job = data;

    imgp_redis_answer_t      answer;
    ngx_http_imgp_worker_t  *w;

    w = job->worker;

    if (c == IMGP_REDIS_OK
        && imgp_redis_read_answer(reply, ngx_http_imgp_redis_keys(w), &answer)
           == IMGP_OK
        && answer.result == IMGP_REDIS_JOB_DONE
        && ngx_http_imgp_share_mirror(w, &answer.record, 0) == NGX_OK)
    {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, job->id);
    }

    ngx_free(job);
}


/* an output that another machine has made; Redis may not have had the memory
   to take it, then that machine is asked for it */

ngx_int_t
ngx_http_imgp_share_output(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    imgp_item_t *item)
{
    ngx_http_imgp_async_t         *async;
    ngx_http_imgp_share_output_t  *output;

    ctx->fetched = 1;

    async = ngx_http_imgp_async_create(r, ctx->worker,
                                       sizeof(ngx_http_imgp_share_output_t));
    if (async == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    async->done = ngx_http_imgp_share_output_done;

    output = async->data;
    output->async = async;
    output->ctx = ctx;
    output->item = *item;

    output->ident.fd = (ngx_socket_t) -1;
    output->timer.handler = ngx_http_imgp_share_output_again;
    output->timer.data = output;
    output->timer.log = ctx->worker->log;

    if (ngx_http_imgp_async_wait(async) != NGX_DONE) {
        ngx_destroy_pool(async->pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_imgp_share_output_fetch(output);

    return NGX_DONE;
}


static void
ngx_http_imgp_share_output_fetch(ngx_http_imgp_share_output_t *output)
{
    ngx_http_imgp_share_fetch(output->async->worker, &output->item, 1,
                              ngx_http_imgp_share_output_here, output);
}


static void
ngx_http_imgp_share_output_here(void *data, ngx_int_t rc)
{
    ngx_http_imgp_share_output_t *output = data;

    if (rc == NGX_DECLINED
        && output->looks++ < NGX_HTTP_IMGP_SHARE_WANTS
        && ngx_http_imgp_share_want(output->async->worker, &output->item, 1)
           == NGX_OK)
    {
        ngx_add_timer(&output->timer, NGX_HTTP_IMGP_SHARE_RETRY);
        return;
    }

    /* perhaps still in the request's own handler: so not at once */

    ngx_http_imgp_async_go(output->async);
}


static void
ngx_http_imgp_share_output_again(ngx_event_t *ev)
{
    ngx_http_imgp_share_output_fetch(ev->data);
}


static ngx_int_t
ngx_http_imgp_share_output_done(ngx_http_imgp_async_t *async,
    ngx_http_request_t *r)
{
    ngx_http_imgp_share_output_t  *output;

    output = async->data;

    return r ? ngx_http_imgp_result_send(r, output->ctx, &output->item)
             : NGX_OK;
}


/* the journal of this machine hears of an end elsewhere */

void
ngx_http_imgp_share_store(ngx_http_imgp_worker_t *w, const u_char *id,
    imgp_str_t *record)
{
    ngx_http_imgp_share_store_t  *store;

    store = ngx_calloc(sizeof(ngx_http_imgp_share_store_t) + record->len,
                       w->log);
    if (store == NULL) {
        return;
    }

    store->worker = w;
    store->record.len = record->len;
    store->record.data = (u_char *) (store + 1);
    ngx_memcpy(store->id, id, IMGP_ID_BYTES);
    ngx_memcpy(store->record.data, record->data, record->len);

    store->task.kind = NGX_HTTP_IMGP_TASK_IO;
    store->task.work = ngx_http_imgp_share_store_work;
    store->task.done = ngx_http_imgp_share_store_done;
    store->task.data = store;

    ngx_http_imgp_thread_run(w, &store->task);
}


/* in a thread; what fails is found again by the next sweep */

static void
ngx_http_imgp_share_store_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_share_store_t *store = data;

    imgp_store_error_t  err;

    ngx_memzero(&err, sizeof(imgp_store_error_t));

    (void) imgp_journal_write(&store->worker->conf->store, store->id,
                              store->record.data, store->record.len, 1, &err);
}


static void
ngx_http_imgp_share_store_done(void *data)
{
    ngx_free(data);
}
