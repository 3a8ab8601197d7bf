
/*
 * Encoded bytes on their way out.  Filled by the writers (imgp_jpeg_write.c,
 * imgp_png_write.c), joined by imgp_encode.c; one thread, memory of the run.
 * A chain and not a doubling buffer: no byte is copied more than twice, and
 * the peak is twice the output only while it is joined.
 */


#include <imgp/imgp_sink.h>


struct imgp_sink_block_s {
    imgp_sink_block_t  *next;
    size_t              used;
    u_char              data[IMGP_SINK_BLOCK];
};


static imgp_sink_block_t *imgp_sink_grow(imgp_sink_t *sink);


void
imgp_sink_init(imgp_sink_t *sink, imgp_work_t *work)
{
    sink->work = work;
    sink->first = NULL;
    sink->last = NULL;
    sink->len = 0;
}


imgp_int_t
imgp_sink_write(imgp_sink_t *sink, const u_char *p, size_t len)
{
    size_t              n;
    imgp_sink_block_t  *block;

    block = sink->last;

    while (len > 0) {

        if (block == NULL || block->used == IMGP_SINK_BLOCK) {
            block = imgp_sink_grow(sink);
            if (block == NULL) {
                return IMGP_ERROR;
            }
        }

        n = imgp_min(len, IMGP_SINK_BLOCK - block->used);
        memcpy(block->data + block->used, p, n);

        block->used += n;
        sink->len += n;
        p += n;
        len -= n;
    }

    return IMGP_OK;
}


static imgp_sink_block_t *
imgp_sink_grow(imgp_sink_t *sink)
{
    imgp_sink_block_t  *block;

    block = imgp_work_alloc(sink->work, sizeof(imgp_sink_block_t));
    if (block == NULL) {
        return NULL;
    }

    block->next = NULL;
    block->used = 0;

    if (sink->last != NULL) {
        sink->last->next = block;

    } else {
        sink->first = block;
    }

    sink->last = block;

    return block;
}


u_char *
imgp_sink_join(imgp_sink_t *sink)
{
    u_char             *data, *p;
    imgp_sink_block_t  *block;

    data = imgp_work_output(sink->work, sink->len);
    if (data == NULL) {
        return NULL;
    }

    p = data;

    for (block = sink->first; block != NULL; block = block->next) {
        memcpy(p, block->data, block->used);
        p += block->used;
    }

    return data;
}


void
imgp_sink_free(imgp_sink_t *sink)
{
    imgp_sink_block_t  *block, *next;

    for (block = sink->first; block != NULL; block = next) {
        next = block->next;
        imgp_work_free(sink->work, block);
    }

    imgp_sink_init(sink, sink->work);
}
