
/*
 * The beat of a worker process, and what one of them at a time does for all:
 * the journal against the table, and the eviction of what is old, unused, or
 * more than max_size.  Nothing that a job of either needs is removed: so the
 * table is walked first, in steps, then a thread reads the directories.
 */


#include "ngx_http_imgp_zone.h"
#include <imgp/imgp_set.h>


#define NGX_HTTP_IMGP_BEAT          1000     /* ms */
#define NGX_HTTP_IMGP_SWEEP         30000    /* ms between sweeps */
#define NGX_HTTP_IMGP_SWEEP_FULL    2000     /* while the store is too big */
#define NGX_HTTP_IMGP_SWEEP_STUCK   10000    /* while nothing of it may go */
#define NGX_HTTP_IMGP_SWEEP_EARLY   4        /* looks into the journal, 2, 4,
                                                8... s apart */
#define NGX_HTTP_IMGP_SWEEP_LATER   2        /* the look at which it stays with
                                                another zone's jobs */
#define NGX_HTTP_IMGP_ADOPT_BATCH   4096
#define NGX_HTTP_IMGP_SWEEP_STEP    512      /* jobs a turn of the loop */


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_event_t                    timer;
    ngx_event_t                    step;
    ngx_http_imgp_task_t           task;
    ngx_uint_t                     busy;
    uint32_t                       next;       /* job of the walk */
    uint64_t                       bytes;      /* of the store, at its start */
    volatile uint32_t              cancel;

    /* a thread's while its task runs */
    imgp_pool_t                   *arena;
    ngx_http_imgp_found_t         *found;
    ngx_uint_t                     nfound;
    ngx_uint_t                     more;
    imgp_journal_odd_t             odd;
    imgp_store_error_t             error;
    imgp_sweep_t                   sweep;
    imgp_set_t                     needed;     /* digests */
    imgp_set_t                     known;      /* ids of unfinished jobs */
    ngx_uint_t                     partial;
    ngx_uint_t                     early;      /* the journal alone */
    ngx_uint_t                     shared;     /* what others need is unknown */
} ngx_http_imgp_sweeper_t;


static void ngx_http_imgp_sweep_beat(ngx_event_t *ev);
static ngx_uint_t ngx_http_imgp_sweep_mine(ngx_http_imgp_sweeper_t *s);
static void ngx_http_imgp_sweep_start(ngx_http_imgp_sweeper_t *s);
static void ngx_http_imgp_sweep_walk(ngx_event_t *ev);
static ngx_int_t ngx_http_imgp_sweep_walked(void *data,
    ngx_http_imgp_entry_t *e);
static ngx_int_t ngx_http_imgp_sweep_note(void *data,
    ngx_http_imgp_entry_t *e);
static void ngx_http_imgp_sweep_work(void *data, ngx_log_t *log);
static imgp_uint_t ngx_http_imgp_sweep_wanted(void *data,
    const u_char id[IMGP_ID_BYTES]);
static imgp_int_t ngx_http_imgp_sweep_found(void *data,
    const u_char *record, size_t len);
static imgp_uint_t ngx_http_imgp_sweep_needed(void *data,
    const u_char digest[IMGP_DIGEST_LEN]);
static void ngx_http_imgp_sweep_done(void *data);
static void ngx_http_imgp_sweep_log(ngx_http_imgp_sweeper_t *s);
static void ngx_http_imgp_sweep_leave(ngx_http_imgp_sweeper_t *s,
    ngx_uint_t later);


ngx_int_t
ngx_http_imgp_sweep_init(ngx_http_imgp_worker_t *w)
{
    ngx_http_imgp_sweeper_t  *s;

    s = ngx_pcalloc(w->cycle->pool, sizeof(ngx_http_imgp_sweeper_t));
    if (s == NULL) {
        return NGX_ERROR;
    }

    s->ident.fd = (ngx_socket_t) -1;
    s->worker = w;
    s->timer.handler = ngx_http_imgp_sweep_beat;
    s->timer.data = s;
    s->timer.log = w->log;
    s->timer.cancelable = 1;

    s->step.handler = ngx_http_imgp_sweep_walk;
    s->step.data = s;
    s->step.log = w->log;

    w->sweep = s;

    ngx_add_timer(&s->timer, 1);

    return NGX_OK;
}


