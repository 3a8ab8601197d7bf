
/*
 * imgp_sweep.c: what goes and what stays; and that nothing goes while it
 * comes to be used.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_record.h>
#include <pthread.h>


#define MINUTE  60
#define HOUR    3600
#define DAY     86400


static imgp_store_t        store;
static imgp_store_error_t  err;
static imgp_pool_t        *pool;


/* blob number "n", used so many seconds ago; its path, in static memory */

static const char *
blob(int n, size_t size, long age)
{
    char         *p;
    u_char        digest[IMGP_DIGEST_LEN];
    uint64_t      added;
    static char   path[4][IMGP_PATH_MAX];
    static int    next;

    next = (next + 1) % 4;
    p = malloc(size);
    memset(p, n, size);
    imgp_blob_put(&store, p, size, digest, &added, &err);
    free(p);

    imgp_blob_path(&store, digest, path[next]);
    tmp_age(path[next], age);

    return path[next];
}


static imgp_int_t
sweep(imgp_sweep_t *s, uint64_t max_size, imgp_msec_t inactive)
{
    s->max_size = max_size;
    s->inactive = inactive;
    s->now = tmp_now();

    return imgp_sweep(&store, s, &err);
}


static void
inactive(void)
{
    int           i;
    char          path[IMGP_PATH_MAX], name[IMGP_DIGEST_HEX_LEN + 1];
    u_char        key[IMGP_DIGEST_LEN], id[IMGP_DIGEST_LEN];
    imgp_item_t   item;
    imgp_sweep_t  s;

    tmp_store(&store, 0);
    memset(&s, 0, sizeof(s));
    memset(key, 1, sizeof(key));
    memset(id, 1, sizeof(id));

    blob(1, 5000, 8 * DAY);
    blob(2, 5000, 6 * DAY);
    blob(3, 5000, 0);

    item = fix_item(1);
    imgp_result_put(&store, key, 1, &item, 1, &err);
    imgp_digest_hex(key, name);
    imgp_store_path(&store, "results", name, IMGP_STORE_FAN_DIGEST, path);
    tmp_age(path, 8 * DAY);

    imgp_journal_bind(&store, key, 0, id, id, &err);
    imgp_store_path(&store, "idem", name, IMGP_STORE_FAN_DIGEST, path);
    tmp_age(path, 2 * DAY + MINUTE);

    memset(id, 2, sizeof(id));
    imgp_journal_bind(&store, id, 0, id, id, &err);
    imgp_digest_hex(id, name);
    imgp_store_path(&store, "idem", name, IMGP_STORE_FAN_DIGEST, path);
    tmp_age(path, 2 * DAY - MINUTE);

    for (i = 0; i < 2; i++) {
        imgp_store_path(&store, "tmp", i ? "new" : "old", 0, path);
        tmp_spoil(path, "x", 1);
        tmp_age(path, i ? 59 * MINUTE : 61 * MINUTE);
    }

    imgp_store_path(&store, "blobs", "abc-not-ours",
                    IMGP_STORE_FAN_DIGEST, path);
    imgp_file_put(&store, path, "x", 1, 0, &err);
    tmp_age(path, 99 * DAY);

    is_int(sweep(&s, 0, 0), IMGP_OK, "without limits");
    is_int(tmp_count("blobs"), 4, "all content stays");
    is_int(tmp_count("results"), 1, "manifests, too");
    is_int(tmp_count("idem"), 1, "a key lives for two days");
    is_int(tmp_count("tmp"), 1, "a file in tmp/ for an hour");
    is_int(s.files, 5, "files");
    is_int(s.size, 3 * 8192 + 2 * 4096, "their size, in blocks");
    is_int(s.removed, 8192, "what was removed");

    is_int(sweep(&s, 0, 7 * (imgp_msec_t) DAY * 1000), IMGP_OK,
           "inactive=7d");
    is_int(tmp_count("blobs"), 3, "a blob goes");
    is_int(tmp_count("results"), 0, "a manifest, too");
    is_int(s.size, 2 * 8192 + 4096, "what is left");
    is_int(s.removed, 8192 + 4096, "what was removed");
    is_int(tmp_count("tmp"), 1, "nothing comes to tmp/");
}


static imgp_uint_t
needed(void *data, const u_char digest[IMGP_DIGEST_LEN])
{
    return memcmp(data, digest, IMGP_DIGEST_LEN) == 0;
}


