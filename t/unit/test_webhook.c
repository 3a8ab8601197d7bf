
/*
 * imgp_webhook.c: the example of the specification, several keys, secrets
 * that are none, and delays.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_webhook.h>


#define SECRET  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SIGNED  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


/* of the libraries of Standard Webhooks themselves */

static void
signatures(void)
{
    char                out[2 * (IMGP_WEBHOOK_SIGNATURE_LEN + 1)];
    imgp_str_t          id = imgp_string("msg_p5jXN8AQM9LWM0D4loKWxJek");
    imgp_str_t          body = imgp_string("{\"test\": 2432232314}");
    imgp_str_t          secret = imgp_string(SECRET);
    imgp_str_t          bare = imgp_string("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    imgp_webhook_key_t  keys[2];

    is_int(imgp_webhook_key(&secret, &keys[0]), IMGP_OK, "a secret");
    is_int(imgp_webhook_key(&bare, &keys[1]), IMGP_OK, "without its prefix");
    ok(keys[0].len == 24
       && memcmp(keys[0].data, keys[1].data, 24) == 0, "the same");

    is_int(imgp_webhook_sign(keys, 1, &id, 1614265330, &body, out), IMGP_OK,
           "signed");
    is_str(out, SIGNED, "as the specification has it");
    is_int(strlen(out), IMGP_WEBHOOK_SIGNATURE_LEN, "its length");

    memset(keys[1].data, 7, 64);
    keys[1].len = 64;

    imgp_webhook_sign(keys, 2, &id, 1614265330, &body, out);
    is_int(strlen(out), 2 * IMGP_WEBHOOK_SIGNATURE_LEN + 1, "by two keys");
    ok(strncmp(out, SIGNED " v1,", sizeof(SIGNED) + 3) == 0,
       "the old one first");

    imgp_webhook_sign(keys, 1, &id, 1614265331, &body, out);
    ok(strcmp(out, SIGNED) != 0, "another time is another signature");

    body.len--;
    imgp_webhook_sign(keys, 1, &id, 1614265330, &body, out);
    ok(strcmp(out, SIGNED) != 0, "so is another body");
}


static void
secrets(void)
{
    imgp_str_t          s;
    imgp_uint_t         i;
    imgp_webhook_key_t  key;

    static const char  *wrong[] = {
        "", "whsec_", "whsec_secret", "not base64 at all, in no way!",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa",        /* 23 bytes */
        "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
        "FBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",              /* 65 */
        "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
        "FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF"
    };

    for (i = 0; i < imgp_nelts(wrong); i++) {
        s = fix_str(wrong[i]);
        is_int(imgp_webhook_key(&s, &key), IMGP_ERROR, "no secret: \"%.40s\"",
               wrong[i]);
    }
}


static void
delays(void)
{
    uint64_t     seed;
    imgp_int_t   i;
    imgp_msec_t  ms, low, high;

    seed = 1;
    low = 100000;
    high = 0;

    for (i = 0; i < 10000; i++) {
        ms = imgp_webhook_delay(1000, fix_random(&seed), 0);
        low = imgp_min(low, ms);
        high = imgp_max(high, ms);
    }

    is_int(low, 800, "a fifth less");
    is_int(high, 1200, "a fifth more");

    is_int(imgp_webhook_delay(1000, 5, 60000), 60000, "as the receiver says");
    is_int(imgp_webhook_delay(0, 5, 0), 0, "none");
    is_int(imgp_webhook_delay(3, 99, 0), 3, "too short to be changed");
}


int
main(void)
{
    signatures();
    secrets();
    delays();

    return done();
}
