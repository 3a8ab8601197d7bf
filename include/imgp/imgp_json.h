
/*
 * JSON being built, by jansson.  A builder that has failed (memory is out)
 * stays failed and takes no more, so that only the end has to be checked.
 */


#ifndef _IMGP_JSON_H_INCLUDED_
#define _IMGP_JSON_H_INCLUDED_


#include <jansson.h>
#include <imgp/imgp_types.h>


typedef struct {
    json_t            *json;          /* an object or an array; NULL: failed */
} imgp_json_t;


#define imgp_json_object()  { json_object() }
#define imgp_json_array()   { json_array() }


/* all of them take the value over, whether they succeed or not; a value of
   NULL is one that could not be made */

void imgp_json_set(imgp_json_t *b, const char *name, json_t *value);
void imgp_json_add(imgp_json_t *b, json_t *value);

/* a name in the sense of IMGP_NAME_LEN, which it is cut to */

void imgp_json_set_key(imgp_json_t *b, const imgp_str_t *name, json_t *value);

void imgp_json_set_int(imgp_json_t *b, const char *name, uint64_t n);
void imgp_json_set_bool(imgp_json_t *b, const char *name, imgp_uint_t n);

/* bytes that are not UTF-8 become "?" */

json_t *imgp_json_str(const imgp_str_t *s);
json_t *imgp_json_text(const char *p);
json_t *imgp_json_printf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/*
 * What was built, compact, as a text with a NUL that is freed with free();
 * the builder is done with then.  NULL: memory is out.
 */

char *imgp_json_dump(imgp_json_t *b, size_t *len);


#endif /* _IMGP_JSON_H_INCLUDED_ */