static void
max_size(void)
{
    int           i;
    u_char        digest[IMGP_DIGEST_LEN];
    char          five[4096], needed_path[IMGP_PATH_MAX];
    uint32_t      cancel;
    imgp_sweep_t  s;

    tmp_store(&store, 0);
    memset(&s, 0, sizeof(s));

    for (i = 0; i < 10; i++) {
        blob(i, 4096, (20 - i) * HOUR);   /* 0 is the oldest */
    }

    memset(five, 5, sizeof(five));
    imgp_digest(five, sizeof(five), digest);
    s.needed = needed;
    s.data = digest;

    is_int(sweep(&s, 10 * 4096, 0), IMGP_OK, "what fits");
    is_int(s.removed, 0, "stays");
    is_int(sweep(&s, 10 * 4096 - 1, 0), IMGP_OK, "what does not");
    is_int(s.removed, 4096, "goes, but no more than must");
    ok(tmp_exists(blob(0, 4096, 20 * HOUR)), "it can be made again");

    is_int(sweep(&s, 3 * 4096, 0), IMGP_OK, "down to three");
    is_int(s.size, 3 * 4096, "three are left");
    ok(tmp_count("blobs") == 3, "really");
    strcpy(needed_path, blob(5, 4096, 15 * HOUR));
    is_int(sweep(&s, 1, 0), IMGP_OK, "down to nothing");
    is_int(tmp_count("blobs"), 1, "but what is needed stays");
    ok(tmp_exists(needed_path), "the very one");

    tmp_age(needed_path, 99 * DAY);
    is_int(sweep(&s, 0, 1000), IMGP_OK, "inactive");
    ok(tmp_exists(needed_path), "does not concern it");

    s.needed = NULL;
    tmp_age(needed_path, 50);
    is_int(sweep(&s, 1, 1), IMGP_OK, "younger than a minute");
    ok(tmp_exists(needed_path), "it stays");
    tmp_age(needed_path, 70);
    is_int(sweep(&s, 1, 0), IMGP_OK, "older");
    ok(!tmp_exists(needed_path), "it goes");

    blob(1, 4096, HOUR);
    cancel = 1;
    s.cancel = &cancel;
    is_int(sweep(&s, 1, 0), IMGP_AGAIN, "canceled");
    is_int(tmp_count("blobs"), 1, "nothing was done");
}


static void
a_clock_that_was_wrong(void)
{
    const char   *path;
    imgp_sweep_t  s;

    tmp_store(&store, 0);
    memset(&s, 0, sizeof(s));

    path = blob(1, 10, -3 * DAY);
    is_int(sweep(&s, 1, 1), IMGP_OK, "a file of the future");
    ok(tmp_exists(path), "is spared");
    ok(tmp_age_of(path) >= 0 && tmp_age_of(path) < 10,
       "and becomes one of today, so that its time comes");
}


static void
job(int n, imgp_msec_t expires, long age)
{
    char          path[IMGP_PATH_MAX], text[IMGP_ID_LEN + 1];
    u_char        buf[4096];
    ssize_t       len;
    uint64_t      added;
    imgp_job_t   *j;
    imgp_plan_t  *plan;

    plan = fix_closet(pool);
    j = fix_job(plan);
    memset(j->id, n, IMGP_ID_BYTES);
    imgp_job_event(j, IMGP_JOB_CANCEL, 2000);
    imgp_blob_put(&store, &n, sizeof(n), j->input.digest, &added, &err);
    imgp_blob_path(&store, j->input.digest, path);
    tmp_age(path, HOUR);
    j->expires_at = expires;

    len = imgp_record_encode(j, buf, sizeof(buf));
    imgp_journal_write(&store, j->id, buf, (size_t) len, 1, &err);

    if (age) {
        imgp_id_text(j->id, text);
        imgp_store_path(&store, "done", text, IMGP_STORE_FAN_ID, path);
        tmp_age(path, age);
    }

    imgp_job_destroy(j);
}


static void
done_jobs(void)
{
    u_char         id[IMGP_ID_BYTES];
    char           path[IMGP_PATH_MAX];
    imgp_str_t     r;
    imgp_sweep_t   s;

    tmp_store(&store, 0);
    memset(&s, 0, sizeof(s));

    job(1, tmp_now() - 1000, 0);          /* over */
    job(2, tmp_now() + 100000, 0);        /* not over */
    job(3, tmp_now() + 100000, DAY);      /* not over, someone touched it */
    job(4, 0, DAY);                       /* for ever, as it seems */
    job(5, 0, 8 * DAY);
    imgp_store_path(&store, "done", "aa-spoilt", IMGP_STORE_FAN_ID, path);
    imgp_file_put(&store, path, "x", 1, 0, &err);
    imgp_store_path(&store, "jobs", "any", IMGP_STORE_FAN_ID, path);
    tmp_spoil(path, "x", 1);
    tmp_age(path, 99 * DAY);

    is_int(sweep(&s, 1, 1), IMGP_OK, "jobs that have ended");
    is_int(tmp_count("done"), 4, "two of six go");
    memset(id, 1, sizeof(id));
    is_int(imgp_journal_read(&store, id, pool, &r, &err), IMGP_DECLINED,
           "the one past its keep");
    memset(id, 5, sizeof(id));
    is_int(imgp_journal_read(&store, id, pool, &r, &err), IMGP_DECLINED,
           "and the one without, after a week");
    memset(id, 3, sizeof(id));
    is_int(imgp_journal_read(&store, id, pool, &r, &err), IMGP_OK,
           "the record counts, not its mtime");
    is_int(tmp_count("blobs"), 2, "what the kept ones need is kept");

    imgp_journal_remove(&store, id);
    is_int(sweep(&s, 1, 1), IMGP_OK, "later");
    is_int(tmp_count("blobs"), 1, "what nobody needs is not");
    is_int(tmp_count("jobs"), 1, "what has not ended is never touched");
    is_int(s.files, 5, "files");
}


