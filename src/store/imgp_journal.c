
/*
 * Jobs on disk: what 202 promised lies in jobs/ until the job is final, then
 * in done/ until its "keep" is over.
 *
 * A job may for a moment be in both: when it ends (done/ is durable before
 * jobs/ is removed) and when it is reopened (jobs/ before done/).  If nginx
 * dies just then, the higher revision is the truth; imgp_journal_scan()
 * removes the other.  A record whose version is another, say of a newer
 * module after a downgrade, is left alone.
 *
 * Called by threads; no state.  A final record's mtime is set to its expiry,
 * so that the sweep need not read it before.
 */


#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_file.h>
#include <imgp/imgp_record.h>


#define IMGP_JOURNAL_PAGE  8192


typedef enum {
    IMGP_JOURNAL_JOBS = 0,
    IMGP_JOURNAL_DONE
} imgp_journal_e;


static imgp_int_t imgp_journal_put(const imgp_store_t *store,
    const u_char *id, imgp_journal_e where, const u_char *record, size_t len,
    imgp_store_error_t *err);
static imgp_int_t imgp_journal_begin(const imgp_store_t *store,
    const u_char *id, imgp_journal_e where, imgp_file_t *file,
    const u_char *record, size_t len, imgp_store_error_t *err);
static void imgp_journal_set_expiry(int fd, const u_char *record, size_t len);
static imgp_int_t imgp_journal_load(const imgp_store_t *store,
    const u_char *id, imgp_journal_e where, imgp_pool_t *pool,
    imgp_str_t *record, imgp_store_error_t *err);
static imgp_int_t imgp_journal_scan_dir(const imgp_store_t *store,
    const char *name, imgp_journal_scan_t *scan, imgp_store_error_t *err);
static imgp_int_t imgp_journal_scan_one(const imgp_store_t *store,
    const u_char *id, imgp_journal_scan_t *scan, imgp_store_error_t *err);
static imgp_int_t imgp_journal_settle(const imgp_store_t *store,
    const u_char *id, imgp_pool_t *pool, const imgp_record_head_t *head,
    imgp_store_error_t *err);
static imgp_int_t imgp_journal_set_aside(const imgp_store_t *store,
    const u_char *id, imgp_store_error_t *err);
static void imgp_journal_path(const imgp_store_t *store, const u_char *id,
    imgp_journal_e where, char *out);


imgp_int_t
imgp_journal_accept(imgp_blob_t *b, const u_char id[IMGP_ID_BYTES],
    const u_char *record, size_t len, imgp_uint_t final, uint64_t *added,
    imgp_store_error_t *err)
{
    imgp_int_t           rc;
    imgp_uint_t          n;
    imgp_file_t          files[2];
    imgp_journal_e       where;
    const imgp_store_t  *store;

    store = b->store;
    where = final ? IMGP_JOURNAL_DONE : IMGP_JOURNAL_JOBS;
    *added = 0;

    rc = imgp_journal_begin(store, id, where, &files[1], record, len, err);

    if (rc != IMGP_OK) {
        imgp_blob_abort(b);
        return IMGP_ERROR;
    }

    n = imgp_blob_give(b, &files[0], added);

    rc = imgp_file_commit(store, &files[1 - n], 1 + n, store->sync, err);

    if (rc == IMGP_OK && b->young) {
        imgp_blob_path(store, b->name, files[0].path);
        rc = imgp_dir_sync_shared(files[0].path, err);
    }

    if (rc != IMGP_OK) {
        *added = 0;
        (void) imgp_journal_remove(store, id);
    }

    return rc;
}


