
/*
 * Job ids: 128 bits from the system's generator, written as 26 characters
 * of RFC 4648 base32hex in lower case (0-9a-v).  The last character holds
 * 3 bits, so only its multiples of 4 are canonical.
 */


#ifndef _IMGP_ID_H_INCLUDED_
#define _IMGP_ID_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_ID_BYTES   16
#define IMGP_ID_DIGITS  "0123456789abcdefghijklmnopqrstuv"  /* base32hex */


imgp_int_t imgp_id_random(u_char id[IMGP_ID_BYTES]);  /* OK or ERROR */
void imgp_id_text(const u_char id[IMGP_ID_BYTES], char *out);  /* 26 + NUL */
imgp_int_t imgp_id_parse(const u_char *p, size_t len,
    u_char id[IMGP_ID_BYTES]);                        /* OK or DECLINED */


#endif /* _IMGP_ID_H_INCLUDED_ */
