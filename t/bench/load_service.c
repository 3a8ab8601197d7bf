
/*
 * The model service of "load hold": it listens on 127.0.0.1, reads the calls
 * that the module makes, and answers none until it is told to.  A call's
 * traceparent names its job, so that the answer's moment can be compared with
 * the one at which that job's long-poll is told.
 *
 * One thread, no events: between two answers there is all the time.
 */


#define _GNU_SOURCE

#include "load.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>


#define SERVICE_CALLS  256
#define SERVICE_READ   65536
#define SERVICE_TRACE  "traceparent: 00-"


typedef struct {
    int                fd;
    char               head[4096];
    size_t             nhead;
    unsigned           whole:1;       /* the head is */
    long               left;          /* of the body */
    char               job[LOAD_JOB];
} service_call_t;


struct load_service_s {
    int                fd;
    service_call_t     calls[SERVICE_CALLS];
    int                n;
};


static void service_accept(load_service_t *s);
static void service_read(load_service_t *s, service_call_t *call);
static void service_parse(service_call_t *call);
static void service_job(const char *hex, char *out);
static double service_fail(load_service_t *s, int i);


load_service_t *
load_service_open(int port)
{
    int                 on;
    load_service_t     *s;
    struct sockaddr_in  addr;

    s = load_alloc(sizeof(load_service_t));
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    on = 1;
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_port = htons((uint16_t) port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (bind(s->fd, (struct sockaddr *) &addr, sizeof(addr)) == -1
        || listen(s->fd, SERVICE_CALLS) == -1)
    {
        load_die("port %d: %s", port, strerror(errno));
    }

    return s;
}


/* what has come until now; the number of calls that wait for an answer */

int
load_service_look(load_service_t *s)
{
    int  i, waiting;

    service_accept(s);

    waiting = 0;

    for (i = 0; i < s->n; i++) {

        if (s->calls[i].job[0] == '\0') {
            service_read(s, &s->calls[i]);
        }

        waiting += s->calls[i].job[0] != '\0';
    }

    return waiting;
}


static void
service_accept(load_service_t *s)
{
    int  fd;

    while (s->n < SERVICE_CALLS) {
        fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1) {
            return;
        }

        memset(&s->calls[s->n], 0, sizeof(service_call_t));
        s->calls[s->n++].fd = fd;
    }
}


static void
service_read(load_service_t *s, service_call_t *call)
{
    ssize_t      n;
    static char  body[SERVICE_READ];

    for ( ;; ) {

        if (call->whole) {
            n = read(call->fd, body, sizeof(body));

        } else {
            n = read(call->fd, call->head + call->nhead,
                     sizeof(call->head) - 1 - call->nhead);
        }

        if (n == 0) {
            close(call->fd);
            *call = s->calls[--s->n];
            return;
        }

        if (n == -1) {
            return;
        }

        if (call->whole) {
            call->left -= n;

        } else {
            call->nhead += (size_t) n;
            service_parse(call);
        }

        if (call->whole && call->left <= 0) {
            service_job(strcasestr(call->head, SERVICE_TRACE)
                        + sizeof(SERVICE_TRACE) - 1, call->job);
            return;
        }
    }
}


static void
service_parse(service_call_t *call)
{
    char  *end, *length;

    call->head[call->nhead] = '\0';

    end = strstr(call->head, "\r\n\r\n");

    if (end == NULL) {

        if (call->nhead == sizeof(call->head) - 1) {
            load_die("a call's head is too long");
        }

        return;
    }

    length = strcasestr(call->head, "\r\nContent-Length:");

    if (length == NULL || length > end
        || strcasestr(call->head, SERVICE_TRACE) == NULL)
    {
        load_die("a call without its length or its trace: %s", call->head);
    }

    call->left = atol(length + 17) - (long) (call->head + call->nhead
                                             - (end + 4));
    call->whole = 1;
}


/* 16 bytes in hexadecimal to the base32hex of the job's document */

static void
service_job(const char *hex, char *out)
{
    int       i;
    char      digit[3];
    unsigned  acc, bits;

    static const char  digits[] = "0123456789abcdefghijklmnopqrstuv";

    acc = 0;
    bits = 0;
    digit[2] = '\0';

    for (i = 0; i < 16; i++) {
        memcpy(digit, hex + 2 * i, 2);
        acc = (acc << 8 | (unsigned) strtoul(digit, NULL, 16)) & 0xfff;

        for (bits += 8; bits >= 5; /* void */ ) {
            bits -= 5;
            *out++ = digits[acc >> bits & 31];
        }
    }

    *out++ = digits[acc << (5 - bits) & 31];
    *out = '\0';
}


/* fails the longest waiting call, whose job is copied to "job", so that its
   stage is to be tried again: a change that nobody has to store */

double
load_service_fail(load_service_t *s, char *job)
{
    int  i;

    for (i = 0; i < s->n && s->calls[i].job[0] == '\0'; i++) { /* void */ }

    memcpy(job, s->calls[i].job, LOAD_JOB);

    return service_fail(s, i);
}


/* the same with the call of one job; 0: there is none */

double
load_service_fail_of(load_service_t *s, const char *job)
{
    int  i;

    for (i = 0; i < s->n; i++) {
        if (strcmp(s->calls[i].job, job) == 0) {
            return service_fail(s, i);
        }
    }

    return 0;
}


static double
service_fail(load_service_t *s, int i)
{
    double           now;
    service_call_t  *call;

    static const char  answer[] =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";

    call = &s->calls[i];
    now = load_now();

    if (write(call->fd, answer, sizeof(answer) - 1)
        != (ssize_t) sizeof(answer) - 1)
    {
        load_die("a call went away: %s", strerror(errno));
    }

    close(call->fd);

    s->n--;
    memmove(call, call + 1, (size_t) (s->n - i) * sizeof(service_call_t));

    return now;
}
