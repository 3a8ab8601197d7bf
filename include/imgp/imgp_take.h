
/*
 * "take": what of a service's answer becomes the outputs.
 *
 *     body                     the body, or each part of a multipart body
 *     json POINTER             each value selected, as a JSON document
 *     json POINTER base64      the bytes that it stands for
 *     json POINTER url         what it is the address of: fetched by the caller
 */


#ifndef _IMGP_TAKE_H_INCLUDED_
#define _IMGP_TAKE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_pointer.h>


#define IMGP_TAKE_URL_MAX  8192


typedef enum {
    IMGP_TAKE_BODY = 0,
    IMGP_TAKE_JSON,
    IMGP_TAKE_BASE64,
    IMGP_TAKE_URL
} imgp_take_kind_e;


typedef struct {
    imgp_take_kind_e   kind;
    imgp_pointer_t    *pointer;       /* of all but BODY */
    imgp_str_t         text;          /* of the pointer, for errors */
} imgp_take_t;


/*
 * "content" lives until the handler returns; "type" is what the answer calls
 * it, or empty.  Of URL the content is the address.
 */

typedef imgp_int_t (*imgp_take_pt)(void *data, const imgp_str_t *content,
    const imgp_str_t *type, imgp_error_t *err);


/*
 * Calls handler for each output, in order.  For a thread: a large document
 * takes its time, and a multiple of its size in memory.  IMGP_ERROR with the
 * handler's error, INTERNAL (memory), LIMIT (more than IMGP_ITEMS_MAX) or
 * SERVICE_REPLY: not what was expected, or nothing; the sentence tells what
 * came, but quotes none of its values.
 */

imgp_int_t imgp_take(const imgp_take_t *take, const imgp_str_t *body,
    const imgp_str_t *type, imgp_take_pt handler, void *data,
    imgp_error_t *err);

/* the only string that a pointer selects; the rest as above.  It is copied
   to the pool. */

imgp_int_t imgp_take_string(const imgp_take_t *take, json_t *root,
    imgp_pool_t *pool, imgp_str_t *value, imgp_error_t *err);


#endif /* _IMGP_TAKE_H_INCLUDED_ */
