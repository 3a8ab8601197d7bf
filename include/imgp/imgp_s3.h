
/*
 * Multipart uploads to a store of the S3 kind: how an object is cut into
 * parts, the document that puts them together, and the little of a store's
 * XML answers that is needed.
 */


#ifndef _IMGP_S3_H_INCLUDED_
#define _IMGP_S3_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>


#define IMGP_S3_WHOLE     (64 << 20)  /* bytes, stored by one request */
#define IMGP_S3_PART      (16 << 20)  /* bytes of a part, at least */
#define IMGP_S3_PARTS     10000       /* S3's own limit */
#define IMGP_S3_TEXT_MAX  1024        /* bytes of an element's text */
#define IMGP_S3_ETAG_MAX  128         /* bytes of an ETag */


/* bytes of each part but the last: not more than IMGP_S3_PARTS of them */

uint64_t imgp_s3_part_size(uint64_t len);

/*
 * The text of the first element "child" in the element "root", which must be
 * whole; NUL-terminated.  DECLINED: it is another document, or has no such
 * child; ERROR: it is no XML of this kind, or has a longer text.
 */

imgp_int_t imgp_s3_text(const imgp_str_t *xml, const char *root,
    const char *child, char text[IMGP_S3_TEXT_MAX + 1]);

/* the answer to what puts the parts together, which is an error now and then
   although its status is 200 */

imgp_int_t imgp_s3_completed(const imgp_str_t *xml, imgp_error_t *err);

/* of parts 1..n; malloc'ed, NULL: memory is out */

char *imgp_s3_complete(const imgp_str_t *etags, imgp_uint_t n, size_t *len);

/* "text" as a value in a query, as SigV4 wants it; "out" has room for three
   times its length and a NUL.  The end of it, where the NUL is */

u_char *imgp_s3_escape(u_char *out, const u_char *text, size_t len);


#endif /* _IMGP_S3_H_INCLUDED_ */
