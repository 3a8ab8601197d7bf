
/*
 * The directories of the store: making them, and that the names in them are
 * on the disk, see imgp_dir.h.  Called by threads; no state.
 */


#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_file.h>


#define IMGP_DIR_MODE  0700


imgp_uint_t
imgp_dir_of(const char *path, char *dir)
{
    size_t       len;
    const char  *slash;

    slash = strrchr(path, '/');

    if (slash == NULL || slash == path) {
        return 0;
    }

    len = (size_t) (slash - path);

    if (len >= IMGP_PATH_MAX) {
        return 0;
    }

    memcpy(dir, path, len);
    dir[len] = '\0';

    return 1;
}


imgp_int_t
imgp_dir_make(const char *path, imgp_uint_t sync, imgp_store_error_t *err)
{
    char  dir[IMGP_PATH_MAX];

    if (!imgp_dir_of(path, dir)) {
        errno = ENAMETOOLONG;
        return imgp_file_error(err, "mkdir");
    }

    if (mkdir(dir, IMGP_DIR_MODE) == -1) {

        /* whoever made it may not have come to the fsync() yet */

        if (errno != EEXIST) {
            return imgp_file_error(err, "mkdir");
        }
    }

    if (sync && imgp_dir_sync(dir, err) != IMGP_OK) {

        /* if it is empty yet: to be made, and synced, by who comes next */

        (void) rmdir(dir);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


imgp_int_t
imgp_dir_sync(const char *path, imgp_store_error_t *err)
{
    int         fd;
    char        dir[IMGP_PATH_MAX];
    imgp_int_t  rc;

    if (!imgp_dir_of(path, dir)) {
        errno = ENAMETOOLONG;
        return imgp_file_error(err, "open");
    }

    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1) {
        return imgp_file_error(err, "open");
    }

    rc = imgp_file_fsync(fd, err);
    close(fd);

    return rc;
}


imgp_int_t
imgp_dir_sync_shared(const char *path, imgp_store_error_t *err)
{
    imgp_int_t  rc;

    rc = imgp_dir_sync(path, err);

    if (rc == IMGP_ERROR) {
        (void) chmod(path, IMGP_DIR_DOUBTED);
    }

    return rc;
}
