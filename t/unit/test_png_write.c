
/*
 * The PNG writer: the least colour type that holds the picture, 8 bits; and
 * files that are, within a percent, no larger than those of libpng at its
 * slowest (level 9, all filters, which is what Pillow's optimize=True does).
 * The pictures are of all the kinds that compress in different ways: drawings
 * with smooth edges and gradients, pages of text, cut-outs, noise, photographs
 * (those of the corpus where it is there), and tiny ones.
 */


#include <math.h>
#include "imgp_run.h"
#include "imgp_load.h"


static void test_types(void);
static void test_kinds(void);
static void test_tiny(void);
static void test_corpus(void);
static int test_small(const char *name, imgp_str_t s, imgp_uint_t spare);
static size_t test_libpng(const test_pixels_t *p, int type);


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
    test_types();
    test_kinds();
    test_tiny();
    test_corpus();

    return done();
}


static void
test_types(void)
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
}


/* arcs with smooth edges and colours that change along them, on nothing */

static uint32_t
test_arcs(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    int     i;
    double  d, a, over, color, t;

    color = 0;
    over = 0;
    t = (x + y) / (double) (w + h);

    for (i = 0; i < 5; i++) {
        d = fabs(hypot(x - w * (0.3 + 0.1 * i), y - h * (0.6 - 0.07 * i))
                 - w * (0.12 + 0.05 * i));
        a = fmin(fmax(w * 0.025 - d, 0), 1);
        over += a * (1 - over);
        color += a * (255 * fabs(sin(i * 2 + c * 1.3 + t * (1 + i))) - color);
    }

    return (c == 3) ? over * max : (over > 0) ? color * max / 255 : 0;
}


static uint32_t
test_gradient(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    double  v;

    v = (c == 0) ? (double) x / w : (c == 1) ? (1 - (double) x / w) * y / h
        : 0.5 + 0.5 * sin(6.0 * x / w + 3.0 * y / h);

    return (c == 3) ? max : v * max;
}


/* lines of glyphs, grey at their edges, with blanks between the words */

static uint32_t
test_text(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    uint32_t  glyph, v;

    glyph = (x / 9 + y / 19 * 57) * 2654435761u >> 27;
    v = (glyph * 2654435761u + (x % 9) * 40503 + (y % 19) * 30011) >> 13;

    if (y % 19 > 11 || glyph < 6 || x % 9 == 8 || v % 3) {
        return (c == 3) ? 0 : max;
    }

    return (c == 3) ? max : (v / 3 % 4) * max / 6;
}


/* a screenshot: panels, rules, text in one of them */

static uint32_t
test_screen(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    if (y < 40 || x < 180) {
        return (y == 39 || x == 179) ? 90 : (y < 40) ? 40 + c * 30 : 236 + c;
    }

    if (x > w * 2 / 3 && y > h / 2) {
        return test_photo(x, y, c, w, h, max);
    }

    return (x % 200 < 150) ? test_text(x, y, 0, w, h, max) : 250;
}


/* a photograph with round corners */

static uint32_t
test_round(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    double  dx, dy, a;

    dx = fmax(fmax(80.0 - x, x + 81.0 - w), 0);
    dy = fmax(fmax(80.0 - y, y + 81.0 - h), 0);
    a = fmin(fmax(80 - hypot(dx, dy), 0), 1);

    return (c == 3) ? a * max : (a > 0) ? test_photo(x, y, c, w, h, max) : 0;
}


/* a cut-out: a disc of a photograph, most of the picture is empty */

static uint32_t
test_disc(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    double  a;

    a = fmin(fmax((w * 0.3 - hypot(x - w * 0.5, y - h * 0.5)) / 4, 0), 1);

    return (c == 3) ? a * max : (a > 0) ? test_photo(x, y, c, w, h, max) : 0;
}


static uint32_t
test_noise(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    uint32_t  v;

    v = (x * 2654435761u) ^ (y * 2246822519u) ^ (c * 3266489917u);
    v = (v ^ v >> 15) * 2246822519u;
    v = (v ^ v >> 13) * 3266489917u;

    return (v >> 16) % (max + 1);
}


/* few colours in blocks */

static uint32_t
test_blocks(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    uint32_t  v;

    v = (x / 13 * 31 + y / 11 * 17) * 2654435761u >> 28;

    return (c == 3) ? (v ? max : 0) : (v * (c + 3) * 37) % (max + 1);
}


static uint32_t
test_even(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return max;
}


static const struct {
    const char     *name;
    test_pixel_pt   pixel;
} test_pictures[] = {
    { "arcs", test_arcs }, { "gradient", test_gradient },
    { "text", test_text }, { "screen", test_screen },
    { "round corners", test_round }, { "cut-out", test_disc },
    { "photo", test_photo }, { "noise", test_noise },
    { "blocks", test_blocks }, { "even", test_even },
    { "quadrants", test_quadrant }
};


