
/*
 * imgp_journal.c: a job that was promised is found again, whatever happens.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_record.h>


static imgp_store_t        store;
static imgp_store_error_t  err;
static imgp_pool_t        *pool;
static imgp_plan_t        *plan;


typedef struct {
    u_char             data[4096];
    size_t             len;
    u_char             id[IMGP_ID_BYTES];
} rec_t;


/* a record of job "n" with this revision; final when it expires */

static rec_t
record(int n, uint32_t revision, imgp_msec_t expires)
{
    rec_t        r;
    imgp_job_t  *job;

    job = fix_job(plan);
    memset(job->id, n, IMGP_ID_BYTES);
    memcpy(r.id, job->id, IMGP_ID_BYTES);

    if (expires) {
        imgp_job_event(job, IMGP_JOB_FAIL, 2000);
        job->expires_at = expires;
    }

    job->revision = revision;
    r.len = (size_t) imgp_record_encode(job, r.data, sizeof(r.data));
    imgp_job_destroy(job);

    return r;
}


/* the revision that is read; 0: nothing is */

static uint32_t
revision(const rec_t *r)
{
    imgp_int_t          rc;
    imgp_str_t          s;
    imgp_record_head_t  head;

    rc = imgp_journal_read(&store, r->id, pool, &s, &err);

    return (rc == IMGP_OK
            && imgp_record_head(s.data, s.len, &head) == IMGP_OK)
           ? head.revision : 0;
}


typedef struct {
    imgp_uint_t        n;
    imgp_uint_t        sum;           /* of revisions */
    imgp_int_t         answer;
} seen_t;


static imgp_int_t
see(void *data, const u_char *p, size_t len)
{
    seen_t              *seen = data;
    imgp_record_head_t   head;

    if (imgp_record_head(p, len, &head) != IMGP_OK) {
        return IMGP_ERROR;
    }

    seen->n++;
    seen->sum += head.revision;

    return seen->answer;
}


static imgp_uint_t
not_the_first(void *data, const u_char *id)
{
    rec_t  r;

    r = record(1, 1, 0);

    return memcmp(id, r.id, IMGP_ID_BYTES) != 0;
}


static imgp_int_t
look(seen_t *seen, imgp_uint_t (*wanted)(void *data, const u_char *id),
    imgp_journal_odd_t *odd)
{
    imgp_int_t           rc;
    imgp_journal_scan_t  s;

    memset(&s, 0, sizeof(s));
    s.wanted = wanted;
    s.found = see;
    s.data = seen;

    rc = imgp_journal_scan(&store, &s, &err);
    *odd = s.odd;

    return rc;
}


static imgp_int_t
scan(seen_t *seen, imgp_journal_odd_t *odd)
{
    memset(seen, 0, sizeof(seen_t));

    return look(seen, NULL, odd);
}


static void
life(void)
{
    rec_t        open, final, again;
    char         path[IMGP_PATH_MAX], text[IMGP_ID_LEN + 1];
    struct stat  st;

    tmp_store(&store, 1);
    imgp_store_spread(&store, &err);
    open = record(1, 1, 0);
    final = record(1, 5, 1700000123456);
    again = record(1, 6, 0);

    is_int(revision(&open), 0, "not there");
    is_int(imgp_journal_remove(&store, open.id), IMGP_DECLINED,
           "nor to be removed");

    tmp_calm();
    is_int(imgp_journal_write(&store, open.id, open.data, open.len, 0, &err),
           IMGP_OK, "promised");
    is_int(tmp_fault.count[FAULT_FSYNC], 2, "on the disk");
    is_int(revision(&open), 1, "read");
    ok(tmp_count("jobs") == 1 && tmp_count("done") == 0, "in jobs/");
    ok(imgp_journal_waits(&store, open.id), "where it waits");

    is_int(imgp_journal_write(&store, open.id, final.data, final.len, 1,
                              &err), IMGP_OK, "final");
    is_int(revision(&open), 5, "read");
    ok(tmp_count("jobs") == 0 && tmp_count("done") == 1, "in done/");
    ok(!imgp_journal_waits(&store, open.id), "it waits no more");

    imgp_id_text(open.id, text);
    imgp_store_path(&store, "done", text, IMGP_STORE_FAN_ID, path);
    ok(stat(path, &st) == 0 && st.st_mtim.tv_sec == 1700000123
       && st.st_mtim.tv_nsec == 456000000, "its mtime is when it expires");

    is_int(imgp_journal_reopen(&store, open.id, again.data, again.len, &err),
           IMGP_OK, "reopened");
    is_int(revision(&open), 6, "read");
    ok(tmp_count("jobs") == 1 && tmp_count("done") == 0, "in jobs/ again");

    is_int(imgp_journal_write(&store, open.id, final.data, final.len, 1,
                              &err), IMGP_OK, "final without a jobs/ file");
    imgp_journal_remove(&store, open.id);
    is_int(imgp_journal_write(&store, open.id, final.data, final.len, 1,
                              &err), IMGP_OK, "known from the beginning");
    is_int(imgp_journal_remove(&store, open.id), IMGP_OK, "removed");
    is_int(revision(&open), 0, "gone");
    is_int(tmp_count("tmp"), 0, "nothing is left in tmp/");
}


