
/*
 * LD_PRELOAD: a wall clock that jumps.  What CLOCK_REALTIME tells is off by so
 * many seconds as the test writes into a page that it shares with all
 * processes of nginx (t/lib/shim.py; $IMGP_CLOCK names the file).  CLOCK_
 * MONOTONIC goes on as ever, which is what a step of a real clock looks like.
 *
 * The kernel does not know of it: so files written through here get the time
 * of this clock when they are closed, unless somebody gave them one.
 */


#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


#define CLOCK_FDS  65536


static _Atomic int64_t  *clock_offset;       /* seconds */
static atomic_uchar      clock_written[CLOCK_FDS];


#define clock_real(name)                                                      \
    static __typeof__(&name)  real;                                           \
                                                                              \
    if (real == NULL) {                                                       \
        real = (__typeof__(&name)) dlsym(RTLD_NEXT, #name);                   \
    }


static void __attribute__((constructor))
clock_init(void)
{
    int          fd;
    void        *p;
    const char  *file;

    file = getenv("IMGP_CLOCK");

    if (file == NULL) {
        return;
    }

    fd = (int) syscall(SYS_openat, AT_FDCWD, file, O_RDWR|O_CLOEXEC);
    p = mmap(NULL, sizeof(int64_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);

    if (p == MAP_FAILED) {
        _exit(99);
    }

    clock_offset = p;
}


static time_t
clock_off(void)
{
    return clock_offset ? (time_t) *clock_offset : 0;
}


static struct timespec
clock_now(void)
{
    struct timespec  ts;

    syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
    ts.tv_sec += clock_off();

    return ts;
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int  rc;
    clock_real(clock_gettime)

    rc = real(id, ts);

    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        ts->tv_sec += clock_off();
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    int  rc;
    clock_real(gettimeofday)

    rc = real(tv, zone);

    if (rc == 0 && tv) {
        tv->tv_sec += clock_off();
    }

    return rc;
}


time_t
time(time_t *out)
{
    time_t  now;

    now = clock_now().tv_sec;

    if (out) {
        *out = now;
    }

    return now;
}


int
utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
    struct timespec  now[2];
    clock_real(utimensat)

    now[0] = now[1] = clock_now();

    return real(dir, path, times ? times : now, flags);
}


int
futimens(int fd, const struct timespec times[2])
{
    struct timespec  now[2];
    clock_real(futimens)

    if (fd >= 0 && fd < CLOCK_FDS) {
        clock_written[fd] = 0;
    }

    now[0] = now[1] = clock_now();

    return real(fd, times ? times : now);
}


ssize_t
write(int fd, const void *p, size_t len)
{
    clock_real(write)

    if (fd >= 0 && fd < CLOCK_FDS) {
        clock_written[fd] = 1;
    }

    return real(fd, p, len);
}


int
close(int fd)
{
    struct stat  st;
    clock_real(close)

    if (clock_offset && fd >= 0 && fd < CLOCK_FDS && clock_written[fd]) {

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
            (void) futimens(fd, NULL);
        }

        clock_written[fd] = 0;
    }

    return real(fd);
}
