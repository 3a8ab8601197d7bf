
/*
 * Jobs and results of all machines, over Redis.  Every machine keeps its own
 * zone, journal and store; what is shared goes through the scripts of
 * imgp_redis_lua.h, and a lease says which machine has a job.
 *
 *     share          beats, hints, claims; Redis comes and goes
 *     share_submit   an upload, or a job of the journal, enters
 *     share_run      a run's revisions and its end
 *     share_read     jobs that are elsewhere, and those who watch them
 *     share_change   cancel and retry, from any machine
 *     share_content  contents, in pieces
 *     share_result   results by their stage key, one maker at a time
 *     share_whole    jobs whose end is known already
 *     share_input    what a run has to read, and is not here
 *     share_quota    places and rates of services
 *
 * Only where "image_pipeline_redis" is configured is any of it called.
 */


#ifndef _NGX_HTTP_IMGP_SHARE_H_INCLUDED_
#define _NGX_HTTP_IMGP_SHARE_H_INCLUDED_


#include "ngx_http_imgp_run.h"
#include "ngx_http_imgp_redis.h"
#include <imgp/imgp_redis_job.h>
#include <imgp/imgp_redis_result.h>


#define NGX_HTTP_IMGP_SHARE_BEAT        1000   /* ms */
#define NGX_HTTP_IMGP_SHARE_PUBLISH     250    /* ms between revisions, up to */
#define NGX_HTTP_IMGP_SHARE_PUBLISH_MAX 2000   /* ... of jobs that take long */
#define NGX_HTTP_IMGP_SHARE_RETRY       250    /* ms, while Redis takes none */
#define NGX_HTTP_IMGP_SHARE_LACK        60000  /* ms an input is waited for */
#define NGX_HTTP_IMGP_SHARE_WANTS       8      /* looks for an output */
#define NGX_HTTP_IMGP_SHARE_SAY         128    /* ends told again a beat */
#define NGX_HTTP_IMGP_SHARE_UPLOAD_TTL  86400000   /* ms */
#define NGX_HTTP_IMGP_SHARE_CONTENT     ((uint64_t) 256 * 1024 * 1024)


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_uint_t                     claiming;
    ngx_uint_t                     waiting;    /* a job may wait in Redis */
    ngx_uint_t                     first;      /* pipeline to claim first */
    ngx_uint_t                     away;       /* Redis is */
    ngx_msec_t                     since;      /* ... since then */
    uint32_t                       next;       /* slot of the walk */
    ngx_uint_t                     said;       /* ends told by it */
    ngx_event_t                    walk;
    ngx_queue_t                    flights;    /* units that make a result */
    ngx_uint_t                     joined;     /* wait for one elsewhere */
    ngx_uint_t                     beats;
    ngx_uint_t                     asked;      /* twice, for Redis' name */
} ngx_http_imgp_share_t;


/* a job on its way to Redis, or back: a copy of its record */

typedef struct {
    ngx_http_imgp_worker_t        *worker;
    u_char                         id[IMGP_ID_BYTES];
    ngx_uint_t                     pipeline;
    ngx_http_imgp_shared_e         kind;
    uint64_t                       lease;      /* that is not good any more */
    u_char                         born[IMGP_REDIS_NODE_LEN];
    imgp_item_t                    input;
    size_t                         len;
    u_char                         record[1];
} ngx_http_imgp_share_job_t;


/* ngx_http_imgp_share.c */

void ngx_http_imgp_share_lost(ngx_http_imgp_worker_t *w, const u_char *id,
    uint64_t lease);
void ngx_http_imgp_share_check(ngx_http_imgp_worker_t *w, const u_char *id,
    uint64_t lease);
ngx_uint_t ngx_http_imgp_share_away(ngx_http_imgp_worker_t *w);

/* ngx_http_imgp_share_result.c */

void ngx_http_imgp_share_flights(ngx_http_imgp_worker_t *w);
void ngx_http_imgp_share_making(ngx_http_imgp_unit_t *unit);

/* ngx_http_imgp_share_input.c: contents that Redis has not got; the hint that
   somebody lacks one */

ngx_int_t ngx_http_imgp_share_want(ngx_http_imgp_worker_t *w,
    const imgp_item_t *items, ngx_uint_t n);
void ngx_http_imgp_share_offer(ngx_http_imgp_worker_t *w, ngx_str_t *text);

/* ngx_http_imgp_share_quota.c */

void ngx_http_imgp_share_quota_beat(ngx_http_imgp_worker_t *w,
    ngx_uint_t due);
void ngx_http_imgp_share_quota_hint(ngx_http_imgp_worker_t *w,
    ngx_str_t *message);

/* ngx_http_imgp_share_whole.c */

ngx_int_t ngx_http_imgp_whole_end(ngx_http_imgp_run_t *run,
    imgp_redis_job_t *r, u_char *key, imgp_item_t *items);

/* ngx_http_imgp_share_submit.c */

void ngx_http_imgp_share_tell(ngx_http_imgp_worker_t *w, const u_char *record,
    size_t len);

void ngx_http_imgp_share_again(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_shared_t *shared);

/* ngx_http_imgp_share_read.c */

/* asks Redis for a job; the handler gets an ngx_http_imgp_share_job_t, which
   it frees, unless nothing could be asked */

void ngx_http_imgp_share_look(ngx_http_imgp_worker_t *w, const u_char *id,
    uint64_t lease, ngx_http_imgp_redis_pt handler);

/* somebody here watches it */

void ngx_http_imgp_share_refresh(ngx_http_imgp_worker_t *w,
    const u_char *id);
ngx_int_t ngx_http_imgp_share_mirror(ngx_http_imgp_worker_t *w,
    imgp_str_t *record, ngx_uint_t force);

/* what an ended job needs of the local disk: its end in done/ */

void ngx_http_imgp_share_store(ngx_http_imgp_worker_t *w, const u_char *id,
    imgp_str_t *record);

/* ngx_http_imgp_share_content.c: mapped contents to Redis, in pieces; and
   from Redis to the local store.  done() is called in any case, perhaps from
   inside the call; NGX_DECLINED: some are not there. */

typedef void (*ngx_http_imgp_share_pt)(void *data, ngx_int_t rc);

void ngx_http_imgp_share_put(ngx_http_imgp_worker_t *w, imgp_item_t *items,
    ngx_uint_t n, uint64_t ttl, ngx_http_imgp_share_pt done, void *data);

/* small ones go along with a command: pack() sends it, with
   imgp_redis_contents(), and then done() is not called; NGX_DECLINED: it was
   not sent */

typedef struct {
    imgp_item_t                   *items;
    imgp_str_t                    *contents;
    ngx_uint_t                     n;
    uint64_t                       ttl;
} ngx_http_imgp_share_pack_t;

typedef ngx_int_t (*ngx_http_imgp_share_pack_pt)(void *data,
    ngx_http_imgp_share_pack_t *pack);

void ngx_http_imgp_share_put_with(ngx_http_imgp_worker_t *w,
    imgp_item_t *items, ngx_uint_t n, uint64_t ttl,
    ngx_http_imgp_share_pack_pt pack, ngx_http_imgp_share_pt done,
    void *data);
void ngx_http_imgp_share_along(ngx_http_imgp_worker_t *w,
    imgp_redis_args_t *args, ngx_http_imgp_share_pack_t *pack);
void ngx_http_imgp_share_fetch(ngx_http_imgp_worker_t *w, imgp_item_t *items,
    ngx_uint_t n, ngx_http_imgp_share_pt done, void *data);


#endif /* _NGX_HTTP_IMGP_SHARE_H_INCLUDED_ */
