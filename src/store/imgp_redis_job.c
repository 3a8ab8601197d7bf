
/*
 * The arguments of the scripts that move shared jobs, and their answers; what
 * the scripts do with them stands in imgp_redis_lua.c, in the same order.
 *
 * Called from the event loop; what is built points to the caller's record.
 */


#include <imgp/imgp_digest.h>
#include <stdio.h>
#include <imgp/imgp_redis_result.h>
#include <imgp/imgp_redis_job.h>


static void imgp_redis_job_key(imgp_redis_args_t *a,
    const imgp_redis_t *redis, const u_char *id);
static void imgp_redis_job_keys(imgp_redis_args_t *a,
    const imgp_redis_t *redis, const imgp_redis_job_t *job, const u_char *id,
    imgp_uint_t dead);
static void imgp_redis_job_head(imgp_redis_args_t *a,
    const imgp_redis_job_t *job, const imgp_record_head_t *head);
static imgp_int_t imgp_redis_job_begin(imgp_redis_args_t *a,
    const imgp_redis_t *redis, const imgp_redis_job_t *job,
    imgp_record_head_t *head, imgp_redis_script_e script);
static void imgp_redis_job_idem(imgp_redis_args_t *a,
    const imgp_redis_job_t *job, const imgp_record_head_t *head);
static void imgp_redis_job_list(imgp_redis_args_t *a,
    const imgp_redis_job_t *job);
static imgp_int_t imgp_redis_job_record(const redisReply *reply,
    imgp_int_t n, imgp_redis_answer_t *answer);
static imgp_int_t imgp_redis_job_twin(const redisReply *reply,
    imgp_redis_answer_t *answer);


