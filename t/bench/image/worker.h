
/*
 * What the workers in C do alike.  A worker reads commands, one a line, and
 * answers each by a line of JSON; those in other languages (work_pillow.py,
 * work_sharp.js) understand the same:
 *
 *     load PATH      the picture is read into memory
 *     run N          N times, each timed: {"wall": [ms], "cpu": [ms], ...}
 *     threads T N    T threads, each N times: {"wall": [ms in all]}
 *     save PATH      the last output
 *     memory         {"kb": the most RAM this process ever had}
 *
 * CPU is the whole process's.  {"error": "..."} tells that it failed.
 */


#ifndef _WORKER_H_INCLUDED_
#define _WORKER_H_INCLUDED_


#define _GNU_SOURCE

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#define WORKER_LINE     4096
#define WORKER_THREADS  64


typedef struct worker_s  worker_t;


typedef struct {
    unsigned char     *data;          /* from malloc() */
    size_t             len;
} worker_output_t;


struct worker_s {
    int              (*run)(const worker_t *worker, worker_output_t *out);
    const void        *engine;

    unsigned char     *data;          /* the picture's file */
    size_t             len;

    worker_output_t    last;
    int                times;         /* of each thread */
};


static double
worker_clock(clockid_t id)
{
    struct timespec  ts;

    clock_gettime(id, &ts);

    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}


static int
worker_load(worker_t *worker, const char *path)
{
    long   len;
    FILE  *f;

    f = fopen(path, "rb");
    if (f == NULL) {
        return -1;
    }

    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);

    free(worker->data);
    worker->data = malloc(len + 1);
    worker->len = fread(worker->data, 1, len, f);

    fclose(f);

    return (worker->len == (size_t) len) ? 0 : -1;
}


static int
worker_save(const worker_t *worker, const char *path)
{
    FILE    *f;
    size_t   n;

    f = fopen(path, "wb");
    if (f == NULL) {
        return -1;
    }

    n = fwrite(worker->last.data, 1, worker->last.len, f);

    return (fclose(f) == 0 && n == worker->last.len) ? 0 : -1;
}


static void
worker_times(const char *name, const double *times, int n)
{
    int  i;

    printf("\"%s\": [", name);

    for (i = 0; i < n; i++) {
        printf("%s%.4f", i ? ", " : "", times[i]);
    }

    printf("]");
}


static int
worker_run(worker_t *worker, int n)
{
    int              i, rc;
    double          *wall, *cpu;
    worker_output_t  out;

    wall = calloc(2 * n, sizeof(double));
    cpu = wall + n;

    for (rc = 0, i = 0; i < n && rc == 0; i++) {
        cpu[i] = worker_clock(CLOCK_PROCESS_CPUTIME_ID);
        wall[i] = worker_clock(CLOCK_MONOTONIC);

        rc = worker->run(worker, &out);

        wall[i] = worker_clock(CLOCK_MONOTONIC) - wall[i];
        cpu[i] = worker_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu[i];

        if (rc == 0) {
            free(worker->last.data);
            worker->last = out;
        }
    }

    if (rc == 0) {
        printf("{");
        worker_times("wall", wall, n);
        printf(", ");
        worker_times("cpu", cpu, n);
        printf(", \"bytes\": %zu}\n", worker->last.len);
    }

    free(wall);

    return rc;
}


static void *
worker_thread(void *data)
{
    worker_t  *worker = data;

    int              i;
    worker_output_t  out;

    for (i = 0; i < worker->times; i++) {
        if (worker->run(worker, &out) != 0) {
            return worker;
        }

        free(out.data);
    }

    return NULL;
}


static int
worker_threads(worker_t *worker, int threads, int n)
{
    int        i, rc;
    void      *failed;
    double     wall;
    pthread_t  tids[WORKER_THREADS];

    if (threads < 1 || threads > WORKER_THREADS) {
        return -1;
    }

    worker->times = n;
    wall = worker_clock(CLOCK_MONOTONIC);

    for (i = 0; i < threads; i++) {
        if (pthread_create(&tids[i], NULL, worker_thread, worker) != 0) {
            abort();
        }
    }

    for (rc = 0, i = 0; i < threads; i++) {
        pthread_join(tids[i], &failed);
        rc |= (failed != NULL);
    }

    wall = worker_clock(CLOCK_MONOTONIC) - wall;

    if (rc == 0) {
        printf("{\"wall\": [%.4f]}\n", wall);
    }

    return -rc;
}


/* not getrusage(): its maximum is also that of whoever started us */

static int
worker_memory(void)
{
    long   kb;
    char   line[256];
    FILE  *f;

    f = fopen("/proc/self/status", "r");
    if (f == NULL) {
        return -1;
    }

    for (kb = 0; fgets(line, sizeof(line), f) != NULL; /* void */ ) {
        if (sscanf(line, "VmHWM: %ld", &kb) == 1) {
            break;
        }
    }

    fclose(f);
    printf("{\"kb\": %ld}\n", kb);

    return 0;
}


static int
worker_command(worker_t *worker, const char *line)
{
    int   n, threads;
    char  path[WORKER_LINE];

    if (sscanf(line, "load %4095[^\n]", path) == 1) {
        return worker_load(worker, path) || printf("{}\n") < 0;
    }

    if (sscanf(line, "save %4095[^\n]", path) == 1) {
        return worker_save(worker, path) || printf("{}\n") < 0;
    }

    if (sscanf(line, "run %d", &n) == 1 && n > 0) {
        return worker_run(worker, n);
    }

    if (sscanf(line, "threads %d %d", &threads, &n) == 2) {
        return worker_threads(worker, threads, n);
    }

    return strncmp(line, "memory", 6) == 0 ? worker_memory() : -1;
}


static int
worker_loop(worker_t *worker)
{
    char  line[WORKER_LINE + 8];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (worker_command(worker, line) != 0) {
            printf("{\"error\": \"failed\"}\n");
        }

        fflush(stdout);
    }

    free(worker->data);
    free(worker->last.data);

    return 0;
}


#endif /* _WORKER_H_INCLUDED_ */
