
/*
 * The types that every layer shares.  Nothing here knows nginx; the spelling
 * is nginx's so that code on both sides of the border reads alike.
 */


#ifndef _IMGP_TYPES_H_INCLUDED_
#define _IMGP_TYPES_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>


typedef intptr_t   imgp_int_t;
typedef uintptr_t  imgp_uint_t;
typedef uint64_t   imgp_msec_t;       /* milliseconds, or ms since the epoch */


typedef struct {
    size_t         len;
    u_char        *data;              /* not terminated */
} imgp_str_t;


#define imgp_string(s)     { sizeof(s) - 1, (u_char *) s }
#define imgp_null_string   { 0, NULL }
#define imgp_str_set(s, t)                                                    \
    (s)->len = sizeof(t) - 1; (s)->data = (u_char *) t

#define imgp_str_eq(s, t)                                                     \
    ((s)->len == (t)->len && memcmp((s)->data, (t)->data, (t)->len) == 0)
#define imgp_str_is(s, lit)                                                   \
    ((s)->len == sizeof(lit) - 1                                              \
     && memcmp((s)->data, lit, sizeof(lit) - 1) == 0)

#define imgp_min(a, b)     ((a) < (b) ? (a) : (b))
#define imgp_max(a, b)     ((a) > (b) ? (a) : (b))
#define imgp_nelts(a)      (sizeof(a) / sizeof((a)[0]))


#define IMGP_OK         0
#define IMGP_ERROR     -1             /* an imgp_error_t tells why */
#define IMGP_AGAIN     -2             /* more input is needed */
#define IMGP_DONE      -4
#define IMGP_DECLINED  -5             /* not found, not ours, nothing to do */


#define IMGP_DIGEST_LEN      32       /* SHA-256 */
#define IMGP_DIGEST_HEX_LEN  64
#define IMGP_ID_LEN          26       /* 128 bits in RFC 4648 base32hex */
#define IMGP_TYPE_LEN        48       /* a media type with its final NUL */
#define IMGP_NAME_LEN        64       /* a pipeline, stage or param name */


/*
 * One stored piece of content: an upload or an output of a stage.  Plain
 * data without pointers: copied freely, kept in job records and manifests.
 */

typedef struct {
    u_char         digest[IMGP_DIGEST_LEN];
    uint64_t       bytes;
    uint32_t       width;             /* 0 where the content is no image */
    uint32_t       height;
    char           type[IMGP_TYPE_LEN];
} imgp_item_t;


#endif /* _IMGP_TYPES_H_INCLUDED_ */
