
/*
 * Between imgp_sniff.c, which finds the format, and imgp_sniff_image.c, which
 * finds the size; for nobody else.
 */


#ifndef _IMGP_SNIFF_IMAGE_H_INCLUDED_
#define _IMGP_SNIFF_IMAGE_H_INCLUDED_


#include <imgp/imgp_sniff.h>


enum {
    IMGP_SNIFF_HEAD = 0,              /* nothing recognized for sure */
    IMGP_SNIFF_IMAGE,                 /* an image, its head is not complete */
    IMGP_SNIFF_SPACE,                 /* white space, perhaps before JSON */
    IMGP_SNIFF_MPEG,                  /* an audio frame, then the next one */
    IMGP_SNIFF_JPEG,                  /* the 0xff of a marker is due */
    IMGP_SNIFF_MARKER,                /* its code */
    IMGP_SNIFF_LENGTH,
    IMGP_SNIFF_SKIP,
    IMGP_SNIFF_FRAME,                 /* a frame header (SOF) */
    IMGP_SNIFF_OK,                    /* final from here on */
    IMGP_SNIFF_DECLINED,
    IMGP_SNIFF_ERROR
};


#define imgp_sniff_be16(p)  ((uint32_t) (p)[0] << 8 | (p)[1])
#define imgp_sniff_be32(p)                                                    \
    (imgp_sniff_be16(p) << 16 | imgp_sniff_be16((p) + 2))
#define imgp_sniff_le16(p)  ((uint32_t) (p)[1] << 8 | (p)[0])
#define imgp_sniff_le24(p)  ((uint32_t) (p)[2] << 16 | imgp_sniff_le16(p))
#define imgp_sniff_le32(p)                                                    \
    (imgp_sniff_le16((p) + 2) << 16 | imgp_sniff_le16(p))


/* set the results, or the error, and return the verdict */

imgp_int_t imgp_sniff_size(imgp_sniff_t *s, const char *type, uint32_t width,
    uint32_t height);
imgp_int_t imgp_sniff_bad(imgp_sniff_t *s, const char *why);

/* look at s->head, as far as it has come */

imgp_int_t imgp_sniff_png(imgp_sniff_t *s);
imgp_int_t imgp_sniff_gif(imgp_sniff_t *s);
imgp_int_t imgp_sniff_webp(imgp_sniff_t *s);

/* SOI has been seen; then every byte but those of a segment skipped */

imgp_int_t imgp_sniff_jpeg(imgp_sniff_t *s);
imgp_int_t imgp_sniff_jpeg_byte(imgp_sniff_t *s, u_char ch);


#endif /* _IMGP_SNIFF_IMAGE_H_INCLUDED_ */
