
/*
 * The JPEG writer: sampling by quality, gray as one component, and tables that
 * were made from strips which tell nothing about the others.
 */


#include "imgp_run.h"
#include "imgp_fixture.h"
#include "imgp_work_test.h"
#include <imgp/imgp_jpeg.h>


#define TEST_WIDTH   72
#define TEST_STRIPS  64


/* the greatest difference of what was written; -1: it cannot be read */

static int
test_worst(imgp_work_t *work, imgp_str_t s, const imgp_image_t *image)
{
    int             worst;
    size_t          i;
    u_char         *row;
    uint32_t        y;
    imgp_reader_t  *reader;

    if (imgp_reader_open(work, &s, &reader) != IMGP_OK) {
        return -1;
    }

    worst = (imgp_reader_start(reader, 0, 0) == IMGP_OK
             && reader->rows.stride == image->stride) ? 0 : -1;

    row = malloc(image->stride);

    for (y = 0; y < image->height && worst >= 0; y++) {

        if (imgp_reader_row(reader, row) != IMGP_OK) {
            worst = -1;
            break;
        }

        for (i = 0; i < image->stride; i++) {
            worst = imgp_max(worst, abs(row[i]
                                        - imgp_image_row(image, y)[i]));
        }
    }

    if (worst >= 0 && imgp_reader_finish(reader) != IMGP_OK) {
        worst = -1;
    }

    free(row);
    imgp_reader_close(reader);

    return worst;
}


/* most strips have every coefficient there is, a few have none */

static int
test_noise(uint32_t space, uint32_t quiet, uint32_t quality)
{
    int            worst;
    size_t         i;
    u_char        *row, *data;
    uint32_t       y, strip;
    uint64_t       seed;
    imgp_str_t     s;
    imgp_sink_t    sink;
    imgp_work_t   *work;
    test_work_t    tw;
    imgp_image_t   image;

    work = test_work(&tw);
    seed = 5;
    strip = (space == IMGP_SPACE_GRAY || quality >= 90) ? 8 : 16;

    imgp_image_form(&image, TEST_WIDTH, TEST_STRIPS * strip - 3, space, 0, 8);
    (void) imgp_image_alloc(work, &image);

    for (y = 0; y < image.height; y++) {
        row = imgp_image_row(&image, y);

        for (i = 0; i < image.stride; i++) {
            row[i] = (y / strip % 4 == quiet) ? 128
                     : (i / 24 % 3 == 0) ? fix_random(&seed) % 2 * 255
                     : (i / 24 % 3 == 1) ? (i + y) % 2 * 255
                     : fix_random(&seed) % 64 * 4;
        }
    }

    imgp_sink_init(&sink, work);
    worst = -1;

    if (imgp_jpeg_write(work, &image, quality, &sink) == IMGP_OK) {
        s.len = sink.len;
        data = imgp_sink_join(&sink);
        s.data = data;
        worst = test_worst(work, s, &image);
        imgp_malloc.free(imgp_malloc.data, data);
        work->used -= s.len;
    }

    imgp_sink_free(&sink);
    imgp_image_free(work, &image);

    return (work->used == 0) ? worst : -2;
}


static void
test_samples(void)
{
    int       worst, gray, color;
    uint32_t  quiet;

    worst = 0;

    for (quiet = 0; quiet < 4; quiet++) {
        gray = test_noise(IMGP_SPACE_GRAY, quiet, 100);
        color = test_noise(IMGP_SPACE_RGB, quiet, 100);

        if (gray < 0 || color < 0) {
            worst = 255;
        }

        worst = imgp_max(worst, imgp_max(gray, color));
    }

    ok(worst <= 4, "no strip is lost for its codes: off by %d", worst);

    for (quiet = 0, worst = 0; quiet < 4; quiet++) {
        gray = test_noise(IMGP_SPACE_GRAY, quiet, 30);
        color = test_noise(IMGP_SPACE_RGB, quiet, 30);

        worst += (gray < 0) + (color < 0);
    }

    is_int(worst, 0, "coarse steps, whose tables are smaller");
}


int
main(void)
{
    imgp_str_t  s;
    test_run_t  run;

    test_init(&run);
    s = test_jpeg(&(test_jpeg_t) { .width = 64, .height = 48 }, test_photo);

    test_op(&run, "encode jpeg quality=89", s);
    ok(memmem(run.task.outputs[0].data, run.task.outputs[0].len,
              "\xff\xc0\0\x11\x08\0\x30\0\x40\x03\x01\x22", 12) != NULL,
       "4:2:0 below quality 90");
    imgp_op_free(&run.task);

    test_op(&run, "encode jpeg quality=90", s);
    ok(memmem(run.task.outputs[0].data, run.task.outputs[0].len,
              "\xff\xc0\0\x11\x08\0\x30\0\x40\x03\x01\x11", 12) != NULL,
       "4:4:4 from there on");
    imgp_op_free(&run.task);
    free(s.data);

    s = test_jpeg(&(test_jpeg_t) { .width = 64, .height = 48,
                  .components = 1, .in = JCS_GRAYSCALE,
                  .stored = JCS_GRAYSCALE }, test_gray);

    test_op(&run, "resize 20", s);
    ok(memmem(run.task.outputs[0].data, run.task.outputs[0].len,
              "\xff\xc0\0\x0b\x08\0\x0f\0\x14\x01", 10) != NULL,
       "gray stays one component");
    imgp_op_free(&run.task);
    free(s.data);

    test_samples();

    return done();
}
