
/*
 * imgp_expect.c: durations by size, waits, the pace of a queue; and all of it
 * together with imgp_progress.c, on a clock that is only told.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_expect.h>
#include <imgp/imgp_progress.h>


static imgp_pool_t  *pool;


static imgp_uint_t
class_of(uint32_t width, uint32_t height, uint64_t bytes)
{
    imgp_item_t  item;

    memset(&item, 0, sizeof(item));
    item.width = width;
    item.height = height;
    item.bytes = bytes;

    return imgp_expect_class(&item);
}


static void
classes(void)
{
    is_int(class_of(1, 1, 999999999), 0, "pixels count, not bytes");
    is_int(class_of(500, 500, 0), 0, "a thumbnail");
    is_int(class_of(501, 500, 0), 1, "a little more");
    is_int(class_of(4032, 3024, 0), 3, "of a phone");
    is_int(class_of(8064, 6048, 0), 4, "of a good one");
    is_int(class_of(UINT32_MAX, UINT32_MAX, 0), 5, "the largest");
    is_int(class_of(0, 0, 0), 0, "nothing");
    is_int(class_of(0, 0, 3000000), 2, "sound, by its bytes");
    is_int(class_of(0, 0, UINT64_MAX), 5, "however long");
}


static imgp_expect_cell_t
times(imgp_expect_cell_t cell, uint64_t ms, imgp_uint_t n)
{
    while (n--) {
        cell = imgp_expect_add(cell, ms);
    }

    return cell;
}


static void
cells(void)
{
    imgp_expect_cell_t  cell;

    cell = imgp_expect_add(0, 100);
    is_int(imgp_expect_us(cell), 100000, "the first sample is the mean");
    cell = imgp_expect_add(cell, 300);
    is_int(imgp_expect_us(cell), 200000, "of two");
    cell = times(cell, 1000, 100);
    ok(imgp_expect_us(cell) > 990000 && imgp_expect_us(cell) <= 1000000,
       "old samples are forgotten: %u", (unsigned) imgp_expect_us(cell));
    cell = times(cell, 0, 100);
    ok(imgp_expect_us(cell) < 1000, "down to less than a ms: %u",
       (unsigned) imgp_expect_us(cell));

    is_int(imgp_expect_us(times(times(0, 3, 9), 5, 40)) / 1000, 4,
           "short ones move, too");

    cell = times(0, UINT64_MAX, 3);
    ok(imgp_expect_us(cell) > (uint64_t) 18 * 3600 * 1000 * 1000,
       "the longest there is");
    ok(imgp_expect_us(imgp_expect_add(cell, 0)) < imgp_expect_us(cell),
       "and it falls again");
    ok(imgp_expect_add(0, 0) != 0, "measured 0 ms is measured");
}


static uint32_t
found(const imgp_expect_cell_t *row, imgp_uint_t klass)
{
    imgp_expect_t  e;

    imgp_expect_find(&e, row, klass);

    return e.samples ? e.mean_ms : UINT32_MAX;
}


static void
neighbours(void)
{
    imgp_expect_cell_t  row[IMGP_EXPECT_CLASSES];

    memset(row, 0, sizeof(row));
    is_int(found(row, 0), UINT32_MAX, "nothing is known of any");
    is_int(found(row, IMGP_EXPECT_CLASSES - 1), UINT32_MAX, "up to the last");

    row[1] = imgp_expect_add(0, 100);
    row[4] = imgp_expect_add(0, 900);
    is_int(found(row, 1), 100, "itself");
    is_int(found(row, 4), 900, "and another");
    is_int(found(row, 0), 100, "below all: the nearest");
    is_int(found(row, 5), 900, "above all");
    is_int(found(row, 2), 500, "between two");

    row[2] = imgp_expect_add(0, 300);
    is_int(found(row, 2), 300, "until it is known");
    is_int(found(row, 1), 100, "which changes no other");
}


static void
waits(void)
{
    imgp_stage_t   st;
    imgp_expect_t  e = { 1000, 1, 0 };

    memset(&st, 0, sizeof(st));

    is_int(imgp_expect_wait(&e, &st, 0, 2, 0), 0, "nobody waits");
    is_int(imgp_expect_wait(&e, &st, 10, 2, 0), 5000, "two at a time");
    is_int(imgp_expect_wait(&e, &st, 10, 0, 0), 0, "no limit");
    is_int(imgp_expect_wait(&e, &st, 10, 0, 2000000), 20000, "30 a minute");
    is_int(imgp_expect_wait(&e, &st, 10, 2, 2000000), 20000, "the slower one");
    st.batch = 5;
    is_int(imgp_expect_wait(&e, &st, 10, 2, 0), 1000, "five in a call");
    st.batch = 0;
    st.each = 1;
    is_int(imgp_expect_wait(&e, &st, 10, 2, 0), 0, "of \"each\": not known");
    st.each = 0;
    e.mean_ms = UINT32_MAX;
    ok(imgp_expect_wait(&e, &st, UINT64_MAX, 1, UINT64_MAX)
       > (uint64_t) 1 << 60, "no overflow");
}


static void
pace(void)
{
    imgp_uint_t         i;
    imgp_expect_pace_t  p;

    memset(&p, 0, sizeof(p));

    imgp_expect_end(&p, 0, 1000);
    imgp_expect_end(&p, 0, 9000);
    is_int(imgp_expect_us(p.cell), 0, "ends while nobody waits tell nothing");

    for (i = 0; i < 100; i++) {
        imgp_expect_end(&p, 5, 10000 + i * 50);
    }

    is_int(imgp_expect_us(p.cell), 50000, "one in 50 ms");

    /* four at a time, then nothing for 800 ms: 200 ms each */

    for (i = 0; i < 400; i++) {
        imgp_expect_end(&p, 5, 20000 + i / 4 * 800);
    }

    ok(imgp_expect_us(p.cell) > 180000 && imgp_expect_us(p.cell) < 220000,
       "four at a time: %u", (unsigned) imgp_expect_us(p.cell));

    i = imgp_expect_us(p.cell);
    imgp_expect_end(&p, 0, 99800 + 800);
    imgp_expect_end(&p, 3, 999999);
    ok(imgp_expect_us(p.cell) < 2 * i,
       "from the last of a crowd to the first of the next: no sample");

    memset(&p, 0, sizeof(p));
    imgp_expect_end(&p, 1, 5000);
    imgp_expect_end(&p, 1, 4000);
    imgp_expect_end(&p, 1, 4000 + 3000);
    is_int(imgp_expect_us(p.cell), 3000000, "a clock that steps back");

    memset(&p, 0, sizeof(p));

    for (i = 0; i < 1600; i++) {
        imgp_expect_end(&p, 1, 1000 + i / 4);
    }

    is_int(imgp_expect_us(p.cell), 250, "four in a ms");
}


