
/*
 * CRC-32 and Adler-32 by whichever library was found when nginx or the tests
 * were configured.  Called by the PNG reader and writer; any thread.
 *
 * ISO/IEC 15948, annex D; RFC 1950.
 */


#include <imgp/imgp_checksum.h>

#if (IMGP_HAVE_LIBDEFLATE)
#include <libdeflate.h>
#else
#include <zlib.h>
#endif


uint32_t
imgp_checksum_crc32(uint32_t crc, const u_char *p, size_t n)
{
#if (IMGP_HAVE_LIBDEFLATE)
    return libdeflate_crc32(crc, p, n);
#else
    return crc32_z(crc, p, n);
#endif
}


uint32_t
imgp_checksum_adler32(uint32_t adler, const u_char *p, size_t n)
{
#if (IMGP_HAVE_LIBDEFLATE)
    return libdeflate_adler32(adler, p, n);
#else
    return adler32_z(adler, p, n);
#endif
}
