
/*
 * The orientation out of EXIF: both byte orders, and offsets that lie.
 */


#include "imgp_run.h"
#include <imgp/imgp_exif.h>


int
main(void)
{
    int          big, o;
    u_char       p[64], *exact;
    size_t       len, n;
    imgp_uint_t  sane;

    for (big = 0; big < 2; big++) {
        for (o = 0; o <= 9; o++) {
            len = test_exif(p, o, big);
            is_int(imgp_exif_orientation(p, len), (o && o < 9) ? o : 1,
                   "%s, %d", big ? "MM" : "II", o);
        }
    }

    /* cut anywhere: found as soon as the entry is whole, never overrun */

    len = test_exif(p, 6, 0);
    sane = 1;

    for (n = 0; n <= len; n++) {
        exact = malloc(n + !n);
        memcpy(exact, p, n);
        sane &= imgp_exif_orientation(exact, n) == (n >= 34 ? 6 : 1);
        free(exact);
    }

    ok(sane, "truncated anywhere");

    len = test_exif(p, 6, 0);
    memcpy(p + 4, "\xff\xff\xff\xff", 4);
    is_int(imgp_exif_orientation(p, len), 1, "IFD0 beyond the end");

    len = test_exif(p, 6, 0);
    p[4] = len - 1;
    is_int(imgp_exif_orientation(p, len), 1, "IFD0 at the last byte");

    len = test_exif(p, 6, 0);
    p[8] = p[9] = 0xff;
    is_int(imgp_exif_orientation(p, len), 6, "more entries than there are");
    p[22] = 0;
    is_int(imgp_exif_orientation(p, len), 1, "and none of them ours");

    len = test_exif(p, 6, 0);
    p[24] = 7;
    is_int(imgp_exif_orientation(p, len), 1, "a type that is no number");

    len = test_exif(p, 6, 0);
    p[24] = 4;
    is_int(imgp_exif_orientation(p, len), 6, "LONG is taken, too");

    len = test_exif(p, 6, 0);
    p[2] = 43;
    is_int(imgp_exif_orientation(p, len), 1, "not 42");

    is_int(imgp_exif_orientation((u_char *) "XX*\0\x08\0\0\0", 8), 1,
           "no byte order");

    return done();
}
