
/*
 * What operators have stopped: a stage that is paused begins no further run,
 * a pipeline that drains takes no new job.  Known by their names, since a
 * number is another stage in the next configuration; all workers obey, those
 * of old configurations too.  The list lies in the zone, so it outlives a
 * reload, and in a file of the store, so it outlives nginx.
 */


#ifndef _NGX_HTTP_IMGP_HALT_H_INCLUDED_
#define _NGX_HTTP_IMGP_HALT_H_INCLUDED_


#include "ngx_http_imgp.h"


#define NGX_HTTP_IMGP_HALTS  64

/* of the file: a line for each, two names and a blank between */

#define NGX_HTTP_IMGP_HALT_TEXT                                               \
    (NGX_HTTP_IMGP_HALTS * (2 * IMGP_NAME_LEN + 2))


typedef struct {
    u_char                         pipeline[IMGP_NAME_LEN];
    u_char                         stage[IMGP_NAME_LEN];   /* "": it drains */
} ngx_http_imgp_halt_t;


extern const imgp_str_t  ngx_http_imgp_halt_all;           /* "" as a stage */


/* NGX_OK; NGX_DECLINED: it was so; NGX_ERROR: too many are.  What waited for
   the stage goes on. */

ngx_int_t ngx_http_imgp_halt(ngx_http_imgp_worker_t *w,
    const imgp_str_t *pipeline, const imgp_str_t *stage, ngx_uint_t on);

ngx_uint_t ngx_http_imgp_halted(ngx_http_imgp_zone_t *zone,
    const imgp_str_t *pipeline, const imgp_str_t *stage);

/* how many are; the list, where that is not NULL */

ngx_uint_t ngx_http_imgp_halt_list(ngx_http_imgp_zone_t *zone,
    ngx_http_imgp_halt_t *list);

/* under the lock: a stage of this configuration, by its numbers */

ngx_uint_t ngx_http_imgp_halt_stage(ngx_http_imgp_zone_t *zone,
    ngx_uint_t pipeline, ngx_uint_t stage);

/* the list as text, for a thread to store, and where; from the pool */

ngx_int_t ngx_http_imgp_halt_text(ngx_http_imgp_zone_t *zone,
    ngx_pool_t *pool, ngx_str_t *text);
void ngx_http_imgp_halt_path(const imgp_store_t *store, char *path);

/* a zone begins: by the master, what the file has */

void ngx_http_imgp_halt_load(ngx_http_imgp_zone_t *zone);


#endif /* _NGX_HTTP_IMGP_HALT_H_INCLUDED_ */