static void
ngx_http_imgp_sweep_beat(ngx_event_t *ev)
{
    ngx_http_imgp_sweeper_t  *s;

    s = ev->data;

    ngx_http_imgp_zone_lock(s->worker->zone);
    s->worker->zone->sh->workers[s->worker->zone->me].beat = ngx_current_msec;
    ngx_http_imgp_zone_unlock(s->worker->zone);

    s->cancel = s->worker->exiting;

    if (s->worker->redis) {
        ngx_http_imgp_share_beat(s->worker);
    }

    if (!s->worker->exiting) {
        ngx_http_imgp_reap(s->worker);

        if (!s->busy && ngx_http_imgp_sweep_mine(s)) {
            ngx_http_imgp_sweep_start(s);
        }

        ngx_http_imgp_run_claim(s->worker);
    }

    ngx_add_timer(ev, NGX_HTTP_IMGP_BEAT);
}


/* one sweeper on this machine; a lost one is replaced */

static ngx_uint_t
ngx_http_imgp_sweep_mine(ngx_http_imgp_sweeper_t *s)
{
    off_t                    max;
    ngx_msec_t               interval;
    ngx_uint_t               mine;
    ngx_http_imgp_zone_t    *zone;
    ngx_http_imgp_shzone_t  *sh;

    zone = s->worker->zone;
    sh = zone->sh;
    max = s->worker->conf->max_size;
    mine = 0;

    ngx_http_imgp_zone_lock(zone);

    interval = NGX_HTTP_IMGP_SWEEP;

    if (max && sh->store_bytes > (uint64_t) max) {
        interval = sh->stuck ? NGX_HTTP_IMGP_SWEEP_STUCK
                             : NGX_HTTP_IMGP_SWEEP_FULL;
    }

    if (sh->recovery <= NGX_HTTP_IMGP_SWEEP_EARLY) {
        interval = ngx_min(interval, (ngx_msec_t) 1000 << sh->recovery);
    }

    if (sh->sweeper != NGX_HTTP_IMGP_NONE
        && ngx_http_imgp_zone_lost(zone, sh->sweeper))
    {
        sh->sweeper = NGX_HTTP_IMGP_NONE;
        sh->recovery = 0;
    }

    if (sh->sweeper == NGX_HTTP_IMGP_NONE
        && (sh->recovery == 0
            || (ngx_msec_int_t) (ngx_current_msec - sh->swept)
               > (ngx_msec_int_t) interval))
    {
        s->early = sh->recovery > 0
                   && sh->recovery <= NGX_HTTP_IMGP_SWEEP_EARLY
                   && (max == 0 || sh->store_bytes <= (uint64_t) max);
        sh->sweeper = zone->me;
        sh->swept = ngx_current_msec;
        mine = 1;
    }

    ngx_http_imgp_zone_unlock(zone);

    return mine;
}


static void
ngx_http_imgp_sweep_start(ngx_http_imgp_sweeper_t *s)
{
    ngx_http_imgp_main_conf_t  *conf;

    conf = s->worker->conf;

    ngx_memzero(&s->error, sizeof(imgp_store_error_t));
    ngx_memzero(&s->sweep, sizeof(imgp_sweep_t));
    ngx_memzero(&s->odd, sizeof(imgp_journal_odd_t));

    s->found = NULL;
    s->nfound = 0;
    s->more = 0;
    s->partial = 0;
    s->next = 0;
    s->shared = ngx_http_imgp_alive_shared(s->worker);
    s->bytes = s->worker->zone->sh->store_bytes;
    s->busy = 1;

    /* from before the first job is looked at: what comes later is young */

    s->sweep.now = ngx_http_imgp_now();
    s->sweep.max_size = conf->max_size;
    s->sweep.inactive = (imgp_msec_t) conf->inactive * 1000;
    s->sweep.needed = ngx_http_imgp_sweep_needed;
    s->sweep.data = s;
    s->sweep.cancel = &s->cancel;

    ngx_http_imgp_hold(s->worker);
    ngx_http_imgp_sweep_walk(&s->step);
}


/* what jobs of the table need, some of them a turn of the event loop; those of
   the journal add theirs */

