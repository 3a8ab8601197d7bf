
/*
 * A request that waits for a thread.  The work has a pool of its own, so the
 * client may go away at any time: its request is then unlinked, and the
 * completion finds NULL in its place.
 */


#include "ngx_http_imgp.h"


static void ngx_http_imgp_async_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_async_done(void *data);
static void ngx_http_imgp_async_cleanup(void *data);


/* "size" bytes of zeroes are in async->data */

ngx_http_imgp_async_t *
ngx_http_imgp_async_create(ngx_http_request_t *r, ngx_http_imgp_worker_t *w,
    size_t size)
{
    ngx_pool_t             *pool;
    ngx_http_imgp_async_t  *async;

    pool = ngx_create_pool(2048, w->log);
    if (pool == NULL) {
        return NULL;
    }

    async = ngx_pcalloc(pool, sizeof(ngx_http_imgp_async_t));
    if (async == NULL) {
        goto failed;
    }

    async->data = ngx_pcalloc(pool, size);
    if (async->data == NULL) {
        goto failed;
    }

    async->pool = pool;
    async->request = r;
    async->worker = w;

    return async;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


ngx_int_t
ngx_http_imgp_async_run(ngx_http_imgp_async_t *async)
{
    if (ngx_http_imgp_async_wait(async) != NGX_DONE) {
        return NGX_ERROR;
    }

    ngx_http_imgp_async_go(async);

    return NGX_DONE;
}


ngx_int_t
ngx_http_imgp_async_wait(ngx_http_imgp_async_t *async)
{
    ngx_http_request_t  *r;
    ngx_http_cleanup_t  *cln;

    r = async->request;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_imgp_async_cleanup;
    cln->data = async;

    r->main->count++;
    r->read_event_handler = r->discard_body
                            ? ngx_http_discarded_request_body_handler
                            : ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_DONE;
}


void
ngx_http_imgp_async_go(ngx_http_imgp_async_t *async)
{
    async->task.kind = NGX_HTTP_IMGP_TASK_IO;
    async->task.work = ngx_http_imgp_async_work;
    async->task.done = ngx_http_imgp_async_done;
    async->task.data = async;

    ngx_http_imgp_thread_run(async->worker, &async->task);
}


void
ngx_http_imgp_async_back(ngx_http_imgp_async_t *async)
{
    ngx_http_imgp_async_done(async);
}


static void
ngx_http_imgp_async_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_async_t  *async = data;

    if (async->work) {
        async->work(async);
    }
}


static void
ngx_http_imgp_async_done(void *data)
{
    ngx_http_imgp_async_t  *async = data;

    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ngx_http_imgp_async_leave(async);

    rc = async->done(async, r);

    ngx_destroy_pool(async->pool);

    if (r) {
        c = r->connection;
        ngx_http_finalize_request(r, rc);
        ngx_http_run_posted_requests(c);
    }
}


/* the request goes on alone, if it is still there: done() finds NULL */

ngx_http_request_t *
ngx_http_imgp_async_leave(ngx_http_imgp_async_t *async)
{
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;

    r = async->request;
    async->request = NULL;

    for (cln = r ? r->main->cleanup : NULL; cln; cln = cln->next) {
        if (cln->data == async) {
            cln->handler = NULL;
            break;
        }
    }

    return r;
}


static void
ngx_http_imgp_async_cleanup(void *data)
{
    ngx_http_imgp_async_t  *async = data;

    async->request = NULL;
}
