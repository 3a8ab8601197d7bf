
/*
 * A picture in memory: interleaved channels of 8 or 16 bits (native byte
 * order), rows without padding.  Alpha, where there is one, is the last
 * channel and not premultiplied.  The pixels belong to the run's allocator.
 */


#ifndef _IMGP_IMAGE_H_INCLUDED_
#define _IMGP_IMAGE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>


typedef enum {
    IMGP_SPACE_GRAY = 1,              /* the value is the number of colours */
    IMGP_SPACE_RGB = 3,
    IMGP_SPACE_CMYK = 4               /* amounts of ink: 0 is paper */
} imgp_space_e;


typedef struct {
    uint32_t           width;
    uint32_t           height;
    uint32_t           space;         /* imgp_space_e */
    uint32_t           alpha;         /* 0 or 1 */
    uint32_t           channels;      /* space + alpha, 1..4 */
    uint32_t           depth;         /* 8 or 16 */
    size_t             stride;        /* bytes of a row */
    u_char            *data;          /* NULL: nothing to free */
} imgp_image_t;


#define imgp_image_row(image, y)                                              \
    ((image)->data + (size_t) (y) * (image)->stride)


/* sets all fields but data; "like" gives space, alpha and depth */

void imgp_image_form(imgp_image_t *image, uint32_t width, uint32_t height,
    uint32_t space, uint32_t alpha, uint32_t depth);

/* the pixels of a formed image, not initialized: OK or ERROR */

imgp_int_t imgp_image_alloc(imgp_work_t *work, imgp_image_t *image);
void imgp_image_free(imgp_work_t *work, imgp_image_t *image);

/* in place: 16 bits rounded to 8, once and at the end */

void imgp_image_to_8(imgp_image_t *image);

/* 8 bits: gray to RGB, and opaque alpha added, as asked; OK or ERROR */

imgp_int_t imgp_image_expand(imgp_work_t *work, imgp_image_t *image,
    uint32_t space, uint32_t alpha);

/*
 * Turns an 8-bit image upright by its EXIF orientation, 1..8.  The rest of
 * the functions tell what an orientation does to stored coordinates.
 */

imgp_int_t imgp_image_orient(imgp_work_t *work, imgp_image_t *image,
    uint32_t orientation);

#define imgp_orient_swaps(o)   ((o) >= 5)
#define imgp_orient_flip_x(o)  ((o) == 2 || (o) == 3 || (o) == 7 || (o) == 8)
#define imgp_orient_flip_y(o)  ((o) == 3 || (o) == 4 || (o) == 6 || (o) == 7)


#endif /* _IMGP_IMAGE_H_INCLUDED_ */
