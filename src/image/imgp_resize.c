
/*
 * The resampler: Lanczos-3, separable, columns first.  Driven by the decoders'
 * side (imgp_decode.c) on one thread, so that a large source is never in
 * memory as a whole: only as many source rows as one output row needs are
 * kept, in a ring, where decoders write them.  Memory is the run's.
 *
 *     row -> ring of bytes -> one row summed over columns -> summed along it
 *
 * The ring holds fixed point (imgp_alpha.h) instead of bytes where these are
 * not enough: for 16 bits, for means, and from the first row on that is not
 * opaque, where colours are multiplied by their alpha.  Then the part of a
 * row where alpha is 0 costs nothing.
 *
 * Both sums are of 16-bit samples times 14-bit coefficients in 32 bits
 * (imgp_taps.h), rounded to nearest: the same bytes on every machine.
 */


#include <imgp/imgp_resize.h>
#include <imgp/imgp_alpha.h>
#include <imgp/imgp_mean.h>
#include <imgp/imgp_taps.h>


typedef struct {
    uint32_t           from;          /* samples that are not transparent */
    uint32_t           to;
} imgp_resize_part_t;


struct imgp_resize_s {
    imgp_work_t         *work;
    imgp_image_t        *target;
    const imgp_taps_t   *sum;

    imgp_lanczos_t       x;
    imgp_lanczos_t       y;
    uint32_t             flip;        /* target rows come from the last one */

    uint32_t             width;       /* of source rows, in samples */
    uint32_t             height;      /* number of source rows */
    uint32_t             direct;      /* slots are in the ring */
    uint32_t             wide;        /* the ring holds fixed point */
    uint32_t             ahead;
    uint32_t             rows;        /* of the ring */
    size_t               slot;        /* bytes */
    size_t               row;         /* samples times channels, of x */

    uint32_t             pushed;      /* rows so far */
    uint32_t             ready;       /* rows that went into the ring */
    uint32_t             next;        /* target rows that are done */

    u_char              *stage;       /* [ahead][slot] unless direct */
    u_char              *ring;        /* [rows][slot, or row if wide] */
    imgp_resize_part_t  *parts;       /* [rows] */
    const void         **column_rows; /* [y.taps] */
    int16_t             *column;      /* [row] and slack */
    int16_t             *out;         /* [channels * x.out] */
    imgp_mean_t          mean;        /* fix is NULL: none */
};


#define imgp_resize_means(r)  ((r)->mean.box_x > 1 || (r)->mean.box_y > 1)


static uint32_t imgp_resize_box(const imgp_axis_t *axis, imgp_axis_t *reduced);
static void imgp_resize_form(imgp_resize_t *r, const imgp_resize_conf_t *conf);
static imgp_int_t imgp_resize_alloc(imgp_resize_t *r);
static void imgp_resize_row(imgp_resize_t *r, u_char *row);
static void imgp_resize_widen(imgp_resize_t *r);
static void imgp_resize_fix(imgp_resize_t *r, u_char *row,
    imgp_resize_part_t *part, int16_t *slot);
static void imgp_resize_emit(imgp_resize_t *r);
static imgp_resize_part_t imgp_resize_columns(imgp_resize_t *r, uint32_t y);
static void imgp_resize_outputs(imgp_resize_t *r,
    const imgp_resize_part_t *part, imgp_resize_part_t *out);
static void imgp_resize_clear(imgp_resize_t *r,
    const imgp_resize_part_t *part, const imgp_resize_part_t *out);
static void imgp_resize_line(imgp_resize_t *r, const imgp_resize_part_t *out,
    u_char *row);


