
/*
 * Chains: the same as one run after the other, but that nothing is lost in
 * between; what is kept is what a single run gives.
 */


#include "imgp_run.h"


#define TEST_LINKS  4


typedef struct {
    imgp_pool_t       *pool;
    imgp_op_link_t     links[TEST_LINKS];
    imgp_uint_t        n;
    imgp_op_input_t    json;
} test_chain_t;


static void test_chain(test_chain_t *c, const char *const *lines,
    const char *keep, const char *json);
static void test_sequence(void);
static void test_kept(void);
static void test_sizes(void);
static void test_flattened(void);
static void test_crop(void);
static void test_crop_first(void);
static void test_inputs(void);
static void test_refusals(void);
static void test_memory(void);


int
main(void)
{
    test_sequence();
    test_kept();
    test_sizes();
    test_flattened();
    test_crop();
    test_crop_first();
    test_inputs();
    test_refusals();
    test_memory();

    return done();
}


/* "keep" has a 'k' for each link that is kept */

static void
test_chain(test_chain_t *c, const char *const *lines, const char *keep,
    const char *json)
{
    imgp_error_t  err;

    memset(c, 0, sizeof(test_chain_t));

    c->pool = imgp_pool_create(&imgp_malloc, 1024);

    for ( /* void */ ; c->n < TEST_LINKS && lines[c->n] != NULL; c->n++) {
        c->links[c->n].op = test_parse(c->pool, lines[c->n], &err);
        c->links[c->n].keep = (keep[c->n] == 'k');

        if (c->links[c->n].op == NULL) {
            printf("# %s: %s\n", lines[c->n], err.detail);
            abort();
        }

        if (json != NULL && strncmp(lines[c->n], "crop", 4) == 0) {
            c->json.type = "application/json";
            c->json.data.data = (u_char *) json;
            c->json.data.len = strlen(json);
            c->links[c->n].json = &c->json;
        }
    }
}


static void
test_run_chain(test_run_t *run, test_chain_t *c, imgp_str_t s)
{
    run->inputs[0].data = s;
    run->rc = imgp_op_chain_run(c->links, c->n, &run->task);

    if (run->rc != IMGP_OK) {
        printf("# %s\n", run->task.error.detail);
    }

    imgp_pool_destroy(c->pool);
}


static int
test_equal(const imgp_op_output_t *a, const imgp_op_output_t *b)
{
    return a->len == b->len && a->width == b->width && a->height == b->height
           && strcmp(a->type, b->type) == 0
           && memcmp(a->data, b->data, a->len) == 0;
}


static imgp_str_t
test_output(const test_run_t *run, imgp_uint_t i)
{
    return test_copy(run->task.outputs[i].data, run->task.outputs[i].len);
}


/* through PNG, where nothing is lost, both ways give the same bytes */

static void
test_sequence(void)
{
    imgp_str_t    s, next;
    test_run_t    run, one;
    imgp_uint_t   i, k;
    test_png_t    t = { .width = 97, .height = 71, .depth = 8,
                        .type = PNG_COLOR_TYPE_RGB_ALPHA, .orientation = 5 };
    test_chain_t  c;

    static const char  *chains[][TEST_LINKS] = {
        { "resize 40", "canvas 3 color=#123456", "encode png", NULL },
        { "canvas 5", "resize 33x20 fit=cover", "encode png", NULL },
        { "encode png max=50", "canvas 1 color=#ff000080", "resize 30", NULL },
        { "canvas 2 color=#00ff00", "encode jpeg quality=80", NULL, NULL }
    };

    for (i = 0; i < imgp_nelts(chains); i++) {
        s = test_png(&t, test_photo);

        test_init(&run);
        test_chain(&c, chains[i], "    ", NULL);
        test_run_chain(&run, &c, s);

        next = s;

        for (k = 0; k < TEST_LINKS && chains[i][k] != NULL; k++) {
            test_init(&one);
            test_op(&one, chains[i][k], next);
            free(next.data);

            next = test_output(&one, 0);
            imgp_op_free(&one.task);
        }

        ok(run.rc == IMGP_OK && run.task.noutputs == 1
           && run.task.outputs[0].link == k - 1
           && run.task.outputs[0].len == next.len
           && memcmp(run.task.outputs[0].data, next.data, next.len) == 0,
           "%s, %s: as one after the other", chains[i][0], chains[i][1]);
        is_int(run.progress, 1000, "progress ends at 1000");

        free(next.data);
        imgp_op_free(&run.task);
    }
}


