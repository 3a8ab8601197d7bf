
/*
 * Base64: RFC 4648's own examples, all lengths against each other, parts cut
 * at every place, what services write, and what is no base64.
 */


#include "imgp_test.h"
#include <imgp/imgp_base64.h>


static const char  *examples[][2] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
    { "\xfb\xff\xbf", "+/+/" }
};


static const char  *lenient[][2] = {
    { "-_-_", "\xfb\xff\xbf" },
    { "Zm9v\r\nYmFy\r\n", "foobar" },
    { " Z g = = ", "f" },
    { "Zg", "f" },
    { "Zm8", "fo" },
    { "Zm9vYg", "foob" }
};


static const char  *wrong[] = {
    "Z", "Zm9vY", "Zg=", "Z===", "=", "Zm9v=", "Zm9v====", "Zg==Zg==",
    "Zm9v!", "Zm\x80v", "{\"a\":1}", "Zm.v"
};


static void
known(void)
{
    u_char  out[64];
    size_t  i, n;

    for (i = 0; i < imgp_nelts(examples); i++) {
        n = imgp_base64_encode((u_char *) examples[i][0],
                               strlen(examples[i][0]), out);
        out[n] = '\0';

        is_str((char *) out, examples[i][1], "encoded");
        is_int(n, imgp_base64_size(strlen(examples[i][0])), "... its size");
    }

    for (i = 0; i < imgp_nelts(lenient); i++) {
        n = imgp_base64_decode((u_char *) lenient[i][0],
                               strlen(lenient[i][0]), out);
        ok(n == strlen(lenient[i][1]) && memcmp(out, lenient[i][1], n) == 0,
           "decoded, %lu", (unsigned long) i);
    }

    for (i = 0; i < imgp_nelts(wrong); i++) {
        is_int(imgp_base64_decode((u_char *) wrong[i], strlen(wrong[i]), out),
               IMGP_ERROR, "refused: %s", wrong[i]);
    }
}


/* blocks of the exact size, so that AddressSanitizer sees their ends */

static imgp_uint_t
there_and_back(size_t len)
{
    u_char       *data, *text, *back;
    size_t        i, n;
    imgp_int_t    m;
    imgp_uint_t   same;

    data = malloc(len + !len);
    text = malloc(imgp_base64_size(len) + !len);

    for (i = 0; i < len; i++) {
        data[i] = (u_char) (i * 167 + (i >> 8) + len);
    }

    n = imgp_base64_encode(data, len, text);
    back = malloc(imgp_base64_decoded(n));
    m = imgp_base64_decode(text, n, back);

    same = n == imgp_base64_size(len)
           && m == (imgp_int_t) len && memcmp(data, back, len) == 0;

    /* in place */

    m = imgp_base64_decode(text, n, text);
    same &= m == (imgp_int_t) len && memcmp(data, text, len) == 0;

    free(data);
    free(text);
    free(back);

    return same;
}


static imgp_uint_t
cut(size_t len, size_t piece)
{
    u_char       *data, *whole, *parts;
    size_t        i, n, size;
    imgp_str_t    content;
    imgp_uint_t   same;

    data = malloc(len + 1);
    size = imgp_base64_size(len);
    whole = malloc(size + 1);
    parts = malloc(size + 1);

    for (i = 0; i < len; i++) {
        data[i] = (u_char) (i * 31 + 7);
    }

    content.data = data;
    content.len = len;

    imgp_base64_encode(data, len, whole);

    for (i = 0; i < size; i += n) {
        n = imgp_base64_part(&content, i, parts + i,
                             imgp_min(piece, size - i));
        if (n == 0) {
            break;
        }
    }

    same = i == size && memcmp(whole, parts, size) == 0
           && imgp_base64_part(&content, size, parts, 8) == 0;

    free(data);
    free(whole);
    free(parts);

    return same;
}


int
main(void)
{
    size_t       len, piece;
    imgp_uint_t  same;

    known();

    for (len = 0, same = 1; len < 300; len++) {
        same &= there_and_back(len);
    }

    ok(same, "all lengths up to 300");

    for (len = 0, same = 1; len < 20; len++) {
        for (piece = 1; piece < 30; piece++) {
            same &= cut(len, piece);
        }
    }

    ok(same, "in pieces of every size");
    ok(cut(100000, 4099), "a large one in pieces");

    return done();
}
