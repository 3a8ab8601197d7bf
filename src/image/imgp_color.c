
/*
 * Colours to sRGB.  Called by imgp_decode.c on pictures of the target's
 * size, 8 or 16 bits, any colour space.
 *
 * A profile is the client's data: Little CMS gets it in a context of its own
 * with the run's memory, and what it refuses is ignored, as browsers do.
 * lcms 2.14 does not survive a failed small allocation (mutexes, lists), so
 * such a failure leaves it by longjmp(), and all its blocks, which are kept in
 * a list for this, are freed after the context.
 *
 * Profiles that say sRGB in other words are found by their colorants and
 * curves, so that the common case costs nothing and changes no pixel.
 *
 * ICC.1:2010; IEC 61966-2-1 (sRGB).
 */


#include <math.h>
#include <setjmp.h>
#include <lcms2.h>
#include <lcms2_plugin.h>
#include <imgp/imgp_color.h>


#define IMGP_COLOR_BLOCK_MAX  (64 * 1024 * 1024)  /* a profile's greed */
#define IMGP_COLOR_SRGB_EPS   0.002   /* colorants in profiles are 1/65536 */
#define IMGP_COLOR_CURVE_EPS  0.004   /* one step of 8 bits */


typedef struct imgp_color_block_s  imgp_color_block_t;

struct imgp_color_block_s {
    imgp_color_block_t  *next;
    imgp_color_block_t  *prev;
    size_t               size;
    size_t               padding;     /* data follows, aligned to 16 bytes */
};


typedef struct {
    imgp_work_t         *work;
    imgp_image_t        *image;
    imgp_image_t         target;      /* of CMYK; else no data */

    cmsContext           ctx;
    cmsHPROFILE          from;
    cmsHPROFILE          to;
    cmsHTRANSFORM        transform;

    imgp_color_block_t   blocks;      /* the list's head */
    imgp_uint_t          armed;       /* jmp is set */
    jmp_buf              jmp;
} imgp_color_t;


static imgp_int_t imgp_color_profile(imgp_work_t *work, imgp_image_t *image,
    const imgp_str_t *icc);
static imgp_int_t imgp_color_guarded(imgp_color_t *color,
    const imgp_str_t *icc);
static imgp_int_t imgp_color_context(imgp_color_t *color);
static imgp_int_t imgp_color_open(imgp_color_t *color, const imgp_str_t *icc);
static imgp_uint_t imgp_color_is_srgb(cmsHPROFILE profile);
static imgp_uint_t imgp_color_near(cmsHPROFILE profile, cmsTagSignature tag,
    double x, double y, double z);
static imgp_uint_t imgp_color_curve(cmsHPROFILE profile, cmsTagSignature tag);
static cmsHPROFILE imgp_color_target(imgp_color_t *color);
static uint32_t imgp_color_format(const imgp_image_t *image, uint32_t space);
static imgp_int_t imgp_color_run(imgp_color_t *color);
static void imgp_color_close(imgp_color_t *color);
static imgp_int_t imgp_color_naive(imgp_work_t *work, imgp_image_t *image);

static void *imgp_color_alloc(cmsContext ctx, cmsUInt32Number size);
static void imgp_color_free(cmsContext ctx, void *p);
static void *imgp_color_realloc(cmsContext ctx, void *p,
    cmsUInt32Number size);


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
    imgp_int_t    rc;
    imgp_color_t  color;

    memset(&color, 0, sizeof(imgp_color_t));

    color.work = work;
    color.image = image;
    color.blocks.next = &color.blocks;
    color.blocks.prev = &color.blocks;

    rc = imgp_color_context(&color);

    if (rc == IMGP_OK) {
        rc = imgp_color_guarded(&color, icc);
    }

    imgp_color_close(&color);

    return rc;
}


static imgp_int_t
imgp_color_guarded(imgp_color_t *color, const imgp_str_t *icc)
{
    imgp_int_t  rc;

    if (setjmp(color->jmp)) {
        return IMGP_ERROR;
    }

    color->armed = 1;

    rc = imgp_color_open(color, icc);

    if (rc == IMGP_OK) {
        rc = imgp_color_run(color);
    }

    return rc;
}


static imgp_int_t
imgp_color_context(imgp_color_t *color)
{
    cmsPluginMemHandler  memory;

    memset(&memory, 0, sizeof(cmsPluginMemHandler));

    memory.base.Magic = cmsPluginMagicNumber;
    memory.base.ExpectedVersion = 2060;
    memory.base.Type = cmsPluginMemHandlerSig;
    memory.MallocPtr = imgp_color_alloc;
    memory.FreePtr = imgp_color_free;
    memory.ReallocPtr = imgp_color_realloc;

    color->ctx = cmsCreateContext(&memory, color);

    return color->ctx ? IMGP_OK
                      : imgp_work_error(color->work, IMGP_E_INTERNAL,
                                        "lcms2 could not be initialized");
}


