
/*
 * Colour transforms that wait for their next use: of all threads of a
 * process, bounded in number and bytes.
 *
 *     item = imgp_color_cache_take(cache, &key);
 *
 *     if (item == NULL) {
 *         item = ...                            made anew, with that key
 *     }
 *
 *     ... use it, as nobody else does ...
 *
 *     imgp_color_cache_put(cache, item);
 */


#ifndef _IMGP_COLOR_CACHE_H_INCLUDED_
#define _IMGP_COLOR_CACHE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_pool.h>


#define IMGP_COLOR_CACHE_MAX   16
#define IMGP_COLOR_CACHE_SIZE  (16 * 1024 * 1024)   /* CMYK: half a MB each */


typedef struct imgp_color_cache_s  imgp_color_cache_t;
typedef struct imgp_color_item_s   imgp_color_item_t;


/* zeroed before it is filled: compared as bytes */

typedef struct {
    u_char               profile[IMGP_DIGEST_LEN];
    uint32_t             from;        /* formats of pixels */
    uint32_t             to;
    uint32_t             intent;
} imgp_color_key_t;


struct imgp_color_item_s {
    imgp_color_item_t   *next;        /* the cache's */
    imgp_color_key_t     key;
    const imgp_alloc_t  *alloc;       /* all of it is from there */
    size_t               size;        /* bytes, all in all */
    void               (*destroy)(imgp_color_item_t *item);
};


/* NULL when memory is out; at its end nobody uses it any more */

imgp_color_cache_t *imgp_color_cache_create(const imgp_alloc_t *alloc);
void imgp_color_cache_destroy(imgp_color_cache_t *cache); /* NULL is fine */

/*
 * What was taken belongs to the caller, until it is put back or destroyed;
 * what was put belongs to the cache, which may destroy it at once, as it does
 * what is not of its own allocator.
 */

imgp_color_item_t *imgp_color_cache_take(imgp_color_cache_t *cache,
    const imgp_color_key_t *key);
void imgp_color_cache_put(imgp_color_cache_t *cache, imgp_color_item_t *item);


#endif /* _IMGP_COLOR_CACHE_H_INCLUDED_ */
