
/*
 * The PNG reader against libpng's own: the same samples for every colour
 * type, depth, key and width, and the same verdict on thousands of files that
 * were damaged, with CRCs put right so that the damage gets to the decoder.
 */


#include <zlib.h>
#include "imgp_run.h"
#include "imgp_load.h"
#include "imgp_fixture.h"
#include "imgp_work_test.h"
#include <imgp/imgp_icc.h>
#include <imgp/imgp_reader.h>


#define TEST_MUTANTS  4000


typedef struct {
    u_char        *data;              /* NULL: refused */
    size_t         len;
} test_rows_t;


typedef struct {
    jmp_buf        jmp;
    imgp_str_t     rest;
    int            warned;            /* of compressed data not whole */
} test_png_in_t;


static void test_forms(void);
static void test_mutants(void);
static void test_corpus(void);


int
main(void)
{
    test_forms();
    test_mutants();
    test_corpus();

    return done();
}


static test_rows_t
test_ours(imgp_str_t s)
{
    uint32_t        y;
    imgp_int_t      rc;
    test_rows_t     out = { NULL, 0 };
    test_work_t     tw;
    imgp_work_t    *work;
    imgp_reader_t  *reader;

    work = test_work(&tw);
    tw.task.max_pixels = 4000000 * 10;

    if (imgp_reader_open(work, &s, &reader) != IMGP_OK) {
        return out;
    }

    out.len = reader->rows.stride * reader->rows.height;
    out.data = malloc(out.len);

    rc = imgp_reader_start(reader, 0, 0);

    for (y = 0; y < reader->rows.height && rc == IMGP_OK; y++) {
        rc = imgp_reader_row(reader, out.data + y * reader->rows.stride);
    }

    if (rc == IMGP_OK) {
        rc = imgp_reader_finish(reader);
    }

    imgp_reader_close(reader);

    if (rc != IMGP_OK) {
        free(out.data);
        out.data = NULL;
    }

    if (tw.work.used != 0) {
        printf("# %zu bytes are left\n", tw.work.used);
        abort();
    }

    return out;
}


static void
test_on_read(png_structp png, png_bytep p, size_t len)
{
    test_png_in_t  *in = png_get_io_ptr(png);

    if (len > in->rest.len) {
        longjmp(in->jmp, 1);
    }

    memcpy(p, in->rest.data, len);
    in->rest.data += len;
    in->rest.len -= len;
}


static void
test_on_error(png_structp png, png_const_charp text)
{
    test_png_in_t  *in = png_get_error_ptr(png);

    longjmp(in->jmp, 1);
}


static void
test_on_warning(png_structp png, png_const_charp text)
{
    test_png_in_t  *in = png_get_error_ptr(png);

    in->warned |= strstr(text, "IDAT") != NULL
                  || strstr(text, "compressed data") != NULL;
}


static test_rows_t
test_libpng(imgp_str_t s, int *warned)
{
    size_t                 stride;
    int                    passes;
    uint32_t               y, height;
    png_infop              info;
    png_structp            png;
    test_png_in_t          in;
    test_rows_t volatile   out = { NULL, 0 };

    in.rest = s;
    in.warned = 0;
    *warned = 0;
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &in, test_on_error,
                                 test_on_warning);
    info = png_create_info_struct(png);

    if (setjmp(in.jmp)) {
        free(out.data);
        out.data = NULL;
        png_destroy_read_struct(&png, &info, NULL);
        return out;
    }

    png_set_read_fn(png, &in, test_on_read);
    png_set_user_limits(png, 65500, 65500);
    png_set_chunk_malloc_max(png, IMGP_ICC_MAX);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(png, info);
    png_set_swap(png);
    png_set_expand(png);
    passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);

    height = png_get_image_height(png, info);
    stride = png_get_rowbytes(png, info);
    out.len = stride * height;
    out.data = malloc(out.len);

    for ( /* void */ ; passes > 0; passes--) {
        for (y = 0; y < height; y++) {
            png_read_row(png, out.data + y * stride, NULL);
        }
    }

    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    *warned = in.warned;

    return out;
}


/* but what libpng warns of is refused: see imgp_png_rows.c */

static int
test_agree(imgp_str_t s)
{
    int          good, warned;
    test_rows_t  a, b;

    a = test_ours(s);
    b = test_libpng(s, &warned);

    good = ((a.data == NULL) == (b.data == NULL) || (a.data == NULL && warned))
           && (a.data == NULL
               || (a.len == b.len && memcmp(a.data, b.data, a.len) == 0));

    free(a.data);
    free(b.data);

    return good;
}


/* indices past the palette's end too */

static uint32_t
test_wild(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (x * 2654435761u ^ y * 2246822519u ^ c * 3266489917u) >> 11
           & ((y & 4) ? 3 : max);
}


