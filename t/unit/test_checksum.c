
/*
 * Checksums: the known values, in one go and in pieces, like zlib's.
 */


#include <zlib.h>
#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_checksum.h>


int
main(void)
{
    u_char    data[10000], *p;
    size_t    n;
    uint32_t  i, crc, adler;
    uint64_t  seed;

    p = (u_char *) "123456789";

    is_int(imgp_checksum_crc32(0, p, 9), 0xcbf43926, "CRC-32's check value");
    is_int(imgp_checksum_adler32(1, p, 9), 0x091e01de, "Adler-32's");

    seed = 9;

    for (i = 0; i < sizeof(data); i++) {
        data[i] = fix_random(&seed);
    }

    crc = 0;
    adler = 1;

    for (p = data; p < data + sizeof(data); p += n) {
        n = fix_random(&seed) % 700;
        n = imgp_min(n, (size_t) (data + sizeof(data) - p));

        crc = imgp_checksum_crc32(crc, p, n);
        adler = imgp_checksum_adler32(adler, p, n);
    }

    is_int(crc, crc32(0, data, sizeof(data)), "CRC-32 in pieces");
    is_int(adler, adler32(1, data, sizeof(data)), "Adler-32 in pieces");

    return done();
}
