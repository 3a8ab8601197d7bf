
/*
 * From a PNG's rows as they are stored to whole channels of 8 or 16 bits.
 */


#ifndef _IMGP_PNG_EXPAND_H_INCLUDED_
#define _IMGP_PNG_EXPAND_H_INCLUDED_


#include <imgp/imgp_types.h>


typedef struct {
    uint32_t           width;
    uint32_t           depth;         /* bits of a sample: 1, 2, 4, 8, 16 */
    uint32_t           channels;      /* as stored; 1 for indices */
    imgp_uint_t        palette;       /* 0, or channels of its colours */
    u_char             colors[256][4];        /* zeros past the palette's */
    imgp_uint_t        keyed;         /* a colour is transparent, this one: */
    uint16_t           key[3];
} imgp_png_expand_t;


/* bytes of a row as it is stored */

#define imgp_png_expand_len(e)                                                \
    (((size_t) (e)->width * (e)->depth * (e)->channels + 7) / 8)

/* 16 bits in native order; alpha is added to what has a key */

void imgp_png_expand_row(const imgp_png_expand_t *e, const u_char *in,
    u_char *out);


#endif /* _IMGP_PNG_EXPAND_H_INCLUDED_ */
