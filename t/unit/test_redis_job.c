
/*
 * imgp_redis_job.c with the scripts of imgp_redis_lua.c, in a real Redis: who
 * holds a job, who is fenced out, what is forgotten, and nothing half done.
 */


#include <time.h>
#include "imgp_redis_server.h"
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_redis_job.h>


static imgp_str_t          prefix = imgp_string("ip:");
static imgp_redis_t        one, two;    /* nodes */
static imgp_redis_args_t   a;
static imgp_redis_answer_t answer;
static redisReply         *reply;
static imgp_pool_t        *pool;
static imgp_job_t         *job;
static char                id[IMGP_ID_LEN + 1];
static u_char              buf[IMGP_RECORD_MAX];


static imgp_redis_job_t
fresh(u_char n)
{
    imgp_redis_job_t  r;

    job->id[0] = n;
    job->state = IMGP_JOB_QUEUED;
    job->revision = 1;
    job->lost = 0;
    job->queued_at = 1000 + n;
    imgp_id_text(job->id, id);

    memset(&r, 0, sizeof(r));
    imgp_str_set(&r.pipeline, "p");
    r.ttl = 60000;

    return r;
}


static void
encode(imgp_redis_job_t *r)
{
    r->record.data = buf;
    r->record.len = imgp_record_encode(job, buf, sizeof(buf));
}


static void
send(void)
{
    freeReplyObject(reply);
    reply = server_send(&a);
}


static int
submit(imgp_redis_t *node, imgp_redis_job_t *r)
{
    encode(r);

    if (imgp_redis_submit(&a, node, r) != IMGP_OK) {
        return -9;
    }

    send();

    return imgp_redis_submit_answer(reply, &answer) == IMGP_OK
           ? (int) answer.result : -8;
}


static int
claim(imgp_redis_t *node)
{
    imgp_str_t  names[2] = { imgp_string("other"), imgp_string("p") };

    imgp_redis_claim(&a, node, names, 2);
    send();

    return imgp_redis_claim_answer(reply, &answer) == IMGP_OK
           ? (int) answer.result : -8;
}


static int
claimed(void)
{
    imgp_record_head_t  head;

    return imgp_record_head(answer.record.data, answer.record.len, &head)
           == IMGP_OK ? head.id[0] : -1;
}


static int
commit(imgp_redis_t *node, imgp_redis_job_t *r, uint8_t state)
{
    job->state = state;
    job->revision++;
    encode(r);

    if (imgp_redis_commit(&a, node, r) != IMGP_OK) {
        return -9;
    }

    send();

    return imgp_redis_commit_answer(reply);
}


static int
swap(imgp_redis_job_t *r, uint8_t state, uint32_t known)
{
    job->state = state;
    job->revision = known + 1;
    r->known = known;
    encode(r);

    if (imgp_redis_swap(&a, &one, r) != IMGP_OK) {
        return -9;
    }

    send();

    return imgp_redis_commit_answer(reply);
}


static int
beat(imgp_redis_t *node, uint64_t fence)
{
    imgp_redis_beat(&a, node);
    imgp_redis_beat_add(&a, job->id, fence);
    send();

    return imgp_redis_beat_answer(reply, 0);
}


static long long
reap(imgp_redis_t *node)
{
    int64_t  n;

    imgp_redis_reap(&a, node);
    send();

    return imgp_redis_int(reply, -1, &n) == IMGP_OK ? n : -8;
}


static int
look(imgp_redis_t *node)
{
    imgp_redis_read(&a, node, job->id);
    send();

    return imgp_redis_read_answer(reply, node, &answer) == IMGP_OK
           ? (int) answer.result : -8;
}


static long long
held(void)
{
    return server_ask("ZCARD ip:{jobs}:leases");
}


static long long
queued(void)
{
    return server_ask("ZCARD ip:{jobs}:queue:p");
}


