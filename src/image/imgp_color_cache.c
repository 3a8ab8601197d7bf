
/*
 * Colour transforms between two uses.  Called by imgp_color.c on the threads
 * of the runs; made and destroyed by whoever starts these threads.
 *
 * Who takes an item has it alone, so that transforms may be used as they are:
 * Little CMS lets several threads share one only without its cache of the last
 * pixel (cmsFLAGS_NOCACHE), and no references are counted.  Threads at work on
 * one profile at once have a transform each, and all of these are kept: it is
 * what the next such moment needs.
 *
 * A list, the latest first.  Its mutex is held for a few comparisons; whatever
 * has to go is destroyed after that.
 */


#include <pthread.h>
#include <imgp/imgp_color_cache.h>


struct imgp_color_cache_s {
    const imgp_alloc_t  *alloc;
    pthread_mutex_t      mutex;
    imgp_color_item_t   *items;
};


static imgp_color_item_t *imgp_color_cache_cut(imgp_color_cache_t *cache);
static void imgp_color_cache_free(imgp_color_item_t *item);


imgp_color_cache_t *
imgp_color_cache_create(const imgp_alloc_t *alloc)
{
    imgp_color_cache_t  *cache;

    cache = alloc->alloc(alloc->data, sizeof(imgp_color_cache_t));
    if (cache == NULL) {
        return NULL;
    }

    if (pthread_mutex_init(&cache->mutex, NULL) != 0) {
        alloc->free(alloc->data, cache);
        return NULL;
    }

    cache->alloc = alloc;
    cache->items = NULL;

    return cache;
}


void
imgp_color_cache_destroy(imgp_color_cache_t *cache)
{
    if (cache == NULL) {
        return;
    }

    imgp_color_cache_free(cache->items);

    (void) pthread_mutex_destroy(&cache->mutex);

    cache->alloc->free(cache->alloc->data, cache);
}


imgp_color_item_t *
imgp_color_cache_take(imgp_color_cache_t *cache, const imgp_color_key_t *key)
{
    imgp_color_item_t  *item, **link;

    (void) pthread_mutex_lock(&cache->mutex);

    link = &cache->items;

    while (*link != NULL
           && memcmp(&(*link)->key, key, sizeof(imgp_color_key_t)) != 0)
    {
        link = &(*link)->next;
    }

    item = *link;

    if (item != NULL) {
        *link = item->next;
        item->next = NULL;
    }

    (void) pthread_mutex_unlock(&cache->mutex);

    return item;
}


void
imgp_color_cache_put(imgp_color_cache_t *cache, imgp_color_item_t *item)
{
    imgp_color_item_t  *rest;

    if (item->alloc != cache->alloc) {
        item->destroy(item);
        return;
    }

    (void) pthread_mutex_lock(&cache->mutex);

    item->next = cache->items;
    cache->items = item;

    rest = imgp_color_cache_cut(cache);

    (void) pthread_mutex_unlock(&cache->mutex);

    imgp_color_cache_free(rest);
}


/* from the first on that is one too many, or too large beside those before */

static imgp_color_item_t *
imgp_color_cache_cut(imgp_color_cache_t *cache)
{
    size_t              size;
    imgp_uint_t         n;
    imgp_color_item_t  *rest, **link;

    size = 0;
    n = 0;

    for (link = &cache->items; *link != NULL; link = &(*link)->next) {

        if (n == IMGP_COLOR_CACHE_MAX
            || (*link)->size > IMGP_COLOR_CACHE_SIZE - size)
        {
            break;
        }

        n++;
        size += (*link)->size;
    }

    rest = *link;
    *link = NULL;

    return rest;
}


static void
imgp_color_cache_free(imgp_color_item_t *item)
{
    imgp_color_item_t  *next;

    while (item != NULL) {
        next = item->next;
        item->destroy(item);
        item = next;
    }
}
