
/*
 * The words of an operation in the configuration: values and name=value
 * options.  Errors are sentences for "nginx -t".
 */


#ifndef _IMGP_ARGS_H_INCLUDED_
#define _IMGP_ARGS_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>


typedef struct {
    const char        *name;          /* "quality" */

    /* into the operation's own struct; "what" is the name, for errors */
    imgp_int_t       (*parse)(const imgp_str_t *value, const char *what,
                              void *conf, imgp_error_t *err);
} imgp_args_option_t;                 /* an array ends with a NULL name */


/* each of args is one of the options, none is there twice: OK or ERROR */

imgp_int_t imgp_args_options(const imgp_str_t *args, imgp_uint_t nargs,
    const imgp_args_option_t *options, void *conf, imgp_error_t *err);

/* a decimal number within a range */

imgp_int_t imgp_args_number(const imgp_str_t *value, const char *what,
    uint32_t min, uint32_t max, uint32_t *n, imgp_error_t *err);

/* one of n words: which */

imgp_int_t imgp_args_word(const imgp_str_t *value, const char *what,
    const char *const *words, imgp_uint_t nwords, uint32_t *n,
    imgp_error_t *err);

/* "1024" (both sides) or "1024x768" */

imgp_int_t imgp_args_size(const imgp_str_t *value, const char *what,
    uint32_t *width, uint32_t *height, imgp_error_t *err);

/* "#rrggbb"; where alpha is allowed also "#rrggbbaa" and "transparent" */

imgp_int_t imgp_args_color(const imgp_str_t *value, const char *what,
    imgp_uint_t alpha, u_char rgba[4], imgp_error_t *err);


#endif /* _IMGP_ARGS_H_INCLUDED_ */
