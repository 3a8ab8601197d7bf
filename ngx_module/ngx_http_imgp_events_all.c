
/*
 * All jobs of an owner on one stream.  It begins with those that the job table
 * has, newest last; what changes later comes by the wake-ups of jobs, whose
 * owner the table tells.  What was missed, because the client was slow or too
 * much happened at once, is found by a scan like the first one.
 *
 * Ids are times: up to then all was told.  Event loop.
 */


#include "ngx_http_imgp_events.h"


#define NGX_HTTP_IMGP_EVENTS_JOBS   256     /* of an owner, on a stream */
#define NGX_HTTP_IMGP_EVENTS_TEXT   65536   /* bytes: no further job then */
#define NGX_HTTP_IMGP_EVENTS_CLOCK  2000    /* ms that clocks may differ */


static ngx_int_t ngx_http_imgp_events_changed(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_http_imgp_events_text_t *text);
static ngx_int_t ngx_http_imgp_events_scan(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_http_imgp_events_text_t *text);
static ngx_int_t ngx_http_imgp_events_listed(ngx_http_request_t *r,
    ngx_http_imgp_ctx_t *ctx, ngx_http_imgp_events_text_t *text,
    ngx_http_imgp_brief_t *brief);
static imgp_doc_seen_t *ngx_http_imgp_events_seen(ngx_http_imgp_events_t *es,
    const u_char *id);
static void ngx_http_imgp_events_forget(ngx_http_imgp_events_t *es,
    ngx_http_imgp_brief_t *list, ngx_uint_t n);


/* ids are secrets, so a stream of nobody's jobs would tell them to everybody */

ngx_int_t
ngx_http_imgp_events_all(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_http_imgp_events_t  *es;

    for (i = 0; i < IMGP_OWNER_LEN && ctx->owner[i] == 0; i++) { /* void */ }

    if (i == IMGP_OWNER_LEN) {
        return ngx_http_imgp_reply_error(r, IMGP_E_NOT_FOUND,
                       "jobs without an owner (\"image_pipeline_owner\") have "
                       "no stream in common");
    }

    es = ngx_http_imgp_events_create(r, ctx);
    if (es == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    es->told = ngx_http_imgp_events_last_id(r, ctx);
    es->resumed = es->told != 0;
    ctx->all = 1;
    ctx->missed = 1;

    return ngx_http_imgp_events_open(r, ctx);
}


/* of an owner: the job that changed, or all that did */

ngx_int_t
ngx_http_imgp_events_some(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_uint_t beat)
{
    ngx_int_t                     rc;
    ngx_http_imgp_events_t       *es;
    ngx_http_imgp_events_text_t  *text;

    es = ctx->events;

    do {
        text = ngx_http_imgp_events_text(es);
        if (text == NULL) {
            return NGX_ERROR;
        }

        es->begun = 1;

        rc = ctx->missed ? ngx_http_imgp_events_scan(r, ctx, text)
             : beat ? ngx_http_imgp_events_append(text, ": hb\n\n", 6)
             : ngx_http_imgp_events_changed(r, ctx, text);

        if (rc != NGX_OK || text->len == 0) {
            ngx_http_imgp_events_unref(text);
            return rc == NGX_OK ? NGX_HTTP_IMGP_NOT_YET : NGX_ERROR;
        }

        rc = ngx_http_imgp_events_send(r, ctx, text, 0);

    } while (rc == NGX_HTTP_IMGP_NOT_YET && ctx->missed && es->text == NULL);

    return rc;
}


static ngx_int_t
ngx_http_imgp_events_changed(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_events_text_t *text)
{
    imgp_doc_ids_t           ids;
    imgp_doc_seen_t         *seen;
    ngx_http_imgp_events_t  *es;

    es = ctx->events;

    if (ngx_http_imgp_job_look(r, ctx) != NGX_OK || ctx->view == NULL) {
        return NGX_OK;
    }

    seen = ngx_http_imgp_events_seen(es, ctx->id);
    if (seen == NULL) {
        return NGX_ERROR;
    }

    if (seen->revision == ctx->view->revision) {
        return NGX_OK;
    }

    ids.before = es->told;
    ids.last = ngx_http_imgp_now();
    es->told = ids.last;

    return ngx_http_imgp_events_add(ctx, text, seen, &ids);
}


/*
 * Until the end of it a client that comes back would be told all of it again:
 * the id of the time when it began comes last, by itself, which sets the
 * client's last id and is no event.
 */

static ngx_int_t
ngx_http_imgp_events_scan(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_events_text_t *text)
{
    u_char                         id[sizeof("id: \n\n") + NGX_INT64_LEN];
    u_char                        *last;
    ngx_int_t                      rc;
    ngx_uint_t                     i, n;
    imgp_msec_t                    now;
    ngx_http_imgp_brief_t         *list;
    ngx_http_imgp_events_t        *es;
    ngx_http_imgp_brief_filter_t   filter;

    es = ctx->events;
    now = ngx_http_imgp_now();

    list = ngx_alloc(NGX_HTTP_IMGP_EVENTS_JOBS
                     * sizeof(ngx_http_imgp_brief_t), r->connection->log);
    if (list == NULL) {
        return NGX_ERROR;
    }

    filter.pipeline = ctx->conf->pipeline->index;
    filter.owner = ctx->owner;
    filter.states = NGX_HTTP_IMGP_BRIEF_ALL;
    filter.before = 0;

    n = ngx_http_imgp_brief(ctx->worker->zone, &filter, list,
                            NGX_HTTP_IMGP_EVENTS_JOBS);

    ngx_http_imgp_events_forget(es, list, n);

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < n
                && text->len < NGX_HTTP_IMGP_EVENTS_TEXT; i++)
    {
        rc = ngx_http_imgp_events_listed(r, ctx, text, &list[i]);
    }

    ngx_free(list);

    if (rc == NGX_OK && i == n) {
        last = ngx_sprintf(id, "id: %uL\n\n", now);
        rc = ngx_http_imgp_events_append(text, (char *) id, last - id);

        ctx->missed = 0;
        es->resumed = 0;
        es->told = now;
    }

    return rc;
}


