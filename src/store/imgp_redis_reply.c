
/*
 * Replies of Redis, as hiredis gives them: errors by their class, elements by
 * their kind.  Called from the event loop; owns nothing.
 *
 * Errors begin with a word in capitals (the protocol's specification calls it
 * the error prefix); an error inside a script carries the prefix of the
 * command that failed, in Redis 6 and older after a text of its own.
 */


#include <imgp/imgp_redis_reply.h>


#define IMGP_REDIS_DIGITS_MAX  18     /* more could overflow */


typedef struct {
    const char          *prefix;
    imgp_redis_class_e   class;
} imgp_redis_prefix_t;


static const imgp_redis_prefix_t  imgp_redis_prefixes[] = {
    { "NOSCRIPT", IMGP_REDIS_UNLOADED },
    { "LOADING", IMGP_REDIS_TRANSIENT },
    { "OOM", IMGP_REDIS_TRANSIENT },
    { "MISCONF", IMGP_REDIS_TRANSIENT },
    { "BUSY", IMGP_REDIS_TRANSIENT },
    { "TRYAGAIN", IMGP_REDIS_TRANSIENT },
    { "NOREPLICAS", IMGP_REDIS_TRANSIENT },
    { "CLUSTERDOWN", IMGP_REDIS_TRANSIENT },
    { "UNBLOCKED", IMGP_REDIS_TRANSIENT },
    { "READONLY", IMGP_REDIS_MOVED },
    { "MASTERDOWN", IMGP_REDIS_MOVED },
    { "NOAUTH", IMGP_REDIS_REFUSED },
    { "WRONGPASS", IMGP_REDIS_REFUSED },
    { "NOPERM", IMGP_REDIS_REFUSED }
};


static const char *const  imgp_redis_class_names[] = {
    "ok", "script not loaded", "transient", "no master", "refused", "broken",
    "away"
};


static const redisReply *imgp_redis_element(const redisReply *reply,
    imgp_int_t n);


imgp_redis_class_e
imgp_redis_class(const redisReply *reply)
{
    size_t                      i, len;
    const imgp_redis_prefix_t  *p;

    if (reply == NULL) {
        return IMGP_REDIS_AWAY;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        return IMGP_REDIS_OK;
    }

    for (i = 0; i < imgp_nelts(imgp_redis_prefixes); i++) {
        p = &imgp_redis_prefixes[i];
        len = strlen(p->prefix);

        if ((size_t) reply->len >= len
            && memcmp(reply->str, p->prefix, len) == 0
            && ((size_t) reply->len == len || reply->str[len] == ' '))
        {
            return p->class;
        }
    }

    return IMGP_REDIS_BROKEN;
}


const char *
imgp_redis_class_name(imgp_redis_class_e c)
{
    return (size_t) c < imgp_nelts(imgp_redis_class_names)
           ? imgp_redis_class_names[c] : "unknown";
}


static const redisReply *
imgp_redis_element(const redisReply *reply, imgp_int_t n)
{
    if (reply == NULL || n < 0) {
        return reply;
    }

    if (reply->type != REDIS_REPLY_ARRAY || (size_t) n >= reply->elements) {
        return NULL;
    }

    return reply->element[n];
}


imgp_int_t
imgp_redis_int(const redisReply *reply, imgp_int_t n, int64_t *out)
{
    size_t             i;
    int64_t            value;
    imgp_str_t         s;
    const redisReply  *e;

    e = imgp_redis_element(reply, n);

    if (e != NULL && e->type == REDIS_REPLY_INTEGER) {
        *out = e->integer;
        return IMGP_OK;
    }

    if (imgp_redis_str(reply, n, &s) != IMGP_OK || s.len == 0
        || s.len > IMGP_REDIS_DIGITS_MAX)
    {
        return IMGP_ERROR;
    }

    for (i = 0, value = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return IMGP_ERROR;
        }

        value = value * 10 + (s.data[i] - '0');
    }

    *out = value;

    return IMGP_OK;
}


imgp_int_t
imgp_redis_str(const redisReply *reply, imgp_int_t n, imgp_str_t *out)
{
    const redisReply  *e;

    e = imgp_redis_element(reply, n);

    if (e == NULL || (e->type != REDIS_REPLY_STRING
                      && e->type != REDIS_REPLY_STATUS))
    {
        return IMGP_ERROR;
    }

    out->data = (u_char *) e->str;
    out->len = e->len;

    return IMGP_OK;
}
