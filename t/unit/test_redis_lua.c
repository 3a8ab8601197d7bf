
/*
 * imgp_redis_lua.c: Redis takes each script, under the name we compute.  What
 * they do is tested with their arguments, in test_redis_job.c and
 * test_redis_result.c.
 */


#include "imgp_redis_server.h"
#include "imgp_test.h"


int
main(void)
{
    int          i;
    char         sha[IMGP_REDIS_SHA_LEN + 1];
    redisReply  *reply;

    imgp_redis_lua_sha(IMGP_REDIS_SUBMIT, sha);
    is_int(strlen(sha), IMGP_REDIS_SHA_LEN, "a SHA-1 has 40 digits");

    if (!server_start()) {
        skip("no redis-server");
        return done();
    }

    for (i = 0; i < IMGP_REDIS_SCRIPTS; i++) {
        imgp_redis_lua_sha(i, sha);
        reply = redisCommand(server, "SCRIPT LOAD %s", imgp_redis_lua_text(i));

        ok(reply != NULL && reply->type == REDIS_REPLY_STRING
           && strcmp(reply->str, sha) == 0, "%s: %s", imgp_redis_lua_name(i),
           reply ? reply->str : "no answer");

        freeReplyObject(reply);
    }

    return done();
}
