
/*
 * A whole multipart body (RFC 2046, 5.1) of a service's answer, part by part.
 */


#ifndef _IMGP_PARTS_H_INCLUDED_
#define _IMGP_PARTS_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>


typedef imgp_int_t (*imgp_parts_pt)(void *data, const imgp_str_t *content,
    const imgp_str_t *type, imgp_error_t *err);


/* does a Content-Type value announce one? */

imgp_uint_t imgp_parts_are(const imgp_str_t *content_type);

/*
 * Calls handler for every part, in order; "content" is a range of "body",
 * "type" what the part declares, or empty.  Header lines of "body" are joined
 * in place.  IMGP_ERROR with the handler's error, or SERVICE_REPLY for a body
 * that is malformed or ends before its last boundary.
 */

imgp_int_t imgp_parts_each(const imgp_str_t *content_type,
    const imgp_str_t *body, imgp_parts_pt handler, void *data,
    imgp_error_t *err);


#endif /* _IMGP_PARTS_H_INCLUDED_ */
