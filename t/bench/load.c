
/*
 * The load client of "make bench": one thread, epoll, keep-alive, HTTP/1.1,
 * 127.0.0.1 only.  t/bench/rig.py starts it; the last line it prints is JSON.
 *
 *     load get    -u ADDR -p PATH
 *     load upload -u ADDR -a ADAPTER -i DIR [-x N]
 *     load job    -u ADDR -a ADAPTER -i DIR -f lp
 *     load hold   -u ADDR -a ADAPTER -i DIR -k CHANGES -g GAP_MS -P PAUSE
 *                 -s PORT
 *
 * with -c CLIENTS, -d SECONDS or -n REQUESTS, -w SECONDS of warming up, and -T
 * SECONDS after which it ends whatever happens.  Its options and its JSON
 * are those of ../shared/peers/rig/ipload.c, which measures everybody where it
 * is present; "hold" is this program's own: -c jobs are made, each gets a
 * client that long-polls it, and -k of them fail at the service on PORT, which
 * this program is, too, to be tried again; told is the time from the service's
 * answer to the answer of the one who waited.  Then the job is canceled.
 *
 * Every upload is another file: 32 bytes in a COM segment of the JPEG are
 * written anew (-x N: the same ones always, so the cache knows the image).
 */


#define _GNU_SOURCE

#include "load.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>


static unsigned load_member(const char *body, const char *name, char *out,
    size_t size);
static unsigned load_has(const char *body, const char *words);
static void load_ended(load_t *l, load_client_t *c, const char *body,
    double now);
static void load_made(load_t *l, load_client_t *c, const char *body);
static void load_accepted(load_t *l, load_client_t *c, const char *body,
    double now);
static void load_told(load_t *l, load_client_t *c, const char *body,
    double now);
static load_client_t *load_clients(int n);
static void load_run(load_t *l, int n);
static void load_open(load_t *l);
static void load_sit(load_t *l, double seconds);
static load_client_t *load_holder(load_t *l, const char *job);
static void load_change(load_t *l, load_service_t *service);
static void load_hold(load_t *l);
static int load_compare(const void *one, const void *two);
static void load_report_times(const char *name, load_times_t *t);
static void load_report(load_t *l);
static load_mode_e load_mode(const char *name);


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
    fprintf(stderr, "load: ");
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


/* the value of the first member of that name */

static unsigned
load_member(const char *body, const char *name, char *out, size_t size)
{
    char         key[80];
    size_t       n;
    const char  *p;

    snprintf(key, sizeof(key), "\"%s\":", name);

    p = strstr(body, key);
    if (p == NULL) {
        return 0;
    }

    p += strlen(key);
    p += strspn(p, " \"");
    n = strcspn(p, "\",} ");

    if (n >= size) {
        return 0;
    }

    memcpy(out, p, n);
    out[n] = '\0';

    return 1;
}


/* "a|b": any of them */

static unsigned
load_has(const char *body, const char *words)
{
    char   copy[256], *word, *last;

    snprintf(copy, sizeof(copy), "%s", words);

    for (word = strtok_r(copy, "|", &last);
         word;
         word = strtok_r(NULL, "|", &last))
    {
        if (strstr(body, word)) {
            return 1;
        }
    }

    return 0;
}


static void
load_ended(load_t *l, load_client_t *c, const char *body, double now)
{
    if (load_has(body, l->adapter.done)) {
        l->ok++;

        if (now >= l->measure) {
            load_add(&l->ended, now - c->start);
        }

        load_begin(l, c);
        return;
    }

    if (load_has(body, l->adapter.fail)) {
        l->failed++;
        load_begin(l, c);
        return;
    }

    load_member(body, l->adapter.ver_key, c->version, sizeof(c->version));

    c->phase = LOAD_PHASE_FOLLOW;
    load_follow(l, c);
    load_send(l, c);
}


static void
load_made(load_t *l, load_client_t *c, const char *body)
{
    if (l->njobs == l->clients) {
        load_close(c);
        return;
    }

    strcpy(l->jobs[l->njobs], c->job);

    if (!load_member(body, l->adapter.ver_key, l->versions[l->njobs],
                     sizeof(l->versions[0])))
    {
        load_die("no revision in \"%s\"", body);
    }

    l->njobs++;
    load_begin(l, c);
}


static void
load_accepted(load_t *l, load_client_t *c, const char *body, double now)
{
    if (c->status < 200 || c->status > 299) {
        if (getenv("LOAD_DEBUG")) {
            fprintf(stderr, "load: %d %.200s\n", c->status, body);
        }

        l->errors++;
        load_begin(l, c);
        return;
    }

    if (now >= l->measure) {
        load_add(&l->accepted, now - c->start);
    }

    if (l->adapter.hit[0] && strstr(body, l->adapter.hit)) {
        l->hits++;
    }

    if (l->mode == LOAD_GET || l->mode == LOAD_UPLOAD) {
        l->ok++;
        load_begin(l, c);
        return;
    }

    if (!load_member(body, l->adapter.job_key, c->job, sizeof(c->job))) {
        load_die("no job in \"%s\"", body);
    }

    if (l->mode == LOAD_HOLD) {
        load_made(l, c, body);
        return;
    }

    load_ended(l, c, body, now);
}


