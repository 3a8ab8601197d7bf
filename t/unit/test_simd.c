
/*
 * The choice of a SIMD unit: never one that this machine has not.
 */


#include "imgp_test.h"
#include <imgp/imgp_simd.h>


int
main(void)
{
    uint32_t  i, got;

    got = imgp_simd_choose(IMGP_SIMD_BEST);
    ok(got != IMGP_SIMD_BEST && imgp_simd_choose(got) == got,
       "the best is %s", imgp_simd_name(got));

    is_int(imgp_simd_choose(IMGP_SIMD_NONE), IMGP_SIMD_NONE, "none is none");

    for (i = IMGP_SIMD_SSE41; i < IMGP_SIMD_MAX; i++) {
        got = imgp_simd_choose(i);
        ok(got == i || got == IMGP_SIMD_NONE, "%s: %s", imgp_simd_name(i),
           got == i ? "here" : "not here");
    }

#if (__x86_64__)

    is_int(imgp_simd_choose(IMGP_SIMD_NEON), IMGP_SIMD_NONE, "x86 is no ARM");
    ok(imgp_simd_choose(IMGP_SIMD_AVX2) == IMGP_SIMD_NONE
       || imgp_simd_choose(IMGP_SIMD_SSE41) == IMGP_SIMD_SSE41,
       "AVX2 comes with SSE4.1");

#endif

    is_int(imgp_simd_choose(99), IMGP_SIMD_NONE, "an unknown one");
    is_str(imgp_simd_name(99), "unknown", "and its name");

    return done();
}
