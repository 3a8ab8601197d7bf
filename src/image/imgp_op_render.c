
/*
 * render POINTER [text=POINTER] [font=NAME] [color=auto|#rrggbb]
 *                [align=center|start|end] [lang=TAG]
 *
 * Draws texts into boxes of a picture, in the picture's format.  Takes the
 * picture and one or more documents; POINTER (RFC 6901, "*" for every element)
 * selects the boxes (imgp_boxes.h) in the first of these.  Their texts are
 *
 *     with one document    each box's member "text"
 *     and "text="          what it selects in the same document
 *     with more            what "text=" selects in the others, in their order;
 *                          without it each is a string or an array of them
 *
 * There must be as many of them as there are boxes.  A polygon of four points,
 * the first two of them the line of the letters, is a rectangle that may be
 * turned; of any other the rectangle around it counts.
 *
 * Runs on a pool thread; texts are borrowed from the documents, which live as
 * long as the run.
 */


#include <math.h>
#include <stdio.h>
#include <imgp/imgp_op_type.h>
#include <imgp/imgp_args.h>
#include <imgp/imgp_blend.h>
#include <imgp/imgp_boxes.h>
#include <imgp/imgp_contrast.h>
#include <imgp/imgp_decode.h>
#include <imgp/imgp_encode.h>
#include <imgp/imgp_text.h>
#include <imgp/imgp_texts.h>
#include <imgp/imgp_utf8.h>


#define IMGP_OP_RENDER_VERSION  1
#define IMGP_OP_RENDER_FONT     "sans-serif"
#define IMGP_OP_RENDER_NAME     128   /* bytes of a font's name, a language */

/* shares of the progress: the picture, the texts; the rest writes */

#define IMGP_OP_RENDER_READ     400
#define IMGP_OP_RENDER_DRAWN    700


typedef struct {
    imgp_pointer_t    *boxes;
    imgp_pointer_t    *texts;         /* NULL: see above */
    imgp_str_t         pointer;       /* as it was written */
    imgp_text_conf_t   text;
    imgp_pool_t       *pool;
    uint32_t           fixed;         /* "color" is not "auto" */
    u_char             rgba[4];
} imgp_op_render_t;


typedef struct {
    const imgp_op_render_t  *conf;
    imgp_work_t             *work;
    imgp_picture_t           picture;
    imgp_texts_t             texts;
    imgp_boxes_t             boxes;
} imgp_op_render_run_t;


