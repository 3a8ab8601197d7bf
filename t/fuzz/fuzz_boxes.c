
/*
 * imgp_boxes: whatever a document says, a box that is taken lies within the
 * picture, its points within their array, and nothing is left behind.
 *
 * The input's first line is the pointer, the rest is the document.
 */


#include <math.h>
#include <stdlib.h>
#include <imgp/imgp_boxes.h>


#define FUZZ_WIDTH   300
#define FUZZ_HEIGHT  200
#define FUZZ_BOXES   100


static void fuzz_check(const imgp_boxes_t *boxes);


int LLVMFuzzerTestOneInput(const u_char *p, size_t len);

int
LLVMFuzzerTestOneInput(const u_char *p, size_t len)
{
    json_t          *root;
    imgp_str_t       text, body;
    imgp_work_t      work;
    imgp_boxes_t     boxes;
    imgp_pool_t     *pool;
    imgp_error_t     err;
    const u_char    *line;
    imgp_op_task_t   task;
    imgp_pointer_t  *pointer;

    line = len ? memchr(p, '\n', len) : NULL;
    if (line == NULL) {
        return 0;
    }

    text.data = (u_char *) p;
    text.len = (size_t) (line - p);
    body.data = (u_char *) line + 1;
    body.len = len - text.len - 1;

    memset(&task, 0, sizeof(task));
    memset(&work, 0, sizeof(work));
    task.alloc = &imgp_malloc;
    work.task = &task;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    pointer = imgp_pointer_parse(pool, &text, &err);
    root = imgp_boxes_load(&work, &body);

    if ((root == NULL) != (task.error.code == IMGP_E_BAD_PARAM)) {
        abort();
    }

    if (root != NULL && pointer != NULL) {

        if (imgp_boxes_read(&work, pointer, root, FUZZ_BOXES, FUZZ_WIDTH,
                            FUZZ_HEIGHT, &boxes)
            == IMGP_OK)
        {
            fuzz_check(&boxes);
            imgp_boxes_free(&boxes);

        } else if (task.error.code != IMGP_E_BAD_PARAM
                   && task.error.code != IMGP_E_LIMIT)
        {
            abort();
        }
    }

    if (work.used != 0) {
        abort();
    }

    json_decref(root);
    imgp_pool_destroy(pool);

    return 0;
}


static void
fuzz_check(const imgp_boxes_t *boxes)
{
    imgp_uint_t        i, k, n;
    const imgp_box_t  *box;

    n = 0;

    for (i = 0; i < boxes->n; i++) {
        box = &boxes->boxes[i];

        if (box->w == 0 || box->h == 0
            || box->x >= FUZZ_WIDTH || box->w > FUZZ_WIDTH - box->x
            || box->y >= FUZZ_HEIGHT || box->h > FUZZ_HEIGHT - box->y
            || (box->npoints != 0
                && (box->npoints < 3 || box->points != boxes->points + n)))
        {
            abort();
        }

        for (k = 0; k < box->npoints; k++) {

            if (!(fabs(box->points[k].x) <= IMGP_BOXES_FAR)
                || !(fabs(box->points[k].y) <= IMGP_BOXES_FAR))
            {
                abort();
            }
        }

        n += box->npoints;
    }

    if (boxes->n > FUZZ_BOXES || n != boxes->npoints
        || n > IMGP_BOXES_POINTS_MAX)
    {
        abort();
    }
}
