
/*
 * imgp_blob.c: content by its digest, streamed or at once, known, spoilt, on
 * a full disk, by many threads.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include <pthread.h>
#include <sys/mount.h>


#define THREADS  8
#define CONTENTS 40


static imgp_store_t        store;
static imgp_store_error_t  err;


static imgp_item_t
item_of(const void *p, size_t len)
{
    imgp_item_t  item;

    memset(&item, 0, sizeof(item));
    imgp_digest(p, len, item.digest);
    item.bytes = len;

    return item;
}


static int
stored(const void *p, size_t len)
{
    int          rc;
    imgp_str_t   map;
    imgp_item_t  item;

    item = item_of(p, len);
    rc = (imgp_blob_map(&store, &item, 0, &map, &err) == IMGP_OK
          && map.len == len && memcmp(map.data, p, len) == 0);
    imgp_blob_unmap(&map);

    return rc;
}


static imgp_int_t
commit(imgp_blob_t *b, u_char *digest, uint64_t *added)
{
    *added = 0;

    if (imgp_blob_seal(b, digest, &err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_blob_commit(b, added, &err);
}


static void
streamed(void)
{
    u_char        digest[IMGP_DIGEST_LEN];
    char          path[IMGP_PATH_MAX], hex[IMGP_DIGEST_HEX_LEN + 1];
    uint64_t      added;
    imgp_blob_t   b;

    tmp_store(&store, 1);

    is_int(imgp_blob_open(&b, &store, &err), IMGP_OK, "open");
    is_int(imgp_blob_write(&b, "hello ", 6, &err), IMGP_OK, "write");
    is_int(imgp_blob_write(&b, "", 0, &err), IMGP_OK, "nothing");
    is_int(imgp_blob_write(&b, "world", 5, &err), IMGP_OK, "more");
    is_int(tmp_count("blobs"), 0, "nothing has its name before the end");
    is_int(tmp_count("tmp"), !store.unnamed, "but in tmp/, or none");
    is_int(commit(&b, digest, &added), IMGP_OK, "commit");
    is_int(added, 4096, "the room it takes");
    is_int(tmp_count("tmp"), 0, "tmp/ is empty");

    imgp_digest_hex(digest, hex);
    is_str(hex, "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efc"
           "de9", "its name is its digest");
    imgp_blob_path(&store, digest, path);
    ok(strstr(path, "/blobs/b9/b94d27b9934d3e08") != NULL && tmp_exists(path),
       "there it is");
    ok(stored("hello world", 11), "and can be read");
    imgp_blob_abort(&b);
    imgp_blob_abort(&b);
    ok(stored("hello world", 11), "an abort after the end does nothing");

    /* the same again is known, and becomes young */

    tmp_age(path, 1000);
    imgp_blob_open(&b, &store, &err);
    imgp_blob_write(&b, "hello world", 11, &err);
    tmp_calm();
    is_int(commit(&b, digest, &added), IMGP_OK, "the same");
    is_int(added, 0, "takes no room");
    is_int(tmp_fault.count[FAULT_FSYNC], 0, "nor an fsync, being old");
    ok(tmp_age_of(path) < 10, "it is young again");
    is_int(tmp_count("tmp"), 0, "tmp/ is empty");
    is_int(tmp_count("blobs"), 1, "it is stored once");

    /* another length under its name is no content: it is replaced */

    tmp_spoil(path, "short", 5);
    imgp_blob_open(&b, &store, &err);
    imgp_blob_write(&b, "hello world", 11, &err);
    is_int(commit(&b, digest, &added), IMGP_OK, "and again");
    ok(added == 4096 && stored("hello world", 11), "in place of what was cut");

    /* nor are other bytes of the same length: what came mends them */

    tmp_spoil(path, "hello wOrld", 11);
    imgp_blob_open(&b, &store, &err);
    imgp_blob_write(&b, "hello world", 11, &err);
    is_int(commit(&b, digest, &added), IMGP_OK, "streamed");
    ok(added == 4096 && stored("hello world", 11),
       "in place of what was spoilt");

    tmp_spoil(path, "hello worlD", 11);
    is_int(imgp_blob_put(&store, "hello world", 11, digest, &added, &err),
           IMGP_OK, "at once");
    ok(added == 4096 && stored("hello world", 11),
       "in place of what was spoilt");

    imgp_blob_open(&b, &store, &err);
    imgp_blob_write(&b, "x", 1, &err);
    imgp_blob_abort(&b);
    is_int(tmp_count("tmp"), 0, "aborted");
}


