
/*
 * Contents between the local store and Redis.  Redis gets a mapped file, some
 * pieces at a time, so that a large picture neither fills the connection's
 * buffer nor stands in the way of other commands; a machine that needs one
 * reads it piece by piece and stores it under the digest it really has.
 *
 * Threads map, check and store; the event loop sends and receives.  An
 * operation owns all its memory and ends in any case.
 */


#include "ngx_http_imgp_share.h"


#define NGX_HTTP_IMGP_SHARE_WINDOW  4      /* pieces on their way */


typedef struct {
    ngx_http_imgp_task_t           task;
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_share_pt         done;
    ngx_http_imgp_share_pack_pt    pack;
    void                          *data;
    uint64_t                       ttl;

    ngx_uint_t                     n;
    ngx_uint_t                     item;       /* which is at work */
    ngx_uint_t                     piece;
    ngx_uint_t                     out;        /* pieces on their way */
    ngx_uint_t                     failed;
    ngx_uint_t                     lacking;    /* some are not there */
    imgp_store_error_t             error;

    u_char                        *buf;        /* of a fetched one */
    imgp_item_t                    items[IMGP_ITEMS_MAX];
    imgp_str_t                     maps[IMGP_ITEMS_MAX];
} ngx_http_imgp_share_content_t;


static ngx_http_imgp_share_content_t *ngx_http_imgp_share_content_create(
    ngx_http_imgp_worker_t *w, imgp_item_t *items, ngx_uint_t n,
    ngx_http_imgp_share_pt done, void *data);
static void ngx_http_imgp_share_content_run(
    ngx_http_imgp_share_content_t *content, void (*work)(void *data,
    ngx_log_t *log), void (*done)(void *data));
static void ngx_http_imgp_share_content_end(void *data);
static void ngx_http_imgp_share_put_map(void *data, ngx_log_t *log);
static void ngx_http_imgp_share_put_mapped(void *data);
static void ngx_http_imgp_share_put_send(
    ngx_http_imgp_share_content_t *content);
