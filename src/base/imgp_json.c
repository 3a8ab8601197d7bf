
/*
 * JSON being built: thin helpers around jansson that carry a failure to the
 * end, and the text in memory of malloc(), whatever allocator jansson has.
 *
 * Called while answers are made (event loop).  A builder owns its json_t and
 * forgets it when it fails.
 */


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <imgp/imgp_json.h>
#include <imgp/imgp_utf8.h>


#define IMGP_JSON_ROOM  2048          /* the first allocation of a text */


typedef struct {
    char              *data;
    size_t             len;
    size_t             size;
} imgp_json_text_t;


static void imgp_json_fail(imgp_json_t *b);
static int imgp_json_append(const char *p, size_t len, void *data);


void
imgp_json_set(imgp_json_t *b, const char *name, json_t *value)
{
    /* takes the value over in any case, and refuses NULL for either */

    if (json_object_set_new(b->json, name, value) != 0) {
        imgp_json_fail(b);
    }
}


void
imgp_json_set_key(imgp_json_t *b, const imgp_str_t *name, json_t *value)
{
    size_t  len;
    char    key[IMGP_NAME_LEN];

    /* jansson before 2.14 knows keys with a NUL only */

    len = imgp_min(name->len, IMGP_NAME_LEN - 1);

    if (len) {
        memcpy(key, name->data, len);
    }

    key[len] = '\0';

    imgp_json_set(b, key, value);
}


void
imgp_json_add(imgp_json_t *b, json_t *value)
{
    if (json_array_append_new(b->json, value) != 0) {
        imgp_json_fail(b);
    }
}


static void
imgp_json_fail(imgp_json_t *b)
{
    json_decref(b->json);
    b->json = NULL;
}


void
imgp_json_set_int(imgp_json_t *b, const char *name, uint64_t n)
{
    imgp_json_set(b, name, json_integer((json_int_t) imgp_min(n, INT64_MAX)));
}


void
imgp_json_set_bool(imgp_json_t *b, const char *name, imgp_uint_t n)
{
    imgp_json_set(b, name, n ? json_true() : json_false());
}


json_t *
imgp_json_str(const imgp_str_t *s)
{
    char    *copy;
    size_t   i, n;
    json_t  *json;

    if (s->len == 0) {
        return json_string("");
    }

    json = json_stringn((char *) s->data, s->len);
    if (json != NULL) {
        return json;
    }

    /* a configuration in Latin-1 is no reason to answer 500 */

    copy = malloc(s->len);
    if (copy == NULL) {
        return NULL;
    }

    memcpy(copy, s->data, s->len);

    for (i = 0; i < s->len; i += imgp_max(n, 1)) {
        n = imgp_utf8_printable((u_char *) copy + i,
                                (u_char *) copy + s->len);
        if (n == 0) {
            copy[i] = '?';
        }
    }

    json = json_stringn(copy, s->len);
    free(copy);

    return json;
}


json_t *
imgp_json_text(const char *p)
{
    imgp_str_t  s;

    s.len = strlen(p);
    s.data = (u_char *) p;

    return imgp_json_str(&s);
}


json_t *
imgp_json_printf(const char *fmt, ...)
{
    int         n;
    char       *p;
    json_t     *json;
    va_list     args;
    imgp_str_t  s;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    if (n < 0) {
        return NULL;
    }

    p = malloc((size_t) n + 1);
    if (p == NULL) {
        return NULL;
    }

    va_start(args, fmt);
    vsnprintf(p, (size_t) n + 1, fmt, args);
    va_end(args);

    s.len = (size_t) n;
    s.data = (u_char *) p;

    json = imgp_json_str(&s);
    free(p);

    return json;
}


char *
imgp_json_dump(imgp_json_t *b, size_t *len)
{
    int               rc;
    imgp_json_text_t  text = { NULL, 0, 0 };

    if (b->json == NULL) {
        return NULL;
    }

    rc = json_dump_callback(b->json, imgp_json_append, &text,
                            JSON_COMPACT | JSON_ENCODE_ANY);

    imgp_json_fail(b);

    if (rc != 0 || text.data == NULL) {
        free(text.data);
        return NULL;
    }

    text.data[text.len] = '\0';
    *len = text.len;

    return text.data;
}


static int
imgp_json_append(const char *p, size_t len, void *data)
{
    char              *grown;
    size_t             size;
    imgp_json_text_t  *text = data;

    if (len >= text->size - text->len) {

        if (len > SIZE_MAX / 4 || text->size > SIZE_MAX / 4) {
            return -1;
        }

        size = imgp_max(text->size * 2, text->len + len + IMGP_JSON_ROOM);

        grown = realloc(text->data, size);
        if (grown == NULL) {
            return -1;
        }

        text->data = grown;
        text->size = size;
    }

    memcpy(text->data + text->len, p, len);
    text->len += len;

    return 0;
}
