
/*
 * The filters of the PNG writer.  All five forms of a row are made, and the
 * one with the least sum of absolute values (of signed bytes) is kept: the
 * rule that the specification recommends (ISO/IEC 15948, 12.7), and that
 * libpng and Pillow follow.  Called by imgp_png_write.c on the run's thread;
 * memory is the run's.
 *
 * The first pixel and the end of a row go through plain C, which is also the
 * reference for the vectors.
 */


#include <imgp/imgp_filter.h>


static size_t imgp_filter_plain(const imgp_filter_t *f, const u_char *row,
    const u_char *above, size_t i, size_t end, uint32_t *sums);


#if (__x86_64__)

#define IMGP_FILTER_LOOP    imgp_filter_avx2
#define IMGP_FILTER_TARGET  __attribute__((target("avx2")))
#define IMGP_FILTER_WIDTH   32
#include "imgp_filter_loop.h"

#define IMGP_FILTER_LOOP    imgp_filter_16
#define IMGP_FILTER_TARGET  __attribute__((target("sse4.1")))
#define IMGP_FILTER_WIDTH   16
#include "imgp_filter_loop.h"

#else

#define IMGP_FILTER_LOOP    imgp_filter_16
#define IMGP_FILTER_TARGET
#define IMGP_FILTER_WIDTH   16
#include "imgp_filter_loop.h"

#endif


imgp_int_t
imgp_filter_init(imgp_filter_t *f, imgp_work_t *work, uint32_t step,
    size_t len, uint32_t wanted)
{
    memset(f, 0, sizeof(imgp_filter_t));

    f->work = work;
    f->step = step;
    f->len = len;
    f->simd = imgp_simd_choose(wanted);

    f->zeros = imgp_work_array(work, len, 1);
    f->lines = imgp_work_array(work, len + 1, IMGP_FILTER_MAX);

    if (f->zeros == NULL || f->lines == NULL) {
        imgp_filter_free(f);
        return IMGP_ERROR;
    }

    memset(f->zeros, 0, len);

    return IMGP_OK;
}


void
imgp_filter_free(imgp_filter_t *f)
{
    imgp_work_free(f->work, f->zeros);
    imgp_work_free(f->work, f->lines);

    f->zeros = NULL;
    f->lines = NULL;
}


const u_char *
imgp_filter_row(imgp_filter_t *f, const u_char *row, const u_char *above)
{
    size_t    i;
    u_char   *line;
    uint32_t  t, best, sums[IMGP_FILTER_MAX];

    if (above == NULL) {
        above = f->zeros;
    }

    /* as in all that is empty: there is nothing better than zeros */

    if (memcmp(row, above, f->len) == 0) {
        line = f->lines;
        line[0] = (memcmp(row, f->zeros, f->len) == 0) ? IMGP_FILTER_NONE
                                                       : IMGP_FILTER_UP;
        memset(line + 1, 0, f->len);

        return line;
    }

    memset(sums, 0, sizeof(sums));

    i = imgp_filter_plain(f, row, above, 0, imgp_min(f->step, f->len), sums);

    switch (f->simd) {

#if (__x86_64__)
    case IMGP_SIMD_AVX2:
        i = imgp_filter_avx2(f, row, above, sums);
        break;
#endif

    case IMGP_SIMD_SSE41:
    case IMGP_SIMD_NEON:
        i = imgp_filter_16(f, row, above, sums);
        break;
    }

    imgp_filter_plain(f, row, above, i, f->len, sums);

    for (t = 1, best = 0; t < IMGP_FILTER_MAX; t++) {
        if (sums[t] < sums[best]) {
            best = t;
        }
    }

    line = f->lines + best * (f->len + 1);
    line[0] = best;

    return line;
}


static size_t
imgp_filter_plain(const imgp_filter_t *f, const u_char *row,
    const u_char *above, size_t i, size_t end, uint32_t *sums)
{
    u_char    x, a, b, c, out[IMGP_FILTER_MAX];
    uint32_t  t;

    for ( /* void */ ; i < end; i++) {
        x = row[i];
        a = (i < f->step) ? 0 : row[i - f->step];
        b = above[i];
        c = (i < f->step) ? 0 : above[i - f->step];

        out[IMGP_FILTER_NONE] = x;
        out[IMGP_FILTER_SUB] = x - a;
        out[IMGP_FILTER_UP] = x - b;
        out[IMGP_FILTER_AVERAGE] = x - (a + b) / 2;
        out[IMGP_FILTER_PAETH] = x - imgp_filter_paeth(a, b, c);

        for (t = 0; t < IMGP_FILTER_MAX; t++) {
            f->lines[t * (f->len + 1) + 1 + i] = out[t];
            sums[t] += (out[t] < 128) ? out[t] : 256 - out[t];
        }
    }

    return i;
}