static void
faults(void)
{
    int           i;
    imgp_sweep_t  s;

    tmp_store(&store, 0);
    memset(&s, 0, sizeof(s));

    for (i = 0; i < 5; i++) {
        blob(i, 4096, DAY);
    }

    tmp_strike(FAULT_UNLINK, 0, EROFS);
    is_int(sweep(&s, 1, 0), IMGP_ERROR, "nothing can be removed");
    is_str(err.call, "unlink", "is told");
    is_int(s.size, 5 * 4096, "the size is right");
    tmp_strike(FAULT_UNLINK, 4, EIO);
    is_int(sweep(&s, 1, 0), IMGP_ERROR, "one cannot be removed");
    is_int(s.removed, 4 * 4096, "the others can");
    tmp_calm();
    is_int(sweep(&s, 1, 0), IMGP_OK, "later");
    is_int(tmp_count("blobs"), 0, "all are gone");
}


static void
many_files(void)
{
    int              i;
    char             path[IMGP_PATH_MAX], name[IMGP_DIGEST_HEX_LEN + 1];
    u_char           digest[IMGP_DIGEST_LEN];
    imgp_sweep_t     s;
    struct timespec  a, b;

    tmp_store(&store, 0);
    memset(&s, 0, sizeof(s));

    for (i = 0; i < 3000; i++) {
        imgp_digest(&i, sizeof(i), digest);
        imgp_digest_hex(digest, name);
        imgp_store_path(&store, "blobs", name, IMGP_STORE_FAN_DIGEST, path);
        imgp_file_put(&store, path, "x", 1, 0, &err);
        tmp_age(path, 1000 + (i * 7919) % 3000 * 100);
    }

    clock_gettime(CLOCK_MONOTONIC, &a);
    is_int(sweep(&s, 1000 * 4096, 0), IMGP_OK, "3000 blobs");
    clock_gettime(CLOCK_MONOTONIC, &b);

    printf("# %.1f ms\n", (double) (b.tv_sec - a.tv_sec) * 1e3
                          + (double) (b.tv_nsec - a.tv_nsec) / 1e6);

    is_int(s.files, 1000, "are 1000 now");

    for (i = 0; i < 3000; i++) {
        imgp_digest(&i, sizeof(i), digest);
        imgp_digest_hex(digest, name);
        imgp_store_path(&store, "blobs", name, IMGP_STORE_FAN_DIGEST, path);

        if (tmp_exists(path) != ((i * 7919) % 3000 < 1000)) {
            break;
        }
    }

    is_int(i, 3000, "the last used");
}


/*
 * One thread stores the same blob again and again, each time as if it had not
 * been used for a day; another sweeps as hard as it can.  What was stored must
 * be there, even if it is away for a moment.
 */

static volatile uint32_t  racing_ends;


static void *
racing_sweep(void *data)
{
    imgp_sweep_t         s;
    imgp_store_error_t   e;

    memset(&s, 0, sizeof(s));

    while (!racing_ends) {
        s.max_size = 1;
        s.now = tmp_now();

        if (imgp_sweep(&store, &s, &e) != IMGP_OK) {
            return (void *) 1;
        }
    }

    return NULL;
}


static void
racing(void)
{
    int        i, tries, lost, made;
    char       path[IMGP_PATH_MAX];
    void      *result;
    u_char     digest[IMGP_DIGEST_LEN];
    uint64_t   added;
    pthread_t  tid;

    tmp_store(&store, 0);
    imgp_blob_put(&store, "content", 7, digest, &added, &err);
    imgp_blob_path(&store, digest, path);

    racing_ends = 0;
    pthread_create(&tid, NULL, racing_sweep, NULL);

    for (i = 0, lost = 0, made = 0; i < 3000; i++) {
        tmp_age(path, DAY);

        if (imgp_blob_put(&store, "content", 7, digest, &added, &err)
            != IMGP_OK)
        {
            lost += 1000000;
        }

        made += (added != 0);

        for (tries = 0; !tmp_exists(path) && tries < 5000; tries++) {
            usleep(100);
        }

        lost += (tries == 5000);
    }

    racing_ends = 1;
    pthread_join(tid, &result);

    ok(result == NULL, "the sweeps went well");
    is_int(lost, 0, "no blob is lost that was stored");
    printf("# made anew %d times\n", made);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    inactive();
    max_size();
    a_clock_that_was_wrong();
    done_jobs();
    faults();
    many_files();
    racing();

    imgp_pool_destroy(pool);
    tmp_remove();

    return done();
}
