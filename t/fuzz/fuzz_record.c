
/*
 * Fuzz target: job records.  A fuzzer does not guess a CRC, so the input is
 * decoded as it is, and again with magic, version, length and CRC made right.
 * What decodes must encode to the very same bytes, and must be fit for what
 * all the rest does with a job.
 */


#include <stdlib.h>
#include <imgp/imgp_codec.h>
#include <imgp/imgp_doc.h>
#include <imgp/imgp_record.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define HEAD_LEN   12                 /* magic, version, length */
#define PLAIN_MAX  (64 * 1024)        /* memory that does not depend on len */
#define FACTOR     8                  /* and what does */


/* counts what is allocated */

static void *
counted_alloc(void *data, size_t size)
{
    *(size_t *) data += size;

    return malloc(size);
}


static void
counted_free(void *data, void *p)
{
    free(p);
}


/* any job that decodes has a document */

static void
document(const imgp_job_t *job)
{
    char            *text;
    size_t           len;
    imgp_doc_ctx_t   ctx;

    memset(&ctx, 0, sizeof(ctx));
    imgp_str_set(&ctx.prefix, "/p/");
    ctx.position = -1;

    text = imgp_doc_job(job, &ctx, &len);

    if (text == NULL || len != strlen(text)) {
        abort();
    }

    free(text);
}


static void
decode(const uint8_t *data, size_t size)
{
    size_t               used;
    u_char              *again;
    imgp_job_t          *job;
    imgp_record_head_t   head;
    imgp_alloc_t         alloc = { counted_alloc, counted_free, &used };

    used = 0;
    job = imgp_record_decode(data, size, &alloc);

    if (used > PLAIN_MAX + FACTOR * size) {
        abort();
    }

    if (job == NULL) {
        return;
    }

    if (imgp_record_head(data, size, &head) != IMGP_OK
        || imgp_record_size(job) != size)
    {
        abort();
    }

    again = malloc(size);

    if (again != NULL) {
        if (imgp_record_encode(job, again, size) != (ssize_t) size
            || memcmp(again, data, size) != 0)
        {
            abort();
        }

        free(again);
    }

    document(job);

    imgp_job_account(job, UINT64_MAX / 2);
    (void) imgp_job_reset(job, IMGP_JOB_REQUEUE, UINT64_MAX / 2);
    (void) imgp_job_event(job, IMGP_JOB_CANCEL, 1);

    imgp_job_destroy(job);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char            *copy;
    imgp_codec_out_t   w = { NULL, 0, 0, 0 };

    decode(data, size);

    if (size < HEAD_LEN + 4) {
        return 0;
    }

    copy = malloc(size);
    if (copy == NULL) {
        return 0;
    }

    memcpy(copy, data, size);

    w.start = copy;
    w.size = size;
    imgp_codec_put(&w, "IMGJ", 4);
    imgp_codec_put_u32(&w, IMGP_RECORD_VERSION);
    imgp_codec_put_u32(&w, (uint32_t) size);
    w.len = size - 4;
    imgp_codec_put_crc(&w);

    decode(copy, size);
    free(copy);

    return 0;
}
