
/*
 * Deflated data in zlib's wrapping, for PNG: what comes in is filtered rows,
 * what goes out is as small as zlib's best or smaller, at many times its
 * speed.  Memory does not depend on the length.
 */


#ifndef _IMGP_DEFLATE_H_INCLUDED_
#define _IMGP_DEFLATE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>


typedef struct imgp_deflate_s  imgp_deflate_t;


/* takes what is ready; anything but OK ends the call in hand with it */

typedef imgp_int_t (*imgp_deflate_pt)(void *data, const u_char *p, size_t n);


/* NULL: the work's error is set */

imgp_deflate_t *imgp_deflate_create(imgp_work_t *work, imgp_deflate_pt write,
    void *data);
imgp_int_t imgp_deflate_write(imgp_deflate_t *d, const u_char *p, size_t n);
imgp_int_t imgp_deflate_finish(imgp_deflate_t *d);
void imgp_deflate_free(imgp_deflate_t *d);            /* NULL is fine */


#endif /* _IMGP_DEFLATE_H_INCLUDED_ */