/* who is told before asks again: nobody lets go */

static void
load_told(load_t *l, load_client_t *c, const char *body, double now)
{
    if (c->changed) {
        load_add(&l->told, now - c->changed);
        l->ok++;
        return;
    }

    l->polls++;
    load_member(body, l->adapter.ver_key, c->version, sizeof(c->version));
    load_follow(l, c);
    load_send(l, c);
}


void
load_answer(load_t *l, load_client_t *c)
{
    double  now;
    char   *body;

    now = load_now();

    c->in[c->nin] = '\0';
    body = strstr(c->in, "\r\n\r\n") + 4;
    c->busy = 0;

    l->statuses[c->status < 600 ? c->status : 0]++;

    if (c->closing || c->next < c->niov) {
        load_close(c);
    }

    switch (c->phase) {

    case LOAD_PHASE_UPLOAD:
        load_accepted(l, c, body, now);
        break;

    case LOAD_PHASE_FOLLOW:
        if (c->status != 200 && c->status != 204) {
            l->errors++;
            load_begin(l, c);
            break;
        }

        load_ended(l, c, body, now);
        break;

    case LOAD_PHASE_HELD:
        load_told(l, c, body, now);
        break;

    case LOAD_PHASE_CANCEL:
        load_add(&l->cancel, now - c->start);
        l->errors += c->status > 299;
        break;
    }
}


/* the next thing that a client does */

void
load_begin(load_t *l, load_client_t *c)
{
    double  now;

    now = load_now();

    if ((l->requests && l->started >= l->requests)
        || (l->seconds && now >= l->end))
    {
        load_close(c);
        return;
    }

    l->started++;
    c->start = now;
    c->version[0] = '\0';

    if (l->mode == LOAD_GET) {
        load_request(c, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                     l->path);
        c->phase = LOAD_PHASE_UPLOAD;

    } else {
        load_upload(l, c);
    }

    load_send(l, c);
}


static load_client_t *
load_clients(int n)
{
    int             i;
    load_client_t  *c;

    c = load_alloc((size_t) n * sizeof(load_client_t));

    for (i = 0; i < n; i++) {
        c[i].fd = -1;
        c[i].head = load_alloc(LOAD_HEAD);
        c[i].in = load_alloc(LOAD_BODY + 1);
    }

    return c;
}


/* clients come 3 ms apart, so that every process of the server accepts some */

static void
load_run(load_t *l, int n)
{
    int       i, opened;
    unsigned  busy;

    l->c = load_clients(n);
    opened = 0;

    do {
        if (opened < n && load_now() >= l->begin + opened * 0.003) {
            load_begin(l, &l->c[opened++]);
        }

        busy = opened < n;

        for (i = 0; i < opened && !busy; i++) {
            busy = l->c[i].busy;
        }

    } while (busy && load_turn(l, opened < n ? 1 : 100));
}


/* "hold" */


static void
load_open(load_t *l)
{
    int             i, opened, sent;
    load_client_t  *c;

    l->c = load_clients(l->clients + 1);
    opened = 0;

    for ( ;; ) {
        sent = 0;

        for (i = 0; i < opened; i++) {
            c = &l->c[i];
            sent += !c->writing;
        }

        for ( /* void */ ;
              opened < l->clients && opened - sent < LOAD_OPENING;
              opened++)
        {
            c = &l->c[opened];

            c->phase = LOAD_PHASE_HELD;
            strcpy(c->job, l->jobs[opened]);
            strcpy(c->version, l->versions[opened]);

            load_follow(l, c);
            load_send(l, c);
        }

        if (sent == l->clients || !load_turn(l, 10)) {
            return;
        }
    }
}


static void
load_sit(load_t *l, double seconds)
{
    double  until;

    until = load_now() + seconds;

    while (load_now() < until && load_turn(l, 5)) { /* void */ }
}


static load_client_t *
load_holder(load_t *l, const char *job)
{
    int  i;

    for (i = 0; i < l->clients; i++) {
        if (strcmp(l->c[i].job, job) == 0) {
            return &l->c[i];
        }
    }

    load_die("nobody holds %s", job);

    return NULL;
}


/* the change of a job that is running, and then its cancel: another begins */

