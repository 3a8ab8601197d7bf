
/*
 * The resampler: Lanczos-3, separable, columns first.  Driven row by row by
 * imgp_decode.c on one thread, so that a large source is never in memory as a
 * whole: only as many source rows as one output row needs are kept, in a
 * ring.  Memory is the run's.
 *
 *     row -> fixed point, premultiplied -> [means] -> ring
 *         -> one row summed over columns -> summed along it -> target row
 *
 * Both sums are of 16-bit samples times 14-bit coefficients in 32 bits, and
 * are rounded to nearest: the same integers on every machine and for every
 * SIMD form of the loops (pmaddwd on x86).  For 8-bit sources the sample times
 * 64 cancels out, so those may take the bytes as they are.
 */


#include <imgp/imgp_resize.h>
#include <imgp/imgp_alpha.h>


#define IMGP_RESIZE_ROUND  (1 << (IMGP_LANCZOS_BITS - 1))
#define IMGP_RESIZE_BLOCK  1024       /* columns summed at once: stays in L1 */


struct imgp_resize_s {
    imgp_work_t       *work;
    imgp_image_t      *target;

    imgp_lanczos_t     x;
    imgp_lanczos_t     y;

    uint32_t           width;         /* of pushed rows */
    uint32_t           height;        /* number of pushed rows */
    uint32_t           box_x;         /* means of box_x * box_y samples */
    uint32_t           box_y;

    uint32_t           pushed;        /* rows so far */
    uint32_t           boxed;         /* of these, in the mean begun */
    uint32_t           ready;         /* rows that went into the ring */
    uint32_t           next;          /* target row */

    int16_t           *fix;           /* [width] a pushed row */
    uint32_t          *sums;          /* [x.samples], if box_y > 1 */
    int16_t           *ring;          /* [y.taps][x.samples] */
    int16_t           *column;        /* [x.samples] */
    int16_t           *out;           /* [x.out] */
};


static uint32_t imgp_resize_box(const imgp_axis_t *axis, imgp_axis_t *reduced);
static imgp_int_t imgp_resize_alloc(imgp_resize_t *r);
static void imgp_resize_mean_x(imgp_resize_t *r, int16_t *dst);
static void imgp_resize_mean_y(imgp_resize_t *r, const int16_t *row,
    int16_t *dst);
static void imgp_resize_emit(imgp_resize_t *r);
static void imgp_resize_columns(imgp_resize_t *r);
static void imgp_resize_rows(imgp_resize_t *r);


