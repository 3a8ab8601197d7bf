
/*
 * A set of digests, or of ids: put them all, sort once, then ask.  One
 * allocation, so a million of them cost 32 MB for a moment.
 */


#ifndef _IMGP_SET_H_INCLUDED_
#define _IMGP_SET_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_digest.h>
#include <imgp/imgp_job.h>


typedef struct {
    u_char            *elts;
    size_t             n;
    size_t             max;
} imgp_set_t;                         /* zeroes: the empty one */


/* IMGP_ERROR: no memory; what is shorter than a digest is padded with zeroes */

imgp_int_t imgp_set_put(imgp_set_t *set, const u_char *p, size_t len);

/* all that a job needs to be read: its input, and what its stages gave */

imgp_int_t imgp_set_put_job(imgp_set_t *set, const imgp_job_t *job);

void imgp_set_sort(imgp_set_t *set);
imgp_uint_t imgp_set_has(const imgp_set_t *set, const u_char *p, size_t len);

/* the empty one again */

void imgp_set_free(imgp_set_t *set);


#endif /* _IMGP_SET_H_INCLUDED_ */
