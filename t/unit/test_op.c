
/*
 * Operations as the configuration and the runner see them: parsing and its
 * sentences, canonical texts, outputs, progress, cancelling, and that no
 * failure of an allocation at any place leaks or is taken for success.
 */


#include "imgp_run.h"


static void test_known(void);
static void test_texts(void);
static void test_errors(void);
static void test_progress(void);
static void test_truncated(void);
static void test_memory(void);
static void test_faults(void);


int
main(void)
{
    test_known();
    test_texts();
    test_errors();
    test_progress();
    test_truncated();
    test_memory();
    test_faults();

    return done();
}


static void
test_known(void)
{
    imgp_uint_t  i;

    static const imgp_str_t  yes[] = {
        imgp_string("resize"), imgp_string("encode"), imgp_string("canvas"),
        imgp_string("crop"), imgp_string("base64"), imgp_string("mask"),
        imgp_string("composite"), imgp_string("render")
    };
    static const imgp_str_t  no[] = {
        imgp_string("post"), imgp_string("resiz"), imgp_string("resize "),
        imgp_string("")
    };

    for (i = 0; i < imgp_nelts(yes); i++) {
        ok(imgp_op_known(&yes[i]), "\"%s\" is known", yes[i].data);
    }

    for (i = 0; i < imgp_nelts(no); i++) {
        ok(!imgp_op_known(&no[i]), "\"%s\" is not", no[i].data);
    }
}


static void
test_texts(void)
{
    imgp_op_t         *op;
    imgp_uint_t        i;
    imgp_pool_t       *pool;
    imgp_error_t       err;
    const imgp_str_t  *text;

    static const char  *texts[][2] = {
        { "resize 1200", "resize 1200x1200 fit=inside v=3" },
        { "resize 1200x1200 fit=inside", "resize 1200x1200 fit=inside v=3" },
        { "resize 8x9 fit=cover", "resize 8x9 fit=cover v=3" },
        { "resize 65500x1 fit=exact", "resize 65500x1 fit=exact v=3" },
        { "encode auto", "encode auto max=0x0 quality=85 "
                         "background=#ffffff v=3" },
        { "encode jpeg quality=1 max=7 background=#ABCdef",
          "encode jpeg max=7x7 quality=1 background=#abcdef v=3" },
        { "encode png max=7x8", "encode png max=7x8 quality=85 "
                                "background=#ffffff v=3" },
        { "canvas 10", "canvas 10 color=#00000000 v=3" },
        { "canvas 10 color=transparent", "canvas 10 color=#00000000 v=3" },
        { "canvas 10 color=#12345600", "canvas 10 color=#00000000 v=3" },
        { "canvas 10 color=#123456", "canvas 10 color=#123456ff v=3" },
        { "canvas 10 color=#12345678", "canvas 10 color=#12345678 v=3" },
        { "crop /a/*/box", "crop /a/*/box v=3" },
        { "base64", "base64 v=1" },
        { "composite", "composite mode=auto fit=auto at=50,50 v=1" },
        { "composite at=0,100 mode=over fit=none",
          "composite mode=over fit=none at=0,100 v=1" },
        { "mask /a", "mask /a dilate=0 v=1" },
#if (IMGP_HAVE_PANGO)
        { "render /a", "render /a text= font=sans-serif color=auto "
                       "align=center lang= v=1" },
        { "render /a/* text=/b lang=ja align=end color=#FF0000 font=Noto",
          "render /a/* text=/b font=Noto color=#ff0000 align=end lang=ja "
          "v=1" },
#endif
        { "mask /a/*/b dilate=7", "mask /a/*/b dilate=7 v=1" }
    };

    pool = imgp_pool_create(&imgp_malloc, 1024);

    for (i = 0; i < imgp_nelts(texts); i++) {
        op = test_parse(pool, texts[i][0], &err);
        text = op ? imgp_op_text(op) : NULL;

        is_str(text ? (char *) text->data : err.detail, texts[i][1], "%s",
               texts[i][0]);
        ok(text && text->len == strlen(texts[i][1]), "and its length");
    }

    imgp_pool_destroy(pool);
}