static void
test_forms(void)
{
    imgp_str_t   s;
    uint32_t     i, w, trns, lace, wrong;

    static const struct { int type, depth; const char *name; } forms[] = {
        { 0, 1, "gray" }, { 0, 2, "gray" }, { 0, 4, "gray" },
        { 0, 8, "gray" }, { 0, 16, "gray" }, { 2, 8, "RGB" },
        { 2, 16, "RGB" }, { 3, 1, "palette" }, { 3, 2, "palette" },
        { 3, 4, "palette" }, { 3, 8, "palette" }, { 4, 8, "gray, alpha" },
        { 4, 16, "gray, alpha" }, { 6, 8, "RGBA" }, { 6, 16, "RGBA" }
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        for (trns = 0; trns < (forms[i].type < 4 ? 2u : 1u); trns++) {
            for (w = 2, wrong = 0; w < 2 * 68; w++) {
                lace = w % 2;

                test_png_t  t = { .width = w / 2, .height = 1 + w / 2 % 19,
                                  .type = forms[i].type, .trns = trns,
                                  .depth = forms[i].depth,
                                  .interlaced = lace };

                s = test_png(&t, w / 2 % 2 ? test_wild : test_photo);
                wrong += !test_agree(s);
                free(s.data);
            }

            is_int(wrong, 0, "%s %d%s, widths 1..67, Adam7 too", forms[i].name,
                   forms[i].depth, trns ? ", key" : "");
        }
    }
}


static void
test_repair(imgp_str_t s)
{
    size_t    at, n;
    uint32_t  crc;

    for (at = 8; at + 12 <= s.len; at += 12 + n) {
        n = png_get_uint_32(s.data + at);

        if (n > s.len - at - 12) {
            return;
        }

        crc = crc32(crc32(0, NULL, 0), s.data + at + 4, n + 4);
        png_save_uint_32(s.data + at + 8 + n, crc);
    }
}


static void
test_mutants(void)
{
    int          good;
    FILE        *f;
    uint32_t     i, k, n, refused, wrong;
    uint64_t     seed;
    imgp_str_t   s;
    test_rows_t  r;

    seed = 2026;
    refused = 0;
    wrong = 0;

    for (i = 0; i < TEST_MUTANTS; i++) {
        test_png_t  t = { .width = 1 + i % 41, .height = 1 + i % 23,
                          .type = i % 3 == 0 ? 2 : i % 3 == 1 ? 3 : 6,
                          .depth = 8, .trns = i % 5 == 0 && i % 3 < 2,
                          .interlaced = i % 7 < 3 };

        s = test_png(&t, i % 2 ? test_wild : test_quadrant);

        switch (i % 4) {

        case 0:                       /* cut off */
            s.len = fix_random(&seed) % s.len;
            break;

        case 1:                       /* a piece moved */
            n = fix_random(&seed) % (s.len / 2);
            k = fix_random(&seed) % (s.len - n);
            memmove(s.data + k, s.data + fix_random(&seed) % (s.len - n), n);
            break;

        default:
            for (k = 0; k < 1 + i / 4 % 3; k++) {
                s.data[8 + fix_random(&seed) % (s.len - 8)]
                    ^= 1 << fix_random(&seed) % 8;
            }
        }

        if (i % 8 != 7) {
            test_repair(s);
        }

        /* exact, so that reading past the end is seen */

        s.data = realloc(s.data, s.len ? s.len : 1);

        good = test_agree(s);

        if (!good && wrong < 5) {
            char  name[64];

            snprintf(name, sizeof(name), "/tmp/test_png_rows.%u.png", i);
            printf("# mutant %u differs\n", i);

            f = getenv("IMGP_KEEP") ? fopen(name, "wb") : NULL;

            if (f != NULL) {
                fwrite(s.data, 1, s.len, f);
                fclose(f);
            }
        }

        wrong += !good;
        r = test_ours(s);
        refused += (r.data == NULL);
        free(r.data);
        free(s.data);
    }

    is_int(wrong, 0, "%u damaged files, %u of them refused", TEST_MUTANTS,
           refused);
    ok(refused > TEST_MUTANTS / 2 && refused < TEST_MUTANTS,
       "some of the damage is not seen");
}


static void
test_corpus(void)
{
    imgp_str_t   s;
    imgp_uint_t  i;

    static const char  *files[] = {
        "10_shot_rgb.png", "12_cut4_rgba.png", "13_cut10_rgba.png",
        "18_pal.png", "19_pal_trns.png"
    };

    for (i = 0; i < imgp_nelts(files); i++) {
        s = test_load(files[i]);

        if (s.data == NULL) {
            skip("no %s", files[i]);
            continue;
        }

        ok(test_agree(s), "%s", files[i]);
        free(s.data);
    }
}
