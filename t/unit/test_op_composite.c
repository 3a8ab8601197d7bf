
/*
 * composite: which picture lies over which, where, and how large; cutting out;
 * masks; what is refused.
 */


#include "imgp_run.h"


static void test_over(void);
static void test_sizes(void);
static void test_places(void);
static void test_cut(void);
static void test_three(void);
static void test_upright(void);
static void test_refusals(void);
static void test_failures(void);


static test_run_t     run;
static test_pixels_t  p;


int
main(void)
{
    test_over();
    test_sizes();
    test_places();
    test_cut();
    test_three();
    test_upright();
    test_refusals();
    test_failures();

    return done();
}


/* frees the inputs */

static imgp_int_t
composite(const char *line, imgp_str_t a, imgp_str_t b, imgp_str_t c)
{
    free(p.rgba);
    test_init(&run);

    run.task.ninputs = c.len ? 3 : 2;
    run.inputs[1].data = b;
    run.inputs[2].data = c;

    test_op(&run, line, a);

    memset(&p, 0, sizeof(p));

    if (run.rc == IMGP_OK) {
        p = test_read(&run.task.outputs[0]);

    } else {
        printf("# %s\n", run.task.error.detail);
    }

    imgp_op_free(&run.task);

    free(a.data);
    free(b.data);
    free(c.data);

    return run.rc;
}


static const imgp_str_t  none = imgp_null_string;


/* 200,100,50, its left half opaque, its right one with an alpha of 102 */

static uint32_t
test_half(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    static const uint32_t  rgb[] = { 200, 100, 50 };

    return (c < 3) ? rgb[c] : (x < w / 2) ? 255 : 102;
}


static uint32_t
test_dark(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 3) ? 255 : 20;
}


/* a mask: its upper half is white */

static uint32_t
test_upper(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (y < h / 2) ? 255 : 0;
}


static imgp_str_t
image(uint32_t width, uint32_t height, int type, test_pixel_pt pixel)
{
    test_png_t  t = { .width = width, .height = height, .depth = 8,
                      .type = type };

    return test_png(&t, pixel);
}


#define half(w, h)   image(w, h, PNG_COLOR_TYPE_RGB_ALPHA, test_half)
#define dark(w, h)   image(w, h, PNG_COLOR_TYPE_RGB, test_dark)
#define upper(w, h)  image(w, h, PNG_COLOR_TYPE_GRAY, test_upper)


static void
test_over(void)
{
    test_jpeg_t  j = { .width = 40, .height = 20, .quality = 100 };

    composite("composite", half(40, 20), dark(40, 20), none);
    ok(p.width == 40 && p.height == 20, "of the size of the second");
    ok(test_near(&p, 5, 5, 200, 100, 50, 255, 0), "opaque");

    /* 0.4 of it and 0.6 of 20 */
    ok(test_near(&p, 35, 5, 92, 52, 32, 255, 0), "and transparent");
    is_int(run.progress, 1000, "progress");

    composite("composite", half(40, 20), half(40, 20), none);
    ok(test_near(&p, 35, 5, 200, 100, 50, 163, 0), "alpha over alpha");

    composite("composite", half(40, 20),
              image(40, 20, PNG_COLOR_TYPE_GRAY, test_gray), none);
    ok(test_near(&p, 5, 5, 200, 100, 50, 255, 0)
       && test_near(&p, 35, 5, 134, 94, 74, 255, 0), "over gray");

    composite("composite", half(40, 20), test_jpeg(&j, test_dark), none);
    ok(test_near(&p, 5, 5, 200, 100, 50, 255, 6)
       && test_near(&p, 35, 5, 92, 52, 32, 255, 6)
       && strcmp(run.task.outputs[0].type, "image/jpeg") == 0,
       "in the format of the second");

    composite("composite", dark(40, 20),
              image(40, 20, PNG_COLOR_TYPE_GRAY_ALPHA, test_gray), none);
    ok(test_near(&p, 35, 5, 20, 20, 20, 255, 0), "gray with alpha is no mask");
}


