
/*
 * The interface of the decoders: what is known before anything is decoded.
 */


#include "imgp_picture.h"
#include <imgp/imgp_reader.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static void test_heads(void);
static void test_pitches(void);
static void test_unknown(void);


int
main(void)
{
    task.alloc = &imgp_malloc;
    task.max_pixels = 1000000;
    task.ninputs = 1;
    work.task = &task;

    test_heads();
    test_pitches();
    test_unknown();

    return done();
}


static void
test_heads(void)
{
    imgp_str_t      s;
    test_png_t      p = { .width = 30, .height = 20, .depth = 16,
                          .type = PNG_COLOR_TYPE_GRAY, .trns = 1,
                          .orientation = 4 };
    test_jpeg_t     j = { .width = 31, .height = 17, .components = 4,
                          .in = JCS_CMYK, .stored = JCS_YCCK,
                          .orientation = 7 };
    imgp_reader_t  *r;

    s = test_png(&p, test_gray);
    is_int(imgp_reader_open(&work, &s, &r), IMGP_OK, "PNG");
    ok(r->format == IMGP_FORMAT_PNG && r->full_width == 30
       && r->full_height == 20 && r->rows.space == IMGP_SPACE_GRAY
       && r->rows.alpha && r->rows.depth == 16 && r->orientation == 4
       && r->icc.len == 0, "and its head");
    imgp_reader_close(r);
    free(s.data);

    s = test_jpeg(&j, test_quadrant);
    is_int(imgp_reader_open(&work, &s, &r), IMGP_OK, "JPEG");
    ok(r->format == IMGP_FORMAT_JPEG && r->full_width == 31
       && r->full_height == 17 && r->rows.space == IMGP_SPACE_CMYK
       && !r->rows.alpha && r->rows.depth == 8 && r->orientation == 7,
       "and its head");
    imgp_reader_close(r);
    free(s.data);

    is_int(work.used, 0, "all memory given back");
}


/* scaled decoding leaves at least twice the target, in both directions */

static void
test_pitches(void)
{
    imgp_str_t      s;
    imgp_uint_t     i;
    test_jpeg_t     j = { .width = 801, .height = 401 };
    imgp_reader_t  *r;

    static const struct { uint32_t w, h, pitch; } targets[] = {
        { 0, 0, 1 }, { 801, 401, 1 }, { 201, 100, 1 }, { 200, 100, 2 },
        { 200, 101, 1 }, { 101, 50, 2 }, { 100, 50, 4 }, { 50, 25, 8 },
        { 1, 1, 8 }, { 1, 401, 1 }
    };

    s = test_jpeg(&j, test_quadrant);

    for (i = 0; i < imgp_nelts(targets); i++) {
        imgp_reader_open(&work, &s, &r);
        imgp_reader_start(r, targets[i].w, targets[i].h);

        ok(r->pitch == targets[i].pitch
           && r->rows.width == (801 + r->pitch - 1) / r->pitch
           && r->rows.height == (401 + r->pitch - 1) / r->pitch,
           "801x401 for %ux%u: pitch %u", targets[i].w, targets[i].h,
           r->pitch);

        imgp_reader_close(r);
    }

    free(s.data);
}


static void
test_unknown(void)
{
    imgp_uint_t     i;
    imgp_reader_t  *r;

    static const imgp_str_t  texts[] = {
        imgp_string(""), imgp_string("\xff\xd8"), imgp_string("GIF89a"),
        imgp_string("\x89PNG\r\n\x1a"), imgp_string("<svg>")
    };

    static const struct { imgp_str_t data; const char *name; } named[] = {
        { imgp_string("\0\0\0\x1c" "ftypavif\0\0\0\0"), "AVIF" },
        { imgp_string("\0\0\0\x18" "ftypheic\0\0\0\0"), "HEIC" },
        { imgp_string("\0\0\0\x18" "ftypmif1\0\0\0\0"), "HEIF" },
        { imgp_string("\xff\x0a\xfa\x7f"), "JPEG XL" },
        { imgp_string("GIF89a"), "GIF" },
        { imgp_string("II*\0\x08\0\0\0"), "TIFF" }
    };

    for (i = 0; i < imgp_nelts(texts); i++) {
        task.error.code = IMGP_E_NONE;
        ok(imgp_reader_open(&work, &texts[i], &r) == IMGP_ERROR && r == NULL
           && task.error.code == IMGP_E_TYPE, "no image of ours, %u",
           (unsigned) i);
    }

    for (i = 0; i < imgp_nelts(named); i++) {
        task.error.code = IMGP_E_NONE;
        ok(imgp_reader_open(&work, &named[i].data, &r) == IMGP_ERROR
           && task.error.code == IMGP_E_TYPE
           && strstr(task.error.detail, named[i].name) != NULL, "%s",
           task.error.detail);
    }

    imgp_reader_close(NULL);
}
