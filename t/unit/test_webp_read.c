
/*
 * The WebP reader, through the operations: pictures made with libwebp, with
 * alpha, profile, orientation, and animated; what is truncated or damaged is
 * refused.  Where libwebp is absent every WebP is refused in so many words.
 */


#include "imgp_run.h"
#include "imgp_fixture.h"
#include <imgp/imgp_webp.h>


/* RIFF, WEBP, a lossless picture of 1x1 */

static const u_char  test_dot[] =
    "RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88"
    "\xfe\x07\0";


#if (IMGP_HAVE_WEBP)

#include <webp/encode.h>


static imgp_str_t
test_webp(uint32_t w, uint32_t h, int alpha, int lossless,
    test_pixel_pt pixel)
{
    u_char      *p, *out;
    size_t       n;
    uint32_t     x, y, c;
    imgp_str_t   s;

    p = malloc((size_t) w * h * 4);

    for (y = 0; y < h; y++) {
        for (x = 0; x < w; x++) {
            for (c = 0; c < 4; c++) {
                p[(y * w + x) * 4 + c] =
                    (c == 3) ? (alpha && x < w / 2 ? 0 : 255)
                             : pixel(x, y, c, w, h, 255);
            }
        }
    }

    n = lossless ? WebPEncodeLosslessRGBA(p, w, h, w * 4, &out)
                 : WebPEncodeRGBA(p, w, h, w * 4, 95, &out);

    s = test_copy(out, n);
    WebPFree(out);
    free(p);

    return s;
}


static void
test_chunk(u_char **at, const char *type, const u_char *data, uint32_t n)
{
    u_char  *p = *at;

    memcpy(p, type, 4);
    p[4] = n;
    p[5] = n >> 8;
    p[6] = n >> 16;
    p[7] = n >> 24;
    memcpy(p + 8, data, n);
    p[8 + n] = 0;
    *at = p + 8 + n + (n & 1);
}


/* a container of its own around the picture of "s", which is freed */

static imgp_str_t
test_extended(imgp_str_t s, uint32_t w, uint32_t h, u_char flags,
    const u_char *exif, uint32_t nexif, int animated)
{
    u_char      *p, *at, vp8x[10] = { flags }, anmf[1 << 16];
    uint32_t     n;
    imgp_str_t   out;

    vp8x[4] = w - 1;
    vp8x[5] = (w - 1) >> 8;
    vp8x[7] = h - 1;
    vp8x[8] = (h - 1) >> 8;

    p = calloc(1, 3 * s.len + nexif + 400);
    memcpy(p, "RIFF\0\0\0\0WEBP", 12);
    at = p + 12;
    test_chunk(&at, "VP8X", vp8x, 10);

    if (animated) {
        test_chunk(&at, "ANIM", (u_char *) "\0\0\0\0\0\0", 6);

        /* at 10,4 of the canvas; its size is that of the quadrants */

        memset(anmf, 0, 16);
        anmf[0] = 5;
        anmf[3] = 2;
        anmf[6] = 39;
        anmf[9] = 23;
        anmf[12] = 100;
        n = s.len - 12;
        memcpy(anmf + 16, s.data + 12, n);
        test_chunk(&at, "ANMF", anmf, n + 16);
        anmf[0] = 0;
        test_chunk(&at, "ANMF", anmf, n + 16);

    } else {
        memcpy(at, s.data + 12, s.len - 12);
        at += s.len - 12;
    }

    if (nexif) {
        test_chunk(&at, "EXIF", exif, nexif);
    }

    n = at - p - 8;
    p[4] = n;
    p[5] = n >> 8;
    p[6] = n >> 16;

    out = test_copy(p, at - p);
    free(p);
    free(s.data);

    return out;
}


