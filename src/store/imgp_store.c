
/*
 * The local store: its directories and their paths.
 *
 * A store is a path and a flag; it is made by nginx's master (the first
 * directory, with its owner) and by every worker that starts.  The first
 * characters of a name are a directory of their own where there may be many
 * ("fan"), made ahead by the sweep, so that no upload waits for them, or else
 * on demand.
 */


#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <imgp/imgp_store.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_file.h>


/* "/results/ab/" and 64 characters, and as much again to be sure */

#define IMGP_STORE_NAME_MAX  160
#define IMGP_STORE_MODE      0700


typedef struct {
    const char        *name;
    imgp_uint_t        fan;           /* characters */
    const char        *digits;
} imgp_store_dir_t;


static imgp_int_t imgp_store_mkfan(const imgp_store_t *store,
    const imgp_store_dir_t *dir, imgp_store_error_t *err);
static imgp_int_t imgp_store_mkdir(const char *path,
    imgp_store_error_t *err);


/* digests are hexadecimal, ids are in base 32: 256 and 32 directories */

static const imgp_store_dir_t  imgp_store_dirs[] = {
    { "blobs", IMGP_STORE_FAN_DIGEST, "0123456789abcdef" },
    { "results", IMGP_STORE_FAN_DIGEST, "0123456789abcdef" },
    { "idem", IMGP_STORE_FAN_DIGEST, "0123456789abcdef" },
    { "jobs", IMGP_STORE_FAN_ID, IMGP_ID_DIGITS },
    { "done", IMGP_STORE_FAN_ID, IMGP_ID_DIGITS },
    { "notify", 0, "" },
    { "dead", 0, "" },
    { "tmp", 0, "" }
};


imgp_int_t
imgp_store_init(imgp_store_t *store, imgp_store_error_t *err)
{
    char         path[IMGP_PATH_MAX];
    imgp_uint_t  i;

    if (store->path.len == 0
        || store->path.len > IMGP_PATH_MAX - IMGP_STORE_NAME_MAX)
    {
        errno = ENAMETOOLONG;
        return imgp_file_error(err, "mkdir");
    }

    if (imgp_store_mkdir((char *) store->path.data, err) == IMGP_ERROR) {
        return IMGP_ERROR;
    }

    for (i = 0; i < imgp_nelts(imgp_store_dirs); i++) {
        imgp_store_path(store, imgp_store_dirs[i].name, "", 0, path);

        if (imgp_store_mkdir(path, err) == IMGP_ERROR) {
            return IMGP_ERROR;
        }
    }

    (void) imgp_file_unnamed(store);

    imgp_store_path(store, "", imgp_store_dirs[0].name, 0, path);

    return store->sync ? imgp_dir_sync(path, err) : IMGP_OK;
}


imgp_int_t
imgp_store_spread(const imgp_store_t *store, imgp_store_error_t *err)
{
    imgp_uint_t  i;

    for (i = 0; i < imgp_nelts(imgp_store_dirs); i++) {

        if (imgp_store_mkfan(store, &imgp_store_dirs[i], err) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


/* a fan of one character, or of two */

static imgp_int_t
imgp_store_mkfan(const imgp_store_t *store, const imgp_store_dir_t *dir,
    imgp_store_error_t *err)
{
    char         path[IMGP_PATH_MAX], name[3];
    imgp_int_t   rc;
    imgp_uint_t  i, n, base, made;

    if (dir->fan == 0) {
        return IMGP_OK;
    }

    base = strlen(dir->digits);
    n = (dir->fan == 1) ? base : base * base;
    made = 0;

    for (i = 0; i < n; i++) {
        name[0] = dir->digits[(dir->fan == 1) ? i : i / base];
        name[1] = (dir->fan == 1) ? '\0' : dir->digits[i % base];
        name[2] = '\0';

        imgp_store_path(store, dir->name, name, 0, path);

        rc = imgp_store_mkdir(path, err);

        if (rc == IMGP_ERROR) {
            return IMGP_ERROR;
        }

        made |= (rc == IMGP_OK);
    }

    /* with "sync" a name that is promised hangs on that of its directory */

    imgp_store_path(store, dir->name, "", 0, path);

    return (made && store->sync) ? imgp_dir_sync(path, err) : IMGP_OK;
}


/* IMGP_DECLINED: it is there */

static imgp_int_t
imgp_store_mkdir(const char *path, imgp_store_error_t *err)
{
    struct stat  st;

    if (mkdir(path, IMGP_STORE_MODE) == 0) {
        return IMGP_OK;
    }

    if (errno != EEXIST) {
        return imgp_file_error(err, "mkdir");
    }

    if (stat(path, &st) == -1) {
        return imgp_file_error(err, "stat");
    }

    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return imgp_file_error(err, "mkdir");
    }

    return IMGP_DECLINED;
}


size_t
imgp_store_path(const imgp_store_t *store, const char *dir, const char *name,
    imgp_uint_t fan, char *out)
{
    int  n;

    n = snprintf(out, IMGP_PATH_MAX, "%.*s/%s/%.*s%s%s",
                 (int) store->path.len, (char *) store->path.data, dir,
                 (int) fan, name, fan ? "/" : "", name);

    return (n < 0) ? 0 : imgp_min((size_t) n, IMGP_PATH_MAX - 1);
}
