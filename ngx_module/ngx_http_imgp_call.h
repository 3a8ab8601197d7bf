
/*
 * What the files of a service call share among themselves, in the order of
 * the flow:
 *
 *     service     one call from start to done
 *       peer      where to: an upstream {}, fixed addresses, the resolver
 *       ask       what is sent: headers, and by ask_body the inputs
 *       curl      libcurl on nginx's event loop
 *       answer    what came back: body, status, or the error it means
 *
 * All of it runs in the event loop of a worker process.
 */


#ifndef _NGX_HTTP_IMGP_CALL_H_INCLUDED_
#define _NGX_HTTP_IMGP_CALL_H_INCLUDED_


#include <ngx_http_imgp.h>
#include <curl/curl.h>


/* ---- ngx_http_imgp_curl.c: transfers ---- */

typedef struct ngx_http_imgp_transfer_s  ngx_http_imgp_transfer_t;

struct ngx_http_imgp_transfer_s {
    ngx_queue_t                    queue;
    ngx_http_imgp_curl_t          *curl;
    CURL                          *easy;
    CURLcode                       result;
    char                           error[CURL_ERROR_SIZE];
    unsigned                       waiting:1;  /* for a free connection */
    unsigned                       added:1;    /* curl works on it */

    /* done: it ended, "result" tells how; abort: the process ends.  Either
       may close the transfer, or any other, and start new ones */

    void                         (*done)(ngx_http_imgp_transfer_t *t);
    void                         (*abort)(ngx_http_imgp_transfer_t *t);
};


/* open makes t->easy, with the options that all transfers share */

ngx_int_t ngx_http_imgp_curl_open(ngx_http_imgp_curl_t *curl,
    ngx_http_imgp_transfer_t *t);

/* start never calls t->done itself; after stop it may be started again */

void ngx_http_imgp_curl_start(ngx_http_imgp_transfer_t *t);
void ngx_http_imgp_curl_stop(ngx_http_imgp_transfer_t *t);
void ngx_http_imgp_curl_close(ngx_http_imgp_transfer_t *t);

/* a list in memory of the loop, for ngx_http_imgp_peer.c */

ngx_array_t *ngx_http_imgp_curl_hosts(ngx_http_imgp_curl_t *curl);


/* ---- ngx_http_imgp_easy.c: what all transfers have in common ---- */

CURL *ngx_http_imgp_easy_create(const char *ca_file);

/* what is trusted: a file's name, in the pool or static; NULL: curl's own */

char *ngx_http_imgp_easy_ca_file(ngx_pool_t *pool);


/* ---- ngx_http_imgp_socket.c: curl's sockets among nginx's events ---- */

typedef struct {
    ngx_event_handler_pt           handler;
    void                          *data;       /* of the connections */

    ngx_connection_t             **connections;   /* by descriptor */
    ngx_uint_t                     size;
    ngx_uint_t                     n;
} ngx_http_imgp_sockets_t;


ngx_int_t ngx_http_imgp_socket_watch(ngx_http_imgp_sockets_t *sockets,
    ngx_socket_t fd, ngx_uint_t in, ngx_uint_t out);

/* NGX_DECLINED: it was not watched */

ngx_int_t ngx_http_imgp_socket_release(ngx_http_imgp_sockets_t *sockets,
    ngx_socket_t fd);
void ngx_http_imgp_socket_free(ngx_http_imgp_sockets_t *sockets);


/* ---- ngx_http_imgp_peer.c: addresses ---- */

typedef struct ngx_http_imgp_host_s  ngx_http_imgp_host_t;

typedef struct {
    ngx_http_imgp_call_t          *call;
    ngx_pool_t                    *pool;

    ngx_http_upstream_t           *upstream;   /* its "peer" alone is used */
    ngx_http_imgp_host_t          *host;       /* what is known of addrs */
    ngx_addr_t                    *addrs;
    ngx_uint_t                     naddrs;
    uint64_t                       tried;      /* bitmap of addrs */
    ngx_uint_t                     current;

    ngx_resolver_ctx_t            *resolving;
    struct curl_slist             *connect_to;
    ngx_str_t                      name;       /* for the log */
    unsigned                       taken:1;

    /* called once after NGX_AGAIN; call->error is set if it failed */

    void                         (*handler)(void *data);
    void                          *data;
} ngx_http_imgp_peer_t;