static void
test_errors(void)
{
    imgp_uint_t    i;
    imgp_pool_t   *pool;
    imgp_error_t   err;

    static const char  *errors[][2] = {
        { "", "unknown operation \"\"" },
        { "blur 3", "unknown operation \"blur\"" },
        { "resize", "resize needs a size" },
        { "resize 0", "invalid size \"0\", must be a number of pixels or "
                      "WIDTHxHEIGHT, each 1..65500" },
        { "resize 65501x2", "invalid size \"65501x2\", must be a number of "
                            "pixels or WIDTHxHEIGHT, each 1..65500" },
        { "resize 9999999999", "invalid size \"9999999999\", must be a number "
                               "of pixels or WIDTHxHEIGHT, each 1..65500" },
        { "resize 10x", "invalid size \"10x\", must be a number of pixels or "
                        "WIDTHxHEIGHT, each 1..65500" },
        { "resize 10x10x10", "invalid size \"10x10x10\", must be a number of "
                             "pixels or WIDTHxHEIGHT, each 1..65500" },
        { "resize 10 fit=fill", "invalid fit \"fill\", must be inside, cover "
                                "or exact" },
        { "resize 10 quality=3", "unknown option \"quality=3\", must be one "
                                 "of: fit=" },
        { "resize 10 fit=cover fit=cover", "duplicate option \"fit=\"" },
        { "resize 10 fit", "unknown option \"fit\", must be one of: fit=" },
        { "encode", "encode needs a format: auto, jpeg, png or webp" },
        { "encode gif", "invalid format \"gif\", must be auto, jpeg, png or "
                        "webp" },
        { "encode auto quality=500", "invalid quality \"500\", must be "
                                     "1..100" },
        { "encode auto quality=0", "invalid quality \"0\", must be 1..100" },
        { "encode auto quality=", "invalid quality \"\", must be 1..100" },
        { "encode auto quality=8a", "invalid quality \"8a\", must be 1..100" },
        { "encode auto max=-1", "invalid max \"-1\", must be a number of "
                                "pixels or WIDTHxHEIGHT, each 1..65500" },
        { "encode auto background=white", "invalid background \"white\", must "
                                          "be #rrggbb" },
        { "encode auto background=#12345678",
          "invalid background \"#12345678\", must be #rrggbb" },
        { "encode auto foo=1", "unknown option \"foo=1\", must be one of: "
                               "max=, quality=, background=" },
        { "canvas", "canvas needs a number of pixels" },
        { "canvas 0", "invalid number of pixels \"0\", must be 1..16384" },
        { "canvas 16385", "invalid number of pixels \"16385\", must be "
                          "1..16384" },
        { "canvas 5 color=#12345g", "invalid color \"#12345g\", must be "
                                    "#rrggbb, #rrggbbaa or transparent" },
        { "crop", "crop needs a JSON pointer to the boxes" },
        { "crop /a max=3", "unknown option \"max=3\", there are none" },
        { "base64 url", "unknown option \"url\", there are none" },
        { "composite mode=xor", "invalid mode \"xor\", must be auto, over or "
                                "cut" },
        { "composite fit=", "invalid fit \"\", must be auto, inside, exact or "
                            "none" },
        { "composite at=5", "invalid at \"5\", must be X,Y, each 0..100 "
                            "percent" },
        { "composite at=5,101", "invalid at \"5,101\", must be X,Y, each "
                                "0..100 percent" },
#if (IMGP_HAVE_PANGO)
        { "render", "render needs a JSON pointer to the boxes" },
        { "render /a text=b", "JSON pointer \"b\" must be empty or begin "
                              "with \"/\"" },
        { "render /a font=", "invalid font \"\", must be 1 to 128 bytes of "
                             "UTF-8" },
        { "render /a color=red", "invalid color \"red\", must be #rrggbb" },
        { "render /a align=left", "invalid align \"left\", must be center, "
                                  "start or end" },
#endif
        { "mask", "mask needs a JSON pointer to boxes or polygons" },
        { "mask /a dilate=1001", "invalid dilate \"1001\", must be 0..1000" },
        { "mask /a grow=1", "unknown option \"grow=1\", must be one of: "
                            "dilate=" }
    };

    pool = imgp_pool_create(&imgp_malloc, 1024);

    for (i = 0; i < imgp_nelts(errors); i++) {
        ok(test_parse(pool, errors[i][0], &err) == NULL
           && err.code == IMGP_E_BAD_PARAM, "\"%s\" is refused",
           errors[i][0]);
        is_str(err.detail, errors[i][1], "and it is told why");
    }

    ok(test_parse(pool, "crop a/b", &err) == NULL && err.detail[0] != '\0',
       "a pointer without slash: %s", err.detail);

    imgp_pool_destroy(pool);
}


