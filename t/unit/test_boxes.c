
/*
 * Boxes of JSON documents: every form, what is refused, limits, memory.
 */


#include <stdio.h>
#include <imgp/imgp_boxes.h>
#include "imgp_work_test.h"


#define TEST_WIDTH   100
#define TEST_HEIGHT  50


typedef struct {
    test_work_t    tw;
    imgp_boxes_t   boxes;
    imgp_int_t     rc;
} test_boxes_t;


static void test_forms(void);
static void test_polygons(void);
static void test_refused(void);
static void test_order(void);
static void test_limits(void);
static void test_strings(void);
static void test_faults(void);


int
main(void)
{
    test_forms();
    test_polygons();
    test_refused();
    test_order();
    test_limits();
    test_strings();
    test_faults();

    return done();
}


static void
test_read_more(test_boxes_t *t, const char *pointer, const char *json,
    imgp_uint_t max)
{
    json_t          *root;
    imgp_str_t       text;
    imgp_pool_t     *pool;
    imgp_error_t     err;
    imgp_pointer_t  *p;

    pool = imgp_pool_create(&imgp_malloc, 1024);

    text.data = (u_char *) pointer;
    text.len = strlen(pointer);
    p = imgp_pointer_parse(pool, &text, &err);

    text.data = (u_char *) json;
    text.len = strlen(json);
    root = imgp_boxes_load(&t->tw.work, &text);

    t->rc = IMGP_ERROR;

    if (root != NULL) {
        t->rc = imgp_boxes_read(&t->tw.work, p, root, max, TEST_WIDTH,
                                TEST_HEIGHT, &t->boxes);
    }

    json_decref(root);
    imgp_pool_destroy(pool);
}


static void
test_read(test_boxes_t *t, const char *pointer, const char *json)
{
    memset(t, 0, sizeof(test_boxes_t));
    test_work(&t->tw);
    test_read_more(t, pointer, json, IMGP_BOXES_MAX);
}


static int
test_box(const test_boxes_t *t, imgp_uint_t i, uint32_t x, uint32_t y,
    uint32_t w, uint32_t h)
{
    const imgp_box_t  *box;

    if (t->rc != IMGP_OK || i >= t->boxes.n) {
        printf("# %s\n", t->tw.task.error.detail);
        return 0;
    }

    box = &t->boxes.boxes[i];

    if (box->x != x || box->y != y || box->w != w || box->h != h) {
        printf("# %u,%u %ux%u\n", box->x, box->y, box->w, box->h);
        return 0;
    }

    return 1;
}


static void
test_forms(void)
{
    imgp_uint_t   i;
    test_boxes_t  t;

    /* all of them are 30 x 10 at 20, 5 */

    static const char  *same[] = {
        "[20,5,30,10]",
        "[20.5,5.5,29,9]",
        "{\"x\":20,\"y\":5,\"width\":30,\"height\":10,\"score\":\"0.9\"}",
        "{\"x\":20,\"y\":5,\"w\":30,\"h\":10}",
        "{\"left\":20,\"top\":5,\"right\":50,\"bottom\":15}",
        "{\"left\":20,\"top\":5,\"width\":30,\"height\":10}",
        "{\"x1\":20,\"y1\":5,\"x2\":50,\"y2\":15}",
        "{\"xmin\":20,\"ymin\":5,\"xmax\":50,\"ymax\":15}",
        "{\"box\":[20,5,30,10],\"text\":\"a\"}",
        "{\"bbox\":{\"x\":20,\"y\":5,\"width\":30,\"height\":10}}",
        "{\"bbox\":{\"box\":{\"box\":[20,5,30,10]}}}"
    };

    for (i = 0; i < imgp_nelts(same); i++) {
        test_read(&t, "", same[i]);
        ok(test_box(&t, 0, 20, 5, 30, 10) && t.boxes.n == 1
           && t.boxes.boxes[0].npoints == 0, "%s", same[i]);
        imgp_boxes_free(&t.boxes);
        is_int(t.tw.work.used, 0, "nothing is left");
    }

    test_read(&t, "", "[-7,-1000000,10000000,1000003]");
    ok(test_box(&t, 0, 0, 0, TEST_WIDTH, 3), "what juts out is cut off");
    imgp_boxes_free(&t.boxes);
}


