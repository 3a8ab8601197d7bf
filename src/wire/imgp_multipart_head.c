
/*
 * What stands before a part's content, and the boundary in the request's own
 * Content-Type: RFC 7578, RFC 2046 5.1.1, RFC 6266.
 *
 * Called by imgp_multipart.c and the upload path, in the event loop.  Works
 * within the caller's buffer, allocates nothing.
 *
 * Whatever could be read in two ways is refused: two boundaries, two names,
 * two dispositions.  Unknown headers and parameters are ignored, as RFC 7578
 * 4.8 demands.
 */


#include <imgp/imgp_mime.h>
#include "imgp_multipart_head.h"


static imgp_int_t imgp_multipart_head_header(imgp_multipart_head_t *h,
    imgp_str_t *name, imgp_str_t *value, imgp_error_t *err);
static imgp_int_t imgp_multipart_head_disposition(
    imgp_multipart_head_t *h,
    imgp_str_t *value, imgp_error_t *err);
static imgp_int_t imgp_multipart_head_param(imgp_multipart_head_t *h,
    imgp_mime_param_t *param);


imgp_int_t
imgp_multipart_boundary(const imgp_str_t *content_type, imgp_str_t *boundary,
    imgp_error_t *err)
{
    imgp_int_t         rc;
    imgp_str_t         rest, type;
    imgp_mime_param_t  param;

    rest = *content_type;
    boundary->len = 0;

    imgp_mime_value(&rest, &type);

    if (!imgp_mime_is(&type, "multipart/form-data")) {
        return imgp_error_set(err, IMGP_E_TYPE,
                              "the body must be multipart/form-data");
    }

    for ( ;; ) {
        rc = imgp_mime_param(&rest, &param);

        if (rc == IMGP_DONE) {
            break;
        }

        if (rc == IMGP_ERROR) {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "Content-Type is malformed");
        }

        if (!imgp_mime_is(&param.name, "boundary")) {
            continue;
        }

        if (boundary->len) {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "Content-Type has two boundaries");
        }

        *boundary = param.value;

        if (imgp_multipart_head_boundary(boundary) != IMGP_OK) {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "the boundary must be 1 to %d printable "
                                  "characters", IMGP_MULTIPART_BOUNDARY_MAX);
        }
    }

    if (boundary->len == 0) {
        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              "Content-Type has no boundary");
    }

    return IMGP_OK;
}


/*
 * Wider than RFC 2046's set, but without what would need an escape; at its
 * end a space could not be told from padding.
 */

imgp_int_t
imgp_multipart_head_boundary(const imgp_str_t *boundary)
{
    size_t  i;
    u_char  ch;

    if (boundary->len == 0 || boundary->len > IMGP_MULTIPART_BOUNDARY_MAX
        || boundary->data[boundary->len - 1] == ' ')
    {
        return IMGP_ERROR;
    }

    for (i = 0; i < boundary->len; i++) {
        ch = boundary->data[i];

        if (ch < 0x20 || ch > 0x7e || ch == '"' || ch == '\\') {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


imgp_int_t
imgp_multipart_head_parse(imgp_multipart_head_t *h, u_char *p, size_t len,
    imgp_error_t *err)
{
    imgp_int_t  rc;
    imgp_str_t  rest, name, value;

    memset(h, 0, sizeof(imgp_multipart_head_t));

    rest.data = p;
    rest.len = len;

    for ( ;; ) {
        rc = imgp_mime_line(&rest, &name, &value);

        if (rc == IMGP_DONE) {
            break;
        }

        if (rc == IMGP_ERROR) {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "a part's header line is malformed");
        }

        if (imgp_multipart_head_header(h, &name, &value, err) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    if (!h->has_name) {
        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              "a part has no Content-Disposition with a name");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_multipart_head_header(imgp_multipart_head_t *h, imgp_str_t *name,
    imgp_str_t *value, imgp_error_t *err)
{
    if (imgp_mime_is(name, "content-disposition")) {
        return imgp_multipart_head_disposition(h, value, err);
    }

    if (imgp_mime_is(name, "content-type")) {
        h->type = *value;
        return IMGP_OK;
    }

    /* RFC 7578, 4.7: out of use; these say that nothing was encoded */

    if (imgp_mime_is(name, "content-transfer-encoding")
        && !imgp_mime_is(value, "binary") && !imgp_mime_is(value, "8bit")
        && !imgp_mime_is(value, "7bit"))
    {
        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              "a part has a Content-Transfer-Encoding");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_multipart_head_disposition(imgp_multipart_head_t *h, imgp_str_t *value,
    imgp_error_t *err)
{
    imgp_int_t         rc;
    imgp_str_t         rest, type;
    imgp_mime_param_t  param;

    rest = *value;
    imgp_mime_value(&rest, &type);

    if (h->disposition || !imgp_mime_is(&type, "form-data")) {
        return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                              "a part must have one Content-Disposition: "
                              "form-data");
    }

    h->disposition = 1;

    for ( ;; ) {
        rc = imgp_mime_param(&rest, &param);

        if (rc == IMGP_DONE) {
            return IMGP_OK;
        }

        if (rc == IMGP_ERROR
            || imgp_multipart_head_param(h, &param) != IMGP_OK)
        {
            return imgp_error_set(err, IMGP_E_BAD_REQUEST,
                                  "a part's Content-Disposition is malformed");
        }
    }
}


/* "filename*" wins over "filename", wherever it stands: RFC 6266, 4.3 */

static imgp_int_t
imgp_multipart_head_param(imgp_multipart_head_t *h, imgp_mime_param_t *param)
{
    if (param->quoted) {
        imgp_mime_unquote(&param->value);
    }

    if (imgp_mime_is(&param->name, "name")) {
        h->name = param->value;
        return h->has_name++ ? IMGP_ERROR : IMGP_OK;
    }

    if (imgp_mime_is(&param->name, "filename")) {
        if (!h->has_extended) {
            h->filename = param->value;
        }

        return h->has_filename++ ? IMGP_ERROR : IMGP_OK;
    }

    if (!imgp_mime_is(&param->name, "filename*")) {
        return IMGP_OK;
    }

    switch (imgp_mime_extended(&param->value)) {

    case IMGP_OK:
        h->filename = param->value;
        return h->has_extended++ ? IMGP_ERROR : IMGP_OK;

    case IMGP_DECLINED:
        return IMGP_OK;

    default:
        return IMGP_ERROR;
    }
}
