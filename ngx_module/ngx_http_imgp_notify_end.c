
/*
 * The end of a job on disk, and before it the notices of who is to be told:
 * a crash between the two leaves notices that wait until the job has ended
 * (imgp_notice.h).
 *
 * In threads, with the configuration as it is immutable.
 */


#include "ngx_http_imgp_notify.h"


static ngx_http_imgp_pipeline_t *ngx_http_imgp_notify_pipeline(
    ngx_http_imgp_main_conf_t *conf, imgp_str_t *name);
static imgp_int_t ngx_http_imgp_notify_put(ngx_http_imgp_main_conf_t *conf,
    imgp_job_t *job, ngx_uint_t targets, imgp_store_error_t *err);


imgp_int_t
ngx_http_imgp_notify_end(ngx_http_imgp_main_conf_t *conf, const u_char *id,
    const u_char *record, size_t len, imgp_store_error_t *err)
{
    if (ngx_http_imgp_notify_note(conf, record, len, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_journal_write(&conf->store, id, record, len, 1, err);
}


imgp_int_t
ngx_http_imgp_notify_note(ngx_http_imgp_main_conf_t *conf,
    const u_char *record, size_t len, imgp_store_error_t *err)
{
    imgp_int_t                 rc;
    imgp_job_t                *job;
    ngx_http_imgp_pipeline_t  *pipeline;

    if (!conf->notify) {
        return IMGP_OK;
    }

    job = imgp_record_decode(record, len, &imgp_malloc);

    if (job == NULL) {
        err->call = "malloc";
        return imgp_error_set(&err->error, IMGP_E_INTERNAL, "out of memory");
    }

    rc = IMGP_OK;
    pipeline = ngx_http_imgp_notify_pipeline(conf, &job->pipeline);

    if (pipeline) {
        rc = ngx_http_imgp_notify_put(conf, job, pipeline->notify.nelts, err);
    }

    imgp_job_destroy(job);

    return rc;
}


static ngx_http_imgp_pipeline_t *
ngx_http_imgp_notify_pipeline(ngx_http_imgp_main_conf_t *conf,
    imgp_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_imgp_pipeline_t  **pipeline;

    pipeline = conf->pipelines.elts;

    for (i = 0; i < conf->pipelines.nelts; i++) {

        if (imgp_str_eq(&pipeline[i]->plan->name, name)) {
            return pipeline[i]->notify.nelts ? pipeline[i] : NULL;
        }
    }

    return NULL;
}


static imgp_int_t
ngx_http_imgp_notify_put(ngx_http_imgp_main_conf_t *conf, imgp_job_t *job,
    ngx_uint_t targets, imgp_store_error_t *err)
{
    imgp_int_t      rc;
    ngx_uint_t      i;
    imgp_notice_t   notice;

    ngx_memzero(&notice, sizeof(imgp_notice_t));

    ngx_memcpy(notice.id, job->id, IMGP_ID_BYTES);
    notice.revision = job->revision;
    notice.pipeline = job->pipeline;
    notice.since = job->finished_at;
    notice.expires = job->expires_at;
    notice.reason.data = (u_char *) "";

    notice.body.data = (u_char *) imgp_doc_event(job, &notice.body.len);

    if (notice.body.data == NULL) {
        err->call = "malloc";
        return imgp_error_set(&err->error, IMGP_E_INTERNAL, "out of memory");
    }

    for (rc = IMGP_OK, i = 0; i < targets && rc == IMGP_OK; i++) {
        notice.target = i;
        rc = imgp_notice_put(&conf->store, &notice, job->finished_at, err);
    }

    free(notice.body.data);

    return rc;
}
