
/*
 * The checksums of PNG and zlib: by libdeflate where there is one, which is
 * as fast as memory, else by zlib.
 */


#ifndef _IMGP_CHECKSUM_H_INCLUDED_
#define _IMGP_CHECKSUM_H_INCLUDED_


#include <imgp/imgp_types.h>


/* begun with 0 and with 1 */

uint32_t imgp_checksum_crc32(uint32_t crc, const u_char *p, size_t n);
uint32_t imgp_checksum_adler32(uint32_t adler, const u_char *p, size_t n);


#endif /* _IMGP_CHECKSUM_H_INCLUDED_ */
