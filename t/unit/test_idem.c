
/*
 * imgp_idem.c: the first one gets the key, whoever else comes at once.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include <pthread.h>


#define THREADS  8
#define KEYS     50


static imgp_store_t        store;
static imgp_store_error_t  err;
static u_char              key[IMGP_DIGEST_LEN];


static imgp_int_t
bind_as(u_char who, imgp_msec_t oldest, u_char *id)
{
    u_char      body[IMGP_DIGEST_LEN];
    imgp_int_t  rc;

    memset(id, who, IMGP_ID_BYTES);
    memset(body, who + 1, IMGP_DIGEST_LEN);

    rc = imgp_journal_bind(&store, key, oldest, id, body, &err);

    /* the body goes with the id */

    return (rc != IMGP_ERROR && body[31] != id[0] + 1) ? -99 : rc;
}


static void
binding(void)
{
    char    path[IMGP_PATH_MAX], name[IMGP_DIGEST_HEX_LEN + 1];
    u_char  id[IMGP_ID_BYTES], other[IMGP_ID_BYTES];

    memset(key, 0x77, sizeof(key));
    imgp_digest_hex(key, name);
    tmp_store(&store, 1);
    imgp_store_path(&store, "idem", name, IMGP_STORE_FAN_DIGEST, path);

    tmp_calm();
    is_int(bind_as(1, 0, id), IMGP_OK, "the first");
    is_int(tmp_fault.count[FAULT_FSYNC], 3, "is on the disk");
    is_int(id[0], 1, "keeps its id");
    is_int(bind_as(2, 0, id), IMGP_DECLINED, "the second");
    is_int(id[15], 1, "gets the first one's");

    tmp_age(path, 1000);
    is_int(bind_as(3, tmp_now() - 2000000, id), IMGP_DECLINED, "not too old");
    is_int(bind_as(4, tmp_now() - 500000, id), IMGP_OK, "too old: free");
    is_int(bind_as(5, tmp_now() - 500000, id), IMGP_DECLINED, "taken again");
    is_int(id[0], 4, "by the one who came then");

    tmp_spoil(path, "x", 1);
    is_int(bind_as(6, 0, id), IMGP_OK, "cut: free");

    memset(other, 5, sizeof(other));
    is_int(imgp_journal_unbind(&store, key, other), IMGP_DECLINED,
           "a job that does not have the key cannot free it");
    is_int(bind_as(7, 0, id), IMGP_DECLINED, "still taken");
    is_int(imgp_journal_unbind(&store, key, id), IMGP_OK, "unbound");
    is_int(imgp_journal_unbind(&store, key, id), IMGP_DECLINED, "once");
    is_int(bind_as(7, 0, id), IMGP_OK, "free");
    imgp_journal_unbind(&store, key, id);

    tmp_strike(FAULT_FSYNC, 0, EIO);
    is_int(bind_as(8, 0, id), IMGP_ERROR, "a failed fsync");
    tmp_calm();
    is_int(bind_as(9, 0, id), IMGP_OK, "binds nothing");
    is_int(tmp_count("tmp"), 0, "nothing is left in tmp/");
}


static void *
thread(void *data)
{
    long                 i, won;
    u_char               k[IMGP_DIGEST_LEN], id[IMGP_ID_BYTES];
    u_char               body[IMGP_DIGEST_LEN];
    imgp_store_error_t   e;

    won = 0;

    for (i = 0; i < KEYS; i++) {
        memset(k, (int) i, sizeof(k));
        memset(id, (int) (intptr_t) data, sizeof(id));
        memset(body, (int) (intptr_t) data, sizeof(body));

        switch (imgp_journal_bind(&store, k, 0, id, body, &e)) {
        case IMGP_OK:
            won++;
            break;
        case IMGP_ERROR:
            won += 1000000;
        }
    }

    return (void *) won;
}


static void
racing(void)
{
    int        status;
    long       i, won;
    void      *result;
    pid_t      pid;
    pthread_t  tid[THREADS];

    tmp_store(&store, 0);
    won = 0;

    /* another process takes part */

    pid = fork();

    if (pid == 0) {
        _exit((int) (long) thread((void *) 99l));
    }

    for (i = 0; i < THREADS; i++) {
        pthread_create(&tid[i], NULL, thread, (void *) i);
    }

    for (i = 0; i < THREADS; i++) {
        pthread_join(tid[i], &result);
        won += (long) result;
    }

    waitpid(pid, &status, 0);
    won += WEXITSTATUS(status);

    is_int(won, KEYS, "each key is bound exactly once");
    is_int(tmp_count("idem"), KEYS, "and is there");
}


int
main(void)
{
    binding();
    racing();

    tmp_remove();

    return done();
}
