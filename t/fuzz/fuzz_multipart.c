
/*
 * imgp_multipart: an input fed whole, byte by byte, and cut at places its own
 * bytes choose must give the same events and the same verdict.
 *
 * The input's first line is the Content-Type value, the rest is the body.
 */


#include <stdio.h>
#include <stdlib.h>
#include <imgp/imgp_multipart.h>


#define FUZZ_WHOLE  0
#define FUZZ_BYTES  1
#define FUZZ_CUT    2


typedef struct {
    char          *log;               /* all events; a file's data as one */
    size_t         len;
    size_t         size;
    imgp_uint_t    open;              /* between file_begin and file_end */
    imgp_uint_t    files;
    imgp_int_t     rc;
    imgp_error_t   error;
} fuzz_run_t;


static void fuzz_run(fuzz_run_t *run, const imgp_str_t *boundary,
    const u_char *p, size_t len, int mode);
static void fuzz_log(fuzz_run_t *run, char event, const void *p, size_t len);
static void fuzz_check(const fuzz_run_t *run);
static imgp_int_t fuzz_field(void *data, const imgp_str_t *name,
    const imgp_str_t *value, imgp_error_t *err);
static imgp_int_t fuzz_begin(void *data, const imgp_str_t *filename,
    const imgp_str_t *type, imgp_error_t *err);
static imgp_int_t fuzz_data(void *data, const u_char *p, size_t len,
    imgp_error_t *err);
static imgp_int_t fuzz_end(void *data, imgp_error_t *err);


int LLVMFuzzerTestOneInput(const u_char *p, size_t len);

int
LLVMFuzzerTestOneInput(const u_char *p, size_t len)
{
    int            mode;
    const u_char  *body;
    imgp_str_t     type, boundary;
    fuzz_run_t     run[3];
    imgp_error_t   err;

    body = len ? memchr(p, '\n', len) : NULL;
    if (body == NULL) {
        return 0;
    }

    type.data = (u_char *) p;
    type.len = (size_t) (body++ - p);

    if (imgp_multipart_boundary(&type, &boundary, &err) != IMGP_OK) {
        return 0;
    }

    len -= (size_t) (body - p);

    for (mode = FUZZ_WHOLE; mode <= FUZZ_CUT; mode++) {
        fuzz_run(&run[mode], &boundary, body, len, mode);
        fuzz_check(&run[mode]);

        if (run[mode].rc != run[0].rc
            || run[mode].len != run[0].len
            || (run[0].len
                && memcmp(run[mode].log, run[0].log, run[0].len) != 0)
            || run[mode].error.code != run[0].error.code
            || strcmp(run[mode].error.detail, run[0].error.detail) != 0)
        {
            abort();
        }
    }

    for (mode = FUZZ_WHOLE; mode <= FUZZ_CUT; mode++) {
        free(run[mode].log);
    }

    return 0;
}


static void
fuzz_run(fuzz_run_t *run, const imgp_str_t *boundary, const u_char *p,
    size_t len, int mode)
{
    size_t                     i, n;
    u_char                    *copy;
    imgp_pool_t               *pool;
    imgp_multipart_t          *mp;
    imgp_multipart_handlers_t  on = { fuzz_field, fuzz_begin, fuzz_data,
                                      fuzz_end, run, imgp_string("file") };

    memset(run, 0, sizeof(fuzz_run_t));

    pool = imgp_pool_create(&imgp_malloc, 4096);
    mp = imgp_multipart_create(pool, boundary, &on);
    if (mp == NULL) {
        abort();
    }

    run->rc = IMGP_OK;

    for (i = 0; i < len && run->rc == IMGP_OK; i += n) {
        n = (mode == FUZZ_WHOLE) ? len
            : (mode == FUZZ_BYTES) ? 1
            : 1 + (size_t) (p[len - 1 - i] & 127);
        n = imgp_min(n, len - i);

        /* a chunk of its own: a read past it would be seen */

        copy = malloc(n);
        memcpy(copy, p + i, n);

        run->rc = imgp_multipart_feed(mp, copy, n, &run->error);

        free(copy);
    }

    if (run->rc == IMGP_OK) {
        run->rc = imgp_multipart_end(mp, &run->error);

    } else if (imgp_multipart_end(mp, &run->error) != IMGP_ERROR) {
        abort();
    }

    imgp_pool_destroy(pool);
}


static void
fuzz_check(const fuzz_run_t *run)
{
    if (run->files > 1
        || (run->rc == IMGP_OK && (run->files != 1 || run->open))
        || (run->rc == IMGP_OK) != (run->error.code == IMGP_E_NONE))
    {
        abort();
    }
}


static void
fuzz_log(fuzz_run_t *run, char event, const void *p, size_t len)
{
    if (run->size - run->len < len + 1) {
        run->size = 2 * run->size + len + 1;
        run->log = realloc(run->log, run->size);

        if (run->log == NULL) {
            abort();
        }
    }

    if (event) {
        run->log[run->len++] = event;
    }

    if (len) {
        memcpy(run->log + run->len, p, len);
        run->len += len;
    }
}


static imgp_int_t
fuzz_field(void *data, const imgp_str_t *name, const imgp_str_t *value,
    imgp_error_t *err)
{
    fuzz_run_t  *run = data;

    if (run->open || value->len > IMGP_MULTIPART_FIELD_MAX) {
        abort();
    }

    fuzz_log(run, 'n', name->data, name->len);
    fuzz_log(run, 'v', value->data, value->len);

    return IMGP_OK;
}


static imgp_int_t
fuzz_begin(void *data, const imgp_str_t *filename, const imgp_str_t *type,
    imgp_error_t *err)
{
    size_t       i;
    fuzz_run_t  *run = data;

    if (run->open || filename->len > 255) {
        abort();
    }

    for (i = 0; i < filename->len; i++) {
        if (filename->data[i] < 0x20 || filename->data[i] == '/'
            || filename->data[i] == '\\')
        {
            abort();
        }
    }

    run->open = 1;
    run->files++;

    fuzz_log(run, 'f', filename->data, filename->len);
    fuzz_log(run, 't', type->data, type->len);
    fuzz_log(run, 'd', NULL, 0);

    return IMGP_OK;
}


static imgp_int_t
fuzz_data(void *data, const u_char *p, size_t len, imgp_error_t *err)
{
    fuzz_run_t  *run = data;

    if (!run->open || len == 0) {
        abort();
    }

    fuzz_log(run, '\0', p, len);

    return IMGP_OK;
}


static imgp_int_t
fuzz_end(void *data, imgp_error_t *err)
{
    fuzz_run_t  *run = data;

    if (!run->open) {
        abort();
    }

    run->open = 0;
    fuzz_log(run, 'e', NULL, 0);

    return IMGP_OK;
}
