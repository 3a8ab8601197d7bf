
/*
 * The orientation of a picture out of its EXIF data (a TIFF structure).
 */


#ifndef _IMGP_EXIF_H_INCLUDED_
#define _IMGP_EXIF_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_EXIF_ENTRIES_MAX  512    /* of IFD0; cameras write about 15 */


/* p: from the byte order mark on; 1 (upright) where nothing sane is found */

uint32_t imgp_exif_orientation(const u_char *p, size_t len);


#endif /* _IMGP_EXIF_H_INCLUDED_ */
