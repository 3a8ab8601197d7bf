
/*
 * Connections of the load client: what is sent, and what comes back until an
 * answer is whole.  HTTP/1.1 with Content-Length, nothing else.  One thread;
 * called by load.c, and calls it back with each answer.
 */


#define _GNU_SOURCE

#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>


static void load_piece(load_client_t *c, const void *p, size_t len);
static void load_listen(load_t *l, load_client_t *c, int op,
    unsigned writing);
static void load_connect(load_t *l, load_client_t *c);
static void load_broken(load_t *l, load_client_t *c, const char *what);
static void load_write(load_t *l, load_client_t *c);
static void load_read(load_t *l, load_client_t *c);
static unsigned load_head(load_t *l, load_client_t *c);
static const char *load_header(const char *head, const char *end,
    const char *name);


void
load_request(load_client_t *c, const char *fmt, ...)
{
    int      n;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(c->head, LOAD_HEAD, fmt, args);
    va_end(args);

    if (n < 0 || n >= LOAD_HEAD) {
        load_die("a request's head is too long");
    }

    c->iov[0].iov_base = c->head;
    c->iov[0].iov_len = (size_t) n;
    c->niov = 1;
    c->next = 0;
    c->nin = 0;
    c->head_done = 0;
    c->busy = 1;
}


static void
load_piece(load_client_t *c, const void *p, size_t len)
{
    c->iov[c->niov].iov_base = (void *) p;
    c->iov[c->niov].iov_len = len;
    c->niov++;
}


void
load_upload(load_t *l, load_client_t *c)
{
    size_t               before, after, last;
    const char          *type;
    load_image_t        *im;
    static char          part[256];
    static const char    tail[] = "\r\n--" LOAD_BOUNDARY "--\r\n";

    im = &l->images[l->fixed ? 0 : l->number % (unsigned) l->nimages];
    snprintf(c->unique, sizeof(c->unique), "%-16s%016lx",
             l->fixed ? "the-same-image" : l->run,
             l->fixed ? (unsigned long) l->fixed : l->number);
    l->number++;

    before = 0;
    after = 0;
    type = "image/jpeg";

    if (strcmp(l->adapter.style, "multipart") == 0) {
        before = (size_t) snprintf(part, sizeof(part),
                   "--" LOAD_BOUNDARY "\r\nContent-Disposition: form-data; "
                   "name=\"%s\"; filename=\"a.jpg\"\r\n"
                   "Content-Type: image/jpeg\r\n\r\n", l->adapter.field);
        after = sizeof(tail) - 1;
        type = "multipart/form-data; boundary=" LOAD_BOUNDARY;
    }

    load_request(c, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s"
                 "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                 l->adapter.path, l->adapter.headers, type,
                 before + im->len + after);

    if (before) {
        load_piece(c, part, before);
    }

    last = im->mark + LOAD_MARK_LEN;

    load_piece(c, im->data, im->mark);
    load_piece(c, c->unique, LOAD_MARK_LEN);
    load_piece(c, im->data + last, im->len - last);

    if (after) {
        load_piece(c, tail, after);
    }

    c->phase = LOAD_PHASE_UPLOAD;
    l->bytes_up += (double) (before + im->len + after);
}


/* {id} and {v} of the adapter's path */

void
load_follow(load_t *l, load_client_t *c)
{
    char        path[512];
    size_t      n;
    const char  *p;

    n = 0;

    for (p = l->adapter.lp_path; *p && n < sizeof(path) - 64; /* void */ ) {

        if (strncmp(p, "{id}", 4) == 0) {
            n += (size_t) sprintf(path + n, "%s", c->job);
            p += 4;

        } else if (strncmp(p, "{v}", 3) == 0) {
            n += (size_t) sprintf(path + n, "%s",
                                  c->version[0] ? c->version : "0");
            p += 3;

        } else {
            path[n++] = *p++;
        }
    }

    path[n] = '\0';

    load_request(c, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
}


static void
load_listen(load_t *l, load_client_t *c, int op, unsigned writing)
{
    struct epoll_event  ev;

    c->writing = writing;
    ev.events = EPOLLIN | (writing ? EPOLLOUT : 0);
    ev.data.ptr = c;

    if (epoll_ctl(l->ep, op, c->fd, &ev) == -1) {
        load_die("epoll_ctl: %s", strerror(errno));
    }
}


static void
load_connect(load_t *l, load_client_t *c)
{
    int  one;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd == -1) {
        load_die("socket: %s", strerror(errno));
    }

    one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    if (connect(c->fd, (struct sockaddr *) &l->addr, sizeof(l->addr)) == -1
        && errno != EINPROGRESS)
    {
        load_die("connect: %s", strerror(errno));
    }

    load_listen(l, c, EPOLL_CTL_ADD, 1);
}


