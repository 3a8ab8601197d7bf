
/*
 * Means of boxes, with ends that are cut, against plain sums.
 */


#include <math.h>
#include "imgp_test.h"
#include <imgp/imgp_mean.h>
#include <imgp/imgp_alpha.h>


static imgp_work_t     work;
static imgp_op_task_t  task;


static void test_boxes(uint32_t width, uint32_t height, uint32_t box_x,
    uint32_t box_y);


int
main(void)
{
    task.alloc = &imgp_malloc;
    work.task = &task;

    test_boxes(1, 1, 1, 1);
    test_boxes(10, 7, 2, 3);
    test_boxes(67, 9, 5, 1);
    test_boxes(13, 33, 1, 16);
    test_boxes(64, 32, 64, 32);
    test_boxes(3000, 3, 2047, 2);

    is_int(work.used, 0, "all memory given back");

    return done();
}


static uint32_t
test_value(uint32_t x, uint32_t y, uint32_t c)
{
    return (x * 37 + y * 101 + c * 53) * 7 % 256;
}


static void
test_boxes(uint32_t width, uint32_t height, uint32_t box_x, uint32_t box_y)
{
    double        sum;
    u_char       *row;
    int16_t      *out;
    uint32_t      x, y, c, n, i, j, wrong, rows, columns;
    imgp_mean_t   mean;
    imgp_image_t  form;

    imgp_image_form(&form, width, height, IMGP_SPACE_RGB, 0, 8);

    memset(&mean, 0, sizeof(mean));
    mean.form = &form;
    mean.width = width;
    mean.height = height;
    mean.box_x = box_x;
    mean.box_y = box_y;

    columns = (width + box_x - 1) / box_x;
    row = malloc(width * 3);
    out = malloc(columns * 3 * sizeof(int16_t));
    wrong = 0;
    rows = 0;

    imgp_mean_create(&work, &mean);

    for (y = 0; y < height; y++) {

        for (x = 0; x < width * 3; x++) {
            row[x] = test_value(x / 3, y, x % 3);
        }

        if (!imgp_mean_row(&mean, row, out)) {
            continue;
        }

        for (x = 0; x < columns * 3; x++) {
            c = x % 3;
            n = 0;
            sum = 0;

            for (j = rows * box_y; j <= y; j++) {
                for (i = x / 3 * box_x; i < width && i < (x / 3 + 1) * box_x;
                     i++)
                {
                    sum += test_value(i, j, c) * 64;
                    n++;
                }
            }

            wrong += fabs(out[x] - sum / n) > 1;
        }

        rows++;
    }

    ok(wrong == 0 && rows == (height + box_y - 1) / box_y,
       "%ux%u by %ux%u: %u rows", width, height, box_x, box_y, rows);

    imgp_mean_free(&work, &mean);
    free(row);
    free(out);
}