/* OK: there is a transform to run; DECLINED: leave the picture as it is */

static imgp_int_t
imgp_color_open(imgp_color_t *color, const imgp_str_t *icc)
{
    uint32_t                space;
    imgp_image_t           *image;
    cmsColorSpaceSignature  signature;

    image = color->image;

    color->from = cmsOpenProfileFromMemTHR(color->ctx, icc->data, icc->len);
    if (color->from == NULL) {
        return IMGP_DECLINED;
    }

    signature = (image->space == IMGP_SPACE_GRAY) ? cmsSigGrayData
              : (image->space == IMGP_SPACE_RGB) ? cmsSigRgbData
                                                 : cmsSigCmykData;

    if (cmsGetColorSpace(color->from) != signature
        || cmsGetDeviceClass(color->from) == cmsSigLinkClass
        || cmsGetDeviceClass(color->from) == cmsSigNamedColorClass
        || imgp_color_is_srgb(color->from))
    {
        return IMGP_DECLINED;
    }

    color->to = imgp_color_target(color);
    if (color->to == NULL) {
        return IMGP_DECLINED;
    }

    space = (image->space == IMGP_SPACE_GRAY) ? IMGP_SPACE_GRAY
                                              : IMGP_SPACE_RGB;

    color->transform = cmsCreateTransformTHR(color->ctx, color->from,
                           imgp_color_format(image, image->space), color->to,
                           imgp_color_format(image, space),
                           INTENT_PERCEPTUAL, 0);

    return color->transform ? IMGP_OK : IMGP_DECLINED;
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
        return cmsCreate_sRGBProfileTHR(color->ctx);
    }

    curve = cmsBuildParametricToneCurve(color->ctx, 4, imgp_color_srgb_curve);
    if (curve == NULL) {
        return NULL;
    }

    profile = cmsCreateGrayProfileTHR(color->ctx, cmsD50_xyY(), curve);

    cmsFreeToneCurve(curve);

    return profile;
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

        cmsDoTransform(color->transform, imgp_image_row(image, y),
                       imgp_image_row(target, y), image->width);
    }

    if (target != image) {
        imgp_image_free(color->work, image);
        *image = *target;
        target->data = NULL;
    }

    return IMGP_OK;
}


/* after a failed allocation nothing but the context is sure to be whole */

static void
imgp_color_close(imgp_color_t *color)
{
    imgp_uint_t          whole;
    imgp_color_block_t  *block;

    whole = !imgp_work_failed(color->work);

    if (whole && color->transform != NULL) {
        cmsDeleteTransform(color->transform);
    }

    if (whole && color->to != NULL) {
        cmsCloseProfile(color->to);
    }

    if (whole && color->from != NULL) {
        cmsCloseProfile(color->from);
    }

    if (color->ctx != NULL) {
        cmsDeleteContext(color->ctx);
    }

    while (color->blocks.next != &color->blocks) {
        block = color->blocks.next;
        color->blocks.next = block->next;
        imgp_work_free(color->work, block);
    }

    imgp_image_free(color->work, &color->target);
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


static void *
imgp_color_alloc(cmsContext ctx, cmsUInt32Number size)
{
    imgp_color_t        *color;
    imgp_color_block_t  *block;

    color = cmsGetContextUserData(ctx);

    if (size > IMGP_COLOR_BLOCK_MAX) {
        return NULL;
    }

    block = imgp_work_alloc(color->work, sizeof(imgp_color_block_t) + size);

    if (block == NULL) {

        if (color->armed) {
            longjmp(color->jmp, 1);
        }

        return NULL;
    }

    block->size = size;
    block->next = color->blocks.next;
    block->prev = &color->blocks;
    block->next->prev = block;
    color->blocks.next = block;

    return block + 1;
}


static void
imgp_color_free(cmsContext ctx, void *p)
{
    imgp_color_t        *color;
    imgp_color_block_t  *block;

    if (p == NULL) {
        return;
    }

    color = cmsGetContextUserData(ctx);
    block = (imgp_color_block_t *) p - 1;

    block->next->prev = block->prev;
    block->prev->next = block->next;

    imgp_work_free(color->work, block);
}


static void *
imgp_color_realloc(cmsContext ctx, void *p, cmsUInt32Number size)
{
    void                *fresh;
    imgp_color_block_t  *block;

    fresh = imgp_color_alloc(ctx, size);

    if (fresh != NULL && p != NULL) {
        block = (imgp_color_block_t *) p - 1;

        memcpy(fresh, p, imgp_min(block->size, size));
        imgp_color_free(ctx, p);
    }

    return fresh;
}
