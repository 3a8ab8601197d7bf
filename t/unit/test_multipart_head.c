
/*
 * The boundary of a Content-Type, and which strings may be one.
 */


#include "imgp_test.h"
#include <imgp/imgp_multipart.h>


#define FORM  "multipart/form-data; "


static void
test_boundary(void)
{
    char          out[256];
    imgp_int_t    rc;
    imgp_str_t    s, boundary;
    imgp_uint_t   i;
    imgp_error_t  err;

    static const struct {
        const char    *type;
        const char    *boundary;      /* NULL: refused */
        imgp_error_e   code;
    } cases[] = {
        { FORM "boundary=abc", "abc", 0 },
        { "Multipart/Form-Data;BOUNDARY=abc", "abc", 0 },
        { FORM "charset=utf-8; boundary=abc; x=y", "abc", 0 },
        { FORM "boundary=\"a b;c\"", "a b;c", 0 },
        { FORM "boundary=----WebKitFormBoundaryABC",
          "----WebKitFormBoundaryABC", 0 },
        { FORM "boundary=a=b/c:d?", "a=b/c:d?", 0 },
        { FORM "boundary=abc;", "abc", 0 },
        { "  multipart/form-data ;\tboundary = abc ", "abc", 0 },
        { "multipart/form-data", NULL, IMGP_E_BAD_REQUEST },
        { FORM, NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=\"\"", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=\"abc", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=\"abc \"", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=\"a\\\"b\"", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=\"a\\b\"", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=\"a\rb\"", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=a\x01" "b", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=a\xc3\xa9", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=a; boundary=a", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=a b", NULL, IMGP_E_BAD_REQUEST },
        { FORM "boundary=a, " FORM "boundary=b", NULL, IMGP_E_BAD_REQUEST },
        { FORM "xboundary=a", NULL, IMGP_E_BAD_REQUEST },
        { "multipart/mixed; boundary=a", NULL, IMGP_E_TYPE },
        { "multipart/form-dataX; boundary=a", NULL, IMGP_E_TYPE },
        { "image/png", NULL, IMGP_E_TYPE },
        { "", NULL, IMGP_E_TYPE },
        { "; boundary=a", NULL, IMGP_E_TYPE }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s.len = strlen(cases[i].type);
        s.data = malloc(s.len + !s.len);
        memcpy(s.data, cases[i].type, s.len);
        memset(&err, 0, sizeof(err));

        rc = imgp_multipart_boundary(&s, &boundary, &err);

        if (cases[i].boundary) {
            snprintf(out, sizeof(out), "%.*s", (int) boundary.len,
                     boundary.data);
            is_int(rc, IMGP_OK, "accepted: %s", cases[i].type);
            is_str(out, cases[i].boundary, "its boundary");

        } else {
            is_int(rc, IMGP_ERROR, "refused: %s", cases[i].type);
            is_int(err.code, cases[i].code, "%s", err.detail);
        }

        free(s.data);
    }
}


static void
test_length(void)
{
    char                       text[512];
    imgp_str_t                 s, boundary;
    imgp_uint_t                n, wrong;
    imgp_pool_t               *pool;
    imgp_error_t               err;
    imgp_multipart_handlers_t  on;

    memset(&on, 0, sizeof(on));
    pool = imgp_pool_create(&imgp_malloc, 4096);

    for (n = 0, wrong = 0; n <= IMGP_MULTIPART_BOUNDARY_MAX + 2; n++) {
        snprintf(text, sizeof(text), FORM "boundary=\"%0*d\"", (int) n, 0);

        s.data = (u_char *) text;
        s.len = strlen(text);

        if (n == 0) {
            continue;
        }

        wrong += (imgp_multipart_boundary(&s, &boundary, &err) == IMGP_OK)
                 != (n <= IMGP_MULTIPART_BOUNDARY_MAX);

        boundary.data = (u_char *) strchr(text, '"') + 1;
        boundary.len = n;

        wrong += (imgp_multipart_create(pool, &boundary, &on) != NULL)
                 != (n <= IMGP_MULTIPART_BOUNDARY_MAX);
    }

    is_int(wrong, 0, "1 to %d characters", IMGP_MULTIPART_BOUNDARY_MAX);

    boundary.len = 0;
    ok(imgp_multipart_create(pool, &boundary, &on) == NULL, "none");

    boundary.data = (u_char *) "a\r\nb";
    boundary.len = 4;
    ok(imgp_multipart_create(pool, &boundary, &on) == NULL, "CRLF within");

    imgp_pool_destroy(pool);
}


int
main(void)
{
    test_boundary();
    test_length();

    return done();
}
