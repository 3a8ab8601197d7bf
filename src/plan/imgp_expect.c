
/*
 * What is expected of stages.  A duration is a mean over some 8 samples, kept
 * for each class of sizes, each four times as large as the one before.  Of a
 * class that nobody has measured yet its neighbours tell: what lies between
 * two is in the middle of them, what lies beyond is the nearest one.
 *
 * A cell has the mean in eighths of a ms, lest short durations never move it,
 * and in its low 3 bits how many samples there were, up to 7.
 *
 * Called by workers when a stage ends, and for every document (event loop).
 * Memory is the caller's, mostly the zone's.
 */


#include <imgp/imgp_expect.h>


#define IMGP_EXPECT_FIRST    250000   /* the end of the first class */
#define IMGP_EXPECT_STEP     4
#define IMGP_EXPECT_FORGETS  8
#define IMGP_EXPECT_SHIFT    3        /* bits of a cell below the mean */
#define IMGP_EXPECT_PARTS    8        /* of a ms */
#define IMGP_EXPECT_MAX      (((uint64_t) 1 << (32 - IMGP_EXPECT_SHIFT)) - 1)
#define IMGP_EXPECT_ENDS     8        /* of jobs are one sample, ... */
#define IMGP_EXPECT_WINDOW   2000     /* ... or all of so many ms */


#define imgp_expect_parts(cell)    ((cell) >> IMGP_EXPECT_SHIFT)
#define imgp_expect_samples(cell)  ((cell) & (IMGP_EXPECT_FORGETS - 1))


static imgp_expect_cell_t imgp_expect_mix(imgp_expect_cell_t cell,
    uint64_t parts);


imgp_uint_t
imgp_expect_class(const imgp_item_t *input)
{
    uint64_t     n, end;
    imgp_uint_t  i;

    n = (uint64_t) input->width * input->height;

    if (n == 0) {
        n = input->bytes;
    }

    end = IMGP_EXPECT_FIRST;

    for (i = 0; i < IMGP_EXPECT_CLASSES - 1 && n > end; i++) {
        end *= IMGP_EXPECT_STEP;
    }

    return i;
}


imgp_expect_cell_t
imgp_expect_add(imgp_expect_cell_t cell, uint64_t ms)
{
    ms = imgp_min(ms, IMGP_EXPECT_MAX / IMGP_EXPECT_PARTS);

    return imgp_expect_mix(cell, ms * IMGP_EXPECT_PARTS);
}


static imgp_expect_cell_t
imgp_expect_mix(imgp_expect_cell_t cell, uint64_t parts)
{
    int64_t   mean;
    uint32_t  n;

    n = imgp_expect_samples(cell);
    mean = imgp_expect_parts(cell);

    mean += ((int64_t) parts - mean) / (n + 1);
    n = imgp_min(n + 1, IMGP_EXPECT_FORGETS - 1);

    return (imgp_expect_cell_t) mean << IMGP_EXPECT_SHIFT | n;
}


uint64_t
imgp_expect_us(imgp_expect_cell_t cell)
{
    return (uint64_t) imgp_expect_parts(cell) * 1000 / IMGP_EXPECT_PARTS;
}


void
imgp_expect_find(imgp_expect_t *e, const imgp_expect_cell_t *cells,
    imgp_uint_t klass)
{
    imgp_int_t          below, above;
    imgp_expect_cell_t  a, b;

    for (below = klass; below >= 0 && cells[below] == 0; below--) {
        /* void */
    }

    for (above = klass;
         above < IMGP_EXPECT_CLASSES && cells[above] == 0;
         above++)
    {
        /* void */
    }

    a = below < 0 ? 0 : cells[below];
    b = above == IMGP_EXPECT_CLASSES ? 0 : cells[above];

    a = a ? a : b;
    b = b ? b : a;

    e->mean_ms = (imgp_expect_us(a) + imgp_expect_us(b)) / 2000;
    e->samples = imgp_expect_samples(a);
    e->wait_ms = 0;
}


/* of "each" it is not known how many calls there will be */

uint64_t
imgp_expect_wait(const imgp_expect_t *e, const imgp_stage_t *st,
    uint64_t waiting, uint64_t limit, uint64_t interval)
{
    uint64_t  ms;

    if (st->each || waiting == 0) {
        return 0;
    }

    waiting = imgp_min(waiting, UINT32_MAX);
    ms = limit ? waiting * e->mean_ms / limit : 0;

    if (st->batch) {
        ms /= st->batch;
    }

    interval = imgp_min(interval, UINT32_MAX);

    return imgp_max(ms, waiting * interval / 1000);
}


/* when nobody waits places may be empty, and an end tells nothing of how fast
   others would have come */

void
imgp_expect_end(imgp_expect_pace_t *pace, imgp_uint_t waiting,
    imgp_msec_t now)
{
    uint64_t  ms;

    if (pace->since && now >= pace->since) {
        pace->ends++;
        ms = imgp_min(now - pace->since, IMGP_EXPECT_MAX / IMGP_EXPECT_PARTS);

        if (waiting && pace->ends < IMGP_EXPECT_ENDS
            && ms < IMGP_EXPECT_WINDOW)
        {
            return;
        }

        pace->cell = imgp_expect_mix(pace->cell, ms * IMGP_EXPECT_PARTS
                                                 / pace->ends);
    }

    pace->since = waiting ? now : 0;
    pace->ends = 0;
}
