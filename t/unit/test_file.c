
/*
 * imgp_file.c: whole or not at all, under every fault of the system.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"


static imgp_store_t  store;
static char          path[IMGP_PATH_MAX];


static const char  old_content[] = "old";
static const char  new_content[] = "the new content";


static int
holds(const char *content)
{
    int                  rc;
    imgp_str_t           s;
    imgp_pool_t         *pool;
    imgp_store_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 256);

    rc = (imgp_file_read(path, 100, pool, &s, &err) == IMGP_OK
          && s.len == strlen(content)
          && memcmp(s.data, content, s.len) == 0);

    imgp_pool_destroy(pool);

    return rc;
}


static imgp_int_t
put(const char *content, imgp_store_error_t *err)
{
    memset(err, 0, sizeof(imgp_store_error_t));

    return imgp_file_put(&store, path, content, strlen(content), store.sync,
                         err);
}


static void
plain(void)
{
    imgp_str_t           s;
    struct stat          st;
    imgp_pool_t         *pool;
    imgp_store_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 256);

    tmp_store(&store, 1);
    imgp_store_path(&store, "blobs", "abcdef", IMGP_STORE_FAN_DIGEST, path);

    is_int(imgp_file_read(path, 100, pool, &s, &err), IMGP_DECLINED,
           "nothing there");

    tmp_calm();
    is_int(put(old_content, &err), IMGP_OK, "a file is put");
    ok(holds(old_content), "and read");
    is_int(tmp_fault.count[FAULT_FSYNC], 3,
           "fsync: itself, its directory, and that one's");
    is_int(tmp_count("tmp"), 0, "nothing is left in tmp/");
    stat(path, &st);
    is_int(st.st_mode & 0777, 0600, "nobody else reads it");

    tmp_calm();
    is_int(put(new_content, &err), IMGP_OK, "it is replaced");
    ok(holds(new_content), "by what is new");
    is_int(tmp_fault.count[FAULT_FSYNC], 2, "fsync: itself, its directory");

    store.sync = 0;
    tmp_calm();
    is_int(put(old_content, &err), IMGP_OK, "and without sync");
    is_int(tmp_fault.count[FAULT_FSYNC], 0, "no fsync");

    is_int(imgp_file_read(path, 2, pool, &s, &err), IMGP_OK, "too large");
    is_int(s.len, 0, "is empty");
    is_int(imgp_file_read(tmp_root, 100, pool, &s, &err), IMGP_OK,
           "so is a directory");
    is_int(s.len, 0, "which is no file");

    is_int(imgp_file_remove(path, &err), IMGP_OK, "removed");
    is_int(imgp_file_remove(path, &err), IMGP_DECLINED, "only once");

    imgp_pool_destroy(pool);
}


static void
pieces(void)
{
    imgp_store_error_t  err;

    tmp_store(&store, 1);
    imgp_store_path(&store, "jobs", "x", 0, path);

    tmp_calm();
    tmp_fault.at_most = 1;
    is_int(put(new_content, &err), IMGP_OK, "byte by byte");
    is_int(tmp_fault.count[FAULT_WRITE], strlen(new_content), "really");
    ok(holds(new_content), "it is whole");
}


static void
touch(void)
{
    int64_t             age;
    imgp_store_error_t  err;

    tmp_store(&store, 0);
    imgp_store_path(&store, "jobs", "x", 0, path);

    is_int(imgp_file_touch(path, 3, &age, &err), IMGP_DECLINED, "not there");
    put(old_content, &err);

    tmp_calm();
    is_int(imgp_file_touch(path, 3, &age, &err), IMGP_OK, "there");
    is_int(tmp_fault.count[FAULT_UTIMENSAT], 0, "and young");
    is_int(imgp_file_touch(path, 4, &age, &err), IMGP_DECLINED,
           "another size");

    tmp_age(path, 100);
    is_int(imgp_file_touch(path, 3, &age, &err), IMGP_OK, "and old");
    ok(age >= 100 && age < 110, "it was");
    ok(tmp_age_of(path) < 10, "it is no longer");

    tmp_age(path, 100);
    tmp_strike(FAULT_UTIMENSAT, 0, ENOENT);
    is_int(imgp_file_touch(path, 3, &age, &err), IMGP_DECLINED,
           "swept away between look and renewal");
    tmp_strike(FAULT_UTIMENSAT, 0, EROFS);
    is_int(imgp_file_touch(path, 3, &age, &err), IMGP_ERROR, "read-only");
    is_str(err.call, "utimensat", "is told");
    tmp_calm();
}


/* each call fails once, in each way, with a file there before and without */