imgp_int_t
imgp_journal_write(const imgp_store_t *store, const u_char id[IMGP_ID_BYTES],
    const u_char *record, size_t len, imgp_uint_t final,
    imgp_store_error_t *err)
{
    char  path[IMGP_PATH_MAX];

    if (!final) {
        return imgp_journal_put(store, id, IMGP_JOURNAL_JOBS, record, len,
                                err);
    }

    if (imgp_journal_put(store, id, IMGP_JOURNAL_DONE, record, len, err)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_journal_path(store, id, IMGP_JOURNAL_JOBS, path);

    return (imgp_file_remove(path, err) == IMGP_ERROR) ? IMGP_ERROR : IMGP_OK;
}


imgp_int_t
imgp_journal_reopen(const imgp_store_t *store,
    const u_char id[IMGP_ID_BYTES], const u_char *record, size_t len,
    imgp_store_error_t *err)
{
    char  path[IMGP_PATH_MAX];

    if (imgp_journal_put(store, id, IMGP_JOURNAL_JOBS, record, len, err)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_journal_path(store, id, IMGP_JOURNAL_DONE, path);

    return (imgp_file_remove(path, err) == IMGP_ERROR) ? IMGP_ERROR : IMGP_OK;
}


static imgp_int_t
imgp_journal_put(const imgp_store_t *store, const u_char *id,
    imgp_journal_e where, const u_char *record, size_t len,
    imgp_store_error_t *err)
{
    imgp_file_t  file;

    if (imgp_journal_begin(store, id, where, &file, record, len, err)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_file_commit(store, &file, 1, store->sync, err);
}


static imgp_int_t
imgp_journal_begin(const imgp_store_t *store, const u_char *id,
    imgp_journal_e where, imgp_file_t *file, const u_char *record, size_t len,
    imgp_store_error_t *err)
{
    if (imgp_file_begin(store, file, record, len, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (where == IMGP_JOURNAL_DONE) {
        imgp_journal_set_expiry(file->fd, record, len);
    }

    imgp_journal_path(store, id, where, file->path);

    return IMGP_OK;
}


/* a hint: without it the sweep reads the record */

static void
imgp_journal_set_expiry(int fd, const u_char *record, size_t len)
{
    struct timespec     times[2];
    imgp_record_head_t  head;

    if (imgp_record_head(record, len, &head) != IMGP_OK
        || head.expires_at == 0)
    {
        return;
    }

    times[0].tv_sec = 0;
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = (time_t) (head.expires_at / 1000);
    times[1].tv_nsec = (long) (head.expires_at % 1000) * 1000000;

    (void) futimens(fd, times);
}


imgp_int_t
imgp_journal_read(const imgp_store_t *store, const u_char id[IMGP_ID_BYTES],
    imgp_pool_t *pool, imgp_str_t *record, imgp_store_error_t *err)
{
    imgp_int_t  rc;

    rc = imgp_journal_load(store, id, IMGP_JOURNAL_DONE, pool, record, err);

    if (rc == IMGP_DECLINED) {
        rc = imgp_journal_load(store, id, IMGP_JOURNAL_JOBS, pool, record,
                               err);
    }

    if (rc == IMGP_DECLINED) {

        /* between the two looks it may have ended */

        rc = imgp_journal_load(store, id, IMGP_JOURNAL_DONE, pool, record,
                               err);
    }

    return rc;
}


/* DECLINED: not there, spoilt, or another job's */

static imgp_int_t
imgp_journal_load(const imgp_store_t *store, const u_char *id,
    imgp_journal_e where, imgp_pool_t *pool, imgp_str_t *record,
    imgp_store_error_t *err)
{
    char                path[IMGP_PATH_MAX];
    imgp_int_t          rc;
    imgp_record_head_t  head;

    imgp_journal_path(store, id, where, path);

    rc = imgp_file_read(path, IMGP_RECORD_MAX, pool, record, err);

    if (rc == IMGP_OK
        && (imgp_record_head(record->data, record->len, &head) != IMGP_OK
            || memcmp(head.id, id, IMGP_ID_BYTES) != 0))
    {
        return IMGP_DECLINED;
    }

    return rc;
}


imgp_uint_t
imgp_journal_waits(const imgp_store_t *store, const u_char id[IMGP_ID_BYTES])
{
    char  path[IMGP_PATH_MAX];

    imgp_journal_path(store, id, IMGP_JOURNAL_JOBS, path);

    return access(path, F_OK) == 0;
}


imgp_int_t
imgp_journal_remove(const imgp_store_t *store, const u_char id[IMGP_ID_BYTES])
{
    char        path[IMGP_PATH_MAX];
    imgp_int_t  rc, jobs;

    imgp_journal_path(store, id, IMGP_JOURNAL_JOBS, path);
    jobs = imgp_file_remove(path, NULL);

    imgp_journal_path(store, id, IMGP_JOURNAL_DONE, path);
    rc = imgp_file_remove(path, NULL);

    if (jobs == IMGP_ERROR || rc == IMGP_ERROR) {
        return IMGP_ERROR;
    }

    return (jobs == IMGP_OK || rc == IMGP_OK) ? IMGP_OK : IMGP_DECLINED;
}


imgp_int_t
imgp_journal_scan(const imgp_store_t *store, imgp_journal_scan_t *scan,
    imgp_store_error_t *err)
{
    char         name[2];
    imgp_int_t   rc;
    const char  *digit;

    memset(&scan->odd, 0, sizeof(imgp_journal_odd_t));
    rc = IMGP_OK;

    for (digit = IMGP_ID_DIGITS; *digit != '\0' && rc == IMGP_OK; digit++) {
        name[0] = *digit;
        name[1] = '\0';

        rc = imgp_journal_scan_dir(store, name, scan, err);
    }

    return rc;
}


static imgp_int_t
imgp_journal_scan_dir(const imgp_store_t *store, const char *name,
    imgp_journal_scan_t *scan, imgp_store_error_t *err)
{
    DIR            *dir;
    char            path[IMGP_PATH_MAX];
    u_char          id[IMGP_ID_BYTES];
    imgp_int_t      rc;
    struct dirent  *entry;

    imgp_store_path(store, "jobs", name, 0, path);

    dir = opendir(path);

    if (dir == NULL) {
        return (errno == ENOENT) ? IMGP_OK : imgp_file_error(err, "opendir");
    }

    rc = IMGP_OK;

    while (rc == IMGP_OK) {
        errno = 0;
        entry = readdir(dir);

        if (entry == NULL) {
            rc = errno ? imgp_file_error(err, "readdir") : IMGP_OK;
            break;
        }

        if (imgp_id_parse((u_char *) entry->d_name, strlen(entry->d_name), id)
            == IMGP_OK
            && (scan->wanted == NULL || scan->wanted(scan->data, id)))
        {
            rc = imgp_journal_scan_one(store, id, scan, err);
        }
    }

    closedir(dir);

    return rc;
}


static imgp_int_t
imgp_journal_scan_one(const imgp_store_t *store, const u_char *id,
    imgp_journal_scan_t *scan, imgp_store_error_t *err)
{
    char                 path[IMGP_PATH_MAX];
    imgp_int_t           rc;
    imgp_str_t           record;
    uint32_t             version;
    imgp_pool_t         *pool;
    imgp_record_head_t   head;

    pool = imgp_pool_create(&imgp_malloc, IMGP_JOURNAL_PAGE);

    if (pool == NULL) {
        errno = ENOMEM;
        return imgp_file_error(err, "malloc");
    }

    imgp_journal_path(store, id, IMGP_JOURNAL_JOBS, path);

    rc = imgp_file_read(path, IMGP_RECORD_MAX, pool, &record, err);

    if (rc != IMGP_OK) {
        goto done;
    }

    if (imgp_record_head(record.data, record.len, &head) != IMGP_OK
        || memcmp(head.id, id, IMGP_ID_BYTES) != 0)
    {
        version = imgp_record_version(record.data, record.len);

        if (version != 0 && version != IMGP_RECORD_VERSION) {
            scan->odd.foreign++;

        } else {
            scan->odd.spoilt++;
            rc = imgp_journal_set_aside(store, id, err);
        }

        goto done;
    }

    rc = imgp_journal_settle(store, id, pool, &head, err);

    if (rc == IMGP_OK) {
        rc = scan->found(scan->data, record.data, record.len);
    }

done:

    imgp_pool_destroy(pool);

    /* it is gone meanwhile, or has ended: on with the next */

    return (rc == IMGP_DECLINED) ? IMGP_OK : rc;
}


/* if it is in done/, too: IMGP_OK when the record of jobs/ is the newer one */

static imgp_int_t
imgp_journal_settle(const imgp_store_t *store, const u_char *id,
    imgp_pool_t *pool, const imgp_record_head_t *head,
    imgp_store_error_t *err)
{
    char                path[IMGP_PATH_MAX];
    imgp_int_t          rc;
    imgp_str_t          record;
    imgp_record_head_t  final;

    rc = imgp_journal_load(store, id, IMGP_JOURNAL_DONE, pool, &record, err);

    if (rc == IMGP_DECLINED) {
        return IMGP_OK;
    }

    if (rc != IMGP_OK
        || imgp_record_head(record.data, record.len, &final) != IMGP_OK)
    {
        return rc;
    }

    if (final.revision >= head->revision) {
        imgp_journal_path(store, id, IMGP_JOURNAL_JOBS, path);
        rc = imgp_file_remove(path, err);

        return (rc == IMGP_ERROR) ? IMGP_ERROR : IMGP_DECLINED;
    }

    imgp_journal_path(store, id, IMGP_JOURNAL_DONE, path);
    rc = imgp_file_remove(path, err);

    return (rc == IMGP_ERROR) ? IMGP_ERROR : IMGP_OK;
}


/* to tmp/, where a person finds it until the sweep does */

static imgp_int_t
imgp_journal_set_aside(const imgp_store_t *store, const u_char *id,
    imgp_store_error_t *err)
{
    char  path[IMGP_PATH_MAX], aside[IMGP_PATH_MAX];
    char  name[sizeof("spoilt-") + IMGP_ID_LEN];

    memcpy(name, "spoilt-", sizeof("spoilt-") - 1);
    imgp_id_text(id, name + sizeof("spoilt-") - 1);

    imgp_journal_path(store, id, IMGP_JOURNAL_JOBS, path);
    imgp_store_path(store, "tmp", name, 0, aside);

    if (rename(path, aside) == -1 && errno != ENOENT) {
        return imgp_file_error(err, "rename");
    }

    (void) utimensat(AT_FDCWD, aside, NULL, 0);

    return IMGP_OK;
}


static void
imgp_journal_path(const imgp_store_t *store, const u_char *id,
    imgp_journal_e where, char *out)
{
    char  name[IMGP_ID_LEN + 1];

    imgp_id_text(id, name);
    imgp_store_path(store, where == IMGP_JOURNAL_JOBS ? "jobs" : "done", name,
                    IMGP_STORE_FAN_ID, out);
}