imgp_int_t
imgp_resize_create(imgp_work_t *work, const imgp_axis_t *x,
    const imgp_axis_t *y, imgp_image_t *target, imgp_resize_t **resize)
{
    imgp_axis_t     reduced;
    imgp_resize_t  *r;

    r = imgp_work_alloc(work, sizeof(imgp_resize_t));
    if (r == NULL) {
        return IMGP_ERROR;
    }

    memset(r, 0, sizeof(imgp_resize_t));

    r->work = work;
    r->target = target;
    r->width = (x->length + x->pitch - 1) / x->pitch;
    r->height = (y->length + y->pitch - 1) / y->pitch;

    r->box_x = imgp_resize_box(x, &reduced);

    if (imgp_lanczos_create(work, &reduced, &r->x) != IMGP_OK) {
        goto failed;
    }

    r->box_y = imgp_resize_box(y, &reduced);

    if (imgp_lanczos_create(work, &reduced, &r->y) != IMGP_OK
        || imgp_resize_alloc(r) != IMGP_OK)
    {
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

    ratio = axis->span / ((uint64_t) axis->pitch * axis->out);

    if (ratio < IMGP_RESIZE_BOX_RATIO) {
        return 1;
    }

    ratio /= IMGP_RESIZE_BOX_RATIO / 2;
    reduced->pitch *= ratio;

    return ratio;
}


static imgp_int_t
imgp_resize_alloc(imgp_resize_t *r)
{
    size_t        row;
    imgp_work_t  *work;

    work = r->work;
    row = (size_t) r->x.samples * r->target->channels;

    r->fix = imgp_work_array(work, (size_t) r->width * r->target->channels,
                             sizeof(int16_t));
    r->ring = imgp_work_array(work, r->y.taps, row * sizeof(int16_t));
    r->column = imgp_work_array(work, row, sizeof(int16_t));
    r->out = imgp_work_array(work, (size_t) r->x.out * r->target->channels,
                             sizeof(int16_t));

    if (r->fix == NULL || r->ring == NULL || r->column == NULL
        || r->out == NULL)
    {
        return IMGP_ERROR;
    }

    if (r->box_y > 1) {
        r->sums = imgp_work_array(work, row, sizeof(uint32_t));
        if (r->sums == NULL) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
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

    imgp_work_free(work, r->fix);
    imgp_work_free(work, r->sums);
    imgp_work_free(work, r->ring);
    imgp_work_free(work, r->column);
    imgp_work_free(work, r->out);
    imgp_work_free(work, r);
}


void
imgp_resize_push(imgp_resize_t *r, const u_char *row)
{
    int16_t  *slot;

    r->pushed++;

    if (r->next == r->y.out) {
        return;
    }

    slot = r->ring + (size_t) (r->ready % r->y.taps) * r->x.samples
                     * r->target->channels;

    if (r->box_x == 1 && r->box_y == 1) {
        imgp_alpha_to_fix(r->target, row, r->width, slot);

    } else {
        imgp_alpha_to_fix(r->target, row, r->width, r->fix);
        imgp_resize_mean_x(r, r->column);
        imgp_resize_mean_y(r, r->column, slot);

        if (r->boxed != 0) {
            return;
        }
    }

    r->ready++;

    imgp_resize_emit(r);
}


static void
imgp_resize_mean_x(imgp_resize_t *r, int16_t *dst)
{
    uint32_t        x, i, n, c, nc, sum;
    const int16_t  *src;

    nc = r->target->channels;
    src = r->fix;

    for (x = 0; x < r->x.samples; x++) {
        n = imgp_min(r->box_x, r->width - x * r->box_x);

        for (c = 0; c < nc; c++) {
            sum = n / 2;

            for (i = 0; i < n; i++) {
                sum += src[i * nc + c];
            }

            *dst++ = sum / n;
        }

        src += n * nc;
    }
}


/* r->boxed is 0 when dst was written */

static void
imgp_resize_mean_y(imgp_resize_t *r, const int16_t *row, int16_t *dst)
{
    size_t  i, n;

    n = (size_t) r->x.samples * r->target->channels;

    if (r->box_y == 1) {
        memcpy(dst, row, n * sizeof(int16_t));
        return;
    }

    if (r->boxed == 0) {
        memset(r->sums, 0, n * sizeof(uint32_t));
    }

    for (i = 0; i < n; i++) {
        r->sums[i] += row[i];
    }

    r->boxed++;

    if (r->boxed < r->box_y && r->pushed < r->height) {
        return;
    }

    for (i = 0; i < n; i++) {
        dst[i] = (r->sums[i] + r->boxed / 2) / r->boxed;
    }

    r->boxed = 0;
}


static void
imgp_resize_emit(imgp_resize_t *r)
{
    while (r->next < r->y.out
           && r->y.first[r->next] + r->y.taps <= r->ready)
    {
        imgp_resize_columns(r);
        imgp_resize_rows(r);

        imgp_alpha_from_fix(r->target, r->out, r->x.out,
                            imgp_image_row(r->target, r->next));
        r->next++;
    }
}


static void
imgp_resize_columns(imgp_resize_t *r)
{
    size_t          i, n, from, to, row;
    int32_t         sums[IMGP_RESIZE_BLOCK];
    uint32_t        k, taps, nc;
    const int16_t  *coef, *p;

    nc = r->target->channels;
    row = (size_t) r->x.samples * nc;
    from = (size_t) r->x.first[0] * nc;
    to = (size_t) (r->x.first[r->x.out - 1] + r->x.taps) * nc;

    taps = r->y.taps;
    coef = r->y.coef + (size_t) r->next * taps;

    for ( /* void */ ; from < to; from += n) {
        n = imgp_min(to - from, IMGP_RESIZE_BLOCK);

        for (i = 0; i < n; i++) {
            sums[i] = IMGP_RESIZE_ROUND;
        }

        for (k = 0; k < taps; k++) {
            p = r->ring + (r->y.first[r->next] + k) % taps * row + from;

            for (i = 0; i < n; i++) {
                sums[i] += coef[k] * p[i];
            }
        }

        for (i = 0; i < n; i++) {
            r->column[from + i] = sums[i] >> IMGP_LANCZOS_BITS;
        }
    }
}


static void
imgp_resize_rows(imgp_resize_t *r)
{
    int16_t        *dst;
    int32_t         sum;
    uint32_t        x, c, k, nc;
    const int16_t  *coef, *src;

    nc = r->target->channels;
    dst = r->out;

    for (x = 0; x < r->x.out; x++) {
        coef = r->x.coef + (size_t) x * r->x.taps;

        for (c = 0; c < nc; c++) {
            sum = IMGP_RESIZE_ROUND;
            src = r->column + (size_t) r->x.first[x] * nc + c;

            for (k = 0; k < r->x.taps; k++) {
                sum += coef[k] * src[k * nc];
            }

            *dst++ = sum >> IMGP_LANCZOS_BITS;
        }
    }
}
