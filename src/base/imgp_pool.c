
/*
 * An arena: small pieces are cut from pages, larger ones get a block of their
 * own; all of it is freed at once.  The idea is that of nginx's pools.
 *
 * Called by every layer.  A pool belongs to one thread at a time and takes no
 * lock; it owns all memory it hands out, and its first page holds the pool
 * itself, so that creating one is a single allocation.
 *
 * Built with AddressSanitizer every piece is a block of its own: else it could
 * not see that one piece is overrun into the next.
 */


#include <stdlib.h>
#include <imgp/imgp_pool.h>


#define IMGP_POOL_ALIGN     16
#define IMGP_POOL_PAGE_MIN  256

#if defined(__SANITIZE_ADDRESS__)
#define IMGP_POOL_SPLIT  1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IMGP_POOL_SPLIT  1
#endif
#endif

#ifndef IMGP_POOL_SPLIT
#define IMGP_POOL_SPLIT  0
#endif


#define imgp_pool_align(n)                                                    \
    (((n) + (IMGP_POOL_ALIGN - 1)) & ~(size_t) (IMGP_POOL_ALIGN - 1))


typedef struct imgp_pool_block_s  imgp_pool_block_t;

struct imgp_pool_block_s {
    imgp_pool_block_t  *next;
} __attribute__((aligned(IMGP_POOL_ALIGN)));


struct imgp_pool_s {
    imgp_alloc_t        alloc;
    imgp_pool_block_t  *blocks;       /* all but the pool's own */
    u_char             *pos;          /* free room of the current page */
    u_char             *end;
    size_t              page;
};


static void *imgp_pool_block(imgp_pool_t *pool, size_t size);
static void *imgp_pool_malloc(void *data, size_t size);
static void imgp_pool_free(void *data, void *p);


const imgp_alloc_t  imgp_malloc = { imgp_pool_malloc, imgp_pool_free, NULL };


imgp_pool_t *
imgp_pool_create(const imgp_alloc_t *alloc, size_t page)
{
    u_char       *p;
    size_t        size;
    imgp_pool_t  *pool;

    size = imgp_pool_align(sizeof(imgp_pool_t));
    page = imgp_max(page, IMGP_POOL_PAGE_MIN);

    if (page > SIZE_MAX - size - IMGP_POOL_ALIGN) {
        return NULL;
    }

    page = imgp_pool_align(page);

    p = alloc->alloc(alloc->data, size + page);
    if (p == NULL) {
        return NULL;
    }

    pool = (imgp_pool_t *) p;

    pool->alloc = *alloc;
    pool->blocks = NULL;
    pool->pos = p + size;
    pool->end = p + size + page;
    pool->page = page;

    return pool;
}


void
imgp_pool_destroy(imgp_pool_t *pool)
{
    imgp_alloc_t        alloc;
    imgp_pool_block_t  *block, *next;

    if (pool == NULL) {
        return;
    }

    alloc = pool->alloc;

    for (block = pool->blocks; block != NULL; block = next) {
        next = block->next;
        alloc.free(alloc.data, block);
    }

    alloc.free(alloc.data, pool);
}


void *
imgp_palloc(imgp_pool_t *pool, size_t size)
{
    u_char  *p;

    if (size > SIZE_MAX - sizeof(imgp_pool_block_t) - IMGP_POOL_ALIGN) {
        return NULL;
    }

    /* a piece of no bytes still has an address of its own */

    size = imgp_pool_align(imgp_max(size, 1));

    if (IMGP_POOL_SPLIT) {
        return imgp_pool_block(pool, size);
    }

    if (size <= (size_t) (pool->end - pool->pos)) {
        p = pool->pos;
        pool->pos += size;
        return p;
    }

    /* a page is not left half empty for the sake of one large piece */

    if (size > pool->page / 4) {
        return imgp_pool_block(pool, size);
    }

    p = imgp_pool_block(pool, pool->page);
    if (p == NULL) {
        return NULL;
    }

    pool->pos = p + size;
    pool->end = p + pool->page;

    return p;
}


static void *
imgp_pool_block(imgp_pool_t *pool, size_t size)
{
    imgp_pool_block_t  *block;

    block = pool->alloc.alloc(pool->alloc.data,
                              sizeof(imgp_pool_block_t) + size);
    if (block == NULL) {
        return NULL;
    }

    block->next = pool->blocks;
    pool->blocks = block;

    return block + 1;
}


void *
imgp_pcalloc(imgp_pool_t *pool, size_t size)
{
    void  *p;

    p = imgp_palloc(pool, size);
    if (p != NULL) {
        memset(p, 0, size);
    }

    return p;
}


u_char *
imgp_pstrdup(imgp_pool_t *pool, const imgp_str_t *src)
{
    u_char  *p;

    if (src->len == SIZE_MAX) {
        return NULL;
    }

    p = imgp_palloc(pool, src->len + 1);
    if (p == NULL) {
        return NULL;
    }

    if (src->len) {
        memcpy(p, src->data, src->len);
    }

    p[src->len] = '\0';

    return p;
}


static void *
imgp_pool_malloc(void *data, size_t size)
{
    return malloc(size);
}


static void
imgp_pool_free(void *data, void *p)
{
    free(p);
}