imgp_int_t
imgp_redis_submit(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job)
{
    imgp_record_head_t  head;

    if (imgp_redis_job_begin(a, redis, job, &head, IMGP_REDIS_SUBMIT)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_redis_args_id(a, head.id);
    imgp_redis_args_add(a, redis->node, strlen(redis->node));
    imgp_redis_job_head(a, job, &head);
    imgp_redis_args_add(a, job->pipeline.data, job->pipeline.len);
    imgp_redis_args_add_int(a, job->want);
    imgp_redis_args_add_int(a, redis->lease);
    imgp_redis_args_add_int(a, job->limit);
    imgp_redis_args_add_int(a, imgp_max(job->ttl, 1));
    imgp_redis_args_key(a, redis, "wake");
    imgp_redis_args_add_int(a, head.queued_at);
    imgp_redis_args_add_int(a, job->force ? IMGP_REDIS_OVER : 0);
    imgp_redis_job_idem(a, job, &head);

    if (job->whole) {
        imgp_redis_args_add_int(a, job->oldest);
    } else {
        imgp_redis_args_add(a, "", 0);
    }

    imgp_redis_args_key(a, redis, "blob:{");

    return a->failed ? IMGP_ERROR : IMGP_OK;
}


/* the job that an Idempotency-Key stands for, and what it came with */

static void
imgp_redis_job_idem(imgp_redis_args_t *a, const imgp_redis_job_t *job,
    const imgp_record_head_t *head)
{
    char  id[IMGP_ID_LEN + 1], hex[IMGP_DIGEST_HEX_LEN + 1];

    id[0] = '\0';
    hex[0] = '\0';

    if (job->idem) {
        imgp_id_text(head->id, id);
        imgp_digest_hex(job->body, hex);
    }

    imgp_redis_args_add_text(a, "%s %s", id, hex);
    imgp_redis_args_add_int(a, IMGP_REDIS_IDEM_TTL);
}


/* what has to be there for the job's end to be of use to another one */

static void
imgp_redis_job_list(imgp_redis_args_t *a, const imgp_redis_job_t *job)
{
    char         hex[IMGP_DIGEST_HEX_LEN + 1];
    char         list[IMGP_ITEMS_MAX * (IMGP_DIGEST_HEX_LEN + 8) + 32];
    size_t       len;
    imgp_uint_t  i;

    len = snprintf(list, sizeof(list), "%llu ",
                   (unsigned long long) job->made);

    for (i = 0; i < job->nitems; i++) {
        imgp_digest_hex(job->items[i].digest, hex);
        len += snprintf(list + len, sizeof(list) - len, "%s:%u ", hex,
                        (unsigned) imgp_redis_pieces(job->items[i].bytes));
    }

    imgp_redis_args_add_text(a, "%s\n", list);
    imgp_redis_args_add_int(a, imgp_max(job->cache, 1));
}


imgp_int_t
imgp_redis_commit(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job)
{
    imgp_record_head_t  head;

    if (imgp_redis_job_begin(a, redis, job, &head, IMGP_REDIS_COMMIT)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_redis_args_id(a, head.id);
    imgp_redis_job_head(a, job, &head);
    imgp_redis_args_add_int(a, job->fence);
    imgp_redis_args_add_int(a, imgp_max(job->ttl, job->reason
                                                  ? IMGP_REDIS_DEAD_AGE : 1));
    imgp_redis_args_key(a, redis, "wake");
    imgp_redis_args_add_int(a, head.queued_at);
    imgp_redis_args_add_text(a, "%s", job->reason ? job->reason : "");
    imgp_redis_args_add_int(a, IMGP_REDIS_DEAD_MAX);
    imgp_redis_args_add_int(a, IMGP_REDIS_DEAD_AGE);
    imgp_redis_job_list(a, job);

    return a->failed ? IMGP_ERROR : IMGP_OK;
}


imgp_int_t
imgp_redis_swap(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job)
{
    imgp_record_head_t  head;

    if (imgp_redis_job_begin(a, redis, job, &head, IMGP_REDIS_SWAP)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    imgp_redis_args_id(a, head.id);
    imgp_redis_job_head(a, job, &head);
    imgp_redis_args_add_int(a, job->known);
    imgp_redis_args_add_int(a, imgp_max(job->ttl, 1));
    imgp_redis_args_key(a, redis, "wake");
    imgp_redis_args_add_int(a, head.queued_at);

    return a->failed ? IMGP_ERROR : IMGP_OK;
}


/* the script's name and its keys */

static imgp_int_t
imgp_redis_job_begin(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job, imgp_record_head_t *head,
    imgp_redis_script_e script)
{
    char         hex[IMGP_DIGEST_HEX_LEN + 1];
    imgp_uint_t  dead;

    if (imgp_record_head(job->record.data, job->record.len, head) != IMGP_OK
        || job->pipeline.len >= IMGP_NAME_LEN)
    {
        return IMGP_ERROR;
    }

    dead = script != IMGP_REDIS_SUBMIT;

    imgp_redis_args_script(a, redis, script,
                           3 + dead + (job->whole != NULL)
                           + (job->idem != NULL));
    imgp_redis_job_keys(a, redis, job, head->id, dead);

    if (job->whole) {
        imgp_digest_hex(job->whole, hex);
        imgp_redis_args_key(a, redis, "{%s}:whole", hex);
    }

    if (job->idem) {
        imgp_digest_hex(job->idem, hex);
        imgp_redis_args_key(a, redis, "{jobs}:idem:%s", hex);
    }

    return IMGP_OK;
}


static void
imgp_redis_job_keys(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_redis_job_t *job, const u_char *id, imgp_uint_t dead)
{
    imgp_redis_job_key(a, redis, id);
    imgp_redis_args_key(a, redis, "{jobs}:queue:%.*s",
                        (int) job->pipeline.len, job->pipeline.data);
    imgp_redis_args_key(a, redis, "{jobs}:leases");

    if (dead) {
        imgp_redis_args_key(a, redis, "{jobs}:dead");
    }
}


static void
imgp_redis_job_key(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char *id)
{
    char  text[IMGP_ID_LEN + 1];

    imgp_id_text(id, text);
    imgp_redis_args_key(a, redis, "{jobs}:job:%s", text);
}


/* a job that says "running" but is submitted waits, which the script knows */

static void
imgp_redis_job_head(imgp_redis_args_t *a, const imgp_redis_job_t *job,
    const imgp_record_head_t *head)
{
    imgp_redis_args_add(a, job->record.data, job->record.len);
    imgp_redis_args_add_int(a, head->revision);
    imgp_redis_args_add_int(a, imgp_min(head->state, IMGP_JOB_CANCELED));
    imgp_redis_args_add_int(a, head->lost);
}


imgp_int_t
imgp_redis_claim(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const imgp_str_t *pipelines, imgp_uint_t n)
{
    imgp_uint_t  i;

    imgp_redis_args_script(a, redis, IMGP_REDIS_CLAIM, n + 1);
    imgp_redis_args_key(a, redis, "{jobs}:leases");

    for (i = 0; i < n; i++) {
        imgp_redis_args_key(a, redis, "{jobs}:queue:%.*s",
                            (int) pipelines[i].len, pipelines[i].data);
    }

    imgp_redis_args_add(a, redis->node, strlen(redis->node));
    imgp_redis_args_add_int(a, redis->lease);
    imgp_redis_args_key(a, redis, "{jobs}:job:");

    return a->failed ? IMGP_ERROR : IMGP_OK;
}


void
imgp_redis_read(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const u_char id[IMGP_ID_BYTES])
{
    imgp_redis_args_script(a, redis, IMGP_REDIS_READ, 1);
    imgp_redis_job_key(a, redis, id);
    imgp_redis_args_id(a, id);
    imgp_redis_args_key(a, redis, "{jobs}:queue:");
}


void
imgp_redis_reap(imgp_redis_args_t *a, const imgp_redis_t *redis)
{
    imgp_redis_args_script(a, redis, IMGP_REDIS_REAP, 1);
    imgp_redis_args_key(a, redis, "{jobs}:leases");
    imgp_redis_args_key(a, redis, "{jobs}:job:");
    imgp_redis_args_key(a, redis, "{jobs}:queue:");
    imgp_redis_args_key(a, redis, "wake");
    imgp_redis_args_add_int(a, IMGP_REDIS_REAP_MAX);
    imgp_redis_args_add_int(a, redis->lease);
    imgp_redis_args_add_int(a, IMGP_LOST_KILL);
}


void
imgp_redis_beat(imgp_redis_args_t *a, const imgp_redis_t *redis)
{
    imgp_redis_args_script(a, redis, IMGP_REDIS_BEAT, 1);
    imgp_redis_args_key(a, redis, "{jobs}:leases");
    imgp_redis_args_add_int(a, redis->lease);
    imgp_redis_args_key(a, redis, "{jobs}:job:");
}


void
imgp_redis_beat_add(imgp_redis_args_t *a, const u_char id[IMGP_ID_BYTES],
    uint64_t fence)
{
    imgp_redis_args_id(a, id);
    imgp_redis_args_add_int(a, fence);
}


imgp_int_t
imgp_redis_beat_answer(const redisReply *reply, imgp_uint_t n)
{
    int64_t  result;

    if (imgp_redis_int(reply, n, &result) != IMGP_OK || result < 0
        || result > IMGP_REDIS_JOB_UNKNOWN)
    {
        return IMGP_ERROR;
    }

    return result;
}


imgp_int_t
imgp_redis_commit_answer(const redisReply *reply)
{
    int64_t  result;

    if (imgp_redis_int(reply, -1, &result) != IMGP_OK || result < 0
        || result > IMGP_REDIS_JOB_TWIN)
    {
        return IMGP_ERROR;
    }

    return result;
}


imgp_int_t
imgp_redis_submit_answer(const redisReply *reply, imgp_redis_answer_t *answer)
{
    int64_t  result, fence, held;

    memset(answer, 0, sizeof(imgp_redis_answer_t));

    if (imgp_redis_int(reply, 0, &result) != IMGP_OK || result < 0
        || result > IMGP_REDIS_JOB_UNKNOWN)
    {
        return IMGP_ERROR;
    }

    answer->result = result;

    if (result == IMGP_REDIS_JOB_NONE || result == IMGP_REDIS_JOB_UNKNOWN) {
        return IMGP_OK;
    }

    if (result == IMGP_REDIS_JOB_KNOWN) {
        return imgp_redis_job_record(reply, 1, answer);
    }

    if (result == IMGP_REDIS_JOB_TWIN) {
        return imgp_redis_job_twin(reply, answer);
    }

    if (imgp_redis_int(reply, 1, &fence) != IMGP_OK
        || imgp_redis_int(reply, 2, &held) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    answer->fence = fence;
    answer->held = held != 0;

    return result == IMGP_REDIS_JOB_OTHER
           ? imgp_redis_job_record(reply, 3, answer) : IMGP_OK;
}


static imgp_int_t
imgp_redis_job_twin(const redisReply *reply, imgp_redis_answer_t *answer)
{
    imgp_str_t  text, hex;

    if (imgp_redis_str(reply, 1, &text) != IMGP_OK
        || text.len != IMGP_ID_LEN + 1 + IMGP_DIGEST_HEX_LEN)
    {
        return IMGP_ERROR;
    }

    hex.data = text.data + IMGP_ID_LEN + 1;
    hex.len = IMGP_DIGEST_HEX_LEN;

    if (imgp_digest_parse_hex(&hex, answer->body) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_id_parse(text.data, IMGP_ID_LEN, answer->twin);
}


imgp_int_t
imgp_redis_claim_answer(const redisReply *reply, imgp_redis_answer_t *answer)
{
    int64_t  queue, fence, lost;

    memset(answer, 0, sizeof(imgp_redis_answer_t));

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return IMGP_ERROR;
    }

    if (reply->elements == 0) {
        answer->result = IMGP_REDIS_JOB_NONE;
        return IMGP_OK;
    }

    if (imgp_redis_int(reply, 0, &queue) != IMGP_OK
        || imgp_redis_int(reply, 1, &fence) != IMGP_OK
        || imgp_redis_int(reply, 2, &lost) != IMGP_OK
        || queue < 0 || queue > IMGP_REDIS_ARGS_MAX
        || lost < 0 || lost > UINT32_MAX)
    {
        return IMGP_ERROR;
    }

    answer->queue = queue;
    answer->fence = fence;
    answer->lost = lost;
    answer->held = 1;

    return imgp_redis_job_record(reply, 3, answer);
}


imgp_int_t
imgp_redis_read_answer(const redisReply *reply, const imgp_redis_t *redis,
    imgp_redis_answer_t *answer)
{
    int64_t     fence, lost, place;
    imgp_str_t  node;

    memset(answer, 0, sizeof(imgp_redis_answer_t));

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return IMGP_ERROR;
    }

    if (reply->elements == 0) {
        answer->result = IMGP_REDIS_JOB_NONE;
        return IMGP_OK;
    }

    if (imgp_redis_int(reply, 1, &fence) != IMGP_OK
        || imgp_redis_str(reply, 2, &node) != IMGP_OK
        || imgp_redis_int(reply, 3, &lost) != IMGP_OK
        || imgp_redis_int(reply, 4, &place) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    answer->place = place;
    answer->fence = fence;
    answer->lost = lost;
    answer->held = node.len == IMGP_REDIS_NODE_LEN
                   && memcmp(node.data, redis->node, node.len) == 0;

    return imgp_redis_job_record(reply, 0, answer);
}


static imgp_int_t
imgp_redis_job_record(const redisReply *reply, imgp_int_t n,
    imgp_redis_answer_t *answer)
{
    imgp_record_head_t  head;

    if (imgp_redis_str(reply, n, &answer->record) != IMGP_OK
        || answer->record.len > IMGP_RECORD_MAX
        || imgp_record_head(answer->record.data, answer->record.len, &head)
           != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    answer->state = head.state;

    return IMGP_OK;
}
