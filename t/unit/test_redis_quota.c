
/*
 * imgp_redis_quota.c with the scripts of imgp_redis_lua.c, in a real Redis:
 * never more places than there are, shared out fairly, and given back by
 * nodes that are lost; calls of a rate an interval apart.
 */


#include "imgp_redis_server.h"
#include "imgp_test.h"
#include <imgp/imgp_redis_quota.h>


#define NODES  4


static imgp_str_t         prefix = imgp_string("ip:");
static imgp_str_t         pipeline = imgp_string("closet");
static imgp_str_t         stage = imgp_string("cutout");
static imgp_redis_t       nodes[NODES];
static imgp_redis_args_t  a;
static redisReply        *reply;


static imgp_redis_places_t
ask(int n, uint32_t limit, uint32_t need, uint32_t keep)
{
    imgp_redis_places_t  places;

    freeReplyObject(reply);
    imgp_redis_places(&a, &nodes[n], &pipeline, &stage, limit, need, keep);
    reply = server_send(&a);

    if (imgp_redis_places_answer(reply, &places) != IMGP_OK) {
        places.has = places.cap = 999;
    }

    return places;
}


static void
alone(void)
{
    imgp_redis_places_t  p;

    p = ask(0, 8, 2, 0);
    is_int(p.has, 4, "who is alone gets as many again");
    is_int(p.cap, 4, "and may use them");
    is_int(ask(0, 8, 20, 4).has, 8, "not more than there are");
    is_int(ask(0, 8, 0, 0).has, 0, "given back");
    is_int(reply->type, REDIS_REPLY_ARRAY, "an answer");
    (void) server_ask("FLUSHALL");
}


static void
shared(void)
{
    imgp_redis_places_t  p;

    is_int(ask(0, 8, 20, 0).has, 8, "the first one has all");
    is_int(ask(1, 8, 3, 0).has, 0, "nothing is left");
    p = ask(0, 8, 20, 8);
    is_int(p.has, 8, "what is in use stays");
    is_int(p.cap, 5, "but no call begins, but for the first one's part");
    p = ask(0, 8, 20, 6);
    is_int(p.has, 6, "two calls ended");
    is_int(ask(1, 8, 3, 0).has, 2, "the other one has their places");
    is_int(ask(0, 8, 20, 5).has, 5, "one more");
    is_int(ask(1, 8, 3, 2).has, 3, "now it has all it needs");
    p = ask(0, 8, 20, 5);
    ok(p.has == 5 && p.cap == 5, "nobody lacks any");
    (void) server_ask("FLUSHALL");
}


static void
lost(void)
{
    nodes[0].lease = 60;
    is_int(ask(0, 4, 4, 0).has, 4, "all places, for a moment");
    is_int(ask(1, 4, 1, 0).has, 0, "none for another");
    usleep(80000);
    is_int(ask(1, 4, 1, 0).has, 2, "a lost node's are free again");
    is_int(ask(0, 4, 4, 4).has, 4, "its calls may still be out, and count");
    is_int(ask(2, 4, 1, 0).has, 0, "so there are none for a third");
    nodes[0].lease = 30000;
    (void) server_ask("FLUSHALL");
}


/* one place for two: each has it at times */

static void
turns(void)
{
    int  n, i, has[2], seen[2];

    seen[0] = seen[1] = 0;
    has[0] = has[1] = 0;

    for (i = 0; i < 600 && !(seen[0] && seen[1]); i++) {
        n = i % 2;
        has[n] = ask(n, 1, 5, 0).has;
        seen[n] += has[n];

        if (has[0] + has[1] > 1) {
            break;
        }

        usleep(10000);
    }

    ok(seen[0] && seen[1], "one place goes round");
    ok(has[0] + has[1] <= 1, "and is one");
    (void) server_ask("FLUSHALL");
}


/* whatever they ask for, the sum is never more than there are, and nobody has
   less than it keeps */

