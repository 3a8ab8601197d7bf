
/*
 * A picture between two steps of a run: interleaved pixels, or the planes of
 * YCbCr (or of gray) that a JPEG is made of and that another one is made of
 * without a detour.  Always 8 bits, sRGB, upright; inks are on their way there.
 */


#ifndef _IMGP_PICTURE_H_INCLUDED_
#define _IMGP_PICTURE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>
#include <imgp/imgp_fit.h>


#define IMGP_PICTURE_PLANES  4
#define IMGP_PICTURE_ALIGN   32       /* rows of planes: whole blocks of DCT */


typedef struct {
    uint32_t           width;
    uint32_t           height;
    uint32_t           format;        /* imgp_format_e that it came in */

    imgp_image_t       image;         /* data is NULL where there are planes */

    uint32_t           nplanes;       /* 0, 1, 3; 4 of inks */
    uint32_t           sub_x;         /* pixels per sample of chroma */
    uint32_t           sub_y;
    imgp_image_t       planes[IMGP_PICTURE_PLANES];
} imgp_picture_t;


/* the planes that may have fewer samples than pixels */

#define imgp_picture_chroma(i)  ((i) == 1 || (i) == 2)


/* a plane's side */

#define imgp_picture_side(side, sub)  (((side) - 1) / (sub) + 1)


/* a plane of one channel, its rows padded to IMGP_PICTURE_ALIGN or "stride" */

imgp_int_t imgp_picture_plane(imgp_work_t *work, imgp_image_t *plane,
    uint32_t width, uint32_t height, size_t stride);

void imgp_picture_free(imgp_work_t *work, imgp_picture_t *picture);

/* all of these change the picture in place: OK or ERROR */

imgp_int_t imgp_picture_image(imgp_work_t *work, imgp_picture_t *picture);

/* four planes, imgp_inks_e: an image of CMYK */

imgp_int_t imgp_picture_inks(imgp_work_t *work, imgp_picture_t *picture,
    uint32_t inks);

imgp_int_t imgp_picture_sample(imgp_work_t *work, imgp_picture_t *picture,
    uint32_t sub_x, uint32_t sub_y);
imgp_int_t imgp_picture_transpose(imgp_work_t *work,
    imgp_picture_t *picture);

/*
 * shrinks it, into one box after the other in a single step; chroma of planes
 * comes out as "sub" x "sub", 0: as it was
 */

imgp_int_t imgp_picture_fit(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_fit_t *const *fits, imgp_uint_t nfits, uint32_t sub);


/* to just that size, distorted and enlarged if need be; it becomes an image */

imgp_int_t imgp_picture_scale(imgp_work_t *work, imgp_picture_t *picture,
    uint32_t width, uint32_t height);


#endif /* _IMGP_PICTURE_H_INCLUDED_ */
