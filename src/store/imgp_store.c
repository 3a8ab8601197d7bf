
/*
 * The local store: its directories and their paths.
 *
 * A store is a path and a flag; it is made by nginx's master (the first
 * directory, with its owner) and by every worker that starts.  The first two
 * characters of a name are a directory of their own ("fan") where there may
 * be many; these are made on demand.
 */


#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <imgp/imgp_store.h>
#include <imgp/imgp_file.h>


/* "/results/ab/" and 64 characters, and as much again to be sure */

#define IMGP_STORE_NAME_MAX  160
#define IMGP_STORE_MODE      0700
#define IMGP_STORE_FAN       2


static imgp_int_t imgp_store_mkdir(const char *path,
    imgp_store_error_t *err);


static const char *const  imgp_store_dirs[] = {
    "blobs", "results", "jobs", "done", "idem", "tmp"
};


imgp_int_t
imgp_store_init(const imgp_store_t *store, imgp_store_error_t *err)
{
    char         path[IMGP_PATH_MAX];
    imgp_uint_t  i;

    if (store->path.len == 0
        || store->path.len > IMGP_PATH_MAX - IMGP_STORE_NAME_MAX)
    {
        errno = ENAMETOOLONG;
        return imgp_file_error(err, "mkdir");
    }

    if (imgp_store_mkdir((char *) store->path.data, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    for (i = 0; i < imgp_nelts(imgp_store_dirs); i++) {
        imgp_store_path(store, imgp_store_dirs[i], "", 0, path);

        if (imgp_store_mkdir(path, err) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    imgp_store_path(store, "", imgp_store_dirs[0], 0, path);

    return store->sync ? imgp_file_sync_dir(path, err) : IMGP_OK;
}


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

    return IMGP_OK;
}


size_t
imgp_store_path(const imgp_store_t *store, const char *dir, const char *name,
    imgp_uint_t fan, char *out)
{
    int  n;

    n = snprintf(out, IMGP_PATH_MAX, "%.*s/%s/%.*s%s%s",
                 (int) store->path.len, (char *) store->path.data, dir,
                 fan ? IMGP_STORE_FAN : 0, name, fan ? "/" : "", name);

    return (n < 0) ? 0 : imgp_min((size_t) n, IMGP_PATH_MAX - 1);
}
