
/*
 * Strips of any shape to planes, by a reader made here: each sample where it
 * belongs, with and without resizing, and errors handed on.
 */


#include "imgp_test.h"
#include <imgp/imgp_planes.h>


typedef struct {
    imgp_reader_t      reader;
    uint32_t           strip;
    uint32_t           broken;        /* at this strip */
} test_reader_t;


static imgp_work_t     work;
static imgp_op_task_t  task;


static void test_run(uint32_t width, uint32_t height, uint32_t pitch,
    uint32_t rows, uint32_t flip, uint32_t shrink);
static void test_broken(void);


int
main(void)
{
    uint32_t  flip;

    task.alloc = &imgp_malloc;
    task.ninputs = 1;
    work.task = &task;

    for (flip = 0; flip < 4; flip++) {
        test_run(64, 48, 2, 16, flip, 1);
        test_run(63, 49, 1, 8, flip, 1);
        test_run(70, 33, 2, 32, flip, 1);
        test_run(64, 48, 2, 16, flip, 2);
        test_run(151, 99, 1, 8, flip, 3);
    }

    test_broken();

    is_int(work.used, 0, "all memory given back");

    return done();
}


static imgp_int_t
test_start(imgp_reader_t *reader, uint32_t width, uint32_t height,
    uint32_t sub_x, uint32_t sub_y)
{
    return IMGP_OK;
}


/* values tell the place: even ramps, which no resampling changes */

static uint32_t
test_value(uint32_t x, uint32_t y)
{
    return x + y / 2 + 20;
}


static imgp_int_t
test_strip(imgp_reader_t *reader, u_char **rows[IMGP_READER_PLANES])
{
    uint32_t              i, x, y;
    test_reader_t        *t;
    imgp_reader_plane_t  *p;

    t = (test_reader_t *) reader;

    if (t->strip == t->broken) {
        return imgp_work_error(&work, IMGP_E_BAD_IMAGE, "broken");
    }

    for (i = 0; i < 3; i++) {
        p = &reader->plane[i];

        for (y = 0; y < p->rows; y++) {
            for (x = 0; x < p->stride; x++) {
                rows[i][y][x] = test_value(x * p->pitch_x,
                                           (t->strip * p->rows + y)
                                           * p->pitch_y);
            }
        }
    }

    t->strip++;

    return IMGP_OK;
}


static void
test_open(test_reader_t *t, uint32_t width, uint32_t height, uint32_t pitch,
    uint32_t rows)
{
    uint32_t  i;

    memset(t, 0, sizeof(test_reader_t));

    t->broken = 9999;
    t->reader.work = &work;
    t->reader.full_width = width;
    t->reader.full_height = height;
    t->reader.nplanes = 3;
    t->reader.start_planes = test_start;
    t->reader.strip = test_strip;
    t->reader.strips = (height + rows - 1) / rows;

    for (i = 0; i < 3; i++) {
        t->reader.plane[i].pitch_x = i ? pitch : 1;
        t->reader.plane[i].pitch_y = i ? pitch : 1;
        t->reader.plane[i].rows = rows / (i ? pitch : 1);
        t->reader.plane[i].stride = (width + 15) / 16 * 16 / (i ? pitch : 1);
    }
}


static void
test_run(uint32_t width, uint32_t height, uint32_t pitch, uint32_t rows,
    uint32_t flip, uint32_t shrink)
{
    double               sx, sy, want, got, d, worst;
    uint32_t             i, x, y, sub;
    test_reader_t        t;
    imgp_picture_t       p;
    imgp_planes_plan_t   plan;

    test_open(&t, width, height, pitch, rows);
    memset(&p, 0, sizeof(p));
    memset(&plan, 0, sizeof(plan));

    plan.fit = (imgp_fit_plan_t) { width / shrink, height / shrink, 0, 0,
                                   width, height };
    plan.flip_x = flip & 1;
    plan.flip_y = flip >> 1;
    plan.sub_x = plan.sub_y = 2;

    imgp_planes_read(&t.reader, &plan, &p);

    worst = 0;

    for (i = 0; i < 3; i++) {
        sub = i ? 2 : 1;

        /* borders, where the ramp is cut off, apart */

        for (y = 4; y + 4 < p.planes[i].height; y++) {
            for (x = 4; x + 4 < p.planes[i].width; x++) {
                sx = (x + 0.5) * sub * width / p.width;
                sy = (y + 0.5) * sub * height / p.height;
                sx = plan.flip_x ? width - sx : sx;
                sy = plan.flip_y ? height - sy : sy;

                want = sx + sy / 2 + 20
                       - (i ? pitch : 1) * 0.75;
                got = imgp_image_row(&p.planes[i], y)[x];
                d = (got > want) ? got - want : want - got;
                worst = (d > worst) ? d : worst;
            }
        }
    }

    ok(worst < 1.3 && p.width == width / shrink
       && p.planes[2].height == (p.height + 1) / 2,
       "%ux%u, pitch %u, strips of %u, flip %u, by %u: within %.2f", width,
       height, pitch, rows, flip, shrink, worst);

    imgp_picture_free(&work, &p);
}


static void
test_broken(void)
{
    test_reader_t        t;
    imgp_picture_t       p;
    imgp_planes_plan_t   plan;

    test_open(&t, 64, 48, 2, 16);
    t.broken = 2;

    memset(&p, 0, sizeof(p));
    memset(&plan, 0, sizeof(plan));

    plan.fit = (imgp_fit_plan_t) { 32, 24, 0, 0, 64, 48 };
    plan.sub_x = plan.sub_y = 2;

    ok(imgp_planes_read(&t.reader, &plan, &p) == IMGP_ERROR
       && task.error.code == IMGP_E_BAD_IMAGE, "a strip that is broken");
    imgp_picture_free(&work, &p);
    task.error.code = IMGP_E_NONE;

    t.strip = 0;
    task.max_memory = 5000;
    ok(imgp_planes_read(&t.reader, &plan, &p) == IMGP_ERROR
       && task.error.code == IMGP_E_LIMIT, "memory that is out");
    imgp_picture_free(&work, &p);
    task.max_memory = 0;
}
