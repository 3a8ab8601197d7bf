
/*
 * Adam7: the rows of an interlaced file are those of the same picture stored
 * plainly, at every small size, where passes are empty; half of it is kept in
 * memory; a canceled job ends in the midst of the first passes.  Every form of
 * pixels, and damage, against libpng: test_png_rows.c.
 */


#include "imgp_run.h"
#include "imgp_work_test.h"
#include <imgp/imgp_reader.h>


#define TEST_SIDE  1024


/* all rows, one after the other; NULL: refused */

static u_char *
test_rows(const imgp_work_t *work, imgp_str_t s, size_t *len)
{
    u_char         *data;
    uint32_t        y;
    imgp_int_t      rc;
    imgp_reader_t  *reader;

    data = NULL;

    if (imgp_reader_open((imgp_work_t *) work, &s, &reader) != IMGP_OK) {
        return NULL;
    }

    rc = imgp_reader_start(reader, 0, 0);

    if (rc == IMGP_OK) {
        *len = reader->rows.stride * reader->rows.height;
        data = malloc(*len);
    }

    for (y = 0; y < reader->rows.height && rc == IMGP_OK; y++) {
        rc = imgp_reader_row(reader, data + y * reader->rows.stride);
    }

    if (rc == IMGP_OK) {
        rc = imgp_reader_finish(reader);
    }

    imgp_reader_close(reader);

    if (rc != IMGP_OK) {
        free(data);
        return NULL;
    }

    return data;
}


static int
test_same(uint32_t width, uint32_t height)
{
    int           good;
    size_t        plain, laced;
    u_char       *a, *b;
    imgp_str_t    s;
    test_png_t    png = { .width = width, .height = height, .type = 6,
                          .depth = 8 };
    test_work_t   tw;

    s = test_png(&png, test_photo);
    a = test_rows(test_work(&tw), s, &plain);
    free(s.data);

    png.interlaced = 1;
    s = test_png(&png, test_photo);
    b = test_rows(test_work(&tw), s, &laced);
    free(s.data);

    good = a != NULL && b != NULL && plain == laced
           && memcmp(a, b, plain) == 0 && tw.work.used == 0;

    free(a);
    free(b);

    return good;
}


static void
test_memory(void)
{
    size_t        len, whole;
    u_char       *data;
    uint32_t      cancel;
    imgp_str_t    s;
    test_png_t    png = { .width = TEST_SIDE, .height = TEST_SIDE, .type = 6,
                          .depth = 8, .interlaced = 1 };
    test_work_t   tw;

    s = test_png(&png, test_photo);
    whole = TEST_SIDE * TEST_SIDE * 4;

    (void) test_work(&tw);
    tw.task.max_memory = whole * 3 / 4;
    data = test_rows(&tw.work, s, &len);
    ok(data != NULL, "three quarters of its size are enough");
    free(data);

    (void) test_work(&tw);
    tw.task.max_memory = whole / 2;
    ok(test_rows(&tw.work, s, &len) == NULL
       && tw.task.error.code == IMGP_E_LIMIT, "half of it is too little");
    is_int(tw.work.used, 0, "and all is given back");

    (void) test_work(&tw);
    cancel = 1;
    tw.task.cancel = &cancel;
    ok(test_rows(&tw.work, s, &len) == NULL
       && tw.task.error.code == IMGP_E_CANCELED, "canceled");

    free(s.data);
}


int
main(void)
{
    uint32_t  width, height, wrong;

    wrong = 0;

    for (width = 1; width <= 18; width++) {
        for (height = 1; height <= 18; height++) {
            wrong += !test_same(width, height);
        }
    }

    is_int(wrong, 0, "sizes 1x1 to 18x18");

    test_memory();

    return done();
}
