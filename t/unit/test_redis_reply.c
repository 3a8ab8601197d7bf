
/*
 * imgp_redis_reply.c: the classes of errors, as a real server words them where
 * it can be brought to; values that are not what they should be.
 */


#include "imgp_redis_server.h"
#include "imgp_test.h"


static imgp_redis_class_e
class_of(const char *text)
{
    redisReply  reply;

    memset(&reply, 0, sizeof(reply));
    reply.type = REDIS_REPLY_ERROR;
    reply.str = (char *) text;
    reply.len = strlen(text);

    return imgp_redis_class(&reply);
}


static void
words(void)
{
    is_int(imgp_redis_class(NULL), IMGP_REDIS_AWAY, "no answer");
    is_int(class_of("LOADING Redis is loading the dataset in memory"),
           IMGP_REDIS_TRANSIENT, "LOADING");
    is_int(class_of("MISCONF Redis is configured to save"),
           IMGP_REDIS_TRANSIENT, "MISCONF");
    is_int(class_of("BUSY Redis is busy running a script"),
           IMGP_REDIS_TRANSIENT, "BUSY");
    is_int(class_of("BUSYGROUP x"), IMGP_REDIS_BROKEN, "not a word's begin");
    is_int(class_of("MASTERDOWN Link with MASTER is down"),
           IMGP_REDIS_MOVED, "MASTERDOWN");
    is_int(class_of("READONLY"), IMGP_REDIS_MOVED, "the word alone");
    is_int(class_of("NOPERM this user has no permissions"),
           IMGP_REDIS_REFUSED, "NOPERM");
    is_int(class_of("ERR unknown command"), IMGP_REDIS_BROKEN, "ERR");
    is_int(class_of(""), IMGP_REDIS_BROKEN, "nothing");
    is_str(imgp_redis_class_name(IMGP_REDIS_TRANSIENT), "transient", "name");
    is_str(imgp_redis_class_name(99), "unknown", "no name");
}


static void
values(void)
{
    int64_t      n;
    redisReply   reply, one, two, nil, *element[3] = { &one, &two, &nil };
    imgp_str_t   s;

    memset(&reply, 0, sizeof(reply));
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    memset(&nil, 0, sizeof(nil));

    reply.type = REDIS_REPLY_ARRAY;
    reply.elements = 3;
    reply.element = element;
    one.type = REDIS_REPLY_INTEGER;
    one.integer = -1;
    two.type = REDIS_REPLY_STRING;
    two.str = "1700000000000000";
    two.len = 16;
    nil.type = REDIS_REPLY_NIL;

    ok(imgp_redis_int(&reply, 0, &n) == IMGP_OK && n == -1, "an integer");
    ok(imgp_redis_int(&reply, 1, &n) == IMGP_OK && n == 1700000000000000,
       "an integer as text");
    is_int(imgp_redis_int(&reply, 2, &n), IMGP_ERROR, "nil is none");
    is_int(imgp_redis_int(&reply, 3, &n), IMGP_ERROR, "past the end");
    is_int(imgp_redis_int(&reply, -1, &n), IMGP_ERROR, "an array is none");
    is_int(imgp_redis_int(NULL, 0, &n), IMGP_ERROR, "no answer is none");
    is_int(imgp_redis_str(&reply, 0, &s), IMGP_ERROR, "no text");
    ok(imgp_redis_str(&reply, 1, &s) == IMGP_OK && s.len == 16, "text");

    two.str = "12a";
    two.len = 3;
    is_int(imgp_redis_int(&reply, 1, &n), IMGP_ERROR, "no number");
    two.str = "9999999999999999999";
    two.len = 19;
    is_int(imgp_redis_int(&reply, 1, &n), IMGP_ERROR, "too large");
    two.len = 0;
    is_int(imgp_redis_int(&reply, 1, &n), IMGP_ERROR, "empty");
}


static imgp_redis_class_e
server_class(const char *command)
{
    redisReply          *reply;
    imgp_redis_class_e   c;

    reply = redisCommand(server, command);
    c = imgp_redis_class(reply);
    freeReplyObject(reply);

    return c;
}


static void
real(void)
{
    redisReply  *reply;

    if (!server_start()) {
        skip("no redis-server");
        return;
    }

    is_int(server_class("EVALSHA 0123456789012345678901234567890123456789 0"),
           IMGP_REDIS_UNLOADED, "an unknown script");
    is_int(server_class("SET a b"), IMGP_REDIS_OK, "fine");
    freeReplyObject(redisCommand(server, "CONFIG SET maxmemory 1"));
    is_int(server_class("SET a b"), IMGP_REDIS_TRANSIENT, "memory used up");

    reply = redisCommand(server, "EVAL %s 0",
                         "return redis.call('SET', 'a', 'b')");
    is_int(imgp_redis_class(reply), IMGP_REDIS_TRANSIENT, "in a script too");
    freeReplyObject(reply);

    freeReplyObject(redisCommand(server, "CONFIG SET maxmemory 0"));
    freeReplyObject(redisCommand(server, "REPLICAOF 127.0.0.1 1"));
    is_int(server_class("SET a b"), IMGP_REDIS_MOVED, "a replica");
    freeReplyObject(redisCommand(server, "REPLICAOF NO ONE"));
    is_int(server_class("ACL SETUSER default -set"), IMGP_REDIS_OK, "ACL");
    is_int(server_class("SET a b"), IMGP_REDIS_REFUSED, "not permitted");
}


int
main(void)
{
    words();
    values();
    real();

    return done();
}
