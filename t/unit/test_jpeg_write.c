
/*
 * The JPEG writer: sampling by quality, gray as one component.
 */


#include "imgp_run.h"


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

    return done();
}
