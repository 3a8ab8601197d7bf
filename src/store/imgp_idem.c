
/*
 * Idempotency keys: which job a key of a client stands for, and the digest of
 * the body that came with it.
 *
 *     "IMGI"  version  job id  digest of the body  CRC-32
 *
 * Called by threads.  Looking and writing is one step for all processes, by
 * the lock of the directory that the key falls into.  (link(2) would do for
 * the first caller, but not for the one who finds a key that is too old.)
 */


#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <imgp/imgp_codec.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_file.h>
#include <imgp/imgp_lock.h>


#define IMGP_IDEM_MAGIC    0x49474d49     /* "IMGI" */
#define IMGP_IDEM_VERSION  1
#define IMGP_IDEM_LEN      (4 + 4 + IMGP_ID_BYTES + IMGP_DIGEST_LEN + 4)


static int imgp_idem_lock(const char *path, imgp_uint_t sync,
    imgp_store_error_t *err);
static imgp_int_t imgp_idem_look(const char *path, imgp_msec_t oldest,
    u_char *id, u_char *body, imgp_store_error_t *err);
static imgp_int_t imgp_idem_put(const imgp_store_t *store, const char *path,
    const u_char *id, const u_char *body, imgp_store_error_t *err);
static void imgp_idem_path(const imgp_store_t *store, const u_char *key,
    char *out);


imgp_int_t
imgp_journal_bind(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], imgp_msec_t oldest,
    u_char id[IMGP_ID_BYTES], u_char body[IMGP_DIGEST_LEN],
    imgp_store_error_t *err)
{
    int         fd;
    char        path[IMGP_PATH_MAX];
    imgp_int_t  rc;

    imgp_idem_path(store, key, path);

    fd = imgp_idem_lock(path, store->sync, err);
    if (fd == -1) {
        return IMGP_ERROR;
    }

    rc = imgp_idem_look(path, oldest, id, body, err);

    if (rc == IMGP_DECLINED) {
        rc = imgp_idem_put(store, path, id, body, err);

        if (rc == IMGP_ERROR) {
            /* it may have its name already, and would stand for no job */
            (void) imgp_file_remove(path, NULL);
        }

    } else if (rc == IMGP_OK) {
        rc = IMGP_DECLINED;
    }

    close(fd);

    return rc;
}


static int
imgp_idem_lock(const char *path, imgp_uint_t sync, imgp_store_error_t *err)
{
    int  fd;

    fd = imgp_lock(path);

    if (fd == -1 && errno == ENOENT) {

        if (imgp_dir_make(path, sync, err) != IMGP_OK) {
            return -1;
        }

        fd = imgp_lock(path);
    }

    if (fd == -1) {
        imgp_file_error(err, "flock");
    }

    return fd;
}


/* IMGP_OK: it stands for a job; DECLINED: it is free, too old, or spoilt */

static imgp_int_t
imgp_idem_look(const char *path, imgp_msec_t oldest, u_char *id,
    u_char *body, imgp_store_error_t *err)
{
    imgp_int_t        rc;
    imgp_str_t        file;
    imgp_msec_t       made;
    struct stat       st;
    imgp_pool_t      *pool;
    imgp_codec_in_t   r;

    if (stat(path, &st) == -1) {
        return (errno == ENOENT) ? IMGP_DECLINED
                                 : imgp_file_error(err, "stat");
    }

    made = (imgp_msec_t) st.st_mtim.tv_sec * 1000
           + (imgp_msec_t) st.st_mtim.tv_nsec / 1000000;

    if (made < oldest) {
        return IMGP_DECLINED;
    }

    pool = imgp_pool_create(&imgp_malloc, IMGP_IDEM_LEN);

    if (pool == NULL) {
        errno = ENOMEM;
        return imgp_file_error(err, "malloc");
    }

    rc = imgp_file_read(path, IMGP_IDEM_LEN, pool, &file, err);

    if (rc == IMGP_OK) {
        r.pos = file.data;
        r.end = file.data + file.len;
        r.failed = 0;

        if (file.len != IMGP_IDEM_LEN
            || !imgp_codec_is_whole(file.data, file.len)
            || imgp_codec_get_u32(&r, UINT32_MAX) != IMGP_IDEM_MAGIC
            || imgp_codec_get_u32(&r, UINT32_MAX) != IMGP_IDEM_VERSION)
        {
            rc = IMGP_DECLINED;

        } else {
            imgp_codec_get(&r, id, IMGP_ID_BYTES);
            imgp_codec_get(&r, body, IMGP_DIGEST_LEN);
        }
    }

    imgp_pool_destroy(pool);

    return rc;
}


static imgp_int_t
imgp_idem_put(const imgp_store_t *store, const char *path, const u_char *id,
    const u_char *body, imgp_store_error_t *err)
{
    u_char            buf[IMGP_IDEM_LEN];
    imgp_codec_out_t  w = { buf, sizeof(buf), 0, 0 };

    imgp_codec_put_u32(&w, IMGP_IDEM_MAGIC);
    imgp_codec_put_u32(&w, IMGP_IDEM_VERSION);
    imgp_codec_put(&w, id, IMGP_ID_BYTES);
    imgp_codec_put(&w, body, IMGP_DIGEST_LEN);
    imgp_codec_put_crc(&w);

    return imgp_file_put(store, path, buf, w.len, store->sync, err);
}


imgp_int_t
imgp_journal_unbind(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], const u_char id[IMGP_ID_BYTES])
{
    int         fd;
    char        path[IMGP_PATH_MAX];
    u_char      owner[IMGP_ID_BYTES], body[IMGP_DIGEST_LEN];
    imgp_int_t  rc;

    imgp_idem_path(store, key, path);

    fd = imgp_lock(path);
    if (fd == -1) {
        return (errno == ENOENT) ? IMGP_DECLINED : IMGP_ERROR;
    }

    rc = imgp_idem_look(path, 0, owner, body, NULL);

    if (rc == IMGP_OK) {
        rc = memcmp(owner, id, IMGP_ID_BYTES) == 0
             ? imgp_file_remove(path, NULL) : IMGP_DECLINED;
    }

    close(fd);

    return rc;
}


static void
imgp_idem_path(const imgp_store_t *store, const u_char *key, char *out)
{
    char  name[IMGP_DIGEST_HEX_LEN + 1];

    imgp_digest_hex(key, name);
    imgp_store_path(store, "idem", name, IMGP_STORE_FAN_DIGEST, out);
}
