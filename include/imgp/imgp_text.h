
/*
 * Text as coverage: a string set into a rectangle, as large as it fits.  Needs
 * Pango and Cairo when the module is built.
 */


#ifndef _IMGP_TEXT_H_INCLUDED_
#define _IMGP_TEXT_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>


#define IMGP_TEXT_BYTES   4096        /* of one text */
#define IMGP_TEXT_LEAST   6           /* pixels: the smallest letters */
#define IMGP_TEXT_MOST    1000
#define IMGP_TEXT_SIDE    32767       /* Cairo's limit */
#define IMGP_TEXT_MEMORY  (32 * 1024 * 1024)   /* of the libraries, reserved */


typedef enum {
    IMGP_TEXT_CENTER = 0,
    IMGP_TEXT_START,                  /* left; right in Arabic and Hebrew */
    IMGP_TEXT_END
} imgp_text_align_e;


typedef struct {
    const char        *font;          /* as Pango takes it: "Noto Sans Bold" */
    const char        *lang;          /* BCP 47; NULL: the text decides */
    uint32_t           align;         /* imgp_text_align_e */
} imgp_text_conf_t;


/* a rectangle in pixels of the coverage, turned about its middle */

typedef struct {
    double             x;             /* of the middle */
    double             y;
    double             width;
    double             height;
    double             angle;         /* clockwise, in radians */
} imgp_text_place_t;


imgp_uint_t imgp_text_there(void);

/*
 * A gray image for text, 0 everywhere, whose rows are as Cairo wants them: to
 * be freed as any other.
 */

imgp_int_t imgp_text_cover(imgp_work_t *work, uint32_t width, uint32_t height,
    imgp_image_t *cover);

/*
 * Sets UTF-8 into the place: lines are broken where the language allows it,
 * and letters are as large as the place takes them, down to IMGP_TEXT_LEAST;
 * what is too long then ends in an ellipsis.  What juts out of the coverage is
 * cut off.
 */

imgp_int_t imgp_text_draw(imgp_work_t *work, const imgp_text_conf_t *conf,
    const imgp_str_t *text, const imgp_text_place_t *place,
    imgp_image_t *cover);


#endif /* _IMGP_TEXT_H_INCLUDED_ */
