
/*
 * A run of one operation or of a chain of them: the frame around the task,
 * and the way of a picture from link to link without being encoded.  Called
 * by pool threads; memory is the task's.  What a run has produced before it
 * failed is freed here.
 *
 * Boxes that follow each other, with no output wanted in between, become one:
 * the first ones a part of decoding, where they save most.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_decode.h>
#include <imgp/imgp_encode.h>


typedef struct {
    imgp_work_t            *work;
    const imgp_op_link_t   *links;
    imgp_uint_t             n;
    const imgp_op_input_t  *json;     /* of the first link, if it is a crop */
} imgp_op_chain_t;


/* where a picture was cut into pieces */

typedef struct {
    imgp_op_chain_t       *chain;
    imgp_uint_t            link;
} imgp_op_place_t;


/* links that are taken at once: the last one and the boxes of all */

typedef struct {
    imgp_uint_t            last;
    imgp_uint_t            nfits;
    const imgp_fit_t      *fits[IMGP_OP_LINKS_MAX];
} imgp_op_fold_t;


static imgp_int_t imgp_op_chain_check(imgp_op_chain_t *chain);
static imgp_int_t imgp_op_chain_all(imgp_op_chain_t *chain);
static imgp_int_t imgp_op_chain_inputs(imgp_op_chain_t *chain);
static imgp_int_t imgp_op_chain_input(imgp_op_chain_t *chain,
    const imgp_str_t *data);
static void imgp_op_chain_fold(const imgp_op_chain_t *chain,
    imgp_uint_t first, imgp_op_fold_t *fold);
static imgp_uint_t imgp_op_chain_wanted(const imgp_op_chain_t *chain,
    imgp_uint_t i);
static uint32_t imgp_op_chain_sub(const imgp_op_chain_t *chain,
    imgp_uint_t i);
static imgp_int_t imgp_op_chain_rest(imgp_op_chain_t *chain,
    imgp_uint_t next, imgp_picture_t *picture);
static imgp_int_t imgp_op_chain_links(imgp_op_chain_t *chain,
    imgp_uint_t first, const imgp_op_fold_t *fold, imgp_picture_t *picture);
static imgp_int_t imgp_op_chain_link(imgp_op_chain_t *chain, imgp_uint_t i,
    imgp_picture_t *picture);
static imgp_int_t imgp_op_chain_write(imgp_op_chain_t *chain, imgp_uint_t i,
    imgp_picture_t *picture);
static imgp_int_t imgp_op_chain_split(imgp_op_chain_t *chain, imgp_uint_t i,
    imgp_picture_t *picture);
static imgp_int_t imgp_op_chain_piece(void *data, imgp_picture_t *picture);


imgp_int_t
imgp_op_chain_run(const imgp_op_link_t *links, imgp_uint_t nlinks,
    imgp_op_task_t *task)
{
    imgp_work_t      work;
    imgp_op_chain_t  chain;

    memset(&work, 0, sizeof(imgp_work_t));
    memset(&chain, 0, sizeof(imgp_op_chain_t));

    work.task = task;
    task->noutputs = 0;
    task->error.code = IMGP_E_NONE;

    chain.work = &work;
    chain.links = links;
    chain.n = nlinks;

    if (imgp_op_chain_check(&chain) == IMGP_OK
        && imgp_op_chain_all(&chain) == IMGP_OK
        && imgp_work_poll(&work) == IMGP_OK)
    {
        imgp_work_phase(&work, 1000, 1000);
        work.input = task->ninputs - 1;

        return imgp_work_step(&work, 1, 1);
    }

    imgp_op_free(task);

    return IMGP_ERROR;
}


