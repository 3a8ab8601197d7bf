
/*
 * Content under the name of its SHA-256.  The same content is stored once:
 * what is there is compared with what came, while both are at hand, so that a
 * file that was spoilt is mended by whoever brings the content again; and it
 * is checked against its name when it is read.
 *
 * Called by threads; one imgp_blob_t belongs to one thread at a time and owns
 * its descriptor, its digest and its file in tmp/.  Maps (copies, where the
 * content is small) belong to the caller; files of the store never shrink, so
 * a map is safe to read.
 */


#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_file.h>
#include <imgp/imgp_lock.h>


/* by then the writer of a file has fsync'ed its name, or has failed */

#define IMGP_BLOB_SETTLED  60         /* seconds */

/* up to here a copy costs less than a map: page faults, and the flush of the
   TLBs of all threads by munmap(2) */

#define IMGP_BLOB_COPY     (256 * 1024)

#define IMGP_BLOB_COMPARE  (16 * 1024)    /* at a time, on the stack */


static void imgp_blob_init(imgp_blob_t *b, const imgp_store_t *store);
static imgp_int_t imgp_blob_known(imgp_blob_t *b, const u_char *p,
    imgp_store_error_t *err);
static imgp_uint_t imgp_blob_same(imgp_blob_t *b, const char *path,
    const u_char *p);
static imgp_int_t imgp_blob_map_fd(int fd, const imgp_item_t *item,
    imgp_str_t *map, imgp_store_error_t *err);
static imgp_int_t imgp_blob_load_fd(int fd, imgp_str_t *map,
    imgp_store_error_t *err);
static imgp_uint_t imgp_blob_is(const imgp_item_t *item,
    const imgp_str_t *map);
static void imgp_blob_drop(const char *path, int fd);


