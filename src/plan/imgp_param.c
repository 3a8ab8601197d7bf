
/*
 * The values that a param of a pipeline may have: one of a list, or what a
 * regular expression (PCRE2, as everywhere in nginx) matches as a whole.
 *
 * Compiled while the configuration is read, into the configuration's pool, so
 * that a reload leaks nothing; values come from clients and are checked by
 * any thread.  They go into JSON, headers and logs, hence no control
 * characters and nothing but UTF-8 in them.
 */


#define PCRE2_CODE_UNIT_WIDTH  8

#include <pcre2.h>
#include <imgp/imgp_param.h>
#include <imgp/imgp_utf8.h>


#define IMGP_PARAM_MATCH_LIMIT  100000  /* steps; the longest is 256 bytes */


static void *imgp_param_regex_alloc(size_t size, void *data);
static void imgp_param_regex_free(void *p, void *data);
static imgp_uint_t imgp_param_matches(const void *regex,
    const imgp_str_t *value);
static imgp_uint_t imgp_param_listed(const imgp_str_t *list,
    const imgp_str_t *value);


imgp_int_t
imgp_param_compile(imgp_param_t *param, imgp_pool_t *pool, imgp_error_t *err)
{
    int                     code;
    size_t                  at;
    u_char                  text[IMGP_ERROR_DETAIL_LEN / 2];
    pcre2_general_context  *memory;
    pcre2_compile_context  *compile;

    if (param->allowed.len == 0 || param->allowed.data[0] != '~') {
        return IMGP_OK;
    }

    memory = pcre2_general_context_create(imgp_param_regex_alloc,
                                          imgp_param_regex_free, pool);
    if (memory == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    compile = pcre2_compile_context_create(memory);
    if (compile == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    param->regex = pcre2_compile(param->allowed.data + 1,
                                 param->allowed.len - 1,
                                 PCRE2_UTF | PCRE2_ANCHORED
                                 | PCRE2_ENDANCHORED
                                 | PCRE2_NEVER_BACKSLASH_C,
                                 &code, &at, compile);

    if (param->regex == NULL) {
        pcre2_get_error_message(code, text, sizeof(text));

        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "regular expression of param \"%.*s\": %s "
                              "at its character %zu",
                              (int) param->name.len,
                              (char *) param->name.data, text, at + 1);
    }

    return IMGP_OK;
}


static void *
imgp_param_regex_alloc(size_t size, void *data)
{
    return imgp_palloc(data, size);
}


static void
imgp_param_regex_free(void *p, void *data)
{
    /* it goes with its pool */
}


imgp_uint_t
imgp_param_is_value(const imgp_str_t *value)
{
    size_t         n;
    const u_char  *p, *last;

    if (value->len > IMGP_VALUE_MAX) {
        return 0;
    }

    p = value->data;
    last = p + value->len;

    while (p < last) {
        n = imgp_utf8_printable(p, last);
        if (n == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}


imgp_uint_t
imgp_param_allows(const imgp_param_t *param, const imgp_str_t *value)
{
    if (!imgp_param_is_value(value)) {
        return 0;
    }

    if (param->regex != NULL) {
        return imgp_param_matches(param->regex, value);
    }

    return imgp_param_listed(&param->allowed, value);
}


/* memory being out, or too long a search, refuses the value */

static imgp_uint_t
imgp_param_matches(const void *regex, const imgp_str_t *value)
{
    int                   rc;
    pcre2_match_data     *data;
    pcre2_match_context  *ctx;

    rc = PCRE2_ERROR_NOMEMORY;

    data = pcre2_match_data_create(1, NULL);
    ctx = pcre2_match_context_create(NULL);

    if (data != NULL && ctx != NULL) {
        pcre2_set_match_limit(ctx, IMGP_PARAM_MATCH_LIMIT);

        rc = pcre2_match(regex, value->len ? value->data : (u_char *) "",
                         value->len, 0, 0, data, ctx);
    }

    pcre2_match_context_free(ctx);
    pcre2_match_data_free(data);

    return rc >= 0;
}


static imgp_uint_t
imgp_param_listed(const imgp_str_t *list, const imgp_str_t *value)
{
    imgp_str_t     one;
    const u_char  *last;

    one.data = list->data;
    last = list->data + list->len;

    for ( ;; ) {
        one.len = 0;

        while (one.data + one.len < last && one.data[one.len] != '|') {
            one.len++;
        }

        if (imgp_str_eq(&one, value)) {
            return 1;
        }

        if (one.data + one.len == last) {
            return 0;
        }

        one.data += one.len + 1;
    }
}
