
/*
 * The coefficients against the formula in double precision.
 */


#include <math.h>
#include "imgp_test.h"
#include <imgp/imgp_lanczos.h>


static void check(const imgp_axis_t *axis);
static double middle(const imgp_axis_t *axis, uint32_t i);
static void check_identical(void);
static double kernel(double x);


int
main(void)
{
    imgp_uint_t  i;

    static const imgp_axis_t  axes[] = {
        { 100, 1, 0, 100, 100, 1, 0 },
        { 100, 1, 20, 50, 50, 1, 0 },
        { 100, 1, 0, 100, 99, 1, 0 },
        { 100, 1, 0, 100, 33, 1, 0 },
        { 100, 1, 7, 90, 33, 1, 0 },
        { 101, 2, 0, 101, 25, 1, 0 },
        { 1001, 8, 0, 1001, 62, 1, 0 },
        { 1001, 8, 300, 600, 35, 1, 0 },
        { 5, 1, 0, 5, 1, 1, 0 },
        { 1, 1, 0, 1, 1, 1, 0 },
        { 8, 8, 0, 8, 1, 1, 0 },
        { 65500, 1, 0, 65500, 2048, 1, 0 },
        { 65500, 4094, 0, 65500, 1, 1, 0 },
        { 65500, 1, 0, 65500, 65499, 1, 0 },

        /* chroma: halved sources, halved targets, both, made whole */

        { 101, 2, 0, 101, 25, 1, 0 },
        { 101, 1, 0, 101, 101, 2, 0 },
        { 4001, 4, 0, 4001, 1023, 2, 0 },
        { 4001, 8, 0, 4001, 1023, 1, 0 },
        { 4000, 8, 0, 4000, 1023, 1, 0 },
        { 101, 2, 0, 101, 101, 1, 0 },
        { 3, 2, 0, 3, 3, 2, 0 },
        { 1, 2, 0, 1, 1, 2, 0 },

        /* against the samples */

        { 101, 1, 0, 101, 33, 1, 1 },
        { 101, 1, 7, 80, 33, 1, 1 },
        { 101, 2, 0, 101, 101, 2, 1 },
        { 4001, 4, 100, 3000, 1023, 2, 1 }
    };

    for (i = 0; i < imgp_nelts(axes); i++) {
        check(&axes[i]);
    }

    check_identical();

    return done();
}


/* where the border does not fall between samples, these must be made anew */

static void
check_identical(void)
{
    ok(imgp_lanczos_identical(&(imgp_axis_t) { 101, 2, 0, 101, 101, 2, 0 })
       && imgp_lanczos_identical(&(imgp_axis_t) { 100, 2, 0, 100, 100, 2, 1 })
       && !imgp_lanczos_identical(&(imgp_axis_t) { 101, 2, 0, 101, 101, 2, 1 })
       && !imgp_lanczos_identical(&(imgp_axis_t) { 101, 2, 1, 100, 100, 2, 0 })
       && !imgp_lanczos_identical(&(imgp_axis_t) { 100, 2, 0, 100, 50, 1, 0 }),
       "what is left as it is");
}


/* of output i, in pixels of the source; the last one may be cut */

static double
middle(const imgp_axis_t *a, uint32_t i)
{
    double    m;
    uint32_t  cover;

    cover = imgp_axis_cover(a);

    m = (i * cover + fmin((i + 1) * cover, a->out)) / 2.0 * a->span / a->out;

    return a->start + (a->flip ? a->span - m : m);
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
    scale = fmax((double) a->span * imgp_axis_cover(a) / a->out, a->pitch);

    if (imgp_lanczos_identical(a)) {
        scale = 1e-9;
    }

    for (i = 0; i < l.out; i++) {
        centre = middle(a, i);
        sum = 0;

        j = fmax(0, floor((centre - 3 * scale) / a->pitch) - 1);

        for ( /* void */ ; j * (uint64_t) a->pitch < a->length; j++) {
            cover = fmin(a->pitch, a->length - (double) j * a->pitch);
            w = (j * (double) a->pitch + cover / 2 - centre) / scale;

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
            w = kernel((j * (double) a->pitch + cover / 2 - centre) / scale)
                * cover / sum;

            total += l.coef[(size_t) i * l.stride + k];
            worst = fmax(worst, fabs(l.coef[(size_t) i * l.stride + k]
                                     / 16384.0 - w));
        }

        sums += (total == 16384);
        inside += (l.first[i] + l.taps <= l.samples);
    }

    ok(sums == l.out && inside == l.out,
       "%u (%u) to %u (%u)%s: sums are 1, all within the source", a->length,
       a->pitch, a->out, imgp_axis_cover(a), a->flip ? ", against" : "");

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
