
/*
 * Commands as argument vectors, and the names of keys.  With the prefix "ip:"
 * they are
 *
 *     ip:{jobs}:job:ID              a job (hash; fields: imgp_redis_lua.c)
 *     ip:{jobs}:queue:PIPELINE      ids of queued jobs, by time (sorted set)
 *     ip:{jobs}:leases              ids of held jobs, by end of the lease
 *     ip:{jobs}:dead                ids of dead jobs, by time
 *     ip:{jobs}:idem:KEY            the job of an Idempotency-Key (string)
 *     ip:{jobs}:born                a name that is lost with all the rest
 *     ip:{KEY}:result               what a stage run gave (string)
 *     ip:{KEY}:whole                the end of a job with these very params
 *     ip:{KEY}:flight               who makes it now
 *     ip:{PIPELINE/STAGE}:places    what each machine has of them (hash)
 *     ip:{SERVICE}:rate             when its next call may begin (us)
 *     ip:blob:{DIGEST}:N            content, in pieces (string)
 *     ip:wake                       channel of hints
 *
 * so that an ACL of "~ip:* &ip:*" is enough.  A vector points to what it was
 * given and to its own "text": it must not be moved.
 */


#ifndef _IMGP_REDIS_ARGS_H_INCLUDED_
#define _IMGP_REDIS_ARGS_H_INCLUDED_


#include <imgp/imgp_id.h>
#include <imgp/imgp_redis_lua.h>


#define IMGP_REDIS_PREFIX_MAX  64
#define IMGP_REDIS_NODE_LEN    16     /* the name of an nginx and its zone */
#define IMGP_REDIS_ARGS_MAX    160
#define IMGP_REDIS_TEXT_MAX    24576
#define IMGP_REDIS_NAME_MAX    256    /* of a key */


typedef struct {
    imgp_str_t         prefix;        /* at most IMGP_REDIS_PREFIX_MAX */
    char               node[IMGP_REDIS_NODE_LEN + 1];
    uint64_t           lease;         /* ms a job is held without a beat */
    char               sha[IMGP_REDIS_SCRIPTS][IMGP_REDIS_SHA_LEN + 1];
} imgp_redis_t;                       /* what all commands have in common */


typedef struct {
    int                argc;
    const char        *argv[IMGP_REDIS_ARGS_MAX];
    size_t             len[IMGP_REDIS_ARGS_MAX];
    int                script;        /* imgp_redis_script_e, or -1 */
    size_t             used;
    imgp_uint_t        failed;        /* did not fit: must not be sent */
    char               text[IMGP_REDIS_TEXT_MAX];
} imgp_redis_args_t;


/* the scripts' SHA-1s; "node" and "lease" are the caller's */

void imgp_redis_init(imgp_redis_t *redis, const imgp_str_t *prefix);

void imgp_redis_args_begin(imgp_redis_args_t *a, const char *command);
void imgp_redis_args_script(imgp_redis_args_t *a, const imgp_redis_t *redis,
    imgp_redis_script_e script, imgp_uint_t nkeys);

/* "p" must stay; add_text() copies, add_int() formats */

void imgp_redis_args_add(imgp_redis_args_t *a, const void *p, size_t len);
void imgp_redis_args_add_text(imgp_redis_args_t *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void imgp_redis_args_add_int(imgp_redis_args_t *a, uint64_t n);

/* a key, or the beginning of one: the prefix and what the format gives */

void imgp_redis_args_key(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void imgp_redis_args_id(imgp_redis_args_t *a,
    const u_char id[IMGP_ID_BYTES]);


#endif /* _IMGP_REDIS_ARGS_H_INCLUDED_ */
