
/*
 * Outputs out of an answer: the body, its parts, or what a JSON pointer
 * selects in it.
 *
 * Called by stages in a thread, with the whole answer in memory.  What is
 * decoded lies in one block at a time, malloc'ed and freed here.
 *
 * Errors are public, and a service may quote keys and addresses in its own:
 * so they tell the kind of what came, and the names of an object's members,
 * but none of their values.
 */


#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <imgp/imgp_take.h>
#include <imgp/imgp_base64.h>
#include <imgp/imgp_media.h>
#include <imgp/imgp_parts.h>
#include <imgp/imgp_utf8.h>


#define IMGP_TAKE_ITEMS_MAX  64       /* IMGP_ITEMS_MAX, of a layer above */
#define IMGP_TAKE_SEEN       104      /* bytes of "what came" */
#define IMGP_TAKE_NAMES      4        /* members it names */
#define IMGP_TAKE_NAME       20       /* bytes of a name, at most */


typedef struct {
    const imgp_take_t  *take;
    imgp_take_pt        handler;
    void               *data;
    imgp_error_t       *err;
    imgp_uint_t         count;
} imgp_taking_t;


static imgp_int_t imgp_take_part(void *data, const imgp_str_t *content,
    const imgp_str_t *type, imgp_error_t *err);
static imgp_int_t imgp_take_json(imgp_taking_t *taking,
    const imgp_str_t *body, const imgp_str_t *type);
static imgp_int_t imgp_take_no_json(const imgp_str_t *type,
    const imgp_error_t *why, imgp_error_t *err);
static imgp_int_t imgp_take_value(void *data, json_t *value);
static imgp_int_t imgp_take_document(imgp_taking_t *taking, json_t *value);
static imgp_int_t imgp_take_base64(imgp_taking_t *taking, json_t *value);
static void imgp_take_data_url(imgp_str_t *text, imgp_str_t *type);
static imgp_int_t imgp_take_url(imgp_taking_t *taking, json_t *value);
static imgp_int_t imgp_take_wrong(imgp_taking_t *taking, json_t *value,
    const char *want);
static imgp_int_t imgp_take_one(void *data, json_t *value);
static void imgp_take_seen(json_t *value, char seen[IMGP_TAKE_SEEN]);
static size_t imgp_take_name(char *out, const char *name);


imgp_int_t
imgp_take(const imgp_take_t *take, const imgp_str_t *body,
    const imgp_str_t *type, imgp_take_pt handler, void *data,
    imgp_error_t *err)
{
    imgp_taking_t  taking;

    taking.take = take;
    taking.handler = handler;
    taking.data = data;
    taking.err = err;
    taking.count = 0;

    if (take->kind != IMGP_TAKE_BODY) {
        return imgp_take_json(&taking, body, type);
    }

    if (!imgp_parts_are(type)) {
        return handler(data, body, type, err);
    }

    if (imgp_parts_each(type, body, imgp_take_part, &taking, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (taking.count == 0) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "multipart answer without a part");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_take_part(void *data, const imgp_str_t *content, const imgp_str_t *type,
    imgp_error_t *err)
{
    imgp_taking_t  *taking = data;

    if (taking->count++ == IMGP_TAKE_ITEMS_MAX) {
        return imgp_error_set(err, IMGP_E_LIMIT,
                              "answer has more than %d parts",
                              IMGP_TAKE_ITEMS_MAX);
    }

    if (content->len == 0) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "part %lu of the answer is empty",
                              (unsigned long) taking->count);
    }

    return taking->handler(taking->data, content, type, err);
}


static imgp_int_t
imgp_take_json(imgp_taking_t *taking, const imgp_str_t *body,
    const imgp_str_t *type)
{
    char           seen[IMGP_TAKE_SEEN];
    json_t        *root;
    imgp_int_t     rc;
    imgp_error_t   why;

    root = imgp_json_load(body, &why);

    if (root == NULL) {
        return imgp_take_no_json(type, &why, taking->err);
    }

    rc = imgp_pointer_each(taking->take->pointer, root, imgp_take_value,
                           taking);

    if (rc != IMGP_ERROR && taking->count == 0) {
        imgp_take_seen(root, seen);
        imgp_error_set(taking->err, IMGP_E_SERVICE_REPLY,
                       "answer has nothing at \"%.*s\", it is %s",
                       (int) imgp_min(taking->take->text.len, 64),
                       (char *) taking->take->text.data, seen);
        rc = IMGP_ERROR;
    }

    json_decref(root);

    return (rc == IMGP_ERROR) ? IMGP_ERROR : IMGP_OK;
}


