
/*
 * What is done to a picture that is in memory as a whole already: sized once
 * more, its planes turned, sampled anew or made interleaved RGB.  Called by
 * imgp_decode.c, imgp_encode.c and between the steps of a chain, on the run's
 * thread; the pixels are the run's memory and go with the struct.
 *
 * YCbCr to RGB: ITU-T T.871, 7, in 16-bit fixed point.
 */


#include <imgp/imgp_picture.h>
#include <imgp/imgp_reader.h>
#include <imgp/imgp_resize.h>


#define IMGP_PICTURE_TILE  16         /* rows and columns turned at once */

#define IMGP_PICTURE_HALF  32768
#define IMGP_PICTURE_CR_R  91881      /* 1.402 */
#define IMGP_PICTURE_CB_G  22554      /* 0.344136 */
#define IMGP_PICTURE_CR_G  46802      /* 0.714136 */
#define IMGP_PICTURE_CB_B  116130     /* 1.772 */


static void imgp_picture_pack(imgp_picture_t *picture);
static void imgp_picture_rgb(const imgp_picture_t *picture, uint32_t y,
    u_char *rgb, uint32_t step);
static void imgp_picture_ink(const imgp_image_t *plane, uint32_t y,
    u_char invert, u_char *row);
static u_char imgp_picture_clamp(int32_t v);
static void imgp_picture_turn(const imgp_image_t *from, imgp_image_t *to);
static imgp_int_t imgp_picture_fit_image(imgp_work_t *work,
    imgp_picture_t *picture, const imgp_resize_conf_t *conf);
static imgp_int_t imgp_picture_fit_planes(imgp_work_t *work,
    imgp_picture_t *picture, const imgp_resize_conf_t *conf, uint32_t sub_x,
    uint32_t sub_y);
static imgp_int_t imgp_picture_resize(imgp_work_t *work,
    const imgp_image_t *from, const imgp_resize_conf_t *conf,
    imgp_image_t *to);
static void imgp_picture_axis(uint32_t length, uint32_t out,
    imgp_axis_t *axis);
static void imgp_picture_axes(const imgp_picture_t *picture,
    const imgp_fit_plan_t *plan, imgp_resize_conf_t *conf);


imgp_int_t
imgp_picture_plane(imgp_work_t *work, imgp_image_t *plane, uint32_t width,
    uint32_t height, size_t stride)
{
    size_t  row;

    imgp_image_form(plane, width, height, IMGP_SPACE_GRAY, 0, 8);

    row = ((size_t) width + IMGP_PICTURE_ALIGN - 1) / IMGP_PICTURE_ALIGN
          * IMGP_PICTURE_ALIGN;
    plane->stride = imgp_max(row, stride);

    return imgp_image_alloc(work, plane);
}


void
imgp_picture_free(imgp_work_t *work, imgp_picture_t *picture)
{
    uint32_t  i;

    imgp_image_free(work, &picture->image);

    for (i = 0; i < IMGP_PICTURE_PLANES; i++) {
        imgp_image_free(work, &picture->planes[i]);
    }

    picture->nplanes = 0;
}


