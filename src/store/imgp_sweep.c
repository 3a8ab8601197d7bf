
/*
 * Eviction: one pass over the store, by names and times alone; final records
 * are read when they may have expired, and, once something is to go, those that
 * are kept, for what they need.  A file that cannot be removed
 * is told at the end and hinders no other.
 *
 * Called by a thread of one worker process at a time.  Memory is bounded: of
 * the longest unused files IMGP_SWEEP_MAX are remembered (imgp_lru.h).
 *
 * A blob may come to be used between the look at its mtime and its removal.
 * So it is looked at again under the lock that whoever uses it renews its
 * mtime under; who comes too late finds no file and makes it anew
 * (imgp_file_touch()).  For manifests that care is not needed.
 */


#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <imgp/imgp_file.h>
#include <imgp/imgp_lock.h>
#include <imgp/imgp_lru.h>
#include <imgp/imgp_record.h>
#include <imgp/imgp_set.h>


#define IMGP_SWEEP_MAX      100000    /* files remembered: 5.6 MB */
#define IMGP_SWEEP_YOUNG    60000     /* ms */
#define IMGP_SWEEP_TMP      3600000   /* an upload may pause for that long */
#define IMGP_SWEEP_IDEM     (2 * 24 * 3600000ll)   /* they count for one day */
#define IMGP_SWEEP_UNKNOWN  (7 * 24 * 3600000ll)   /* a final job without end */
#define IMGP_SWEEP_NOTICE   (30 * 24 * 3600000ll)  /* dead, or of a receiver
                                                     that is no more */
#define IMGP_SWEEP_FUTURE   3600000   /* the clock was wrong */


typedef struct {
    const imgp_store_t  *store;
    imgp_sweep_t        *sweep;
    imgp_store_error_t  *err;

    imgp_lru_t           lru;
    imgp_uint_t          failed;      /* at one file: the others go on */

    imgp_set_t           kept;        /* what final jobs need */
    imgp_uint_t          looked;      /* for these */
    imgp_uint_t          blind;       /* in vain */
} imgp_sweep_ctx_t;


/* of a file: its path, its name, its stat; IMGP_OK to go on */

typedef imgp_int_t (*imgp_sweep_pt)(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);


typedef struct {
    const char          *dir;
    imgp_uint_t          fan;
    imgp_sweep_pt        handler;
} imgp_sweep_dir_t;


static imgp_int_t imgp_sweep_dir(imgp_sweep_ctx_t *ctx, const char *dir,
    imgp_uint_t fan, imgp_sweep_pt handler);