/* 40 jobs, all there at once; "width" at a time, "ms" each, the last is
   watched.  How far what it was told was off, at most, once the queue had
   moved, in ms. */

static int64_t
crowd(imgp_plan_t *plan, imgp_uint_t width, imgp_uint_t ms,
    imgp_expect_cell_t *row, int64_t *first)
{
    int64_t             eta, end, off, worst;
    imgp_msec_t         now;
    imgp_job_t         *job;
    imgp_uint_t         i;
    imgp_expect_t       e[IMGP_STAGES_MAX];
    imgp_expect_pace_t  p;

    memset(&p, 0, sizeof(p));
    job = fix_job(plan);
    end = 1000 + 40 / width * ms;
    worst = 0;
    *first = -1;

    for (i = 0; i < 40 - width; i++) {
        now = 1000 + (i / width + 1) * ms;
        row[0] = imgp_expect_add(row[0], ms);
        imgp_expect_end(&p, 39 - width - i, now);

        imgp_expect_find(&e[0], row, 0);
        eta = imgp_progress_eta(plan, job, -1, e, now);
        eta += imgp_progress_wait(plan, 39 - width - i,
                                  imgp_expect_us(p.cell), eta);

        *first = *first < 0 ? eta : *first;
        off = end - (int64_t) now - eta;

        if (i >= 2 * width && i % width == width - 1) {
            worst = imgp_max(worst, off < 0 ? -off : off);
        }
    }

    imgp_job_destroy(job);

    return worst;
}


static void
queue(void)
{
    int64_t             off, first;
    imgp_plan_t        *plan;
    imgp_expect_cell_t  row[IMGP_EXPECT_CLASSES];

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "post http://x/", NULL);
    fix_finish(plan);

    plan->concurrency = 4;
    memset(row, 0, sizeof(row));
    off = crowd(plan, 4, 3000, row, &first);
    ok(first >= 24000 && first <= 30000,
       "before the queue has moved: places by what one takes: %d ms",
       (int) first);
    ok(off <= 3000, "and then by how it moves: off by %d ms", (int) off);

    /* 64 are let in, but two are all that the machine can do */

    plan->concurrency = 64;
    memset(row, 0, sizeof(row));
    off = crowd(plan, 2, 3000, row, &first);
    ok(off <= 6000, "whatever is configured: off by %d ms", (int) off);
}


static void
by_size(void)
{
    imgp_job_t          *small, *large;
    imgp_plan_t         *plan;
    imgp_expect_t        e[IMGP_STAGES_MAX];
    imgp_expect_cell_t   row[IMGP_EXPECT_CLASSES];

    plan = fix_plan(pool, "p");
    fix_stage(plan, "a", "x", NULL);
    fix_finish(plan);
    memset(row, 0, sizeof(row));

    small = fix_job(plan);
    large = fix_job(plan);
    small->input.width = small->input.height = 400;
    large->input.width = large->input.height = 4000;

    row[imgp_expect_class(&small->input)] = imgp_expect_add(0, 20);
    row[imgp_expect_class(&large->input)] = imgp_expect_add(0, 800);

    imgp_expect_find(e, row, imgp_expect_class(&small->input));
    is_int(imgp_progress_eta(plan, small, -1, e, 0), 20, "a small picture");
    imgp_expect_find(e, row, imgp_expect_class(&large->input));
    is_int(imgp_progress_eta(plan, large, -1, e, 0), 800, "a large one");

    imgp_job_destroy(small);
    imgp_job_destroy(large);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    classes();
    cells();
    neighbours();
    waits();
    pace();
    queue();
    by_size();

    imgp_pool_destroy(pool);

    return done();
}
