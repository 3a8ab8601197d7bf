
/*
 * Server-sent events as a service's answer (WHATWG HTML, 9.2.6): lines of
 * "field: value" up to an empty one, which ends the event.
 *
 * Called in a thread with what came so far; nothing is allocated.  The data of
 * an event is joined where it lies: a line and its line feed never take more
 * than "data:" and the line took.
 */


#include <imgp/imgp_sse.h>


static imgp_int_t imgp_sse_line(imgp_str_t *rest, imgp_str_t *line);
static imgp_uint_t imgp_sse_field(const imgp_str_t *line, const char *name,
    imgp_str_t *value);


imgp_int_t
imgp_sse_next(imgp_str_t *rest, imgp_str_t *name, imgp_str_t *data)
{
    u_char       *p;
    imgp_str_t    left, line, value;
    imgp_uint_t   any;

    left = *rest;
    any = 0;

    name->len = 0;
    name->data = left.data;
    data->data = left.data;
    p = left.data;

    while (imgp_sse_line(&left, &line) == IMGP_OK) {

        if (line.len == 0) {

            *rest = left;

            if (!any) {
                /* only comments, or nothing */
                name->len = 0;
                data->data = left.data;
                p = left.data;
                continue;
            }

            /* without the last line feed */

            data->len = p - data->data - 1;

            return IMGP_OK;
        }

        if (imgp_sse_field(&line, "data", &value)) {

            if (!any) {
                data->data = value.data;
                p = value.data;
            }

            memmove(p, value.data, value.len);
            p += value.len;
            *p++ = '\n';
            any = 1;

        } else if (imgp_sse_field(&line, "event", &value)) {
            *name = value;
        }
    }

    return IMGP_DONE;
}


/* it ends with a line feed, with or without a carriage return before it */

static imgp_int_t
imgp_sse_line(imgp_str_t *rest, imgp_str_t *line)
{
    u_char  *p;

    p = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

    if (p == NULL) {
        return IMGP_DONE;
    }

    line->data = rest->data;
    line->len = p - rest->data;

    rest->len -= line->len + 1;
    rest->data = p + 1;

    if (line->len && line->data[line->len - 1] == '\r') {
        line->len--;
    }

    return IMGP_OK;
}


static imgp_uint_t
imgp_sse_field(const imgp_str_t *line, const char *name, imgp_str_t *value)
{
    size_t  len;

    len = strlen(name);

    if (line->len <= len || line->data[len] != ':'
        || memcmp(line->data, name, len) != 0)
    {
        return 0;
    }

    value->data = line->data + len + 1;
    value->len = line->len - len - 1;

    if (value->len && value->data[0] == ' ') {
        value->data++;
        value->len--;
    }

    return 1;
}
