
/*
 * Notices: what is still to be told about ended jobs, one file for each job,
 * end and receiver.  They lie in notify/ until the receiver has taken them,
 * then they are gone, or in dead/ when all attempts are used up.
 *
 * A file's mtime is when its next attempt is due: so a scan looks at names and
 * times alone.  All calls may block and are for threads; one process at a time
 * scans and takes, and knows what it has taken; any may put.
 */


#ifndef _IMGP_NOTICE_H_INCLUDED_
#define _IMGP_NOTICE_H_INCLUDED_


#include <imgp/imgp_store.h>


#define IMGP_NOTICE_MAX       (64 * 1024)   /* bytes of a file */
#define IMGP_NOTICE_NAME_LEN  128           /* of its name, with a NUL */
#define IMGP_NOTICE_LIST      32            /* found by one scan, of a list */
#define IMGP_NOTICE_REASON    256


typedef struct {
    u_char             id[IMGP_ID_BYTES];
    uint32_t           revision;      /* of the document that ended the job */
    uint32_t           target;        /* "notify" of the pipeline, from 0 */
    imgp_str_t         pipeline;
    uint32_t           attempts;
    imgp_msec_t        since;         /* when the job ended */
    imgp_msec_t        expires;       /* till then the journal knows it */
    imgp_str_t         reason;        /* why the last attempt failed */
    imgp_str_t         body;          /* what the receiver gets */
} imgp_notice_t;


typedef struct {
    imgp_msec_t        due;
    char               name[IMGP_NOTICE_NAME_LEN];
} imgp_notice_due_t;


/* of one receiver: those that are due, oldest first */

typedef struct {
    imgp_str_t         pipeline;
    uint32_t           target;
    imgp_uint_t        max;           /* wanted, up to IMGP_NOTICE_LIST */
    imgp_uint_t        n;
    imgp_notice_due_t  due[IMGP_NOTICE_LIST];
} imgp_notice_list_t;


typedef struct {
    imgp_uint_t        pending;
    imgp_msec_t        next;          /* due after "now"; 0: none */
} imgp_notice_scan_t;


/* due at once, or later; what is there of the same name is replaced */

imgp_int_t imgp_notice_put(const imgp_store_t *store,
    const imgp_notice_t *notice, imgp_msec_t due, imgp_store_error_t *err);

/* fills "n" and "due" of the lists; notices of other receivers stay */

imgp_int_t imgp_notice_scan(const imgp_store_t *store,
    imgp_notice_list_t *lists, imgp_uint_t nlists, imgp_msec_t now,
    imgp_notice_scan_t *scan, imgp_store_error_t *err);

/*
 * Reads a notice for an attempt.  DECLINED: it is not to be sent, or not yet:
 * it is not due any more, or its job runs (again), or has come to a later end,
 * which has a notice of its own; or it is spoilt, and is gone now.
 */

imgp_int_t imgp_notice_take(const imgp_store_t *store, const char *name,
    imgp_msec_t now, imgp_pool_t *pool, imgp_notice_t *notice,
    imgp_store_error_t *err);

/* it was delivered; or nobody will take it any more */

imgp_int_t imgp_notice_done(const imgp_store_t *store, const char *name,
    imgp_store_error_t *err);
imgp_int_t imgp_notice_bury(const imgp_store_t *store,
    const imgp_notice_t *notice, imgp_store_error_t *err);

/* how many lie in dead/ */

imgp_uint_t imgp_notice_dead(const imgp_store_t *store);


#endif /* _IMGP_NOTICE_H_INCLUDED_ */
