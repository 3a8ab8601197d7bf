
/*
 * The state of all, for the console: pipelines with their stages, services,
 * zone, store, Redis.  Numbers are of all workers of this machine; each was
 * true in an instant of its own.
 *
 * Event loop; the lock of the zone is taken for a moment each time.
 */


#include "ngx_http_imgp_console.h"
#include "ngx_http_imgp_brief.h"
#include "ngx_http_imgp_care.h"
#include "ngx_http_imgp_halt.h"
#include "ngx_http_imgp_notify.h"
#include "ngx_http_imgp_redis.h"
#include "ngx_http_imgp_stat.h"
#include <imgp/imgp_doc_console.h>


#define NGX_HTTP_IMGP_STATE_CODE  NGX_INT_T_LEN


static json_t *ngx_http_imgp_state_pipelines(ngx_http_request_t *r,
    ngx_http_imgp_worker_t *w);
static json_t *ngx_http_imgp_state_pipeline(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_stat_now_t *now);
static json_t *ngx_http_imgp_state_counts(const ngx_atomic_t *n,
    const char *const *names, ngx_uint_t max);
static json_t *ngx_http_imgp_state_stages(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_stat_now_t *now);
static json_t *ngx_http_imgp_state_stage(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t i,
    ngx_http_imgp_stat_now_t *now);
static json_t *ngx_http_imgp_state_mean(ngx_http_imgp_worker_t *w,
    ngx_uint_t pipeline, ngx_uint_t stage);
static ngx_int_t ngx_http_imgp_state_service(void *data,
    ngx_http_imgp_tally_service_t *s);
static json_t *ngx_http_imgp_state_codes(ngx_http_imgp_tally_t *tally);
static json_t *ngx_http_imgp_state_zone(ngx_http_imgp_worker_t *w);
static json_t *ngx_http_imgp_state_store(ngx_http_imgp_worker_t *w);
static json_t *ngx_http_imgp_state_notify(ngx_http_imgp_worker_t *w);


ngx_int_t
ngx_http_imgp_console_state(ngx_http_request_t *r, ngx_http_imgp_ctx_t *ctx,
    ngx_str_t *path)
{
    imgp_json_t              doc = imgp_json_object();
    imgp_json_t              services = imgp_json_array();
    ngx_http_imgp_worker_t  *w;

    w = ctx->worker;

    imgp_json_set_int(&doc, "now", ngx_http_imgp_now());
    imgp_json_set(&doc, "pipelines", ngx_http_imgp_state_pipelines(r, w));

    (void) ngx_http_imgp_tally_walk(w->zone, ngx_http_imgp_state_service,
                                    &services);

    imgp_json_set(&doc, "services", services.json);
    imgp_json_set(&doc, "zone", ngx_http_imgp_state_zone(w));
    imgp_json_set(&doc, "store", ngx_http_imgp_state_store(w));
    imgp_json_set(&doc, "notify", ngx_http_imgp_state_notify(w));

    imgp_json_set(&doc, "redis",
                  imgp_json_text(w->redis == NULL ? "none"
                                 : ngx_http_imgp_redis_is_up(w) ? "ok"
                                 : "away"));

    return ngx_http_imgp_console_send(r, &doc);
}


static json_t *
ngx_http_imgp_state_pipelines(ngx_http_request_t *r,
    ngx_http_imgp_worker_t *w)
{
    ngx_uint_t                  i;
    imgp_json_t                 doc;
    ngx_http_imgp_stat_now_t   *now;
    ngx_http_imgp_pipeline_t  **pipelines;

    now = ngx_pcalloc(r->pool, NGX_HTTP_IMGP_PIPELINES_MAX * IMGP_STAGES_MAX
                               * sizeof(ngx_http_imgp_stat_now_t));
    if (now == NULL) {
        return NULL;
    }

    ngx_http_imgp_stat_now(w->zone, now);

    doc.json = json_array();
    pipelines = w->conf->pipelines.elts;

    for (i = 0; i < w->conf->pipelines.nelts; i++) {
        imgp_json_add(&doc, ngx_http_imgp_state_pipeline(w, pipelines[i],
                                 &now[pipelines[i]->index * IMGP_STAGES_MAX]));
    }

    return doc.json;
}