static void
at_once(void)
{
    u_char     digest[IMGP_DIGEST_LEN];
    char       path[IMGP_PATH_MAX];
    u_char    *big;
    uint64_t   added;

    big = malloc(1000000);
    memset(big, 'b', 1000000);

    tmp_store(&store, 1);

    is_int(imgp_blob_put(&store, big, 1000000, digest, &added, &err), IMGP_OK,
           "a large one");
    is_int(added, 1003520, "in blocks");
    ok(stored(big, 1000000), "can be read");
    tmp_calm();
    is_int(imgp_blob_put(&store, big, 1000000, digest, &added, &err), IMGP_OK,
           "again");
    is_int(added, 0, "is known");
    is_int(tmp_fault.count[FAULT_WRITE], 0, "nothing is written");
    is_int(tmp_fault.count[FAULT_FSYNC], 1,
           "its name is fsync'ed, which its writer may not have done yet");

    imgp_blob_path(&store, digest, path);
    tmp_age(path, 40);
    tmp_strike(FAULT_UTIMENSAT, 0, ENOENT);
    is_int(imgp_blob_put(&store, big, 1000000, digest, &added, &err), IMGP_OK,
           "swept away at this very moment");
    ok(added == 1003520 && stored(big, 1000000), "it is made anew");
    tmp_calm();

    is_int(imgp_blob_put(&store, NULL, 0, digest, &added, &err), IMGP_OK,
           "an empty one");
    ok(stored("", 0), "can be read, too");

    free(big);
}


static void
spoilt(void)
{
    char         path[IMGP_PATH_MAX];
    u_char       digest[IMGP_DIGEST_LEN];
    uint64_t     added;
    imgp_str_t   map;
    imgp_item_t  item;

    tmp_store(&store, 0);

    item = item_of("content", 7);
    is_int(imgp_blob_map(&store, &item, 0, &map, &err), IMGP_DECLINED,
           "not there");

    imgp_blob_put(&store, "content", 7, digest, &added, &err);
    imgp_blob_path(&store, digest, path);

    tmp_spoil(path, "cOntent", 7);
    is_int(imgp_blob_map(&store, &item, 0, &map, &err), IMGP_DECLINED,
           "one bit is wrong");
    ok(map.data == NULL && map.len == 0, "there is no map");
    ok(!tmp_exists(path), "it is removed, to be made anew");

    imgp_blob_put(&store, "content", 7, digest, &added, &err);
    tmp_spoil(path, "conten", 6);
    is_int(imgp_blob_map(&store, &item, 0, &map, &err), IMGP_DECLINED, "cut");
    ok(!tmp_exists(path), "removed");

    imgp_blob_put(&store, "content", 7, digest, &added, &err);
    tmp_age(path, 100);
    is_int(imgp_blob_map(&store, &item, 0, &map, &err), IMGP_OK, "whole");
    ok(tmp_age_of(path) < 10, "using it makes it young");
    imgp_blob_unmap(&map);
    imgp_blob_unmap(&map);

    tmp_spoil(path, "cOntent", 7);
    is_int(imgp_blob_map(&store, &item, 1, &map, &err), IMGP_OK,
           "trusted, it is not looked at");
    imgp_blob_unmap(&map);
    tmp_spoil(path, "conten", 6);
    is_int(imgp_blob_map(&store, &item, 1, &map, &err), IMGP_DECLINED,
           "but its length is");

    imgp_blob_put(&store, "content", 7, digest, &added, &err);

    item.bytes = 6;
    is_int(imgp_blob_map(&store, &item, 0, &map, &err), IMGP_DECLINED,
           "an item with another length");
}