static void
faults(void)
{
    long                nth, fds, rounds;
    size_t              call, e, before;
    imgp_int_t          rc;
    imgp_store_error_t  err;
    unsigned            wrong;

    static const int  errors[] = { ENOSPC, EDQUOT, EIO, EROFS, EMFILE };

    store.sync = 1;
    fds = tmp_fds();
    wrong = 0;
    rounds = 0;

    for (before = 0; before < 2; before++) {
        for (call = FAULT_WRITE; call <= FAULT_MKDIR; call++) {
            for (e = 0; e < imgp_nelts(errors); e++) {
                for (nth = 0; nth < 9; nth++) {

                    tmp_store(&store, 1);
                    imgp_store_path(&store, "results", "abcdef",
                                    IMGP_STORE_FAN_DIGEST, path);

                    if (before) {
                        put(old_content, &err);
                    }

                    tmp_strike(call, nth, errors[e]);
                    rc = put(new_content, &err);
                    tmp_calm();

                    rounds++;

                    if (rc == IMGP_OK) {
                        wrong += !holds(new_content);
                        break;
                    }

                    wrong += (err.syserr != errors[e]);
                    wrong += strcmp(err.call, tmp_calls[call]) != 0;
                    wrong += (err.error.code
                              != (e < 2 ? IMGP_E_STORE_FULL
                                        : IMGP_E_STORE_AWAY));
                    wrong += strstr(err.error.detail, "/") != NULL;

                    /* what is there is whole, and nothing else is */

                    wrong += !(holds(new_content)
                               || (before ? holds(old_content)
                                          : !tmp_exists(path)));

                    /* after a failed fsync of its bytes it is never used */

                    wrong += (call == FAULT_FSYNC && nth == 0
                              && holds(new_content));

                    wrong += (tmp_count("tmp") != 0);
                    wrong += (put(new_content, &err) != IMGP_OK);
                    wrong += !holds(new_content);
                }

                wrong += (nth == 9);
            }
        }
    }

    is_int(wrong, 0, "%ld faults leave the old, or the new, whole", rounds);
    ok(rounds > 80, "there were some");
    is_int(tmp_fds(), fds, "no descriptor is left open");
}


/* the process dies before its n-th call */

static void
deaths(void)
{
    int                 status;
    long                nth;
    pid_t               pid;
    unsigned            wrong;
    imgp_store_error_t  err;

    wrong = 0;

    for (nth = 0; nth < 30; nth++) {
        tmp_store(&store, 1);
        imgp_store_path(&store, "results", "abcdef", IMGP_STORE_FAN_DIGEST,
                        path);
        put(old_content, &err);

        pid = fork();

        if (pid == 0) {
            tmp_strike(FAULT_ANY, nth, 0);
            _exit(put(new_content, &err) == IMGP_OK ? 0 : 1);
        }

        waitpid(pid, &status, 0);

        wrong += !(holds(old_content) || holds(new_content));

        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            wrong += !holds(new_content);
            break;
        }

        wrong += (put(new_content, &err) != IMGP_OK || !holds(new_content));
    }

    is_int(wrong, 0, "%ld deaths leave the old, or the new, whole", nth);
    ok(nth >= 5 && nth < 30, "there were some");
}


int
main(void)
{
    for (tmp_named = 0; tmp_named < 2; tmp_named++) {
        plain();
        pieces();
        touch();
        faults();
        deaths();
    }

    tmp_remove();

    return done();
}
