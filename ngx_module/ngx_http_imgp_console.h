
/*
 * The console: what its files share.  A handler gets the path below its route
 * and returns what a content handler does.
 *
 *     console         page, routes, who may change something
 *     console_state   the document that the page asks for every second
 *     console_jobs    lists, one job, its pictures; cancel and retry
 *     console_halt    pause, drain, resume
 */


#ifndef _NGX_HTTP_IMGP_CONSOLE_H_INCLUDED_
#define _NGX_HTTP_IMGP_CONSOLE_H_INCLUDED_


#include "ngx_http_imgp.h"
#include <imgp/imgp_json.h>


#define NGX_HTTP_IMGP_CONSOLE_JOBS  "api/jobs/"   /* their pictures' URLs */


/* the answer is a document; the builder is done with */

ngx_int_t ngx_http_imgp_console_send(ngx_http_request_t *r, imgp_json_t *doc);

/* of this configuration; NULL: there is none of this name */

ngx_http_imgp_pipeline_t *ngx_http_imgp_console_pipeline(
    ngx_http_imgp_worker_t *w, const imgp_str_t *name);

/* the part of the path up to the next "/", which is taken off it */

void ngx_http_imgp_console_part(ngx_str_t *path, ngx_str_t *part);

ngx_int_t ngx_http_imgp_console_state(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *path);
ngx_int_t ngx_http_imgp_console_list(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *path);
ngx_int_t ngx_http_imgp_console_job(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *path);
ngx_int_t ngx_http_imgp_console_halt(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *path);
ngx_int_t ngx_http_imgp_console_change(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *path);


#endif /* _NGX_HTTP_IMGP_CONSOLE_H_INCLUDED_ */
