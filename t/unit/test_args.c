
/*
 * Values in the configuration: borders of the ranges, and text that is none.
 * The sentences are tested with the operations, in test_op.c.
 */


#include "imgp_test.h"
#include <imgp/imgp_args.h>


static imgp_error_t  err;


static imgp_str_t
str(const char *s)
{
    imgp_str_t  v;

    v.data = (u_char *) s;
    v.len = strlen(s);

    return v;
}


static void test_numbers(void);
static void test_words(void);
static void test_sizes(void);
static void test_colors(void);


int
main(void)
{
    test_numbers();
    test_words();
    test_sizes();
    test_colors();

    return done();
}


static void
test_numbers(void)
{
    uint32_t     n;
    imgp_str_t   v;
    imgp_uint_t  i;

    static const char  *bad[] = {
        "", "2", "101", "-5", "+5", " 5", "5 ", "0x5", "5.0", "1e1",
        "4294967301", "18446744073709551621", "00000000000000000005"
    };

    v = str("3");
    ok(imgp_args_number(&v, "n", 3, 100, &n, &err) == IMGP_OK && n == 3,
       "the least");
    v = str("100");
    ok(imgp_args_number(&v, "n", 3, 100, &n, &err) == IMGP_OK && n == 100,
       "the most");

    for (i = 0; i < imgp_nelts(bad); i++) {
        v = str(bad[i]);
        is_int(imgp_args_number(&v, "n", 3, 100, &n, &err), IMGP_ERROR,
               "\"%s\" is refused", bad[i]);
    }
}


static void
test_words(void)
{
    uint32_t     n;
    imgp_str_t   v;
    imgp_uint_t  i;

    static const char *const  words[] = { "one", "two", "three" };
    static const char        *bad[] = { "", "on", "one ", "One", "thre\0" };

    for (i = 0; i < imgp_nelts(words); i++) {
        v = str(words[i]);
        ok(imgp_args_word(&v, "n", words, 3, &n, &err) == IMGP_OK && n == i,
           "%s", words[i]);
    }

    for (i = 0; i < imgp_nelts(bad); i++) {
        v = str(bad[i]);
        ok(imgp_args_word(&v, "n", words, 3, &n, &err) == IMGP_ERROR,
           "\"%s\" is none", bad[i]);
    }

    is_str(err.detail, "invalid n \"thre\", must be one, two or three",
           "and it is told which there are");
}


static void
test_sizes(void)
{
    uint32_t     w, h;
    imgp_str_t   v;
    imgp_uint_t  i;

    static const char  *bad[] = {
        "", "x", "5x", "x5", "0x5", "5x0", "5X5", "5x5x5", "65501", "1x65501",
        "5 x 5", "-5x5"
    };

    v = str("65500");
    ok(imgp_args_size(&v, "s", &w, &h, &err) == IMGP_OK && w == 65500
       && h == 65500, "both sides");
    v = str("1x65500");
    ok(imgp_args_size(&v, "s", &w, &h, &err) == IMGP_OK && w == 1
       && h == 65500, "each side");

    for (i = 0; i < imgp_nelts(bad); i++) {
        v = str(bad[i]);
        is_int(imgp_args_size(&v, "s", &w, &h, &err), IMGP_ERROR,
               "\"%s\" is refused", bad[i]);
    }
}


static void
test_colors(void)
{
    u_char       c[4];
    imgp_str_t   v;
    imgp_uint_t  i;

    static const char  *bad[] = {
        "", "#", "123456", "#12345", "#1234567", "#123456789", "#12345g",
        "#12345:", "#12345@", "#12345`", "Transparent", "white"
    };

    v = str("#09afAF");
    ok(imgp_args_color(&v, "c", 0, c, &err) == IMGP_OK
       && memcmp(c, "\x09\xaf\xaf\xff", 4) == 0, "either case");

    v = str("#01020304");
    ok(imgp_args_color(&v, "c", 1, c, &err) == IMGP_OK
       && memcmp(c, "\1\2\3\4", 4) == 0, "with alpha");
    is_int(imgp_args_color(&v, "c", 0, c, &err), IMGP_ERROR,
           "where it is not allowed");

    v = str("transparent");
    ok(imgp_args_color(&v, "c", 1, c, &err) == IMGP_OK
       && memcmp(c, "\0\0\0\0", 4) == 0, "transparent");
    is_int(imgp_args_color(&v, "c", 0, c, &err), IMGP_ERROR,
           "where it is not allowed");

    for (i = 0; i < imgp_nelts(bad); i++) {
        v = str(bad[i]);
        is_int(imgp_args_color(&v, "c", 1, c, &err), IMGP_ERROR,
               "\"%s\" is refused", bad[i]);
    }
}
