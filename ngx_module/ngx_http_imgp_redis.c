
/*
 * A worker's Redis client: one connection for commands, which are pipelined,
 * and one for the channel of hints.
 *
 * Whoever sends gets his answer in any case, and never from inside the call:
 * the reply, or none when Redis did not answer in time; then the connection is
 * cut, since later replies would be taken for those of other commands, and
 * until it is there again every command is declined at once.  A script that
 * Redis has forgotten is loaded and run again, unseen by the sender.
 *
 * Event loop.  A call is on its way, so the process is held until it is back.
 */


#include "ngx_http_imgp_redis.h"
#include <hiredis/async.h>


static void ngx_http_imgp_redis_greet(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_subscribe(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_greeted(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_imgp_redis_role(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_imgp_redis_memory(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_imgp_redis_up(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_down(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_events_up(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_events_down(ngx_http_imgp_redis_link_t *link);
static void ngx_http_imgp_redis_message(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_imgp_redis_deadline(ngx_http_imgp_redis_link_t *link);
static ngx_http_imgp_redis_call_t *ngx_http_imgp_redis_call(
    ngx_http_imgp_redis_t *redis, imgp_redis_args_t *args);
static ngx_int_t ngx_http_imgp_redis_out(ngx_http_imgp_redis_call_t *call);
static void ngx_http_imgp_redis_replied(redisAsyncContext *ac, void *reply,
    void *data);
static ngx_int_t ngx_http_imgp_redis_again(ngx_http_imgp_redis_call_t *call);
static void ngx_http_imgp_redis_end(ngx_http_imgp_redis_call_t *call,
    imgp_redis_class_e c, redisReply *reply);
static void ngx_http_imgp_redis_pong(void *data, imgp_redis_class_e c,
    const redisReply *reply);


ngx_int_t
ngx_http_imgp_redis_init(ngx_http_imgp_worker_t *w, const char *node)
{
    ngx_http_imgp_redis_t       *redis;
    ngx_http_imgp_redis_conf_t  *conf;

    conf = w->conf->redis;

    redis = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_redis_t));
    if (redis == NULL) {
        return NGX_ERROR;
    }

    redis->worker = w;
    redis->conf = conf;

    imgp_redis_init(&redis->keys, ngx_http_imgp_str(&conf->prefix));

    ngx_memcpy(redis->keys.node, node, IMGP_REDIS_NODE_LEN);
    redis->keys.lease = NGX_HTTP_IMGP_REDIS_LEASES * conf->timeout;

    ngx_queue_init(&redis->calls);
    ngx_queue_init(&redis->early);

    ngx_http_imgp_redis_link_init(&redis->commands, redis);
    redis->commands.greet = ngx_http_imgp_redis_greet;
    redis->commands.up = ngx_http_imgp_redis_up;
    redis->commands.down = ngx_http_imgp_redis_down;
    redis->commands.deadline = ngx_http_imgp_redis_deadline;

    ngx_http_imgp_redis_link_init(&redis->events, redis);
    redis->events.greet = ngx_http_imgp_redis_subscribe;
    redis->events.up = ngx_http_imgp_redis_events_up;
    redis->events.down = ngx_http_imgp_redis_events_down;
    redis->events.deadline = ngx_http_imgp_redis_events_down;

    w->redis = redis;

    return NGX_OK;
}


void
ngx_http_imgp_redis_start(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_redis_link_open(&w->redis->commands);
    ngx_http_imgp_redis_link_open(&w->redis->events);
}


void
ngx_http_imgp_redis_done(ngx_http_imgp_worker_t *w)
{
    ngx_queue_t            *q;
    ngx_http_imgp_redis_t  *redis;

    redis = w->redis;
    redis->closing = 1;

    ngx_http_imgp_redis_link_free(&redis->commands);
    ngx_http_imgp_redis_link_free(&redis->events);

    while (!ngx_queue_empty(&redis->early)) {
        q = ngx_queue_head(&redis->early);
        ngx_http_imgp_redis_end(ngx_queue_data(q, ngx_http_imgp_redis_call_t,
                                               queue),
                                IMGP_REDIS_AWAY, NULL);
    }
}


ngx_uint_t
ngx_http_imgp_redis_is_up(ngx_http_imgp_worker_t *w)
{
    return w->redis->commands.state == NGX_HTTP_IMGP_LINK_UP;
}


/* at the start of a process its first connection is waited for */

ngx_uint_t
ngx_http_imgp_redis_is_away(ngx_http_imgp_worker_t *w)
{
    return !ngx_http_imgp_redis_is_up(w) && w->redis->commands.failures;
}


imgp_redis_t *
ngx_http_imgp_redis_keys(ngx_http_imgp_worker_t *w)
{
    return &w->redis->keys;
}


/* the greeting: who we are, which database, a master, its policy, scripts */

static void
ngx_http_imgp_redis_greet(ngx_http_imgp_redis_link_t *link)
{
    uintptr_t               i;
    redisAsyncContext      *ac;
    ngx_http_imgp_redis_t  *redis;

    ac = link->ac;
    redis = link->redis;

    ngx_http_imgp_redis_link_auth(link);

    if (redis->conf->db) {
        redisAsyncCommand(ac, ngx_http_imgp_redis_greeted, NULL, "SELECT %u",
                          (unsigned) redis->conf->db);
    }

    redisAsyncCommand(ac, ngx_http_imgp_redis_role, NULL, "ROLE");

    if (!redis->warned) {
        redisAsyncCommand(ac, ngx_http_imgp_redis_memory, NULL,
                          "INFO memory");
    }

    for (i = 0; i < IMGP_REDIS_SCRIPTS; i++) {
        redisAsyncCommand(ac, ngx_http_imgp_redis_greeted,
                          i + 1 == IMGP_REDIS_SCRIPTS ? redis : NULL,
                          "SCRIPT LOAD %s", imgp_redis_lua_text(i));
    }
}


static void
ngx_http_imgp_redis_greeted(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_heard(ac, reply);
    if (link == NULL) {
        return;
    }

    if (data) {
        ngx_http_imgp_redis_link_up(link);
    }
}


/* who may not ask is told by READONLY, when he writes */

static void
ngx_http_imgp_redis_role(redisAsyncContext *ac, void *reply, void *data)
{
    imgp_str_t                   role;
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_of(ac);

    if (link && imgp_redis_str(reply, 0, &role) == IMGP_OK
        && !imgp_str_is(&role, "master"))
    {
        ngx_http_imgp_redis_link_close(link, "it is no master");
    }
}


/* of what is evicted some may be jobs: these come back from the journal */

static void
ngx_http_imgp_redis_memory(redisAsyncContext *ac, void *reply, void *data)
{
    u_char                      *p, *end;
    imgp_str_t                   info;
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_of(ac);

    if (link == NULL || imgp_redis_str(reply, -1, &info) != IMGP_OK) {
        return;
    }

    link->redis->warned = 1;

    p = ngx_strnstr(info.data, "maxmemory_policy:", info.len);
    if (p == NULL) {
        return;
    }

    p += sizeof("maxmemory_policy:") - 1;

    for (end = p; end < info.data + info.len && *end > ' '; end++) {
        /* void */
    }

    if (ngx_strncmp(p, "noeviction", sizeof("noeviction") - 1) != 0
        && ngx_strncmp(p, "volatile-", sizeof("volatile-") - 1) != 0)
    {
        ngx_log_error(NGX_LOG_WARN, link->redis->worker->log, 0,
                      "image pipeline: Redis \"%V\" has maxmemory-policy "
                      "%*s, which may evict jobs: set it to noeviction, or "
                      "to volatile-lru", &link->redis->conf->name,
                      (size_t) (end - p), p);
    }
}


static void
ngx_http_imgp_redis_subscribe(ngx_http_imgp_redis_link_t *link)
{
    ngx_str_t  *prefix;

    prefix = &link->redis->conf->prefix;

    ngx_http_imgp_redis_link_auth(link);

    redisAsyncCommand(link->ac, ngx_http_imgp_redis_message, NULL,
                      "SUBSCRIBE %bwake", prefix->data, prefix->len);
}


static void
ngx_http_imgp_redis_up(ngx_http_imgp_redis_link_t *link)
{
    ngx_queue_t                 *q;
    ngx_http_imgp_redis_t       *redis;
    ngx_http_imgp_redis_call_t  *call;

    redis = link->redis;

    if (link->told) {
        ngx_log_error(NGX_LOG_NOTICE, redis->worker->log, 0,
                      "image pipeline: Redis \"%V\" is back",
                      &redis->conf->name);
        link->told = 0;
    }

    while (!ngx_queue_empty(&redis->early)) {
        q = ngx_queue_head(&redis->early);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_http_imgp_redis_call_t, queue);
        ngx_queue_insert_tail(&redis->calls, q);

        if (ngx_http_imgp_redis_out(call) != NGX_OK) {
            ngx_http_imgp_redis_end(call, IMGP_REDIS_AWAY, NULL);
        }
    }

    redis->back(redis->worker);
}


static void
ngx_http_imgp_redis_down(ngx_http_imgp_redis_link_t *link)
{
    ngx_queue_t            *q;
    ngx_http_imgp_redis_t  *redis;

    redis = link->redis;

    if (!link->told) {
        ngx_log_error(NGX_LOG_ERR, redis->worker->log, 0,
                      "image pipeline: Redis \"%V\" is away: %s",
                      &redis->conf->name, link->error);
        link->told = 1;
    }

    while (!ngx_queue_empty(&redis->early)) {
        q = ngx_queue_head(&redis->early);
        ngx_http_imgp_redis_end(ngx_queue_data(q, ngx_http_imgp_redis_call_t,
                                               queue),
                                IMGP_REDIS_AWAY, NULL);
    }

    /* what it has heard may be of a server that is no master any more */

    ngx_http_imgp_redis_link_close(&redis->events, "no commands");

    redis->gone(redis->worker);
}


static void
ngx_http_imgp_redis_events_up(ngx_http_imgp_redis_link_t *link)
{
    if (ngx_http_imgp_redis_is_up(link->redis->worker)) {
        link->redis->back(link->redis->worker);
    }
}


static void
ngx_http_imgp_redis_events_down(ngx_http_imgp_redis_link_t *link)
{
    ngx_log_debug1(NGX_LOG_DEBUG_CORE, link->redis->worker->log, 0,
                   "imgp redis: no hints: %s", link->error);
}


static void
ngx_http_imgp_redis_message(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_str_t                    message;
    imgp_str_t                   kind, text;
    ngx_http_imgp_redis_t       *redis;
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_of(ac);

    if (link == NULL || reply == NULL) {
        return;
    }

    redis = link->redis;

    if (imgp_redis_class(reply) != IMGP_REDIS_OK) {
        ngx_http_imgp_redis_link_close(link, ((redisReply *) reply)->str);
        return;
    }

    if (imgp_redis_str(reply, 0, &kind) != IMGP_OK) {
        return;
    }

    if (imgp_str_is(&kind, "subscribe")) {
        ngx_http_imgp_redis_link_up(link);
        return;
    }

    if (imgp_redis_str(reply, 2, &text) == IMGP_OK) {
        message.len = text.len;
        message.data = text.data;
        redis->hint(redis->worker, &message);
    }
}


ngx_int_t
ngx_http_imgp_redis_send(ngx_http_imgp_worker_t *w, imgp_redis_args_t *args,
    ngx_http_imgp_redis_pt handler, void *data)
{
    ngx_http_imgp_redis_t       *redis;
    ngx_http_imgp_redis_link_t  *link;
    ngx_http_imgp_redis_call_t  *call;

    redis = w->redis;
    link = &redis->commands;

    if (redis->closing || args->failed || ngx_http_imgp_redis_is_away(w)) {
        return NGX_DECLINED;
    }

    call = ngx_http_imgp_redis_call(redis, args);
    if (call == NULL) {
        return NGX_DECLINED;
    }

    call->handler = handler;
    call->data = data;

    if (link->state != NGX_HTTP_IMGP_LINK_UP) {
        ngx_queue_insert_tail(&redis->early, &call->queue);
        ngx_http_imgp_hold(w);
        return NGX_OK;
    }

    ngx_queue_insert_tail(&redis->calls, &call->queue);

    if (ngx_http_imgp_redis_out(call) != NGX_OK) {
        ngx_queue_remove(&call->queue);
        redisFreeCommand(call->command);
        ngx_free(call);
        return NGX_DECLINED;
    }

    ngx_http_imgp_hold(w);

    return NGX_OK;
}


static ngx_http_imgp_redis_call_t *
ngx_http_imgp_redis_call(ngx_http_imgp_redis_t *redis, imgp_redis_args_t *args)
{
    int                          n;
    ngx_http_imgp_redis_call_t  *call;

    call = ngx_calloc(sizeof(ngx_http_imgp_redis_call_t), redis->worker->log);
    if (call == NULL) {
        return NULL;
    }

    n = redisFormatCommandArgv(&call->command, args->argc, args->argv,
                               args->len);
    if (n < 0) {
        ngx_free(call);
        return NULL;
    }

    call->redis = redis;
    call->len = n;
    call->script = args->script;

    return call;
}


static ngx_int_t
ngx_http_imgp_redis_out(ngx_http_imgp_redis_call_t *call)
{
    ngx_http_imgp_redis_link_t  *link;

    link = &call->redis->commands;
    call->sent = ngx_current_msec;

    if (redisAsyncFormattedCommand(link->ac, ngx_http_imgp_redis_replied,
                                   call, call->command, call->len)
        != REDIS_OK)
    {
        return NGX_ERROR;
    }

    if (call->script == -1) {
        redisFreeCommand(call->command);
        call->command = NULL;
    }

    if (!link->timer.timer_set) {
        ngx_add_timer(&link->timer, call->redis->conf->timeout);
    }

    return NGX_OK;
}


static void
ngx_http_imgp_redis_replied(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_http_imgp_redis_call_t *call = data;

    imgp_redis_class_e           c;
    ngx_http_imgp_redis_link_t  *link;

    link = ngx_http_imgp_redis_link_of(ac);
    c = imgp_redis_class(reply);

    if (reply == NULL && link) {
        /* hiredis is about to free it: nobody may send any more */
        link->state = NGX_HTTP_IMGP_LINK_DOWN;
        link->failures = ngx_max(link->failures, 1);
    }

    if (c == IMGP_REDIS_UNLOADED && link
        && ngx_http_imgp_redis_again(call) == NGX_OK)
    {
        return;
    }

    if (c == IMGP_REDIS_MOVED && link) {
        ngx_http_imgp_redis_link_close(link, ((redisReply *) reply)->str);
        c = IMGP_REDIS_AWAY;
    }

    if (c != IMGP_REDIS_OK && c != IMGP_REDIS_AWAY) {
        ngx_log_error(NGX_LOG_WARN, call->redis->worker->log, 0,
                      "image pipeline: Redis \"%V\" says \"%s\" (%s)",
                      &call->redis->conf->name, ((redisReply *) reply)->str,
                      imgp_redis_class_name(c));
    }

    ngx_http_imgp_redis_end(call, c, c == IMGP_REDIS_AWAY ? NULL : reply);
}


/* a script that was flushed */

static ngx_int_t
ngx_http_imgp_redis_again(ngx_http_imgp_redis_call_t *call)
{
    ngx_http_imgp_redis_link_t  *link;

    link = &call->redis->commands;

    if (call->again || call->script == -1) {
        return NGX_DECLINED;
    }

    call->again = 1;

    if (redisAsyncCommand(link->ac, NULL, NULL, "SCRIPT LOAD %s",
                          imgp_redis_lua_text(call->script))
        != REDIS_OK
        || ngx_http_imgp_redis_out(call) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_remove(&call->queue);
    ngx_queue_insert_tail(&call->redis->calls, &call->queue);

    return NGX_OK;
}


static void
ngx_http_imgp_redis_end(ngx_http_imgp_redis_call_t *call,
    imgp_redis_class_e c, redisReply *reply)
{
    void                    *data;
    ngx_http_imgp_redis_t   *redis;
    ngx_http_imgp_redis_pt   handler;

    redis = call->redis;
    handler = call->handler;
    data = call->data;

    ngx_queue_remove(&call->queue);

    if (call->command) {
        redisFreeCommand(call->command);
    }

    ngx_free(call);

    if (!redis->closing) {
        handler(data, c, reply);
        ngx_http_imgp_release(redis->worker);
    }
}


/* the oldest command is waited for no longer than the timeout */

static void
ngx_http_imgp_redis_deadline(ngx_http_imgp_redis_link_t *link)
{
    ngx_msec_t                   age, timeout;
    ngx_queue_t                 *q;
    ngx_http_imgp_redis_t       *redis;
    ngx_http_imgp_redis_call_t  *call;

    redis = link->redis;
    timeout = redis->conf->timeout;

    if (ngx_queue_empty(&redis->calls)) {
        return;
    }

    q = ngx_queue_head(&redis->calls);
    call = ngx_queue_data(q, ngx_http_imgp_redis_call_t, queue);
    age = ngx_current_msec - call->sent;

    if (age < timeout) {
        ngx_add_timer(&link->timer, timeout - age);
        return;
    }

    ngx_http_imgp_redis_link_close(link, "it does not answer");
}


/* once a beat: a Redis that is frozen is found out before somebody waits */

void
ngx_http_imgp_redis_ping(ngx_http_imgp_worker_t *w)
{
    imgp_redis_args_t  args;

    if (ngx_queue_empty(&w->redis->calls) && ngx_http_imgp_redis_is_up(w)) {
        imgp_redis_args_begin(&args, "PING");
        (void) ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_redis_pong,
                                        NULL);
    }
}


static void
ngx_http_imgp_redis_pong(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    /* void */
}
