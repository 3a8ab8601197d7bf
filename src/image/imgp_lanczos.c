
/*
 * Lanczos-3 coefficients of one axis, for imgp_resize.c.  The position of
 * every sample relative to every output's centre is an exact fraction; the
 * kernel comes from imgp_lanczos_table.c with linear interpolation (error
 * below 2^-17).  The coefficients are rounded to 14 bits and sum up to
 * exactly 1, so that an even area stays as it is.
 *
 * At the borders the kernel is cut off and renormalized, as Pillow does.  The
 * last sample may stand for fewer pixels than the others (an image whose size
 * is no multiple of the pitch): it counts by what it really covers.
 */


#include <imgp/imgp_lanczos.h>


#define IMGP_LANCZOS_SUPPORT  3
#define IMGP_LANCZOS_FRAC     12      /* bits below a step of the table */


static void imgp_lanczos_identity(const imgp_axis_t *axis,
    imgp_lanczos_t *lanczos);
static void imgp_lanczos_output(const imgp_axis_t *axis, uint32_t i,
    imgp_lanczos_t *lanczos, int64_t *weight);
static int64_t imgp_lanczos_kernel(int64_t num, int64_t span);
static void imgp_lanczos_normalize(const int64_t *weight, uint32_t n,
    int16_t *coef);
static int64_t imgp_lanczos_floor(int64_t a, int64_t b);


imgp_int_t
imgp_lanczos_create(imgp_work_t *work, const imgp_axis_t *axis,
    imgp_lanczos_t *lanczos)
{
    int64_t   *weight;
    uint32_t   i;
    uint64_t   unit;

    unit = (uint64_t) axis->pitch * axis->out;

    lanczos->out = axis->out;
    lanczos->samples = ((uint64_t) axis->length + axis->pitch - 1)
                       / axis->pitch;
    lanczos->taps = 1;

    if (unit != axis->span || axis->pitch != 1) {
        lanczos->taps = (2 * IMGP_LANCZOS_SUPPORT * (uint64_t) axis->span
                         + unit - 1) / unit;
        lanczos->taps = imgp_min(lanczos->taps, lanczos->samples);
    }

    weight = imgp_work_array(work, lanczos->taps, sizeof(int64_t));
    lanczos->first = imgp_work_array(work, axis->out, sizeof(uint32_t));
    lanczos->coef = imgp_work_array(work, axis->out,
                                    lanczos->taps * sizeof(int16_t));

    if (weight == NULL || lanczos->first == NULL || lanczos->coef == NULL) {
        imgp_work_free(work, weight);
        imgp_lanczos_free(work, lanczos);
        return IMGP_ERROR;
    }

    if (unit == axis->span && axis->pitch == 1) {
        imgp_lanczos_identity(axis, lanczos);

    } else {
        for (i = 0; i < axis->out; i++) {
            imgp_lanczos_output(axis, i, lanczos, weight);
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
imgp_lanczos_identity(const imgp_axis_t *axis, imgp_lanczos_t *lanczos)
{
    uint32_t  i;

    for (i = 0; i < axis->out; i++) {
        lanczos->first[i] = axis->start + i;
        lanczos->coef[i] = 1 << IMGP_LANCZOS_BITS;
    }
}


/*
 * In units of 1 / (2 * out) pixels: the centre of output i is at "centre",
 * that of sample j at (2j + 1) * unit, the kernel ends 6 * span from the
 * centre.
 */

static void
imgp_lanczos_output(const imgp_axis_t *axis, uint32_t i,
    imgp_lanczos_t *lanczos, int64_t *weight)
{
    int64_t   unit, centre, reach, lo, hi, j, left;
    uint32_t  first, k;

    unit = (int64_t) axis->pitch * axis->out;
    reach = 2 * IMGP_LANCZOS_SUPPORT * (int64_t) axis->span;
    centre = 2 * (int64_t) axis->start * axis->out
             + (2 * (int64_t) i + 1) * axis->span;

    lo = imgp_lanczos_floor(centre - reach - unit, 2 * unit) + 1;
    hi = imgp_lanczos_floor(centre + reach - unit - 1, 2 * unit);

    lo = imgp_max(lo, 0);
    hi = imgp_min(hi, (int64_t) lanczos->samples - 1);

    first = imgp_min(lo, (int64_t) lanczos->samples - lanczos->taps);

    for (k = 0; k < lanczos->taps; k++) {
        j = (int64_t) first + k;

        if (j < lo || j > hi) {
            weight[k] = 0;
            continue;
        }

        left = (int64_t) axis->length - j * axis->pitch;

        weight[k] = imgp_lanczos_kernel((2 * j + 1) * unit - centre,
                                        axis->span)
                    * imgp_min(left, (int64_t) axis->pitch);
    }

    lanczos->first[i] = first;

    imgp_lanczos_normalize(weight, lanczos->taps,
                           lanczos->coef + (size_t) i * lanczos->taps);
}


/* at num / (2 * span) */

static int64_t
imgp_lanczos_kernel(int64_t num, int64_t span)
{
    int64_t  pos, i, frac, a, b;

    pos = imgp_max(num, -num)
          * (IMGP_LANCZOS_STEPS << IMGP_LANCZOS_FRAC) / (2 * span);

    i = pos >> IMGP_LANCZOS_FRAC;
    frac = pos & ((1 << IMGP_LANCZOS_FRAC) - 1);

    a = imgp_lanczos_table[i];
    b = imgp_lanczos_table[i + 1];

    return a + imgp_lanczos_floor((b - a) * frac, 1 << IMGP_LANCZOS_FRAC);
}


static void
imgp_lanczos_normalize(const int64_t *weight, uint32_t n, int16_t *coef)
{
    int64_t   sum, c;
    int32_t   rest;
    uint32_t  k, peak;

    sum = 0;
    peak = 0;

    for (k = 0; k < n; k++) {
        sum += weight[k];
        peak = (weight[k] > weight[peak]) ? k : peak;
    }

    rest = 1 << IMGP_LANCZOS_BITS;

    for (k = 0; k < n; k++) {
        c = imgp_lanczos_floor(weight[k] * (2 << IMGP_LANCZOS_BITS) + sum,
                               2 * sum);
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
