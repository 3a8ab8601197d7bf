
/*
 * A transform of Little CMS with the memory that it lives in: of one run, or
 * kept for the next one in the task's cache.
 */


#ifndef _IMGP_COLOR_TOOL_H_INCLUDED_
#define _IMGP_COLOR_TOOL_H_INCLUDED_


#include <setjmp.h>
#include <lcms2.h>
#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>
#include <imgp/imgp_color_cache.h>


typedef struct imgp_color_block_s  imgp_color_block_t;

struct imgp_color_block_s {
    imgp_color_block_t  *next;
    imgp_color_block_t  *prev;
    size_t               size;
    size_t               padding;     /* data follows, aligned to 16 bytes */
};


typedef struct {
    imgp_color_item_t    item;        /* first */
    imgp_work_t         *work;        /* the run's; NULL: nobody uses it */

    cmsContext           ctx;
    cmsHPROFILE          from;
    cmsHPROFILE          to;
    cmsHTRANSFORM        transform;

    imgp_color_block_t   blocks;      /* the list's head */
    imgp_uint_t          armed;       /* jmp is set */
    imgp_uint_t          broken;      /* it was used */
    jmp_buf              jmp;
} imgp_color_tool_t;


/*
 * From the cache, with its transform, or new, without.  While Little CMS is
 * called for a tool, memory that fails jumps to "jmp" if "armed" is set: who
 * comes from there sets "broken".  NULL: the work's error is set.
 */

imgp_color_tool_t *imgp_color_tool_take(imgp_work_t *work,
    const imgp_color_key_t *key);

/* the profiles */

void imgp_color_tool_close(imgp_color_tool_t *tool);

/* to the cache after IMGP_OK, or destroyed */

void imgp_color_tool_put(imgp_color_tool_t *tool, imgp_int_t rc);


#endif /* _IMGP_COLOR_TOOL_H_INCLUDED_ */
