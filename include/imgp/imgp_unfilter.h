
/*
 * PNG's filters, on the way in.
 */


#ifndef _IMGP_UNFILTER_H_INCLUDED_
#define _IMGP_UNFILTER_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_simd.h>




/* bytes behind each row that may be read and written */

#define IMGP_UNFILTER_PAD  4


/*
 * "type": imgp_filter_e; "row" is read from "line" and from the row above it,
 * which is all zeros for the first one; "step" is bytes of a pixel.  ERROR:
 * no such filter.
 */

imgp_int_t imgp_unfilter_row(uint32_t simd, uint32_t type, uint32_t step,
    const u_char *line, const u_char *above, u_char *row, size_t len);

/*
 * Two rows of IMGP_FILTER_PAETH at once, in half of the time: "lines" are the
 * bytes of the first one, then the filter type and the bytes of the second.
 * 0: there is no such way, nothing was done.
 */

imgp_uint_t imgp_unfilter_pair(uint32_t simd, uint32_t step,
    const u_char *lines, const u_char *above, u_char *row, u_char *below,
    size_t len);


#endif /* _IMGP_UNFILTER_H_INCLUDED_ */
