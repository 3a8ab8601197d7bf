
/*
 * A run lacks what it has to read: another machine has taken the upload, or
 * has made the result.  It comes from Redis; where Redis has lost it, the
 * machines are asked, and who has it sends it there once more.  While Redis is
 * away the run waits, for as long as it takes: what was accepted is not failed
 * by that.
 *
 *     lost_input -> fetch -> [want, a while] -> the next attempt
 *     want -> (hint) -> offer -> put
 *
 * Event loop.  A unit that waits is in its back-off.
 */


#include "ngx_http_imgp_share.h"
#include "ngx_http_imgp_zone.h"


#define NGX_HTTP_IMGP_SHARE_OFFER  200     /* ms between two of one content */


static void ngx_http_imgp_share_inputs(void *data, ngx_int_t rc);
static void ngx_http_imgp_share_lack_wait(ngx_http_imgp_unit_t *unit);
static void ngx_http_imgp_share_wanted(void *data, imgp_redis_class_e c,
    const redisReply *reply);
static void ngx_http_imgp_share_offered(void *data, ngx_int_t rc);


/* NGX_OK: the unit goes on by itself; NGX_DECLINED: nobody has it */

ngx_int_t
ngx_http_imgp_share_lost_input(ngx_http_imgp_unit_t *unit)
{
    ngx_msec_t            age;
    ngx_http_imgp_run_t  *run;

    run = unit->run;
    age = ngx_current_msec - unit->lacked;

    /* or it was found then, and is lost again */

    if (!unit->lacks || age > 2 * NGX_HTTP_IMGP_SHARE_LACK) {
        unit->lacks = 1;
        unit->lacked = ngx_current_msec;
        age = 0;
    }

    if (!ngx_http_imgp_redis_is_up(run->worker)) {

        /* only what Redis has answered counts */

        unit->lacked = ngx_current_msec;
        ngx_http_imgp_share_lack_wait(unit);
        return NGX_OK;
    }

    if (age > NGX_HTTP_IMGP_SHARE_LACK) {
        return NGX_DECLINED;
    }

    unit->state = NGX_HTTP_IMGP_UNIT_ASK;
    run->threads++;

    ngx_http_imgp_share_fetch(run->worker, unit->inputs, unit->ninputs,
                              ngx_http_imgp_share_inputs, unit);

    return NGX_OK;
}


static void
ngx_http_imgp_share_inputs(void *data, ngx_int_t rc)
{
    ngx_http_imgp_unit_t *unit = data;

    ngx_http_imgp_run_t  *run;

    run = unit->run;

    if (ngx_http_imgp_unit_over(unit)) {
        ngx_http_imgp_unit_finish(unit);

    } else if (rc == NGX_OK) {
        ngx_http_imgp_unit_retry(unit);

    } else {

        if (rc != NGX_DECLINED
            || ngx_http_imgp_share_want(run->worker, unit->inputs,
                                        unit->ninputs)
               != NGX_OK)
        {
            unit->lacked = ngx_current_msec;
        }

        ngx_http_imgp_share_lack_wait(unit);
    }

    ngx_http_imgp_run_unref(run);
}


static void
ngx_http_imgp_share_lack_wait(ngx_http_imgp_unit_t *unit)
{
    unit->state = NGX_HTTP_IMGP_UNIT_BACKOFF;

    ngx_add_timer(&unit->timer, NGX_HTTP_IMGP_SHARE_RETRY
                                + ngx_random() % NGX_HTTP_IMGP_SHARE_RETRY);
}


/* Redis has not got all of them: who has? */

ngx_int_t
ngx_http_imgp_share_want(ngx_http_imgp_worker_t *w, const imgp_item_t *items,
    ngx_uint_t n)
{
    char               hex[IMGP_DIGEST_HEX_LEN + 1];
    ngx_uint_t         i;
    imgp_redis_args_t  args;

    for (i = 0; i < n; i++) {
        imgp_digest_hex(items[i].digest, hex);

        imgp_redis_args_begin(&args, "PUBLISH");
        imgp_redis_args_key(&args, ngx_http_imgp_redis_keys(w), "wake");
        imgp_redis_args_add_text(&args, "c%s%llu", hex,
                                 (unsigned long long) items[i].bytes);

        if (ngx_http_imgp_redis_send(w, &args, ngx_http_imgp_share_wanted,
                                     NULL)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static void
ngx_http_imgp_share_wanted(void *data, imgp_redis_class_e c,
    const redisReply *reply)
{
    /* void */
}


/* somebody lacks a content: its digest and how many bytes it has.  One worker
   of a machine sends it, if the machine has it */

void
ngx_http_imgp_share_offer(ngx_http_imgp_worker_t *w, ngx_str_t *text)
{
    off_t        bytes;
    imgp_str_t   hex;
    imgp_item_t  item;

    if (text->len <= IMGP_DIGEST_HEX_LEN) {
        return;
    }

    ngx_memzero(&item, sizeof(imgp_item_t));

    hex.data = text->data;
    hex.len = IMGP_DIGEST_HEX_LEN;

    bytes = ngx_atoof(text->data + hex.len, text->len - hex.len);

    if (bytes == NGX_ERROR
        || imgp_digest_parse_hex(&hex, item.digest) != IMGP_OK
        || !ngx_http_imgp_mirror_offer(w->zone, item.digest,
                                       NGX_HTTP_IMGP_SHARE_OFFER))
    {
        return;
    }

    item.bytes = bytes;

    ngx_http_imgp_share_put(w, &item, 1, NGX_HTTP_IMGP_SHARE_UPLOAD_TTL,
                            ngx_http_imgp_share_offered, NULL);
}


static void
ngx_http_imgp_share_offered(void *data, ngx_int_t rc)
{
    /* void */
}
