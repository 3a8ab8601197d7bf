
/*
 * Base64 (RFC 4648, 4).  Pure functions, for any thread.
 */


#ifndef _IMGP_BASE64_H_INCLUDED_
#define _IMGP_BASE64_H_INCLUDED_


#include <imgp/imgp_types.h>


/* bytes of base64 with its padding; bytes at most that text decodes to */

#define imgp_base64_size(len)     (((len) + 2) / 3 * 4)
#define imgp_base64_decoded(len)  ((len) / 4 * 3 + 3)


/* returns imgp_base64_size(len) */

size_t imgp_base64_encode(const u_char *p, size_t len, u_char *out);

/*
 * Bytes "pos" to "pos" + "size" of the base64 of a whole content, or what of
 * it there is: for bodies that are sent piece by piece.  Returns how many.
 */

size_t imgp_base64_part(const imgp_str_t *content, uint64_t pos, u_char *out,
    size_t size);

/*
 * As services write it: either alphabet of RFC 4648, with or without padding,
 * with or without white space.  "out" may be the text itself.  The length, or
 * IMGP_ERROR for what is no base64.
 */

imgp_int_t imgp_base64_decode(const u_char *p, size_t len, u_char *out);


#endif /* _IMGP_BASE64_H_INCLUDED_ */
