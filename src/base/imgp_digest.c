
/*
 * SHA-256 (FIPS 180-4) of OpenSSL, and its texts: lower-case hex, and the
 * "Repr-Digest" field of RFC 9530, an RFC 8941 dictionary.
 *
 * Called by the upload path (event loop) and by thread tasks; a context is fed
 * by one thread at a time.
 *
 * A digest names stored content, so there must be no way for it to fail: EVP,
 * which OpenSSL 3 recommends in place of these functions, allocates memory for
 * every digest, and without memory has none to give.
 */


#define OPENSSL_SUPPRESS_DEPRECATED

#include <stdlib.h>
#include <openssl/sha.h>
#include <imgp/imgp_digest.h>


struct imgp_digest_s {
    SHA256_CTX     sha;
};


static int imgp_digest_hex_digit(u_char ch);
static const u_char *imgp_digest_space(const u_char *p, const u_char *last,
    imgp_uint_t tabs);
static const u_char *imgp_digest_key(const u_char *p, const u_char *last,
    imgp_str_t *key);
static const u_char *imgp_digest_bytes(const u_char *p, const u_char *last,
    imgp_str_t *b64);
static const u_char *imgp_digest_params(const u_char *p, const u_char *last);
static const u_char *imgp_digest_bare(const u_char *p, const u_char *last);
static const u_char *imgp_digest_quoted(const u_char *p, const u_char *last);
static const u_char *imgp_digest_number(const u_char *p, const u_char *last);
static const u_char *imgp_digest_token(const u_char *p, const u_char *last);
static int imgp_digest_b64_value(u_char ch);
static imgp_int_t imgp_digest_b64(const imgp_str_t *b64,
    u_char out[IMGP_DIGEST_LEN]);


imgp_digest_t *
imgp_digest_create(void)
{
    imgp_digest_t  *ctx;

    ctx = malloc(sizeof(imgp_digest_t));

    if (ctx != NULL) {
        SHA256_Init(&ctx->sha);
    }

    return ctx;
}


void
imgp_digest_update(imgp_digest_t *ctx, const void *p, size_t len)
{
    if (len) {
        SHA256_Update(&ctx->sha, p, len);
    }
}


void
imgp_digest_final(imgp_digest_t *ctx, u_char out[IMGP_DIGEST_LEN])
{
    SHA256_Final(out, &ctx->sha);
}


void
imgp_digest_destroy(imgp_digest_t *ctx)
{
    free(ctx);
}


void
imgp_digest(const void *p, size_t len, u_char out[IMGP_DIGEST_LEN])
{
    SHA256_CTX  sha;

    SHA256_Init(&sha);

    if (len) {
        SHA256_Update(&sha, p, len);
    }

    SHA256_Final(out, &sha);
}


void
imgp_digest_hex(const u_char digest[IMGP_DIGEST_LEN], char *out)
{
    imgp_uint_t  i;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < IMGP_DIGEST_LEN; i++) {
        *out++ = hex[digest[i] >> 4];
        *out++ = hex[digest[i] & 15];
    }

    *out = '\0';
}


imgp_int_t
imgp_digest_parse_hex(const imgp_str_t *hex, u_char out[IMGP_DIGEST_LEN])
{
    int          hi, lo;
    imgp_uint_t  i;

    if (hex->len != IMGP_DIGEST_HEX_LEN) {
        return IMGP_ERROR;
    }

    for (i = 0; i < IMGP_DIGEST_LEN; i++) {
        hi = imgp_digest_hex_digit(hex->data[2 * i]);
        lo = imgp_digest_hex_digit(hex->data[2 * i + 1]);

        if (hi == -1 || lo == -1) {
            return IMGP_ERROR;
        }

        out[i] = (u_char) (hi << 4 | lo);
    }

    return IMGP_OK;
}


static int
imgp_digest_hex_digit(u_char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    if (ch >= 'a' && ch <= 'f') {
        return ch - 'a' + 10;
    }

    return -1;
}


/*
 * RFC 8941, 4.2.2; of a repeated key the last counts.  RFC 9530 knows byte
 * sequences only, so a member of any other type is malformed.
 */

imgp_int_t
imgp_digest_parse_field(const imgp_str_t *value, u_char out[IMGP_DIGEST_LEN])
{
    imgp_str_t     key, b64;
    imgp_uint_t    found;
    const u_char  *p, *last;

    if (value->len == 0) {
        return IMGP_DECLINED;
    }

    last = value->data + value->len;
    p = imgp_digest_space(value->data, last, 0);
    found = 0;

    while (p < last) {
        p = imgp_digest_key(p, last, &key);

        if (p == NULL || p == last || *p++ != '=') {
            return IMGP_ERROR;
        }

        p = imgp_digest_bytes(p, last, &b64);
        if (p == NULL) {
            return IMGP_ERROR;
        }

        if (imgp_str_is(&key, "sha-256")) {
            if (imgp_digest_b64(&b64, out) != IMGP_OK) {
                return IMGP_ERROR;
            }

            found = 1;
        }

        p = imgp_digest_params(p, last);
        if (p == NULL) {
            return IMGP_ERROR;
        }

        p = imgp_digest_space(p, last, 1);
        if (p == last) {
            break;
        }

        if (*p++ != ',') {
            return IMGP_ERROR;
        }

        p = imgp_digest_space(p, last, 1);
        if (p == last) {
            return IMGP_ERROR;
        }
    }

    return found ? IMGP_OK : IMGP_DECLINED;
}


