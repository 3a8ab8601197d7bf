
/*
 * Local stages that are done within the stage that reads them, so that a
 * picture is decoded once and handed on in memory: nobody else reads them,
 * and they are no outputs.
 */


#ifndef _IMGP_CHAIN_H_INCLUDED_
#define _IMGP_CHAIN_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_plan.h>


#define IMGP_CHAIN_MAX  16            /* links, the last one included */


/* sets "inside" of the stages; by imgp_plan_finish(), outputs are known */

void imgp_chain_find(imgp_plan_t *plan);

/* the stages that a run of "stage" does, itself the last: how many */

imgp_uint_t imgp_chain_links(const imgp_plan_t *plan, imgp_uint_t stage,
    uint8_t links[IMGP_CHAIN_MAX]);


#endif /* _IMGP_CHAIN_H_INCLUDED_ */