static void ngx_http_imgp_share_put_sent(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_fetch_next(void *data);
static void ngx_http_imgp_share_fetch_ask(
    ngx_http_imgp_share_content_t *content);
static void ngx_http_imgp_share_fetched(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_fetch_store(void *data, ngx_log_t *log);
static void ngx_http_imgp_share_fetch_stored(void *data);


static ngx_http_imgp_share_content_t *
ngx_http_imgp_share_content_create(ngx_http_imgp_worker_t *w,
    imgp_item_t *items, ngx_uint_t n, ngx_http_imgp_share_pt done, void *data)
{
    ngx_uint_t                      i;
    ngx_http_imgp_share_content_t  *content;

    content = ngx_calloc(sizeof(ngx_http_imgp_share_content_t), w->log);

    if (content == NULL) {
        /* the sender has to go on without it */
        done(data, NGX_ERROR);
        return NULL;
    }

    content->worker = w;
    content->done = done;
    content->data = data;
    content->n = ngx_min(n, IMGP_ITEMS_MAX);
    content->failed = n > IMGP_ITEMS_MAX;

    for (i = 0; i < content->n; i++) {
        content->items[i] = items[i];

        if (items[i].bytes > NGX_HTTP_IMGP_SHARE_CONTENT) {
            content->failed = 1;
        }
    }

    ngx_http_imgp_hold(w);

    return content;
}


static void
ngx_http_imgp_share_content_run(ngx_http_imgp_share_content_t *content,
    void (*work)(void *data, ngx_log_t *log), void (*done)(void *data))
{
    content->task.kind = NGX_HTTP_IMGP_TASK_IO;
    content->task.work = work;
    content->task.done = done;
    content->task.data = content;

    ngx_http_imgp_thread_run(content->worker, &content->task);
}


static void
ngx_http_imgp_share_content_end(void *data)
{
    ngx_http_imgp_share_content_t *content = data;

    ngx_uint_t               i;
    ngx_http_imgp_worker_t  *w;

    w = content->worker;

    for (i = 0; i < content->n; i++) {
        imgp_blob_unmap(&content->maps[i]);
    }

    if (content->error.syserr) {
        ngx_log_error(NGX_LOG_CRIT, w->log, content->error.syserr,
                      "%s() failed while sharing a content",
                      content->error.call);
    }

    if (content->done) {
        content->done(content->data,
                      content->failed ? NGX_ERROR
                      : content->lacking ? NGX_DECLINED : NGX_OK);
    }

    free(content->buf);
    ngx_free(content);

    ngx_http_imgp_release(w);
}


void
ngx_http_imgp_share_put(ngx_http_imgp_worker_t *w, imgp_item_t *items,
    ngx_uint_t n, uint64_t ttl, ngx_http_imgp_share_pt done, void *data)
{
    ngx_http_imgp_share_put_with(w, items, n, ttl, NULL, done, data);
}


void
ngx_http_imgp_share_put_with(ngx_http_imgp_worker_t *w, imgp_item_t *items,
    ngx_uint_t n, uint64_t ttl, ngx_http_imgp_share_pack_pt pack,
    ngx_http_imgp_share_pt done, void *data)
{
    ngx_http_imgp_share_content_t  *content;

    content = ngx_http_imgp_share_content_create(w, items, n, done, data);

    if (content) {
        content->pack = pack;
        content->ttl = ttl;
        ngx_http_imgp_share_content_run(content, ngx_http_imgp_share_put_map,
                                        ngx_http_imgp_share_put_mapped);
    }
}


/* in a thread */

static void
ngx_http_imgp_share_put_map(void *data, ngx_log_t *log)
{
    ngx_http_imgp_share_content_t *content = data;

    ngx_uint_t     i;
    imgp_store_t  *store;

    store = &content->worker->conf->store;

    for (i = 0; i < content->n && !content->failed; i++) {
        /* who fetches it checks its digest */

        if (imgp_blob_map(store, &content->items[i], 1, &content->maps[i],
                          &content->error)
            != IMGP_OK)
        {
            content->lacking = 1;
        }
    }
}


static void
ngx_http_imgp_share_put_mapped(void *data)
{
    ngx_http_imgp_share_content_t *content = data;

    ngx_http_imgp_share_pack_t  pack;

    if (content->pack && !content->failed && !content->lacking
        && imgp_redis_fits(content->items, content->n))
    {
        pack.items = content->items;
        pack.contents = content->maps;
        pack.n = content->n;
        pack.ttl = content->ttl;

        if (content->pack(content->data, &pack) == NGX_OK) {
            content->done = NULL;

        } else {
            content->failed = 1;
        }

        ngx_http_imgp_share_content_end(content);
        return;
    }

    ngx_http_imgp_share_put_send(content);
}


/* the last arguments of a command; pack NULL: nothing goes along */

void
ngx_http_imgp_share_along(ngx_http_imgp_worker_t *w, imgp_redis_args_t *args,
    ngx_http_imgp_share_pack_t *pack)
{
    if (pack) {
        imgp_redis_contents(args, ngx_http_imgp_redis_keys(w), pack->items,
                            pack->contents, pack->n, pack->ttl);
    }
}


static void
ngx_http_imgp_share_put_send(ngx_http_imgp_share_content_t *content)
{
    size_t                   done;
    imgp_str_t               s, *map;
    imgp_item_t             *item;
    imgp_redis_args_t        args;
    ngx_http_imgp_worker_t  *w;

    w = content->worker;

    while (!content->failed && content->item < content->n
           && content->out < NGX_HTTP_IMGP_SHARE_WINDOW)
    {
        item = &content->items[content->item];
        map = &content->maps[content->item];

        if (map->data == NULL) {
            content->item++;
            continue;
        }

        done = content->piece * IMGP_REDIS_PIECE;

        s.data = map->data + done;
        s.len = ngx_min(map->len - done, IMGP_REDIS_PIECE);

        imgp_redis_blob_put(&args, ngx_http_imgp_redis_keys(w), item->digest,
                            content->piece, &s, content->ttl);

        if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_put_sent,
                                     content)
            != NGX_OK)
        {
            content->failed = 1;
            break;
        }

        content->out++;
        content->piece++;

        if (content->piece == imgp_redis_pieces(item->bytes)) {
            content->piece = 0;
            content->item++;
        }
    }

    if (content->out == 0) {
        ngx_http_imgp_share_content_end(content);
    }
}