static void
load_change(load_t *l, load_service_t *service)
{
    char            job[LOAD_JOB];
    load_client_t  *c, *held;

    while (load_service_look(service) == 0) {

        if (!load_turn(l, 5)) {
            return;
        }
    }

    load_sit(l, l->gap);

    c = &l->c[l->clients];
    c->phase = LOAD_PHASE_CANCEL;

    c->start = load_service_fail(service, job);

    held = load_holder(l, job);
    held->changed = c->start;

    while (held->busy && load_turn(l, 100)) { /* void */ }

    load_request(c, "DELETE %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                 l->adapter.path, held->job);

    c->start = load_now();
    load_send(l, c);

    while (c->busy && load_turn(l, 100)) { /* void */ }
}


static void
load_hold(load_t *l)
{
    long             i;
    double           begin;
    load_service_t  *service;

    service = load_service_open(l->port);

    l->jobs = load_alloc((size_t) l->clients * sizeof(l->jobs[0]));
    l->versions = load_alloc((size_t) l->clients * sizeof(l->versions[0]));

    l->measure = l->begin;
    load_run(l, l->clients < LOAD_MAKERS ? l->clients : LOAD_MAKERS);

    if (l->njobs < l->clients) {
        load_die("%ld jobs of %d were made", l->njobs, l->clients);
    }

    l->ok = 0;

    printf("MADE\n");
    fflush(stdout);
    load_sit(l, l->pause);

    begin = load_now();
    load_open(l);
    load_sit(l, 1);

    printf("READY %d in %.2f s, %ld asked again\n", l->clients,
           load_now() - begin, l->polls);
    fflush(stdout);
    load_sit(l, l->pause);

    printf("CHANGE\n");
    fflush(stdout);

    for (i = 0; i < l->cancels && i < l->clients; i++) {
        load_change(l, service);
    }
}


static int
load_compare(const void *one, const void *two)
{
    double  a, b;

    a = *(const double *) one;
    b = *(const double *) two;

    return (a > b) - (a < b);
}


static void
load_report_times(const char *name, load_times_t *t)
{
    size_t                i;
    double                sum;
    static const double   parts[] = { 0.5, 0.9, 0.99, 0.999 };
    static const char    *names[] = { "p50", "p90", "p99", "p999" };

    if (t->n == 0) {
        printf(",\"%s\":null", name);
        return;
    }

    qsort(t->times, t->n, sizeof(double), load_compare);

    for (sum = 0, i = 0; i < t->n; i++) {
        sum += t->times[i];
    }

    printf(",\"%s\":{\"n\":%zu,\"mean\":%.4f", name, t->n,
           1e3 * sum / (double) t->n);

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        printf(",\"%s\":%.4f", names[i],
               1e3 * t->times[(size_t) (parts[i] * (double) t->n)]);
    }

    printf(",\"max\":%.4f}", 1e3 * t->times[t->n - 1]);
}


static void
load_report(load_t *l)
{
    int            i;
    double         seconds;
    const char    *comma;
    load_times_t  *main_times;
    struct rusage  ru;

    getrusage(RUSAGE_SELF, &ru);

    seconds = load_now() - l->measure;
    main_times = l->mode == LOAD_JOBS ? &l->ended : &l->accepted;

    printf("{\"conc\":%d,\"secs\":%.3f,\"ok\":%ld,\"err\":%ld,\"failed\":%ld,"
           "\"hit\":%ld,\"polls\":%ld,\"rps\":%.1f,\"mb_up_s\":%.1f,"
           "\"mb_down_s\":%.1f,\"client_cpu\":%.3f,\"status\":{",
           l->clients, seconds, l->ok, l->errors, l->failed, l->hits, l->polls,
           (double) main_times->n / seconds,
           l->bytes_up / 1e6 / (seconds + l->warm),
           l->bytes_down / 1e6 / (seconds + l->warm),
           (double) (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec)
           + (double) (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e-6);

    for (comma = "", i = 0; i < 600; i++) {
        if (l->statuses[i]) {
            printf("%s\"%d\":%ld", comma, i, l->statuses[i]);
            comma = ",";
        }
    }

    printf("}");

    load_report_times(l->mode == LOAD_GET ? "lat" : "acc", &l->accepted);
    load_report_times("e2e", &l->ended);
    load_report_times("prog", &l->told);
    load_report_times("cancel", &l->cancel);

    printf("}\n");
}


static load_mode_e
load_mode(const char *name)
{
    unsigned            i;
    static const char  *names[] = { "get", "upload", "job", "hold" };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (name && strcmp(name, names[i]) == 0) {
            return i;
        }
    }

    load_die("usage: see the head of t/bench/load.c");

    return LOAD_GET;
}


int
main(int argc, char **argv)
{
    load_t         *l;
    struct rlimit   rl;

    signal(SIGPIPE, SIG_IGN);

    l = load_alloc(sizeof(load_t));

    l->mode = load_mode(argc > 1 ? argv[1] : NULL);
    l->clients = 1;
    l->limit = 120;

    load_options(l, argc - 1, argv + 1);

    if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
        rl.rlim_cur = rl.rlim_max;
        setrlimit(RLIMIT_NOFILE, &rl);
    }

    snprintf(l->run, sizeof(l->run), "%08x%08x", (unsigned) getpid(),
             (unsigned) time(NULL));

    l->ep = epoll_create1(EPOLL_CLOEXEC);
    l->begin = load_now();
    l->measure = l->begin + l->warm;
    l->end = l->measure + l->seconds;

    if (l->mode == LOAD_HOLD) {
        load_hold(l);

    } else {
        load_run(l, l->clients);
    }

    load_report(l);

    return 0;
}