static imgp_int_t
imgp_take_no_json(const imgp_str_t *type, const imgp_error_t *why,
    imgp_error_t *err)
{
    char  declared[IMGP_TYPE_LEN];

    imgp_media_declared(type, declared);

    if (strstr(declared, "json") == NULL) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "answer is %s, not JSON", declared);
    }

    return imgp_error_set(err, IMGP_E_SERVICE_REPLY, "answer: %s",
                          why->detail);
}


/* what is null is not there: many services have such places for errors */

static imgp_int_t
imgp_take_value(void *data, json_t *value)
{
    imgp_taking_t  *taking = data;

    if (json_is_null(value)) {
        return IMGP_OK;
    }

    if (taking->count++ == IMGP_TAKE_ITEMS_MAX) {
        return imgp_error_set(taking->err, IMGP_E_LIMIT,
                              "answer has more than %d values at \"%.*s\"",
                              IMGP_TAKE_ITEMS_MAX,
                              (int) imgp_min(taking->take->text.len, 64),
                              (char *) taking->take->text.data);
    }

    switch (taking->take->kind) {

    case IMGP_TAKE_BASE64:
        return imgp_take_base64(taking, value);

    case IMGP_TAKE_URL:
        return imgp_take_url(taking, value);

    default:
        return imgp_take_document(taking, value);
    }
}


static imgp_int_t
imgp_take_document(imgp_taking_t *taking, json_t *value)
{
    char        *dump;
    imgp_int_t   rc;
    imgp_str_t   content;

    static const imgp_str_t  type = imgp_string("application/json");

    dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    if (dump == NULL) {
        return imgp_error_set(taking->err, IMGP_E_INTERNAL, "out of memory");
    }

    content.data = (u_char *) dump;
    content.len = strlen(dump);

    rc = taking->handler(taking->data, &content, &type, taking->err);

    free(dump);

    return rc;
}


static imgp_int_t
imgp_take_base64(imgp_taking_t *taking, json_t *value)
{
    imgp_int_t   rc, len;
    imgp_str_t   text, type, content;

    if (!json_is_string(value)) {
        return imgp_take_wrong(taking, value, "base64");
    }

    text.data = (u_char *) json_string_value(value);
    text.len = json_string_length(value);

    imgp_take_data_url(&text, &type);

    content.data = malloc(imgp_base64_decoded(text.len));

    if (content.data == NULL) {
        return imgp_error_set(taking->err, IMGP_E_INTERNAL, "out of memory");
    }

    len = imgp_base64_decode(text.data, text.len, content.data);

    if (len <= 0) {
        rc = imgp_take_wrong(taking, value, "base64");

    } else {
        content.len = len;
        rc = taking->handler(taking->data, &content, &type, taking->err);
    }

    free(content.data);

    return rc;
}


/* RFC 2397, "data:image/png;base64,...": many services write it so */

static void
imgp_take_data_url(imgp_str_t *text, imgp_str_t *type)
{
    u_char  *p;

    type->len = 0;
    type->data = text->data;

    if (text->len < 5
        || strncasecmp((char *) text->data, "data:", 5) != 0)
    {
        return;
    }

    p = memchr(text->data, ',', imgp_min(text->len, 256));

    if (p == NULL || p - text->data < 12
        || strncasecmp((char *) p - 7, ";base64", 7) != 0)
    {
        return;
    }

    type->data = text->data + 5;
    type->len = p - 7 - type->data;

    text->len -= p + 1 - text->data;
    text->data = p + 1;
}


