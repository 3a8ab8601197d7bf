
/*
 * Real pictures, from cameras and other people's encoders: each decodes, to
 * the right size, type and content.  Skipped where the corpus is absent.
 */


#include <math.h>
#include "imgp_run.h"
#include "imgp_load.h"


static double test_psnr(const test_pixels_t *a, const test_pixels_t *b);
static void test_files(void);
static void test_phone(void);
static void test_twins(const char *a, const char *b, double least);


int
main(void)
{
    imgp_str_t  s;

    s = test_load("09_s_900.jpg");

    if (s.data == NULL) {
        skip("no corpus; IMGP_CORPUS tells where it is");
        return done();
    }

    free(s.data);

    test_files();
    test_phone();

    /* the same pictures, quantized to 256 colours */

    test_twins("10_shot_rgb.png", "18_pal.png", 35);
    test_twins("12_cut4_rgba.png", "19_pal_trns.png", 30);

    return done();
}


static void
test_files(void)
{
    imgp_str_t   s;
    test_run_t   run;
    imgp_uint_t  i;

    static const struct {
        const char  *name;
        uint32_t     width;
        uint32_t     height;
        const char  *type;
    } files[] = {
        { "03_p16_prog.jpg", 1024, 576, "image/jpeg" },
        { "04_p12_exif6.jpg", 768, 1024, "image/jpeg" },
        { "06_m6_422.jpg", 1024, 682, "image/jpeg" },
        { "07_m8_420.jpg", 1024, 576, "image/jpeg" },
        { "08_m3_420.jpg", 1024, 683, "image/jpeg" },
        { "09_s_900.jpg", 900, 506, "image/jpeg" },
        { "10_shot_rgb.png", 1024, 640, "image/jpeg" },
        { "12_cut4_rgba.png", 1024, 693, "image/png" },
        { "13_cut10_rgba.png", 1024, 683, "image/png" },
        { "16_m10_gray.jpg", 1024, 683, "image/jpeg" },
        { "17_m8_cmyk.jpg", 1024, 576, "image/jpeg" },
        { "18_pal.png", 1024, 640, "image/jpeg" },
        { "19_pal_trns.png", 1024, 693, "image/png" },
        { "21_m10_dense.jpg", 1024, 683, "image/jpeg" }
    };

    for (i = 0; i < imgp_nelts(files); i++) {
        s = test_load(files[i].name);

        test_init(&run);
        test_op(&run, "encode auto max=1024", s);

        ok(run.rc == IMGP_OK && run.task.outputs[0].width == files[i].width
           && run.task.outputs[0].height == files[i].height
           && strcmp(run.task.outputs[0].type, files[i].type) == 0,
           "%s: %ux%u %s%s", files[i].name, files[i].width, files[i].height,
           files[i].type, run.rc ? run.task.error.detail : "");

        imgp_op_free(&run.task);
        free(s.data);
    }
}


/* a photo that was taken with the phone held upright, against libjpeg's DC */

static void
test_phone(void)
{
    u_char                         *row;
    uint32_t                        x, y;
    imgp_str_t                      s;
    test_pixels_t                   got, want;
    struct jpeg_error_mgr           err;
    struct jpeg_decompress_struct   cinfo;

    s = test_load("04_p12_exif6.jpg");

    cinfo.err = jpeg_std_error(&err);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, s.data, s.len);
    jpeg_read_header(&cinfo, TRUE);
    cinfo.scale_num = 1;
    cinfo.scale_denom = 8;
    jpeg_start_decompress(&cinfo);

    want.width = cinfo.output_height;
    want.height = cinfo.output_width;
    want.rgba = malloc(want.width * want.height * 4);
    row = malloc(cinfo.output_width * 3);

    for (y = 0; y < want.width; y++) {
        jpeg_read_scanlines(&cinfo, &row, 1);

        for (x = 0; x < want.height; x++) {
            u_char  *p = want.rgba + (x * want.width + want.width - 1 - y) * 4;

            memcpy(p, row + 3 * x, 3);
            p[3] = 255;
        }
    }

    jpeg_finish_decompress(&cinfo);
    jpeg_destroy_decompress(&cinfo);
    free(row);

    got = test_pixels("encode png max=504", s);

    ok(got.width == 378 && got.height == 504 && want.width == 378
       && test_psnr(&got, &want) > 25, "the phone's photo is upright: %.2f dB",
       test_psnr(&got, &want));

    free(got.rgba);
    free(want.rgba);
}


static void
test_twins(const char *a, const char *b, double least)
{
    double         db;
    test_pixels_t  p, q;

    p = test_pixels("encode png max=600", test_load(a));
    q = test_pixels("encode png max=600", test_load(b));

    db = test_psnr(&p, &q);

    ok(db > least, "%s is as %s: %.2f dB", b, a, db);

    free(p.rgba);
    free(q.rgba);
}


/* as seen over white */

static double
test_psnr(const test_pixels_t *a, const test_pixels_t *b)
{
    size_t   i, c, n;
    double   d, sum;

    if (a->width != b->width || a->height != b->height) {
        return 0;
    }

    n = (size_t) a->width * a->height;
    sum = 0;

    for (i = 0; i < n; i++) {
        for (c = 0; c < 3; c++) {
            d = (a->rgba[4 * i + c] - 255.0) * a->rgba[4 * i + 3]
                - (b->rgba[4 * i + c] - 255.0) * b->rgba[4 * i + 3];
            sum += d * d / (255 * 255);
        }
    }

    return 10 * log10(255.0 * 255 / (sum / (3 * n) + 1e-9));
}
