
/*
 * The door to the decoders: a closed list, chosen by the first bytes (never
 * by a name or a header of a client).  Called by imgp_decode.c.
 */


#include <imgp/imgp_reader.h>
#include <imgp/imgp_jpeg.h>
#include <imgp/imgp_png.h>


typedef struct {
    imgp_str_t         magic;
    imgp_int_t       (*open)(imgp_work_t *work, const imgp_str_t *data,
                             imgp_reader_t **reader);
} imgp_reader_format_t;


static const imgp_reader_format_t  imgp_reader_formats[] = {
    { imgp_string("\xff\xd8\xff"), imgp_jpeg_read_open },
    { imgp_string("\x89PNG\r\n\x1a\n"), imgp_png_read_open }
};


imgp_int_t
imgp_reader_open(imgp_work_t *work, const imgp_str_t *data,
    imgp_reader_t **reader)
{
    imgp_uint_t                  i;
    const imgp_reader_format_t  *format;

    *reader = NULL;

    for (i = 0; i < imgp_nelts(imgp_reader_formats); i++) {
        format = &imgp_reader_formats[i];

        if (data->len >= format->magic.len
            && memcmp(data->data, format->magic.data, format->magic.len) == 0)
        {
            return format->open(work, data, reader);
        }
    }

    return imgp_work_error(work, IMGP_E_TYPE,
                           "the content is neither a JPEG nor a PNG image");
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
