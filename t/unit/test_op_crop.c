
/*
 * crop: boxes of a JSON document, in all their forms, good and bad.
 */


#include "imgp_run.h"


static void test_good(void);
static void test_bad(void);
static void test_many(void);


static test_run_t  run;


static imgp_int_t
crop(const char *line, imgp_str_t image, const char *json, const char *type)
{
    test_init(&run);
    test_json(&run, json);
    run.inputs[1].type = type;

    return test_op(&run, line, image);
}


int
main(void)
{
    test_good();
    test_bad();
    test_many();

    return done();
}


static void
test_good(void)
{
    imgp_str_t     s, doc;
    imgp_uint_t    i;
    test_png_t     t = { .width = 40, .height = 20, .depth = 8,
                         .type = PNG_COLOR_TYPE_RGB };
    test_pixels_t  p;

    /* all of them are the upper right quadrant */

    static const char  *same[] = {
        "[[20,0,20,10]]",
        " \t [[20, -5, 20, 15]]",
        "[[20, 0, 1e9, 10]]",
        "[[20.4, 0, 19.5, 9.2]]",
        "[{\"x\":20,\"y\":0,\"width\":20,\"height\":10}]",
        "[{\"left\":20,\"top\":0,\"right\":40,\"bottom\":10}]",
        "[{\"left\":20.9,\"top\":-1.5,\"right\":39.1,\"bottom\":9.1,\"i\":[]}]",
        "[{\"text_region\":[[20,1],[39,0],[40,9],[21,10]]}]",
        "[[20,0,40,3,33,10]]"
    };

    s = test_png(&t, test_quadrant);

    for (i = 0; i < imgp_nelts(same); i++) {
        crop("crop /*", s, same[i], NULL);
        p = test_read(&run.task.outputs[0]);

        ok(run.rc == IMGP_OK && run.task.noutputs == 1 && p.width == 20
           && p.height == 10 && test_near(&p, 0, 0, 0, 255, 0, 255, 0)
           && test_near(&p, 19, 9, 0, 255, 0, 255, 0), "%s", same[i]);

        free(p.rgba);
        imgp_op_free(&run.task);
    }

    crop("crop /items/*/box", s, "{\"items\":[{\"box\":[0,0,5,6]},"
         "{\"box\":[30,12,7,8]}]}", "application/json");
    ok(run.rc == IMGP_OK && run.task.noutputs == 2
       && run.task.outputs[0].width == 5 && run.task.outputs[0].height == 6
       && run.task.outputs[1].width == 7 && run.task.outputs[1].height == 8,
       "two boxes, in order");
    is_int(run.progress, 1000, "progress");
    imgp_op_free(&run.task);

    crop("crop /*", s, "[]", NULL);
    ok(run.rc == IMGP_OK && run.task.noutputs == 0, "no box, no output");

    /* the document first */

    doc.data = (u_char *) "[[0,0,5,6]]";
    doc.len = 11;
    test_init(&run);
    run.task.ninputs = 2;
    run.inputs[1].data = s;
    test_op(&run, "crop /0", doc);
    ok(run.rc == IMGP_OK && run.task.outputs[0].width == 5, "JSON first");
    imgp_op_free(&run.task);
    free(s.data);

    /* boxes are of the picture as it is seen */

    t.orientation = 6;
    s = test_png(&t, test_quadrant);
    crop("crop /*", s, "[[10,0,10,20]]", NULL);
    p = test_read(&run.task.outputs[0]);
    ok(p.height == 20 && test_near(&p, 5, 10, 255, 0, 0, 255, 0),
       "in the upright picture");
    free(p.rgba);
    imgp_op_free(&run.task);
    free(s.data);
}


static void
test_bad(void)
{
    imgp_str_t   s;
    imgp_uint_t  i;
    test_png_t   t = { .width = 40, .height = 20, .depth = 8,
                       .type = PNG_COLOR_TYPE_RGB };

    static const char  *bad[] = {
        "[[40,0,5,5]]", "[[0,20,5,5]]", "[[-9,0,5,5]]", "[[0,0,0,5]]",
        "[[0,0,5,-5]]", "[[3.2,3,0,9]]", "[[0,0,5]]", "[[0,0,5,5,5]]",
        "[[[0,0],[5,5]]]",
        "[[0,0,5,\"5\"]]", "[5]", "[\"5\"]", "[null]", "[{\"x\":1}]",
        "[{\"left\":1,\"y\":1,\"right\":5,\"bottom\":5}]",
        "[{\"left\":5,\"top\":1,\"right\":1,\"bottom\":5}]",
        "[[1e300,0,5,5]]", "[[0,0,5,5],[99,0,5,5]]",
        "[[0,0,5,5]", "[[0,0,5,5]]x"
    };

    s = test_png(&t, test_quadrant);

    for (i = 0; i < imgp_nelts(bad); i++) {
        crop("crop /*", s, bad[i], NULL);
        ok(run.rc == IMGP_ERROR && run.task.error.code == IMGP_E_BAD_PARAM
           && run.task.noutputs == 0, "%s: %s", bad[i],
           run.task.error.detail);
    }

    crop("crop /*", s, "\"text\"", "text/plain");
    is_int(run.task.error.code, IMGP_E_BAD_PARAM, "no document");

    test_init(&run);
    test_op(&run, "crop /*", s);
    is_int(run.task.error.code, IMGP_E_BAD_PARAM, "an image alone");

    test_fails("crop /*", s, "[[0,0,5,5],[1,1,5,5]]");

    free(s.data);
}


static void
test_many(void)
{
    int          i;
    char         json[2000];
    imgp_str_t   s;
    test_png_t   t = { .width = 40, .height = 20, .depth = 8,
                       .type = PNG_COLOR_TYPE_RGB };

    s = test_png(&t, test_quadrant);

    strcpy(json, "[[0,0,1,1]");

    for (i = 1; i < IMGP_OP_OUTPUTS_MAX; i++) {
        strcat(json, ",[0,0,1,1]");
    }

    strcat(json, "]");
    crop("crop /*", s, json, NULL);
    is_int(run.task.noutputs, IMGP_OP_OUTPUTS_MAX, "as many as there may be");
    imgp_op_free(&run.task);

    strcpy(json + strlen(json) - 1, ",[0,0,1,1]]");
    crop("crop /*", s, json, NULL);
    is_int(run.task.error.code, IMGP_E_LIMIT, "one more");

    free(s.data);
}
