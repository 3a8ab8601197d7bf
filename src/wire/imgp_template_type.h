
/*
 * The inside of a template, shared by imgp_template.c, which makes it, and
 * imgp_template_body.c, which fills it.
 */


#ifndef _IMGP_TEMPLATE_TYPE_H_INCLUDED_
#define _IMGP_TEMPLATE_TYPE_H_INCLUDED_


#include <imgp/imgp_template.h>


/* a literal before each slot, and one after the last */

struct imgp_template_s {
    imgp_template_slot_t  slots[IMGP_TEMPLATE_SLOTS_MAX];
    imgp_str_t            literals[IMGP_TEMPLATE_SLOTS_MAX + 1];
    imgp_uint_t           nslots;
    imgp_uint_t           form;       /* what fills it is percent-encoded */
};


/* percent-encoding of all but "unreserved", RFC 3986, 2.3; at most three
   times the length; returns the end */

u_char *imgp_template_percent(u_char *p, const imgp_str_t *text);


#endif /* _IMGP_TEMPLATE_TYPE_H_INCLUDED_ */
