
/*
 * encode: "auto" by real transparency, and what lies under it in a JPEG.
 */


#include "imgp_run.h"


static void test_auto(void);


int
main(void)
{
    test_auto();

    return done();
}


static uint32_t
test_speck(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 3 && x == 90 && y == 90) ? max - 1
           : test_quadrant(x, y, c, w, h, max);
}


/* nothing at the left, half of red (or white) at the right */

static uint32_t
test_clear(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 0) ? max : (c == 2) ? 0 : (c == 3 || x < w / 2)
           ? (x < w / 2 ? 0 : 128) : 0;
}


static void
test_auto(void)
{
    imgp_str_t     s;
    test_run_t     run;
    test_png_t     t = { .width = 100, .height = 100, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB_ALPHA };
    test_pixels_t  p;

    test_init(&run);

    s = test_png(&t, test_speck);
    test_op(&run, "encode auto", s);
    is_str(run.task.outputs[0].type, "image/png", "one pixel of alpha 254");
    imgp_op_free(&run.task);

    test_op(&run, "encode auto max=20", s);
    is_str(run.task.outputs[0].type, "image/jpeg", "resized away");
    imgp_op_free(&run.task);
    free(s.data);

    s = test_png(&t, test_clear);
    test_op(&run, "encode jpeg background=#0000ff quality=95", s);
    p = test_read(&run.task.outputs[0]);
    is_str(run.task.outputs[0].type, "image/jpeg", "JPEG if it must be");
    ok(test_near(&p, 5, 50, 0, 0, 255, 255, 4)
       && test_near(&p, 95, 50, 127, 0, 127, 255, 4), "over the background");
    imgp_op_free(&run.task);
    free(p.rgba);
    free(s.data);

    t.type = PNG_COLOR_TYPE_GRAY_ALPHA;
    s = test_png(&t, test_clear);
    test_op(&run, "encode jpeg background=#0000ff quality=95", s);
    p = test_read(&run.task.outputs[0]);
    ok(test_near(&p, 5, 50, 0, 0, 255, 255, 4),
       "gray over a coloured background");
    imgp_op_free(&run.task);
    free(p.rgba);
    free(s.data);
}
