
/*
 * The door to the decoders: a closed list, chosen by the first bytes (never
 * by a name or a header of a client).  Called by imgp_decode.c.
 */


#include <imgp/imgp_reader.h>
#include <imgp/imgp_jpeg.h>
#include <imgp/imgp_png.h>
#include <imgp/imgp_webp.h>


typedef struct {
    size_t             at;
    imgp_str_t         magic;
    imgp_int_t       (*open)(imgp_work_t *work, const imgp_str_t *data,
                             imgp_reader_t **reader);
    const char        *name;          /* of what is known, but not read */
} imgp_reader_format_t;


static const char *imgp_reader_known(void);


static const imgp_reader_format_t  imgp_reader_formats[] = {
    { 0, imgp_string("\xff\xd8\xff"), imgp_jpeg_read_open, NULL },
    { 0, imgp_string("\x89PNG\r\n\x1a\n"), imgp_png_read_open, NULL },
    { 8, imgp_string("WEBPVP8"), imgp_webp_read_open, NULL },

    { 4, imgp_string("ftypavi"), NULL, "AVIF" },
    { 4, imgp_string("ftyphe"), NULL, "HEIC" },
    { 4, imgp_string("ftypmif1"), NULL, "HEIF" },
    { 4, imgp_string("ftypmsf1"), NULL, "HEIF" },
    { 4, imgp_string("JXL \r\n\x87\n"), NULL, "JPEG XL" },
    { 0, imgp_string("\xff\x0a"), NULL, "JPEG XL" },
    { 0, imgp_string("GIF8"), NULL, "GIF" },
    { 0, imgp_string("II*\0"), NULL, "TIFF" },
    { 0, imgp_string("MM\0*"), NULL, "TIFF" }
};


imgp_int_t
imgp_reader_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader)
{
    imgp_uint_t                  i;
    const imgp_reader_format_t  *f;

    *reader = NULL;

    for (i = 0; i < imgp_nelts(imgp_reader_formats); i++) {
        f = &imgp_reader_formats[i];

        if (data->len < f->at + f->magic.len
            || memcmp(data->data + f->at, f->magic.data, f->magic.len) != 0)
        {
            continue;
        }

        if (f->open != NULL) {
            return f->open(work, data, reader);
        }

        return imgp_work_error(work, IMGP_E_TYPE,
                               "%s images cannot be read here, only %s",
                               f->name, imgp_reader_known());
    }

    return imgp_work_error(work, IMGP_E_TYPE, "the content is no image that "
                           "can be read here: only %s", imgp_reader_known());
}


static const char *
imgp_reader_known(void)
{
    return imgp_webp_there() ? "JPEG, PNG and WebP" : "JPEG and PNG";
}


imgp_int_t
imgp_reader_start(imgp_reader_t *reader, uint32_t width, uint32_t height)
{
    return reader->start(reader, width, height);
}


imgp_int_t
imgp_reader_row(imgp_reader_t *reader, u_char *row)
{
    return reader->row(reader, row);
}


imgp_int_t
imgp_reader_start_planes(imgp_reader_t *reader, uint32_t width,
    uint32_t height, uint32_t sub_x, uint32_t sub_y)
{
    return reader->start_planes(reader, width, height, sub_x, sub_y);
}


imgp_int_t
imgp_reader_strip(imgp_reader_t *reader, u_char **rows[IMGP_READER_PLANES])
{
    return reader->strip(reader, rows);
}


imgp_int_t
imgp_reader_finish(imgp_reader_t *reader)
{
    return reader->finish(reader);
}


void
imgp_reader_close(imgp_reader_t *reader)
{
    if (reader != NULL) {
        reader->close(reader);
    }
}
