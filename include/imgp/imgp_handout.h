
/*
 * Work for a list of Redis, as JSON, and the answers of who took it.  A
 * message begins with
 *
 *     {"correlation_id":"ID","reply_to":"LIST", ...
 *
 * and an answer holds {"correlation_id":"ID"} and either what was made, or
 * {"error":"why"}, with {"retry":false} if another attempt is of no use.
 */


#ifndef _IMGP_HANDOUT_H_INCLUDED_
#define _IMGP_HANDOUT_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_id.h>


typedef struct {
    imgp_str_t         call;          /* correlation_id */
    imgp_str_t         reply_to;
    imgp_str_t         job;
    imgp_str_t         pipeline;
    imgp_str_t         stage;
    const imgp_str_t  *param_names;
    const imgp_str_t  *params;
    imgp_uint_t        nparams;

    /* where each input lies in Redis, and its type */

    const imgp_str_t  *keys;
    const char       **types;
    imgp_uint_t        ninputs;
} imgp_handout_t;


/* malloc'ed and NUL-terminated; NULL: memory is out */

char *imgp_handout_message(const imgp_handout_t *h, size_t *len);

/* the same of a configured text, which must be an object: the first two
   members are put before its own.  NULL: err tells why */

char *imgp_handout_wrap(const imgp_handout_t *h, const imgp_str_t *text,
    size_t *len, imgp_error_t *err);

/* the next correlation_id in an answer, from *pos on: a look for bytes, for
   an event loop; the caller knows which of them he waits for */

imgp_int_t imgp_handout_id(const imgp_str_t *answer, size_t *pos,
    u_char id[IMGP_ID_BYTES]);

/* OK: it tells of no error; else err is SERVICE_REPLY or SERVICE_REFUSED.  For
   a thread */

imgp_int_t imgp_handout_failed(const imgp_str_t *answer, imgp_error_t *err);


#endif /* _IMGP_HANDOUT_H_INCLUDED_ */
