
/*
 * Makes a table that is optimal for a part of a picture fit for all of it.
 * Called by imgp_jpeg_write.c; any thread, all memory is the caller's.
 *
 * How often a value came is only known by the length of its code, which is
 * what it stands for: a code of n bits is worth one occurrence in 2^n.  The
 * values that have none count as less than the rarest of the others, and the
 * codes are made anew.
 *
 * ITU-T T.81: C (tables), F.1.2 (values), K.2 (no code is all ones).
 */


#include <imgp/imgp_jpeg_table.h>
#include <imgp/imgp_huffman.h>


#define IMGP_JPEG_TABLE_ONES   256    /* has the code that none may have */
#define IMGP_JPEG_TABLE_COUNTS 257

#define IMGP_JPEG_AC_ZEROS     0xf0   /* sixteen zeros */

/* the greatest values before they are quantized, of 8-bit samples */

#define IMGP_JPEG_DC_MAX       2040   /* difference of two */
#define IMGP_JPEG_AC_MAX       1024


static imgp_uint_t imgp_jpeg_table_legal(imgp_jpeg_table_e kind,
    const u_char *sizes, uint32_t value);
static void imgp_jpeg_table_order(const u_char *lengths, u_char *bits,
    u_char *values);


/* what a quotient rounded up needs */

static inline u_char
imgp_jpeg_table_size(uint32_t most, uint32_t step)
{
    return 32 - __builtin_clz(most / step + 1);
}


void
imgp_jpeg_table_sizes(imgp_jpeg_table_e kind, const uint16_t steps[64],
    u_char sizes[IMGP_JPEG_TABLE_RUNS])
{
    uint32_t  i, k, first, least;

    memset(sizes, 0, IMGP_JPEG_TABLE_RUNS);

    if (kind == IMGP_JPEG_TABLE_DC) {
        sizes[0] = imgp_jpeg_table_size(IMGP_JPEG_DC_MAX, steps[0]);
        return;
    }

    /* behind i zeros and DC stands this diagonal of the block at the least */

    for (i = 0, first = 1; i < IMGP_JPEG_TABLE_RUNS; i++) {

        if ((first + 1) * (first + 2) / 2 <= i + 1) {
            first++;
        }

        for (k = 1, least = UINT16_MAX; k < 64; k++) {
            if (k % 8 + k / 8 >= first) {
                least = imgp_min(least, steps[k]);
            }
        }

        sizes[i] = imgp_jpeg_table_size(IMGP_JPEG_AC_MAX, least);
    }
}


void
imgp_jpeg_table_complete(imgp_jpeg_table_e kind,
    const u_char sizes[IMGP_JPEG_TABLE_RUNS],
    u_char bits[IMGP_JPEG_TABLE_BITS], u_char values[IMGP_JPEG_TABLE_VALUES])
{
    u_char    lengths[IMGP_JPEG_TABLE_COUNTS];
    uint32_t  i, k, n, counts[IMGP_JPEG_TABLE_COUNTS];

    memset(counts, 0, sizeof(counts));

    for (i = 1, k = 0; i < IMGP_JPEG_TABLE_BITS; i++) {
        for (n = bits[i]; n > 0 && k < IMGP_JPEG_TABLE_VALUES; n--) {
            counts[values[k++]] = 2u << (IMGP_JPEG_TABLE_BITS - i);
        }
    }

    for (i = 0; i < IMGP_JPEG_TABLE_VALUES; i++) {
        if (counts[i] == 0 && imgp_jpeg_table_legal(kind, sizes, i)) {
            counts[i] = 2;
        }
    }

    counts[IMGP_JPEG_TABLE_ONES] = 1; /* the rarest has the longest code */

    imgp_huffman_lengths(counts, IMGP_JPEG_TABLE_COUNTS, IMGP_HUFFMAN_BITS,
                         lengths);
    imgp_jpeg_table_order(lengths, bits, values);
}


static imgp_uint_t
imgp_jpeg_table_legal(imgp_jpeg_table_e kind, const u_char *sizes,
    uint32_t value)
{
    uint32_t  size;

    if (kind == IMGP_JPEG_TABLE_DC) {
        return value <= sizes[0];
    }

    size = value & 15;

    return (size != 0) ? size <= sizes[value >> 4]
                       : (value == 0 || value == IMGP_JPEG_AC_ZEROS);
}


static void
imgp_jpeg_table_order(const u_char *lengths, u_char *bits, u_char *values)
{
    uint32_t  i, v, k;

    memset(bits, 0, IMGP_JPEG_TABLE_BITS);

    for (i = 1, k = 0; i < IMGP_JPEG_TABLE_BITS; i++) {
        for (v = 0; v < IMGP_JPEG_TABLE_VALUES; v++) {
            if (lengths[v] == i) {
                values[k++] = v;
                bits[i]++;
            }
        }
    }
}
