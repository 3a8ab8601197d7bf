
/*
 * Fuzz target: a client's image through "resize 32" (the streaming way, with
 * scaled decoding, chroma whole), "encode jpeg max=24" (chroma halved),
 * "encode auto" (the whole picture, colours, alpha, both writers) and a chain
 * that keeps what is in between.  Limits are small, so that a run is fast;
 * within them no input may crash, leak, read out of bounds or write an output
 * that is no image.
 *
 * A PNG is tried as it is and with the CRCs of its chunks put right, as no
 * mutation would ever get behind a wrong one.
 *
 * The seeds are made by make_decode_corpus.c.
 */


#include <stdlib.h>
#include <zlib.h>
#include <imgp/imgp_op.h>


#define FUZZ_PIXELS  (512 * 512)
#define FUZZ_MEMORY  (16 * 1024 * 1024)
#define FUZZ_INPUT   (256 * 1024)


int LLVMFuzzerTestOneInput(const unsigned char *p, size_t len);

static void fuzz_all(const unsigned char *p, size_t len);
static imgp_op_t *fuzz_op(imgp_pool_t *pool, const char *const *words);
static void fuzz_run(const char *const *const lines[3],
    const unsigned char *p, size_t len);
static int fuzz_repair(unsigned char *p, size_t len);


int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t len)
{
    unsigned char  *copy;

    if (len == 0 || len > FUZZ_INPUT) {
        return 0;
    }

    fuzz_all(p, len);

    copy = malloc(len);
    if (copy == NULL) {
        abort();
    }

    memcpy(copy, p, len);

    if (fuzz_repair(copy, len)) {
        fuzz_all(copy, len);
    }

    free(copy);

    return 0;
}


static void
fuzz_all(const unsigned char *p, size_t len)
{
    static const char  *resize[] = { "resize", "32", NULL };
    static const char  *small[] = { "encode", "jpeg", "max=24", NULL };
    static const char  *encode[] = { "encode", "auto", NULL };
    static const char  *canvas[] = { "canvas", "1", NULL };

    static const char *const *const  runs[][3] = {
        { resize, NULL, NULL },
        { small, NULL, NULL },
        { encode, NULL, NULL },
        { resize, small, canvas }
    };

    size_t  i;

    for (i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        fuzz_run(runs[i], p, len);
    }
}


/* was a CRC of a PNG's chunk changed? */

static int
fuzz_repair(unsigned char *p, size_t len)
{
    int       changed;
    size_t    n;
    uint32_t  crc;

    changed = 0;

    if (len < 8 || memcmp(p, "\x89PNG\r\n\x1a\n", 8) != 0) {
        return 0;
    }

    p += 8;
    len -= 8;

    while (len >= 12) {
        n = (size_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];

        if (n > len - 12) {
            break;
        }

        crc = crc32(crc32(0, NULL, 0), p + 4, n + 4);
        crc = __builtin_bswap32(crc);

        if (memcmp(p + 8 + n, &crc, 4) != 0) {
            memcpy(p + 8 + n, &crc, 4);
            changed = 1;
        }

        p += 12 + n;
        len -= 12 + n;
    }

    return changed;
}


static imgp_op_t *
fuzz_op(imgp_pool_t *pool, const char *const *words)
{
    size_t         n;
    imgp_op_t     *op;
    imgp_str_t     args[4];
    imgp_error_t   err;

    for (n = 0; words[n] != NULL; n++) {
        args[n].data = (u_char *) words[n];
        args[n].len = strlen(words[n]);
    }

    op = imgp_op_parse(pool, args, n, &err);
    if (op == NULL) {
        abort();
    }

    return op;
}


static void
fuzz_run(const char *const *const lines[3], const unsigned char *p,
    size_t len)
{
    size_t            n, i;
    imgp_int_t        rc;
    imgp_pool_t      *pool;
    imgp_op_link_t    links[3];
    imgp_op_task_t   *task;
    imgp_op_input_t   input;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    task = calloc(1, sizeof(imgp_op_task_t));

    if (pool == NULL || task == NULL) {
        abort();
    }

    for (n = 0; n < 3 && lines[n] != NULL; n++) {
        links[n].op = fuzz_op(pool, lines[n]);
        links[n].keep = 1;
        links[n].json = NULL;
    }

    input.data.data = (u_char *) p;
    input.data.len = len;
    input.type = "image/*";

    task->alloc = &imgp_malloc;
    task->max_pixels = FUZZ_PIXELS;
    task->max_memory = FUZZ_MEMORY;
    task->inputs = &input;
    task->ninputs = 1;

    rc = imgp_op_chain_run(links, n, task);

    if (rc == IMGP_OK && task->noutputs != n) {
        abort();
    }

    for (i = 0; i < task->noutputs; i++) {

        if (task->outputs[i].len < 20 || task->outputs[i].width == 0
            || task->outputs[i].height == 0 || task->outputs[i].link != i)
        {
            abort();
        }
    }

    if (rc != IMGP_OK
        && (task->noutputs != 0 || task->error.code == IMGP_E_NONE
            || task->error.detail[0] == '\0'))
    {
        abort();
    }

    imgp_op_free(task);
    free(task);
    imgp_pool_destroy(pool);
}