static void
test_polygons(void)
{
    imgp_uint_t    i;
    test_boxes_t   t;
    imgp_point_t  *p;

    static const char  *same[] = {
        "[[20,5],[50.5,7],[30,15],[10,12.25]]",
        "[20,5,50.5,7,30,15,10,12.25]",
        "[{\"x\":20,\"y\":5},{\"x\":50.5,\"y\":7},{\"x\":30,\"y\":15},"
        "{\"x\":10,\"y\":12.25}]",
        "{\"boundingPoly\":{\"vertices\":[{\"x\":20,\"y\":5},"
        "{\"x\":50.5,\"y\":7},{\"x\":30,\"y\":15},{\"x\":10,\"y\":12.25}]}}",
        "{\"confidence\":0.98,\"text\":\"x\",\"text_region\":"
        "[[20,5],[50.5,7],[30,15],[10,12.25]]}",
        "{\"points\":[[20,5],[50.5,7],[30,15],[10,12.25]]}",
        "{\"polygon\":[20,5,50.5,7,30,15,10,12.25]}",
        "{\"boundingBox\":[20,5,50.5,7,30,15,10,12.25]}"
    };

    for (i = 0; i < imgp_nelts(same); i++) {
        test_read(&t, "", same[i]);
        ok(test_box(&t, 0, 10, 5, 41, 10), "the box around %s", same[i]);

        p = t.boxes.boxes[0].points;
        ok(t.boxes.boxes[0].npoints == 4 && p[0].x == 20 && p[0].y == 5
           && p[1].x == 50.5 && p[1].y == 7 && p[2].x == 30 && p[2].y == 15
           && p[3].x == 10 && p[3].y == 12.25, "and its points");
        imgp_boxes_free(&t.boxes);
    }

    test_read(&t, "", "[{},{\"x\":9},{\"x\":9,\"y\":8},{\"y\":8}]");
    ok(test_box(&t, 0, 0, 0, 9, 8), "what is left out is 0");
    imgp_boxes_free(&t.boxes);

    test_read(&t, "", "[[-1000000,-5],[5,60],[1000000,2]]");
    ok(test_box(&t, 0, 0, 0, TEST_WIDTH, TEST_HEIGHT), "far points");
    imgp_boxes_free(&t.boxes);
}


static void
test_refused(void)
{
    imgp_uint_t   i;
    test_boxes_t  t;

    static const char  *bad[] = {
        "5", "null", "true", "\"5\"", "\"\"", "[]", "{}", "[1]", "[1,2,3]",
        "[1,2,3,4,5]", "[1,2,3,4,5,6,7]", "[1,2,3,\"4\"]", "[1,2,3,null]",
        "[[1,2,3,4]]", "[[1,2],[3,4]]", "[[1,2],[3,4],[5]]",
        "[[1,2],[3,4],[5,\"6\"]]", "[[1,2],[3,4],5]", "[1,2,3,4,5,[6]]",
        "[[1,2],[3,4],{\"a\":1}]", "[\"a\",\"b\",\"c\"]", "[[],[],[]]",
        "[[1,2],[3,40],[1000001,6]]", "[[1,2],[3,40],[1e300,6]]",
        "{\"x\":1,\"y\":2}", "{\"x\":1,\"y\":2,\"width\":3}",
        "{\"x\":1,\"y\":2,\"width\":3,\"height\":\"4\"}",
        "{\"left\":1,\"top\":2,\"x2\":3,\"y2\":4}", "{\"box\":null}",
        "{\"box\":{\"box\":{\"box\":{\"box\":[1,2,3,4]}}}}",

        "[100,0,5,5]", "[0,50,5,5]", "[-5,0,5,5]", "[1,1,0,5]", "[5,5,-4,9]",
        "[1e300,0,5,5]", "{\"left\":5,\"top\":1,\"right\":1,\"bottom\":5}",
        "[[1,2],[3,2],[9,2]]", "[[200,2],[300,20],[250,30]]",
        "[{},{},{}]"
    };

    for (i = 0; i < imgp_nelts(bad); i++) {
        test_read(&t, "", bad[i]);
        ok(t.rc == IMGP_ERROR && t.tw.task.error.code == IMGP_E_BAD_PARAM
           && t.tw.work.used == 0, "%s: %s", bad[i], t.tw.task.error.detail);
    }

    test_read(&t, "/*", "[[0,0,5,5],[1,2,3,4],[0,0,0,0]]");
    is_str(t.tw.task.error.detail, "box 2 holds no pixel of the 100x50 image",
           "the one at fault is told");

    test_read(&t, "/*", "[[0,0,5,5],7]");
    ok(strncmp(t.tw.task.error.detail, "value 1 selected is no box", 26) == 0,
       "likewise");

    test_read(&t, "", "[0,0,5,5");
    is_int(t.tw.task.error.code, IMGP_E_BAD_PARAM, "no JSON: %s",
           t.tw.task.error.detail);
}


