
/*
 * The texts that belong to boxes: of the same document, or of others, as a
 * translation gives them.
 */


#ifndef _IMGP_TEXTS_H_INCLUDED_
#define _IMGP_TEXTS_H_INCLUDED_


#include <jansson.h>
#include <imgp/imgp_types.h>
#include <imgp/imgp_op.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_pointer.h>


#define IMGP_TEXTS_MAX   1024         /* boxes of one document */
#define IMGP_TEXTS_DOCS  IMGP_OP_INPUTS_MAX


typedef struct {
    imgp_work_t           *work;
    json_t                *roots[IMGP_TEXTS_DOCS];
    imgp_uint_t            nroots;    /* the first has the boxes */
    imgp_uint_t            n;
    imgp_str_t             texts[IMGP_TEXTS_MAX];  /* borrowed */
} imgp_texts_t;


/*
 * Reads the documents: inputs that are JSON or text of any kind; "picture" is
 * the one that is neither.  Then the texts: with a pointer what it selects,
 * without one (NULL) the members "text" of what "boxes" selects, or, of more
 * documents than the first, all of each, a string or an array of strings.
 * OK: to be freed; ERROR: the error is set and nothing is left.
 */

imgp_int_t imgp_texts_read(imgp_work_t *work, const imgp_pointer_t *boxes,
    const imgp_pointer_t *pointer, const imgp_op_input_t **picture,
    imgp_texts_t *texts);
void imgp_texts_free(imgp_texts_t *texts);


#endif /* _IMGP_TEXTS_H_INCLUDED_ */
