
/*
 * Lanczos-3 coefficients of one axis, for imgp_resize.c.  The position of
 * every sample relative to every output's centre is an exact fraction; the
 * kernel comes from imgp_lanczos_table.c with linear interpolation (error
 * below 2^-17).  The coefficients are rounded to 14 bits and sum up to
 * exactly 1, so that an even area stays as it is.
 *
 * At the borders the kernel is cut off and renormalized, as Pillow does.  The
 * last sample may stand for fewer pixels than the others (an image whose size
 * is no multiple of the pitch): it counts by what it really covers, and lies
 * in the middle of that.  So does the last output.
 */


#include <imgp/imgp_lanczos.h>


#define IMGP_LANCZOS_SUPPORT  3
#define IMGP_LANCZOS_FRAC     12      /* bits below a step of the table */

/* reciprocals, as a division for every tap would cost more than the sums */

#define IMGP_LANCZOS_INVERSE  63
#define IMGP_LANCZOS_NORM     62


/*
 * All lengths are in units of 1 / (2 * out) pixels: there, the middles of
 * samples and of outputs are integers.
 */

typedef struct {
    const imgp_axis_t  *axis;
    int64_t             unit;         /* half of a sample's width */
    int64_t             step;         /* half of an output's width */
    int64_t             scale;        /* the wider: half of the kernel's 1 */
    uint64_t            inverse;      /* of scale */
} imgp_lanczos_scale_t;


static void imgp_lanczos_scale(const imgp_axis_t *axis,
    imgp_lanczos_scale_t *s);
static void imgp_lanczos_identity(const imgp_axis_t *axis,
    imgp_lanczos_t *lanczos);
static void imgp_lanczos_output(const imgp_lanczos_scale_t *s, uint32_t i,
    imgp_lanczos_t *lanczos, int64_t *weight);
static int64_t imgp_lanczos_centre(const imgp_lanczos_scale_t *s, uint32_t i);
static int64_t imgp_lanczos_kernel(const imgp_lanczos_scale_t *s,
    int64_t num);
static void imgp_lanczos_normalize(const int64_t *weight, uint32_t n,
    int16_t *coef);
static int64_t imgp_lanczos_floor(int64_t a, int64_t b);


imgp_int_t
imgp_lanczos_create(imgp_work_t *work, const imgp_axis_t *axis,
    imgp_lanczos_t *lanczos)
{
    int64_t               *weight;
    uint32_t               i;
    imgp_lanczos_scale_t   s;

    imgp_lanczos_scale(axis, &s);

    lanczos->out = imgp_axis_outputs(axis);
    lanczos->samples = imgp_axis_samples(axis);
    lanczos->taps = 1;

    if (!imgp_lanczos_identical(axis)) {
        lanczos->taps = (2 * IMGP_LANCZOS_SUPPORT * s.scale - 1) / s.unit + 1;

        /* a last sample that is cut lies nearer than its number says */

        if (s.scale == s.unit && axis->length % axis->pitch != 0) {
            lanczos->taps++;
        }

        lanczos->taps = imgp_min(lanczos->taps, lanczos->samples);
    }

    lanczos->stride = (lanczos->taps + IMGP_LANCZOS_PAD - 1)
                      / IMGP_LANCZOS_PAD * IMGP_LANCZOS_PAD;

    weight = imgp_work_array(work, lanczos->taps, sizeof(int64_t));
    lanczos->first = imgp_work_array(work, lanczos->out, sizeof(uint32_t));
    lanczos->coef = imgp_work_array(work, lanczos->out,
                                    lanczos->stride * sizeof(int16_t));

    if (weight == NULL || lanczos->first == NULL || lanczos->coef == NULL) {
        imgp_work_free(work, weight);
        imgp_lanczos_free(work, lanczos);
        return IMGP_ERROR;
    }

    memset(lanczos->coef, 0,
           (size_t) lanczos->out * lanczos->stride * sizeof(int16_t));

    if (imgp_lanczos_identical(axis)) {
        imgp_lanczos_identity(axis, lanczos);

    } else {
        for (i = 0; i < lanczos->out; i++) {
            imgp_lanczos_output(&s, i, lanczos, weight);
        }
    }

    imgp_work_free(work, weight);

    return IMGP_OK;
}


void
imgp_lanczos_free(imgp_work_t *work, imgp_lanczos_t *lanczos)
{
    imgp_work_free(work, lanczos->first);
    imgp_work_free(work, lanczos->coef);

    lanczos->first = NULL;
    lanczos->coef = NULL;
}


