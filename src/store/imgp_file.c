
/*
 * Whole files.  A name in the store never stands for a part of a file: bytes
 * are written, fsync'ed, and get their name by linkat(2) or rename(2); then
 * the directory is fsync'ed, so that the name survives a loss of power.
 *
 * Where the file system has files without a name (O_TMPFILE, see open(2)),
 * they are used: one change of a directory instead of three, and a writer that
 * is killed leaves nothing behind.  Else, and where an old file must give way,
 * the file has a name in tmp/ first.
 *
 * After a failed fsync() the kernel may have dropped the pages and marked them
 * clean (Rebello et al., "Can Applications Recover from fsync Failures?",
 * USENIX ATC 2020): the file is thrown away, never synced again and used.
 *
 * Called by threads.  No state: the names in tmp/ are 128 random bits, so
 * neither threads nor processes have to agree on a counter.
 */


#define _GNU_SOURCE                   /* O_TMPFILE, sync_file_range() */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_file.h>
#include <imgp/imgp_lock.h>


#define IMGP_FILE_MODE  0600


static int imgp_file_open(const imgp_store_t *store, char *tmp);
static imgp_int_t imgp_file_name(const imgp_store_t *store, char *tmp);
static imgp_int_t imgp_file_give(const imgp_store_t *store, imgp_file_t *file,
    imgp_uint_t sync, imgp_store_error_t *err);
static int imgp_file_link(int fd, const char *path);
static imgp_int_t imgp_file_replace(const imgp_store_t *store,
    imgp_file_t *file, imgp_uint_t sync, imgp_store_error_t *err);
static imgp_int_t imgp_file_sync(imgp_file_t *files, imgp_uint_t n,
    imgp_store_error_t *err);
static imgp_int_t imgp_file_move(const imgp_file_t *file, imgp_uint_t sync,
    imgp_store_error_t *err);
static imgp_int_t imgp_file_read_fd(int fd, size_t size, imgp_pool_t *pool,
    imgp_str_t *content, imgp_store_error_t *err);


int
imgp_file_create(const imgp_store_t *store, char *tmp,
    imgp_store_error_t *err)
{
    int   fd;
    char  dir[IMGP_PATH_MAX];

    fd = imgp_file_open(store, tmp);

    if (fd == -1 && errno == ENOENT) {
        imgp_store_path(store, "tmp", "", 0, dir);

        if (imgp_dir_make(dir, 0, err) != IMGP_OK) {
            return -1;
        }

        fd = imgp_file_open(store, tmp);
    }

    if (fd == -1) {
        imgp_file_error(err, "open");
    }

    return fd;
}


static int
imgp_file_open(const imgp_store_t *store, char *tmp)
{
    int   fd;
    char  dir[IMGP_PATH_MAX];

    if (store->unnamed) {
        imgp_store_path(store, "tmp", "", 0, dir);

        fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, IMGP_FILE_MODE);
        tmp[0] = '\0';

        return fd;
    }

    if (imgp_file_name(store, tmp) != IMGP_OK) {
        return -1;
    }

    return open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, IMGP_FILE_MODE);
}


imgp_uint_t
imgp_file_unnamed(imgp_store_t *store)
{
    int          fd;
    char         path[IMGP_PATH_MAX], tmp[IMGP_PATH_MAX];
    imgp_uint_t  named;

    store->unnamed = 1;

    fd = imgp_file_open(store, tmp);
    named = 0;

    if (fd != -1) {
        named = imgp_file_name(store, path) == IMGP_OK
                && imgp_file_link(fd, path) == 0
                && unlink(path) == 0;

        close(fd);
    }

    store->unnamed = named;

    return named;
}


