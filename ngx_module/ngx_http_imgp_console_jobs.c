
/*
 * Jobs in the console: pages of a list, newest first, of what the job table
 * has; and one job, with all its pictures, wherever it is.  What is done to a
 * job is done as its owner would do it.
 *
 * Event loop.  A list looks at every slot of the table, some of them under
 * the lock at a time, and reads the records of its own page alone.
 */


#include "ngx_http_imgp_console.h"
#include "ngx_http_imgp_brief.h"
#include <imgp/imgp_doc_console.h>


#define NGX_HTTP_IMGP_LIST_LIMIT  30
#define NGX_HTTP_IMGP_LIST_PAGE   100     /* at most */


static ngx_int_t ngx_http_imgp_list_filter(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_http_imgp_brief_filter_t *filter);
static ngx_int_t ngx_http_imgp_list_states(ngx_http_request_t *r,
    ngx_uint_t *states);
static ngx_int_t ngx_http_imgp_list_number(ngx_http_request_t *r,
    const char *name, ngx_int_t n);
static void ngx_http_imgp_list_owner(ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *value);
static ngx_int_t ngx_http_imgp_list_arg(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static json_t *ngx_http_imgp_list_row(ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_brief_t *brief);
static void ngx_http_imgp_list_doc(ngx_http_imgp_ctx_t *ctx,
    const imgp_job_t *job, imgp_doc_ctx_t *doc, imgp_expect_t *expect);
static ngx_int_t ngx_http_imgp_console_prefix(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_console_id(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_str_t *path);
static ngx_int_t ngx_http_imgp_console_show(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_console_item(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_console_retry(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_console_cancel(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx);
static ngx_int_t ngx_http_imgp_console_bind(ngx_http_imgp_ctx_t *ctx);


ngx_int_t
ngx_http_imgp_console_list(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *path)
{
    ngx_int_t                      rc, limit;
    ngx_uint_t                     i, n;
    imgp_json_t                    doc, rows;
    ngx_http_imgp_brief_t         *list;
    ngx_http_imgp_brief_filter_t   filter;

    rc = ngx_http_imgp_list_filter(r, ctx, &filter);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    limit = ngx_http_imgp_list_number(r, "limit", NGX_HTTP_IMGP_LIST_LIMIT);

    if (limit < 1 || limit > NGX_HTTP_IMGP_LIST_PAGE) {
        return ngx_http_imgp_reply_error(r, IMGP_E_BAD_PARAM,
                                         "\"limit\" must be from 1 to 100");
    }

    list = ngx_palloc(r->pool, limit * sizeof(ngx_http_imgp_brief_t));

    if (list == NULL || ngx_http_imgp_console_prefix(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    n = ngx_http_imgp_brief(ctx->worker->zone, &filter, list, limit);

    doc.json = json_object();
    rows.json = json_array();

    for (i = n; i-- > 0; /* void */ ) {
        imgp_json_add(&rows, ngx_http_imgp_list_row(ctx, &list[i]));
    }

    imgp_json_set(&doc, "jobs", rows.json);
    imgp_json_set(&doc, "before", n == (ngx_uint_t) limit
                  ? json_integer(list[0].seq) : json_null());

    return ngx_http_imgp_console_send(r, &doc);
}


/* NGX_DECLINED: nothing is answered yet */

static ngx_int_t
ngx_http_imgp_list_filter(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_brief_filter_t *filter)
{
    ngx_int_t                  rc;
    ngx_str_t                  value;
    ngx_http_imgp_pipeline_t  *pipeline;

    ngx_memzero(filter, sizeof(ngx_http_imgp_brief_filter_t));

    filter->pipeline = NGX_HTTP_IMGP_BRIEF_ANY;

    rc = ngx_http_imgp_list_states(r, &filter->states);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_imgp_list_arg(r, "pipeline", &value) == NGX_OK) {
        pipeline = ngx_http_imgp_console_pipeline(ctx->worker,
                                              ngx_http_imgp_str(&value));
        if (pipeline == NULL) {
            return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                             "there is no such pipeline");
        }

        filter->pipeline = pipeline->index;
    }

    if (ngx_http_imgp_list_arg(r, "owner", &value) == NGX_OK) {
        ngx_http_imgp_list_owner(ctx, &value);
        filter->owner = ctx->owner;
    }

    rc = ngx_http_imgp_list_number(r, "before", 0);

    if (rc == NGX_ERROR) {
        return ngx_http_imgp_reply_error(r, IMGP_E_BAD_PARAM,
                                         "\"before\" must be a number");
    }

    filter->before = rc;

    return NGX_DECLINED;
}


/* "queued,running"; none: all */

static ngx_int_t
ngx_http_imgp_list_states(ngx_http_request_t *r, ngx_uint_t *states)
{
    u_char      *p;
    ngx_str_t    value, word;
    ngx_uint_t   i;
    const char  *name;

    if (ngx_http_imgp_list_arg(r, "status", &value) != NGX_OK) {
        *states = NGX_HTTP_IMGP_BRIEF_ALL;
        return NGX_DECLINED;
    }

    while (value.len) {
        p = ngx_strlchr(value.data, value.data + value.len, ',');

        word.data = value.data;
        word.len = p ? (size_t) (p - value.data) : value.len;

        value.data += word.len + (p != NULL);
        value.len -= word.len + (p != NULL);

        for (i = IMGP_JOB_QUEUED; i <= IMGP_JOB_CANCELED; i++) {
            name = imgp_job_state_name(i);

            if (ngx_strlen(name) == word.len
                && ngx_strncmp(name, word.data, word.len) == 0)
            {
                break;
            }
        }

        if (i > IMGP_JOB_CANCELED) {
            return ngx_http_imgp_reply_error(r, IMGP_E_BAD_PARAM,
                                             "\"status\" must be of queued, "
                                             "running, succeeded, failed, "
                                             "canceled");
        }

        *states |= 1 << i;
    }

    return NGX_DECLINED;
}


/* as $image_pipeline_owner's variable has it, or as the console shows it */

static void
ngx_http_imgp_list_owner(ngx_http_imgp_ctx_t *ctx, ngx_str_t *value)
{
    u_char      digest[IMGP_DIGEST_LEN];
    ngx_int_t   n;
    ngx_uint_t  i;

    imgp_digest(value->data, value->len, digest);

    for (i = 0; value->len == 2 * IMGP_OWNER_LEN && i < IMGP_OWNER_LEN; i++) {
        n = ngx_hextoi(value->data + 2 * i, 2);

        if (n == NGX_ERROR) {
            imgp_digest(value->data, value->len, digest);
            break;
        }

        digest[i] = n;
    }

    ngx_memcpy(ctx->owner, digest, IMGP_OWNER_LEN);
}


static ngx_int_t
ngx_http_imgp_list_number(ngx_http_request_t *r, const char *name,
    ngx_int_t n)
{
    ngx_str_t  value;

    if (ngx_http_imgp_list_arg(r, name, &value) != NGX_OK) {
        return n;
    }

    return ngx_atoi(value.data, value.len);
}


/* NGX_DECLINED: it is not there, or empty */

static ngx_int_t
ngx_http_imgp_list_arg(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    u_char     *dst, *src;
    ngx_str_t   arg;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &arg) != NGX_OK
        || arg.len == 0)
    {
        return NGX_DECLINED;
    }

    value->data = ngx_pnalloc(r->pool, arg.len);
    if (value->data == NULL) {
        return NGX_DECLINED;
    }

    dst = value->data;
    src = arg.data;
    ngx_unescape_uri(&dst, &src, arg.len, 0);
    value->len = dst - value->data;

    return NGX_OK;
}


/* NULL: it is not in the table any more */

static json_t *
ngx_http_imgp_list_row(ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_brief_t *brief)
{
    json_t                 *row;
    imgp_job_t             *job;
    imgp_expect_t           expect[IMGP_STAGES_MAX];
    imgp_doc_ctx_t          doc;
    ngx_http_imgp_entry_t   e;

    if (ngx_http_imgp_table_read(ctx->worker->zone, brief->id,
                                 ctx->worker->scratch, IMGP_RECORD_MAX, &e)
        != NGX_OK)
    {
        return json_null();
    }

    job = imgp_record_decode(e.record, e.len, &imgp_malloc);
    if (job == NULL) {
        return json_null();
    }

    ngx_http_imgp_list_doc(ctx, job, &doc, expect);

    row = imgp_doc_console_row(job, &doc);

    imgp_job_destroy(job);

    return row;
}


static void
ngx_http_imgp_list_doc(ngx_http_imgp_ctx_t *ctx, const imgp_job_t *job,
    imgp_doc_ctx_t *doc, imgp_expect_t *expect)
{
    ngx_http_imgp_zone_t      *zone;
    ngx_http_imgp_pipeline_t  *pipeline;

    zone = ctx->worker->zone;
    pipeline = ngx_http_imgp_console_pipeline(ctx->worker, &job->pipeline);

    ngx_memzero(doc, sizeof(imgp_doc_ctx_t));

    doc->prefix.len = ctx->prefix.len;
    doc->prefix.data = ctx->prefix.data;
    doc->position = ctx->position;
    doc->now = ngx_http_imgp_now();

    if (pipeline) {
        ngx_http_imgp_expected(zone, pipeline, job, expect);

        doc->plan = pipeline->plan;
        doc->expect = expect;
        doc->pace_us = ngx_http_imgp_expect_pace(zone, pipeline->index);
    }
}


/* of the URLs of a job and its pictures */

static ngx_int_t
ngx_http_imgp_console_prefix(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    u_char  *p;
    size_t   len;

    len = ctx->prefix.len + sizeof(NGX_HTTP_IMGP_CONSOLE_JOBS) - 1;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(p, ctx->prefix.data, ctx->prefix.len),
               NGX_HTTP_IMGP_CONSOLE_JOBS,
               sizeof(NGX_HTTP_IMGP_CONSOLE_JOBS) - 1);

    ctx->prefix.data = p;
    ctx->prefix.len = len;

    return NGX_OK;
}


/* takes it off the path; NGX_DECLINED: nothing is answered yet */

static ngx_int_t
ngx_http_imgp_console_id(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *path)
{
    ngx_http_imgp_console_part(path, &ctx->job);

    if (imgp_id_parse(ctx->job.data, ctx->job.len, ctx->id) != IMGP_OK) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such job");
    }

    return ngx_http_imgp_console_prefix(r, ctx) == NGX_OK
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* "ID", "ID/input", "ID/STAGE/N" */

ngx_int_t
ngx_http_imgp_console_job(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *path)
{
    ngx_int_t  rc;

    rc = ngx_http_imgp_console_id(r, ctx, path);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (path->len) {
        ngx_http_imgp_console_part(path, &ctx->stage);

        rc = path->len ? ngx_atoi(path->data, path->len) : 0;

        if (rc == NGX_ERROR) {
            return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                             "there is no such output");
        }

        /* a number from 1; 0: what was uploaded */

        ctx->item = path->len ? rc + 1 : 0;
    }

    return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_console_show);
}