static const u_char *
imgp_digest_space(const u_char *p, const u_char *last, imgp_uint_t tabs)
{
    while (p < last && (*p == ' ' || (tabs && *p == '\t'))) {
        p++;
    }

    return p;
}


static const u_char *
imgp_digest_key(const u_char *p, const u_char *last, imgp_str_t *key)
{
    key->data = (u_char *) p;

    if (p == last || !((*p >= 'a' && *p <= 'z') || *p == '*')) {
        return NULL;
    }

    while (p < last
           && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')
               || *p == '_' || *p == '-' || *p == '.' || *p == '*'))
    {
        p++;
    }

    key->len = p - key->data;

    return p;
}


static const u_char *
imgp_digest_bytes(const u_char *p, const u_char *last, imgp_str_t *b64)
{
    if (p == last || *p++ != ':') {
        return NULL;
    }

    b64->data = (u_char *) p;

    while (p < last && (imgp_digest_b64_value(*p) != -1 || *p == '=')) {
        p++;
    }

    if (p == last || *p != ':') {
        return NULL;
    }

    b64->len = p - b64->data;

    return p + 1;
}


/* parameters have no meaning here, but may stand there: RFC 8941, 3.1.2 */

static const u_char *
imgp_digest_params(const u_char *p, const u_char *last)
{
    imgp_str_t  key;

    while (p < last && *p == ';') {
        p = imgp_digest_space(p + 1, last, 0);

        p = imgp_digest_key(p, last, &key);
        if (p == NULL) {
            return NULL;
        }

        if (p == last || *p != '=') {
            continue;
        }

        p = imgp_digest_bare(p + 1, last);
        if (p == NULL) {
            return NULL;
        }
    }

    return p;
}


static const u_char *
imgp_digest_bare(const u_char *p, const u_char *last)
{
    imgp_str_t  b64;

    if (p == last) {
        return NULL;
    }

    switch (*p) {

    case '"':
        return imgp_digest_quoted(p + 1, last);

    case ':':
        return imgp_digest_bytes(p, last, &b64);

    case '?':
        if (last - p < 2 || (p[1] != '0' && p[1] != '1')) {
            return NULL;
        }

        return p + 2;

    default:
        if (*p == '-' || (*p >= '0' && *p <= '9')) {
            return imgp_digest_number(p, last);
        }

        return imgp_digest_token(p, last);
    }
}


static const u_char *
imgp_digest_quoted(const u_char *p, const u_char *last)
{
    while (p < last) {
        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\') {
            if (++p == last || (*p != '"' && *p != '\\')) {
                return NULL;
            }
        }

        if (*p < 0x20 || *p > 0x7e) {
            return NULL;
        }

        p++;
    }

    return NULL;
}


static const u_char *
imgp_digest_number(const u_char *p, const u_char *last)
{
    size_t         whole, part;
    const u_char  *start;

    if (*p == '-') {
        p++;
    }

    for (start = p; p < last && *p >= '0' && *p <= '9'; p++) { /* void */ }

    whole = p - start;

    if (whole == 0 || whole > 15) {
        return NULL;
    }

    if (p == last || *p != '.') {
        return p;
    }

    for (start = ++p; p < last && *p >= '0' && *p <= '9'; p++) { /* void */ }

    part = p - start;

    return (whole > 12 || part == 0 || part > 3) ? NULL : p;
}


static const u_char *
imgp_digest_token(const u_char *p, const u_char *last)
{
    u_char  ch;

    ch = *p | 0x20;

    if (!((ch >= 'a' && ch <= 'z') || *p == '*')) {
        return NULL;
    }

    while (p < last && *p > 0x20 && *p < 0x7f
           && strchr("\"(),;<=>?@[\\]{}", *p) == NULL)
    {
        p++;
    }

    return p;
}


static int
imgp_digest_b64_value(u_char ch)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch - 'A';
    }

    if (ch >= 'a' && ch <= 'z') {
        return ch - 'a' + 26;
    }

    if (ch >= '0' && ch <= '9') {
        return ch - '0' + 52;
    }

    return (ch == '+') ? 62 : (ch == '/') ? 63 : -1;
}


/*
 * Exactly 32 bytes: 43 characters.  RFC 8941, 4.2.7 has parsers accept a
 * missing "=" and pad bits that are not zero.
 */

static imgp_int_t
imgp_digest_b64(const imgp_str_t *b64, u_char out[IMGP_DIGEST_LEN])
{
    int          v;
    size_t       n;
    uint32_t     acc, bits;
    imgp_uint_t  i;

    if (b64->len != 43 && !(b64->len == 44 && b64->data[43] == '=')) {
        return IMGP_ERROR;
    }

    acc = 0;
    bits = 0;
    n = 0;

    for (i = 0; i < 43; i++) {
        v = imgp_digest_b64_value(b64->data[i]);
        if (v == -1) {
            return IMGP_ERROR;
        }

        acc = acc << 6 | v;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            out[n++] = (u_char) (acc >> bits);
        }
    }

    return IMGP_OK;
}