static void
scanning(void)
{
    int            n;
    rec_t          r, s;
    char           path[IMGP_PATH_MAX], text[IMGP_ID_LEN + 1];
    seen_t         seen;
    imgp_journal_odd_t  odd;

    tmp_store(&store, 0);

    is_int(scan(&seen, &odd), IMGP_OK, "nothing to scan");
    is_int(seen.n, 0, "nothing is seen");

    for (n = 1; n <= 20; n++) {
        r = record(n, n, 0);
        imgp_journal_write(&store, r.id, r.data, r.len, 0, &err);
    }

    is_int(scan(&seen, &odd), IMGP_OK, "20 jobs");
    ok(seen.n == 20 && seen.sum == 210 && odd.spoilt == 0, "are all seen");

    seen.answer = IMGP_DONE;
    seen.n = 0;
    is_int(look(&seen, NULL, &odd), IMGP_DONE, "until the handler has enough");
    is_int(seen.n, 1, "of one");

    memset(&seen, 0, sizeof(seen_t));
    is_int(look(&seen, not_the_first, &odd), IMGP_OK, "but one");
    ok(seen.n == 19 && seen.sum == 209, "is not even read");

    /* a torn one, another job's, no record at all, and a stranger's file */

    r = record(1, 1, 0);
    imgp_id_text(r.id, text);
    imgp_store_path(&store, "jobs", text, IMGP_STORE_FAN_ID, path);
    tmp_spoil(path, r.data, r.len - 1);

    r = record(2, 2, 0);
    s = record(3, 3, 0);
    imgp_id_text(r.id, text);
    imgp_store_path(&store, "jobs", text, IMGP_STORE_FAN_ID, path);
    tmp_spoil(path, s.data, s.len);

    r = record(4, 4, 0);
    imgp_id_text(r.id, text);
    imgp_store_path(&store, "jobs", text, IMGP_STORE_FAN_ID, path);
    tmp_spoil(path, "", 0);

    imgp_store_path(&store, "jobs", "README", 0, path);
    tmp_spoil(path, "hello", 5);

    is_int(scan(&seen, &odd), IMGP_OK, "spoilt ones");
    ok(seen.n == 17 && odd.spoilt == 3, "are counted");
    is_int(tmp_count("tmp"), 3, "and set aside");
    is_int(tmp_count("jobs"), 18, "out of jobs/");
    is_int(revision(&r), 0, "and not read");
    is_int(scan(&seen, &odd), IMGP_OK, "the next time");
    ok(seen.n == 17 && odd.spoilt == 0, "they are gone");
}


/* a newer module's record, after a downgrade: version and CRC are forged */

static void
versions(void)
{
    rec_t        r;
    char         path[IMGP_PATH_MAX], text[IMGP_ID_LEN + 1];
    seen_t       seen;
    imgp_journal_odd_t  odd;

    static const u_char  newer[] = {
        'I', 'M', 'G', 'J', 9, 0, 0, 0, 16, 0, 0, 0, 0x12, 0xc6, 0x4f, 0xb3
    };

    tmp_store(&store, 0);
    r = record(1, 1, 0);
    imgp_id_text(r.id, text);
    imgp_store_path(&store, "jobs", text, IMGP_STORE_FAN_ID, path);
    tmp_spoil(path, newer, sizeof(newer));

    is_int(imgp_record_version(newer, sizeof(newer)), 9, "version 9");
    is_int(scan(&seen, &odd), IMGP_OK, "is scanned");
    ok(seen.n == 0 && odd.spoilt == 0 && odd.foreign == 1,
       "and not understood");
    is_int(tmp_count("jobs"), 1, "but stays where it is");
}


/* a write, an end and a reopening, with the n-th call failing or fatal */

static imgp_int_t
step(int what, const rec_t *r)
{
    switch (what) {
    case 0:
        return imgp_journal_write(&store, r->id, r->data, r->len, 0, &err);
    case 1:
        return imgp_journal_write(&store, r->id, r->data, r->len, 1, &err);
    default:
        return imgp_journal_reopen(&store, r->id, r->data, r->len, &err);
    }
}


