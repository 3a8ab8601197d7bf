
/*
 * imgp_redis_args.c: vectors, names of keys, what does not fit.
 */


#include "imgp_redis_server.h"
#include "imgp_test.h"


static imgp_redis_args_t  a;


static int
arg_is(int n, const char *want)
{
    return n < a.argc && a.len[n] == strlen(want)
           && memcmp(a.argv[n], want, a.len[n]) == 0;
}


static void
building(imgp_redis_t *redis)
{
    u_char  id[IMGP_ID_BYTES];

    memset(id, 0, sizeof(id));

    imgp_redis_args_begin(&a, "SET");
    imgp_redis_args_key(&a, redis, "{%s}:%u", "x", 7);
    imgp_redis_args_add(&a, "a\r\nb\0c", 6);
    imgp_redis_args_add_int(&a, UINT64_MAX);
    imgp_redis_args_id(&a, id);

    is_int(a.argc, 5, "five");
    is_int(a.script, -1, "no script");
    ok(arg_is(0, "SET") && arg_is(1, "ip:{x}:7"), "the prefix is before");
    is_int(a.len[2], 6, "bytes are bytes");
    ok(arg_is(3, "18446744073709551615"), "the largest number");
    ok(arg_is(4, "00000000000000000000000000"), "an id as clients see it");

    imgp_redis_args_script(&a, redis, IMGP_REDIS_BEAT, 1);
    is_int(a.script, IMGP_REDIS_BEAT, "which script it is");
    ok(arg_is(0, "EVALSHA") && arg_is(1, redis->sha[IMGP_REDIS_BEAT])
       && arg_is(2, "1"), "by its SHA-1");
}


static void
overflow(imgp_redis_t *redis)
{
    int   i;
    char  text[IMGP_REDIS_TEXT_MAX];

    imgp_redis_args_begin(&a, "DEL");

    for (i = 1; i < IMGP_REDIS_ARGS_MAX; i++) {
        imgp_redis_args_add(&a, "x", 1);
    }

    ok(!a.failed, "as many as there is room for");
    imgp_redis_args_add(&a, "x", 1);
    ok(a.failed, "one too many");

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';

    imgp_redis_args_begin(&a, "GET");
    ok(!a.failed, "a new one");
    imgp_redis_args_add_text(&a, "%s", text);
    ok(!a.failed, "as much text as there is room for");
    imgp_redis_args_add_int(&a, 1);
    ok(a.failed, "no digit more");

    imgp_redis_args_begin(&a, "GET");
    imgp_redis_args_key(&a, redis, "%s", text);
    ok(a.failed, "not with a prefix");
    imgp_redis_args_add(&a, "x", 1);
    is_int(a.argc, 1, "failed stays failed");
}


/* lines and quotes in an argument are one argument, of one command */

static void
injection(imgp_redis_t *redis)
{
    size_t       len;
    redisReply  *reply;

    static const char  evil[] = "x\r\n*1\r\n$8\r\nFLUSHALL\r\n\" 'y";

    len = sizeof(evil) - 1;

    if (!server_start()) {
        skip("no redis-server");
        return;
    }

    imgp_redis_args_begin(&a, "SET");
    imgp_redis_args_key(&a, redis, "%s", evil);
    imgp_redis_args_add(&a, evil, len);
    reply = server_send(&a);
    is_int(imgp_redis_class(reply), IMGP_REDIS_OK, "taken");
    freeReplyObject(reply);

    imgp_redis_args_begin(&a, "GET");
    imgp_redis_args_key(&a, redis, "%s", evil);
    reply = server_send(&a);
    ok(reply != NULL && (size_t) reply->len == len
       && memcmp(reply->str, evil, len) == 0, "as it was");
    freeReplyObject(reply);

    is_int(server_ask("DBSIZE"), 1, "one key");
}


int
main(void)
{
    imgp_str_t    prefix = imgp_string("ip:");
    imgp_redis_t  redis;

    imgp_redis_init(&redis, &prefix);

    building(&redis);
    overflow(&redis);
    injection(&redis);

    return done();
}