static void
test_sizes(void)
{
    composite("composite", half(20, 20), dark(80, 40), none);
    ok(p.width == 80 && test_near(&p, 19, 20, 20, 20, 20, 255, 0)
       && test_near(&p, 21, 20, 200, 100, 50, 255, 1)
       && test_near(&p, 58, 20, 92, 52, 32, 255, 2)
       && test_near(&p, 61, 20, 20, 20, 20, 255, 0),
       "enlarged to fit inside, in the middle");

    composite("composite", half(100, 400), dark(80, 40), none);
    ok(test_near(&p, 34, 0, 20, 20, 20, 255, 0)
       && test_near(&p, 36, 0, 200, 100, 50, 255, 1)
       && test_near(&p, 36, 39, 200, 100, 50, 255, 1)
       && test_near(&p, 45, 20, 20, 20, 20, 255, 0), "made smaller");

    composite("composite fit=exact", half(10, 10), dark(80, 40), none);
    ok(test_near(&p, 0, 0, 200, 100, 50, 255, 1)
       && test_near(&p, 79, 39, 92, 52, 32, 255, 1), "made just as large");

    composite("composite fit=none", half(20, 20), dark(80, 40), none);
    ok(test_near(&p, 29, 20, 20, 20, 20, 255, 0)
       && test_near(&p, 30, 10, 200, 100, 50, 255, 0)
       && test_near(&p, 49, 29, 92, 52, 32, 255, 0)
       && test_near(&p, 50, 20, 20, 20, 20, 255, 0), "left as it is");

    composite("composite fit=none", half(100, 100), dark(20, 10), none);
    ok(p.width == 20 && test_near(&p, 9, 0, 200, 100, 50, 255, 0)
       && test_near(&p, 10, 9, 92, 52, 32, 255, 0), "what juts out is cut");
}


static void
test_places(void)
{
    composite("composite fit=none at=0,0", half(20, 20), dark(80, 40), none);
    ok(test_near(&p, 0, 0, 200, 100, 50, 255, 0)
       && test_near(&p, 20, 20, 20, 20, 20, 255, 0), "upper left");

    composite("composite fit=none at=100,100", half(20, 20), dark(80, 40),
              none);
    ok(test_near(&p, 60, 20, 200, 100, 50, 255, 0)
       && test_near(&p, 79, 39, 92, 52, 32, 255, 0)
       && test_near(&p, 59, 39, 20, 20, 20, 255, 0), "lower right");

    composite("composite fit=none at=100,0", half(100, 100), dark(20, 10),
              none);
    ok(test_near(&p, 0, 0, 92, 52, 32, 255, 0), "its right end");

    composite("composite at=0,50", half(20, 20), dark(80, 40), none);
    ok(test_near(&p, 0, 0, 200, 100, 50, 255, 1)
       && test_near(&p, 41, 0, 20, 20, 20, 255, 0), "at the left");
}


static void
test_cut(void)
{
    test_jpeg_t  j = { .width = 40, .height = 20, .quality = 100 };

    composite("composite", test_jpeg(&j, test_dark), upper(40, 20), none);
    ok(p.width == 40 && test_near(&p, 5, 5, 20, 20, 20, 255, 2)
       && test_near(&p, 5, 15, 0, 0, 0, 0, 0)
       && strcmp(run.task.outputs[0].type, "image/png") == 0,
       "a photo is cut out by a mask");

    composite("composite", dark(40, 20), upper(10, 6), none);
    ok(test_near(&p, 5, 2, 20, 20, 20, 255, 8)
       && test_near(&p, 5, 17, 0, 0, 0, 0, 20), "a small mask is enlarged");

    composite("composite mode=cut", half(40, 20),
              image(40, 20, PNG_COLOR_TYPE_RGB, test_upper), none);
    ok(test_near(&p, 35, 5, 200, 100, 50, 102, 0)
       && test_near(&p, 35, 15, 0, 0, 0, 0, 0), "asked for, of any picture");

    composite("composite mode=over", dark(40, 20), upper(40, 20), none);
    ok(test_near(&p, 5, 15, 20, 20, 20, 255, 0), "asked for, over gray");
}


