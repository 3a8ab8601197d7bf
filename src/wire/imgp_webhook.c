
/*
 * Standard Webhooks 1.0 (https://www.standardwebhooks.com): what is signed is
 * "ID.TIME.BODY", with HMAC-SHA256 (RFC 2104) by OpenSSL; a message carries
 * one signature for each key, so that a key can be replaced without a gap.
 *
 * Called by the event loop for every attempt of a delivery; no state.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <imgp/imgp_base64.h>
#include <imgp/imgp_webhook.h>


#define IMGP_WEBHOOK_PREFIX  "whsec_"
#define IMGP_WEBHOOK_JITTER  5        /* a delay's part, up or down */
#define IMGP_WEBHOOK_TEXT    128      /* base64 of a key, with some room */
#define IMGP_WEBHOOK_TIME    24       /* "." and a number, and "." */


static imgp_int_t imgp_webhook_sign_one(const imgp_webhook_key_t *key,
    const u_char *text, size_t len, char **out);


imgp_int_t
imgp_webhook_key(const imgp_str_t *text, imgp_webhook_key_t *key)
{
    size_t      skip;
    u_char      decoded[imgp_base64_decoded(IMGP_WEBHOOK_TEXT)];
    imgp_int_t  n;

    skip = sizeof(IMGP_WEBHOOK_PREFIX) - 1;

    if (text->len < skip
        || memcmp(text->data, IMGP_WEBHOOK_PREFIX, skip) != 0)
    {
        skip = 0;
    }

    if (text->len - skip > IMGP_WEBHOOK_TEXT) {
        return IMGP_ERROR;
    }

    n = imgp_base64_decode(text->data + skip, text->len - skip, decoded);

    if (n < IMGP_WEBHOOK_KEY_MIN || n > IMGP_WEBHOOK_KEY_MAX) {
        return IMGP_ERROR;
    }

    key->len = n;
    memcpy(key->data, decoded, n);

    return IMGP_OK;
}


imgp_int_t
imgp_webhook_sign(const imgp_webhook_key_t *keys, imgp_uint_t n,
    const imgp_str_t *id, uint64_t time, const imgp_str_t *body, char *out)
{
    char         digits[IMGP_WEBHOOK_TIME];
    size_t       len;
    u_char      *text, *p;
    imgp_int_t   rc;
    imgp_uint_t  i;

    len = snprintf(digits, sizeof(digits), ".%llu.",
                   (unsigned long long) time);

    text = malloc(id->len + len + body->len);
    if (text == NULL) {
        return IMGP_ERROR;
    }

    p = text;
    memcpy(p, id->data, id->len);
    p += id->len;
    memcpy(p, digits, len);
    p += len;
    memcpy(p, body->data, body->len);
    p += body->len;

    rc = IMGP_OK;

    for (i = 0; i < n && rc == IMGP_OK; i++) {

        if (i) {
            *out++ = ' ';
        }

        rc = imgp_webhook_sign_one(&keys[i], text, p - text, &out);
    }

    *out = '\0';
    free(text);

    return rc;
}


static imgp_int_t
imgp_webhook_sign_one(const imgp_webhook_key_t *key, const u_char *text,
    size_t len, char **out)
{
    u_char        mac[EVP_MAX_MD_SIZE];
    unsigned int  n;

    if (HMAC(EVP_sha256(), key->data, (int) key->len, text, len, mac, &n)
        == NULL)
    {
        return IMGP_ERROR;
    }

    memcpy(*out, "v1,", 3);
    *out += 3;
    *out += imgp_base64_encode(mac, n, (u_char *) *out);

    return IMGP_OK;
}


imgp_msec_t
imgp_webhook_delay(imgp_msec_t delay, uint32_t random, imgp_msec_t least)
{
    imgp_msec_t  part;

    part = delay / IMGP_WEBHOOK_JITTER;

    delay = delay - part + random % (2 * part + 1);

    return imgp_max(delay, least);
}
