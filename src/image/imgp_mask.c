
/*
 * Masks.  Polygons are filled row by row with a list of the edges that cross
 * the row, sorted by where they do; the list is kept from row to row, where it
 * changes little (Foley, van Dam: Computer Graphics, 3.6, the active edge
 * table).  So the work is bounded by rows times edges and by the crossings of
 * edges with each other, whatever the polygon looks like.
 *
 * Dilation by a square is one along the rows and then one along the columns;
 * of a mask of two values it needs no minimum, just the distance to the last
 * white pixel on either side.
 *
 * Called by imgp_op_mask.c on the run's thread, memory is the run's.
 */


#include <math.h>
#include <stdlib.h>
#include <imgp/imgp_mask.h>


#define IMGP_MASK_WHITE  255
#define IMGP_MASK_NEAR   128          /* white by the dilation just made */


typedef struct {
    double             top;           /* at the upper end */
    double             x;
    double             slope;         /* of x, by row */
    uint32_t           from;          /* rows whose centres it crosses */
    uint32_t           to;
    double             at;            /* x in the current row */
} imgp_mask_edge_t;


static imgp_int_t imgp_mask_polygon(imgp_work_t *work, imgp_image_t *mask,
    const imgp_box_t *box);
static imgp_uint_t imgp_mask_edges(const imgp_box_t *box,
    imgp_mask_edge_t *edges);
static imgp_uint_t imgp_mask_edge(const imgp_box_t *box,
    const imgp_point_t *a, const imgp_point_t *b, imgp_mask_edge_t *edge);
static uint32_t imgp_mask_row(double y, uint32_t from, uint32_t to);
static int imgp_mask_compare(const void *one, const void *two);
static imgp_int_t imgp_mask_rows(imgp_work_t *work, imgp_image_t *mask,
    const imgp_box_t *box, const imgp_mask_edge_t *edges, imgp_uint_t n,
    imgp_mask_edge_t *active);
static imgp_uint_t imgp_mask_ended(imgp_mask_edge_t *active, imgp_uint_t n,
    uint32_t y);
static void imgp_mask_sort(imgp_mask_edge_t *active, imgp_uint_t n,
    uint32_t y);
static void imgp_mask_spans(imgp_image_t *mask, const imgp_box_t *box,
    uint32_t y, const imgp_mask_edge_t *active, imgp_uint_t n);
static void imgp_mask_dilate_row(u_char *row, uint32_t width, uint32_t n);
static imgp_int_t imgp_mask_dilate_columns(imgp_work_t *work,
    imgp_image_t *mask, uint32_t n, uint32_t *left);
static void imgp_mask_dilate_down(u_char *row, uint32_t width, uint32_t n,
    uint32_t *left);
static void imgp_mask_dilate_up(u_char *row, uint32_t width, uint32_t n,
    uint32_t *left);


imgp_int_t
imgp_mask_box(imgp_work_t *work, imgp_image_t *mask, const imgp_box_t *box)
{
    uint32_t  y;

    if (box->npoints != 0) {
        return imgp_mask_polygon(work, mask, box);
    }

    for (y = box->y; y < box->y + box->h; y++) {
        memset(imgp_image_row(mask, y) + box->x, IMGP_MASK_WHITE, box->w);
    }

    return imgp_work_poll(work);
}


static imgp_int_t
imgp_mask_polygon(imgp_work_t *work, imgp_image_t *mask,
    const imgp_box_t *box)
{
    imgp_int_t         rc;
    imgp_uint_t        n;
    imgp_mask_edge_t  *edges;

    /* the second half is for those that are active */

    edges = imgp_work_array(work, 2 * box->npoints, sizeof(imgp_mask_edge_t));
    if (edges == NULL) {
        return IMGP_ERROR;
    }

    n = imgp_mask_edges(box, edges);

    qsort(edges, n, sizeof(imgp_mask_edge_t), imgp_mask_compare);

    rc = imgp_mask_rows(work, mask, box, edges, n, edges + box->npoints);

    imgp_work_free(work, edges);

    return rc;
}


static imgp_uint_t
imgp_mask_edges(const imgp_box_t *box, imgp_mask_edge_t *edges)
{
    imgp_uint_t          i, n;
    const imgp_point_t  *a, *b;

    n = 0;

    for (i = 0; i < box->npoints; i++) {
        a = &box->points[i];
        b = &box->points[(i + 1) % box->npoints];

        n += (a->y < b->y) ? imgp_mask_edge(box, a, b, &edges[n])
                           : imgp_mask_edge(box, b, a, &edges[n]);
    }

    return n;
}


/* from the upper point to the lower one; 0: it crosses no row of the box */

static imgp_uint_t
imgp_mask_edge(const imgp_box_t *box, const imgp_point_t *a,
    const imgp_point_t *b, imgp_mask_edge_t *edge)
{
    edge->from = imgp_mask_row(a->y, box->y, box->y + box->h);
    edge->to = imgp_mask_row(b->y, box->y, box->y + box->h);

    if (edge->from >= edge->to) {
        return 0;
    }

    edge->top = a->y;
    edge->x = a->x;
    edge->slope = (b->x - a->x) / (b->y - a->y);

    return 1;
}


/* the first row whose centre is not above y, within the limits */

static uint32_t
imgp_mask_row(double y, uint32_t from, uint32_t to)
{
    y = ceil(y - 0.5);

    return (y <= from) ? from : (y >= to) ? to : (uint32_t) y;
}