void
load_close(load_client_t *c)
{
    if (c->fd != -1) {
        close(c->fd);
        c->fd = -1;
    }

    c->busy = 0;
}


void
load_send(load_t *l, load_client_t *c)
{
    if (c->fd == -1) {
        load_connect(l, c);
        return;
    }

    load_write(l, c);
}


static void
load_broken(load_t *l, load_client_t *c, const char *what)
{
    if (getenv("LOAD_DEBUG")) {
        fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    }

    l->errors++;
    load_close(c);

    if (l->errors > 1000) {
        load_die("more than 1000 errors, the last: %s", what);
    }

    if (l->mode != LOAD_HOLD) {
        load_begin(l, c);
    }
}


static void
load_write(load_t *l, load_client_t *c)
{
    ssize_t        n;
    struct iovec  *iov;

    while (c->next < c->niov) {
        n = writev(c->fd, c->iov + c->next, c->niov - c->next);

        if (n == -1) {
            if (errno == EAGAIN) {
                break;
            }

            load_broken(l, c, "write");
            return;
        }

        while (n > 0) {
            iov = &c->iov[c->next];

            if ((size_t) n < iov->iov_len) {
                iov->iov_base = (char *) iov->iov_base + n;
                iov->iov_len -= (size_t) n;
                break;
            }

            n -= (ssize_t) iov->iov_len;
            c->next++;
        }
    }

    if ((c->next < c->niov) != c->writing) {
        load_listen(l, c, EPOLL_CTL_MOD, c->next < c->niov);
    }
}


static const char *
load_header(const char *head, const char *end, const char *name)
{
    const char  *p;

    for (p = head; p < end; p += 2) {
        if (strncasecmp(p, name, strlen(name)) == 0) {
            return p + strlen(name) + strspn(p + strlen(name), " ");
        }

        p = memmem(p, (size_t) (end - p), "\r\n", 2);
        if (p == NULL) {
            break;
        }
    }

    return NULL;
}


static unsigned
load_head(load_t *l, load_client_t *c)
{
    char        *end;
    const char  *value;

    c->in[c->nin] = '\0';

    end = memmem(c->in, c->nin, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    c->head_done = 1;
    c->status = atoi(c->in + sizeof("HTTP/1.1 ") - 1);

    value = load_header(c->in, end, "connection:");
    c->closing = value && strncasecmp(value, "close", 5) == 0;

    value = load_header(c->in, end, "content-length:");
    c->left = value ? atol(value) : 0;

    if (value == NULL && c->status != 204 && c->status != 304) {
        load_die("an answer without Content-Length: \"%.300s\"", c->in);
    }

    if (c->status == 304) {
        c->left = 0;
    }

    c->left -= (long) (c->in + c->nin - (end + 4));

    return 1;
}


static void
load_read(load_t *l, load_client_t *c)
{
    ssize_t      n;
    size_t       room;
    static char  rest[256 * 1024];

    for ( ;; ) {
        room = LOAD_BODY - c->nin;

        n = room ? recv(c->fd, c->in + c->nin, room, 0)
                 : recv(c->fd, rest, sizeof(rest), 0);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0) {
            if (n == 0 && !c->busy) {
                load_close(c);

            } else {
                load_broken(l, c, n ? "recv" : "closed");
            }

            return;
        }

        l->bytes_down += (double) n;

        if (room) {
            c->nin += (size_t) n;
        }

        if (c->head_done) {
            c->left -= n;

        } else if (!load_head(l, c)) {
            if (c->nin == LOAD_BODY) {
                load_die("an answer's head is too long");
            }

            continue;
        }

        if (c->left <= 0) {
            load_answer(l, c);
            return;
        }
    }
}


/* one round of events; whether any client has something to do */

unsigned
load_turn(load_t *l, int timeout)
{
    int                 i, n;
    load_client_t      *c;
    struct epoll_event  events[LOAD_EVENTS];

    n = epoll_wait(l->ep, events, LOAD_EVENTS, timeout);

    for (i = 0; i < n; i++) {
        c = events[i].data.ptr;

        if (c->fd != -1 && (events[i].events & (EPOLLERR | EPOLLHUP))
            && !(events[i].events & EPOLLIN))
        {
            load_broken(l, c, "connection");
            continue;
        }

        if (c->fd != -1 && (events[i].events & EPOLLIN)) {
            load_read(l, c);
        }

        if (c->fd != -1 && c->writing && (events[i].events & EPOLLOUT)) {
            load_write(l, c);
        }
    }

    if (load_now() > l->begin + l->limit) {
        fprintf(stderr, "load: stopped after %.0f s\n", l->limit);
        return 0;
    }

    return 1;
}
