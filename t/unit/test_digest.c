
/*
 * SHA-256 vectors of FIPS 180-4 (NIST's examples); the Repr-Digest field by
 * RFC 9530's examples and what RFC 8941 refuses.
 */


#include "imgp_test.h"
#include <imgp/imgp_digest.h>


#define ABC    "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define CUT    "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAF"
#define EMPTY  "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

#define HEX_ABC                                                               \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


static void
test_vectors(void)
{
    char            hex[IMGP_DIGEST_HEX_LEN + 1];
    u_char          out[IMGP_DIGEST_LEN], block[1000];
    imgp_uint_t     i;
    imgp_digest_t  *ctx;

    static const struct {
        const char  *in;
        const char  *hex;
    } cases[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb924"
              "27ae41e4649b934ca495991b7852b855" },
        { "abc", HEX_ABC },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039"
          "a33ce45964ff2167f6ecedd419db06c1" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        imgp_digest(cases[i].in, strlen(cases[i].in), out);
        imgp_digest_hex(out, hex);
        is_str(hex, cases[i].hex, "SHA-256 of \"%.8s\"", cases[i].in);
    }

    memset(block, 'a', sizeof(block));
    ctx = imgp_digest_create();

    for (i = 0; i < 1000; i++) {
        imgp_digest_update(ctx, block, sizeof(block));
        imgp_digest_update(ctx, NULL, 0);
    }

    imgp_digest_final(ctx, out);
    imgp_digest_destroy(ctx);
    imgp_digest_hex(out, hex);
    is_str(hex, "cdc76e5c9914fb9281a1c7e284d73e67"
                "f1809a48a497200e046d39ccc7112cd0", "a million times \"a\"");

    imgp_digest(NULL, 0, out);
    imgp_digest_hex(out, hex);
    is_str(hex, cases[0].hex, "NULL of no bytes");

    imgp_digest_destroy(NULL);
}


/* fed in pieces of every size it is the same */

static void
test_pieces(void)
{
    size_t          i, n, size, wrong;
    u_char          data[300], want[IMGP_DIGEST_LEN], out[IMGP_DIGEST_LEN];
    imgp_digest_t  *ctx;

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (u_char) (i * 31);
    }

    imgp_digest(data, sizeof(data), want);

    for (size = 1, wrong = 0; size < 150; size++) {
        ctx = imgp_digest_create();

        for (i = 0; i < sizeof(data); i += n) {
            n = imgp_min(size, sizeof(data) - i);
            imgp_digest_update(ctx, data + i, n);
        }

        imgp_digest_final(ctx, out);
        imgp_digest_destroy(ctx);

        wrong += (memcmp(out, want, sizeof(out)) != 0);
    }

    is_int(wrong, 0, "pieces of 1 to 149 bytes");
}


static void
test_hex(void)
{
    char         text[IMGP_DIGEST_HEX_LEN + 1];
    u_char       out[IMGP_DIGEST_LEN], want[IMGP_DIGEST_LEN];
    imgp_str_t   s = imgp_string(HEX_ABC);
    imgp_uint_t  i, wrong;

    imgp_digest("abc", 3, want);

    is_int(imgp_digest_parse_hex(&s, out), IMGP_OK, "hex is read");
    ok(memcmp(out, want, sizeof(out)) == 0, "as it was written");

    for (i = 0, wrong = 0; i < IMGP_DIGEST_HEX_LEN; i++) {
        memcpy(text, HEX_ABC, sizeof(text));
        s.data = (u_char *) text;

        text[i] = "gG/:`@A \0"[i % 9];
        wrong += (imgp_digest_parse_hex(&s, out) == IMGP_OK);
    }

    is_int(wrong, 0, "a foreign character anywhere");

    memcpy(text, HEX_ABC, sizeof(text));
    s.len = 63;
    is_int(imgp_digest_parse_hex(&s, out), IMGP_ERROR, "63 digits");
    s.len = 0;
    is_int(imgp_digest_parse_hex(&s, out), IMGP_ERROR, "none");
}