static void
sum(void)
{
    int                  i, n, m, bad;
    uint32_t             total, limit, has[NODES], keep;
    imgp_redis_places_t  p;

    memset(has, 0, sizeof(has));
    limit = 7;
    bad = 0;
    srand(1);

    for (i = 0; i < 3000; i++) {
        n = rand() % NODES;
        keep = has[n] ? rand() % (has[n] + 1) : 0;
        p = ask(n, limit, rand() % 10, keep);
        bad += (p.has < keep || p.cap > p.has);
        has[n] = p.has;

        for (m = 0, total = 0; m < NODES; m++) {
            total += has[m];
        }

        bad += (total > limit);
    }

    is_int(bad, 0, "3000 times the sum is not more than the limit");
    (void) server_ask("FLUSHALL");
}


static int64_t
rate(uint64_t interval, uint32_t n)
{
    uint64_t  wait;

    freeReplyObject(reply);
    imgp_redis_tokens(&a, &nodes[0], (u_char *) "\1\2\3\4\5\6\7\xff", 8,
                      interval, n);
    reply = server_send(&a);

    return imgp_redis_tokens_answer(reply, &wait) == IMGP_OK
           ? (int64_t) wait : -1;
}


static void
rates(void)
{
    int64_t  first, second;

    is_int(rate(60000000, 1), 0, "the first call goes at once");
    first = rate(60000000, 3);
    ok(first > 50000000 && first <= 60000000, "the next an interval later");
    second = rate(60000000, 1);
    ok(second > first + 170000000 && second <= first + 180000000,
       "then after the three");
    (void) server_ask("FLUSHALL");

    is_int(rate(1, 1), 0, "a high rate");
    usleep(1000);
    is_int(rate(1, 1), 0, "what was not used is not saved");
    (void) server_ask("SET ip:{01020304050607ff}:rate 99999999999999999");
    is_int(rate(1000, 1), 0, "a clock that was set back stops nothing");
    (void) server_ask("FLUSHALL");
}


static imgp_int_t
hint(const char *text, uint64_t *time, imgp_str_t *p, imgp_str_t *s)
{
    imgp_str_t  message;

    message.data = (u_char *) text;
    message.len = strlen(text);

    return imgp_redis_places_hint(&nodes[1], &message, time, p, s);
}


static void
hints(void)
{
    uint64_t    time;
    imgp_str_t  p, s;

    is_int(hint("s1234 1111111111111111 closet/cutout", &time, &p, &s),
           IMGP_OK, "a hint");
    ok(time == 1234 && imgp_str_is(&p, "closet") && imgp_str_is(&s, "cutout"),
       "its time and names");
    is_int(hint("s1234 2222222222222222 closet/cutout", &time, &p, &s),
           IMGP_DECLINED, "of the node itself");
    is_int(hint("s", &time, &p, &s), IMGP_ERROR, "empty");
    is_int(hint("s1 x closet", &time, &p, &s), IMGP_ERROR, "no stage");
    is_int(hint("s1 x /y", &time, &p, &s), IMGP_ERROR, "no pipeline");
    is_int(hint("s1 x y/", &time, &p, &s), IMGP_ERROR, "an empty stage");
    is_int(hint("s1x x y/z", &time, &p, &s), IMGP_ERROR, "no time");
    is_int(hint("s12345678901234567890 x y/z", &time, &p, &s), IMGP_ERROR,
           "a time too long");
}


int
main(void)
{
    int                  i;
    uint64_t             wait;
    imgp_redis_places_t  places;

    if (!server_start() || server_load() != IMGP_REDIS_SCRIPTS) {
        skip("no redis-server");
        return done();
    }

    for (i = 0; i < NODES; i++) {
        imgp_redis_init(&nodes[i], &prefix);
        memset(nodes[i].node, '1' + i, IMGP_REDIS_NODE_LEN);
        nodes[i].lease = 30000;
    }

    alone();
    shared();
    lost();
    turns();
    sum();
    rates();
    hints();

    is_int(imgp_redis_places_answer(NULL, &places), IMGP_ERROR, "no answer");
    is_int(imgp_redis_tokens_answer(NULL, &wait), IMGP_ERROR, "none");

    freeReplyObject(reply);

    return done();
}
