
/*
 * What a colour transform stands on.  Called by imgp_color.c on the run's
 * thread, and by the cache (imgp_color_cache.c) for what it destroys.
 *
 * Little CMS gets a context of its own with the run's memory, in the run's
 * account; a tool that goes to the cache leaves the account.  lcms 2.14 does
 * not survive a failed small allocation (mutexes, lists), so such a failure
 * leaves it by longjmp(), and all its blocks, which are kept in a list for
 * this, are freed after the context.
 */


#include <lcms2_plugin.h>
#include <imgp/imgp_color_tool.h>


#define IMGP_COLOR_TOOL_BLOCK  (64 * 1024 * 1024)  /* a profile's greed */


static imgp_color_tool_t *imgp_color_tool_create(imgp_work_t *work,
    const imgp_color_key_t *key);
static imgp_int_t imgp_color_tool_context(imgp_color_tool_t *tool);
static void imgp_color_tool_destroy(imgp_color_item_t *item);
static void imgp_color_tool_release(imgp_color_tool_t *tool, void *p,
    size_t size);

static void *imgp_color_tool_alloc(cmsContext ctx, cmsUInt32Number size);
static void imgp_color_tool_free(cmsContext ctx, void *p);
static void *imgp_color_tool_realloc(cmsContext ctx, void *p,
    cmsUInt32Number size);


imgp_color_tool_t *
imgp_color_tool_take(imgp_work_t *work, const imgp_color_key_t *key)
{
    imgp_color_item_t   *item;
    imgp_color_tool_t   *tool;
    imgp_color_cache_t  *cache;

    cache = work->task->colors;

    item = cache ? imgp_color_cache_take(cache, key) : NULL;

    if (item == NULL) {
        return imgp_color_tool_create(work, key);
    }

    if (imgp_work_reserve(work, item->size) != IMGP_OK) {
        imgp_color_cache_put(cache, item);
        return NULL;
    }

    tool = (imgp_color_tool_t *) item;
    tool->work = work;

    return tool;
}


static imgp_color_tool_t *
imgp_color_tool_create(imgp_work_t *work, const imgp_color_key_t *key)
{
    imgp_color_tool_t  *tool;

    tool = (imgp_color_tool_t *) imgp_work_output(work,
                                                  sizeof(imgp_color_tool_t));
    if (tool == NULL) {
        return NULL;
    }

    memset(tool, 0, sizeof(imgp_color_tool_t));

    tool->item.key = *key;
    tool->item.alloc = work->task->alloc;
    tool->item.destroy = imgp_color_tool_destroy;
    tool->item.size = sizeof(imgp_color_tool_t);
    tool->work = work;
    tool->blocks.next = &tool->blocks;
    tool->blocks.prev = &tool->blocks;

    if (imgp_color_tool_context(tool) != IMGP_OK) {
        imgp_color_tool_destroy(&tool->item);
        return NULL;
    }

    return tool;
}


static imgp_int_t
imgp_color_tool_context(imgp_color_tool_t *tool)
{
    cmsPluginMemHandler  memory;

    memset(&memory, 0, sizeof(cmsPluginMemHandler));

    memory.base.Magic = cmsPluginMagicNumber;
    memory.base.ExpectedVersion = 2060;
    memory.base.Type = cmsPluginMemHandlerSig;
    memory.MallocPtr = imgp_color_tool_alloc;
    memory.FreePtr = imgp_color_tool_free;
    memory.ReallocPtr = imgp_color_tool_realloc;

    tool->ctx = cmsCreateContext(&memory, tool);

    return tool->ctx ? IMGP_OK
                     : imgp_work_error(tool->work, IMGP_E_INTERNAL,
                                       "lcms2 could not be initialized");
}


/* a transform has copies of what it needs of them */

void
imgp_color_tool_close(imgp_color_tool_t *tool)
{
    if (tool->to != NULL) {
        cmsCloseProfile(tool->to);
        tool->to = NULL;
    }

    if (tool->from != NULL) {
        cmsCloseProfile(tool->from);
        tool->from = NULL;
    }
}


void
imgp_color_tool_put(imgp_color_tool_t *tool, imgp_int_t rc)
{
    imgp_work_t  *work;

    work = tool->work;
    tool->armed = 0;

    if (rc != IMGP_OK || work->task->colors == NULL) {
        imgp_color_tool_destroy(&tool->item);
        return;
    }

    tool->work = NULL;

    imgp_work_release(work, tool->item.size);
    imgp_color_cache_put(work->task->colors, &tool->item);
}


/* after a failed allocation nothing but the context is sure to be whole */

static void
imgp_color_tool_destroy(imgp_color_item_t *item)
{
    imgp_color_tool_t   *tool;
    imgp_color_block_t  *block;

    tool = (imgp_color_tool_t *) item;

    if (!tool->broken) {

        if (tool->transform != NULL) {
            cmsDeleteTransform(tool->transform);
        }

        imgp_color_tool_close(tool);
    }

    if (tool->ctx != NULL) {
        cmsDeleteContext(tool->ctx);
    }

    while (tool->blocks.next != &tool->blocks) {
        block = tool->blocks.next;
        tool->blocks.next = block->next;
        imgp_color_tool_release(tool, block,
                                sizeof(imgp_color_block_t) + block->size);
    }

    imgp_color_tool_release(tool, tool, sizeof(imgp_color_tool_t));
}


static void
imgp_color_tool_release(imgp_color_tool_t *tool, void *p, size_t size)
{
    const imgp_alloc_t  *alloc;

    alloc = tool->item.alloc;

    tool->item.size -= size;

    if (tool->work != NULL) {
        imgp_work_release(tool->work, size);
    }

    alloc->free(alloc->data, p);
}


static void *
imgp_color_tool_alloc(cmsContext ctx, cmsUInt32Number size)
{
    imgp_color_tool_t   *tool;
    imgp_color_block_t  *block;

    tool = cmsGetContextUserData(ctx);

    if (size > IMGP_COLOR_TOOL_BLOCK || tool->work == NULL) {
        return NULL;
    }

    block = (imgp_color_block_t *) imgp_work_output(tool->work,
                                            sizeof(imgp_color_block_t) + size);
    if (block == NULL) {

        if (tool->armed) {
            longjmp(tool->jmp, 1);
        }

        return NULL;
    }

    tool->item.size += sizeof(imgp_color_block_t) + size;

    block->size = size;
    block->next = tool->blocks.next;
    block->prev = &tool->blocks;
    block->next->prev = block;
    tool->blocks.next = block;

    return block + 1;
}


static void
imgp_color_tool_free(cmsContext ctx, void *p)
{
    imgp_color_tool_t   *tool;
    imgp_color_block_t  *block;

    if (p == NULL) {
        return;
    }

    tool = cmsGetContextUserData(ctx);
    block = (imgp_color_block_t *) p - 1;

    block->next->prev = block->prev;
    block->prev->next = block->next;

    imgp_color_tool_release(tool, block,
                            sizeof(imgp_color_block_t) + block->size);
}


static void *
imgp_color_tool_realloc(cmsContext ctx, void *p, cmsUInt32Number size)
{
    void                *fresh;
    imgp_color_block_t  *block;

    fresh = imgp_color_tool_alloc(ctx, size);

    if (fresh != NULL && p != NULL) {
        block = (imgp_color_block_t *) p - 1;

        memcpy(fresh, p, imgp_min(block->size, size));
        imgp_color_tool_free(ctx, p);
    }

    return fresh;
}
