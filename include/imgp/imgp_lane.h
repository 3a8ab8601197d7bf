
/*
 * Lanes: inputs of a stage in classes by their size, each with a limit of its
 * own, so that small ones do not wait behind large ones.  Pure.
 */


#ifndef _IMGP_LANE_H_INCLUDED_
#define _IMGP_LANE_H_INCLUDED_


#include <imgp/imgp_plan.h>


/* the index of the first lane that takes an input (NULL: none); 0 without
   lanes.  What is no picture has no pixels and is as wide as high. */

imgp_uint_t imgp_lane(const imgp_stage_t *stage, const imgp_item_t *input);


#endif /* _IMGP_LANE_H_INCLUDED_ */
