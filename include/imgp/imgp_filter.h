
/*
 * PNG's filters, on the way out: each row in the form whose bytes are
 * nearest to 0.
 */


#ifndef _IMGP_FILTER_H_INCLUDED_
#define _IMGP_FILTER_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_simd.h>


/* filter types of ISO/IEC 15948, 9.2 */

typedef enum {
    IMGP_FILTER_NONE = 0,
    IMGP_FILTER_SUB,
    IMGP_FILTER_UP,
    IMGP_FILTER_AVERAGE,
    IMGP_FILTER_PAETH,

    IMGP_FILTER_MAX
} imgp_filter_e;


typedef struct {
    imgp_work_t       *work;
    uint32_t           step;          /* bytes of a pixel */
    size_t             len;           /* of a row */
    uint32_t           simd;
    u_char            *zeros;         /* the row above the first */
    u_char            *lines;         /* rows in each form */
} imgp_filter_t;


/* "wanted": imgp_simd_e; the result does not depend on it */

imgp_int_t imgp_filter_init(imgp_filter_t *f, imgp_work_t *work,
    uint32_t step, size_t len, uint32_t wanted);
void imgp_filter_free(imgp_filter_t *f);

/*
 * 1 + len bytes, the type first; valid until the next call.  "above" is NULL
 * for the first row.
 */

const u_char *imgp_filter_row(imgp_filter_t *f, const u_char *row,
    const u_char *above);


/* ISO/IEC 15948, 9.4 */

static inline u_char
imgp_filter_paeth(u_char a, u_char b, u_char c)
{
    int  p, pa, pb, pc;

    p = a + b - c;
    pa = (p > a) ? p - a : a - p;
    pb = (p > b) ? p - b : b - p;
    pc = (p > c) ? p - c : c - p;

    return (pa <= pb && pa <= pc) ? a : (pb <= pc) ? b : c;
}


#endif /* _IMGP_FILTER_H_INCLUDED_ */
