
/*
 * canvas: padding in all colours, and the format that it asks for.
 */


#include "imgp_run.h"


static void test_canvas(void);


int
main(void)
{
    test_canvas();

    return done();
}


static void
test_canvas(void)
{
    imgp_str_t     s;
    test_run_t     run;
    test_pixels_t  p;
    test_jpeg_t    j = { .width = 64, .height = 48 };
    test_jpeg_t    g = { .width = 64, .height = 48, .components = 1,
                         .in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE };

    p = test_pixels("canvas 10", test_jpeg(&j, test_quadrant));
    ok(p.width == 84 && p.height == 68 && test_near(&p, 9, 9, 0, 0, 0, 0, 0)
       && test_near(&p, 83, 67, 0, 0, 0, 0, 0)
       && test_near(&p, 10, 10, 255, 0, 0, 255, 6)
       && test_near(&p, 73, 57, 255, 255, 255, 255, 6),
       "transparent by default");
    free(p.rgba);

    p = test_pixels("canvas 10 color=#11223380",
                    test_jpeg(&g, test_gray));
    ok(test_near(&p, 9, 9, 0x11, 0x22, 0x33, 0x80, 0)
       && test_near(&p, 12, 12, 40, 40, 40, 255, 3),
       "half transparent and coloured, around gray");
    free(p.rgba);

    s = test_jpeg(&g, test_gray);
    test_init(&run);
    test_op(&run, "canvas 10 color=#777777", s);
    p = test_read(&run.task.outputs[0]);
    is_str(run.task.outputs[0].type, "image/jpeg", "opaque: JPEG stays JPEG");
    ok(test_near(&p, 3, 3, 0x77, 0x77, 0x77, 255, 3), "and its colour");
    free(p.rgba);
    imgp_op_free(&run.task);

    run.task.max_pixels = 64 * 48 + 100;
    test_op(&run, "canvas 10", s);
    is_int(run.task.error.code, IMGP_E_PIXELS, "the output's pixels count");
    free(s.data);
}