static imgp_int_t
imgp_op_chain_check(imgp_op_chain_t *chain)
{
    imgp_uint_t       n, i;
    imgp_work_t      *work;
    const imgp_op_t  *op;

    work = chain->work;
    n = work->task->ninputs;

    if (n == 0 || n > IMGP_OP_INPUTS_MAX) {
        return imgp_work_error(work, IMGP_E_LIMIT,
                               "%u inputs, must be 1..%d", (unsigned) n,
                               IMGP_OP_INPUTS_MAX);
    }

    if (chain->n == 0 || chain->n > IMGP_OP_LINKS_MAX) {
        return imgp_work_error(work, IMGP_E_LIMIT,
                               "%u operations in a chain, must be 1..%d",
                               (unsigned) chain->n, IMGP_OP_LINKS_MAX);
    }

    for (i = 0; i < chain->n; i++) {
        op = chain->links[i].op;

        if (imgp_op_alone(op) && chain->n > 1) {
            return imgp_work_error(work, IMGP_E_INTERNAL,
                                   "%s stands in a chain",
                                   (char *) op->type->name.data);
        }

        if (i > 0 && op->type->split != NULL && chain->links[i].json == NULL) {
            return imgp_work_error(work, IMGP_E_BAD_PARAM,
                                   "crop takes an image and a JSON document");
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_chain_all(imgp_op_chain_t *chain)
{
    const imgp_op_t  *op;

    op = chain->links[0].op;

    return imgp_op_alone(op) ? op->type->run(op->conf, chain->work)
                             : imgp_op_chain_inputs(chain);
}


/* a crop that stands first may find its boxes among the inputs */

static imgp_int_t
imgp_op_chain_inputs(imgp_op_chain_t *chain)
{
    imgp_work_t            *work;
    const imgp_op_link_t   *first;
    const imgp_op_input_t  *picture;

    work = chain->work;
    first = &chain->links[0];
    chain->json = first->json;

    if (first->op->type->split != NULL && chain->json == NULL) {

        return (imgp_op_pair(work, "crop", &picture, &chain->json) == IMGP_OK)
                   ? imgp_op_chain_input(chain, &picture->data) : IMGP_ERROR;
    }

    for (work->input = 0; work->input < work->task->ninputs; work->input++) {

        if (imgp_op_chain_input(chain, &work->task->inputs[work->input].data)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_chain_input(imgp_op_chain_t *chain, const imgp_str_t *data)
{
    imgp_int_t      rc;
    imgp_decode_t   decode;
    imgp_op_fold_t  fold;
    imgp_picture_t  picture;

    imgp_op_chain_fold(chain, 0, &fold);

    decode.fits = fold.fits;
    decode.nfits = fold.nfits;
    decode.sub = imgp_op_chain_sub(chain, fold.last);

    imgp_work_phase(chain->work, 0, IMGP_OP_READ);

    if (imgp_decode_picture(chain->work, data, &decode, &picture) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_op_chain_links(chain, 0, &fold, &picture);

    imgp_picture_free(chain->work, &picture);

    return rc;
}


/* as far as nothing but the size changes, and nobody wants to see it */

static void
imgp_op_chain_fold(const imgp_op_chain_t *chain, imgp_uint_t first,
    imgp_op_fold_t *fold)
{
    imgp_uint_t            i;
    const imgp_op_type_t  *type;

    fold->nfits = 0;

    for (i = first; i < chain->n; i++) {
        type = chain->links[i].op->type;

        if (type->fit != NULL) {
            fold->fits[fold->nfits++] = type->fit(chain->links[i].op->conf);
        }

        if (type->apply != NULL || type->split != NULL
            || imgp_op_chain_wanted(chain, i))
        {
            break;
        }
    }

    fold->last = i;
}


static imgp_uint_t
imgp_op_chain_wanted(const imgp_op_chain_t *chain, imgp_uint_t i)
{
    return chain->links[i].keep || i == chain->n - 1;
}


static uint32_t
imgp_op_chain_sub(const imgp_op_chain_t *chain, imgp_uint_t i)
{
    const imgp_op_t  *op;

    op = chain->links[i].op;

    return op->type->sub ? op->type->sub(op->conf) : 0;
}


static imgp_int_t
imgp_op_chain_rest(imgp_op_chain_t *chain, imgp_uint_t next,
    imgp_picture_t *picture)
{
    imgp_op_fold_t  fold;

    if (next == chain->n) {
        return IMGP_OK;
    }

    imgp_op_chain_fold(chain, next, &fold);

    if (imgp_picture_fit(chain->work, picture, fold.fits, fold.nfits,
                         imgp_op_chain_sub(chain, fold.last))
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_op_chain_links(chain, next, &fold, picture);
}


/* the picture has been through the boxes of the fold already */

static imgp_int_t
imgp_op_chain_links(imgp_op_chain_t *chain, imgp_uint_t first,
    const imgp_op_fold_t *fold, imgp_picture_t *picture)
{
    imgp_uint_t            i;
    const imgp_op_type_t  *type;

    for (i = first; i < fold->last; i++) {
        type = chain->links[i].op->type;

        if (type->settle != NULL
            && type->settle(chain->links[i].op->conf, chain->work, picture)
               != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return imgp_op_chain_link(chain, fold->last, picture);
}


static imgp_int_t
imgp_op_chain_link(imgp_op_chain_t *chain, imgp_uint_t i,
    imgp_picture_t *picture)
{
    imgp_uint_t       done;
    const imgp_op_t  *op;

    op = chain->links[i].op;

    if (op->type->split != NULL) {
        return imgp_op_chain_split(chain, i, picture);
    }

    if (op->type->apply != NULL
        && op->type->apply(op->conf, chain->work, picture) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    done = IMGP_OP_WRITE - IMGP_OP_READ;
    imgp_work_phase(chain->work, IMGP_OP_READ + done * i / chain->n,
                    IMGP_OP_READ + done * (i + 1) / chain->n);

    if (imgp_op_chain_wanted(chain, i)
        && imgp_op_chain_write(chain, i, picture) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    return imgp_op_chain_rest(chain, i + 1, picture);
}


static imgp_int_t
imgp_op_chain_write(imgp_op_chain_t *chain, imgp_uint_t i,
    imgp_picture_t *picture)
{
    const imgp_op_t  *op;

    op = chain->links[i].op;
    chain->work->link = i;

    return op->type->write
               ? op->type->write(op->conf, chain->work, picture)
               : imgp_encode_picture_as(chain->work, picture);
}


static imgp_int_t
imgp_op_chain_split(imgp_op_chain_t *chain, imgp_uint_t i,
    imgp_picture_t *picture)
{
    const imgp_op_t        *op;
    imgp_op_place_t         place;
    const imgp_op_input_t  *json;

    op = chain->links[i].op;
    json = (i == 0) ? chain->json : chain->links[i].json;

    place.chain = chain;
    place.link = i;

    imgp_work_phase(chain->work, IMGP_OP_READ, IMGP_OP_WRITE);

    return op->type->split(op->conf, chain->work, picture, json,
                           imgp_op_chain_piece, &place);
}


static imgp_int_t
imgp_op_chain_piece(void *data, imgp_picture_t *picture)
{
    imgp_int_t        rc;
    imgp_op_chain_t  *chain;
    imgp_op_place_t  *place = data;

    rc = IMGP_OK;
    chain = place->chain;

    if (imgp_op_chain_wanted(chain, place->link)) {
        rc = imgp_op_chain_write(chain, place->link, picture);
    }

    if (rc == IMGP_OK) {
        rc = imgp_op_chain_rest(chain, place->link + 1, picture);
    }

    imgp_picture_free(chain->work, picture);

    return rc;
}
