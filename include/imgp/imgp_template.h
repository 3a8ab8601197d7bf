
/*
 * "send json FILE" and "send form NAME=VALUE ...": a text with slots such as
 * {{input.base64}}, parsed once while the configuration is read, then the
 * source of any number of request bodies.
 *
 *     {{input.base64}}  {{input.type}}  {{input.json}}      the first input
 *     {{input.json/a/0}}       the value at this pointer of a JSON input
 *     {{input.text}}           what a JSON string says, else the bytes
 *     {{inputs.NAME.base64}} ...                            that of a stage
 *     {{param.NAME}}  {{job.id}}
 *
 * Within a JSON string all of them are escaped, in a form percent-encoded.
 * Outside of a string "json" gives the document or value itself, and a param
 * the number or word that it is, or else a string; the others belong into
 * strings.
 */


#ifndef _IMGP_TEMPLATE_H_INCLUDED_
#define _IMGP_TEMPLATE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_pointer.h>


#define IMGP_TEMPLATE_MAX         (1024 * 1024)   /* bytes of the file */
#define IMGP_TEMPLATE_SLOTS_MAX   64
#define IMGP_TEMPLATE_SLOT_MAX    160     /* bytes between "{{" and "}}" */

/* a document or text within a string is copied, since it must be escaped */
#define IMGP_TEMPLATE_QUOTED_MAX  (4 * 1024 * 1024)


typedef enum {
    IMGP_TEMPLATE_BASE64 = 0,
    IMGP_TEMPLATE_TYPE,
    IMGP_TEMPLATE_JSON,
    IMGP_TEMPLATE_TEXT,
    IMGP_TEMPLATE_PARAM,
    IMGP_TEMPLATE_JOB
} imgp_template_kind_e;


typedef struct {
    imgp_template_kind_e  kind;
    imgp_uint_t           quoted;     /* it stands in a string */
    imgp_str_t            name;       /* of input or param; "": the first */
    imgp_str_t            text;       /* of the pointer, for errors */
    imgp_pointer_t       *pointer;    /* of JSON; NULL: all of it */
    imgp_uint_t           line;

    imgp_uint_t           index;      /* the caller's: which input or param */
} imgp_template_slot_t;


typedef struct imgp_template_s  imgp_template_t;


/*
 * NULL: err->detail tells what is wrong on line *line.  The text is copied.
 */

imgp_template_t *imgp_template_parse(imgp_pool_t *pool,
    const imgp_str_t *text, imgp_uint_t *line, imgp_error_t *err);

/* the same of the fields of application/x-www-form-urlencoded, each of them
   "name=value" with slots in the value; all slots are quoted */

imgp_template_t *imgp_template_form(imgp_pool_t *pool,
    const imgp_str_t *fields, imgp_uint_t n, imgp_error_t *err);

/* for the caller, who knows which names there are */

imgp_template_slot_t *imgp_template_slots(imgp_template_t *t,
    imgp_uint_t *n);


/* ---- one request body ---- */

typedef struct {
    imgp_str_t         data;
    const char        *type;
    imgp_uint_t        n;             /* items it consists of: 1 can be sent */
} imgp_template_input_t;


typedef struct {
    const imgp_template_input_t  *inputs;   /* by a slot's index */
    const imgp_str_t             *params;
    imgp_str_t                    job;
} imgp_template_values_t;


typedef struct imgp_template_body_s  imgp_template_body_t;


/*
 * Fills the slots: for a thread, since it reads whole JSON inputs.  What it
 * returns lies in the pool and refers to the template and to the values' bytes,
 * which must stay; base64 is made when it is read.  NULL: err tells why.
 */

imgp_template_body_t *imgp_template_fill(const imgp_template_t *t,
    imgp_pool_t *pool, const imgp_template_values_t *values,
    imgp_error_t *err);

uint64_t imgp_template_length(const imgp_template_body_t *body);

/* the bytes from the current place on, at most "size": how many, 0 at the end;
   a place is any offset up to the length, else IMGP_ERROR */

size_t imgp_template_read(imgp_template_body_t *body, u_char *buf,
    size_t size);
imgp_int_t imgp_template_seek(imgp_template_body_t *body, uint64_t offset);


#endif /* _IMGP_TEMPLATE_H_INCLUDED_ */
