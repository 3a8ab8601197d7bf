
/*
 * Jobs and runs of lost workers are taken over: the job goes back into its
 * queue, or to its end when it has taken too many workers with it.
 *
 * Event loop, once a beat of every worker; the first one to look has it.
 */


#include "ngx_http_imgp.h"
#include "ngx_http_imgp_care.h"


#define NGX_HTTP_IMGP_REAP_BATCH  64


static void ngx_http_imgp_reap_job(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_entry_t *e);


void
ngx_http_imgp_reap(ngx_http_imgp_worker_t *w)
{
    uint32_t               next;
    ngx_uint_t             i;
    ngx_http_imgp_entry_t  e;

    next = 0;

    for (i = 0; i < NGX_HTTP_IMGP_REAP_BATCH; i++) {

        if (ngx_http_imgp_claim_lost(w->zone, &next, w->scratch,
                                     IMGP_RECORD_MAX, &e)
            != NGX_OK)
        {
            break;
        }

        ngx_http_imgp_reap_job(w, &e);
    }

    if (ngx_http_imgp_flight_reap(w->zone)) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_FLIGHT, NULL);
    }

    if (i) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    }
}


/*
 * Back into the queue, or to its end when it has taken too many workers with
 * it.  Its fence has grown, so the old owner, should it live, is told.
 */

static void
ngx_http_imgp_reap_job(ngx_http_imgp_worker_t *w, ngx_http_imgp_entry_t *e)
{
    char         id[IMGP_ID_LEN + 1];
    size_t       size;
    u_char      *buf;
    ssize_t      n;
    imgp_job_t  *job;

    job = imgp_record_decode(e->record, e->len, &imgp_malloc);

    if (job == NULL) {
        ngx_log_error(NGX_LOG_ALERT, w->log, 0,
                      "image pipeline: spoilt record in the zone, the job "
                      "will come back from the journal");
        ngx_http_imgp_table_remove(w->zone, e->id);
        return;
    }

    imgp_id_text(job->id, id);
    job->lost = e->lost;

    ngx_log_error(NGX_LOG_WARN, w->log, 0,
                  "image pipeline: the worker of job %s is lost, blame %uD "
                  "of %d", id, job->lost, IMGP_LOST_MAX);

    if (job->lost >= IMGP_LOST_MAX) {
        ngx_http_imgp_run_give_up(w, job, e->pipeline, e->fence);
        return;
    }

    (void) imgp_job_reset(job, IMGP_JOB_REQUEUE, ngx_http_imgp_now());
    job->revision++;

    size = imgp_record_size(job);
    buf = ngx_alloc(size, w->log);
    n = buf ? imgp_record_encode(job, buf, size) : -1;

    if (n < 0
        || ngx_http_imgp_table_update(w->zone, job->id, e->fence, buf, n)
           == NGX_ERROR)
    {
        /* no room for it: it will come back from the journal */
        ngx_http_imgp_table_remove(w->zone, job->id);
    }

    ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_JOB, job->id);

    if (buf) {
        ngx_free(buf);
    }

    imgp_job_destroy(job);
}