static void
disasters(int fatal, long times)
{
    int          what, status;
    long         nth, rounds, wrong;
    rec_t        before, after;
    pid_t        pid;
    seen_t       seen;
    uint32_t     rev;
    imgp_int_t   rc;
    imgp_journal_odd_t  odd;

    wrong = 0;
    rounds = 0;

    for (what = 0; what < 3; what++) {
        for (nth = 0; nth < 40; nth++) {
            tmp_store(&store, 1);
            before = record(1, 3, what == 2 ? 99999 : 0);
            after = record(1, 4, what == 1 ? 99999 : 0);
            step(what == 2, &before);

            if (fatal) {
                pid = fork();

                if (pid == 0) {
                    tmp_strike(FAULT_ANY, nth, 0);
                    _exit(step(what, &after) == IMGP_OK ? 0 : 1);
                }

                waitpid(pid, &status, 0);
                rc = (WEXITSTATUS(status) == 0) ? IMGP_OK : IMGP_ERROR;

            } else {
                tmp_strike(FAULT_ANY, nth, EIO);
                tmp_fault.times = times;
                rc = step(what, &after);
                tmp_calm();
            }

            rounds++;

            /* one or the other, and always there */

            rev = revision(&before);
            wrong += (rev != 3 && rev != 4);
            wrong += (rc == IMGP_OK && rev != 4);

            /* after a scan it is in one place alone, and stays what it is */

            wrong += (scan(&seen, &odd) != IMGP_OK || odd.spoilt);
            wrong += (tmp_count("jobs") + tmp_count("done") != 1);
            wrong += (revision(&before) < rev);
            wrong += (seen.n != (imgp_uint_t) tmp_count("jobs"));

            if (rc == IMGP_OK && nth > 20) {
                break;
            }

            wrong += (step(what, &after) != IMGP_OK);
            wrong += (revision(&after) != 4);
        }

        wrong += (nth == 40);
    }

    is_int(wrong, 0, "%ld %s lose no job", rounds,
           fatal ? "deaths" : times ? "passing failures" : "failures");
    ok(rounds > 15, "there were some");
}


/* an end whose jobs/ file could not be removed is an end nevertheless */

static void
half_ended(void)
{
    rec_t        open, final;
    seen_t       seen;
    imgp_journal_odd_t  odd;

    tmp_store(&store, 0);
    open = record(1, 1, 0);
    final = record(1, 1, 99999);

    step(0, &open);
    tmp_strike(FAULT_UNLINK, 0, EIO);
    is_int(step(1, &final), IMGP_ERROR, "it is told");
    tmp_calm();
    ok(tmp_count("jobs") == 1 && tmp_count("done") == 1, "it is in both");
    is_int(scan(&seen, &odd), IMGP_OK, "the scan");
    is_int(seen.n, 0, "does not hand it out: with one revision done/ counts");
    ok(tmp_count("jobs") == 0 && tmp_count("done") == 1, "it has ended");
}


static imgp_int_t
accept_upload(const rec_t *r, const char *content, uint64_t *added)
{
    u_char       digest[IMGP_DIGEST_LEN];
    imgp_blob_t  b;

    if (imgp_blob_hold(&b, &store, content, strlen(content), digest, &err)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_journal_accept(&b, r->id, r->data, r->len, 0, added, &err);
}


/* content and job at once, with the n-th call failing or fatal */

static void
accepting(int fatal)
{
    int          status;
    long         nth, wrong, fds;
    rec_t        r;
    pid_t        pid;
    uint64_t     added;
    imgp_int_t   rc;

    tmp_store(&store, 1);
    imgp_store_spread(&store, &err);
    r = record(1, 1, 0);

    tmp_calm();
    is_int(accept_upload(&r, "content", &added), IMGP_OK, "accepted");
    is_int(tmp_fault.count[FAULT_FSYNC], 4, "two files, two directories");
    ok(added == 4096 && tmp_count("blobs") == 1 && revision(&r) == 1,
       "there they are");

    r = record(2, 1, 0);
    tmp_calm();
    is_int(accept_upload(&r, "content", &added), IMGP_OK, "the same again");
    is_int(tmp_fault.count[FAULT_FSYNC], 3, "its name may be young");
    ok(added == 0 && tmp_count("blobs") == 1 && revision(&r) == 1,
       "is there");

    wrong = 0;
    fds = tmp_fds();

    for (nth = 0; nth < 40; nth++) {
        tmp_store(&store, 1);
        added = 7;

        if (fatal) {
            pid = fork();

            if (pid == 0) {
                tmp_strike(FAULT_ANY, nth, 0);
                _exit(accept_upload(&r, "content", &added) == IMGP_OK ? 0 : 1);
            }

            waitpid(pid, &status, 0);
            rc = (WEXITSTATUS(status) == 0) ? IMGP_OK : IMGP_ERROR;

        } else {
            tmp_strike(FAULT_ANY, nth, EIO);
            tmp_fault.times = 1;
            rc = accept_upload(&r, "content", &added);
            tmp_calm();
            wrong += (rc != IMGP_OK && revision(&r) != 0);
            wrong += (tmp_count("tmp") != 0);
        }

        /* no job without its content, none forgotten */

        wrong += (revision(&r) == 1 && tmp_count("blobs") != 1);
        wrong += (rc == IMGP_OK && revision(&r) != 1);

        if (rc == IMGP_OK && nth > 12) {
            break;
        }
    }

    is_int(wrong, 0, "%ld %s: no job without its content", nth,
           fatal ? "deaths" : "failures");
    ok(nth > 8 && nth < 40, "there were some");
    is_int(tmp_fds(), fds, "no descriptor is lost");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);
    plan = fix_closet(pool);

    for (tmp_named = 0; tmp_named < 2; tmp_named++) {
        life();
        scanning();
        versions();
        disasters(0, 0);
        disasters(0, 1);
        disasters(1, 0);
        half_ended();
        accepting(0);
        accepting(1);
    }

    imgp_pool_destroy(pool);
    tmp_remove();

    return done();
}
