
/*
 * multipart/form-data bodies: each case is fed whole, byte by byte and cut in
 * two at every place, and must give the same events and the same verdict.
 *
 * Events as a text: "name=value;" for a field, "<filename|type>data." for the
 * file; then "ok", or the code's name.
 */


#include "imgp_test.h"
#include <imgp/imgp_multipart.h>


#define lit(s)  s, sizeof(s) - 1

#define B         "--xyz"
#define CD        "Content-Disposition: form-data; "
#define FILE_     CD "name=\"file\"; filename=\"a.png\"\r\n"                  \
                  "Content-Type: image/png\r\n\r\n"
#define FIELD     CD "name=\"k\"\r\n\r\n"
#define A_FILE    B "\r\n" FILE_ "data\r\n"
#define EVENTS    "<a.png|image/png>data."

#define TEST_LOG  70000


typedef struct {
    char           log[TEST_LOG];
    size_t         len;
    imgp_uint_t    calls;
    imgp_uint_t    fail;              /* the call that fails; 0: none */
    size_t         copied;            /* bytes not of the chunk in hand */
    const u_char  *chunk;
    size_t         chunk_len;
} test_log_t;


typedef struct {
    const char    *body;
    size_t         len;
    const char    *want;
    const char    *what;
} test_case_t;


static void
add(test_log_t *t, const void *p, size_t len)
{
    if (len && t->len + len < TEST_LOG) {
        memcpy(t->log + t->len, p, len);
        t->len += len;
    }

    t->log[t->len] = '\0';
}


static imgp_int_t
event(test_log_t *t, imgp_error_t *err)
{
    if (++t->calls == t->fail) {
        return imgp_error_set(err, IMGP_E_PIXELS, "call %d", (int) t->fail);
    }

    return IMGP_OK;
}


static imgp_int_t
on_field(void *data, const imgp_str_t *name, const imgp_str_t *value,
    imgp_error_t *err)
{
    add(data, name->data, name->len);
    add(data, "=", 1);
    add(data, value->data, value->len);
    add(data, ";", 1);

    return event(data, err);
}


static imgp_int_t
on_begin(void *data, const imgp_str_t *filename, const imgp_str_t *type,
    imgp_error_t *err)
{
    add(data, "<", 1);
    add(data, filename->data, filename->len);
    add(data, "|", 1);
    add(data, type->data, type->len);
    add(data, ">", 1);

    return event(data, err);
}


static imgp_int_t
on_data(void *data, const u_char *p, size_t len, imgp_error_t *err)
{
    test_log_t  *t = data;

    if (len == 0) {
        add(t, "(empty!)", 8);
    }

    if (p < t->chunk || p + len > t->chunk + t->chunk_len) {
        t->copied += len;
    }

    add(t, p, len);

    return IMGP_OK;
}


static imgp_int_t
on_end(void *data, imgp_error_t *err)
{
    add(data, ".", 1);

    return event(data, err);
}


/* the first "n" bytes in pieces of "step", the rest in one */

static void
run(test_log_t *t, imgp_uint_t fail, const char *body, size_t len, size_t n,
    size_t step)
{
    size_t                     i, size;
    u_char                    *copy;
    imgp_int_t                 rc;
    imgp_str_t                 boundary = imgp_string("xyz");
    imgp_pool_t               *pool;
    imgp_error_t               err;
    imgp_multipart_t          *mp;
    imgp_multipart_handlers_t  on = { on_field, on_begin, on_data, on_end,
                                      t, imgp_string("file") };

    t->len = 0;
    t->log[0] = '\0';
    t->calls = 0;
    t->copied = 0;
    t->fail = fail;
    memset(&err, 0, sizeof(err));

    pool = imgp_pool_create(&imgp_malloc, 4096);
    mp = imgp_multipart_create(pool, &boundary, &on);
    rc = imgp_multipart_feed(mp, NULL, 0, &err);

    for (i = 0; i < len && rc == IMGP_OK; i += size) {
        size = (i < n) ? imgp_min(step, n - i) : len - i;

        /* of the exact size: AddressSanitizer would see a read past it */

        copy = malloc(size);
        memcpy(copy, body + i, size);
        t->chunk = copy;
        t->chunk_len = size;

        rc = imgp_multipart_feed(mp, copy, size, &err);

        free(copy);
    }

    if (rc != IMGP_OK && imgp_multipart_feed(mp, (u_char *) "x", 1, &err)
                         == IMGP_OK)
    {
        add(t, "(revived!)", 10);
    }

    if (rc == IMGP_OK) {
        rc = imgp_multipart_end(mp, &err);

    } else if (imgp_multipart_end(mp, &err) == IMGP_OK) {
        add(t, "(revived!)", 10);
    }

    add(t, " ", 1);

    if (rc == IMGP_OK) {
        add(t, "ok", 2);

    } else {
        add(t, imgp_error_name(err.code), strlen(imgp_error_name(err.code)));

        if (err.detail[0] == '\0') {
            add(t, "(no detail!)", 12);
        }
    }

    imgp_pool_destroy(pool);
}


