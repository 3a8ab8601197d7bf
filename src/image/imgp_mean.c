
/*
 * Means before Lanczos.  Called by imgp_resize.c, row by row on its thread,
 * for pictures that shrink to a 32nd and less; the memory is the run's.
 * Sums of 16-bit fixed point in 32 bits: a side has at most 65500 samples,
 * of which a mean takes a 16th in each direction at the most, along the row
 * first and rounded, so that no sum leaves its bits.
 */


#include <imgp/imgp_mean.h>
#include <imgp/imgp_alpha.h>


static void imgp_mean_along(imgp_mean_t *mean);


imgp_int_t
imgp_mean_create(imgp_work_t *work, imgp_mean_t *mean)
{
    size_t  n;

    n = (size_t) mean->width * mean->form->channels;

    mean->fix = imgp_work_array(work, n, sizeof(int16_t));
    mean->sums = imgp_work_array(work, n, sizeof(uint32_t));

    return (mean->fix != NULL && mean->sums != NULL) ? IMGP_OK : IMGP_ERROR;
}


void
imgp_mean_free(imgp_work_t *work, imgp_mean_t *mean)
{
    imgp_work_free(work, mean->fix);
    imgp_work_free(work, mean->sums);
}


imgp_uint_t
imgp_mean_row(imgp_mean_t *mean, const u_char *row, int16_t *out)
{
    size_t    i, n;
    uint32_t  held;

    n = (size_t) ((mean->width - 1) / mean->box_x + 1) * mean->form->channels;

    if (mean->held == 0) {
        memset(mean->sums, 0, n * sizeof(uint32_t));
    }

    imgp_alpha_to_fix(mean->form, row, mean->width, mean->fix);
    imgp_mean_along(mean);

    for (i = 0; i < n; i++) {
        mean->sums[i] += mean->fix[i];
    }

    mean->pushed++;
    mean->held++;

    if (mean->held < mean->box_y && mean->pushed < mean->height) {
        return 0;
    }

    held = mean->held;
    mean->held = 0;

    for (i = 0; i < n; i++) {
        out[i] = (mean->sums[i] + held / 2) / held;
    }

    return 1;
}


/* in place: a mean never lies behind its samples */

static void
imgp_mean_along(imgp_mean_t *mean)
{
    int16_t   *src, *dst;
    uint32_t   x, i, n, c, nc, sum;

    nc = mean->form->channels;
    src = mean->fix;
    dst = mean->fix;

    for (x = 0; x < mean->width; x += n) {
        n = imgp_min(mean->box_x, mean->width - x);

        for (c = 0; c < nc; c++) {
            sum = n / 2;

            for (i = 0; i < n; i++) {
                sum += src[i * nc + c];
            }

            dst[c] = sum / n;
        }

        src += n * nc;
        dst += nc;
    }
}
