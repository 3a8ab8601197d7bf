
/*
 * NEON against plain C.
 */


#include "imgp_taps.h"


int
main(void)
{
    return test_simd(IMGP_SIMD_NEON);
}
