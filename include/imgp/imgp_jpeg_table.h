
/*
 * Huffman tables of JPEG that were made from a part of a picture.
 */


#ifndef _IMGP_JPEG_TABLE_H_INCLUDED_
#define _IMGP_JPEG_TABLE_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_JPEG_TABLE_BITS    17    /* lengths of codes, 0 unused */
#define IMGP_JPEG_TABLE_VALUES  256
#define IMGP_JPEG_TABLE_RUNS    16    /* zeros before a coefficient: 0..15 */

/* what a table is for: differences of DC, or AC with the zeros before it */

typedef enum {
    IMGP_JPEG_TABLE_DC = 0,
    IMGP_JPEG_TABLE_AC
} imgp_jpeg_table_e;


/*
 * How many bits what is coded can have, by the steps it is quantized with
 * (natural order), of 8-bit samples: of DC's differences sizes[0], of AC after
 * a run of i zeros sizes[i]
 */

void imgp_jpeg_table_sizes(imgp_jpeg_table_e kind, const uint16_t steps[64],
    u_char sizes[IMGP_JPEG_TABLE_RUNS]);

/*
 * As in a DHT segment: bits[i] codes of i bits, their values in order.  Every
 * value that these sizes allow gets a code, those that have none yet a long
 * one.
 */

void imgp_jpeg_table_complete(imgp_jpeg_table_e kind,
    const u_char sizes[IMGP_JPEG_TABLE_RUNS],
    u_char bits[IMGP_JPEG_TABLE_BITS], u_char values[IMGP_JPEG_TABLE_VALUES]);


#endif /* _IMGP_JPEG_TABLE_H_INCLUDED_ */