imgp_int_t
imgp_blob_open(imgp_blob_t *b, const imgp_store_t *store,
    imgp_store_error_t *err)
{
    imgp_blob_init(b, store);

    b->digest = imgp_digest_create();

    if (b->digest == NULL) {
        errno = ENOMEM;
        return imgp_file_error(err, "malloc");
    }

    b->fd = imgp_file_create(store, b->tmp, err);

    if (b->fd == -1) {
        imgp_blob_abort(b);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


static void
imgp_blob_init(imgp_blob_t *b, const imgp_store_t *store)
{
    b->store = store;
    b->fd = -1;
    b->digest = NULL;
    b->bytes = 0;
    b->young = 0;
    b->tmp[0] = '\0';
}


imgp_int_t
imgp_blob_write(imgp_blob_t *b, const void *p, size_t len,
    imgp_store_error_t *err)
{
    if (b->fd == -1) {
        errno = EBADF;
        return imgp_file_error(err, "write");
    }

    if (imgp_file_write(b->fd, p, len, err) != IMGP_OK) {
        imgp_blob_abort(b);
        return IMGP_ERROR;
    }

    imgp_digest_update(b->digest, p, len);
    b->bytes += len;

    return IMGP_OK;
}


imgp_int_t
imgp_blob_seal(imgp_blob_t *b, u_char digest[IMGP_DIGEST_LEN],
    imgp_store_error_t *err)
{
    imgp_int_t  rc;

    if (b->fd == -1) {
        errno = EBADF;
        return imgp_file_error(err, "write");
    }

    imgp_digest_final(b->digest, b->name);
    memcpy(digest, b->name, IMGP_DIGEST_LEN);

    rc = imgp_blob_known(b, NULL, err);

    if (rc != IMGP_DECLINED) {
        imgp_blob_abort(b);
        return rc;
    }

    return IMGP_OK;
}


imgp_int_t
imgp_blob_hold(imgp_blob_t *b, const imgp_store_t *store, const void *p,
    size_t len, u_char digest[IMGP_DIGEST_LEN], imgp_store_error_t *err)
{
    imgp_int_t   rc;
    imgp_file_t  file;

    imgp_blob_init(b, store);

    imgp_digest(p, len, b->name);
    memcpy(digest, b->name, IMGP_DIGEST_LEN);
    b->bytes = len;

    rc = imgp_blob_known(b, p, err);

    if (rc != IMGP_DECLINED) {
        return rc;
    }

    if (imgp_file_begin(store, &file, p, len, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    b->fd = file.fd;
    memcpy(b->tmp, file.tmp, strlen(file.tmp) + 1);

    return IMGP_OK;
}


imgp_uint_t
imgp_blob_give(imgp_blob_t *b, imgp_file_t *file, uint64_t *added)
{
    *added = 0;

    if (b->fd == -1) {
        return 0;
    }

    /* what takes its name now is young, however long the upload took */

    (void) futimens(b->fd, NULL);

    file->shared = 1;
    file->fd = b->fd;
    memcpy(file->tmp, b->tmp, strlen(b->tmp) + 1);
    imgp_blob_path(b->store, b->name, file->path);

    *added = imgp_file_room(b->bytes);

    b->fd = -1;
    imgp_blob_abort(b);

    return 1;
}


imgp_int_t
imgp_blob_commit(imgp_blob_t *b, uint64_t *added, imgp_store_error_t *err)
{
    char         path[IMGP_PATH_MAX];
    imgp_file_t  file;

    if (imgp_blob_give(b, &file, added)) {

        if (imgp_file_commit(b->store, &file, 1, b->store->sync, err)
            != IMGP_OK)
        {
            *added = 0;
            return IMGP_ERROR;
        }

        return IMGP_OK;
    }

    if (b->young) {
        imgp_blob_path(b->store, b->name, path);
        return imgp_dir_sync_shared(path, err);
    }

    return IMGP_OK;
}


void
imgp_blob_abort(imgp_blob_t *b)
{
    if (b->fd != -1) {
        imgp_file_abort(b->fd, b->tmp);
        b->fd = -1;
    }

    imgp_digest_destroy(b->digest);
    b->digest = NULL;
}


/*
 * A file that has just appeared may be another writer's who is about to fsync
 * its directory: what is promised here must not depend on that.
 */

static imgp_int_t
imgp_blob_known(imgp_blob_t *b, const u_char *p, imgp_store_error_t *err)
{
    char        path[IMGP_PATH_MAX];
    int64_t     age;
    imgp_int_t  rc;

    imgp_blob_path(b->store, b->name, path);

    rc = imgp_file_touch(path, b->bytes, &age, err);

    if (rc == IMGP_OK && !imgp_blob_same(b, path, p)) {
        return IMGP_DECLINED;
    }

    b->young = rc == IMGP_OK && b->store->sync && age < IMGP_BLOB_SETTLED;

    return rc;
}


/* as what is in memory, or else was written; a file that cannot be read is
   not, and will be replaced */

static imgp_uint_t
imgp_blob_same(imgp_blob_t *b, const char *path, const u_char *p)
{
    int           fd;
    size_t        n;
    u_char        known[IMGP_BLOB_COMPARE], came[IMGP_BLOB_COMPARE];
    uint64_t      at;
    const u_char  *with;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    for (at = 0; at < b->bytes; at += n) {
        n = imgp_min(b->bytes - at, IMGP_BLOB_COMPARE);
        with = p ? p + at : came;

        if (pread(fd, known, n, (off_t) at) != (ssize_t) n
            || (p == NULL && pread(b->fd, came, n, (off_t) at) != (ssize_t) n)
            || memcmp(known, with, n) != 0)
        {
            break;
        }
    }

    close(fd);

    return at >= b->bytes;
}


imgp_int_t
imgp_blob_put(const imgp_store_t *store, const void *p, size_t len,
    u_char digest[IMGP_DIGEST_LEN], uint64_t *added, imgp_store_error_t *err)
{
    imgp_blob_t  b;

    *added = 0;

    if (imgp_blob_hold(&b, store, p, len, digest, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_blob_commit(&b, added, err);
}


imgp_int_t
imgp_blob_map(const imgp_store_t *store, const imgp_item_t *item,
    imgp_uint_t trusted, imgp_str_t *map, imgp_store_error_t *err)
{
    int         fd;
    char        path[IMGP_PATH_MAX];
    int64_t     age;
    imgp_int_t  rc;

    map->len = 0;
    map->data = NULL;

    imgp_blob_path(store, item->digest, path);

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return (errno == ENOENT) ? IMGP_DECLINED
                                 : imgp_file_error(err, "open");
    }

    rc = imgp_blob_map_fd(fd, item, map, err);

    if (rc == IMGP_OK && !trusted && !imgp_blob_is(item, map)) {
        imgp_blob_unmap(map);
        rc = IMGP_DECLINED;
    }

    if (rc == IMGP_DECLINED) {
        imgp_blob_drop(path, fd);

    } else if (rc == IMGP_OK) {
        (void) imgp_file_touch(path, item->bytes, &age, NULL);
    }

    close(fd);

    return rc;
}


static imgp_int_t
imgp_blob_map_fd(int fd, const imgp_item_t *item, imgp_str_t *map,
    imgp_store_error_t *err)
{
    void         *p;
    struct stat   st;

    if (fstat(fd, &st) == -1) {
        return imgp_file_error(err, "fstat");
    }

    if (!S_ISREG(st.st_mode) || (uint64_t) st.st_size != item->bytes
        || item->bytes > SIZE_MAX)
    {
        return IMGP_DECLINED;
    }

    if (item->bytes == 0) {
        map->data = (u_char *) "";
        return IMGP_OK;
    }

    if (item->bytes <= IMGP_BLOB_COPY) {
        map->len = (size_t) item->bytes;
        return imgp_blob_load_fd(fd, map, err);
    }

    p = mmap(NULL, (size_t) item->bytes, PROT_READ, MAP_PRIVATE, fd, 0);

    if (p == MAP_FAILED) {
        return imgp_file_error(err, "mmap");
    }

    map->data = p;
    map->len = (size_t) item->bytes;

    return IMGP_OK;
}


static imgp_int_t
imgp_blob_load_fd(int fd, imgp_str_t *map, imgp_store_error_t *err)
{
    size_t   got;
    ssize_t  n;

    map->data = malloc(map->len);

    if (map->data == NULL) {
        map->len = 0;
        errno = ENOMEM;
        return imgp_file_error(err, "malloc");
    }

    for (got = 0; got < map->len; got += (size_t) n) {
        n = read(fd, map->data + got, map->len - got);

        if (n == -1 && errno == EINTR) {
            n = 0;
            continue;
        }

        if (n <= 0) {
            imgp_blob_unmap(map);
            return (n == 0) ? IMGP_DECLINED : imgp_file_error(err, "read");
        }
    }

    return IMGP_OK;
}


static imgp_uint_t
imgp_blob_is(const imgp_item_t *item, const imgp_str_t *map)
{
    u_char  digest[IMGP_DIGEST_LEN];

    imgp_digest(map->data, map->len, digest);

    return memcmp(digest, item->digest, IMGP_DIGEST_LEN) == 0;
}


/* what was found spoilt, but not what has taken its place meanwhile */

static void
imgp_blob_drop(const char *path, int fd)
{
    int          lock;
    struct stat  read, there;

    lock = imgp_lock(path);
    if (lock == -1) {
        return;
    }

    if (fstat(fd, &read) == 0 && stat(path, &there) == 0
        && read.st_ino == there.st_ino)
    {
        (void) unlink(path);
    }

    close(lock);
}


void
imgp_blob_unmap(imgp_str_t *map)
{
    if (map->len > IMGP_BLOB_COPY) {
        munmap(map->data, map->len);

    } else if (map->len) {
        free(map->data);
    }

    map->len = 0;
    map->data = NULL;
}


void
imgp_blob_path(const imgp_store_t *store,
    const u_char digest[IMGP_DIGEST_LEN], char *out)
{
    char  name[IMGP_DIGEST_HEX_LEN + 1];

    imgp_digest_hex(digest, name);
    imgp_store_path(store, "blobs", name, IMGP_STORE_FAN_DIGEST, out);
}