static void
test_kept(void)
{
    imgp_str_t    s;
    test_run_t    run, one;
    test_chain_t  c;
    test_jpeg_t   j = { .width = 203, .height = 155, .h = 2, .v = 2,
                        .orientation = 6 };

    static const char  *lines[] = { "resize 90", "canvas 7 color=#102030",
                                    "encode jpeg max=50", NULL };

    s = test_jpeg(&j, test_photo);

    test_init(&run);
    test_chain(&c, lines, "kk ", NULL);
    test_run_chain(&run, &c, s);

    is_int(run.task.noutputs, 3, "three outputs");
    ok(run.task.outputs[0].link == 0 && run.task.outputs[1].link == 1
       && run.task.outputs[2].link == 2, "each tells whose it is");

    test_init(&one);
    test_op(&one, "resize 90", s);
    ok(test_equal(&run.task.outputs[0], &one.task.outputs[0]),
       "what is kept of the first is what it gives alone");
    imgp_op_free(&one.task);

    ok(run.task.outputs[1].width == 69 + 14
       && run.task.outputs[1].height == 90 + 14
       && run.task.outputs[2].height == 50, "sizes");

    imgp_op_free(&run.task);
    free(s.data);
}


/* boxes in a row are one resizing, to the size of all of them */

static void
test_sizes(void)
{
    uint32_t       w, h;
    imgp_str_t     s, next;
    test_run_t     run, one;
    imgp_uint_t    i;
    test_chain_t   c;
    test_jpeg_t    j = { .width = 640, .height = 431, .orientation = 6 };
    test_pixels_t  p;

    static const char  *chains[][4] = {
        { "resize 300", "resize 111", "encode png max=37", NULL },
        { "resize 100x70 fit=cover", "encode png max=41", NULL, NULL },
        { "resize 100x70 fit=cover", "resize 30x60 fit=cover", "encode png",
          NULL },
        { "resize 77x99 fit=exact", "encode png max=1000", NULL, NULL },
        { "resize 2000", "encode jpeg max=33", "encode png", NULL }
    };

    for (i = 0; i < imgp_nelts(chains); i++) {
        s = test_jpeg(&j, test_quadrant);
        test_init(&run);
        test_chain(&c, chains[i], "    ", NULL);
        test_run_chain(&run, &c, s);

        test_init(&one);
        test_op(&one, chains[i][0], s);
        next = test_output(&one, 0);
        imgp_op_free(&one.task);

        test_op(&one, chains[i][1], next);
        w = one.task.outputs[0].width;
        h = one.task.outputs[0].height;
        free(next.data);

        if (chains[i][2] != NULL) {
            next = test_output(&one, 0);
            imgp_op_free(&one.task);
            test_op(&one, chains[i][2], next);
            w = one.task.outputs[0].width;
            h = one.task.outputs[0].height;
            free(next.data);
        }

        imgp_op_free(&one.task);

        p = test_read(&run.task.outputs[0]);
        ok(p.width == w && p.height == h && test_corners(&p, "2031", 14),
           "%s, %s: %ux%u", chains[i][0], chains[i][1], w, h);

        free(p.rgba);
        free(s.data);
        imgp_op_free(&run.task);
    }
}


static uint32_t
test_half(uint32_t x, uint32_t y, uint32_t c, uint32_t w, uint32_t h,
    uint32_t max)
{
    return (c == 3) ? (x < w / 2 ? 0 : max) : (c == 1) ? max : 0;
}