/* the n-th call fails while a blob is streamed */

static void
faults(void)
{
    int           e;
    long          nth, fds, rounds;
    size_t        call;
    u_char        digest[IMGP_DIGEST_LEN];
    uint64_t      added;
    imgp_int_t    rc;
    unsigned      wrong;
    imgp_blob_t   b;

    static const int  errors[] = { ENOSPC, EIO };

    fds = tmp_fds();
    wrong = 0;
    rounds = 0;

    for (call = FAULT_WRITE; call <= FAULT_MKDIR; call++) {
        for (e = 0; e < 2; e++) {
            for (nth = 0; nth < 10; nth++) {
                tmp_store(&store, 1);
                memset(&err, 0, sizeof(err));
                tmp_strike(call, nth, errors[e]);

                rc = imgp_blob_open(&b, &store, &err);

                if (rc == IMGP_OK) {
                    rc = imgp_blob_write(&b, "hello ", 6, &err);
                }

                if (rc == IMGP_OK) {
                    rc = imgp_blob_write(&b, "world", 5, &err);
                }

                if (rc == IMGP_OK) {
                    rc = commit(&b, digest, &added);
                }

                tmp_calm();

                if (rc == IMGP_OK) {
                    wrong += !stored("hello world", 11);
                    break;
                }

                rounds++;

                wrong += (err.error.code != (e == 0 ? IMGP_E_STORE_FULL
                                                    : IMGP_E_STORE_AWAY));

                /* all that follows fails, and harms nothing */

                wrong += (imgp_blob_write(&b, "x", 1, &err) != IMGP_ERROR);
                wrong += (commit(&b, digest, &added) != IMGP_ERROR);
                imgp_blob_abort(&b);

                wrong += (added != 0);
                wrong += (tmp_count("tmp") != 0);
                wrong += (call == FAULT_FSYNC && nth == 0
                          && tmp_count("blobs") != 0);
                wrong += (imgp_blob_put(&store, "hello world", 11, digest,
                                        &added, &err) != IMGP_OK);
                wrong += !stored("hello world", 11);
            }

            wrong += (nth == 10);
        }
    }

    is_int(wrong, 0, "%ld faults leave nothing behind", rounds);
    ok(rounds >= 12, "there were some");
    is_int(tmp_fds(), fds, "no descriptor is left open");
}


/* a disk that is really full */

static void
full_disk(void)
{
    long          n;
    u_char        digest[IMGP_DIGEST_LEN], block[10000];
    char          path[512];
    uint64_t      added;
    imgp_int_t    rc;
    imgp_blob_t   b;
    imgp_store_t  small;

    tmp_store(&store, 1);
    snprintf(path, sizeof(path), "%s/small", tmp_root);

    if (mkdir(path, 0700) == -1
        || mount("imgp-unit", path, "tmpfs", 0, "size=256k,mode=0700") == -1)
    {
        skip("no tmpfs can be mounted here: %s", strerror(errno));
        return;
    }

    small.path.data = (u_char *) path;
    small.path.len = strlen(path);
    small.sync = 1;
    memset(block, 'x', sizeof(block));
    memset(&err, 0, sizeof(err));

    rc = imgp_store_init(&small, &err);

    for (n = 0; rc == IMGP_OK && n < 1000; n++) {
        memcpy(block, &n, sizeof(n));
        rc = imgp_blob_put(&small, block, sizeof(block), digest, &added,
                           &err);
    }

    ok(rc == IMGP_ERROR && n > 5 && n < 50, "full after %ld blobs", n);
    is_int(err.error.code, IMGP_E_STORE_FULL, "is told as such");
    is_int(tmp_count("small/tmp"), 0, "nothing half is left");
    is_int(tmp_count("small/blobs"), n - 1, "all others are there");

    store = small;

    for (n--; n > 0; n--) {
        long  i = n - 1;

        memcpy(block, &i, sizeof(i));

        if (!stored(block, sizeof(block))) {
            break;
        }
    }

    is_int(n, 0, "and whole");

    rc = imgp_blob_open(&b, &small, &err);

    for (n = 0; rc == IMGP_OK && n < 1000; n++) {
        rc = imgp_blob_write(&b, block, sizeof(block), &err);
    }

    imgp_blob_abort(&b);
    is_int(err.error.code, IMGP_E_STORE_FULL, "streaming runs full, too");
    is_int(tmp_count("small/tmp"), 0, "and leaves nothing");

    umount2(path, MNT_DETACH);
}


