
/*
 * The table of the kernel against the formula that made it.
 */


#include <math.h>
#include "imgp_test.h"
#include <imgp/imgp_lanczos.h>


int
main(void)
{
    int          i, n;
    double       x, v;
    imgp_uint_t  wrong;

    n = 3 * IMGP_LANCZOS_STEPS;
    wrong = 0;

    for (i = 1; i < n; i++) {
        x = M_PI * i / IMGP_LANCZOS_STEPS;
        v = 3 * sin(x) * sin(x / 3) / (x * x) * (1 << 24);

        wrong += fabs(imgp_lanczos_table[i] - v) > 0.51;
    }

    is_int(wrong, 0, "%d values", n - 1);
    is_int(imgp_lanczos_table[0], 1 << 24, "1 in the middle");

    for (i = 1; i <= 3; i++) {
        is_int(imgp_lanczos_table[i * IMGP_LANCZOS_STEPS], 0, "0 at %d", i);
    }

    is_int(imgp_lanczos_table[n + 1], 0, "and behind the end");

    return done();
}
