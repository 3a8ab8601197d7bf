
/*
 * imgp_json_load and imgp_pointer: whatever a service sends, a document that
 * is accepted keeps to its limits, and a pointer selects values of it only.
 *
 * The input's first line is the pointer, the rest is the document.
 */


#include <stdlib.h>
#include <imgp/imgp_pointer.h>


typedef struct {
    json_t        *root;
    imgp_uint_t    left;              /* calls until the handler says stop */
    imgp_uint_t    calls;
} fuzz_walk_t;


static imgp_uint_t fuzz_depth(json_t *value);
static imgp_int_t fuzz_value(void *data, json_t *value);


int LLVMFuzzerTestOneInput(const u_char *p, size_t len);

int
LLVMFuzzerTestOneInput(const u_char *p, size_t len)
{
    json_t          *root;
    imgp_int_t       n;
    imgp_str_t       text, body;
    fuzz_walk_t      walk;
    imgp_pool_t     *pool;
    imgp_error_t     err;
    const u_char    *line;
    imgp_pointer_t  *pointer;

    line = len ? memchr(p, '\n', len) : NULL;
    if (line == NULL) {
        return 0;
    }

    text.data = (u_char *) p;
    text.len = (size_t) (line - p);
    body.data = (u_char *) line + 1;
    body.len = len - text.len - 1;

    memset(&err, 0, sizeof(err));

    pool = imgp_pool_create(&imgp_malloc, 1024);
    pointer = imgp_pointer_parse(pool, &text, &err);

    if ((pointer == NULL) != (err.code == IMGP_E_BAD_PARAM)) {
        abort();
    }

    memset(&err, 0, sizeof(err));
    root = imgp_json_load(&body, &err);

    if ((root == NULL) != (err.code == IMGP_E_SERVICE_REPLY)
        || (root != NULL && fuzz_depth(root) > IMGP_JSON_DEPTH_MAX))
    {
        abort();
    }

    if (root != NULL && pointer != NULL) {
        walk.root = root;
        walk.calls = 0;
        walk.left = (imgp_uint_t) -1;

        n = imgp_pointer_each(pointer, root, fuzz_value, &walk);
        if (n < 0 || (imgp_uint_t) n != walk.calls) {
            abort();
        }

        if (n > 0) {
            walk.calls = 0;
            walk.left = (imgp_uint_t) n - 1;

            if (imgp_pointer_each(pointer, root, fuzz_value, &walk)
                != IMGP_ERROR
                || walk.calls != (imgp_uint_t) n)
            {
                abort();
            }
        }
    }

    json_decref(root);
    imgp_pool_destroy(pool);

    return 0;
}


static imgp_uint_t
fuzz_depth(json_t *value)
{
    void         *iter;
    size_t        i;
    imgp_uint_t   n, max;

    max = 0;

    for (i = 0; i < json_array_size(value); i++) {
        n = fuzz_depth(json_array_get(value, i));
        max = imgp_max(max, n);
    }

    for (iter = json_object_iter(value);
         iter != NULL;
         iter = json_object_iter_next(value, iter))
    {
        n = fuzz_depth(json_object_iter_value(iter));
        max = imgp_max(max, n);
    }

    return max + (json_is_array(value) || json_is_object(value));
}


static imgp_int_t
fuzz_value(void *data, json_t *value)
{
    fuzz_walk_t  *walk = data;

    if (value == NULL || value->refcount == 0) {
        abort();
    }

    walk->calls++;

    return (walk->left-- == 0) ? IMGP_ERROR : IMGP_OK;
}
