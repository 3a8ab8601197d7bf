
/*
 * The sockets that curl waits for, as connections of nginx.  A socket is
 * curl's, which closes it; an ngx_connection_t is borrowed for it only while
 * curl wants events, so idle connections of curl's pool hold neither a slot
 * nor the process.  Called by ngx_http_imgp_curl.c, event loop only.
 *
 * The table by descriptor is what knows them.  A connect that is broken off
 * is closed by curl (7.88) before it says so: epoll has forgotten the socket
 * then, and must not be asked about it.
 */


#include <ngx_http_imgp_call.h>


static ngx_connection_t *ngx_http_imgp_socket_get(
    ngx_http_imgp_sockets_t *sockets, ngx_socket_t fd);
static ngx_int_t ngx_http_imgp_socket_grow(ngx_http_imgp_sockets_t *sockets,
    ngx_uint_t size);
static ngx_int_t ngx_http_imgp_socket_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t wanted);


ngx_int_t
ngx_http_imgp_socket_watch(ngx_http_imgp_sockets_t *sockets, ngx_socket_t fd,
    ngx_uint_t in, ngx_uint_t out)
{
    ngx_connection_t  *c;

    c = ngx_http_imgp_socket_get(sockets, fd);
    if (c == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_imgp_socket_event(c->read, NGX_READ_EVENT, in) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_imgp_socket_event(c->write, NGX_WRITE_EVENT, out);
}


static ngx_connection_t *
ngx_http_imgp_socket_get(ngx_http_imgp_sockets_t *sockets, ngx_socket_t fd)
{
    ngx_connection_t  *c;

    if ((ngx_uint_t) fd >= sockets->size
        && ngx_http_imgp_socket_grow(sockets, (ngx_uint_t) fd + 1) != NGX_OK)
    {
        return NULL;
    }

    if (sockets->connections[fd] != NULL) {
        return sockets->connections[fd];
    }

    c = ngx_get_connection(fd, ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    /* both handlers: a shutdown calls read->handler of every connection */

    c->data = sockets->data;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->read->handler = sockets->handler;
    c->write->handler = sockets->handler;

    sockets->connections[fd] = c;
    sockets->n++;

    return c;
}


static ngx_int_t
ngx_http_imgp_socket_grow(ngx_http_imgp_sockets_t *sockets, ngx_uint_t size)
{
    ngx_connection_t  **connections;

    size = ngx_max(size, sockets->size * 2);

    connections = ngx_calloc(size * sizeof(ngx_connection_t *),
                             ngx_cycle->log);
    if (connections == NULL) {
        return NGX_ERROR;
    }

    if (sockets->connections != NULL) {
        ngx_memcpy(connections, sockets->connections,
                   sockets->size * sizeof(ngx_connection_t *));
        ngx_free(sockets->connections);
    }

    sockets->connections = connections;
    sockets->size = size;

    return NGX_OK;
}


ngx_int_t
ngx_http_imgp_socket_release(ngx_http_imgp_sockets_t *sockets, ngx_socket_t fd)
{
    ngx_uint_t         flags;
    ngx_connection_t  *c;

    if ((ngx_uint_t) fd >= sockets->size || sockets->connections[fd] == NULL) {
        return NGX_DECLINED;
    }

    c = sockets->connections[fd];
    sockets->connections[fd] = NULL;
    sockets->n--;

    flags = (fcntl(fd, F_GETFD) == -1) ? NGX_CLOSE_EVENT : 0;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    c->read->closed = 1;
    c->write->closed = 1;

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;

    return NGX_OK;
}


void
ngx_http_imgp_socket_free(ngx_http_imgp_sockets_t *sockets)
{
    ngx_uint_t  i;

    for (i = 0; i < sockets->size; i++) {
        (void) ngx_http_imgp_socket_release(sockets, (ngx_socket_t) i);
    }

    if (sockets->connections != NULL) {
        ngx_free(sockets->connections);
    }

    sockets->connections = NULL;
    sockets->size = 0;
}


/*
 * Level-triggered: curl does not read and write until EAGAIN, and with
 * edges uploads hang.
 */

static ngx_int_t
ngx_http_imgp_socket_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t wanted)
{
    if (wanted) {
        return ev->active ? NGX_OK
                          : ngx_add_event(ev, event, NGX_LEVEL_EVENT);
    }

    return ev->active ? ngx_del_event(ev, event, 0) : NGX_OK;
}