static void
ngx_http_imgp_sweep_walk(ngx_event_t *ev)
{
    ngx_int_t                 rc;
    ngx_http_imgp_worker_t   *w;
    ngx_http_imgp_sweeper_t  *s;

    s = ev->data;
    w = s->worker;

    rc = ngx_http_imgp_table_walk(w->zone, &s->next, NGX_HTTP_IMGP_SWEEP_STEP,
                                  w->scratch, IMGP_RECORD_MAX,
                                  ngx_http_imgp_sweep_walked, s);

    if (rc == NGX_AGAIN) {
        ngx_post_event(ev, &ngx_posted_next_events);
        return;
    }

    s->partial = (rc != NGX_OK);

    s->task.kind = NGX_HTTP_IMGP_TASK_IO;
    s->task.work = ngx_http_imgp_sweep_work;
    s->task.done = ngx_http_imgp_sweep_done;
    s->task.data = s;

    ngx_http_imgp_thread_run(w, &s->task);
    ngx_http_imgp_release(w);
}


/* a job of the table: one that is not final needs no look at its file */

static ngx_int_t
ngx_http_imgp_sweep_walked(void *data, ngx_http_imgp_entry_t *e)
{
    ngx_http_imgp_sweeper_t  *s = data;

    if (!imgp_job_is_final(e->state) && !e->copy
        && imgp_set_put(&s->known, e->id, IMGP_ID_BYTES) != IMGP_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_imgp_sweep_note(s, e);
}


static ngx_int_t
ngx_http_imgp_sweep_note(void *data, ngx_http_imgp_entry_t *e)
{
    ngx_http_imgp_sweeper_t  *s = data;

    imgp_int_t   rc;
    imgp_job_t  *job;

    if (imgp_job_is_final(e->state) && e->expires_at < ngx_http_imgp_now()) {
        return NGX_OK;
    }

    job = imgp_record_decode(e->record, e->len, &imgp_malloc);
    if (job == NULL) {
        return NGX_OK;
    }

    rc = imgp_set_put_job(&s->needed, job);

    imgp_job_destroy(job);

    return rc == IMGP_OK ? NGX_OK : NGX_ERROR;
}


/* in a thread */

static void
ngx_http_imgp_sweep_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_sweeper_t  *s = data;

    imgp_int_t            rc;
    imgp_store_t         *store;
    imgp_journal_scan_t   scan;

    store = &s->worker->conf->store;

    s->arena = imgp_pool_create(&imgp_malloc, 65536);

    if (s->arena) {
        s->found = imgp_palloc(s->arena, NGX_HTTP_IMGP_ADOPT_BATCH
                                         * sizeof(ngx_http_imgp_found_t));
    }

    if (s->found == NULL) {
        imgp_error_set(&s->error.error, IMGP_E_INTERNAL, "out of memory");
        s->error.call = "malloc";
        return;
    }

    /* what cannot be made now is made when it is needed */

    (void) imgp_store_spread(store, NULL);

    imgp_set_sort(&s->known);

    ngx_memzero(&scan, sizeof(imgp_journal_scan_t));

    scan.wanted = ngx_http_imgp_sweep_wanted;
    scan.found = ngx_http_imgp_sweep_found;
    scan.data = s;

    rc = imgp_journal_scan(store, &scan, &s->error);

    s->odd = scan.odd;

    if (rc == IMGP_ERROR
        || s->more || s->partial || s->early || s->shared)
    {
        /* without all that is needed nothing is removed */
        return;
    }

    imgp_set_sort(&s->needed);

    if (imgp_sweep(store, &s->sweep, &s->error) == IMGP_AGAIN) {
        s->sweep.files = 0;
    }
}


/* what the table has need not be read */

static imgp_uint_t
ngx_http_imgp_sweep_wanted(void *data, const u_char id[IMGP_ID_BYTES])
{
    ngx_http_imgp_sweeper_t  *s = data;

    return !imgp_set_has(&s->known, id, IMGP_ID_BYTES);
}