imgp_int_t
imgp_resize_create(imgp_work_t *work, const imgp_resize_conf_t *conf,
    imgp_image_t *target, imgp_resize_t **resize)
{
    imgp_axis_t     x, y;
    imgp_resize_t  *r;

    r = imgp_work_alloc(work, sizeof(imgp_resize_t));
    if (r == NULL) {
        return IMGP_ERROR;
    }

    memset(r, 0, sizeof(imgp_resize_t));

    r->work = work;
    r->target = target;
    r->sum = imgp_taps(work->task->simd);
    r->mean.box_x = imgp_resize_box(&conf->x, &x);
    r->mean.box_y = imgp_resize_box(&conf->y, &y);

    if (imgp_lanczos_create(work, &x, &r->x) != IMGP_OK
        || imgp_lanczos_create(work, &y, &r->y) != IMGP_OK)
    {
        goto failed;
    }

    imgp_resize_form(r, conf);

    if (imgp_resize_alloc(r) != IMGP_OK) {
        goto failed;
    }

    *resize = r;

    return IMGP_OK;

failed:

    imgp_resize_free(r);

    return IMGP_ERROR;
}


/* the number of samples to take the mean of, and the axis that is left */

static uint32_t
imgp_resize_box(const imgp_axis_t *axis, imgp_axis_t *reduced)
{
    uint64_t  ratio;

    *reduced = *axis;

    ratio = (uint64_t) axis->span * imgp_axis_cover(axis)
            / ((uint64_t) axis->pitch * axis->out);

    if (ratio < IMGP_RESIZE_BOX_RATIO) {
        return 1;
    }

    ratio /= IMGP_RESIZE_BOX_RATIO / 2;
    reduced->pitch *= ratio;

    return ratio;
}


static void
imgp_resize_form(imgp_resize_t *r, const imgp_resize_conf_t *conf)
{
    size_t         stride;
    imgp_image_t  *target;

    target = r->target;

    r->flip = conf->y.flip;
    r->width = imgp_axis_samples(&conf->x);
    r->height = imgp_axis_samples(&conf->y);
    r->row = (size_t) r->x.samples * target->channels;

    r->ahead = conf->ahead ? conf->ahead : 1;
    r->rows = r->y.taps + r->ahead;

    stride = (size_t) r->width * target->channels * (target->depth / 8);
    r->slot = imgp_max(stride, conf->width);

    r->mean.form = target;
    r->mean.width = r->width;
    r->mean.height = r->height;

    r->wide = (target->depth == 16 || imgp_resize_means(r));
    r->direct = (!r->wide && !target->alpha);
}


static imgp_int_t
imgp_resize_alloc(imgp_resize_t *r)
{
    size_t        slot, wide;
    imgp_work_t  *work;

    work = r->work;
    wide = r->row * sizeof(int16_t);
    slot = r->direct ? r->slot : wide;

    r->ring = imgp_work_array(work, r->rows, slot);
    r->parts = imgp_work_array(work, r->rows, sizeof(imgp_resize_part_t));
    r->column_rows = imgp_work_array(work, r->y.taps, sizeof(void *));
    r->column = imgp_work_alloc(work, wide
                                      + IMGP_TAPS_SLACK * sizeof(int16_t));
    r->out = imgp_work_array(work, (size_t) r->x.out * r->target->channels,
                             sizeof(int16_t));

    if (r->ring == NULL || r->parts == NULL || r->column_rows == NULL
        || r->column == NULL || r->out == NULL)
    {
        return IMGP_ERROR;
    }

    memset(r->column + r->row, 0, IMGP_TAPS_SLACK * sizeof(int16_t));

    if (!r->direct) {
        r->stage = imgp_work_array(work, r->ahead, r->slot);
        if (r->stage == NULL) {
            return IMGP_ERROR;
        }
    }

    return imgp_resize_means(r) ? imgp_mean_create(work, &r->mean) : IMGP_OK;
}


void
imgp_resize_free(imgp_resize_t *r)
{
    imgp_work_t  *work;

    if (r == NULL) {
        return;
    }

    work = r->work;

    imgp_lanczos_free(work, &r->x);
    imgp_lanczos_free(work, &r->y);

    imgp_work_free(work, r->stage);
    imgp_work_free(work, r->ring);
    imgp_work_free(work, r->parts);
    imgp_work_free(work, r->column_rows);
    imgp_work_free(work, r->column);
    imgp_work_free(work, r->out);
    imgp_mean_free(work, &r->mean);
    imgp_work_free(work, r);
}


