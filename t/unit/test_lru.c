
/*
 * imgp_lru.c: the n oldest of many.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_lru.h>


#define MANY  5000


static int
compare(const void *one, const void *two)
{
    int64_t  a = *(const int64_t *) one, b = *(const int64_t *) two;

    return (a > b) - (a < b);
}


static void
oldest(size_t max, size_t many, int64_t range, uint64_t seed)
{
    size_t           i, wrong;
    int64_t          times[MANY];
    imgp_lru_t       lru;
    imgp_lru_file_t  file;

    memset(&lru, 0, sizeof(lru));
    memset(&file, 0, sizeof(file));
    lru.max = max;

    for (i = 0; i < many; i++) {
        file.mtime = fix_random(&seed) % range;
        file.room = file.mtime * 2;
        times[i] = file.mtime;
        imgp_lru_add(&lru, &file);
    }

    imgp_lru_sort(&lru);
    qsort(times, many, sizeof(int64_t), compare);

    for (i = 0, wrong = 0; i < lru.n; i++) {
        wrong += (lru.files[i].mtime != times[i]
                  || lru.files[i].room != (uint64_t) times[i] * 2);
    }

    is_int(wrong, 0, "the %zu oldest of %zu, in order", lru.n, many);
    is_int(lru.n, imgp_min(max, many), "as many as there may be");
    ok(lru.size <= imgp_max(max, 1), "and no more memory");

    imgp_lru_free(&lru);
}


int
main(void)
{
    oldest(100, MANY, 1000000, 1);
    oldest(100, MANY, 7, 2);
    oldest(3000, MANY, 1000000, 3);
    oldest(MANY, MANY, 1000000, 4);
    oldest(10, 3, 100, 5);
    oldest(1, MANY, 1000000, 6);
    oldest(0, 10, 100, 7);
    oldest(5, 0, 100, 8);

    return done();
}