static void *
thread(void *data)
{
    long                 i, wrong;
    char                 content[32];
    u_char               digest[IMGP_DIGEST_LEN];
    uint64_t             added;
    imgp_str_t           map;
    imgp_item_t          item;
    imgp_blob_t          b;
    imgp_store_error_t   e;

    wrong = 0;

    for (i = 0; i < CONTENTS; i++) {
        snprintf(content, sizeof(content), "content %ld", i);
        item = item_of(content, strlen(content));

        if ((intptr_t) data % 2) {
            wrong += (imgp_blob_put(&store, content, strlen(content), digest,
                                    &added, &e) != IMGP_OK);

        } else if (imgp_blob_open(&b, &store, &e) != IMGP_OK
                   || imgp_blob_write(&b, content, strlen(content), &e)
                      != IMGP_OK
                   || commit(&b, digest, &added) != IMGP_OK)
        {
            wrong++;
        }

        if (imgp_blob_map(&store, &item, 0, &map, &e) != IMGP_OK) {
            wrong++;
            continue;
        }

        imgp_blob_unmap(&map);
    }

    return (void *) wrong;
}


/* where the directory is there, the second fsync() of a blob is of its name */

static void
doubted(void)
{
    char         path[IMGP_PATH_MAX];
    u_char       digest[IMGP_DIGEST_LEN], id[IMGP_ID_BYTES];
    uint64_t     added;
    imgp_blob_t  b;

    tmp_store(&store, 1);
    imgp_blob_put(&store, "content", 7, digest, &added, &err);
    imgp_blob_path(&store, digest, path);
    imgp_file_remove(path, &err);

    tmp_strike(FAULT_FSYNC, 1, EIO);
    is_int(imgp_blob_put(&store, "content", 7, digest, &added, &err),
           IMGP_ERROR, "its name could not be synced");
    tmp_calm();
    tmp_age(path, 1000);

    is_int(imgp_blob_put(&store, "content", 7, digest, &added, &err), IMGP_OK,
           "an hour later");
    is_int(added, 4096, "it is written again");
    is_int(imgp_blob_put(&store, "content", 7, digest, &added, &err), IMGP_OK,
           "and again");
    is_int(added, 0, "now it is known");

    /* a job that relies on another's new file: its record's fsync(), and those
       of the record's directory and name, come before */

    memset(id, 1, sizeof(id));
    imgp_blob_hold(&b, &store, "content", 7, digest, &err);
    tmp_strike(FAULT_FSYNC, 3, EIO);
    is_int(imgp_journal_accept(&b, id, (u_char *) "r", 1, 0, &added, &err),
           IMGP_ERROR, "nor is one believed that another has just written");
    tmp_calm();

    imgp_blob_put(&store, "content", 7, digest, &added, &err);
    is_int(added, 4096, "it is written again, too");
}


static void
threads(void)
{
    long       i, wrong;
    void      *result;
    pthread_t  tid[THREADS];

    tmp_store(&store, 1);
    wrong = 0;

    for (i = 0; i < THREADS; i++) {
        pthread_create(&tid[i], NULL, thread, (void *) i);
    }

    for (i = 0; i < THREADS; i++) {
        pthread_join(tid[i], &result);
        wrong += (long) result;
    }

    is_int(wrong, 0, "many threads store the same");
    is_int(tmp_count("blobs"), CONTENTS, "each is there once");
    is_int(tmp_count("tmp"), 0, "nothing is left in tmp/");
}


int
main(void)
{
    for (tmp_named = 0; tmp_named < 2; tmp_named++) {
        streamed();
        at_once();
        spoilt();
        faults();
        full_disk();
        doubted();
        threads();
    }

    tmp_remove();

    return done();
}
