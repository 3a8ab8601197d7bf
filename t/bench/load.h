
/*
 * Between the files of the load client of "make bench".
 */


#ifndef _LOAD_H_INCLUDED_
#define _LOAD_H_INCLUDED_


#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>


#define LOAD_MARK      "IPLOAD-UNIQUE-ID-PLACEHOLDER-32B"
#define LOAD_MARK_LEN  (sizeof(LOAD_MARK) - 1)
#define LOAD_BOUNDARY  "----imgp-load-7MA4YWxkTrZu0gW"
#define LOAD_IMAGES    64
#define LOAD_HEAD      1536
#define LOAD_BODY      16384      /* of an answer; what is longer is counted */
#define LOAD_EVENTS    512
#define LOAD_MAKERS    32         /* clients that make the jobs of "hold" */
#define LOAD_OPENING   256        /* connections being made at once */
#define LOAD_JOB       32


typedef enum {
    LOAD_GET = 0,
    LOAD_UPLOAD,
    LOAD_JOBS,
    LOAD_HOLD
} load_mode_e;


typedef enum {
    LOAD_PHASE_UPLOAD = 0,
    LOAD_PHASE_FOLLOW,
    LOAD_PHASE_HELD,
    LOAD_PHASE_CANCEL
} load_phase_e;


typedef struct {
    double                *times;
    size_t                 n;
    size_t                 size;
} load_times_t;


typedef struct {
    char                  *data;
    size_t                 len;
    size_t                 mark;
} load_image_t;


typedef struct {
    char                   path[256];
    char                   style[16];
    char                   field[64];
    char                   job_key[64];
    char                   ver_key[64];
    char                   lp_path[256];
    char                   done[256];
    char                   fail[256];
    char                   hit[128];
    char                   headers[512];
} load_adapter_t;


typedef struct {
    int                    fd;
    load_phase_e           phase;
    unsigned               busy:1;
    unsigned               writing:1;
    unsigned               head_done:1;
    unsigned               closing:1;

    struct iovec           iov[6];
    int                    niov;
    int                    next;

    char                  *head;          /* of the request */
    char                   unique[LOAD_MARK_LEN + 1];
    char                  *in;            /* the answer, at most LOAD_BODY */
    size_t                 nin;
    int                    status;
    long                   left;

    char                   job[LOAD_JOB];
    char                   version[24];
    double                 start;
    double                 changed;       /* when its job did */
} load_client_t;


typedef struct load_service_s  load_service_t;


typedef struct {
    load_mode_e            mode;
    struct sockaddr_in     addr;
    load_adapter_t         adapter;
    char                   path[512];
    int                    clients;
    long                   requests;
    double                 seconds;
    double                 warm;
    double                 limit;
    long                   fixed;
    long                   cancels;
    double                 gap;
    double                 pause;
    int                    port;          /* of the service of "hold" */

    int                    ep;
    load_client_t         *c;
    load_image_t           images[LOAD_IMAGES];
    int                    nimages;
    unsigned long          number;
    char                   run[17];

    double                 begin;
    double                 measure;
    double                 end;
    long                   started;
    long                   ok;
    long                   errors;
    long                   failed;
    long                   hits;
    double                 bytes_up;
    double                 bytes_down;
    long                   statuses[600];
    load_times_t           accepted;
    load_times_t           ended;
    load_times_t           told;
    load_times_t           cancel;

    char                 (*jobs)[LOAD_JOB];
    char                 (*versions)[24];
    long                   njobs;
    long                   polls;         /* answered though nothing changed */
} load_t;


double load_now(void);
void load_die(const char *fmt, ...);
void *load_alloc(size_t size);
void load_add(load_times_t *t, double value);

void load_options(load_t *l, int argc, char **argv);

void load_request(load_client_t *c, const char *fmt, ...);
void load_upload(load_t *l, load_client_t *c);
void load_follow(load_t *l, load_client_t *c);
void load_send(load_t *l, load_client_t *c);
void load_close(load_client_t *c);
unsigned load_turn(load_t *l, int timeout);

load_service_t *load_service_open(int port);
int load_service_look(load_service_t *s);
double load_service_fail(load_service_t *s, char *job);
double load_service_fail_of(load_service_t *s, const char *job);

/* of load.c: a whole answer is there; a connection broke, start again */

void load_answer(load_t *l, load_client_t *c);
void load_begin(load_t *l, load_client_t *c);


#endif /* _LOAD_H_INCLUDED_ */
