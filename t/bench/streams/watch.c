
/*
 * Who watches, for "make bench PART=streams": many held clients in several
 * processes (descriptors are limited for each), and some probes, which are told
 * one by one.  t/bench/streams/run starts it and talks to it by lines.
 *
 *     watch poll|sse PORT SERVICE CLIENTS PROCESSES GAP_MS PATHS
 *
 * It prints SERVICE, waits for a line, and reads the file PATHS: "mass PATH"
 * for the crowd to share, "probe ID PATH" for one probe each, "crowd ID" for
 * an end of what the crowd watches.  With all of them held it prints HELD and
 * waits for another line.  Then what an ID names changes: a job, whose service
 * this program is, too (SERVICE is its port, load_service.c), or, where
 * SERVICE is 0, a channel of nchan, which a message is posted to.  The last line
 * is JSON: ms from the change until each client had a byte of it.  Meanwhile
 * GET /ping is asked by one connection after another, to see how long nginx
 * is busy with others.
 */


#define _GNU_SOURCE

#include "../load.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>


#define WATCH_PATHS    4096
#define WATCH_NAME     128
#define WATCH_HOSTS    8          /* 127.0.0.1 and on: ports are limited */
#define WATCH_PINGS    4
#define WATCH_WAIT     30.0       /* s; for whatever should come */


typedef struct {
    char       id[WATCH_NAME];
    char       path[WATCH_NAME];
    int        fd;
} watch_probe_t;


/* between the processes */

typedef struct {
    volatile int     held;
    volatile int     told;
    volatile int     broken;
    volatile double  begun;       /* of the change; 0: nothing counts yet */
    volatile double  when[];
} watch_shared_t;


typedef struct {
    unsigned         sse:1;
    int              port;
    int              clients;
    int              processes;
    double           gap;
    const char      *file;
    load_service_t  *service;     /* NULL: nchan */
    int              publisher;
    watch_shared_t  *shared;

    char             mass[WATCH_PATHS][WATCH_NAME];
    int              nmass;
    watch_probe_t    probes[WATCH_PATHS];
    int              nprobes;
    char             crowd[WATCH_PATHS][WATCH_NAME];
    int              ncrowd;

    load_times_t     alone;
    load_times_t     all;
    load_times_t     last;
    load_times_t     pings;
} watch_t;


double
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec * 1e-9;
}


void
load_die(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    fprintf(stderr, "watch: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);

    exit(2);
}


void *
load_alloc(size_t size)
{
    void  *p;

    p = calloc(1, size);
    if (p == NULL) {
        load_die("out of memory");
    }

    return p;
}


void
load_add(load_times_t *t, double value)
{
    if (t->n == t->size) {
        t->size = t->size ? t->size * 2 : 4096;
        t->times = realloc(t->times, t->size * sizeof(double));

        if (t->times == NULL) {
            load_die("out of memory");
        }
    }

    t->times[t->n++] = value;
}


static void
watch_read(watch_t *w)
{
    int    n;
    char   line[512], kind[16], id[WATCH_NAME], path[WATCH_NAME];
    FILE  *f;

    f = fopen(w->file, "r");
    if (f == NULL) {
        load_die("%s: %s", w->file, strerror(errno));
    }

    while (fgets(line, sizeof(line), f)) {
        n = sscanf(line, "%15s %127s %127s", kind, id, path);

        if (n == 2 && strcmp(kind, "mass") == 0 && w->nmass < WATCH_PATHS) {
            strcpy(w->mass[w->nmass++], id);

        } else if (n == 2 && strcmp(kind, "crowd") == 0
                   && w->ncrowd < WATCH_PATHS)
        {
            strcpy(w->crowd[w->ncrowd++], id);

        } else if (n == 3 && strcmp(kind, "probe") == 0
                   && w->nprobes < WATCH_PATHS)
        {
            strcpy(w->probes[w->nprobes].id, id);
            strcpy(w->probes[w->nprobes++].path, path);

        } else {
            load_die("%s: %s", w->file, line);
        }
    }

    fclose(f);
}


static int
watch_connect(watch_t *w, int host)
{
    int                 fd;
    struct sockaddr_in  addr;

    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_port = htons((uint16_t) w->port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host % WATCH_HOSTS);

    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1
        || connect(fd, (struct sockaddr *) &addr, sizeof(addr)) == -1)
    {
        load_die("port %d: %s", w->port, strerror(errno));
    }

    return fd;
}