static void
imgp_lanczos_scale(const imgp_axis_t *axis, imgp_lanczos_scale_t *s)
{
    s->axis = axis;
    s->unit = (int64_t) axis->pitch * axis->out;
    s->step = (int64_t) imgp_axis_cover(axis) * axis->span;
    s->scale = imgp_max(s->unit, s->step);
    s->inverse = (1ULL << IMGP_LANCZOS_INVERSE) / s->scale;
}


imgp_uint_t
imgp_lanczos_identical(const imgp_axis_t *axis)
{
    uint64_t  edge;

    edge = axis->flip ? (uint64_t) axis->start + axis->span : axis->start;

    return axis->span == axis->out && axis->pitch == imgp_axis_cover(axis)
           && edge % axis->pitch == 0;
}


static void
imgp_lanczos_identity(const imgp_axis_t *axis, imgp_lanczos_t *lanczos)
{
    uint32_t  i, edge;

    edge = (axis->start + (axis->flip ? axis->span : 0)) / axis->pitch;

    for (i = 0; i < lanczos->out; i++) {
        lanczos->first[i] = axis->flip ? edge - 1 - i : edge + i;
        lanczos->coef[(size_t) i * lanczos->stride] = 1 << IMGP_LANCZOS_BITS;
    }
}


static void
imgp_lanczos_output(const imgp_lanczos_scale_t *s, uint32_t i,
    imgp_lanczos_t *lanczos, int64_t *weight)
{
    int64_t             centre, reach, lo, j, middle, cover;
    uint32_t            k;
    const imgp_axis_t  *axis;

    axis = s->axis;

    reach = 2 * IMGP_LANCZOS_SUPPORT * s->scale;
    centre = imgp_lanczos_centre(s, i);

    lo = imgp_lanczos_floor(centre - reach - s->unit, 2 * s->unit) + 1;
    lo = imgp_min(lo, (int64_t) lanczos->samples - lanczos->taps);
    lo = imgp_max(lo, 0);

    for (k = 0; k < lanczos->taps; k++) {
        j = (lo + k) * axis->pitch;

        cover = imgp_min((int64_t) axis->pitch, axis->length - j);
        middle = (2 * j + cover) * axis->out;

        weight[k] = cover * imgp_lanczos_kernel(s, middle - centre);
    }

    lanczos->first[i] = lo;

    imgp_lanczos_normalize(weight, lanczos->taps,
                           lanczos->coef + (size_t) i * lanczos->stride);
}


static int64_t
imgp_lanczos_centre(const imgp_lanczos_scale_t *s, uint32_t i)
{
    int64_t             cover, left, edge, at;
    const imgp_axis_t  *axis;

    axis = s->axis;

    cover = imgp_axis_cover(axis);
    left = imgp_min(cover, axis->out - i * cover);

    edge = 2 * (int64_t) axis->start * axis->out;
    at = (2 * i * cover + left) * axis->span;

    return axis->flip ? edge + 2 * (int64_t) axis->span * axis->out - at
                      : edge + at;
}


/* at num / (2 * scale) */

static int64_t
imgp_lanczos_kernel(const imgp_lanczos_scale_t *s, int64_t num)
{
    int64_t  pos, i, frac, a, b;

    num = imgp_max(num, -num);

    if (num >= 2 * IMGP_LANCZOS_SUPPORT * s->scale) {
        return 0;
    }

    num *= IMGP_LANCZOS_STEPS;
    pos = (unsigned __int128) num * s->inverse
          >> (IMGP_LANCZOS_INVERSE + 1 - IMGP_LANCZOS_FRAC);

    i = pos >> IMGP_LANCZOS_FRAC;
    frac = pos & ((1 << IMGP_LANCZOS_FRAC) - 1);

    a = imgp_lanczos_table[i];
    b = imgp_lanczos_table[i + 1];

    return a + (((b - a) * frac) >> IMGP_LANCZOS_FRAC);
}


static void
imgp_lanczos_normalize(const int64_t *weight, uint32_t n, int16_t *coef)
{
    int64_t   sum, norm, c;
    int32_t   rest;
    uint32_t  k, peak;

    sum = 0;
    peak = 0;

    for (k = 0; k < n; k++) {
        sum += weight[k];
        peak = (weight[k] > weight[peak]) ? k : peak;
    }

    rest = 1 << IMGP_LANCZOS_BITS;
    norm = (1LL << IMGP_LANCZOS_NORM) / sum;

    for (k = 0; k < n; k++) {
        c = weight[k] * norm
            + (1LL << (IMGP_LANCZOS_NORM - IMGP_LANCZOS_BITS - 1));
        c >>= IMGP_LANCZOS_NORM - IMGP_LANCZOS_BITS;
        coef[k] = c;
        rest -= c;
    }

    coef[peak] += rest;
}


static int64_t
imgp_lanczos_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
