
/*
 * Results in Redis: the arguments of the scripts get, put and hold
 * (imgp_redis_lua.c), and the manifest:
 *
 *     made-at bytes digest digest... \n  items  CRC-32
 *
 * The line is for the script, which sends small contents along; what counts
 * are the items, whose digests the caller checks against the contents.
 *
 * Called from the event loop; what is built has its own copy of the manifest.
 */


#include <stdio.h>
#include <imgp/imgp_digest.h>
#include <imgp/imgp_redis_result.h>


#define IMGP_REDIS_VALUE_MAX  12288   /* IMGP_ITEMS_MAX of them fit */


static void imgp_redis_result_key(imgp_redis_args_t *a,
    const imgp_redis_t *redis, const u_char *key, const char *what);
static imgp_int_t imgp_redis_result_value(imgp_redis_args_t *a,
    imgp_msec_t now, const imgp_item_t *items, imgp_uint_t nitems);
static imgp_int_t imgp_redis_result_known(const redisReply *reply,
    imgp_redis_result_t *result);


imgp_uint_t
imgp_redis_pieces(uint64_t bytes)
{
    uint64_t  n;

    n = bytes / IMGP_REDIS_PIECE + (bytes % IMGP_REDIS_PIECE != 0);

    if (n > IMGP_REDIS_PIECES) {
        return 0;
    }

    return imgp_max(n, 1);
}


void
imgp_redis_blob_put(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char digest[IMGP_DIGEST_LEN], imgp_uint_t piece,
    const imgp_str_t *content, uint64_t ttl)
{
    char  hex[IMGP_DIGEST_HEX_LEN + 1];

    imgp_digest_hex(digest, hex);

    imgp_redis_args_begin(a, "SET");
    imgp_redis_args_key(a, redis, "blob:{%s}:%u", hex, (unsigned) piece);
    imgp_redis_args_add(a, content->data, content->len);
    imgp_redis_args_add(a, "PX", 2);
    imgp_redis_args_add_int(a, imgp_max(ttl, 1));
}


void
imgp_redis_blob_get(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char digest[IMGP_DIGEST_LEN], imgp_uint_t piece)
{
    char  hex[IMGP_DIGEST_HEX_LEN + 1];

    imgp_digest_hex(digest, hex);

    imgp_redis_args_begin(a, "GET");
    imgp_redis_args_key(a, redis, "blob:{%s}:%u", hex, (unsigned) piece);
}


imgp_uint_t
imgp_redis_fits(const imgp_item_t *items, imgp_uint_t n)
{
    uint64_t     bytes;
    imgp_uint_t  i;

    for (bytes = 0, i = 0; i < n && bytes <= IMGP_REDIS_PIECE; i++) {
        bytes += imgp_min(items[i].bytes, UINT32_MAX);
    }

    return n <= IMGP_ITEMS_MAX && bytes <= IMGP_REDIS_PIECE;
}


void
imgp_redis_contents(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_item_t *items, const imgp_str_t *contents, imgp_uint_t n,
    uint64_t ttl)
{
    char         hex[IMGP_DIGEST_HEX_LEN + 1];
    imgp_uint_t  i;

    imgp_redis_args_add_int(a, imgp_max(ttl, 1));

    for (i = 0; i < n; i++) {

        if (contents[i].data == NULL) {
            continue;
        }

        imgp_digest_hex(items[i].digest, hex);
        imgp_redis_args_key(a, redis, "blob:{%s}:0", hex);
        imgp_redis_args_add(a, contents[i].data, contents[i].len);
    }
}


static void
imgp_redis_result_key(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char *key, const char *what)
{
    char  hex[IMGP_DIGEST_HEX_LEN + 1];

    imgp_digest_hex(key, hex);
    imgp_redis_args_key(a, redis, "{%s}:%s", hex, what);
}


void
imgp_redis_result_get(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char key[IMGP_DIGEST_LEN], imgp_msec_t oldest)
{
    imgp_redis_args_script(a, redis, IMGP_REDIS_GET, 2);
    imgp_redis_result_key(a, redis, key, "result");
    imgp_redis_result_key(a, redis, key, "flight");
    imgp_redis_args_add_int(a, oldest);
    imgp_redis_args_add(a, redis->node, strlen(redis->node));
    imgp_redis_args_add_int(a, redis->lease);
    imgp_redis_args_key(a, redis, "blob:{");
    imgp_redis_args_add_int(a, IMGP_REDIS_PIECE);
}


