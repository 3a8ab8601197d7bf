
/*
 * Prefix codes of limited length, as deflate and JPEG want them.
 */


#ifndef _IMGP_HUFFMAN_H_INCLUDED_
#define _IMGP_HUFFMAN_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_HUFFMAN_SYMBOLS  288     /* of the largest alphabet */
#define IMGP_HUFFMAN_BITS     16      /* of the longest code, JPEG's */


/*
 * The lengths of a code of at most "max" bits; 0 where a symbol does not
 * occur.  At least one gets a length, as decoders want a code.
 */

void imgp_huffman_lengths(const uint32_t *counts, uint32_t n, uint32_t max,
    u_char *lengths);

/* canonical codes (RFC 1951, 3.2.2), the first bit lowest */

void imgp_huffman_codes(const u_char *lengths, uint32_t n, uint16_t *codes);


#endif /* _IMGP_HUFFMAN_H_INCLUDED_ */
