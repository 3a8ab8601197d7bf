
/*
 * Multipart answers: parts as servers write them, at every cut, and bodies
 * that are none.
 */


#include "imgp_test.h"
#include <imgp/imgp_parts.h>


typedef struct {
    char           text[512];
    imgp_uint_t    left;              /* parts until the handler says stop */
} test_seen_t;


typedef struct {
    const char    *type;
    const char    *body;
    const char    *want;              /* NULL: refused */
} test_body_t;


static test_body_t  bodies[] = {
    { "multipart/mixed; boundary=b",
      "--b\r\nContent-Type: image/png\r\n\r\nPNG\r\n"
      "--b\r\nContent-Disposition: inline\r\nContent-Type: text/plain\r\n\r\n"
      "a\r\nb\r\n--b--\r\n", "[image/png:PNG][text/plain:a\r\nb]" },
    { "Multipart/Form-Data; charset=utf-8; Boundary=\"x y\"",
      "preamble\r\n--x y\r\n\r\n1\r\n--x y \t\r\n\r\n\r\n--x y--epilogue",
      "[:1][:]" },
    { "multipart/mixed; boundary=b",
      "--b\r\n\r\n--bc\r\n--b\r\n\r\n-\r\n--b--", "[:--bc][:-]" },
    { "multipart/mixed; boundary=b", "--b\n\r\nx\n--b--", "[:x]" },
    { "multipart/mixed; boundary=b", "--b--\r\n", "" },
    { "multipart/mixed; boundary=b",
      "--b\r\nContent-Type: a/b;\r\n c=d\r\n\r\nx\r\n--b--",
      "[a/b;   c=d:x]" },

    { "multipart/mixed", "--b--", NULL },
    { "multipart/mixed; boundary=", "----", NULL },
    { "multipart/mixed; boundary=b", "", NULL },
    { "multipart/mixed; boundary=b", "--b\r\n\r\nx", NULL },
    { "multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n--b", NULL },
    { "multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n--b-", NULL },
    { "multipart/mixed; boundary=b", "--b\r\nA: b\r\n--b--", NULL },
    { "multipart/mixed; boundary=b", "--b\r\nno colon\r\n\r\nx\r\n--b--",
      NULL }
};


static imgp_int_t
seen(void *data, const imgp_str_t *content, const imgp_str_t *type,
    imgp_error_t *err)
{
    size_t        len;
    test_seen_t  *s = data;

    len = strlen(s->text);

    snprintf(s->text + len, sizeof(s->text) - len, "[%.*s:%.*s]",
             (int) type->len, (char *) type->data,
             (int) content->len, (char *) content->data);

    return s->left-- == 0 ? imgp_error_set(err, IMGP_E_LIMIT, "stop")
                          : IMGP_OK;
}


/* in a block of the exact size */

static imgp_int_t
each(const char *type, const char *body, size_t len, test_seen_t *s,
    imgp_error_t *err)
{
    imgp_int_t  rc;
    imgp_str_t  t, b;

    t.data = (u_char *) type;
    t.len = strlen(type);
    b.data = malloc(len + !len);
    b.len = len;
    memcpy(b.data, body, len);

    s->text[0] = '\0';

    rc = imgp_parts_each(&t, &b, seen, s, err);

    free(b.data);

    return rc;
}


static imgp_uint_t
are(const char *type)
{
    imgp_str_t  s;

    s.data = (u_char *) type;
    s.len = strlen(type);

    return imgp_parts_are(&s);
}


int
main(void)
{
    size_t         i, n;
    imgp_int_t     rc;
    imgp_uint_t    whole;
    imgp_error_t   err;
    test_seen_t    s;

    for (i = 0; i < imgp_nelts(bodies); i++) {
        s.left = 100;
        memset(&err, 0, sizeof(err));
        rc = each(bodies[i].type, bodies[i].body, strlen(bodies[i].body), &s,
                  &err);

        if (bodies[i].want == NULL) {
            ok(rc == IMGP_ERROR && err.code == IMGP_E_SERVICE_REPLY,
               "refused: %s", err.detail);

        } else {
            is_int(rc, IMGP_OK, "body %lu", (unsigned long) i);
            is_str(s.text, bodies[i].want, "... its parts");
        }
    }

    /* cut anywhere before the end it is none */

    n = strlen(bodies[0].body) - 2;

    for (i = 0, whole = 0; i < n; i++) {
        s.left = 100;
        whole += each(bodies[0].type, bodies[0].body, i, &s, &err) == IMGP_OK;
    }

    is_int(whole, 0, "no body that is cut");

    s.left = 0;
    ok(each(bodies[0].type, bodies[0].body, n, &s, &err) == IMGP_ERROR
       && err.code == IMGP_E_LIMIT, "the handler's error");

    ok(are("multipart/mixed; boundary=x") && are("MULTIPART/related"),
       "it is announced");
    ok(!are("image/png") && !are("") && !are("multipart"), "or not");

    return done();
}
