
/*
 * What is expected of stages: how long they take, learnt from measured
 * durations by the size of what was uploaded, and how long they are waited
 * for.  Pure: cells lie in shared memory, and a clock is passed in.
 */


#ifndef _IMGP_EXPECT_H_INCLUDED_
#define _IMGP_EXPECT_H_INCLUDED_


#include <imgp/imgp_job.h>


/* of pixels, or of bytes where there are none: up to 250,000, a million, 4,
   16, 64 millions, more */

#define IMGP_EXPECT_CLASSES  6

imgp_uint_t imgp_expect_class(const imgp_item_t *input);

/* a mean that forgets, and what of it is new, in one word, so that it changes
   by one compare and swap; 0: nothing was measured.  add() returns the cell
   that comes after this one. */

typedef uint32_t  imgp_expect_cell_t;

imgp_expect_cell_t imgp_expect_add(imgp_expect_cell_t cell, uint64_t ms);
uint64_t imgp_expect_us(imgp_expect_cell_t cell);


/* of a stage, for one job */

typedef struct {
    uint32_t           mean_ms;
    uint32_t           samples;       /* 0: not known */
    uint64_t           wait_ms;       /* before it can begin */
} imgp_expect_t;


/* sets the duration; a class that was not measured is told by those next to
   it.  "cells" has one for each class. */

void imgp_expect_find(imgp_expect_t *e, const imgp_expect_cell_t *cells,
    imgp_uint_t klass);

/* ms that the last of so many waiting calls waits; "interval" is that of
   imgp_care_t */

uint64_t imgp_expect_wait(const imgp_expect_t *e, const imgp_stage_t *st,
    uint64_t waiting, uint64_t limit, uint64_t interval);


/* how fast a queue of jobs moves: the time between two ends while others
   wait.  Told at each end, with a monotonic clock in ms. */

typedef struct {
    uint64_t           since;         /* 0: nobody waited */
    uint32_t           ends;
    imgp_expect_cell_t cell;          /* of what it took for one */
} imgp_expect_pace_t;

void imgp_expect_end(imgp_expect_pace_t *pace, imgp_uint_t waiting,
    imgp_msec_t now);


#endif /* _IMGP_EXPECT_H_INCLUDED_ */
