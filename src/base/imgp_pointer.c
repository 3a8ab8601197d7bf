
/*
 * JSON pointers (RFC 6901) with "*" for every element, and the loading of a
 * foreign service's JSON within limits.
 *
 * Called while the configuration is read (parse) and by stages in the event
 * loop or a thread (each, load).  A parsed pointer lives in the caller's pool
 * and is immutable: any number of threads may use it.  Values are jansson's;
 * imgp_json_load()'s result is the caller's to json_decref().
 *
 * A member that is really named "*" cannot be addressed by itself: the
 * contract gives this token to the wildcard.
 *
 * Duplicate names in an object are refused.  RFC 8259 leaves their meaning
 * open, no serializer makes them, and what one reader checked another might
 * read differently.
 */


#include <imgp/imgp_pointer.h>


/* a deeper pointer could select nothing in a document that is accepted */
#define IMGP_POINTER_TOKENS_MAX  IMGP_JSON_DEPTH_MAX
#define IMGP_POINTER_TEXT_MAX    2048

#define IMGP_POINTER_NO_INDEX    SIZE_MAX


typedef struct {
    const char    *name;              /* unescaped, NUL-terminated */
    size_t         index;             /* or IMGP_POINTER_NO_INDEX */
    imgp_uint_t    any;               /* "*" */
} imgp_pointer_token_t;


struct imgp_pointer_s {
    imgp_uint_t           ntokens;
    imgp_pointer_token_t  tokens[1];
};


typedef struct {
    const imgp_pointer_t  *pointer;
    imgp_pointer_pt        handler;
    void                  *data;
    imgp_int_t             count;
} imgp_pointer_walk_t;


static imgp_uint_t imgp_pointer_count(const imgp_str_t *text);
static imgp_int_t imgp_pointer_tokens(imgp_pointer_t *pointer, u_char *p,
    imgp_error_t *err);
static void imgp_pointer_token(imgp_pointer_token_t *token, const char *name);
static imgp_int_t imgp_pointer_walk(imgp_pointer_walk_t *walk,
    imgp_uint_t depth, json_t *value);
static imgp_int_t imgp_pointer_walk_any(imgp_pointer_walk_t *walk,
    imgp_uint_t depth, json_t *value);
static imgp_int_t imgp_json_check(const imgp_str_t *text, imgp_error_t *err);
static const u_char *imgp_json_string_end(const u_char *p,
    const u_char *last);


imgp_pointer_t *
imgp_pointer_parse(imgp_pool_t *pool, const imgp_str_t *text,
    imgp_error_t *err)
{
    u_char          *copy;
    imgp_uint_t      n;
    imgp_pointer_t  *pointer;

    if (text->len > IMGP_POINTER_TEXT_MAX) {
        (void) imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "JSON pointer is longer than %d bytes",
                              IMGP_POINTER_TEXT_MAX);
        return NULL;
    }

    if (text->len && text->data[0] != '/') {
        (void) imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "JSON pointer \"%.*s\" must be empty or begin "
                              "with \"/\"", (int) text->len, text->data);
        return NULL;
    }

    if (text->len && memchr(text->data, '\0', text->len) != NULL) {
        (void) imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "JSON pointer holds a zero byte");
        return NULL;
    }

    n = imgp_pointer_count(text);

    if (n > IMGP_POINTER_TOKENS_MAX) {
        (void) imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "JSON pointer has more than %d parts",
                              IMGP_POINTER_TOKENS_MAX);
        return NULL;
    }

    pointer = imgp_palloc(pool, sizeof(imgp_pointer_t)
                                + n * sizeof(imgp_pointer_token_t));
    copy = imgp_pstrdup(pool, text);

    if (pointer == NULL || copy == NULL) {
        (void) imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        return NULL;
    }

    pointer->ntokens = n;

    if (imgp_pointer_tokens(pointer, copy, err) != IMGP_OK) {
        return NULL;
    }

    return pointer;
}


static imgp_uint_t
imgp_pointer_count(const imgp_str_t *text)
{
    size_t       i;
    imgp_uint_t  n;

    for (i = 0, n = 0; i < text->len; i++) {
        n += (text->data[i] == '/');
    }

    return n;
}


/* cuts the copied text "p" into tokens, unescaping in place */

static imgp_int_t
imgp_pointer_tokens(imgp_pointer_t *pointer, u_char *p, imgp_error_t *err)
{
    char         *name, *dst;
    imgp_uint_t   i;

    for (i = 0; i < pointer->ntokens; i++) {
        name = (char *) ++p;
        dst = name;

        while (*p && *p != '/') {

            if (*p == '~') {
                p++;

                if (*p != '0' && *p != '1') {
                    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                               "JSON pointer: \"~\" must be written \"~0\", "
                               "and \"/\" within a name \"~1\"");
                }

                *dst++ = (*p++ == '0') ? '~' : '/';
                continue;
            }

            *dst++ = (char) *p++;
        }

        /* the next token's "/" is overwritten only when it has been seen */

        *dst = '\0';

        imgp_pointer_token(&pointer->tokens[i], name);
    }

    return IMGP_OK;
}


/* an index has no leading zeros; "-" is the element past the last: none */

static void
imgp_pointer_token(imgp_pointer_token_t *token, const char *name)
{
    size_t       index;
    const char  *p;

    token->name = name;
    token->any = (strcmp(name, "*") == 0);
    token->index = IMGP_POINTER_NO_INDEX;

    if (name[0] == '\0' || (name[0] == '0' && name[1] != '\0')) {
        return;
    }

    for (p = name, index = 0; *p; p++) {
        if (*p < '0' || *p > '9' || index > SIZE_MAX / 10 - 1) {
            return;
        }

        index = index * 10 + (size_t) (*p - '0');
    }

    token->index = index;
}


