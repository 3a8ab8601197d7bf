
/*
 * "image_pipeline_metrics": what the zone has counted, as text of Prometheus
 * (exposition format 0.0.4).  Whatever worker answers, the numbers are those
 * of all of this machine.
 *
 * Event loop.  The text lies in the request's pool.
 */


#include "ngx_http_imgp_metrics.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_brief.h"
#include "ngx_http_imgp_stat.h"
#include "ngx_http_imgp_halt.h"


#define NGX_HTTP_IMGP_METRICS_PAGE  8192
#define NGX_HTTP_IMGP_METRICS_LINE  1024


typedef struct {
    const char                    *name;
    const char                    *type;
    const char                    *help;
    void                         (*print)(ngx_http_imgp_metrics_t *m,
                                          const char *name);
} ngx_http_imgp_family_t;


static ngx_int_t ngx_http_imgp_metrics_send(ngx_http_imgp_metrics_t *m);
static void ngx_http_imgp_metrics_ended(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_jobs(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_oldest(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_durations(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_stages(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_histogram(ngx_http_imgp_metrics_t *m,
    const char *name, const u_char *labels, ngx_http_imgp_histogram_t *h);
static void ngx_http_imgp_metrics_cache(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_waiters(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_zone(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_store(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_redis(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_notify(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_unsent(ngx_http_imgp_metrics_t *m,
    const char *name);
static void ngx_http_imgp_metrics_halted(ngx_http_imgp_metrics_t *m,
    const char *name);


static const ngx_http_imgp_family_t  ngx_http_imgp_families[] = {

    { "image_pipeline_jobs_total", "counter",
      "Jobs that have ended, by their end.",
      ngx_http_imgp_metrics_ended },

    { "image_pipeline_jobs", "gauge",
      "Jobs that are queued or running now.",
      ngx_http_imgp_metrics_jobs },

    { "image_pipeline_queue_oldest_age_seconds", "gauge",
      "How long the job has waited that waits longest.",
      ngx_http_imgp_metrics_oldest },

    { "image_pipeline_job_duration_seconds", "histogram",
      "From the first byte of the upload to the end of the job.",
      ngx_http_imgp_metrics_durations },

    { "image_pipeline_stage_duration_seconds", "histogram",
      "Run time of stages that succeeded and were not known.",
      ngx_http_imgp_metrics_stages },

    { "image_pipeline_cache_requests_total", "counter",
      "Uploads, by what was known of their results.",
      ngx_http_imgp_metrics_cache },

    { "image_pipeline_waiters", "gauge",
      "Clients that are held.",
      ngx_http_imgp_metrics_waiters },

    { "image_pipeline_service_requests_total", "counter",
      "Calls of services, by the status of the answer.",
      ngx_http_imgp_metrics_calls },

    { "image_pipeline_service_inflight", "gauge",
      "Calls of services that are out.",
      ngx_http_imgp_metrics_flying },

    { "image_pipeline_breaker_open", "gauge",
      "1 while a service is not called because it failed too often.",
      ngx_http_imgp_metrics_open },

    { "image_pipeline_retries_total", "counter",
      "Attempts after the first one.",
      ngx_http_imgp_metrics_retries },

    { "image_pipeline_cost_total", "counter",
      "Sum of \"cost\" of calls that succeeded.",
      ngx_http_imgp_metrics_cost },

    { "image_pipeline_zone_bytes", "gauge",
      "The shared memory zone.",
      ngx_http_imgp_metrics_zone },

    { "image_pipeline_store_bytes", "gauge",
      "The files of the store, as they were last counted.",
      ngx_http_imgp_metrics_store },

    { "image_pipeline_redis_up", "gauge",
      "1 while Redis answers; not there without \"image_pipeline_redis\".",
      ngx_http_imgp_metrics_redis },

    { "image_pipeline_notify_total", "counter",
      "Attempts to tell of an end, by what came of them.",
      ngx_http_imgp_metrics_notify },

    { "image_pipeline_notify", "gauge",
      "Ends that are not told yet, or were given up.",
      ngx_http_imgp_metrics_unsent },

    { "image_pipeline_halted", "gauge",
      "1 for a stage that is paused; stage \"\": its pipeline drains.",
      ngx_http_imgp_metrics_halted },

    { NULL, NULL, NULL, NULL }
};


ngx_int_t
ngx_http_imgp_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_http_imgp_metrics_t        m;
    const ngx_http_imgp_family_t  *f;
    ngx_http_imgp_main_conf_t     *imcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    imcf = ngx_http_get_module_main_conf(r, ngx_http_image_pipeline_module);

    ngx_memzero(&m, sizeof(ngx_http_imgp_metrics_t));
    m.request = r;
    m.worker = imcf->worker;

    if (m.worker == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    for (f = ngx_http_imgp_families; f->name; f++) {
        ngx_http_imgp_metrics_add(&m, "# HELP %s %s\n# TYPE %s %s\n",
                                  f->name, f->help, f->name, f->type);
        f->print(&m, f->name);
    }

    return m.failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                    : ngx_http_imgp_metrics_send(&m);
}


static ngx_int_t
ngx_http_imgp_metrics_send(ngx_http_imgp_metrics_t *m)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = m->request;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = m->size;
    ngx_str_set(&r->headers_out.content_type,
                "text/plain; version=0.0.4; charset=utf-8");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    m->last->buf->last_buf = (r == r->main) ? 1 : 0;
    m->last->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, m->first);
}


void
ngx_http_imgp_metrics_add(ngx_http_imgp_metrics_t *m, const char *fmt, ...)
{
    u_char        line[NGX_HTTP_IMGP_METRICS_LINE], *end;
    va_list       args;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    va_start(args, fmt);
    end = ngx_vslprintf(line, line + sizeof(line), fmt, args);
    va_end(args);

    if (m->last == NULL || m->last->buf->end - m->last->buf->last < end - line)
    {
        b = ngx_create_temp_buf(m->request->pool, NGX_HTTP_IMGP_METRICS_PAGE);
        cl = ngx_alloc_chain_link(m->request->pool);

        if (b == NULL || cl == NULL) {
            m->failed = 1;
            return;
        }

        cl->buf = b;
        cl->next = NULL;

        if (m->last) {
            m->last->next = cl;

        } else {
            m->first = cl;
        }

        m->last = cl;
    }

    b = m->last->buf;
    b->last = ngx_cpymem(b->last, line, end - line);
    m->size += end - line;
}


u_char *
ngx_http_imgp_metrics_label(u_char *buf, const void *name)
{
    u_char           *p;
    ngx_uint_t        i;
    const ngx_str_t  *s = name;

    p = buf;

    for (i = 0; i < s->len && i < IMGP_NAME_LEN - 1; i++) {

        if (s->data[i] == '"' || s->data[i] == '\\') {
            *p++ = '\\';
        }

        *p++ = s->data[i] == LF ? ' ' : s->data[i];
    }

    *p = '\0';

    return buf;
}


#define ngx_http_imgp_metrics_each(m, i, p)                                   \
    for (i = 0, p = (m)->worker->conf->pipelines.elts;                        \
         i < (m)->worker->conf->pipelines.nelts;                              \
         i++, p++)


static void
ngx_http_imgp_metrics_ended(ngx_http_imgp_metrics_t *m, const char *name)
{
    u_char                          label[NGX_HTTP_IMGP_METRICS_LABEL];
    ngx_uint_t                      i, k;
    ngx_http_imgp_pipeline_t      **p;
    ngx_http_imgp_stat_pipeline_t   s;

    ngx_http_imgp_metrics_each(m, i, p) {
        ngx_http_imgp_stat_pipeline(m->worker->zone, (*p)->index, &s);

        for (k = 0; k < NGX_HTTP_IMGP_STAT_STATES; k++) {
            ngx_http_imgp_metrics_add(m,
                         "%s{pipeline=\"%s\",status=\"%s\"} %ui\n", name,
                         ngx_http_imgp_metrics_label(label, &(*p)->plan->name),
                         imgp_job_state_name(IMGP_JOB_SUCCEEDED + k),
                         s.ended[k]);
        }
    }
}


static void
ngx_http_imgp_metrics_jobs(ngx_http_imgp_metrics_t *m, const char *name)
{
    u_char                          label[NGX_HTTP_IMGP_METRICS_LABEL];
    ngx_uint_t                      i;
    ngx_http_imgp_pipeline_t      **p;
    ngx_http_imgp_stat_pipeline_t   s;

    ngx_http_imgp_metrics_each(m, i, p) {
        ngx_http_imgp_stat_pipeline(m->worker->zone, (*p)->index, &s);
        ngx_http_imgp_metrics_label(label, &(*p)->plan->name);

        ngx_http_imgp_metrics_add(m,
                         "%s{pipeline=\"%s\",state=\"queued\"} %ui\n"
                         "%s{pipeline=\"%s\",state=\"running\"} %ui\n",
                         name, label, s.queued, name, label, s.running);
    }
}


static void
ngx_http_imgp_metrics_oldest(ngx_http_imgp_metrics_t *m, const char *name)
{
    uint64_t                    ms;
    u_char                      label[NGX_HTTP_IMGP_METRICS_LABEL];
    ngx_uint_t                  i;
    ngx_http_imgp_pipeline_t  **p;

    ngx_http_imgp_metrics_each(m, i, p) {
        ms = ngx_http_imgp_brief_age(m->worker, (*p)->index);

        ngx_http_imgp_metrics_add(m, "%s{pipeline=\"%s\"} %uL.%03uL\n", name,
                         ngx_http_imgp_metrics_label(label, &(*p)->plan->name),
                         ms / 1000, ms % 1000);
    }
}


static void
ngx_http_imgp_metrics_durations(ngx_http_imgp_metrics_t *m, const char *name)
{
    u_char                          label[NGX_HTTP_IMGP_METRICS_LABEL];
    u_char                          labels[sizeof("pipeline=\"\"")
                                           + NGX_HTTP_IMGP_METRICS_LABEL];
    ngx_uint_t                      i;
    ngx_http_imgp_pipeline_t      **p;
    ngx_http_imgp_stat_pipeline_t   s;

    ngx_http_imgp_metrics_each(m, i, p) {
        ngx_http_imgp_stat_pipeline(m->worker->zone, (*p)->index, &s);

        ngx_sprintf(labels, "pipeline=\"%s\"%Z",
                    ngx_http_imgp_metrics_label(label, &(*p)->plan->name));
        ngx_http_imgp_metrics_histogram(m, name, labels, &s.jobs);
    }
}


static void
ngx_http_imgp_metrics_stages(ngx_http_imgp_metrics_t *m, const char *name)
{
    u_char                       label[NGX_HTTP_IMGP_METRICS_LABEL];
    u_char                       stage[NGX_HTTP_IMGP_METRICS_LABEL];
    u_char                       labels[sizeof("pipeline=\"\",stage=\"\"")
                                        + 2 * NGX_HTTP_IMGP_METRICS_LABEL];
    ngx_uint_t                   i, k;
    ngx_http_imgp_pipeline_t   **p;
    ngx_http_imgp_histogram_t    h;

    ngx_http_imgp_metrics_each(m, i, p) {

        ngx_http_imgp_metrics_label(label, &(*p)->plan->name);

        for (k = 0; k < (*p)->plan->nstages; k++) {

            if (ngx_http_imgp_stat_stage_read(m->worker->zone, (*p)->index,
                                              k, &h)
                != NGX_OK)
            {
                continue;
            }

            ngx_sprintf(labels, "pipeline=\"%s\",stage=\"%s\"%Z", label,
                        ngx_http_imgp_metrics_label(stage,
                                              &(*p)->plan->stages[k].name));
            ngx_http_imgp_metrics_histogram(m, name, labels, &h);
        }
    }
}


static void
ngx_http_imgp_metrics_histogram(ngx_http_imgp_metrics_t *m, const char *name,
    const u_char *labels, ngx_http_imgp_histogram_t *h)
{
    uint64_t    n;
    ngx_uint_t  i;

    static const char *const  le[NGX_HTTP_IMGP_STAT_BUCKETS] = {
        "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5",
        "10", "30", "60", "120", "300", "600", "+Inf"
    };

    for (n = 0, i = 0; i < NGX_HTTP_IMGP_STAT_BUCKETS; i++) {
        n += h->buckets[i];

        ngx_http_imgp_metrics_add(m, "%s_bucket{%s,le=\"%s\"} %uL\n", name,
                                  labels, le[i], n);
    }

    ngx_http_imgp_metrics_add(m, "%s_sum{%s} %uL.%03uL\n%s_count{%s} %uL\n",
                              name, labels, (uint64_t) h->sum / 1000,
                              (uint64_t) h->sum % 1000, name, labels, n);
}


static void
ngx_http_imgp_metrics_cache(ngx_http_imgp_metrics_t *m, const char *name)
{
    u_char                          label[NGX_HTTP_IMGP_METRICS_LABEL];
    ngx_uint_t                      i, k;
    ngx_http_imgp_pipeline_t      **p;
    ngx_http_imgp_stat_pipeline_t   s;

    static const char *const  results[NGX_HTTP_IMGP_STAT_CACHE] = {
        "hit", "miss", "joined", "bypass"
    };

    ngx_http_imgp_metrics_each(m, i, p) {
        ngx_http_imgp_stat_pipeline(m->worker->zone, (*p)->index, &s);

        for (k = 0; k < NGX_HTTP_IMGP_STAT_CACHE; k++) {
            ngx_http_imgp_metrics_add(m,
                         "%s{pipeline=\"%s\",result=\"%s\"} %ui\n", name,
                         ngx_http_imgp_metrics_label(label, &(*p)->plan->name),
                         results[k], s.cache[k]);
        }
    }
}


static void
ngx_http_imgp_metrics_waiters(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_stat_zone_t  s;

    ngx_http_imgp_stat_zone(m->worker->zone, &s);

    ngx_http_imgp_metrics_add(m, "%s{kind=\"poll\"} %ui\n"
                              "%s{kind=\"events\"} %ui\n"
                              "%s{kind=\"owner\"} %ui\n",
                              name, s.held[NGX_HTTP_IMGP_HELD_POLL],
                              name, s.held[NGX_HTTP_IMGP_HELD_EVENTS],
                              name, s.held[NGX_HTTP_IMGP_HELD_OWNER]);
}


static void
ngx_http_imgp_metrics_zone(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_stat_zone_t  s;

    ngx_http_imgp_stat_zone(m->worker->zone, &s);

    ngx_http_imgp_metrics_add(m, "%s{kind=\"size\"} %uz\n"
                              "%s{kind=\"used\"} %uz\n", name, s.size, name,
                              s.used);
}


static void
ngx_http_imgp_metrics_store(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_stat_zone_t  s;

    ngx_http_imgp_stat_zone(m->worker->zone, &s);

    ngx_http_imgp_metrics_add(m, "%s %uz\n", name, s.store);
}


static void
ngx_http_imgp_metrics_redis(ngx_http_imgp_metrics_t *m, const char *name)
{
    if (m->worker->redis) {
        ngx_http_imgp_metrics_add(m, "%s %ui\n", name,
                                  ngx_http_imgp_redis_is_up(m->worker));
    }
}


static void
ngx_http_imgp_metrics_notify(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_notify_stat_t  s;

    ngx_http_imgp_notify_stat(m->worker->zone, &s);

    ngx_http_imgp_metrics_add(m, "%s{result=\"delivered\"} %ui\n"
                              "%s{result=\"failed\"} %ui\n"
                              "%s{result=\"given_up\"} %ui\n", name,
                              s.delivered, name, s.failed, name, s.given_up);
}


static void
ngx_http_imgp_metrics_unsent(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_http_imgp_notify_stat_t  s;

    ngx_http_imgp_notify_stat(m->worker->zone, &s);

    ngx_http_imgp_metrics_add(m, "%s{state=\"pending\"} %ui\n"
                              "%s{state=\"dead\"} %ui\n", name, s.pending,
                              name, s.dead);
}


/* names of pipelines and stages need no quoting */

static void
ngx_http_imgp_metrics_halted(ngx_http_imgp_metrics_t *m, const char *name)
{
    ngx_uint_t            i, n;
    ngx_http_imgp_halt_t  list[NGX_HTTP_IMGP_HALTS];

    n = ngx_http_imgp_halt_list(m->worker->zone, list);

    for (i = 0; i < n; i++) {
        ngx_http_imgp_metrics_add(m, "%s{pipeline=\"%s\",stage=\"%s\"} 1\n",
                                  name, list[i].pipeline, list[i].stage);
    }
}
