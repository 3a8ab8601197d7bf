
/*
 * The choice of a format for an output, and the room for outputs.
 */


#include "imgp_picture.h"
#include <imgp/imgp_encode.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static void test_formats(void);
static void test_room(void);


int
main(void)
{
    task.alloc = &imgp_malloc;
    task.ninputs = 1;
    work.task = &task;

    test_formats();
    test_room();

    return done();
}


static imgp_image_t
make(uint32_t alpha)
{
    imgp_image_t  image;

    imgp_image_form(&image, 3, 2, IMGP_SPACE_RGB, 1, 8);
    imgp_image_alloc(&work, &image);
    memset(image.data, 255, image.stride * 2);
    image.data[3] = alpha;

    return image;
}


static void
test_formats(void)
{
    imgp_uint_t    i;
    imgp_image_t   image;
    imgp_encode_t  e = { 0, 85, { 0, 0, 0 } };

    static const struct {
        uint32_t     as;
        uint32_t     format;
        uint32_t     alpha;
        const char  *want;
    } cases[] = {
        { 0, IMGP_ENCODE_AUTO, 255, "image/jpeg" },
        { 0, IMGP_ENCODE_AUTO, 254, "image/png" },
        { 0, IMGP_FORMAT_JPEG, 0, "image/jpeg" },
        { 0, IMGP_FORMAT_PNG, 255, "image/png" },
        { 1, IMGP_FORMAT_JPEG, 255, "image/jpeg" },
        { 1, IMGP_FORMAT_JPEG, 0, "image/png" },
        { 1, IMGP_FORMAT_PNG, 0, "image/png" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        image = make(cases[i].alpha);
        e.format = cases[i].format;

        if (cases[i].as) {
            imgp_encode_as(&work, &image, cases[i].format);

        } else {
            imgp_encode(&work, &image, &e);
        }

        is_int(task.noutputs, 1, "an output");
        is_str(task.outputs[0].type, cases[i].want, "format %u, alpha %u",
               cases[i].format, cases[i].alpha);
        ok(task.outputs[0].width == 3 && task.outputs[0].height == 2
           && task.outputs[0].len > 60, "its size");

        imgp_op_free(&task);
        imgp_image_free(&work, &image);
    }
}


static void
test_room(void)
{
    imgp_image_t   image;

    image = make(0);
    task.noutputs = IMGP_OP_OUTPUTS_MAX;

    ok(imgp_encode_as(&work, &image, IMGP_FORMAT_PNG) == IMGP_ERROR
       && task.error.code == IMGP_E_LIMIT
       && task.noutputs == IMGP_OP_OUTPUTS_MAX, "no room for one more");

    imgp_image_free(&work, &image);
}
