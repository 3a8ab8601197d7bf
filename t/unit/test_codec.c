
/*
 * imgp_codec.c: bytes and back, bounds, failures that stay.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_codec.h>


static imgp_pool_t  *pool;


static void
integers(void)
{
    u_char            buf[13];
    imgp_codec_in_t   r = { buf, buf + sizeof(buf), 0 };
    imgp_codec_out_t  w = { buf, sizeof(buf), 0, 0 };

    static const u_char  want[] = {
        0xfe, 0x04, 0x03, 0x02, 0x01, 8, 7, 6, 5, 4, 3, 2, 1
    };

    imgp_codec_put_u8(&w, 0xfe);
    imgp_codec_put_u32(&w, 0x01020304);
    imgp_codec_put_u64(&w, 0x0102030405060708);

    ok(!w.failed && w.len == 13 && memcmp(buf, want, 13) == 0,
       "little-endian");

    is_int(imgp_codec_get_u8(&r, 0xff), 0xfe, "u8");
    is_int(imgp_codec_get_u32(&r, UINT32_MAX), 0x01020304, "u32");
    is_int(imgp_codec_get_u64(&r), 0x0102030405060708, "u64");
    ok(!r.failed && r.pos == r.end, "all of it");
    is_int(imgp_codec_get_u8(&r, 0xff), 0, "past the end");
    ok(r.failed, "is a failure");

    r.pos = buf;
    is_int(imgp_codec_get_u8(&r, 0xff), 0, "that stays");

    r.failed = 0;
    is_int(imgp_codec_get_u8(&r, 0xfd), 0, "more than is allowed");
    ok(r.failed, "is a failure, too");

    imgp_codec_put_u8(&w, 1);
    ok(w.failed && w.len == 13, "a full writer fails");
    w.len = 0;
    imgp_codec_put_u8(&w, 1);
    is_int(w.len, 0, "and writes nothing more");
}


static void
strings(void)
{
    char              text[8];
    u_char            buf[64];
    imgp_str_t        s;
    imgp_codec_in_t   r = { buf, buf + sizeof(buf), 0 };
    imgp_codec_out_t  w = { buf, sizeof(buf), 0, 0 };
    imgp_codec_out_t  count = { NULL, 0, 0, 0 };

    imgp_codec_put_str(&w, "abc", 3);
    imgp_codec_put_str(&w, "", 0);
    imgp_codec_put_str(&w, "1234567", 7);
    imgp_codec_put_str(&w, "a\0c", 3);

    imgp_codec_put_str(&count, "abc", 3);
    imgp_codec_put_str(&count, NULL, 0);
    is_int(count.len, 11, "counted without a buffer");

    imgp_codec_get_str(&r, pool, 3, &s);
    ok(imgp_str_is(&s, "abc") && s.data[3] == '\0', "a string, and its NUL");
    imgp_codec_get_str(&r, pool, 3, &s);
    ok(s.len == 0 && s.data != NULL && !r.failed, "an empty one");
    imgp_codec_get_text(&r, text, sizeof(text));
    is_str(text, "1234567", "text that just fits");
    imgp_codec_get_text(&r, text, sizeof(text));
    ok(r.failed && text[0] == '\0', "text with a NUL is refused");

    r.pos = buf;
    r.failed = 0;
    imgp_codec_get_str(&r, pool, 2, &s);
    ok(r.failed && s.len == 0, "longer than allowed");

    r.pos = buf;
    r.end = buf + 6;
    r.failed = 0;
    imgp_codec_get_str(&r, pool, 100, &s);
    ok(r.failed && s.data == NULL, "longer than there are bytes");

    r.pos = buf;
    r.end = buf + 7;
    r.failed = 0;
    imgp_codec_get_text(&r, text, 3);
    ok(r.failed, "text longer than its field");
}


static void
items(void)
{
    size_t            len;
    u_char            buf[512];
    imgp_uint_t       n;
    imgp_item_t       in[3], *out;
    imgp_codec_in_t   r = { buf, buf, 0 };
    imgp_codec_out_t  w = { buf, sizeof(buf), 0, 0 };

    in[0] = fix_item(1);
    in[1] = fix_item(2);
    in[2] = fix_item(3);
    memset(in[2].type, 0, IMGP_TYPE_LEN);
    in[1].bytes = UINT64_MAX;

    imgp_codec_put_items(&w, in, 3);
    imgp_codec_put_crc(&w);
    len = w.len;

    ok(!w.failed && imgp_codec_is_whole(buf, len), "a CRC at the end");
    ok(!imgp_codec_is_whole(buf, len - 1), "one byte less");
    ok(!imgp_codec_is_whole(buf, 3), "less than a CRC");
    buf[5] ^= 4;
    ok(!imgp_codec_is_whole(buf, len), "one bit");
    buf[5] ^= 4;

    r.end = buf + len - 4;
    imgp_codec_get_items(&r, pool, 3, &out, &n);
    ok(!r.failed && n == 3 && memcmp(in, out, sizeof(in)) == 0,
       "items are the same again");

    r.pos = buf;
    r.failed = 0;
    imgp_codec_get_items(&r, pool, 2, &out, &n);
    ok(r.failed && n == 0, "more than allowed");

    /* a count that promises more than there is must not allocate */

    memset(buf, 0, sizeof(buf));
    memset(buf, 0xff, 4);
    r.pos = buf;
    r.failed = 0;
    imgp_codec_get_items(&r, NULL, UINT32_MAX, &out, &n);
    ok(r.failed && out == NULL, "more than there can be");

    strcpy(in[0].type, "a\nb");
    w.len = 0;
    imgp_codec_put_item(&w, &in[0]);
    ok(w.failed, "a type with a line break is not written");

    memset(in[0].type, 'a', IMGP_TYPE_LEN);
    w.failed = 0;
    imgp_codec_put_item(&w, &in[0]);
    ok(w.failed, "nor one without an end");
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 4096);

    integers();
    strings();
    items();

    imgp_pool_destroy(pool);

    return done();
}
