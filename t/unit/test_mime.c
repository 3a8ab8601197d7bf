
/*
 * The pieces of MIME headers: lines and folding, parameters, quoted strings,
 * extended values, file names.
 */


#include "imgp_test.h"
#include <imgp/imgp_mime.h>


/* a copy of the exact length: AddressSanitizer would see a read past it */

static imgp_str_t
copy(const char *text)
{
    imgp_str_t  s;

    s.len = strlen(text);
    s.data = malloc(s.len + !s.len);
    memcpy(s.data, text, s.len);

    return s;
}


static void
append(char *out, size_t size, const char *fmt, const imgp_str_t *a,
    const imgp_str_t *b)
{
    size_t  len;

    len = strlen(out);

    snprintf(out + len, size - len, fmt, (int) a->len, a->data, (int) b->len,
             b->data);
}


static void
test_lines(void)
{
    char         out[256];
    imgp_int_t   rc;
    imgp_str_t   s, rest, name, value;
    imgp_uint_t  i;

    static const struct {
        const char  *text;
        const char  *out;
    } cases[] = {
        { "\r\n", "done" },
        { "A: b\r\n\r\n", "A=b;done" },
        { "A:b\r\nC-d:\t e \r\n\r\n", "A=b;C-d=e;done" },
        { "A:\r\n\r\n", "A=;done" },
        { "A: b:c: d\r\n\r\n", "A=b:c: d;done" },
        { "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n", "A=b   c  \td;E=f;done" },
        { "A:\r\n b\r\n\r\n", "A=b;done" },
        { "A: b\r\n \r\n\r\n", "A=b;done" },
        { " A: b\r\n\r\n", "error" },
        { ": b\r\n\r\n", "error" },
        { "A : b\r\n\r\n", "error" },
        { "A b\r\n\r\n", "error" },
        { "A\r\n\r\n", "error" },
        { "A: b\n\r\n", "error" },
        { "A: b\r\n", "A=b;error" },
        { "A: b", "error" },
        { "A", "error" },
        { "\r", "error" },
        { "", "error" },
        { "\xc3\xa9: b\r\n\r\n", "error" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s = copy(cases[i].text);
        rest = s;
        out[0] = '\0';

        while ((rc = imgp_mime_line(&rest, &name, &value)) == IMGP_OK) {
            append(out, sizeof(out), "%.*s=%.*s;", &name, &value);
        }

        strcat(out, rc == IMGP_DONE ? "done" : "error");
        is_str(out, cases[i].out, "lines %d", (int) i);

        free(s.data);
    }
}


static void
test_params(void)
{
    char               out[256];
    imgp_int_t         rc;
    imgp_str_t         s, rest, value;
    imgp_uint_t        i;
    imgp_mime_param_t  param;

    static const struct {
        const char  *text;
        const char  *out;
    } cases[] = {
        { "", "[] done" },
        { "form-data", "[form-data] done" },
        { "  a/b \t", "[a/b] done" },
        { "a;b=c", "[a] b=c done" },
        { "a ; b=c ;\td=e", "[a] b=c d=e done" },
        { "a; b = c", "[a] b=c done" },
        { "a;b=\"c\"", "[a] b=c done" },
        { "a;b=\"c;d=e\";f=g", "[a] b=c;d=e f=g done" },
        { "a;b=\"\"", "[a] b= done" },
        { "a;b=\"x\\\"y\\\\\";c=d", "[a] b=x\"y\\ c=d done" },
        { "a;b=\"C:\\dir\\x.jpg\"", "[a] b=C:\\dir\\x.jpg done" },
        { "a;b=\"\\\\\"", "[a] b=\\ done" },
        { "a;b=\"\\", "[a] error" },
        { "a;b=\"\\\"", "[a] error" },
        { "a;b=\"", "[a] error" },
        { "a;b=\"c", "[a] error" },
        { "a;b=\"c\"d", "[a] b=c error" },
        { "a;b=c\"d\"", "[a] b=c error" },
        { "a;b=c d", "[a] b=c error" },
        { "a;b=", "[a] error" },
        { "a;b=;c=d", "[a] error" },
        { "a;b", "[a] error" },
        { "a;=c", "[a] error" },
        { "a;b;c=d", "[a] error" },
        { "a;", "[a] done" },
        { "a;;  ;b=c;;", "[a] b=c done" },
        { "a; b===c==", "[a] b===c== done" },
        { "a; b=x/y:z?", "[a] b=x/y:z? done" },
        { "a;b*=utf-8''x", "[a] b*=utf-8''x done" },
        { "a;b@=c", "[a] error" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s = copy(cases[i].text);
        rest = s;

        imgp_mime_value(&rest, &value);
        snprintf(out, sizeof(out), "[%.*s] ", (int) value.len, value.data);

        while ((rc = imgp_mime_param(&rest, &param)) == IMGP_OK) {
            if (param.quoted) {
                imgp_mime_unquote(&param.value);
            }

            append(out, sizeof(out), "%.*s=%.*s ", &param.name,
                   &param.value);
        }

        strcat(out, rc == IMGP_DONE ? "done" : "error");
        is_str(out, cases[i].out, "parameters of %s", cases[i].text);

        free(s.data);
    }
}


static void
test_extended(void)
{
    char         out[256];
    u_char      *data;
    imgp_int_t   rc;
    imgp_str_t   s;
    imgp_uint_t  i;

    static const struct {
        const char  *text;
        const char  *out;
    } cases[] = {
        { "UTF-8''abc", "abc" },
        { "utf-8'en'%e2%82%ac%20rates", "\xe2\x82\xac rates" },
        { "UTF-8''%C2%a3", "\xc2\xa3" },
        { "UTF-8''", "" },
        { "UTF-8''a'b", "a'b" },
        { "iso-8859-1'en'%A3", "declined" },
        { "''x", "declined" },
        { "utf-8", "error" },
        { "utf-8'x", "error" },
        { "", "error" },
        { "utf-8''%", "error" },
        { "utf-8''%2", "error" },
        { "utf-8''%2g", "error" },
        { "utf-8''a%", "error" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s = copy(cases[i].text);
        data = s.data;
        rc = imgp_mime_extended(&s);

        snprintf(out, sizeof(out), "%.*s", (int) s.len, s.data);
        is_str(rc == IMGP_OK ? out
               : rc == IMGP_DECLINED ? "declined" : "error",
               cases[i].out, "extended value %s", cases[i].text);

        free(data);
    }
}


static void
test_filenames(void)
{
    char         out[1024], text[1024];
    imgp_str_t   s;
    imgp_uint_t  i;

    static const struct {
        const char  *text;
        const char  *out;
    } cases[] = {
        { "cat.jpg", "cat.jpg" },
        { "", "" },
        { "/etc/passwd", "passwd" },
        { "../../../x.png", "x.png" },
        { "C:\\Documents\\cat.jpg", "cat.jpg" },
        { "a/b\\c/d", "d" },
        { "dir/", "" },
        { "\xe7\x8c\xab.jpg", "\xe7\x8c\xab.jpg" },
        { "a\tb\x01" "c\x7f\x1b[1m", "a_b_c__[1m" },
        { "\xff\xfe.jpg", "__.jpg" },
        { "x\xc0\xaf" "etc", "x__etc" },
        { "\xc2\x85.png", "__.png" },
        { "<script>\"&'", "<script>\"&'" },
        { "..", ".." }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        s = copy(cases[i].text);
        imgp_mime_filename(&s);
        snprintf(out, sizeof(out), "%.*s", (int) s.len, s.data);
        is_str(out, cases[i].out, "file name %d", (int) i);
        free(s.data);
    }

    /* 255 bytes, cut between characters */

    for (i = 0; i < 3; i++) {
        memset(text, '-', i);
        text[i] = '\0';

        while (strlen(text) < 900) {
            strcat(text, "\xe7\x8c\xab");
        }

        s = copy(text);
        imgp_mime_filename(&s);
        is_int(s.len, 255 - (255 - i) % 3, "a long name after %d bytes",
               (int) i);
        ok(memcmp(s.data, text, s.len) == 0, "is cut whole");
        free(s.data);
    }

    memset(text, 'x', 255);
    text[255] = '\0';
    s = copy(text);
    imgp_mime_filename(&s);
    is_int(s.len, 255, "255 bytes are kept");
    free(s.data);
}


static void
test_is(void)
{
    imgp_str_t  s = imgp_string("Form-DATA"), none = imgp_null_string;

    ok(imgp_mime_is(&s, "form-data"), "case does not matter");
    ok(!imgp_mime_is(&s, "form-dat"), "length does");
    ok(!imgp_mime_is(&s, "form-datas"), "both ways");
    ok(imgp_mime_is(&none, ""), "nothing is nothing");
}


int
main(void)
{
    test_lines();
    test_params();
    test_extended();
    test_filenames();
    test_is();

    return done();
}