static void
life(void)
{
    uint64_t          fence;
    imgp_redis_job_t  r;

    r = fresh(1);
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "a job enters");
    ok(!answer.held && answer.fence > 1600000000000000ull, "queued, a fence "
       "of the clock");
    is_int(queued(), 1, "it waits");
    is_int(look(&one), IMGP_REDIS_JOB_DONE, "it can be read");
    is_int(answer.place, 1, "it is the first");
    is_int(submit(&two, &r), IMGP_REDIS_JOB_OTHER, "again: it is known");
    ok(answer.record.len == r.record.len && !answer.held, "with its record");

    is_int(claim(&two), IMGP_REDIS_JOB_DONE, "another node claims it");
    is_int(answer.queue, 1, "from the second of two queues");
    fence = answer.fence;
    ok(answer.record.len == r.record.len, "with its record");
    is_int(queued(), 0, "it waits no more");
    is_int(held(), 1, "it is held");
    is_int(claim(&one), IMGP_REDIS_JOB_NONE, "nothing is left");

    is_int(beat(&two, fence), IMGP_REDIS_JOB_DONE, "it beats");
    is_int(beat(&two, fence - 1), IMGP_REDIS_JOB_OTHER, "not with this one");
    is_int(look(&two), IMGP_REDIS_JOB_DONE, "it can be read");
    ok(answer.held && answer.fence == fence, "by its holder");
    is_int(look(&one), IMGP_REDIS_JOB_DONE, "and by others");
    ok(!answer.held, "who do not hold it");

    r.fence = fence;
    is_int(commit(&two, &r, IMGP_JOB_RUNNING), IMGP_REDIS_JOB_DONE,
           "a revision");
    r.fence = fence - 1;
    is_int(commit(&one, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_OTHER,
           "not with an older fence");
    r.fence = fence;
    is_int(commit(&two, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_DONE,
           "its end");
    is_int(held(), 0, "no lease is left");
    ok(server_ask("PTTL ip:{jobs}:job:%s", id) > 50000, "it is kept a while");

    job->revision--;
    is_int(commit(&two, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_DONE,
           "the same end said twice");
    is_int(commit(&two, &r, IMGP_JOB_FAILED), IMGP_REDIS_JOB_OTHER,
           "but not another end");
    is_int(look(&one), IMGP_REDIS_JOB_DONE, "read");
    is_int(answer.state, IMGP_JOB_SUCCEEDED, "the first end counts");
}


static void
at_once(void)
{
    imgp_redis_job_t  r;

    r = fresh(2);
    r.want = 1;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "submitted and held");
    ok(answer.held && held() == 1 && queued() == 0, "in one go");
    is_int(submit(&one, &r), IMGP_REDIS_JOB_OTHER, "the answer was lost");
    ok(answer.held, "its holder is told so");
    r.fence = answer.fence;
    is_int(commit(&one, &r, IMGP_JOB_QUEUED), IMGP_REDIS_JOB_DONE,
           "given back");
    ok(held() == 0 && queued() == 1, "it waits");

    r = fresh(3);
    r.want = 1;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "while one waits");
    ok(!answer.held && queued() == 2, "nobody is overtaken");

    r = fresh(4);
    r.limit = 2;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_NONE, "the queue is full");
    is_int(look(&one), IMGP_REDIS_JOB_NONE, "nothing of it is there");

    is_int(claim(&one), IMGP_REDIS_JOB_DONE, "the oldest first");
    is_int(answer.record.data != NULL, 1, "claimed");
    is_int(claim(&one), IMGP_REDIS_JOB_DONE, "and the next");
    freeReplyObject(redisCommand(server, "FLUSHALL"));
}


/* ids are random: two of one ms were served in their order, t/50-redis-share.t
   saw it once in some runs */

static void
in_order(void)
{
    u_char            n;
    imgp_msec_t       now;
    imgp_redis_job_t  r;

    now = (imgp_msec_t) time(NULL) * 1000;

    for (n = 9; n > 0; n--) {
        r = fresh(n);
        job->queued_at = now;
        (void) submit(&one, &r);
    }

    r = fresh(200);
    job->queued_at = now - 60000;
    (void) submit(&one, &r);

    ok(claim(&one) == IMGP_REDIS_JOB_DONE && claimed() == 200,
       "one that comes again after a minute has its old place");

    for (n = 9; n > 0; n--) {
        if (claim(&one) != IMGP_REDIS_JOB_DONE || claimed() != n) {
            break;
        }
    }

    is_int(n, 0, "jobs of one ms are claimed in the order they came in");
    freeReplyObject(redisCommand(server, "FLUSHALL"));
}


static void
lost(void)
{
    uint64_t          fence;
    imgp_redis_job_t  r;

    r = fresh(5);
    one.lease = 1;
    r.want = 1;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "held for a moment");
    fence = answer.fence;
    usleep(5000);
    one.lease = 30000;

    is_int(reap(&two), 1, "its node is lost");
    is_int(reap(&two), 0, "once");
    is_int(beat(&one, fence), IMGP_REDIS_JOB_OTHER, "it is told");
    is_int(claim(&two), IMGP_REDIS_JOB_DONE, "another one takes over");
    ok(answer.fence > fence && answer.lost == IMGP_LOST_KILL,
       "with a newer fence, and the blame");

    r.fence = fence;
    is_int(commit(&one, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_OTHER,
           "the lost one comes too late");
    r.fence = answer.fence;
    job->state = IMGP_JOB_RUNNING;
    is_int(commit(&two, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_DONE,
           "the other one ends it");

    /* the clock was an hour ahead when the lease was given */

    r = fresh(6);
    one.lease = 3600000;
    r.want = 1;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "a lease of an hour");
    one.lease = 30000;
    is_int(reap(&one), 0, "not over");
    ok(server_ask("EVAL %s 1 ip:{jobs}:leases %s",
                  "local t = redis.call('TIME')\n"
                  "return redis.call('ZSCORE', KEYS[1], ARGV[1]) - t[1] * 1000",
                  id) < 35000, "but cut to what a lease is");
    freeReplyObject(redisCommand(server, "FLUSHALL"));
}