static json_t *
ngx_http_imgp_state_pipeline(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_stat_now_t *now)
{
    ngx_uint_t                      i;
    ngx_atomic_t                    n[NGX_HTTP_IMGP_STAT_CACHE];
    imgp_json_t                     doc = imgp_json_object();
    imgp_plan_t                    *plan;
    ngx_http_imgp_stat_pipeline_t   s;

    static const char *const  ends[] = { "succeeded", "failed", "canceled" };
    static const char *const  cache[] = { "hit", "miss", "joined", "bypass" };

    plan = pipeline->plan;

    ngx_http_imgp_stat_pipeline(w->zone, pipeline->index, &s);

    imgp_json_set(&doc, "name", imgp_json_str(&plan->name));
    imgp_json_set_bool(&doc, "draining",
                       ngx_http_imgp_halted(w->zone, &plan->name,
                                            &ngx_http_imgp_halt_all));
    imgp_json_set_int(&doc, "queued", s.queued);
    imgp_json_set_int(&doc, "queue", plan->queue);
    imgp_json_set_int(&doc, "oldest_ms",
                      ngx_http_imgp_brief_age(w, pipeline->index));
    imgp_json_set_int(&doc, "running", s.running);
    imgp_json_set_int(&doc, "concurrency", plan->concurrency);

    for (i = 0; i < NGX_HTTP_IMGP_STAT_STATES; i++) {
        n[i] = s.ended[i];
    }

    imgp_json_set(&doc, "ended", ngx_http_imgp_state_counts(n, ends,
                                             NGX_HTTP_IMGP_STAT_STATES));

    for (i = 0; i < NGX_HTTP_IMGP_STAT_CACHE; i++) {
        n[i] = s.cache[i];
    }

    imgp_json_set(&doc, "cache", ngx_http_imgp_state_counts(n, cache,
                                             NGX_HTTP_IMGP_STAT_CACHE));

    imgp_json_set(&doc, "stages", ngx_http_imgp_state_stages(w, pipeline,
                                                             now));

    return doc.json;
}


static json_t *
ngx_http_imgp_state_counts(const ngx_atomic_t *n, const char *const *names,
    ngx_uint_t max)
{
    ngx_uint_t   i;
    imgp_json_t  doc = imgp_json_object();

    for (i = 0; i < max; i++) {
        imgp_json_set_int(&doc, names[i], n[i]);
    }

    return doc.json;
}


static json_t *
ngx_http_imgp_state_stages(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_http_imgp_stat_now_t *now)
{
    ngx_uint_t   i;
    imgp_json_t  doc = imgp_json_array();

    for (i = 0; i < pipeline->plan->nstages; i++) {
        imgp_json_add(&doc, ngx_http_imgp_state_stage(w, pipeline, i,
                                                      &now[i]));
    }

    return doc.json;
}


static json_t *
ngx_http_imgp_state_stage(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_pipeline_t *pipeline, ngx_uint_t i,
    ngx_http_imgp_stat_now_t *now)
{
    imgp_json_t                 doc;
    ngx_http_imgp_stat_stage_t  s;

    ngx_http_imgp_stat_ends(w->zone, pipeline->index, i, &s);

    doc.json = imgp_doc_console_stage(pipeline->plan, i);

    imgp_json_set_bool(&doc, "paused",
                       ngx_http_imgp_halted(w->zone, &pipeline->plan->name,
                                       &pipeline->plan->stages[i].name));
    imgp_json_set_int(&doc, "running", now->running);
    imgp_json_set_int(&doc, "waiting", now->waiting);
    imgp_json_set_int(&doc, "succeeded", s.ends[NGX_HTTP_IMGP_STAT_DONE]);
    imgp_json_set_int(&doc, "cached", s.ends[NGX_HTTP_IMGP_STAT_KNOWN]);
    imgp_json_set_int(&doc, "failed", s.ends[NGX_HTTP_IMGP_STAT_FAILED]);

    imgp_json_set(&doc, "mean_ms",
                  ngx_http_imgp_state_mean(w, pipeline->index, i));

    return doc.json;
}


/* of all its runs since the plan is what it is; null: there was none */

static json_t *
ngx_http_imgp_state_mean(ngx_http_imgp_worker_t *w, ngx_uint_t pipeline,
    ngx_uint_t stage)
{
    uint64_t                   n;
    ngx_uint_t                 i;
    ngx_http_imgp_histogram_t  h;

    if (ngx_http_imgp_stat_stage_read(w->zone, pipeline, stage, &h)
        != NGX_OK)
    {
        return json_null();
    }

    for (n = 0, i = 0; i < NGX_HTTP_IMGP_STAT_BUCKETS; i++) {
        n += h.buckets[i];
    }

    return n ? json_integer(h.sum / n) : json_null();
}


