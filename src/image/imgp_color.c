
/*
 * Colours to sRGB.  Called by imgp_decode.c on pictures of the target's
 * size, 8 or 16 bits, any colour space.
 *
 * A profile is the client's data: what Little CMS refuses is ignored, as
 * browsers do.  It runs on the memory of a tool (imgp_color_tool.c), which may
 * come from the task's cache and goes there: making a transform costs more
 * than using it.
 *
 * Profiles that say sRGB in other words are found by their colorants and
 * curves, so that the common case costs nothing and changes no pixel.
 *
 * ICC.1:2010; IEC 61966-2-1 (sRGB).
 */


#include <math.h>
#include <lcms2.h>
#include <imgp/imgp_color.h>
#include <imgp/imgp_color_tool.h>
#include <imgp/imgp_digest.h>


#define IMGP_COLOR_SRGB_EPS   0.002   /* colorants in profiles are 1/65536 */
#define IMGP_COLOR_CURVE_EPS  0.004   /* one step of 8 bits */


typedef struct {
    imgp_work_t         *work;
    imgp_image_t        *image;
    imgp_image_t         target;      /* of CMYK; else no data */
    imgp_color_tool_t   *tool;
} imgp_color_t;


static imgp_int_t imgp_color_profile(imgp_work_t *work, imgp_image_t *image,
    const imgp_str_t *icc);
static imgp_int_t imgp_color_guarded(imgp_color_t *color,
    const imgp_str_t *icc);
static void imgp_color_key(const imgp_image_t *image, const imgp_str_t *icc,
    imgp_color_key_t *key);
static imgp_int_t imgp_color_open(imgp_color_t *color, const imgp_str_t *icc);
static imgp_uint_t imgp_color_is_srgb(cmsHPROFILE profile);
static imgp_uint_t imgp_color_near(cmsHPROFILE profile, cmsTagSignature tag,
    double x, double y, double z);
static imgp_uint_t imgp_color_curve(cmsHPROFILE profile, cmsTagSignature tag);
static cmsHPROFILE imgp_color_target(imgp_color_t *color);
static uint32_t imgp_color_space(const imgp_image_t *image);
static uint32_t imgp_color_format(const imgp_image_t *image, uint32_t space);
static imgp_int_t imgp_color_run(imgp_color_t *color);
static imgp_int_t imgp_color_naive(imgp_work_t *work, imgp_image_t *image);


/* the parametric curve 3 of ICC.1: IEC 61966-2-1 */

static const double  imgp_color_srgb_curve[5] = {
    2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045
};


imgp_int_t
imgp_color_to_srgb(imgp_work_t *work, imgp_image_t *image,
    const imgp_str_t *icc)
{
    imgp_int_t  rc;

    rc = IMGP_DECLINED;

    if (icc->len != 0) {
        rc = imgp_color_profile(work, image, icc);
    }

    if (imgp_work_poll(work) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (rc == IMGP_DECLINED && image->space == IMGP_SPACE_CMYK) {
        return imgp_color_naive(work, image);
    }

    return (rc == IMGP_ERROR) ? IMGP_ERROR : IMGP_OK;
}


static imgp_int_t
imgp_color_profile(imgp_work_t *work, imgp_image_t *image,
    const imgp_str_t *icc)
{
    imgp_int_t        rc;
    imgp_color_t      color;
    imgp_color_key_t  key;

    memset(&color, 0, sizeof(imgp_color_t));

    color.work = work;
    color.image = image;

    imgp_color_key(image, icc, &key);

    color.tool = imgp_color_tool_take(work, &key);
    if (color.tool == NULL) {
        return IMGP_ERROR;
    }

    rc = imgp_color_guarded(&color, icc);

    imgp_color_tool_put(color.tool, rc);
    imgp_image_free(work, &color.target);

    return rc;
}


static imgp_int_t
imgp_color_guarded(imgp_color_t *color, const imgp_str_t *icc)
{
    imgp_int_t          rc;
    imgp_color_tool_t  *tool;

    tool = color->tool;

    if (setjmp(tool->jmp)) {
        color->tool->broken = 1;
        return IMGP_ERROR;
    }

    tool->armed = 1;

    rc = tool->transform ? IMGP_OK : imgp_color_open(color, icc);

    if (rc == IMGP_OK) {
        rc = imgp_color_run(color);
    }

    return rc;
}


/* the target's profile follows from the formats */

static void
imgp_color_key(const imgp_image_t *image, const imgp_str_t *icc,
    imgp_color_key_t *key)
{
    memset(key, 0, sizeof(imgp_color_key_t));

    imgp_digest(icc->data, icc->len, key->profile);

    key->from = imgp_color_format(image, image->space);
    key->to = imgp_color_format(image, imgp_color_space(image));
    key->intent = INTENT_PERCEPTUAL;
}


/* OK: there is a transform to run; DECLINED: leave the picture as it is */

static imgp_int_t
imgp_color_open(imgp_color_t *color, const imgp_str_t *icc)
{
    imgp_image_t           *image;
    imgp_color_tool_t      *tool;
    cmsColorSpaceSignature  signature;

    image = color->image;
    tool = color->tool;

    tool->from = cmsOpenProfileFromMemTHR(tool->ctx, icc->data, icc->len);
    if (tool->from == NULL) {
        return IMGP_DECLINED;
    }

    signature = (image->space == IMGP_SPACE_GRAY) ? cmsSigGrayData
              : (image->space == IMGP_SPACE_RGB) ? cmsSigRgbData
                                                 : cmsSigCmykData;

    if (cmsGetColorSpace(tool->from) != signature
        || cmsGetDeviceClass(tool->from) == cmsSigLinkClass
        || cmsGetDeviceClass(tool->from) == cmsSigNamedColorClass
        || imgp_color_is_srgb(tool->from))
    {
        return IMGP_DECLINED;
    }

    tool->to = imgp_color_target(color);
    if (tool->to == NULL) {
        return IMGP_DECLINED;
    }

    tool->transform = cmsCreateTransformTHR(tool->ctx, tool->from,
                          imgp_color_format(image, image->space), tool->to,
                          imgp_color_format(image, imgp_color_space(image)),
                          INTENT_PERCEPTUAL, 0);

    imgp_color_tool_close(tool);

    return tool->transform ? IMGP_OK : IMGP_DECLINED;
}


static imgp_uint_t
imgp_color_is_srgb(cmsHPROFILE profile)
{
    return cmsGetColorSpace(profile) == cmsSigRgbData
           && !cmsIsTag(profile, cmsSigAToB0Tag)
           && imgp_color_near(profile, cmsSigRedColorantTag,
                              0.4361, 0.2225, 0.0139)
           && imgp_color_near(profile, cmsSigGreenColorantTag,
                              0.3851, 0.7169, 0.0971)
           && imgp_color_near(profile, cmsSigBlueColorantTag,
                              0.1431, 0.0606, 0.7141)
           && imgp_color_curve(profile, cmsSigRedTRCTag)
           && imgp_color_curve(profile, cmsSigGreenTRCTag)
           && imgp_color_curve(profile, cmsSigBlueTRCTag);
}


static imgp_uint_t
imgp_color_near(cmsHPROFILE profile, cmsTagSignature tag, double x, double y,
    double z)
{
    cmsCIEXYZ  *c;

    c = cmsReadTag(profile, tag);

    return c != NULL
           && fabs(c->X - x) < IMGP_COLOR_SRGB_EPS
           && fabs(c->Y - y) < IMGP_COLOR_SRGB_EPS
           && fabs(c->Z - z) < IMGP_COLOR_SRGB_EPS;
}


static imgp_uint_t
imgp_color_curve(cmsHPROFILE profile, cmsTagSignature tag)
{
    double         v, linear;
    imgp_uint_t    i;
    cmsToneCurve  *curve;

    curve = cmsReadTag(profile, tag);
    if (curve == NULL) {
        return 0;
    }

    for (i = 0; i <= 16; i++) {
        v = i / 16.0;
        linear = (v <= 0.04045) ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);

        if (fabs(cmsEvalToneCurveFloat(curve, v) - linear)
            > IMGP_COLOR_CURVE_EPS)
        {
            return 0;
        }
    }

    return 1;
}


