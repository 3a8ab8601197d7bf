
/*
 * multipart/form-data (RFC 7578, RFC 2046), incremental: the body is fed in
 * any chunks, the verdict does not depend on where they are cut.  Nothing of
 * the file is copied: its bytes are handed on as ranges of the fed chunk (or
 * of a small internal buffer, for a boundary that turned out to be none).
 */


#ifndef _IMGP_MULTIPART_H_INCLUDED_
#define _IMGP_MULTIPART_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>


/* RFC 2046 limits a boundary to 70 characters; some clients exceed it */
#define IMGP_MULTIPART_BOUNDARY_MAX   200
#define IMGP_MULTIPART_PARTS_MAX      64
#define IMGP_MULTIPART_HEADER_MAX     4096    /* all header lines of a part */
#define IMGP_MULTIPART_FIELD_MAX      16384   /* a field's value */


typedef struct imgp_multipart_s  imgp_multipart_t;


/*
 * Called in the order of the body.  A handler returns IMGP_OK, or IMGP_ERROR
 * to stop: imgp_multipart_feed() then returns IMGP_ERROR with the error the
 * handler set.  Strings live until the handler returns.
 */

typedef struct {
    /* a plain field, whole */
    imgp_int_t  (*field)(void *data, const imgp_str_t *name,
                         const imgp_str_t *value, imgp_error_t *err);

    /*
     * the part named by "file_field" begins, its bytes come, it ends; any
     * other part with a file name is refused, and so is a second file
     */
    imgp_int_t  (*file_begin)(void *data, const imgp_str_t *filename,
                              const imgp_str_t *type, imgp_error_t *err);
    imgp_int_t  (*file_data)(void *data, const u_char *p, size_t len,
                             imgp_error_t *err);
    imgp_int_t  (*file_end)(void *data, imgp_error_t *err);

    void         *data;
    imgp_str_t    file_field;         /* "file" */
} imgp_multipart_handlers_t;


/* the boundary parameter of a Content-Type value: OK or ERROR (malformed) */

imgp_int_t imgp_multipart_boundary(const imgp_str_t *content_type,
    imgp_str_t *boundary, imgp_error_t *err);

/* NULL when memory is out; copies boundary and handlers */

imgp_multipart_t *imgp_multipart_create(imgp_pool_t *pool,
    const imgp_str_t *boundary, const imgp_multipart_handlers_t *handlers);

/* OK: all consumed; ERROR: err tells why (BAD_REQUEST, TOO_LARGE, LIMIT) */

imgp_int_t imgp_multipart_feed(imgp_multipart_t *mp, const u_char *p,
    size_t len, imgp_error_t *err);

/* the body has ended: ERROR when the closing boundary or the file is missing */

imgp_int_t imgp_multipart_end(imgp_multipart_t *mp, imgp_error_t *err);


#endif /* _IMGP_MULTIPART_H_INCLUDED_ */
