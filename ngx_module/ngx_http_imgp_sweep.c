
/*
 * What nobody asks for but must be done, by one worker at a time:
 *
 *   - the beat: this process is alive (every worker, each second);
 *   - jobs and runs of lost workers are taken over;
 *   - jobs of the journal that the table does not know enter it: after a
 *     start of nginx, a new zone (whose predecessor's workers go on accepting
 *     until they have closed their sockets), or a time when it was full;
 *   - eviction: what is old, unused, or more than max_size.
 *
 * The last two read directories, so they run in a thread.
 */


#include "ngx_http_imgp_zone.h"


#define NGX_HTTP_IMGP_BEAT          1000     /* ms */
#define NGX_HTTP_IMGP_SWEEP         30000    /* ms between sweeps */
#define NGX_HTTP_IMGP_SWEEP_FULL    2000     /* while the store is too big */
#define NGX_HTTP_IMGP_SWEEP_EARLY   4        /* looks into the journal, 2, 4,
                                                8... s apart */
#define NGX_HTTP_IMGP_REAP_BATCH    64
#define NGX_HTTP_IMGP_ADOPT_BATCH   4096


typedef struct {
    u_char                        *record;
    size_t                         len;
    imgp_record_head_t             head;
} ngx_http_imgp_found_t;


typedef struct {
    ngx_http_imgp_ident_t          ident;
    ngx_http_imgp_worker_t        *worker;
    ngx_event_t                    timer;
    ngx_http_imgp_task_t           task;
    ngx_uint_t                     busy;

    /* a thread's while busy */
    imgp_pool_t                   *arena;
    ngx_http_imgp_found_t         *found;
    ngx_uint_t                     nfound;
    ngx_uint_t                     more;
    imgp_uint_t                    spoilt;
    imgp_store_error_t             error;
    imgp_sweep_t                   sweep;
    u_char                        *needed;     /* sorted digests */
    size_t                         nneeded;
    size_t                         mneeded;
    ngx_uint_t                     partial;
    ngx_uint_t                     early;      /* the journal alone */
} ngx_http_imgp_sweeper_t;


/* the end of a job that the disk did not take at its time */

typedef struct {
    ngx_http_imgp_task_t           task;
    ngx_http_imgp_worker_t        *worker;
    u_char                         id[IMGP_ID_BYTES];
    size_t                         len;
    u_char                         record[1];
} ngx_http_imgp_sweep_end_t;


static void ngx_http_imgp_sweep_beat(ngx_event_t *ev);
static void ngx_http_imgp_sweep_reap(ngx_http_imgp_sweeper_t *s);
static void ngx_http_imgp_sweep_take_over(ngx_http_imgp_sweeper_t *s,
    ngx_http_imgp_entry_t *e);
static ngx_uint_t ngx_http_imgp_sweep_mine(ngx_http_imgp_sweeper_t *s);
static void ngx_http_imgp_sweep_start(ngx_http_imgp_sweeper_t *s);
static ngx_int_t ngx_http_imgp_sweep_note(void *data,
    ngx_http_imgp_entry_t *e);
static ngx_int_t ngx_http_imgp_sweep_need(ngx_http_imgp_sweeper_t *s,
    const u_char *digest);
static int ngx_libc_cdecl ngx_http_imgp_sweep_cmp(const void *one,
    const void *two);
static void ngx_http_imgp_sweep_work(void *data, ngx_log_t *log);
static imgp_int_t ngx_http_imgp_sweep_found(void *data,
    const u_char *record, size_t len);
static imgp_uint_t ngx_http_imgp_sweep_needed(void *data,
    const u_char digest[IMGP_DIGEST_LEN]);
static void ngx_http_imgp_sweep_done(void *data);
static void ngx_http_imgp_sweep_adopt(ngx_http_imgp_sweeper_t *s,
    ngx_http_imgp_found_t *found);
static ngx_int_t ngx_http_imgp_sweep_pipeline(ngx_http_imgp_zone_t *zone,
    imgp_str_t *name);
static void ngx_http_imgp_sweep_end(ngx_http_imgp_worker_t *w,
    ngx_http_imgp_entry_t *e);
