
/*
 * Which lane an input of a stage takes: the first whose bounds it keeps.  The
 * last one has none; it takes whatever is left, even if it had.
 *
 * Called in the event loop, before a call waits for its place.
 */


#include <imgp/imgp_lane.h>


#define IMGP_LANE_ASPECT  1000


static imgp_uint_t imgp_lane_takes(const imgp_lane_t *lane,
    const imgp_item_t *input);


imgp_uint_t
imgp_lane(const imgp_stage_t *stage, const imgp_item_t *input)
{
    imgp_uint_t  i;

    for (i = 0; i + 1 < stage->nlanes; i++) {

        if (input == NULL || imgp_lane_takes(&stage->lanes[i], input)) {
            break;
        }
    }

    return i;
}


static imgp_uint_t
imgp_lane_takes(const imgp_lane_t *lane, const imgp_item_t *input)
{
    uint64_t  longer, shorter;

    longer = imgp_max(input->width, input->height);
    shorter = imgp_min(input->width, input->height);

    return (lane->max_pixels == 0 || longer * shorter <= lane->max_pixels)
           && (lane->max_aspect == 0
               || longer * IMGP_LANE_ASPECT <= shorter * lane->max_aspect);
}