imgp_int_t
imgp_picture_image(imgp_work_t *work, imgp_picture_t *picture)
{
    uint32_t      y;
    imgp_image_t  image;

    if (picture->nplanes == 0) {
        return IMGP_OK;
    }

    if (picture->nplanes == 1) {
        imgp_picture_pack(picture);
        return IMGP_OK;
    }

    imgp_image_form(&image, picture->width, picture->height, IMGP_SPACE_RGB,
                    0, 8);

    if (imgp_picture_sample(work, picture, 1, 1) != IMGP_OK
        || imgp_image_alloc(work, &image) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    for (y = 0; y < image.height; y++) {
        imgp_picture_rgb(picture, y, imgp_image_row(&image, y), image.channels);
    }

    imgp_picture_free(work, picture);
    picture->image = image;

    return IMGP_OK;
}


/* of YCCK, the amounts of cyan, magenta and yellow are red, green and blue */

imgp_int_t
imgp_picture_inks(imgp_work_t *work, imgp_picture_t *picture, uint32_t inks)
{
    u_char        *row;
    uint32_t       y, i;
    imgp_image_t   image;

    imgp_image_form(&image, picture->width, picture->height, IMGP_SPACE_CMYK,
                    0, 8);

    if (imgp_picture_sample(work, picture, 1, 1) != IMGP_OK
        || imgp_image_alloc(work, &image) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    for (y = 0; y < image.height; y++) {
        row = imgp_image_row(&image, y);

        if (inks == IMGP_INKS_YCCK) {
            imgp_picture_rgb(picture, y, row, image.channels);
        }

        for (i = (inks == IMGP_INKS_YCCK) ? 3 : 0; i < image.channels; i++) {
            imgp_picture_ink(&picture->planes[i], y,
                             (inks == IMGP_INKS_PLAIN) ? 0 : 255, row + i);
        }
    }

    imgp_picture_free(work, picture);
    picture->image = image;

    return IMGP_OK;
}


static void
imgp_picture_ink(const imgp_image_t *plane, uint32_t y, u_char invert,
    u_char *row)
{
    uint32_t       x;
    const u_char  *p;

    p = imgp_image_row(plane, y);

    for (x = 0; x < plane->width; x++) {
        row[x * IMGP_SPACE_CMYK] = p[x] ^ invert;
    }
}


/* a plane of gray is an image but for the padding of its rows */

static void
imgp_picture_pack(imgp_picture_t *picture)
{
    uint32_t       y;
    imgp_image_t  *image;

    picture->image = picture->planes[0];
    picture->planes[0].data = NULL;
    picture->nplanes = 0;

    image = &picture->image;

    for (y = 1; y < image->height; y++) {
        memmove(image->data + (size_t) y * image->width,
                imgp_image_row(image, y), image->width);
    }

    image->stride = image->width;
}


static void
imgp_picture_rgb(const imgp_picture_t *picture, uint32_t y, u_char *rgb,
    uint32_t step)
{
    int32_t        l, b, r;
    uint32_t       x;
    const u_char  *luma, *cb, *cr;

    luma = imgp_image_row(&picture->planes[0], y);
    cb = imgp_image_row(&picture->planes[1], y);
    cr = imgp_image_row(&picture->planes[2], y);

    for (x = 0; x < picture->width; x++) {
        l = luma[x] * 65536 + IMGP_PICTURE_HALF;
        b = cb[x] - 128;
        r = cr[x] - 128;

        rgb[0] = imgp_picture_clamp(l + IMGP_PICTURE_CR_R * r);
        rgb[1] = imgp_picture_clamp(l - IMGP_PICTURE_CB_G * b
                                    - IMGP_PICTURE_CR_G * r);
        rgb[2] = imgp_picture_clamp(l + IMGP_PICTURE_CB_B * b);
        rgb += step;
    }
}


static u_char
imgp_picture_clamp(int32_t v)
{
    return (v < 0) ? 0 : (v >= 256 * 65536) ? 255 : v >> 16;
}


imgp_int_t
imgp_picture_transpose(imgp_work_t *work, imgp_picture_t *picture)
{
    uint32_t       i, t;
    imgp_image_t   turned, *plane;

    for (i = 0; i < picture->nplanes; i++) {
        plane = &picture->planes[i];

        if (imgp_picture_plane(work, &turned, plane->height, plane->width, 0)
            != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        imgp_picture_turn(plane, &turned);

        imgp_image_free(work, plane);
        *plane = turned;
    }

    t = picture->width;
    picture->width = picture->height;
    picture->height = t;

    t = picture->sub_x;
    picture->sub_x = picture->sub_y;
    picture->sub_y = t;

    return IMGP_OK;
}


/* in tiles, so that both sides stay in the cache */

static void
imgp_picture_turn(const imgp_image_t *from, imgp_image_t *to)
{
    u_char        *dst;
    uint32_t       x, y, left, top, right, bottom;
    const u_char  *src;

    for (top = 0; top < from->height; top += IMGP_PICTURE_TILE) {
        bottom = imgp_min(top + IMGP_PICTURE_TILE, from->height);

        for (left = 0; left < from->width; left += IMGP_PICTURE_TILE) {
            right = imgp_min(left + IMGP_PICTURE_TILE, from->width);

            for (x = left; x < right; x++) {
                dst = imgp_image_row(to, x);
                src = from->data + x;

                for (y = top; y < bottom; y++) {
                    dst[y] = src[y * from->stride];
                }
            }
        }
    }
}


imgp_int_t
imgp_picture_sample(imgp_work_t *work, imgp_picture_t *picture,
    uint32_t sub_x, uint32_t sub_y)
{
    imgp_fit_plan_t     plan;
    imgp_resize_conf_t  conf;

    if (picture->nplanes <= 1
        || (picture->sub_x == sub_x && picture->sub_y == sub_y))
    {
        return IMGP_OK;
    }

    imgp_fit_plan_all(NULL, 0, picture->width, picture->height, &plan);
    imgp_picture_axes(picture, &plan, &conf);

    return imgp_picture_fit_planes(work, picture, &conf, sub_x, sub_y);
}


imgp_int_t
imgp_picture_fit(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_fit_t *const *fits, imgp_uint_t nfits, uint32_t sub)
{
    imgp_int_t          rc;
    imgp_fit_plan_t     plan;
    imgp_resize_conf_t  conf;

    imgp_fit_plan_all(fits, nfits, picture->width, picture->height, &plan);

    if (plan.width == picture->width && plan.height == picture->height) {
        return sub ? imgp_picture_sample(work, picture,
                                         imgp_max(sub, picture->sub_x),
                                         imgp_max(sub, picture->sub_y))
                   : IMGP_OK;
    }

    imgp_picture_axes(picture, &plan, &conf);

    rc = (picture->nplanes == 0)
             ? imgp_picture_fit_image(work, picture, &conf)
             : imgp_picture_fit_planes(work, picture, &conf,
                                       sub ? sub : picture->sub_x,
                                       sub ? sub : picture->sub_y);

    picture->width = plan.width;
    picture->height = plan.height;

    return rc;
}


imgp_int_t
imgp_picture_scale(imgp_work_t *work, imgp_picture_t *picture,
    uint32_t width, uint32_t height)
{
    imgp_resize_conf_t  conf;

    if (imgp_picture_image(work, picture) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (width == picture->width && height == picture->height) {
        return IMGP_OK;
    }

    memset(&conf, 0, sizeof(imgp_resize_conf_t));

    imgp_picture_axis(picture->width, width, &conf.x);
    imgp_picture_axis(picture->height, height, &conf.y);

    picture->width = width;
    picture->height = height;

    return imgp_picture_fit_image(work, picture, &conf);
}


/* the resampler only reduces: samples that stand for more pixels than asked */

static void
imgp_picture_axis(uint32_t length, uint32_t out, imgp_axis_t *axis)
{
    axis->pitch = (out - 1) / length + 1;
    axis->length = length * axis->pitch;
    axis->span = axis->length;
    axis->out = out;
}


static imgp_int_t
imgp_picture_fit_image(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_resize_conf_t *conf)
{
    imgp_int_t     rc;
    imgp_image_t   image, *from;

    from = &picture->image;

    imgp_image_form(&image, conf->x.out, conf->y.out, from->space,
                    from->alpha, 8);

    rc = imgp_image_alloc(work, &image);

    if (rc == IMGP_OK) {
        rc = imgp_picture_resize(work, from, conf, &image);
    }

    imgp_image_free(work, from);
    *from = image;

    return rc;
}


static imgp_int_t
imgp_picture_fit_planes(imgp_work_t *work, imgp_picture_t *picture,
    const imgp_resize_conf_t *conf, uint32_t sub_x, uint32_t sub_y)
{
    uint32_t             i;
    imgp_int_t           rc;
    imgp_image_t         plane;
    imgp_resize_conf_t   c;

    rc = IMGP_OK;

    for (i = 0; i < picture->nplanes && rc == IMGP_OK; i++) {
        c = *conf;

        if (imgp_picture_chroma(i)) {
            c.x.pitch = picture->sub_x;
            c.x.cover = sub_x;
            c.y.pitch = picture->sub_y;
            c.y.cover = sub_y;
        }

        if (imgp_lanczos_identical(&c.x) && imgp_lanczos_identical(&c.y)) {
            continue;
        }

        rc = imgp_picture_plane(work, &plane, imgp_axis_outputs(&c.x),
                                imgp_axis_outputs(&c.y), 0);

        if (rc == IMGP_OK) {
            rc = imgp_picture_resize(work, &picture->planes[i], &c, &plane);
        }

        imgp_image_free(work, &picture->planes[i]);
        picture->planes[i] = plane;
    }

    picture->sub_x = sub_x;
    picture->sub_y = sub_y;

    return rc;
}


static imgp_int_t
imgp_picture_resize(imgp_work_t *work, const imgp_image_t *from,
    const imgp_resize_conf_t *conf, imgp_image_t *to)
{
    uint32_t        y;
    imgp_int_t      rc;
    imgp_resize_t  *resize;

    if (imgp_resize_create(work, conf, to, &resize) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = IMGP_OK;

    for (y = 0; y < from->height && rc == IMGP_OK; y++) {
        memcpy(imgp_resize_slot(resize, 0), imgp_image_row(from, y),
               (size_t) from->width * from->channels);
        imgp_resize_take(resize, 1);

        if (y % IMGP_STEP_ROWS == 0) {
            rc = imgp_work_poll(work);
        }
    }

    imgp_resize_free(resize);

    return rc;
}


static void
imgp_picture_axes(const imgp_picture_t *picture, const imgp_fit_plan_t *plan,
    imgp_resize_conf_t *conf)
{
    memset(conf, 0, sizeof(imgp_resize_conf_t));

    conf->x.length = picture->width;
    conf->x.pitch = 1;
    conf->x.start = plan->x;
    conf->x.span = plan->w;
    conf->x.out = plan->width;

    conf->y.length = picture->height;
    conf->y.pitch = 1;
    conf->y.start = plan->y;
    conf->y.span = plan->h;
    conf->y.out = plan->height;
}
