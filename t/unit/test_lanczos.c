
/*
 * The coefficients against the formula in double precision.
 */


#include <math.h>
#include "imgp_test.h"
#include <imgp/imgp_lanczos.h>


static void check(const imgp_axis_t *axis);
static double kernel(double x);


int
main(void)
{
    imgp_uint_t  i;

    static const imgp_axis_t  axes[] = {
        { 100, 1, 0, 100, 100 },
        { 100, 1, 20, 50, 50 },
        { 100, 1, 0, 100, 99 },
        { 100, 1, 0, 100, 33 },
        { 100, 1, 7, 90, 33 },
        { 101, 2, 0, 101, 25 },
        { 1001, 8, 0, 1001, 62 },
        { 1001, 8, 300, 600, 35 },
        { 5, 1, 0, 5, 1 },
        { 1, 1, 0, 1, 1 },
        { 8, 8, 0, 8, 1 },
        { 65500, 1, 0, 65500, 2048 },
        { 65500, 4094, 0, 65500, 1 },
        { 65500, 1, 0, 65500, 65499 }
    };

    for (i = 0; i < imgp_nelts(axes); i++) {
        check(&axes[i]);
    }

    return done();
}


static void
check(const imgp_axis_t *a)
{
    double          sum, cover, worst, centre, scale, w;
    int32_t         total;
    uint32_t        i, k, j, sums, inside;
    imgp_work_t     work;
    imgp_lanczos_t  l;
    imgp_op_task_t  task;

    memset(&work, 0, sizeof(work));
    memset(&task, 0, sizeof(task));
    task.alloc = &imgp_malloc;
    work.task = &task;

    imgp_lanczos_create(&work, a, &l);

    worst = 0;
    sums = 0;
    inside = 0;
    scale = (double) a->span / a->out;

    for (i = 0; i < a->out; i++) {
        centre = a->start + (i + 0.5) * scale;
        sum = 0;

        j = fmax(0, floor((centre - 3 * scale) / a->pitch) - 1);

        for ( /* void */ ; j * (uint64_t) a->pitch < a->length; j++) {
            cover = fmin(a->pitch, a->length - (double) j * a->pitch);
            w = ((j + 0.5) * a->pitch - centre) / scale;

            if (fabs(w) < 3) {
                sum += kernel(w) * cover;
            }

            if (w > 3) {
                break;
            }
        }

        total = 0;

        for (k = 0; k < l.taps; k++) {
            j = l.first[i] + k;
            cover = fmin(a->pitch, a->length - (double) j * a->pitch);
            w = kernel(((j + 0.5) * a->pitch - centre) / scale) * cover / sum;

            total += l.coef[(size_t) i * l.taps + k];
            worst = fmax(worst, fabs(l.coef[(size_t) i * l.taps + k] / 16384.0
                                     - w));
        }

        sums += (total == 16384);
        inside += (l.first[i] + l.taps <= l.samples);
    }

    ok(sums == a->out && inside == a->out,
       "%u (%u) to %u: sums are 1, all within the source", a->length,
       a->pitch, a->out);

    /* half a step of 14 bits each, and what normalizing moved to the peak */

    ok(worst < 0.0008, "%u (%u) to %u: as the formula, within %.6f",
       a->length, a->pitch, a->out, worst);

    imgp_lanczos_free(&work, &l);
    is_int(work.used, 0, "all memory given back");
}


static double
kernel(double x)
{
    if (x == 0) {
        return 1;
    }

    x *= M_PI;

    return (fabs(x) < 3 * M_PI) ? 3 * sin(x) * sin(x / 3) / (x * x) : 0;
}
