
/*
 * Text as coverage: that it lies within its place, is as large as that takes,
 * goes the way its script goes, and is the same from many threads at once.
 * Fonts differ, so it is told from what is black, not from a picture.
 */


#include <math.h>
#include <pthread.h>
#include <imgp/imgp_text.h>
#include "imgp_work_test.h"
#include "imgp_fonts.h"


#define TEST_THREADS  4
#define TEST_ROUNDS   10


typedef struct {
    imgp_image_t   cover;
    uint32_t       left;              /* what is covered */
    uint32_t       top;
    uint32_t       right;
    uint32_t       bottom;
    uint64_t       sum;
} test_ink_t;


static void test_scripts(void);
static void test_place(void);
static void test_sizes(void);
static void test_align(void);
static void test_plain(void);
static void test_turned(void);
static void test_cut(void);
static void test_limits(void);
static void test_threads(void);


static test_work_t         tw;
static imgp_text_conf_t    conf;


int
main(void)
{
    test_work(&tw);

    conf.font = "sans-serif";

    if (!imgp_text_there()) {
        ok(imgp_text_cover(&tw.work, 9, 9, NULL) == IMGP_ERROR
           && imgp_text_draw(&tw.work, &conf, NULL, NULL, NULL) == IMGP_ERROR,
           "built without Pango: %s", tw.task.error.detail);
        return done();
    }

    test_scripts();
    test_place();
    test_sizes();
    test_align();
    test_plain();
    test_turned();
    test_cut();
    test_limits();
    test_threads();

    is_int(tw.work.used, 0, "all memory given back");

    return done();
}


static test_ink_t
test_draw_at(imgp_work_t *work, const imgp_text_conf_t *c, const char *text,
    uint32_t width, uint32_t height, const imgp_text_place_t *place)
{
    uint32_t     x, y;
    test_ink_t   ink;
    imgp_str_t   s = { strlen(text), (u_char *) text };

    memset(&ink, 0, sizeof(ink));
    ink.left = width;
    ink.top = height;

    if (imgp_text_cover(work, width, height, &ink.cover) != IMGP_OK
        || imgp_text_draw(work, c, &s, place, &ink.cover) != IMGP_OK)
    {
        printf("# %s\n", work->task->error.detail);
        return ink;
    }

    for (y = 0; y < height; y++) {
        for (x = 0; x < width; x++) {

            if (imgp_image_row(&ink.cover, y)[x] == 0) {
                continue;
            }

            ink.left = imgp_min(ink.left, x);
            ink.top = imgp_min(ink.top, y);
            ink.right = imgp_max(ink.right, x + 1);
            ink.bottom = imgp_max(ink.bottom, y + 1);
            ink.sum += imgp_image_row(&ink.cover, y)[x];
        }
    }

    return ink;
}


/* into the middle half of a coverage, so that what juts out is seen */

static test_ink_t
test_draw(const char *text, uint32_t width, uint32_t height)
{
    imgp_text_place_t  place = { width, height, width, height, 0 };

    return test_draw_at(&tw.work, &conf, text, 2 * width, 2 * height, &place);
}


static int
test_within(const test_ink_t *ink, uint32_t width, uint32_t height)
{
    int  good;

    /* a pixel at each side may be touched by rounding */

    good = ink->sum != 0
           && ink->left + 1 >= width / 2 && ink->right <= width / 2 + width + 1
           && ink->top + 1 >= height / 2
           && ink->bottom <= height / 2 + height + 1;

    if (!good) {
        printf("# %u,%u - %u,%u\n", ink->left, ink->top, ink->right,
               ink->bottom);
    }

    return good;
}


static void
test_free_ink(test_ink_t *ink)
{
    imgp_image_free(&tw.work, &ink->cover);
}


/* different letters look different, which boxes for missing ones do not */

static void
test_scripts(void)
{
    imgp_uint_t  i;
    test_ink_t   a, b;

    static const char  *letters[][3] = {
        { "Latin", "Apply", "Anglv" },
        { "Korean", "한국어", "중굵이" },
        { "Japanese", "日本語の", "文章をか" },
        { "Arabic", "سلام", "كتاب" },
        { "Hebrew", "שלום", "תודה" },
        { "Cyrillic", "Жизнь", "Щорса" },
        { "Vietnamese", "Tiếng", "Tíếng" }
    };

    for (i = 0; i < imgp_nelts(letters); i++) {
        a = test_draw(letters[i][1], 200, 60);
        b = test_draw(letters[i][2], 200, 60);

        ok(test_within(&a, 200, 60) && test_within(&b, 200, 60),
           "%s lies within its place", letters[i][0]);
        ok(memcmp(a.cover.data, b.cover.data,
                  a.cover.stride * a.cover.height) != 0,
           "and other letters look otherwise");

        test_free_ink(&a);
        test_free_ink(&b);
    }
}


