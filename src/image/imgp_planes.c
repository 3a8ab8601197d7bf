
/*
 * The short way of a JPEG: its strips of planes are decoded into the rings of
 * one resampler per plane, or straight into the target's planes where nothing
 * is to be resampled.  Called by imgp_decode.c on the run's thread; memory is
 * the run's.
 *
 * Chroma goes from the samples that are stored to those that are wanted in
 * one step.  What an orientation mirrors is mirrored by the coefficients.
 */


#include <imgp/imgp_planes.h>
#include <imgp/imgp_resize.h>


#define IMGP_PLANES_ROWS  32          /* of a strip: 4 blocks of 8 */


typedef struct {
    imgp_image_t        *target;
    imgp_resize_t       *resize;      /* NULL: rows are the target's */
    u_char              *spare;       /* for rows behind the last one */
    uint32_t             done;
    u_char              *rows[IMGP_PLANES_ROWS];
} imgp_planes_plane_t;


typedef struct {
    imgp_reader_t       *reader;
    imgp_work_t         *work;
    imgp_planes_plane_t  planes[IMGP_READER_PLANES];
} imgp_planes_t;


static imgp_int_t imgp_planes_create(imgp_planes_t *p,
    const imgp_planes_plan_t *plan, imgp_picture_t *picture);
static void imgp_planes_axes(const imgp_planes_t *p,
    const imgp_planes_plan_t *plan, uint32_t i, imgp_resize_conf_t *conf);
static imgp_int_t imgp_planes_strips(imgp_planes_t *p);
static void imgp_planes_slots(const imgp_reader_plane_t *from,
    imgp_planes_plane_t *plane);
static void imgp_planes_free(imgp_planes_t *p);


imgp_int_t
imgp_planes_read(imgp_reader_t *reader, const imgp_planes_plan_t *plan,
    imgp_picture_t *picture)
{
    imgp_int_t     rc;
    imgp_planes_t  p;

    memset(&p, 0, sizeof(imgp_planes_t));

    p.reader = reader;
    p.work = reader->work;

    picture->width = plan->fit.width;
    picture->height = plan->fit.height;
    picture->sub_x = plan->sub_x;
    picture->sub_y = plan->sub_y;
    picture->nplanes = reader->nplanes;

    rc = imgp_reader_start_planes(reader, plan->width, plan->height,
                                  plan->sub_x, plan->sub_y);

    if (rc == IMGP_OK) {
        rc = imgp_planes_create(&p, plan, picture);
    }

    if (rc == IMGP_OK) {
        rc = imgp_planes_strips(&p);
    }

    imgp_planes_free(&p);

    return rc;
}


static imgp_int_t
imgp_planes_create(imgp_planes_t *p, const imgp_planes_plan_t *plan,
    imgp_picture_t *picture)
{
    uint32_t              i;
    imgp_uint_t           same;
    imgp_resize_conf_t    conf;
    imgp_planes_plane_t  *plane;

    for (i = 0; i < p->reader->nplanes; i++) {
        plane = &p->planes[i];
        plane->target = &picture->planes[i];

        imgp_planes_axes(p, plan, i, &conf);

        same = !plan->flip_x && !plan->flip_y
               && imgp_axis_samples(&conf.x) == imgp_axis_outputs(&conf.x)
               && imgp_axis_samples(&conf.y) == imgp_axis_outputs(&conf.y)
               && imgp_lanczos_identical(&conf.x)
               && imgp_lanczos_identical(&conf.y);

        if (imgp_picture_plane(p->work, plane->target,
                               imgp_axis_outputs(&conf.x),
                               imgp_axis_outputs(&conf.y),
                               same ? p->reader->plane[i].stride : 0)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        if (!same) {

            if (imgp_resize_create(p->work, &conf, plane->target,
                                   &plane->resize)
                != IMGP_OK)
            {
                return IMGP_ERROR;
            }

            continue;
        }

        plane->spare = imgp_work_alloc(p->work, p->reader->plane[i].stride);
        if (plane->spare == NULL) {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


static void
imgp_planes_axes(const imgp_planes_t *p, const imgp_planes_plan_t *plan,
    uint32_t i, imgp_resize_conf_t *conf)
{
    const imgp_reader_plane_t  *from;

    from = &p->reader->plane[i];

    conf->x.length = p->reader->full_width;
    conf->x.pitch = from->pitch_x;
    conf->x.start = plan->fit.x;
    conf->x.span = plan->fit.w;
    conf->x.out = plan->fit.width;
    conf->x.cover = imgp_picture_chroma(i) ? plan->sub_x : 1;
    conf->x.flip = plan->flip_x;

    conf->y.length = p->reader->full_height;
    conf->y.pitch = from->pitch_y;
    conf->y.start = plan->fit.y;
    conf->y.span = plan->fit.h;
    conf->y.out = plan->fit.height;
    conf->y.cover = imgp_picture_chroma(i) ? plan->sub_y : 1;
    conf->y.flip = plan->flip_y;

    conf->ahead = from->rows;
    conf->width = from->stride;
}


static imgp_int_t
imgp_planes_strips(imgp_planes_t *p)
{
    u_char               **rows[IMGP_READER_PLANES];
    uint32_t               n, i;
    imgp_planes_plane_t   *plane;

    for (n = 0; n < p->reader->strips; n++) {

        if (imgp_work_step(p->work, n, p->reader->strips) != IMGP_OK) {
            return IMGP_ERROR;
        }

        for (i = 0; i < p->reader->nplanes; i++) {
            imgp_planes_slots(&p->reader->plane[i], &p->planes[i]);
            rows[i] = p->planes[i].rows;
        }

        if (imgp_reader_strip(p->reader, rows) != IMGP_OK) {
            return IMGP_ERROR;
        }

        for (i = 0; i < p->reader->nplanes; i++) {
            plane = &p->planes[i];
            plane->done += p->reader->plane[i].rows;

            if (plane->resize != NULL) {
                imgp_resize_take(plane->resize, p->reader->plane[i].rows);
            }
        }
    }

    return IMGP_OK;
}


static void
imgp_planes_slots(const imgp_reader_plane_t *from, imgp_planes_plane_t *plane)
{
    uint32_t  i, y;

    for (i = 0; i < from->rows; i++) {
        y = plane->done + i;

        plane->rows[i] = plane->resize ? imgp_resize_slot(plane->resize, i)
                         : (y < plane->target->height)
                             ? imgp_image_row(plane->target, y) : plane->spare;
    }
}


static void
imgp_planes_free(imgp_planes_t *p)
{
    uint32_t  i;

    for (i = 0; i < IMGP_READER_PLANES; i++) {
        imgp_resize_free(p->planes[i].resize);
        imgp_work_free(p->work, p->planes[i].spare);
    }
}