static void
test_kinds(void)
{
    char         name[64];
    imgp_str_t   s;
    test_run_t   run;
    imgp_uint_t  i, k;

    static const struct { int type; const char *name; } forms[] = {
        { PNG_COLOR_TYPE_RGB_ALPHA, "RGBA" }, { PNG_COLOR_TYPE_RGB, "RGB" },
        { PNG_COLOR_TYPE_GRAY, "gray" }
    };

    for (i = 0; i < imgp_nelts(test_pictures); i++) {
        for (k = 0; k < imgp_nelts(forms); k++) {
            test_png_t  t = { .width = 700, .height = 500, .depth = 8,
                              .type = forms[k].type };

            snprintf(name, sizeof(name), "%s, %s", test_pictures[i].name,
                     forms[k].name);

            test_small(name, test_png(&t, test_pictures[i].pixel), 0);
        }
    }

    for (k = 0; k < 2; k++) {
        test_png_t  t = { .width = 400, .height = 300, .depth = 16,
                          .type = forms[k + 1].type };

        test_init(&run);
        s = test_png(&t, test_gradient);
        test_op(&run, "encode png", s);
        free(s.data);

        s = test_copy(run.task.outputs[0].data, run.task.outputs[0].len);
        imgp_op_free(&run.task);

        test_small("of 16 bits", s, 0);
    }
}


static void
test_tiny(void)
{
    uint32_t     w, h, wrong;
    imgp_uint_t  i;

    wrong = 0;

    for (w = 1; w <= 67; w += 1 + w / 6) {
        for (h = 1; h <= 40; h += 1 + h / 3) {
            for (i = 0; i < imgp_nelts(test_pictures); i++) {
                test_png_t  t = { .width = w, .height = h, .depth = 8,
                                  .type = (w & 1) ? PNG_COLOR_TYPE_RGB
                                                  : PNG_COLOR_TYPE_RGB_ALPHA };

                wrong += !test_small(NULL,
                                     test_png(&t, test_pictures[i].pixel),
                                     48);
            }
        }
    }

    is_int(wrong, 0, "1x1 to 67x40: the same pixels, no larger");
}


static void
test_corpus(void)
{
    imgp_str_t   s;
    test_run_t   run;
    imgp_uint_t  i;

    static const char  *files[] = {
        "10_shot_rgb.png", "12_cut4_rgba.png", "13_cut10_rgba.png",
        "18_pal.png", "19_pal_trns.png", "08_m3_420.jpg", "07_m8_420.jpg",
        "21_m10_dense.jpg", "16_m10_gray.jpg", "09_s_900.jpg"
    };

    for (i = 0; i < imgp_nelts(files); i++) {
        s = test_load(files[i]);

        if (s.data == NULL) {
            skip("no %s", files[i]);
            continue;
        }

        test_init(&run);
        test_op(&run, "encode png max=1024", s);
        free(s.data);

        s = test_copy(run.task.outputs[0].data, run.task.outputs[0].len);
        imgp_op_free(&run.task);

        test_small(files[i], s, 0);
    }
}


/*
 * The same pixels out, but none behind what is transparent, and no larger; or
 * no more than a thousandth of the pixels' own bytes, where there is next to
 * nothing in a picture.  Name NULL: quiet where all is well.
 */

static int
test_small(const char *name, imgp_str_t s, imgp_uint_t spare)
{
    int               good, type;
    size_t            i, ours, theirs;
    test_run_t        run;
    test_pixels_t     got, want;
    imgp_op_output_t  in;

    memset(&in, 0, sizeof(imgp_op_output_t));
    in.data = s.data;
    in.len = s.len;
    in.type = "image/png";

    want = test_read(&in);

    for (i = 0; i < (size_t) want.width * want.height; i++) {
        if (want.rgba[4 * i + 3] == 0) {
            memset(want.rgba + 4 * i, 0, 4);
        }
    }

    test_init(&run);
    test_op(&run, "encode png", s);

    got = test_read(&run.task.outputs[0]);
    ours = run.task.outputs[0].len;
    type = run.task.outputs[0].data[25];
    theirs = test_libpng(&want, type);

    good = got.width == want.width && got.height == want.height
           && memcmp(got.rgba, want.rgba, (size_t) want.width * want.height
                                          * 4) == 0
           && ours <= theirs + imgp_max(theirs / 100, i * 3 / 1000) + spare;

    if (name != NULL || !good) {
        ok(good, "%s: %zu bytes, libpng at its best %zu (%ux%u, type %d)",
           name ? name : "a tiny one", ours, theirs, want.width, want.height,
           type);
    }

    imgp_op_free(&run.task);
    free(got.rgba);
    free(want.rgba);
    free(s.data);

    return good;
}


static size_t
test_libpng(const test_pixels_t *p, int type)
{
    u_char         *row;
    uint32_t        x, y, c, nc;
    png_infop       info;
    png_structp     png;
    test_buffer_t   b;

    static const u_char  from[7][4] = {
        { 0 }, { 0 }, { 0, 1, 2 }, { 0 }, { 0, 3 }, { 0 }, { 0, 1, 2, 3 }
    };

    memset(&b, 0, sizeof(b));
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    info = png_create_info_struct(png);

    png_set_write_fn(png, &b, test_png_write, NULL);
    png_set_IHDR(png, info, p->width, p->height, 8, type, 0, 0, 0);
    png_set_compression_level(png, 9);
    png_set_compression_mem_level(png, 9);
    png_set_filter(png, 0, PNG_ALL_FILTERS);
    png_write_info(png, info);

    nc = png_get_channels(png, info);
    row = malloc((size_t) p->width * nc);

    for (y = 0; y < p->height; y++) {
        for (x = 0; x < p->width; x++) {
            for (c = 0; c < nc; c++) {
                row[x * nc + c] = p->rgba[((size_t) y * p->width + x) * 4
                                          + from[type][c]];
            }
        }

        png_write_row(png, row);
    }

    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
    free(b.data);

    return b.len;
}
