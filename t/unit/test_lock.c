
/*
 * imgp_lock.c: one holder at a time, among threads and processes; who renews
 * waits for who removes, and the other way round.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include <pthread.h>
#include <sys/file.h>
#include <imgp/imgp_dir.h>
#include <imgp/imgp_lock.h>


#define THREADS  4
#define TURNS    500


static imgp_store_t   store;
static char           path[IMGP_PATH_MAX];
static volatile long  inside, clashes, turns;


static void
alone(void)
{
    int   fd, other;
    char  dir[IMGP_PATH_MAX], old[IMGP_PATH_MAX];

    imgp_store_path(&store, "tmp", "old", 0, old);
    imgp_store_path(&store, "blobs", "aa", IMGP_STORE_FAN_DIGEST, path);

    is_int(imgp_lock(path), -1, "no directory");
    is_int(errno, ENOENT, "is told");
    is_int(imgp_lock_renew(path), -1, "no directory");
    is_int(errno, ENOENT, "is told");

    tmp_spoil(old, "old", 3);
    is_int(imgp_lock_rename(old, path), -1, "no directory");
    is_int(errno, ENOENT, "is told");

    imgp_dir_make(path, 0, NULL);
    is_int(imgp_lock_renew(path), -1, "no file");
    is_int(errno, ENOENT, "is told");
    is_int(imgp_lock_rename(old, path), 0, "renamed");
    ok(tmp_exists(path) && !tmp_exists(old), "there it is");

    tmp_age(path, 1000);
    is_int(imgp_lock_renew(path), 0, "renewed");
    ok(tmp_age_of(path) < 100, "it is young");

    fd = imgp_lock(path);
    ok(fd != -1, "locked");

    imgp_store_path(&store, "blobs", "aa", 0, dir);
    other = open(dir, O_RDONLY | O_DIRECTORY);
    is_int(flock(other, LOCK_SH | LOCK_NB), -1, "against those who share");
    close(fd);
    is_int(flock(other, LOCK_SH | LOCK_NB), 0, "until it is closed");
    is_int(imgp_lock_renew(path), 0, "and these against none of their own");
    close(other);
}


static void *
turn(void *data)
{
    int   fd, i;

    for (i = 0; i < TURNS; i++) {
        fd = imgp_lock(path);

        if (fd == -1 || __sync_fetch_and_add(&inside, 1) != 0) {
            (void) __sync_fetch_and_add(&clashes, 1);
        }

        turns++;
        (void) __sync_fetch_and_sub(&inside, 1);
        close(fd);
    }

    return NULL;
}


static void
many(void)
{
    int        i;
    pthread_t  threads[THREADS];

    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, turn, NULL);
    }

    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }

    is_int(clashes, 0, "never two at once");
    is_int(turns, THREADS * TURNS, "and no turn is lost");
}


int
main(void)
{
    tmp_store(&store, 0);

    alone();
    many();

    tmp_remove();

    return done();
}