static void
test_order(void)
{
    test_boxes_t  t;

    test_read(&t, "/results/0/*",
              "{\"results\":[[{\"text_region\":[[1,1],[9,1],[9,5],[1,5]]},"
              "{\"box\":[2,2,3,3]},{\"text_region\":[[4,4],[8,4],[8,9]]}]]}");
    ok(test_box(&t, 0, 1, 1, 8, 4) && test_box(&t, 1, 2, 2, 3, 3)
       && test_box(&t, 2, 4, 4, 4, 5) && t.boxes.n == 3, "in their order");
    ok(t.boxes.boxes[0].npoints == 4 && t.boxes.boxes[2].npoints == 3
       && t.boxes.boxes[2].points == t.boxes.boxes[0].points + 4
       && t.boxes.boxes[2].points[2].y == 9, "each with its own points");
    imgp_boxes_free(&t.boxes);

    test_read(&t, "/none/*", "{}");
    ok(t.rc == IMGP_OK && t.boxes.n == 0, "nothing selected");
    imgp_boxes_free(&t.boxes);
}


static void
test_limits(void)
{
    char          *json, *p;
    imgp_uint_t    i;
    test_boxes_t   t;

    memset(&t, 0, sizeof(t));
    test_work(&t.tw);
    test_read_more(&t, "/*", "[[0,0,1,1],[0,0,1,1]]", 2);
    is_int(t.boxes.n, 2, "as many as there may be");
    imgp_boxes_free(&t.boxes);

    test_read_more(&t, "/*", "[[0,0,1,1],[0,0,1,1],[0,0,1,1]]", 2);
    is_int(t.tw.task.error.code, IMGP_E_LIMIT, "one more");

    json = malloc(IMGP_BOXES_POINTS_MAX * 8 + 64);
    p = json + sprintf(json, "[[0,0]");

    for (i = 1; i < IMGP_BOXES_POINTS_MAX; i++) {
        p += sprintf(p, ",[%u,%u]", (unsigned) i % 7, (unsigned) i % 5);
    }

    strcpy(p, "]");
    test_read(&t, "", json);
    ok(t.rc == IMGP_OK && t.boxes.boxes[0].npoints == IMGP_BOXES_POINTS_MAX,
       "a polygon of as many points as there may be");
    imgp_boxes_free(&t.boxes);

    strcpy(p, ",[1,1]]");
    test_read(&t, "", json);
    is_int(t.tw.task.error.code, IMGP_E_LIMIT, "one more");

    free(json);
}


/* as language models answer: JSON within a string */

static void
test_strings(void)
{
    test_boxes_t  t;

    test_read(&t, "/*", "\"[[1,2,3,4]]\"");
    ok(test_box(&t, 0, 1, 2, 3, 4), "a string that holds JSON");
    imgp_boxes_free(&t.boxes);

    test_read(&t, "/*", "\"no boxes\"");
    ok(t.rc == IMGP_OK && t.boxes.n == 0, "another string");
    imgp_boxes_free(&t.boxes);
}


static void
test_faults(void)
{
    long          n;
    test_boxes_t  t;
    test_alloc_t  ta;
    imgp_alloc_t  alloc = { test_alloc, test_free, &ta };

    for (n = 0; n < 10; n++) {
        memset(&t, 0, sizeof(t));
        test_work(&t.tw);

        ta.left = n;
        ta.live = 0;
        t.tw.task.alloc = &alloc;

        test_read_more(&t, "/*", "[[0,0,1,1],[[0,0],[9,9],[0,9]]]", 5);

        if (t.rc == IMGP_OK) {
            break;
        }

        ok(ta.live == 0 && t.tw.task.error.code == IMGP_E_INTERNAL,
           "allocation %ld may fail", n);
    }

    is_int(n, 2, "two allocations");
    imgp_boxes_free(&t.boxes);
    is_int(ta.live, 0, "nothing is left");
}
