
/*
 * mask: sizes, boxes and polygons, the dilated pixels, what is refused.
 */


#include "imgp_run.h"


static void test_pixels_of(void);
static void test_sizes(void);
static void test_refusals(void);
static void test_failures(void);


static test_run_t  run;


static imgp_int_t
mask(const char *line, imgp_str_t image, const char *json)
{
    test_init(&run);
    test_json(&run, json);
    run.inputs[1].type = NULL;        /* it is told by its bytes */

    return test_op(&run, line, image);
}


int
main(void)
{
    test_pixels_of();
    test_sizes();
    test_refusals();
    test_failures();

    return done();
}


/* white where a pixel is within one of the boxes: x, y, right, bottom */

static int
test_white(const uint32_t boxes[][4], imgp_uint_t n)
{
    uint32_t        x, y;
    imgp_uint_t     i, white, wrong;
    test_pixels_t   p;

    wrong = 0;
    p = test_read(&run.task.outputs[0]);

    for (y = 0; y < p.height; y++) {
        for (x = 0; x < p.width; x++) {

            for (white = 0, i = 0; i < n; i++) {
                white |= x >= boxes[i][0] && y >= boxes[i][1]
                         && x < boxes[i][2] && y < boxes[i][3];
            }

            wrong += !test_near(&p, x, y, white * 255, white * 255,
                                white * 255, 255, 0);
        }
    }

    free(p.rgba);

    return p.width != 0 && wrong == 0;
}


static void
test_pixels_of(void)
{
    imgp_str_t   s;
    test_png_t   t = { .width = 40, .height = 20, .depth = 8,
                       .type = PNG_COLOR_TYPE_RGB };

    static const char  json[] =
        "{\"a\":[[2,3,5,6],[[20.4,10],[30,10],[30,15],[20.4,15]],"
        "[-9,18,12,99]]}";

    static const uint32_t  plain[][4] = {
        { 2, 3, 7, 9 }, { 20, 10, 30, 15 }, { 0, 18, 3, 20 }
    };
    static const uint32_t  wide[][4] = {
        { 0, 0, 10, 12 }, { 17, 7, 33, 18 }, { 0, 15, 6, 20 }
    };

    s = test_png(&t, test_quadrant);

    mask("mask /a/*", s, json);
    ok(run.rc == IMGP_OK && run.task.noutputs == 1, "a mask");
    is_str(run.task.outputs[0].type, "image/png", "its type");
    is_int(run.task.outputs[0].data[25], 0, "gray, without alpha");
    ok(test_white(plain, 3), "every pixel");
    is_int(run.progress, 1000, "progress");
    imgp_op_free(&run.task);

    mask("mask /a/* dilate=3", s, json);
    ok(test_white(wide, 3), "dilated by 3");
    imgp_op_free(&run.task);

    mask("mask /a/* dilate=1000", s, json);
    ok(test_white((const uint32_t[][4]) { { 0, 0, 40, 20 } }, 1),
       "dilated to all of it");
    imgp_op_free(&run.task);

    mask("mask /b/*", s, json);
    ok(run.rc == IMGP_OK && test_white(NULL, 0), "nothing selected: black");
    imgp_op_free(&run.task);

    free(s.data);
}


static void
test_sizes(void)
{
    imgp_str_t    s;
    test_png_t    t = { .width = 40, .height = 20, .depth = 8,
                        .type = PNG_COLOR_TYPE_RGB, .orientation = 6 };
    test_jpeg_t   j = { .width = 33, .height = 21, .orientation = 3 };

    s = test_png(&t, test_quadrant);
    mask("mask /*", s, "[[10,35,5,5]]");
    ok(run.rc == IMGP_OK && run.task.outputs[0].width == 20
       && run.task.outputs[0].height == 40
       && test_white((const uint32_t[][4]) { { 10, 35, 15, 40 } }, 1),
       "of the upright picture");
    imgp_op_free(&run.task);
    free(s.data);

    /* only the header is read, so the rest may be missing */

    s = test_jpeg(&j, test_quadrant);
    s.len -= 40;
    mask("mask /*", s, "[]");
    ok(run.rc == IMGP_OK && run.task.outputs[0].width == 33
       && run.task.outputs[0].height == 21, "of a JPEG");
    imgp_op_free(&run.task);
    free(s.data);
}


static void
test_refusals(void)
{
    imgp_str_t    s;
    imgp_uint_t   i;
    test_png_t    t = { .width = 40, .height = 20, .depth = 8,
                        .type = PNG_COLOR_TYPE_RGB };

    static const char  *bad[] = {
        "[[40,0,5,5]]", "[[0,0,5]]", "[[[0,0],[5,5]]]", "[[0,0,5,5]", "[5]"
    };

    s = test_png(&t, test_quadrant);

    for (i = 0; i < imgp_nelts(bad); i++) {
        mask("mask /*", s, bad[i]);
        ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_BAD_PARAM
           && run.task.noutputs == 0, "%s: %s", bad[i],
           run.task.error.detail);
    }

    test_init(&run);
    test_op(&run, "mask /*", s);
    is_str(run.task.error.detail, "mask takes an image and a JSON document",
           "an image alone");

    mask("mask /*", s, "no document");
    is_str(run.task.error.detail, "mask takes an image and a JSON document",
           "something else");

    mask("mask /*", test_copy((u_char *) "GIF89a", 6), "[]");
    is_int(run.task.error.code, IMGP_E_TYPE, "no picture that can be read");
    free(run.inputs[0].data.data);

    test_init(&run);
    test_json(&run, "[]");
    run.task.max_pixels = 799;
    test_op(&run, "mask /*", s);
    is_int(run.task.error.code, IMGP_E_PIXELS, "too many pixels");

    free(s.data);
}


static void
test_failures(void)
{
    imgp_str_t  s;
    test_png_t  t = { .width = 40, .height = 20, .depth = 8,
                      .type = PNG_COLOR_TYPE_RGB };

    s = test_png(&t, test_quadrant);
    test_fails("mask /* dilate=2", s, "[[1,2,3,4],[[1,2],[9,2],[9,9]]]");
    free(s.data);
}
