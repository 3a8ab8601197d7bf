
/*
 * The worker that is libvips: vips_thumbnail_buffer(), which shrinks while
 * JPEGs are decoded, then PNG if a pixel is transparent, else JPEG.  One
 * thread a picture, no cache of operations.  Started by workers.py; its
 * commands are those of worker.h.
 *
 *     work_vips size      PNGs as small as Pillow's: level 9, all filters
 *     work_vips speed     PNGs as libvips makes them unless told otherwise
 */


#include <vips/vips.h>
#include "worker.h"


#define VIPS_BOX      1024
#define VIPS_QUALITY  85


static const int  vips_size = 1;
static const int  vips_speed = 0;


static int vips_run(const worker_t *worker, worker_output_t *out);
static int vips_opaque(VipsImage *image, int *opaque);
static int vips_encode(VipsImage *image, int size, worker_output_t *out);


int
main(int argc, char **argv)
{
    worker_t  worker;

    if (argc != 2 || VIPS_INIT(argv[0]) != 0) {
        return 1;
    }

    vips_concurrency_set(1);
    vips_cache_set_max(0);

    memset(&worker, 0, sizeof(worker_t));

    worker.run = vips_run;
    worker.engine = strcmp(argv[1], "size") ? &vips_speed : &vips_size;

    return worker_loop(&worker);
}


static int
vips_run(const worker_t *worker, worker_output_t *out)
{
    int         rc, opaque;
    VipsImage  *small, *image;

    if (vips_thumbnail_buffer(worker->data, worker->len, &small, VIPS_BOX,
                              "height", VIPS_BOX, "size", VIPS_SIZE_DOWN,
                              NULL)
        != 0)
    {
        return -1;
    }

    /* or it would be made twice: to be looked at, and to be written */

    image = vips_image_copy_memory(small);
    g_object_unref(small);

    if (image == NULL) {
        return -1;
    }

    rc = vips_opaque(image, &opaque);

    if (rc == 0 && !opaque) {
        rc = vips_encode(image, *(const int *) worker->engine, out);

    } else if (rc == 0) {
        rc = vips_jpegsave_buffer(image, (void **) &out->data, &out->len, "Q",
                                  VIPS_QUALITY, "optimize_coding", TRUE,
                                  "strip", TRUE, NULL);
    }

    g_object_unref(image);

    return rc;
}


static int
vips_encode(VipsImage *image, int size, worker_output_t *out)
{
    if (size) {
        return vips_pngsave_buffer(image, (void **) &out->data, &out->len,
                                   "compression", 9, "filter",
                                   VIPS_FOREIGN_PNG_FILTER_ALL, "strip", TRUE,
                                   NULL);
    }

    return vips_pngsave_buffer(image, (void **) &out->data, &out->len,
                               "strip", TRUE, NULL);
}


static int
vips_opaque(VipsImage *image, int *opaque)
{
    double      min;
    VipsImage  *alpha;

    *opaque = 1;

    if (!vips_image_hasalpha(image)) {
        return 0;
    }

    if (vips_extract_band(image, &alpha, image->Bands - 1, NULL) != 0) {
        return -1;
    }

    if (vips_min(alpha, &min, NULL) != 0) {
        g_object_unref(alpha);
        return -1;
    }

    g_object_unref(alpha);

    *opaque = (min >= (image->BandFmt == VIPS_FORMAT_USHORT ? 65535 : 255));

    return 0;
}
