
/*
 * Limits of services over all machines: the arguments of the scripts places
 * and tokens (imgp_redis_lua.c), what they answer, and the hint that the first
 * of them sends:
 *
 *     s TIME NODE PIPELINE/STAGE          ("s" and the time are one word)
 *
 * Names of pipelines and stages have no "/" and no space in them.
 *
 * Called from the event loop; nothing is allocated.
 */


#include <stdio.h>
#include <imgp/imgp_redis_quota.h>


#define IMGP_REDIS_QUOTA_WAIT  3600000000ll   /* us: no rate is that slow */


static imgp_int_t imgp_redis_quota_word(imgp_str_t *left, u_char end,
    imgp_str_t *word);


void
imgp_redis_places(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_str_t *pipeline, const imgp_str_t *stage, uint32_t limit,
    uint32_t need, uint32_t keep)
{
    imgp_redis_args_script(a, redis, IMGP_REDIS_PLACES, 1);
    imgp_redis_args_key(a, redis, "{%.*s/%.*s}:places", (int) pipeline->len,
                        pipeline->data, (int) stage->len, stage->data);
    imgp_redis_args_add(a, redis->node, strlen(redis->node));
    imgp_redis_args_add_int(a, redis->lease);
    imgp_redis_args_add_int(a, limit);
    imgp_redis_args_add_int(a, need);
    imgp_redis_args_add_int(a, keep);
    imgp_redis_args_key(a, redis, "wake");
    imgp_redis_args_add_text(a, "%.*s/%.*s", (int) pipeline->len,
                             pipeline->data, (int) stage->len, stage->data);
}


imgp_int_t
imgp_redis_places_answer(const redisReply *reply, imgp_redis_places_t *places)
{
    int64_t  has, cap;

    if (imgp_redis_int(reply, 0, &has) != IMGP_OK
        || imgp_redis_int(reply, 1, &cap) != IMGP_OK
        || has < 0 || has > UINT32_MAX || cap < 0 || cap > has)
    {
        return IMGP_ERROR;
    }

    places->has = has;
    places->cap = cap;

    return IMGP_OK;
}


void
imgp_redis_tokens(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char *service, size_t len, uint64_t interval, uint32_t n)
{
    char    hex[2 * 32 + 1];
    size_t  i;

    for (i = 0; i < len && i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", service[i]);
    }

    imgp_redis_args_script(a, redis, IMGP_REDIS_TOKENS, 1);
    imgp_redis_args_key(a, redis, "{%s}:rate", hex);
    imgp_redis_args_add_int(a, interval);
    imgp_redis_args_add_int(a, n);
}


imgp_int_t
imgp_redis_tokens_answer(const redisReply *reply, uint64_t *wait)
{
    int64_t  us;

    if (imgp_redis_int(reply, -1, &us) != IMGP_OK
        || us < 0 || us > IMGP_REDIS_QUOTA_WAIT)
    {
        return IMGP_ERROR;
    }

    *wait = us;

    return IMGP_OK;
}


imgp_int_t
imgp_redis_places_hint(const imgp_redis_t *redis, const imgp_str_t *message,
    uint64_t *time, imgp_str_t *pipeline, imgp_str_t *stage)
{
    size_t      i;
    imgp_str_t  left, word, node;

    left = *message;

    if (imgp_redis_quota_word(&left, ' ', &word) != IMGP_OK
        || imgp_redis_quota_word(&left, ' ', &node) != IMGP_OK
        || imgp_redis_quota_word(&left, '/', pipeline) != IMGP_OK
        || left.len == 0 || word.len < 2 || word.len > 19
        || word.data[0] != 's')
    {
        return IMGP_ERROR;
    }

    *time = 0;

    for (i = 1; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') {
            return IMGP_ERROR;
        }

        *time = *time * 10 + (word.data[i] - '0');
    }

    *stage = left;

    return node.len == strlen(redis->node)
           && memcmp(node.data, redis->node, node.len) == 0
           ? IMGP_DECLINED : IMGP_OK;
}


static imgp_int_t
imgp_redis_quota_word(imgp_str_t *left, u_char end, imgp_str_t *word)
{
    u_char  *p;

    p = left->len ? memchr(left->data, end, left->len) : NULL;

    if (p == NULL || p == left->data) {
        return IMGP_ERROR;
    }

    word->data = left->data;
    word->len = p - left->data;

    left->len -= word->len + 1;
    left->data = p + 1;

    return IMGP_OK;
}
