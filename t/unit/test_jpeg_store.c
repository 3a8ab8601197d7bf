
/*
 * Coefficients kept packed between scans: the pixels are those of libjpeg with
 * its own memory, for every way of scanning, wide coefficients too; and they
 * take what the README says.
 */


#include "imgp_run.h"
#include "imgp_work_test.h"
#include <imgp/imgp_reader.h>
#include <imgp/imgp_simd.h>


typedef struct {
    imgp_alloc_t  alloc;
    size_t        used;
    size_t        peak;
} test_heap_t;


/* black or white: coefficients as large as they come */

static uint32_t
test_noise(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return ((x * 2654435761u ^ y * 2246822519u ^ c * 3266489917u) >> 13 & 1)
           * max;
}


/* every allocation with its size before it */

static void *
test_heap_alloc(void *data, size_t size)
{
    u_char       *p;
    test_heap_t  *heap = data;

    p = malloc(size + 16);
    *(size_t *) p = size;

    heap->used += size;
    heap->peak = imgp_max(heap->peak, heap->used);

    return p + 16;
}


static void
test_heap_free(void *data, void *ptr)
{
    u_char       *p = (u_char *) ptr - 16;
    test_heap_t  *heap = data;

    heap->used -= *(size_t *) p;
    free(p);
}


/* RGB or gray against RGBA */

static int
test_row(const imgp_image_t *form, const u_char *row, const u_char *rgba)
{
    uint32_t  x, c;

    for (x = 0; x < form->width; x++) {
        for (c = 0; c < 3; c++) {
            if (row[x * form->channels + c % form->channels] != rgba[x * 4 + c])
            {
                return 0;
            }
        }
    }

    return 1;
}


static int
test_same(imgp_str_t s, uint32_t simd)
{
    int             good;
    u_char         *row;
    uint32_t        y;
    test_work_t     tw;
    imgp_work_t    *work;
    test_pixels_t   want;
    imgp_reader_t  *reader;

    work = test_work(&tw);
    tw.task.simd = simd;

    test_read_jpeg(s.data, s.len, &want);

    if (imgp_reader_open(work, &s, &reader) != IMGP_OK) {
        return 0;
    }

    good = (imgp_reader_start(reader, 0, 0) == IMGP_OK);
    row = malloc(reader->rows.stride);

    for (y = 0; y < reader->rows.height && good; y++) {
        good = (imgp_reader_row(reader, row) == IMGP_OK)
               && test_row(&reader->rows, row,
                           want.rgba + (size_t) y * want.width * 4);
    }

    good = good && imgp_reader_finish(reader) == IMGP_OK;

    imgp_reader_close(reader);
    free(row);
    free(want.rgba);

    return good && work->used == 0;
}


static void
test_scans(void)
{
    imgp_str_t    s;
    imgp_uint_t   i, k;
    test_jpeg_t   j;

    static const struct {
        const char   *name;
        test_jpeg_t   jpeg;
    } forms[] = {
        { "progressive 4:2:0", { .h = 2, .v = 2, .progressive = 1 } },
        { "progressive 4:4:4", { .progressive = 1 } },
        { "progressive 4:2:2, restarts", { .h = 2, .progressive = 1,
                                           .restart = 1 } },
        { "progressive, arithmetic", { .h = 2, .v = 2, .progressive = 1,
                                       .arithmetic = 1 } },
        { "progressive gray", { .components = 1, .in = JCS_GRAYSCALE,
                                .stored = JCS_GRAYSCALE, .progressive = 1 } },
        { "a scan per component", { .h = 2, .v = 2, .apart = 1 } }
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        for (k = 0; k < 4; k++) {
            j = forms[i].jpeg;
            j.width = 201;
            j.height = 133;
            j.quality = (k & 1) ? 100 : 80;

            s = test_jpeg(&j, (k & 1) ? test_noise : test_photo);

            ok(test_same(s, (k & 2) ? IMGP_SIMD_NONE : IMGP_SIMD_BEST),
               "%s, quality %d%s", forms[i].name, j.quality,
               (k & 2) ? ", plain C" : "");
            free(s.data);
        }
    }
}


static void
test_memory(void)
{
    size_t        whole;
    imgp_str_t    s;
    test_run_t    run;
    test_heap_t   heap;
    test_jpeg_t   j = { .width = 2048, .height = 2048, .h = 2, .v = 2,
                        .quality = 60, .progressive = 1 };

    memset(&heap, 0, sizeof(heap));
    heap.alloc.alloc = test_heap_alloc;
    heap.alloc.free = test_heap_free;
    heap.alloc.data = &heap;

    s = test_jpeg(&j, test_photo);
    whole = (size_t) j.width * j.height * 3 / 2 * sizeof(JCOEF);

    test_init(&run);
    run.task.alloc = &heap.alloc;
    test_op(&run, "resize 256", s);

    ok(run.rc == IMGP_OK && heap.peak < whole / 2,
       "%zu KB at most, where %zu were", heap.peak >> 10, whole >> 10);

    imgp_op_free(&run.task);
    is_int(heap.used, 0, "and all of it is given back");

    free(s.data);
}


int
main(void)
{
    test_scans();
    test_memory();

    return done();
}
