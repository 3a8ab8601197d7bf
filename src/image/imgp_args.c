
/*
 * Values of operations, as they stand in the configuration.  Called while it
 * is read, by the parse functions of imgp_op_*.c; owns no memory.  Each error
 * quotes the value and tells what is allowed, so that "nginx -t" tells the
 * mend.
 */


#include <stdio.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_work.h>


#define IMGP_ARGS_OPTIONS_MAX  32     /* bits of the mask of those seen */
#define IMGP_ARGS_NAMES_LEN    96


static imgp_int_t imgp_args_find(const imgp_str_t *arg,
    const imgp_args_option_t *options, imgp_str_t *value);
static imgp_int_t imgp_args_unknown(const imgp_str_t *arg,
    const imgp_args_option_t *options, imgp_error_t *err);
static imgp_int_t imgp_args_decimal(const u_char *p, size_t len,
    uint32_t *n);
static imgp_int_t imgp_args_hex(u_char c);


imgp_int_t
imgp_args_options(const imgp_str_t *args, imgp_uint_t nargs,
    const imgp_args_option_t *options, void *conf, imgp_error_t *err)
{
    uint32_t     seen;
    imgp_int_t   n;
    imgp_str_t   value;
    imgp_uint_t  i;

    seen = 0;

    for (i = 0; i < nargs; i++) {

        n = imgp_args_find(&args[i], options, &value);

        if (n < 0 || n >= IMGP_ARGS_OPTIONS_MAX) {
            return imgp_args_unknown(&args[i], options, err);
        }

        if (seen & (1U << n)) {
            return imgp_error_set(err, IMGP_E_BAD_PARAM,
                                  "duplicate option \"%s=\"",
                                  options[n].name);
        }

        seen |= 1U << n;

        if (options[n].parse(&value, options[n].name, conf, err) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_args_find(const imgp_str_t *arg, const imgp_args_option_t *options,
    imgp_str_t *value)
{
    size_t      len;
    imgp_int_t  i;

    for (i = 0; options[i].name != NULL; i++) {
        len = strlen(options[i].name);

        if (arg->len > len && arg->data[len] == '='
            && memcmp(arg->data, options[i].name, len) == 0)
        {
            value->data = arg->data + len + 1;
            value->len = arg->len - len - 1;
            return i;
        }
    }

    return IMGP_DECLINED;
}


static imgp_int_t
imgp_args_unknown(const imgp_str_t *arg, const imgp_args_option_t *options,
    imgp_error_t *err)
{
    char         names[IMGP_ARGS_NAMES_LEN];
    size_t       len;
    imgp_uint_t  i;

    if (options[0].name == NULL) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "unknown option \"%.*s\", there are none",
                              (int) arg->len, (char *) arg->data);
    }

    len = 0;

    for (i = 0; options[i].name != NULL && len < sizeof(names); i++) {
        len += snprintf(names + len, sizeof(names) - len, "%s%s=",
                        i ? ", " : "", options[i].name);
    }

    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                          "unknown option \"%.*s\", must be one of: %s",
                          (int) arg->len, (char *) arg->data, names);
}


imgp_int_t
imgp_args_number(const imgp_str_t *value, const char *what, uint32_t min,
    uint32_t max, uint32_t *n, imgp_error_t *err)
{
    if (imgp_args_decimal(value->data, value->len, n) != IMGP_OK
        || *n < min || *n > max)
    {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "invalid %s \"%.*s\", must be %u..%u", what,
                              (int) value->len, (char *) value->data, min,
                              max);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_args_decimal(const u_char *p, size_t len, uint32_t *n)
{
    *n = 0;

    if (len == 0 || len > 9) {
        return IMGP_ERROR;
    }

    while (len--) {

        if (*p < '0' || *p > '9') {
            return IMGP_ERROR;
        }

        *n = *n * 10 + (*p++ - '0');
    }

    return IMGP_OK;
}


imgp_int_t
imgp_args_word(const imgp_str_t *value, const char *what,
    const char *const *words, imgp_uint_t nwords, uint32_t *n,
    imgp_error_t *err)
{
    char         names[IMGP_ARGS_NAMES_LEN];
    size_t       len;
    imgp_uint_t  i;

    for (i = 0; i < nwords; i++) {

        if (strlen(words[i]) == value->len
            && memcmp(words[i], value->data, value->len) == 0)
        {
            *n = i;
            return IMGP_OK;
        }
    }

    for (len = 0, i = 0; i < nwords && len < sizeof(names); i++) {
        len += snprintf(names + len, sizeof(names) - len, "%s%s",
                        (i == 0) ? "" : (i == nwords - 1) ? " or " : ", ",
                        words[i]);
    }

    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                          "invalid %s \"%.*s\", must be %s", what,
                          (int) value->len, (char *) value->data, names);
}


imgp_int_t
imgp_args_size(const imgp_str_t *value, const char *what, uint32_t *width,
    uint32_t *height, imgp_error_t *err)
{
    u_char      *x;
    imgp_int_t   rc;

    x = memchr(value->data, 'x', value->len);

    if (x == NULL) {
        rc = imgp_args_decimal(value->data, value->len, width);
        *height = *width;

    } else {
        rc = imgp_args_decimal(value->data, x - value->data, width);

        if (rc == IMGP_OK) {
            rc = imgp_args_decimal(x + 1, value->data + value->len - x - 1,
                                   height);
        }
    }

    if (rc != IMGP_OK || *width < 1 || *width > IMGP_SIDE_MAX
        || *height < 1 || *height > IMGP_SIDE_MAX)
    {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "invalid %s \"%.*s\", must be a number of "
                              "pixels or WIDTHxHEIGHT, each 1..%d", what,
                              (int) value->len, (char *) value->data,
                              IMGP_SIDE_MAX);
    }

    return IMGP_OK;
}


imgp_int_t
imgp_args_color(const imgp_str_t *value, const char *what, imgp_uint_t alpha,
    u_char rgba[4], imgp_error_t *err)
{
    imgp_int_t   hi, lo;
    imgp_uint_t  i, n;

    if (alpha && imgp_str_is(value, "transparent")) {
        memset(rgba, 0, 4);
        return IMGP_OK;
    }

    n = (value->len == 7) ? 3 : (alpha && value->len == 9) ? 4 : 0;

    if (n == 0 || value->data[0] != '#') {
        goto invalid;
    }

    rgba[3] = 255;

    for (i = 0; i < n; i++) {
        hi = imgp_args_hex(value->data[1 + 2 * i]);
        lo = imgp_args_hex(value->data[2 + 2 * i]);

        if (hi < 0 || lo < 0) {
            goto invalid;
        }

        rgba[i] = hi << 4 | lo;
    }

    return IMGP_OK;

invalid:

    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                          "invalid %s \"%.*s\", must be #rrggbb%s", what,
                          (int) value->len, (char *) value->data,
                          alpha ? ", #rrggbbaa or transparent" : "");
}


static imgp_int_t
imgp_args_hex(u_char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : IMGP_ERROR;
}
