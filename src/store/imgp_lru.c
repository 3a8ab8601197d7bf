
/*
 * The n oldest of many files: a binary heap with the youngest on top, where
 * an older one takes its place once n are there; sorted at the end.  (Knuth,
 * The Art of Computer Programming, 5.2.3.)
 *
 * Called by the sweep's thread, which owns it.
 */


#include <stdlib.h>
#include <imgp/imgp_lru.h>


#define IMGP_LRU_FIRST  1024


static imgp_int_t imgp_lru_grow(imgp_lru_t *lru);
static void imgp_lru_up(imgp_lru_file_t *heap, size_t i);
static void imgp_lru_down(imgp_lru_file_t *heap, size_t n);
static int imgp_lru_compare(const void *one, const void *two);


imgp_int_t
imgp_lru_add(imgp_lru_t *lru, const imgp_lru_file_t *file)
{
    if (lru->n == lru->max) {

        if (lru->n && file->mtime < lru->files[0].mtime) {
            lru->files[0] = *file;
            imgp_lru_down(lru->files, lru->n);
        }

        return IMGP_OK;
    }

    if (lru->n == lru->size && imgp_lru_grow(lru) != IMGP_OK) {
        return IMGP_ERROR;
    }

    lru->files[lru->n] = *file;
    imgp_lru_up(lru->files, lru->n++);

    return IMGP_OK;
}


static imgp_int_t
imgp_lru_grow(imgp_lru_t *lru)
{
    size_t            size;
    imgp_lru_file_t  *files;

    size = imgp_min(imgp_max(lru->size * 2, IMGP_LRU_FIRST), lru->max);

    files = realloc(lru->files, size * sizeof(imgp_lru_file_t));
    if (files == NULL) {
        return IMGP_ERROR;
    }

    lru->files = files;
    lru->size = size;

    return IMGP_OK;
}


static void
imgp_lru_up(imgp_lru_file_t *heap, size_t i)
{
    size_t           parent;
    imgp_lru_file_t  file;

    for (file = heap[i]; i; i = parent) {
        parent = (i - 1) / 2;

        if (heap[parent].mtime >= file.mtime) {
            break;
        }

        heap[i] = heap[parent];
    }

    heap[i] = file;
}


static void
imgp_lru_down(imgp_lru_file_t *heap, size_t n)
{
    size_t           i, child;
    imgp_lru_file_t  file;

    file = heap[0];

    for (i = 0; i * 2 + 1 < n; i = child) {
        child = i * 2 + 1;

        if (child + 1 < n && heap[child + 1].mtime > heap[child].mtime) {
            child++;
        }

        if (heap[child].mtime <= file.mtime) {
            break;
        }

        heap[i] = heap[child];
    }

    heap[i] = file;
}


void
imgp_lru_sort(imgp_lru_t *lru)
{
    if (lru->n) {
        qsort(lru->files, lru->n, sizeof(imgp_lru_file_t), imgp_lru_compare);
    }
}


static int
imgp_lru_compare(const void *one, const void *two)
{
    const imgp_lru_file_t  *a = one, *b = two;

    return (a->mtime > b->mtime) - (a->mtime < b->mtime);
}


void
imgp_lru_free(imgp_lru_t *lru)
{
    free(lru->files);
    memset(lru, 0, sizeof(imgp_lru_t));
}
