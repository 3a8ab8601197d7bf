
/*
 * Fuzz target: the inflater, against zlib's: the same verdict on the same
 * bytes, and the same output, in pieces and by every kind of machine.
 *
 * The input's first two bytes are the sizes of the pieces; the data behind
 * them begins with its first block, as a wrong head would be all there is.
 */


#include <stdlib.h>
#include <zlib.h>
#include <imgp/imgp_inflate.h>
#include <imgp/imgp_simd.h>


#define FUZZ_OUT   (100 * 1024)
#define FUZZ_HEAD  "\x78\x9c"


int LLVMFuzzerTestOneInput(const unsigned char *p, size_t len);

static imgp_int_t fuzz_zlib(unsigned char *p, size_t len,
    unsigned char *out, size_t *got);
static imgp_int_t fuzz_ours(uint32_t simd, const unsigned char *steps,
    unsigned char *p, size_t len, unsigned char *out, size_t *got);


int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t len)
{
    size_t          n, got, theirs;
    uint32_t        simd;
    imgp_int_t      rc;
    unsigned char  *data, *out, *back;

    if (len < 3) {
        return 0;
    }

    n = len - 2 + sizeof(FUZZ_HEAD) - 1;
    data = malloc(n);
    out = malloc(FUZZ_OUT);
    back = malloc(FUZZ_OUT);

    if (data == NULL || out == NULL || back == NULL) {
        abort();
    }

    memcpy(data, FUZZ_HEAD, sizeof(FUZZ_HEAD) - 1);
    memcpy(data + sizeof(FUZZ_HEAD) - 1, p + 2, len - 2);

    rc = fuzz_zlib(data, n, out, &theirs);

    for (simd = IMGP_SIMD_BEST; simd <= IMGP_SIMD_NONE; simd++) {

        if (fuzz_ours(simd, p, data, n, back, &got) != rc
            || (rc != IMGP_ERROR && got != theirs)
            || memcmp(back, out, imgp_min(got, theirs)) != 0)
        {
            abort();
        }
    }

    free(data);
    free(out);
    free(back);

    return 0;
}


static imgp_int_t
fuzz_zlib(unsigned char *p, size_t len, unsigned char *out, size_t *got)
{
    int       rc;
    z_stream  z;

    memset(&z, 0, sizeof(z_stream));

    if (inflateInit(&z) != Z_OK) {
        abort();
    }

    z.next_in = p;
    z.avail_in = len;
    z.next_out = out;
    z.avail_out = FUZZ_OUT;

    rc = inflate(&z, Z_NO_FLUSH);
    *got = z.total_out;

    inflateEnd(&z);

    return (rc == Z_STREAM_END) ? IMGP_DONE
           : (rc != Z_OK && rc != Z_BUF_ERROR) ? IMGP_ERROR
           : (*got == FUZZ_OUT) ? IMGP_OK : IMGP_AGAIN;
}


static imgp_int_t
fuzz_ours(uint32_t simd, const unsigned char *steps, unsigned char *p,
    size_t len, unsigned char *out, size_t *got)
{
    size_t           given;
    imgp_int_t       rc;
    imgp_str_t       in, to;
    imgp_work_t      work;
    imgp_inflate_t  *z;
    imgp_op_task_t   task;

    memset(&task, 0, sizeof(imgp_op_task_t));
    memset(&work, 0, sizeof(imgp_work_t));

    task.alloc = &imgp_malloc;
    task.simd = simd;
    work.task = &task;

    z = imgp_inflate_create(&work, 0);
    if (z == NULL) {
        abort();
    }

    given = 0;
    in.data = p;
    in.len = 0;
    to.data = out;
    to.len = 0;

    for ( ;; ) {
        rc = imgp_inflate_run(z, &in, &to);

        if (rc == IMGP_AGAIN && given < len) {
            in.len = imgp_min(len - given, 1 + steps[0] * 16u);
            given += in.len;

        } else if (rc == IMGP_OK && to.data < out + FUZZ_OUT) {
            to.len = imgp_min((size_t) (out + FUZZ_OUT - to.data),
                              1 + steps[1] * 16u);

        } else {
            break;
        }
    }

    *got = to.data - out;

    imgp_inflate_free(z);

    return rc;
}
