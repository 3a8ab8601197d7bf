
/*
 * The PNG writer over libpng and zlib: 8 bits, gray or RGB, with or without
 * alpha, no metadata.  Called by imgp_encode.c on the run's thread; the bytes
 * go into the caller's sink, which the caller frees; libpng's memory is the
 * run's.
 */


#include <setjmp.h>
#include <png.h>
#include <imgp/imgp_png.h>


#define IMGP_PNG_LEVEL  6


typedef struct {
    imgp_work_t       *work;
    imgp_sink_t       *sink;

    png_structp        png;
    png_infop          info;
    jmp_buf            jmp;
} imgp_png_writer_t;


static imgp_int_t imgp_png_write_image(imgp_png_writer_t *w,
    const imgp_image_t *image);
static int imgp_png_write_type(const imgp_image_t *image);

static void imgp_png_on_write(png_structp png, png_bytep p, size_t len);
static void imgp_png_on_flush(png_structp png);
static void imgp_png_on_error(png_structp png, png_const_charp text);
static void imgp_png_on_warning(png_structp png, png_const_charp text);
static png_voidp imgp_png_on_alloc(png_structp png, png_alloc_size_t size);
static void imgp_png_on_free(png_structp png, png_voidp p);


imgp_int_t
imgp_png_write(imgp_work_t *work, const imgp_image_t *image,
    imgp_sink_t *sink)
{
    imgp_int_t          rc;
    imgp_png_writer_t  *w;

    w = imgp_work_alloc(work, sizeof(imgp_png_writer_t));
    if (w == NULL) {
        return IMGP_ERROR;
    }

    memset(w, 0, sizeof(imgp_png_writer_t));

    w->work = work;
    w->sink = sink;

    rc = imgp_png_write_image(w, image);

    if (w->png != NULL) {
        png_destroy_write_struct(&w->png, &w->info);
    }

    imgp_work_free(work, w);

    return rc;
}


static imgp_int_t
imgp_png_write_image(imgp_png_writer_t *w, const imgp_image_t *image)
{
    uint32_t  y;

    if (setjmp(w->jmp)) {
        return IMGP_ERROR;
    }

    w->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, w,
                                       imgp_png_on_error, imgp_png_on_warning,
                                       w, imgp_png_on_alloc, imgp_png_on_free);
    if (w->png == NULL) {
        return imgp_work_error(w->work, IMGP_E_INTERNAL,
                               "libpng could not be initialized");
    }

    w->info = png_create_info_struct(w->png);
    if (w->info == NULL) {
        return imgp_work_error(w->work, IMGP_E_INTERNAL,
                               "libpng could not be initialized");
    }

    png_set_write_fn(w->png, w, imgp_png_on_write, imgp_png_on_flush);
    png_set_compression_level(w->png, IMGP_PNG_LEVEL);
    png_set_filter(w->png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);

    png_set_IHDR(w->png, w->info, image->width, image->height, 8,
                 imgp_png_write_type(image), PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);

    png_write_info(w->png, w->info);

    for (y = 0; y < image->height; y++) {

        if (y % IMGP_STEP_ROWS == 0
            && imgp_work_step(w->work, y, image->height) != IMGP_OK)
        {
            return IMGP_ERROR;
        }

        png_write_row(w->png, imgp_image_row(image, y));
    }

    png_write_end(w->png, w->info);

    return imgp_work_poll(w->work);
}


static int
imgp_png_write_type(const imgp_image_t *image)
{
    if (image->space == IMGP_SPACE_GRAY) {
        return image->alpha ? PNG_COLOR_TYPE_GRAY_ALPHA : PNG_COLOR_TYPE_GRAY;
    }

    return image->alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB;
}


static void
imgp_png_on_write(png_structp png, png_bytep p, size_t len)
{
    imgp_png_writer_t  *w;

    w = png_get_io_ptr(png);

    if (imgp_sink_write(w->sink, p, len) != IMGP_OK) {
        longjmp(w->jmp, 1);
    }
}


static void
imgp_png_on_flush(png_structp png)
{
    /* the sink is memory */
}


static void
imgp_png_on_error(png_structp png, png_const_charp text)
{
    imgp_png_writer_t  *w;

    w = png_get_error_ptr(png);

    imgp_work_error(w->work, IMGP_E_INTERNAL, "PNG encoder: %s", text);

    longjmp(w->jmp, 1);
}


static void
imgp_png_on_warning(png_structp png, png_const_charp text)
{
    /* nothing that an encoder warns of spoils its output */
}


static png_voidp
imgp_png_on_alloc(png_structp png, png_alloc_size_t size)
{
    imgp_png_writer_t  *w;

    w = png_get_mem_ptr(png);

    return imgp_work_alloc(w->work, size);
}


static void
imgp_png_on_free(png_structp png, png_voidp p)
{
    imgp_png_writer_t  *w;

    w = png_get_mem_ptr(png);

    imgp_work_free(w->work, p);
}