/* an encode in the middle is seen by those behind it */

static void
test_flattened(void)
{
    test_run_t     run;
    test_chain_t   c;
    test_png_t     t = { .width = 80, .height = 40, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB_ALPHA };
    test_pixels_t  p;
    imgp_str_t     s;

    static const char  *lines[] = { "encode jpeg background=#0000ff",
                                    "resize 20", "encode auto", NULL };

    s = test_png(&t, test_half);
    test_init(&run);
    test_chain(&c, lines, "   ", NULL);
    test_run_chain(&run, &c, s);

    is_str(run.task.outputs[0].type, "image/jpeg", "no alpha is left");
    p = test_read(&run.task.outputs[0]);
    ok(test_near(&p, 4, 5, 0, 0, 255, 255, 6)
       && test_near(&p, 16, 5, 0, 255, 0, 255, 6), "the background shows");

    free(p.rgba);
    free(s.data);
    imgp_op_free(&run.task);
}


static void
test_crop(void)
{
    imgp_str_t     s;
    test_run_t     run;
    test_chain_t   c;
    test_jpeg_t    j = { .width = 200, .height = 100 };
    test_pixels_t  p;

    static const char  *lines[] = { "resize 100", "crop /*", "resize 10",
                                    "encode png" };

    s = test_jpeg(&j, test_quadrant);

    test_init(&run);
    test_chain(&c, lines, " k  ", "[[0,0,50,25],[50,25,50,25]]");
    test_run_chain(&run, &c, s);

    ok(run.task.noutputs == 4
       && run.task.outputs[0].link == 1 && run.task.outputs[0].width == 50
       && run.task.outputs[1].link == 3 && run.task.outputs[1].width == 10
       && run.task.outputs[2].link == 1 && run.task.outputs[3].link == 3,
       "every box, and what becomes of it");

    p = test_read(&run.task.outputs[1]);
    ok(test_near(&p, 5, 2, 255, 0, 0, 255, 6), "the first is red");
    free(p.rgba);

    p = test_read(&run.task.outputs[3]);
    ok(test_near(&p, 5, 2, 255, 255, 255, 255, 6), "the second is white");
    free(p.rgba);

    imgp_op_free(&run.task);
    free(s.data);
}


static void
test_crop_first(void)
{
    imgp_str_t    s;
    test_run_t    run;
    test_chain_t  c;
    test_png_t    t = { .width = 60, .height = 60, .depth = 8,
                        .type = PNG_COLOR_TYPE_RGB };

    static const char  *lines[] = { "crop /b", "resize 8", NULL };

    s = test_png(&t, test_quadrant);

    test_init(&run);
    run.task.ninputs = 2;
    run.inputs[1].type = "application/json";
    imgp_str_set(&run.inputs[1].data, "{\"b\": [30, 0, 30, 20]}");
    test_chain(&c, lines, "  ", NULL);
    test_run_chain(&run, &c, s);

    ok(run.rc == IMGP_OK && run.task.noutputs == 1
       && run.task.outputs[0].width == 8 && run.task.outputs[0].height == 5,
       "its document may be an input");

    imgp_op_free(&run.task);
    free(s.data);
}


static void
test_inputs(void)
{
    imgp_uint_t   i;
    imgp_str_t    s, q;
    test_run_t    run;
    test_chain_t  c;
    test_png_t    t = { .width = 60, .height = 60, .depth = 8,
                        .type = PNG_COLOR_TYPE_RGB };
    test_jpeg_t   j = { .width = 90, .height = 60 };

    static const char  *lines[] = { "resize 30", "encode png", NULL };

    s = test_png(&t, test_quadrant);
    q = test_jpeg(&j, test_quadrant);

    test_init(&run);
    run.task.ninputs = 3;
    run.inputs[1].data = q;
    run.inputs[2].data = s;
    test_chain(&c, lines, "k ", NULL);
    test_run_chain(&run, &c, s);

    is_int(run.task.noutputs, 6, "two outputs for each of three inputs");

    for (i = 0; i < run.task.noutputs; i++) {
        ok(run.task.outputs[i].link == i % 2
           && run.task.outputs[i].height == (i / 2 == 1 ? 20 : 30),
           "output %u", (unsigned) i);
    }

    is_str(run.task.outputs[2].type, "image/jpeg", "in its own format");

    imgp_op_free(&run.task);
    free(s.data);
    free(q.data);
}


