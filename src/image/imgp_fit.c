
/*
 * Sizes and windows; pure arithmetic in integers.  Called by imgp_decode.c
 * with the size of the upright picture.
 *
 * "inside" finds the same size as Pillow's Image.thumbnail(), so that results
 * can be compared pixel by pixel with it: of the two neighbours of the exact
 * length it takes the one whose aspect ratio is nearer to the picture's (the
 * smaller one if both are as near).
 */


#include <imgp/imgp_fit.h>


static void imgp_fit_then(const imgp_fit_plan_t *next, imgp_fit_plan_t *plan);
static void imgp_fit_inside(const imgp_fit_t *fit, imgp_fit_plan_t *plan);
static void imgp_fit_box(const imgp_fit_t *fit, imgp_fit_plan_t *plan);
static void imgp_fit_cover(imgp_fit_plan_t *plan);
static uint32_t imgp_fit_round(uint64_t a, uint64_t b, uint64_t c);


void
imgp_fit_plan(const imgp_fit_t *fit, uint32_t width, uint32_t height,
    imgp_fit_plan_t *plan)
{
    plan->width = width;
    plan->height = height;
    plan->x = 0;
    plan->y = 0;
    plan->w = width;
    plan->h = height;

    if (fit->width == 0) {
        return;
    }

    if (fit->fit == IMGP_FIT_INSIDE) {
        imgp_fit_inside(fit, plan);
        return;
    }

    imgp_fit_box(fit, plan);

    if (fit->fit == IMGP_FIT_COVER) {
        imgp_fit_cover(plan);
    }
}


void
imgp_fit_plan_all(const imgp_fit_t *const *fits, imgp_uint_t n,
    uint32_t width, uint32_t height, imgp_fit_plan_t *plan)
{
    imgp_uint_t      i;
    imgp_fit_t       none;
    imgp_fit_plan_t  next;

    memset(&none, 0, sizeof(imgp_fit_t));

    imgp_fit_plan(n ? fits[0] : &none, width, height, plan);

    for (i = 1; i < n; i++) {
        imgp_fit_plan(fits[i], plan->width, plan->height, &next);
        imgp_fit_then(&next, plan);
    }
}


/* a part of the result is a part of the source, to the nearest pixel of it */

static void
imgp_fit_then(const imgp_fit_plan_t *next, imgp_fit_plan_t *plan)
{
    uint32_t  w, h;

    w = imgp_fit_round(next->w, plan->w, plan->width);
    h = imgp_fit_round(next->h, plan->h, plan->height);

    w = imgp_min(imgp_max(w, next->width), plan->w);
    h = imgp_min(imgp_max(h, next->height), plan->h);

    if (w != plan->w) {
        plan->x += imgp_min((uint64_t) next->x * plan->w / plan->width,
                            plan->w - w);
    }

    if (h != plan->h) {
        plan->y += imgp_min((uint64_t) next->y * plan->h / plan->height,
                            plan->h - h);
    }

    plan->w = w;
    plan->h = h;
    plan->width = next->width;
    plan->height = next->height;
}


static void
imgp_fit_inside(const imgp_fit_t *fit, imgp_fit_plan_t *plan)
{
    int64_t  w, h, n, low, high;

    w = plan->w;
    h = plan->h;

    if (w <= fit->width && h <= fit->height) {
        return;
    }

    if (fit->width * h >= fit->height * w) {

        /* |w/h - n/height|: the nearest n */

        n = fit->height * w / h;
        low = fit->height * w - n * h;
        high = (n + 1) * h - fit->height * w;

        plan->width = (low <= high) ? n : n + 1;
        plan->height = fit->height;

    } else {

        /* |w/h - width/n|, multiplied by n * (n + 1) * h */

        n = fit->width * h / w;
        low = (fit->width * h - n * w) * (n + 1);
        high = ((n + 1) * w - fit->width * h) * n;

        plan->width = fit->width;
        plan->height = (n > 0 && low <= high) ? n : n + 1;
    }

    plan->width = imgp_max(plan->width, 1);
    plan->height = imgp_max(plan->height, 1);
}


static void
imgp_fit_box(const imgp_fit_t *fit, imgp_fit_plan_t *plan)
{
    uint64_t  w, h;

    w = fit->width;
    h = fit->height;

    if (w > plan->w && w * plan->h >= h * plan->w) {
        plan->width = plan->w;
        plan->height = imgp_fit_round(h, plan->w, w);

    } else if (h > plan->h) {
        plan->width = imgp_fit_round(w, plan->h, h);
        plan->height = plan->h;

    } else {
        plan->width = w;
        plan->height = h;
    }
}


static void
imgp_fit_cover(imgp_fit_plan_t *plan)
{
    uint32_t  w, h;

    w = plan->w;
    h = plan->h;

    if ((uint64_t) plan->width * h >= (uint64_t) plan->height * w) {
        plan->h = imgp_fit_round(plan->height, w, plan->width);
        plan->h = imgp_max(plan->h, plan->height);
        plan->h = imgp_min(plan->h, h);
        plan->y = (h - plan->h) / 2;

    } else {
        plan->w = imgp_fit_round(plan->width, h, plan->height);
        plan->w = imgp_max(plan->w, plan->width);
        plan->w = imgp_min(plan->w, w);
        plan->x = (w - plan->w) / 2;
    }
}


/* a * b / c, at least 1 */

static uint32_t
imgp_fit_round(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t  n;

    n = (a * b + c / 2) / c;

    return n ? n : 1;
}
