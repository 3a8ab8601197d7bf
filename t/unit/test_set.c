
/*
 * imgp_set.c: what was put is there, and nothing else.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_set.h>


static void
digests(void)
{
    int          i, wrong;
    u_char       digest[IMGP_DIGEST_LEN];
    imgp_set_t   set;

    memset(&set, 0, sizeof(imgp_set_t));
    imgp_set_sort(&set);
    imgp_digest(&set, sizeof(set), digest);
    ok(!imgp_set_has(&set, digest, IMGP_DIGEST_LEN), "nothing is in none");

    for (i = 0; i < 10000; i += 2) {
        imgp_digest(&i, sizeof(i), digest);

        if (imgp_set_put(&set, digest, IMGP_DIGEST_LEN) != IMGP_OK) {
            break;
        }
    }

    is_int(set.n, 5000, "digests are put");
    imgp_set_sort(&set);

    for (i = 0, wrong = 0; i < 10000; i++) {
        imgp_digest(&i, sizeof(i), digest);
        wrong += imgp_set_has(&set, digest, IMGP_DIGEST_LEN) != (i % 2 == 0);
    }

    is_int(wrong, 0, "these are there, others are not");
    imgp_set_free(&set);
    ok(!imgp_set_has(&set, digest, IMGP_DIGEST_LEN) && set.elts == NULL,
       "it is empty again");
}


static void
ids(void)
{
    u_char      id[IMGP_ID_BYTES];
    imgp_set_t  set;

    memset(&set, 0, sizeof(imgp_set_t));
    memset(id, 7, sizeof(id));
    imgp_set_put(&set, id, sizeof(id));
    imgp_set_put(&set, id, sizeof(id));
    imgp_set_sort(&set);
    ok(imgp_set_has(&set, id, sizeof(id)), "an id, twice");
    ok(!imgp_set_has(&set, id, sizeof(id) - 1), "not a part of it");
    imgp_set_free(&set);
}


static void
jobs(void)
{
    imgp_job_t   *job;
    imgp_item_t   in, out, other;
    imgp_pool_t  *pool;
    imgp_set_t    set;

    memset(&set, 0, sizeof(imgp_set_t));
    pool = imgp_pool_create(&imgp_malloc, 4096);
    job = fix_job(fix_closet(pool));
    fix_run(job, 0, 2, 50, 2000);

    in = fix_item(1);
    out = fix_item(51);
    other = fix_item(52);

    is_int(imgp_set_put_job(&set, job), IMGP_OK, "a job");
    imgp_set_sort(&set);
    ok(imgp_set_has(&set, in.digest, IMGP_DIGEST_LEN), "needs its input");
    ok(imgp_set_has(&set, out.digest, IMGP_DIGEST_LEN), "and its outputs");
    ok(!imgp_set_has(&set, other.digest, IMGP_DIGEST_LEN), "nothing else");

    imgp_set_free(&set);
    imgp_job_destroy(job);
    imgp_pool_destroy(pool);
}


int
main(void)
{
    digests();
    ids();
    jobs();

    return done();
}
