
/*
 * The deflater: whatever goes in comes out of zlib's inflate(), however it is
 * cut; and it is as small as zlib makes it at its best, for data of all the
 * kinds that it decides between.
 */


#include <zlib.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include "imgp_work_test.h"
#include <imgp/imgp_deflate.h>


#define TEST_DATA  700000


typedef struct {
    u_char        *data;
    size_t         len;
    size_t         size;
} test_out_t;


static imgp_int_t
test_write(void *data, const u_char *p, size_t n)
{
    test_out_t  *out = data;

    if (out->len + n > out->size) {
        return IMGP_ERROR;
    }

    memcpy(out->data + out->len, p, n);
    out->len += n;

    return IMGP_OK;
}


/* in pieces of at most "step" bytes; 0 where it does not come back */

static size_t
test_deflate(const u_char *p, size_t n, size_t step, test_out_t *out)
{
    int              rc;
    size_t           i, k;
    u_char          *back;
    uLongf           len;
    test_work_t      tw;
    imgp_deflate_t  *d;

    out->len = 0;
    rc = IMGP_OK;
    d = imgp_deflate_create(test_work(&tw), test_write, out);

    for (i = 0; i < n && rc == IMGP_OK; i += k) {
        k = imgp_min(step, n - i);
        rc = imgp_deflate_write(d, p + i, k);
    }

    if (rc == IMGP_OK) {
        rc = imgp_deflate_finish(d);
    }

    imgp_deflate_free(d);

    len = n + 1;
    back = malloc(len);

    if (rc != IMGP_OK || tw.work.used != 0
        || uncompress(back, &len, out->data, out->len) != Z_OK
        || len != n || memcmp(back, p, n) != 0)
    {
        out->len = 0;
    }

    free(back);

    return out->len;
}


/* as Pillow with optimize=True, as far as deflate goes */

static size_t
test_zlib(u_char *p, size_t n, u_char *out, size_t size)
{
    z_stream  z;

    memset(&z, 0, sizeof(z));
    deflateInit2(&z, 9, Z_DEFLATED, 15, 9, Z_FILTERED);

    z.next_in = p;
    z.avail_in = n;
    z.next_out = out;
    z.avail_out = size;

    deflate(&z, Z_FINISH);
    deflateEnd(&z);

    return z.total_out;
}


static void
test_fill(u_char *p, size_t n, int kind, uint64_t *seed)
{
    size_t    i, k;
    uint32_t  v;

    for (i = 0; i < n; i++) {
        v = fix_random(seed);

        switch (kind) {

        case 0:                       /* noise */
            p[i] = v;
            break;

        case 1:                       /* a filtered photograph */
            p[i] = __builtin_ctz(v | 256) * ((v >> 9 & 1) ? 1 : -1);
            break;

        case 2:                       /* with a cut-out's zeros */
            p[i] = (i / 3000 % 2) ? 0
                                  : __builtin_ctz(v | 64) * (v >> 31 ? 1 : -1);
            break;

        case 3:                       /* rows much like the one before */
            p[i] = (i < 3001 || v % 97 == 0) ? v >> 8 : p[i - 3001];
            break;

        case 4:                       /* glyphs on an empty page */
            k = i % 4000 / 20;
            p[i] = (i / 4000 % 20 < 12 && k % 9)
                       ? (k * 2654435761u >> (i % 20)) & 3 : 0;
            break;

        case 5:                       /* a gradient: small steps in turn */
            p[i] = (i % 3 == 0 && i / 3 % 5 < 2) + (i % 3 == 1 && i % 7 == 0);
            break;

        case 6:                       /* a drawing in a photograph */
            p[i] = (i / 150000 % 2 == 0)
                       ? v >> 24 >> (v & 7)
                       : (i % 640 < 2) ? i / 640 : p[i - 1] ^ (i % 640 == 99);
            break;

        default:                      /* nothing */
            p[i] = 0;
        }
    }
}


int
main(void)
{
    size_t        i, ours, theirs;
    u_char       *data, *other;
    uint32_t      kind, wrong;
    uint64_t      seed;
    test_out_t    out;

    data = malloc(TEST_DATA);
    other = malloc(2 * TEST_DATA);
    out.data = malloc(2 * TEST_DATA);
    out.size = 2 * TEST_DATA;
    seed = 11;

    for (kind = 0; kind < 8; kind++) {
        test_fill(data, TEST_DATA, kind, &seed);

        ours = test_deflate(data, TEST_DATA, 4097, &out);
        theirs = test_zlib(data, TEST_DATA, other, 2 * TEST_DATA);

        /* where there is next to nothing in it, a thousandth more is fine */

        ok(ours != 0 && ours <= theirs + imgp_max(theirs / 100,
                                                  TEST_DATA / 1000),
           "kind %u: %zu bytes, zlib's best %zu", kind, ours, theirs);

        /* the result does not depend on the pieces */

        memcpy(other, out.data, ours);

        ok(test_deflate(data, TEST_DATA, 65536 + kind, &out) == ours
           && memcmp(other, out.data, ours) == 0, "in other pieces");
    }

    wrong = 0;

    for (i = 0; i < 1500; i += 1 + i / 40) {
        for (kind = 0; kind < 8; kind++) {
            test_fill(data, i, kind, &seed);

            ours = test_deflate(data, i, 100, &out);
            theirs = test_zlib(data, i, other, TEST_DATA);

            wrong += ours == 0 || ours > theirs + theirs / 20 + 24;
        }
    }

    is_int(wrong, 0, "0..1500 bytes");

    test_fill(data, TEST_DATA, 0, &seed);
    out.size = 200000;
    is_int(test_deflate(data, TEST_DATA, 5000, &out), 0,
           "a failure to write ends it");

    free(data);
    free(other);
    free(out.data);

    return done();
}