static ngx_int_t
ngx_http_imgp_console_show(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    char            *text;
    size_t           len;
    imgp_expect_t    expect[IMGP_STAGES_MAX];
    imgp_doc_ctx_t   doc;

    if (ngx_http_imgp_console_bind(ctx) != NGX_OK) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                         "there is no such job");
    }

    if (ctx->stage.len) {
        return ngx_http_imgp_console_item(r, ctx);
    }

    ngx_http_imgp_list_doc(ctx, ctx->view, &doc, expect);

    text = imgp_doc_console_job(ctx->view, &doc, &len);

    if (text == NULL
        || ngx_http_imgp_reply_header(r, "Cache-Control", "no-store")
           != NGX_OK)
    {
        free(text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_imgp_reply_text(r, NGX_HTTP_OK, "application/json", text,
                                    len);
}


/* also what its owner does not get to see */

static ngx_int_t
ngx_http_imgp_console_item(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_uint_t   i;
    imgp_job_t  *job;

    job = ctx->view;

    if (ctx->item == 0) {
        return ctx->stage.len == 5
               && ngx_strncmp(ctx->stage.data, "input", 5) == 0
               ? ngx_http_imgp_result_send(r, ctx, &job->input)
               : ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                           "there is no such output");
    }

    for (i = 0; i < job->nstages; i++) {

        if (job->stage_names[i].len == ctx->stage.len
            && ngx_strncmp(job->stage_names[i].data, ctx->stage.data,
                           ctx->stage.len)
               == 0
            && job->stages[i].state == IMGP_ST_SUCCEEDED
            && ctx->item <= job->stages[i].nitems)
        {
            return ngx_http_imgp_result_send(r, ctx,
                                        &job->stages[i].items[ctx->item - 1]);
        }
    }

    return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                     "the job has no such output");
}