static void
forgotten(void)
{
    uint64_t          fence;
    imgp_redis_job_t  r;

    r = fresh(7);
    r.want = 1;
    (void) submit(&one, &r);
    fence = answer.fence;

    freeReplyObject(redisCommand(server, "FLUSHALL"));
    is_int(beat(&one, fence), IMGP_REDIS_JOB_NONE, "the beat tells");
    r.fence = fence;
    is_int(commit(&one, &r, IMGP_JOB_RUNNING), IMGP_REDIS_JOB_NONE,
           "the commit too");
    is_int(submit(&two, &r), IMGP_REDIS_JOB_DONE, "it is submitted again");
    ok(answer.fence > fence, "its fence has grown in spite of all");
    is_int(commit(&one, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_OTHER,
           "who held it before is fenced out");

    /* an end that was shown while Redis was away */

    r.force = 1;
    job->state = IMGP_JOB_SUCCEEDED;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_OTHER, "an end that was shown: "
           "its revision may be older than one shown elsewhere");
    ok(answer.state != IMGP_JOB_SUCCEEDED, "nothing has changed");
    job->revision += IMGP_REDIS_OVER;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "with a newer one it counts");
    ok(queued() == 0 && held() == 0, "nobody runs it any more");
    job->state = IMGP_JOB_FAILED;
    is_int(submit(&two, &r), IMGP_REDIS_JOB_OTHER, "there is one end only");
    is_int(answer.state, IMGP_JOB_SUCCEEDED, "the first");
    freeReplyObject(redisCommand(server, "FLUSHALL"));
}


static void
swaps(void)
{
    imgp_redis_job_t  r;

    r = fresh(8);
    r.want = 1;
    (void) submit(&one, &r);
    r.fence = answer.fence;

    is_int(swap(&r, IMGP_JOB_CANCELED, 7), IMGP_REDIS_JOB_OTHER,
           "not the revision that was read");
    is_int(swap(&r, IMGP_JOB_CANCELED, 1), IMGP_REDIS_JOB_DONE, "canceled");
    is_int(held(), 0, "its lease is gone");
    job->revision = 1;
    is_int(commit(&one, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_OTHER,
           "its holder is fenced out");

    r = fresh(9);
    r.want = 1;
    (void) submit(&one, &r);
    r.fence = answer.fence;
    r.reason = "worker-lost";
    is_int(commit(&one, &r, IMGP_JOB_FAILED), IMGP_REDIS_JOB_DONE, "dead");
    is_int(server_ask("ZCARD ip:{jobs}:dead"), 1, "it is in the list");
    ok(server_ask("PTTL ip:{jobs}:job:%s", id) > 86400000, "kept for long");
    r.reason = NULL;
    is_int(swap(&r, IMGP_JOB_QUEUED, 2), IMGP_REDIS_JOB_DONE, "played again");
    ok(server_ask("ZCARD ip:{jobs}:dead") == 0 && queued() == 1,
       "it waits, alive");
    is_int(server_ask("PTTL ip:{jobs}:job:%s", id), -2 + 1, "for good");
    freeReplyObject(redisCommand(server, "FLUSHALL"));
}


/* memory used up: nothing is half done, leases go on */

static void
full(void)
{
    imgp_redis_job_t  r, held_one;

    held_one = fresh(10);
    held_one.want = 1;
    (void) submit(&one, &held_one);
    held_one.fence = answer.fence;
    freeReplyObject(redisCommand(server, "CONFIG SET maxmemory 1"));

    is_int(beat(&one, held_one.fence), IMGP_REDIS_JOB_DONE, "the lease goes "
           "on");
    is_int(commit(&one, &held_one, IMGP_JOB_SUCCEEDED), IMGP_ERROR,
           "no commit");
    is_int(imgp_redis_class(reply), IMGP_REDIS_TRANSIENT, "for now");

    r = fresh(11);
    is_int(submit(&one, &r), -8, "no submit");
    is_int(imgp_redis_class(reply), IMGP_REDIS_TRANSIENT, "for now");
    is_int(reap(&one), 0, "nothing to reap");

    freeReplyObject(redisCommand(server, "CONFIG SET maxmemory 0"));
    is_int(server_ask("DBSIZE"), 2, "the job and its lease are all there is");
    is_int(queued(), 0, "nothing half done");
    freeReplyObject(redisCommand(server, "FLUSHALL"));
}


static void
spoilt(void)
{
    imgp_redis_job_t  r;

    r = fresh(12);
    encode(&r);
    r.record.len--;
    is_int(imgp_redis_submit(&a, &one, &r), IMGP_ERROR, "a spoilt record");

    encode(&r);
    (void) submit(&one, &r);
    freeReplyObject(redisCommand(server, "HSET ip:{jobs}:job:%s r x", id));
    is_int(look(&one), -8, "a record that somebody wrote over");
    is_int(claim(&one), -8, "is not run");
    is_int(imgp_redis_commit_answer(NULL), IMGP_ERROR, "no answer");
    is_int(imgp_redis_submit_answer(NULL, &answer), IMGP_ERROR, "none");
    is_int(imgp_redis_claim_answer(NULL, &answer), IMGP_ERROR, "none");
    is_int(imgp_redis_beat_answer(NULL, 0), IMGP_ERROR, "none");
}


/* an ACL of the prefix alone is enough */

static void
acl(void)
{
    imgp_redis_job_t  r;

    freeReplyObject(redisCommand(server, "FLUSHALL"));
    freeReplyObject(redisCommand(server, "ACL SETUSER imgp on >secret ~ip:* "
                                 "&ip:* +@all -@dangerous"));
    freeReplyObject(redisCommand(server, "AUTH imgp secret"));

    r = fresh(13);
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "submit");
    is_int(claim(&one), IMGP_REDIS_JOB_DONE, "claim");
    r.fence = answer.fence;
    is_int(beat(&one, r.fence), IMGP_REDIS_JOB_DONE, "beat");
    is_int(reap(&one), 0, "reap");
    is_int(commit(&one, &r, IMGP_JOB_SUCCEEDED), IMGP_REDIS_JOB_DONE,
           "commit");
    is_int(server_ask("GET other"), -2, "nothing else");
}


