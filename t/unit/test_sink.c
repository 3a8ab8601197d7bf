
/*
 * The chain of blocks: any cuts give the same bytes, failures leave nothing.
 */


#include "imgp_test.h"
#include <imgp/imgp_sink.h>


#define TEST_LEN  (3 * IMGP_SINK_BLOCK + 17)


int
main(void)
{
    long             n, wrong;
    size_t           i, len, cut;
    u_char          *data, *out;
    imgp_int_t       rc;
    imgp_work_t      work;
    imgp_sink_t      sink;
    test_alloc_t     ta;
    imgp_alloc_t     alloc = { test_alloc, test_free, &ta };
    imgp_op_task_t   task;

    static const size_t  cuts[] = {
        1, 7, 4096, IMGP_SINK_BLOCK - 1, IMGP_SINK_BLOCK,
        IMGP_SINK_BLOCK + 1, TEST_LEN
    };

    data = malloc(TEST_LEN);

    for (i = 0; i < TEST_LEN; i++) {
        data[i] = i * 7 + i / 251;
    }

    memset(&work, 0, sizeof(work));
    memset(&task, 0, sizeof(task));
    task.alloc = &alloc;
    work.task = &task;

    for (cut = 0; cut < imgp_nelts(cuts); cut++) {
        ta.left = -1;
        ta.live = 0;
        imgp_sink_init(&sink, &work);

        for (i = 0; i < TEST_LEN; i += len) {
            len = imgp_min(cuts[cut], TEST_LEN - i);
            imgp_sink_write(&sink, data + i, len);
        }

        out = imgp_sink_join(&sink);
        ok(sink.len == TEST_LEN && memcmp(out, data, TEST_LEN) == 0,
           "written by %zu bytes", cuts[cut]);

        imgp_sink_free(&sink);
        test_free(&ta, out);
        is_int(ta.live, 0, "all freed");
    }

    wrong = 0;

    for (n = 0; n < 100; n++) {
        ta.left = n;
        ta.live = 0;
        task.error.code = IMGP_E_NONE;
        work.used = 0;

        imgp_sink_init(&sink, &work);
        out = NULL;
        rc = imgp_sink_write(&sink, data, TEST_LEN);

        if (rc == IMGP_OK) {
            out = imgp_sink_join(&sink);
        }

        imgp_sink_free(&sink);

        if (out != NULL) {
            test_free(&ta, out);
            break;
        }

        wrong += ta.live != 0 || task.error.code != IMGP_E_INTERNAL;
    }

    ok(n == 5 && wrong == 0 && ta.live == 0,
       "each of its %ld allocations may fail", n);

    free(data);

    return done();
}
