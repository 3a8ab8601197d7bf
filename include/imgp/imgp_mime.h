
/*
 * The pieces of MIME header fields that multipart/form-data needs: lines,
 * "value; name=value" parameters, quoted strings, extended values, file names.
 * Nothing is allocated; the results are ranges of the text given.
 */


#ifndef _IMGP_MIME_H_INCLUDED_
#define _IMGP_MIME_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_MIME_FILENAME_MAX  255   /* bytes, cut at a character's border */


typedef struct {
    imgp_str_t     name;
    imgp_str_t     value;             /* without the quotes, still escaped */
    imgp_uint_t    quoted;
} imgp_mime_param_t;


imgp_uint_t imgp_mime_is(const imgp_str_t *s, const char *lower);

/*
 * The next line of a block of header lines that ends in an empty one; folded
 * lines are joined in place.  OK, DONE at the end, ERROR when malformed.
 */

imgp_int_t imgp_mime_line(imgp_str_t *rest, imgp_str_t *name,
    imgp_str_t *value);

/* what stands before the first ";", trimmed; then parameter by parameter */

void imgp_mime_value(imgp_str_t *rest, imgp_str_t *value);
imgp_int_t imgp_mime_param(imgp_str_t *rest, imgp_mime_param_t *param);

/* in place: the result is never longer */

void imgp_mime_unquote(imgp_str_t *value);

/*
 * RFC 8187: UTF-8'language'percent-encoded, decoded in place.  DECLINED: of
 * another charset; ERROR: malformed.
 */

imgp_int_t imgp_mime_extended(imgp_str_t *value);

/*
 * Makes a client's file name fit to be shown: the part after the last slash
 * of either kind, printable UTF-8 ("_" for any other byte), not too long.
 * It still is a stranger's text, and no name for a file.
 */

void imgp_mime_filename(imgp_str_t *name);


#endif /* _IMGP_MIME_H_INCLUDED_ */