static void
test_place(void)
{
    uint32_t      w, h;
    test_ink_t    ink;
    imgp_uint_t   i;

    static const char  *text =
        "A sentence of some length, which takes several lines in most boxes.";
    static const uint32_t  sizes[][2] = {
        { 400, 40 }, { 100, 300 }, { 300, 100 }, { 120, 121 }, { 1000, 24 }
    };

    for (i = 0; i < imgp_nelts(sizes); i++) {
        w = sizes[i][0];
        h = sizes[i][1];

        ink = test_draw(text, w, h);
        ok(test_within(&ink, w, h), "within %ux%u", w, h);
        ok(abs((int) (ink.top + ink.bottom) - (int) (2 * h)) <= 2
           && abs((int) (ink.left + ink.right) - (int) (2 * w)) <= 3,
           "in the middle of it");

        /* not a pixel larger would fit, so one direction is nearly full */

        ok(ink.right - ink.left > w * 7 / 10
           || ink.bottom - ink.top > h * 7 / 10, "and fills it");

        test_free_ink(&ink);
    }
}


static void
test_sizes(void)
{
    test_ink_t  one, two, lines;

    one = test_draw("Hxp", 400, 20);
    two = test_draw("Hxp", 400, 40);
    ok(fabs((two.bottom - two.top) / (double) (one.bottom - one.top) - 2)
       < 0.2, "twice the height, twice the letters");
    ok(one.bottom - one.top >= 15 && one.bottom - one.top <= 20,
       "which fill it");
    test_free_ink(&one);
    test_free_ink(&two);

    /* letters without stems are of the size of the others */

    one = test_draw("aaa", 400, 40);
    two = test_draw("aHa", 400, 40);
    ok(one.bottom - one.top < two.bottom - two.top, "\"a\" is lower than H");
    test_free_ink(&one);
    test_free_ink(&two);

    one = test_draw("some words to break", 1000, 40);
    lines = test_draw("some words to break", 100, 120);
    ok(one.bottom - one.top < 45 && lines.bottom - lines.top > 60,
       "lines are broken");
    test_free_ink(&one);
    test_free_ink(&lines);

    one = test_draw("Unbreakableword", 100, 90);
    ok(test_within(&one, 100, 90) && one.bottom - one.top < 30,
       "words are not, as long as they fit on a line");
    test_free_ink(&one);

    one = test_draw("긴문장은여러줄로나뉘어야하고", 100, 90);
    ok(one.bottom - one.top > 60, "Korean is broken between syllables");
    test_free_ink(&one);

    one = test_draw("가가가가 가가가가", 120, 120);
    two = test_draw("中中中中 中中中中", 120, 120);
    ok(one.bottom - one.top < 80 && two.bottom - two.top > 90,
       "but where that gains little, unlike Chinese: %u, %u",
       one.bottom - one.top, two.bottom - two.top);
    test_free_ink(&one);
    test_free_ink(&two);
}


static void
test_align(void)
{
    imgp_uint_t  i;
    test_ink_t   ink;

    static const struct {
        const char   *text;
        uint32_t      align;
        int           right;
    } sides[] = {
        { "abc", IMGP_TEXT_START, 0 },
        { "abc", IMGP_TEXT_END, 1 },
        { "שלום", IMGP_TEXT_START, 1 },
        { "سلام", IMGP_TEXT_END, 0 }
    };

    for (i = 0; i < imgp_nelts(sides); i++) {
        conf.align = sides[i].align;
        ink = test_draw(sides[i].text, 400, 30);

        ok(sides[i].right ? ink.right >= 590 && ink.left > 450
                          : ink.left <= 210 && ink.right < 350,
           "%s, %u: on the %s", sides[i].text, sides[i].align,
           sides[i].right ? "right" : "left");
        test_free_ink(&ink);
    }

    conf.align = IMGP_TEXT_CENTER;
}


/* nothing in a text is an order */

static void
test_plain(void)
{
    test_ink_t  one, two;

    one = test_draw("<b>x</b>", 800, 30);
    two = test_draw("x", 800, 30);
    ok(one.right - one.left > 3 * (two.right - two.left), "no markup");
    test_free_ink(&one);
    test_free_ink(&two);

    one = test_draw("&amp;&#x", 800, 30);
    ok(test_within(&one, 800, 30), "no entities");
    test_free_ink(&one);

    one = test_draw("   ", 80, 30);
    is_int(one.sum, 0, "blanks are nothing to be seen");
    test_free_ink(&one);

    one = test_draw("\x01\x02\n\n\t%s%n\u202e\u2066x", 80, 60);
    ok(test_within(&one, 80, 60), "control characters do no harm");
    test_free_ink(&one);

    conf.font = "No Such Font 55px Bold,<>&";
    conf.lang = "xx-no-such-language";
    one = test_draw("x", 80, 30);
    ok(test_within(&one, 80, 30), "a font that there is not");
    test_free_ink(&one);

    conf.font = "sans-serif";
    conf.lang = NULL;
}


