
/*
 * Requests that are held; a part of ngx_http_imgp.h, which includes it.
 */


#ifndef _NGX_HTTP_IMGP_WATCH_H_INCLUDED_
#define _NGX_HTTP_IMGP_WATCH_H_INCLUDED_


#include "ngx_http_imgp.h"


/*
 * ngx_http_imgp_watch.c: holds a request until "next" answers other than
 * "not yet", which no filter and no function of nginx returns; it is called
 * after each change of ctx->id, and at last with ctx->expired.  NGX_DONE: held.
 */

#define NGX_HTTP_IMGP_NOT_YET  -1000


ngx_int_t ngx_http_imgp_watch_init(ngx_http_imgp_worker_t *w);
ngx_int_t ngx_http_imgp_watch(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_int_t (*next)(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx));

/* the same look from an event of the request itself; and its end */

void ngx_http_imgp_watch_look(ngx_http_imgp_ctx_t *ctx);
void ngx_http_imgp_watch_end(ngx_http_imgp_ctx_t *ctx, ngx_int_t rc);

void ngx_http_imgp_watch_wake(ngx_http_imgp_worker_t *w, ngx_uint_t kind,
    const u_char *id);
void ngx_http_imgp_watch_shutdown(ngx_http_imgp_worker_t *w);

/* does anybody here watch it?  And: what is watched is read from Redis */

ngx_uint_t ngx_http_imgp_watch_has(ngx_http_imgp_worker_t *w,
    const u_char *id);
void ngx_http_imgp_watch_refresh(ngx_http_imgp_worker_t *w);


#endif /* _NGX_HTTP_IMGP_WATCH_H_INCLUDED_ */