static void
test_refusals(void)
{
    imgp_str_t      s;
    test_run_t      run;
    imgp_uint_t     i;
    test_chain_t    c;
    test_jpeg_t     j = { .width = 90, .height = 60 };
    imgp_op_link_t  links[IMGP_OP_LINKS_MAX + 1];

    static const char  *lines[] = { "resize 30", "crop /b", NULL };
    static const char  *plain[] = { "resize 30", NULL };
    static const char  *kept[] = { "resize 30", "encode jpeg", NULL };

    s = test_jpeg(&j, test_quadrant);

    test_init(&run);
    test_chain(&c, lines, "  ", NULL);
    test_run_chain(&run, &c, s);
    ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_BAD_PARAM,
       "a crop without boxes");

    test_chain(&c, plain, " ", NULL);

    for (i = 0; i <= IMGP_OP_LINKS_MAX; i++) {
        links[i] = c.links[0];
    }

    ok(imgp_op_chain_run(links, IMGP_OP_LINKS_MAX, &run.task) == IMGP_OK,
       "%d links", IMGP_OP_LINKS_MAX);
    imgp_op_free(&run.task);

    ok(imgp_op_chain_run(links, IMGP_OP_LINKS_MAX + 1, &run.task)
       == IMGP_ERROR && run.task.error.code == IMGP_E_LIMIT, "one more");
    ok(imgp_op_chain_run(links, 0, &run.task) == IMGP_ERROR
       && run.task.error.code == IMGP_E_LIMIT, "none");
    imgp_pool_destroy(c.pool);

    /* the first output is there already when the second input fails */

    run.task.ninputs = 2;
    run.inputs[1].data = s;
    run.inputs[1].data.len = s.len / 2;
    test_chain(&c, kept, "k ", NULL);
    test_run_chain(&run, &c, s);
    ok(run.rc == IMGP_ERROR && run.task.noutputs == 0
       && run.task.error.code == IMGP_E_BAD_IMAGE, "nothing half done");

    free(s.data);
}


/* the n-th allocation fails, for every n */

static void
test_memory(void)
{
    long          n;
    imgp_str_t    s;
    test_run_t    run;
    imgp_alloc_t  alloc;
    test_alloc_t  ta;
    test_chain_t  c;
    test_jpeg_t   j = { .width = 120, .height = 90, .h = 2, .v = 2,
                        .orientation = 7 };

    static const char  *lines[] = { "resize 60", "canvas 2", "crop /*",
                                    "encode jpeg max=20" };

    s = test_jpeg(&j, test_photo);

    alloc.alloc = test_alloc;
    alloc.free = test_free;
    alloc.data = &ta;

    for (n = 0; n < 2000; n++) {
        ta.left = n;
        ta.live = 0;

        test_init(&run);
        run.task.alloc = &alloc;
        run.inputs[0].data = s;
        test_chain(&c, lines, "kkk ", "[[0,0,30,30],[5,5,40,40]]");
        run.rc = imgp_op_chain_run(c.links, c.n, &run.task);
        imgp_pool_destroy(c.pool);

        if (run.rc == IMGP_OK) {
            break;
        }

        if (ta.live != 0 || run.task.noutputs != 0
            || run.task.error.code != IMGP_E_INTERNAL)
        {
            break;
        }
    }

    ok(run.rc == IMGP_OK && n > 20 && run.task.noutputs == 6,
       "%ld allocations, each failed once", n);

    imgp_op_free(&run.task);
    is_int(ta.live, 0, "all memory given back");
    free(s.data);
}