static void ngx_http_imgp_sweep_end_work(void *data, ngx_log_t *log);
static void ngx_http_imgp_sweep_end_done(void *data);


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

    if (!s->worker->exiting) {
        ngx_http_imgp_sweep_reap(s);

        if (!s->busy && ngx_http_imgp_sweep_mine(s)) {
            ngx_http_imgp_sweep_start(s);
        }

        ngx_http_imgp_run_claim(s->worker);
    }

    ngx_add_timer(ev, NGX_HTTP_IMGP_BEAT);
}


static void
ngx_http_imgp_sweep_reap(ngx_http_imgp_sweeper_t *s)
{
    uint32_t                 next;
    ngx_uint_t               i;
    ngx_http_imgp_entry_t    e;
    ngx_http_imgp_worker_t  *w;

    w = s->worker;
    next = 0;

    for (i = 0; i < NGX_HTTP_IMGP_REAP_BATCH; i++) {

        if (ngx_http_imgp_table_reap(w->zone, &next, w->scratch,
                                     IMGP_RECORD_MAX, &e)
            != NGX_OK)
        {
            break;
        }

        ngx_http_imgp_sweep_take_over(s, &e);
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
ngx_http_imgp_sweep_take_over(ngx_http_imgp_sweeper_t *s,
    ngx_http_imgp_entry_t *e)
{
    char                     id[IMGP_ID_LEN + 1];
    size_t                   size;
    u_char                  *buf;
    ssize_t                  n;
    imgp_job_t              *job;
    ngx_http_imgp_worker_t  *w;

    w = s->worker;

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

    interval = max && sh->store_bytes > (uint64_t) max
               ? NGX_HTTP_IMGP_SWEEP_FULL : NGX_HTTP_IMGP_SWEEP;

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
    ngx_http_imgp_worker_t  *w;

    w = s->worker;

    ngx_memzero(&s->error, sizeof(imgp_store_error_t));
    ngx_memzero(&s->sweep, sizeof(imgp_sweep_t));

    s->found = NULL;
    s->nfound = 0;
    s->nneeded = 0;
    s->more = 0;
    s->partial = 0;

    /* what jobs of the table need; those of the journal add theirs */

    if (ngx_http_imgp_table_walk(w->zone, w->scratch, IMGP_RECORD_MAX,
                                 ngx_http_imgp_sweep_note, s)
        != NGX_OK)
    {
        s->partial = 1;
    }

    s->sweep.now = ngx_http_imgp_now();
    s->sweep.max_size = w->conf->max_size;
    s->sweep.inactive = (imgp_msec_t) w->conf->inactive * 1000;
    s->sweep.needed = ngx_http_imgp_sweep_needed;
    s->sweep.data = s;

    s->busy = 1;

    s->task.kind = NGX_HTTP_IMGP_TASK_IO;
    s->task.work = ngx_http_imgp_sweep_work;
    s->task.done = ngx_http_imgp_sweep_done;
    s->task.data = s;

    ngx_http_imgp_thread_run(w, &s->task);
}


static ngx_int_t
ngx_http_imgp_sweep_note(void *data, ngx_http_imgp_entry_t *e)
{
    ngx_http_imgp_sweeper_t  *s = data;

    ngx_int_t     rc;
    ngx_uint_t    i, n;
    imgp_job_t   *job;

    if (imgp_job_is_final(e->state) && e->expires_at < ngx_http_imgp_now()) {
        return NGX_OK;
    }

    job = imgp_record_decode(e->record, e->len, &imgp_malloc);
    if (job == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_imgp_sweep_need(s, job->input.digest);

    for (i = 0; i < job->nstages && rc == NGX_OK; i++) {
        for (n = 0; n < job->stages[i].nitems && rc == NGX_OK; n++) {
            rc = ngx_http_imgp_sweep_need(s, job->stages[i].items[n].digest);
        }
    }

    imgp_job_destroy(job);

    return rc;
}


/* also called in the thread */

static ngx_int_t
ngx_http_imgp_sweep_need(ngx_http_imgp_sweeper_t *s, const u_char *digest)
{
    size_t   size;
    u_char  *p;

    if (s->nneeded == s->mneeded) {
        size = s->mneeded ? s->mneeded * 2 : 1024;

        p = realloc(s->needed, size * IMGP_DIGEST_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        s->needed = p;
        s->mneeded = size;
    }

    ngx_memcpy(s->needed + s->nneeded++ * IMGP_DIGEST_LEN, digest,
               IMGP_DIGEST_LEN);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_imgp_sweep_cmp(const void *one, const void *two)
{
    return ngx_memcmp(one, two, IMGP_DIGEST_LEN);
}


/* in a thread */

static void
ngx_http_imgp_sweep_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_sweeper_t  *s = data;

    imgp_store_t  *store;

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

    if (imgp_journal_scan(store, ngx_http_imgp_sweep_found, s, &s->spoilt,
                          &s->error)
        == IMGP_ERROR
        || s->more || s->partial || s->early)
    {
        /* without all that is needed nothing is removed */
        return;
    }

    ngx_qsort(s->needed, s->nneeded, IMGP_DIGEST_LEN,
              ngx_http_imgp_sweep_cmp);

    (void) imgp_sweep(store, &s->sweep, &s->error);
}


static imgp_int_t
ngx_http_imgp_sweep_found(void *data, const u_char *record, size_t len)
{
    ngx_http_imgp_sweeper_t  *s = data;

    ngx_http_imgp_found_t  *found;
    ngx_http_imgp_entry_t   e;

    if (s->nfound == NGX_HTTP_IMGP_ADOPT_BATCH) {
        s->more = 1;
        return IMGP_DONE;
    }

    found = &s->found[s->nfound];

    if (imgp_record_head(record, len, &found->head) != IMGP_OK) {
        return IMGP_OK;
    }

    found->record = imgp_palloc(s->arena, len);
    if (found->record == NULL) {
        s->partial = 1;
        return IMGP_DONE;
    }

    ngx_memcpy(found->record, record, len);
    found->len = len;
    s->nfound++;

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

    return s->nneeded
           && bsearch(digest, s->needed, s->nneeded, IMGP_DIGEST_LEN,
                      ngx_http_imgp_sweep_cmp)
              != NULL;
}


static void
ngx_http_imgp_sweep_done(void *data)
{
    ngx_http_imgp_sweeper_t  *s = data;

    ngx_uint_t               i;
    ngx_http_imgp_worker_t  *w;

    w = s->worker;
    s->busy = 0;

    if (s->error.error.code) {
        ngx_log_error(NGX_LOG_CRIT, w->log, s->error.syserr,
                      "%s() failed while sweeping the image pipeline's store",
                      s->error.call);
    }

    if (s->spoilt) {
        ngx_log_error(NGX_LOG_CRIT, w->log, 0,
                      "image pipeline: %ui spoilt records in the journal, "
                      "moved to tmp/", (ngx_uint_t) s->spoilt);
        s->spoilt = 0;
    }

    for (i = 0; i < s->nfound; i++) {
        ngx_http_imgp_sweep_adopt(s, &s->found[i]);
    }

    imgp_pool_destroy(s->arena);
    s->arena = NULL;
    s->found = NULL;

    free(s->needed);
    s->needed = NULL;
    s->mneeded = 0;

    ngx_http_imgp_zone_lock(w->zone);

    if (w->zone->sh->recovery <= NGX_HTTP_IMGP_SWEEP_EARLY) {
        w->zone->sh->recovery++;
    }

    w->zone->sh->swept = ngx_current_msec;

    if (w->zone->sh->sweeper == w->zone->me) {
        w->zone->sh->sweeper = NGX_HTTP_IMGP_NONE;
    }

    if (s->sweep.files) {
        w->zone->sh->store_bytes = s->sweep.size;
    }

    ngx_http_imgp_zone_unlock(w->zone);

    if (s->nfound) {
        ngx_http_imgp_wake(w, NGX_HTTP_IMGP_WAKE_WORK, NULL);
    }
}


/* unknown to the table: it goes in; known as final: its end is not stored */

static void
ngx_http_imgp_sweep_adopt(ngx_http_imgp_sweeper_t *s,
    ngx_http_imgp_found_t *found)
{
    char                     path[IMGP_PATH_MAX], id[IMGP_ID_LEN + 1];
    ngx_int_t                pipeline;
    imgp_job_t              *job;
    ngx_http_imgp_entry_t    e;
    ngx_http_imgp_worker_t  *w;

    w = s->worker;

    /* it may have ended, and left the table again, since the thread read it */

    imgp_id_text(found->head.id, id);
    (void) imgp_store_path(&w->conf->store, "jobs", id, 0, path);

    if (access(path, F_OK) == -1) {
        return;
    }

    if (ngx_http_imgp_table_read(w->zone, found->head.id, w->scratch,
                                 IMGP_RECORD_MAX, &e)
        == NGX_OK)
    {
        if (!imgp_job_is_final(e.state)
            || ngx_http_imgp_table_open(w->zone, e.id, e.revision) != NGX_OK)
        {
            return;
        }

        if (e.revision >= found->head.revision) {
            ngx_http_imgp_sweep_end(w, &e);
            return;
        }

        /* a retry that went wrong half way, or whose worker was lost */
        ngx_http_imgp_table_remove(w->zone, e.id);
    }

    job = imgp_record_decode(found->record, found->len, &imgp_malloc);
    if (job == NULL) {
        return;
    }

    pipeline = ngx_http_imgp_sweep_pipeline(w->zone, &job->pipeline);

    imgp_job_destroy(job);

    if (pipeline == NGX_DECLINED) {
        return;
    }

    (void) ngx_http_imgp_table_insert(w->zone, pipeline, found->record,
                                      found->len, 0);
}


/* the place of a pipeline in the zone; one that this configuration has not
   got a place too, from where its jobs are taken only to be failed */

static ngx_int_t
ngx_http_imgp_sweep_pipeline(ngx_http_imgp_zone_t *zone, imgp_str_t *name)
{
    ngx_int_t                    place;
    ngx_uint_t                   i;
    ngx_http_imgp_shpipeline_t  *p;

    if (name->len == 0 || name->len >= IMGP_NAME_LEN) {
        return NGX_DECLINED;
    }

    place = NGX_DECLINED;

    ngx_http_imgp_zone_lock(zone);

    for (i = 0; i < NGX_HTTP_IMGP_PIPELINES; i++) {
        p = &zone->sh->pipelines[i];

        if (ngx_strncmp(p->name, name->data, name->len) == 0
            && p->name[name->len] == '\0')
        {
            place = i;
            break;
        }

        if (place == NGX_DECLINED && p->name[0] == '\0') {
            place = i;
        }
    }

    if (place != NGX_DECLINED) {
        ngx_memcpy(zone->sh->pipelines[place].name, name->data, name->len);
    }

    ngx_http_imgp_zone_unlock(zone);

    return place;
}


static void
ngx_http_imgp_sweep_end(ngx_http_imgp_worker_t *w, ngx_http_imgp_entry_t *e)
{
    ngx_http_imgp_sweep_end_t  *end;

    end = ngx_calloc(sizeof(ngx_http_imgp_sweep_end_t) + e->len, w->log);
    if (end == NULL) {
        ngx_http_imgp_table_close(w->zone, e->id);
        return;
    }

    end->worker = w;
    end->len = e->len;
    ngx_memcpy(end->id, e->id, IMGP_ID_BYTES);
    ngx_memcpy(end->record, e->record, e->len);

    end->task.kind = NGX_HTTP_IMGP_TASK_IO;
    end->task.work = ngx_http_imgp_sweep_end_work;
    end->task.done = ngx_http_imgp_sweep_end_done;
    end->task.data = end;

    ngx_http_imgp_thread_run(w, &end->task);
}


/* in a thread; what fails again is found again by the next sweep */

static void
ngx_http_imgp_sweep_end_work(void *data, ngx_log_t *log)
{
    ngx_http_imgp_sweep_end_t  *end = data;

    imgp_store_error_t  err;

    ngx_memzero(&err, sizeof(imgp_store_error_t));

    (void) imgp_journal_write(&end->worker->conf->store, end->id,
                              end->record, end->len, 1, &err);
}


static void
ngx_http_imgp_sweep_end_done(void *data)
{
    ngx_http_imgp_sweep_end_t  *end = data;

    ngx_http_imgp_table_close(end->worker->zone, end->id);
    ngx_free(end);
}
