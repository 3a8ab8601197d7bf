
/*
 * The PNG writer: the least colour type that holds the picture, 8 bits.
 */


#include "imgp_run.h"


/* steps from black to white: v of 0..max is v * 255 / max, 16 bits rounded */

static uint32_t
test_ramp(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 1) ? max : (uint64_t) x * max / (w - 1);
}


static uint32_t
test_index(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return ((y >= h / 2) * 2 + (x >= w / 2)) & max;
}


int
main(void)
{
    imgp_str_t   s;
    test_run_t   run;
    imgp_uint_t  i;

    static const struct { int type, trns, want; } forms[] = {
        { PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_GRAY },
        { PNG_COLOR_TYPE_GRAY, 1, PNG_COLOR_TYPE_GRAY_ALPHA },
        { PNG_COLOR_TYPE_GRAY_ALPHA, 0, PNG_COLOR_TYPE_GRAY },
        { PNG_COLOR_TYPE_RGB, 0, PNG_COLOR_TYPE_RGB },
        { PNG_COLOR_TYPE_RGB, 1, PNG_COLOR_TYPE_RGB_ALPHA },
        { PNG_COLOR_TYPE_RGB_ALPHA, 0, PNG_COLOR_TYPE_RGB },
        { PNG_COLOR_TYPE_PALETTE, 1, PNG_COLOR_TYPE_RGB_ALPHA }
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        test_png_t  t = { .width = 40, .height = 24, .depth = 8,
                          .type = forms[i].type, .trns = forms[i].trns };

        s = test_png(&t, forms[i].type == PNG_COLOR_TYPE_PALETTE ? test_index
                         : forms[i].type & 2 ? test_quadrant : test_ramp);
        test_init(&run);
        test_op(&run, "encode png", s);

        is_int(run.task.outputs[0].data[25], forms[i].want,
               "type %d%s becomes", forms[i].type,
               forms[i].trns ? " with tRNS" : "");
        is_int(run.task.outputs[0].data[24], 8, "of 8 bits");

        imgp_op_free(&run.task);
        free(s.data);
    }

    return done();
}
