
/*
 * Proof of life between zones that share a store.  After a reload with another
 * zone, or while an old and a new nginx run during an upgrade, none sees the
 * other's job table; what they share is the journal.  So every process locks
 * bytes of one file, and the kernel unlocks them however the process ends:
 *
 *     its zone's, as one that takes jobs     what waits in the journal is its
 *     its zone's, as one that only finishes  (once it shuts down)
 *     one for every job that it runs
 *     one, by the one that tells receivers of ended jobs
 *
 * A job of the journal that the own table does not know is taken up only when
 * no other zone takes jobs, and nobody runs it.  The locks are those of open
 * file descriptions, fcntl(2): a job costs two calls and no descriptor.
 *
 * Event loop; a lock of a local file waits for nothing.
 */


#include "ngx_http_imgp_zone.h"
#include <fcntl.h>


/* a byte of each half or quarter for each of so many zones or jobs */

#define NGX_HTTP_IMGP_ALIVE_SPAN   ((off_t) 1 << 60)
#define NGX_HTTP_IMGP_ALIVE_TAKES  0
#define NGX_HTTP_IMGP_ALIVE_ENDS   NGX_HTTP_IMGP_ALIVE_SPAN
#define NGX_HTTP_IMGP_ALIVE_JOBS   (NGX_HTTP_IMGP_ALIVE_SPAN * 2)
#define NGX_HTTP_IMGP_ALIVE_NOTIFY (NGX_HTTP_IMGP_ALIVE_SPAN * 3)


static ngx_int_t ngx_http_imgp_alive_lock(ngx_http_imgp_worker_t *w,
    off_t byte, short type);
static ngx_uint_t ngx_http_imgp_alive_foreign(ngx_http_imgp_worker_t *w,
    off_t base);
static ngx_uint_t ngx_http_imgp_alive_locked(ngx_http_imgp_worker_t *w,
    off_t start, off_t len);
static struct flock ngx_http_imgp_alive_range(short type, off_t start,
    off_t len);
static off_t ngx_http_imgp_alive_byte(const u_char *id);


ngx_int_t
ngx_http_imgp_alive_init(ngx_http_imgp_worker_t *w)
{
    char  path[IMGP_PATH_MAX];

    (void) imgp_store_path(&w->conf->store, "alive", "", 0, path);
    path[ngx_strlen(path) - 1] = '\0';

    w->alive = open(path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (w->alive == -1
        || ngx_http_imgp_alive_lock(w, NGX_HTTP_IMGP_ALIVE_TAKES
                                       + w->zone->sh->alive, F_RDLCK)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, w->log, ngx_errno,
                      "\"%s\" cannot be opened and locked", path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* it takes no more jobs, but still runs some */

void
ngx_http_imgp_alive_exiting(ngx_http_imgp_worker_t *w)
{
    off_t  zone;

    zone = w->zone->sh->alive;

    (void) ngx_http_imgp_alive_lock(w, NGX_HTTP_IMGP_ALIVE_ENDS + zone,
                                    F_RDLCK);
    (void) ngx_http_imgp_alive_lock(w, NGX_HTTP_IMGP_ALIVE_TAKES + zone,
                                    F_UNLCK);
}


void
ngx_http_imgp_alive_job(ngx_http_imgp_worker_t *w, const u_char *id,
    ngx_uint_t runs)
{
    (void) ngx_http_imgp_alive_lock(w, ngx_http_imgp_alive_byte(id),
                                    runs ? F_RDLCK : F_UNLCK);
}


ngx_uint_t
ngx_http_imgp_alive_others(ngx_http_imgp_worker_t *w)
{
    return ngx_http_imgp_alive_foreign(w, NGX_HTTP_IMGP_ALIVE_TAKES);
}


ngx_uint_t
ngx_http_imgp_alive_shared(ngx_http_imgp_worker_t *w)
{
    return ngx_http_imgp_alive_others(w)
           || ngx_http_imgp_alive_foreign(w, NGX_HTTP_IMGP_ALIVE_ENDS);
}


ngx_uint_t
ngx_http_imgp_alive_runs(ngx_http_imgp_worker_t *w, const u_char *id)
{
    return ngx_http_imgp_alive_locked(w, ngx_http_imgp_alive_byte(id), 1);
}


/* an exclusive lock: whoever has it, lets it go or dies */

ngx_int_t
ngx_http_imgp_alive_notifier(ngx_http_imgp_worker_t *w, ngx_uint_t on)
{
    return ngx_http_imgp_alive_lock(w, NGX_HTTP_IMGP_ALIVE_NOTIFY,
                                    on ? F_WRLCK : F_UNLCK);
}


/* shared locks: of one job there may be two runs, until the one that is not
   its owner any more has noticed */

static ngx_int_t
ngx_http_imgp_alive_lock(ngx_http_imgp_worker_t *w, off_t byte, short type)
{
    struct flock  fl;

    fl = ngx_http_imgp_alive_range(type, byte, 1);

    return fcntl(w->alive, F_OFD_SETLK, &fl) == -1 ? NGX_ERROR : NGX_OK;
}


/* below the own zone's byte, or above it */

static ngx_uint_t
ngx_http_imgp_alive_foreign(ngx_http_imgp_worker_t *w, off_t base)
{
    off_t  zone;

    zone = w->zone->sh->alive;

    return ngx_http_imgp_alive_locked(w, base, zone)
           || ngx_http_imgp_alive_locked(w, base + zone + 1,
                                         NGX_HTTP_IMGP_ALIVE_SPAN - zone - 1);
}


/* without an answer: nobody is alive, so no job is left alone */

static ngx_uint_t
ngx_http_imgp_alive_locked(ngx_http_imgp_worker_t *w, off_t start, off_t len)
{
    struct flock  fl;

    fl = ngx_http_imgp_alive_range(F_WRLCK, start, len);

    return fcntl(w->alive, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}


/* the lock belongs to the open file, whose pid has to be 0 */

static struct flock
ngx_http_imgp_alive_range(short type, off_t start, off_t len)
{
    struct flock  fl;

    ngx_memzero(&fl, sizeof(struct flock));

    fl.l_type = type;
    fl.l_whence = SEEK_SET;
    fl.l_start = start;
    fl.l_len = len;

    return fl;
}


static off_t
ngx_http_imgp_alive_byte(const u_char *id)
{
    uint64_t  n;

    ngx_memcpy(&n, id, sizeof(uint64_t));

    return NGX_HTTP_IMGP_ALIVE_JOBS + n % NGX_HTTP_IMGP_ALIVE_SPAN;
}