/* an Idempotency-Key is of one job at a time */

static void
twins(void)
{
    u_char            key[IMGP_DIGEST_LEN], body[IMGP_DIGEST_LEN];
    imgp_redis_job_t  r;

    memset(key, 5, sizeof(key));
    memset(body, 6, sizeof(body));

    r = fresh(1);
    r.idem = key;
    r.body = body;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_DONE, "the first with a key");

    r = fresh(2);
    r.idem = key;
    r.body = body;
    is_int(submit(&two, &r), IMGP_REDIS_JOB_TWIN, "the key is taken");
    ok(answer.twin[0] == 1 && memcmp(answer.body, body, sizeof(body)) == 0,
       "by whom, and what came with it");
    is_int(server_ask("EXISTS ip:{jobs}:job:%s", id), 0, "nothing is left");

    job->id[0] = 1;
    imgp_id_text(job->id, id);
    (void) server_ask("DEL ip:{jobs}:job:%s", id);
    r = fresh(3);
    r.idem = key;
    r.body = body;
    job->state = IMGP_JOB_SUCCEEDED;
    is_int(submit(&two, &r), IMGP_REDIS_JOB_DONE,
           "of a job that is gone it is free");

    r = fresh(4);
    r.idem = key;
    r.body = body;
    is_int(submit(&one, &r), IMGP_REDIS_JOB_TWIN, "of an ended one not");
    is_int(answer.twin[0], 3, "that one");
    (void) server_ask("FLUSHALL");
}


int
main(void)
{
    imgp_plan_t  *plan;

    if (!server_start() || server_load() != IMGP_REDIS_SCRIPTS) {
        skip("no redis-server");
        return done();
    }

    imgp_redis_init(&one, &prefix);
    two = one;
    memcpy(one.node, "1111111111111111", IMGP_REDIS_NODE_LEN);
    memcpy(two.node, "2222222222222222", IMGP_REDIS_NODE_LEN);
    one.lease = two.lease = 30000;

    pool = imgp_pool_create(&imgp_malloc, 65536);
    plan = fix_closet(pool);
    job = fix_job(plan);

    life();
    at_once();
    in_order();
    lost();
    forgotten();
    swaps();
    full();
    spoilt();
    acl();
    twins();

    freeReplyObject(reply);
    imgp_job_destroy(job);
    imgp_pool_destroy(pool);

    return done();
}