static imgp_int_t
ngx_http_imgp_sweep_found(void *data, const u_char *record, size_t len)
{
    ngx_http_imgp_sweeper_t  *s = data;

    imgp_record_head_t      head;
    ngx_http_imgp_found_t  *found;
    ngx_http_imgp_entry_t   e;

    if (imgp_record_head(record, len, &head) != IMGP_OK) {
        return IMGP_OK;
    }

    if (s->nfound == NGX_HTTP_IMGP_ADOPT_BATCH) {
        s->more = 1;
        return IMGP_DONE;
    }

    found = &s->found[s->nfound];
    found->head = head;

    found->record = imgp_palloc(s->arena, len);
    if (found->record == NULL) {
        s->partial = 1;
        return IMGP_DONE;
    }

    ngx_memcpy(found->record, record, len);
    found->len = len;
    s->nfound++;

    ngx_memcpy(e.id, head.id, IMGP_ID_BYTES);
    e.record = found->record;
    e.len = len;
    e.state = found->head.state;
    e.expires_at = (imgp_msec_t) -1;

    if (ngx_http_imgp_sweep_note(s, &e) != NGX_OK) {
        s->partial = 1;
        return IMGP_DONE;
    }

    return IMGP_OK;
}


static imgp_uint_t
ngx_http_imgp_sweep_needed(void *data, const u_char digest[IMGP_DIGEST_LEN])
{
    ngx_http_imgp_sweeper_t  *s = data;

    return imgp_set_has(&s->needed, digest, IMGP_DIGEST_LEN);
}


static void
ngx_http_imgp_sweep_done(void *data)
{
    ngx_http_imgp_sweeper_t  *s = data;

    ngx_uint_t               i, others, later;
    ngx_http_imgp_worker_t  *w;

    w = s->worker;
    s->busy = 0;

    ngx_http_imgp_sweep_log(s);

    /* asked after the look into the journal: who wrote there was alive */

    others = ngx_http_imgp_alive_others(w);
    later = 0;

    for (i = 0; i < s->nfound; i++) {
        later += ngx_http_imgp_adopt(w, &s->found[i], others) == NGX_AGAIN;
    }

    imgp_pool_destroy(s->arena);
    s->arena = NULL;
    s->found = NULL;

    imgp_set_free(&s->needed);
    imgp_set_free(&s->known);

    ngx_http_imgp_sweep_leave(s, later);

    if (s->nfound) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    }
}


static void
ngx_http_imgp_sweep_log(ngx_http_imgp_sweeper_t *s)
{
    ngx_log_t  *log;

    log = s->worker->log;

    if (s->error.error.code) {
        ngx_log_error(NGX_LOG_CRIT, log, s->error.syserr,
                      "%s() failed while sweeping the image pipeline's store",
                      s->error.call);
    }

    if (s->odd.spoilt) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "image pipeline: %ui spoilt records in the journal, "
                      "moved to tmp/", (ngx_uint_t) s->odd.spoilt);
    }

    if (s->odd.foreign && s->odd.foreign != s->worker->zone->sh->foreign) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "image pipeline: %ui records of another version of the "
                      "module in the journal, left for that one",
                      (ngx_uint_t) s->odd.foreign);
    }
}


/* what the next sweeper goes by, whoever that is */

static void
ngx_http_imgp_sweep_leave(ngx_http_imgp_sweeper_t *s, ngx_uint_t later)
{
    ngx_http_imgp_zone_t    *zone;
    ngx_http_imgp_shzone_t  *sh;

    zone = s->worker->zone;
    sh = zone->sh;

    ngx_http_imgp_zone_lock(zone);

    if (later) {
        sh->recovery = NGX_HTTP_IMGP_SWEEP_LATER;

    } else if (sh->recovery <= NGX_HTTP_IMGP_SWEEP_EARLY) {
        sh->recovery++;
    }

    sh->swept = ngx_current_msec;
    sh->foreign = s->odd.foreign;

    if (sh->sweeper == zone->me) {
        sh->sweeper = NGX_HTTP_IMGP_NONE;
    }

    /* what was added meanwhile may be counted twice, until the next sweep */

    if (s->sweep.files) {
        sh->stuck = s->sweep.removed == 0
                    && s->sweep.size > s->sweep.max_size;

        (void) ngx_atomic_fetch_add(&sh->store_bytes,
                                    s->sweep.size - s->bytes);
    }

    ngx_http_imgp_zone_unlock(zone);
}
