
/*
 * An encoded picture, read row by row: the one interface of all decoders.
 * open() reads the header and checks the limits; nothing large is allocated
 * before start().  Every decoder reports truncated and corrupt data as
 * BAD_IMAGE; a picture counts as good only after finish() has said OK.
 */


#ifndef _IMGP_READER_H_INCLUDED_
#define _IMGP_READER_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_image.h>


typedef enum {
    IMGP_FORMAT_JPEG = 1,
    IMGP_FORMAT_PNG,
    IMGP_FORMAT_WEBP
} imgp_format_e;


#define IMGP_READER_PLANES  4         /* Y, Cb, Cr, K */


/* how amounts of ink are stored */

typedef enum {
    IMGP_INKS_NONE = 0,
    IMGP_INKS_PLAIN,
    IMGP_INKS_INVERTED,
    IMGP_INKS_YCCK                    /* the first three as YCbCr, inverted */
} imgp_inks_e;


/* a plane of 8-bit samples, and what one strip of a picture holds of it */

typedef struct {
    uint32_t           pitch_x;       /* pixels that a sample stands for */
    uint32_t           pitch_y;
    uint32_t           rows;
    size_t             stride;        /* bytes written to a row: padded */
} imgp_reader_plane_t;


typedef struct imgp_reader_s  imgp_reader_t;

struct imgp_reader_s {
    imgp_work_t       *work;
    uint32_t           format;        /* imgp_format_e */
    uint32_t           orientation;   /* 1..8, of EXIF */
    imgp_str_t         icc;           /* empty: none; lives until close() */
    uint32_t           full_width;    /* as stored */
    uint32_t           full_height;

    /*
     * what row() gives after start(): a sample stands for pitch x pitch
     * pixels (1, 2, 4 or 8); the last one of a row or column may be cut
     */
    imgp_image_t       rows;          /* a form, without data */
    uint32_t           pitch;

    imgp_int_t       (*start)(imgp_reader_t *reader, uint32_t width,
                              uint32_t height);
    imgp_int_t       (*row)(imgp_reader_t *reader, u_char *row);
    imgp_int_t       (*finish)(imgp_reader_t *reader);

    /*
     * where the picture is stored as a plane of gray, three of YCbCr or four
     * of inks, these may be had in place of rows; after open() the pitches
     * are those of the whole picture, after start_planes() those of what
     * strip() gives
     */
    uint32_t           nplanes;       /* 0: rows alone */
    uint32_t           inks;          /* imgp_inks_e of four planes */
    imgp_reader_plane_t  plane[IMGP_READER_PLANES];
    uint32_t           strips;

    imgp_int_t       (*start_planes)(imgp_reader_t *reader, uint32_t width,
                                     uint32_t height, uint32_t sub_x,
                                     uint32_t sub_y);
    imgp_int_t       (*strip)(imgp_reader_t *reader,
                              u_char **rows[IMGP_READER_PLANES]);
    void             (*close)(imgp_reader_t *reader);
};


/* by the first bytes; the reader keeps pointing into "data" until close() */

imgp_int_t imgp_reader_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader);

/*
 * width x height (stored axes): what the whole picture will be shrunk to, so
 * that a decoder may leave out detail, but keep twice that size; 0: all
 */

imgp_int_t imgp_reader_start(imgp_reader_t *reader, uint32_t width,
    uint32_t height);
imgp_int_t imgp_reader_row(imgp_reader_t *reader, u_char *row);
imgp_int_t imgp_reader_finish(imgp_reader_t *reader);
void imgp_reader_close(imgp_reader_t *reader);        /* NULL is fine */

/*
 * Instead of start() and row(): width x height as above, of the whole picture;
 * sub_x * sub_y of these pixels will share one sample of chroma.  rows[i]
 * are plane[i].rows pointers to plane[i].stride bytes each; the rows behind
 * the picture's last one have no meaning.
 */

imgp_int_t imgp_reader_start_planes(imgp_reader_t *reader, uint32_t width,
    uint32_t height, uint32_t sub_x, uint32_t sub_y);
imgp_int_t imgp_reader_strip(imgp_reader_t *reader,
    u_char **rows[IMGP_READER_PLANES]);


#endif /* _IMGP_READER_H_INCLUDED_ */
