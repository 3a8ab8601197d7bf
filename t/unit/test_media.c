
/*
 * Patterns of "accept" against media types.
 */


#include "imgp_test.h"
#include <imgp/imgp_media.h>


int
main(void)
{
    char         type[IMGP_TYPE_LEN];
    imgp_str_t   s;
    imgp_uint_t  i;

    static const struct {
        const char   *pattern;
        const char   *type;
        imgp_uint_t   match;
    } cases[] = {
        { "image/jpeg", "image/jpeg", 1 },
        { "IMAGE/Jpeg", "image/jpeg", 1 },
        { "image/*", "image/png", 1 },
        { "Image/*", "image/png", 1 },
        { "*/*", "audio/wav", 1 },
        { "image/jpeg", "image/jpe", 0 },
        { "image/jpe", "image/jpeg", 0 },
        { "image/png", "image/jpeg", 0 },
        { "image/*", "images/png", 0 },
        { "images/*", "image/png", 0 },
        { "image/*", "audio/mpeg", 0 },
        { "image/*x", "image/png", 0 },
        { "image", "image/png", 0 },
        { "image/", "image/png", 0 },
        { "*/png", "image/png", 0 },
        { "*", "image/png", 0 },
        { "", "image/png", 0 },
        { "*/*", NULL, 0 },
        { "image/*", "image", 0 },
        { "image/*", "", 0 }
    };

    static const struct {
        const char  *value;
        const char  *type;
    } declared[] = {
        { "Text/HTML; charset=utf-8", "text/html" },
        { "image/png", "image/png" },
        { "image/png ", "image/png" },
        { "audio/x-1234567890123456789012345678901234567/8",
          "application/octet-stream" },
        { "audio/x-123456789012345678901234567890123456789",
          "audio/x-123456789012345678901234567890123456789" },
        { "audio/x-1234567890123456789012345678901234567890",
          "application/octet-stream" },
        { "", "application/octet-stream" },
        { ";", "application/octet-stream" },
        { "/", "application/octet-stream" },
        { "text", "application/octet-stream" },
        { "text/", "application/octet-stream" },
        { "/plain", "application/octet-stream" },
        { "a/b/c", "application/octet-stream" },
        { "te\x80t/plain", "application/octet-stream" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s.len = strlen(cases[i].pattern);
        s.data = malloc(s.len + 1);
        memcpy(s.data, cases[i].pattern, s.len);

        is_int(imgp_media_match(&s, cases[i].type), cases[i].match,
               "\"%s\" and %s", cases[i].pattern,
               cases[i].type ? cases[i].type : "no type");

        free(s.data);
    }

    for (i = 0; i < imgp_nelts(declared); i++) {
        s.len = strlen(declared[i].value);
        s.data = malloc(s.len + 1);
        memcpy(s.data, declared[i].value, s.len);

        imgp_media_declared(&s, type);
        is_str(type, declared[i].type, "declared \"%s\"", declared[i].value);

        free(s.data);
    }

    return done();
}
