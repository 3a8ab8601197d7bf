
/*
 * "encode webp": read back with libwebp; or refused by the configuration
 * where the module does without.
 */


#include <math.h>
#include "imgp_run.h"
#include <imgp/imgp_webp.h>

#if (IMGP_HAVE_WEBP)
#include <webp/decode.h>
#endif


#if (IMGP_HAVE_WEBP)

static test_pixels_t
test_decode(const imgp_op_output_t *o)
{
    int            w, h;
    u_char        *p;
    test_pixels_t  out;

    memset(&out, 0, sizeof(out));

    p = WebPDecodeRGBA(o->data, o->len, &w, &h);
    if (p == NULL) {
        return out;
    }

    out.width = w;
    out.height = h;
    out.rgba = malloc((size_t) w * h * 4);
    memcpy(out.rgba, p, (size_t) w * h * 4);
    WebPFree(p);

    return out;
}


static void
test_types(void)
{
    imgp_str_t     s;
    test_run_t     run;
    imgp_uint_t    i;
    test_pixels_t  p;

    static const struct { int type, trns; const char *name; } forms[] = {
        { PNG_COLOR_TYPE_GRAY, 0, "gray" },
        { PNG_COLOR_TYPE_GRAY_ALPHA, 0, "gray with alpha" },
        { PNG_COLOR_TYPE_RGB, 0, "RGB" },
        { PNG_COLOR_TYPE_RGB, 1, "RGB and a key" },
        { PNG_COLOR_TYPE_RGB_ALPHA, 0, "RGBA, opaque" }
    };

    for (i = 0; i < imgp_nelts(forms); i++) {
        test_png_t  t = { .width = 64, .height = 48, .depth = 8,
                          .type = forms[i].type, .trns = forms[i].trns };

        s = test_png(&t, forms[i].type & 2 ? test_quadrant : test_gray);
        test_init(&run);
        test_op(&run, "encode webp quality=90", s);

        is_str(run.task.outputs[0].type, "image/webp", "%s", forms[i].name);
        p = test_decode(&run.task.outputs[0]);

        if (forms[i].trns) {
            ok(test_near(&p, 10, 10, 0, 0, 0, 0, 0)
               && test_near(&p, 50, 10, 0, 255, 0, 255, 12), "alpha is kept");

        } else if (forms[i].type & 2) {
            ok(test_corners(&p, "0123", 12), "its colours");

        } else {
            ok(test_near(&p, 10, 10, 40, 40, 40, 255, 6)
               && test_near(&p, 50, 40, 220, 220, 220, 255, 6), "its grays");
        }

        free(p.rgba);
        imgp_op_free(&run.task);
        free(s.data);
    }
}


static void
test_quality(void)
{
    size_t       len[3];
    imgp_str_t   s;
    test_run_t   run;
    imgp_uint_t  i;
    test_jpeg_t  t = { .width = 300, .height = 200, .h = 2, .v = 2 };

    static const char  *lines[] = {
        "encode webp quality=20", "encode webp", "encode webp quality=100"
    };

    s = test_jpeg(&t, test_photo);

    for (i = 0; i < 3; i++) {
        test_init(&run);
        test_op(&run, lines[i], s);
        len[i] = run.task.outputs[0].len;
        imgp_op_free(&run.task);
    }

    ok(0 < len[0] && len[0] < len[1] && len[1] < len[2],
       "quality 20, 85, 100: %zu, %zu, %zu bytes", len[0], len[1], len[2]);

    test_init(&run);
    test_op(&run, "encode webp max=100", s);
    ok(run.rc == IMGP_OK && run.task.outputs[0].width == 100
       && run.task.outputs[0].height == 67, "resized, from planes");
    imgp_op_free(&run.task);
    free(s.data);

    {
        test_png_t  wide = { .width = IMGP_WEBP_SIDE_MAX + 1, .height = 1,
                             .depth = 8, .type = PNG_COLOR_TYPE_GRAY };

        s = test_png(&wide, test_gray);
        test_init(&run);
        test_op(&run, "encode webp", s);
        is_int(run.task.error.code, IMGP_E_PIXELS, "%s",
               run.task.error.detail);
        free(s.data);
    }
}


/* each allocation of ours may fail, and nothing is left */

static void
test_faults(void)
{
    long          n, wrong;
    imgp_str_t    s;
    test_run_t    run;
    test_alloc_t  ta;
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };
    test_png_t    t = { .width = 50, .height = 30, .depth = 8,
                        .type = PNG_COLOR_TYPE_GRAY };

    s = test_png(&t, test_gray);
    wrong = 0;

    for (n = 0; n < 1000; n++) {
        ta.left = n;
        ta.live = 0;

        test_init(&run);
        run.task.alloc = &alloc;

        if (test_op(&run, "encode webp", s) == IMGP_OK) {
            break;
        }

        wrong += ta.live != 0 || run.task.error.code != IMGP_E_INTERNAL;
    }

    imgp_op_free(&run.task);
    ok(run.rc == IMGP_OK && n > 5 && wrong == 0 && ta.live == 0,
       "each of %ld allocations may fail", n);
    free(s.data);
}

#endif


int
main(void)
{
#if (IMGP_HAVE_WEBP)
    test_types();
    test_quality();
    test_faults();
#else
    imgp_pool_t   *pool;
    imgp_error_t   err;

    pool = imgp_pool_create(&imgp_malloc, 1024);
    ok(test_parse(pool, "encode webp", &err) == NULL
       && strstr(err.detail, "libwebp") != NULL, "%s", err.detail);
    imgp_pool_destroy(pool);
#endif

    return done();
}
