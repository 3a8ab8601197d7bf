
/*
 * What a sweep finds in the journal, against what the table knows: a job that
 * it does not know enters it (after a start of nginx, with a new zone, or
 * when there was no room); of one that it knows as final the end is stored,
 * which the disk did not take at its time.
 *
 * Event loop, but for the storing.
 */


#include "ngx_http_imgp_zone.h"
#include "ngx_http_imgp_notify.h"


typedef struct {
    ngx_http_imgp_task_t           task;
    ngx_http_imgp_worker_t        *worker;
    u_char                         id[IMGP_ID_BYTES];
    size_t                         len;
    u_char                         record[1];
} ngx_http_imgp_adopt_end_t;


static ngx_int_t ngx_http_imgp_adopt_pipeline(ngx_http_imgp_zone_t *zone,
    imgp_str_t *name);
static void ngx_http_imgp_adopt_end(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_entry_t *e);
static void ngx_http_imgp_adopt_end_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_adopt_end_done(void *data);


/* unknown to the table: it goes in; known as final: its end is not stored */

ngx_int_t
ngx_http_imgp_adopt(ngx_http_imgp_worker_t *w, ngx_http_imgp_found_t *found,
    ngx_uint_t others)
{
    ngx_int_t               pipeline;
    imgp_job_t             *job;
    ngx_http_imgp_entry_t   e;

    /* it may have ended, and left the table again, since the thread read it */

    if (!imgp_journal_waits(&w->conf->store, found->head.id)) {
        return NGX_OK;
    }

    if (w->redis && ngx_http_imgp_share_adopt(w, found) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_http_imgp_table_read(w->zone, found->head.id, w->scratch,
                                 IMGP_RECORD_MAX, &e)
        == NGX_OK)
    {
        if (!imgp_job_is_final(e.state)
            || ngx_http_imgp_table_open(w->zone, e.id, e.revision) != NGX_OK)
        {
            return NGX_OK;
        }

        if (e.revision >= found->head.revision) {
            ngx_http_imgp_adopt_end(w, &e);
            return NGX_OK;
        }

        /* a retry that went wrong half way, or whose worker was lost */
        ngx_http_imgp_table_remove(w->zone, e.id);

    } else if (others || ngx_http_imgp_alive_runs(w, found->head.id)) {
        return NGX_AGAIN;
    }

    job = imgp_record_decode(found->record, found->len, &imgp_malloc);
    if (job == NULL) {
        return NGX_OK;
    }

    pipeline = ngx_http_imgp_adopt_pipeline(w->zone, &job->pipeline);

    imgp_job_destroy(job);

    if (pipeline == NGX_DECLINED) {
        return NGX_OK;
    }

    if (ngx_http_imgp_table_insert(w->zone, pipeline, found->record,
                                   found->len, NULL)
        == NGX_OK
        && !imgp_journal_waits(&w->conf->store, found->head.id))
    {
        /* its upload has just been refused */

        ngx_http_imgp_table_forget(w->zone, found->head.id);
    }

    return NGX_OK;
}


/* the place of a pipeline in the zone; one that this configuration has not
   got a place too, from where its jobs are taken only to be failed */

static ngx_int_t
ngx_http_imgp_adopt_pipeline(ngx_http_imgp_zone_t *zone, imgp_str_t *name)
{
    ngx_http_imgp_shpipeline_t  *place;

    if (name->len == 0 || name->len >= IMGP_NAME_LEN) {
        return NGX_DECLINED;
    }

    ngx_http_imgp_zone_lock(zone);

    place = ngx_http_imgp_place(zone, name);

    ngx_http_imgp_zone_unlock(zone);

    return place ? place - zone->sh->pipelines : NGX_DECLINED;
}


static void
ngx_http_imgp_adopt_end(ngx_http_imgp_worker_t *w, ngx_http_imgp_entry_t *e)
{
    ngx_http_imgp_adopt_end_t  *end;

    end = ngx_calloc(sizeof(ngx_http_imgp_adopt_end_t) + e->len, w->log);
    if (end == NULL) {
        ngx_http_imgp_table_close(w->zone, e->id);
        return;
    }

    end->worker = w;
    end->len = e->len;
    ngx_memcpy(end->id, e->id, IMGP_ID_BYTES);
    ngx_memcpy(end->record, e->record, e->len);

    end->task.kind = NGX_HTTP_IMGP_TASK_IO;
    end->task.work = ngx_http_imgp_adopt_end_work;
    end->task.done = ngx_http_imgp_adopt_end_done;
    end->task.data = end;

    ngx_http_imgp_thread_run(w, &end->task);
}


/* in a thread; what fails again is found again by the next sweep */

static void
ngx_http_imgp_adopt_end_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_adopt_end_t  *end = data;

    imgp_store_error_t  err;

    ngx_memzero(&err, sizeof(imgp_store_error_t));

    (void) ngx_http_imgp_notify_end(end->worker->conf, end->id, end->record,
                                    end->len, &err);
}


static void
ngx_http_imgp_adopt_end_done(void *data)
{
    ngx_http_imgp_adopt_end_t  *end = data;

    ngx_http_imgp_table_close(end->worker->zone, end->id);
    ngx_free(end);
}
