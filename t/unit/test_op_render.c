
/*
 * render: what it draws where, in which colour, and what it leaves alone; the
 * letters themselves are judged by test_text.c.
 */


#include <imgp/imgp_text.h>
#include "imgp_run.h"
#include "imgp_fonts.h"


static void test_without(void);
static void test_drawn(void);
static void test_colours(void);
static void test_polygons(void);
static void test_documents(void);
static void test_refusals(void);
static void test_failures(void);


static test_run_t     run;
static test_pixels_t  p;


int
main(void)
{
    if (!imgp_text_there()) {
        test_without();
        return done();
    }

    test_drawn();
    test_colours();
    test_polygons();
    test_documents();
    test_refusals();
    test_failures();

    free(p.rgba);

    return done();
}


static void
test_without(void)
{
    imgp_pool_t   *pool;
    imgp_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    ok(test_parse(pool, "render /a", &err) == NULL, "it is refused");
    is_str(err.detail, "render needs Pango and Cairo, and this module was "
           "built without them", "and told why");
    imgp_pool_destroy(pool);
}


/* frees the image */

static imgp_int_t
render(const char *line, imgp_str_t image, const char *one, const char *two)
{
    free(p.rgba);
    memset(&p, 0, sizeof(p));
    test_init(&run);
    test_json(&run, one);

    if (two) {
        test_json(&run, two);
    }

    if (test_op(&run, line, image) == IMGP_OK) {
        p = test_read(&run.task.outputs[0]);

    } else {
        printf("# %s\n", run.task.error.detail);
    }

    imgp_op_free(&run.task);
    free(image.data);

    return run.rc;
}


/* left half 240, right half 20 */

static uint32_t
test_halves(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 3) ? 255 : (x < w / 2) ? 240 : 20;
}


static imgp_str_t
halves(int type)
{
    test_png_t  t = { .width = 200, .height = 100, .depth = 8, .type = type };

    return test_png(&t, test_halves);
}


#define rgb()  halves(PNG_COLOR_TYPE_RGB)


/* pixels of the rectangle that are not as they were; all: of one colour? */

static uint32_t
test_changed(uint32_t left, uint32_t top, uint32_t right, uint32_t bottom)
{
    uint32_t  x, y, n;

    for (n = 0, y = top; y < bottom; y++) {
        for (x = left; x < right; x++) {
            n += p.rgba[(y * p.width + x) * 4] != ((x < 100) ? 240 : 20);
        }
    }

    return n;
}


static uint32_t
test_most(uint32_t left, uint32_t right, imgp_uint_t c, int dark)
{
    uint32_t  x, y, v, most;

    most = dark ? 255 : 0;

    for (y = 0; y < p.height; y++) {
        for (x = left; x < right; x++) {
            v = p.rgba[(y * p.width + x) * 4 + c];
            most = dark ? imgp_min(most, v) : imgp_max(most, v);
        }
    }

    return most;
}


static void
test_drawn(void)
{
    test_jpeg_t  j = { .width = 200, .height = 100, .orientation = 8,
                       .quality = 95 };

    render("render /*", rgb(), "[{\"box\":[10,20,80,30],\"text\":\"Text\"}]",
           NULL);
    ok(p.width == 200 && p.height == 100, "a picture of the same size");
    ok(test_changed(10, 20, 90, 50) > 100, "text in the box");
    is_int(test_changed(0, 0, 200, 100), test_changed(10, 20, 90, 50),
           "and nothing outside of it");
    is_int(run.progress, 1000, "progress");

    render("render /*", rgb(), "[{\"box\":[10,20,80,30],\"text\":\"\"},"
           "{\"box\":[10,20,80,30],\"text\":null}]", NULL);
    is_int(test_changed(0, 0, 200, 100), 0, "no text, nothing drawn");

    render("render /*", rgb(), "[]", NULL);
    ok(run.rc == IMGP_OK && test_changed(0, 0, 200, 100) == 0, "no boxes");

    render("render /*", test_jpeg(&j, test_quadrant),
           "[{\"box\":[0,100,100,200],\"text\":\"Text\"}]", NULL);
    ok(run.rc == IMGP_OK && p.width == 100 && p.height == 200
       && strcmp(run.task.outputs[0].type, "image/jpeg") == 0,
       "upright, in the format it came in");

    render("render /*", rgb(), "[{\"box\":[-50,-50,100,500],\"text\":\"A\"},"
           "{\"box\":[150,50,500,500],\"text\":\"B\"}]", NULL);
    ok(test_changed(0, 0, 50, 100) > 100 && test_changed(150, 50, 200, 100)
       > 100 && test_changed(50, 0, 150, 100) == 0, "boxes that jut out");
}