static int
imgp_mask_compare(const void *one, const void *two)
{
    const imgp_mask_edge_t  *a = one;
    const imgp_mask_edge_t  *b = two;

    return (a->from > b->from) - (a->from < b->from);
}


static imgp_int_t
imgp_mask_rows(imgp_work_t *work, imgp_image_t *mask, const imgp_box_t *box,
    const imgp_mask_edge_t *edges, imgp_uint_t n, imgp_mask_edge_t *active)
{
    uint32_t     y;
    imgp_uint_t  next, k;

    k = 0;
    next = 0;

    for (y = box->y; y < box->y + box->h; y++) {
        k = imgp_mask_ended(active, k, y);

        while (next < n && edges[next].from == y) {
            active[k++] = edges[next++];
        }

        imgp_mask_sort(active, k, y);
        imgp_mask_spans(mask, box, y, active, k);

        if (y % IMGP_STEP_ROWS == 0 && imgp_work_poll(work) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


/* those that go on, in their order: how many */

static imgp_uint_t
imgp_mask_ended(imgp_mask_edge_t *active, imgp_uint_t n, uint32_t y)
{
    imgp_uint_t  i, k;

    for (k = 0, i = 0; i < n; i++) {

        if (active[i].to > y) {
            active[k++] = active[i];
        }
    }

    return k;
}


static void
imgp_mask_sort(imgp_mask_edge_t *active, imgp_uint_t n, uint32_t y)
{
    imgp_uint_t       i, k;
    imgp_mask_edge_t  edge;

    for (i = 0; i < n; i++) {
        edge = active[i];
        edge.at = edge.x + (y + 0.5 - edge.top) * edge.slope;

        for (k = i; k > 0 && active[k - 1].at > edge.at; k--) {
            active[k] = active[k - 1];
        }

        active[k] = edge;
    }
}


static void
imgp_mask_spans(imgp_image_t *mask, const imgp_box_t *box, uint32_t y,
    const imgp_mask_edge_t *active, imgp_uint_t n)
{
    uint32_t     from, to;
    imgp_uint_t  i;

    for (i = 0; i + 1 < n; i += 2) {
        from = imgp_mask_row(active[i].at, box->x, box->x + box->w);
        to = imgp_mask_row(active[i + 1].at, box->x, box->x + box->w);

        memset(imgp_image_row(mask, y) + from, IMGP_MASK_WHITE, to - from);
    }
}


imgp_int_t
imgp_mask_dilate(imgp_work_t *work, imgp_image_t *mask, uint32_t n)
{
    uint32_t     y, *left;
    imgp_int_t   rc;

    if (n == 0) {
        return IMGP_OK;
    }

    for (y = 0; y < mask->height; y++) {
        imgp_mask_dilate_row(imgp_image_row(mask, y), mask->width, n);

        if (y % IMGP_STEP_ROWS == 0 && imgp_work_poll(work) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    left = imgp_work_array(work, mask->width, sizeof(uint32_t));
    if (left == NULL) {
        return IMGP_ERROR;
    }

    rc = imgp_mask_dilate_columns(work, mask, n, left);

    imgp_work_free(work, left);

    return rc;
}


/* to the right of white first, then to the left of it */

static void
imgp_mask_dilate_row(u_char *row, uint32_t width, uint32_t n)
{
    uint32_t  x, left;

    for (left = 0, x = 0; x < width; x++) {

        if (row[x] == IMGP_MASK_WHITE) {
            left = n;

        } else if (left > 0) {
            row[x] = IMGP_MASK_NEAR;
            left--;
        }
    }

    for (left = 0, x = width; x > 0; x--) {

        if (row[x - 1] == IMGP_MASK_WHITE) {
            left = n;

        } else if (left > 0 || row[x - 1] == IMGP_MASK_NEAR) {
            row[x - 1] = IMGP_MASK_WHITE;
            left -= (left > 0);
        }
    }
}


/* the same for all columns at once, as memory lies in rows */

static imgp_int_t
imgp_mask_dilate_columns(imgp_work_t *work, imgp_image_t *mask, uint32_t n,
    uint32_t *left)
{
    uint32_t  y;

    memset(left, 0, mask->width * sizeof(uint32_t));

    for (y = 0; y < mask->height; y++) {
        imgp_mask_dilate_down(imgp_image_row(mask, y), mask->width, n, left);

        if (y % IMGP_STEP_ROWS == 0 && imgp_work_poll(work) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    memset(left, 0, mask->width * sizeof(uint32_t));

    for (y = mask->height; y > 0; y--) {
        imgp_mask_dilate_up(imgp_image_row(mask, y - 1), mask->width, n, left);

        if (y % IMGP_STEP_ROWS == 0 && imgp_work_poll(work) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static void
imgp_mask_dilate_down(u_char *row, uint32_t width, uint32_t n, uint32_t *left)
{
    uint32_t  x;

    for (x = 0; x < width; x++) {

        if (row[x] == IMGP_MASK_WHITE) {
            left[x] = n;

        } else if (left[x] > 0) {
            row[x] = IMGP_MASK_NEAR;
            left[x]--;
        }
    }
}


static void
imgp_mask_dilate_up(u_char *row, uint32_t width, uint32_t n, uint32_t *left)
{
    uint32_t  x;

    for (x = 0; x < width; x++) {

        if (row[x] == IMGP_MASK_WHITE) {
            left[x] = n;

        } else if (left[x] > 0 || row[x] == IMGP_MASK_NEAR) {
            row[x] = IMGP_MASK_WHITE;
            left[x] -= (left[x] > 0);
        }
    }
}
