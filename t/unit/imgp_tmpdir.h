
/*
 * A store in a directory of its own, for the unit tests of src/store; and
 * faults: the test's own write(2), fsync(2) and so on take the place of the C
 * library's, so that the n-th of them can fail, or end the process.  To be
 * included first: it asks the C library for more than the standards have.
 */


#ifndef _IMGP_TMPDIR_H_INCLUDED_
#define _IMGP_TMPDIR_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <imgp/imgp_store.h>
#include <imgp/imgp_file.h>


typedef enum {
    FAULT_WRITE = 0,
    FAULT_FSYNC,
    FAULT_LINKAT,
    FAULT_RENAME,
    FAULT_CLOSE,
    FAULT_MKDIR,
    FAULT_UNLINK,
    FAULT_UTIMENSAT,
    FAULT_ANY,                          /* whatever comes */
    FAULT_MAX
} tmp_call_e;


__attribute__((unused))
static const char *const  tmp_calls[] = {
    "write", "fsync", "linkat", "rename", "close", "mkdir", "unlink",
    "utimensat", "any call"
};


typedef struct {
    tmp_call_e         call;
    long               left;          /* calls until it strikes; -1: never */
    int                error;         /* errno; 0: the process dies */
    long               times;         /* it strikes so often; 0: always */
    size_t             at_most;       /* bytes a write() writes; 0: all */
    long               count[FAULT_MAX];
} tmp_fault_t;


/* of a thread: the others are calm */

static __thread tmp_fault_t  tmp_fault = { FAULT_ANY, -1, 0, 0, 0, { 0 } };

static char  tmp_root[256];

/* as on a file system without O_TMPFILE */

__attribute__((unused))
static int  tmp_named;


__attribute__((unused))
static void
tmp_strike(tmp_call_e call, long nth, int error)
{
    memset(&tmp_fault, 0, sizeof(tmp_fault));
    tmp_fault.call = call;
    tmp_fault.left = nth;
    tmp_fault.error = error;
}


#define tmp_calm()  tmp_strike(FAULT_ANY, -1, 0)


/* the n-th, and the "times" - 1 after it, or every later one */

static int
tmp_strikes(tmp_call_e call)
{
    tmp_fault.count[call]++;

    if (tmp_fault.left == -1
        || (tmp_fault.call != call && tmp_fault.call != FAULT_ANY))
    {
        return 0;
    }

    if (tmp_fault.left > 0) {
        tmp_fault.left--;
        return 0;
    }

    if (tmp_fault.error == 0) {
        _exit(77);
    }

    if (tmp_fault.times && --tmp_fault.times == 0) {
        tmp_fault.left = -1;
    }

    errno = tmp_fault.error;

    return 1;
}


ssize_t
write(int fd, const void *p, size_t len)
{
    if (tmp_strikes(FAULT_WRITE)) {
        return -1;
    }

    if (tmp_fault.at_most && len > tmp_fault.at_most) {
        len = tmp_fault.at_most;
    }

    return syscall(SYS_write, fd, p, len);
}


int
fsync(int fd)
{
    return tmp_strikes(FAULT_FSYNC) ? -1 : (int) syscall(SYS_fsync, fd);
}


int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return tmp_strikes(FAULT_LINKAT)
           ? -1 : (int) syscall(SYS_linkat, from_dir, from, to_dir, to,
                                flags);
}


int
rename(const char *from, const char *to)
{
    return tmp_strikes(FAULT_RENAME)
           ? -1 : (int) syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
                                0);
}


/* as close(2) on Linux: the descriptor is gone even if it fails */

int
close(int fd)
{
    int  rc;

    rc = (int) syscall(SYS_close, fd);

    return tmp_strikes(FAULT_CLOSE) ? -1 : rc;
}


int
mkdir(const char *path, mode_t mode)
{
    return tmp_strikes(FAULT_MKDIR)
           ? -1 : (int) syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}