imgp_int_t
imgp_redis_result_put(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char key[IMGP_DIGEST_LEN], imgp_msec_t now,
    const imgp_item_t *items, imgp_int_t nitems, uint64_t ttl)
{
    char  hex[IMGP_DIGEST_HEX_LEN + 1];

    imgp_digest_hex(key, hex);

    imgp_redis_args_script(a, redis, IMGP_REDIS_PUT, 2);
    imgp_redis_result_key(a, redis, key, "result");
    imgp_redis_result_key(a, redis, key, "flight");

    if (nitems < 0) {
        imgp_redis_args_add(a, "", 0);

    } else if (imgp_redis_result_value(a, now, items, nitems) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_redis_args_add_int(a, imgp_max(ttl, 1));
    imgp_redis_args_add(a, redis->node, strlen(redis->node));
    imgp_redis_args_key(a, redis, "wake");
    imgp_redis_args_add_text(a, "%s", hex);

    return a->failed ? IMGP_ERROR : IMGP_OK;
}


/* written straight into the vector's text */

static imgp_int_t
imgp_redis_result_value(imgp_redis_args_t *a, imgp_msec_t now,
    const imgp_item_t *items, imgp_uint_t nitems)
{
    int                n;
    char               hex[IMGP_DIGEST_HEX_LEN + 1];
    uint64_t           bytes;
    imgp_uint_t        i;
    imgp_codec_out_t   w = { (u_char *) a->text + a->used, 0, 0, 0 };

    if (nitems > IMGP_ITEMS_MAX
        || IMGP_REDIS_TEXT_MAX - a->used < IMGP_REDIS_VALUE_MAX)
    {
        return IMGP_ERROR;
    }

    w.size = IMGP_REDIS_VALUE_MAX;

    for (bytes = 0, i = 0; i < nitems; i++) {
        bytes += imgp_min(items[i].bytes, UINT32_MAX);
    }

    n = snprintf((char *) w.start, w.size, "%llu %llu ",
                 (unsigned long long) now, (unsigned long long) bytes);
    w.len = n;

    for (i = 0; i < nitems; i++) {
        imgp_digest_hex(items[i].digest, hex);
        imgp_codec_put(&w, hex, IMGP_DIGEST_HEX_LEN);
        imgp_codec_put(&w, " ", 1);
    }

    imgp_codec_put(&w, "\n", 1);

    if (w.failed) {
        return IMGP_ERROR;
    }

    /* the CRC is of what follows the line */

    w.start += w.len;
    w.size -= w.len;
    a->used += w.len;
    n = w.len;
    w.len = 0;

    imgp_codec_put_items(&w, items, nitems);
    imgp_codec_put_crc(&w);

    if (w.failed) {
        return IMGP_ERROR;
    }

    a->used += w.len;

    imgp_redis_args_add(a, w.start - n, n + w.len);

    return IMGP_OK;
}


imgp_int_t
imgp_redis_result_answer(const redisReply *reply, imgp_redis_result_t *result)
{
    int64_t  known;

    if (imgp_redis_int(reply, 0, &known) != IMGP_OK) {
        return IMGP_ERROR;
    }

    switch (known) {

    case IMGP_REDIS_KNOWN:
        return imgp_redis_result_known(reply, result);

    case IMGP_REDIS_MAKE:
    case IMGP_REDIS_MADE:
        return known;

    default:
        return IMGP_ERROR;
    }
}


static imgp_int_t
imgp_redis_result_known(const redisReply *reply, imgp_redis_result_t *result)
{
    imgp_str_t       s;
    imgp_int_t       rc;
    imgp_uint_t      i, n;
    imgp_item_t     *items;
    imgp_pool_t     *pool;
    imgp_codec_in_t  r;

    if (imgp_redis_str(reply, 1, &s) != IMGP_OK
        || !imgp_codec_is_whole(s.data, s.len))
    {
        return IMGP_ERROR;
    }

    pool = imgp_pool_create(&imgp_malloc, 4096);
    if (pool == NULL) {
        return IMGP_ERROR;
    }

    memset(result, 0, sizeof(imgp_redis_result_t));

    r.pos = s.data;
    r.end = s.data + s.len - sizeof(uint32_t);
    r.failed = 0;

    imgp_codec_get_items(&r, pool, IMGP_ITEMS_MAX, &items, &n);

    rc = IMGP_ERROR;

    if (!r.failed && r.pos == r.end) {
        memcpy(result->items, items, n * sizeof(imgp_item_t));
        result->nitems = n;
        rc = IMGP_REDIS_KNOWN;
    }

    imgp_pool_destroy(pool);

    for (i = 0; rc == IMGP_REDIS_KNOWN && i < n; i++) {

        if (imgp_redis_str(reply, i + 2, &s) == IMGP_OK
            && s.len == result->items[i].bytes)
        {
            result->content[i] = s;
        }
    }

    return rc;
}


void
imgp_redis_flight_hold(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char key[IMGP_DIGEST_LEN])
{
    imgp_redis_args_script(a, redis, IMGP_REDIS_HOLD, 1);
    imgp_redis_result_key(a, redis, key, "flight");
    imgp_redis_args_add(a, redis->node, strlen(redis->node));
    imgp_redis_args_add_int(a, redis->lease);
}
