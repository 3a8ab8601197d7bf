
/*
 * The text of "image_pipeline_metrics": the families that
 * ngx_http_imgp_metrics.c lists are printed by functions that add lines to it.
 * Event loop; the text lies in the request's pool.
 */


#ifndef _NGX_HTTP_IMGP_METRICS_H_INCLUDED_
#define _NGX_HTTP_IMGP_METRICS_H_INCLUDED_


#include "ngx_http_imgp.h"


#define NGX_HTTP_IMGP_METRICS_LABEL  (2 * IMGP_NAME_LEN)


typedef struct {
    ngx_http_request_t            *request;
    ngx_http_imgp_worker_t        *worker;
    ngx_chain_t                   *first;
    ngx_chain_t                   *last;
    off_t                          size;
    ngx_uint_t                     failed;
} ngx_http_imgp_metrics_t;


/* a line; without memory m->failed */

void ngx_http_imgp_metrics_add(ngx_http_imgp_metrics_t *m, const char *fmt,
    ...);

/* a name as the value of a label, with a NUL; of ngx_str_t or imgp_str_t; buf
   has room for NGX_HTTP_IMGP_METRICS_LABEL bytes */

u_char *ngx_http_imgp_metrics_label(u_char *buf, const void *name);

/* ngx_http_imgp_metrics_services.c */

void ngx_http_imgp_metrics_calls(ngx_http_imgp_metrics_t *m,
    const char *name);
void ngx_http_imgp_metrics_flying(ngx_http_imgp_metrics_t *m,
    const char *name);
void ngx_http_imgp_metrics_open(ngx_http_imgp_metrics_t *m, const char *name);
void ngx_http_imgp_metrics_retries(ngx_http_imgp_metrics_t *m,
    const char *name);
void ngx_http_imgp_metrics_cost(ngx_http_imgp_metrics_t *m, const char *name);


#endif /* _NGX_HTTP_IMGP_METRICS_H_INCLUDED_ */
