
/*
 * A local operation ("resize", "crop", "composite" ...) with its options: bytes
 * in, bytes out.  Parsed once while the configuration is read,
 * immutable from then on, run by any number of threads at once.
 */


#ifndef _IMGP_OP_H_INCLUDED_
#define _IMGP_OP_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_color_cache.h>


#define IMGP_OP_INPUTS_MAX   64
#define IMGP_OP_OUTPUTS_MAX  64
#define IMGP_OP_LINKS_MAX    16
#define IMGP_OP_FROM_MAX     8


typedef struct imgp_op_s  imgp_op_t;


typedef struct {
    imgp_str_t         data;          /* encoded bytes, mapped or in memory */
    const char        *type;          /* media type as sniffed at its upload */
    uint32_t           width;         /* 0: no image, or not known */
    uint32_t           height;
} imgp_op_input_t;


typedef struct {
    u_char            *data;          /* from imgp_op_task_t.alloc */
    size_t             len;
    uint32_t           width;         /* 0 where the content is no image */
    uint32_t           height;
    const char        *type;          /* static string */
    imgp_uint_t        link;          /* whose it is, in a chain; else 0 */
} imgp_op_output_t;


/*
 * One run.  The caller zeroes it and fills the first part; imgp_op_run()
 * fills the second.  "progress" and "cancel" are shared with the event loop.
 */

typedef struct {
    const imgp_alloc_t  *alloc;       /* thread-safe; for pixels and outputs */
    uint64_t             max_pixels;  /* of each input and each output */
    size_t               max_memory;  /* bytes this run may hold; 0: no limit */
    const imgp_op_input_t  *inputs;
    imgp_uint_t          ninputs;
    const imgp_uint_t   *counts;      /* of them, by the stage they are of */
    imgp_uint_t          nfrom;       /* counts; 0: not told */
    volatile uint32_t   *cancel;      /* may be NULL; not 0: stop soon */
    volatile uint32_t   *progress;    /* may be NULL; 0..1000, only grows */
    imgp_color_cache_t  *colors;      /* may be NULL; for any threads' runs */
    uint32_t             simd;        /* imgp_simd_e; 0: the best there is */

    imgp_op_output_t     outputs[IMGP_OP_OUTPUTS_MAX];
    imgp_uint_t          noutputs;
    imgp_error_t         error;       /* why, after IMGP_ERROR */
} imgp_op_task_t;


/*
 * args[0] is the operation's name, as it stands in the configuration.
 * NULL: err->detail is the sentence for "nginx -t", which names the value
 * and the allowed range.  imgp_op_known() tells whether there is such an
 * operation at all.
 */

imgp_uint_t imgp_op_known(const imgp_str_t *name);
imgp_op_t *imgp_op_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_error_t *err);

/*
 * The operation and its options in one canonical form: equal text means
 * equal outputs for equal inputs, so it goes into the stage key.  It holds a
 * version number that is raised when an algorithm changes its output.
 */

const imgp_str_t *imgp_op_text(const imgp_op_t *op);

/* it takes its inputs as files, and is the only link of its chain */

imgp_uint_t imgp_op_alone(const imgp_op_t *op);

/*
 * Every input gives its own output(s), in order; "crop" with a pointer takes
 * an image and a JSON document (in any order) and gives one output per box.
 * On IMGP_ERROR all is freed but task->error: BAD_IMAGE, TYPE, PIXELS, LIMIT,
 * BAD_PARAM, CANCELED or INTERNAL.
 */

imgp_int_t imgp_op_run(const imgp_op_t *op, imgp_op_task_t *task);


/*
 * A chain: operations that follow each other, each fed by the one before it,
 * in one run.  A picture is decoded once and handed on in memory; nothing is
 * encoded but what somebody wants: the outputs of the last link, and of those
 * that say "keep".  Sizes are those of one run after the other; boxes that
 * follow each other with nothing kept in between are one resizing.
 *
 *     links[0] = { .op = resize_1200 };             a stage that is internal
 *     links[1] = { .op = canvas, .keep = 1 };       ... that is public
 *     links[2] = { .op = encode };                  the last one
 *
 *     if (imgp_op_chain_run(links, 3, &task) == IMGP_OK) {
 *         for (i = 0; i < task.noutputs; i++) {
 *             task.outputs[i] belongs to links[task.outputs[i].link]
 *
 * Outputs stand in the order in which they were made: those of one link are
 * in the order of the inputs (and of a crop's boxes).  A kept link's outputs
 * are, byte for byte, what imgp_op_run() gives for it if it is the first one;
 * later links get better pixels than a file of the link before would hold, so
 * their bytes are not those of single runs.  So a key of theirs takes in the
 * texts of all links from the first on, and which of them are kept.
 *
 * A "crop" cuts each picture that reaches it by the boxes of its "json".  If
 * it is the first link and has none, the task's two inputs are image and
 * JSON, as in imgp_op_run().
 *
 * The task is filled as for imgp_op_run(), and IMGP_ERROR means the same; no
 * more than IMGP_OP_LINKS_MAX links, else LIMIT.
 */

typedef struct {
    const imgp_op_t        *op;
    imgp_uint_t             keep;     /* outputs are wanted: not the last's */
    const imgp_op_input_t  *json;     /* of a crop; else NULL */
} imgp_op_link_t;


imgp_int_t imgp_op_chain_run(const imgp_op_link_t *links, imgp_uint_t nlinks,
    imgp_op_task_t *task);

void imgp_op_free(imgp_op_task_t *task);              /* its outputs */


#endif /* _IMGP_OP_H_INCLUDED_ */