static void
ngx_http_imgp_share_put_sent(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_content_t *content = data;

    content->out--;

    if (c != IMGP_REDIS_OK) {
        content->failed = 1;
    }

    ngx_http_imgp_share_put_send(content);
}


void
ngx_http_imgp_share_fetch(ngx_http_imgp_worker_t *w, imgp_item_t *items,
    ngx_uint_t n, ngx_http_imgp_share_pt done, void *data)
{
    ngx_http_imgp_share_content_t  *content;

    content = ngx_http_imgp_share_content_create(w, items, n, done, data);

    if (content) {
        ngx_http_imgp_share_fetch_next(content);
    }
}


/* the next item, or the end */

static void
ngx_http_imgp_share_fetch_next(void *data)
{
    ngx_http_imgp_share_content_t *content = data;

    imgp_item_t  *item;

    if (content->failed || content->item == content->n) {
        ngx_http_imgp_share_content_end(content);
        return;
    }

    item = &content->items[content->item];

    free(content->buf);

    content->piece = 0;
    content->buf = malloc(item->bytes + 1);

    if (content->buf == NULL) {
        content->failed = 1;
        ngx_http_imgp_share_content_end(content);
        return;
    }

    ngx_http_imgp_share_fetch_ask(content);
}


static void
ngx_http_imgp_share_fetch_ask(ngx_http_imgp_share_content_t *content)
{
    imgp_redis_args_t        args;
    ngx_http_imgp_worker_t  *w;

    w = content->worker;

    imgp_redis_blob_get(&args, ngx_http_imgp_redis_keys(w),
                        content->items[content->item].digest, content->piece);

    if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_fetched,
                                 content)
        != NGX_OK)
    {
        content->failed = 1;
        ngx_http_imgp_share_content_end(content);
    }
}


static void
ngx_http_imgp_share_fetched(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    ngx_http_imgp_share_content_t *content = data;

    size_t        done, want;
    imgp_str_t    s;
    imgp_item_t  *item;

    item = &content->items[content->item];
    done = content->piece * IMGP_REDIS_PIECE;
    want = ngx_min(item->bytes - done, IMGP_REDIS_PIECE);

    if (c != IMGP_REDIS_OK || imgp_redis_str(reply, -1, &s) != IMGP_OK
        || s.len != want)
    {
        content->failed = (c != IMGP_REDIS_OK);
        content->lacking = 1;
        ngx_http_imgp_share_content_end(content);
        return;
    }

    ngx_memcpy(content->buf + done, s.data, s.len);

    if (++content->piece < imgp_redis_pieces(item->bytes)) {
        ngx_http_imgp_share_fetch_ask(content);
        return;
    }

    ngx_http_imgp_share_content_run(content, ngx_http_imgp_share_fetch_store,
                                    ngx_http_imgp_share_fetch_stored);
}


/* in a thread */

static void
ngx_http_imgp_share_fetch_store(void *data, ngx_log_t *log)
{
    ngx_http_imgp_share_content_t *content = data;

    u_char        digest[IMGP_DIGEST_LEN];
    uint64_t      added;
    imgp_item_t  *item;

    item = &content->items[content->item];

    imgp_digest(content->buf, item->bytes, digest);

    if (ngx_memcmp(digest, item->digest, IMGP_DIGEST_LEN) != 0
        || imgp_blob_put(&content->worker->conf->store, content->buf,
                         item->bytes, digest, &added, &content->error)
           != IMGP_OK)
    {
        content->failed = 1;
    }
}


static void
ngx_http_imgp_share_fetch_stored(void *data)
{
    ngx_http_imgp_share_content_t *content = data;

    content->item++;

    ngx_http_imgp_share_fetch_next(content);
}