static void
watch_ask(watch_t *w, int fd, const char *path)
{
    int   n;
    char  head[512];

    n = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n",
                 path, w->sse ? "Accept: text/event-stream\r\n" : "");

    if (write(fd, head, n) != n) {
        load_die("write: %s", strerror(errno));
    }
}


/* 1: something came; 0: the time is up */

static int
watch_hear(int fd, double seconds)
{
    char           buf[16384];
    ssize_t        n;
    struct pollfd  p = { fd, POLLIN, 0 };

    if (poll(&p, 1, (int) (seconds * 1000)) != 1) {
        return 0;
    }

    n = recv(fd, buf, sizeof(buf), 0);

    return n > 0;
}


static void
watch_told(watch_t *w, int fd, int i)
{
    char     buf[16384];
    double   now;
    ssize_t  n;

    n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
    now = load_now();

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n > 0 && w->shared->begun && w->shared->when[i] == 0) {
        w->shared->when[i] = now;
        __sync_fetch_and_add(&w->shared->told, 1);
    }

    if (n <= 0) {
        close(fd);

        if (w->shared->begun == 0) {
            __sync_fetch_and_add(&w->shared->broken, 1);
        }
    }
}


/* one process of the crowd: it ends when it is killed */

static void
watch_crowd(watch_t *w, int first, int end)
{
    int                 i, k, n, ep, *fds;
    struct epoll_event  ev, list[512];

    ep = epoll_create1(EPOLL_CLOEXEC);
    fds = load_alloc((end - first) * sizeof(int));

    for (i = first; i < end; i++) {
        fds[i - first] = watch_connect(w, i);
        watch_ask(w, fds[i - first], w->mass[i % w->nmass]);

        /* the beginning of a stream; a poll says nothing */

        if (w->sse && !watch_hear(fds[i - first], WATCH_WAIT)) {
            load_die("a stream does not begin");
        }

        ev.events = EPOLLIN;
        ev.data.u64 = (uint64_t) i << 32 | (unsigned) fds[i - first];
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i - first], &ev);

        __sync_fetch_and_add(&w->shared->held, 1);
    }

    for ( ;; ) {
        n = epoll_wait(ep, list, 512, -1);

        for (k = 0; k < n; k++) {
            watch_told(w, (int) (list[k].data.u64 & 0xffffffff),
                       (int) (list[k].data.u64 >> 32));
        }
    }
}


/* a line of who started this; the service is looked after meanwhile */

static void
watch_line(watch_t *w, const char *mark)
{
    char           line[64];
    struct pollfd  p = { 0, POLLIN, 0 };

    printf("%s\n", mark);
    fflush(stdout);

    while (poll(&p, 1, 2) != 1) {
        if (w->service) {
            (void) load_service_look(w->service);
        }
    }

    if (read(0, line, sizeof(line)) <= 0) {
        exit(1);
    }
}


/* returns when it began */

static double
watch_change(watch_t *w, const char *id)
{
    int     n;
    char    head[512];
    double  began;

    static const char  text[] = "{\"status\":\"running\",\"progress\":40,"
        "\"pad\":\"----------------------------------------------------------"
        "----------------------------------------------------------------\"}";

    if (w->service) {
        for (n = 0; n < 5000; n++) {
            (void) load_service_look(w->service);
            began = load_service_fail_of(w->service, id);

            if (began) {
                return began;
            }

            usleep(1000);
        }

        load_die("job %s has no call", id);
    }

    n = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: x\r\n"
                 "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                 "%s", id, (int) sizeof(text) - 1, text);

    began = load_now();

    if (write(w->publisher, head, n) != n) {
        load_die("write: %s", strerror(errno));
    }

    return began;
}


static void
watch_probes(watch_t *w)
{
    int              i;
    double           began;
    watch_probe_t   *probe;
    struct timespec  gap;

    gap.tv_sec = 0;
    gap.tv_nsec = (long) (w->gap * 1000000);

    for (i = 0; i < w->nprobes; i++) {
        probe = &w->probes[i];
        began = watch_change(w, probe->id);

        if (!watch_hear(probe->fd, WATCH_WAIT)) {
            load_die("%s: nobody is told", probe->path);
        }

        load_add(&w->alone, (load_now() - began) * 1000);

        if (w->service == NULL) {
            (void) watch_hear(w->publisher, WATCH_WAIT);
        }

        nanosleep(&gap, NULL);
    }
}


