
/*
 * Recovery and eviction: what the journal has and the table has not, what a
 * lost worker leaves behind, and who else uses the store.  A part of
 * ngx_http_imgp.h, which includes it.
 */


#ifndef _NGX_HTTP_IMGP_RECOVER_H_INCLUDED_
#define _NGX_HTTP_IMGP_RECOVER_H_INCLUDED_


/* a record of the journal, as a sweep has found it */

typedef struct {
    u_char                        *record;
    size_t                         len;
    imgp_record_head_t             head;
} ngx_http_imgp_found_t;


/* ngx_http_imgp_reap.c, ngx_http_imgp_adopt.c, ngx_http_imgp_sweep.c;
   NGX_AGAIN: it is another zone's, as long as that lives */

void ngx_http_imgp_reap(ngx_http_imgp_worker_t *w);
ngx_int_t ngx_http_imgp_adopt(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_found_t *found, ngx_uint_t others);
ngx_int_t ngx_http_imgp_sweep_init(ngx_http_imgp_worker_t *w);

/* ngx_http_imgp_alive.c: zones that share the store; does another one take
   jobs, is there one at all, does any process run this job? */

ngx_int_t ngx_http_imgp_alive_init(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_alive_exiting(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_alive_job(ngx_http_imgp_worker_t *w, const u_char *id,
    ngx_uint_t runs);
ngx_uint_t ngx_http_imgp_alive_others(ngx_http_imgp_worker_t *w);
ngx_uint_t ngx_http_imgp_alive_shared(ngx_http_imgp_worker_t *w);
ngx_uint_t ngx_http_imgp_alive_runs(ngx_http_imgp_worker_t *w,
    const u_char *id);

/* of all processes that use the store one notifies: NGX_OK, this one */

ngx_int_t ngx_http_imgp_alive_notifier(ngx_http_imgp_worker_t *w,
    ngx_uint_t on);


#endif /* _NGX_HTTP_IMGP_RECOVER_H_INCLUDED_ */