typedef struct {
    test_run_t  *run;
    uint32_t     last;
    uint32_t     seen;
    uint32_t     back;
    uint32_t     cancel;              /* at this allocation */
    uint32_t     calls;
} test_watch_t;


/* looks at the progress at each allocation, where the run cannot see it */

static void *
test_watch(void *data, size_t size)
{
    test_watch_t  *w = data;

    w->back += w->run->progress < w->last;
    w->seen += w->run->progress > w->last;
    w->last = w->run->progress;

    if (++w->calls == w->cancel) {
        w->run->cancel = 1;
    }

    return malloc(size);
}


static void
test_unwatch(void *data, void *p)
{
    (void) data;
    free(p);
}


static void
test_progress(void)
{
    uint32_t       i, n;
    imgp_str_t     s;
    test_run_t     run;
    imgp_alloc_t   alloc;
    test_watch_t   watch;
    test_jpeg_t    j = { .width = 640, .height = 480, .progressive = 1 };

    s = test_jpeg(&j, test_photo);

    memset(&watch, 0, sizeof(watch));
    watch.run = &run;
    alloc.alloc = test_watch;
    alloc.free = test_unwatch;
    alloc.data = &watch;

    test_init(&run);
    run.task.alloc = &alloc;
    run.task.ninputs = 2;
    run.inputs[1].data = s;

    test_op(&run, "resize 320", s);
    is_int(run.rc, IMGP_OK, "a run watched");
    is_int(run.progress, 1000, "progress ends at 1000");
    ok(watch.seen >= 2 && watch.back == 0, "it grew %u times, never shrank",
       watch.seen);
    imgp_op_free(&run.task);

    n = watch.calls;

    for (i = 1; i <= n && run.rc == IMGP_OK; i++) {
        watch.calls = 0;
        watch.cancel = i;
        run.cancel = 0;
        test_op(&run, "resize 320", s);
        run.rc = (run.task.error.code == IMGP_E_CANCELED) ? IMGP_OK
                                                          : IMGP_ERROR;
    }

    is_int(run.rc, IMGP_OK, "canceled at any of %u places", n);

    run.cancel = 1;
    run.progress = 0;
    test_op(&run, "resize 320", s);
    is_int(run.task.error.code, IMGP_E_CANCELED, "canceled");
    is_int(run.progress, 0, "before anything was done");

    run.task.cancel = NULL;
    run.task.progress = NULL;
    test_op(&run, "resize 320", s);
    is_int(run.rc, IMGP_OK, "neither cancel nor progress");
    imgp_op_free(&run.task);

    free(s.data);
}


/* cut at every byte: never a picture, never an overrun */

static void
test_cut(const char *name, imgp_str_t s)
{
    size_t       n;
    imgp_str_t   cut;
    test_run_t   run;
    imgp_uint_t  taken, other;

    taken = 0;
    other = 0;

    for (n = 0; n < s.len; n++) {
        cut = test_copy(s.data, n);

        test_init(&run);
        test_op(&run, "resize 16", cut);

        if (run.rc == IMGP_OK) {
            taken++;

        } else if (run.task.error.code != IMGP_E_BAD_IMAGE
                   && !(run.task.error.code == IMGP_E_TYPE && n < 8))
        {
            other++;
        }

        imgp_op_free(&run.task);
        free(cut.data);
    }

    is_int(taken, 0, "%s of %zu bytes, cut anywhere, is never taken", name,
           s.len);
    is_int(other, 0, "always as a bad image");

    test_init(&run);
    test_op(&run, "resize 16", s);
    is_int(run.rc, IMGP_OK, "%s, whole", name);
    imgp_op_free(&run.task);

    free(s.data);
}


