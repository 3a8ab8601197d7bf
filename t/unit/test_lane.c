
/*
 * Which lane an input takes.
 */


#include "imgp_test.h"
#include <imgp/imgp_lane.h>


static imgp_stage_t  stage;


static imgp_uint_t
lane(uint32_t width, uint32_t height)
{
    imgp_item_t  input;

    memset(&input, 0, sizeof(imgp_item_t));
    input.width = width;
    input.height = height;

    return imgp_lane(&stage, &input);
}


int
main(void)
{
    memset(&stage, 0, sizeof(imgp_stage_t));
    is_int(lane(100, 100), 0, "no lanes");

    stage.nlanes = 1;
    stage.lanes[0].max_pixels = 10;
    is_int(lane(100, 100), 0, "one lane takes all");

    stage.nlanes = 3;
    stage.lanes[0].max_pixels = 10000;
    stage.lanes[1].max_aspect = 2500;

    is_int(lane(100, 100), 0, "as many pixels as may be");
    is_int(lane(101, 100), 1, "one more row");
    is_int(lane(250, 100), 1, "as long as may be");
    is_int(lane(100, 250), 1, "... or as high");
    is_int(lane(251, 100), 2, "longer");
    is_int(lane(100, 251), 2, "... or higher");
    is_int(lane(4294967295u, 4294967295u), 1, "as large as a file can say");
    is_int(lane(4294967295u, 1), 2, "as long as a file can say");
    is_int(lane(0, 0), 0, "no picture");
    is_int(imgp_lane(&stage, NULL), 0, "no input");

    stage.lanes[0].max_aspect = 1000;
    is_int(lane(99, 100), 1, "both bounds are kept");

    return done();
}
