
/*
 * The lock of a directory, see imgp_lock.h.  Called by threads; no state but
 * the kernel's.  Each call opens the directory anew, so that two threads of
 * one process lock each other out, too: flock(2) belongs to the open file.
 */


#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_lock.h>


static int imgp_lock_take(const char *path, int how);
static void imgp_lock_free(int fd);


int
imgp_lock(const char *path)
{
    return imgp_lock_take(path, LOCK_EX);
}


int
imgp_lock_rename(const char *old, const char *path)
{
    int  fd, rc;

    fd = imgp_lock_take(path, LOCK_EX);
    if (fd == -1) {
        return -1;
    }

    rc = rename(old, path);
    imgp_lock_free(fd);

    return rc;
}


int
imgp_lock_renew(const char *path)
{
    int  fd, rc;

    fd = imgp_lock_take(path, LOCK_SH);
    if (fd == -1) {
        return -1;
    }

    rc = utimensat(AT_FDCWD, path, NULL, 0);
    imgp_lock_free(fd);

    return rc;
}


static int
imgp_lock_take(const char *path, int how)
{
    int   fd, rc;
    char  dir[IMGP_PATH_MAX];

    if (!imgp_dir_of(path, dir)) {
        errno = ENAMETOOLONG;
        return -1;
    }

    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1) {
        return -1;
    }

    do {
        rc = flock(fd, how);
    } while (rc == -1 && errno == EINTR);

    if (rc == -1) {
        imgp_lock_free(fd);
        return -1;
    }

    return fd;
}


/* errno is kept: the caller has not looked at it yet */

static void
imgp_lock_free(int fd)
{
    int  syserr;

    syserr = errno;
    close(fd);
    errno = syserr;
}