u_char *
imgp_resize_slot(imgp_resize_t *r, uint32_t i)
{
    if (!r->direct) {
        return r->stage + (size_t) i * r->slot;
    }

    return r->ring + (size_t) ((r->ready + i) % r->rows) * r->slot;
}


void
imgp_resize_take(imgp_resize_t *r, uint32_t n)
{
    uint32_t  i;

    n = imgp_min(n, r->height - r->pushed);

    if (r->direct) {
        r->pushed += n;
        r->ready += n;

        imgp_resize_emit(r);
        return;
    }

    for (i = 0; i < n; i++) {
        r->pushed++;

        if (r->next < r->y.out) {
            imgp_resize_row(r, r->stage + (size_t) i * r->slot);
            imgp_resize_emit(r);
        }
    }
}


static void
imgp_resize_row(imgp_resize_t *r, u_char *row)
{
    size_t               at;
    imgp_resize_part_t  *part;

    if (!r->wide && !imgp_alpha_opaque(r->target, row, r->width)) {
        imgp_resize_widen(r);
    }

    at = (r->ready % r->rows) * r->row;
    part = &r->parts[r->ready % r->rows];

    part->from = 0;
    part->to = r->x.samples;

    if (!r->wide) {
        memcpy(r->ring + at, row, r->row);

    } else if (!imgp_resize_means(r)) {
        imgp_resize_fix(r, row, part, (int16_t *) r->ring + at);

    } else if (!imgp_mean_row(&r->mean, row, (int16_t *) r->ring + at)) {
        return;
    }

    r->ready++;
}


/* backwards, since every row moves to the double of its place */

static void
imgp_resize_widen(imgp_resize_t *r)
{
    size_t    i;
    u_char   *from;
    int16_t  *to;

    r->wide = 1;

    from = r->ring;
    to = (int16_t *) r->ring;

    for (i = r->row * imgp_min(r->ready, r->rows); i > 0; i--) {
        to[i - 1] = from[i - 1] * (IMGP_FIX_ONE / 255);
    }
}


static void
imgp_resize_fix(imgp_resize_t *r, u_char *row, imgp_resize_part_t *part,
    int16_t *slot)
{
    size_t         nc, sample;
    imgp_image_t  *form;

    form = r->target;
    nc = form->channels;
    sample = nc * (form->depth / 8);

    imgp_alpha_extent(form, row, r->width, &part->from, &part->to);

    memset(slot, 0, part->from * nc * sizeof(int16_t));
    memset(slot + part->to * nc, 0,
           (r->width - part->to) * nc * sizeof(int16_t));

    if (form->alpha && form->depth == 8 && nc == 4) {
        r->sum->premultiply_4(row + part->from * sample,
                              part->to - part->from, slot + part->from * nc);
        return;
    }

    imgp_alpha_to_fix(form, row + part->from * sample, part->to - part->from,
                      slot + part->from * nc);
}


static void
imgp_resize_emit(imgp_resize_t *r)
{
    uint32_t            y;
    u_char             *row;
    imgp_resize_part_t  part, out;

    while (r->next < r->y.out) {
        y = r->flip ? r->y.out - 1 - r->next : r->next;

        if (r->y.first[y] + r->y.taps > r->ready) {
            return;
        }

        row = imgp_image_row(r->target, y);
        part = imgp_resize_columns(r, y);

        imgp_resize_outputs(r, &part, &out);

        if (out.from < out.to) {
            imgp_resize_clear(r, &part, &out);
        }

        imgp_resize_line(r, &out, row);

        r->next++;
    }
}


/* gives the part of "column" that is not transparent */