/* NGX_OK: get may be called; NGX_AGAIN: after handler(), if that found no
   error; NGX_ERROR: call->error tells why.  call, pool, handler and data
   are set */

ngx_int_t ngx_http_imgp_peer_init(ngx_http_imgp_peer_t *peer);

/* takes the next address not tried yet; NGX_DECLINED: there is none */

ngx_int_t ngx_http_imgp_peer_get(ngx_http_imgp_peer_t *peer, CURL *easy);
void ngx_http_imgp_peer_free(ngx_http_imgp_peer_t *peer, ngx_uint_t failed);

/* at any time, any number of times; after curl_easy_cleanup() */

void ngx_http_imgp_peer_close(ngx_http_imgp_peer_t *peer);


/* ---- ngx_http_imgp_ask.c: the request ---- */

typedef struct {
    struct curl_slist             *headers;
    curl_mime                     *mime;
} ngx_http_imgp_ask_t;


/* NGX_ERROR: call->error tells why; free it in any case, after
   curl_easy_cleanup() */

ngx_int_t ngx_http_imgp_ask_init(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool, CURL *easy);
void ngx_http_imgp_ask_free(ngx_http_imgp_ask_t *ask);

/* before it is sent again */

void ngx_http_imgp_ask_rewind(ngx_http_imgp_call_t *call);

/* the pieces of a value with params filled in, behind the field's name if
   "between" is given; NUL-terminated */

ngx_int_t ngx_http_imgp_ask_text(ngx_pool_t *pool,
    ngx_http_imgp_field_t *field, imgp_str_t *params, const char *between,
    ngx_str_t *text);
ngx_int_t ngx_http_imgp_ask_no_memory(ngx_http_imgp_call_t *call);


/* ---- ngx_http_imgp_ask_body.c: and its body ---- */

ngx_int_t ngx_http_imgp_ask_body(ngx_http_imgp_ask_t *ask,
    ngx_http_imgp_call_t *call, ngx_pool_t *pool, CURL *easy);

/* the media type of an input; what files of it end with, without the dot */

const char *ngx_http_imgp_ask_type(ngx_http_imgp_call_t *call, ngx_uint_t i);
const char *ngx_http_imgp_ask_suffix(const char *type);


/* ---- ngx_http_imgp_answer.c: the response ---- */

#define NGX_HTTP_IMGP_EXCERPT  512         /* of an error's body, logged */


typedef struct {
    CURL                          *easy;
    u_char                        *body;       /* malloc'ed */
    size_t                         len;
    size_t                         size;
    size_t                         max;
    size_t                         header;     /* bytes of it */
    size_t                         skipped;    /* of an error's body */
    u_char                         excerpt[NGX_HTTP_IMGP_EXCERPT];
    size_t                         excerpt_len;
    unsigned                       too_large:1;
    unsigned                       header_too_large:1;
    unsigned                       no_memory:1;
} ngx_http_imgp_answer_t;


void ngx_http_imgp_answer_init(ngx_http_imgp_answer_t *answer, CURL *easy,
    size_t max);

/* before another address is tried */

void ngx_http_imgp_answer_reset(ngx_http_imgp_answer_t *answer);

/* fills what call has for done(); a timeout of the whole call is
   CURLE_OPERATION_TIMEDOUT too */

void ngx_http_imgp_answer_finish(ngx_http_imgp_answer_t *answer,
    ngx_http_imgp_call_t *call, ngx_http_imgp_transfer_t *t);

/* may the request have gone out, at least in part? */

ngx_uint_t ngx_http_imgp_answer_connected(ngx_http_imgp_transfer_t *t);
void ngx_http_imgp_answer_free(ngx_http_imgp_answer_t *answer);


#endif /* _NGX_HTTP_IMGP_CALL_H_INCLUDED_ */
