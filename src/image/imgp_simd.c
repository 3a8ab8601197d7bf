
/*
 * What the processor can do.  Called by whoever holds a table of loops, once
 * per picture and not per row; asks the compiler's runtime, which reads CPUID
 * (and whether the system saves the wide registers) when the program starts.
 * No state of its own.  NEON is part of every AArch64 processor.
 */


#include <imgp/imgp_simd.h>


static imgp_uint_t imgp_simd_runs(uint32_t simd);


uint32_t
imgp_simd_choose(uint32_t wanted)
{
    if (wanted == IMGP_SIMD_BEST) {
        wanted = imgp_simd_runs(IMGP_SIMD_AVX2) ? IMGP_SIMD_AVX2
               : imgp_simd_runs(IMGP_SIMD_SSE41) ? IMGP_SIMD_SSE41
                                                 : IMGP_SIMD_NEON;
    }

    return imgp_simd_runs(wanted) ? wanted : IMGP_SIMD_NONE;
}


static imgp_uint_t
imgp_simd_runs(uint32_t simd)
{
#if (__x86_64__)

    return (simd == IMGP_SIMD_AVX2) ? !!__builtin_cpu_supports("avx2")
           : (simd == IMGP_SIMD_SSE41) ? !!__builtin_cpu_supports("sse4.1")
                                       : 0;

#elif (__aarch64__)

    return simd == IMGP_SIMD_NEON;

#else

    return 0;

#endif
}


const char *
imgp_simd_name(uint32_t simd)
{
    static const char  *names[] = {
        "best", "plain C", "SSE4.1", "AVX2", "NEON"
    };

    return (simd < IMGP_SIMD_MAX) ? names[simd] : "unknown";
}
