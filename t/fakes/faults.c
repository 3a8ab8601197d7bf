
/*
 * LD_PRELOAD: the n-th call that touches the store fails, is cut short, is the
 * process's last, or waits until it is let go.  The test tells which through a page that it shares with
 * all processes of nginx (t/lib/shim.py; $IMGP_FAULTS names the file): nothing
 * of this is in the module, and without the page all calls go straight on.
 *
 * A call touches the store when its path begins with the one in the page, or
 * its descriptor came from such an open().  Allocations have no path: there
 * only those of threads other than the first count, the thread pool's.
 */


#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>


#define FAULTS_FDS      65536
#define FAULTS_PATH     256
#define FAULTS_CALL     96

#define FAULTS_FAIL     1
#define FAULTS_SHORT    2
#define FAULTS_KILL     3             /* before the call */
#define FAULTS_HOLD     4             /* as long as the mask has its bit */

#define FAULTS_NAP      1000000       /* ns */

#define FAULTS_OPEN     0x0001        /* what the mask is made of */
#define FAULTS_READ     0x0002
#define FAULTS_WRITE    0x0004
#define FAULTS_SYNC     0x0008
#define FAULTS_CLOSE    0x0010
#define FAULTS_RENAME   0x0020
#define FAULTS_UNLINK   0x0040
#define FAULTS_MKDIR    0x0080
#define FAULTS_STAT     0x0100
#define FAULTS_TIMES    0x0200
#define FAULTS_MAP      0x0400
#define FAULTS_MALLOC   0x0800


/* shim.py knows this layout */

typedef struct {
    uint32_t          mask;
    uint32_t          action;
    uint32_t          error;
    uint32_t          when;           /* the first call is 1; 0: only count */
    uint32_t          every;          /* and each so many further; 0: once */
    _Atomic uint32_t  count;
    _Atomic uint32_t  hits;
    char              path[FAULTS_PATH];
    char              call[FAULTS_CALL];  /* the last hit */
} faults_t;


extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static faults_t     *faults;
static atomic_uchar  faults_fds[FAULTS_FDS];