static void
check(imgp_uint_t fail, const test_case_t *c)
{
    size_t             i, wrong;

    static test_log_t  whole, cut;

    run(&whole, fail, c->body, c->len, c->len, c->len);
    is_str(whole.log, c->want, "%s", c->what);

    run(&cut, fail, c->body, c->len, c->len, 1);
    wrong = (strcmp(cut.log, c->want) != 0);

    for (i = 1; i < c->len; i++) {
        run(&cut, fail, c->body, c->len, i, i);
        wrong += (strcmp(cut.log, c->want) != 0);
    }

    is_int(wrong, 0, "%s: the same however it is cut", c->what);
}


static void
test_bodies(void)
{
    imgp_uint_t  i;

    static const test_case_t  cases[] = {

        /* the plain ones */

        { lit(A_FILE B "--\r\n"), EVENTS " ok", "a file" },
        { lit(B "\r\n" FIELD "v\r\n" A_FILE B "--\r\n"),
          "k=v;" EVENTS " ok", "a field and a file" },
        { lit(A_FILE B "\r\n" FIELD "v\r\n" B "--\r\n"),
          EVENTS "k=v; ok", "a file and a field" },
        { lit(B "\r\n" FIELD "1\r\n" B "\r\n" FIELD "2\r\n" A_FILE B "--"),
          "k=1;k=2;" EVENTS " ok", "one name twice is the caller's matter" },
        { lit(B "\r\n" FIELD "\r\n" A_FILE B "--\r\n"),
          "k=;" EVENTS " ok", "an empty field" },
        { lit(B "\r\n" FILE_ "\r\n" B "--\r\n"),
          "<a.png|image/png>. ok", "an empty file" },
        { lit(B "\r\n" FILE_ B "--\r\n"),
          "<a.png|image/png>. ok", "a blank line is the delimiter's CRLF" },
        { lit(B "\r\n" FIELD B "\r\n" FILE_ "data\r\n" B "--\r\n"),
          "k=;" EVENTS " ok", "also of a field" },
        { lit(B "\r\n" CD "name=\"a\r\n \tb\"\r\n\r\nv\r\n" A_FILE B "--"),
          "a   \tb=v;" EVENTS " ok", "a folded line" },

        /* what looks like a delimiter */

        { lit(B "\r\n" FILE_ "a\r\n--xy\r\n--x\r\n-\r\n\r\r\nb\r\n" B "--"),
          "<a.png|image/png>a\r\n--xy\r\n--x\r\n-\r\n\r\r\nb. ok",
          "beginnings of a delimiter" },
        { lit(B "\r\n" FILE_ "a\r\n--xyzz\r\n--xyz1\r\n--xyz:\r\nb\r\n" B "--"),
          "<a.png|image/png>a\r\n--xyzz\r\n--xyz1\r\n--xyz:\r\nb. ok",
          "lines that go on after the boundary" },
        { lit(B "\r\n" FILE_ "a\r\n--xyz-\r\n--xyz-x-\r\nb\r\n" B "--"),
          "<a.png|image/png>a\r\n--xyz-\r\n--xyz-x-\r\nb. ok",
          "one dash after the boundary" },
        { lit(B "\r\n" FILE_ "a\r\n--xyz \t x\r\n--xyz \r \r\nb\r\n" B "--"),
          "<a.png|image/png>a\r\n--xyz \t x\r\n--xyz \r \r\nb. ok",
          "spaces and something else after the boundary" },
        { lit(B "\r\n" FILE_ "a\r\n--xyz\r\r\n--xyz\rb\r\n" B "--"),
          "<a.png|image/png>a\r\n--xyz\r\r\n--xyz\rb. ok",
          "CR without LF after the boundary" },
        { lit(B "\r\n" FILE_ "a\r\n--xyz\n--xyz\nb\r\n" B "--"),
          "<a.png|image/png>a\r\n--xyz\n--xyz\nb. ok",
          "LF alone after the boundary" },
        { lit(B "\r\n" FILE_ "a--xyz--\n--xyz\r--xyz\r\n" B "--"),
          "<a.png|image/png>a--xyz--\n--xyz\r--xyz. ok",
          "no CRLF before the boundary" },
        { lit(B "\r\n" FILE_ "\r\r\r\n\r\n\n\r\r\n" B "--"),
          "<a.png|image/png>\r\r\r\n\r\n\n\r. ok", "line ends only" },
        { lit(B "\r\n" FILE_ "--xyz1\r\n" B "--"),
          "<a.png|image/png>--xyz1. ok", "at once, without CRLF" },
        { lit(B "\r\n" FILE_ "\r\n--xyz1\r\n" B "--"),
          "<a.png|image/png>\r\n--xyz1. ok", "at once, with CRLF" },
        { lit(B "\r\n" FILE_ "-\r\n" B "--"),
          "<a.png|image/png>-. ok", "a dash" },
        { lit(B "\r\n" FILE_ "--\r\n" B "--"),
          "<a.png|image/png>--. ok", "two dashes" },
        { lit(B "\r\n" FILE_ "a\r\n\r\n--xyz--"),
          "<a.png|image/png>a\r\n. ok", "content that ends in CRLF" },
        { lit(B "\r\n" FILE_ "a\r\r\n--xyz--"),
          "<a.png|image/png>a\r. ok", "content that ends in CR" },
        { lit(B "\r\n" FILE_ "a\r\n--xy\r\n--xyz--"),
          "<a.png|image/png>a\r\n--xy. ok", "a delimiter within another" },
        { lit(B "\r\n" FIELD "a\r\n--xyzz\r\n" A_FILE B "--"),
          "k=a\r\n--xyzz;" EVENTS " ok", "in a field" },

        /* before, between, after */

        { lit("hello\r\n" A_FILE B "--\r\n"), EVENTS " ok", "a preamble" },
        { lit("\r\n" A_FILE B "--\r\n"), EVENTS " ok", "an empty preamble" },
        { lit("\r\n\r\n--xy\r\n--xyz1\r\n" A_FILE B "--\r\n"), EVENTS " ok",
          "boundary-like lines in the preamble" },
        { lit("x" A_FILE B "--\r\n"), " bad-request",
          "a preamble without CRLF hides the first part" },
        { lit(A_FILE B "--"), EVENTS " ok", "no CRLF at the end" },
        { lit(A_FILE B "--\r\n" A_FILE B "\r\nnonsense"), EVENTS " ok",
          "an epilogue" },
        { lit(A_FILE B "--x"), EVENTS " ok", "an epilogue without CRLF" },
        { lit(B " \t \r\n" FILE_ "data\r\n" B "--  \r\n"), EVENTS " ok",
          "spaces after a boundary" },
        { lit(B "                                \r\n" FILE_ "data\r\n" B
              "--"), EVENTS " ok", "32 spaces" },
        { lit(B "                                 \r\n" FILE_ "data\r\n" B
              "--"), " bad-request", "33 spaces" },

        /* names of files */

        { lit(B "\r\n" CD "name=file\r\n\r\nx\r\n" B "--"),
          "<|>x. ok", "neither file name nor type" },
        { lit(B "\r\n" CD "name=\"file\"; filename=\"\"\r\n\r\n\r\n" B "--"),
          "<|>. ok", "an empty file name" },
        { lit(B "\r\n" CD "name=\"file\"; filename=\"a\\\"b\\\\c\"\r\n\r\nx"
              "\r\n" B "--"), "<c|>x. ok", "escapes, and then a path" },
        { lit(B "\r\n" CD "name=\"file\"; filename=\"a\\\"b;c=d.png\"\r\n\r\n"
              "x\r\n" B "--"), "<a\"b;c=d.png|>x. ok",
          "a quote and a semicolon" },
        { lit(B "\r\n" CD "name=\"file\"; filename=\"C:\\x\\y.jpg\"\r\n\r\nx"
              "\r\n" B "--"), "<y.jpg|>x. ok", "a path of Windows" },
        { lit(B "\r\n" CD "name=\"file\"; filename=\"../../etc/passwd\"\r\n"
              "\r\nx\r\n" B "--"), "<passwd|>x. ok", "a path" },
        { lit(B "\r\n" CD "name=\"file\"; filename=\"%22%0d%0a.png\"\r\n\r\nx"
              "\r\n" B "--"), "<%22%0d%0a.png|>x. ok", "as browsers escape" },
        { lit(B "\r\n" CD "name=\"file\"; filename=\"a\x01\xff" "b\"\r\n\r\nx"
              "\r\n" B "--"), "<a__b|>x. ok", "unprintable bytes" },
        { lit(B "\r\n" CD "name=file; filename=x; filename*=UTF-8''%e2%82%ac"
              "\r\n\r\nx\r\n" B "--"), "<\xe2\x82\xac|>x. ok", "filename*" },
        { lit(B "\r\n" CD "filename*=UTF-8''%e2%82%ac; filename=x; name=file"
              "\r\n\r\nx\r\n" B "--"), "<\xe2\x82\xac|>x. ok",
          "filename* first" },
        { lit(B "\r\n" CD "name=file; filename=x; filename*=KOI8-R''%e2\r\n"
              "\r\nx\r\n" B "--"), "<x|>x. ok", "another charset" },
        { lit(B "\r\n" CD "name=file; filename*=UTF-8''%2f..%2fx%0a\r\n\r\nx"
              "\r\n" B "--"), "<x_|>x. ok", "a path in filename*" },
        { lit(B "\r\n" CD "name=file; filename*=UTF-8''%zz\r\n\r\nx\r\n" B
              "--"), " bad-request", "filename* malformed" },
        { lit(B "\r\ncontent-disposition:FORM-DATA;NAME=file;FileName=x\r\n"
              "CONTENT-type:a/b\r\nX-Y: z\r\n\r\nx\r\n" B "--"),
          "<x|a/b>x. ok", "case, and headers that mean nothing here" },
        { lit(B "\r\n" CD "name=\"k\"; filename=\"\"\r\n\r\n\r\n" A_FILE B
              "--"), "k=;" EVENTS " ok", "a file input left empty" },
        { lit(B "\r\nContent-Transfer-Encoding: BINARY\r\n" FILE_ "data\r\n" B
              "--"), EVENTS " ok", "no encoding, said aloud" },

        /* refused */

        { lit(""), " bad-request", "nothing" },
        { lit("\r\n"), " bad-request", "a line end" },
        { lit("--xy"), " bad-request", "half a boundary" },
        { lit(B), " bad-request", "a boundary" },
        { lit(B "-"), " bad-request", "a dash short" },
        { lit(B "--\r\n"), " bad-request", "no parts" },
        { lit(B "\r\n" B "--\r\n"), " bad-request", "a part of nothing" },
        { lit(B "\r\n\r\n" B "--\r\n"), " bad-request",
          "a part without headers" },
        { lit(B "\r\n" FIELD "v\r\n" B "--\r\n"), "k=v; bad-request",
          "no file" },
        { lit(B "\r\n" FILE_ "data"), "<a.png|image/png>data bad-request",
          "no closing boundary" },
        { lit(B "\r\n" FILE_ "data" B "--"),
          "<a.png|image/png>data--xyz-- bad-request",
          "no CRLF before the closing boundary" },
        { lit(B "\r\n" FILE_ "data\n" B "--"),
          "<a.png|image/png>data\n--xyz-- bad-request",
          "only LF before the closing boundary" },
        { lit(A_FILE B "\r\n"), EVENTS " bad-request", "cut in a header" },
        { lit(A_FILE B), "<a.png|image/png>data bad-request",
          "cut after a boundary" },
        { lit(A_FILE A_FILE B "--"), EVENTS " bad-request", "two files" },
        { lit(B "\r\n" CD "name=\"k\"; filename=\"x\"\r\n\r\nv\r\n" A_FILE B
              "--"), " bad-request", "a file in another part" },
        { lit(B "\r\n" CD "name=k; filename*=utf-8''x\r\n\r\nv\r\n" A_FILE B
              "--"), " bad-request", "by filename*" },
        { lit(B "\r\nContent-Type: a/b\r\n\r\nx\r\n" B "--"), " bad-request",
          "no Content-Disposition" },
        { lit(B "\r\nContent-Disposition: attachment; name=file\r\n\r\nx\r\n"
              B "--"), " bad-request", "not form-data" },
        { lit(B "\r\n" CD "filename=x\r\n\r\nx\r\n" B "--"), " bad-request",
          "no name" },
        { lit(B "\r\n" CD "name=a; name=file\r\n\r\nx\r\n" B "--"),
          " bad-request", "two names" },
        { lit(B "\r\n" CD "name=file; filename=a; filename=b\r\n\r\nx\r\n" B
              "--"), " bad-request", "two file names" },
        { lit(B "\r\n" CD "name=a\r\n" CD "name=file\r\n\r\nx\r\n" B "--"),
          " bad-request", "two dispositions" },
        { lit(B "\r\n" CD "name=\"file\r\n\r\nx\r\n" B "--"), " bad-request",
          "an open quote" },
        { lit(B "\r\n" CD "name=\"file\" x\r\n\r\nx\r\n" B "--"),
          " bad-request", "text after a quoted string" },
        { lit(B "\r\nnonsense\r\n" FILE_ "x\r\n" B "--"), " bad-request",
          "a header line without a colon" },
        { lit(B "\r\n folded: x\r\n" FILE_ "x\r\n" B "--"), " bad-request",
          "a continuation of nothing" },
        { lit(B "\n" CD "name=file\n\nx\n" B "--"), " bad-request",
          "LF everywhere" },
        { lit(B "\r\n" CD "name=file\n\nx\r\n" B "--"), " bad-request",
          "LF in the headers" },
        { lit(B "\r\n" CD "name=file\rX: y\r\n\r\nx\r\n" B "--"),
          " bad-request", "CR in a header" },
        { lit(B "\r\n" CD "name=\"fi\0le\"\r\n\r\nx\r\n" B "--"),
          " bad-request", "a zero byte in a header" },
        { lit(B "\r\n" CD "name=file\r\nContent-Transfer-Encoding: base64\r\n"
              "\r\nZGF0YQ==\r\n" B "--"), " bad-request", "base64" },
        { lit("--XYZ\r\n" FILE_ "x\r\n--XYZ--\r\n"), " bad-request",
          "case matters in a boundary" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        check(0, &cases[i]);
    }
}


/* whatever handler says no, nothing more is called */

static void
test_handlers(void)
{
    imgp_uint_t  i;

    static const char  body[] =
        B "\r\n" FIELD "v\r\n" A_FILE B "\r\n" FIELD "w\r\n" B "--";

    static const test_case_t  cases[] = {
        { lit(body), "k=v; too-many-pixels", "the field says no" },
        { lit(body), "k=v;<a.png|image/png> too-many-pixels",
          "the beginning says no" },
        { lit(body), "k=v;" EVENTS " too-many-pixels", "the end says no" },
        { lit(body), "k=v;" EVENTS "k=w; too-many-pixels",
          "the last field says no" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        check(i + 1, &cases[i]);
    }
}


/* "before", "n" times "fill", "after" */

static char *
filled(const char *before, const char *fill, size_t n, const char *after)
{
    char  *body, *p;

    body = malloc(strlen(before) + n * strlen(fill) + strlen(after) + 1);
    p = stpcpy(body, before);

    while (n--) {
        p = stpcpy(p, fill);
    }

    strcpy(p, after);

    return body;
}


static void
test_limit(const char *before, const char *fill, size_t n, const char *after,
    const char *want, const char *what)
{
    char              *body, *tail;
    size_t             step, len, wrong;

    static test_log_t  t;

    body = filled(before, fill, n, after);
    len = strlen(body);

    for (step = 1, wrong = 0; step < 2 * len; step = step * 3 + 1) {
        run(&t, 0, body, len, len, step);
        tail = strrchr(t.log, ' ');
        wrong += (strcmp(tail + 1, want) != 0);
    }

    is_int(wrong, 0, "%s: %s", what, want);
    free(body);
}


static void
test_limits(void)
{
    size_t  n;

    n = IMGP_MULTIPART_FIELD_MAX;
    test_limit(B "\r\n" FIELD, "v", n, "\r\n" A_FILE B "--", "ok",
               "a field of 16384 bytes");
    test_limit(B "\r\n" FIELD, "v", n + 1, "\r\n" A_FILE B "--", "too-large",
               "one byte more");
    test_limit(B "\r\n" FIELD, "\r\n--xy", n / 6, "\r\n" A_FILE B "--", "ok",
               "of beginnings of delimiters");
    test_limit(B "\r\n" FIELD, "\r\n--xy", n / 6 + 1, "\r\n" A_FILE B "--",
               "too-large", "one too many");

    n = IMGP_MULTIPART_HEADER_MAX - strlen(FILE_) - strlen("X: \r\n");
    test_limit(B "\r\nX: ", "h", n, "\r\n" FILE_ "data\r\n" B "--", "ok",
               "4096 bytes of headers");
    test_limit(B "\r\nX: ", "h", n + 1, "\r\n" FILE_ "data\r\n" B "--",
               "limit-exceeded", "one byte more");

    n = IMGP_MULTIPART_PARTS_MAX;
    test_limit("", B "\r\n" FIELD "v\r\n", n - 1, A_FILE B "--", "ok",
               "64 parts");
    test_limit("", B "\r\n" FIELD "v\r\n", n, A_FILE B "--",
               "limit-exceeded", "65 parts");

    test_limit("", "p", 4096, "\r\n" A_FILE B "--", "ok",
               "a preamble of 4096 bytes");
    test_limit("", "p", 4097, "\r\n" A_FILE B "--", "bad-request",
               "one byte more");

    test_limit(B "\r\n" FILE_, "\r\n--xyz", 5000, "\r\n" B "--",
               "limit-exceeded", "of many boundaries the second is a header");
    test_limit(A_FILE B "--", B "\r\n", 10000, "", "ok",
               "an epilogue without end");
}


/* a large file of random bytes, and one of near misses */

static void
test_content(void)
{
    char              *body;
    size_t             i, len, step, wrong, head;

    static test_log_t  t;

    body = filled(B "\r\n" FILE_, "\r\n--xy", 8000, "\r\n" B "--");
    len = strlen(body);
    head = strlen(B "\r\n" FILE_);

    for (step = 1, wrong = 0; step < len; step = step * 2 + 1) {
        run(&t, 0, body, len, len, step);
        wrong += (t.len != 17 + 8000 * 6 + 4
                  || memcmp(t.log + 17, body + head, 8000 * 6) != 0);
    }

    is_int(wrong, 0, "a file of near misses");

    srandom(20260113);

    for (i = head; i < len - 9; i++) {
        body[i] = (char) random();
    }

    for (step = 1, wrong = 0; step < len; step = step * 2 + 1) {
        run(&t, 0, body, len, len, step);
        wrong += (t.len != 17 + 8000 * 6 + 4
                  || memcmp(t.log + 17, body + head, 8000 * 6) != 0);
    }

    is_int(wrong, 0, "a file of random bytes");

    run(&t, 0, body, len, len, 4096);
    ok(t.copied < 16, "almost none of its bytes were copied");

    free(body);
}


static void
test_memory(void)
{
    char                       *body;
    long                        n;
    imgp_int_t                  rc;
    imgp_str_t                  boundary = imgp_string("xyz");
    imgp_uint_t                 wrong, oom;
    imgp_pool_t                *pool;
    test_alloc_t                ta;
    imgp_alloc_t                alloc = { test_alloc, test_free, &ta };
    imgp_error_t                err;
    imgp_multipart_t           *mp;

    static test_log_t           t;

    imgp_multipart_handlers_t   on = { on_field, on_begin, on_data, on_end,
                                       &t, imgp_string("file") };

    body = filled(B "\r\n" FIELD, "v", 3000, "\r\n" A_FILE B "--");

    for (n = 0, wrong = 0, oom = 0; n < 12; n++) {
        ta.left = n;
        ta.live = 0;
        t.len = 0;
        t.fail = 0;
        t.chunk = (u_char *) body;
        t.chunk_len = strlen(body);

        pool = imgp_pool_create(&alloc, 256);
        mp = pool ? imgp_multipart_create(pool, &boundary, &on) : NULL;

        if (mp == NULL) {
            oom++;

        } else {
            rc = imgp_multipart_feed(mp, (u_char *) body, 200, &err);

            if (rc == IMGP_OK) {
                rc = imgp_multipart_feed(mp, (u_char *) body + 200,
                                         strlen(body) - 200, &err);
            }

            if (rc == IMGP_OK) {
                wrong += (imgp_multipart_end(mp, &err) != IMGP_OK);

            } else {
                oom++;
                wrong += (err.code != IMGP_E_INTERNAL);
            }
        }

        imgp_pool_destroy(pool);
        wrong += (ta.live != 0);
    }

    is_int(wrong, 0, "the n-th allocation fails, nothing leaks");
    ok(oom >= 3 && oom < 12, "some of them mattered");

    free(body);
}


int
main(void)
{
    test_bodies();
    test_handlers();
    test_limits();
    test_content();
    test_memory();

    return done();
}
