
/*
 * imgp_notice.c: what is due is found, taken once, comes again when it was
 * not delivered, and knows whether its job has ended.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_notice.h>
#include <imgp/imgp_record.h>


#define NOW  1000000000000ull


static imgp_store_t        store;
static imgp_store_error_t  err;
static imgp_pool_t        *pool;
static imgp_plan_t        *plan;

static imgp_notice_list_t  lists[2];
static imgp_notice_scan_t  found;


static imgp_notice_t
notice(int n, uint32_t revision, uint32_t target)
{
    imgp_notice_t  no;

    memset(&no, 0, sizeof(no));
    memset(no.id, n, IMGP_ID_BYTES);
    no.revision = revision;
    no.target = target;
    no.pipeline = fix_str("clo-set");
    no.attempts = 2;
    no.since = NOW - 8000;
    no.expires = NOW - 1;
    no.reason = fix_str("it said 500");
    no.body = fix_str("{\"type\":\"job.failed\",\"x\":\"\xc3\xa4\"}");

    return no;
}


static imgp_uint_t
scan(imgp_msec_t now)
{
    imgp_int_t  rc;

    lists[0].pipeline = fix_str("clo-set");
    lists[0].target = 0;
    lists[0].max = 3;
    lists[1] = lists[0];
    lists[1].target = 1;

    rc = imgp_notice_scan(&store, lists, 2, now, &found, &err);

    return rc == IMGP_OK ? lists[0].n : 999;
}


static imgp_int_t
take(const char *name, imgp_msec_t now, imgp_notice_t *no)
{
    return imgp_notice_take(&store, name, now, pool, no, &err);
}


static void
record(int n, uint32_t revision, int final)
{
    u_char       data[4096], id[IMGP_ID_BYTES];
    size_t       len;
    imgp_job_t  *job;

    memset(id, n, IMGP_ID_BYTES);

    job = fix_job(plan);
    memcpy(job->id, id, IMGP_ID_BYTES);
    job->revision = revision;

    if (final) {
        imgp_job_event(job, IMGP_JOB_FAIL, 2000);
        job->expires_at = NOW * 2;
    }

    len = (size_t) imgp_record_encode(job, data, sizeof(data));
    imgp_job_destroy(job);

    (void) imgp_journal_remove(&store, id);
    is_int(imgp_journal_write(&store, id, data, len, final, &err), IMGP_OK,
           "a job, revision %u%s", (unsigned) revision, final ? ", ended" : "");
}


static void
delivery(void)
{
    imgp_notice_t  no, got;

    is_int(scan(NOW), 0, "nothing is due");
    is_int(found.pending, 0, "nothing is pending");

    no = notice(1, 7, 0);
    tmp_calm();
    is_int(imgp_notice_put(&store, &no, NOW, &err), IMGP_OK, "put");
    ok(tmp_fault.count[FAULT_FSYNC] >= 2, "it is on the disk");

    is_int(scan(NOW - 1), 0, "not before its time");
    is_int(found.next, NOW, "which is known");
    is_int(scan(NOW), 1, "due");
    is_int(lists[1].n, 0, "of one receiver");

    is_int(take(lists[0].due[0].name, NOW, &got), IMGP_OK, "taken");
    ok(memcmp(got.id, no.id, IMGP_ID_BYTES) == 0 && got.revision == 7
       && got.target == 0 && got.attempts == 2 && got.since == NOW - 8000
       && got.expires == NOW - 1,
       "as it was put");
    ok(imgp_str_eq(&got.pipeline, &no.pipeline)
       && imgp_str_eq(&got.reason, &no.reason)
       && imgp_str_eq(&got.body, &no.body), "and its texts");

    is_int(scan(NOW), 1, "it is found as long as it is there");
    is_int(found.pending, 1, "it is pending");

    got.attempts = 3;
    is_int(imgp_notice_put(&store, &got, NOW + 90000, &err), IMGP_OK,
           "an attempt failed");
    is_int(tmp_count("notify"), 1, "it is the same");
    is_int(take(lists[0].due[0].name, NOW + 89999, &no), IMGP_DECLINED,
           "not taken before it is due");
    no = notice(1, 7, 0);
    is_int(scan(NOW + 90000), 1, "due later");
    is_int(scan(1000), 1, "or when the clock was wrong");

    is_int(imgp_notice_done(&store, lists[0].due[0].name, &err), IMGP_OK,
           "delivered");
    is_int(scan(NOW * 2), 0, "gone");
    is_int(take(lists[0].due[0].name, NOW, &got), IMGP_DECLINED,
           "and not taken again");

    is_int(imgp_notice_put(&store, &no, NOW, &err), IMGP_OK, "another");
    is_int(imgp_notice_bury(&store, &no, &err), IMGP_OK, "is given up");
    is_int(tmp_count("notify"), 0, "pending no more");
    is_int(imgp_notice_dead(&store), 1, "but dead");
}


static void
many(void)
{
    int            i;
    imgp_notice_t  no;

    for (i = 0; i < 10; i++) {
        no = notice(10 + i, 1, i & 1);
        imgp_notice_put(&store, &no, NOW + (i * 7 % 10) * 10, &err);
    }

    is_int(scan(NOW + 1000), 3, "no more than wanted");
    ok(lists[0].due[0].due == NOW && lists[0].due[1].due == NOW + 20
       && lists[0].due[2].due == NOW + 40, "the oldest, in order");
    is_int(lists[1].due[0].due, NOW + 10, "and the other receiver's");
    is_int(found.pending, 10, "all are counted");

    for (i = 0; i < 10; i++) {
        no = notice(10 + i, 1, i & 1);
        imgp_notice_bury(&store, &no, &err);
    }
}


static void
jobs(void)
{
    imgp_notice_t  no, got;

    no = notice(3, 7, 0);
    imgp_notice_put(&store, &no, NOW, &err);
    record(3, 5, 0);

    is_int(scan(NOW), 1, "due");
    is_int(take(lists[0].due[0].name, NOW, &got), IMGP_DECLINED,
           "but its job has not ended");
    is_int(scan(NOW + 1999), 0, "so it waits");
    is_int(scan(NOW + 2000), 1, "for a part of its age");

    record(3, 7, 1);
    is_int(take(lists[0].due[0].name, NOW + 2000, &got), IMGP_OK,
           "it has ended as the notice says");

    record(3, 9, 1);
    is_int(take(lists[0].due[0].name, NOW + 2000, &got), IMGP_DECLINED,
           "it has ended again");
    is_int(tmp_count("notify"), 0, "that one's notice is another");

    no = notice(5, 7, 0);
    no.expires = NOW + 1;
    imgp_notice_put(&store, &no, NOW, &err);
    is_int(scan(NOW), 1, "of a job of which nothing is known");
    is_int(take(lists[0].due[0].name, NOW, &got), IMGP_DECLINED,
           "that has never been");
    is_int(tmp_count("notify"), 0, "nobody hears");
}


static void
odd(void)
{
    int            i;
    char           path[IMGP_PATH_MAX], name[300];
    imgp_notice_t  no, got;

    static const char  *names[] = {
        "x", "00000000000000000000000000", "00000000000000000000000000-1",
        "00000000000000000000000000-1-2", "00000000000000000000000000-1-2-",
        "00000000000000000000000000-a-b-c", "0000000000000000000000000!-1-2-a"
    };

    for (i = 0; i < (int) imgp_nelts(names); i++) {
        imgp_store_path(&store, "notify", names[i], 0, path);
        imgp_file_put(&store, path, "x", 1, 0, &err);
        is_int(take(names[i], NOW, &got), IMGP_DECLINED, "odd: %s", names[i]);
        unlink(path);
    }

    memset(name, 'a', sizeof(name));
    memcpy(name, "00000000000000000000000000-1-2-", 31);
    name[200] = '\0';
    is_int(take(name, NOW, &got), IMGP_DECLINED, "a long name");

    no = notice(4, 7, 0);
    imgp_notice_put(&store, &no, NOW, &err);
    is_int(scan(NOW), 1, "one");
    imgp_store_path(&store, "notify", lists[0].due[0].name, 0, path);
    tmp_spoil(path, "{\"version\":1}", 13);
    is_int(take(lists[0].due[0].name, NOW, &got), IMGP_DECLINED, "spoilt");
    is_int(scan(NOW), 0, "is gone");

    tmp_strike(FAULT_FSYNC, 0, EIO);
    is_int(imgp_notice_put(&store, &no, NOW, &err), IMGP_ERROR,
           "a disk that fails");
    tmp_calm();
    is_int(tmp_count("notify"), 0, "leaves nothing");
    is_int(tmp_count("tmp"), 0, "nowhere");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);
    plan = fix_closet(pool);
    tmp_store(&store, 1);

    delivery();
    many();
    jobs();
    odd();

    imgp_pool_destroy(pool);

    return done();
}