static cmsHPROFILE
imgp_color_target(imgp_color_t *color)
{
    cmsHPROFILE    profile;
    cmsToneCurve  *curve;

    if (color->image->space != IMGP_SPACE_GRAY) {
        return cmsCreate_sRGBProfileTHR(color->tool->ctx);
    }

    curve = cmsBuildParametricToneCurve(color->tool->ctx, 4,
                                        imgp_color_srgb_curve);
    if (curve == NULL) {
        return NULL;
    }

    profile = cmsCreateGrayProfileTHR(color->tool->ctx, cmsD50_xyY(), curve);

    cmsFreeToneCurve(curve);

    return profile;
}


/* of the result */

static uint32_t
imgp_color_space(const imgp_image_t *image)
{
    return (image->space == IMGP_SPACE_GRAY) ? IMGP_SPACE_GRAY
                                             : IMGP_SPACE_RGB;
}


static uint32_t
imgp_color_format(const imgp_image_t *image, uint32_t space)
{
    uint32_t  type;

    type = (space == IMGP_SPACE_GRAY) ? PT_GRAY
         : (space == IMGP_SPACE_RGB) ? PT_RGB : PT_CMYK;

    return COLORSPACE_SH(type) | CHANNELS_SH(space) | EXTRA_SH(image->alpha)
           | BYTES_SH(image->depth / 8);
}


/* in place, except for CMYK: alpha bytes are left alone by lcms */

static imgp_int_t
imgp_color_run(imgp_color_t *color)
{
    uint32_t       y;
    imgp_image_t  *image, *target;

    image = color->image;
    target = image;

    if (image->space == IMGP_SPACE_CMYK) {
        target = &color->target;

        imgp_image_form(target, image->width, image->height, IMGP_SPACE_RGB,
                        0, image->depth);

        if (imgp_image_alloc(color->work, target) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    for (y = 0; y < image->height; y++) {

        if (y % IMGP_STEP_ROWS == 0 && imgp_work_poll(color->work) != IMGP_OK) {
            return IMGP_ERROR;
        }

        cmsDoTransform(color->tool->transform, imgp_image_row(image, y),
                       imgp_image_row(target, y), image->width);
    }

    if (target != image) {
        imgp_image_free(color->work, image);
        *image = *target;
        target->data = NULL;
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_color_naive(imgp_work_t *work, imgp_image_t *image)
{
    size_t    i, n;
    u_char   *src, *dst;
    uint32_t  c, paper;

    n = (size_t) image->width * image->height;
    src = image->data;
    dst = image->data;

    for (i = 0; i < n; i++) {
        paper = 255 - src[3];

        for (c = 0; c < 3; c++) {
            *dst++ = ((255 - src[c]) * paper + 127) / 255;
        }

        src += 4;
    }

    image->space = IMGP_SPACE_RGB;
    image->channels = 3;
    image->stride = (size_t) image->width * 3;

    return imgp_work_poll(work);
}