static void
test_truncated(void)
{
    test_png_t   p = { .width = 30, .height = 20, .depth = 8,
                       .type = PNG_COLOR_TYPE_RGB, .orientation = 5 };
    test_jpeg_t  j = { .width = 40, .height = 30, .quality = 50, .h = 2,
                       .v = 2, .orientation = 7 };

    test_cut("PNG", test_png(&p, test_photo));

    p.interlaced = 1;
    p.type = PNG_COLOR_TYPE_PALETTE;
    p.trns = 1;
    test_cut("interlaced PNG", test_png(&p, test_photo));

    test_cut("JPEG", test_jpeg(&j, test_photo));

    j.restart = 1;
    test_cut("JPEG with restarts", test_jpeg(&j, test_photo));

    j.restart = 0;
    j.progressive = 1;
    test_cut("progressive JPEG", test_jpeg(&j, test_photo));

    j.progressive = 0;
    j.arithmetic = 1;
    test_cut("arithmetic JPEG", test_jpeg(&j, test_photo));
}


static void
test_memory(void)
{
    imgp_str_t   s;
    test_run_t   run;
    imgp_uint_t  i;
    test_jpeg_t  j = { .width = 2000, .height = 1500, .h = 2, .v = 2,
                       .quality = 30 };

    static const struct {
        const char   *line;
        int           progressive;
        size_t        memory;
        imgp_error_e  code;
    } runs[] = {
        { "resize 200", 0, 2 * 1024 * 1024, IMGP_E_NONE },
        { "resize 200", 0, 100 * 1024, IMGP_E_LIMIT },
        { "resize 200", 1, 512 * 1024, IMGP_E_LIMIT },
        { "resize 200", 1, 2 * 1024 * 1024, IMGP_E_NONE },
        { "encode png", 0, 8 * 1024 * 1024, IMGP_E_LIMIT },
        { "canvas 1", 0, 16 * 1024 * 1024, IMGP_E_LIMIT }
    };

    for (i = 0; i < imgp_nelts(runs); i++) {
        j.progressive = runs[i].progressive;
        s = test_jpeg(&j, test_quadrant);

        test_init(&run);
        run.task.max_memory = runs[i].memory;
        test_op(&run, runs[i].line, s);

        ok(run.task.error.code == runs[i].code, "%s%s within %zu: %s",
           runs[i].line, j.progressive ? ", progressive" : "",
           runs[i].memory, run.rc ? run.task.error.detail : "fine");

        imgp_op_free(&run.task);
        free(s.data);
    }
}


static void
test_fault(const char *name, const char *line, imgp_str_t s,
    const char *json)
{
    long          n;
    int           wrong;
    test_run_t    run;
    test_alloc_t  ta;
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };

    wrong = 0;

    for (n = 0; n < 10000; n++) {
        ta.left = n;
        ta.live = 0;

        test_init(&run);
        run.task.alloc = &alloc;

        if (json != NULL) {
            run.task.ninputs = 2;
            run.inputs[1].data.data = (u_char *) json;
            run.inputs[1].data.len = strlen(json);
        }

        test_op(&run, line, s);

        if (run.rc == IMGP_OK) {
            break;
        }

        wrong += ta.live != 0 || run.task.error.code != IMGP_E_INTERNAL;
    }

    ok(run.rc == IMGP_OK && n > 5 && wrong == 0,
       "%s, %s: each of %ld allocations may fail (%d wrong)", name, line, n,
       wrong);

    imgp_op_free(&run.task);
    is_int(ta.live, 0, "nothing is left of the good run");

    free(s.data);
}


static void
test_faults(void)
{
    test_png_t   p = { .width = 70, .height = 50, .depth = 16,
                       .type = PNG_COLOR_TYPE_RGB_ALPHA, .orientation = 6 };
    test_jpeg_t  j = { .width = 80, .height = 60, .orientation = 5 };

    test_fault("PNG", "resize 20", test_png(&p, test_photo), NULL);
    test_fault("PNG", "encode jpeg background=#102030",
               test_png(&p, test_photo), NULL);

    p.interlaced = 1;
    test_fault("interlaced PNG", "encode auto", test_png(&p, test_photo),
               NULL);

    test_fault("JPEG", "resize 30 fit=cover", test_jpeg(&j, test_photo),
               NULL);
    test_fault("JPEG", "canvas 8", test_jpeg(&j, test_photo), NULL);
    test_fault("JPEG", "crop /*", test_jpeg(&j, test_photo),
               "[[1,2,3,4],[5,6,7,8]]");

    j.progressive = 1;
    j.components = 4;
    j.in = j.stored = JCS_CMYK;
    test_fault("CMYK", "encode jpeg max=40", test_jpeg(&j, test_photo), NULL);
}
