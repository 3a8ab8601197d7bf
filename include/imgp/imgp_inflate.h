
/*
 * Deflated data unpacked as it comes, in memory of one size.  In zlib's
 * wrapping; its checksum is verified.
 */


#ifndef _IMGP_INFLATE_H_INCLUDED_
#define _IMGP_INFLATE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>


typedef struct imgp_inflate_s  imgp_inflate_t;


/*
 * NULL: the work's error is set.  "literals": copies are expected to be few,
 * which is of use to speed alone
 */

imgp_inflate_t *imgp_inflate_create(imgp_work_t *work, imgp_uint_t literals);
void imgp_inflate_free(imgp_inflate_t *z);            /* NULL is fine */

/*
 * Takes from "in" and gives to "out", whose ends both move.  Right before
 * "out" there must be what was given before, the last 32 KiB of it or all;
 * what is behind its new end may have been written to.  AGAIN: all of the
 * input was taken.  OK: the output is full.  DONE: the data has ended.
 * ERROR: it is corrupt; no error is set.
 */

imgp_int_t imgp_inflate_run(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);


#endif /* _IMGP_INFLATE_H_INCLUDED_ */
