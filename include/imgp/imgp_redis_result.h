
/*
 * Shared results: contents by their digest, manifests by the key of the stage
 * run, and runs that go on now.
 */


#ifndef _IMGP_REDIS_RESULT_H_INCLUDED_
#define _IMGP_REDIS_RESULT_H_INCLUDED_


#include <imgp/imgp_plan.h>
#include <imgp/imgp_codec.h>
#include <imgp/imgp_redis_args.h>
#include <imgp/imgp_redis_reply.h>


#define IMGP_REDIS_PIECE   (256 * 1024)   /* bytes of content in one value:
                                             more would move more memory than
                                             it sends */
#define IMGP_REDIS_PIECES  4096


typedef struct {
    imgp_item_t        items[IMGP_ITEMS_MAX];
    imgp_uint_t        nitems;
    imgp_str_t         content[IMGP_ITEMS_MAX];   /* NULL: not sent along */
} imgp_redis_result_t;


typedef enum {
    IMGP_REDIS_KNOWN = 0,
    IMGP_REDIS_MAKE,                  /* this node makes it now */
    IMGP_REDIS_MADE                   /* another node does */
} imgp_redis_known_e;


/* how many pieces a content has: one at least, 0: too many */

imgp_uint_t imgp_redis_pieces(uint64_t bytes);
void imgp_redis_blob_put(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char digest[IMGP_DIGEST_LEN], imgp_uint_t piece,
    const imgp_str_t *content, uint64_t ttl);
void imgp_redis_blob_get(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char digest[IMGP_DIGEST_LEN], imgp_uint_t piece);

/* contents that go along with a submit, a commit or a put, as its last
   arguments: where they fit, all in all; "contents" must stay, NULL ones are
   left out */

imgp_uint_t imgp_redis_fits(const imgp_item_t *items, imgp_uint_t n);
void imgp_redis_contents(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_item_t *items, const imgp_str_t *contents, imgp_uint_t n,
    uint64_t ttl);

/* asks, and if nobody makes it this node does from now on, for a lease */

void imgp_redis_result_get(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char key[IMGP_DIGEST_LEN], imgp_msec_t oldest);
imgp_int_t imgp_redis_result_answer(const redisReply *reply,
    imgp_redis_result_t *result);   /* imgp_redis_known_e, or IMGP_ERROR */

/* no items (-1): the run has failed, its flight ends */

imgp_int_t imgp_redis_result_put(imgp_redis_args_t *a,
    const imgp_redis_t *redis, const u_char key[IMGP_DIGEST_LEN],
    imgp_msec_t now, const imgp_item_t *items, imgp_int_t nitems,
    uint64_t ttl);
void imgp_redis_flight_hold(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char key[IMGP_DIGEST_LEN]);


#endif /* _IMGP_REDIS_RESULT_H_INCLUDED_ */
