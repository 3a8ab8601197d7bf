
/*
 * imgp_redis_result.c with the scripts of imgp_redis_lua.c, in a real Redis:
 * results once for all, one maker at a time.
 */


#include "imgp_redis_server.h"
#include "imgp_test.h"
#include <imgp/imgp_digest.h>
#include <imgp/imgp_redis_result.h>


static imgp_str_t           prefix = imgp_string("ip:");
static imgp_redis_t         one, two;   /* nodes */
static imgp_redis_args_t    a;
static imgp_redis_result_t  result;
static redisReply          *reply;
static u_char               key[IMGP_DIGEST_LEN];


static void
send(void)
{
    freeReplyObject(reply);
    reply = server_send(&a);
}


static imgp_item_t
store(const char *content)
{
    imgp_str_t   s;
    imgp_item_t  item;

    memset(&item, 0, sizeof(item));
    item.bytes = strlen(content);
    strcpy(item.type, "image/png");
    imgp_digest(content, item.bytes, item.digest);

    s.len = item.bytes;
    s.data = (u_char *) content;

    imgp_redis_blob_put(&a, &one, item.digest, 0, &s, 60000);
    send();
    is_int(imgp_redis_class(reply), IMGP_REDIS_OK, "\"%s\" stored", content);

    return item;
}


static int
get(imgp_redis_t *node, imgp_msec_t oldest)
{
    imgp_redis_result_get(&a, node, key, oldest);
    send();

    return imgp_redis_result_answer(reply, &result);
}


static int
put(imgp_redis_t *node, imgp_item_t *items, imgp_int_t n)
{
    if (imgp_redis_result_put(&a, node, key, 5000, items, n, 60000)
        != IMGP_OK)
    {
        return -9;
    }

    send();

    return imgp_redis_class(reply);
}


static void
once(void)
{
    imgp_item_t  items[2];

    items[0] = store("first");
    items[1] = store("second");

    is_int(get(&one, 0), IMGP_REDIS_MAKE, "nobody has made it: make it");
    is_int(get(&one, 0), IMGP_REDIS_MAKE, "the same node may ask again");
    is_int(get(&two, 0), IMGP_REDIS_MADE, "another one waits");

    imgp_redis_flight_hold(&a, &one, key);
    send();
    ok(reply->integer == 0, "it takes longer");
    imgp_redis_flight_hold(&a, &two, key);
    send();
    ok(reply->integer == 1, "that is not another's to say");

    is_int(put(&one, NULL, -1), IMGP_REDIS_OK, "it failed");
    is_int(get(&two, 0), IMGP_REDIS_MAKE, "the other one tries");
    is_int(put(&two, items, 2), IMGP_REDIS_OK, "made");

    is_int(get(&one, 0), IMGP_REDIS_KNOWN, "known to all");
    is_int(result.nitems, 2, "two items");
    ok(memcmp(&result.items[1], &items[1], sizeof(imgp_item_t)) == 0,
       "as they were");
    ok(result.content[0].len == 5
       && memcmp(result.content[0].data, "first", 5) == 0
       && result.content[1].len == 6, "with their contents, in one answer");
    is_int(get(&one, 5001), IMGP_REDIS_MAKE, "too old is unknown");
    is_int(put(&one, items, 2), IMGP_REDIS_OK, "made anew");

    freeReplyObject(redisCommand(server, "FLUSHALL"));
}


/* contents that are gone, or large; no items; as many as there may be */

static void
odd(void)
{
    int          i;
    imgp_item_t  items[IMGP_ITEMS_MAX + 1];

    items[0] = store("gone");
    (void) put(&one, items, 1);
    is_int(get(&two, 0), IMGP_REDIS_KNOWN, "known");
    (void) server_ask("FLUSHALL");
    (void) put(&one, items, 1);
    is_int(get(&two, 0), IMGP_REDIS_MAKE, "without its content unknown");
    (void) server_ask("FLUSHALL");

    items[0].bytes = IMGP_REDIS_PIECE + 1;
    (void) put(&one, items, 1);
    is_int(get(&two, 0), IMGP_REDIS_KNOWN, "a large one");
    ok(result.content[0].data == NULL, "does not come along");

    is_int(put(&one, items, 0), IMGP_REDIS_OK, "a run without outputs");
    is_int(get(&two, 0), IMGP_REDIS_KNOWN, "is known");
    is_int(result.nitems, 0, "and has none");

    for (i = 0; i <= IMGP_ITEMS_MAX; i++) {
        items[i] = items[0];
        memset(items[i].type, 'x', IMGP_TYPE_LEN - 1);
        memcpy(items[i].type, "image/", 6);
    }

    is_int(put(&one, items, IMGP_ITEMS_MAX), IMGP_REDIS_OK, "as many as may "
       "be");
    is_int(get(&two, 0), IMGP_REDIS_KNOWN, "are known");
    is_int(result.nitems, IMGP_ITEMS_MAX, "all of them");
    is_int(put(&one, items, IMGP_ITEMS_MAX + 1), -9, "not one more");

    (void) server_ask("SET ip:{%s}:result x", "00");
    is_int(imgp_redis_result_answer(NULL, &result), IMGP_ERROR, "no answer");
    (void) server_ask("FLUSHALL");
}


static void
pieces(void)
{
    u_char      digest[IMGP_DIGEST_LEN];
    imgp_str_t  s;

    is_int(imgp_redis_pieces(0), 1, "an empty content has one piece");
    is_int(imgp_redis_pieces(IMGP_REDIS_PIECE), 1, "one");
    is_int(imgp_redis_pieces(IMGP_REDIS_PIECE + 1), 2, "two");
    is_int(imgp_redis_pieces(UINT64_MAX), 0, "too many");

    memset(digest, 7, sizeof(digest));
    s.len = 3;
    s.data = (u_char *) "abc";
    imgp_redis_blob_put(&a, &one, digest, 1, &s, 60000);
    send();
    imgp_redis_blob_get(&a, &two, digest, 1);
    send();
    ok(reply->len == 3 && memcmp(reply->str, "abc", 3) == 0, "a piece");
    imgp_redis_blob_get(&a, &two, digest, 2);
    send();
    ok(reply->type == REDIS_REPLY_NIL, "none");
    (void) server_ask("FLUSHALL");
}


int
main(void)
{
    if (!server_start() || server_load() != IMGP_REDIS_SCRIPTS) {
        skip("no redis-server");
        return done();
    }

    imgp_redis_init(&one, &prefix);
    two = one;
    memcpy(one.node, "1111111111111111", IMGP_REDIS_NODE_LEN);
    memcpy(two.node, "2222222222222222", IMGP_REDIS_NODE_LEN);
    one.lease = two.lease = 30000;

    once();
    odd();
    pieces();

    freeReplyObject(reply);

    return done();
}