static imgp_int_t
imgp_file_name(const imgp_store_t *store, char *tmp)
{
    u_char  id[IMGP_ID_BYTES];
    char    text[IMGP_ID_LEN + 1];

    if (imgp_id_random(id) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_id_text(id, text);
    imgp_store_path(store, "tmp", text, 0, tmp);

    return IMGP_OK;
}


imgp_int_t
imgp_file_write(int fd, const void *p, size_t len, imgp_store_error_t *err)
{
    ssize_t        n;
    const u_char  *pos;

    for (pos = p; len; pos += n, len -= (size_t) n) {
        n = write(fd, pos, len);

        if (n == -1) {
            if (errno != EINTR) {
                return imgp_file_error(err, "write");
            }

            n = 0;
        }
    }

    return IMGP_OK;
}


imgp_int_t
imgp_file_commit(const imgp_store_t *store, imgp_file_t *files, imgp_uint_t n,
    imgp_uint_t sync, imgp_store_error_t *err)
{
    imgp_int_t   rc;
    imgp_uint_t  i;

    rc = sync ? imgp_file_sync(files, n, err) : IMGP_OK;

    for (i = 0; i < n; i++) {

        if (rc != IMGP_OK) {
            imgp_file_abort(files[i].fd, files[i].tmp);
            continue;
        }

        rc = imgp_file_give(store, &files[i], sync, err);
    }

    for (i = 0; sync && i < n && rc == IMGP_OK; i++) {
        rc = files[i].shared ? imgp_dir_sync_shared(files[i].path, err)
                             : imgp_dir_sync(files[i].path, err);
    }

    return rc;
}


/* all are on their way before the first is waited for: the journal of the file
   system then takes them in one transaction */

static imgp_int_t
imgp_file_sync(imgp_file_t *files, imgp_uint_t n, imgp_store_error_t *err)
{
    imgp_int_t   rc;
    imgp_uint_t  i;

    for (i = 0; n > 1 && i < n; i++) {
        (void) sync_file_range(files[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    }

    for (rc = IMGP_OK, i = 0; i < n && rc == IMGP_OK; i++) {
        rc = imgp_file_fsync(files[i].fd, err);
    }

    return rc;
}


/* its name; the descriptor is closed in any case */

static imgp_int_t
imgp_file_give(const imgp_store_t *store, imgp_file_t *file,
    imgp_uint_t sync, imgp_store_error_t *err)
{
    imgp_int_t  rc;

    if (file->tmp[0] == '\0') {
        rc = imgp_file_replace(store, file, sync, err);

        if (close(file->fd) == -1 && errno != EINTR && rc == IMGP_OK) {
            return imgp_file_error(err, "close");
        }

        return rc;
    }

    /* over a network a full disk may be told here for the first time */

    if (close(file->fd) == -1 && errno != EINTR) {
        imgp_file_error(err, "close");
        unlink(file->tmp);
        return IMGP_ERROR;
    }

    return imgp_file_move(file, sync, err);
}


/* the kernel's way to name a descriptor without CAP_DAC_READ_SEARCH */

static int
imgp_file_link(int fd, const char *path)
{
    char  self[sizeof("/proc/self/fd/") + 16];

    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);

    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}


static imgp_int_t
imgp_file_replace(const imgp_store_t *store, imgp_file_t *file,
    imgp_uint_t sync, imgp_store_error_t *err)
{
    int  rc;

    rc = imgp_file_link(file->fd, file->path);

    if (rc == -1 && errno == ENOENT) {

        if (imgp_dir_make(file->path, sync, err) != IMGP_OK) {
            return IMGP_ERROR;
        }

        rc = imgp_file_link(file->fd, file->path);
    }

    if (rc == 0) {
        return IMGP_OK;
    }

    if (errno != EEXIST) {
        return imgp_file_error(err, "linkat");
    }

    if (imgp_file_name(store, file->tmp) != IMGP_OK) {
        return imgp_file_error(err, "getrandom");
    }

    if (imgp_file_link(file->fd, file->tmp) == -1) {
        return imgp_file_error(err, "linkat");
    }

    return imgp_file_move(file, sync, err);
}


imgp_int_t
imgp_file_fsync(int fd, imgp_store_error_t *err)
{
    int  rc;

    do {
        rc = fsync(fd);
    } while (rc == -1 && errno == EINTR);

    return (rc == 0) ? IMGP_OK : imgp_file_error(err, "fsync");
}


/* from tmp/ to its place, or nowhere */

static imgp_int_t
imgp_file_move(const imgp_file_t *file, imgp_uint_t sync,
    imgp_store_error_t *err)
{
    int  rc, (*move)(const char *old, const char *path);

    move = file->shared ? imgp_lock_rename : rename;
    rc = move(file->tmp, file->path);

    if (rc == -1 && errno == ENOENT) {

        if (imgp_dir_make(file->path, sync, err) != IMGP_OK) {
            unlink(file->tmp);
            return IMGP_ERROR;
        }

        rc = move(file->tmp, file->path);
    }

    if (rc == -1) {
        imgp_file_error(err, "rename");
        unlink(file->tmp);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


void
imgp_file_abort(int fd, const char *tmp)
{
    close(fd);

    if (tmp[0]) {
        unlink(tmp);
    }
}


imgp_int_t
imgp_file_put(const imgp_store_t *store, const char *path, const void *p,
    size_t len, imgp_uint_t sync, imgp_store_error_t *err)
{
    imgp_file_t  file;

    if (imgp_file_begin(store, &file, p, len, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    memcpy(file.path, path, strlen(path) + 1);

    return imgp_file_commit(store, &file, 1, sync, err);
}


imgp_int_t
imgp_file_begin(const imgp_store_t *store, imgp_file_t *file, const void *p,
    size_t len, imgp_store_error_t *err)
{
    file->shared = 0;
    file->fd = imgp_file_create(store, file->tmp, err);

    if (file->fd == -1) {
        return IMGP_ERROR;
    }

    if (imgp_file_write(file->fd, p, len, err) != IMGP_OK) {
        imgp_file_abort(file->fd, file->tmp);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


imgp_int_t
imgp_file_read(const char *path, size_t max, imgp_pool_t *pool,
    imgp_str_t *content, imgp_store_error_t *err)
{
    int          fd;
    imgp_int_t   rc;
    struct stat  st;

    content->len = 0;
    content->data = NULL;

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return (errno == ENOENT) ? IMGP_DECLINED
                                 : imgp_file_error(err, "open");
    }

    if (fstat(fd, &st) == -1) {
        rc = imgp_file_error(err, "fstat");

    } else if (!S_ISREG(st.st_mode) || (uint64_t) st.st_size > max) {
        rc = IMGP_OK;

    } else {
        rc = imgp_file_read_fd(fd, (size_t) st.st_size, pool, content, err);
    }

    close(fd);

    return rc;
}


/* a file of the store does not change once it has its name */

static imgp_int_t
imgp_file_read_fd(int fd, size_t size, imgp_pool_t *pool,
    imgp_str_t *content, imgp_store_error_t *err)
{
    ssize_t  n;

    content->data = imgp_palloc(pool, size);

    if (content->data == NULL) {
        errno = ENOMEM;
        return imgp_file_error(err, "malloc");
    }

    while (content->len < size) {
        n = read(fd, content->data + content->len, size - content->len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            return imgp_file_error(err, "read");
        }

        if (n == 0) {
            break;
        }

        content->len += (size_t) n;
    }

    return IMGP_OK;
}


imgp_int_t
imgp_file_remove(const char *path, imgp_store_error_t *err)
{
    if (unlink(path) == 0) {
        return IMGP_OK;
    }

    return (errno == ENOENT) ? IMGP_DECLINED : imgp_file_error(err, "unlink");
}


/*
 * Between the look and the renewal the file may be swept away: then the
 * renewal finds nothing, and the caller makes it anew.
 */

imgp_int_t
imgp_file_touch(const char *path, uint64_t size, int64_t *age,
    imgp_store_error_t *err)
{
    time_t       now;
    struct stat  st;

    if (stat(path, &st) == -1) {
        return (errno == ENOENT) ? IMGP_DECLINED
                                 : imgp_file_error(err, "stat");
    }

    if (!S_ISREG(st.st_mode) || (st.st_mode & 0777) == IMGP_DIR_DOUBTED
        || (uint64_t) st.st_size != size)
    {
        return IMGP_DECLINED;
    }

    now = time(NULL);
    *age = (int64_t) now - (int64_t) st.st_mtime;

    if (*age > IMGP_FILE_RENEW && imgp_lock_renew(path) == -1) {
        return (errno == ENOENT) ? IMGP_DECLINED
                                 : imgp_file_error(err, "utimensat");
    }

    return IMGP_OK;
}


imgp_int_t
imgp_file_error(imgp_store_error_t *err, const char *call)
{
    int  syserr;

    syserr = errno;

    if (err == NULL) {
        return IMGP_ERROR;
    }

    err->syserr = syserr;
    err->call = call;

    if (syserr == ENOSPC || syserr == EDQUOT) {
        return imgp_error_set(&err->error, IMGP_E_STORE_FULL,
                              "there is no room left in the store");
    }

    return imgp_error_set(&err->error, IMGP_E_STORE_AWAY,
                          "the store cannot be read or written");
}
