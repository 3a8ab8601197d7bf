
/*
 * resize: outputs in the order and the format of the inputs.
 */


#include "imgp_run.h"


static void test_inputs(void);


int
main(void)
{
    test_inputs();

    return done();
}


static void
test_inputs(void)
{
    imgp_str_t   png, jpeg;
    test_run_t   run;
    test_jpeg_t  j = { .width = 64, .height = 48 };
    test_png_t   p = { .width = 30, .height = 20, .depth = 8,
                       .type = PNG_COLOR_TYPE_RGB };

    png = test_png(&p, test_quadrant);
    jpeg = test_jpeg(&j, test_quadrant);

    test_init(&run);
    run.task.ninputs = 3;
    run.inputs[1].data = jpeg;
    run.inputs[2].data = png;

    test_op(&run, "resize 16", png);
    is_int(run.rc, IMGP_OK, "three inputs");
    is_int(run.task.noutputs, 3, "three outputs");
    is_str(run.task.outputs[0].type, "image/png", "PNG stays PNG");
    is_str(run.task.outputs[1].type, "image/jpeg", "JPEG stays JPEG");
    is_int(run.task.outputs[1].width, 16, "width");
    is_int(run.task.outputs[1].height, 12, "height");
    is_int(run.task.outputs[2].height, 11, "in order");
    imgp_op_free(&run.task);

    run.inputs[2].data.len -= 20;
    test_op(&run, "resize 16", png);
    ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_BAD_IMAGE
       && run.task.noutputs == 0, "one bad input fails all: %s",
       run.task.error.detail);

    run.task.ninputs = 0;
    test_op(&run, "resize 16", png);
    is_int(run.task.error.code, IMGP_E_LIMIT, "no input");

    run.task.ninputs = IMGP_OP_INPUTS_MAX + 1;
    test_op(&run, "resize 16", png);
    is_int(run.task.error.code, IMGP_E_LIMIT, "too many inputs");

    free(png.data);
    free(jpeg.data);
}
