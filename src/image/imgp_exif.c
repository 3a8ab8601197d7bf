
/*
 * EXIF: just the orientation, tag 0x0112 of IFD0.  Called by the readers on
 * the bytes of a JPEG's APP1 segment or of a PNG's eXIf chunk; every offset
 * in there is the client's and is checked before it is used.
 *
 * TIFF 6.0, section 2 (header, IFD entries of 12 bytes); EXIF 2.32.
 */


#include <imgp/imgp_exif.h>


#define IMGP_EXIF_HEADER       8
#define IMGP_EXIF_ENTRY        12
#define IMGP_EXIF_ORIENTATION  0x0112
#define IMGP_EXIF_SHORT        3
#define IMGP_EXIF_LONG         4


static uint32_t imgp_exif_16(const u_char *p, imgp_uint_t big);
static uint32_t imgp_exif_32(const u_char *p, imgp_uint_t big);
static uint32_t imgp_exif_value(const u_char *entry, imgp_uint_t big);


uint32_t
imgp_exif_orientation(const u_char *p, size_t len)
{
    size_t       ifd;
    uint32_t     i, n;
    imgp_uint_t  big;

    if (len < IMGP_EXIF_HEADER
        || (memcmp(p, "II", 2) != 0 && memcmp(p, "MM", 2) != 0))
    {
        return 1;
    }

    big = (p[0] == 'M');
    ifd = imgp_exif_32(p + 4, big);

    if (imgp_exif_16(p + 2, big) != 42 || ifd > len || len - ifd < 2) {
        return 1;
    }

    n = imgp_exif_16(p + ifd, big);
    n = imgp_min(n, IMGP_EXIF_ENTRIES_MAX);
    ifd += 2;

    for (i = 0; i < n && len - ifd >= IMGP_EXIF_ENTRY; i++) {

        if (imgp_exif_16(p + ifd, big) == IMGP_EXIF_ORIENTATION) {
            return imgp_exif_value(p + ifd, big);
        }

        ifd += IMGP_EXIF_ENTRY;
    }

    return 1;
}


static uint32_t
imgp_exif_value(const u_char *entry, imgp_uint_t big)
{
    uint32_t  value;

    switch (imgp_exif_16(entry + 2, big)) {

    case IMGP_EXIF_SHORT:
        value = imgp_exif_16(entry + 8, big);
        break;

    case IMGP_EXIF_LONG:              /* wrong, but some writers do it */
        value = imgp_exif_32(entry + 8, big);
        break;

    default:
        return 1;
    }

    return (value >= 1 && value <= 8) ? value : 1;
}


static uint32_t
imgp_exif_16(const u_char *p, imgp_uint_t big)
{
    return big ? (uint32_t) p[0] << 8 | p[1] : (uint32_t) p[1] << 8 | p[0];
}


static uint32_t
imgp_exif_32(const u_char *p, imgp_uint_t big)
{
    return big ? imgp_exif_16(p, 1) << 16 | imgp_exif_16(p + 2, 1)
               : imgp_exif_16(p + 2, 0) << 16 | imgp_exif_16(p, 0);
}