ngx_int_t
ngx_http_imgp_console_change(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *path)
{
    ngx_int_t  rc;

    rc = ngx_http_imgp_console_id(r, ctx, path);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (path->len == 5 && ngx_strncmp(path->data, "retry", 5) == 0) {
        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_console_retry);
    }

    if (path->len == 6 && ngx_strncmp(path->data, "cancel", 6) == 0) {
        return ngx_http_imgp_job_get(r, ctx, ngx_http_imgp_console_cancel);
    }

    return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                                     "a job can be sent \"retry\" or "
                                     "\"cancel\"");
}


static ngx_int_t
ngx_http_imgp_console_retry(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ngx_http_imgp_console_bind(ctx) == NGX_OK
        && ctx->conf->pipeline == NULL)
    {
        return ngx_http_imgp_reply_error(r, IMGP_E_PIPELINE_GONE,
                                         "its pipeline is not configured");
    }

    return ngx_http_imgp_job_retry(r, ctx);
}


static ngx_int_t
ngx_http_imgp_console_cancel(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    if (ngx_http_imgp_console_bind(ctx) == NGX_OK
        && ctx->conf->pipeline == NULL)
    {
        return ngx_http_imgp_reply_error(r, IMGP_E_PIPELINE_GONE,
                                         "its pipeline is not configured");
    }

    return ngx_http_imgp_job_cancel(r, ctx);
}


/* the request is one of the job's owner, in its pipeline; NGX_DECLINED: there
   is no job */

static ngx_int_t
ngx_http_imgp_console_bind(ngx_http_imgp_ctx_t *ctx)
{
    if (ctx->view == NULL) {
        return NGX_DECLINED;
    }

    ctx->conf->pipeline = ngx_http_imgp_console_pipeline(ctx->worker,
                                                     &ctx->view->pipeline);
    ngx_memcpy(ctx->owner, ctx->view->owner, IMGP_OWNER_LEN);

    return NGX_OK;
}
