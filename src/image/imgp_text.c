
/*
 * Text by Pango and Cairo.  Called by imgp_op_render.c on the run's thread.
 *
 * Threads: pango_cairo_create_layout() takes its fonts from a font map of the
 * thread's own (pango_cairo_font_map_get_default()), which lives as long as
 * the thread, so that fonts are looked for once; fontconfig and Cairo lock
 * what they share.  Nothing of Pango is touched before a worker's threads run.
 *
 * The text is given as it is, never as markup.  Pixels of the coverage are the
 * run's memory; what the libraries take from malloc() does not depend on the
 * picture, and is reserved as a whole.
 */


#include <imgp/imgp_text.h>

#if (IMGP_HAVE_PANGO)

#include <pango/pangocairo.h>


#define IMGP_TEXT_LINE  1.2           /* from line to line, in font sizes */


typedef struct {
    PangoLayout               *layout;
    PangoFontDescription      *font;
    const imgp_text_place_t   *place;
    const imgp_str_t          *string;
    imgp_uint_t                whole;      /* Korean words are not broken */
} imgp_text_t;


static imgp_int_t imgp_text_layout(imgp_work_t *work, cairo_t *cr,
    const imgp_text_conf_t *conf, const imgp_str_t *string,
    const imgp_text_place_t *place);
static void imgp_text_context(PangoLayout *layout,
    const imgp_text_conf_t *conf);
static imgp_int_t imgp_text_fit(imgp_work_t *work, imgp_text_t *text);
static imgp_int_t imgp_text_largest(imgp_work_t *work, imgp_text_t *text,
    uint32_t *largest);
static void imgp_text_size(imgp_text_t *text, uint32_t size);
static imgp_uint_t imgp_text_korean(const imgp_str_t *string,
    PangoAttrList *attributes);
static void imgp_text_unbroken(const imgp_str_t *string,
    PangoAttrList *attributes, const char *run, const char *end);
static imgp_uint_t imgp_text_fits(const imgp_text_t *text, uint32_t size);
static void imgp_text_show(const imgp_text_t *text, cairo_t *cr);


/* in the order of imgp_text_align_e; Pango turns them round with the text */

static const PangoAlignment  imgp_text_aligns[] = {
    PANGO_ALIGN_CENTER, PANGO_ALIGN_LEFT, PANGO_ALIGN_RIGHT
};


imgp_uint_t
imgp_text_there(void)
{
    return 1;
}


imgp_int_t
imgp_text_cover(imgp_work_t *work, uint32_t width, uint32_t height,
    imgp_image_t *cover)
{
    int  stride;

    imgp_image_form(cover, width, height, IMGP_SPACE_GRAY, 0, 8);

    stride = (width <= IMGP_TEXT_SIDE && height <= IMGP_TEXT_SIDE)
                 ? cairo_format_stride_for_width(CAIRO_FORMAT_A8, width) : -1;

    if (stride < 0) {
        return imgp_work_error(work, IMGP_E_LIMIT,
                               "a box of %ux%u, text takes sides of %d pixels",
                               width, height, IMGP_TEXT_SIDE);
    }

    cover->stride = stride;

    if (imgp_image_alloc(work, cover) != IMGP_OK) {
        return IMGP_ERROR;
    }

    memset(cover->data, 0, cover->stride * cover->height);

    return IMGP_OK;
}


imgp_int_t
imgp_text_draw(imgp_work_t *work, const imgp_text_conf_t *conf,
    const imgp_str_t *text, const imgp_text_place_t *place,
    imgp_image_t *cover)
{
    cairo_t          *cr;
    imgp_int_t        rc;
    cairo_surface_t  *surface;

    surface = cairo_image_surface_create_for_data(cover->data,
                                                  CAIRO_FORMAT_A8,
                                                  cover->width, cover->height,
                                                  cover->stride);

    /* never NULL: what failed is asked for at the end */

    cr = cairo_create(surface);

    rc = imgp_text_layout(work, cr, conf, text, place);

    if (rc == IMGP_OK && cairo_status(cr) != CAIRO_STATUS_SUCCESS) {
        rc = imgp_work_error(work, IMGP_E_INTERNAL, "cairo: %s",
                             cairo_status_to_string(cairo_status(cr)));
    }

    cairo_destroy(cr);
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);

    return rc;
}


static imgp_int_t
imgp_text_layout(imgp_work_t *work, cairo_t *cr, const imgp_text_conf_t *conf,
    const imgp_str_t *string, const imgp_text_place_t *place)
{
    imgp_int_t   rc;
    imgp_text_t  text;

    text.place = place;
    text.string = string;
    text.layout = pango_cairo_create_layout(cr);
    text.font = pango_font_description_from_string(conf->font);

    imgp_text_context(text.layout, conf);

    pango_layout_set_text(text.layout, (char *) string->data, string->len);
    pango_layout_set_width(text.layout, place->width * PANGO_SCALE);
    pango_layout_set_wrap(text.layout, PANGO_WRAP_WORD);
    pango_layout_set_alignment(text.layout, imgp_text_aligns[conf->align]);

    rc = imgp_text_fit(work, &text);

    if (rc == IMGP_OK) {
        imgp_text_show(&text, cr);
    }

    pango_font_description_free(text.font);
    g_object_unref(text.layout);

    return rc;
}


/* letters keep their shapes at every size and angle */

static void
imgp_text_context(PangoLayout *layout, const imgp_text_conf_t *conf)
{
    PangoContext          *context;
    cairo_font_options_t  *options;

    context = pango_layout_get_context(layout);

    options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);

    pango_cairo_context_set_font_options(context, options);
    pango_context_set_round_glyph_positions(context, FALSE);

    cairo_font_options_destroy(options);

    if (conf->lang != NULL) {
        pango_context_set_language(context,
                                   pango_language_from_string(conf->lang));
    }
}


