
/*
 * UTF-8 (RFC 3629, 3 and 4): well-formed means shortest form, no surrogates,
 * nothing past U+10FFFF.  Unlike plain validators this one also refuses
 * control characters, since what it lets pass goes to logs and terminals.
 *
 * Called by imgp_error.c and the MIME parser, from any thread; no state.
 */


#include <imgp/imgp_utf8.h>


size_t
imgp_utf8_need(u_char lead)
{
    if (lead < 0x80) {
        return 1;
    }

    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }

    return (lead < 0xe0) ? 2 : (lead < 0xf0) ? 3 : 4;
}


size_t
imgp_utf8_printable(const u_char *p, const u_char *last)
{
    size_t    i, n;
    uint32_t  c;

    static const uint32_t  min[] = { 0, 0, 0xa0, 0x800, 0x10000 };

    n = imgp_utf8_need(*p);

    if (n == 0 || (size_t) (last - p) < n) {
        return 0;
    }

    if (n == 1) {
        return (*p < 0x20 || *p == 0x7f) ? 0 : 1;
    }

    c = *p & (0x7f >> n);

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        c = c << 6 | (p[i] & 0x3f);
    }

    if (c < min[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff) {
        return 0;
    }

    return n;
}
