
/*
 * Contrast, as WCAG 2.2 defines it: of relative luminances, that are means of
 * linear light.  The values of the pixels are counted first, so that the curve
 * of sRGB (IEC 61966-2-1) is taken 256 times, not once a pixel.  Pure; called
 * by imgp_op_render.c.
 */


#include <math.h>
#include <imgp/imgp_contrast.h>


#define IMGP_CONTRAST_GLARE  0.05     /* added to each luminance */


static void imgp_contrast_count(const imgp_image_t *image, const u_char *row,
    const u_char *cover, uint32_t width, uint64_t counts[3][256]);
static double imgp_contrast_linear(uint32_t v);


u_char
imgp_contrast(const imgp_image_t *image, uint32_t x, uint32_t y,
    uint32_t width, uint32_t height, const imgp_image_t *cover)
{
    double    sum, n;
    uint32_t  i, c;
    uint64_t  counts[3][256];

    static const double  parts[] = { 0.2126, 0.7152, 0.0722 };

    memset(counts, 0, sizeof(counts));

    for (i = 0; i < height; i++) {
        imgp_contrast_count(image, imgp_image_row(image, y + i)
                                   + (size_t) x * image->channels,
                            cover ? imgp_image_row(cover, i) : NULL, width,
                            counts);
    }

    sum = 0;
    n = 0;

    for (c = 0; c < 3; c++) {
        for (i = 0; i < 256; i++) {
            sum += parts[c] * counts[c][i] * imgp_contrast_linear(i);
            n += parts[c] * counts[c][i];
        }
    }

    sum = (n > 0) ? sum / n + IMGP_CONTRAST_GLARE : 1;

    return (sum / IMGP_CONTRAST_GLARE >= (1 + IMGP_CONTRAST_GLARE) / sum)
               ? 0 : 255;
}


static void
imgp_contrast_count(const imgp_image_t *image, const u_char *row,
    const u_char *cover, uint32_t width, uint64_t counts[3][256])
{
    uint32_t  x, c, v, a;

    for (x = 0; x < width; x++, row += image->channels) {

        if (cover && cover[x] == 0) {
            continue;
        }

        a = image->alpha ? row[image->space] : 255;

        for (c = 0; c < 3; c++) {
            v = row[image->space == IMGP_SPACE_RGB ? c : 0];
            counts[c][(v * a + 255 * (255 - a) + 127) / 255]++;
        }
    }
}


static double
imgp_contrast_linear(uint32_t v)
{
    double  s;

    s = v / 255.0;

    return (s <= 0.04045) ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
}