static void
test_field(void)
{
    u_char       out[IMGP_DIGEST_LEN], abc[IMGP_DIGEST_LEN];
    imgp_int_t   rc;
    imgp_str_t   s;
    imgp_uint_t  i;

    static const struct {
        imgp_int_t   rc;
        const char  *field;
    } cases[] = {
        { IMGP_OK, "sha-256=:" ABC ":" },
        { IMGP_OK, "  sha-256=:" ABC ":  " },
        { IMGP_OK, "sha-512=:AAAA:, sha-256=:" ABC ":" },
        { IMGP_OK, "sha-256=:" ABC ":,\tunixsum=:AA==:" },
        { IMGP_OK, "sha-256=:" EMPTY ":, sha-256=:" ABC ":" },
        { IMGP_OK, "sha-256=:" CUT "a0:" },
        { IMGP_OK, "sha-256=:" CUT "a1=:" },
        { IMGP_OK, "sha-256=:" ABC ":;a;b=1;c=-1.5;d=\"x\\\"\\\\,\";e=tok/n:;"
                   "f=?0; g=:AA==:;*h=*t, x=::" },
        { IMGP_DECLINED, "" },
        { IMGP_DECLINED, "   " },
        { IMGP_DECLINED, "sha-512=:AAAA:" },
        { IMGP_DECLINED, "sha-2560=:" ABC ":" },
        { IMGP_DECLINED, "id-sha-256=:" ABC ":" },
        { IMGP_ERROR, "sha-256" },
        { IMGP_ERROR, "sha-256=" },
        { IMGP_ERROR, "sha-256=" ABC },
        { IMGP_ERROR, "sha-256=\"" ABC "\"" },
        { IMGP_ERROR, "sha-256=:" ABC },
        { IMGP_ERROR, "sha-256=:" ABC "=:" },
        { IMGP_ERROR, "sha-256=::" },
        { IMGP_ERROR, "sha-256=:AAAA:" },
        { IMGP_ERROR, "sha-256=:" CUT "=0=:" },
        { IMGP_ERROR, "sha-256=:" CUT "-0=:" },
        { IMGP_ERROR, "sha-256 =:" ABC ":" },
        { IMGP_ERROR, "sha-256= :" ABC ":" },
        { IMGP_ERROR, "SHA-256=:" ABC ":" },
        { IMGP_ERROR, "sha-256=:" ABC ":," },
        { IMGP_ERROR, "sha-256=:" ABC ":, " },
        { IMGP_ERROR, ",sha-256=:" ABC ":" },
        { IMGP_ERROR, "sha-256=:" ABC ":,,a=:AA==:" },
        { IMGP_ERROR, "sha-256=:" ABC ": b=:AA==:" },
        { IMGP_ERROR, "sha-256=:" ABC ":;" },
        { IMGP_ERROR, "sha-256=:" ABC ":;A" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=\"x" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=\"\\x\"" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=\"\\" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=\"\x7f\"" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=-" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=1." },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=1.0000" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=1234567890123456" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=1234567890123.5" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=?2" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=?" },
        { IMGP_ERROR, "sha-256=:" ABC ":;a=(1)" },
        { IMGP_ERROR, "unixsum=30637" },
        { IMGP_ERROR, "\tsha-256=:" ABC ":" },
        { IMGP_ERROR, "-=:AA==:" }
    };

    imgp_digest("abc", 3, abc);

    for (i = 0; i < imgp_nelts(cases); i++) {

        /* of the exact length, so that AddressSanitizer sees its end */

        s.len = strlen(cases[i].field);
        s.data = malloc(s.len + !s.len);
        memcpy(s.data, cases[i].field, s.len);
        memset(out, 0, sizeof(out));

        rc = imgp_digest_parse_field(&s, out);

        is_int(rc, cases[i].rc, "field: %.60s", cases[i].field);

        if (rc == IMGP_OK) {
            ok(memcmp(out, abc, sizeof(out)) == 0, "its bytes");
        }

        free(s.data);
    }
}


int
main(void)
{
    test_vectors();
    test_pieces();
    test_hex();
    test_field();

    return done();
}
