
/*
 * Encoded bytes of unknown length: a chain of blocks, joined at the end into
 * one block of the exact length for task->outputs.
 */


#ifndef _IMGP_SINK_H_INCLUDED_
#define _IMGP_SINK_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>


#define IMGP_SINK_BLOCK  (64 * 1024)


typedef struct imgp_sink_block_s  imgp_sink_block_t;


typedef struct {
    imgp_work_t        *work;
    imgp_sink_block_t  *first;
    imgp_sink_block_t  *last;
    size_t              len;
} imgp_sink_t;


void imgp_sink_init(imgp_sink_t *sink, imgp_work_t *work);
imgp_int_t imgp_sink_write(imgp_sink_t *sink, const u_char *p, size_t len);

/* NULL: the error is set.  The sink is to be freed in any case. */

u_char *imgp_sink_join(imgp_sink_t *sink);
void imgp_sink_free(imgp_sink_t *sink);


#endif /* _IMGP_SINK_H_INCLUDED_ */
