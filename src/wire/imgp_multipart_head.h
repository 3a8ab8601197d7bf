
/*
 * Between imgp_multipart.c, which cuts a body into parts, and
 * imgp_multipart_head.c, which reads the lines before a part's content.
 */


#ifndef _IMGP_MULTIPART_HEAD_H_INCLUDED_
#define _IMGP_MULTIPART_HEAD_H_INCLUDED_


#include <imgp/imgp_multipart.h>


typedef struct {
    imgp_str_t    name;
    imgp_str_t    filename;           /* as sent, unescaped; may be empty */
    imgp_str_t    type;               /* may be empty */

    /* private */
    imgp_uint_t   disposition;        /* how often each was there */
    imgp_uint_t   has_name;
    imgp_uint_t   has_filename;
    imgp_uint_t   has_extended;       /* filename* */
} imgp_multipart_head_t;


/* lines up to and with the empty one, changed in place; h points into them */

imgp_int_t imgp_multipart_head_parse(imgp_multipart_head_t *h, u_char *p,
    size_t len, imgp_error_t *err);

/* OK when "boundary" may be one, else ERROR */

imgp_int_t imgp_multipart_head_boundary(const imgp_str_t *boundary);


#endif /* _IMGP_MULTIPART_HEAD_H_INCLUDED_ */
