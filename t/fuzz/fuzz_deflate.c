
/*
 * Fuzz target: the deflater.  Data made of the input, of a length that takes
 * many chunks and blocks, must come back from zlib's inflate().
 *
 * The input's first byte says how often the rest is repeated, the second how
 * the copies differ, the third in which pieces they are written.
 */


#include <stdlib.h>
#include <zlib.h>
#include <imgp/imgp_deflate.h>


#define FUZZ_DATA   (400 * 1024)


typedef struct {
    unsigned char  *data;
    size_t          len;
    size_t          size;
} fuzz_out_t;


int LLVMFuzzerTestOneInput(const unsigned char *p, size_t len);

static size_t fuzz_make(const unsigned char *p, size_t len,
    unsigned char *data);
static imgp_int_t fuzz_write(void *data, const u_char *p, size_t n);
static void fuzz_deflate(const unsigned char *p, size_t n, size_t piece,
    fuzz_out_t *out);


int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t len)
{
    size_t          n;
    uLongf          back;
    fuzz_out_t      out;
    unsigned char  *data, *copy;

    if (len < 4) {
        return 0;
    }

    data = malloc(FUZZ_DATA);
    copy = malloc(FUZZ_DATA + 1);
    out.size = FUZZ_DATA + FUZZ_DATA / 100 + 100;
    out.data = malloc(out.size);

    if (data == NULL || copy == NULL || out.data == NULL) {
        abort();
    }

    n = fuzz_make(p, len, data);

    fuzz_deflate(data, n, 1 + p[2] * 40, &out);

    back = FUZZ_DATA + 1;

    if (uncompress(copy, &back, out.data, out.len) != Z_OK || back != n
        || memcmp(copy, data, n) != 0)
    {
        abort();
    }

    free(data);
    free(copy);
    free(out.data);

    return 0;
}


static size_t
fuzz_make(const unsigned char *p, size_t len, unsigned char *data)
{
    size_t    n, i, k;
    unsigned  v;

    v = 1;
    n = 0;

    for (k = 0; k <= p[0]; k++) {

        for (i = 3; i < len && n < FUZZ_DATA; i++) {
            v = v * 1103515245 + 12345;
            data[n++] = p[i] + ((v >> 16 & 255) < p[1] ? v >> 24 : 0);
        }
    }

    return n;
}


static imgp_int_t
fuzz_write(void *data, const u_char *p, size_t n)
{
    fuzz_out_t  *out = data;

    if (n > out->size - out->len) {
        abort();                      /* larger than stored blocks are */
    }

    memcpy(out->data + out->len, p, n);
    out->len += n;

    return IMGP_OK;
}


static void
fuzz_deflate(const unsigned char *p, size_t n, size_t piece, fuzz_out_t *out)
{
    size_t           i, k;
    imgp_work_t      work;
    imgp_op_task_t  *task;
    imgp_deflate_t  *d;

    task = calloc(1, sizeof(imgp_op_task_t));
    if (task == NULL) {
        abort();
    }

    memset(&work, 0, sizeof(imgp_work_t));
    task->alloc = &imgp_malloc;
    work.task = task;
    out->len = 0;

    d = imgp_deflate_create(&work, fuzz_write, out);
    if (d == NULL) {
        abort();
    }

    for (i = 0; i < n; i += k) {
        k = (piece < n - i) ? piece : n - i;

        if (imgp_deflate_write(d, p + i, k) != IMGP_OK) {
            abort();
        }
    }

    if (imgp_deflate_finish(d) != IMGP_OK) {
        abort();
    }

    imgp_deflate_free(d);
    free(task);
}
