
/*
 * The inside of an operation: what a file imgp_op_<name>.c hands to the
 * registry in imgp_op.c.  A new operation is one such file and one line there.
 */


#ifndef _IMGP_OP_TYPE_H_INCLUDED_
#define _IMGP_OP_TYPE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_op.h>
#include <imgp/imgp_work.h>


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

    /* one input, or all at once if "whole" */
    imgp_int_t       (*run)(const void *conf, imgp_work_t *work,
                            const imgp_op_input_t *input);
    imgp_uint_t        whole;
} imgp_op_type_t;


extern const imgp_op_type_t  imgp_op_resize;
extern const imgp_op_type_t  imgp_op_encode;
extern const imgp_op_type_t  imgp_op_canvas;
extern const imgp_op_type_t  imgp_op_crop;


/* printf into the pool; NULL: memory is out, and the error says so */

imgp_int_t imgp_op_print(imgp_pool_t *pool, imgp_str_t *text,
    imgp_error_t *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

void *imgp_op_no_memory(imgp_error_t *err);           /* returns NULL */


/* the shares of an input's progress: reading it, writing what came of it */

#define IMGP_OP_READ   700
#define IMGP_OP_WRITE  1000


#endif /* _IMGP_OP_TYPE_H_INCLUDED_ */
