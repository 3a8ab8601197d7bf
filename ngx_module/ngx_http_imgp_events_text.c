
/*
 * The texts of server-sent events, and how they leave: through nginx's
 * filters, as far as the socket has room; the rest when it is writable again,
 * or never, when the client does not read for "send_timeout".
 *
 * Event loop.  Memory of texts is malloc'ed, as streams live for hours.
 */


#include "ngx_http_imgp_events.h"


#define NGX_HTTP_IMGP_EVENTS_RETRY   2000    /* ms until a client comes back */
#define NGX_HTTP_IMGP_EVENTS_SOON    200     /* ... on a reload, */
#define NGX_HTTP_IMGP_EVENTS_SPREAD  1000    /* ... and some of these more */


static ngx_int_t ngx_http_imgp_events_sent(ngx_http_request_t *r,
    ngx_http_imgp_events_t *es, ngx_int_t rc);


ngx_http_imgp_events_text_t *
ngx_http_imgp_events_text(ngx_http_imgp_events_t *es)
{
    u_char                        head[sizeof("retry: \n\n")
                                       + NGX_INT_T_LEN];
    u_char                       *last;
    ngx_http_imgp_events_text_t  *text;

    text = calloc(1, sizeof(ngx_http_imgp_events_text_t));
    if (text == NULL) {
        return NULL;
    }

    text->refs = 1;
    text->made = ngx_http_imgp_now();

    if (es->begun) {
        return text;
    }

    last = ngx_sprintf(head, "retry: %d\n\n", NGX_HTTP_IMGP_EVENTS_RETRY);

    if (ngx_http_imgp_events_append(text, (char *) head, last - head)
        != NGX_OK)
    {
        ngx_http_imgp_events_unref(text);
        return NULL;
    }

    return text;
}


void
ngx_http_imgp_events_unref(ngx_http_imgp_events_text_t *text)
{
    if (text && --text->refs == 0) {
        free(text->data);
        free(text);
    }
}


ngx_int_t
ngx_http_imgp_events_append(ngx_http_imgp_events_text_t *text,
    const char *data, size_t len)
{
    char  *p;

    p = realloc(text->data, text->len + len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p + text->len, data, len);
    text->data = p;
    text->len += len;

    return NGX_OK;
}


/* what is new of ctx->view */

ngx_int_t
ngx_http_imgp_events_add(ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_events_text_t *text, imgp_doc_seen_t *seen,
    const imgp_doc_ids_t *ids)
{
    char            *data;
    size_t           len;
    ngx_int_t        rc;
    imgp_doc_ctx_t   doc;
    imgp_expect_t    expect[IMGP_STAGES_MAX];

    ngx_http_imgp_reply_doc(ctx, &doc, expect);

    data = imgp_doc_events(ctx->view, &doc, seen, ids, &len);
    if (data == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_imgp_events_append(text, data, len);

    free(data);

    return rc;
}


ngx_int_t
ngx_http_imgp_events_beat(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_http_imgp_events_text_t  *text;

    text = ngx_http_imgp_events_text(ctx->events);

    if (text == NULL
        || ngx_http_imgp_events_append(text, ": hb\n\n", 6) != NGX_OK)
    {
        ngx_http_imgp_events_unref(text);
        return NGX_ERROR;
    }

    return ngx_http_imgp_events_send(r, ctx, text, 0);
}


/* takes the text over */

ngx_int_t
ngx_http_imgp_events_send(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_http_imgp_events_text_t *text, ngx_uint_t last)
{
    ngx_int_t                rc;
    ngx_buf_t               *b;
    ngx_chain_t              out;
    ngx_http_imgp_events_t  *es;

    es = ctx->events;
    es->text = text;

    /* shared: nobody may write into it */

    b = &es->buf;
    ngx_memzero(b, sizeof(ngx_buf_t));
    b->start = (u_char *) text->data;
    b->pos = b->start;
    b->last = b->start + text->len;
    b->end = b->last;
    b->tag = (ngx_buf_tag_t) &ngx_http_image_pipeline_module;
    b->memory = 1;
    b->flush = 1;
    b->last_buf = last;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    if (last) {
        return rc == NGX_AGAIN ? NGX_OK : rc;
    }

    return ngx_http_imgp_events_sent(r, es, rc);
}


/* NGX_HTTP_IMGP_NOT_YET, with es->text as long as something is left of it */

static ngx_int_t
ngx_http_imgp_events_sent(ngx_http_request_t *r, ngx_http_imgp_events_t *es,
    ngx_int_t rc)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    c = r->connection;
    wev = c->write;

    if (r->buffered || c->buffered || ngx_buf_size(&es->buf)) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (!wev->delayed) {
            ngx_add_timer(wev, clcf->send_timeout);
        }

        return ngx_handle_write_event(wev, clcf->send_lowat) == NGX_OK
               ? NGX_HTTP_IMGP_NOT_YET : NGX_ERROR;
    }

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    ngx_http_imgp_events_unref(es->text);
    es->text = NULL;

    return NGX_HTTP_IMGP_NOT_YET;
}


/* the socket has room again, or the client has not read for too long */

void
ngx_http_imgp_events_writer(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_event_t             *wev;
    ngx_connection_t        *c;
    ngx_http_imgp_ctx_t     *ctx;
    ngx_http_imgp_events_t  *es;

    c = r->connection;
    wev = c->write;
    ctx = ngx_http_get_module_ctx(r, ngx_http_image_pipeline_module);
    es = ctx->events;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;
        ngx_http_imgp_watch_end(ctx, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (es->text == NULL || wev->delayed) {
        return;
    }

    rc = ngx_http_imgp_events_sent(r, es, ngx_http_output_filter(r, NULL));

    if (rc == NGX_ERROR) {
        ngx_http_imgp_watch_end(ctx, NGX_ERROR);
        return;
    }

    if (es->text == NULL && ctx->missed) {
        ngx_http_imgp_watch_look(ctx);
    }
}


/* the client is to come back, not all of them at once; this goes behind what
   it has not taken yet */

ngx_int_t
ngx_http_imgp_events_close(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_create_temp_buf(r->pool, sizeof("retry: \n\n") + NGX_INT_T_LEN);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last, "retry: %ui\n\n",
                          (ngx_uint_t) NGX_HTTP_IMGP_EVENTS_SOON
                          + ngx_random() % NGX_HTTP_IMGP_EVENTS_SPREAD);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}
