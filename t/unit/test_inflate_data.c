
/*
 * Literals and copies: every distance from 1 to 67 and far ones, every
 * length, room that ends anywhere, with the fast loop and without, on every
 * kind of machine; and copies from before the data's beginning are refused.
 */


#include <zlib.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include "imgp_work_test.h"
#include <imgp/imgp_inflate.h>
#include <imgp/imgp_simd.h>


#define TEST_DATA  70000


/* in a buffer of just this size, so that nothing behind it is written to */

static uint32_t
test_back(uint32_t simd, u_char *packed, size_t len, const u_char *data,
    size_t n, size_t room)
{
    u_char          *back;
    uint32_t         wrong;
    imgp_int_t       rc;
    imgp_str_t       in, out;
    test_work_t      tw;
    imgp_work_t     *work;
    imgp_inflate_t  *z;

    work = test_work(&tw);
    tw.task.simd = simd;

    z = imgp_inflate_create(work, 0);
    back = malloc(n);

    in.data = packed;
    in.len = len;
    out.data = back;

    do {
        out.len = imgp_min(room, (size_t) (back + n - out.data));
        rc = imgp_inflate_run(z, &in, &out);
    } while (rc == IMGP_OK && out.data < back + n);

    wrong = rc == IMGP_ERROR || out.data != back + n
            || memcmp(back, data, n) != 0;

    imgp_inflate_free(z);
    free(back);

    return wrong;
}


/* after some noise, copies from that distance with a byte between each */

static uint32_t
test_distance(uint32_t simd, uint32_t distance)
{
    u_char    *data, *packed;
    size_t     i, n;
    uLongf     len;
    uint32_t   wrong, length;
    uint64_t   seed;

    static const size_t  rooms[] = { 1, 13, 400, 4096, TEST_DATA };

    data = malloc(TEST_DATA);
    packed = malloc(2 * TEST_DATA);
    seed = distance;
    wrong = 0;

    for (n = 0; n < distance; n++) {
        data[n] = fix_random(&seed);
    }

    for (length = 3; length <= 258 && n + length < TEST_DATA; length++) {

        for (i = 0; i < length; i++, n++) {
            data[n] = data[n - distance];
        }

        data[n++] = fix_random(&seed);
    }

    len = 2 * TEST_DATA;
    compress2(packed, &len, data, n, 9);

    for (i = 0; i < imgp_nelts(rooms); i++) {
        wrong += test_back(simd, packed, len, data, n, rooms[i]);
    }

    free(data);
    free(packed);

    return wrong;
}


/* the bits of a code, its highest one first */

static void
test_put(u_char *p, uint32_t *at, uint32_t code, uint32_t len)
{
    while (len-- > 0) {
        p[*at / 8] |= (code >> len & 1) << *at % 8;
        (*at)++;
    }
}


/* a fixed block: one literal, three bytes from "distance" (1 to 4), the end */

static imgp_int_t
test_first(uint32_t simd, uint32_t distance, size_t behind)
{
    u_char           p[128] = { 0x78, 0x9c }, back[1000];
    uint32_t         at;
    imgp_int_t       rc;
    imgp_str_t       in, out;
    test_work_t      tw;
    imgp_work_t     *work;
    imgp_inflate_t  *z;

    work = test_work(&tw);
    tw.task.simd = simd;

    z = imgp_inflate_create(work, 0);

    at = 16;
    test_put(p, &at, 1, 1);           /* the last block, */
    test_put(p, &at, 2, 2);           /* with the fixed codes */
    test_put(p, &at, 0x30 + 'x', 8);
    test_put(p, &at, 1, 7);
    test_put(p, &at, distance - 1, 5);
    test_put(p, &at, 0, 7);

    in.data = p;
    in.len = (at + 7) / 8 + behind;
    out.data = back;
    out.len = sizeof(back);

    rc = imgp_inflate_run(z, &in, &out);

    if (rc == IMGP_AGAIN && (out.data - back != 4
                             || memcmp(back, "xxxx", 4) != 0))
    {
        rc = IMGP_DECLINED;
    }

    imgp_inflate_free(z);

    return rc;
}


int
main(void)
{
    uint32_t  simd, distance, wrong;

    for (simd = IMGP_SIMD_NONE; simd < IMGP_SIMD_MAX; simd++) {

        if (imgp_simd_choose(simd) != simd) {
            continue;
        }

        for (distance = 1, wrong = 0; distance <= 32768;
             distance += 1 + (distance > 67) * 1009)
        {
            wrong += test_distance(simd, distance);
        }

        is_int(wrong, 0, "%s: distances and lengths", imgp_simd_name(simd));
        ok(test_first(simd, 1, 0) == IMGP_AGAIN
           && test_first(simd, 2, 0) == IMGP_ERROR
           && test_first(simd, 2, 100) == IMGP_ERROR,
           "%s: no copy from before the beginning", imgp_simd_name(simd));
    }

    return done();
}
