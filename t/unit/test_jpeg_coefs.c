
/*
 * Coefficients packed and unpacked, in every form: what AVX2 packs plain C
 * unpacks and the other way round; nothing is touched behind what is promised.
 */


#include <stdlib.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_jpeg_coefs.h>


#define TEST_BLOCKS  67


/* of one kind or all mixed: few, many, wide, rows of nothing */

static void
test_fill(int16_t *blocks, uint32_t n, uint32_t kind, uint64_t *seed)
{
    uint32_t  i, k, v, rows;

    for (i = 0; i < n; i++) {
        rows = (kind == 0) ? 0 : fix_random(seed);

        for (k = 0; k < IMGP_JPEG_COEFS_BLOCK; k++) {
            v = fix_random(seed);

            blocks[k] = (rows >> k / 8 & 1) == 0 ? 0
                        : (kind == 1) ? (v % 9 == 0) * (int) (v % 256 - 128)
                        : (kind == 2) ? (int) (v % 256) - 128
                        : (kind == 3) ? (v % 99 == 0 ? 128 : (int) (v % 3) - 1)
                        : (int16_t) v;
        }

        blocks += IMGP_JPEG_COEFS_BLOCK;
    }
}


static int
test_there_and_back(uint32_t to, uint32_t from, uint32_t n, uint32_t kind,
    uint64_t *seed)
{
    int       good;
    u_char   *packed, *exact;
    size_t    len;
    int16_t  *blocks, *got;
    uint32_t  i;

    blocks = malloc(n * IMGP_JPEG_COEFS_BLOCK * sizeof(int16_t));
    got = malloc(n * IMGP_JPEG_COEFS_BLOCK * sizeof(int16_t));
    packed = malloc(imgp_jpeg_coefs_room(n));

    test_fill(blocks, n, kind, seed);

    len = imgp_jpeg_coefs_pack(to, blocks, n, packed);

    /* exact, so that reading past the slack is seen */

    exact = malloc(len + IMGP_JPEG_COEFS_SLACK);
    memcpy(exact, packed, len);

    imgp_jpeg_coefs_unpack(from, exact, n, got);

    for (i = 0; i < n; i++) {
        blocks[i * IMGP_JPEG_COEFS_BLOCK] = 0;        /* DC */
    }

    good = memcmp(got, blocks, n * IMGP_JPEG_COEFS_BLOCK * sizeof(int16_t))
           == 0
           && len + IMGP_JPEG_COEFS_SLACK <= imgp_jpeg_coefs_room(n)
           && (kind != 0 || len == 2 * n);

    free(blocks);
    free(got);
    free(packed);
    free(exact);

    return good;
}


int
main(void)
{
    uint32_t  to, from, n, kind, wrong;
    uint64_t  seed;

    static const uint32_t  forms[] = { IMGP_SIMD_NONE, IMGP_SIMD_AVX2 };

    seed = 3;

    for (to = 0; to < imgp_nelts(forms); to++) {
        for (from = 0; from < imgp_nelts(forms); from++) {

            if (imgp_simd_choose(forms[to]) != forms[to]
                || imgp_simd_choose(forms[from]) != forms[from])
            {
                skip("this machine has no AVX2");
                continue;
            }

            for (n = 1, wrong = 0; n <= TEST_BLOCKS; n++) {
                for (kind = 0; kind < 5; kind++) {
                    wrong += !test_there_and_back(forms[to], forms[from], n,
                                                  kind, &seed);
                }
            }

            is_int(wrong, 0, "packed by %s, unpacked by %s",
                   imgp_simd_name(forms[to]), imgp_simd_name(forms[from]));
        }
    }

    return done();
}
