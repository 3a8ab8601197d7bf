
/*
 * The longest unused files among any number of them, in bounded memory.  For
 * the sweep.
 */


#ifndef _IMGP_LRU_H_INCLUDED_
#define _IMGP_LRU_H_INCLUDED_


#include <imgp/imgp_types.h>


typedef struct {
    int64_t            mtime;         /* ns */
    uint64_t           room;
    imgp_uint_t        blob;
    u_char             name[IMGP_DIGEST_LEN];
} imgp_lru_file_t;


/* zeroed by the caller, who sets "max" and never looks in before sorting */

typedef struct {
    imgp_lru_file_t   *files;
    size_t             n;
    size_t             size;
    size_t             max;
} imgp_lru_t;


/* IMGP_ERROR: memory is out */

imgp_int_t imgp_lru_add(imgp_lru_t *lru, const imgp_lru_file_t *file);

/* the oldest first; no adding after that */

void imgp_lru_sort(imgp_lru_t *lru);
void imgp_lru_free(imgp_lru_t *lru);


#endif /* _IMGP_LRU_H_INCLUDED_ */