int
unlink(const char *path)
{
    return tmp_strikes(FAULT_UNLINK)
           ? -1 : (int) syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}


int
utimensat(int dir, const char *path, const struct timespec times[2],
    int flags)
{
    return tmp_strikes(FAULT_UTIMENSAT)
           ? -1 : (int) syscall(SYS_utimensat, dir, path, times, flags);
}


static int
tmp_remove_one(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
    return remove(path);
}


__attribute__((unused))
static void
tmp_remove(void)
{
    tmp_calm();

    if (tmp_root[0]) {
        nftw(tmp_root, tmp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
        tmp_root[0] = '\0';
    }
}


/* a new, empty store; the one before is removed */

__attribute__((unused))
static void
tmp_store(imgp_store_t *store, imgp_uint_t sync)
{
    const char          *base;
    imgp_store_error_t   err;

    tmp_remove();

    base = getenv("TMPDIR");
    snprintf(tmp_root, sizeof(tmp_root), "%s/imgp-unit-XXXXXX",
             base ? base : "/tmp");

    if (mkdtemp(tmp_root) == NULL) {
        printf("Bail out! no temporary directory\n");
        exit(EXIT_FAILURE);
    }

    store->path.data = (u_char *) tmp_root;
    store->path.len = strlen(tmp_root);
    store->sync = sync;

    if (imgp_store_init(store, &err) != IMGP_OK) {
        printf("Bail out! no store: %s\n", err.call);
        exit(EXIT_FAILURE);
    }

    if (tmp_named) {
        store->unnamed = 0;
    }
}


static long  tmp_counted;


static int
tmp_count_one(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
    tmp_counted += (flag == FTW_F);

    return 0;
}


/* files below a directory of the store */

__attribute__((unused))
static long
tmp_count(const char *dir)
{
    char  path[512];

    snprintf(path, sizeof(path), "%s/%s", tmp_root, dir);

    tmp_counted = 0;
    nftw(path, tmp_count_one, 16, FTW_PHYS);

    return tmp_counted;
}


__attribute__((unused))
static int
tmp_exists(const char *path)
{
    struct stat  st;

    return stat(path, &st) == 0;
}


/* an mtime so many seconds ago */

__attribute__((unused))
static void
tmp_age(const char *path, long seconds)
{
    struct timespec  times[2];

    times[0].tv_sec = 0;
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = time(NULL) - seconds;
    times[1].tv_nsec = 0;

    syscall(SYS_utimensat, AT_FDCWD, path, times, 0);
}


__attribute__((unused))
static long
tmp_age_of(const char *path)
{
    struct stat  st;

    return (stat(path, &st) == 0) ? (long) (time(NULL) - st.st_mtime) : -1;
}


__attribute__((unused))
static imgp_msec_t
tmp_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return (imgp_msec_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/* the content of a file is replaced, whatever it is */

__attribute__((unused))
static void
tmp_spoil(const char *path, const void *p, size_t len)
{
    int   fd;
    char  dir[IMGP_PATH_MAX];

    snprintf(dir, sizeof(dir), "%s", path);
    *strrchr(dir, '/') = '\0';
    syscall(SYS_mkdirat, AT_FDCWD, dir, 0700);

    fd = (int) syscall(SYS_openat, AT_FDCWD, path,
                       O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd == -1 || syscall(SYS_write, fd, p, len) != (long) len) {
        printf("Bail out! cannot write %s\n", path);
        exit(EXIT_FAILURE);
    }

    syscall(SYS_close, fd);
}


/* descriptors that are open */

__attribute__((unused))
static long
tmp_fds(void)
{
    DIR   *dir;
    long   n;

    dir = opendir("/proc/self/fd");

    for (n = 0; dir != NULL && readdir(dir) != NULL; n++) { /* void */ }

    if (dir != NULL) {
        closedir(dir);
    }

    return n;
}


#endif /* _IMGP_TMPDIR_H_INCLUDED_ */