static imgp_resize_part_t
imgp_resize_columns(imgp_resize_t *r, uint32_t y)
{
    size_t               from, n, slot, nc;
    uint32_t             k, i, taps;
    const int16_t       *coef;
    imgp_resize_part_t   part;

    nc = r->target->channels;
    taps = r->y.taps;
    coef = r->y.coef + (size_t) y * r->y.stride;

    part.from = r->wide ? r->x.samples : 0;
    part.to = r->wide ? 0 : r->x.samples;

    for (k = 0; k < taps && r->wide; k++) {
        i = (r->y.first[y] + k) % r->rows;

        if (r->parts[i].from < r->parts[i].to) {
            part.from = imgp_min(part.from, r->parts[i].from);
            part.to = imgp_max(part.to, r->parts[i].to);
        }
    }

    if (part.from >= part.to) {
        return part;
    }

    slot = r->wide ? r->row * sizeof(int16_t) : r->direct ? r->slot : r->row;
    from = part.from * nc;
    n = (part.to - part.from) * nc;

    for (k = 0; k < taps; k++) {
        i = (r->y.first[y] + k) % r->rows;

        r->column_rows[k] = r->ring + i * slot
                            + from * (r->wide ? sizeof(int16_t) : 1);
    }

    if (r->wide) {
        r->sum->columns_16((const int16_t *const *) r->column_rows, coef,
                           taps, n, r->column + from);

    } else {
        r->sum->columns_8((const u_char *const *) r->column_rows, coef, taps,
                          n, r->column + from);
    }

    return part;
}


/* the outputs that this part of the column has a share in */

static void
imgp_resize_outputs(imgp_resize_t *r, const imgp_resize_part_t *part,
    imgp_resize_part_t *out)
{
    const uint32_t  *first;

    first = r->x.first;

    out->from = 0;
    out->to = (part->from < part->to) ? r->x.out : 0;

    while (out->from < out->to
           && (first[out->from] >= part->to
               || first[out->from] + r->x.taps <= part->from))
    {
        out->from++;
    }

    while (out->from < out->to
           && (first[out->to - 1] >= part->to
               || first[out->to - 1] + r->x.taps <= part->from))
    {
        out->to--;
    }
}


/* what these outputs read besides that part */

static void
imgp_resize_clear(imgp_resize_t *r, const imgp_resize_part_t *part,
    const imgp_resize_part_t *out)
{
    size_t    nc;
    uint32_t  a, b, from, to;

    nc = r->target->channels;

    a = r->x.first[out->from];
    b = r->x.first[out->to - 1];

    from = imgp_min(a, b);
    to = imgp_max(a, b) + r->x.taps;

    if (from < part->from) {
        memset(r->column + from * nc, 0,
               (part->from - from) * nc * sizeof(int16_t));
    }

    if (to > part->to) {
        memset(r->column + part->to * nc, 0,
               (to - part->to) * nc * sizeof(int16_t));
    }
}


static void
imgp_resize_line(imgp_resize_t *r, const imgp_resize_part_t *out, u_char *row)
{
    size_t            pixel;
    imgp_taps_line_t  line;

    pixel = r->target->channels * (r->target->depth / 8);

    memset(row, 0, out->from * pixel);
    memset(row + out->to * pixel, 0, (r->x.out - out->to) * pixel);

    if (out->from == out->to) {
        return;
    }

    line.n = out->to - out->from;
    line.taps = r->x.taps;
    line.stride = r->x.stride;
    line.first = r->x.first + out->from;
    line.coef = r->x.coef + (size_t) out->from * r->x.stride;

    row += out->from * pixel;

    if (r->target->depth == 16 || (r->wide && r->target->alpha)) {
        r->sum->line_n_16(r->column, r->target->channels, &line, r->out);
        imgp_alpha_from_fix(r->target, r->out, line.n, row);

    } else if (r->target->channels == 1) {
        r->sum->line_1_8(r->column, &line, row);

    } else {
        r->sum->line_n_8(r->column, r->target->channels, &line, row);
    }
}
