
/*
 * "batch N WAIT": what batch.c, which gathers and sends, and batch_answer.c,
 * which takes the answer apart, share.
 */


#ifndef _NGX_HTTP_IMGP_BATCH_H_INCLUDED_
#define _NGX_HTTP_IMGP_BATCH_H_INCLUDED_


#include "ngx_http_imgp_run.h"


typedef struct {
    imgp_str_t                     content;    /* malloc'ed */
    ngx_str_t                      type;
} ngx_http_imgp_share_of_t;


struct ngx_http_imgp_batch_s {
    ngx_http_imgp_ident_t          ident;
    ngx_queue_t                    queue;      /* of those that are open */
    ngx_pool_t                    *pool;
    ngx_http_imgp_worker_t        *worker;
    ngx_event_t                    timer;

    ngx_http_imgp_pipeline_t      *pipeline;
    ngx_uint_t                     stage;
    ngx_uint_t                     lane;
    ngx_http_imgp_service_t       *service;

    ngx_http_imgp_unit_t          *units[IMGP_BATCH_MAX];   /* NULL: left */
    ngx_http_imgp_share_of_t       pieces[IMGP_BATCH_MAX];
    imgp_str_t                    *maps;       /* of all, a unit's together */
    const char                   **types;
    ngx_uint_t                     nmaps;
    ngx_uint_t                     ninputs;    /* of each unit */
    imgp_uint_t                    counts[IMGP_FROM_MAX];   /* by "from" */
    ngx_uint_t                     n;
    ngx_uint_t                     npieces;
    ngx_uint_t                     left;       /* units that are there */
    ngx_http_imgp_unit_t          *holder;     /* of the place */

    ngx_http_imgp_call_t           call;
    ngx_http_imgp_task_t           task;
    imgp_error_t                   error;
    unsigned                       sent:1;
    unsigned                       working:1;  /* a thread has it, or it is
                                                  being handed out */
};


/* ngx_http_imgp_batch_answer.c: the call is over */

void ngx_http_imgp_batch_called(ngx_http_imgp_call_t *call);

/* ngx_http_imgp_batch.c */

void ngx_http_imgp_batch_unmap(ngx_http_imgp_batch_t *batch);
void ngx_http_imgp_batch_free(ngx_http_imgp_batch_t *batch);


#endif /* _NGX_HTTP_IMGP_BATCH_H_INCLUDED_ */