static void
test_pictures(void)
{
    int            lossless;
    test_run_t     run;
    imgp_str_t     s;
    test_pixels_t  p;

    for (lossless = 0; lossless < 2; lossless++) {
        p = test_pixels("encode png",
                        test_webp(64, 48, 0, lossless, test_quadrant));
        ok(p.width == 64 && p.height == 48
           && test_corners(&p, "0123", lossless ? 0 : 8), "%s",
           lossless ? "lossless" : "lossy");
        free(p.rgba);

        s = test_webp(63, 45, 1, lossless, test_quadrant);
        test_init(&run);
        test_op(&run, "resize 20x20", s);
        is_str(run.task.outputs[0].type, "image/webp", "resized it stays one");
        ok(run.task.outputs[0].width == 20
           && run.task.outputs[0].height == 14, "of 20x14");
        imgp_op_free(&run.task);
        free(s.data);

        s = test_webp(64, 48, 1, lossless, test_quadrant);
        test_init(&run);
        test_op(&run, "encode auto", s);
        p = test_read(&run.task.outputs[0]);
        is_str(run.task.outputs[0].type, "image/png", "alpha: PNG");
        ok(test_near(&p, 5, 5, 0, 0, 0, 0, 0)
           && test_near(&p, 50, 10, 0, 255, 0, 255, 8), "and it is kept");
        free(p.rgba);
        imgp_op_free(&run.task);
        free(s.data);
    }

    s = test_copy(test_dot, sizeof(test_dot) - 1);
    p = test_pixels("encode png", s);
    ok(p.width == 1 && p.height == 1, "one pixel");
    free(p.rgba);
}


static void
test_containers(void)
{
    u_char         exif[80];
    uint32_t       n, k;
    test_pixels_t  p;

    for (k = 0; k < 2; k++) {
        memcpy(exif, "Exif\0\0", 6);
        n = test_exif(exif + 6 * k, 6, k);

        p = test_pixels("encode png",
                        test_extended(test_webp(40, 24, 0, 1, test_quadrant),
                                      40, 24, 0x08, exif, n + 6 * k, 0));
        ok(p.width == 24 && p.height == 40 && test_corners(&p, "2031", 0),
           "EXIF orientation%s", k ? ", with the prefix of JPEG" : "");
        free(p.rgba);
    }

    p = test_pixels("encode png",
                    test_extended(test_webp(40, 24, 0, 1, test_quadrant), 60,
                                  32, 0x12, NULL, 0, 1));
    ok(p.width == 60 && p.height == 32 && test_near(&p, 2, 2, 0, 0, 0, 0, 0)
       && test_near(&p, 15, 6, 255, 0, 0, 255, 0)
       && test_near(&p, 45, 6, 0, 255, 0, 255, 0),
       "animated: the first frame, where it lies");
    free(p.rgba);
}


static void
test_broken(void)
{
    size_t         cut;
    uint32_t       i, k, wrong, refused;
    uint64_t       seed;
    imgp_str_t     s;
    test_run_t     run;

    for (k = 0, wrong = 0; k < 2; k++) {
        s = test_webp(64, 48, 1, k, test_photo);

        for (cut = 1; cut < s.len; cut += 1 + cut / 20) {
            imgp_str_t  part = test_copy(s.data, cut);

            test_init(&run);
            test_op(&run, "encode png", part);
            wrong += run.rc == IMGP_OK
                     || (run.task.error.code != IMGP_E_BAD_IMAGE
                         && (cut >= 15 || run.task.error.code != IMGP_E_TYPE));
            imgp_op_free(&run.task);
            free(part.data);
        }

        free(s.data);
    }

    is_int(wrong, 0, "cut off anywhere");

    seed = 8;

    for (i = 0, refused = 0; i < 1500; i++) {
        s = test_webp(40, 30, i & 1, i >> 1 & 1, test_photo);

        for (k = 0; k < 3; k++) {
            s.data[fix_random(&seed) % s.len] ^= 1 << fix_random(&seed) % 8;
        }

        test_init(&run);
        run.task.max_pixels = 1000000;
        test_op(&run, "encode png", s);
        refused += run.rc != IMGP_OK;
        imgp_op_free(&run.task);
        free(s.data);
    }

    ok(refused > 50, "damaged: %u of 1500 refused", refused);

    s = test_webp(40, 30, 0, 0, test_photo);
    test_init(&run);
    run.task.max_pixels = 1199;
    test_op(&run, "encode png", s);
    is_int(run.task.error.code, IMGP_E_PIXELS, "too many pixels");

    test_init(&run);
    run.task.max_memory = 500000;
    test_op(&run, "encode png", s);
    is_int(run.task.error.code, IMGP_E_LIMIT, "too much memory");

    test_init(&run);
    run.cancel = 1;
    test_op(&run, "encode png", s);
    is_int(run.task.error.code, IMGP_E_CANCELED, "canceled");
    free(s.data);
}

#endif


int
main(void)
{
#if (IMGP_HAVE_WEBP)
    test_pictures();
    test_containers();
    test_broken();
#else
    test_refused("without libwebp", test_copy(test_dot, sizeof(test_dot) - 1),
                 IMGP_E_TYPE);
#endif

    return done();
}