static ngx_int_t
ngx_http_imgp_state_service(void *data, ngx_http_imgp_tally_service_t *s)
{
    imgp_json_t *services = data;

    imgp_json_t               doc = imgp_json_object();
    ngx_http_imgp_service_t  *service;

    service = s->service;

    imgp_json_set(&doc, "pipeline",
                  imgp_json_str(ngx_http_imgp_str(&s->pipeline)));
    imgp_json_set(&doc, "stage",
                  imgp_json_str(ngx_http_imgp_str(&s->stage)));
    imgp_json_set(&doc, "provider",
                  imgp_json_str(ngx_http_imgp_str(&s->provider)));
    imgp_json_set(&doc, "host",
                  imgp_json_str(ngx_http_imgp_str(&service->host)));

    imgp_json_set_bool(&doc, "open", s->open);
    imgp_json_set_int(&doc, "fails", s->fails);
    imgp_json_set_int(&doc, "max_fails", service->care.max_fails);
    imgp_json_set_int(&doc, "probe_ms", s->probe);

    /* of the stage, so of its first provider alone */

    imgp_json_set_int(&doc, "inflight", s->first ? s->inflight : 0);
    imgp_json_set_int(&doc, "waiting", s->first ? s->waiting : 0);

    imgp_json_set(&doc, "rate_m", service->care.interval
                  ? json_real(60000000.0 / service->care.interval)
                  : json_null());

    imgp_json_set(&doc, "calls", ngx_http_imgp_state_codes(&s->tally));
    imgp_json_set_int(&doc, "retries", s->tally.retries);
    imgp_json_set(&doc, "cost", json_real(s->tally.cost / 1e6));

    imgp_json_add(services, doc.json);

    return NGX_OK;
}


static json_t *
ngx_http_imgp_state_codes(ngx_http_imgp_tally_t *tally)
{
    u_char       buf[NGX_HTTP_IMGP_STATE_CODE + 1];
    ngx_uint_t   i;
    imgp_json_t  doc = imgp_json_object();

    for (i = 0; i < NGX_HTTP_IMGP_TALLY_CODES; i++) {
        if (tally->codes[i].calls) {
            imgp_json_set_int(&doc, (char *) ngx_http_imgp_tally_name(
                                        tally->codes[i].code, buf),
                              tally->codes[i].calls);
        }
    }

    return doc.json;
}


static json_t *
ngx_http_imgp_state_zone(ngx_http_imgp_worker_t *w)
{
    imgp_json_t                doc = imgp_json_object();
    ngx_http_imgp_stat_zone_t  zone;

    ngx_http_imgp_stat_zone(w->zone, &zone);

    imgp_json_set_int(&doc, "size", zone.size);
    imgp_json_set_int(&doc, "used", zone.used);
    imgp_json_set_bool(&doc, "full", zone.full);
    imgp_json_set_int(&doc, "polls", zone.held[NGX_HTTP_IMGP_HELD_POLL]);
    imgp_json_set_int(&doc, "streams", zone.held[NGX_HTTP_IMGP_HELD_EVENTS]
                                       + zone.held[NGX_HTTP_IMGP_HELD_OWNER]);

    return doc.json;
}


static json_t *
ngx_http_imgp_state_store(ngx_http_imgp_worker_t *w)
{
    imgp_json_t                doc = imgp_json_object();
    ngx_http_imgp_stat_zone_t  zone;

    ngx_http_imgp_stat_zone(w->zone, &zone);

    imgp_json_set_int(&doc, "bytes", zone.store);
    imgp_json_set_int(&doc, "max_bytes", w->conf->max_size);

    return doc.json;
}


static json_t *
ngx_http_imgp_state_notify(ngx_http_imgp_worker_t *w)
{
    imgp_json_t                  doc = imgp_json_object();
    ngx_http_imgp_notify_stat_t  s;

    ngx_http_imgp_notify_stat(w->zone, &s);

    imgp_json_set_int(&doc, "delivered", s.delivered);
    imgp_json_set_int(&doc, "pending", s.pending);
    imgp_json_set_int(&doc, "given_up", s.dead);

    return doc.json;
}
