
/*
 * Media types against the patterns of "accept" (RFC 9110, 12.5.1, without
 * parameters), whatever their case; and out of a Content-Type (8.3).
 *
 * Called by the upload and service paths, from any thread; no state.
 */


#include <strings.h>
#include <imgp/imgp_media.h>


imgp_uint_t
imgp_media_match(const imgp_str_t *pattern, const char *type)
{
    size_t       len;
    const char  *slash;

    if (type == NULL || pattern->len < 3) {
        return 0;
    }

    if (imgp_str_is(pattern, "*/*")) {
        return 1;
    }

    slash = strchr(type, '/');
    if (slash == NULL) {
        return 0;
    }

    len = (size_t) (slash - type) + 1;

    if (pattern->len == len + 1 && pattern->data[len] == '*') {
        return strncasecmp((char *) pattern->data, type, len) == 0;
    }

    return pattern->len == strlen(type)
           && strncasecmp((char *) pattern->data, type, pattern->len) == 0;
}


void
imgp_media_declared(const imgp_str_t *value, char type[IMGP_TYPE_LEN])
{
    u_char       c;
    size_t       i;
    imgp_uint_t  slashes;

    slashes = 0;

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        if (c == ';' || c <= ' ' || c >= 0x7f) {
            break;
        }

        if (i == IMGP_TYPE_LEN - 1) {
            slashes = 0;
            break;
        }

        slashes += (c == '/' && i > 0);
        type[i] = (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
    }

    if (slashes != 1 || type[i - 1] == '/') {
        strcpy(type, "application/octet-stream");
        return;
    }

    type[i] = '\0';
}
