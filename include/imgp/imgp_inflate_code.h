
/*
 * A code of deflated data as a table: what the next bits stand for.
 */


#ifndef _IMGP_INFLATE_CODE_H_INCLUDED_
#define _IMGP_INFLATE_CODE_H_INCLUDED_


#include <imgp/imgp_types.h>


/* symbols, and how many bits are looked up at once */

#define IMGP_INFLATE_LITERALS        288
#define IMGP_INFLATE_LITERAL_BITS    11
#define IMGP_INFLATE_DISTANCES       32
#define IMGP_INFLATE_DISTANCE_BITS   8
#define IMGP_INFLATE_LENGTHS         19       /* codes of codes' lengths */
#define IMGP_INFLATE_LENGTH_BITS     7

/* the most that a table needs, tables of longer codes included */

#define IMGP_INFLATE_LITERAL_TABLE   2342
#define IMGP_INFLATE_DISTANCE_TABLE  402
#define IMGP_INFLATE_LENGTH_TABLE    128

/*
 * An entry.  The bits to take in all, extra ones too, and those of the code
 * alone; a value: one literal or two, a length or a distance without its extra
 * bits, or where the table of longer codes begins, whose index has so many
 * bits as the code had.  Both of MORE and END: there is no such code.
 */

#define IMGP_INFLATE_LITERAL         0x100
#define IMGP_INFLATE_PAIR            0x200
#define IMGP_INFLATE_MORE            0x400
#define IMGP_INFLATE_END             0x800
#define IMGP_INFLATE_BAD             (IMGP_INFLATE_MORE | IMGP_INFLATE_END)

#define imgp_inflate_all(e)          ((e) & 63)
#define imgp_inflate_own(e)          ((e) >> 12 & 15)
#define imgp_inflate_value(e)        ((e) >> 16)


typedef enum {
    IMGP_INFLATE_OF_LITERALS = 0,     /* and lengths of copies */
    IMGP_INFLATE_OF_DISTANCES,
    IMGP_INFLATE_OF_LENGTHS
} imgp_inflate_code_e;


/* ERROR: there is no such code.  "lengths": of all symbols of the alphabet */

imgp_int_t imgp_inflate_code(imgp_inflate_code_e kind, const u_char *lengths,
    uint32_t n, uint32_t *table);


#endif /* _IMGP_INFLATE_CODE_H_INCLUDED_ */