static imgp_int_t
imgp_take_url(imgp_taking_t *taking, json_t *value)
{
    imgp_str_t  url;

    static const imgp_str_t  type = imgp_null_string;

    url.data = (u_char *) json_string_value(value);
    url.len = json_string_length(value);

    if (url.data == NULL || url.len == 0 || url.len > IMGP_TAKE_URL_MAX
        || memchr(url.data, '\0', url.len) != NULL)
    {
        return imgp_take_wrong(taking, value, "a URL");
    }

    return taking->handler(taking->data, &url, &type, taking->err);
}


static imgp_int_t
imgp_take_wrong(imgp_taking_t *taking, json_t *value, const char *want)
{
    char  seen[IMGP_TAKE_SEEN];

    imgp_take_seen(value, seen);

    return imgp_error_set(taking->err, IMGP_E_SERVICE_REPLY,
                          "answer has %s at \"%.*s\", not %s", seen,
                          (int) imgp_min(taking->take->text.len, 64),
                          (char *) taking->take->text.data, want);
}


imgp_int_t
imgp_take_string(const imgp_take_t *take, json_t *root, imgp_pool_t *pool,
    imgp_str_t *value, imgp_error_t *err)
{
    char           seen[IMGP_TAKE_SEEN];
    json_t        *found;
    imgp_str_t     text;
    imgp_taking_t  taking;

    found = NULL;
    taking.take = take;
    taking.err = err;

    (void) imgp_pointer_each(take->pointer, root, imgp_take_one, &found);

    if (found == NULL) {
        imgp_take_seen(root, seen);

        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "answer has nothing at \"%.*s\", it is %s",
                              (int) imgp_min(take->text.len, 64),
                              (char *) take->text.data, seen);
    }

    if (!json_is_string(found) || json_string_length(found) == 0
        || json_string_length(found) > IMGP_TAKE_URL_MAX)
    {
        return imgp_take_wrong(&taking, found, "a text");
    }

    text.data = (u_char *) json_string_value(found);
    text.len = json_string_length(found);

    value->len = text.len;
    value->data = imgp_pstrdup(pool, &text);

    return value->data ? IMGP_OK
                       : imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
}


static imgp_int_t
imgp_take_one(void *data, json_t *value)
{
    json_t  **found = data;

    if (json_is_null(value)) {
        return IMGP_OK;
    }

    *found = value;

    return IMGP_ERROR;
}


/* "an object of "error", "code", ..." */

static void
imgp_take_seen(json_t *value, char seen[IMGP_TAKE_SEEN])
{
    char         *p;
    void         *iter;
    imgp_uint_t   n;

    switch (json_typeof(value)) {

    case JSON_OBJECT:
        break;

    case JSON_ARRAY:
        snprintf(seen, IMGP_TAKE_SEEN, "an array of %lu",
                 (unsigned long) json_array_size(value));
        return;

    case JSON_STRING:
        snprintf(seen, IMGP_TAKE_SEEN, "a text of %lu bytes",
                 (unsigned long) json_string_length(value));
        return;

    case JSON_INTEGER:
    case JSON_REAL:
        strcpy(seen, "a number");
        return;

    case JSON_NULL:
        strcpy(seen, "null");
        return;

    default:
        strcpy(seen, "true or false");
        return;
    }

    iter = json_object_iter(value);

    if (iter == NULL) {
        strcpy(seen, "an empty object");
        return;
    }

    p = stpcpy(seen, "an object of ");

    for (n = 0; iter != NULL && n < IMGP_TAKE_NAMES; n++) {
        p = (n == 0) ? p : stpcpy(p, ", ");
        p += imgp_take_name(p, json_object_iter_key(iter));

        iter = json_object_iter_next(value, iter);
    }

    strcpy(p, iter != NULL ? "..." : "");
}


static size_t
imgp_take_name(char *out, const char *name)
{
    size_t         n;
    char          *p;
    const u_char  *q, *last;

    q = (const u_char *) name;
    last = q + strlen(name);
    p = out;

    /* two bytes less, for the quotes */

    for (*p++ = '"'; q < last; q += n) {
        n = imgp_utf8_printable(q, last);

        if (n == 0 || (p - out) + n > IMGP_TAKE_NAME - 2) {
            break;
        }

        memcpy(p, q, n);
        p += n;
    }

    *p++ = '"';
    *p = '\0';

    return p - out;
}
