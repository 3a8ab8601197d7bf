
/*
 * Inflating: what zlib packed, in any pieces of input and output; damage and
 * wrong heads are seen, and an end that does not come is not made up.
 */


#include <zlib.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include "imgp_work_test.h"
#include <imgp/imgp_inflate.h>


#define TEST_DATA  300000


/* the last answer; the output is at "back" */

static imgp_int_t
test_run_by(imgp_uint_t literals, const u_char *p, size_t n, size_t in_step,
    size_t out_step, u_char *back, size_t *got)
{
    size_t           given;
    imgp_int_t       rc;
    imgp_str_t       in, out;
    test_work_t      tw;
    imgp_inflate_t  *z;

    z = imgp_inflate_create(test_work(&tw), literals);
    given = imgp_min(in_step, n);
    in.data = (u_char *) p;
    in.len = given;
    out.data = back;
    out.len = imgp_min(out_step, TEST_DATA);

    for ( ;; ) {
        rc = imgp_inflate_run(z, &in, &out);

        if (rc == IMGP_AGAIN && given < n) {
            in.len = imgp_min(in_step, n - given);
            given += in.len;

        } else if (rc == IMGP_OK && out.data < back + TEST_DATA) {
            out.len = imgp_min(out_step,
                               (size_t) (back + TEST_DATA - out.data));

        } else {
            break;
        }
    }

    *got = out.data - back;
    imgp_inflate_free(z);

    if (tw.work.used != 0) {
        printf("# %zu bytes are left\n", tw.work.used);
        return IMGP_DECLINED;
    }

    return rc;
}


/* both of its ways have to agree, but on what they gave before an error */

static imgp_int_t
test_run(const u_char *p, size_t n, size_t in_step, size_t out_step,
    u_char *back, size_t *got)
{
    u_char      *other;
    size_t       theirs;
    imgp_int_t   rc, theirs_rc;

    other = malloc(TEST_DATA + 1);

    theirs_rc = test_run_by(1, p, n, in_step, out_step, other, &theirs);
    rc = test_run_by(0, p, n, in_step, out_step, back, got);

    if (rc != theirs_rc
        || (rc != IMGP_ERROR
            && (*got != theirs || memcmp(back, other, theirs) != 0)))
    {
        printf("# %ld, %zu bytes, of literals %ld, %zu\n", (long) rc, *got,
               (long) theirs_rc, theirs);
        rc = IMGP_DECLINED;
    }

    free(other);

    return rc;
}


int
main(void)
{
    size_t      i, got, n;
    u_char     *data, *packed, *back;
    uLongf      len;
    uint32_t    k, wrong;
    uint64_t    seed;
    imgp_int_t  rc;

    static const size_t  steps[] = { 1, 7, 1000, 65536, TEST_DATA };

    data = malloc(TEST_DATA);
    packed = malloc(2 * TEST_DATA);
    back = malloc(TEST_DATA + 1);
    seed = 4;

    for (i = 0; i < TEST_DATA; i++) {
        data[i] = (i % 50000 < 20000) ? fix_random(&seed)
                                      : (i < 900) ? i : data[i - 900];
    }

    for (k = 0; k < 25; k++) {
        len = 2 * TEST_DATA;
        compress2(packed, &len, data, TEST_DATA - 1, k % 10);

        rc = test_run(packed, len, steps[k % 5], steps[k / 5], back, &got);

        ok(rc == IMGP_DONE && got == TEST_DATA - 1
           && memcmp(back, data, got) == 0, "level %u, in %zu, out %zu",
           k % 10, steps[k % 5], steps[k / 5]);
    }

    for (i = 0, wrong = 0; i < len; i += 1 + i / 3) {
        rc = test_run(packed, i, 1000, 1000, back, &got);
        wrong += rc != IMGP_AGAIN || memcmp(back, data, got) != 0;
    }

    is_int(wrong, 0, "cut off: more is wanted");

    for (i = 0, wrong = 0; i < 65536; i++) {
        packed[0] = i >> 8;
        packed[1] = i;
        rc = test_run(packed, 2, 1, 1000, back, &got);

        wrong += (rc == IMGP_AGAIN)
                 != (i % 31 == 0 && (i >> 8 & 15) == 8 && i >> 12 < 8
                     && !(i & 0x20));
    }

    is_int(wrong, 0, "heads");

    for (i = 0, n = 0; i < 3000; i++) {
        len = 2 * TEST_DATA;
        compress2(packed, &len, data + 20000, 5000, 9);
        packed[2 + i % 300] ^= 1 << (i / 300 % 8);

        rc = test_run(packed, len, 100, 100000, back, &got);
        n += (rc == IMGP_ERROR);
    }

    ok(n > 100, "damage is found: %zu of 3000", n);

    free(data);
    free(packed);
    free(back);

    return done();
}