/*
 * Korean may be broken between any two syllables, and is, in narrow columns;
 * where whole words cost little of the size they are what people expect.
 */

static imgp_int_t
imgp_text_fit(imgp_work_t *work, imgp_text_t *text)
{
    uint32_t  size, broken;

    text->whole = imgp_text_korean(text->string, NULL);

    if (imgp_text_largest(work, text, &size) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (text->whole) {
        text->whole = 0;

        if (imgp_text_largest(work, text, &broken) != IMGP_OK) {
            return IMGP_ERROR;
        }

        text->whole = (size > IMGP_TEXT_LEAST && size * 4 >= broken * 3);
        size = text->whole ? size : broken;
    }

    imgp_text_size(text, size);

    if (!imgp_text_fits(text, size)) {
        pango_layout_set_wrap(text->layout, PANGO_WRAP_WORD_CHAR);
        pango_layout_set_height(text->layout,
                                text->place->height * PANGO_SCALE);
        pango_layout_set_ellipsize(text->layout, PANGO_ELLIPSIZE_END);
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_text_largest(imgp_work_t *work, imgp_text_t *text, uint32_t *largest)
{
    uint32_t  size, low, high;

    high = imgp_min(text->place->height, IMGP_TEXT_MOST);
    high = imgp_max(high, 1);
    low = imgp_min(high, IMGP_TEXT_LEAST);

    while (low < high) {
        size = (low + high + 1) / 2;

        imgp_text_size(text, size);

        if (imgp_text_fits(text, size)) {
            low = size;

        } else {
            high = size - 1;
        }

        if (imgp_work_poll(work) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    *largest = low;

    return IMGP_OK;
}


/* fonts are not of one mind about the height of a line, so it is given */

static void
imgp_text_size(imgp_text_t *text, uint32_t size)
{
    PangoAttrList  *attributes;

    pango_font_description_set_absolute_size(text->font, size * PANGO_SCALE);
    pango_layout_set_font_description(text->layout, text->font);

    attributes = pango_attr_list_new();
    pango_attr_list_insert(attributes,
                           pango_attr_line_height_new_absolute(
                               size * IMGP_TEXT_LINE * PANGO_SCALE));

    if (text->whole) {
        (void) imgp_text_korean(text->string, attributes);
    }

    pango_layout_set_attributes(text->layout, attributes);
    pango_attr_list_unref(attributes);
}


/* are there runs of syllables?  They are told not to be broken */

static imgp_uint_t
imgp_text_korean(const imgp_str_t *string, PangoAttrList *attributes)
{
    const char  *p, *run, *last;
    imgp_uint_t  found;

    found = 0;
    run = NULL;
    last = (char *) string->data + string->len;

    for (p = (char *) string->data; p < last; p = g_utf8_next_char(p)) {

        if (g_unichar_get_script(g_utf8_get_char_validated(p, last - p))
            == G_UNICODE_SCRIPT_HANGUL)
        {
            found = 1;
            run = run ? run : p;

        } else if (run) {
            imgp_text_unbroken(string, attributes, run, p);
            run = NULL;
        }
    }

    if (run) {
        imgp_text_unbroken(string, attributes, run, last);
    }

    return found;
}


static void
imgp_text_unbroken(const imgp_str_t *string, PangoAttrList *attributes,
    const char *run, const char *end)
{
    PangoAttribute  *attribute;

    if (attributes) {
        attribute = pango_attr_allow_breaks_new(FALSE);
        attribute->start_index = run - (char *) string->data;
        attribute->end_index = end - (char *) string->data;
        pango_attr_list_insert(attributes, attribute);
    }
}


/*
 * What is seen must lie within the place, and so must the lines when they are
 * counted as one font size and the distances in between: "aaa" is not to
 * become larger than "Apply".
 */

static imgp_uint_t
imgp_text_fits(const imgp_text_t *text, uint32_t size)
{
    int             lines;
    PangoRectangle  ink;

    pango_layout_get_extents(text->layout, &ink, NULL);
    lines = pango_layout_get_line_count(text->layout);

    return ink.width <= text->place->width * PANGO_SCALE
           && ink.height <= text->place->height * PANGO_SCALE
           && size * (1 + (lines - 1) * IMGP_TEXT_LINE)
              <= text->place->height;
}


static void
imgp_text_show(const imgp_text_t *text, cairo_t *cr)
{
    double                    y;
    PangoRectangle            ink;
    const imgp_text_place_t  *place;

    place = text->place;

    pango_layout_get_extents(text->layout, &ink, NULL);
    y = (ink.y + ink.height / 2.0) / PANGO_SCALE;

    cairo_translate(cr, place->x, place->y);
    cairo_rotate(cr, place->angle);
    cairo_translate(cr, -place->width / 2, -y);

    pango_cairo_show_layout(cr, text->layout);
}

#else

imgp_uint_t
imgp_text_there(void)
{
    return 0;
}


imgp_int_t
imgp_text_cover(imgp_work_t *work, uint32_t width, uint32_t height,
    imgp_image_t *cover)
{
    return imgp_work_error(work, IMGP_E_INTERNAL,
                           "the module was built without Pango and Cairo");
}


imgp_int_t
imgp_text_draw(imgp_work_t *work, const imgp_text_conf_t *conf,
    const imgp_str_t *text, const imgp_text_place_t *place,
    imgp_image_t *cover)
{
    return imgp_work_error(work, IMGP_E_INTERNAL,
                           "the module was built without Pango and Cairo");
}

#endif
