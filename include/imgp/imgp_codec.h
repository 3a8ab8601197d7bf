
/*
 * Bytes of files and records: little-endian integers, counted strings, items.
 * A reader or writer that has failed stays failed and does nothing more, so
 * that only the end has to be checked.
 */


#ifndef _IMGP_CODEC_H_INCLUDED_
#define _IMGP_CODEC_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_pool.h>


/* a writer without a buffer only counts */

typedef struct {
    u_char            *start;         /* NULL: count */
    size_t             size;
    size_t             len;
    imgp_uint_t        failed;
} imgp_codec_out_t;


typedef struct {
    const u_char      *pos;
    const u_char      *end;
    imgp_uint_t        failed;
} imgp_codec_in_t;


void imgp_codec_put(imgp_codec_out_t *w, const void *p, size_t len);
void imgp_codec_put_u8(imgp_codec_out_t *w, uint8_t n);
void imgp_codec_put_u32(imgp_codec_out_t *w, uint32_t n);
void imgp_codec_put_u64(imgp_codec_out_t *w, uint64_t n);
void imgp_codec_put_str(imgp_codec_out_t *w, const void *p, size_t len);
void imgp_codec_put_item(imgp_codec_out_t *w, const imgp_item_t *item);
void imgp_codec_put_items(imgp_codec_out_t *w, const imgp_item_t *items,
    imgp_uint_t n);

/* CRC-32 of all that was written, as the last 4 bytes; and its check */

void imgp_codec_put_crc(imgp_codec_out_t *w);
imgp_uint_t imgp_codec_is_whole(const u_char *p, size_t len);

/* zeroes once the reader has failed; a flag is 0 or 1; get_str() copies to
   the pool, adds a NUL; get_text() to a field of "size" with its NUL */

void imgp_codec_get(imgp_codec_in_t *r, void *p, size_t len);
uint8_t imgp_codec_get_u8(imgp_codec_in_t *r, uint8_t max);
uint32_t imgp_codec_get_u32(imgp_codec_in_t *r, uint32_t max);
uint64_t imgp_codec_get_u64(imgp_codec_in_t *r);
void imgp_codec_get_str(imgp_codec_in_t *r, imgp_pool_t *pool, size_t max,
    imgp_str_t *s);
void imgp_codec_get_text(imgp_codec_in_t *r, char *p, size_t size);
void imgp_codec_get_item(imgp_codec_in_t *r, imgp_item_t *item);
void imgp_codec_get_items(imgp_codec_in_t *r, imgp_pool_t *pool,
    imgp_uint_t max, imgp_item_t **items, imgp_uint_t *n);


#endif /* _IMGP_CODEC_H_INCLUDED_ */
