
/*
 * JSON pointers (RFC 6901), with "*" as a reference token that selects every
 * element of an array (or every member of an object).  Values are jansson's.
 */


#ifndef _IMGP_POINTER_H_INCLUDED_
#define _IMGP_POINTER_H_INCLUDED_


#include <jansson.h>
#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>


#define IMGP_JSON_DEPTH_MAX   32      /* of a document of a foreign service */
#define IMGP_JSON_BYTES_MAX   (64 * 1024 * 1024)
#define IMGP_JSON_VALUES_MAX  (512 * 1024)  /* each costs up to 300 bytes */


typedef struct imgp_pointer_s  imgp_pointer_t;

typedef imgp_int_t (*imgp_pointer_pt)(void *data, json_t *value);


/* NULL: err->detail tells what is wrong with the text */

imgp_pointer_t *imgp_pointer_parse(imgp_pool_t *pool, const imgp_str_t *text,
    imgp_error_t *err);

/*
 * Calls handler for every selected value, in document order; the values are
 * borrowed.  Returns the number selected, or IMGP_ERROR when the handler did.
 */

imgp_int_t imgp_pointer_each(const imgp_pointer_t *pointer, json_t *root,
    imgp_pointer_pt handler, void *data);

/*
 * A document with its limits checked; NULL: err (SERVICE_REPLY) tells why.
 * Any JSON value may stand at the top; an object with one name twice is
 * refused.  Where an integer does not fit 63 bits all numbers become reals:
 * readers take them with json_number_value().
 */

json_t *imgp_json_load(const imgp_str_t *text, imgp_error_t *err);


#endif /* _IMGP_POINTER_H_INCLUDED_ */