static void
test_turned(void)
{
    test_ink_t          ink;
    imgp_text_place_t   place = { 100, 100, 160, 30, M_PI / 2 };

    ink = test_draw_at(&tw.work, &conf, "Turned", 200, 200, &place);
    ok(ink.left >= 84 && ink.right <= 116 && ink.top >= 19
       && ink.bottom <= 181 && ink.bottom - ink.top > 60, "by a right angle");
    test_free_ink(&ink);

    place.angle = M_PI / 4;
    ink = test_draw_at(&tw.work, &conf, "Turned", 200, 200, &place);
    ok(ink.right - ink.left > 50 && ink.bottom - ink.top > 50
       && imgp_image_row(&ink.cover, ink.bottom - 2)[ink.left + 2] == 0
       && imgp_image_row(&ink.cover, ink.top + 2)[ink.right - 2] == 0,
       "by half of one, clockwise");
    test_free_ink(&ink);
}


static void
test_cut(void)
{
    int           i;
    char          text[IMGP_TEXT_BYTES + 1];
    test_ink_t    ink;

    for (i = 0; i < IMGP_TEXT_BYTES; i++) {
        text[i] = (i % 7 == 6) ? ' ' : 'a' + i % 26;
    }

    text[IMGP_TEXT_BYTES] = '\0';

    ink = test_draw(text, 100, 30);
    ok(test_within(&ink, 100, 30), "a long text is cut");
    test_free_ink(&ink);

    ink = test_draw(text, 30, 3);
    ok(ink.bottom - ink.top <= 8, "also where there is no room at all");
    test_free_ink(&ink);

    ink = test_draw("x", 1, 1);
    ok(ink.right - ink.left <= 2, "a single pixel");
    test_free_ink(&ink);
}


static void
test_limits(void)
{
    uint32_t           cancel;
    imgp_str_t         s = imgp_string("text");
    imgp_image_t       cover;
    imgp_text_place_t  place = { 50, 50, 100, 100, 0 };

    ok(imgp_text_cover(&tw.work, IMGP_TEXT_SIDE + 1, 1, &cover) == IMGP_ERROR
       && tw.task.error.code == IMGP_E_LIMIT, "too wide: %s",
       tw.task.error.detail);
    tw.task.error.code = IMGP_E_NONE;

    imgp_text_cover(&tw.work, 100, 100, &cover);

    cancel = 1;
    tw.task.cancel = &cancel;
    imgp_text_draw(&tw.work, &conf, &s, &place, &cover);
    is_int(tw.task.error.code, IMGP_E_CANCELED, "canceled");
    tw.task.cancel = NULL;
    tw.task.error.code = IMGP_E_NONE;

    imgp_image_free(&tw.work, &cover);
}


static void *
test_thread(void *data)
{
    int                 i;
    test_ink_t          ink;
    test_work_t         work;
    const test_ink_t   *want = data;
    imgp_text_place_t   place = { 100, 60, 200, 120, 0.2 };

    for (i = 0; i < TEST_ROUNDS; i++) {
        test_work(&work);

        ink = test_draw_at(&work.work, &conf, "한국어 Latin العربية 日本語", 200,
                           120, &place);
        i = (memcmp(ink.cover.data, want->cover.data, 200 * 120) == 0)
                ? i : TEST_ROUNDS;

        imgp_image_free(&work.work, &ink.cover);
    }

    return (i == TEST_ROUNDS) ? data : NULL;
}


static void
test_threads(void)
{
    int                 i, good;
    void               *rc;
    pthread_t           threads[TEST_THREADS];
    test_ink_t          want;
    imgp_text_place_t   place = { 100, 60, 200, 120, 0.2 };

    want = test_draw_at(&tw.work, &conf, "한국어 Latin العربية 日本語", 200, 120,
                        &place);
    good = 0;

    for (i = 0; i < TEST_THREADS; i++) {
        pthread_create(&threads[i], NULL, test_thread, &want);
    }

    for (i = 0; i < TEST_THREADS; i++) {
        pthread_join(threads[i], &rc);
        good += (rc != NULL);
    }

    is_int(good, TEST_THREADS, "the same from %d threads at once",
           TEST_THREADS);
    test_free_ink(&want);
}
