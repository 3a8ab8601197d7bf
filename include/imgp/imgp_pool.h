
/*
 * An arena: memory that is freed all at once.  Not shared between threads.
 * The allocator is passed in, so that tests can fail the n-th allocation.
 */


#ifndef _IMGP_POOL_H_INCLUDED_
#define _IMGP_POOL_H_INCLUDED_


#include <imgp/imgp_types.h>


typedef struct {
    void          *(*alloc)(void *data, size_t size);  /* NULL on failure */
    void           (*free)(void *data, void *p);
    void          *data;
} imgp_alloc_t;


typedef struct imgp_pool_s  imgp_pool_t;


extern const imgp_alloc_t  imgp_malloc;       /* the C library's */


imgp_pool_t *imgp_pool_create(const imgp_alloc_t *alloc, size_t page);
void imgp_pool_destroy(imgp_pool_t *pool);    /* NULL is fine */

/* all of these return NULL when memory is out; aligned to 16 bytes */

void *imgp_palloc(imgp_pool_t *pool, size_t size);
void *imgp_pcalloc(imgp_pool_t *pool, size_t size);
u_char *imgp_pstrdup(imgp_pool_t *pool, const imgp_str_t *src);  /* + NUL */


#endif /* _IMGP_POOL_H_INCLUDED_ */
