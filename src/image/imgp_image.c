
/*
 * The pixel buffer.  Everything between decoders and encoders passes it on;
 * its pixels are the run's memory and are freed by whoever has the struct.
 *
 * Orientations: TIFF 6.0, tag 274; EXIF 2.32, 4.6.4 A.
 */


#include <imgp/imgp_image.h>


static void imgp_image_turn_row(const u_char *src, ptrdiff_t step,
    uint32_t width, uint32_t channels, u_char *dst);


void
imgp_image_form(imgp_image_t *image, uint32_t width, uint32_t height,
    uint32_t space, uint32_t alpha, uint32_t depth)
{
    image->width = width;
    image->height = height;
    image->space = space;
    image->alpha = alpha;
    image->channels = space + alpha;
    image->depth = depth;
    image->stride = (size_t) width * image->channels * (depth / 8);
    image->data = NULL;
}


imgp_int_t
imgp_image_alloc(imgp_work_t *work, imgp_image_t *image)
{
    image->data = imgp_work_array(work, image->height, image->stride);

    return image->data ? IMGP_OK : IMGP_ERROR;
}


void
imgp_image_free(imgp_work_t *work, imgp_image_t *image)
{
    imgp_work_free(work, image->data);
    image->data = NULL;
}


void
imgp_image_to_8(imgp_image_t *image)
{
    typedef u_char    b_t __attribute__((vector_size(8)));
    typedef uint16_t  h_t __attribute__((vector_size(16)));
    typedef uint32_t  w_t __attribute__((vector_size(32)));

    b_t              b;
    h_t              h;
    w_t              w;
    size_t           i, n;
    u_char          *dst;
    const uint16_t  *src;

    if (image->depth == 8) {
        return;
    }

    n = image->stride / 2 * image->height;
    src = (const uint16_t *) image->data;
    dst = image->data;

    /* with half added, w / 65535 is w + w / 65536 */

    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&h, src + i, sizeof(h_t));

        w = __builtin_convertvector(h, w_t) * 255 + 32768;
        b = __builtin_convertvector((w + (w >> 16)) >> 16, b_t);

        memcpy(dst + i, &b, sizeof(b_t));
    }

    for ( /* void */ ; i < n; i++) {
        dst[i] = (src[i] * 255U + 32767) / 65535;
    }

    image->depth = 8;
    image->stride /= 2;
}


imgp_int_t
imgp_image_expand(imgp_work_t *work, imgp_image_t *image, uint32_t space,
    uint32_t alpha)
{
    size_t         i, n;
    u_char        *src, *dst;
    imgp_image_t   wide;

    if (image->space == space && image->alpha == alpha) {
        return IMGP_OK;
    }

    imgp_image_form(&wide, image->width, image->height, space, alpha, 8);

    if (imgp_image_alloc(work, &wide) != IMGP_OK) {
        return IMGP_ERROR;
    }

    n = (size_t) image->width * image->height;
    src = image->data;
    dst = wide.data;

    for (i = 0; i < n; i++) {
        *dst++ = src[0];

        if (space == IMGP_SPACE_RGB) {
            *dst++ = src[image->space == IMGP_SPACE_RGB ? 1 : 0];
            *dst++ = src[image->space == IMGP_SPACE_RGB ? 2 : 0];
        }

        if (alpha) {
            *dst++ = image->alpha ? src[image->space] : 255;
        }

        src += image->channels;
    }

    imgp_image_free(work, image);
    *image = wide;

    return IMGP_OK;
}


imgp_int_t
imgp_image_orient(imgp_work_t *work, imgp_image_t *image, uint32_t o)
{
    uint32_t       y;
    u_char        *src;
    ptrdiff_t      dx, dy;
    imgp_image_t   turned;

    if (o <= 1 || o > 8) {
        return IMGP_OK;
    }

    imgp_image_form(&turned,
                    imgp_orient_swaps(o) ? image->height : image->width,
                    imgp_orient_swaps(o) ? image->width : image->height,
                    image->space, image->alpha, image->depth);

    if (imgp_image_alloc(work, &turned) != IMGP_OK) {
        return IMGP_ERROR;
    }

    src = image->data;
    dx = image->channels;
    dy = image->stride;

    if (imgp_orient_flip_x(o)) {
        src += image->stride - image->channels;
        dx = -dx;
    }

    if (imgp_orient_flip_y(o)) {
        src += (size_t) (image->height - 1) * image->stride;
        dy = -dy;
    }

    for (y = 0; y < turned.height; y++) {
        imgp_image_turn_row(src, imgp_orient_swaps(o) ? dy : dx, turned.width,
                            turned.channels, imgp_image_row(&turned, y));

        src += imgp_orient_swaps(o) ? dx : dy;
    }

    imgp_image_free(work, image);
    *image = turned;

    return IMGP_OK;
}


static void
imgp_image_turn_row(const u_char *src, ptrdiff_t step, uint32_t width,
    uint32_t channels, u_char *dst)
{
    uint32_t  x, c;

    for (x = 0; x < width; x++) {

        for (c = 0; c < channels; c++) {
            *dst++ = src[c];
        }

        src += step;
    }
}
