
/*
 * A sorted array, searched by halves: what a sweep must not remove is put
 * together once, by one thread, and then asked for every file.
 *
 * The caller owns the set and frees it; no two threads use one at a time.
 */


#include <stdlib.h>
#include <imgp/imgp_set.h>


#define IMGP_SET_FIRST  1024


static void imgp_set_pad(u_char *elt, const u_char *p, size_t len);
static int imgp_set_compare(const void *one, const void *two);


imgp_int_t
imgp_set_put(imgp_set_t *set, const u_char *p, size_t len)
{
    size_t   max;
    u_char  *elts;

    if (set->n == set->max) {
        max = set->max ? set->max * 2 : IMGP_SET_FIRST;

        elts = realloc(set->elts, max * IMGP_DIGEST_LEN);
        if (elts == NULL) {
            return IMGP_ERROR;
        }

        set->elts = elts;
        set->max = max;
    }

    imgp_set_pad(set->elts + set->n++ * IMGP_DIGEST_LEN, p, len);

    return IMGP_OK;
}


imgp_int_t
imgp_set_put_job(imgp_set_t *set, const imgp_job_t *job)
{
    imgp_int_t               rc;
    imgp_uint_t              i, n;
    const imgp_job_stage_t  *stage;

    rc = imgp_set_put(set, job->input.digest, IMGP_DIGEST_LEN);

    for (i = 0; i < job->nstages && rc == IMGP_OK; i++) {
        stage = &job->stages[i];

        for (n = 0; n < stage->nitems && rc == IMGP_OK; n++) {
            rc = imgp_set_put(set, stage->items[n].digest, IMGP_DIGEST_LEN);
        }
    }

    return rc;
}


void
imgp_set_sort(imgp_set_t *set)
{
    if (set->n) {
        qsort(set->elts, set->n, IMGP_DIGEST_LEN, imgp_set_compare);
    }
}


imgp_uint_t
imgp_set_has(const imgp_set_t *set, const u_char *p, size_t len)
{
    u_char  elt[IMGP_DIGEST_LEN];

    if (set->n == 0) {
        return 0;
    }

    imgp_set_pad(elt, p, len);

    return bsearch(elt, set->elts, set->n, IMGP_DIGEST_LEN, imgp_set_compare)
           != NULL;
}


void
imgp_set_free(imgp_set_t *set)
{
    free(set->elts);
    memset(set, 0, sizeof(imgp_set_t));
}


static void
imgp_set_pad(u_char *elt, const u_char *p, size_t len)
{
    len = imgp_min(len, IMGP_DIGEST_LEN);

    memcpy(elt, p, len);
    memset(elt + len, 0, IMGP_DIGEST_LEN - len);
}


static int
imgp_set_compare(const void *one, const void *two)
{
    return memcmp(one, two, IMGP_DIGEST_LEN);
}