static imgp_int_t imgp_sweep_entry(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, imgp_sweep_pt handler);
static imgp_int_t imgp_sweep_tmp(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_int_t imgp_sweep_job(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_int_t imgp_sweep_done(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_uint_t imgp_sweep_expired(imgp_sweep_ctx_t *ctx,
    const char *path, int64_t age);
static imgp_int_t imgp_sweep_idem(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_int_t imgp_sweep_notice(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_int_t imgp_sweep_result(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_int_t imgp_sweep_blob(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_int_t imgp_sweep_content(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st, imgp_uint_t blob);
static imgp_int_t imgp_sweep_shrink(imgp_sweep_ctx_t *ctx);
static imgp_int_t imgp_sweep_evict(imgp_sweep_ctx_t *ctx,
    const imgp_lru_file_t *file);
static imgp_uint_t imgp_sweep_kept(imgp_sweep_ctx_t *ctx,
    const u_char *digest);
static imgp_int_t imgp_sweep_keep(imgp_sweep_ctx_t *ctx, const char *path,
    const char *name, const struct stat *st);
static imgp_int_t imgp_sweep_take(imgp_sweep_ctx_t *ctx, const char *path,
    int64_t mtime);
static imgp_int_t imgp_sweep_unlink(imgp_sweep_ctx_t *ctx, const char *path,
    uint64_t room);
static void imgp_sweep_count(imgp_sweep_ctx_t *ctx, const struct stat *st);
static int64_t imgp_sweep_mtime(const struct stat *st);
static int64_t imgp_sweep_age(imgp_sweep_ctx_t *ctx, const struct stat *st);


/* results before blobs: a manifest without its blobs is of no use */

static const imgp_sweep_dir_t  imgp_sweep_dirs[] = {
    { "tmp", 0, imgp_sweep_tmp },
    { "jobs", 1, imgp_sweep_job },
    { "done", 1, imgp_sweep_done },
    { "idem", 1, imgp_sweep_idem },
    { "notify", 0, imgp_sweep_notice },
    { "dead", 0, imgp_sweep_notice },
    { "results", 1, imgp_sweep_result },
    { "blobs", 1, imgp_sweep_blob }
};


imgp_int_t
imgp_sweep(const imgp_store_t *store, imgp_sweep_t *sweep,
    imgp_store_error_t *err)
{
    imgp_int_t               rc;
    imgp_uint_t              i;
    imgp_sweep_ctx_t         ctx;
    const imgp_sweep_dir_t  *dir;

    memset(&ctx, 0, sizeof(ctx));

    ctx.store = store;
    ctx.sweep = sweep;
    ctx.err = err;
    ctx.lru.max = IMGP_SWEEP_MAX;

    sweep->size = 0;
    sweep->removed = 0;
    sweep->files = 0;

    rc = IMGP_OK;

    for (i = 0; i < imgp_nelts(imgp_sweep_dirs) && rc == IMGP_OK; i++) {
        dir = &imgp_sweep_dirs[i];
        rc = imgp_sweep_dir(&ctx, dir->dir, dir->fan, dir->handler);
    }

    if (rc == IMGP_OK && sweep->max_size && sweep->size > sweep->max_size) {
        rc = imgp_sweep_shrink(&ctx);
    }

    imgp_lru_free(&ctx.lru);
    imgp_set_free(&ctx.kept);

    return (rc == IMGP_OK && ctx.failed) ? IMGP_ERROR : rc;
}


/* a directory of files, or one of directories of files */

static imgp_int_t
imgp_sweep_dir(imgp_sweep_ctx_t *ctx, const char *name, imgp_uint_t fan,
    imgp_sweep_pt handler)
{
    DIR            *dir;
    char            path[IMGP_PATH_MAX], sub[IMGP_PATH_MAX];
    imgp_int_t      rc;
    struct dirent  *entry;

    imgp_store_path(ctx->store, name, "", 0, path);

    dir = opendir(path);

    if (dir == NULL) {
        return (errno == ENOENT || errno == ENOTDIR)
                   ? IMGP_OK : imgp_file_error(ctx->err, "opendir");
    }

    rc = IMGP_OK;

    while (rc == IMGP_OK) {
        errno = 0;
        entry = readdir(dir);

        if (entry == NULL) {
            rc = errno ? imgp_file_error(ctx->err, "readdir") : IMGP_OK;
            break;
        }

        if (entry->d_name[0] == '.') {
            continue;
        }

        if (snprintf(sub, sizeof(sub), "%s/%s", name, entry->d_name)
            >= (int) sizeof(sub))
        {
            continue;
        }

        if (fan) {
            rc = imgp_sweep_dir(ctx, sub, 0, handler);

        } else {
            rc = imgp_sweep_entry(ctx, path, entry->d_name, handler);
        }

        if (rc == IMGP_ERROR) {
            ctx->failed = 1;
            rc = IMGP_OK;
        }
    }

    closedir(dir);

    return rc;
}


static imgp_int_t
imgp_sweep_entry(imgp_sweep_ctx_t *ctx, const char *dir, const char *name,
    imgp_sweep_pt handler)
{
    char         path[IMGP_PATH_MAX];
    struct stat  st;

    if (ctx->sweep->cancel != NULL && *ctx->sweep->cancel) {
        return IMGP_AGAIN;
    }

    if (snprintf(path, sizeof(path), "%s%s", dir, name)
        >= (int) sizeof(path))
    {
        return IMGP_OK;
    }

    if (lstat(path, &st) == -1) {
        return (errno == ENOENT) ? IMGP_OK
                                 : imgp_file_error(ctx->err, "lstat");
    }

    return S_ISREG(st.st_mode) ? handler(ctx, path, name, &st) : IMGP_OK;
}


static imgp_int_t
imgp_sweep_tmp(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    if (imgp_sweep_age(ctx, st) > IMGP_SWEEP_TMP) {
        return imgp_sweep_unlink(ctx, path, imgp_file_room(st->st_size));
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_sweep_job(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    imgp_sweep_count(ctx, st);

    return IMGP_OK;
}


static imgp_int_t
imgp_sweep_done(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    /* its mtime is its expiry, as far as anybody has not touched it */

    if (imgp_sweep_mtime(st) / 1000000 > (int64_t) ctx->sweep->now
        || !imgp_sweep_expired(ctx, path, imgp_sweep_age(ctx, st)))
    {
        imgp_sweep_count(ctx, st);
        return IMGP_OK;
    }

    return imgp_sweep_unlink(ctx, path, imgp_file_room(st->st_size));
}


/* one that cannot be read, perhaps of a newer module, has time to be */

static imgp_uint_t
imgp_sweep_expired(imgp_sweep_ctx_t *ctx, const char *path, int64_t age)
{
    imgp_int_t           rc;
    imgp_str_t           record;
    imgp_pool_t         *pool;
    imgp_uint_t          expired;
    imgp_record_head_t   head;

    pool = imgp_pool_create(&imgp_malloc, IMGP_FILE_BLOCK);
    if (pool == NULL) {
        return 0;
    }

    rc = imgp_file_read(path, IMGP_RECORD_MAX, pool, &record, NULL);

    if (rc == IMGP_OK
        && imgp_record_head(record.data, record.len, &head) == IMGP_OK
        && head.expires_at)
    {
        expired = (head.expires_at <= ctx->sweep->now);

    } else {
        expired = (age > IMGP_SWEEP_UNKNOWN);
    }

    imgp_pool_destroy(pool);

    return expired;
}


static imgp_int_t
imgp_sweep_idem(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    if (imgp_sweep_age(ctx, st) > IMGP_SWEEP_IDEM) {
        return imgp_sweep_unlink(ctx, path, imgp_file_room(st->st_size));
    }

    imgp_sweep_count(ctx, st);

    return IMGP_OK;
}


static imgp_int_t
imgp_sweep_notice(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    if (imgp_sweep_age(ctx, st) > IMGP_SWEEP_NOTICE) {
        return imgp_sweep_unlink(ctx, path, imgp_file_room(st->st_size));
    }

    imgp_sweep_count(ctx, st);

    return IMGP_OK;
}


static imgp_int_t
imgp_sweep_result(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    return imgp_sweep_content(ctx, path, name, st, 0);
}


static imgp_int_t
imgp_sweep_blob(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    return imgp_sweep_content(ctx, path, name, st, 1);
}


static imgp_int_t
imgp_sweep_content(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st, imgp_uint_t blob)
{
    int64_t            age;
    imgp_str_t         hex;
    imgp_lru_file_t  file;

    hex.len = strlen(name);
    hex.data = (u_char *) name;

    if (imgp_digest_parse_hex(&hex, file.name) != IMGP_OK) {
        return IMGP_OK;
    }

    imgp_sweep_count(ctx, st);

    age = imgp_sweep_age(ctx, st);

    if (age < -IMGP_SWEEP_FUTURE) {
        (void) utimensat(AT_FDCWD, path, NULL, 0);
    }

    if (age < IMGP_SWEEP_YOUNG) {
        return IMGP_OK;
    }

    file.mtime = imgp_sweep_mtime(st);
    file.room = imgp_file_room(st->st_size);
    file.blob = blob;

    if (ctx->sweep->inactive && age > (int64_t) ctx->sweep->inactive) {
        return imgp_sweep_evict(ctx, &file);
    }

    if (ctx->sweep->max_size && imgp_lru_add(&ctx->lru, &file) != IMGP_OK) {
        errno = ENOMEM;
        return imgp_file_error(ctx->err, "malloc");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_sweep_shrink(imgp_sweep_ctx_t *ctx)
{
    size_t  i;

    imgp_lru_sort(&ctx->lru);

    for (i = 0; i < ctx->lru.n; i++) {

        if (ctx->sweep->size <= ctx->sweep->max_size) {
            break;
        }

        if (ctx->sweep->cancel != NULL && *ctx->sweep->cancel) {
            return IMGP_AGAIN;
        }

        if (imgp_sweep_evict(ctx, &ctx->lru.files[i]) != IMGP_OK) {
            ctx->failed = 1;
        }
    }

    return IMGP_OK;
}


/* of a file that was counted */

static imgp_int_t
imgp_sweep_evict(imgp_sweep_ctx_t *ctx, const imgp_lru_file_t *file)
{
    char           name[IMGP_DIGEST_HEX_LEN + 1], path[IMGP_PATH_MAX];
    imgp_int_t     rc;
    imgp_sweep_t  *sweep;

    sweep = ctx->sweep;

    if (file->blob
        && ((sweep->needed != NULL && sweep->needed(sweep->data, file->name))
            || imgp_sweep_kept(ctx, file->name)))
    {
        return IMGP_OK;
    }

    imgp_digest_hex(file->name, name);
    imgp_store_path(ctx->store, file->blob ? "blobs" : "results", name,
                    IMGP_STORE_FAN_DIGEST, path);

    rc = file->blob ? imgp_sweep_take(ctx, path, file->mtime)
                    : imgp_sweep_unlink(ctx, path, 0);

    if (rc != IMGP_OK) {
        return (rc == IMGP_DECLINED) ? IMGP_OK : rc;
    }

    sweep->size -= file->room;
    sweep->files--;
    sweep->removed += file->room;

    return IMGP_OK;
}


/* jobs that are known from their files alone, since a restart or since the
   job table had no more room for them */

static imgp_uint_t
imgp_sweep_kept(imgp_sweep_ctx_t *ctx, const u_char *digest)
{
    if (!ctx->looked) {
        ctx->looked = 1;

        if (imgp_sweep_dir(ctx, "done", 1, imgp_sweep_keep) != IMGP_OK) {
            ctx->blind = 1;
        }

        imgp_set_sort(&ctx->kept);
    }

    return ctx->blind || imgp_set_has(&ctx->kept, digest, IMGP_DIGEST_LEN);
}


static imgp_int_t
imgp_sweep_keep(imgp_sweep_ctx_t *ctx, const char *path, const char *name,
    const struct stat *st)
{
    imgp_int_t    rc;
    imgp_job_t   *job;
    imgp_str_t    record;
    imgp_pool_t  *pool;

    pool = imgp_pool_create(&imgp_malloc, IMGP_FILE_BLOCK);

    if (pool == NULL) {
        ctx->blind = 1;
        return IMGP_OK;
    }

    rc = imgp_file_read(path, IMGP_RECORD_MAX, pool, &record, ctx->err);

    if (rc == IMGP_OK) {
        job = imgp_record_decode(record.data, record.len, &imgp_malloc);

        if (job && job->expires_at > ctx->sweep->now
            && imgp_set_put_job(&ctx->kept, job) != IMGP_OK)
        {
            ctx->blind = 1;
        }

        imgp_job_destroy(job);
    }

    imgp_pool_destroy(pool);

    if (rc == IMGP_ERROR) {
        ctx->blind = 1;
    }

    return (rc == IMGP_ERROR) ? IMGP_ERROR : IMGP_OK;
}


/* DECLINED: it is in use again, or gone */

static imgp_int_t
imgp_sweep_take(imgp_sweep_ctx_t *ctx, const char *path, int64_t mtime)
{
    int          lock;
    imgp_int_t   rc;
    struct stat  st;

    lock = imgp_lock(path);

    if (lock == -1) {
        return (errno == ENOENT) ? IMGP_DECLINED
                                 : imgp_file_error(ctx->err, "flock");
    }

    if (lstat(path, &st) == 0 && imgp_sweep_mtime(&st) == mtime) {
        rc = imgp_file_remove(path, ctx->err);

    } else {
        rc = IMGP_DECLINED;
    }

    close(lock);

    return rc;
}


static imgp_int_t
imgp_sweep_unlink(imgp_sweep_ctx_t *ctx, const char *path, uint64_t room)
{
    imgp_int_t  rc;

    rc = imgp_file_remove(path, ctx->err);

    if (rc == IMGP_OK) {
        ctx->sweep->removed += room;
    }

    return (rc == IMGP_ERROR) ? IMGP_ERROR : IMGP_OK;
}


static void
imgp_sweep_count(imgp_sweep_ctx_t *ctx, const struct stat *st)
{
    ctx->sweep->size += imgp_file_room(st->st_size);
    ctx->sweep->files++;
}


static int64_t
imgp_sweep_mtime(const struct stat *st)
{
    return (int64_t) st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}


/* ms; negative: of the future */

static int64_t
imgp_sweep_age(imgp_sweep_ctx_t *ctx, const struct stat *st)
{
    return (int64_t) ctx->sweep->now - imgp_sweep_mtime(st) / 1000000;
}
