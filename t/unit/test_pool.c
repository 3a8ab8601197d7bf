
/*
 * Pools: alignment, no overlap, all freed, and every allocation failing in
 * turn.
 */


#include "imgp_test.h"


#define PIECES  500


static const size_t  sizes[] = { 0, 1, 15, 16, 17, 100, 255, 256, 1000, 4096,
                                 100000 };


static imgp_alloc_t
allocator(test_alloc_t *ta, long left)
{
    imgp_alloc_t  alloc;

    ta->left = left;
    ta->live = 0;

    alloc.alloc = test_alloc;
    alloc.free = test_free;
    alloc.data = ta;

    return alloc;
}


static void
test_pieces(size_t page)
{
    size_t        size, wrong, odd;
    u_char       *p[PIECES];
    imgp_uint_t   i, j;
    test_alloc_t  ta;
    imgp_pool_t  *pool;
    imgp_alloc_t  alloc;

    alloc = allocator(&ta, -1);
    pool = imgp_pool_create(&alloc, page);

    ok(pool != NULL, "a pool of pages of %zu", page);

    for (i = 0, odd = 0; i < PIECES; i++) {
        size = sizes[i % imgp_nelts(sizes)];
        p[i] = imgp_palloc(pool, size);

        odd += (p[i] == NULL || (uintptr_t) p[i] % 16 != 0);
        memset(p[i], (int) i, size);
    }

    is_int(odd, 0, "all pieces are there and aligned");

    for (i = 0, wrong = 0; i < PIECES; i++) {
        size = sizes[i % imgp_nelts(sizes)];

        for (j = 0; j < size; j++) {
            wrong += (p[i][j] != (u_char) i);
        }

        wrong += (i && p[i] == p[i - 1]);
    }

    is_int(wrong, 0, "and keep their bytes");
    ok(ta.live > 1, "more than a page was needed");

    imgp_pool_destroy(pool);

    is_int(ta.live, 0, "all is freed");
}


static void
test_failures(void)
{
    long          n, failed;
    size_t        wrong;
    imgp_uint_t   i;
    test_alloc_t  ta;
    imgp_pool_t  *pool;
    imgp_alloc_t  alloc;

    alloc = allocator(&ta, 0);
    ok(imgp_pool_create(&alloc, 4096) == NULL, "no memory for the pool");
    is_int(ta.live, 0, "nothing is left over");

    for (n = 1, wrong = 0; n < 40; n++) {
        alloc = allocator(&ta, n);
        pool = imgp_pool_create(&alloc, 256);

        for (i = 0, failed = 0; i < 100; i++) {
            failed += (imgp_palloc(pool, 200) == NULL);
        }

        wrong += (failed == 0 || failed > 100 - n + 1 || ta.left != 0);

        /* a pool that failed once goes on when there is memory again */

        ta.left = -1;
        wrong += (imgp_palloc(pool, 5000) == NULL);
        wrong += (imgp_palloc(pool, 20) == NULL);

        imgp_pool_destroy(pool);
        wrong += (ta.live != 0);
    }

    is_int(wrong, 0, "the n-th allocation fails, nothing leaks");
}


/* gives small blocks only, and remembers the largest that was asked for */

static void *
limited_alloc(void *data, size_t size)
{
    size_t  *asked = data;

    *asked = imgp_max(*asked, size);

    return size > 1000000 ? NULL : malloc(size);
}


static void
limited_free(void *data, void *p)
{
    free(p);
}


/* a sum that wraps would ask for a small block, and get it */

static void
test_overflow(void)
{
    size_t        n, asked, wrong;
    imgp_str_t    huge;
    imgp_pool_t  *pool;
    imgp_alloc_t  alloc = { limited_alloc, limited_free, &asked };

    for (n = 0, wrong = 0; n < 500; n++) {
        asked = 0;
        wrong += (imgp_pool_create(&alloc, SIZE_MAX - n) != NULL);
        wrong += (asked != 0 && asked < SIZE_MAX - n);
    }

    is_int(wrong, 0, "pages too large");

    pool = imgp_pool_create(&alloc, 4096);

    for (n = 0, wrong = 0; n < 500; n++) {
        asked = 0;
        wrong += (imgp_palloc(pool, SIZE_MAX - n) != NULL);
        wrong += (imgp_pcalloc(pool, SIZE_MAX - n) != NULL);
        wrong += (asked != 0 && asked < SIZE_MAX - n);
    }

    is_int(wrong, 0, "pieces too large");

    huge.data = (u_char *) "x";

    for (n = 0, wrong = 0; n < 500; n++) {
        huge.len = SIZE_MAX - n;
        wrong += (imgp_pstrdup(pool, &huge) != NULL);
    }

    is_int(wrong, 0, "strings too large");

    imgp_pool_destroy(pool);
    imgp_pool_destroy(NULL);
}


static void
test_helpers(void)
{
    size_t        i, n;
    u_char       *p;
    imgp_str_t    s = imgp_string("cat"), none = imgp_null_string;
    imgp_pool_t  *pool;

    pool = imgp_pool_create(&imgp_malloc, 0);

    p = imgp_palloc(pool, 1000);
    memset(p, 0xff, 1000);

    p = imgp_pcalloc(pool, 1000);
    for (i = 0, n = 0; i < 1000; i++) {
        n += p[i];
    }

    is_int(n, 0, "pcalloc clears");

    p = imgp_pstrdup(pool, &s);
    ok(p != s.data, "pstrdup copies");
    is_str((char *) p, "cat", "with a NUL");
    is_str((char *) imgp_pstrdup(pool, &none), "", "a null string");

    imgp_pool_destroy(pool);
}


int
main(void)
{
    test_pieces(0);
    test_pieces(4096);
    test_pieces(65536);
    test_failures();
    test_overflow();
    test_helpers();

    return done();
}