static void
test_three(void)
{
    composite("composite", half(40, 20), dark(40, 20), upper(40, 20));
    ok(test_near(&p, 5, 5, 200, 100, 50, 255, 0)
       && test_near(&p, 35, 5, 92, 52, 32, 255, 0)
       && test_near(&p, 5, 15, 20, 20, 20, 255, 0), "where the mask is white");

    composite("composite", half(16, 16), dark(40, 20), upper(4, 4));
    ok(p.width == 40 && test_near(&p, 0, 0, 200, 100, 50, 255, 9)
       && test_near(&p, 39, 4, 92, 52, 32, 255, 9)
       && test_near(&p, 39, 19, 20, 20, 20, 255, 9),
       "all are of one size then");

    composite("composite fit=none at=0,0", half(16, 16), dark(40, 20),
              upper(40, 20));
    ok(test_near(&p, 2, 2, 200, 100, 50, 255, 0)
       && test_near(&p, 2, 12, 20, 20, 20, 255, 0)
       && test_near(&p, 20, 2, 20, 20, 20, 255, 0),
       "the mask is of the second");
}


static void
test_upright(void)
{
    test_png_t  t = { .width = 40, .height = 20, .depth = 16,
                      .type = PNG_COLOR_TYPE_RGB_ALPHA, .orientation = 6 };

    /* turned to the right: the lower left is in the upper left then */

    composite("composite", test_png(&t, test_quadrant), dark(20, 40), none);
    ok(p.width == 20 && p.height == 40 && test_corners(&p, "2031", 0),
       "the first is turned upright");

    t.type = PNG_COLOR_TYPE_RGB;
    composite("composite at=0,0 fit=none", half(2, 2),
              test_png(&t, test_quadrant), none);
    ok(p.width == 20 && p.height == 40 && test_corners(&p, "2031", 0)
       && test_near(&p, 0, 0, 200, 100, 50, 255, 0), "the second as well");
}


static void
test_refusals(void)
{
    imgp_str_t  s;

    s = dark(4, 4);
    test_init(&run);
    test_op(&run, "composite", s);
    is_str(run.task.error.detail, "composite takes two images, or three, of "
           "which the last is a mask, there are 1", "one picture");

    composite("composite mode=cut", dark(4, 4), dark(4, 4), dark(4, 4));
    is_str(run.task.error.detail, "composite takes two images, there are 3",
           "cut by two");

    composite("composite", dark(4, 4), test_copy((u_char *) "[1]", 3), none);
    is_int(run.task.error.code, IMGP_E_TYPE, "JSON");

    test_init(&run);
    run.task.max_pixels = 15;
    run.task.ninputs = 2;
    run.inputs[1].data = s;
    test_op(&run, "composite", s);
    is_int(run.task.error.code, IMGP_E_PIXELS, "too many pixels");

    test_init(&run);
    run.cancel = 1;
    run.task.ninputs = 2;
    run.inputs[1].data = s;
    test_op(&run, "composite", s);
    is_int(run.task.error.code, IMGP_E_CANCELED, "canceled");

    free(s.data);
}


static void
test_fault(const char *line, imgp_uint_t n)
{
    long          i, wrong;
    imgp_str_t    a, b, c;
    test_alloc_t  ta;
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };

    a = half(16, 16);
    b = dark(40, 20);
    c = upper(7, 7);
    wrong = 0;

    for (i = 0; i < 1000; i++) {
        ta.left = i;
        ta.live = 0;

        test_init(&run);
        run.task.alloc = &alloc;
        run.task.ninputs = n;
        run.inputs[1].data = b;
        run.inputs[2].data = c;
        test_op(&run, line, a);

        if (run.rc == IMGP_OK) {
            break;
        }

        wrong += ta.live != 0 || run.task.error.code != IMGP_E_INTERNAL;
    }

    ok(i > 5 && i < 1000 && wrong == 0,
       "%s of %u: each of %ld allocations may fail", line, (unsigned) n, i);
    imgp_op_free(&run.task);
    is_int(ta.live, 0, "nothing is left of the good run");

    free(a.data);
    free(b.data);
    free(c.data);
}


static void
test_failures(void)
{
    test_fault("composite", 2);
    test_fault("composite mode=cut", 2);
    test_fault("composite", 3);

    free(p.rgba);
}
