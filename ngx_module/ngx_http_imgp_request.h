
/*
 * What requests are made of: what they ask for, the jobs that they see, the
 * answers, and waiting for a thread meanwhile.  Part of ngx_http_imgp.h; event
 * loop only, but for the work of an ngx_http_imgp_async_t.
 */


#ifndef _NGX_HTTP_IMGP_REQUEST_H_INCLUDED_
#define _NGX_HTTP_IMGP_REQUEST_H_INCLUDED_


/*
 * ngx_http_imgp_reply.c: answers.  Each returns what a content handler does,
 * or what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_imgp_reply_again(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t revision);
ngx_int_t ngx_http_imgp_reply_job(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_uint_t status);
void ngx_http_imgp_reply_doc(ngx_http_imgp_ctx_t *ctx, imgp_doc_ctx_t *doc,
    imgp_expect_t *expect);
ngx_int_t ngx_http_imgp_reply_gone(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_reply_problem(ngx_http_request_t *r,
    const imgp_error_t *err, const char *stage);
ngx_int_t ngx_http_imgp_reply_error(ngx_http_request_t *r, imgp_error_e code,
    const char *detail);
ngx_int_t ngx_http_imgp_reply_plan(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_reply_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, char *text, size_t len);
ngx_int_t ngx_http_imgp_reply_empty(ngx_http_request_t *r,
    ngx_uint_t status);
ngx_int_t ngx_http_imgp_reply_body(ngx_http_request_t *r, ngx_buf_t *b);
ngx_int_t ngx_http_imgp_reply_header(ngx_http_request_t *r, const char *name,
    const char *fmt, ...);
ngx_int_t ngx_http_imgp_reply_etag(ngx_http_request_t *r, const char *fmt,
    ...);

/* ngx_http_imgp_api.c: what a request asks for */

ngx_str_t *ngx_http_imgp_api_header(ngx_http_request_t *r, const char *name);
ngx_uint_t ngx_http_imgp_api_priority(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_api_status(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

/* ngx_http_imgp_upload.c: POST; ngx_http_imgp_result.c: an output's bytes */

ngx_int_t ngx_http_imgp_upload(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

/* for another job of this owner: NGX_DECLINED, nothing is answered yet */

ngx_int_t ngx_http_imgp_upload_room(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_result(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

ngx_int_t ngx_http_imgp_result_send(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, imgp_item_t *item);

/* the last public output of a job that succeeded; NGX_DECLINED: it is none */

ngx_int_t ngx_http_imgp_result_last(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

/*
 * ngx_http_imgp_jobs.c: ctx->view of ctx->id, from the zone or from the disk,
 * then next(r, ctx), whose value is returned, or finalizes the request if it
 * had to wait (NGX_DONE).  A job of another owner or pipeline is no job.
 */

ngx_int_t ngx_http_imgp_job_get(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_int_t (*next)(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx));

/* from the zone alone: NGX_OK, NGX_DECLINED */

ngx_int_t ngx_http_imgp_job_look(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
void ngx_http_imgp_job_view(ngx_http_imgp_ctx_t *ctx, imgp_job_t *job);

/* the job, if this request may see it; and what this machine alone knows */

void ngx_http_imgp_job_show(ngx_http_imgp_ctx_t *ctx, imgp_job_t *job);
ngx_int_t ngx_http_imgp_job_get_local(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_int_t (*next)(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx));
ngx_int_t ngx_http_imgp_job_cancel_local(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_job_retry_local(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_job_cancel(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
ngx_int_t ngx_http_imgp_job_retry(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);

/*
 * ngx_http_imgp_async.c: a request waits for a thread.  "done" is called with
 * r NULL when the client went away meanwhile; what it returns finalizes the
 * request.  Memory of the work comes from async->pool, freed after done().
 */

typedef struct ngx_http_imgp_async_s  ngx_http_imgp_async_t;

struct ngx_http_imgp_async_s {
    ngx_pool_t                    *pool;
    ngx_http_request_t            *request;
    ngx_http_imgp_worker_t        *worker;
    ngx_http_imgp_task_t           task;
    void                         (*work)(ngx_http_imgp_async_t *async);
    ngx_int_t                    (*done)(ngx_http_imgp_async_t *async,
                                         ngx_http_request_t *r);
    void                          *data;
};

ngx_http_imgp_async_t *ngx_http_imgp_async_create(ngx_http_request_t *r,
    ngx_http_imgp_worker_t *w, size_t size);

/* NGX_DONE; NGX_ERROR: no memory, the pool is still the caller's */

ngx_int_t ngx_http_imgp_async_run(ngx_http_imgp_async_t *async);

/* the same in steps: the request waits; then back() calls done(), from the
   event loop but not from the request's own handler, or go() lets a thread
   work before ("work" may be NULL) */

ngx_int_t ngx_http_imgp_async_wait(ngx_http_imgp_async_t *async);
void ngx_http_imgp_async_back(ngx_http_imgp_async_t *async);
void ngx_http_imgp_async_go(ngx_http_imgp_async_t *async);

/* its request no longer waits, and is to be finalized by the caller */

ngx_http_request_t *ngx_http_imgp_async_leave(ngx_http_imgp_async_t *async);


#endif /* _NGX_HTTP_IMGP_REQUEST_H_INCLUDED_ */
