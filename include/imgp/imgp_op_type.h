
/*
 * The inside of an operation: what a file imgp_op_<name>.c hands to the
 * registry in imgp_op.c.  A new operation is one such file and one line there.
 */


#ifndef _IMGP_OP_TYPE_H_INCLUDED_
#define _IMGP_OP_TYPE_H_INCLUDED_


#include <jansson.h>
#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_op.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_fit.h>
#include <imgp/imgp_picture.h>


/* goes on with the picture, and frees it */

typedef imgp_int_t (*imgp_op_part_pt)(void *data, imgp_picture_t *picture);


typedef struct {
    imgp_str_t         name;

    /*
     * args without the name.  Returns the immutable struct that run() gets,
     * and sets "text" to the options in canonical form, with a version of the
     * algorithm; NULL: the error is set.
     */
    void            *(*parse)(imgp_pool_t *pool, const imgp_str_t *args,
                              imgp_uint_t nargs, imgp_str_t *text,
                              imgp_error_t *err);

    /*
     * the steps of a run, in this order; each may be NULL.  fit() gives the
     * box that the picture is shrunk to, apply() changes it, write() makes
     * outputs of it (NULL: in the format that it came in), settle() leaves it
     * as if it had been written.  split() calls part() for every piece of it,
     * instead of the last three.
     */
    const imgp_fit_t  *(*fit)(const void *conf);
    imgp_int_t       (*apply)(const void *conf, imgp_work_t *work,
                              imgp_picture_t *picture);
    imgp_int_t       (*write)(const void *conf, imgp_work_t *work,
                              imgp_picture_t *picture);
    imgp_int_t       (*settle)(const void *conf, imgp_work_t *work,
                               imgp_picture_t *picture);
    imgp_int_t       (*split)(const void *conf, imgp_work_t *work,
                              imgp_picture_t *picture,
                              const imgp_op_input_t *json,
                              imgp_op_part_pt part, void *data);

    /*
     * planes will do; the pixels that share a sample of chroma in what is
     * written.  NULL or 0: it takes an image
     */
    uint32_t         (*sub)(const void *conf);

    /*
     * all of a run, from the task's inputs to its outputs: what takes several
     * of them together, or their bytes.  It is no link of a chain, and all the
     * steps above are NULL.
     */
    imgp_int_t       (*run)(const void *conf, imgp_work_t *work);
} imgp_op_type_t;


struct imgp_op_s {
    const imgp_op_type_t  *type;
    void                  *conf;
    imgp_str_t             text;
};


extern const imgp_op_type_t  imgp_op_resize;
extern const imgp_op_type_t  imgp_op_encode;
extern const imgp_op_type_t  imgp_op_canvas;
extern const imgp_op_type_t  imgp_op_crop;
extern const imgp_op_type_t  imgp_op_mask;
extern const imgp_op_type_t  imgp_op_composite;
extern const imgp_op_type_t  imgp_op_render;
extern const imgp_op_type_t  imgp_op_base64;
extern const imgp_op_type_t  imgp_op_split;
extern const imgp_op_type_t  imgp_op_join;


/* printf into the pool; NULL: memory is out, and the error says so */

imgp_int_t imgp_op_print(imgp_pool_t *pool, imgp_str_t *text,
    imgp_error_t *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

void *imgp_op_no_memory(imgp_error_t *err);           /* returns NULL */

/* one more output: a JSON document; for NULL memory is out */

imgp_int_t imgp_op_json(imgp_work_t *work, const json_t *value);

/* is it JSON, by its type or its first byte? */

imgp_uint_t imgp_op_is_json(const imgp_op_input_t *input);

/* the task's two inputs, a picture and a document, which may come first */

imgp_int_t imgp_op_pair(imgp_work_t *work, const char *name,
    const imgp_op_input_t **picture, const imgp_op_input_t **json);


/* the shares of an input's progress: reading it, writing what came of it */

#define IMGP_OP_READ   700
#define IMGP_OP_WRITE  1000


#endif /* _IMGP_OP_TYPE_H_INCLUDED_ */