static void
watch_all(watch_t *w, const char *id)
{
    int              i, n, ping[WATCH_PINGS];
    double           began, asked, end, last;
    watch_shared_t  *sh;

    static const char  request[] = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";

    sh = w->shared;

    for (i = 0; i < WATCH_PINGS; i++) {
        ping[i] = watch_connect(w, 0);
    }

    for (i = 0; i < w->clients; i++) {
        sh->when[i] = 0;
    }

    sh->told = 0;
    sh->begun = load_now();
    began = watch_change(w, id);
    end = began + WATCH_WAIT;

    for (n = 0; sh->told < w->clients && load_now() < end; n++) {
        i = ping[n % WATCH_PINGS];
        asked = load_now();

        if (write(i, request, sizeof(request) - 1)
            != (ssize_t) sizeof(request) - 1
            || !watch_hear(i, WATCH_WAIT))
        {
            load_die("no answer to a ping");
        }

        load_add(&w->pings, (load_now() - asked) * 1000);
    }

    for (i = 0, last = 0; i < w->clients; i++) {
        if (sh->when[i] == 0) {
            load_die("%d of %d were told", sh->told, w->clients);
        }

        load_add(&w->all, (sh->when[i] - began) * 1000);
        last = sh->when[i] > last ? sh->when[i] : last;
    }

    load_add(&w->last, (last - began) * 1000);

    sh->begun = 0;

    for (i = 0; i < WATCH_PINGS; i++) {
        close(ping[i]);
    }
}


static int
watch_compare(const void *one, const void *two)
{
    double  a = *(const double *) one, b = *(const double *) two;

    return (a > b) - (a < b);
}


static void
watch_report(const char *name, load_times_t *t, const char *after)
{
    if (t->n == 0) {
        printf("\"%s\":null%s", name, after);
        return;
    }

    qsort(t->times, t->n, sizeof(double), watch_compare);

    printf("\"%s\":{\"n\":%zu,\"p50\":%.4f,\"p99\":%.4f,\"max\":%.4f}%s",
           name, t->n, t->times[t->n / 2], t->times[t->n * 99 / 100],
           t->times[t->n - 1], after);
}


static void
watch_hold(watch_t *w, pid_t *pids)
{
    int     i, each;
    double  end;

    each = (w->clients + w->processes - 1) / w->processes;

    for (i = 0; i < w->processes; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            watch_crowd(w, i * each, (i + 1) * each < w->clients
                                     ? (i + 1) * each : w->clients);
        }
    }

    for (i = 0; i < w->nprobes; i++) {
        w->probes[i].fd = watch_connect(w, i);
        watch_ask(w, w->probes[i].fd, w->probes[i].path);

        if (w->sse) {
            (void) watch_hear(w->probes[i].fd, WATCH_WAIT);
        }
    }

    end = load_now() + 2 * WATCH_WAIT;

    while (w->shared->held < w->clients) {
        if (load_now() > end || waitpid(-1, NULL, WNOHANG) > 0) {
            load_die("%d of %d are held", w->shared->held, w->clients);
        }

        usleep(10000);
    }
}


int
main(int argc, char **argv)
{
    int      i, k;
    pid_t    pids[64];
    watch_t  *w;

    if (argc != 8 || atoi(argv[5]) > 64) {
        load_die("watch poll|sse PORT SERVICE CLIENTS PROCESSES GAP_MS PATHS");
    }

    w = load_alloc(sizeof(watch_t));
    w->sse = strcmp(argv[1], "sse") == 0;
    w->port = atoi(argv[2]);
    w->service = atoi(argv[3]) ? load_service_open(atoi(argv[3])) : NULL;
    w->clients = atoi(argv[4]);
    w->processes = atoi(argv[5]);
    w->gap = atof(argv[6]);
    w->file = argv[7];
    w->shared = mmap(NULL, sizeof(watch_shared_t)
                           + w->clients * sizeof(double),
                     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
    if (w->shared == MAP_FAILED) {
        load_die("out of memory");
    }

    watch_line(w, "SERVICE");
    watch_read(w);
    watch_hold(w, pids);
    watch_line(w, "HELD");

    if (w->service == NULL) {
        w->publisher = watch_connect(w, 0);
    }

    i = w->shared->broken;
    watch_probes(w);

    for (k = 0; k < w->ncrowd; k++) {
        sleep(k ? 1 : 0);
        watch_all(w, w->crowd[k]);
    }

    printf("{\"broken\":%d,", i);
    watch_report("alone", &w->alone, ",");
    watch_report("all", &w->all, ",");
    watch_report("last", &w->last, ",");
    watch_report("pings", &w->pings, "}\n");
    fflush(stdout);

    for (i = 0; i < w->processes; i++) {
        kill(pids[i], SIGKILL);
    }

    return 0;
}
