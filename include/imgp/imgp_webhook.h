
/*
 * Webhooks by the rules of Standard Webhooks 1.0: secrets, the signature of
 * a message, and when one that failed is sent again.  Pure functions, for any
 * thread.
 */


#ifndef _IMGP_WEBHOOK_H_INCLUDED_
#define _IMGP_WEBHOOK_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_WEBHOOK_KEY_MIN   24     /* bytes of a secret */
#define IMGP_WEBHOOK_KEY_MAX   64
#define IMGP_WEBHOOK_KEYS_MAX  4      /* at once, while one replaces another */

/* "v1," and an HMAC-SHA256 in base64, of each key */

#define IMGP_WEBHOOK_SIGNATURE_LEN  47


typedef struct {
    size_t             len;
    u_char             data[IMGP_WEBHOOK_KEY_MAX];
} imgp_webhook_key_t;


/* "whsec_" and base64, or the base64 alone; IMGP_ERROR for anything else */

imgp_int_t imgp_webhook_key(const imgp_str_t *text, imgp_webhook_key_t *key);

/*
 * The value of "webhook-signature" for keys of a number: NUL-terminated, up
 * to n * (IMGP_WEBHOOK_SIGNATURE_LEN + 1) bytes.  "time" is in seconds, as in
 * "webhook-timestamp".  IMGP_ERROR: memory is out.
 */

imgp_int_t imgp_webhook_sign(const imgp_webhook_key_t *keys, imgp_uint_t n,
    const imgp_str_t *id, uint64_t time, const imgp_str_t *body, char *out);

/* a delay, changed by up to a fifth: "random" is any number; but not less
   than "least", what a receiver has asked for */

imgp_msec_t imgp_webhook_delay(imgp_msec_t delay, uint32_t random,
    imgp_msec_t least);


#endif /* _IMGP_WEBHOOK_H_INCLUDED_ */
