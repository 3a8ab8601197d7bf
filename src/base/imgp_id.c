
/*
 * Job ids: 128 random bits as 26 characters of base32hex (RFC 4648, 7),
 * without padding and in lower case.
 *
 * Called by the upload path, in the event loop, and by whoever reads an id
 * from a URI or a record.  Nothing is allocated.
 *
 * Reading is strict: exactly one text names an id, so that a job cannot be
 * addressed, cached or logged under two names.
 */


#include <errno.h>
#include <sys/random.h>
#include <imgp/imgp_id.h>


#define IMGP_ID_TAIL  ((1 << 2) - 1)  /* 26 * 5 - 128 bits, always zero */


static int imgp_id_digit(u_char ch);


imgp_int_t
imgp_id_random(u_char id[IMGP_ID_BYTES])
{
    ssize_t  n;

    do {
        n = getrandom(id, IMGP_ID_BYTES, 0);
    } while (n == -1 && errno == EINTR);

    /* up to 256 bytes come whole or not at all: getrandom(2) */

    return (n == IMGP_ID_BYTES) ? IMGP_OK : IMGP_ERROR;
}


void
imgp_id_text(const u_char id[IMGP_ID_BYTES], char *out)
{
    uint32_t     acc, bits;
    imgp_uint_t  i;

    static const char  digits[] = IMGP_ID_DIGITS;

    acc = 0;
    bits = 0;

    for (i = 0; i < IMGP_ID_BYTES; i++) {
        acc = acc << 8 | id[i];
        bits += 8;

        while (bits >= 5) {
            bits -= 5;
            *out++ = digits[acc >> bits & 31];
        }
    }

    *out++ = digits[acc << (5 - bits) & 31];
    *out = '\0';
}


imgp_int_t
imgp_id_parse(const u_char *p, size_t len, u_char id[IMGP_ID_BYTES])
{
    int          d;
    uint32_t     acc, bits;
    imgp_uint_t  i, n;

    if (len != IMGP_ID_LEN) {
        return IMGP_DECLINED;
    }

    if (imgp_id_digit(p[len - 1]) & IMGP_ID_TAIL) {
        return IMGP_DECLINED;
    }

    acc = 0;
    bits = 0;
    n = 0;

    for (i = 0; i < len; i++) {
        d = imgp_id_digit(p[i]);
        if (d == -1) {
            return IMGP_DECLINED;
        }

        acc = acc << 5 | d;
        bits += 5;

        if (bits >= 8) {
            bits -= 8;
            id[n++] = (u_char) (acc >> bits);
        }
    }

    return IMGP_OK;
}


static int
imgp_id_digit(u_char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    if (ch >= 'a' && ch <= 'v') {
        return ch - 'a' + 10;
    }

    return -1;
}
