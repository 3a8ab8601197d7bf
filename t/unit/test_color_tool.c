
/*
 * Transforms' memory: whose it is during a run, after it, and when there is
 * none.
 */


#include <imgp/imgp_color_tool.h>
#include "imgp_work_test.h"


static imgp_color_key_t  key;


/* as imgp_color.c does it */

static imgp_int_t
fill(imgp_color_tool_t *tool)
{
    if (setjmp(tool->jmp)) {
        tool->broken = 1;
        return IMGP_ERROR;
    }

    tool->armed = 1;

    tool->from = cmsCreateLab4ProfileTHR(tool->ctx, NULL);
    tool->to = cmsCreate_sRGBProfileTHR(tool->ctx);
    tool->transform = cmsCreateTransformTHR(tool->ctx, tool->from, TYPE_Lab_8,
                                            tool->to, TYPE_RGB_8, 0, 0);
    imgp_color_tool_close(tool);

    return tool->transform ? IMGP_OK : IMGP_DECLINED;
}


static imgp_uint_t
works(imgp_color_tool_t *tool)
{
    u_char               rgb[3];
    static const u_char  white[3] = { 255, 128, 128 };

    cmsDoTransform(tool->transform, white, rgb, 1);

    return rgb[0] > 250 && rgb[1] > 250 && rgb[2] > 250;
}


static void
account(void)
{
    size_t               size;
    test_work_t          first, second;
    imgp_work_t         *work;
    imgp_color_tool_t   *tool;
    imgp_color_cache_t  *cache;

    cache = imgp_color_cache_create(&imgp_malloc);

    work = test_work(&first);
    first.task.colors = cache;

    tool = imgp_color_tool_take(work, &key);
    ok(tool->transform == NULL && fill(tool) == IMGP_OK, "a new one");

    size = tool->item.size;
    ok(size > sizeof(imgp_color_tool_t) && size == work->used,
       "the run holds it, %zu bytes", size);

    imgp_color_tool_put(tool, IMGP_OK);
    is_int(work->used, 0, "the cache holds it");

    work = test_work(&second);
    second.task.colors = cache;
    second.task.max_memory = size - 1;
    ok(imgp_color_tool_take(work, &key) == NULL
       && second.task.error.code == IMGP_E_LIMIT && work->used == 0,
       "too large for another run");

    work = test_work(&second);
    second.task.colors = cache;
    second.task.max_memory = size;
    ok(imgp_color_tool_take(work, &key) == tool && work->used == size,
       "which takes it, if it may");
    ok(tool->transform != NULL && works(tool), "and it works");

    imgp_color_tool_put(tool, IMGP_ERROR);
    is_int(work->used, 0, "destroyed after an error");

    tool = imgp_color_tool_take(work, &key);
    ok(tool == NULL || tool->transform == NULL, "so it is not there again");

    if (tool != NULL) {
        imgp_color_tool_put(tool, IMGP_DECLINED);
    }

    imgp_color_cache_destroy(cache);
}


static void
faults(imgp_uint_t cached)
{
    long                 n, wrong;
    imgp_int_t           rc;
    test_work_t          tw;
    test_alloc_t         ta;
    imgp_work_t         *work;
    imgp_alloc_t         alloc = { test_alloc, test_free, &ta };
    imgp_color_tool_t   *tool;
    imgp_color_cache_t  *cache;

    rc = IMGP_ERROR;
    wrong = 0;

    for (n = 0; n < 10000 && rc != IMGP_OK; n++) {
        ta.left = -1;
        ta.live = 0;

        cache = cached ? imgp_color_cache_create(&alloc) : NULL;
        ta.left = n;

        work = test_work(&tw);
        tw.task.alloc = &alloc;
        tw.task.colors = cache;

        tool = imgp_color_tool_take(work, &key);

        if (tool != NULL) {
            rc = fill(tool);
            imgp_color_tool_put(tool, rc);
        }

        wrong += work->used != 0
                 || (rc != IMGP_OK && tw.task.error.code != IMGP_E_INTERNAL)
                 || (rc == IMGP_OK && (ta.live > 1) != cached);

        imgp_color_cache_destroy(cache);

        wrong += ta.live != 0;
    }

    ok(rc == IMGP_OK && n > 20 && wrong == 0,
       "each of %ld allocations may fail%s (%ld wrong)", n,
       cached ? ", with a cache" : "", wrong);
}


int
main(void)
{
    account();
    faults(0);
    faults(1);

    return done();
}
