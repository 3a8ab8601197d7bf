
/*
 * Adam7: a PNG in seven pictures, each of which is filtered as one of its own.
 * Called by imgp_png_read.c on the run's thread; memory is the run's.
 *
 * The seventh picture is every second row, as a whole.  So the six before it
 * fill the other rows, which are kept, and from then on rows are given as they
 * are unpacked: half of the picture is in memory, and no more.
 *
 * ISO/IEC 15948: 8.2 (passes).
 */


#include <imgp/imgp_png_lace.h>


#define IMGP_PNG_LACE_KEPT  6         /* passes; the last one is not */


struct imgp_png_lace_s {
    imgp_work_t        *work;
    imgp_png_rows_t    *rows;
    imgp_png_expand_t   expand;       /* as wide as the pass */
    imgp_image_t        form;
    size_t              pixel;        /* bytes, expanded */

    u_char             *even;         /* every second row */
    u_char             *line;         /* one of a pass, expanded */
    uint32_t            next;
};


typedef struct {
    uint32_t            x;
    uint32_t            y;
    uint32_t            step_x;
    uint32_t            step_y;
} imgp_png_lace_pass_t;


static imgp_int_t imgp_png_lace_keep(imgp_png_lace_t *lace);
static imgp_int_t imgp_png_lace_pass(imgp_png_lace_t *lace,
    const imgp_png_lace_pass_t *pass);
static void imgp_png_lace_begin(imgp_png_lace_t *lace, uint32_t width,
    uint32_t height);
static void imgp_png_lace_spread(size_t pixel, const u_char *line, uint32_t n,
    uint32_t step, u_char *row);


static const imgp_png_lace_pass_t  imgp_png_lace_passes[IMGP_PNG_LACE_KEPT] = {
    { 0, 0, 8, 8 },
    { 4, 0, 8, 8 },
    { 0, 4, 4, 8 },
    { 2, 0, 4, 4 },
    { 0, 2, 2, 4 },
    { 1, 0, 2, 2 }
};


imgp_png_lace_t *
imgp_png_lace_open(imgp_work_t *work, imgp_png_rows_t *rows,
    const imgp_png_expand_t *expand, const imgp_image_t *form)
{
    imgp_png_lace_t  *lace;

    lace = imgp_work_alloc(work, sizeof(imgp_png_lace_t));
    if (lace == NULL) {
        return NULL;
    }

    lace->work = work;
    lace->rows = rows;
    lace->expand = *expand;
    lace->form = *form;
    lace->pixel = form->channels * (form->depth / 8);
    lace->next = 0;

    lace->even = imgp_work_array(work, ((size_t) form->height + 1) / 2,
                                 form->stride);
    lace->line = imgp_work_alloc(work, form->stride);

    if (lace->even == NULL || lace->line == NULL
        || imgp_png_lace_keep(lace) != IMGP_OK)
    {
        imgp_png_lace_close(lace);
        return NULL;
    }

    imgp_png_lace_begin(lace, form->width, form->height / 2);

    return lace;
}


void
imgp_png_lace_close(imgp_png_lace_t *lace)
{
    if (lace != NULL) {
        imgp_work_free(lace->work, lace->even);
        imgp_work_free(lace->work, lace->line);
        imgp_work_free(lace->work, lace);
    }
}


imgp_int_t
imgp_png_lace_row(imgp_png_lace_t *lace, u_char *row)
{
    uint32_t       y;
    const u_char  *line;

    y = lace->next++;

    if (y % 2 == 0) {
        memcpy(row, lace->even + y / 2 * lace->form.stride,
               lace->form.stride);
        return IMGP_OK;
    }

    line = imgp_png_rows_next(lace->rows);
    if (line == NULL) {
        return IMGP_ERROR;
    }

    imgp_png_expand_row(&lace->expand, line, row);

    return IMGP_OK;
}


static imgp_int_t
imgp_png_lace_keep(imgp_png_lace_t *lace)
{
    uint32_t  i;

    for (i = 0; i < IMGP_PNG_LACE_KEPT; i++) {

        if (imgp_png_lace_pass(lace, &imgp_png_lace_passes[i]) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_png_lace_pass(imgp_png_lace_t *lace, const imgp_png_lace_pass_t *pass)
{
    u_char        *row;
    uint32_t       y, width, height;
    const u_char  *line;

    if (lace->form.width <= pass->x || lace->form.height <= pass->y) {
        return IMGP_OK;               /* a pass without pixels has no rows */
    }

    width = (lace->form.width - pass->x - 1) / pass->step_x + 1;
    height = (lace->form.height - pass->y - 1) / pass->step_y + 1;

    imgp_png_lace_begin(lace, width, height);

    for (y = 0; y < height; y++) {

        if (y % IMGP_STEP_ROWS == 0 && imgp_work_poll(lace->work) != IMGP_OK) {
            return IMGP_ERROR;
        }

        line = imgp_png_rows_next(lace->rows);
        if (line == NULL) {
            return IMGP_ERROR;
        }

        imgp_png_expand_row(&lace->expand, line, lace->line);

        row = lace->even
              + (pass->y + (size_t) y * pass->step_y) / 2 * lace->form.stride;

        imgp_png_lace_spread(lace->pixel, lace->line, width, pass->step_x,
                             row + pass->x * lace->pixel);
    }

    return IMGP_OK;
}


static void
imgp_png_lace_begin(imgp_png_lace_t *lace, uint32_t width, uint32_t height)
{
    imgp_png_expand_t  *e;

    e = &lace->expand;
    e->width = width;

    imgp_png_rows_begin(lace->rows, imgp_png_expand_len(e), height);
}


/* n pixels, of which each is "step" to the right of the one before */

static inline __attribute__((always_inline)) void
imgp_png_lace_spread_n(size_t pixel, const u_char *line, uint32_t n,
    uint32_t step, u_char *row)
{
    uint32_t  x;

    for (x = 0; x < n; x++) {
        memcpy(row, line, pixel);

        line += pixel;
        row += step * pixel;
    }
}


/* moves of a constant size */

static void
imgp_png_lace_spread(size_t pixel, const u_char *line, uint32_t n,
    uint32_t step, u_char *row)
{
    switch (pixel) {

    case 1:
        imgp_png_lace_spread_n(1, line, n, step, row);
        break;

    case 2:
        imgp_png_lace_spread_n(2, line, n, step, row);
        break;

    case 3:
        imgp_png_lace_spread_n(3, line, n, step, row);
        break;

    case 4:
        imgp_png_lace_spread_n(4, line, n, step, row);
        break;

    default:
        imgp_png_lace_spread_n(pixel, line, n, step, row);
    }
}
