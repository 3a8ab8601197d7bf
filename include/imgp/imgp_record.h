
/*
 * A job as bytes: the same record lies in the shared zone, in the journal on
 * disk and, later, in Redis.  Little-endian, versioned, ends with a CRC-32 so
 * that a half-written one is never taken for whole.  Decoding trusts nothing.
 */


#ifndef _IMGP_RECORD_H_INCLUDED_
#define _IMGP_RECORD_H_INCLUDED_


#include <imgp/imgp_job.h>


#define IMGP_RECORD_MAX      (256 * 1024)
#define IMGP_RECORD_VERSION  1


/* what tables need to know without decoding the rest; at fixed places */

typedef struct {
    u_char             id[IMGP_ID_BYTES];
    u_char             owner[IMGP_OWNER_LEN];
    uint32_t           state;
    uint32_t           priority;      /* imgp_priority_e */
    uint32_t           revision;
    uint32_t           lost;
    imgp_msec_t        queued_at;
    imgp_msec_t        expires_at;
} imgp_record_head_t;


/* bytes needed for this job; and the encoding: bytes written, or IMGP_ERROR
   when "size" is too small, a limit is exceeded, or the job holds what could
   not be decoded again */

size_t imgp_record_size(const imgp_job_t *job);
ssize_t imgp_record_encode(const imgp_job_t *job, u_char *buf, size_t size);

/* the version of a whole record of any version; 0: spoilt */

uint32_t imgp_record_version(const u_char *p, size_t len);

/* IMGP_OK, or IMGP_DECLINED: spoilt, or of another version */

imgp_int_t imgp_record_head(const u_char *p, size_t len,
    imgp_record_head_t *head);

/* a new job with its own pool; NULL: spoilt, or memory is out */

imgp_job_t *imgp_record_decode(const u_char *p, size_t len,
    const imgp_alloc_t *alloc);


#endif /* _IMGP_RECORD_H_INCLUDED_ */
