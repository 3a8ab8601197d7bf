
/*
 * imgp_take: whatever a service answers, its outputs are ranges of memory
 * that is there, never too many, and an error says SERVICE_REPLY or LIMIT.
 *
 * The input's first byte is the kind, the rest of its first line a pointer,
 * the second line a Content-Type, the rest the answer.
 */


#include <stdlib.h>
#include <imgp/imgp_take.h>


static imgp_str_t fuzz_line(const u_char **p, const u_char *last);
static imgp_int_t fuzz_output(void *data, const imgp_str_t *content,
    const imgp_str_t *type, imgp_error_t *err);


int LLVMFuzzerTestOneInput(const u_char *p, size_t len);

int
LLVMFuzzerTestOneInput(const u_char *p, size_t len)
{
    u_char         *copy;
    imgp_int_t      rc;
    imgp_str_t      type, body;
    imgp_uint_t     count;
    imgp_pool_t    *pool;
    imgp_take_t     take;
    imgp_error_t    err;
    const u_char   *last;

    if (len == 0) {
        return 0;
    }

    last = p + len;
    take.kind = *p++ & 3;
    take.text = fuzz_line(&p, last);
    type = fuzz_line(&p, last);

    /* of the exact size, and it may be written to */

    body.len = last - p;
    copy = malloc(body.len + !body.len);
    memcpy(copy, p, body.len);
    body.data = copy;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    take.pointer = imgp_pointer_parse(pool, &take.text, &err);

    if (take.pointer != NULL) {
        count = 0;
        memset(&err, 0, sizeof(err));

        rc = imgp_take(&take, &body, &type, fuzz_output, &count, &err);

        if (count > 64
            || (rc == IMGP_OK) != (err.code == IMGP_E_NONE)
            || (rc == IMGP_OK && count == 0)
            || (rc != IMGP_OK && err.code != IMGP_E_SERVICE_REPLY
                && err.code != IMGP_E_LIMIT))
        {
            abort();
        }
    }

    imgp_pool_destroy(pool);
    free(copy);

    return 0;
}


static imgp_str_t
fuzz_line(const u_char **p, const u_char *last)
{
    imgp_str_t     line;
    const u_char  *end;

    end = (*p < last) ? memchr(*p, '\n', last - *p) : NULL;
    end = (end == NULL) ? last : end;

    line.data = (u_char *) *p;
    line.len = end - *p;

    *p = (end < last) ? end + 1 : last;

    return line;
}


static imgp_int_t
fuzz_output(void *data, const imgp_str_t *content, const imgp_str_t *type,
    imgp_error_t *err)
{
    size_t        i;
    imgp_uint_t  *count = data;

    static volatile u_char  sum;

    for (i = 0; i < content->len; i++) {
        sum += content->data[i];
    }

    for (i = 0; i < type->len; i++) {
        sum += type->data[i];
    }

    (*count)++;

    return IMGP_OK;
}
