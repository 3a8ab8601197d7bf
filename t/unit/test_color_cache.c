
/*
 * The cache of colour transforms: who gets what, and what has to go when.
 */


#include <pthread.h>
#include <imgp/imgp_color_cache.h>
#include "imgp_test.h"


#define THREADS  4
#define ROUNDS   20000
#define KEYS     3


typedef struct {
    imgp_color_item_t   item;
    long                users;
} thing_t;


static imgp_color_cache_t  *cache;
static long                 live, wrong;


static void
destroy(imgp_color_item_t *item)
{
    __atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
    free(item);
}


static imgp_color_key_t
key(uint32_t n)
{
    imgp_color_key_t  k;

    memset(&k, 0, sizeof(k));
    k.profile[IMGP_DIGEST_LEN - 1] = n;

    return k;
}


static imgp_color_item_t *
make(uint32_t n, size_t size)
{
    thing_t  *thing;

    thing = calloc(1, sizeof(thing_t));
    thing->item.key = key(n);
    thing->item.alloc = &imgp_malloc;
    thing->item.size = size;
    thing->item.destroy = destroy;

    __atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);

    return &thing->item;
}


static imgp_color_item_t *
take(uint32_t n)
{
    imgp_color_key_t  k;

    k = key(n);

    return imgp_color_cache_take(cache, &k);
}


static void
one_owner(void)
{
    imgp_color_key_t    k;
    imgp_color_item_t  *a, *b;

    cache = imgp_color_cache_create(&imgp_malloc);

    ok(take(1) == NULL, "nothing is in a new one");

    a = make(1, 100);
    b = make(1, 100);

    imgp_color_cache_put(cache, a);
    ok(take(2) == NULL, "another profile");

    k = key(1);
    k.from = 1;
    ok(imgp_color_cache_take(cache, &k) == NULL, "another format");

    k = key(1);
    k.intent = 1;
    ok(imgp_color_cache_take(cache, &k) == NULL, "another intent");

    ok(take(1) == a && take(1) == NULL, "one item has one owner");

    imgp_color_cache_put(cache, a);
    imgp_color_cache_put(cache, b);
    ok(take(1) == b && take(1) == a, "two of a key are two items");

    imgp_color_cache_put(cache, a);
    imgp_color_cache_put(cache, b);
    imgp_color_cache_destroy(cache);
    is_int(live, 0, "all is freed at the end");
}


static void
bounds(void)
{
    uint32_t            i;
    imgp_alloc_t        other = imgp_malloc;
    imgp_color_item_t  *item;

    cache = imgp_color_cache_create(&imgp_malloc);

    for (i = 0; i < IMGP_COLOR_CACHE_MAX; i++) {
        imgp_color_cache_put(cache, make(i, 100));
    }

    imgp_color_cache_put(cache, take(0));
    imgp_color_cache_put(cache, make(100, 100));

    is_int(live, IMGP_COLOR_CACHE_MAX, "no more than so many");
    ok(take(1) == NULL, "the one that was not used for longest is gone");

    item = take(0);
    ok(item != NULL, "but not what was used of late");
    imgp_color_cache_put(cache, item);

    imgp_color_cache_put(cache, make(101, IMGP_COLOR_CACHE_SIZE - 200));
    is_int(live, 3, "nor more bytes: the latest stay");

    imgp_color_cache_put(cache, make(102, IMGP_COLOR_CACHE_SIZE));
    is_int(live, 1, "as much as there is room for");

    imgp_color_cache_put(cache, make(103, (size_t) IMGP_COLOR_CACHE_SIZE + 1));
    is_int(live, 0, "not one byte more");

    item = make(104, 100);
    item->alloc = &other;
    imgp_color_cache_put(cache, item);
    is_int(live, 0, "what is of another allocator is not kept");

    imgp_color_cache_destroy(cache);
    imgp_color_cache_destroy(NULL);
}


static void *
thread(void *data)
{
    long      i;
    thing_t  *thing;

    for (i = 0; i < ROUNDS; i++) {
        thing = (thing_t *) take(i % KEYS);

        if (thing == NULL) {
            thing = (thing_t *) make(i % KEYS, 100);
        }

        if (__atomic_add_fetch(&thing->users, 1, __ATOMIC_SEQ_CST) != 1) {
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
        }

        __atomic_sub_fetch(&thing->users, 1, __ATOMIC_SEQ_CST);

        imgp_color_cache_put(cache, &thing->item);
    }

    return NULL;
}


static void
threads(void)
{
    long       i;
    pthread_t  tid[THREADS];

    cache = imgp_color_cache_create(&imgp_malloc);

    for (i = 0; i < THREADS; i++) {
        pthread_create(&tid[i], NULL, thread, NULL);
    }

    for (i = 0; i < THREADS; i++) {
        pthread_join(tid[i], NULL);
    }

    is_int(wrong, 0, "threads never have the same item");
    ok(live >= KEYS && live <= THREADS * KEYS, "%ld were made", live);

    imgp_color_cache_destroy(cache);
    is_int(live, 0, "and freed");
}


static void
no_memory(void)
{
    test_alloc_t  ta = { 0, 0 };
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };

    ok(imgp_color_cache_create(&alloc) == NULL && ta.live == 0, "no memory");
}


int
main(void)
{
    one_owner();
    bounds();
    threads();
    no_memory();

    return done();
}
