
/*
 * SHA-256 (FIPS 180-4) by OpenSSL, and its textual forms.
 */


#ifndef _IMGP_DIGEST_H_INCLUDED_
#define _IMGP_DIGEST_H_INCLUDED_


#include <imgp/imgp_types.h>


typedef struct imgp_digest_s  imgp_digest_t;  /* a digest being computed */


/* NULL when memory is out; one may be fed from different threads in turn */

imgp_digest_t *imgp_digest_create(void);
void imgp_digest_update(imgp_digest_t *ctx, const void *p, size_t len);
void imgp_digest_final(imgp_digest_t *ctx, u_char out[IMGP_DIGEST_LEN]);
void imgp_digest_destroy(imgp_digest_t *ctx);         /* NULL is fine */

void imgp_digest(const void *p, size_t len, u_char out[IMGP_DIGEST_LEN]);

/*
 * 64 lower-case digits; "out" has room for them and a NUL, which is set.
 * Parsing gives IMGP_OK, or IMGP_ERROR for any other text.
 */

void imgp_digest_hex(const u_char digest[IMGP_DIGEST_LEN], char *out);
imgp_int_t imgp_digest_parse_hex(const imgp_str_t *hex,
    u_char out[IMGP_DIGEST_LEN]);

/*
 * The value of a "Repr-Digest" field (RFC 9530): a dictionary of RFC 8941
 * byte sequences.  IMGP_DECLINED: it has no sha-256 member, or is empty;
 * IMGP_ERROR: malformed.
 */

imgp_int_t imgp_digest_parse_field(const imgp_str_t *value,
    u_char out[IMGP_DIGEST_LEN]);


#endif /* _IMGP_DIGEST_H_INCLUDED_ */
