
/*
 * The connection on which a worker process waits for answers of those that
 * took work from lists: BLPOP, again and again, of a list of its own.  Redis
 * answers at least every few seconds, or is taken for lost.
 *
 * Event loop only; reconnecting is the link's (ngx_http_imgp_redis_link.c).
 */


#include "ngx_http_imgp_queue.h"
#include <hiredis/async.h>


#define NGX_HTTP_IMGP_QUEUE_WAIT  5        /* s, of one BLPOP */


static void ngx_http_imgp_queue_greet(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_queue_greeted(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_imgp_queue_up(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_queue_popped(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_imgp_queue_down(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_queue_deadline(ngx_http_imgp_redis_link_t *link);


void
ngx_http_imgp_queue_listen(ngx_http_imgp_queue_t *queue)
{
    ngx_http_imgp_redis_link_t  *link;

    link = &queue->link;

    ngx_http_imgp_redis_link_init(link, queue->worker->redis);

    link->greet = ngx_http_imgp_queue_greet;
    link->up = ngx_http_imgp_queue_up;
    link->down = ngx_http_imgp_queue_down;
    link->deadline = ngx_http_imgp_queue_deadline;

    ngx_http_imgp_redis_link_open(link);
}


static void
ngx_http_imgp_queue_greet(ngx_http_imgp_redis_link_t *link)
{
    ngx_http_imgp_redis_link_auth(link);

    redisAsyncCommand(link->ac, ngx_http_imgp_queue_greeted, NULL,
                      "SELECT %u", (unsigned) link->redis->conf->db);
}


static void
ngx_http_imgp_queue_greeted(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_heard(ac, reply);
    if (link == NULL) {
        return;
    }

    ngx_http_imgp_redis_link_up(link);
}


static void
ngx_http_imgp_queue_up(ngx_http_imgp_redis_link_t *link)
{
    ngx_http_imgp_queue_t  *queue;

    queue = ngx_queue_data(link, ngx_http_imgp_queue_t, link);

    if (redisAsyncCommand(link->ac, ngx_http_imgp_queue_popped, NULL,
                          "BLPOP %b %d", queue->answers.data,
                          queue->answers.len, NGX_HTTP_IMGP_QUEUE_WAIT)
        != REDIS_OK)
    {
        return;
    }

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    ngx_add_timer(&link->timer, NGX_HTTP_IMGP_QUEUE_WAIT * 1000
                                + link->redis->conf->timeout);
}


/* the next one is asked for first: who hears of this one may do anything */

static void
ngx_http_imgp_queue_popped(redisAsyncContext *ac, void *reply, void *data)
{
    imgp_str_t                   text;
    ngx_http_imgp_queue_t       *queue;
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_heard(ac, reply);
    if (link == NULL) {
        return;
    }

    queue = ngx_queue_data(link, ngx_http_imgp_queue_t, link);

    ngx_http_imgp_queue_up(link);

    if (imgp_redis_str(reply, 1, &text) == IMGP_OK) {
        queue->answer(queue->worker, &text);
    }
}


static void
ngx_http_imgp_queue_down(ngx_http_imgp_redis_link_t *link)
{
    ngx_log_debug1(NGX_LOG_DEBUG_CORE, link->redis->worker->log, 0,
                   "imgp queue: no answers: %s", link->error);
}


static void
ngx_http_imgp_queue_deadline(ngx_http_imgp_redis_link_t *link)
{
    ngx_http_imgp_redis_link_close(link, "it does not answer");
}