#define faults_real(name)                                                     \
    static __typeof__(&name)  real;                                           \
                                                                              \
    if (real == NULL) {                                                       \
        real = (__typeof__(&name)) dlsym(RTLD_NEXT, #name);                   \
    }


static void __attribute__((constructor))
faults_init(void)
{
    int          fd;
    void        *p;
    const char  *file;

    file = getenv("IMGP_FAULTS");

    if (file == NULL) {
        return;
    }

    fd = (int) syscall(SYS_openat, AT_FDCWD, file, O_RDWR|O_CLOEXEC);
    p = mmap(NULL, sizeof(faults_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);

    if (p == MAP_FAILED) {
        _exit(99);
    }

    faults = p;
}


static void
faults_hold(uint32_t kind)
{
    struct timespec  nap = { 0, FAULTS_NAP };

    while (*(volatile uint32_t *) &faults->mask & kind) {
        nanosleep(&nap, NULL);
    }
}


/* is this the call?  The action, or 0 */

static uint32_t
faults_hit(uint32_t kind, const char *name, const char *what)
{
    uint32_t  n;

    if (!(faults->mask & kind)) {
        return 0;
    }

    n = atomic_fetch_add(&faults->count, 1) + 1;

    if (faults->when == 0 || n < faults->when
        || (n > faults->when
            && (faults->every == 0 || (n - faults->when) % faults->every)))
    {
        return 0;
    }

    snprintf(faults->call, FAULTS_CALL, "%s %s", name, what);
    atomic_fetch_add(&faults->hits, 1);

    if (faults->action == FAULTS_KILL) {
        syscall(SYS_kill, getpid(), SIGKILL);
    }

    if (faults->action == FAULTS_HOLD) {
        faults_hold(kind);
        return 0;
    }

    errno = (int) faults->error;

    return faults->action;
}


static uint32_t
faults_path(uint32_t kind, const char *name, const char *path)
{
    size_t  len;

    if (faults == NULL || path == NULL) {
        return 0;
    }

    len = strlen(faults->path);

    if (len == 0 || strncmp(path, faults->path, len) != 0) {
        return 0;
    }

    return faults_hit(kind, name, path + len);
}


static uint32_t
faults_fd(uint32_t kind, const char *name, int fd)
{
    if (faults == NULL || fd < 0 || fd >= FAULTS_FDS || !faults_fds[fd]) {
        return 0;
    }

    return faults_hit(kind, name, "");
}


static int
faults_opened(int fd, const char *path)
{
    size_t  len;

    if (faults && fd >= 0 && fd < FAULTS_FDS) {
        len = strlen(faults->path);
        faults_fds[fd] = len && strncmp(path, faults->path, len) == 0;
    }

    return fd;
}


static uint32_t
faults_malloc(const char *name)
{
    if (faults == NULL || !(faults->mask & FAULTS_MALLOC)
        || syscall(SYS_gettid) == getpid())
    {
        return 0;
    }

    return faults_hit(FAULTS_MALLOC, name, "");
}


#define faults_open(name)                                                     \
                                                                              \
int                                                                           \
name(const char *path, int flags, ...)                                        \
{                                                                             \
    mode_t   mode;                                                            \
    va_list  args;                                                            \
    faults_real(name)                                                         \
                                                                              \
    va_start(args, flags);                                                    \
    mode = va_arg(args, mode_t);                                              \
    va_end(args);                                                             \
                                                                              \
    return faults_path(FAULTS_OPEN, "open", path)                             \
           ? -1 : faults_opened(real(path, flags, mode), path);               \
}


/* name, declared arguments, passed arguments, what is asked, kind */

#define faults_call(type, name, declared, passed, asked, failed)              \
                                                                              \
type                                                                          \
name declared                                                                 \
{                                                                             \
    faults_real(name)                                                         \
                                                                              \
    return asked ? failed : real passed;                                      \
}


faults_open(open)
faults_open(open64)

faults_call(DIR *, opendir, (const char *path), (path),
            faults_path(FAULTS_OPEN, "opendir", path), NULL)
faults_call(int, fsync, (int fd), (fd), faults_fd(FAULTS_SYNC, "fsync", fd), -1)
faults_call(int, fdatasync, (int fd), (fd),
            faults_fd(FAULTS_SYNC, "fdatasync", fd), -1)
faults_call(int, syncfs, (int fd), (fd),
            faults_fd(FAULTS_SYNC, "syncfs", fd), -1)
faults_call(int, rename, (const char *old, const char *new), (old, new),
            faults_path(FAULTS_RENAME, "rename", new), -1)
faults_call(int, link, (const char *old, const char *new), (old, new),
            faults_path(FAULTS_RENAME, "link", new), -1)
faults_call(int, linkat, (int od, const char *old, int nd, const char *new,
            int flags), (od, old, nd, new, flags),
            faults_path(FAULTS_RENAME, "linkat", new), -1)
faults_call(int, unlink, (const char *path), (path),
            faults_path(FAULTS_UNLINK, "unlink", path), -1)
faults_call(int, mkdir, (const char *path, mode_t mode), (path, mode),
            faults_path(FAULTS_MKDIR, "mkdir", path), -1)
faults_call(int, stat, (const char *path, struct stat *st), (path, st),
            faults_path(FAULTS_STAT, "stat", path), -1)
faults_call(int, lstat, (const char *path, struct stat *st), (path, st),
            faults_path(FAULTS_STAT, "lstat", path), -1)
faults_call(int, fstat, (int fd, struct stat *st), (fd, st),
            faults_fd(FAULTS_STAT, "fstat", fd), -1)
faults_call(int, utimensat, (int dir, const char *path,
            const struct timespec times[2], int flags),
            (dir, path, times, flags),
            faults_path(FAULTS_TIMES, "utimensat", path), -1)
faults_call(int, futimens, (int fd, const struct timespec times[2]),
            (fd, times), faults_fd(FAULTS_TIMES, "futimens", fd), -1)
faults_call(int, ftruncate, (int fd, off_t size), (fd, size),
            faults_fd(FAULTS_WRITE, "ftruncate", fd), -1)
faults_call(void *, mmap, (void *p, size_t len, int prot, int flags, int fd,
            off_t offset), (p, len, prot, flags, fd, offset),
            faults_fd(FAULTS_MAP, "mmap", fd), MAP_FAILED)


/* what may be cut short, by half */

#define faults_half(size, action)                                             \
    ((action) == FAULTS_SHORT ? ((size) + 1) / 2 : (size))

#define faults_transfer(kind, name, declared, size, passed)                   \
                                                                              \
ssize_t                                                                       \
name declared                                                                 \
{                                                                             \
    uint32_t  action;                                                         \
    faults_real(name)                                                         \
                                                                              \
    action = faults_fd(kind, #name, fd);                                      \
    size = faults_half(size, action);                                         \
                                                                              \
    return (action == FAULTS_FAIL) ? -1 : real passed;                        \
}


faults_transfer(FAULTS_WRITE, write, (int fd, const void *p, size_t len), len,
                (fd, p, len))
faults_transfer(FAULTS_WRITE, pwrite, (int fd, const void *p, size_t len,
                off_t offset), len, (fd, p, len, offset))
faults_transfer(FAULTS_READ, read, (int fd, void *p, size_t len), len,
                (fd, p, len))
faults_transfer(FAULTS_READ, pread, (int fd, void *p, size_t len,
                off_t offset), len, (fd, p, len, offset))


/* closed it is in any case */

int
close(int fd)
{
    uint32_t  action;
    faults_real(close)

    action = faults_fd(FAULTS_CLOSE, "close", fd);

    if (fd >= 0 && fd < FAULTS_FDS) {
        faults_fds[fd] = 0;
    }

    if (action == 0) {
        return real(fd);
    }

    (void) real(fd);
    errno = (int) faults->error;

    return -1;
}


void *
malloc(size_t size)
{
    return faults_malloc("malloc") ? NULL : __libc_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    return faults_malloc("calloc") ? NULL : __libc_calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    return faults_malloc("realloc") ? NULL : __libc_realloc(p, size);
}