static void *imgp_op_render_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_render_text(imgp_pool_t *pool,
    const imgp_op_render_t *conf, const imgp_str_t *args, imgp_uint_t nargs,
    imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_render_pointer(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_render_font(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_render_color(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_render_align(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_render_lang(const imgp_str_t *value,
    const char *what, void *conf, imgp_error_t *err);
static imgp_int_t imgp_op_render_name(imgp_pool_t *pool,
    const imgp_str_t *value, const char *what, const char **name,
    imgp_error_t *err);
static imgp_int_t imgp_op_render_run(const void *data, imgp_work_t *work);
static imgp_int_t imgp_op_render_picture(imgp_op_render_run_t *run,
    const imgp_op_input_t *input);
static imgp_int_t imgp_op_render_boxes(imgp_op_render_run_t *run);
static imgp_int_t imgp_op_render_box(imgp_op_render_run_t *run,
    imgp_uint_t i);
static void imgp_op_render_place(const imgp_box_t *box,
    imgp_text_place_t *place);
static double imgp_op_render_length(const imgp_point_t *a,
    const imgp_point_t *b);
static imgp_int_t imgp_op_render_paint(imgp_op_render_run_t *run,
    const imgp_box_t *box, const imgp_image_t *cover);


/* in the order of imgp_text_align_e */

static const char  *imgp_op_render_aligns[] = { "center", "start", "end" };


static const imgp_args_option_t  imgp_op_render_options[] = {
    { "text", imgp_op_render_pointer },
    { "font", imgp_op_render_font },
    { "color", imgp_op_render_color },
    { "align", imgp_op_render_align },
    { "lang", imgp_op_render_lang },
    { NULL, NULL }
};


const imgp_op_type_t  imgp_op_render = {
    .name = imgp_string("render"),
    .parse = imgp_op_render_parse,
    .run = imgp_op_render_run
};


static void *
imgp_op_render_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_op_render_t  *conf;

    if (!imgp_text_there()) {
        imgp_error_set(err, IMGP_E_BAD_PARAM, "render needs Pango and Cairo, "
                       "and this module was built without them");
        return NULL;
    }

    if (nargs == 0) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "render needs a JSON pointer to the boxes");
        return NULL;
    }

    conf = imgp_pcalloc(pool, sizeof(imgp_op_render_t));
    if (conf == NULL) {
        return imgp_op_no_memory(err);
    }

    conf->pool = pool;
    conf->text.font = IMGP_OP_RENDER_FONT;
    conf->boxes = imgp_pointer_parse(pool, &args[0], err);

    if (conf->boxes == NULL
        || imgp_args_options(args + 1, nargs - 1, imgp_op_render_options,
                             conf, err)
           != IMGP_OK
        || imgp_op_render_text(pool, conf, args, nargs, text, err) != IMGP_OK)
    {
        return NULL;
    }

    conf->pool = NULL;

    return conf;
}


static imgp_int_t
imgp_op_render_text(imgp_pool_t *pool, const imgp_op_render_t *conf,
    const imgp_str_t *args, imgp_uint_t nargs, imgp_str_t *text,
    imgp_error_t *err)
{
    char  color[sizeof("#rrggbb")];

    snprintf(color, sizeof(color), "#%02x%02x%02x", conf->rgba[0],
             conf->rgba[1], conf->rgba[2]);

    return imgp_op_print(pool, text, err, "%.*s text=%.*s font=%s color=%s "
                         "align=%s lang=%s v=%d", (int) args[0].len,
                         (char *) args[0].data, (int) conf->pointer.len,
                         conf->texts ? (char *) conf->pointer.data : "",
                         conf->text.font, conf->fixed ? color : "auto",
                         imgp_op_render_aligns[conf->text.align],
                         conf->text.lang ? conf->text.lang : "",
                         IMGP_OP_RENDER_VERSION);
}


static imgp_int_t
imgp_op_render_pointer(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_render_t  *r = conf;

    r->pointer = *value;
    r->texts = imgp_pointer_parse(r->pool, value, err);

    return r->texts ? IMGP_OK : IMGP_ERROR;
}


static imgp_int_t
imgp_op_render_font(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_render_t  *r = conf;

    return imgp_op_render_name(r->pool, value, what, &r->text.font, err);
}


static imgp_int_t
imgp_op_render_lang(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_render_t  *r = conf;

    return imgp_op_render_name(r->pool, value, what, &r->text.lang, err);
}


static imgp_int_t
imgp_op_render_name(imgp_pool_t *pool, const imgp_str_t *value,
    const char *what, const char **name, imgp_error_t *err)
{
    size_t  i, n;

    for (i = 0; i < value->len; i += n) {
        n = imgp_utf8_printable(value->data + i, value->data + value->len);

        if (n == 0) {
            break;
        }
    }

    if (value->len == 0 || value->len > IMGP_OP_RENDER_NAME
        || i != value->len)
    {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "invalid %s \"%.*s\", must be 1 to %d bytes of "
                              "UTF-8", what, (int) value->len,
                              (char *) value->data, IMGP_OP_RENDER_NAME);
    }

    *name = (char *) imgp_pstrdup(pool, value);

    if (*name == NULL) {
        (void) imgp_op_no_memory(err);
        return IMGP_ERROR;
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_op_render_color(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_render_t  *r = conf;

    r->fixed = !imgp_str_is(value, "auto");

    return r->fixed ? imgp_args_color(value, what, 0, r->rgba, err) : IMGP_OK;
}


static imgp_int_t
imgp_op_render_align(const imgp_str_t *value, const char *what, void *conf,
    imgp_error_t *err)
{
    imgp_op_render_t  *r = conf;

    return imgp_args_word(value, what, imgp_op_render_aligns,
                          imgp_nelts(imgp_op_render_aligns), &r->text.align,
                          err);
}


static imgp_int_t
imgp_op_render_run(const void *data, imgp_work_t *work)
{
    imgp_int_t               rc;
    imgp_op_render_run_t    *run;
    const imgp_op_input_t   *input;
    const imgp_op_render_t  *conf = data;

    run = imgp_work_alloc(work, sizeof(imgp_op_render_run_t));
    if (run == NULL) {
        return IMGP_ERROR;
    }

    run->conf = conf;
    run->work = work;

    rc = imgp_texts_read(work, conf->boxes, conf->texts, &input, &run->texts);

    if (rc == IMGP_OK) {
        rc = imgp_op_render_picture(run, input);
        imgp_texts_free(&run->texts);
    }

    imgp_work_free(work, run);

    return rc;
}


static imgp_int_t
imgp_op_render_picture(imgp_op_render_run_t *run,
    const imgp_op_input_t *input)
{
    imgp_int_t       rc;
    imgp_work_t     *work;
    imgp_decode_t    decode;
    imgp_picture_t  *picture;

    work = run->work;
    picture = &run->picture;

    memset(&decode, 0, sizeof(imgp_decode_t));
    imgp_work_phase(work, 0, IMGP_OP_RENDER_READ);

    if (imgp_decode_picture(work, &input->data, &decode, picture) != IMGP_OK) {
        return IMGP_ERROR;
    }

    rc = imgp_boxes_read(work, run->conf->boxes, run->texts.roots[0],
                         IMGP_TEXTS_MAX, picture->width, picture->height,
                         &run->boxes);

    if (rc == IMGP_OK) {
        rc = imgp_op_render_boxes(run);
        imgp_boxes_free(&run->boxes);
    }

    if (rc == IMGP_OK) {
        imgp_work_phase(work, IMGP_OP_RENDER_DRAWN, IMGP_OP_WRITE);
        rc = imgp_encode_picture_as(work, picture);
    }

    imgp_picture_free(work, picture);

    return rc;
}


static imgp_int_t
imgp_op_render_boxes(imgp_op_render_run_t *run)
{
    imgp_int_t    rc;
    imgp_uint_t   i, n;
    imgp_work_t  *work;

    work = run->work;
    n = run->boxes.n;

    if (n != run->texts.n) {
        return imgp_work_error(work, IMGP_E_BAD_PARAM,
                               "%u boxes and %u texts: there must be as many",
                               (unsigned) n, (unsigned) run->texts.n);
    }

    if (run->conf->fixed
        && imgp_image_expand(work, &run->picture.image, IMGP_SPACE_RGB,
                             run->picture.image.alpha)
           != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    if (imgp_work_reserve(work, IMGP_TEXT_MEMORY) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_work_phase(work, IMGP_OP_RENDER_READ, IMGP_OP_RENDER_DRAWN);

    for (rc = IMGP_OK, i = 0; i < n && rc == IMGP_OK; i++) {
        rc = imgp_op_render_box(run, i);

        if (rc == IMGP_OK) {
            rc = imgp_work_step(work, i + 1, n);
        }
    }

    imgp_work_release(work, IMGP_TEXT_MEMORY);

    return rc;
}


static imgp_int_t
imgp_op_render_box(imgp_op_render_run_t *run, imgp_uint_t i)
{
    imgp_int_t          rc;
    imgp_box_t         *box;
    imgp_image_t        cover;
    imgp_text_place_t   place;

    box = &run->boxes.boxes[i];

    if (run->texts.texts[i].len == 0) {
        return IMGP_OK;
    }

    if (imgp_text_cover(run->work, box->w, box->h, &cover) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_op_render_place(box, &place);

    rc = imgp_text_draw(run->work, &run->conf->text, &run->texts.texts[i],
                        &place, &cover);

    if (rc == IMGP_OK) {
        rc = imgp_op_render_paint(run, box, &cover);
    }

    imgp_image_free(run->work, &cover);

    return rc;
}


static void
imgp_op_render_place(const imgp_box_t *box, imgp_text_place_t *place)
{
    const imgp_point_t  *p;

    place->x = box->w / 2.0;
    place->y = box->h / 2.0;
    place->width = box->w;
    place->height = box->h;
    place->angle = 0;

    if (box->npoints != 4) {
        return;
    }

    /* means of opposite sides: it need not be quite a rectangle */

    p = box->points;

    place->x = (p[0].x + p[1].x + p[2].x + p[3].x) / 4 - box->x;
    place->y = (p[0].y + p[1].y + p[2].y + p[3].y) / 4 - box->y;
    place->width = (imgp_op_render_length(&p[0], &p[1])
                    + imgp_op_render_length(&p[3], &p[2])) / 2;
    place->height = (imgp_op_render_length(&p[0], &p[3])
                     + imgp_op_render_length(&p[1], &p[2])) / 2;
    place->angle = atan2(p[1].y - p[0].y + p[2].y - p[3].y,
                         p[1].x - p[0].x + p[2].x - p[3].x);
}


static double
imgp_op_render_length(const imgp_point_t *a, const imgp_point_t *b)
{
    return hypot(b->x - a->x, b->y - a->y);
}


static imgp_int_t
imgp_op_render_paint(imgp_op_render_run_t *run, const imgp_box_t *box,
    const imgp_image_t *cover)
{
    u_char         v, *row;
    uint32_t       y, i;
    imgp_image_t   ink, *image;

    image = &run->picture.image;

    imgp_image_form(&ink, box->w, 1, image->space, 0, 8);

    if (imgp_image_alloc(run->work, &ink) != IMGP_OK) {
        return IMGP_ERROR;
    }

    /* of a turned box the corners of the rectangle around it say nothing */

    v = imgp_contrast(image, box->x, box->y, box->w, box->h, cover);

    for (i = 0; i < ink.stride; i++) {
        ink.data[i] = run->conf->fixed ? run->conf->rgba[i % ink.channels] : v;
    }

    for (y = 0; y < box->h; y++) {
        row = imgp_image_row(image, box->y + y)
              + (size_t) box->x * image->channels;

        imgp_blend_over(&ink, ink.data, imgp_image_row(cover, y), image, row,
                        box->w);
    }

    imgp_image_free(run->work, &ink);

    return IMGP_OK;
}
