
/*
 * Media types against the patterns of "accept".
 */


#ifndef _IMGP_MEDIA_H_INCLUDED_
#define _IMGP_MEDIA_H_INCLUDED_


#include <imgp/imgp_types.h>


/* does "type" match one of "image/jpeg", "image/<star>", "<star>/<star>"? */

imgp_uint_t imgp_media_match(const imgp_str_t *pattern, const char *type);


#endif /* _IMGP_MEDIA_H_INCLUDED_ */
