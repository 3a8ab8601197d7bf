
/*
 * A run's context for tests that call the inside of src/image straight.
 */


#ifndef _IMGP_WORK_TEST_H_INCLUDED_
#define _IMGP_WORK_TEST_H_INCLUDED_


#include <imgp/imgp_work.h>
#include "imgp_test.h"


typedef struct {
    imgp_op_task_t     task;
    imgp_work_t        work;
} test_work_t;


__attribute__((unused))
static imgp_work_t *
test_work(test_work_t *tw)
{
    memset(tw, 0, sizeof(test_work_t));

    tw->task.alloc = &imgp_malloc;
    tw->work.task = &tw->task;
    tw->work.to = 1000;

    return &tw->work;
}


#endif /* _IMGP_WORK_TEST_H_INCLUDED_ */
