
/*
 * Media types: against the patterns of "accept", and out of Content-Type.
 */


#ifndef _IMGP_MEDIA_H_INCLUDED_
#define _IMGP_MEDIA_H_INCLUDED_


#include <imgp/imgp_types.h>


/* does "type" match one of "image/jpeg", "image/<star>", "<star>/<star>"? */

imgp_uint_t imgp_media_match(const imgp_str_t *pattern, const char *type);

/* what a Content-Type value declares, without its parameters, in lower case;
   "application/octet-stream" where it declares nothing that fits an item */

void imgp_media_declared(const imgp_str_t *value, char type[IMGP_TYPE_LEN]);


#endif /* _IMGP_MEDIA_H_INCLUDED_ */