/* one of the scan; what ended before the client was there last is no news */

static ngx_int_t
ngx_http_imgp_events_listed(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_events_text_t *text, ngx_http_imgp_brief_t *brief)
{
    imgp_doc_ids_t           ids;
    imgp_doc_seen_t         *seen;
    ngx_http_imgp_events_t  *es;

    es = ctx->events;

    seen = ngx_http_imgp_events_seen(es, brief->id);
    if (seen == NULL) {
        return NGX_ERROR;
    }

    if (seen->revision == brief->revision) {
        return NGX_OK;
    }

    ngx_memcpy(ctx->id, brief->id, IMGP_ID_BYTES);

    if (ngx_http_imgp_job_look(r, ctx) != NGX_OK || ctx->view == NULL) {
        return NGX_OK;
    }

    if (es->resumed && imgp_job_is_final(ctx->view->state)
        && ctx->view->finished_at + NGX_HTTP_IMGP_EVENTS_CLOCK < es->told)
    {
        imgp_doc_seen(seen, ctx->view);
        return NGX_OK;
    }

    ids.before = es->told;
    ids.last = es->told;

    return ngx_http_imgp_events_add(ctx, text, seen, &ids);
}


/* what the client has seen of a job; NULL: memory is out */

static imgp_doc_seen_t *
ngx_http_imgp_events_seen(ngx_http_imgp_events_t *es, const u_char *id)
{
    ngx_uint_t        i, size;
    imgp_doc_seen_t  *jobs;

    for (i = 0; i < es->njobs; i++) {
        if (ngx_memcmp(es->jobs[i].id, id, IMGP_ID_BYTES) == 0) {
            return &es->jobs[i];
        }
    }

    if (es->njobs == NGX_HTTP_IMGP_EVENTS_JOBS) {

        /* the oldest that has ended goes, or else the oldest */

        for (i = 0; i < es->njobs && !es->jobs[i].final; i++) { /* void */ }

        i = i == es->njobs ? 0 : i;
        es->njobs--;
        ngx_memmove(&es->jobs[i], &es->jobs[i + 1],
                    (es->njobs - i) * sizeof(imgp_doc_seen_t));

    } else if ((es->njobs & (es->njobs - 1)) == 0) {

        /* a power of 2 is full */

        size = es->njobs ? es->njobs * 2 : 1;

        jobs = realloc(es->jobs, size * sizeof(imgp_doc_seen_t));
        if (jobs == NULL) {
            return NULL;
        }

        es->jobs = jobs;
    }

    ngx_memzero(&es->jobs[es->njobs], sizeof(imgp_doc_seen_t));
    ngx_memcpy(es->jobs[es->njobs].id, id, IMGP_ID_BYTES);

    return &es->jobs[es->njobs++];
}


/* jobs that are no more */

static void
ngx_http_imgp_events_forget(ngx_http_imgp_events_t *es,
    ngx_http_imgp_brief_t *list, ngx_uint_t n)
{
    ngx_uint_t  i, k, kept;

    kept = 0;

    for (i = 0; i < es->njobs; i++) {

        for (k = 0; k < n; k++) {
            if (ngx_memcmp(es->jobs[i].id, list[k].id, IMGP_ID_BYTES) == 0) {
                es->jobs[kept++] = es->jobs[i];
                break;
            }
        }
    }

    es->njobs = kept;
}
