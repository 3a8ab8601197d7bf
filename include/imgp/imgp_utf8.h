
/*
 * UTF-8 (RFC 3629) from strangers: what may be shown, logged and put into
 * JSON as it is.
 */


#ifndef _IMGP_UTF8_H_INCLUDED_
#define _IMGP_UTF8_H_INCLUDED_


#include <imgp/imgp_types.h>


/* bytes of the character that begins with "lead"; 0: none begins so */

size_t imgp_utf8_need(u_char lead);

/*
 * Bytes of the character at "p" < "last"; 0 when it is malformed, incomplete
 * or a control character (C0, DEL, C1).
 */

size_t imgp_utf8_printable(const u_char *p, const u_char *last);


#endif /* _IMGP_UTF8_H_INCLUDED_ */