imgp_int_t
imgp_pointer_each(const imgp_pointer_t *pointer, json_t *root,
    imgp_pointer_pt handler, void *data)
{
    imgp_pointer_walk_t  walk;

    walk.pointer = pointer;
    walk.handler = handler;
    walk.data = data;
    walk.count = 0;

    if (imgp_pointer_walk(&walk, 0, root) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return walk.count;
}


/* recursion is as deep as the pointer, not as the document */

static imgp_int_t
imgp_pointer_walk(imgp_pointer_walk_t *walk, imgp_uint_t depth, json_t *value)
{
    const imgp_pointer_token_t  *token;

    for ( ;; ) {
        if (value == NULL) {
            return IMGP_OK;
        }

        if (depth == walk->pointer->ntokens) {
            walk->count++;

            return (walk->handler(walk->data, value) == IMGP_OK)
                   ? IMGP_OK : IMGP_ERROR;
        }

        token = &walk->pointer->tokens[depth++];

        if (token->any) {
            return imgp_pointer_walk_any(walk, depth, value);
        }

        /* both return NULL when "value" is of another type or has none */

        value = json_is_array(value) ? json_array_get(value, token->index)
                                     : json_object_get(value, token->name);
    }
}


static imgp_int_t
imgp_pointer_walk_any(imgp_pointer_walk_t *walk, imgp_uint_t depth,
    json_t *value)
{
    void    *iter;
    size_t   i;

    if (json_is_array(value)) {

        for (i = 0; i < json_array_size(value); i++) {
            if (imgp_pointer_walk(walk, depth, json_array_get(value, i))
                != IMGP_OK)
            {
                return IMGP_ERROR;
            }
        }

        return IMGP_OK;
    }

    for (iter = json_object_iter(value);
         iter != NULL;
         iter = json_object_iter_next(value, iter))
    {
        if (imgp_pointer_walk(walk, depth, json_object_iter_value(iter))
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


json_t *
imgp_json_load(const imgp_str_t *text, imgp_error_t *err)
{
    size_t        flags;
    json_t       *root;
    imgp_str_t    body;
    json_error_t  je;

    if (text->len > IMGP_JSON_BYTES_MAX) {
        (void) imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "JSON document is larger than %d MB",
                              IMGP_JSON_BYTES_MAX / 1024 / 1024);
        return NULL;
    }

    if (text->len == 0) {
        (void) imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "JSON document is empty");
        return NULL;
    }

    body = *text;

    /* RFC 8259, 8.1 lets a reader ignore a byte order mark */

    if (body.len >= 3 && memcmp(body.data, "\xef\xbb\xbf", 3) == 0) {
        body.data += 3;
        body.len -= 3;
    }

    if (imgp_json_check(&body, err) != IMGP_OK) {
        return NULL;
    }

    flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;

    root = json_loadb((char *) body.data, body.len, flags, &je);

    /*
     * An integer past 63 bits, such as a model's seed, is no reason to refuse
     * a document: then all its numbers are read as reals.
     */

    if (root == NULL && json_error_code(&je) == json_error_numeric_overflow) {
        root = json_loadb((char *) body.data, body.len,
                          flags | JSON_DECODE_INT_AS_REAL, &je);
    }

    if (root == NULL) {

        /* jansson's own text quotes the document: not for the public */

        (void) imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                      "JSON document is %s at line %d, column %d",
                      json_error_code(&je) == json_error_duplicate_key
                          ? "ambiguous (a name occurs twice)" : "malformed",
                      je.line, je.column);
    }

    return root;
}


/*
 * jansson recurses into arrays and objects, and spends some hundred bytes
 * on each empty one: both are limited before it sees the document.  A scan
 * that is misled by malformed text errs only as far as jansson stops.
 */

static imgp_int_t
imgp_json_check(const imgp_str_t *text, imgp_error_t *err)
{
    imgp_uint_t    depth, values;
    const u_char  *p, *last;

    p = text->data;
    last = p + text->len;
    depth = 0;
    values = 1;

    while (p < last) {

        switch (*p++) {

        case '"':
            p = imgp_json_string_end(p, last);
            break;

        case '[':
        case '{':
            if (++depth > IMGP_JSON_DEPTH_MAX) {
                return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                           "JSON document is nested deeper than %d levels",
                           IMGP_JSON_DEPTH_MAX);
            }

            values++;
            break;

        case ']':
        case '}':
            depth -= (depth > 0);
            break;

        case ',':
            values++;
            break;
        }
    }

    if (values > IMGP_JSON_VALUES_MAX) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "JSON document has more than %d values",
                              IMGP_JSON_VALUES_MAX);
    }

    return IMGP_OK;
}


/*
 * Past the closing quote of the string whose content begins at "p".  Strings
 * of base64 are megabytes long, hence memchr(); the backslashes before each
 * quote are looked at once.
 */

static const u_char *
imgp_json_string_end(const u_char *p, const u_char *last)
{
    const u_char  *q, *b;

    for ( ;; ) {
        q = memchr(p, '"', last - p);
        if (q == NULL) {
            return last;
        }

        for (b = q; b > p && b[-1] == '\\'; b--) { /* void */ }

        if ((q - b) % 2 == 0) {
            return q + 1;
        }

        p = q + 1;
    }
}