static void
test_colours(void)
{
    imgp_uint_t  i;

    static const char  both[] = "[{\"box\":[10,20,80,50],\"text\":\"HHH\"},"
                                "{\"box\":[110,20,80,50],\"text\":\"HHH\"}]";
    static const int   types[] = {
        PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB_ALPHA
    };

    for (i = 0; i < imgp_nelts(types); i++) {
        render("render /*", halves(types[i]), both, NULL);
        ok(test_most(0, 100, 0, 1) < 20 && test_most(100, 200, 0, 0) > 235,
           "black on light, white on dark, PNG of type %d", types[i]);
    }

    render("render /* color=#ff0080", halves(PNG_COLOR_TYPE_GRAY), both,
           NULL);
    ok(test_most(100, 200, 0, 0) > 235 && test_most(0, 100, 1, 1) < 20
       && test_most(100, 200, 1, 0) == 20 && test_most(100, 200, 2, 0) > 110,
       "a colour that was asked for, on gray");

    render("render /* align=end", rgb(), "[[0,40,200,20]]", "\"HH\"");
    ok(test_changed(0, 0, 150, 100) == 0 && test_most(150, 200, 0, 0) > 235,
       "what lies under the letters counts, not all of the box");
}


static void
test_polygons(void)
{
    /* along the diagonal: corners of the box around it stay empty */

    render("render /*", rgb(), "[{\"text\":\"Diagonal\",\"text_region\":"
           "[[20,10],[95,85],[85,95],[10,20]]}]", NULL);
    ok(test_changed(10, 10, 95, 95) > 100, "a turned box");
    is_int(test_changed(60, 10, 95, 45) + test_changed(10, 60, 45, 95), 0,
           "in its direction");

    render("render /*", rgb(), "[{\"text\":\"Text\",\"points\":"
           "[[10,10],[90,10],[95,50],[90,90],[10,90]]}]", NULL);
    ok(test_changed(10, 10, 95, 90) > 100
       && test_changed(10, 10, 95, 90) == test_changed(0, 0, 200, 100),
       "of other polygons the rectangle around them");
}


static void
test_documents(void)
{
    uint32_t  n;

    render("render /*", rgb(), "[{\"box\":[10,20,80,30],\"text\":\"Text\"}]",
           NULL);
    n = test_changed(0, 0, 200, 100);

    render("render /results/0/*/text_region text=/data/translations/*/t",
           rgb(), "{\"results\":[[{\"text\":\"x\",\"text_region\":"
           "[[10,20],[90,20],[90,50],[10,50]]}]]}",
           "{\"data\":{\"translations\":[{\"t\":\"Text\"}]}}");
    is_int(test_changed(0, 0, 200, 100), n, "texts of another document");

    render("render /b/* text=/t/*", rgb(),
           "{\"b\":[[10,20,80,30]],\"t\":[\"Text\"]}", NULL);
    is_int(test_changed(0, 0, 200, 100), n, "two lists of one document");

    render("render /*", rgb(), "[[10,20,80,30]]", "\"Text\"");
    is_int(test_changed(0, 0, 200, 100), n, "a document that is a text");

    render("render /* align=start", rgb(), "[[0,20,100,20]]", "\"i\"");
    ok(test_changed(0, 20, 20, 40) > 0 && test_changed(20, 20, 100, 40) == 0,
       "align");

    render("render /* font=monospace lang=ja", rgb(), "[[0,20,100,50]]",
           "\"ii\"");
    ok(test_changed(0, 0, 100, 100) > 0, "font and language");
}


static void
test_refusals(void)
{
    imgp_uint_t  i;

    static const char  *bad[][4] = {
        { "render /*", "[{\"box\":[0,0,9,9]}]", NULL,
          "value 0 selected has no member \"text\"" },
        { "render /*", "[{\"text\":\"a\"}]", NULL, NULL },
        { "render /*", "[[0,0,9,9],[0,0,9,9]]", "[\"a\"]",
          "2 boxes and 1 texts: there must be as many" },
        { "render /*", "[{\"box\":[0,200,9,9],\"text\":\"a\"}]", NULL,
          "box 0 holds no pixel of the 200x100 image" },
        { "render /*", "[", NULL, NULL }
    };

    for (i = 0; i < imgp_nelts(bad); i++) {
        render(bad[i][0], rgb(), bad[i][1], bad[i][2]);
        is_int(run.task.error.code, IMGP_E_BAD_PARAM, "%s", bad[i][1]);
        is_str(run.task.error.detail,
               bad[i][3] ? bad[i][3] : run.task.error.detail, "and why");
    }

    render("render /*", test_copy((u_char *) "GIF89a", 6), "[]", NULL);
    is_int(run.task.error.code, IMGP_E_TYPE, "no picture that can be read");
}


static void
test_failures(void)
{
    imgp_str_t  s;

    s = rgb();
    test_fails("render /*", s, "[{\"box\":[1,2,30,40],\"text\":\"a\"}]");
    free(s.data);
}
